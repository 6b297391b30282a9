// The net thread with real sockets on loopback: who is answered, who is not, and that the flood of strangers
// costs the participants nothing.
#include "transport/leg/leg_server.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "tests/unit/transport/leg/end.hpp"
#include "transport/net/poller.hpp"
#include "transport/stun/stun_message.hpp"

namespace parley {
namespace {

class Events final : public LegServerEvents {
 public:
  void on_connected(LegId leg, const Address&) noexcept override {
    const std::lock_guard lock(lock_);
    connected_.push_back(leg);
  }
  void on_media(LegId leg, std::uint32_t route, const MediaPacket& packet) noexcept override {
    const std::lock_guard lock(lock_);
    media_.emplace_back(leg, std::string(as_text(packet.data())));
    route_ = route;
  }
  void on_end(LegId leg, LegEnd end) noexcept override {
    const std::lock_guard lock(lock_);
    ended_.emplace_back(leg, end);
  }
  void on_traffic(LegId, std::uint32_t, const LegTraffic&) noexcept override {}

  template <typename Read>
  auto read(Read&& read) const {
    const std::lock_guard lock(lock_);
    return read(*this);
  }
  std::vector<LegId> connected_;
  std::vector<std::pair<LegId, std::string>> media_;
  std::vector<std::pair<LegId, LegEnd>> ended_;
  std::uint32_t route_ = 0;

 private:
  mutable std::mutex lock_;
};

class LegServerTest : public testing::Test {
 protected:
  explicit LegServerTest(const std::optional<Address>& second = {}) {
    server_ = LegServer::open(address("127.0.0.1:0"), *identity_, events_, second).value();
    thread_ = std::thread([this] { server_->run(); });
    socket_ = net::UdpSocket::open(address("127.0.0.1:0")).value();
  }
  ~LegServerTest() override {
    server_->stop();
    thread_.join();
  }

  void send(Bytes datagram) {
    socket_->queue(server_->local(), std::nullopt, datagram);
    socket_->flush();
  }
  // The next datagram within `limit`, if any.
  std::optional<ByteBuffer> receive(Duration limit) {
    net::Poller poller;
    poller.add(socket_->fd());
    std::optional<ByteBuffer> got;
    const TimePoint end = now() + limit;
    while (!got && now() < end) {
      poller.wait(end - now());
      socket_->receive([&](const net::Datagram& d) { got.emplace(d.data.begin(), d.data.end()); }, 1);
    }
    return got;
  }
  // Drives a client leg against the server until `done` or the limit.
  bool drive(End& client, const std::function<bool()>& done, Duration limit) {
    net::Poller poller;
    poller.add(socket_->fd());
    for (const TimePoint end = now() + limit; now() < end;) {
      if (done()) return true;
      client.leg->on_timer(now());
      while (!client.outbox.empty()) {
        send(client.outbox.front().second);
        client.outbox.pop_front();
      }
      poller.wait(2ms);
      socket_->receive([&](const net::Datagram& d) { client.leg->receive(d.arrival, d.from, d.to, d.data); });
    }
    return done();
  }

  std::unique_ptr<dtls::Identity> identity_ = dtls::Identity::create().value();
  Events events_;
  std::unique_ptr<LegServer> server_;
  std::thread thread_;
  std::unique_ptr<net::UdpSocket> socket_;
};

TEST_F(LegServerTest, AnswersPlainBindingRequestsAsShortAsItGets) {
  stun::StunBuilder request(stun::Class::request, stun::random_transaction_id());
  send(request.bytes());
  const auto answer = receive(1s);
  ASSERT_TRUE(answer.has_value());
  const auto message = stun::StunMessage::parse(*answer);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->xor_mapped_address(), socket_->local());
  EXPECT_EQ(answer->size(), 32U) << "header and one address";
}

class SecondPortTest : public LegServerTest {
 protected:
  SecondPortTest() : LegServerTest(address("127.0.0.1:0")) {}

