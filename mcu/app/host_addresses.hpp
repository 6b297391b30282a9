// The addresses of this host that a peer can send to.
#pragma once

#include <vector>

#include "transport/base/address.hpp"

namespace parley::app {

// Of interfaces that are up; no link-local and no multicast addresses; IPv4 first, loopback last.
std::vector<IpAddress> host_addresses(bool with_v6);

}  // namespace parley::app
