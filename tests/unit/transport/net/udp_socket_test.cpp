#include "transport/net/udp_socket.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <vector>

#include "transport/net/poller.hpp"

namespace parley::net {
namespace {

Address address(const char* text) {
  return Address::parse(text).value();
}

std::unique_ptr<UdpSocket> open_socket(const char* text) {
  auto socket = UdpSocket::open(address(text));
  if (!socket) throw std::runtime_error(socket.error().what);
  return std::move(socket).value();
}

bool ipv6_works() {
  return UdpSocket::open(address("[::1]:0")).ok();
}

struct Received {
  Address from;
  std::optional<IpAddress> to;
  std::string text;
  TimePoint arrival;
};

// Everything that comes until `count` datagrams are there; loopback delivers at once, the limit is for a
// hang.
std::vector<Received> receive(UdpSocket& socket, std::size_t count) {
  Poller poller;
  poller.add(socket.fd());
  std::vector<Received> all;
  const TimePoint limit = now() + 10s;
  while (all.size() < count && now() < limit) {
    poller.wait(limit - now());
    socket.receive([&](const Datagram& d) {
      all.push_back({d.from, d.to, std::string(as_text(d.data)), d.arrival});
    });
  }
  return all;
}

void send(UdpSocket& socket, const Address& to, std::string_view text,
          const std::optional<IpAddress>& from = {}) {
  socket.queue(to, from, as_bytes(text));
  socket.flush();
}

TEST(UdpSocket, CarriesDatagramsBothWays) {
  auto a = open_socket("127.0.0.1:0");
  auto b = open_socket("127.0.0.1:0");
  EXPECT_NE(a->local().port, 0);
  EXPECT_NE(a->local(), b->local());

  const TimePoint before = now();
  send(*a, b->local(), "hello");
  const auto got = receive(*b, 1);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].text, "hello");
  EXPECT_EQ(got[0].from, a->local());
  EXPECT_EQ(got[0].to, a->local().ip);
  EXPECT_GE(got[0].arrival, before);
  EXPECT_LE(got[0].arrival, now());

  send(*b, got[0].from, "world", got[0].to);
  EXPECT_EQ(receive(*a, 1).at(0).text, "world");
  EXPECT_EQ(a->stats().sent, 1U);
  EXPECT_EQ(a->stats().received, 1U);
  EXPECT_EQ(b->stats().send_errors, 0U);
}

TEST(UdpSocket, NothingThereIsNoError) {
  auto socket = open_socket("127.0.0.1:0");
  EXPECT_EQ(socket->receive([](const Datagram&) { FAIL(); }), 0U);
  socket->flush();
  EXPECT_EQ(socket->stats().receive_errors, 0U);
  EXPECT_EQ(socket->stats().batches_out, 0U);
}

TEST(UdpSocket, AnswersFromTheAddressAPacketCameTo) {
  auto server = open_socket("0.0.0.0:0");
  auto client = open_socket("127.0.0.1:0");
  for (const char* target : {"127.0.0.2", "127.0.0.77", "127.0.0.1"}) {
    const Address to{IpAddress::parse(target).value(), server->local().port};
    send(*client, to, "ping");
    const auto got = receive(*server, 1);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].to, to.ip);
    send(*server, got[0].from, "pong", got[0].to);
    EXPECT_EQ(receive(*client, 1).at(0).from, to) << target;
  }
}

TEST(UdpSocket, DualStack) {
  if (!ipv6_works()) GTEST_SKIP() << "no IPv6 on this machine";
  auto server = open_socket("[::]:0");
  auto v4 = open_socket("127.0.0.1:0");
  auto v6 = open_socket("[::1]:0");
  const std::uint16_t port = server->local().port;

  struct Case {
    UdpSocket* client;
    const char* target;
  };
  const Case cases[] = {{v4.get(), "127.0.0.1"}, {v4.get(), "127.0.0.9"}, {v6.get(), "::1"}};
  for (const Case& c : cases) {
    const Address to{IpAddress::parse(c.target).value(), port};
    send(*c.client, to, "ping");
    const auto got = receive(*server, 1);
    ASSERT_EQ(got.size(), 1U) << c.target;
    EXPECT_EQ(got[0].from, c.client->local()) << "IPv4 in canonical form, not mapped";
    EXPECT_EQ(got[0].to, to.ip) << c.target;
    send(*server, got[0].from, "pong", got[0].to);
    EXPECT_EQ(receive(*c.client, 1).at(0).from, to) << c.target;
  }
  EXPECT_EQ(server->stats().send_errors, 0U);
}

