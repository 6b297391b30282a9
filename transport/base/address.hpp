// A UDP address: IPv4 or IPv6 and a port, in canonical form (an IPv4-mapped IPv6 address becomes IPv4, so
// that two spellings of one peer never compare different).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;
struct sockaddr_storage;

namespace parley {

class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0
  static IpAddress v4(std::uint32_t host_order);
  static IpAddress v6(const std::array<std::uint8_t, 16>& bytes);
  static std::optional<IpAddress> parse(std::string_view text);  // a literal, never a name: no lookups

  bool is_v4() const { return is_v4_; }
  std::uint32_t v4_value() const;                                       // host order; only when is_v4()
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }  // v4: the mapped form
  bool is_loopback() const;
  bool is_unspecified() const;
  bool is_multicast() const;
  std::string to_string() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
  bool is_v4_ = true;
};

// A network such as 10.0.0.0/8 or ::1/128; a bare address is a network of one.
class IpNetwork {
 public:
  static std::optional<IpNetwork> parse(std::string_view text);
  bool contains(const IpAddress& address) const;
  std::string to_string() const;

 private:
  IpAddress base_;
  unsigned prefix_ = 0;  // of the 128-bit (mapped) form
};

struct Address {
  IpAddress ip;
  std::uint16_t port = 0;

  static std::optional<Address> parse(std::string_view text);  // "1.2.3.4:5", "[::1]:5"
  static std::optional<Address> from_sockaddr(const sockaddr* address);
  // Writes a sockaddr of the family asked for (an IPv4 address on an IPv6 socket is mapped). Returns its
  // length.
  unsigned to_sockaddr(sockaddr_storage& out, bool as_v6) const;
  std::string to_string() const;

  friend auto operator<=>(const Address&, const Address&) = default;
};

}  // namespace parley

template <>
struct std::hash<parley::Address> {
  std::size_t operator()(const parley::Address& address) const noexcept;
};
