#include "pipelines/streams/target.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "transport/base/address.hpp"

namespace parley::streams {
namespace {

constexpr std::size_t kMaxHost = 253;  // RFC 1035 section 2.3.4
constexpr std::size_t kMaxName = 100;
constexpr std::size_t kMaxCredential = 256;
constexpr std::size_t kMaxStreamId = 512;                        // SRT access control
constexpr std::size_t kMinPassphrase = 10, kMaxPassphrase = 79;  // of libsrt

constexpr std::array<std::pair<std::string_view, Kind>, 7> kKinds{{{"icecast", Kind::icecast},
                                                                   {"rtmp", Kind::rtmp},
                                                                   {"rtmps", Kind::rtmps},
                                                                   {"srt", Kind::srt},
                                                                   {"rtp", Kind::rtp},
                                                                   {"hls", Kind::hls},
                                                                   {"file", Kind::file}}};
constexpr std::array<std::pair<std::string_view, Format>, 4> kFormats{
    {{"opus", Format::opus}, {"aac", Format::aac}, {"mp3", Format::mp3}, {"vorbis", Format::vorbis}}};

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::optional<int> hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// Percent-decoded (RFC 3986 section 2.1); nothing where the coding is broken or a control character hides in
// it: CR and LF would end a header of the protocols behind.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const auto high = hex(text[i + 1]), low = hex(text[i + 2]);
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high * 16 + *low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  return out;
}

std::optional<int> number(std::string_view text, int least, int most) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
    return std::nullopt;
  return value;
}

Status read_host(std::string_view text, Target& target) {
  const bool bracketed = text.size() >= 2 && text.front() == '[' && text.back() == ']';
  if (bracketed) {
    const auto literal = IpAddress::parse(text.substr(1, text.size() - 2));
    if (!literal) return Error{"url: the host in brackets is no IPv6 address"};
    target.host = literal->to_string();
    return Done{};
  }
  if (text.size() > kMaxHost) return Error{"url: the host is longer than 253 characters"};
  if (text.front() == '.' || text.front() == '-' || text.find("..") != std::string_view::npos ||
      !std::all_of(text.begin(), text.end(), [](char c) { return is_alnum(c) || is_one_of(c, ".-_"); }))
    return Error{"url: this is no host name and no address"};
  target.host = lower(text);
  return Done{};
}

Status read_credentials(std::string_view text, Target& target) {
  if (target.kind != Kind::icecast && target.kind != Kind::rtmp && target.kind != Kind::rtmps)
    return Error{"url: " + std::string(to_string(target.kind)) + " takes no user and password"};
  const auto colon = text.find(':');
  const auto user = decoded(colon == std::string_view::npos ? std::string_view{} : text.substr(0, colon));
  const auto password = decoded(colon == std::string_view::npos ? text : text.substr(colon + 1));
  if (!user || !password || user->size() > kMaxCredential || password->size() > kMaxCredential ||
      user->find(':') != std::string::npos)
    return Error{"url: user or password is badly coded, too long or has control characters"};
  target.user = *user;
  target.password = *password;
  return Done{};
}

std::uint16_t usual_port(Kind kind) {
  switch (kind) {
    case Kind::icecast:
      return 8000;
    case Kind::rtmp:
      return 1935;
    case Kind::rtmps:
      return 443;
    default:
      return 0;
  }
}

// user:password@host:port
Status read_authority(std::string_view text, Target& target) {
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    if (auto read = read_credentials(text.substr(0, at), target); !read) return read;
    text = text.substr(at + 1);
  }
  target.port = usual_port(target.kind);
  const auto bracket = text.rfind(']');
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const auto port = number(text.substr(colon + 1), 1, 65'535);
    if (!port) return Error{"url: the port must be 1 to 65535"};
    target.port = static_cast<std::uint16_t>(*port);
    text = text.substr(0, colon);
  }
  if (target.port == 0)
    return Error{"url: " + std::string(to_string(target.kind)) + " needs a port (" +
                 std::string(to_string(target.kind)) + "://HOST:PORT)"};
  if (text.empty()) {
    if (target.kind != Kind::srt) return Error{"url: the host is missing"};
    target.host = "0.0.0.0";  // a listener at every address of this machine
    return Done{};
  }
  return read_host(text, target);
}

