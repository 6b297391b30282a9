// remix-bench: how many times faster than real time recordings are mixed anew.
//   remix-bench [MINUTES]
// Three participants; everybody talks all the time, or they take turns. Figures are seconds of sound per CPU
// second of all threads, so that they hold for one core and the machine's other load matters little.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "pipelines/recorder/opus_output.hpp"
#include "pipelines/remix/remix.hpp"
#include "tests/support/opus_source.hpp"
#include "tests/support/speech.hpp"

namespace {

using namespace parley;
namespace fs = std::filesystem;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct FileSink final : recorder::ByteSink {
  explicit FileSink(const std::string& path) : file(std::fopen(path.c_str(), "wb")) {}
  ~FileSink() override { std::fclose(file); }
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;
  bool append(Bytes data) noexcept override {
    return std::fwrite(data.data(), 1, data.size(), file) == data.size();
  }
  bool rewrite(std::uint64_t, Bytes) noexcept override { return false; }
  std::FILE* file;
};

// Voice `who` talks in its turns of ten seconds, or in all of them.
void write_track(const std::string& path, int who, int minutes, bool turns) {
  test::SpeechStyle style;
  style.pitch_hz = 110 + 40 * who;
  const auto packets = test::opus_packets(test::speech(10, static_cast<std::uint32_t>(who + 1), style));
  FileSink sink(path);
  recorder::OpusOutput output(sink, static_cast<std::uint32_t>(who), {});
  for (int turn = 0; turn < 6 * minutes; ++turn) {
    if (turns && turn % 3 != who) {
      output.fill(480'000);
      continue;
    }
    for (const auto& packet : packets) output.add(packet.packet.data());
  }
  output.finish();
}

void run(const std::string& folder, const char* what, const char* format, bool normalize, double seconds) {
  remix::Job job;
  job.open = [&]() -> Result<std::vector<remix::Part>> {
    std::vector<remix::Part> parts;
    for (int who = 0; who < 3; ++who) {
      auto source = recorder::open_file(folder + "/" + std::to_string(who) + ".opus");
      if (!source) return source.error();
      auto track = recorder::TrackReader::open(std::move(*source));
      if (!track) return track.error();
      parts.push_back({std::to_string(who), std::move(*track), 0});
    }
    return parts;
  };
  job.output = folder + "/out." + format;
  job.format = *remix::format_named(format);
  if (normalize) job.target_lufs = -18;
  const double before = cpu_seconds();
  const auto report = remix::remix(job);
  const double took = cpu_seconds() - before;
  if (!report) {
    std::printf("%-12s %-5s: %s\n", what, format, report.error().what.c_str());
    return;
  }
  std::printf("%-12s %-5s%s %6.2f s of CPU, %5.0f x real time\n", what, format,
              normalize ? " normalized" : "           ", took, seconds / took);
}

}  // namespace

int main(int argc, char** argv) {
  const int minutes = argc > 1 ? std::max(std::atoi(argv[1]), 1) : 10;
  const auto folder =
      (fs::temp_directory_path() / ("parley-remix-bench-" + std::to_string(::getpid()))).string();
  fs::create_directories(folder);
  std::printf("3 participants, %d minutes\n", minutes);
  for (const bool turns : {false, true}) {
    for (int who = 0; who < 3; ++who)
      write_track(folder + "/" + std::to_string(who) + ".opus", who, minutes, turns);
    const char* what = turns ? "in turns" : "all at once";
    for (const char* format : {"opus", "wav", "flac", "m4a"})
      run(folder, what, format, false, 60.0 * minutes);
    run(folder, what, "opus", true, 60.0 * minutes);
  }
  fs::remove_all(folder);
  return 0;
}
