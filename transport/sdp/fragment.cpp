#include "transport/sdp/fragment.hpp"

#include "transport/sdp/attributes.hpp"
#include "transport/sdp/scan.hpp"
#include "transport/sdp/terms.hpp"

namespace parley::sdp {

namespace {

Error malformed(std::size_t line, const std::string& what) {
  return Error{"line " + std::to_string(line) + ": " + what, kMalformed};
}

// The lines of a fragment as a description without its session's obligatory lines.
Result<SessionDescription> read_lines(std::string_view text) {
  SessionDescription session;
  std::size_t number = 0;
  if (text.size() > kMaxBytes) return malformed(0, "longer than 64 KiB");
  while (!text.empty()) {
    if (++number > kMaxLines) return malformed(number, "more than 1000 lines");
    auto line = cut(text, '\n');
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    if (line.size() > kMaxLineBytes) return malformed(number, "longer than 4 KiB");
    if (line.find_first_of(std::string_view("\0\r", 2)) != std::string_view::npos)
      return malformed(number, "holds a control character");
    std::string wrong;
    if (line.starts_with("a=")) {
      wrong =
          take_attribute(session, session.media.empty() ? nullptr : &session.media.back(), line.substr(2));
    } else if (line.starts_with("m=")) {
      if (session.media.size() == kMaxMedia) return malformed(number, "more than 16 m= lines");
      wrong = take_media_line(session.media.emplace_back(), line.substr(2));
    } else {
      wrong = "expected an a= or m= line";
    }
    if (!wrong.empty()) return malformed(number, wrong);
  }
  return session;
}

}  // namespace

Result<Fragment> parse_fragment(std::string_view text) {
  auto session = read_lines(text);
  if (!session) return session.error();
  Fragment out;
  if (!session->media.empty()) {
    const Media& first = session->media.front();
    out.mid = first.mid;
    out.media_line = first.kind + " 9 " + first.protocol + " " + first.formats.front();
  }
  TransportAttributes transport = session->transport;
  for (auto& media : session->media) {
    if (transport.ice_ufrag.empty()) transport.ice_ufrag = media.transport.ice_ufrag;
    if (transport.ice_pwd.empty()) transport.ice_pwd = media.transport.ice_pwd;
    for (auto& candidate : media.candidates)
      if (out.candidates.size() < kMaxCandidates) out.candidates.push_back(std::move(candidate));
    out.end_of_candidates = out.end_of_candidates || media.end_of_candidates;
  }
  if (transport.ice_ufrag.empty() != transport.ice_pwd.empty())
    return Error{"a=ice-ufrag and a=ice-pwd come together", kMalformed};
  out.ufrag = std::move(transport.ice_ufrag);
  out.pwd = std::move(transport.ice_pwd);
  return out;
}

std::string write_answer_fragment(const Fragment& request, std::string_view ufrag, std::string_view pwd,
                                  const std::vector<Address>& candidates) {
  std::string out = "a=ice-lite\r\n";
  if (!request.mid.empty()) out += "a=group:BUNDLE " + request.mid + "\r\n";
  out += "m=" + request.media_line + "\r\n";
  if (!request.mid.empty()) out += "a=mid:" + request.mid + "\r\n";
  out += "a=ice-ufrag:" + std::string(ufrag) + "\r\na=ice-pwd:" + std::string(pwd) + "\r\n";
  for (const auto& candidate : host_candidates(candidates)) out += candidate_line(candidate);
  return out + "a=end-of-candidates\r\n";
}

}  // namespace parley::sdp