Status read_srt_parameter(std::string_view name, const std::string& value, Target::Srt& srt) {
  if (name == "mode") {
    if (value != "caller" && value != "listener") return Error{"url: mode must be caller or listener"};
    srt.listener = value == "listener";
  } else if (name == "passphrase") {
    if (value.size() < kMinPassphrase || value.size() > kMaxPassphrase)
      return Error{"url: an SRT passphrase has 10 to 79 characters"};
    srt.passphrase = value;
  } else if (name == "streamid") {
    if (value.empty() || value.size() > kMaxStreamId) return Error{"url: streamid has 1 to 512 characters"};
    srt.stream_id = value;
  } else if (name == "pbkeylen") {
    const auto bytes = number(value, 16, 32);
    if (!bytes || *bytes % 8 != 0) return Error{"url: pbkeylen must be 16, 24 or 32"};
    srt.key_bytes = *bytes;
  } else if (name == "latency") {
    const auto ms = number(value, 20, 8'000);
    if (!ms) return Error{"url: latency must be 20 to 8000 (milliseconds)"};
    srt.latency_ms = *ms;
  } else {
    return Error{"url: unknown SRT parameter (known: mode, passphrase, pbkeylen, streamid, latency)"};
  }
  return Done{};
}

Status read_srt_query(std::string_view query, Target& target) {
  std::vector<std::string_view> seen;
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) return Error{"url: a parameter without a value"};
    const auto name = pair.substr(0, equals);
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      return Error{"url: a parameter stands twice"};
    seen.push_back(name);
    const auto value = decoded(pair.substr(equals + 1));
    if (!value) return Error{"url: a parameter is badly coded"};
    if (auto read = read_srt_parameter(name, *value, target.srt); !read) return read;
  }
  return Done{};
}

Status read_icecast_path(std::string_view path, Target& target) {
  const bool safe =
      std::all_of(path.begin(), path.end(), [](char c) { return is_alnum(c) || is_one_of(c, "/._-~+"); });
  if (path.size() < 2 || path.front() != '/' || path.back() == '/' || !safe ||
      path.find("//") != std::string_view::npos || path.find("/.") != std::string_view::npos)
    return Error{"url: icecast needs a mount point of [A-Za-z0-9._-~+] such as /room.opus"};
  target.path = path;
  return Done{};
}

// The application, then the stream's name or key, which may have a query of its own.
Status read_rtmp_path(std::string_view path, Target& target) {
  const auto rest = path.empty() ? path : path.substr(1);
  const auto slash = rest.find('/');
  const bool safe = std::all_of(rest.begin(), rest.end(),
                                [](char c) { return is_alnum(c) || is_one_of(c, "/._-~+?=&%:,!*;"); });
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == rest.size() || !safe)
    return Error{"url: rtmp needs an application and a stream name: rtmp://HOST/APP/KEY"};
  target.path = rest;
  return Done{};
}

std::string_view extension(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
}

// One name, no folders: it cannot lead anywhere else.
Status read_file_name(std::string_view name, Target& target) {
  static constexpr std::array<std::string_view, 6> kExtensions = {"opus", "ogg", "mp3", "aac", "ts", "mka"};
  const bool safe =
      std::all_of(name.begin(), name.end(), [](char c) { return is_alnum(c) || is_one_of(c, "._-"); });
  if (name.empty() || name.size() > kMaxName || name.front() == '.' || name.front() == '-' || !safe)
    return Error{
        "url: a file is one name of [A-Za-z0-9._-] below streaming.file_root, such as "
        "file:standup.opus"};
  if (std::find(kExtensions.begin(), kExtensions.end(), extension(name)) == kExtensions.end())
    return Error{"url: a file must end in .opus, .ogg, .mp3, .aac, .ts or .mka"};
  target.path = name;
  return Done{};
}