  struct Answer {
    Address from;
    ByteBuffer data;
    stun::StunMessage message;
  };
  // The answer to a request of at least this size, if any.
  std::optional<Answer> ask(const Address& to, std::optional<stun::ChangeRequest> change,
                            bool longer = true) {
    stun::StunBuilder request(stun::Class::request, stun::random_transaction_id());
    if (change) request.change_request(*change);
    if (longer) request.fingerprint();
    socket_->queue(to, std::nullopt, request.bytes());
    socket_->flush();
    asked_ = request.bytes().size();
    return wait();
  }
  std::optional<Answer> wait() {
    net::Poller poller;
    poller.add(socket_->fd());
    std::optional<Answer> answer;
    for (const TimePoint end = now() + 300ms; !answer && now() < end;) {
      poller.wait(end - now());
      socket_->receive(
          [&](const net::Datagram& d) {
            data_.assign(d.data.begin(), d.data.end());
            if (const auto message = stun::StunMessage::parse(data_))
              answer.emplace(Answer{d.from, data_, *message});
          },
          1);
    }
    if (answer) {
      EXPECT_LE(answer->data.size() * 10, asked_ * 16) << "an amplifier";
    }
    return answer;
  }
  Address second() {
    const auto answer = ask(server_->local(), std::nullopt);
    return answer ? answer->message.other_address().value_or(Address{}) : Address{};
  }
  ByteBuffer data_;
  std::size_t asked_ = 0;
};

TEST_F(SecondPortTest, IsNamedAnswersAndAnswersForTheOther) {
  const Address first = server_->local(), second = this->second();
  EXPECT_EQ(second.ip, first.ip);
  EXPECT_NE(second.port, 0);
  EXPECT_NE(second.port, first.port);

  const stun::ChangeRequest change_port{false, true}, change_nothing{}, change_ip{true, false},
      both{true, true};
  const struct {
    Address to;
    std::optional<stun::ChangeRequest> change;
    std::optional<Address> from;
  } cases[] = {
      {first, std::nullopt, first}, {second, std::nullopt, second}, {first, change_port, second},
      {second, change_port, first}, {first, change_nothing, first}, {first, change_ip, std::nullopt},
      {second, both, std::nullopt},
  };
  for (const auto& c : cases) {
    const auto answer = ask(c.to, c.change);
    ASSERT_EQ(answer.has_value(), c.from.has_value());
    if (!answer) continue;
    EXPECT_EQ(answer->from, *c.from);
    EXPECT_EQ(answer->message.xor_mapped_address(), socket_->local());
  }
}

TEST_F(SecondPortTest, KeepsShortAnswersShort) {
  const auto answer = ask(server_->local(), std::nullopt, false);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->data.size(), 32U);
}

TEST_F(SecondPortTest, SpeaksNothingButBindingRequests) {
  const Address second = this->second();
  const auto check = [&](Bytes datagram) {
    socket_->queue(second, std::nullopt, datagram);
    socket_->flush();
    EXPECT_FALSE(wait().has_value());
  };
  stun::StunBuilder ice(stun::Class::request, stun::random_transaction_id());
  ice.username("a:b").integrity("guess").fingerprint();
  check(ice.bytes());
  stun::StunBuilder answer(stun::Class::success, stun::random_transaction_id());
  answer.fingerprint();
  check(answer.bytes());
  check(as_bytes("\x80 no media here, and no DTLS"));
  check({});
}

TEST_F(SecondPortTest, BothPortsShareOneRate) {
  const Address second = this->second();
  for (int i = 0; i < 200; ++i) {
    stun::StunBuilder request(stun::Class::request, stun::random_transaction_id());
    request.change_request({false, true});
    asked_ = request.bytes().size();
    socket_->queue(i % 2 == 0 ? second : server_->local(), std::nullopt, request.bytes());
    socket_->flush();
  }
  int answers = 0;
  while (wait()) ++answers;
  EXPECT_GT(answers, 10);
  EXPECT_LT(answers, 70);
}

