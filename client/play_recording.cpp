// `parley recordings play`
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>

#include "client/cli.hpp"
#include "client/interrupt.hpp"
#include "client/recording_place.hpp"
#include "client/recordings_work.hpp"
#include "client/text.hpp"
#include "pipelines/recorder/track_reader.hpp"
#include "transport/base/thread_name.hpp"

namespace parley::client {

namespace {

constexpr std::size_t kTick = 960;
using Tick = std::array<float, kTick>;

// Reads ahead, so that a slow answer of the server is not heard.
class Ahead {
 public:
  explicit Ahead(std::unique_ptr<recorder::TrackReader> track)
      : track_(std::move(track)), thread_([this] { run(); }) {}
  ~Ahead() {
    {
      const std::lock_guard lock(lock_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Ahead(const Ahead&) = delete;
  Ahead& operator=(const Ahead&) = delete;

  enum class Got : std::uint8_t { tick, nothing_yet, end };
  // Waits up to `patience`. At the end the last tick is filled with silence.
  Got take(Tick& out, Duration patience) {
    std::unique_lock lock(lock_);
    changed_.wait_for(lock, patience, [this] { return !ticks_.empty() || ended_; });
    if (ticks_.empty()) return ended_ ? Got::end : Got::nothing_yet;
    out = ticks_.front();
    ticks_.pop_front();
    changed_.notify_all();
    return Got::tick;
  }
  std::optional<Error> failure() const {
    const std::lock_guard lock(lock_);
    return failure_;
  }

 private:
  static constexpr std::size_t kMost = 250;  // 5 s

  void run() {
    name_this_thread("ahead");
    for (bool more = true; more;) {
      Tick tick{};
      const auto got = track_->read(tick);
      std::unique_lock lock(lock_);
      changed_.wait(lock, [this] { return ticks_.size() < kMost || stopping_; });
      if (stopping_) return;
      if (!got) failure_ = got.error();
      if (got && *got > 0) ticks_.push_back(tick);
      more = got && *got == kTick;
      ended_ = !more;
      changed_.notify_all();
    }
  }

  std::unique_ptr<recorder::TrackReader> track_;
  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::deque<Tick> ticks_;
  bool ended_ = false, stopping_ = false;
  std::optional<Error> failure_;
  std::thread thread_;
};

class Progress {
 public:
  explicit Progress(const RecordingInfo& info) : info_(info), shown_(::isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (shown_ && told_ != TimePoint{}) std::fputc('\n', stderr);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void at(std::uint64_t samples) {
    const auto time = now();
    if (!shown_ || time - told_ < 200ms) return;
    told_ = time;
    const auto seconds = static_cast<long long>(samples / 48'000);
    const auto all = static_cast<long long>(info_.duration_ms / 1'000);
    std::fprintf(stderr, "\r%lld:%02lld", seconds / 60, seconds % 60);
    if (info_.running())
      std::fputs(" (being recorded)", stderr);
    else
      std::fprintf(stderr, " of %lld:%02lld", all / 60, all % 60);
  }

 private:
  const RecordingInfo& info_;
  const bool shown_;
  TimePoint told_{};
};

// The mixdown, a track by its file's name, or the one track of a participant.
Result<std::string> file_of(const RecordingInfo& info, const std::string& wanted) {
  if (wanted.empty()) {
    if (info.mixdown) return info.mixdown->file;
    return Error{"this recording has no mixdown; --track plays one of its tracks", kFailed};
  }
  for (const auto& track : info.tracks)
    if (track.file == wanted || track.file == "tracks/" + wanted) return track.file;
  const auto ids = participants_called(info, wanted);
  if (!ids) return Error{ids.error().what, kUsage};
  std::string found, others;
  for (const auto& track : info.tracks) {
    if (std::find(ids->begin(), ids->end(), track.participant) == ids->end()) continue;
    (found.empty() ? found : others) += found.empty() ? track.file : " " + track.file;
  }
  if (found.empty()) return Error{"of " + wanted + " there is no track", kUsage};
  if (!others.empty()) return Error{wanted + " has several tracks: choose one of " + found + others, kUsage};
  return found;
}

int play(const RecordingsCommand& command, const RecordingPlace& place,
         std::unique_ptr<recorder::TrackReader> track, const std::atomic<bool>& interrupted) {
  auto sink = open_sink(command.sink);
  if (!sink) return complain(kNoAudio, sink.error().what);
  Progress progress(place.info());
  Ahead ahead(std::move(track));
  const auto begun = now();
  std::uint64_t samples = 0;
  while (!interrupted) {
    Tick tick;
    const auto got = ahead.take(tick, 100ms);
    if (got == Ahead::Got::end) break;
    if (got == Ahead::Got::nothing_yet) continue;
    // A file and nothing take it as fast as it comes; a sound device sets the pace.
    const auto at =
        (*sink)->paces() ? (*sink)->wait() : begun + static_cast<std::int64_t>(samples / kTick) * 20ms;
    (*sink)->write(at, tick);
    if (const auto failure = (*sink)->failure()) return complain(kNoAudio, failure->what);
    samples += kTick;
    progress.at(samples);
  }
  (*sink)->finish();
  if (const auto failure = ahead.failure())
    return complain(failure->code == kUnreachable ? kUnreachable : kFailed, failure->what);
  return kOk;
}

}  // namespace

int run_play_recording(const RecordingsCommand& command) {
  const auto& interrupted = watch_for_interrupt();
  const auto place = RecordingPlace::open(command.id, command.server, command.key);
  if (!place) return complain(place.error().code, place.error().what);
  const auto file = file_of(place->info(), command.track);
  if (!file) return complain(file.error().code, file.error().what);
  auto source = place->read(*file, true, &interrupted);
  auto track = source ? recorder::TrackReader::open(std::move(*source))
                      : Result<std::unique_ptr<recorder::TrackReader>>(source.error());
  if (!track) {
    const auto code = track.error().code;
    return complain(code == kUnreachable || code == kRefused ? code : kFailed,
                    *file + ": " + track.error().what);
  }
  return play(command, *place, std::move(*track), interrupted);
}

}  // namespace parley::client
