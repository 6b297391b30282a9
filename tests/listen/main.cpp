// parley-listen: who hears whom, judged from WAV files.
//   parley-listen NAME SAID.wav SAID_AT HEARD.wav HEARD_AT [NAME ...]
//   parley-listen --tones HEARD.wav +HZ|-HZ ...
//   parley-listen --keyed HEARD.wav LEAST_SECONDS HZ ...
// First form: for each participant, what it said and what it heard, each with the time of its first sample in
// microseconds on one clock. Prints the table; the exit code is 0 when every cell is right, 1 when not, 2 for
// a wrong call or file.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/listen/keyed_tones.hpp"
#include "tests/listen/wav.hpp"
#include "tests/listen/who_hears_whom.hpp"
#include "tests/support/audio_metrics.hpp"

namespace {

using namespace parley::listen;

// A tone counts as heard when it stands 25 dB above the strongest that must be absent, and above -50 dBFS.
int judge_tones(const char* path, int argc, char** argv) {
  const auto pcm = read_wav(path);
  if (!pcm) {
    std::fprintf(stderr, "%s\n", pcm.error().what.c_str());
    return 2;
  }
  double weakest = 0;
  double strongest_absent = -75;
  for (int i = 0; i < argc; ++i) {
    const bool wanted = argv[i][0] == '+';
    const double level = parley::test::tone_dbfs(*pcm, std::strtod(argv[i] + 1, nullptr));
    std::printf("%s Hz: %.1f dBFS (%s)\n", argv[i] + 1, level, wanted ? "wanted" : "unwanted");
    if (wanted) {
      weakest = std::min(weakest, level);
    } else {
      strongest_absent = std::max(strongest_absent, level);
    }
  }
  return weakest > -50 && weakest - strongest_absent > 25 ? 0 : 1;
}

// No gap longer than 100 ms, and a clock that is right within 50 ms.
int judge_keyed(const char* path, double least_seconds, int argc, char** argv) {
  const auto pcm = read_wav(path);
  if (!pcm) {
    std::fprintf(stderr, "%s\n", pcm.error().what.c_str());
    return 2;
  }
  std::vector<double> hz;
  for (int i = 0; i < argc; ++i) hz.push_back(std::strtod(argv[i], nullptr));
  bool ok = static_cast<double>(pcm->size()) >= least_seconds * 48'000;
  std::printf("%.2f s\n", static_cast<double>(pcm->size()) / 48'000);
  for (const auto& tone : find_keyed_tones(*pcm, hz)) {
    std::printf("%.0f Hz: %zu beats, worst interval off by %.0f ms (at %.1f s), clock off by %.0f ms\n",
                tone.hz, tone.beats, tone.worst_gap_ms, tone.worst_at_s, tone.clock_error_ms);
    ok = ok && static_cast<double>(tone.beats) >= 2 * least_seconds - 3 && tone.worst_gap_ms <= 100 &&
         tone.clock_error_ms <= 50;
  }
  return ok ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 3 && std::string(argv[1]) == "--tones") return judge_tones(argv[2], argc - 3, argv + 3);
  if (argc > 4 && std::string(argv[1]) == "--keyed")
    return judge_keyed(argv[2], std::strtod(argv[3], nullptr), argc - 4, argv + 4);
  if (argc < 6 || (argc - 1) % 5 != 0) {
    std::fprintf(stderr,
                 "usage: %s NAME SAID.wav SAID_AT_US HEARD.wav HEARD_AT_US [NAME ...]\n"
                 "       %s --tones HEARD.wav +HZ|-HZ ...\n"
                 "       %s --keyed HEARD.wav LEAST_SECONDS HZ ...\n",
                 argv[0], argv[0], argv[0]);
    return 2;
  }
  std::vector<Voice> said;
  std::vector<Voice> heard;
  for (int i = 1; i + 4 < argc; i += 5) {
    for (const int offset : {1, 3}) {
      auto pcm = read_wav(argv[i + offset]);
      if (!pcm) {
        std::fprintf(stderr, "%s\n", pcm.error().what.c_str());
        return 2;
      }
      const double starts = std::strtod(argv[i + offset + 1], nullptr) / 1e6;
      (offset == 1 ? said : heard).push_back({argv[i], std::move(pcm).value(), starts});
    }
  }
  const auto ears = who_hears_whom(said, heard);
  std::printf("%s", table(ears).c_str());
  for (const auto& ear : ears)
    if (!ear.ok) return 1;
  return 0;
}
