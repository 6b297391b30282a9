#include "pipelines/streams/host_rules.hpp"

#include <algorithm>
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

std::optional<HostRule> HostRule::parse(std::string_view text, std::span<const std::string_view> schemes) {
  HostRule rule;
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  rule.scheme_ = text.substr(0, colon);
  if (std::find(schemes.begin(), schemes.end(), rule.scheme_) == schemes.end()) return std::nullopt;
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
    rule.first_port_ = *first;
    rule.last_port_ = *last;
    host = host.substr(0, last_colon);
  }
  if (host.empty()) return std::nullopt;
  if (host == "*") {
    rule.any_ = true;
    return rule;
  }
  std::string network(host);
  std::erase_if(network, [](char c) { return c == '[' || c == ']'; });
  if (auto parsed = IpNetwork::parse(network)) {
    rule.network_ = parsed;
    return rule;
  }
  rule.subtree_ = host.starts_with("*.");
  rule.name_ = lower(rule.subtree_ ? host.substr(1) : host);
  const bool plain = std::all_of(rule.name_.begin(), rule.name_.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
  if (!plain || rule.name_.size() < 2) return std::nullopt;
  return rule;
}

bool HostRule::covers(std::string_view scheme, std::string_view host, std::uint16_t to_port) const {
  if (scheme != scheme_ || to_port < first_port_ || to_port > last_port_) return false;
  if (any_ || network_) return true;  // the address decides
  if (!subtree_) return host == name_;
  return host.size() > name_.size() && host.ends_with(name_);
}

bool HostRule::covers(std::string_view scheme, std::string_view host, std::uint16_t to_port,
                      const IpAddress& address) const {
  if (!covers(scheme, host, to_port)) return false;
  if (network_) return network_->contains(address);
  return (!any_ && !subtree_) || is_public(address);
}

}  // namespace parley::streams
