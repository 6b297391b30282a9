// The addresses of this machine's interfaces that a peer may reach it at: neither loopback nor link-local.
#pragma once

#include <vector>

#include "transport/base/address.hpp"

namespace parley::client {

std::vector<IpAddress> host_addresses(bool v4);

}  // namespace parley::client
