#include "pipelines/streams/policy.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace parley::streams {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::optional<std::uint16_t> port(std::string_view text) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) return std::nullopt;
  return value;
}

const std::vector<IpNetwork>& special_networks() {
  static const std::vector<IpNetwork> networks = [] {
    std::vector<IpNetwork> out;
    for (const char* text :
         {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
          "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
          "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
          // Of 2000::/3: Teredo and its neighbours, documentation, and 6to4, which hides an IPv4 address.
          "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"})
      out.push_back(*IpNetwork::parse(text));
    return out;
  }();
  return networks;
}

}  // namespace

bool is_public(const IpAddress& address) {
  static const IpNetwork unicast = *IpNetwork::parse("2000::/3");
  if (!address.is_v4() && !unicast.contains(address)) return false;
  const auto& special = special_networks();
  return std::none_of(special.begin(), special.end(),
                      [&](const IpNetwork& network) { return network.contains(address); });
}

std::optional<Policy::Rule> Policy::parse_rule(std::string_view text) {
  Rule rule;
  if (text == "hls:") {
    rule.kind = Kind::hls;
    return rule;
  }
  if (text == "file:") {
    rule.kind = Kind::file;
    return rule;
  }
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  static constexpr std::array kNetworkKinds = {Kind::icecast, Kind::rtmp, Kind::rtmps, Kind::srt, Kind::rtp};
  const auto scheme = text.substr(0, colon);
  const auto kind = std::find_if(kNetworkKinds.begin(), kNetworkKinds.end(),
                                 [&](Kind k) { return to_string(k) == scheme; });
  if (kind == kNetworkKinds.end()) return std::nullopt;
  rule.kind = *kind;
  auto host = text.substr(colon + 3);

  const auto last_colon = host.rfind(':');
  const auto bracket = host.rfind(']');
  const bool has_port =
      last_colon != std::string_view::npos &&
      (bracket == std::string_view::npos ? host.find(':') == last_colon : last_colon > bracket);
  if (has_port) {
    const auto ports = host.substr(last_colon + 1);
    const auto dash = ports.find('-');
    const auto first = port(ports.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : port(ports.substr(dash + 1));
    if (!first || !last || *first > *last) return std::nullopt;
    rule.first_port = *first;
    rule.last_port = *last;
    host = host.substr(0, last_colon);
  }
  if (host.empty()) return std::nullopt;
  if (host == "*") {
    rule.any = true;
    return rule;
  }
  std::string network(host);
  std::erase_if(network, [](char c) { return c == '[' || c == ']'; });
  if (auto parsed = IpNetwork::parse(network)) {
    rule.network = parsed;
    return rule;
  }
  rule.subtree = host.starts_with("*.");
  rule.name = lower(rule.subtree ? host.substr(1) : host);
  const bool plain = std::all_of(rule.name.begin(), rule.name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
  if (!plain || rule.name.size() < 2) return std::nullopt;
  return rule;
}

Result<Policy> Policy::parse(const std::vector<std::string>& rules) {
  Policy policy;
  for (const auto& text : rules) {
    const auto rule = parse_rule(text);
    if (!rule)
      return Error{"\"" + text +
                   "\" is no rule: expected SCHEME://HOST[:PORT[-PORT]] with a HOST of *, *.example.org, "
                   "live.example.org or 10.1.0.0/16, or hls: or file:"};
    policy.rules_.push_back(*rule);
  }
  return policy;
}

bool Policy::Rule::covers(const Target& target) const {
  if (target.kind != kind) return false;
  if (kind == Kind::hls || kind == Kind::file) return true;
  if (target.port < first_port || target.port > last_port) return false;
  if (any || network) return true;  // the address decides
  if (!subtree) return target.host == name;
  return target.host.size() > name.size() && target.host.ends_with(name);
}

bool Policy::Rule::covers(const Target& target, const IpAddress& address) const {
  if (!covers(target)) return false;
  if (network) return network->contains(address);
  return (!any && !subtree) || is_public(address);
}

Status Policy::check(const Target& target) const {
  const auto literal = IpAddress::parse(target.host);
  if (literal) return check(target, *literal);
  if (std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) { return rule.covers(target); }))
    return Done{};
  return Error{redacted(target) + " is not allowed by streaming.allow"};
}

Status Policy::check(const Target& target, const IpAddress& address) const {
  if (std::any_of(rules_.begin(), rules_.end(),
                  [&](const Rule& rule) { return rule.covers(target, address); }))
    return Done{};
  return Error{redacted(target) + " leads to " + address.to_string() +
               ", which is not allowed by streaming.allow"};
}

}  // namespace parley::streams
