#include "client/host_addresses.hpp"

#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>

namespace parley::client {

std::vector<IpAddress> host_addresses(bool v4) {
  std::vector<IpAddress> found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    const auto address = Address::from_sockaddr(entry->ifa_addr);
    if (!address || address->ip.is_v4() != v4 || address->ip.is_loopback()) continue;
    const auto& bytes = address->ip.bytes();
    const bool link_local =
        v4 ? bytes[12] == 169 && bytes[13] == 254 : bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
    if (!link_local && std::find(found.begin(), found.end(), address->ip) == found.end())
      found.push_back(address->ip);
  }
  ::freeifaddrs(list);
  return found;
}

}  // namespace parley::client
