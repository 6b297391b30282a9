// Calls of two that go from peer to peer and come back, judged by the silences that both ends heard and by
// what the server still had to carry.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "client/direct_path.hpp"
#include "tests/scenario/tone_ear.hpp"

namespace parley::scenario {
namespace {

// design: from the direct path back to the server nobody hears a silence longer than this.
constexpr double kLongestGapMs = 60;

constexpr Duration kPastProbation = client::DirectPath::kProbation + 300ms;

class Direct : public testing::Test {
 protected:
  void two_join() {
    ann_ = join_with_tone(clients_, server_, "room", "ann", 500);
    ASSERT_EQ(ann_->wait_live(), "");
    bob_ = join_with_tone(clients_, server_, "room", "bob", 800);
    ASSERT_EQ(bob_->wait_live(), "");
    ASSERT_EQ(wait_tone(*ann_, 800), "");
    ASSERT_EQ(wait_tone(*bob_, 500), "");
  }
  std::string wait_path(client::PathKind path, Duration limit = 5s) const {
    return wait_until(
        [&]() -> std::string {
          const bool both = ann_->session().stats().path == path && bob_->session().stats().path == path;
          return both ? "" : std::string("both on ") + to_string(path);
        },
        limit);
  }
  void begin_to_listen() {
    from_ann_ = ann_->heard().size();
    from_bob_ = bob_->heard().size();
  }
  void expect_no_gap(const char* what) const {
    const double at_ann = longest_gap_ms(ann_->heard(), 800, from_ann_);
    const double at_bob = longest_gap_ms(bob_->heard(), 500, from_bob_);
    std::printf("%s: longest silence %.0f ms at ann, %.0f ms at bob\n", what, at_ann, at_bob);
    EXPECT_LE(at_ann, kLongestGapMs) << what;
    EXPECT_LE(at_bob, kLongestGapMs) << what;
  }
  std::string id_of(const std::string& name) const {
    for (const auto& who : ann_->session().roster())
      if (who.name == name) return who.id;
    return "nobody";
  }
  int post(const std::string& what, const std::string& body = {}) const {
    return server_.http("POST", "/api/v1/rooms/room/" + what, body).status;
  }
  // The call comes back for this, without a gap, and goes direct again when it is over.
  void expect_back_for(const char* what, const std::function<void()>& begin,
                       const std::function<void()>& end) {
    SCOPED_TRACE(what);
    ASSERT_EQ(wait_path(client::PathKind::direct), "");
    std::this_thread::sleep_for(kPastProbation);
    begin_to_listen();
    begin();
    ASSERT_EQ(wait_path(client::PathKind::mcu), "");
    ASSERT_EQ(wait_tone(*ann_, 800), "");
    ASSERT_EQ(wait_tone(*bob_, 500), "");
    end();
    ASSERT_EQ(wait_path(client::PathKind::direct), "");
    expect_no_gap(what);
  }

  static settings::Settings settings(const Folder& folder) {
    auto settings = loopback_settings();
    settings.recording.directory = folder.path() + "/recordings";
    settings.streaming.file_root = folder.path();
    return settings;
  }

