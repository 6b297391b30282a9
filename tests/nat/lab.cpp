#include "tests/nat/lab.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace parley::nat {

namespace {

constexpr std::uint8_t kUdp = 17;

void check(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

sockaddr to_sockaddr(std::uint32_t address) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(address);
  sockaddr out{};
  std::memcpy(&out, &in, sizeof out);
  return out;
}

void bring_up(int control, const char* name, std::uint32_t address) {
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (address != 0) {
    request.ifr_addr = to_sockaddr(address);
    check(::ioctl(control, SIOCSIFADDR, &request) == 0, "address");
    request.ifr_netmask = to_sockaddr(0xffffffff);
    check(::ioctl(control, SIOCSIFNETMASK, &request) == 0, "netmask");
  }
  check(::ioctl(control, SIOCGIFFLAGS, &request) == 0, "flags");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  check(::ioctl(control, SIOCSIFFLAGS, &request) == 0, "up");
}

// A namespace for this thread, with a TUN device through which everything goes.
int make_network(std::uint32_t address) {
  check(::unshare(CLONE_NEWNET) == 0, "a network namespace");
  const int tun = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  check(tun >= 0, "/dev/net/tun");
  ifreq request{};
  std::strncpy(request.ifr_name, "tun0", IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  check(::ioctl(tun, TUNSETIFF, &request) == 0, "a TUN device");
  const int control = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bring_up(control, "lo", 0);
  bring_up(control, "tun0", address);
  rtentry route{};
  route.rt_dst = route.rt_genmask = to_sockaddr(0);
  route.rt_flags = RTF_UP;
  char name[] = "tun0";
  route.rt_dev = name;
  check(::ioctl(control, SIOCADDRT, &route) == 0, "a route");
  ::close(control);
  return tun;
}

// Of what is in a UDP packet: 0 to 3 is STUN, 20 to 63 DTLS (RFC 7983).
unsigned first_byte(const Packet& packet) {
  const std::size_t at = (packet[0] & 0x0fU) * 4 + 8;
  return at < packet.size() ? packet[at] : 255;
}

}  // namespace

std::uint32_t ip(const char* text) {
  in_addr address{};
  check(::inet_pton(AF_INET, text, &address) == 1, text);
  return ntohl(address.s_addr);
}

Host::Host(std::uint32_t address) : address_(address), thread_([this] { serve(); }) {
  std::unique_lock lock(lock_);
  changed_.wait(lock, [this] { return ready_; });
  if (failure_.empty()) return;
  lock.unlock();
  thread_.join();
  throw std::runtime_error(failure_);
}

Host::~Host() {
  {
    const std::lock_guard lock(lock_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
  ::close(tun_);
}

void Host::serve() {
  try {
    tun_ = make_network(address_);
  } catch (const std::exception& error) {
    failure_ = error.what();
  }
  std::unique_lock lock(lock_);
  ready_ = true;
  changed_.notify_all();
  while (failure_.empty()) {
    changed_.wait(lock, [this] { return job_ != nullptr || ending_; });
    if (ending_) return;
    lock.unlock();
    (*job_)();
    lock.lock();
    job_ = nullptr;
    changed_.notify_all();
  }
}

void Host::run(const std::function<void()>& job) {
  std::unique_lock lock(lock_);
  job_ = &job;
  changed_.notify_all();
  changed_.wait(lock, [this] { return job_ == nullptr; });
}

Lab::Lab(const Weather& weather) : weather_(weather) {}

Lab::~Lab() {
  stop_.store(true);
  if (thread_.joinable()) thread_.join();
}

NatBox& Lab::add_nat(Kind kind, std::uint32_t public_ip, bool hairpin) {
  return *nats_.emplace_back(std::make_unique<NatBox>(kind, public_ip, hairpin));
}

Host& Lab::add_host(std::uint32_t address, std::vector<NatBox*> behind, bool udp) {
  places_.push_back(std::make_unique<Place>(Place{std::make_unique<Host>(address), std::move(behind), udp}));
  return *places_.back()->host;
}

void Lab::start() {
  thread_ = std::thread([this] { run(); });
}

void Lab::rebind(NatBox& nat) {
  const std::lock_guard lock(lock_);
  nat.rebind();
}

void Lab::worsen(const Host& a, const Host& b, double loss) {
  const std::lock_guard lock(lock_);
  worse_[pair(a, b)] = loss;
}

void Lab::block_checks(const Host& a, const Host& b) {
  const std::lock_guard lock(lock_);
  unchecked_.insert(pair(a, b));
}

Duration Lab::take_lateness() {
  const std::lock_guard lock(lock_);
  return std::exchange(lateness_, Duration{});
}

std::uint64_t Lab::passed(const Host& a, const Host& b) const {
  const std::lock_guard lock(lock_);
  const auto found = passed_.find(pair(a, b));
  return found == passed_.end() ? 0 : found->second;
}

std::vector<Lab::Sent> Lab::sent(const Host& host) const {
  const std::lock_guard lock(lock_);
  return sent_.at(&host);
}

std::uint64_t Lab::handshaken(const Host& a, const Host& b) const {
  const std::lock_guard lock(lock_);
  const auto found = handshaken_.find(pair(a, b));
  return found == handshaken_.end() ? 0 : found->second;
}

std::uint64_t Lab::tcp_bytes(const Host& a, const Host& b) const {
  const std::lock_guard lock(lock_);
  const auto found = tcp_bytes_.find(pair(a, b));
  return found == tcp_bytes_.end() ? 0 : found->second;
}

std::pair<const Host*, const Host*> Lab::pair(const Host& a, const Host& b) {
  return &a < &b ? std::pair(&a, &b) : std::pair(&b, &a);
}

void Lab::run() {
  std::vector<pollfd> fds;
  for (const auto& place : places_) fds.push_back({place->host->tun(), POLLIN, 0});
  Packet buffer(65'536);
  while (!stop_.load()) {
    ::poll(fds.data(), fds.size(), 1);
    const std::lock_guard lock(lock_);
    for (std::size_t i = 0; i < fds.size(); ++i) {
      for (;;) {
        const auto size = ::read(fds[i].fd, buffer.data(), buffer.size());
        if (size <= 0) break;
        forward(*places_[i], Packet(buffer.begin(), buffer.begin() + size));
      }
    }
    while (!travelling_.empty() && travelling_.top().due <= now()) {
      const auto& next = travelling_.top();
      lateness_ = std::max(lateness_, now() - next.due);
      [[maybe_unused]] const auto written =
          ::write(next.to->host->tun(), next.packet.data(), next.packet.size());
      travelling_.pop();
    }
  }
}

void Lab::forward(Place& from, Packet packet) {
  auto header = read_header(packet);
  if (!header) return;
  const bool udp = header->protocol == kUdp;
  if (const auto watched = sent_.find(from.host.get()); udp && watched != sent_.end())
    watched->second.push_back({now(), header->source, header->destination});
  if (udp && !from.udp) return;
  // Neighbours on the same home network need no NAT to meet.
  Place* to = nullptr;
  if (!from.behind.empty()) {
    for (const auto& place : places_) {
      const bool neighbour = place->behind == from.behind && place->host->address() == header->destination.ip;
      if (neighbour && place.get() != &from) to = place.get();
    }
  }
  for (std::size_t i = 0; to == nullptr && i < from.behind.size(); ++i) {
    NatBox& nat = *from.behind[i];
    nat.outbound(packet, *header);
    header = read_header(packet);
    if (header->destination.ip == nat.public_ip() && !nat.hairpins()) return;
  }
  if (to == nullptr) to = deliver(packet);
  if (to == nullptr || (udp && !to->udp)) return;
  const auto way = pair(*from.host, *to->host);
  if (udp) {
    const auto worse = worse_.find(way);
    const double loss = worse == worse_.end() ? weather_.loss : std::max(worse->second, weather_.loss);
    if (std::uniform_real_distribution(0.0, 1.0)(random_) < loss) return;
    const unsigned first = first_byte(packet);
    if (first < 4 && unchecked_.contains(way)) return;
    if (first >= 20 && first < 64) ++handshaken_[way];
    ++passed_[way];
  } else {
    tcp_bytes_[way] += packet.size();
  }
  const double more = std::uniform_real_distribution(0.0, 1.0)(random_) * (udp ? 1.0 : 0.0);
  const Duration delay = weather_.delay + std::chrono::duration_cast<Duration>(weather_.jitter * more);
  travelling_.push({now() + delay, order_++, to, std::move(packet)});
}

// From the public net inwards.
Lab::Place* Lab::deliver(Packet& packet) {
  auto header = read_header(packet);
  for (const auto& place : places_) {
    if (place->behind.empty()) {
      if (place->host->address() == header->destination.ip) return place.get();
      continue;
    }
    if (place->behind.back()->public_ip() != header->destination.ip) continue;
    // Several hosts may share the NAT: its mapping says which one is meant.
    Packet inner = packet;
    auto inner_header = *header;
    bool let_in = true;
    for (auto nat = place->behind.rbegin(); let_in && nat != place->behind.rend(); ++nat) {
      let_in = inner_header.destination.ip == (*nat)->public_ip() && (*nat)->inbound(inner, inner_header);
      if (let_in) inner_header = *read_header(inner);
    }
    if (let_in && inner_header.destination.ip == place->host->address()) {
      packet = std::move(inner);
      return place.get();
    }
  }
  return nullptr;
}

}  // namespace parley::nat
