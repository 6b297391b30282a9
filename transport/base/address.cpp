#include "transport/base/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>

namespace parley {
namespace {

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress address;
  for (unsigned i = 0; i < 4; ++i)
    address.bytes_[12 + i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes) {
  static constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  IpAddress address;
  address.bytes_ = bytes;
  address.is_v4_ = std::memcmp(bytes.data(), kMapped.data(), kMapped.size()) == 0;
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  in_addr four{};
  if (inet_pton(AF_INET, copy.c_str(), &four) == 1) return v4(ntohl(four.s_addr));
  std::array<std::uint8_t, 16> six{};
  if (inet_pton(AF_INET6, copy.c_str(), six.data()) == 1) return v6(six);
  return std::nullopt;
}

std::uint32_t IpAddress::v4_value() const {
  return (std::uint32_t{bytes_[12]} << 24) | (std::uint32_t{bytes_[13]} << 16) |
         (std::uint32_t{bytes_[14]} << 8) | bytes_[15];
}

bool IpAddress::is_loopback() const {
  if (is_v4_) return bytes_[12] == 127;
  static constexpr std::array<std::uint8_t, 16> kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes_ == kLoopback;
}

bool IpAddress::is_unspecified() const {
  return is_v4_ ? v4_value() == 0 : bytes_ == std::array<std::uint8_t, 16>{};
}

bool IpAddress::is_multicast() const {
  return is_v4_ ? (bytes_[12] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(is_v4_ ? AF_INET : AF_INET6, is_v4_ ? bytes_.data() + 12 : bytes_.data(), text, sizeof text);
  return text;
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto base = IpAddress::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  IpNetwork network;
  network.base_ = *base;
  network.prefix_ = 128;
  if (slash != std::string_view::npos) {
    const auto prefix = parse_number<unsigned>(text.substr(slash + 1));
    if (!prefix || *prefix > (base->is_v4() ? 32U : 128U)) return std::nullopt;
    network.prefix_ = base->is_v4() ? *prefix + 96 : *prefix;
  }
  return network;
}

bool IpNetwork::contains(const IpAddress& address) const {
  if (address.is_v4() != base_.is_v4()) return false;
  for (unsigned bit = 0; bit < prefix_; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    if (((address.bytes()[bit / 8] ^ base_.bytes()[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

std::string IpNetwork::to_string() const {
  return base_.to_string() + "/" + std::to_string(base_.is_v4() ? prefix_ - 96 : prefix_);
}

std::optional<Address> Address::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;  // an IPv6 literal needs its brackets
  }
  const auto ip = IpAddress::parse(host);
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!ip || !port) return std::nullopt;
  return Address{*ip, *port};
}

std::optional<Address> Address::from_sockaddr(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, address, sizeof four);
    return Address{IpAddress::v4(ntohl(four.sin_addr.s_addr)), ntohs(four.sin_port)};
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, address, sizeof six);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &six.sin6_addr, bytes.size());
    return Address{IpAddress::v6(bytes), ntohs(six.sin6_port)};
  }
  return std::nullopt;
}

unsigned Address::to_sockaddr(sockaddr_storage& out, bool as_v6) const {
  std::memset(&out, 0, sizeof out);
  if (ip.is_v4() && !as_v6) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    four.sin_addr.s_addr = htonl(ip.v4_value());
    std::memcpy(&out, &four, sizeof four);
    return sizeof four;
  }
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  std::memcpy(&six.sin6_addr, ip.bytes().data(), ip.bytes().size());
  std::memcpy(&out, &six, sizeof six);
  return sizeof six;
}

std::string Address::to_string() const {
  const auto host = ip.to_string();
  return (ip.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

}  // namespace parley

std::size_t std::hash<parley::Address>::operator()(const parley::Address& address) const noexcept {
  std::uint64_t mixed = 0xcbf29ce484222325ULL;
  for (const std::uint8_t byte : address.ip.bytes()) mixed = (mixed ^ byte) * 0x100000001b3ULL;
  mixed = (mixed ^ address.port) * 0x100000001b3ULL;
  return static_cast<std::size_t>(mixed ^ (mixed >> 29));
}
