#include "transport/net/tcp_backlog.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace parley::net {
namespace {

// Two ends of a TCP connection over loopback; the second one reads nothing.
struct Pair {
  int near = -1, far = -1;
  Pair() {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof any;
    auto* address = reinterpret_cast<sockaddr*>(&any);
    if (::bind(listener, address, size) != 0 || ::listen(listener, 1) != 0) return;
    ::getsockname(listener, address, &size);
    near = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(near, address, size) == 0) far = ::accept(listener, nullptr, nullptr);
    ::close(listener);
    ::fcntl(near, F_SETFL, O_NONBLOCK);
  }
  ~Pair() {
    ::close(near);
    ::close(far);
  }
};

TEST(TcpBacklog, KnowsWhatAReaderThatStandsStillHasNotTaken) {
  Pair pair;
  ASSERT_GE(pair.far, 0);
  std::array<char, 65536> bytes{};
  std::size_t written = 0;
  for (ssize_t n = 0; (n = ::write(pair.near, bytes.data(), bytes.size())) > 0;)
    written += static_cast<std::size_t>(n);
  const auto backlog = tcp_backlog(pair.near);
  ASSERT_TRUE(backlog.has_value());
  EXPECT_GT(backlog->unacknowledged, 10'000U);
  EXPECT_LE(backlog->unacknowledged, written);
}

TEST(TcpBacklog, IsNothingForWhatIsNoTcpSocket) {
  EXPECT_FALSE(tcp_backlog(-1).has_value());
  const int udp = ::socket(AF_INET, SOCK_DGRAM, 0);
  EXPECT_FALSE(tcp_backlog(udp).has_value());
  ::close(udp);
}

TEST(MediaPace, AllowsARoundTripAndAMomentMore) {
  MediaPace pace;
  TimePoint at{1000s};
  for (int i = 0; i < 250; ++i, at += 20ms) pace.written(at, 200);  // 10 kB a second for 5 s
  const auto allowed = [&](std::size_t bytes, Duration trip) { return pace.may_write(at, {bytes, trip}); };
  EXPECT_TRUE(allowed(1'000, 0ms));
  EXPECT_TRUE(allowed(1'000 + 1'500, 0ms));
  EXPECT_FALSE(allowed(1'000 + 3'000, 0ms));
  EXPECT_TRUE(allowed(1'000 + 6'000, 500ms)) << "on a long path more is on its way";
  EXPECT_FALSE(allowed(20'000, 500ms));
}

TEST(MediaPace, OfAStreamThatRestedIsTheLeast) {
  MediaPace pace;
  const TimePoint at{1000s};
  pace.written(at, 100'000);
  EXPECT_TRUE(pace.may_write(at + 10s, {1'000, 0ms}));
  pace.written(at + 10s, 100);
  EXPECT_FALSE(pace.may_write(at + 10s, {1'900, 200ms}));
}

}  // namespace
}  // namespace parley::net
