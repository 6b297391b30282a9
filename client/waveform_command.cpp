// `parley recordings waveform`
#include <cstdio>
#include <fstream>

#include "client/cli.hpp"
#include "client/interrupt.hpp"
#include "client/recording_place.hpp"
#include "client/recordings_work.hpp"
#include "client/text.hpp"
#include "client/timeline_png.hpp"
#include "pipelines/recorder/sound_meter.hpp"

namespace parley::client {

namespace {

// Tracks whose levels recording.json does not say are read and measured.
void measure_missing(const RecordingPlace& place, RecordingInfo& info, const std::atomic<bool>& interrupted) {
  for (auto& track : info.tracks) {
    if (!track.levels.empty() || interrupted) continue;
    auto source = place.read(track.file);
    auto reader = source ? recorder::TrackReader::open(std::move(*source))
                         : Result<std::unique_ptr<recorder::TrackReader>>(source.error());
    if (!reader) {
      complain(kOk, track.file + ": " + reader.error().what + "; it is drawn without its level");
      continue;
    }
    const auto loudness = recorder::measure(**reader, [&] { return !interrupted.load(); });
    if (!loudness) continue;
    track.levels = loudness->levels;
    track.levels_step_ms = loudness->step_ms;
  }
}

Status write_text(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) return Error{path + ": cannot be written"};
  return Done{};
}

}  // namespace

int run_waveform(const RecordingsCommand& command) {
  const auto& interrupted = watch_for_interrupt();
  const auto place = RecordingPlace::open(command.id, command.server, command.key);
  if (!place) return complain(place.error().code, place.error().what);
  auto info = place->info();
  measure_missing(*place, info, interrupted);
  if (interrupted) return complain(kInterrupted, "stopped; nothing has been written");
  const auto picture = recorder::draw(timeline_of(info));
  const auto written = command.output.ends_with(".svg")
                           ? write_text(command.output, recorder::to_svg(picture))
                           : write_png(picture, command.output);
  if (!written) return complain(kFailed, written.error().what);
  std::printf("%s\n", terminal_text(command.output, 200).c_str());
  return kOk;
}

}  // namespace parley::client
