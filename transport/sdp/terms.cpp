#include "transport/sdp/terms.hpp"

#include <array>

#include "transport/sdp/scan.hpp"

namespace parley::sdp {

namespace {

std::optional<Codec> codec_of(const RtpMap& map) {
  const auto is = [&](std::string_view name, std::uint32_t clock_rate, unsigned channels) {
    return same_word(map.encoding, name) && map.clock_rate == clock_rate && map.channels == channels;
  };
  if (is("opus", 48'000, 2)) return Codec::opus;  // always "/2", RFC 7587 section 7
  if (is("PCMU", 8'000, 1)) return Codec::pcmu;
  if (is("PCMA", 8'000, 1)) return Codec::pcma;
  return std::nullopt;
}

std::optional<Codec> codec_of(const Media& media, std::uint8_t payload_type) {
  if (const auto* map = media.rtpmap(payload_type)) return codec_of(*map);
  if (payload_type == 0) return Codec::pcmu;  // RFC 3551 table 4
  if (payload_type == 8) return Codec::pcma;
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

const TransportAttributes* bundle_transport(const SessionDescription& description, const Media& media) {
  if (description.bundle.empty() || media.mid.empty()) return nullptr;
  bool member = false;
  for (const auto& mid : description.bundle) member = member || mid == media.mid;
  if (!member) return nullptr;
  for (const auto& other : description.media)
    if (other.mid == description.bundle.front()) return &other.transport;
  return nullptr;
}

}  // namespace

Error not_acceptable(std::string what) {
  return Error{std::move(what), kNotAcceptable};
}

std::optional<Format> first_common_format(const Media& media) {
  for (const auto& text : media.formats) {
    const auto payload_type = number<std::uint8_t>(text, 0, 127);
    if (!payload_type) continue;
    // With rtcp-mux these would be taken for RTCP (RFC 5761 section 4).
    if (*payload_type >= 64 && *payload_type <= 95) continue;
    if (const auto codec = codec_of(media, *payload_type)) return Format{*codec, *payload_type};
  }
  return std::nullopt;
}

OpusParameters opus_parameters(std::string_view fmtp) {
  OpusParameters out;
  while (!fmtp.empty()) {
    auto value = trimmed(cut(fmtp, ';'));
    const auto name = trimmed(cut(value, '='));
    value = trimmed(value);
    // A value that cannot be is ignored, as an unknown parameter is.
    if (same_word(name, "maxaveragebitrate")) {
      if (const auto rate = number<std::uint32_t>(value, 6'000, 510'000)) out.max_bitrate = rate;
    } else if (same_word(name, "useinbandfec")) {
      out.use_fec = value == "1";
    } else if (same_word(name, "usedtx")) {
      out.use_dtx = value != "0";
    } else if (same_word(name, "stereo")) {
      out.stereo = value == "1";
    } else if (same_word(name, "cbr")) {
      out.cbr = value == "1";
    } else if (same_word(name, "minptime")) {
      if (const auto time = number<unsigned>(value, 3, 120)) out.minptime_ms = time;
    }
  }
  return out;
}

bool is_encrypted_profile(const Media& media) {
  return media.protocol == "UDP/TLS/RTP/SAVPF" || media.protocol == "UDP/TLS/RTP/SAVP" ||
         media.protocol == "RTP/SAVPF" || media.protocol == "RTP/SAVP";
}

bool is_plain_profile(const Media& media) {
  return media.protocol == "RTP/AVP" || media.protocol == "RTP/AVPF";
}

TransportAttributes transport_of(const SessionDescription& description, const Media& media) {
  TransportAttributes out = media.transport;
  const auto complete = [&out](const TransportAttributes& other) {
    if (out.ice_ufrag.empty() && out.ice_pwd.empty()) {
      out.ice_ufrag = other.ice_ufrag;
      out.ice_pwd = other.ice_pwd;
    }
    if (out.fingerprint.empty()) out.fingerprint = other.fingerprint;
    if (!out.setup) out.setup = other.setup;
  };
  complete(description.transport);
  if (const auto* bundled = bundle_transport(description, media)) complete(*bundled);
  return out;
}

Direction direction_of(const SessionDescription& description, const Media& media) {
  return media.direction.value_or(description.direction.value_or(Direction::sendrecv));
}

std::uint8_t extension_id(const SessionDescription& description, const Media& media, std::string_view uri,
                          bool from_writer) {
  for (const auto* extmaps : {&media.extmaps, &description.extmaps}) {
    for (const auto& e : *extmaps) {
      const bool flows = from_writer ? sends(e.direction) : receives(e.direction);
      // Ids above 14 would need the two-byte form (RFC 8285 section 4.3), which we do not write.
      if (e.uri == uri && flows && e.id <= 14) return static_cast<std::uint8_t>(e.id);
    }
  }
  return 0;
}

void read_terms(const SessionDescription& description, const Media& media, const Format& format,
                NegotiatedLeg& leg) {
  leg.codec = format.codec;
  leg.payload_type = format.payload_type;
  if (format.codec == Codec::opus) leg.opus = opus_parameters(media.fmtp(format.payload_type));
  leg.ptime_ms = media.ptime_ms;
  leg.maxptime_ms = media.maxptime_ms;
  leg.direction = reversed(direction_of(description, media));
}

Status read_encrypted(const SessionDescription& description, const Media& media, NegotiatedLeg& leg) {
  const auto transport = transport_of(description, media);
  if (transport.fingerprint.empty())
    return not_acceptable(
        "no a=fingerprint with sha-256, sha-384 or sha-512: encrypted media needs DTLS-SRTP");
  if (transport.ice_ufrag.empty() || transport.ice_pwd.empty())
    return not_acceptable("no a=ice-ufrag and a=ice-pwd: encrypted media needs ICE");
  if (!media.rtcp_mux) return not_acceptable("no a=rtcp-mux: RTP and RTCP share one port here");
  leg.encrypted = true;
  leg.rtcp_mux = true;
  leg.remote_ufrag = transport.ice_ufrag;
  leg.remote_pwd = transport.ice_pwd;
  leg.remote_fingerprint = transport.fingerprint;
  leg.remote_ice_lite = description.ice_lite;
  leg.candidates = media.candidates;
  return Done{};
}

Status read_plain(const SessionDescription& description, const Media& media, NegotiatedLeg& leg) {
  const auto& connection = media.connection.empty() ? description.connection : media.connection;
  const auto ip = IpAddress::parse(connection);
  constexpr std::uint32_t kBroadcast = 0xffffffff;
  if (!ip || ip->is_unspecified() || ip->is_multicast() || (ip->is_v4() && ip->v4_value() == kBroadcast))
    return not_acceptable("plain RTP needs a c= line with the unicast address of a host, as a number");
  if (media.port == 0) return not_acceptable("plain RTP needs a port to send to");
  leg.encrypted = false;
  leg.rtcp_mux = media.rtcp_mux;
  leg.remote = Address{*ip, media.port};
  if (!media.sources.empty()) leg.remote_ssrc = media.sources.front().ssrc;
  return Done{};
}

void write_codec(Media& media, Codec codec, std::uint8_t payload_type, const std::string& opus_fmtp) {
  media.formats.push_back(std::to_string(payload_type));
  if (codec == Codec::opus) {
    media.rtpmaps.push_back({payload_type, "opus", 48'000, 2});
    media.fmtps.push_back({payload_type, opus_fmtp});
  } else {
    media.rtpmaps.push_back({payload_type, codec == Codec::pcmu ? "PCMU" : "PCMA", 8'000, 1});
  }
}

std::vector<Candidate> host_candidates(const std::vector<Address>& addresses) {
  constexpr std::uint32_t kHostPreference = 126;  // RFC 8445 section 5.1.2
  std::vector<Candidate> out;
  for (std::uint32_t i = 0; i < addresses.size(); ++i) {
    const std::uint32_t local_preference = 65'535 - i;
    out.push_back({std::to_string(i + 1), (kHostPreference << 24) | (local_preference << 8) | 255,
                   addresses[i], "host"});
  }
  return out;
}

void write_encrypted(Media& media, const LocalEndpoint& local, Setup setup) {
  // Port 9 and 0.0.0.0 say "not yet known" (RFC 8840 section 4.1.1).
  media.port = local.candidates.empty() ? 9 : local.candidates.front().port;
  media.connection = local.candidates.empty() ? "0.0.0.0" : local.candidates.front().ip.to_string();
  media.rtcp_mux = true;
  media.transport = {local.ufrag, local.pwd, local.fingerprint, setup};
  media.candidates = host_candidates(local.candidates);
}

void write_plain(Media& media, const LocalEndpoint& local) {
  media.port = local.plain_rtp.port;
  media.connection = local.plain_rtp.ip.to_string();
  media.sources.push_back({local.ssrc, "cname", local.cname});
}

std::string origin_of(const LocalEndpoint& local, const Media& media) {
  const bool v6 = media.connection.find(':') != std::string::npos;
  // The SSRC is as random as the session's number has to be.
  return "- " + std::to_string(local.ssrc) + " 1 IN " + (v6 ? "IP6 " : "IP4 ") + media.connection;
}

}  // namespace parley::sdp
