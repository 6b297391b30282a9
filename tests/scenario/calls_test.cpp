// Calls from name to name, over a real server and real sockets; what was said is judged by listening.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "client/call_line.hpp"
#include "mcu/room/calls.hpp"
#include "tests/scenario/tone_ear.hpp"
#include "tests/support/http_receiver.hpp"

namespace parley::scenario {
namespace {

// Somebody's telephone: the line, and once a call is accepted the call.
class Phone final : public client::CallLineEvents {
 public:
  struct Options {
    bool registers = true;
    std::string key{}, token{};
  };
  Phone(Clients& clients, const Server& server, const std::string& name) : Phone(clients, server, name, {}) {}
  Phone(Clients& clients, const Server& server, const std::string& name, const Options& options)
      : clients_(clients), session_(caller_config(server, {}, name)) {
    client::CallLineConfig config;
    config.server = server.url();
    config.name = name;
    config.key = options.key.empty() ? "key-of-" + name : options.key;
    config.token = options.token;
    config.registers = options.registers;
    line_ = std::make_unique<client::CallLine>(clients.net, config, *this);
    line_->start();
  }
  ~Phone() override { line_.reset(); }

  client::CallLine& line() { return *line_; }
  // Each waits for what it is named for; empty, or what is missing.
  std::string wait_registered(std::size_t times = 1) const {
    return wait("the registration", [this, times] { return registered_ >= times; });
  }
  std::string wait_ringing() const {
    return wait("ringing", [this] { return incoming_.has_value(); });
  }
  std::string wait_calling() const {
    return wait("an answer to the call", [this] { return calling_.has_value(); });
  }
  std::string wait_accepted() const {
    return wait("acceptance", [this] { return accepted_.has_value(); });
  }
  std::string wait_over() const {
    return wait("an end", [this] { return ended_.has_value(); });
  }
  std::string wait_missed() const {
    return wait("a missed call", [this] { return !missed_.empty(); });
  }
  std::string wait_end() const {
    return wait("the end of the line", [this] { return end_.has_value(); });
  }
  void accept() { line_->accept(read(incoming_)->call); }
  void decline(bool busy = false) { line_->decline(read(incoming_)->call, busy); }
  std::string reason() const { return read(ended_) ? read(ended_)->reason : ""; }
  std::vector<protocol::CallMissed> missed() const { return read(missed_); }
  std::optional<protocol::CallIncoming> incoming() const { return read(incoming_); }
  std::optional<protocol::CallAccepted> accepted() const { return read(accepted_); }
  std::optional<client::SessionEnd> end() const { return read(end_); }

  // Joins the accepted call with a tone for a voice.
  std::unique_ptr<Caller> talk(double hz) const {
    const auto where = *accepted();
    auto config = session_;
    config.room = where.room;
    config.token = where.token.value_or("");
    config.dtx = false;
    return std::make_unique<Caller>(clients_, config, steady_tone(hz));
  }

  void on_registered(const protocol::Registered&) override {
    const std::lock_guard lock(mutex_);
    ++registered_;
  }
  void on_missed(const protocol::CallMissed& missed) override {
    const std::lock_guard lock(mutex_);
    missed_.push_back(missed);
  }
  void on_incoming(const protocol::CallIncoming& call) override { keep(incoming_, call); }
  void on_calling(const protocol::Calling& calling) override { keep(calling_, calling); }
  void on_accepted(const protocol::CallAccepted& accepted) override { keep(accepted_, accepted); }
  void on_call_ended(const protocol::CallEnded& ended) override { keep(ended_, ended); }
  void on_end(const client::SessionEnd& end) override { keep(end_, end); }

 private:
  template <typename T>
  void keep(std::optional<T>& where, const T& what) {
    const std::lock_guard lock(mutex_);
    where = what;
  }
  template <typename T>
  T read(const T& what) const {
    const std::lock_guard lock(mutex_);
    return what;
  }
  template <typename Condition>
  std::string wait(const char* what, Condition holds) const {
    return wait_until(
        [&] {
          const std::lock_guard lock(mutex_);
          return std::string(holds() ? "" : what);
        },
        8s);
  }

  Clients& clients_;
  const client::SessionConfig session_;  // all but the room
  mutable std::mutex mutex_;
  std::size_t registered_ = 0;
  std::vector<protocol::CallMissed> missed_;
  std::optional<protocol::CallIncoming> incoming_;
  std::optional<protocol::Calling> calling_;
  std::optional<protocol::CallAccepted> accepted_;
  std::optional<protocol::CallEnded> ended_;
  std::optional<client::SessionEnd> end_;
  std::unique_ptr<client::CallLine> line_;
};

class Calls : public testing::Test {
 protected:
  static settings::Settings settings() {
    auto settings = loopback_settings();
    settings.calls.ring_timeout = 20s;  // longer than anybody waits here
    return settings;
  }
  // The first seconds of a server wait for devices that it had before.
  void wait_past_start() const {
    std::this_thread::sleep_until(started_ + room::CallService::kReturn + 100ms);
  }
  std::unique_ptr<Phone> phone(const std::string& name, const Phone::Options& options = {}) {
    auto made = std::make_unique<Phone>(clients_, *server_, name, options);
    if (options.registers) {
      EXPECT_EQ(made->wait_registered(), "");
    }
    return made;
  }
  std::unique_ptr<Phone> caller(const std::string& name) { return phone(name, {.registers = false}); }
  void expect_both_hear(const Caller& ann, const Caller& bob) const {
    EXPECT_EQ(wait_tone(ann, 800), "");
    EXPECT_EQ(wait_tone(bob, 500), "");
  }
  void expect_direct(const Caller& ann, const Caller& bob) const {
    EXPECT_EQ(wait_until(
                  [&]() -> std::string {
                    const bool both = ann.session().stats().path == client::PathKind::direct &&
                                      bob.session().stats().path == client::PathKind::direct;
                    return both ? "" : "both direct";
                  },
                  8s),
              "");
  }
  std::size_t rooms() const {
    return boost::json::parse(server_->http("GET", "/api/v1/rooms").body).at("rooms").as_array().size();
  }

