#include "mcu/settings/kinds_broadcast.hpp"

#include <algorithm>
#include <array>

namespace parley::settings {
namespace {

constexpr std::size_t kMaxEntries = 1000, kMaxText = 2048;

bool is_text(const YAML::Node& node, std::size_t least) {
  if (!node.IsScalar()) return false;
  const auto& text = node.Scalar();
  return text.size() >= least && text.size() <= kMaxText &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// The error's code is the line where the list goes wrong.
Error wrong(const YAML::Node& node, const std::string& what) {
  return Error{what, node.Mark().line + 1};
}

Result<Settings::StartedStream> read_stream(const YAML::Node& node) {
  static constexpr std::array kKeys = {"room", "url", "codec", "bitrate", "video"};
  if (!node.IsMap()) return wrong(node, describe(node));
  Settings::StartedStream out;
  std::array<std::string*, 5> texts = {&out.room, &out.url, &out.codec, nullptr, &out.video};
  for (const auto& entry : node) {
    const auto key = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
    const auto at = std::find(kKeys.begin(), kKeys.end(), key);
    if (at == kKeys.end()) return wrong(entry.first, "the key " + describe(entry.first));
    const auto index = static_cast<std::size_t>(at - kKeys.begin());
    if (key == "bitrate") {
      try {
        out.bitrate = entry.second.as<int>();
      } catch (const YAML::Exception&) {
        return wrong(entry.second, describe(entry.second));
      }
    } else if (!is_text(entry.second, 1)) {
      return wrong(entry.second, "no text for " + key);
    } else {
      *texts.at(index) = entry.second.Scalar();
    }
  }
  if (out.room.empty() || out.url.empty()) return wrong(node, "a stream without room or url");
  return out;
}

template <typename T, typename Read>
auto list_reader(Read read_one) {
  return [read_one](const YAML::Node& node) -> Result<std::vector<T>> {
    if (!node.IsSequence() || node.size() > kMaxEntries) return Error{describe(node), 0};
    std::vector<T> out;
    for (const auto& entry : node) {
      auto one = read_one(entry);
      if (!one) return one.error();
      out.push_back(std::move(one).value());
    }
    return out;
  };
}

template <typename T, typename Write>
std::string write_list(const std::vector<T>& list, Write write_one) {
  std::string out;
  for (const auto& one : list) out += (out.empty() ? "" : ", ") + write_one(one);
  return "[" + out + "]";
}

}  // namespace

namespace {

Kind<std::vector<std::string>> texts(std::string expected) {
  auto read = [](const YAML::Node& node) -> Result<std::string> {
    if (!is_text(node, 1)) return wrong(node, describe(node));
    return node.Scalar();
  };
  return {std::move(expected), list_reader<std::string>(read),
          [](const std::vector<std::string>& list) { return write_list(list, quoted); }};
}

}  // namespace

Kind<std::vector<std::string>> stream_rules() {
  return texts(
      "a list of rules such as \"rtmp://*\", \"icecast://radio.lan:8000\", \"srt://10.1.0.0/16\", \"hls:\"");
}

Kind<std::vector<std::string>> webhook_rules() {
  return texts("a list of rules such as \"https://*\", \"http://hooks.lan:8080\", \"https://10.1.0.0/16\"");
}

Kind<std::vector<std::string>> command() {
  auto kind = texts("a list of a program's absolute path and its arguments, or []");
  kind.read = [read = kind.read](const YAML::Node& node) -> Result<std::vector<std::string>> {
    auto list = read(node);
    if (!list || list->empty()) return list;
    if (list->front().front() != '/') return wrong(node, "a program without an absolute path");
    if (list->size() > 64) return wrong(node, "more than 64 arguments");
    return list;
  };
  return kind;
}

Kind<std::vector<Settings::StartedStream>> started_streams() {
  const auto write_one = [](const Settings::StartedStream& stream) {
    std::string out = "{room: " + quoted(stream.room) + ", url: " + quoted(stream.url);
    if (!stream.codec.empty()) out += ", codec: " + quoted(stream.codec);
    if (stream.bitrate != 0) out += ", bitrate: " + std::to_string(stream.bitrate);
    if (!stream.video.empty()) out += ", video: " + quoted(stream.video);
    return out + "}";
  };
  return {
      "a list of streams, each {room, url, codec?, bitrate?, video?}",
      list_reader<Settings::StartedStream>(read_stream),
      [write_one](const std::vector<Settings::StartedStream>& list) { return write_list(list, write_one); }};
}

Kind<std::string> optional_path(std::string expected) {
  auto read = [](const YAML::Node& node) -> Result<std::string> {
    if (!is_text(node, 0)) return Error{describe(node), 0};
    return node.Scalar();
  };
  return {std::move(expected), std::move(read), [](const std::string& path) { return quoted(path); }};
}

}  // namespace parley::settings
