#include "transport/sdp/attributes.hpp"

#include <algorithm>
#include <array>

#include "transport/sdp/scan.hpp"

namespace parley::sdp {

namespace {

// Where an attribute was found. Those of the transport may stand at either level.
struct Site {
  SessionDescription& session;
  Media* media;
  TransportAttributes& transport() const { return media != nullptr ? media->transport : session.transport; }
};

// A second value for what can only have one is an error, a repetition is not.
template <typename T>
bool set_once(T& field, T value) {
  if (field != T{} && field != value) return false;
  field = std::move(value);
  return true;
}

bool take_rtpmap(const Site& site, std::string_view value) {
  Fields fields(value);
  const auto payload_type = number<std::uint8_t>(fields.next(), 0, 127);
  std::string_view mapping = fields.next();
  const auto encoding = cut(mapping, '/');
  const auto clock_rate = number<std::uint32_t>(cut(mapping, '/'), 1, 0xffffffffU);
  const auto channels = mapping.empty() ? 1U : number<unsigned>(mapping, 1, 255);
  if (!payload_type || !is_token(encoding) || !clock_rate || !channels) return false;
  if (site.media->rtpmap(*payload_type) != nullptr) return false;
  site.media->rtpmaps.push_back({*payload_type, std::string(encoding), *clock_rate, *channels});
  return true;
}

bool take_fmtp(const Site& site, std::string_view value) {
  Fields fields(value);
  const auto payload_type = number<std::uint8_t>(fields.next(), 0, 127);
  if (!payload_type) return false;
  site.media->fmtps.push_back({*payload_type, std::string(fields.rest())});
  return true;
}

std::optional<Direction> direction_of(std::string_view word) {
  for (const auto direction :
       {Direction::sendrecv, Direction::sendonly, Direction::recvonly, Direction::inactive})
    if (word == to_string(direction)) return direction;
  return std::nullopt;
}

bool take_extmap(const Site& site, std::string_view value) {
  Fields fields(value);
  std::string_view id_field = fields.next();
  const bool has_direction = id_field.find('/') != std::string_view::npos;
  const auto id = number<unsigned>(cut(id_field, '/'), 1, 4351);  // 4096 and more: RFC 8285 section 6
  const auto direction = has_direction ? direction_of(id_field) : Direction::sendrecv;
  const auto uri = fields.next();
  if (!id || !direction || uri.empty()) return false;
  auto& extmaps = site.media != nullptr ? site.media->extmaps : site.session.extmaps;
  extmaps.push_back({*id, *direction, std::string(uri)});
  return true;
}

bool take_ssrc(const Site& site, std::string_view value) {
  Fields fields(value);
  const auto ssrc = number<std::uint32_t>(fields.next(), 0, 0xffffffffU);
  std::string_view rest = fields.rest();
  const auto name = cut(rest, ':');
  if (!ssrc || !is_token(name)) return false;
  site.media->sources.push_back({*ssrc, std::string(name), std::string(rest)});
  return true;
}

bool take_candidate(const Site& site, std::string_view value) {
  Fields fields(value);
  const auto foundation = fields.next();
  const auto component = number<unsigned>(fields.next(), 1, 256);
  const auto transport = fields.next();
  const auto priority = number<std::uint32_t>(fields.next(), 0, 0xffffffffU);
  const auto address = fields.next();
  const auto port = number<std::uint16_t>(fields.next(), 0, 65535);
  const bool typ = fields.next() == "typ";
  const auto type = fields.next();
  if (!consists_of(foundation, 1, 32, is_ice_char) || !component || !is_token(transport) || !priority ||
      address.empty() || !port || !typ || !is_token(type))
    return false;
  const auto ip = IpAddress::parse(address);
  const bool ours = ip && *component == 1 && same_word(transport, "udp") && *port != 0;
  if (ours && site.media->candidates.size() < kMaxCandidates) {
    site.media->candidates.push_back(
        {std::string(foundation), *priority, Address{*ip, *port}, std::string(type)});
  }
  return true;
}

// The strength of a hash function we take (RFC 8122 section 5), 0 for the others; and its length in bytes.
struct Hash {
  std::string_view name;
  std::size_t bytes;
};
constexpr std::array<Hash, 3> kHashes = {{{"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}}};

std::size_t hash_bytes(std::string_view name) {
  const auto* found =
      std::find_if(kHashes.begin(), kHashes.end(), [&](const Hash& h) { return h.name == name; });
  return found == kHashes.end() ? 0 : found->bytes;
}

bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'A' && c <= 'F');
}

// "AB:CD:...:EF" in upper case; returns the number of bytes, 0 for another form.
std::size_t hex_bytes(std::string_view text) {
  if (text.size() % 3 != 2) return 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (i % 3 == 2 ? text[i] != ':' : !is_hex_digit(text[i])) return 0;
  return (text.size() + 1) / 3;
}

bool take_fingerprint(const Site& site, std::string_view value) {
  Fields fields(value);
  std::string hash(fields.next());
  std::string digest(fields.next());
  std::transform(hash.begin(), hash.end(), hash.begin(), to_lower);
  std::transform(digest.begin(), digest.end(), digest.begin(), to_upper);
  const auto bytes = hex_bytes(digest);
  if (!is_token(hash) || bytes == 0 || !fields.done()) return false;
  const auto expected = hash_bytes(hash);
  if (expected == 0) return true;  // well-formed, but not fit to identify anyone (sha-1, md5)
  if (bytes != expected) return false;
  auto& kept = site.transport().fingerprint;
  std::string_view kept_text = kept;
  if (expected > hash_bytes(cut(kept_text, ' '))) kept = hash + ' ' + digest;
  return true;
}

bool take_ufrag(const Site& site, std::string_view value) {
  return is_ufrag(value) && set_once(site.transport().ice_ufrag, std::string(value));
}
bool take_pwd(const Site& site, std::string_view value) {
  return is_ice_pwd(value) && set_once(site.transport().ice_pwd, std::string(value));
}

bool take_setup(const Site& site, std::string_view value) {
  for (const auto setup : {Setup::actpass, Setup::active, Setup::passive, Setup::holdconn})
    if (value == to_string(setup)) return set_once(site.transport().setup, std::optional(setup));
  return false;
}

bool take_direction(const Site& site, Direction direction) {
  return set_once(site.media != nullptr ? site.media->direction : site.session.direction,
                  std::optional(direction));
}
template <Direction direction>
bool take_direction(const Site& site, std::string_view value) {
  return value.empty() && take_direction(site, direction);
}

bool take_mid(const Site& site, std::string_view value) {
  return is_token(value) && set_once(site.media->mid, std::string(value));
}

bool take_msid(const Site& site, std::string_view value) {
  if (site.media->msid.empty()) site.media->msid = value;  // one per stream of a track; the first is enough
  return !value.empty();
}

// Milliseconds, perhaps with a fraction (RFC 8866 section 6.4), which is cut off.
std::optional<unsigned> packet_time(std::string_view value) {
  const auto whole = cut(value, '.');
  if (!consists_of(value, 0, 6, is_digit)) return std::nullopt;
  return number<unsigned>(whole, 1, 1000);
}
bool take_ptime(const Site& site, std::string_view value) {
  const auto time = packet_time(value);
  return time && set_once(site.media->ptime_ms, time);
}
bool take_maxptime(const Site& site, std::string_view value) {
  const auto time = packet_time(value);
  return time && set_once(site.media->maxptime_ms, time);
}

bool take_group(const Site& site, std::string_view value) {
  Fields fields(value);
  if (fields.next() != "BUNDLE" || !site.session.bundle.empty()) return true;
  while (!fields.done()) {
    const auto mid = fields.next();
    if (!is_token(mid)) return false;
    site.session.bundle.emplace_back(mid);
  }
  return true;
}

template <bool Media::*flag>
bool take_flag(const Site& site, std::string_view value) {
  site.media->*flag = true;
  return value.empty();
}

bool take_ice_lite(const Site& site, std::string_view value) {
  site.session.ice_lite = true;
  return value.empty();
}

enum Level : unsigned { kSession = 1, kMedia = 2, kRtp = 4 };  // kRtp: only under an m= line of RTP

struct Rule {
  std::string_view name;
  unsigned levels;
  bool (*take)(const Site&, std::string_view);
  std::string_view expected;
};

constexpr std::array<Rule, 22> kRules = {{
    {"rtpmap", kRtp, take_rtpmap,
     "\"<payload type> <encoding>/<clock rate>[/<channels>]\", once per payload type"},
    {"fmtp", kRtp, take_fmtp, "\"<payload type> <parameters>\""},
    {"extmap", kSession | kRtp, take_extmap, "\"<1-4351>[/<direction>] <URI>\""},
    {"ssrc", kRtp, take_ssrc, "\"<ssrc> <attribute>[:<value>]\""},
    {"candidate", kMedia | kRtp, take_candidate,
     "\"<foundation> <component> <transport> <priority> <address> <port> typ <type>\""},
    {"fingerprint", kSession | kMedia | kRtp, take_fingerprint,
     "\"<hash function> <hex bytes parted by colons>\" of that hash's length"},
    {"ice-ufrag", kSession | kMedia | kRtp, take_ufrag, "4 to 256 of [A-Za-z0-9+/], once"},
    {"ice-pwd", kSession | kMedia | kRtp, take_pwd, "22 to 256 of [A-Za-z0-9+/], once"},
    {"setup", kSession | kMedia | kRtp, take_setup, "actpass, active, passive or holdconn, once"},
    {"sendrecv", kSession | kMedia | kRtp, take_direction<Direction::sendrecv>,
     "one direction without a value"},
    {"sendonly", kSession | kMedia | kRtp, take_direction<Direction::sendonly>,
     "one direction without a value"},
    {"recvonly", kSession | kMedia | kRtp, take_direction<Direction::recvonly>,
     "one direction without a value"},
    {"inactive", kSession | kMedia | kRtp, take_direction<Direction::inactive>,
     "one direction without a value"},
    {"mid", kMedia | kRtp, take_mid, "a token of at most 64 characters, once"},
    {"msid", kMedia | kRtp, take_msid, "\"<stream> [<track>]\""},
    {"ptime", kRtp, take_ptime, "milliseconds from 1 to 1000, once"},
    {"maxptime", kRtp, take_maxptime, "milliseconds from 1 to 1000, once"},
    {"group", kSession, take_group, "\"<semantics> <mid> ...\""},
    {"rtcp-mux", kRtp, take_flag<&Media::rtcp_mux>, "no value"},
    {"bundle-only", kMedia | kRtp, take_flag<&Media::bundle_only>, "no value"},
    {"end-of-candidates", kMedia | kRtp, take_flag<&Media::end_of_candidates>, "no value"},
    {"ice-lite", kSession, take_ice_lite, "no value"},
}};

}  // namespace

bool is_rtp(const Media& media) {
  return media.protocol.find("RTP/") != std::string::npos;
}

std::string take_attribute(SessionDescription& session, Media* media, std::string_view attribute) {
  std::string_view value = attribute;
  const auto name = cut(value, ':');
  const unsigned level = media == nullptr ? kSession : (is_rtp(*media) ? kRtp : kMedia);
  const auto* rule =
      std::find_if(kRules.begin(), kRules.end(), [&](const Rule& r) { return r.name == name; });
  if (rule == kRules.end() || (rule->levels & level) == 0) return {};
  if (rule->take(Site{session, media}, value)) return {};
  return "a=" + std::string(name) + ": expected " + std::string(rule->expected);
}

std::string take_media_line(Media& media, std::string_view line) {
  constexpr std::string_view kExpected = "m=: expected \"<media> <port> <protocol> <format> ...\"";
  Fields fields(line);
  const auto kind = fields.next();
  std::string_view port_field = fields.next();
  const bool many = port_field.find('/') != std::string_view::npos;
  const auto port = number<std::uint16_t>(cut(port_field, '/'), 0, 65535);
  const auto protocol = fields.next();
  const bool protocol_fits =
      consists_of(protocol, 1, 64, [](char c) { return is_token_char(c) || c == '/'; });
  if (!is_token(kind) || !port || (many && !number<std::uint16_t>(port_field, 1, 65535)) || !protocol_fits)
    return std::string(kExpected);
  media.kind = kind;
  media.port = *port;
  media.protocol = protocol;
  while (!fields.done()) {
    const auto format = fields.next();
    if (is_rtp(media) ? !number<std::uint8_t>(format, 0, 127) : !is_token(format))
      return is_rtp(media) ? "m=: expected payload types from 0 to 127" : std::string(kExpected);
    media.formats.emplace_back(format);
  }
  return media.formats.empty() ? std::string(kExpected) : std::string();
}

}  // namespace parley::sdp
