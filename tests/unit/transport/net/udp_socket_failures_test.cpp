// What the kernel may answer and loopback never does: the linker puts this file between UdpSocket and the two
// system calls (--wrap), and each test writes down the answers of the kernel in turn.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <deque>
#include <memory>

#include "transport/net/udp_socket.hpp"

namespace {

// One answer: so many datagrams, or an errno as a negative number. Without answers the kernel is asked.
std::deque<int> send_answers;
std::deque<int> receive_answers;

int answer(std::deque<int>& answers) {
  const int value = answers.front();
  answers.pop_front();
  if (value >= 0) return value;
  errno = -value;
  return -1;
}

}  // namespace

extern "C" {
int __real_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags);
int __real_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout);

int __wrap_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return send_answers.empty() ? __real_sendmmsg(fd, messages, count, flags) : answer(send_answers);
}
int __wrap_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  return receive_answers.empty() ? __real_recvmmsg(fd, messages, count, flags, timeout)
                                 : answer(receive_answers);
}
}

namespace parley::net {
namespace {

TEST(UdpSocketFailures, WhatSendmmsgMayAnswer) {
  struct Case {
    const char* what;
    std::deque<int> answers;
    std::uint64_t sent, dropped, errors;
  };
  const Case cases[] = {
      {"all ten", {10}, 10, 0, 0},
      {"in three parts", {3, 3, 4}, 10, 0, 0},
      {"interrupted", {-EINTR, 4, -EINTR, 6}, 10, 0, 0},
      {"full at once", {-EAGAIN}, 0, 10, 0},
      {"full after six", {6, -EAGAIN}, 6, 4, 0},
      {"no buffers", {6, -ENOBUFS}, 6, 4, 0},
      {"the first is bad", {-EINVAL, 9}, 9, 0, 1},
      {"the last is bad", {9, -EMSGSIZE}, 9, 0, 1},
      {"two bad ones in the middle", {4, -EPERM, -ENETUNREACH, 4}, 8, 0, 2},
      {"an ICMP error of an earlier one", {5, -ECONNREFUSED, 4}, 9, 0, 1},
      {"each is bad",
       {-EPERM, -EPERM, -EPERM, -EPERM, -EPERM, -EPERM, -EPERM, -EPERM, -EPERM, -EPERM},
       0,
       0,
       10},
      {"bad, then full", {2, -EHOSTUNREACH, 3, -EAGAIN}, 5, 4, 1},
  };
  for (const Case& c : cases) {
    auto socket = UdpSocket::open(*Address::parse("127.0.0.1:0")).value();
    for (int i = 0; i < 10; ++i) socket->queue(socket->local(), {}, as_bytes("x"));
    send_answers = c.answers;
    socket->flush();
    EXPECT_TRUE(send_answers.empty()) << c.what;
    send_answers.clear();
    EXPECT_EQ(socket->stats().sent, c.sent) << c.what;
    EXPECT_EQ(socket->stats().send_dropped, c.dropped) << c.what;
    EXPECT_EQ(socket->stats().send_errors, c.errors) << c.what;
    socket->flush();
    EXPECT_EQ(socket->stats().sent, c.sent) << c.what << ": the batch is empty again";
  }
}

TEST(UdpSocketFailures, WhatRecvmmsgMayAnswer) {
  struct Case {
    const char* what;
    std::deque<int> answers;
    std::size_t received;
    std::uint64_t errors;
  };
  const Case cases[] = {
      {"nothing", {-EAGAIN}, 0, 0},
      {"interrupted, then what is there", {-EINTR}, 3, 0},
      {"an ICMP error, then what is there", {-ECONNREFUSED}, 3, 1},
      {"several", {-ECONNREFUSED, -EHOSTUNREACH, -ENETUNREACH}, 3, 3},
      {"errors for ever give up until the next call", std::deque<int>(16, -EIO), 0, 16},
  };
  for (const Case& c : cases) {
    auto socket = UdpSocket::open(*Address::parse("127.0.0.1:0")).value();
    for (int i = 0; i < 3; ++i) socket->queue(socket->local(), {}, as_bytes("x"));
    socket->flush();
    receive_answers = c.answers;
    EXPECT_EQ(socket->receive([](const Datagram&) {}), c.received) << c.what;
    EXPECT_TRUE(receive_answers.empty()) << c.what;
    EXPECT_EQ(socket->stats().receive_errors, c.errors) << c.what;
    EXPECT_EQ(socket->receive([](const Datagram&) {}), 3 - c.received) << c.what;
  }
}

}  // namespace
}  // namespace parley::net
