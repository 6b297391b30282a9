// A NAT by the book (RFC 4787), in the kinds of the old names: full cone, address-restricted and
// port-restricted map independently of the destination and differ in whom they let in; symmetric maps each
// destination to a port of its own and lets in only that one. Ports are given out upwards, with gaps, or, by
// `symmetric_random`, drawn from all.
//
// Pure: packets in, rewritten packets out. Threads: one owner.
#pragma once

#include <map>
#include <random>
#include <set>
#include <tuple>

#include "tests/nat/ipv4.hpp"

namespace parley::nat {

enum class Kind : std::uint8_t {
  none,
  full_cone,
  address_restricted,
  port_restricted,
  symmetric,
  symmetric_random
};
const char* to_string(Kind kind);

class NatBox {
 public:
  NatBox(Kind kind, std::uint32_t public_ip, bool hairpin)
      : kind_(kind), ip_(public_ip), hairpin_(hairpin), random_(public_ip) {}

  Kind kind() const { return kind_; }
  std::uint32_t public_ip() const { return ip_; }
  bool hairpins() const { return hairpin_; }

  // From inside: the source becomes public.
  void outbound(Packet& packet, const Header& header);
  // From outside, addressed to public_ip(): the destination becomes the inner one. False: not let in.
  bool inbound(Packet& packet, const Header& header);
  // All mappings of UDP are forgotten: the next packet of each socket goes out from another port.
  void rebind();
  // What is held at present, of UDP.
  std::size_t mappings() const;

 private:
  struct Mapping {
    Endpoint inner;
    std::set<Endpoint> sent_to;
  };
  using Key = std::tuple<std::uint8_t, Endpoint, Endpoint>;  // protocol, inner, destination if symmetric

  std::uint16_t new_port(std::uint8_t protocol);
  bool is_symmetric() const { return kind_ == Kind::symmetric || kind_ == Kind::symmetric_random; }

  const Kind kind_;
  const std::uint32_t ip_;
  const bool hairpin_;
  std::mt19937 random_;  // minstd_rand draws numbers alike from seeds alike
  std::uint16_t next_port_ = 20'000;
  std::map<Key, std::uint16_t> ports_;
  std::map<std::pair<std::uint8_t, std::uint16_t>, Mapping> mappings_;  // by protocol and public port
};

}  // namespace parley::nat