TEST_F(LegServerTest, HasNoSecondPortUnlessAsked) {
  stun::StunBuilder request(stun::Class::request, stun::random_transaction_id());
  request.fingerprint();
  send(request.bytes());
  const auto answer = receive(1s);
  ASSERT_TRUE(answer.has_value());
  EXPECT_FALSE(stun::StunMessage::parse(*answer)->other_address().has_value());
  stun::StunBuilder change(stun::Class::request, stun::random_transaction_id());
  change.change_request({false, true});
  send(change.bytes());
  EXPECT_FALSE(receive(200ms).has_value());
}

TEST_F(LegServerTest, StopsAnsweringWhoAsksTooOften) {
  for (int i = 0; i < 200; ++i) {
    stun::StunBuilder request(stun::Class::request, stun::random_transaction_id());
    send(request.bytes());
  }
  int answers = 0;
  while (receive(100ms)) ++answers;
  EXPECT_GT(answers, 10);
  EXPECT_LT(answers, 60);
}

TEST_F(LegServerTest, StrangersGetSilence) {
  const auto check = [this](std::string_view username) {
    stun::StunBuilder request(stun::Class::request, stun::random_transaction_id());
    request.username(username).integrity("guess").fingerprint();
    send(request.bytes());
  };
  check("nobody:me");
  check(":");
  check("");
  const std::uint8_t hello[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2};
  send(hello);
  const std::uint8_t rtp[] = {0x80, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4};
  send(rtp);
  const std::uint8_t rubbish[] = {0xff, 0xfe, 0xfd};
  send(rubbish);
  send({});
  EXPECT_FALSE(receive(300ms).has_value());
  EXPECT_TRUE(events_.read([](const Events& e) { return e.media_.empty() && e.connected_.empty(); }));
}

TEST_F(LegServerTest, CarriesAProtectedLegEndToEnd) {
  End client;
  const auto credentials = ice::Credentials::random();
  LegConfig config;
  config.id = LegId{3};
  config.route = 42;
  config.local_ufrag = credentials.ufrag;
  config.local_pwd = credentials.pwd;
  config.remote_ufrag = client.credentials.ufrag;
  config.remote_pwd = client.credentials.pwd;
  config.remote_fingerprint = client.identity->fingerprint();
  config.local_ssrc = 99;
  config.cname = "server";
  ASSERT_TRUE(server_->post_add(config));

  LegConfig own = config;
  own.controlling = true;
  own.remote = server_->local();
  std::swap(own.local_ufrag, own.remote_ufrag);
  std::swap(own.local_pwd, own.remote_pwd);
  own.remote_fingerprint = identity_->fingerprint();
  own.local_ssrc = 11;
  client.leg = std::make_unique<Leg>(own, client.identity.get(), client, now());
  ASSERT_TRUE(drive(
      client, [&] { return client.connected == 1; }, 5s));
  ASSERT_TRUE(drive(
      client, [&] { return events_.read([](const Events& e) { return !e.connected_.empty(); }); }, 1s));

  RtpOut up;
  up.payload = as_bytes("up");
  client.leg->send_rtp(now(), up);
  ASSERT_TRUE(drive(
      client, [&] { return events_.read([](const Events& e) { return !e.media_.empty(); }); }, 1s));
  EXPECT_EQ(events_.read([](const Events& e) { return e.media_.front().second; }), "up");
  EXPECT_EQ(events_.read([](const Events& e) { return e.route_; }), 42U);

  RtpOut down;
  down.payload = as_bytes("down");
  const LegId legs[] = {LegId{3}, LegId{4711}};  // one of them is gone already: no harm
  ASSERT_TRUE(server_->post_frame(down, legs));
  server_->wake();
  ASSERT_TRUE(drive(
      client, [&] { return !client.heard.empty(); }, 1s));
  EXPECT_EQ(as_text(client.heard.front().data()), "down");

  ASSERT_TRUE(server_->post_remove(LegId{3}));
  ASSERT_TRUE(drive(
      client, [&] { return client.end.has_value(); }, 1s))
      << "the server says goodbye";
}

TEST_F(LegServerTest, RefusesABusyPortByName) {
  Events events;
  const auto second = LegServer::open(server_->local(), *identity_, events);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().what.find(server_->local().to_string()), std::string::npos) << second.error().what;
}

}  // namespace
}  // namespace parley
