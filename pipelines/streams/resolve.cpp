#include "pipelines/streams/resolve.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <memory>

namespace parley::streams {

Result<IpAddress> resolve(const Target& target, const Policy& policy) {
  if (const auto literal = IpAddress::parse(target.host)) {
    if (auto allowed = policy.check(target, *literal); !allowed) return Error{allowed.error().what, kRefused};
    return *literal;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  if (const int failed = ::getaddrinfo(target.host.c_str(), nullptr, &hints, &list); failed != 0)
    return Error{"unknown host " + target.host + ": " + ::gai_strerror(failed)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, ::freeaddrinfo);

  std::optional<IpAddress> chosen;
  std::optional<Error> refused;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    const auto address = Address::from_sockaddr(one->ai_addr);
    if (!address) continue;
    const auto allowed = policy.check(target, address->ip);
    if (!allowed) refused = Error{allowed.error().what, kRefused};
    if (allowed && !chosen) chosen = address->ip;
  }
  if (refused && (!chosen || target.kind == Kind::rtmps)) return *refused;
  if (!chosen) return Error{"unknown host " + target.host};
  return *chosen;
}

}  // namespace parley::streams