Status read_hls(std::string_view rest, Target& target) {
  if (rest == "?segments=fmp4")
    target.segments = Segments::fmp4;
  else if (!rest.empty() && rest != "?segments=ts")
    return Error{"url: hls is written hls:, hls:?segments=ts or hls:?segments=fmp4"};
  return Done{};
}

Status read_network(std::string_view rest, Target& target) {
  if (!rest.starts_with("//"))
    return Error{"url: " + std::string(to_string(target.kind)) +
                 " is written with //: " + std::string(to_string(target.kind)) + "://HOST..."};
  rest = rest.substr(2);
  const auto end = rest.find_first_of("/?");
  const auto tail = end == std::string_view::npos ? std::string_view{} : rest.substr(end);
  if (auto read = read_authority(rest.substr(0, end), target); !read) return read;
  switch (target.kind) {
    case Kind::icecast:
      if (target.password.empty())
        return Error{"url: icecast needs a password: icecast://source:PASSWORD@HOST:8000/MOUNT"};
      if (target.user.empty()) target.user = "source";
      return read_icecast_path(tail, target);
    case Kind::rtmp:
    case Kind::rtmps:
      return read_rtmp_path(tail, target);
    case Kind::srt: {
      const auto query = tail.starts_with("/") ? tail.substr(1) : tail;
      if (!query.empty() && query.front() != '?') return Error{"url: srt has no path, only ?parameters"};
      if (auto read = read_srt_query(query.empty() ? query : query.substr(1), target); !read) return read;
      if (!target.srt.listener && target.host == "0.0.0.0")
        return Error{"url: an SRT caller needs a host (or say mode=listener)"};
      return Done{};
    }
    default:
      if (!tail.empty() && tail != "/") return Error{"url: rtp has a host and a port only"};
      return Done{};
  }
}

struct Choice {
  std::vector<Format> formats;  // the first is the usual one
};

Choice formats_of(const Target& target) {
  switch (target.kind) {
    case Kind::icecast:
      return {{Format::opus, Format::mp3, Format::aac, Format::vorbis}};
    case Kind::srt:
      return {{Format::aac, Format::opus}};
    case Kind::rtp:
      return {{Format::opus}};
    case Kind::file:
      break;
    default:
      return {{Format::aac}};
  }
  const auto type = extension(target.path);
  if (type == "mp3") return {{Format::mp3}};
  if (type == "aac") return {{Format::aac}};
  if (type == "ts") return {{Format::aac, Format::opus}};
  if (type == "ogg") return {{Format::opus, Format::vorbis}};
  return {{Format::opus}};
}

}  // namespace

std::string_view to_string(Kind kind) {
  for (const auto& [name, value] : kKinds)
    if (value == kind) return name;
  return "";
}

std::string_view to_string(Format format) {
  for (const auto& [name, value] : kFormats)
    if (value == format) return name;
  return "";
}

Result<Target> parse_target(std::string_view url) {
  if (url.empty() || url.size() > kMaxUrl) return Error{"url: must have 1 to 2048 bytes"};
  if (!std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
    return Error{"url: must be printable ASCII without spaces (percent-encode the rest)"};
  if (url.find('#') != std::string_view::npos) return Error{"url: a fragment (#...) has no meaning here"};
  const auto colon = url.find(':');
  const auto scheme = lower(url.substr(0, colon == std::string_view::npos ? 0 : colon));
  const auto known =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& entry) { return entry.first == scheme; });
  if (known == kKinds.end())
    return Error{"url: unknown scheme (known: icecast, rtmp, rtmps, srt, rtp, hls, file)"};

  Target target;
  target.kind = known->second;
  const auto rest = url.substr(colon + 1);
  Status read = Done{};
  if (target.kind == Kind::file)
    read = read_file_name(rest, target);
  else if (target.kind == Kind::hls)
    read = read_hls(rest, target);
  else
    read = read_network(rest, target);
  if (!read) return read.error();
  return target;
}

