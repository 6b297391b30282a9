// A session against a server that sends everything back: signalling, DTLS-SRTP and plain legs, codecs, every
// way to end.
#include "client/session.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "client/audio_source.hpp"
#include "client/net_thread.hpp"
#include "client/pacer.hpp"
#include "fake_mcu.hpp"

namespace parley::client {
namespace {

using testing_support::FakeMcu;

// Collects events and lets the test wait for a condition, saying what was seen if it does not come.
class Witness final : public SessionEvents {
 public:
  // The condition may also look at what no event tells (statistics): it is asked again every 10 ms.
  template <typename Condition>
  testing::AssertionResult wait(Condition condition, Duration timeout = 5s) {
    const TimePoint give_up = now() + timeout;
    std::unique_lock lock(mutex_);
    while (!condition(*this)) {
      if (now() >= give_up) return testing::AssertionFailure() << "seen so far:" << log_;
      changed_.wait_for(lock, 10ms);
    }
    return testing::AssertionSuccess();
  }
  testing::AssertionResult wait_live() {
    return wait([](const Witness& w) { return w.live; });
  }
  testing::AssertionResult wait_end(Duration timeout = 5s) {
    return wait([](const Witness& w) { return w.end.has_value(); }, timeout);
  }
  SessionEnd ended() {
    const std::lock_guard lock(mutex_);
    return end.value_or(SessionEnd{});
  }

  void on_state(SessionState state) override {
    note(to_string(state), [&] { live = live || state == SessionState::live; });
  }
  void on_joined(const protocol::Joined& message) override {
    note("joined", [&] { joined = message; });
  }
  void on_participant_joined(const protocol::Participant& who) override {
    note("participant-joined", [&] { came.push_back(who.name); });
  }
  void on_participant_left(const protocol::Participant& who, std::string_view reason) override {
    note("participant-left", [&] { gone.push_back(who.name + "/" + std::string(reason)); });
  }
  void on_talking(const protocol::Participant& who) override {
    note("talking", [&] { talks = who.talking; });
  }
  void on_chat(std::string_view, std::string_view name, std::string_view text) override {
    note("chat", [&] { said = std::string(name) + ": " + std::string(text); });
  }
  void on_refused(std::string_view code, std::string_view) override {
    note("refused", [&] { refused = code; });
  }
  void on_end(const SessionEnd& how) override {
    note("end", [&] {
      ++ends;
      end = how;
    });
  }

  bool live = false, talks = false;
  int ends = 0;
  std::optional<protocol::Joined> joined;
  std::vector<std::string> came, gone;
  std::string said, refused;
  std::optional<SessionEnd> end;

 private:
  template <typename Change>
  void note(const char* what, Change change) {
    {
      const std::lock_guard lock(mutex_);
      log_ += std::string(" ") + what;
      change();
    }
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string log_;
};

SessionConfig config_for(const FakeMcu& mcu) {
  SessionConfig config;
  config.server = mcu.url();
  config.room = "demo";
  config.name = "Ada";
  config.reconnect_limit = 0ms;
  return config;
}

// Amplitude of one frequency in the samples.
double goertzel(std::span<const float> pcm, double hz) {
  double re = 0, im = 0;
  for (std::size_t i = 0; i < pcm.size(); ++i) {
    const double angle = 2 * M_PI * hz * static_cast<double>(i) / 48'000;
    re += pcm[i] * std::cos(angle);
    im += pcm[i] * std::sin(angle);
  }
  return 2 * std::hypot(re, im) / static_cast<double>(pcm.size());
}

// Feeds a tone and collects what comes back until `enough` is heard.
class Audio {
 public:
  Audio(Session& session, const ToneSource::Settings& tone) : source_(tone) {
    id_ = pacer_.add([this, &session](TimePoint at) {
      std::array<float, 960> pcm;
      source_.read(pcm);
      session.push_audio(at, pcm);
      session.pull_audio(at, pcm);
      {
        const std::lock_guard lock(mutex_);
        heard_.insert(heard_.end(), pcm.begin(), pcm.end());
      }
      changed_.notify_all();
    });
  }
  ~Audio() { pacer_.remove(id_); }

