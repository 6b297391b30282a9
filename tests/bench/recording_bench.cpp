// recording-bench: what recording adds to 50 rooms of three, in CPU time: tracks and mixdown of all of them,
// as the server does it (the thread `disk`, real files), in virtual time, so that the machine's other load
// counts for nothing. The rooms' own cost is their media plane and, packet by packet, moving their packets.
//   recording-bench [SECONDS]     of call that are measured, default 30
#include <time.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mcu/recording/recorder.hpp"
#include "pipelines/mix_taps.hpp"
#include "pipelines/room_pipeline.hpp"
#include "tests/bench/bare_parts.hpp"
#include "tests/bench/coded_voice.hpp"
#include "tests/support/speech.hpp"

namespace {

using namespace parley;
using namespace parley::bench;

constexpr std::size_t kRooms = 50, kPeople = 3;
constexpr double kTicks = 50;  // per second
constexpr TimePoint kBegin{1h};

std::atomic<TimePoint> virtual_now{kBegin};
TimePoint virtual_clock() {
  return virtual_now;
}

double cpu_us(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

struct NoEvents final : recording::RecorderEvents {
  void on_finished(const recording::Manifest&) override {}
  void on_progress(const recording::Manifest&) override {}
  void on_trouble(const recording::Manifest&, bool) override {}
  void on_disk_low() override {}
};

class Room final : public pipelines::FrameSink, public pipelines::RoomObserver {
 public:
  explicit Room(std::uint32_t number) : first_leg_(number * 10 + 1), pipeline_(config(), *this, *this) {
    for (std::uint32_t i = 0; i < kPeople; ++i) {
      pipelines::LegMedia media;
      media.id = leg(i);
      media.has_levels = true;
      media.applies_gain = true;
      pipeline_.add_leg(media);
    }
  }
  LegId leg(std::size_t i) const { return LegId{first_leg_ + static_cast<std::uint32_t>(i)}; }
  std::shared_ptr<pipelines::MixQueue> tap() {
    pipelines::LegMedia media;
    media.id = LegId{first_leg_ + 9};
    media.sends = false;
    auto queue = std::make_shared<pipelines::MixQueue>();
    taps_.add(media.id, queue);
    pipeline_.add_leg(media);
    return queue;
  }
  // `talks`: sends `voice` in a place of its own; others have been silent for long and send nothing.
  template <typename Talks>
  void tick(TimePoint at, const std::vector<Packets>& voices, std::uint64_t number, Talks talks,
            recording::Recorder* recorder) {
    at_ = at;
    for (std::size_t i = 0; i < kPeople; ++i) {
      if (!talks(i)) continue;
      const auto& voice = voices[i];
      const auto place = (number + first_leg_ * 7 + i * 31) % voice.payloads.size();
      packet_.assign(voice.payloads[place]);
      packet_.arrival = at - 7ms;
      packet_.sequence = static_cast<std::uint16_t>(number);
      packet_.timestamp = static_cast<std::uint32_t>(number * 960);
      packet_.ssrc = raw(leg(i));
      packet_.level = voice.levels[place];
      packet_.voice = voice.levels[place] < 60;
      pipeline_.push(leg(i), packet_);
      ++in_;
      if (recorder != nullptr) recorder->push_packet(leg(i), packet_);
    }
    pipeline_.tick(at);
  }
  void on_frame(const pipelines::OutboundFrame& frame) noexcept override {
    out_ += frame.legs.size() - (taps_.empty() ? 0 : taps_.serve(frame, at_, pipeline_));
  }
  void on_talking(LegId, bool, std::uint8_t) noexcept override {}
  void on_gain_advice(LegId, float) noexcept override {}
  std::uint64_t in() const { return in_; }
  std::uint64_t out() const { return out_; }

 private:
  static pipelines::RoomMediaConfig config() {
    pipelines::RoomMediaConfig out;
    out.work_clock = [] { return TimePoint{}; };  // the ladder is not to act on a busy machine
    return out;
  }
  const std::uint32_t first_leg_;
  TimePoint at_{};
  MediaPacket packet_;
  pipelines::MixTaps taps_;
  pipelines::RoomPipeline pipeline_;
  std::uint64_t in_ = 0, out_ = 0;
};

struct Cost {
  double rooms = 0, disk = 0, moving = 0;  // us of CPU per second of call
  std::uint64_t dropped = 0;
};

// `talkers` of each room talk at a time; with fewer than three the word goes round every 5 s.
Cost run(std::size_t talkers, bool recorded, double seconds, const std::vector<Packets>& voices,
         const BareParts& parts) {
  constexpr double kWarm = 12;
  const auto folder =
      std::filesystem::temp_directory_path() / ("parley-recording-bench-" + std::to_string(::getpid()));
  virtual_now = kBegin;
  NoEvents events;
  recording::RecorderSettings settings;
  settings.clock = &virtual_clock;
  auto recorder =
      std::make_unique<recording::Recorder>(settings, std::make_unique<recording::PosixDisk>(folder), events);
  std::vector<std::unique_ptr<Room>> rooms;
  for (std::uint32_t r = 0; r < kRooms; ++r) {
    rooms.push_back(std::make_unique<Room>(r));
    if (!recorded) continue;
    const auto id = "room" + std::to_string(r);
    recorder->start({id, id, "2026/11/25/" + id, kBegin, 1'795'608'000'000});
    for (std::size_t i = 0; i < kPeople; ++i)
      recorder->attach(id, {rooms[r]->leg(i), "p" + std::to_string(i), "P", Codec::opus});
    recorder->attach_mix(id, rooms[r]->tap());
  }
  double own = 0, process = 0;
  std::uint64_t in = 0, out = 0;
  const auto count = [&](double sign) {
    own += sign * cpu_us(CLOCK_THREAD_CPUTIME_ID);
    process += sign * cpu_us(CLOCK_PROCESS_CPUTIME_ID);
    for (const auto& room : rooms) {
      in += static_cast<std::uint64_t>(sign) * room->in();
      out += static_cast<std::uint64_t>(sign) * room->out();
    }
  };
  const auto ticks = static_cast<std::uint64_t>((kWarm + seconds) * kTicks);
  for (std::uint64_t n = 0; n < ticks; ++n) {
    if (n == static_cast<std::uint64_t>(kWarm * kTicks)) count(-1);
    const auto at = kBegin + 20ms * n;
    const auto turn = n / 250;
    const auto talks = [&](std::size_t i) { return (i + turn) % kPeople < talkers; };
    for (auto& room : rooms) room->tick(at, voices, n, talks, recorded ? recorder.get() : nullptr);
    virtual_now = at;
    if (!recorded || n % 3 != 0) continue;  // as often as the disk thread wakes by itself
    std::promise<void> written;
    recorder->post([&] { written.set_value(); }, recording::Recorder::Order::after);
    written.get_future().wait();
  }
  count(+1);
  Cost cost;
  cost.rooms = own / seconds;
  cost.disk = (process - own) / seconds;
  cost.moving = (static_cast<double>(in) * parts.in() + static_cast<double>(out) * parts.out()) / seconds;
  cost.dropped = recorder->stats().packets_dropped;
  recorder.reset();
  std::filesystem::remove_all(folder);
  return cost;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::max(1.0, std::atof(argv[1])) : 30;
  pipelines::init();
  const BareParts parts = measure_bare_parts();
  std::vector<Packets> voices;
  for (int i = 0; i < static_cast<int>(kPeople); ++i)
    voices.push_back(encode_voice(test::speech(11 + i, 40 + static_cast<std::uint32_t>(i),
                                               {.pitch_hz = 100.0 + 23 * i, .pause_seconds = 0.2}),
                                  true));
  for (const std::size_t talkers : {1U, 2U, 3U}) {
    const auto without = run(talkers, false, seconds, voices, parts);
    const auto with = run(talkers, true, seconds, voices, parts);
    const double all = without.rooms + without.moving;
    const double added = with.rooms - without.rooms + with.disk;
    std::printf(
        "%zu rooms of %zu, %zu talk: the rooms %.1f %% of a core (media plane %.1f, moving packets %.1f); "
        "recording "
        "adds %.1f (rooms %+.1f, disk thread %.1f): %+.1f %%; dropped %llu\n",
        kRooms, kPeople, talkers, all / 1e4, without.rooms / 1e4, without.moving / 1e4, added / 1e4,
        (with.rooms - without.rooms) / 1e4, with.disk / 1e4, 100 * added / all,
        static_cast<unsigned long long>(with.dropped));
    std::fflush(stdout);
  }
}
