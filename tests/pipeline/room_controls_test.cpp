// What can be set in a room, heard at the ears: mutes, gains, groups, whispers, levels, profiles, load.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/pipeline/room_harness.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"

namespace parley::test {
namespace {

using pipelines::AutoLevel;
using pipelines::RoomPipeline;

pipelines::RoomMediaConfig plain_config() {
  pipelines::RoomMediaConfig config;
  config.auto_level = AutoLevel::off;
  return config;
}

class RoomControls : public testing::Test {
 protected:
  LegId say_tone(RoomHarness& harness, double hz, double amplitude = 0.2) {
    Voice voice;
    voice.pcm = keyed_tone(0.5, hz, amplitude);
    return harness.add(voice);
  }
  // Level of a keyed tone at an ear over the last `seconds`, as if it were steady.
  double level(RoomHarness& harness, LegId ear, double hz, double seconds = 1.0) {
    return tone_dbfs(harness.ear(ear).seconds(-seconds, 0), hz, harness.ear(ear).rate()) - to_db(0.6);
  }
};

TEST_F(RoomControls, MuteIsHeardWithin20MillisecondsAndFades) {
  auto config = plain_config();
  config.forward = false;  // a change of encoder would be measured along with the fade
  RoomHarness harness(config);
  Voice steady;
  steady.pcm = tone(1, 440, 0.3);
  steady.dtx = false;
  auto media = harness.opus_leg();
  media.has_levels = true;
  const LegId talker = harness.add(media, steady);
  const LegId listener = harness.add(Voice{});
  harness.run(2s);
  const double steepest = largest_second_difference(harness.ear(listener).seconds(-0.5, 0));
  harness.room().set_muted(talker, true);
  harness.run(20ms);
  const std::size_t fading = harness.ear(listener).pcm.size() - 960;
  harness.run(980ms);
  const auto heard = std::span(harness.ear(listener).pcm);
  EXPECT_LT(rms_dbfs(heard.subspan(fading + 2 * 960)), -60);
  EXPECT_LT(largest_second_difference(heard.subspan(fading - 960, 4 * 960)), 1.5 * steepest) << "clicks";
  harness.room().set_muted(talker, false);
  harness.run(1s);
  EXPECT_NEAR(tone_dbfs(harness.ear(listener).seconds(-0.5, 0), 440), to_db(0.3), 1);
}

TEST_F(RoomControls, GainForAllAndForOne) {
  RoomHarness harness(plain_config());
  const LegId anna = say_tone(harness, 400);
  const LegId bert = say_tone(harness, 700);
  const LegId carl = harness.add(Voice{});
  const LegId dora = harness.add(Voice{});
  harness.run(2s);
  const double full = level(harness, carl, 400);
  EXPECT_NEAR(full, to_db(0.2), 1.5);

  harness.room().set_gain(anna, -12);
  harness.run(2s);
  EXPECT_NEAR(level(harness, carl, 400), full - 12, 1);
  EXPECT_NEAR(level(harness, bert, 400), full - 12, 1);
  harness.room().set_gain(anna, 0);

  harness.room().set_personal_gain(carl, anna, -10.0F);
  harness.room().set_personal_gain(dora, bert, RoomPipeline::kMute);
  harness.run(2s);
  EXPECT_NEAR(level(harness, carl, 400), full - 10, 1);
  EXPECT_NEAR(level(harness, carl, 700), full, 1.5);
  EXPECT_NEAR(level(harness, dora, 400), full, 1.5);
  EXPECT_LT(level(harness, dora, 700), full - 35);

  harness.room().set_personal_gain(carl, anna, 6.0F);
  harness.room().set_personal_gain(dora, bert, std::nullopt);
  harness.run(2s);
  EXPECT_NEAR(level(harness, carl, 400), full + 6, 1);
  EXPECT_NEAR(level(harness, dora, 700), full, 1.5);
}

TEST_F(RoomControls, AbsurdGainsAreClamped) {
  RoomHarness harness(plain_config());
  const LegId anna = say_tone(harness, 400, 0.1);
  const LegId carl = harness.add(Voice{});
  for (const float gain : {NAN, INFINITY, -INFINITY, 1e30F, 300.0F}) {
    harness.room().set_gain(anna, gain);
    harness.room().set_personal_gain(carl, anna, gain);
    harness.run(600ms);
    EXPECT_LE(peak(harness.ear(carl).pcm), 1.2);
  }
  harness.room().set_audience(anna, {carl}, NAN);
  harness.run(100ms);
}

TEST_F(RoomControls, GroupsAreRoomsInTheRoom) {
  RoomHarness harness(plain_config());
  const LegId anna = say_tone(harness, 400);
  const LegId bert = say_tone(harness, 700);
  const LegId carl = harness.add(Voice{});
  const LegId dora = harness.add(Voice{});
  harness.run(1s);
  harness.room().set_group(anna, 1);
  harness.room().set_group(carl, 1);
  harness.run(2s);
  EXPECT_GT(level(harness, carl, 400), -20);
  EXPECT_LT(level(harness, carl, 700), -60);
  EXPECT_LT(level(harness, dora, 400), -60);
  EXPECT_GT(level(harness, dora, 700), -20);
  EXPECT_LT(level(harness, anna, 700), -60);
  harness.room().set_group(anna, 0);
  harness.room().set_group(carl, 0);
  harness.run(2s);
  EXPECT_GT(level(harness, carl, 700), -20);
  EXPECT_GT(level(harness, dora, 400), -20);
  EXPECT_GT(level(harness, bert, 400), -20);
}

TEST_F(RoomControls, WhisperIsHeardByTheNamedOnlyAndDucksTheRest) {
  RoomHarness harness(plain_config());
  const LegId anna = say_tone(harness, 400);
  const LegId bert = say_tone(harness, 700);
  const LegId carl = harness.add(Voice{});
  const LegId dora = harness.add(Voice{});
  harness.room().set_audience(anna, {carl}, -12);
  harness.run(3s);
  EXPECT_NEAR(level(harness, carl, 400), to_db(0.2), 1.5);
  EXPECT_NEAR(level(harness, carl, 700), to_db(0.2) - 12, 1.5);
  EXPECT_LT(level(harness, dora, 400), -60);
  EXPECT_LT(level(harness, bert, 400), -60);
  EXPECT_NEAR(level(harness, dora, 700), to_db(0.2), 1.5);
  harness.remove(carl);
  harness.run(1s);
  EXPECT_LT(level(harness, dora, 400), -60) << "a whisper never becomes public by itself";
  harness.room().set_audience(anna, {}, 0);
  harness.run(2s);
  EXPECT_GT(level(harness, dora, 400), -20);
}

TEST_F(RoomControls, ContributorsNameTheAudibleLoudestFirst) {
  RoomHarness harness(plain_config());
  const LegId anna = say_tone(harness, 400, 0.05);
  const LegId bert = say_tone(harness, 700, 0.3);
  const LegId carl = harness.add(Voice{});
  harness.run(2100ms);  // both tones are in their "on" part
  const auto heard = harness.ear(carl).contributors;
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(heard[0].leg, bert);
  EXPECT_EQ(heard[1].leg, anna);
  EXPECT_NEAR(heard[0].level, -to_db(0.3 / std::sqrt(2.0)), 2);
  EXPECT_NEAR(heard[1].level, -to_db(0.05 / std::sqrt(2.0)), 2);
  const auto at_bert = harness.ear(bert).contributors;
  ASSERT_EQ(at_bert.size(), 1U);
  EXPECT_EQ(at_bert[0].leg, anna);
}

TEST_F(RoomControls, SilenceCostsAByteEvery400Milliseconds) {
  RoomHarness harness(plain_config());
  std::vector<LegId> legs;
  for (int i = 0; i < 20; ++i) legs.push_back(harness.add(Voice{}));
  auto continuous = harness.opus_leg();
  continuous.use_dtx = false;
  legs.push_back(harness.add(continuous));
  harness.run(1s);
  const auto before = harness.room().stats();
  harness.run(10s);
  const auto after = harness.room().stats();
  EXPECT_EQ(after.encodes - before.encodes, 500U) << "only the leg without DTX costs encodes";
  EXPECT_EQ(after.classes, 2U);
  EXPECT_EQ(after.mixed, before.mixed);
  const Ear& ear = harness.ear(legs[0]);
  EXPECT_LE(ear.packets, 3U + 28U);
  EXPECT_EQ(harness.ear(legs.back()).packets, 550U) << "usedtx=0: a packet in every tick";
}

TEST_F(RoomControls, MarkerOnTheFirstPacketAfterSilence) {
  RoomHarness harness(plain_config());
  Voice voice;
  voice.pcm = keyed_tone(0.5, 400);
  voice.pcm.resize(3 * 48'000);  // half a second of sound, then silence
  harness.add(voice);
  const LegId listener = harness.add(Voice{});
  harness.run(12s);
  int markers = 0;
  bool sound_before = false;
  Duration quiet{};
  for (const HeardTick& tick : harness.ear(listener).ticks) {
    const bool sound = tick.size > 2;
    if (tick.marker) {
      ++markers;
      EXPECT_TRUE(sound);
      EXPECT_FALSE(sound_before);
    }
    if (sound && quiet > 100ms) {
      EXPECT_TRUE(tick.marker);
    }
    quiet = sound ? Duration::zero() : quiet + 20ms;
    sound_before = sound;
  }
  EXPECT_GE(markers, 4);
  EXPECT_LE(markers, 30) << "the talker's own refreshes of its background, every 400 ms at most";
}

TEST_F(RoomControls, OnlySomeTalkAndTheRestIsNotDecoded) {
  auto config = plain_config();
  config.max_talkers = 3;
  RoomHarness harness(config);
  std::vector<LegId> legs;
  for (int i = 0; i < 10; ++i) {
    auto media = harness.opus_leg();
    media.has_levels = true;
    Voice voice;
    voice.pcm =
        speech(5, static_cast<std::uint32_t>(i + 1), {.level_dbfs = -15.0 - 2.0 * i, .pause_seconds = 0.1});
    legs.push_back(harness.add(media, voice));
    harness.ear(legs.back()).wants_decode = false;
  }
  harness.run(5s);
  const auto stats = harness.room().stats();
  EXPECT_LE(stats.talkers, 4U);
  EXPECT_LT(stats.decodes, 4U * 250U);
  EXPECT_GT(stats.decodes, 2U * 250U);
  EXPECT_LE(stats.classes, 6U);
  const auto quiet = harness.room().leg_stats(legs[9]);
  ASSERT_TRUE(quiet);
  EXPECT_GT(quiet->ticks_skipped, 200U);
}

TEST_F(RoomControls, TalkingIsToldOnce) {
  RoomHarness harness(plain_config());
  Voice voice;
  voice.pcm = speech(3, 4, {.pause_seconds = 0.1});
  const LegId talker = harness.add(voice);
  harness.add(Voice{});
  harness.run(3s);
  ASSERT_EQ(harness.talking.size(), 1U);
  EXPECT_EQ(harness.talking[0].leg, talker);
  EXPECT_TRUE(harness.talking[0].talking);
  EXPECT_EQ(harness.room().active_speakers(), std::vector{talker});
  harness.room().set_muted(talker, true);
  harness.run(1s);
  ASSERT_EQ(harness.talking.size(), 2U);
  EXPECT_FALSE(harness.talking[1].talking);
  EXPECT_TRUE(harness.room().active_speakers().empty());
}

TEST_F(RoomControls, AWhoLeavesInTheMiddleOfAWordIsToldSilent) {
  RoomHarness harness(plain_config());
  Voice voice;
  voice.pcm = speech(3, 4, {.pause_seconds = 0.1});
  const LegId talker = harness.add(voice);
  const LegId listener = harness.add(Voice{});
  harness.run(2s);
  harness.remove(talker);
  harness.run(1s);
  ASSERT_FALSE(harness.talking.empty());
  EXPECT_FALSE(harness.talking.back().talking);
  EXPECT_LT(rms_dbfs(harness.ear(listener).seconds(-0.5, 0)), -70);
  EXPECT_EQ(harness.room().stats().legs, 1U);
  EXPECT_FALSE(harness.room().leg_stats(talker));
}

TEST_F(RoomControls, DirectionsCanChange) {
  RoomHarness harness(plain_config());
  const LegId anna = say_tone(harness, 400);
  const LegId bert = say_tone(harness, 700);
  harness.run(2s);
  harness.room().set_direction(anna, true, false);
  harness.run(1s);
  const auto packets = harness.ear(anna).packets;
  EXPECT_GT(level(harness, bert, 400), -20);
  harness.run(1s);
  EXPECT_EQ(harness.ear(anna).packets, packets) << "sendonly gets nothing";
  harness.room().set_direction(anna, false, true);
  harness.run(2s);
  EXPECT_LT(level(harness, bert, 400), -60);
  EXPECT_GT(level(harness, anna, 700), -20);
  EXPECT_FALSE(harness.room().idle());
  harness.room().set_direction(anna, false, false);
  harness.room().set_direction(bert, false, false);
  harness.run(20ms);
  EXPECT_TRUE(harness.room().idle());
}

TEST_F(RoomControls, AnyOrderOfCallsAndUnknownLegsDoNoHarm) {
  RoomHarness harness(plain_config());
  auto& room = harness.room();
  const LegId stranger{77};
  room.remove_leg(stranger);
  room.set_muted(stranger, true);
  room.set_gain(stranger, 3);
  room.set_group(stranger, 3);
  room.set_personal_gain(stranger, stranger, 1.0F);
  room.set_audience(stranger, {stranger}, -3);
  room.set_downlink_loss(stranger, 0.5);
  room.push(stranger, {});
  EXPECT_TRUE(room.idle());
  std::vector<LegId> legs;
  for (int i = 0; i < 6; ++i) legs.push_back(say_tone(harness, 400 + 100.0 * i, 0.1));
  Random random(11);
  for (int i = 0; i < 400; ++i) {
    const LegId leg = legs[random.below(legs.size())];
    const LegId other = legs[random.below(legs.size())];
    switch (random.below(9)) {
      case 0:
        room.set_muted(leg, random.chance(0.5));
        break;
      case 1:
        room.set_gain(leg, static_cast<float>(random.uniform(-50, 20)));
        break;
      case 2:
        room.set_personal_gain(leg, other, static_cast<float>(random.uniform(-50, 20)));
        break;
      case 3:
        room.set_personal_gain(leg, other, std::nullopt);
        break;
      case 4:
        room.set_audience(leg, random.chance(0.5) ? std::vector<LegId>{} : std::vector{other}, -6);
        break;
      case 5:
        room.set_group(leg, static_cast<std::uint32_t>(random.below(3)));
        break;
      case 6:
        room.set_direction(leg, random.chance(0.7), random.chance(0.7));
        break;
      case 7:
        room.set_downlink_loss(leg, random.uniform());
        break;
      default:
        harness.remove(leg);
        std::replace(legs.begin(), legs.end(), leg, say_tone(harness, 450, 0.1));
    }
    harness.run(random.chance(0.3) ? 200ms : 20ms);
  }
  EXPECT_EQ(room.stats().legs, 6U);
}

TEST_F(RoomControls, SkippedTicksKeepMediaTime) {
  pipelines::init();
  struct Sink : pipelines::FrameSink {
    void on_frame(const pipelines::OutboundFrame& frame) noexcept override {
      times.push_back(frame.media_time);
    }
    std::vector<std::uint64_t> times;
  } sink;
  struct Observer : pipelines::RoomObserver {
    void on_talking(LegId, bool, std::uint8_t) noexcept override {}
    void on_gain_advice(LegId, float) noexcept override {}
  } observer;
  pipelines::RoomMediaConfig config;
  config.name = "late";
  RoomPipeline room(config, sink, observer);
  pipelines::LegMedia leg;
  leg.id = LegId{1};
  leg.codec = Codec::pcmu;
  room.add_leg(leg);
  TimePoint at{1h};
  for (int i = 0; i < 5; ++i) room.tick(at += 20ms);
  room.tick(at += 80ms, 3);
  ASSERT_GE(sink.times.size(), 3U);
  EXPECT_EQ(sink.times.back(), 8U * 960U);
  EXPECT_EQ(sink.times.back() - sink.times[sink.times.size() - 2], 4U * 960U);
}

TEST_F(RoomControls, TheGraphCanBeDrawn) {
  RoomHarness harness(plain_config());
  say_tone(harness, 400);
  auto pcmu = harness.opus_leg();
  pcmu.codec = Codec::pcmu;
  harness.add(pcmu);
  harness.run(1s);
  const std::string dot = harness.room().dot();
  for (const char* element :
       {"digraph", "ParleyMix", "ParleyOutlet", "ParleyReceive", "GstMuLawEnc", "GstAudioResample"}) {
    EXPECT_NE(dot.find(element), std::string::npos) << element;
  }
}

TEST_F(RoomControls, LossChangesTheProfileInSilence) {
  RoomHarness harness(plain_config());
  Voice voice;
  voice.pcm = speech(3, 4, {.pause_seconds = 0.1});
  const LegId talker = harness.add(voice);
  const LegId near = harness.add(Voice{});
  const LegId far = harness.add(Voice{});
  harness.run(12s);
  harness.room().set_downlink_loss(far, 0.08);
  harness.run(3s);
  EXPECT_EQ(harness.ear(far).ticks.back().shared_with, 2U) << "not while it hears somebody";
  harness.room().set_muted(talker, true);
  harness.run(1s);
  harness.room().set_muted(talker, false);
  harness.run(1s);
  EXPECT_EQ(harness.ear(far).ticks.back().shared_with, 1U);
  EXPECT_GT(rms_dbfs(harness.ear(far).seconds(-0.5, 0)), -40);
  EXPECT_GT(rms_dbfs(harness.ear(near).seconds(-0.5, 0)), -40);
}

// Inputs between -40 and -10 dBFS end within +-3 LU of each other.
TEST_F(RoomControls, AutoLevelByTheServer) {
  auto config = plain_config();
  config.auto_level = AutoLevel::server;
  for (const double dbfs : {-40.0, -25.0, -10.0}) {
    RoomHarness harness(config);
    Voice voice;
    voice.pcm = speech(30, 4, {.level_dbfs = dbfs, .pause_seconds = 0.3});
    const LegId talker = harness.add(voice);
    harness.add(Voice{});
    harness.run(12s);
    const auto stats = harness.room().leg_stats(talker);
    ASSERT_TRUE(stats);
    EXPECT_NEAR(stats->loudness_lufs + stats->auto_gain_db, -20, 3.1) << dbfs;
    harness.say(talker, std::vector<float>(48'000));
    harness.run(3s);
    const float gain = harness.room().leg_stats(talker)->auto_gain_db;
    harness.run(10s);
    EXPECT_EQ(harness.room().leg_stats(talker)->auto_gain_db, gain) << "moves in silence";
  }
}

TEST_F(RoomControls, AutoLevelByTheClient) {
  auto config = plain_config();
  config.auto_level = AutoLevel::client;
  RoomHarness harness(config);
  auto media = harness.opus_leg();
  media.applies_gain = true;
  Voice voice;
  voice.pcm = speech(30, 4, {.level_dbfs = -36, .pause_seconds = 0.2});
  const LegId able = harness.add(media, voice);
  const LegId listener = harness.add(Voice{});
  harness.run(8s);
  ASSERT_TRUE(harness.advice.contains(able));
  EXPECT_GT(harness.advice[able], 8);
  EXPECT_FALSE(harness.advice.contains(listener));
}

// A machine too slow: the room saves work within a second, and takes it up again when there is time.
TEST_F(RoomControls, OverloadLadder) {
  static Duration work;  // each time the clock is read: at a tick's beginning and end, and for each class
  static TimePoint clock;
  work = 4ms;
  clock = TimePoint{};
  auto config = plain_config();
  config.max_talkers = 0;
  config.work_clock = [] { return clock += work; };
  RoomHarness harness(config);
  for (int i = 0; i < 8; ++i) {
    auto media = harness.opus_leg();
    media.has_levels = true;
    Voice voice;
    voice.pcm = speech(4, static_cast<std::uint32_t>(i + 1), {.pause_seconds = 0.1});
    harness.ear(harness.add(media, voice)).wants_decode = false;
  }
  harness.run(1s);
  EXPECT_GE(harness.room().stats().overload_step, 1);
  harness.run(20s);
  EXPECT_EQ(harness.room().stats().overload_step, 6);
  EXPECT_LE(harness.room().stats().talkers, 4U);
  work = 200us;
  harness.run(200s);
  EXPECT_EQ(harness.room().stats().overload_step, 0);
  EXPECT_GE(harness.room().stats().talkers, 5U);
}

// Eight talkers at full scale: no wrap, and the limiter holds its ceiling for everybody.
TEST_F(RoomControls, FullScaleIsLimited) {
  RoomHarness harness(plain_config());
  std::vector<LegId> legs;
  for (int i = 0; i < 8; ++i) {
    Voice voice;
    voice.pcm = keyed_tone(0.5, 300 + 130.0 * i, 0.99);
    legs.push_back(harness.add(voice));
  }
  float deepest = 0;
  harness.after_tick = [&] { deepest = std::min(deepest, harness.room().stats().limiter_gain_db); };
  harness.run(3s);
  for (const LegId leg : legs) {
    const auto heard = harness.ear(leg).seconds(1, 3);
    EXPECT_LE(peak(heard), 1.25) << "coding may overshoot the limiter's -1 dBFS, not more";
    EXPECT_GT(rms_dbfs(heard), -18);
  }
  EXPECT_LT(deepest, -12);
}

}  // namespace
}  // namespace parley::test