TEST(UdpSocket, ManyDatagramsInFewBatches) {
  auto a = open_socket("127.0.0.1:0");
  auto b = open_socket("127.0.0.1:0");
  constexpr int kCount = 200;  // three batches and a bit
  for (int i = 0; i < kCount; ++i) a->queue(b->local(), {}, as_bytes(std::to_string(i)));
  a->flush();
  const auto got = receive(*b, kCount);
  ASSERT_EQ(got.size(), static_cast<std::size_t>(kCount));
  for (int i = 0; i < kCount; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)].text, std::to_string(i));
  EXPECT_EQ(a->stats().sent, static_cast<std::uint64_t>(kCount));
  EXPECT_EQ(a->stats().batches_out, 4U);
  EXPECT_LE(b->stats().batches_in, 10U);
}

TEST(UdpSocket, ReadsNoMoreThanItWasAsked) {
  auto a = open_socket("127.0.0.1:0");
  auto b = open_socket("127.0.0.1:0");
  for (int i = 0; i < 100; ++i) a->queue(b->local(), {}, as_bytes("x"));
  a->flush();
  int seen = 0;
  const auto count = [&](const Datagram&) { ++seen; };
  EXPECT_EQ(b->receive(count, 70), 70U);
  EXPECT_EQ(seen, 70);
  EXPECT_EQ(b->receive(count, 70), 30U);
  EXPECT_EQ(seen, 100);
}

