#include "client/opening_sockets.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <set>
#include <string>

#include "transport/net/udp_socket.hpp"

namespace parley::client {
namespace {

class OpeningSocketsTest : public testing::Test {
 protected:
  void open(OpeningSockets& sockets, int count) {
    for (int i = 0; i < count; ++i) sockets.open(peer->local(), as_bytes("open"));
  }
  std::vector<Address> sources() {
    std::vector<Address> from;
    peer->receive([&](const net::Datagram& datagram) { from.push_back(datagram.from); }, 1'000);
    return from;
  }
  void say(const Address& to, std::string_view text) {
    peer->queue(to, std::nullopt, as_bytes(text));
    peer->flush();
  }
  void run() {
    context.restart();
    context.run_for(20ms);
  }

  boost::asio::io_context context;
  std::unique_ptr<net::UdpSocket> peer = net::UdpSocket::open(*Address::parse("127.0.0.1:0")).value();
};

TEST_F(OpeningSocketsTest, EachDatagramLeavesFromAPortOfItsOwnAndOneIsKept) {
  std::vector<std::pair<std::size_t, std::string>> heard;
  OpeningSockets sockets(context, [&](std::size_t socket, const Address& from, Bytes data) {
    EXPECT_EQ(from, peer->local());
    heard.emplace_back(socket, std::string(as_text(data)));
    sockets.keep(socket);
    sockets.send(socket, from, as_bytes("here"));
  });
  open(sockets, 100);
  const auto from = sources();
  ASSERT_EQ(from.size(), 100U);
  EXPECT_EQ((std::set<Address>(from.begin(), from.end()).size()), 100U);
  say(from[41], "found");
  run();
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0], std::pair(std::size_t{41}, std::string("found")));
  EXPECT_EQ(sockets.open_sockets(), 1U);
  EXPECT_EQ(sources(), std::vector{from[41]});
  open(sockets, 3);  // no more
  say(from[7], "too late");
  say(from[41], "again");
  run();
  EXPECT_EQ(heard.back().second, "again");
  EXPECT_EQ(heard.size(), 2U);
}

TEST_F(OpeningSocketsTest, MayBeDestroyedByItsHandler) {
  std::unique_ptr<OpeningSockets> sockets;
  sockets =
      std::make_unique<OpeningSockets>(context, [&](std::size_t, const Address&, Bytes) { sockets.reset(); });
  open(*sockets, 5);
  for (const auto& from : sources())
    for (const char* text : {"a", "b"}) say(from, text);
  run();
  EXPECT_EQ(sockets, nullptr);
}

TEST_F(OpeningSocketsTest, LeavesHalfOfTheDescriptorsToOthers) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  {
    OpeningSockets sockets(context, [](std::size_t, const Address&, Bytes) {});
    open(sockets, 200);
    EXPECT_GT(sockets.open_sockets(), 5U);
    EXPECT_LE(sockets.open_sockets(), 32U);
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace parley::client