  const TimePoint started_ = now();
  std::unique_ptr<Server> server_ = std::make_unique<Server>(settings());
  Clients clients_;
};

TEST_F(Calls, AcceptedHeardDirectAndHungUp) {
  const auto bob = phone("bob");
  const auto ann = caller("ann");
  ann->line().call("bob");
  ASSERT_EQ(bob->wait_ringing(), "");
  EXPECT_EQ(bob->incoming()->from, "ann");
  bob->accept();
  ASSERT_EQ(ann->wait_accepted(), "");
  ASSERT_EQ(bob->wait_accepted(), "");
  const auto at_ann = ann->talk(500), at_bob = bob->talk(800);
  expect_both_hear(*at_ann, *at_bob);
  expect_direct(*at_ann, *at_bob);
  expect_both_hear(*at_ann, *at_bob);
  at_ann->leave();
  ASSERT_EQ(wait_until([&] { return std::string(at_bob->ended() ? "" : "bob's end"); }, 3s), "");
  EXPECT_EQ(at_bob->end().code, "hung-up");
  EXPECT_EQ(at_bob->end().kind, client::EndKind::left);
  EXPECT_EQ(rooms(), 0U);
  const auto metrics = server_->http("GET", "/metrics").body;
  EXPECT_NE(metrics.find("parley_calls_total{outcome=\"accepted\"} 1"), std::string::npos);
}

TEST_F(Calls, DeclinedBusyAndCancelled) {
  const auto bob = phone("bob");
  const auto ann = caller("ann");
  ann->line().call("bob");
  ASSERT_EQ(bob->wait_ringing(), "");
  const auto carol = caller("carol");
  carol->line().call("bob");
  ASSERT_EQ(carol->wait_over(), "");
  EXPECT_EQ(carol->reason(), "busy");
  ASSERT_EQ(bob->wait_missed(), "");
  EXPECT_EQ(bob->missed().front().from, "carol");
  bob->decline();
  ASSERT_EQ(ann->wait_over(), "");
  EXPECT_EQ(ann->reason(), "declined");

  const auto dave = phone("dave");
  const auto eve = caller("eve");
  eve->line().call("dave");
  ASSERT_EQ(dave->wait_ringing(), "");
  eve->line().cancel();
  ASSERT_EQ(dave->wait_over(), "");
  EXPECT_EQ(dave->reason(), "cancelled");
}

TEST_F(Calls, NobodyAnswers) {
  auto impatient = settings();
  impatient.calls.ring_timeout = 1s;
  server_ = std::make_unique<Server>(impatient);
  const auto frank = phone("frank");
  const auto grace = caller("grace");
  grace->line().call("frank");
  ASSERT_EQ(grace->wait_over(), "");
  EXPECT_EQ(grace->reason(), "no-answer");
  ASSERT_EQ(frank->wait_over(), "");
  EXPECT_EQ(frank->reason(), "no-answer");
  ASSERT_EQ(frank->wait_missed(), "");
  EXPECT_EQ(frank->missed().front().from, "grace");
}

TEST_F(Calls, MissedAndToldLater) {
  wait_past_start();
  const auto ann = caller("ann");
  ann->line().call("bob");
  ASSERT_EQ(ann->wait_over(), "");
  EXPECT_EQ(ann->reason(), "unreachable");
  const auto bob = phone("bob");
  ASSERT_EQ(bob->wait_missed(), "");
  const auto missed = bob->missed().front();
  EXPECT_EQ(missed.from, "ann");
  const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  EXPECT_NEAR(static_cast<double>(missed.at_ms), static_cast<double>(wall.count()), 5'000);
}

TEST_F(Calls, TheWebhookHearsOfMissedCalls) {
  test::HttpReceiver receiver;
  auto told = settings();
  const auto host = "http://127.0.0.1:" + std::to_string(receiver.port());
  told.webhooks.url = host + "/calls";
  told.webhooks.key = "sixteen characters and more";
  told.webhooks.allow = {host};
  server_ = std::make_unique<Server>(told);
  const auto bob = phone("bob");
  const auto ann = caller("ann");
  receiver.answer(500);
  ann->line().call("bob");
  ASSERT_EQ(bob->wait_ringing(), "");
  ann->line().cancel();
  ASSERT_EQ(wait_until([&] { return std::string(receiver.requests().empty() ? "a request" : ""); }, 8s), "");
  receiver.answer(204);
  ASSERT_EQ(
      wait_until([&] { return std::string(receiver.requests().size() < 2 ? "the second try" : ""); }, 8s),
      "");
  const auto requests = receiver.requests();
  EXPECT_EQ(requests[0].line.substr(0, 12), "POST /calls ");
  EXPECT_EQ(requests[0].body, requests[1].body);
  EXPECT_EQ(requests[0].headers.at("Parley-Delivery"), requests[1].headers.at("Parley-Delivery"));
  const auto body = boost::json::parse(requests[1].body);
  EXPECT_EQ(body.at("event").as_string(), "call.missed");
  EXPECT_EQ(body.at("call").at("to").as_string(), "bob");
  EXPECT_EQ(body.at("call").at("from").as_string(), "ann");
  EXPECT_EQ(body.at("call").at("outcome").as_string(), "cancelled");
}

TEST_F(Calls, TwoWhoCallEachOtherTalk) {
  const auto ann = phone("ann"), bob = phone("bob");
  ann->line().call("bob");
  bob->line().call("ann");
  ASSERT_EQ(ann->wait_accepted(), "");
  ASSERT_EQ(bob->wait_accepted(), "");
  EXPECT_EQ(ann->accepted()->room, bob->accepted()->room);
  const auto at_ann = ann->talk(500), at_bob = bob->talk(800);
  expect_both_hear(*at_ann, *at_bob);
}

TEST_F(Calls, AllDevicesRingAndOneAnswers) {
  const auto desk = phone("bob"), pocket = phone("bob");
  Phone thief(clients_, *server_, "bob", {.key = "another"});
  ASSERT_EQ(thief.wait_end(), "");
  EXPECT_EQ(thief.end()->code, "name-taken");
  const auto ann = caller("ann");
  ann->line().call("bob");
  ASSERT_EQ(desk->wait_ringing(), "");
  ASSERT_EQ(pocket->wait_ringing(), "");
  pocket->accept();
  ASSERT_EQ(ann->wait_accepted(), "");
  ASSERT_EQ(pocket->wait_accepted(), "");
  ASSERT_EQ(desk->wait_over(), "");
  EXPECT_EQ(desk->reason(), "answered-elsewhere");
}

TEST_F(Calls, TheServerIsStartedAnewWhileItRings) {
  auto again = settings();
  again.http.listen.port = server_->url().port;
  again.media.listen.port = server_->media().port;
  server_.reset();
  server_ = std::make_unique<Server>(again);  // on ports that are known now
  const auto bob = phone("bob");
  const auto ann = caller("ann");
  ann->line().call("bob");
  ASSERT_EQ(bob->wait_ringing(), "");
  // Both lines come back by themselves, and so does the ringing.
  const auto before = bob->incoming()->call;
  server_.reset();
  server_ = std::make_unique<Server>(again);
  ASSERT_EQ(
      wait_until([&] { return std::string(bob->incoming()->call == before ? "it rings again" : ""); }, 8s),
      "");
  bob->accept();
  ASSERT_EQ(ann->wait_accepted(), "");
  ASSERT_EQ(bob->wait_accepted(), "");
}

// With tokens nobody is called, calls or comes in without one, and the token says who it is.
TEST(CallsWithTokens, NamesAndRoomsAreForTheirHolders) {
  auto settings = loopback_settings();
  settings.auth.admin_key = "the admin's key";
  settings.auth.token_key = "the key of tokens";
  const Server server(settings);
  Clients clients;
  const auto token = [&](const std::string& name) {
    const auto made = server.http("POST", "/api/v1/names/" + name + "/tokens", "{}", "application/json",
                                  settings.auth.admin_key);
    EXPECT_EQ(made.status, 201) << made.body;
    return std::string(boost::json::parse(made.body).at("token").as_string());
  };
  Phone nobody(clients, server, "bob");
  ASSERT_EQ(nobody.wait_end(), "");
  EXPECT_EQ(nobody.end()->code, "bad-token");
  Phone bob(clients, server, "mallory", {.token = token("bob")});
  ASSERT_EQ(bob.wait_registered(), "");
  Phone ann(clients, server, "bob", {.registers = false, .token = token("ann")});
  ann.line().call("bob");
  ASSERT_EQ(bob.wait_ringing(), "");
  EXPECT_EQ(bob.incoming()->from, "ann");
  bob.accept();
  ASSERT_EQ(ann.wait_accepted(), "");
  ASSERT_EQ(bob.wait_accepted(), "");
  const auto at_ann = ann.talk(500), at_bob = bob.talk(800);
  EXPECT_EQ(wait_tone(*at_ann, 800), "");
  EXPECT_EQ(wait_tone(*at_bob, 500), "");
  for (const auto& who : at_ann->session().roster())
    EXPECT_TRUE(who.name == "ann" || who.name == "bob") << who.name;
}

}  // namespace
}  // namespace parley::scenario
