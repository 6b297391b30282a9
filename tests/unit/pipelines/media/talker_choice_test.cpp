// Who is worth decoding: levels, voice bits, DTX, looks, hang-over, places.
#include <gtest/gtest.h>
#include <opus.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "tests/unit/pipelines/media/talker_room.hpp"

namespace parley::media {
namespace {

using namespace testing;  // NOLINT: the room and its scripts

TEST(TalkerChoice, IsTakenOnArrivalAndEndsAHangOverAfterTheLastVoice) {
  struct Case {
    const char* name;
    bool has_levels;
    Sent voice;
    Sent quiet;
  };
  const Case cases[] = {
      {"level with flag", true, level_voice(25), level_quiet()},
      {"level without flag", true, {Sent::Kind::silk_clear, 25, false, -25.0F}, level_quiet()},
      {"quiet voice with flag", true, level_voice(54), level_quiet()},
      {"voice bit", false, bit_voice(-25.0F), bit_clear(-90.0F)},
      {"voice bit after DTX", false, bit_voice(-25.0F), dtx()},
      {"level missing, voice bit", true, bit_voice(-25.0F), dtx()},
  };
  for (const Case& c : cases) {
    for (const Duration delay : {0ms, 60ms, 200ms}) {
      SCOPED_TRACE(std::string(c.name) + ", delay " + std::to_string(delay / 1ms) + " ms");
      TalkerRoom room;
      room.join(1, c.has_levels, between(1s, 2s, c.voice, c.quiet), delay);
      room.run(1s);
      EXPECT_FALSE(room.talks(1));
      room.run(20ms);  // the first packet with voice arrives: chosen in the same tick, before it is due
      EXPECT_TRUE(room.talks(1));
      room.run(980ms);
      EXPECT_TRUE(room.talks(1));
      room.run(delay + 380ms);
      EXPECT_TRUE(room.talks(1));
      room.run(60ms);
      EXPECT_FALSE(room.talks(1));
      EXPECT_EQ(room.talked(1), 1s + delay + 380ms) << "in all";
    }
  }
}

TEST(TalkerChoice, NeverWithoutVoice) {
  struct Case {
    const char* name;
    bool has_levels;
    Sent sent;
  };
  const Case cases[] = {
      {"quiet level", true, level_quiet(60)},
      {"quiet level whatever the flag says", true, {Sent::Kind::silk_clear, 60, true, -60.0F}},
      {"level of silence", true, level_quiet(127)},
      {"DTX", false, dtx()},
      {"DTX that claims to be loud", true, {Sent::Kind::dtx, 0, true, -127.0F}},
      {"no Opus packet that claims to be loud", true, {Sent::Kind::broken, 0, true, -127.0F}},
      {"clear bit and noise", false, bit_clear(-60.0F)},
  };
  for (const Case& c : cases) {
    TalkerRoom room;
    room.join(1, c.has_levels, always(c.sent));
    room.run(20s);
    EXPECT_EQ(room.talked(1), 0ms) << c.name;
    EXPECT_TRUE(room.events.empty()) << c.name;
  }
}

TEST(TalkerChoice, MutedLegIsNeverATalker) {
  TalkerRoom room;
  room.join(1, true, always(level_voice(20)));
  room.join(2, false, always(bit_clear(-20.0F)));  // would be found by a look
  room.selector.set_muted(LegId{1}, true);
  room.selector.set_muted(LegId{2}, true);
  room.run(2s);
  EXPECT_EQ(room.talked(1), 0ms);
  EXPECT_EQ(room.looks(2), 0);
  EXPECT_EQ(room.selector.level(LegId{1}), 127);

  room.selector.set_muted(LegId{1}, false);
  room.step();
  EXPECT_TRUE(room.talks(1));
  room.selector.set_muted(LegId{1}, true);
  room.step();
  EXPECT_FALSE(room.talks(1));
}

TEST(TalkerChoice, TenMsTicksAndLongPackets) {
  TalkerRoom room({}, 10ms);
  room.join(1, true, between(1s, 2s, level_voice(25), level_quiet()));
  room.run(1'010ms);
  EXPECT_FALSE(room.talks(1));
  room.run(10ms);
  EXPECT_TRUE(room.talks(1));
  room.run(2s);
  EXPECT_FALSE(room.talks(1));
  EXPECT_NEAR(to_ms(room.talked(1)), 1'390.0, 20.0);
}

TEST(TalkerChoice, AnswersInOrderOfAddingWhateverLeaves) {
  TalkerRoom room;
  for (const std::uint32_t id : {9U, 2U, 7U, 4U, 1U})
    room.join(id, true, always(id == 7 ? level_voice(20) : level_quiet()));
  room.step();
  const auto ids = [&] {
    std::vector<std::uint32_t> order;
    for (const auto& choice : room.selector.choose(room.at())) order.push_back(raw(choice.leg));
    return order;
  };
  EXPECT_EQ(ids(), (std::vector<std::uint32_t>{9, 2, 7, 4, 1}));
  room.leave(2);
  room.leave(9);
  room.selector.remove(LegId{99});
  EXPECT_EQ(ids(), (std::vector<std::uint32_t>{7, 4, 1}));
  room.run(100ms);
  EXPECT_TRUE(room.talks(7));
  room.leave(7);
  room.run(100ms);
  EXPECT_EQ(ids(), (std::vector<std::uint32_t>{4, 1}));
  EXPECT_EQ(room.talkers(), 0U);
}

TEST(TalkerChoice, UnknownLegsAndRubbishAreIgnored) {
  TalkerRoom room;
  room.join(1, true, always(level_voice(20)));
  room.selector.add(LegId{1}, Codec::pcmu, false);  // a second time
  MediaPacket empty;
  empty.size = 0;
  empty.arrival = room.at();
  room.selector.on_packet(LegId{5}, empty);
  room.selector.on_packet(LegId{1}, empty);
  room.selector.set_muted(LegId{5}, true);
  room.selector.on_decoded(LegId{5}, room.at(), -10.0F);
  EXPECT_EQ(room.selector.level(LegId{5}), 127);
  room.run(100ms);
  for (const float rubbish : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity(), 1e30F}) {
    room.selector.on_decoded(LegId{1}, room.at(), rubbish);
  }
  room.run(100ms);
  EXPECT_TRUE(room.talks(1));
  EXPECT_EQ(room.selector.choose(room.at()).size(), 1U);
}

TEST(SparseLook, OnceIn400MsForALegWhosePacketsProveNothing) {
  TalkerRoom room;
  room.join(1, false, always(bit_clear(-65.0F)));
  room.run(40s);
  EXPECT_GE(room.looks(1), 97);
  EXPECT_LE(room.looks(1), 100);
}

TEST(SparseLook, FindsAToneWhoseVoiceBitIsClearAndKeepsIt) {
  TalkerRoom room;
  room.join(1, false, between(3s, 13s, bit_clear(-33.0F), bit_clear(-90.0F)));
  room.run(3s);
  EXPECT_FALSE(room.talks(1));
  room.run(480ms);
  EXPECT_TRUE(room.talks(1));
  room.run(9'520ms);
  EXPECT_GE(room.talked(1), 9'520ms);
  // Its next onset may be told by nothing either: it is kept longer than a voice.
  room.run(1'900ms);
  EXPECT_TRUE(room.talks(1));
  room.run(200ms);
  EXPECT_FALSE(room.talks(1));
}

TEST(SparseLook, RefreshesBetweenDtxCostNothing) {
  TalkerRoom room;
  room.join(1, false,
            [](Duration t) -> std::optional<Sent> { return t / 20ms % 20 == 0 ? bit_clear(-70.0F) : dtx(); });
  room.join(2, false, [](Duration t) -> std::optional<Sent> {
    if (t / 20ms % 20 != 0) return std::nullopt;  // the same from a sender that leaves DTX packets out
    return bit_clear(-70.0F);
  });
  room.run(20s);
  EXPECT_EQ(room.looks(1), 0);
  EXPECT_EQ(room.looks(2), 0);
}

TEST(SparseLook, ACrowdThatJoinsAtOnceIsNotDecodedAtOnce) {
  TalkerRoom room;
  for (std::uint32_t id = 1; id <= 200; ++id) room.join(id, false, always(bit_clear(-70.0F)));
  int most = 0;
  for (int tick = 0; tick < 500; ++tick) {
    room.step();
    int looks = 0;
    for (std::uint32_t id = 1; id <= 200; ++id) looks += room.listening(id) == Listening::look ? 1 : 0;
    most = std::max(most, looks);
  }
  EXPECT_LE(most, 13);  // 200 legs, 1 of 20 ticks: 10 on average
}

TEST(SparseLook, LegsWithLevelsPayAlmostNothing) {
  TalkerRoom room;
  room.join(1, true, always(level_quiet(70)));
  room.join(2, true, between(1s, 2s, level_voice(20), level_quiet(70)));
  room.run(1h / 6);
  EXPECT_LE(room.looks(1), 15);  // less and less often, down to once in 64 s
  EXPECT_LE(room.looks(2), 1);   // its levels were seen to be right
  EXPECT_EQ(room.talked(1), 0ms);
}

TEST(SparseLook, BrokenLevelsAreFoundOutAndCountNoMore) {
  // A sender whose levels always say silence, though it talks.
  TalkerRoom room;
  Sent broken = bit_clear(-25.0F);
  broken.level = 127;
  Sent voiced = bit_voice(-25.0F);
  voiced.level = 127;
  room.join(1, true, between(0s, 20s, broken, level_quiet(127)));
  room.run(6s);
  EXPECT_TRUE(room.talks(1));
  room.run(20s);
  EXPECT_FALSE(room.talks(1));

  TalkerRoom bits;  // from then on its voice bits count
  bits.join(1, true, [&](Duration t) { return t < 10s ? voiced : t < 14s ? level_quiet(127) : voiced; });
  bits.run(14s);
  EXPECT_FALSE(bits.talks(1));
  bits.run(20ms);
  EXPECT_TRUE(bits.talks(1));
}

TEST(SparseLook, HonestQuietLevelsStayBelieved) {
  // Noise just above the threshold of looks but not far above what the level claims.
  TalkerRoom room;
  Sent noise = level_quiet(52);
  noise.dbfs = -48.0F;
  room.join(1, true, always(noise));
  room.run(5min);
  EXPECT_EQ(room.talked(1), 0ms);
}

TEST(SparseLook, ALookThatNobodyDecodesEnds) {
  TalkerSelector selector{TalkerConfig{}};
  selector.add(LegId{1}, Codec::opus, false);
  TimePoint at{1h};
  int looks = 0;
  for (int tick = 0; tick < 500; ++tick, at += 20ms) {
    MediaPacket packet = opus_packet(bit_clear(-20.0F));
    packet.arrival = at;
    selector.on_packet(LegId{1}, packet);
    looks += selector.choose(at)[0].listening == Listening::look ? 1 : 0;
  }
  EXPECT_LE(looks, 25 * 9);
  selector.remove(LegId{1});
}

TEST(G711, IsJudgedByItsBytes) {
  struct Case {
    const char* name;
    Codec codec;
    std::uint8_t byte;
    std::uint8_t level;
    bool talks;
  };
  const Case cases[] = {
      {"mu-law silence", Codec::pcmu, 0xff, MediaPacket::kNoLevel, false},
      {"mu-law silence, other zero", Codec::pcmu, 0x7f, MediaPacket::kNoLevel, false},
      {"mu-law silence that claims to be loud", Codec::pcmu, 0xff, 0, false},
      {"mu-law idle noise", Codec::pcmu, 0xfd, MediaPacket::kNoLevel, false},
      {"mu-law loud", Codec::pcmu, 0x90, MediaPacket::kNoLevel, true},
      {"mu-law loud that claims silence", Codec::pcmu, 0x90, 127, true},
      {"A-law silence", Codec::pcma, 0xd5, MediaPacket::kNoLevel, false},
      {"A-law loud", Codec::pcma, 0xaa, MediaPacket::kNoLevel, true},
  };
  for (const Case& c : cases) {
    TalkerSelector selector{TalkerConfig{}};
    selector.add(LegId{1}, c.codec, true);
    TimePoint at{1h};
    for (int tick = 0; tick < 100; ++tick, at += 20ms) {
      MediaPacket packet;
      packet.assign(std::vector<std::uint8_t>(160, c.byte));
      packet.arrival = at;
      packet.level = c.level;
      selector.on_packet(LegId{1}, packet);
      const auto choice = selector.choose(at);
      ASSERT_EQ(choice[0].listening, c.talks ? Listening::talker : Listening::skip) << c.name;
    }
  }
}

// Packets of a real encoder in the low-delay profile: noise at these levels in dBFS, each for so long.
Script celt_noise(std::vector<std::pair<Duration, float>> parts, bool vbr,
                  std::optional<std::uint8_t> level = {}) {
  int error = 0;
  OpusEncoder* encoder = opus_encoder_create(48'000, 1, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &error);
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(40'000));
  opus_encoder_ctl(encoder, OPUS_SET_VBR(vbr ? 1 : 0));
  std::mt19937 random(4);
  std::normal_distribution<float> noise(0.0F, 1.0F);
  std::vector<Sent> sent;
  for (const auto& [duration, dbfs] : parts) {
    for (Duration t{}; t < duration; t += 20ms) {
      std::vector<float> samples(960);
      for (float& sample : samples) sample = noise(random) * std::pow(10.0F, dbfs / 20.0F);
      std::vector<std::uint8_t> payload(1'500);
      payload.resize(
          static_cast<std::size_t>(opus_encode_float(encoder, samples.data(), 960, payload.data(), 1'500)));
      sent.push_back({Sent::Kind::silk_clear, level.value_or(MediaPacket::kNoLevel), level.has_value(), dbfs,
                      std::make_shared<const std::vector<std::uint8_t>>(std::move(payload))});
    }
  }
  opus_encoder_destroy(encoder);
  return [sent = std::move(sent)](Duration t) -> std::optional<Sent> {
    const auto index = static_cast<std::size_t>(t / 20ms);
    return index < sent.size() ? std::optional(sent[index]) : std::nullopt;
  };
}

TEST(Celt, AnOnsetWithoutLevelsIsSeenInItsFirstPacketAndCostsNoLook) {
  for (const bool vbr : {true, false}) {
    for (const float dbfs : {-45.0F, -30.0F, -15.0F}) {
      TalkerRoom room;
      room.join(1, false,
                celt_noise({{2s, -65.0F}, {1s, dbfs}, {3s, -65.0F}, {1s, dbfs}, {2s, -100.0F}}, vbr));
      room.run(2s);
      EXPECT_FALSE(room.talks(1));
      room.run(20ms);
      EXPECT_TRUE(room.talks(1)) << dbfs;
      room.run(980ms + 440ms);
      EXPECT_FALSE(room.talks(1));
      room.run(2'560ms);
      EXPECT_FALSE(room.talks(1));
      room.run(20ms);
      EXPECT_TRUE(room.talks(1)) << dbfs;
      room.run(3s);
      EXPECT_EQ(room.looks(1), 0);
      EXPECT_EQ(room.events.size(), 4U);
    }
  }
}

TEST(Celt, ALevelThatItsPacketsBelieGetsNoPlaceAtAll) {
  TalkerRoom room;
  room.join(1, true, celt_noise({{20s, -90.0F}}, true, 0));
  room.join(2, true, celt_noise({{20s, -30.0F}}, true, 127));
  room.run(1s);
  EXPECT_EQ(room.talked(1), 0ms);
  EXPECT_GE(room.talked(2), 980ms) << "and silence is no lie to gain by";
  room.run(19s);
  EXPECT_EQ(room.talked(1), 0ms);
}

TEST(SteadyNoise, BelowMinus44DbfsIsNoVoiceAfterAWhileAndVoiceStandsOutOfIt) {
  const Sent noise_level = {Sent::Kind::silk_clear, 46, false, -46.0F};
  struct Case {
    const char* name;
    bool has_levels;
    Script script;
  };
  const Case cases[] = {
      {"levels", true, between(30s, 32s, level_voice(30), noise_level)},
      {"bits", false, between(30s, 32s, bit_voice(-30.0F), bit_clear(-46.0F))},
      {"CELT", false, celt_noise({{30s, -46.0F}, {2s, -30.0F}, {10s, -46.0F}}, true)},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    TalkerRoom room;
    room.join(1, c.has_levels, c.script);
    room.run(20s);
    EXPECT_FALSE(room.talks(1));
    EXPECT_LE(room.talked(1), 18s);
    const Duration before = room.talked(1);
    room.run(10s);
    EXPECT_EQ(room.talked(1), before);
    room.run(20ms);
    EXPECT_TRUE(room.talks(1));
    room.run(6s);
    EXPECT_FALSE(room.talks(1));
  }
}

TEST(SteadyNoise, ALouderSteadySoundIsHeardForEver) {
  TalkerRoom room;
  room.join(1, true, always({Sent::Kind::silk_clear, 43, false, -43.0F}));
  room.join(2, false, celt_noise({{60s, -42.0F}}, false));
  room.join(3, false, always(bit_clear(-43.0F)));
  room.run(59s);
  EXPECT_GE(room.talked(1), 58'900ms);
  EXPECT_GE(room.talked(2), 58'900ms);
  EXPECT_GE(room.talked(3), 58'400ms);
}

TEST(SteadyNoise, AQuietVoiceWithItsPausesStaysAVoice) {
  // -47 dBFS on average, words of 400 ms that swing by some dB, pauses of 200 ms at -70: never gone for a
  // word.
  TalkerRoom room;
  room.join(1, true, [](Duration t) {
    if (t % 600ms >= 400ms) return level_quiet(70);
    const auto swing = static_cast<int>(t / 20ms % 7);
    Sent sent = level_quiet(43 + swing);
    sent.dbfs = -43.0F - static_cast<float>(swing);
    return sent;
  });
  room.run(60s);
  EXPECT_GE(room.talked(1), 59'900ms);
}

}  // namespace
}  // namespace parley::media
