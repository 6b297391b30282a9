#include "transport/net/udp_socket.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "transport/base/check.hpp"

namespace parley::net {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kBufferSize = 2048;
constexpr int kKernelBuffer = 4 << 20;  // 0.2 s of 1,000 talkers at 100 bytes, with the kernel's overhead
constexpr int kMaxErrorsInARow = 16;

// Room for one address (the larger of the two), the overflow counter and a time.
struct alignas(cmsghdr) ControlBuffer {
  std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(std::uint32_t)) +
                               CMSG_SPACE(sizeof(timespec))>
      bytes;
};

// The arrays that recvmmsg and sendmmsg want, tied together once.
struct Batch {
  std::array<mmsghdr, kBatch> headers{};
  std::array<iovec, kBatch> vectors{};
  std::array<sockaddr_storage, kBatch> names{};
  std::array<ControlBuffer, kBatch> controls{};
  std::array<std::array<std::uint8_t, kBufferSize>, kBatch> buffers;

  Batch() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      vectors[i] = {buffers[i].data(), kBufferSize};
      msghdr& header = headers[i].msg_hdr;
      header.msg_iov = &vectors[i];
      header.msg_iovlen = 1;
      header.msg_name = &names[i];
    }
  }

  // Receiving overwrites the sizes.
  void open_for_receiving(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      msghdr& header = headers[i].msg_hdr;
      header.msg_namelen = sizeof(sockaddr_storage);
      header.msg_control = controls[i].bytes.data();
      header.msg_controllen = controls[i].bytes.size();
      header.msg_flags = 0;
    }
  }
};

template <typename T>
T read_control(const cmsghdr* control) {
  T value{};
  std::memcpy(&value, CMSG_DATA(control), sizeof value);
  return value;
}

struct Control {
  std::optional<IpAddress> to;
  std::optional<std::uint32_t> overflow;  // datagrams the kernel has dropped so far
  std::optional<timespec> arrival;        // on the wall clock
};

Control read_controls(msghdr& header) {
  Control found;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      found.to = IpAddress::v4(ntohl(read_control<in_pktinfo>(c).ipi_spec_dst.s_addr));
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      const auto info = read_control<in6_pktinfo>(c);
      std::array<std::uint8_t, 16> ip{};
      std::memcpy(ip.data(), &info.ipi6_addr, ip.size());
      found.to = IpAddress::v6(ip);
    } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
      found.overflow = read_control<std::uint32_t>(c);
    } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      found.arrival = read_control<timespec>(c);
    }
  }
  return found;
}

template <typename T>
void write_control(msghdr& header, ControlBuffer& buffer, int level, int type, const T& value) {
  header.msg_control = buffer.bytes.data();
  header.msg_controllen = CMSG_SPACE(sizeof value);
  cmsghdr* control = CMSG_FIRSTHDR(&header);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(control), &value, sizeof value);
}

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

// With the privilege the buffers may exceed the system's limit; without it they get what there is.
void enlarge_buffers(int fd) {
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, kKernelBuffer))
    set_option(fd, SOL_SOCKET, SO_RCVBUF, kKernelBuffer);
  if (!set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, kKernelBuffer))
    set_option(fd, SOL_SOCKET, SO_SNDBUF, kKernelBuffer);
}

// How long ago the wall clock showed this time.
Duration age(const timespec& time) {
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  return std::chrono::seconds(wall.tv_sec - time.tv_sec) +
         std::chrono::nanoseconds(wall.tv_nsec - time.tv_nsec);
}

Error failure(const Address& address, int code) {
  return {"cannot open UDP " + address.to_string() + ": " + std::strerror(code), code};
}

}  // namespace

class UdpSocket::Impl {
 public:
  Impl(int fd, bool is_v6) : fd_(fd), is_v6_(is_v6) {}
  ~Impl() { ::close(fd_); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  int fd() const { return fd_; }
  Address local() const;
  void stamp_by_kernel() { set_option(fd_, SOL_SOCKET, SO_TIMESTAMPNS, 1); }
  std::size_t receive(const std::function<void(const Datagram&)>& each, std::size_t max);
  void queue(const Address& to, const std::optional<IpAddress>& from, Bytes data);
  void flush();
  SocketStats stats() const;

 private:
  // Written by the owner, read by anyone.
  struct Counter {
    std::atomic<std::uint64_t> value{0};
    void add(std::uint64_t count = 1) {
      value.store(value.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }
    std::uint64_t get() const { return value.load(std::memory_order_relaxed); }
  };

  int receive_batch(std::size_t count);
  void hand_out(std::size_t index, TimePoint arrival, const std::function<void(const Datagram&)>& each);
  void count_overflow(std::uint32_t overflow);
  void set_source(std::size_t index, const IpAddress& from);

  const int fd_;
  const bool is_v6_;
  ThreadOwner owner_;
  Batch in_, out_;
  std::size_t queued_ = 0;
  std::uint32_t overflow_ = 0;
  Counter received_, sent_, truncated_, send_dropped_, send_errors_, batches_in_, batches_out_,
      receive_errors_, receive_dropped_;
};

Address UdpSocket::Impl::local() const {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size) < 0) return {};
  return Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&name)).value_or(Address{});
}

std::size_t UdpSocket::Impl::receive(const std::function<void(const Datagram&)>& each, std::size_t max) {
  owner_.check();
  std::size_t total = 0;
  while (total < max) {
    const std::size_t wanted = std::min(kBatch, max - total);
    const int got = receive_batch(wanted);
    if (got <= 0) break;
    const TimePoint arrival = now();
    const auto count = static_cast<std::size_t>(got);
    for (std::size_t i = 0; i < count; ++i) hand_out(i, arrival, each);
    total += count;
    if (count < wanted) break;
  }
  return total;
}

