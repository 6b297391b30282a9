// A call that stays: networks that change and servers that are started anew, judged by the silence that the
// other side heard.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/scenario/tone_ear.hpp"
#include "tests/scenario/udp_relay.hpp"
#include "tests/support/audio_metrics.hpp"

namespace parley::scenario {
namespace {

std::unique_ptr<Caller> join(Clients& clients, const Server& server, const std::string& name, double hz) {
  return join_with_tone(clients, server, "room", name, hz);
}

double metric(const Server& server, const std::string& name) {
  const auto text = server.http("GET", "/metrics").body;
  const auto line = text.find("\n" + name + " ");
  return line == std::string::npos ? -1 : std::stod(text.substr(line + name.size() + 2));
}

TEST(Staying, ANatThatForgetsUsCostsHalfASecond) {
  UdpRelay relay;
  auto settings = loopback_settings();
  settings.media.advertise = {relay.local()};
  const Server server(settings);
  relay.forward_to(server.media());
  Clients clients;
  const auto ann = join(clients, server, "ann", 500);
  const auto bob = join(clients, server, "bob", 800);
  ASSERT_EQ(ann->wait_live(), "");
  ASSERT_EQ(bob->wait_live(), "");
  ASSERT_EQ(wait_tone(*ann, 800), "");
  ASSERT_EQ(wait_tone(*bob, 500), "");
  const std::size_t from = bob->heard().size();
  for (int round = 0; round < 3; ++round) {
    relay.rebind();
    std::this_thread::sleep_for(1500ms);  // the call goes on, and is listened to
    ASSERT_EQ(wait_tone(*ann, 800), "");
    ASSERT_EQ(wait_tone(*bob, 500), "");
  }
  const double at_ann = longest_gap_ms(ann->heard(), 800, from),
               at_bob = longest_gap_ms(bob->heard(), 500, from);
  std::printf("three rebindings of both: longest silence %.0f ms at ann, %.0f ms at bob\n", at_ann, at_bob);
  EXPECT_LE(at_ann, 500);
  EXPECT_LE(at_bob, 500);
  EXPECT_EQ(ann->session().stats().reconnects, 0);
}

// A host with two uplinks that takes turns: both addresses pass every check, and the leg stays with one of
// them instead of following each packet.
TEST(Staying, TwoAddressesThatAlternateAreHeardAndDoNotFlap) {
  UdpRelay relay;
  auto settings = loopback_settings();
  settings.media.advertise = {relay.local()};
  const Server server(settings);
  relay.forward_to(server.media());
  Clients clients;
  const auto join_by_server = [&](const char* name, double hz) {
    auto config = caller_config(server, "room", name);
    config.dtx = false;
    config.direct = false;
    return std::make_unique<Caller>(clients, config, steady_tone(hz));
  };
  const auto ann = join_by_server("ann", 500), bob = join_by_server("bob", 800);
  ASSERT_EQ(wait_tone(*ann, 800), "");
  ASSERT_EQ(wait_tone(*bob, 500), "");
  const std::size_t at_ann = ann->heard().size(), at_bob = bob->heard().size();
  const auto rebinds = [&] { return metric(server, "parley_leg_rebinds_total"); };
  const double before = rebinds();
  relay.alternate(true);
  std::this_thread::sleep_for(4s);  // the call goes on: 400 packets, every other one from elsewhere
  ASSERT_EQ(wait_tone(*ann, 800), "");
  ASSERT_EQ(wait_tone(*bob, 500), "");
  const double gap =
      std::max(longest_gap_ms(ann->heard(), 800, at_ann), longest_gap_ms(bob->heard(), 500, at_bob));
  std::this_thread::sleep_for(1100ms);  // metrics are a second old
  const double moves = rebinds() - before;
  std::printf("addresses that alternate for 4 s: longest silence %.0f ms, %.0f moves of two legs\n", gap,
              moves);
  EXPECT_LE(gap, 120);  // until a check has come from there, every other packet is a stranger's
  EXPECT_LE(moves, 4);  // one in 2 s of each: the hold doubles
  EXPECT_EQ(ann->session().stats().reconnects, 0);
}

TEST(Staying, AServerThatIsStartedAnewIsFoundAgain) {
  const Folder folder;
  auto settings = loopback_settings();
  settings.rooms.state_file = folder.path() + "/state.db";
  auto server = std::make_unique<Server>(settings);
  settings.http.listen.port = server->url().port;
  settings.media.listen.port = server->media().port;
  Clients clients;
  const auto ann = join(clients, *server, "ann", 500);
  const auto bob = join(clients, *server, "bob", 800);
  ASSERT_EQ(ann->wait_live(), "");
  ASSERT_EQ(bob->wait_live(), "");
  ASSERT_EQ(wait_tone(*bob, 500), "");
  const auto ann_before = ann->session().participant_id(), bob_before = bob->session().participant_id();

  server.reset();
  std::this_thread::sleep_for(1s);  // away for a while
  EXPECT_FALSE(bob->ended()) << bob->end().message;
  server = std::make_unique<Server>(settings);
  const TimePoint back = now();
  const auto silent = bob->heard().size();
  ASSERT_EQ(wait_until(
                [&]() -> std::string {
                  const auto heard = bob->heard();
                  if (heard.size() < silent + 4'800) return "sound";
                  const double level = test::tone_amplitude(std::span(heard).last(4'800), 500);
                  return level > kToneAmplitude / 2 ? "" : "ann's tone";
                },
                10s),
            "");
  const double took_ms = to_ms(now() - back);
  std::printf("after a restart bob hears ann again %.0f ms after the server's return\n", took_ms);
  EXPECT_LT(took_ms, 2'000);
  EXPECT_EQ(bob->session().stats().reconnects, 1);
  ASSERT_EQ(
      wait_until([&] { return std::string(bob->session().roster().size() == 2 ? "" : "two people"); }, 2s),
      "");
  for (const auto& who : bob->session().roster())
    EXPECT_TRUE(who.name == "ann" || who.name == "bob") << who.name;
  EXPECT_EQ(ann->session().participant_id(), ann_before);
  EXPECT_EQ(bob->session().participant_id(), bob_before);
}

// An invitation for one join is used up for good; who came by it comes back all the same.
TEST(Staying, ARestartForgetsNoUsedInvitation) {
  const Folder folder;
  auto settings = loopback_settings();
  settings.rooms.state_file = folder.path() + "/state.db";
  settings.auth.admin_key = "the admin's key";
  settings.auth.token_key = "the key of tokens";
  auto server = std::make_unique<Server>(settings);
  settings.http.listen.port = server->url().port;
  settings.media.listen.port = server->media().port;
  const auto invited = server->http("POST", "/api/v1/rooms/room/invitations", R"({"name":"ann","once":true})",
                                    "application/json", settings.auth.admin_key);
  ASSERT_EQ(invited.status, 201) << invited.body;
  Clients clients;
  auto config = caller_config(*server, "room", "ann");
  config.token = std::string(boost::json::parse(invited.body).at("token").as_string());
  Caller ann(clients, config, steady_tone(500));
  ASSERT_EQ(ann.wait_live(), "");
  const auto before = ann.session().participant_id();
  server.reset();
  server = std::make_unique<Server>(settings);
  ASSERT_EQ(wait_until(
                [&] { return std::string(ann.session().stats().reconnects == 1 ? "" : "ann's return"); }, 8s),
            "");
  EXPECT_EQ(ann.session().participant_id(), before);
  Caller thief(clients, config, steady_tone(800));
  ASSERT_EQ(wait_until([&] { return std::string(thief.ended() ? "" : "a refusal"); }, 5s), "");
  EXPECT_EQ(thief.end().code, "bad-token");
  EXPECT_FALSE(ann.ended());
}

// Whoever holds the token is the participant: the old client goes, the others see nobody come or go.
TEST(Staying, ASecondDeviceTakesThePlaceOver) {
  const Server server;
  Clients clients;
  const auto ann = join(clients, server, "ann", 500);
  ASSERT_EQ(ann->wait_live(), "");
  const auto bob = join(clients, server, "bob", 800);
  ASSERT_EQ(bob->wait_live(), "");
  ASSERT_EQ(wait_tone(*ann, 800), "");

  auto config = caller_config(server, "room", "anybody");
  config.dtx = false;
  config.resume = bob->session().resume_token();
  Caller other(clients, config, steady_tone(1100));
  ASSERT_EQ(other.wait_live(), "");
  ASSERT_EQ(wait_until([&] { return std::string(bob->ended() ? "" : "bob's end"); }, 3s), "");
  EXPECT_EQ(bob->end().code, "replaced");
  ASSERT_EQ(wait_tone(*ann, 1100), "");
  const auto at_ann = ann->heard();
  EXPECT_LT(test::tone_amplitude(std::span(at_ann).last(9600), 800), kToneAmplitude / 50);
  EXPECT_EQ(other.session().participant_id(), bob->session().participant_id());
  EXPECT_EQ(ann->session().roster().size(), 2U);
}

}  // namespace
}  // namespace parley::scenario
