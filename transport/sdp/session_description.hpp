// A session description (RFC 8866) as far as Parley uses it: a value that parse() makes from text and
// to_string() writes back. Attributes that mean nothing to us are dropped, as section 5.13 asks for; anything
// malformed in what we do use is an error that names its line.
//
// Pure; hostile input is normal. A text beyond the limits below is refused before it costs anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/address.hpp"
#include "transport/base/result.hpp"

namespace parley::sdp {

inline constexpr std::size_t kMaxBytes = 64 * 1024;
inline constexpr std::size_t kMaxLines = 1000;
inline constexpr std::size_t kMaxLineBytes = 4 * 1024;
inline constexpr std::size_t kMaxMedia = 16;

// Error::code of everything in this folder.
inline constexpr int kMalformed = 400;
inline constexpr int kNotAcceptable = 406;

// RFC 3264 section 5.1, seen from whoever wrote the description.
enum class Direction : std::uint8_t { sendrecv, sendonly, recvonly, inactive };
std::string_view to_string(Direction direction);
Direction reversed(Direction direction);  // the same stream seen from the other end
constexpr bool sends(Direction direction) {
  return direction == Direction::sendrecv || direction == Direction::sendonly;
}
constexpr bool receives(Direction direction) {
  return direction == Direction::sendrecv || direction == Direction::recvonly;
}
constexpr Direction make_direction(bool sends, bool receives) {
  if (sends) return receives ? Direction::sendrecv : Direction::sendonly;
  return receives ? Direction::recvonly : Direction::inactive;
}

// RFC 4145 section 4, used for DTLS by RFC 5763 and RFC 8842.
enum class Setup : std::uint8_t { actpass, active, passive, holdconn };
std::string_view to_string(Setup setup);

struct RtpMap {  // a=rtpmap
  std::uint8_t payload_type = 0;
  std::string encoding;  // as written; names compare without case
  std::uint32_t clock_rate = 0;
  unsigned channels = 1;
  friend bool operator==(const RtpMap&, const RtpMap&) = default;
};

struct Fmtp {  // a=fmtp
  std::uint8_t payload_type = 0;
  std::string parameters;
  friend bool operator==(const Fmtp&, const Fmtp&) = default;
};

struct ExtMap {  // a=extmap, RFC 8285 section 8
  unsigned id = 0;
  Direction direction = Direction::sendrecv;
  std::string uri;
  friend bool operator==(const ExtMap&, const ExtMap&) = default;
};

struct SourceAttribute {  // a=ssrc, RFC 5576 section 4.1
  std::uint32_t ssrc = 0;
  std::string name;
  std::string value;
  friend bool operator==(const SourceAttribute&, const SourceAttribute&) = default;
};

// a=candidate, RFC 8839 section 5.1: UDP candidates of component 1 with a literal address. Others (TCP,
// RTCP's own component, mDNS names) are checked for form and dropped: we would never use them.
struct Candidate {
  std::string foundation = "1";
  std::uint32_t priority = 0;
  Address address;
  std::string type = "host";
  friend bool operator==(const Candidate&, const Candidate&) = default;
};

// "a=candidate:1 1 udp ..." with its line end.
std::string candidate_line(const Candidate& candidate);

// What may stand at the session or at the media level and describes the transport.
struct TransportAttributes {
  std::string ice_ufrag, ice_pwd;  // RFC 8839 section 5.4; lengths and alphabet are checked
  std::string fingerprint;         // "sha-256 AB:CD:...", the strongest offered (RFC 8122 section 5)
  std::optional<Setup> setup;
  friend bool operator==(const TransportAttributes&, const TransportAttributes&) = default;
};

struct Media {
  std::string kind;  // "audio", "video", "application", ...
  std::uint16_t port = 0;
  std::string protocol;              // "UDP/TLS/RTP/SAVPF"
  std::vector<std::string> formats;  // of RTP protocols: payload types, in order of preference
  std::string connection;            // the address of the c= line, empty when the session's counts
  TransportAttributes transport;
  std::string mid;
  std::string msid;
  std::optional<Direction> direction;  // none: the session's
  bool rtcp_mux = false;
  bool bundle_only = false;
  bool end_of_candidates = false;
  std::optional<unsigned> ptime_ms, maxptime_ms;  // 1 to 1000
  std::vector<RtpMap> rtpmaps;
  std::vector<Fmtp> fmtps;
  std::vector<ExtMap> extmaps;
  std::vector<SourceAttribute> sources;
  std::vector<Candidate> candidates;

  const RtpMap* rtpmap(std::uint8_t payload_type) const;
  std::string_view fmtp(std::uint8_t payload_type) const;  // empty when there is none
  friend bool operator==(const Media&, const Media&) = default;
};

struct SessionDescription {
  std::string origin = "- 0 0 IN IP4 0.0.0.0";  // what follows o=
  std::string name = "-";
  std::string connection;
  bool ice_lite = false;
  std::vector<std::string> bundle;  // mids of a=group:BUNDLE (RFC 8843), the first group only
  TransportAttributes transport;
  std::optional<Direction> direction;
  std::vector<ExtMap> extmaps;
  std::vector<Media> media;

  friend bool operator==(const SessionDescription&, const SessionDescription&) = default;
};

// Error: code kMalformed, "line 12: ...". Line ends may be CRLF or LF.
Result<SessionDescription> parse(std::string_view text);
std::string to_string(const SessionDescription& description);  // CRLF line ends

}  // namespace parley::sdp
