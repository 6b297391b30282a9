// parley-listen: who hears whom, judged from WAV files.
//   parley-listen NAME SAID.wav SAID_AT HEARD.wav HEARD_AT [NAME ...]
// For each participant: what it said and what it heard, each with the time of its first sample in
// microseconds on one clock. Prints the table; the exit code is 0 when every cell is right, 1 when not, 2 for
// a wrong call or file.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/listen/wav.hpp"
#include "tests/listen/who_hears_whom.hpp"

int main(int argc, char** argv) {
  using namespace parley::listen;
  if (argc < 6 || (argc - 1) % 5 != 0) {
    std::fprintf(stderr, "usage: %s NAME SAID.wav SAID_AT_US HEARD.wav HEARD_AT_US [NAME ...]\n", argv[0]);
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
