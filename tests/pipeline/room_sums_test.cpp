// Everybody but oneself, to the bit: what a talker in a room of 50 is sent is what it would be sent if it did
// not talk.
#include <gtest/gtest.h>

#include <iterator>

#include "tests/pipeline/room_harness.hpp"
#include "tests/support/measure.hpp"
#include "tests/support/speech.hpp"

namespace parley::test {
namespace {

constexpr int kLegs = 50;

// The packets that one listener gets while the others come, go, are muted and turned up and down at random.
// Its stated bitrate makes it a class of its own in either case, so that its encoder hears nothing but its
// mix.
std::vector<ByteBuffer> packets_heard(bool talks) {
  static const auto tracks = [] {
    std::vector<std::shared_ptr<Track>> made;
    for (std::uint32_t i = 0; i < 10; ++i) {
      const SpeechStyle style{.pitch_hz = 90.0 + 17 * i, .level_dbfs = -45, .pause_seconds = 0.5};
      made.push_back(std::make_shared<Track>(speech(7 + 0.31 * i, i + 1, style), 20ms, Track::Options{}));
    }
    return made;
  }();
  pipelines::RoomMediaConfig config;
  config.auto_level = pipelines::AutoLevel::off;
  config.forward = false;
  config.max_talkers = 0;
  RoomHarness harness(config);
  auto media = harness.opus_leg();
  media.max_bitrate = 30'000;
  media.has_levels = true;
  Voice own;
  own.track =
      std::make_shared<Track>(speech(5, 77, {.level_dbfs = -40, .pause_seconds = 0}), 20ms, Track::Options{});
  const LegId self = harness.add(media, talks ? own : Voice{});
  harness.ear(self).wants_decode = false;
  harness.ear(self).keep_packets = true;

  Random random(11);
  std::vector<LegId> others;
  const auto join = [&](std::size_t voice) {
    auto leg = harness.opus_leg();
    leg.receives = false;
    leg.has_levels = true;
    Voice said;
    said.track = tracks[voice % tracks.size()];
    said.phase = Duration(static_cast<std::int64_t>(random.below(19)) * 1ms);
    others.push_back(harness.add(leg, said));
  };
  for (int i = 1; i < kLegs; ++i) join(static_cast<std::size_t>(i));
  for (int step = 0; step < 75; ++step) {
    harness.run(200ms);
    const std::size_t at = random.below(others.size());
    const LegId leg = others[at];
    switch (random.below(5)) {
      case 0:
        harness.remove(leg);
        others.erase(others.begin() + static_cast<std::ptrdiff_t>(at));
        join(random.below(100));
        break;
      case 1:
        harness.room().set_muted(leg, random.chance(0.5));
        break;
      case 2:
        harness.room().set_gain(leg, static_cast<float>(random.uniform(-12, 6)));
        break;
      case 3:
        harness.room().set_personal_gain(self, leg, static_cast<float>(random.uniform(-20, 6)));
        break;
      default:
        harness.room().set_personal_gain(self, leg, std::nullopt);
    }
  }
  return harness.ear(self).kept;
}

TEST(RoomSums, ATalkerHearsTheOthersToTheBit) {
  const auto silent = packets_heard(false);
  const auto talking = packets_heard(true);
  ASSERT_EQ(silent.size(), talking.size());
  ASSERT_GT(silent.size(), 700U);
  std::size_t bytes = 0;
  std::size_t different = 0;
  for (std::size_t i = 0; i < silent.size(); ++i) {
    different += silent[i] == talking[i] ? 0 : 1;
    bytes += silent[i].size();
  }
  EXPECT_EQ(different, 0U);
  EXPECT_GT(bytes, 30'000U);
  report("N-1 of 50 legs with random joins, mutes and gains: packets that are not as without the own voice",
         static_cast<double>(different), "", Bound::at_most(0), {}, 0);
}

}  // namespace
}  // namespace parley::test
