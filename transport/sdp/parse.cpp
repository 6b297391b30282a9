// parse(): the line types of RFC 8866 section 5, in their order. Attributes are attributes.cpp's.
#include "transport/sdp/attributes.hpp"
#include "transport/sdp/scan.hpp"
#include "transport/sdp/session_description.hpp"

namespace parley::sdp {

namespace {

// Line types of each level in the order in which they must come; those in one string may come any number of
// times and mixed.
constexpr std::string_view kSessionOrder[] = {"v", "o", "s", "i", "u", "ep", "c", "b", "trz", "k", "a"};
constexpr std::string_view kMediaOrder[] = {"m", "i", "c", "b", "k", "a"};

template <std::size_t N>
std::size_t rank_of(const std::string_view (&order)[N], char type) {
  std::size_t rank = 0;
  while (rank < N && order[rank].find(type) == std::string_view::npos) ++rank;
  return rank;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<SessionDescription> run() {
    if (text_.size() > kMaxBytes) return failure("longer than 64 KiB");
    while (!text_.empty()) {
      ++line_;
      if (line_ > kMaxLines) return failure("more than 1000 lines");
      std::string_view line = cut(text_, '\n');
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (line.empty() && only_line_ends_left()) break;
      if (auto wrong = take_line(line); !wrong.empty()) return failure(wrong);
    }
    if (auto wrong = check_whole(); !wrong.empty()) return failure(wrong);
    return std::move(session_);
  }

 private:
  Error failure(const std::string& what) const {
    return Error{"line " + std::to_string(line_) + ": " + what, kMalformed};
  }
  bool only_line_ends_left() const { return text_.find_first_not_of("\r\n") == std::string_view::npos; }
  Media* media() { return session_.media.empty() ? nullptr : &session_.media.back(); }

  std::string take_line(std::string_view line) {
    if (line.size() > kMaxLineBytes) return "longer than 4 KiB";
    for (const char c : line)
      if (c == '\0' || c == '\r') return "holds a control character";
    if (line.size() < 2 || line[1] != '=') return "expected \"<letter>=<value>\"";
    const char type = line[0];
    line.remove_prefix(2);
    if (auto wrong = check_order(type); !wrong.empty()) return wrong;
    switch (type) {
      case 'v':
        return line == "0" ? "" : "v=: expected 0";
      case 'o':
        return take_origin(line);
      case 's':
        session_.name = line;
        return {};
      case 't':
        return take_timing(line);
      case 'c':
        return take_connection(line);
      case 'm':
        return take_media(line);
      case 'a':
        return take_attribute(session_, media(), line);
      default:
        return {};  // known, and of no use to us
    }
  }

  std::string check_order(char type) {
    // Each m= line starts the order of its level anew.
    const bool new_level = type == 'm';
    if (new_level && !has_timing_) return "expected a t= line before the first m= line";
    const bool in_session = session_.media.empty() && !new_level;
    const auto rank = in_session ? rank_of(kSessionOrder, type) : rank_of(kMediaOrder, type);
    if (rank == (in_session ? std::size(kSessionOrder) : std::size(kMediaOrder)))
      return "unknown line type at this place";
    if (line_ <= 3 && rank != line_ - 1) return "expected v=, o= and s= to be the first three lines";
    if (!new_level && rank < rank_) return "out of order (RFC 8866 section 5)";
    if (line_ > 3 && in_session && rank < 3) return "repeated";
    rank_ = rank;
    return {};
  }

  std::string take_origin(std::string_view line) {
    Fields fields(line);
    const auto user = fields.next();
    const auto id = fields.next(), version = fields.next();
    const auto net_type = fields.next(), address_type = fields.next(), address = fields.next();
    const bool ok = !user.empty() && consists_of(id, 1, 32, is_digit) &&
                    consists_of(version, 1, 32, is_digit) && net_type == "IN" &&
                    (address_type == "IP4" || address_type == "IP6") && !address.empty() && fields.done();
    if (!ok) return "o=: expected \"<user> <id> <version> IN IP4|IP6 <address>\"";
    session_.origin = line;
    return {};
  }

  std::string take_timing(std::string_view line) {
    Fields fields(line);
    const auto start = fields.next(), stop = fields.next();
    if (!consists_of(start, 1, 32, is_digit) || !consists_of(stop, 1, 32, is_digit) || !fields.done())
      return "t=: expected \"<start> <stop>\"";
    has_timing_ = true;
    return {};
  }

  std::string take_connection(std::string_view line) {
    Fields fields(line);
    const auto net_type = fields.next(), address_type = fields.next(), address = fields.next();
    const bool ok = net_type == "IN" && (address_type == "IP4" || address_type == "IP6") &&
                    consists_of(address, 1, 255, [](char c) { return c > 0x20 && c < 0x7f; }) &&
                    fields.done();
    if (!ok) return "c=: expected \"IN IP4|IP6 <address>\"";
    auto& connection = media() != nullptr ? media()->connection : session_.connection;
    if (connection.empty()) connection = address;
    return {};
  }

  std::string take_media(std::string_view line) {
    if (session_.media.size() == kMaxMedia) return "more than 16 m= lines";
    Media media;
    auto wrong = take_media_line(media, line);
    if (wrong.empty()) session_.media.push_back(std::move(media));
    return wrong;
  }

  std::string check_whole() const {
    if (line_ < 3) return "expected v=, o= and s= lines";
    if (!has_timing_) return "expected a t= line";
    for (std::size_t i = 0; i < session_.media.size(); ++i)
      for (std::size_t k = 0; k < i; ++k)
        if (!session_.media[i].mid.empty() && session_.media[i].mid == session_.media[k].mid)
          return "two m= sections have the same a=mid";
    return {};
  }

  std::string_view text_;
  std::size_t line_ = 0;
  std::size_t rank_ = 0;
  bool has_timing_ = false;
  SessionDescription session_;
};

}  // namespace

Result<SessionDescription> parse(std::string_view text) {
  return Parser(text).run();
}

}  // namespace parley::sdp
