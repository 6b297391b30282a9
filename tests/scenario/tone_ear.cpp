#include "tests/scenario/tone_ear.hpp"

#include "tests/support/audio_metrics.hpp"

namespace parley::scenario {

std::unique_ptr<client::AudioSource> steady_tone(double hz) {
  client::ToneSource::Settings settings;
  settings.hz = hz;
  settings.amplitude = kToneAmplitude;
  settings.steady = true;
  return std::make_unique<client::ToneSource>(settings);
}

double longest_gap_ms(const std::vector<float>& heard, double hz, std::size_t from) {
  constexpr std::size_t kHop = 240;
  std::size_t run = 0, longest = 0;
  bool begun = false;
  for (std::size_t at = from; at + kHop * 2 <= heard.size(); at += kHop) {
    const bool tone = test::tone_amplitude(std::span(heard).subspan(at, kHop * 2), hz) > kToneAmplitude / 8;
    begun = begun || tone;
    run = tone || !begun ? 0 : run + 1;
    longest = std::max(longest, run);
  }
  return static_cast<double>(longest * kHop) / 48;
}

std::string wait_tone(const Caller& caller, double hz, double seconds, Duration limit) {
  return wait_until(
      [&]() -> std::string {
        const auto heard = caller.heard();
        const auto count = static_cast<std::size_t>(seconds * 48'000);
        if (heard.size() < count) return "sound";
        const double level = test::tone_amplitude(std::span(heard).last(count), hz);
        return level > kToneAmplitude / 2 ? "" : "the tone, it is at " + std::to_string(level);
      },
      limit);
}

std::unique_ptr<Caller> join_with_tone(Clients& clients, const Server& server, const std::string& room,
                                       const std::string& name, double hz) {
  auto config = caller_config(server, room, name);
  config.dtx = false;
  return std::make_unique<Caller>(clients, config, steady_tone(hz));
}

}  // namespace parley::scenario
