// `parley recordings remix`
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <set>

#include "client/cli.hpp"
#include "client/interrupt.hpp"
#include "client/recording_place.hpp"
#include "client/recordings_work.hpp"
#include "client/text.hpp"
#include "pipelines/remix/remix.hpp"

namespace parley::client {

namespace {

// Which tracks, and how loud.
struct Choice {
  const RecordedFile* track;
  std::string name;
  double gain_db;
};
Result<std::vector<Choice>> choose(const RecordingInfo& info, const RecordingsCommand& command) {
  std::map<std::string, double> gains;
  for (const auto& [who, db] : command.gains) {
    const auto ids = participants_called(info, who);
    if (!ids) return ids.error();
    for (const auto& id : *ids) gains[id] = db;
  }
  std::set<std::string> left_out;
  for (const auto& who : command.without) {
    const auto ids = participants_called(info, who);
    if (!ids) return ids.error();
    left_out.insert(ids->begin(), ids->end());
  }
  std::vector<Choice> out;
  for (const auto& track : info.tracks) {
    if (left_out.contains(track.participant)) continue;
    const auto* person = info.person(track.participant);
    const auto gain = gains.find(track.participant);
    out.push_back({&track, (person != nullptr ? person->name : track.participant) + " (" + track.file + ")",
                   gain == gains.end() ? 0 : gain->second});
  }
  if (out.empty())
    return Error{info.tracks.empty() ? "this recording has no tracks" : "nobody is left to be heard"};
  return out;
}

Result<std::vector<remix::Part>> open_parts(const RecordingPlace& place, const std::vector<Choice>& choices) {
  std::vector<remix::Part> out;
  for (const auto& choice : choices) {
    auto source = place.read(choice.track->file);
    auto track = source ? recorder::TrackReader::open(std::move(*source))
                        : Result<std::unique_ptr<recorder::TrackReader>>(source.error());
    if (!track) return Error{choice.name + ": " + track.error().what, track.error().code};
    out.push_back({choice.name, std::move(*track), choice.gain_db});
  }
  return out;
}

void show_progress(double done) {
  std::fprintf(stderr, "\r[%-40.*s] %3.0f %%", static_cast<int>(40 * done),
               "########################################", 100 * done);
}

void tell(const RecordingsCommand& command, const remix::Report& report) {
  std::printf("%s  %.1f s", terminal_text(command.output, 200).c_str(),
              static_cast<double>(report.samples) / 48'000);
  if (report.before_lufs)
    std::printf("  %.1f LUFS, was %.1f (%+.1f dB)", report.loudness.lufs.value_or(-70), *report.before_lufs,
                report.gain_db);
  std::printf("\n");
}

}  // namespace

int run_remix(const RecordingsCommand& command) {
  const auto& interrupted = watch_for_interrupt();
  const auto place = RecordingPlace::open(command.id, command.server, command.key);
  if (!place) return complain(place.error().code, place.error().what);
  const auto choices = choose(place->info(), command);
  if (!choices) return complain(kUsage, choices.error().what);
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  remix::Job job;
  job.open = [&] { return open_parts(*place, *choices); };
  job.output = command.output;
  job.title = place->info().room;
  job.format = command.format;
  if (command.normalize) job.target_lufs = command.target_lufs;
  job.expected_samples = static_cast<std::uint64_t>(place->info().duration_ms) * 48;
  job.progress = [&](double done) {
    if (terminal) show_progress(std::min(done, 1.0));
    return !interrupted.load();
  };
  const auto report = remix::remix(job);
  if (terminal) std::fprintf(stderr, "\r%60s\r", "");
  if (!report) {
    const auto code = report.error().code;
    if (code == ECANCELED) return complain(kInterrupted, "stopped; nothing has been written");
    return complain(code == kUnreachable || code == kRefused ? code : kFailed, report.error().what);
  }
  for (const auto& damage : report->damages) complain(kOk, damage);
  tell(command, *report);
  return kOk;
}

}  // namespace parley::client
