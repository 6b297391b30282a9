#include "tests/nat/nat_box.hpp"

#include <algorithm>

namespace parley::nat {

namespace {
constexpr std::uint8_t kUdp = 17;
}

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::none:
      return "none";
    case Kind::full_cone:
      return "full cone";
    case Kind::address_restricted:
      return "address-restricted";
    case Kind::port_restricted:
      return "port-restricted";
    case Kind::symmetric:
      return "symmetric";
    case Kind::symmetric_random:
      break;
  }
  return "symmetric, random";
}

void NatBox::outbound(Packet& packet, const Header& header) {
  const Key key{header.protocol, header.source, is_symmetric() ? header.destination : Endpoint{}};
  auto& port = ports_[key];
  if (port == 0) {
    port = new_port(header.protocol);
    mappings_[{header.protocol, port}].inner = header.source;
  }
  mappings_[{header.protocol, port}].sent_to.insert(header.destination);
  write_endpoints(packet, {ip_, port}, header.destination);
}

std::uint16_t NatBox::new_port(std::uint8_t protocol) {
  if (kind_ != Kind::symmetric_random) {
    next_port_ = static_cast<std::uint16_t>(next_port_ + 1 + random_() % 8);  // others share it
    return next_port_;
  }
  std::uniform_int_distribution<unsigned> any(1'024, 0xffff);
  auto port = static_cast<std::uint16_t>(any(random_));
  while (mappings_.contains({protocol, port})) port = static_cast<std::uint16_t>(any(random_));
  return port;
}

std::size_t NatBox::mappings() const {
  return static_cast<std::size_t>(std::count_if(mappings_.begin(), mappings_.end(),
                                                [](const auto& entry) { return entry.first.first == kUdp; }));
}

bool NatBox::inbound(Packet& packet, const Header& header) {
  const auto found = mappings_.find({header.protocol, header.destination.port});
  if (found == mappings_.end()) return false;
  const auto& sent_to = found->second.sent_to;
  switch (kind_) {
    case Kind::none:
    case Kind::full_cone:
      break;
    case Kind::address_restricted:
      if (std::none_of(sent_to.begin(), sent_to.end(),
                       [&](const Endpoint& e) { return e.ip == header.source.ip; }))
        return false;
      break;
    case Kind::port_restricted:
    case Kind::symmetric:
    case Kind::symmetric_random:
      if (!sent_to.contains(header.source)) return false;
      break;
  }
  write_endpoints(packet, header.source, found->second.inner);
  return true;
}

void NatBox::rebind() {
  std::erase_if(ports_, [](const auto& entry) { return std::get<0>(entry.first) == kUdp; });
  std::erase_if(mappings_, [](const auto& entry) { return entry.first.first == kUdp; });
  next_port_ = static_cast<std::uint16_t>(next_port_ + 1'000);
}

}  // namespace parley::nat