std::string redacted(const Target& target) {
  std::string out(to_string(target.kind));
  if (target.kind == Kind::hls) return out + (target.segments == Segments::fmp4 ? ":?segments=fmp4" : ":");
  if (target.kind == Kind::file) return out + ":" + target.path;
  const bool v6 = target.host.find(':') != std::string::npos;
  out += "://" + (v6 ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
  if (target.kind == Kind::icecast) return out + target.path;
  if (target.kind == Kind::srt) return out + (target.srt.listener ? "?mode=listener" : "");
  // The last part of an RTMP path is the key that lets one publish.
  if (target.kind == Kind::rtmp || target.kind == Kind::rtmps)
    return out + "/" + target.path.substr(0, target.path.find('/')) + "/***";
  return out;
}

std::string without_secrets(const Target& target, std::string text) {
  constexpr std::size_t kLeast = 3;  // what is shorter would strike out half of any sentence
  std::vector<std::string> secrets = {target.password, target.srt.passphrase, target.srt.stream_id};
  if (target.kind == Kind::rtmp || target.kind == Kind::rtmps) {
    // The key as a whole, and its parts: a server names a stream without its query.
    const auto slash = target.path.find('/');
    std::string key = slash == std::string::npos ? "" : target.path.substr(slash + 1);
    secrets.push_back(key);
    for (char& c : key)
      if (is_one_of(c, "/?&=,;")) c = ' ';
    for (std::size_t at = 0; at < key.size();) {
      const auto end = std::min(key.find(' ', at), key.size());
      secrets.push_back(key.substr(at, end - at));
      at = end + 1;
    }
  }
  std::sort(secrets.begin(), secrets.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  for (const auto& secret : secrets) {
    if (secret.size() < kLeast) continue;
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
      text.replace(at, secret.size(), "***");
  }
  return text;
}

std::string rtp_description(const Target& target, std::string_view title) {
  const bool v6 = target.host.find(':') != std::string::npos;
  const std::string where = std::string("IN IP") + (v6 ? "6 " : "4 ") + target.host;
  std::string name;
  for (const char c : title) name += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return "v=0\r\no=- 0 0 " + where + "\r\ns=" + (name.empty() ? "-" : name) + "\r\nc=" + where +
         "\r\nt=0 0\r\nm=audio " + std::to_string(target.port) +
         " RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\na=recvonly\r\n";
}

Result<Coding> choose_coding(const Target& target, std::string_view codec, std::int64_t bitrate) {
  const auto choice = formats_of(target);
  Coding coding;
  coding.format = choice.formats.front();
  if (!codec.empty()) {
    const auto asked = std::find_if(choice.formats.begin(), choice.formats.end(),
                                    [&](Format format) { return to_string(format) == codec; });
    if (asked == choice.formats.end()) {
      std::string known;
      for (const auto format : choice.formats)
        known += (known.empty() ? "" : ", ") + std::string(to_string(format));
      return Error{"codec: " + std::string(to_string(target.kind)) + " takes " + known};
    }
    coding.format = *asked;
  }
  if (coding.format == Format::opus) {
    if (bitrate != 0) return Error{"bitrate: Opus is passed on as the room codes it; leave bitrate out"};
    return coding;
  }
  constexpr std::int64_t kLeast = 32'000, kMost = 320'000, kUsual = 128'000;
  if (bitrate != 0 && (bitrate < kLeast || bitrate > kMost))
    return Error{"bitrate: must be 32000 to 320000 bits per second"};
  // Encoders take whole kilobits, and MP3 only a few rates: streams that hardly differ share one encoder.
  static constexpr std::array<int, 10> kRates = {32'000,  48'000,  64'000,  80'000,  96'000,
                                                 128'000, 160'000, 192'000, 256'000, 320'000};
  const auto asked = static_cast<int>(bitrate == 0 ? kUsual : bitrate);
  coding.bitrate = *std::lower_bound(kRates.begin(), kRates.end(), asked);
  return coding;
}

}  // namespace parley::streams
