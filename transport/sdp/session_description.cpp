#include "transport/sdp/session_description.hpp"

namespace parley::sdp {

namespace {

class Writer {
 public:
  template <typename... Parts>
  void line(const Parts&... parts) {
    (append(parts), ...);
    out_ += "\r\n";
  }
  // Writes nothing for an empty value.
  void optional(std::string_view prefix, std::string_view value) {
    if (!value.empty()) line(prefix, value);
  }
  void text(std::string_view lines) { out_ += lines; }
  std::string take() { return std::move(out_); }

 private:
  void append(std::string_view text) { out_ += text; }
  void append(std::uint64_t number) { out_ += std::to_string(number); }

  std::string out_;
};

void write_connection(Writer& out, const std::string& address) {
  if (address.empty()) return;
  out.line("c=IN ", address.find(':') == std::string::npos ? "IP4 " : "IP6 ", address);
}

void write_transport(Writer& out, const TransportAttributes& transport) {
  out.optional("a=ice-ufrag:", transport.ice_ufrag);
  out.optional("a=ice-pwd:", transport.ice_pwd);
  out.optional("a=fingerprint:", transport.fingerprint);
  if (transport.setup) out.line("a=setup:", to_string(*transport.setup));
}

void write_extmaps(Writer& out, const std::vector<ExtMap>& extmaps) {
  for (const auto& e : extmaps) {
    if (e.direction == Direction::sendrecv) {
      out.line("a=extmap:", e.id, " ", e.uri);
    } else {
      out.line("a=extmap:", e.id, "/", to_string(e.direction), " ", e.uri);
    }
  }
}

void write_formats(Writer& out, const Media& media) {
  for (const auto& map : media.rtpmaps) {
    const auto start =
        std::to_string(map.payload_type) + " " + map.encoding + "/" + std::to_string(map.clock_rate);
    if (map.channels == 1) {
      out.line("a=rtpmap:", start);
    } else {
      out.line("a=rtpmap:", start, "/", map.channels);
    }
  }
  for (const auto& f : media.fmtps) out.line("a=fmtp:", f.payload_type, " ", f.parameters);
  if (media.ptime_ms) out.line("a=ptime:", *media.ptime_ms);
  if (media.maxptime_ms) out.line("a=maxptime:", *media.maxptime_ms);
}

void write_media(Writer& out, const Media& media) {
  std::string formats;
  for (const auto& format : media.formats) formats += " " + format;
  out.line("m=", media.kind, " ", media.port, " ", media.protocol, formats);
  write_connection(out, media.connection);
  if (media.bundle_only) out.line("a=bundle-only");
  if (media.rtcp_mux) out.line("a=rtcp-mux");
  write_transport(out, media.transport);
  out.optional("a=mid:", media.mid);
  write_extmaps(out, media.extmaps);
  if (media.direction) out.line("a=", to_string(*media.direction));
  out.optional("a=msid:", media.msid);
  write_formats(out, media);
  for (const auto& s : media.sources)
    out.line("a=ssrc:", s.ssrc, " ", s.name, s.value.empty() ? "" : ":", s.value);
  for (const auto& c : media.candidates) out.text(candidate_line(c));
  if (media.end_of_candidates) out.line("a=end-of-candidates");
}

}  // namespace

std::string_view to_string(Direction direction) {
  switch (direction) {
    case Direction::sendrecv:
      return "sendrecv";
    case Direction::sendonly:
      return "sendonly";
    case Direction::recvonly:
      return "recvonly";
    case Direction::inactive:
      break;
  }
  return "inactive";
}

Direction reversed(Direction direction) {
  return make_direction(receives(direction), sends(direction));
}

std::string_view to_string(Setup setup) {
  switch (setup) {
    case Setup::actpass:
      return "actpass";
    case Setup::active:
      return "active";
    case Setup::passive:
      return "passive";
    case Setup::holdconn:
      break;
  }
  return "holdconn";
}

const RtpMap* Media::rtpmap(std::uint8_t payload_type) const {
  for (const auto& map : rtpmaps)
    if (map.payload_type == payload_type) return &map;
  return nullptr;
}

std::string_view Media::fmtp(std::uint8_t payload_type) const {
  for (const auto& f : fmtps)
    if (f.payload_type == payload_type) return f.parameters;
  return {};
}

std::string candidate_line(const Candidate& candidate) {
  Writer out;
  out.line("a=candidate:", candidate.foundation, " 1 udp ", candidate.priority, " ",
           candidate.address.ip.to_string(), " ", candidate.address.port, " typ ", candidate.type);
  return out.take();
}

std::string to_string(const SessionDescription& description) {
  Writer out;
  out.line("v=0");
  out.line("o=", description.origin);
  out.line("s=", description.name);
  write_connection(out, description.connection);
  out.line("t=0 0");
  if (description.ice_lite) out.line("a=ice-lite");
  if (!description.bundle.empty()) {
    std::string mids;
    for (const auto& mid : description.bundle) mids += " " + mid;
    out.line("a=group:BUNDLE", mids);
  }
  write_extmaps(out, description.extmaps);
  if (description.direction) out.line("a=", to_string(*description.direction));
  write_transport(out, description.transport);
  for (const auto& media : description.media) write_media(out, media);
  return out.take();
}

}  // namespace parley::sdp