  // Waits until half a second of what is heard holds this frequency at this amplitude or more.
  testing::AssertionResult hears(double hz, double amplitude) {
    std::unique_lock lock(mutex_);
    double best = 0;
    const bool heard = changed_.wait_for(lock, 10s, [&] {
      if (heard_.size() < 24'000) return false;
      best = std::max(best, goertzel(std::span(heard_).last(24'000), hz));
      return best >= amplitude;
    });
    if (heard) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "amplitude at " << hz << " Hz is " << best << " at most";
  }

 private:
  ToneSource source_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<float> heard_;
  Pacer pacer_{"test-audio"};
  std::uint64_t id_;
};

TEST(Session, TalksAndHearsOverEveryTransportAndCodec) {
  struct Row {
    bool encrypted;
    Codec codec;
  };
  const Row rows[] = {{true, Codec::opus}, {true, Codec::pcmu}, {false, Codec::opus}, {false, Codec::pcma}};
  FakeMcu mcu;
  for (const auto& row : rows) {
    SCOPED_TRACE(testing::Message() << "encrypted " << row.encrypted << ", codec "
                                    << static_cast<int>(row.codec));
    NetThread net;
    Witness witness;
    auto config = config_for(mcu);
    config.encrypted = row.encrypted;
    config.codec = row.codec;
    Session session(net, config, witness);
    session.start();
    ASSERT_TRUE(witness.wait_live());
    EXPECT_EQ(session.participant_id(), "p1");
    EXPECT_EQ(witness.joined->room, "demo");
    {
      Audio audio(session, {500, 0.1, false});
      // The tone is keyed 300 ms of 500 ms, so its mean amplitude is a little under 0.06.
      EXPECT_TRUE(audio.hears(500, 0.04));
      const auto stats = session.stats();
      EXPECT_GT(stats.packets_sent, 10U);
      EXPECT_GT(stats.packets_received, 10U);
      EXPECT_EQ(stats.refused, 0U);
      EXPECT_GE(stats.connect_ms, stats.join_ms);
      EXPECT_GT(stats.first_audio_ms, stats.connect_ms);
      EXPECT_GT(stats.level_in_dbfs, -40);
    }
    session.leave();
    ASSERT_TRUE(witness.wait_end());
    EXPECT_EQ(witness.ended().kind, EndKind::left);
  }
}

TEST(Session, SendsTheLevelOfEachPacket) {
  FakeMcu mcu;
  NetThread net;
  Witness witness;
  Session session(net, config_for(mcu), witness);
  session.start();
  ASSERT_TRUE(witness.wait_live());
  Audio audio(session, {500, 0.1, true});
  ASSERT_TRUE(audio.hears(500, 0.05));
  EXPECT_EQ(mcu.last_level(), 23);
}

TEST(Session, LeavesInOrder) {
  FakeMcu mcu;
  NetThread net;
  Witness witness;
  Session session(net, config_for(mcu), witness);
  session.start();
  ASSERT_TRUE(witness.wait_live());
  const auto asked = now();
  session.leave();
  ASSERT_TRUE(witness.wait_end());
  EXPECT_LT(now() - asked, Session::kLeaveTimeout);
  EXPECT_TRUE(mcu.wait_for<protocol::Leave>());
  ASSERT_TRUE(mcu.wait_for_end());
  EXPECT_EQ(mcu.leg_end(), LegEnd::bye);
  EXPECT_EQ(witness.ends, 1);
}

TEST(Session, MutedSendsNothing) {
  FakeMcu mcu;
  NetThread net;
  Witness witness;
  Session session(net, config_for(mcu), witness);
  session.start();
  ASSERT_TRUE(witness.wait_live());
  Audio audio(session, {500, 0.1, false});
  ASSERT_TRUE(audio.hears(500, 0.04));
  session.mute_self(true);
  const auto request = mcu.wait_for<protocol::MuteSelf>();
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->muted);
  // Packets that were on their way may still arrive; then no more come.
  ASSERT_TRUE(witness.wait([&](const Witness&) { return session.stats().level_out_dbfs == -96; }));
  std::uint64_t settled = 0;
  ASSERT_TRUE(
      witness.wait([&](const Witness&) { return std::exchange(settled, mcu.packets()) == mcu.packets(); }));
  EXPECT_FALSE(witness.wait([&](const Witness&) { return mcu.packets() > settled; }, 500ms));
}

TEST(Session, ListenOnlyOffersToReceive) {
  FakeMcu mcu;
  NetThread net;
  Witness witness;
  auto config = config_for(mcu);
  config.sends = false;
  Session session(net, config, witness);
  session.start();
  ASSERT_TRUE(witness.wait_live());
  const auto join = mcu.wait_for<protocol::Join>();
  ASSERT_TRUE(join);
  EXPECT_NE(join->sdp.find("a=recvonly"), std::string::npos);
}

TEST(Session, RefusalsAreTold) {
  FakeMcu mcu(FakeMcu::Behaviour{true, true, protocol::Failure{"wrong-pin", "The PIN is wrong.", 403}, {}});
  NetThread net;
  Witness witness;
  Session session(net, config_for(mcu), witness);
  session.start();
  ASSERT_TRUE(witness.wait_end());
  EXPECT_EQ(witness.ended().kind, EndKind::refused);
  EXPECT_EQ(witness.ended().code, "wrong-pin");
  EXPECT_EQ(witness.ended().message, "The PIN is wrong.");
}

TEST(Session, AnUnusableAnswerIsRefused) {
  protocol::Joined joined;
  joined.room = "demo";
  joined.participant = "p1";
  joined.resume = "r";
  joined.sdp = "v=0\r\n";
  FakeMcu mcu(FakeMcu::Behaviour{true, true, {}, protocol::to_json(protocol::ServerMessage{1, joined})});
  NetThread net;
  Witness witness;
  Session session(net, config_for(mcu), witness);
  session.start();
  ASSERT_TRUE(witness.wait_end());
  EXPECT_EQ(witness.ended().kind, EndKind::refused);
  EXPECT_EQ(witness.ended().code, "not-acceptable");
}

TEST(Session, NobodyThereIsUnreachable) {
  ServerUrl closed;
  {
    FakeMcu mcu;
    closed = mcu.url();
  }
  NetThread net;
  Witness witness;
  SessionConfig config;
  config.server = closed;
  config.room = "demo";
  Session session(net, config, witness);
  session.start();
  ASSERT_TRUE(witness.wait_end());
  EXPECT_EQ(witness.ended().kind, EndKind::unreachable);
  EXPECT_NE(witness.ended().message.find(closed.authority()), std::string::npos) << witness.ended().message;
}

TEST(Session, AServerThatNeverAnswersIsUnreachable) {
  FakeMcu mcu(FakeMcu::Behaviour{false, true, {}, {}});
  NetThread net;
  Witness witness;
  auto config = config_for(mcu);
  config.connect_timeout = 300ms;
  Session session(net, config, witness);
  session.start();
  ASSERT_TRUE(witness.wait_end());
  EXPECT_EQ(witness.ended().kind, EndKind::unreachable);
}

TEST(Session, MediaThatDoesNotComeUpIsNoMedia) {
  FakeMcu mcu(FakeMcu::Behaviour{true, false, {}, {}});
  NetThread net;
  Witness witness;
  auto config = config_for(mcu);
  config.media_timeout = 500ms;
  Session session(net, config, witness);
  session.start();
  ASSERT_TRUE(witness.wait_end());
  EXPECT_EQ(witness.ended().kind, EndKind::no_media);
}

TEST(Session, LostSignallingIsLost) {
  FakeMcu mcu;
  NetThread net;
  Witness witness;
  Session session(net, config_for(mcu), witness);
  session.start();
  ASSERT_TRUE(witness.wait_live());
  mcu.drop_signalling();
  ASSERT_TRUE(witness.wait_end());
  EXPECT_EQ(witness.ended().kind, EndKind::lost);
}

TEST(Session, LostSignallingIsFoundAgainAsTheSameParticipant) {
  FakeMcu mcu;
  NetThread net;
  Witness witness;
  auto config = config_for(mcu);
  config.reconnect_limit = 1min;
  Session session(net, config, witness);
  session.start();
  ASSERT_TRUE(witness.wait_live());
  session.mute_self(true);
  ASSERT_TRUE(mcu.wait_for<protocol::MuteSelf>());
  for (int round = 1; round <= 2; ++round) {
    mcu.drop_signalling();
    ASSERT_TRUE(witness.wait([&](const Witness&) { return session.stats().reconnects == round; }));
    const auto join = mcu.wait_for<protocol::Join>();
    EXPECT_EQ(join->resume, "resume1");
    EXPECT_EQ(session.state(), SessionState::live);
  }
  EXPECT_TRUE(mcu.wait_for<protocol::MuteSelf>(3));  // a server that was started anew would not know
  EXPECT_EQ(witness.ends, 0);
}

TEST(Session, MediaThatEndsIsOfferedAgain) {
  FakeMcu mcu;
  NetThread net;
  Witness witness;
  auto config = config_for(mcu);
  config.reconnect_limit = 1min;
  Session session(net, config, witness);
  session.start();
  ASSERT_TRUE(witness.wait_live());
  mcu.drop_media();
  ASSERT_TRUE(witness.wait([&](const Witness&) { return session.stats().reconnects == 1; }));
  Audio audio(session, {500, 0.1, false});
  EXPECT_TRUE(audio.hears(500, 0.04));
}

TEST(Session, GivesUpWhenTheServerStaysAway) {
  auto mcu = std::make_unique<FakeMcu>();
  NetThread net;
  Witness witness;
  auto config = config_for(*mcu);
  config.reconnect_limit = 500ms;
  Session session(net, config, witness);
  session.start();
  ASSERT_TRUE(witness.wait_live());
  mcu.reset();
  ASSERT_TRUE(witness.wait_end());
  EXPECT_EQ(witness.ended().kind, EndKind::lost);
}

TEST(Session, TheServersReasonIsTold) {
  FakeMcu mcu;
  NetThread net;
  Witness witness;
  Session session(net, config_for(mcu), witness);
  session.start();
  ASSERT_TRUE(witness.wait_live());
  mcu.drop_media();
  mcu.send(protocol::Closed{"kicked", "A moderator removed you."});
  ASSERT_TRUE(witness.wait_end());
  EXPECT_EQ(witness.ended().kind, EndKind::lost);
  EXPECT_EQ(witness.ended().code, "kicked");
  EXPECT_EQ(witness.ended().message, "A moderator removed you.");
}

TEST(Session, MediaThatEndsWithoutAWordIsLost) {
  FakeMcu mcu;
  NetThread net;
  Witness witness;
  Session session(net, config_for(mcu), witness);
  session.start();
  ASSERT_TRUE(witness.wait_live());
  mcu.drop_media();
  ASSERT_TRUE(witness.wait_end());
  EXPECT_EQ(witness.ended().kind, EndKind::lost);
}

TEST(Session, FollowsTheRoom) {
  FakeMcu mcu;
  NetThread net;
  Witness witness;
  Session session(net, config_for(mcu), witness);
  session.start();
  ASSERT_TRUE(witness.wait_live());
  protocol::Participant bob;
  bob.id = "p2";
  bob.name = "Bob";
  mcu.send(protocol::ParticipantJoined{bob});
  mcu.send(protocol::Talking{"p2", true, 30});
  mcu.send(protocol::Chat{"p2", "Bob", "hello"});
  ASSERT_TRUE(witness.wait([](const Witness& w) { return w.said == "Bob: hello"; }));
  EXPECT_EQ(witness.came, std::vector<std::string>{"Bob"});
  const auto roster = session.roster();
  ASSERT_EQ(roster.size(), 2U);
  EXPECT_TRUE(roster[1].talking);
  EXPECT_EQ(roster[1].level, 30);
  mcu.send(protocol::ParticipantLeft{"p2", "timeout"});
  ASSERT_TRUE(witness.wait([](const Witness& w) { return !w.gone.empty(); }));
  EXPECT_EQ(witness.gone[0], "Bob/timeout");
  EXPECT_EQ(session.roster().size(), 1U);
}

TEST(Session, AdaptsToTheUplinkAndTakesAdvice) {
  FakeMcu mcu;
  NetThread net;
  Witness witness;
  Session session(net, config_for(mcu), witness);
  session.start();
  ASSERT_TRUE(witness.wait_live());
  for (int i = 0; i < 3; ++i) mcu.send(protocol::Uplink{0.3, 5, 40});
  mcu.send(protocol::GainAdvice{-4.5});
  mcu.send(protocol::Chat{"p1", "Ada", "behind them"});
  ASSERT_TRUE(witness.wait([](const Witness& w) { return !w.said.empty(); }));
  const auto stats = session.stats();
  EXPECT_LT(stats.bitrate, 32'000);
  EXPECT_EQ(stats.expected_loss, 30);
  EXPECT_EQ(stats.ptime_ms, 40);
  EXPECT_EQ(stats.gain_db, -4.5);
}

TEST(Session, SurvivesNonsenseFromTheServer) {
  FakeMcu mcu;
  NetThread net;
  Witness witness;
  Session session(net, config_for(mcu), witness);
  session.start();
  ASSERT_TRUE(witness.wait_live());
  for (const char* text : {"", "{", "[]", "null", "{\"type\":\"unheard-of\"}", "{\"type\":\"talking\"}",
                           "{\"type\":\"joined\"}", "{\"type\":\"ok\",\"id\":-1}"})
    mcu.send_text(text);
  mcu.send(protocol::Chat{"p1", "Ada", "still here"});
  ASSERT_TRUE(witness.wait([](const Witness& w) { return !w.said.empty(); }));
  EXPECT_EQ(session.state(), SessionState::live);
}

TEST(Session, MayBeDestroyedInAnyState) {
  FakeMcu mcu;
  NetThread net;
  Witness witness;
  { Session never_started(net, config_for(mcu), witness); }
  {
    Session connecting(net, config_for(mcu), witness);
    connecting.start();
  }
  {
    Session live(net, config_for(mcu), witness);
    live.start();
    ASSERT_TRUE(witness.wait_live());
  }
  EXPECT_EQ(witness.ends, 0);  // nobody is told of an end that the owner brought about
}

TEST(Session, DozensShareOneNetworkThread) {
  constexpr int kCount = 24;
  FakeMcu mcu;
  NetThread net;
  Pacer pacer("test-audio", 20ms, 5);
  std::vector<std::unique_ptr<Witness>> witnesses;
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<std::uint64_t> steps;
  for (int i = 0; i < kCount; ++i) {
    witnesses.push_back(std::make_unique<Witness>());
    sessions.push_back(std::make_unique<Session>(net, config_for(mcu), *witnesses.back()));
    sessions.back()->start();
  }
  for (auto& witness : witnesses) ASSERT_TRUE(witness->wait_live());
  for (auto& session : sessions) {
    auto source = std::make_shared<ToneSource>(ToneSource::Settings{});
    steps.push_back(pacer.add([&session, source](TimePoint at) {
      std::array<float, 960> pcm;
      source->read(pcm);
      session->push_audio(at, pcm);
      session->pull_audio(at, pcm);
    }));
  }
  for (std::size_t i = 0; i < kCount; ++i)
    EXPECT_TRUE(
        witnesses[i]->wait([&](const Witness&) { return sessions[i]->stats().packets_received >= 25; }, 10s));
  for (const auto step : steps) pacer.remove(step);
}

}  // namespace
}  // namespace parley::client
