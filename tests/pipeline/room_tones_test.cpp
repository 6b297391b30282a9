// The main job: everybody hears everybody else, and never oneself.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>

#include "tests/pipeline/room_harness.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/measure.hpp"
#include "tests/support/speech.hpp"

namespace parley::test {
namespace {

double tone_of(std::size_t i) {
  return 300 + 100.0 * static_cast<double>(i);
}

struct Case {
  std::string name;
  Duration tick;
  std::vector<Codec> codecs;
  // How far below the others the own tone must be. Twelve tones are a dense comb, and G.711 has 8 bits: the
  // codecs' own noise fills the gap. That nothing of the own voice is in it is shown by OwnVoiceIsAbsent.
  double own_below;
  friend void PrintTo(const Case& tested, std::ostream* out) { *out << tested.name; }
};

class RoomTones : public testing::TestWithParam<Case> {};

TEST_P(RoomTones, EachHearsAllOthersAndNotItself) {
  pipelines::RoomMediaConfig config;
  config.tick = GetParam().tick;
  config.max_talkers = 0;
  RoomHarness harness(config);
  const auto& codecs = GetParam().codecs;
  std::vector<LegId> legs;
  for (std::size_t i = 0; i < codecs.size(); ++i) {
    auto media = harness.opus_leg();
    media.codec = codecs[i];
    Voice voice;
    voice.pcm = keyed_tone(0.5, tone_of(i), 0.5 / static_cast<double>(codecs.size()));
    voice.phase = 1ms + 1ms * (static_cast<int>(i) * 7 % 18);
    legs.push_back(harness.add(media, voice));
  }
  harness.run(6s);

  for (std::size_t listener = 0; listener < legs.size(); ++listener) {
    const Ear& ear = harness.ear(legs[listener]);
    const auto heard = ear.seconds(2, 6);
    const double own = tone_dbfs(heard, tone_of(listener), ear.rate());
    // The tone's floor: what is where nobody sends.
    const double floor = tone_dbfs(heard, tone_of(codecs.size()) + 150, ear.rate());
    for (std::size_t talker = 0; talker < legs.size(); ++talker) {
      if (talker == listener) continue;
      const double other = tone_dbfs(heard, tone_of(talker), ear.rate());
      EXPECT_GT(other, floor + 40) << "leg " << listener << " hears leg " << talker;
      EXPECT_LT(own, other - GetParam().own_below) << "leg " << listener << " hears itself";
    }
  }
}

TEST(RoomVoice, OwnVoiceIsAbsent) {
  for (const Duration tick : {20ms, 10ms}) {
    pipelines::RoomMediaConfig config;
    config.tick = tick;
    RoomHarness harness(config);
    Voice voice;
    voice.pcm = speech(4, 7);
    const LegId talker = harness.add(voice);
    const LegId listener = harness.add(Voice{});
    harness.run(4s);
    const double others = rms_dbfs(harness.ear(listener).seconds(1, 4));
    const double own = rms_dbfs(harness.ear(talker).seconds(0, 0));
    EXPECT_GT(others, -40);
    EXPECT_LT(own, -90);
    report(std::string("own voice in the returned mix, tick of ") + (tick == 20ms ? "20" : "10") + " ms",
           own - others, "dB", Bound::at_most(-60), {}, 0);
    EXPECT_LT(harness.ear(talker).bytes, 400U) << "silence costs a byte every 400 ms";
  }
}

std::vector<Codec> opus_legs(std::size_t count, std::vector<Codec> more = {}) {
  std::vector<Codec> codecs(count, Codec::opus);
  codecs.insert(codecs.end(), more.begin(), more.end());
  return codecs;
}

INSTANTIATE_TEST_SUITE_P(
    Rooms, RoomTones,
    testing::Values(Case{"three", 20ms, opus_legs(3), 36}, Case{"twelve", 20ms, opus_legs(12), 20},
                    Case{"three_at_10_ms", 10ms, opus_legs(3), 24},
                    Case{"twelve_at_10_ms", 10ms, opus_legs(12), 20},
                    Case{"g711", 20ms, opus_legs(2, {Codec::pcmu, Codec::pcma}), 20},
                    Case{"g711_at_10_ms", 10ms, opus_legs(2, {Codec::pcmu, Codec::pcma}), 20}),
    [](const testing::TestParamInfo<Case>& tested) { return tested.param.name; });

}  // namespace
}  // namespace parley::test
