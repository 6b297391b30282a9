// The server's half of offer/answer (RFC 3264): which audio stream of an offer becomes a leg, under which
// terms, and the answer that says so.
//
//   parse(text) -> accept_offer(offer) -> (make keys, find a place) -> write_answer(offer, leg, local)
//
// One audio stream is taken, the first that can be; every other stream is refused with port 0. An encrypted
// leg is DTLS-SRTP with ICE and rtcp-mux (RFC 5763, 8839, 5761), a plain one is RTP/AVP or RTP/AVPF.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "transport/base/address.hpp"
#include "transport/base/media_packet.hpp"
#include "transport/base/result.hpp"
#include "transport/sdp/session_description.hpp"

namespace parley::sdp {

inline constexpr std::string_view kAudioLevelUri = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";  // RFC 6464
inline constexpr std::string_view kMixerLevelUri = "urn:ietf:params:rtp-hdrext:csrc-audio-level";  // RFC 6465

// What the peer's fmtp line asks of the stream we send to it (RFC 7587 section 6.1).
struct OpusParameters {
  std::optional<std::uint32_t> max_bitrate;  // maxaveragebitrate, 6000 to 510000 bit/s
  bool use_fec = false;                      // useinbandfec=1
  bool use_dtx = true;                       // false only when usedtx=0 is written out
  bool stereo = false;                       // stereo=1: it would rather have two channels
  bool cbr = false;
  std::optional<unsigned> minptime_ms;
  friend bool operator==(const OpusParameters&, const OpusParameters&) = default;
};

struct NegotiatedLeg {
  std::size_t media_index = 0;  // of the m= line in the offer
  bool encrypted = false;

  Codec codec = Codec::opus;
  std::uint8_t payload_type = 0;                  // the same in both directions
  OpusParameters opus;                            // codec == opus
  std::optional<unsigned> ptime_ms, maxptime_ms;  // of what the peer wants to receive

  // As this end sees it, so that accept_offer() of a `sendonly` offer gives `recvonly`: sends(direction) says
  // whether we may send.
  Direction direction = Direction::sendrecv;

  std::uint8_t audio_level_id = 0;  // RFC 6464 from the client to the server; 0: not negotiated
  std::uint8_t mixer_level_id = 0;  // RFC 6465 from the server to the client; 0: not negotiated

  // Encrypted.
  std::string remote_ufrag, remote_pwd, remote_fingerprint;
  Setup setup = Setup::passive;  // ours: the server is passive, the client active
  bool remote_ice_lite = false;
  std::vector<Candidate> candidates;  // the peer's; may be empty (a lite agent learns it from the checks)

  // Plain.
  std::optional<Address> remote;             // where the peer takes media; always set
  std::optional<std::uint32_t> remote_ssrc;  // of the peer's first a=ssrc
  bool rtcp_mux = false;  // false: the peer has RTCP on the port above (always true if encrypted)
};

// This end, as its answer or offer describes it.
struct LocalEndpoint {
  // Encrypted.
  std::string ufrag, pwd;
  std::string fingerprint;          // "sha-256 AB:CD:..."
  std::vector<Address> candidates;  // host candidates, the preferred one first
  // Plain: where we take media. Its address also stands in the c= and o= lines.
  Address plain_rtp;

  std::uint32_t ssrc = 0;  // written for plain legs only: encrypted peers take any, and would hold us to it
  std::string cname;
  bool ask_for_dtx = true;  // usedtx=1 (Opus): the peer sends nothing while it is silent
};

// Errors: kMalformed, or kNotAcceptable with a sentence that says what is missing.
Result<NegotiatedLeg> accept_offer(const SessionDescription& offer);

// `leg` is what accept_offer() made of this offer; its direction may have been narrowed since.
std::string write_answer(const SessionDescription& offer, const NegotiatedLeg& leg,
                         const LocalEndpoint& local);

}  // namespace parley::sdp
