// The main job: everybody hears everybody else, and nobody oneself. Judged by what the clients decoded.
#include <gtest/gtest.h>
#include <opus/opus.h>

#include <cmath>
#include <ostream>

#include "tests/listen/who_hears_whom.hpp"
#include "tests/scenario/call.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"

namespace parley::scenario {
namespace {

using client::PcmSource;

// The last `seconds` of what was heard.
std::vector<float> tail(const std::vector<float>& heard, double seconds) {
  const auto count = std::min(heard.size(), static_cast<std::size_t>(seconds * 48'000));
  return {heard.end() - static_cast<std::ptrdiff_t>(count), heard.end()};
}

struct Kind {
  const char* name;
  bool encrypted;
  Codec codec;
  int tick_ms;
  std::size_t participants;
  // While all talk, the codec's own noise at one's own frequency is what remains: two generations of Opus
  // without any server leave -28 to -35 dB with 11 other tones, -34 dB with 3 in frames of 10 ms.
  double own_in_concert_db;
};

void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;  // otherwise GoogleTest prints its bytes, pointers included, into the test's name
}

class Tones : public testing::TestWithParam<Kind> {
 protected:
  static constexpr double kOwnAmongFewDb = -40;

  void join_all(const Server& server) {
    const Kind& kind = GetParam();
    for (std::size_t i = 0; i < kind.participants; ++i) {
      auto config = caller_config(server, "tones", "p" + std::to_string(i));
      config.encrypted = kind.encrypted;
      config.codec = kind.codec;
      callers_.push_back(std::make_unique<Caller>(clients_, config, tone(hz(i), amplitude())));
    }
    for (auto& caller : callers_) ASSERT_EQ(caller->wait_live(), "");
  }
  static double hz(std::size_t i) { return 300 + 100 * static_cast<double>(i); }
  static double amplitude() { return 0.5 / static_cast<double>(GetParam().participants); }

  // Level of talker's tone at listener, relative to what was said (keyed: on for 60 % of the time).
  double level_db(std::size_t listener, std::size_t talker, double seconds) const {
    return test::tone_dbfs(tail(callers_[listener]->heard(), seconds), hz(talker)) -
           test::to_db(amplitude() * 0.6);
  }
  bool keep_talking(const Server& server, const std::function<bool(std::size_t)>& talks) const {
    for (std::size_t i = 0; i < callers_.size(); ++i) {
      const auto path = "/api/v1/rooms/tones/participants/" + callers_[i]->session().participant_id();
      if (server.http("POST", path + (talks(i) ? "/unmute" : "/mute")).status >= 300) return false;
    }
    return true;
  }

  Clients clients_;
  std::vector<std::unique_ptr<Caller>> callers_;
};

// Participant i sends 300 + 100 i Hz, keyed, all together at most -6 dBFS; each must hear exactly the others.
TEST_P(Tones, EachHearsExactlyTheOthers) {
  const Kind& kind = GetParam();
  auto settings = loopback_settings();
  settings.mix.tick_ms = kind.tick_ms;
  settings.mix.max_talkers = 0;
  settings.mix.auto_level = settings::AutoLevel::off;  // levels are what is measured here
  const Server server(settings);
  join_all(server);
  std::this_thread::sleep_for(4500ms);  // the measurement itself: sound takes its time

  double weakest = 200;
  double own = -200;
  for (std::size_t listener = 0; listener < callers_.size(); ++listener) {
    for (std::size_t talker = 0; talker < callers_.size(); ++talker) {
      const double level = level_db(listener, talker, 3);
      if (talker == listener) {
        own = std::max(own, level);
        EXPECT_LT(level, kind.own_in_concert_db) << "p" << listener << " hears itself";
      } else {
        weakest = std::min(weakest, level);
        EXPECT_GT(level, -9) << "p" << listener << " misses p" << talker;
      }
    }
  }

  // Few at a time: now nothing hides a trace of one's own voice, nor of those who are muted.
  const std::size_t rounds = kind.participants > 4 ? 4 : kind.participants;
  double own_among_few = -200;
  for (std::size_t round = 0; round < rounds; ++round) {
    ASSERT_TRUE(keep_talking(server, [&](std::size_t i) { return i % rounds == round; }));
    std::this_thread::sleep_for(2s);
    for (std::size_t i = round; i < callers_.size(); i += rounds) {
      own_among_few = std::max(own_among_few, level_db(i, i, 1));
      EXPECT_LT(level_db(i, i, 1), kOwnAmongFewDb) << "p" << i << " hears itself";
      EXPECT_GT(level_db((i + 1) % callers_.size(), i, 1), -6) << "p" << i << " is not heard";
    }
  }
  std::printf("%s: weakest tone of another %+.1f dB, own tone at most %.1f dB, among few %.1f dB\n",
              kind.name, weakest, own, own_among_few);
}

INSTANTIATE_TEST_SUITE_P(Legs, Tones,
                         testing::Values(Kind{"dtls_opus_12", true, Codec::opus, 20, 12, -18},
                                         Kind{"plain_opus_12", false, Codec::opus, 20, 12, -18},
                                         Kind{"dtls_opus_10ms_tick", true, Codec::opus, 10, 4, -26},
                                         Kind{"dtls_pcmu", true, Codec::pcmu, 20, 3, -40},
                                         Kind{"plain_pcma", false, Codec::pcma, 20, 3, -40}),
                         [](const auto& test) { return std::string(test.param.name); });

// Two generations of the codec without any server: what a perfect conference would give.
std::vector<float> two_generations(std::vector<float> pcm) {
  for (int generation = 0; generation < 2; ++generation) {
    int error = 0;
    OpusEncoder* encoder = opus_encoder_create(48'000, 1, OPUS_APPLICATION_VOIP, &error);
    OpusDecoder* decoder = opus_decoder_create(48'000, 1, &error);
    opus_encoder_ctl(encoder, OPUS_SET_BITRATE(32'000));
    opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(7));
    std::vector<float> out;
    std::vector<unsigned char> packet(1500);
    std::vector<float> frame(960);
    for (std::size_t at = 0; at + 960 <= pcm.size(); at += 960) {
      const int size = opus_encode_float(encoder, pcm.data() + at, 960, packet.data(), 1500);
      EXPECT_EQ(opus_decode_float(decoder, packet.data(), size, frame.data(), 960, 0), 960);
      out.insert(out.end(), frame.begin(), frame.end());
    }
    opus_encoder_destroy(encoder);
    opus_decoder_destroy(decoder);
    pcm = std::move(out);
  }
  return pcm;
}

std::vector<float> with_silence_around(const std::vector<float>& speech, double before, double total) {
  std::vector<float> out(static_cast<std::size_t>(total * 48'000), 0.0F);
  const auto offset = static_cast<std::size_t>(before * 48'000);
  for (std::size_t i = 0; i < speech.size() && offset + i < out.size(); ++i) out[offset + i] = speech[i];
  return out;
}

TEST(Speech, ThreeVoicesOverDtlsSrtp) {
  constexpr double kSeconds = 30;
  const Server server;
  Clients clients;
  // Each alone first (a voice that speaks alone must come back as silence), then all together.
  const std::vector<std::pair<const char*, double>> people = {{"alice", 110}, {"bob", 150}, {"carol", 210}};
  std::vector<listen::Voice> said;
  std::vector<std::unique_ptr<Caller>> callers;
  for (std::size_t i = 0; i < people.size(); ++i) {
    test::SpeechStyle style;
    style.pitch_hz = people[i].second;
    style.noise_dbfs = -200;
    const auto alone = test::speech(3.0, static_cast<std::uint32_t>(10 + i), style);
    const auto together = test::speech(12.0, static_cast<std::uint32_t>(20 + i), style);
    auto pcm = with_silence_around(alone, 1.0 + 4.5 * static_cast<double>(i), kSeconds);
    const auto late = with_silence_around(together, 15.0, kSeconds);
    for (std::size_t s = 0; s < pcm.size(); ++s) pcm[s] += late[s];
    auto config = caller_config(server, "speech", people[i].first);
    callers.push_back(std::make_unique<Caller>(
        clients, config, std::make_unique<PcmSource>(std::make_shared<const std::vector<float>>(pcm))));
    said.push_back({people[i].first, pcm, 0});
  }
  for (auto& caller : callers) ASSERT_EQ(caller->wait_live(), "");
  const auto missing = wait_until(
      [&] {
        return callers.back()->heard().size() >= static_cast<std::size_t>(kSeconds * 48'000)
                   ? std::string{}
                   : "30 s of sound";
      },
      40s);
  ASSERT_EQ(missing, "");

  std::vector<listen::Voice> heard;
  for (std::size_t i = 0; i < callers.size(); ++i) {
    said[i].starts = to_seconds(callers[i]->speaking_since().time_since_epoch());
    heard.push_back(
        {people[i].first, callers[i]->heard(), to_seconds(callers[i]->listening_since().time_since_epoch())});
  }
  const auto ears = listen::who_hears_whom(said, heard);
  std::printf("%s", listen::table(ears).c_str());

  const auto ideal = with_silence_around(said[0].pcm, 0, kSeconds);
  const auto offline = two_generations(ideal);
  const double best = test::correlation_delay(ideal, offline, 2'000).score;
  std::printf("two generations of the codec without a server: correlation %.3f\n", best);
  for (const auto& ear : ears) {
    EXPECT_TRUE(ear.ok) << ear.listener;
    EXPECT_GE(ear.mix_correlation, best - 0.05) << ear.listener;
    for (const auto& cell : ear.cells) EXPECT_TRUE(cell.ok) << cell.listener << " hears " << cell.talker;
  }
}

}  // namespace
}  // namespace parley::scenario
