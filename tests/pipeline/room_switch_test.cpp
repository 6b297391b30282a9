// A decoder must not notice which encoder it hears: when a listener starts to talk and stops, when a talker's
// packets are passed on verbatim and when they are not.
#include <gtest/gtest.h>
#include <opus/opus.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <ostream>

#include "tests/pipeline/room_harness.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/measure.hpp"
#include "tests/support/speech.hpp"

namespace parley::test {
namespace {

constexpr std::size_t kTick = 960;

// A word of 100 ms every `period`.
std::vector<float> words(double period, std::uint32_t seed) {
  std::vector<float> pcm(static_cast<std::size_t>(period * 48'000));
  const auto voice = speech(2, seed, {.pitch_hz = 210, .pause_seconds = 0});
  for (std::size_t i = 0; i < 4'800; ++i) {
    const double ramp = std::min({1.0, static_cast<double>(i) / 480, static_cast<double>(4'799 - i) / 480});
    pcm[pcm.size() / 2 + i] = voice[30'000 + i] * static_cast<float>(ramp);
  }
  return pcm;
}

struct Call {
  std::vector<float> heard;
  std::vector<float> shared;        // by one who is in the shared class all the time
  std::vector<std::size_t> leaves;  // ticks
  std::vector<std::size_t> joins;
};

// PARLEY_LONG=16 makes the runs 16 times as long: 1,000 switches and 400 forwardings in and out.
int length() {
  const char* given = std::getenv("PARLEY_LONG");
  return given == nullptr ? 1 : std::max(1, std::atoi(given));
}

class Switching : public testing::TestWithParam<double> {
 protected:
  // One talks on; another says a word every 1.2 s, or the same on mute.
  Call run(bool muted) {
    pipelines::RoomMediaConfig config;
    config.auto_level = pipelines::AutoLevel::off;
    config.forward = false;
    RoomHarness harness(config);
    std::vector<LegId> legs;
    for (const auto& track : {anna_, carl_}) {
      Voice voice;
      voice.track = track;
      legs.push_back(harness.add(voice));
    }
    for (int i = 0; i < 3; ++i) legs.push_back(harness.add(Voice{}));
    for (const LegId leg : legs) {
      harness.ear(leg).wants_decode = leg == legs[1] || leg == legs[2];
      harness.room().set_downlink_loss(leg, GetParam());
    }
    harness.room().set_muted(legs[1], muted);
    Call run;
    auto last = harness.room().stats();
    harness.after_tick = [&] {
      const auto now = harness.room().stats();
      const std::size_t tick = harness.ear(legs[1]).ticks.size() - 1;
      if (now.encoder_clones > last.encoder_clones) run.leaves.push_back(tick);
      if (now.class_joins > last.class_joins) run.joins.push_back(tick);
      last = now;
    };
    harness.run(length() * 75s);
    run.heard = harness.ear(legs[1]).pcm;
    run.shared = harness.ear(legs[2]).pcm;
    return run;
  }

 private:
  std::shared_ptr<Track> anna_ =
      std::make_shared<Track>(speech(20, 1, {.pause_seconds = 0.1}), 20ms, Track::Options{});
  std::shared_ptr<Track> carl_ = std::make_shared<Track>(words(1.2, 9), 20ms, Track::Options{});
};

TEST_P(Switching, OfAListenerWhoTalksIsNotHeard) {
  const Call talking = run(false);
  const Call muted = run(true);
  ASSERT_GE(talking.joins.size(), 50U);
  std::vector<double> back;
  std::vector<double> apart;  // from one who has listened to the shared class all along
  std::vector<double> jumps;
  for (const std::size_t tick : talking.joins) {
    const std::size_t from = (tick - 1) * kTick;
    if (from + 10 * kTick > talking.heard.size()) break;
    const auto reference = std::span(muted.heard).subspan(from, 10 * kTick);
    const auto test = std::span(talking.heard).subspan(from, 10 * kTick);
    back.push_back(mean(lsd_frames(reference, test)));
    jumps.push_back(jump_ratio(reference, test));
    apart.push_back(mean(lsd_frames(std::span(talking.shared).subspan(tick * kTick, 10 * kTick),
                                    std::span(talking.heard).subspan(tick * kTick, 10 * kTick))));
  }
  // Out: until it first joins back the stream is the one it would have had, bit for bit.
  const std::size_t same = talking.joins.front() * kTick;
  const bool exact = std::equal(
      talking.heard.begin(), talking.heard.begin() + static_cast<std::ptrdiff_t>(same), muted.heard.begin());
  EXPECT_TRUE(exact);
  EXPECT_LT(talking.leaves.front(), talking.joins.front());
  // Two encoders with the same input never say quite the same: that much differs anyway, long after a switch.
  std::vector<double> anyway;
  for (const std::size_t tick : talking.leaves) {
    const std::size_t from = tick > 10 ? (tick - 10) * kTick : 0;
    if (from < talking.joins.front() * kTick) continue;
    anyway.push_back(mean(lsd_frames(std::span(muted.heard).subspan(from, 10 * kTick),
                                     std::span(talking.heard).subspan(from, 10 * kTick))));
  }
  std::cout << "two encoders: LSD p50 " << quantile(anyway, 0.5) << " p95 " << quantile(anyway, 0.95)
            << " dB; "
            << "back: " << back.size() << " switches, LSD p50 " << quantile(back, 0.5) << " p95 "
            << quantile(back, 0.95) << " dB, jump p95 " << quantile(jumps, 0.95) << " max "
            << quantile(jumps, 1) << "; from who was there before: LSD p50 " << quantile(apart, 0.5)
            << " p95 " << quantile(apart, 0.95) << " dB\n";
  const std::string what =
      std::to_string(back.size()) + " switches, " + (GetParam() == 0 ? "clean profile, " : "lossy profile, ");
  report(what + "out: samples before the first return are those without a switch (1: yes)", exact ? 1.0 : 0.0,
         "", Bound::at_least(1), {}, 0);
  report(what + "back: log-spectral distance p95", quantile(back, 0.95), "dB", Bound::at_most(4), {}, 2);
  report(what + "two encoders that never switch: the same distance", quantile(anyway, 0.95), "dB", {}, {}, 2);
  report(what + "back: distance from who was in the shared class all along, p95", quantile(apart, 0.95), "dB",
         Bound::at_most(4), {}, 2);
  report(what + "back: largest jump over the normal, p95", quantile(jumps, 0.95), "", Bound::at_most(1.5), {},
         2);
  EXPECT_LE(quantile(back, 0.95), 4.0);
  EXPECT_LE(quantile(apart, 0.95), 1.0);
  EXPECT_LE(quantile(jumps, 0.95), 1.5);
}

INSTANTIATE_TEST_SUITE_P(Loss, Switching, testing::Values(0.0, 0.05),
                         [](const testing::TestParamInfo<double>& tested) {
                           return tested.param == 0 ? "clean_profile" : "lossy_profile";
                         });

// How talkers code.
struct Kind {
  const char* name;
  Track::Options talkers;
  double entries_max, exits_max;  // overshoot, dB
  friend void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }
};
constexpr Kind kKinds[] = {
    {"voice_to_clean", {}, 1, 1},
    {"low_delay_to_clean", {.voip = false, .bitrate = 40'000, .complexity = 7}, 1, 1.5},
};

class Forwarding : public testing::TestWithParam<Kind> {
 protected:
  struct Heard {
    std::vector<float> pcm;
    std::vector<HeardTick> ticks;
    std::vector<ByteBuffer> packets;  // of the ticks that have one
    pipelines::RoomStats stats;
  };
  // What a decoder makes of a talker that has heard nothing else, at the ticks in which its packets are
  // played.
  static std::vector<float> undisturbed(Track& track, std::size_t ticks) {
    int error = 0;
    const std::unique_ptr<OpusDecoder, void (*)(OpusDecoder*)> decoder(opus_decoder_create(48'000, 1, &error),
                                                                       opus_decoder_destroy);
    std::vector<float> pcm(ticks * kTick);
    for (std::size_t tick = 0; tick < ticks; ++tick) {
      const ByteBuffer& packet = track.packet(tick);
      const int samples = opus_decode_float(decoder.get(), packet.data(), static_cast<int>(packet.size()),
                                            pcm.data() + tick * kTick, static_cast<int>(kTick), 0);
      EXPECT_EQ(samples, static_cast<int>(kTick));
    }
    return pcm;
  }
  // Anna talks with pauses, Bert says a word now and then, a third listens.
  Heard run(bool forward, std::function<std::optional<Duration>(std::uint64_t)> network = {}) {
    pipelines::RoomMediaConfig config;
    config.auto_level = pipelines::AutoLevel::off;
    config.forward = forward;
    RoomHarness harness(config);
    Voice anna;
    anna.track = anna_;
    anna.network = std::move(network);
    Voice bert;
    bert.track = bert_;
    harness.ear(harness.add(anna)).wants_decode = false;
    harness.ear(harness.add(bert)).wants_decode = false;
    const LegId listener = harness.add(Voice{});
    harness.ear(listener).keep_packets = true;
    harness.run(length() * 120s);
    return {harness.ear(listener).pcm, harness.ear(listener).ticks, harness.ear(listener).kept,
            harness.room().stats()};
  }

  std::shared_ptr<Track> anna_ =
      std::make_shared<Track>(speech(31, 1, {.pause_seconds = 0.3}), 20ms, GetParam().talkers);
  std::shared_ptr<Track> bert_ = std::make_shared<Track>(words(2.3, 5), 20ms, GetParam().talkers);
};

double peak_db(std::span<const float> pcm) {
  return to_db(peak(pcm));
}

TEST_P(Forwarding, EntersAndLeavesWithoutOvershoot) {
  const Heard verbatim = run(true);
  const Heard coded = run(false);
  EXPECT_EQ(coded.stats.forwards, 0U);
  const std::size_t ticks = verbatim.ticks.size();
  const std::vector<float> anna = undisturbed(*anna_, ticks);
  const std::vector<float> bert = undisturbed(*bert_, ticks);
  // Whose packet it is: the sound of its own stream.
  std::vector<const std::vector<float>*> sources(ticks, nullptr);
  for (std::size_t tick = 0, at = 0; tick < ticks; ++tick) {
    if (verbatim.ticks[tick].size == 0) continue;
    const ByteBuffer& packet = verbatim.packets[at++];
    if (!verbatim.ticks[tick].forwarded || packet.size() <= 2) continue;
    sources[tick] = packet == anna_->packet(tick) ? &anna : packet == bert_->packet(tick) ? &bert : nullptr;
    ASSERT_NE(sources[tick], nullptr) << "tick " << tick;
  }
  std::vector<double> enter;
  std::vector<double> leave;
  for (std::size_t tick = 10; tick + 10 < verbatim.ticks.size(); ++tick) {
    const bool before = verbatim.ticks[tick - 1].forwarded;
    const bool now = verbatim.ticks[tick].forwarded;
    if (before == now || verbatim.ticks[tick].size == 0 || verbatim.ticks[tick - 1].size == 0) continue;
    const std::vector<float>* talker = sources[now ? tick : tick - 1];
    if (talker == nullptr) continue;
    // Both sides: the mix as it is coded, and the talker's own stream. The look-ahead of the two encoders
    // differs by some milliseconds: the louder side is looked for around.
    const auto heard = std::span(verbatim.pcm).subspan(tick * kTick, 2 * kTick);
    const double louder = std::max({peak_db(std::span(coded.pcm).subspan((tick - 2) * kTick, 6 * kTick)),
                                    peak_db(std::span(verbatim.pcm).subspan((tick - 2) * kTick, 2 * kTick)),
                                    peak_db(std::span(*talker).subspan(tick * kTick, 2 * kTick))});
    if (louder < -50) continue;
    (now ? enter : leave).push_back(peak_db(heard) - louder);
    if (peak_db(heard) - louder > 1)
      std::cout << (now ? "entry" : "exit") << " at tick " << tick << ": " << peak_db(heard) - louder
                << " dB over " << louder << " dBFS\n";
  }
  const double share = static_cast<double>(verbatim.stats.forwards) /
                       static_cast<double>(verbatim.stats.forwards + verbatim.stats.mixed);
  std::cout << "enter " << enter.size() << " p95 " << quantile(enter, 0.95) << " max " << quantile(enter, 1)
            << " dB; leave " << leave.size() << " p95 " << quantile(leave, 0.95) << " max "
            << quantile(leave, 1) << " dB; forwarded " << 100 * share << " % of the audible ticks\n";
  const auto times = [](const std::vector<double>& values) {
    return std::to_string(values.size()) + " times, ";
  };
  const std::string what = std::string("forwarding ") + GetParam().name + ", ";
  report(what + "entered " + times(enter) + "overshoot, max", quantile(enter, 1), "dB", Bound::at_most(1), {},
         2);
  report(what + "left " + times(leave) + "overshoot, max", quantile(leave, 1), "dB", Bound::at_most(1), {},
         2);
  report(what + "share of the ticks with sound", 100 * share, "%", {}, {}, 0);
  EXPECT_GE(enter.size(), 25U);
  EXPECT_GE(leave.size(), 25U);
  EXPECT_LE(quantile(enter, 1), GetParam().entries_max);
  EXPECT_LE(quantile(leave, 0.95), 1.0);
  EXPECT_LE(quantile(leave, 1), GetParam().exits_max);
  EXPECT_GT(share, 0.3);
}

TEST_P(Forwarding, LeavesTheHolesOfTheWayIn) {
  Random random(3);
  const Heard heard = run(true, [&](std::uint64_t) -> std::optional<Duration> {
    if (random.chance(0.03)) return std::nullopt;
    return 0ms;
  });
  std::size_t holes = 0;
  std::size_t missing = 0;
  std::size_t unfounded = 0;
  for (const HeardTick& tick : heard.ticks) {
    // A listener who joins a class that has just lost a packet counts it too; time stamps tell its decoder
    // better.
    unfounded += tick.holes > missing ? 1 : 0;
    missing = tick.size == 0 ? missing + 1 : 0;
    holes += tick.holes;
  }
  EXPECT_GT(holes, 30U);
  EXPECT_LE(unfounded, holes / 20);
  EXPECT_GT(heard.stats.forwards, 1000U);
}

INSTANTIATE_TEST_SUITE_P(Talkers, Forwarding, testing::ValuesIn(kKinds),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace parley::test
