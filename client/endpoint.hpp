// Addresses as Asio has them.
#pragma once

#include <boost/asio/ip/udp.hpp>

#include "transport/base/address.hpp"

namespace parley::client {

inline boost::asio::ip::udp::endpoint to_endpoint(const Address& address) {
  namespace ip = boost::asio::ip;
  if (address.ip.is_v4()) return {ip::address_v4(address.ip.v4_value()), address.port};
  return {ip::address_v6(address.ip.bytes()), address.port};
}
inline Address from_endpoint(const boost::asio::ip::udp::endpoint& endpoint) {
  const auto ip = endpoint.address();
  return {ip.is_v4() ? IpAddress::v4(ip.to_v4().to_uint()) : IpAddress::v6(ip.to_v6().to_bytes()),
          endpoint.port()};
}

}  // namespace parley::client
