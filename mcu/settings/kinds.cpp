#include "mcu/settings/kinds.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "mcu/settings/secrets.hpp"
#include "transport/base/log.hpp"

namespace parley::settings {

namespace {

constexpr std::size_t kMaxEntries = 1000;
constexpr const char* kQuotedTag = "!";  // what yaml-cpp tags a scalar in quotes with

std::optional<std::uint64_t> digits(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The text of a scalar written without quotes: "5" in quotes is a string, not a number.
std::optional<std::string_view> bare(const YAML::Node& node) {
  if (!node.IsScalar() || node.Tag() == kQuotedTag) return std::nullopt;
  return std::string_view(node.Scalar());
}

// A list in which each entry is read by `read_entry` (from text, gives an optional).
template <typename T, typename ReadEntry, typename WriteEntry>
Kind<std::vector<T>> list_of(std::string expected, ReadEntry read_entry, WriteEntry write_entry) {
  auto read = [read_entry](const YAML::Node& node) -> Result<std::vector<T>> {
    std::vector<T> out;
    if (!node.IsSequence()) return Error{describe(node), 0};
    if (node.size() > kMaxEntries) return Error{"more than " + std::to_string(kMaxEntries) + " entries", 0};
    for (const auto& entry : node) {
      const auto value =
          entry.IsScalar() ? read_entry(entry.Scalar()) : decltype(read_entry(std::string()))();
      if (!value) return Error{describe(entry), entry.IsNull() ? 0 : entry.Mark().line + 1};
      out.push_back(*value);
    }
    return out;
  };
  auto write = [write_entry](const std::vector<T>& list) {
    std::string out;
    for (const auto& entry : list) out += (out.empty() ? "" : ", ") + quoted(write_entry(entry));
    return "[" + out + "]";
  };
  return {std::move(expected), std::move(read), std::move(write)};
}

struct Unit {
  std::string_view name;
  std::chrono::milliseconds length;
};
constexpr std::array<Unit, 4> kUnits = {{{"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}}};

std::optional<Duration> read_duration(std::string_view text) {
  const auto split = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = digits(text.substr(0, split));
  const auto* unit =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == text.substr(split); });
  constexpr std::uint64_t kMost = 1'000'000'000;  // of any unit: far from overflow
  if (!count || *count > kMost || unit == kUnits.end()) return std::nullopt;
  return unit->length * static_cast<std::int64_t>(*count);
}

bool is_host_address(const IpAddress& ip) {
  return !ip.is_unspecified() && !ip.is_multicast();
}

// With or without a port: "203.0.113.5", "203.0.113.5:5004", "2001:db8::5", "[2001:db8::5]:5004".
std::optional<Address> read_public_address(const std::string& text) {
  auto address = Address::parse(text);
  if (address && address->port == 0) return std::nullopt;
  if (!address) {
    const auto ip = IpAddress::parse(text);
    if (!ip) return std::nullopt;
    address = Address{*ip, 0};
  }
  return is_host_address(address->ip) ? address : std::nullopt;
}

std::string write_public_address(const Address& address) {
  return address.port == 0 ? address.ip.to_string() : address.to_string();
}

// What a browser sends as Origin (RFC 6454 section 7), or "*".
std::optional<std::string> read_origin(const std::string& text) {
  if (text == "*") return text;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return std::nullopt;
  }
  constexpr std::string_view kHost = "abcdefghijklmnopqrstuvwxyz0123456789.-:[]";
  const bool ok =
      !rest.empty() && rest.size() <= 255 && rest.find_first_not_of(kHost) == std::string_view::npos;
  return ok ? std::optional(text) : std::nullopt;
}

}  // namespace

std::string describe(const YAML::Node& node) {
  if (node.IsScalar()) return '"' + log::printable(node.Scalar(), 60) + '"';
  if (node.IsSequence()) return "a list";
  return node.IsMap() ? "keys below it" : "nothing";
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

Kind<std::uint64_t> whole_number(std::string_view unit, std::uint64_t least, std::uint64_t most) {
  std::string expected = "a whole number" + (unit.empty() ? "" : " of " + std::string(unit)) + " from " +
                         std::to_string(least) + " to " + std::to_string(most);
  auto read = [least, most](const YAML::Node& node) -> Result<std::uint64_t> {
    const auto text = bare(node);
    const auto value = text ? digits(*text) : std::nullopt;
    if (!value || *value < least || *value > most) return Error{describe(node), 0};
    return *value;
  };
  return {std::move(expected), std::move(read),
          [](const std::uint64_t& value) { return std::to_string(value); }};
}

Kind<std::string> folder() {
  auto read = [](const YAML::Node& node) -> Result<std::string> {
    constexpr std::size_t kLongest = 1'000;  // leaves room for what is put below it
    const auto usable = [](unsigned char c) { return c >= 0x20 && c != 0x7f; };
    if (!node.IsScalar() || node.Scalar().empty() || node.Scalar().size() > kLongest ||
        !std::all_of(node.Scalar().begin(), node.Scalar().end(), usable))
      return Error{describe(node), 0};
    return node.Scalar();
  };
  return {"a folder", std::move(read), [](const std::string& path) { return quoted(path); }};
}

Kind<bool> yes_or_no() {
  auto read = [](const YAML::Node& node) -> Result<bool> {
    const auto text = bare(node);
    if (text == "true") return true;
    if (text == "false") return false;
    return Error{describe(node), 0};
  };
  return {"true or false", std::move(read), [](const bool& value) { return value ? "true" : "false"; }};
}

std::string write_duration(Duration value) {
  // The largest unit that says it in whole numbers; a minute or two is clearer in seconds.
  if (value % 1h == 0s && value >= 1h) return std::to_string(value / 1h) + "h";
  if (value % 1min == 0s && value >= 3min) return std::to_string(value / 1min) + "m";
  if (value % 1s == 0s) return std::to_string(value / 1s) + "s";
  return std::to_string(value / 1ms) + "ms";
}

Kind<Duration> duration(Duration least, Duration most) {
  std::string expected =
      "a duration with its unit (ms, s, m, h) from " + write_duration(least) + " to " + write_duration(most);
  auto read = [least, most](const YAML::Node& node) -> Result<Duration> {
    const auto value = node.IsScalar() ? read_duration(node.Scalar()) : std::nullopt;
    if (!value || *value < least || *value > most) return Error{describe(node), 0};
    return *value;
  };
  return {std::move(expected), std::move(read), write_duration};
}

Kind<std::string> secret() {
  auto read = [](const YAML::Node& node) -> Result<std::string> {
    if (!node.IsScalar()) return Error{describe(node), 0};
    if (const auto wrong = complain_about_secret(node.Scalar()); !wrong.empty()) return Error{wrong, 0};
    return node.Scalar();
  };
  return {"16 to 512 printable characters without spaces, hard to guess, or \"\" for none", std::move(read),
          quoted};
}

Kind<std::string> file_name(std::string_view expected) {
  auto read = [](const YAML::Node& node) -> Result<std::string> {
    const bool good = node.IsScalar() && node.Scalar().size() <= 4096 &&
                      std::none_of(node.Scalar().begin(), node.Scalar().end(),
                                   [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    if (!good) return Error{describe(node), 0};
    return node.Scalar();
  };
  return {std::string(expected), std::move(read), quoted};
}

Kind<Address> socket_address() {
  auto read = [](const YAML::Node& node) -> Result<Address> {
    const auto address = node.IsScalar() ? Address::parse(node.Scalar()) : std::nullopt;
    if (!address || address->ip.is_multicast()) return Error{describe(node), 0};
    return *address;
  };
  return {"an IP address with its port such as 127.0.0.1:8080 or \"[::1]:8080\"", std::move(read),
          [](const Address& address) { return quoted(address.to_string()); }};
}

Kind<std::optional<Address>> optional_socket_address() {
  const auto kind = socket_address();
  auto read = [kind](const YAML::Node& node) -> Result<std::optional<Address>> {
    if (node.IsScalar() && node.Scalar().empty()) return std::optional<Address>{};
    auto address = kind.read(node);
    if (!address) return address.error();
    return std::optional(*address);
  };
  return {kind.expected + ", or \"\" for none", std::move(read),
          [kind](const std::optional<Address>& address) { return address ? kind.write(*address) : "\"\""; }};
}

Kind<std::vector<Address>> public_addresses() {
  return list_of<Address>("a list of hosts' IP addresses, each with or without a port", read_public_address,
                          write_public_address);
}

Kind<std::vector<IpNetwork>> networks() {
  return list_of<IpNetwork>(
      "a list of networks such as 10.0.0.0/8, 192.0.2.7 or \"::1/128\"",
      [](const std::string& text) { return IpNetwork::parse(text); },
      [](const IpNetwork& network) { return network.to_string(); });
}

Kind<std::vector<std::string>> origins() {
  return list_of<std::string>(
      "a list of origins such as \"https://meet.example.org\", in lower case, or \"*\"", read_origin,
      [](const std::string& origin) { return origin; });
}

}  // namespace parley::settings
