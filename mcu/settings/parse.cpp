
#include <algorithm>
#include <fstream>
#include <map>
#include <optional>

#include "mcu/settings/key.hpp"
#include "mcu/settings/kinds.hpp"
#include "mcu/settings/suggest.hpp"
#include "mcu/settings/yaml_text.hpp"
#include "transport/base/log.hpp"

namespace parley::settings {

namespace {

constexpr std::size_t kMaxBytes = 256 * 1024;

class Parser {
 public:
  explicit Parser(std::string_view source) : source_(source) {}

  Result<Settings> run(const std::string& text) {
    if (text.size() > kMaxBytes) return failure(0, "", "larger than 256 KiB");
    const auto document = read_yaml(text);
    if (!document) return failure(document.error().code, "", document.error().what);
    if (auto status = take_map(*document, "", 0); !status) return status.error();
    if (auto status = cross_check(); !status) return status.error();
    return settings_;
  }

 private:
  Error failure(int line, const std::string& path, const std::string& what) const {
    std::string out = source_;
    if (line > 0) out += ":" + std::to_string(line);
    if (!path.empty()) out += ": " + path;
    return Error{out + ": " + what, 2};
  }

  // The top level (`prefix` empty) or a section ("jitter.").
  Status take_map(const YAML::Node& map, const std::string& prefix, int line) {
    if (map.IsNull()) return Done{};
    const auto name = prefix.substr(0, prefix.empty() ? 0 : prefix.size() - 1);
    if (!map.IsMap()) return failure(line, name, "expected keys below it, got " + describe(map));
    for (const auto& entry : map) {
      const int at = entry.first.Mark().line + 1;
      if (!entry.first.IsScalar()) return failure(at, name, "expected a key, got " + describe(entry.first));
      const auto path = prefix + entry.first.Scalar();
      const auto shown = log::printable(path, 100);
      if (entry.first.Scalar().find('.') != std::string::npos)
        return failure(at, shown, "keys are nested below their section, without dots");
      if (const auto [first, is_new] = lines_.emplace(path, at); !is_new)
        return failure(at, shown, "stands twice (first on line " + std::to_string(first->second) + ")");
      auto status = take_entry(path, shown, entry.second, at);
      if (!status) return status;
    }
    return Done{};
  }

  Status take_entry(const std::string& path, const std::string& shown, const YAML::Node& value, int line) {
    const bool is_section = std::any_of(table().begin(), table().end(),
                                        [&](const Key& k) { return k.path.starts_with(path + "."); });
    if (is_section) return take_map(value, path + ".", line);
    const auto key =
        std::find_if(table().begin(), table().end(), [&](const Key& k) { return k.path == path; });
    if (key == table().end()) return failure(line, shown, "unknown key" + suggestion(path));
    const auto status = key->read(value, settings_);
    if (status) return Done{};
    const int at = status.error().code > 0 ? status.error().code : line;
    return failure(at, path, "expected " + key->expected + ", got " + status.error().what);
  }

  Status cross_check() const {
    const auto& s = settings_;
    if (s.jitter.min_ms > s.jitter.max_ms) {
      return failure(line_of("jitter.min_ms", "jitter.max_ms"), "jitter.min_ms",
                     "expected at most jitter.max_ms (" + std::to_string(s.jitter.max_ms) + "), got " +
                         std::to_string(s.jitter.min_ms));
    }
    if (s.auth.admin_key.empty() && !s.http.listen.ip.is_loopback()) {
      return failure(
          line_of("http.listen", "auth.admin_key"), "http.listen",
          s.http.listen.to_string() + " can be reached from other hosts: auth.admin_key must be set");
    }
    const bool is_self_signed = s.http.tls.certificate == "self-signed";
    if (!is_self_signed && s.http.tls.certificate.empty() != s.http.tls.key.empty()) {
      return failure(line_of("http.tls.key", "http.tls.certificate"), "http.tls.key",
                     s.http.tls.key.empty() ? "expected the key of http.tls.certificate, got nothing"
                                            : "expected nothing without http.tls.certificate");
    }
    if (!s.auth.admin_key.empty() && s.auth.admin_key == s.auth.token_key) {
      return failure(line_of("auth.token_key", "auth.admin_key"), "auth.token_key",
                     "expected another key than auth.admin_key");
    }
    return Done{};
  }
  int line_of(const std::string& path, const std::string& other) const {
    const auto found = lines_.find(path);
    if (found != lines_.end()) return found->second;
    const auto second = lines_.find(other);
    return second == lines_.end() ? 0 : second->second;
  }

  std::string source_;
  Settings settings_;
  std::map<std::string, int> lines_;
};

}  // namespace

Result<Settings> parse(std::string_view yaml, std::string_view source) {
  return Parser(source).run(std::string(yaml));
}

Result<Settings> load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{path + ": cannot be read", 2};
  std::string text(kMaxBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return Error{path + ": cannot be read", 2};
  text.resize(static_cast<std::size_t>(in.gcount()));
  return parse(text, path);
}

}  // namespace parley::settings