  const Folder folder_;
  const Server server_{settings(folder_)};
  Clients clients_;
  std::unique_ptr<Caller> ann_, bob_;
  std::size_t from_ann_ = 0, from_bob_ = 0;
};

TEST_F(Direct, TwoGoDirectAndTheServerFallsQuiet) {
  two_join();
  begin_to_listen();
  ASSERT_EQ(wait_path(client::PathKind::direct), "");
  ASSERT_EQ(wait_tone(*ann_, 800), "");
  ASSERT_EQ(wait_tone(*bob_, 500), "");
  std::this_thread::sleep_for(kPastProbation);
  EXPECT_TRUE(ann_->talking("bob"));
  EXPECT_TRUE(ann_->talking("ann"));
  // The server does not hear them; they tell it.
  const auto roster = boost::json::parse(server_.http("GET", "/api/v1/rooms/room/participants").body);
  for (const auto& who : roster.at("participants").as_array())
    EXPECT_TRUE(who.at("talking").as_bool()) << who;
  const auto before = ann_->session().stats();
  std::this_thread::sleep_for(2s);  // the call itself
  const auto after = ann_->session().stats();
  const auto sent = after.packets_sent - before.packets_sent;
  const auto received = after.packets_received - before.packets_received;
  const auto direct = after.direct_received - before.direct_received;
  std::printf("2 s of a direct call: %llu packets to the server, %llu from it, %llu from the peer\n",
              static_cast<unsigned long long>(sent), static_cast<unsigned long long>(received),
              static_cast<unsigned long long>(direct));
  EXPECT_EQ(sent, 0U);
  EXPECT_LE(received, 6U);  // into silence the mixer sends a packet every 400 ms: the leg stays warm
  EXPECT_GE(direct, 90U);
  expect_no_gap("going direct");
  const auto room = boost::json::parse(server_.http("GET", "/api/v1/rooms/room").body);
  EXPECT_TRUE(room.at("direct").as_bool());
}

TEST_F(Direct, AThirdBringsThemBackAndItsLeavingSendsThemOffAgain) {
  two_join();
  ASSERT_EQ(wait_path(client::PathKind::direct), "");
  std::this_thread::sleep_for(kPastProbation);
  begin_to_listen();
  {
    const auto carol = join_with_tone(clients_, server_, "room", "carol", 1100);
    ASSERT_EQ(carol->wait_live(), "");
    ASSERT_EQ(wait_path(client::PathKind::mcu), "");
    ASSERT_EQ(wait_tone(*ann_, 1100), "");
    ASSERT_EQ(wait_tone(*bob_, 1100), "");
    ASSERT_EQ(wait_tone(*carol, 500), "");
    ASSERT_EQ(wait_tone(*carol, 800), "");
    expect_no_gap("a third joins");
    carol->leave();
    ASSERT_EQ(wait_until([&] { return std::string(carol->ended() ? "" : "carol's end"); }, 3s), "");
  }
  ASSERT_EQ(wait_path(client::PathKind::direct), "");
  ASSERT_EQ(wait_tone(*ann_, 800), "");
  ASSERT_EQ(wait_tone(*bob_, 500), "");
  expect_no_gap("and leaves");
}

TEST_F(Direct, AModeratorsMuteIsHeard) {
  two_join();
  ASSERT_EQ(wait_path(client::PathKind::direct), "");
  ASSERT_EQ(wait_tone(*bob_, 500), "");
  const TimePoint asked = now();
  EXPECT_LT(post("participants/" + id_of("ann") + "/mute"), 300);
  ASSERT_EQ(
      wait_until([&] { return std::string(wait_tone(*bob_, 500, 0.02, 0ms).empty() ? "silence" : ""); }, 5s),
      "");
  const double took_ms = to_ms(now() - asked);
  std::printf("a moderator's mute: silence after %.0f ms\n", took_ms);
  EXPECT_LT(took_ms, 200);
  ASSERT_EQ(wait_path(client::PathKind::mcu), "");
  EXPECT_EQ(wait_until(
                [&]() -> std::string {
                  const auto heard = bob_->heard();
                  return longest_gap_ms(heard, 500, heard.size() - 24'000) == 0 &&
                                 wait_tone(*bob_, 500, 0.2, 0ms) != ""
                             ? ""
                             : "silence at bob";
                },
                5s),
            "");
  EXPECT_LT(post("participants/" + id_of("ann") + "/unmute"), 300);
  ASSERT_EQ(wait_path(client::PathKind::direct), "");
  ASSERT_EQ(wait_tone(*bob_, 500), "");
}

TEST_F(Direct, RecordingsStreamsAndSoundsHaveTheMediaOnTheServer) {
  two_join();
  const auto create = [this](const std::string& what, const std::string& body) {
    const auto made = server_.http("POST", "/api/v1/rooms/room/" + what, body);
    EXPECT_EQ(made.status, 201) << made.body;
    return std::string(boost::json::parse(made.body).at("id").as_string());
  };
  expect_back_for(
      "a recording", [&] { EXPECT_LT(post("recording/start"), 300); },
      [&] { EXPECT_LT(post("recording/stop"), 300); });
  std::string stream;
  expect_back_for(
      "a stream", [&] { stream = create("streams", R"({"url":"file:call.opus"})"); },
      [&] { EXPECT_LT(server_.http("DELETE", "/api/v1/rooms/room/streams/" + stream).status, 300); });
  expect_back_for(
      "a sound",
      [&] {
        create("play", R"({"tone":1100,"seconds":60,"duck_db":0})");
        EXPECT_EQ(wait_tone(*ann_, 1100), "");
        EXPECT_EQ(wait_tone(*bob_, 1100), "");
      },
      [&] { EXPECT_LT(post("stop-playing"), 300); });
}

TEST_F(Direct, WhoWillNotStaysOnTheServer) {
  ann_ = join_with_tone(clients_, server_, "room", "ann", 500);
  auto config = caller_config(server_, "room", "bob");
  config.dtx = false;
  config.direct = false;
  bob_ = std::make_unique<Caller>(clients_, config, steady_tone(800));
  ASSERT_EQ(wait_tone(*ann_, 800), "");
  ASSERT_EQ(wait_tone(*bob_, 500), "");
  std::this_thread::sleep_for(600ms);  // three times as long as the rooms take to think of it
  EXPECT_EQ(ann_->session().stats().direct_sent, 0U);
  EXPECT_EQ(ann_->session().stats().path, client::PathKind::mcu);
}

}  // namespace
}  // namespace parley::scenario
