// Calls where UDP is blocked: the WebSocket carries them, and gives them back when UDP works. Judged by what
// is heard at both ends.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/scenario/tcp_relay.hpp"
#include "tests/scenario/tone_ear.hpp"
#include "tests/scenario/udp_relay.hpp"
#include "tests/support/audio_metrics.hpp"

namespace parley::scenario {
namespace {

constexpr double kAnn = 500, kBob = 800;

client::SessionConfig config(const Server& server, const std::string& name) {
  auto out = caller_config(server, "room", name);
  out.dtx = false;     // a steady tone is noise to the encoder's ear
  out.direct = false;  // or the two would find each other on loopback
  return out;
}

double value_of(const Server& server, const std::string& metric) {
  const auto text = server.http("GET", "/metrics").body;
  const auto at = text.find("\n" + metric + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + metric.size() + 2));
}

std::string wait_carrier(const Caller& caller, Carrier carrier, Duration limit) {
  return wait_until(
      [&] { return std::string(caller.session().stats().carrier == carrier ? "" : to_string(carrier)); },
      limit);
}

// The loudest the tone ever was: two copies of it on top of each other would be up to twice as loud.
double loudest(const std::vector<float>& heard, double hz, std::size_t from) {
  constexpr std::size_t kWindow = 960;
  double most = 0;
  for (std::size_t at = from; at + kWindow <= heard.size(); at += kWindow)
    most = std::max(most, test::tone_amplitude(std::span(heard).subspan(at, kWindow), hz));
  return most;
}

void expect_only(const Caller& caller, double other, double own) {
  const auto heard = caller.heard();
  const auto last = std::span(heard).last(std::min<std::size_t>(heard.size(), 48'000));
  EXPECT_GT(test::tone_amplitude(last, other), kToneAmplitude / 2);
  EXPECT_LT(test::tone_amplitude(last, own), kToneAmplitude / 50) << "one's own voice";
}

class WebSocketMedia : public testing::Test {
 protected:
  void SetUp() override {
    auto settings = loopback_settings();
    settings.media.advertise = {relay_.local()};
    settings.mix.auto_level = settings::AutoLevel::off;  // levels are judged
    server_ = std::make_unique<Server>(settings);
    relay_.forward_to(server_->media());
  }
  void two_join() {
    ann_ = std::make_unique<Caller>(clients_, config(*server_, "ann"), steady_tone(kAnn));
    bob_ = std::make_unique<Caller>(clients_, config(*server_, "bob"), steady_tone(kBob));
    ASSERT_EQ(ann_->wait_live(), "");
    ASSERT_EQ(bob_->wait_live(), "");
    ASSERT_EQ(wait_tone(*ann_, kBob), "");
    ASSERT_EQ(wait_tone(*bob_, kAnn), "");
  }

  UdpRelay relay_;
  std::unique_ptr<Server> server_;
  Clients clients_;
  std::unique_ptr<Caller> ann_, bob_;
};

TEST_F(WebSocketMedia, BlockedUdpIsReplacedAndTakenBackWithoutAGap) {
  relay_.block(true);
  const TimePoint begun = now();
  two_join();
  std::printf("UDP blocked: both heard after %.0f ms\n", to_ms(now() - begun));
  for (const auto* caller : {ann_.get(), bob_.get()}) {
    EXPECT_LT(caller->session().stats().connect_ms, 2'000);
    EXPECT_EQ(caller->session().stats().carrier, Carrier::websocket);
  }
  expect_only(*ann_, kBob, kAnn);
  expect_only(*bob_, kAnn, kBob);
  const auto roster = boost::json::parse(server_->http("GET", "/api/v1/rooms/room/participants").body);
  for (const auto& who : roster.at("participants").as_array()) EXPECT_EQ(who.at("carrier"), "websocket");
  EXPECT_EQ(value_of(*server_, "parley_legs_carrier{carrier=\"websocket\"}"), 2);
  EXPECT_GT(value_of(*server_, "parley_websocket_packets_received_total"), 20);

  const auto ann_from = ann_->heard().size(), bob_from = bob_->heard().size();
  relay_.block(false);
  const TimePoint opened = now();
  ASSERT_EQ(wait_carrier(*ann_, Carrier::udp, 10s), "");
  ASSERT_EQ(wait_carrier(*bob_, Carrier::udp, 10s), "");
  const double back_s = to_seconds(now() - opened);
  std::this_thread::sleep_for(500ms);  // what the change may have broken has been heard by then
  const auto at_ann = ann_->heard(), at_bob = bob_->heard();
  const double ann_gap = longest_gap_ms(at_ann, kBob, ann_from),
               bob_gap = longest_gap_ms(at_bob, kAnn, bob_from);
  std::printf("UDP open again: taken after %.1f s, longest silence %.0f ms at ann, %.0f ms at bob\n", back_s,
              ann_gap, bob_gap);
  EXPECT_LE(ann_gap, 60);
  EXPECT_LE(bob_gap, 60);
  EXPECT_LT(loudest(at_ann, kBob, ann_from), kToneAmplitude * 1.2) << "heard twice";
  EXPECT_LT(loudest(at_bob, kAnn, bob_from), kToneAmplitude * 1.2) << "heard twice";
  EXPECT_EQ(value_of(*server_, "parley_legs_carrier{carrier=\"udp\"}"), 2);
  EXPECT_EQ(ann_->session().stats().reconnects, 0);
}

TEST_F(WebSocketMedia, UdpThatDiesInTheCallIsReplaced) {
  two_join();
  EXPECT_EQ(ann_->session().stats().carrier, Carrier::udp);
  const auto ann_from = ann_->heard().size(), bob_from = bob_->heard().size();
  relay_.block(true);
  ASSERT_EQ(wait_carrier(*ann_, Carrier::websocket, 2s), "");
  ASSERT_EQ(wait_carrier(*bob_, Carrier::websocket, 2s), "");
  ASSERT_EQ(wait_tone(*ann_, kBob), "");
  ASSERT_EQ(wait_tone(*bob_, kAnn), "");
  const double ann_gap = longest_gap_ms(ann_->heard(), kBob, ann_from),
               bob_gap = longest_gap_ms(bob_->heard(), kAnn, bob_from);
  std::printf("UDP died: silence of %.0f ms at ann, %.0f ms at bob\n", ann_gap, bob_gap);
  EXPECT_LT(ann_gap, 2'000);
  EXPECT_LT(bob_gap, 2'000);
  EXPECT_EQ(ann_->session().stats().reconnects, 0);
  EXPECT_EQ(ann_->session().roster().size(), 2U);
}

// A connection that stands still for a second must not be a second late ever after.
TEST_F(WebSocketMedia, WhatATcpConnectionHeldBackIsDroppedAndNotPlayedLate) {
  relay_.block(true);
  TcpRelay tcp({IpAddress::v4(0x7f000001), server_->url().port});
  auto slow = config(*server_, "ann");
  slow.server.port = tcp.port();
  slow.carrier = client::CarrierRule::websocket;
  ann_ = std::make_unique<Caller>(clients_, slow, steady_tone(kAnn));
  bob_ = std::make_unique<Caller>(clients_, config(*server_, "bob"), steady_tone(kBob));
  ASSERT_EQ(ann_->wait_live(), "");
  ASSERT_EQ(bob_->wait_live(), "");
  ASSERT_EQ(wait_tone(*ann_, kBob), "");
  ASSERT_EQ(wait_tone(*bob_, kAnn), "");
  tcp.stand_still(true);
  std::this_thread::sleep_for(3s);
  tcp.stand_still(false);
  ASSERT_EQ(wait_tone(*ann_, kBob, 0.5, 3s), "");
  ASSERT_EQ(wait_tone(*bob_, kAnn, 0.5, 3s), "");
  std::this_thread::sleep_for(500ms);
  const auto late = ann_->session().stats().websocket_late;
  const double server_late = value_of(*server_, "parley_websocket_packets_late_total");
  std::printf("3 s of standing still: ann dropped %llu packets, the server %.0f\n",
              static_cast<unsigned long long>(late), server_late);
  EXPECT_GT(late, 20U);
  EXPECT_GT(server_late, 20);
  EXPECT_LT(ann_->session().stats().delay_ms, 300);
  EXPECT_FALSE(ann_->ended());
}

TEST_F(WebSocketMedia, AServerThatMayNotSaysWhy) {
  auto settings = loopback_settings();
  settings.media.advertise = {relay_.local()};
  settings.media.over_websocket = false;
  const Server strict(settings);
  relay_.block(true);
  auto ann = config(strict, "ann");
  ann.media_timeout = 2s;
  const Caller caller(clients_, ann, steady_tone(kAnn));
  ASSERT_EQ(wait_until([&] { return std::string(caller.ended() ? "" : "the end"); }, 5s), "");
  EXPECT_EQ(caller.end().kind, client::EndKind::no_media);
  EXPECT_NE(caller.end().message.find("media.over_websocket"), std::string::npos) << caller.end().message;
  EXPECT_EQ(caller.refused(), std::vector<std::string>{"forbidden"});
}

TEST(WebSocketMediaTls, TheSameInsideTls) {
  auto settings = loopback_settings();
  settings.http.tls.certificate = "self-signed";
  const Server server(settings);
  Clients clients;
  const auto over_tls = [&](const std::string& name) {
    auto out = config(server, name);
    out.server.tls = true;
    out.server.trust.anybody = true;
    out.carrier = client::CarrierRule::websocket;
    return out;
  };
  const Caller ann(clients, over_tls("ann"), steady_tone(kAnn)),
      bob(clients, over_tls("bob"), steady_tone(kBob));
  ASSERT_EQ(wait_tone(ann, kBob), "");
  ASSERT_EQ(wait_tone(bob, kAnn), "");
  expect_only(ann, kBob, kAnn);
  EXPECT_EQ(ann.session().stats().carrier, Carrier::websocket);
}

}  // namespace
}  // namespace parley::scenario