int UdpSocket::Impl::receive_batch(std::size_t count) {
  for (int errors = 0; errors < kMaxErrorsInARow; ++errors) {
    in_.open_for_receiving(count);
    const int got = ::recvmmsg(fd_, in_.headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
    if (got >= 0) {
      batches_in_.add();
      return got;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) receive_errors_.add();
  }
  return 0;
}

void UdpSocket::Impl::hand_out(std::size_t index, TimePoint arrival,
                               const std::function<void(const Datagram&)>& each) {
  msghdr& header = in_.headers[index].msg_hdr;
  const Control control = read_controls(header);
  if (control.overflow) count_overflow(*control.overflow);
  if ((header.msg_flags & MSG_TRUNC) != 0) {
    truncated_.add();
    return;
  }
  const auto from = Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&in_.names[index]));
  if (!from) return;
  received_.add();
  if (control.arrival) arrival = now() - age(*control.arrival);
  each({*from, control.to, Bytes(in_.buffers[index].data(), in_.headers[index].msg_len), arrival});
}

void UdpSocket::Impl::count_overflow(std::uint32_t overflow) {
  receive_dropped_.add(overflow - overflow_);  // the kernel's counter wraps
  overflow_ = overflow;
}

void UdpSocket::Impl::queue(const Address& to, const std::optional<IpAddress>& from, Bytes data) {
  owner_.check();
  if (data.size() > kBufferSize) {
    send_errors_.add();
    return;
  }
  if (queued_ == kBatch) flush();
  const std::size_t i = queued_++;
  if (!data.empty()) std::memcpy(out_.buffers[i].data(), data.data(), data.size());
  out_.vectors[i].iov_len = data.size();
  msghdr& header = out_.headers[i].msg_hdr;
  header.msg_namelen = to.to_sockaddr(out_.names[i], is_v6_);
  header.msg_control = nullptr;
  header.msg_controllen = 0;
  if (from && from->is_v4() == to.ip.is_v4() && !from->is_unspecified() && !from->is_multicast())
    set_source(i, *from);
}

void UdpSocket::Impl::set_source(std::size_t index, const IpAddress& from) {
  msghdr& header = out_.headers[index].msg_hdr;
  if (is_v6_) {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, from.bytes().data(), from.bytes().size());
    write_control(header, out_.controls[index], IPPROTO_IPV6, IPV6_PKTINFO, info);
  } else {
    in_pktinfo info{};
    info.ipi_spec_dst.s_addr = htonl(from.v4_value());
    write_control(header, out_.controls[index], IPPROTO_IP, IP_PKTINFO, info);
  }
}

void UdpSocket::Impl::flush() {
  owner_.check();
  for (std::size_t at = 0; at < queued_;) {
    const int sent =
        ::sendmmsg(fd_, out_.headers.data() + at, static_cast<unsigned>(queued_ - at), MSG_DONTWAIT);
    if (sent > 0) {
      batches_out_.add();
      sent_.add(static_cast<std::uint64_t>(sent));
      at += static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
      send_dropped_.add(queued_ - at);
      break;
    } else if (errno != EINTR) {
      send_errors_.add();  // this one cannot be sent; the next ones may
      ++at;
    }
  }
  queued_ = 0;
}

SocketStats UdpSocket::Impl::stats() const {
  SocketStats stats;
  stats.received = received_.get();
  stats.sent = sent_.get();
  stats.truncated = truncated_.get();
  stats.send_dropped = send_dropped_.get();
  stats.send_errors = send_errors_.get();
  stats.batches_in = batches_in_.get();
  stats.batches_out = batches_out_.get();
  stats.receive_errors = receive_errors_.get();
  stats.receive_dropped = receive_dropped_.get();
  return stats;
}

Result<std::unique_ptr<UdpSocket>> UdpSocket::open(const Address& bind_to) {
  const bool is_v6 = !bind_to.ip.is_v4();
  const int fd = ::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return failure(bind_to, errno);
  auto impl = std::make_unique<Impl>(fd, is_v6);

  enlarge_buffers(fd);
  set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
  const bool ready = is_v6 ? set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) &&  // [::] takes IPv4 as well
                                 set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                           : set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
  if (!ready) return failure(bind_to, errno);

  sockaddr_storage name{};
  const unsigned size = bind_to.to_sockaddr(name, is_v6);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), size) < 0) return failure(bind_to, errno);
  return std::unique_ptr<UdpSocket>(new UdpSocket(std::move(impl)));
}

UdpSocket::UdpSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UdpSocket::~UdpSocket() = default;
void UdpSocket::stamp_by_kernel() {
  impl_->stamp_by_kernel();
}
int UdpSocket::fd() const {
  return impl_->fd();
}
Address UdpSocket::local() const {
  return impl_->local();
}
std::size_t UdpSocket::receive(const std::function<void(const Datagram&)>& each, std::size_t max) {
  return impl_->receive(each, max);
}
void UdpSocket::queue(const Address& to, const std::optional<IpAddress>& from, Bytes data) {
  impl_->queue(to, from, data);
}
void UdpSocket::flush() {
  impl_->flush();
}
SocketStats UdpSocket::stats() const {
  return impl_->stats();
}

}  // namespace parley::net