TEST(UdpSocket, SizesUpToTheLimitPassLongerOnesAreCounted) {
  auto a = open_socket("127.0.0.1:0");
  auto b = open_socket("127.0.0.1:0");
  for (const std::size_t size : {0U, 1U, 1500U, 2048U}) {
    send(*a, b->local(), std::string(size, 'x'));
    EXPECT_EQ(receive(*b, 1).at(0).text.size(), size);
  }
  send(*a, b->local(), std::string(2049, 'x'));
  EXPECT_EQ(a->stats().send_errors, 1U);

  // From a stranger who does not keep to the limit.
  const int stranger = ::socket(AF_INET, SOCK_DGRAM, 0);
  ASSERT_GE(stranger, 0);
  sockaddr_storage name{};
  const unsigned length = b->local().to_sockaddr(name, false);
  for (const std::size_t size : {2049U, 9000U, 60'000U, 10U}) {
    const std::string text(size, 'y');
    ASSERT_EQ(::sendto(stranger, text.data(), size, 0, reinterpret_cast<const sockaddr*>(&name), length),
              static_cast<ssize_t>(size));
  }
  ::close(stranger);
  EXPECT_EQ(receive(*b, 1).at(0).text.size(), 10U);
  EXPECT_EQ(b->stats().truncated, 3U);
}

TEST(UdpSocket, OneDatagramThatCannotGoDoesNotHoldUpTheOthers) {
  auto a = open_socket("127.0.0.1:0");
  auto b = open_socket("127.0.0.1:0");
  const std::string text = "good";
  struct Bad {
    const char* what;
    Address to;
    std::optional<IpAddress> from;
  };
  const Bad bad[] = {
      {"port zero", address("127.0.0.1:0"), {}},
      {"IPv6 through an IPv4 socket", address("[::1]:9"), {}},
      {"from an address that is not ours", b->local(), IpAddress::parse("198.51.100.1")},
      {"broadcast", address("255.255.255.255:9"), {}},
  };
  for (const Bad& c : bad) {
    const auto before = a->stats();
    a->queue(b->local(), {}, as_bytes(text));
    a->queue(c.to, c.from, as_bytes("bad"));
    a->queue(b->local(), {}, as_bytes(text));
    a->flush();
    const auto got = receive(*b, 2);
    ASSERT_EQ(got.size(), 2U) << c.what;
    for (const auto& datagram : got) EXPECT_EQ(datagram.text, text) << c.what;
    EXPECT_EQ(a->stats().sent - before.sent, 2U) << c.what;
    EXPECT_EQ(a->stats().send_errors - before.send_errors, 1U) << c.what;
  }
}

TEST(UdpSocket, ASourceOfTheOtherFamilyIsLeftOut) {
  auto a = open_socket("0.0.0.0:0");
  auto b = open_socket("127.0.0.1:0");
  for (const char* source : {"::1", "0.0.0.0", "224.0.0.1"}) {
    send(*a, b->local(), source, IpAddress::parse(source));
    EXPECT_EQ(receive(*b, 1).at(0).text, source);
  }
}

TEST(UdpSocket, APeerThatIsGoneIsNoError) {
  auto a = open_socket("127.0.0.1:0");
  Address gone;
  {
    auto b = open_socket("127.0.0.1:0");
    gone = b->local();
  }
  for (int i = 0; i < 20; ++i) {
    send(*a, gone, "anybody?");  // the kernel answers by ICMP
    a->receive([](const Datagram&) {});
  }
  auto b = open_socket("127.0.0.1:0");
  send(*a, b->local(), "still here");
  EXPECT_EQ(receive(*b, 1).at(0).text, "still here");
}

TEST(UdpSocket, TheCallbackMayAnswer) {
  auto a = open_socket("127.0.0.1:0");
  auto b = open_socket("127.0.0.1:0");
  constexpr std::size_t kCount = 150;
  for (std::size_t i = 0; i < kCount; ++i) a->queue(b->local(), {}, as_bytes(std::to_string(i)));
  a->flush();
  std::size_t echoed = 0;
  while (echoed < kCount) echoed += b->receive([&](const Datagram& d) { b->queue(d.from, d.to, d.data); });
  b->flush();
  const auto got = receive(*a, kCount);
  ASSERT_EQ(got.size(), kCount);
  EXPECT_EQ(got.back().text, std::to_string(kCount - 1));
}

TEST(UdpSocket, AFullKernelBufferDropsAndCounts) {
  auto a = open_socket("127.0.0.1:0");
  auto b = open_socket("127.0.0.1:0");
  const int tiny = 1;  // the kernel makes it its minimum
  ASSERT_EQ(::setsockopt(b->fd(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny), 0);
  constexpr std::uint64_t kCount = 500;
  for (std::uint64_t i = 0; i < kCount; ++i) a->queue(b->local(), {}, as_bytes(std::string(500, 'x')));
  a->flush();
  EXPECT_EQ(a->stats().sent + a->stats().send_dropped, kCount);
  while (b->receive([](const Datagram&) {}) > 0) {
  }
  send(*a, b->local(), "the next one brings the counter");
  while (b->receive([](const Datagram&) {}) > 0) {
  }
  EXPECT_GT(b->stats().receive_dropped, 0U);
  EXPECT_EQ(b->stats().received + b->stats().receive_dropped, a->stats().sent);
}

TEST(UdpSocket, OpenNamesAddressAndCause) {
  auto a = open_socket("127.0.0.1:0");
  const auto taken = UdpSocket::open(a->local());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, EADDRINUSE);
  EXPECT_NE(taken.error().what.find(a->local().to_string()), std::string::npos) << taken.error().what;
  EXPECT_NE(taken.error().what.find("in use"), std::string::npos) << taken.error().what;

  const auto foreign = UdpSocket::open(address("198.51.100.1:0"));
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, EADDRNOTAVAIL);
}

TEST(UdpSocket, ClosesItsDescriptor) {
  int fd = -1;
  {
    auto socket = open_socket("127.0.0.1:0");
    fd = socket->fd();
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

}  // namespace
}  // namespace parley::net
