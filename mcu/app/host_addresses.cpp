#include "mcu/app/host_addresses.hpp"

#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>

namespace parley::app {
namespace {

bool is_link_local(const IpAddress& ip) {
  const auto& bytes = ip.bytes();
  if (ip.is_v4()) return bytes[12] == 169 && bytes[13] == 254;
  return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

int rank(const IpAddress& ip) {
  return (ip.is_loopback() ? 2 : 0) + (ip.is_v4() ? 0 : 1);
}

}  // namespace

std::vector<IpAddress> host_addresses(bool with_v6) {
  std::vector<IpAddress> found;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    const auto address = Address::from_sockaddr(entry->ifa_addr);
    if (!address || is_link_local(address->ip) || (!address->ip.is_v4() && !with_v6)) continue;
    if (std::find(found.begin(), found.end(), address->ip) == found.end()) found.push_back(address->ip);
  }
  freeifaddrs(list);
  std::stable_sort(found.begin(), found.end(),
                   [](const IpAddress& a, const IpAddress& b) { return rank(a) < rank(b); });
  return found;
}

}  // namespace parley::app
