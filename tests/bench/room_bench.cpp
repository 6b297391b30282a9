// room-bench: what rooms cost, in CPU time, next to the bare parts they are made of. The media plane of each
// room runs in one thread and in virtual time; its packets are coded beforehand. Moving packets (socket and
// SRTP) is added from the bare parts, packet by packet.
//   room-bench [SCENARIO ...]     meeting, crowd, full-house, overload, small-rooms
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pipelines/room_pipeline.hpp"
#include "tests/bench/bare_parts.hpp"
#include "tests/bench/coded_voice.hpp"
#include "tests/support/measure.hpp"
#include "tests/support/speech.hpp"

namespace {

using namespace parley;
using namespace parley::bench;
using test::Bound;
using test::report;

constexpr double kTicks = 50;  // per second

// A room, its legs, and what they send.
class Room final : public pipelines::FrameSink, public pipelines::RoomObserver {
 public:
  explicit Room(const pipelines::RoomMediaConfig& config) : pipeline_(config, *this, *this) {}

  // `turn`: it sends `voice` while this is the room's turn, `rest` otherwise; kAlways: at any time.
  static constexpr int kAlways = -1;
  void add(const Packets& voice, const Packets& rest, bool levels, int turn = kAlways) {
    pipelines::LegMedia media;
    media.id = static_cast<LegId>(legs_.size() + 1);
    media.has_levels = levels;
    media.applies_gain = true;
    pipeline_.add_leg(media);
    // Arrivals spread over the tick, voices over their recordings.
    const double spread = std::fmod(static_cast<double>(legs_.size()) * 0.618, 1.0);
    legs_.push_back({media.id, &voice, &rest, levels, turn,
                     static_cast<std::uint64_t>(spread * static_cast<double>(voice.payloads.size())),
                     Duration(static_cast<std::int64_t>(spread * 19e6))});
  }

  void tick(TimePoint at, int turn) {
    for (Sender& leg : legs_) send(leg, at, leg.turn == kAlways || leg.turn == turn);
    pipeline_.tick(at);
  }

  void forget() { in_ = out_ = 0; }
  std::uint64_t packets_in() const { return in_; }
  std::uint64_t packets_out() const { return out_; }
  std::size_t legs() const { return legs_.size(); }
  pipelines::RoomStats stats() const { return pipeline_.stats(); }

  void on_frame(const pipelines::OutboundFrame& frame) noexcept override { out_ += frame.legs.size(); }
  void on_talking(LegId, bool, std::uint8_t) noexcept override {}
  void on_gain_advice(LegId, float) noexcept override {}

 private:
  struct Sender {
    LegId id;
    const Packets* voice;
    const Packets* rest;
    bool levels;
    int turn;
    std::uint64_t index;
    Duration before;  // the tick
    std::uint16_t sequence = 0;
    bool was_quiet = true;
  };
  void send(Sender& leg, TimePoint at, bool talks) {
    const Packets& from = talks ? *leg.voice : *leg.rest;
    const std::size_t i = leg.index++ % from.payloads.size();
    const bool quiet = from.payloads[i].size() <= 2;
    // As browsers do: of a pause only the first packet is sent.
    if (quiet && std::exchange(leg.was_quiet, quiet)) return;
    leg.was_quiet = quiet;
    packet_.assign(from.payloads[i]);
    packet_.arrival = at - leg.before;
    packet_.sequence = leg.sequence++;
    packet_.timestamp = static_cast<std::uint32_t>(leg.index * 960);
    packet_.ssrc = raw(leg.id);
    packet_.level = leg.levels ? from.levels[i] : MediaPacket::kNoLevel;
    packet_.voice = leg.levels && from.levels[i] < 60;
    pipeline_.push(leg.id, packet_);
    ++in_;
  }

  pipelines::RoomPipeline pipeline_;
  std::vector<Sender> legs_;
  MediaPacket packet_;
  std::uint64_t in_ = 0;
  std::uint64_t out_ = 0;
};

struct Figures {
  double rooms_us = 0;  // of CPU per second of call
  double in = 0;        // packets per second
  double out = 0;
  double participants = 0;
  pipelines::RoomStats stats;  // of the measured part, sums
  double seconds = 0;

  double moving(const BareParts& parts) const { return in * parts.in() + out * parts.out(); }
  double all(const BareParts& parts) const { return rooms_us + moving(parts); }
};

// Runs rooms for a while to warm up, then measures. `turn_seconds`: how long each has the word.
Figures run(std::vector<std::unique_ptr<Room>>& rooms, double warm, double seconds, double turn_seconds = 1e9,
            int turns = 1) {
  Figures figures;
  figures.seconds = seconds;
  TimePoint at{1h};
  pipelines::RoomStats before;
  double began = 0;
  const auto total = [&] {
    pipelines::RoomStats sum;
    for (const auto& room : rooms) {
      const auto one = room->stats();
      sum.decodes += one.decodes;
      sum.passes += one.passes;
      sum.looks += one.looks;
      sum.encodes += one.encodes;
      sum.forwards += one.forwards;
      sum.mixed += one.mixed;
      sum.overload_step = std::max(sum.overload_step, one.overload_step);
    }
    return sum;
  };
  const auto ticks = static_cast<int>((warm + seconds) * kTicks);
  for (int i = 0; i < ticks; ++i, at += 20ms) {
    if (i == static_cast<int>(warm * kTicks)) {
      before = total();
      for (auto& room : rooms) room->forget();
      began = thread_cpu_us();
    }
    const int turn = static_cast<int>(static_cast<double>(i) / kTicks / turn_seconds) % turns;
    for (auto& room : rooms) room->tick(at, turn);
  }
  figures.rooms_us = (thread_cpu_us() - began) / seconds;
  figures.stats = total();
  figures.stats.decodes -= before.decodes;
  figures.stats.passes -= before.passes;
  figures.stats.looks -= before.looks;
  figures.stats.encodes -= before.encodes;
  figures.stats.forwards -= before.forwards;
  figures.stats.mixed -= before.mixed;
  for (const auto& room : rooms) {
    figures.in += static_cast<double>(room->packets_in()) / seconds;
    figures.out += static_cast<double>(room->packets_out()) / seconds;
    figures.participants += static_cast<double>(room->legs());
  }
  return figures;
}

void print(const char* name, const Figures& f, const BareParts& parts) {
  const double per_tick = f.seconds * kTicks;
  std::printf(
      "%-34s %5.1f %% of a core (media plane %.1f, moving packets %.1f), %.3f %% per participant; per tick: "
      "decodes %.2f, "
      "passed on %.2f, looks %.2f, encodes %.2f\n",
      name, f.all(parts) / 1e4, f.rooms_us / 1e4, f.moving(parts) / 1e4, f.all(parts) / 1e4 / f.participants,
      static_cast<double>(f.stats.decodes) / per_tick, static_cast<double>(f.stats.passes) / per_tick,
      static_cast<double>(f.stats.looks) / per_tick, static_cast<double>(f.stats.encodes) / per_tick);
  std::fflush(stdout);
}

pipelines::RoomMediaConfig config_named(const char* name) {
  pipelines::RoomMediaConfig config;
  config.name = name;
  // The ladder is not to act on a busy machine: the work takes no time.
  config.work_clock = [] { return TimePoint{}; };
  return config;
}

std::vector<Packets> voices(int count, double pause, bool low_delay) {
  std::vector<Packets> out;
  for (int i = 0; i < count; ++i) {
    const test::SpeechStyle style{.pitch_hz = 100.0 + 23 * (i % 7), .pause_seconds = pause};
    out.push_back(
        encode_voice(test::speech(11 + i % 5, 40 + static_cast<std::uint32_t>(i), style), !low_delay));
  }
  return out;
}

// Three people, one talks at a time, 20 s each, with pauses of 200 ms.
void meeting(const BareParts& parts) {
  const Packets noise = comfort_noise();
  const Packets nothing{{std::vector<std::uint8_t>{0x08}}, {127}};
  for (const bool low_delay : {false, true}) {
    for (const bool dtx : {false, true}) {
      const auto speech = voices(3, 0.2, low_delay);
      std::vector<std::unique_ptr<Room>> rooms;
      rooms.push_back(std::make_unique<Room>(config_named("meeting")));
      for (int i = 0; i < 3; ++i)
        rooms[0]->add(speech[static_cast<std::size_t>(i)], dtx ? nothing : noise, true, i);
      // Auto level hears each of them out first.
      const Figures f = run(rooms, 90, 60, 20, 3);
      const std::string name =
          std::string("meeting of 3, ") + (low_delay ? "low-delay" : "voice") + (dtx ? ", DTX" : ", noise");
      print(name.c_str(), f, parts);
      std::printf("%34s %.2f x moving its packets; %.0f %% of the audible listener ticks forwarded\n", "",
                  f.all(parts) / f.moving(parts),
                  100 * static_cast<double>(f.stats.forwards) /
                      static_cast<double>(std::max<std::uint64_t>(1, f.stats.forwards + f.stats.mixed)));
      report("CPU, " + name + ", over moving its packets", f.all(parts) / f.moving(parts), "x",
             Bound::at_most(3), Bound::at_most(2), 2);
    }
  }
}

void crowd(const BareParts& parts) {
  const Packets noise = comfort_noise();
  const auto speech = voices(3, 0.2, false);
  for (const bool levels : {true, false}) {
    std::vector<std::unique_ptr<Room>> rooms;
    rooms.push_back(std::make_unique<Room>(config_named("crowd")));
    for (std::size_t i = 0; i < 200; ++i) rooms[0]->add(i < 3 ? speech[i] : noise, noise, levels);
    const std::string name = std::string("200, 3 talk, ") + (levels ? "with levels" : "without levels");
    const Figures f = run(rooms, 15, 20);
    print(name.c_str(), f, parts);
    report("CPU, media plane and moving packets, " + name, f.all(parts) / 1e4, "% of a core",
           Bound::at_most(levels ? 20 : 40), Bound::at_most(levels ? 12 : 20));
  }
}

void full_house(const BareParts& parts) {
  const auto speech = voices(20, 0.0, false);
  std::vector<std::unique_ptr<Room>> rooms;
  rooms.push_back(std::make_unique<Room>(config_named("full house")));
  for (std::size_t i = 0; i < 200; ++i) rooms[0]->add(speech[i % 20], speech[i % 20], true);
  const Figures f = run(rooms, 5, 20);
  print("200 all talk, max_talkers 8", f, parts);
  const double floor = kTicks * (8 * parts.decode_voice + 9 * parts.encode_low_delay + 200 * parts.out());
  std::printf(
      "%34s %.2f x of 8 decodes, 9 encodes and 200 sends (receiving 200 not counted on either side)\n", "",
      (f.rooms_us + f.out * parts.out()) / floor);
  report("CPU, 200 all talk, max_talkers 8, over 8 decodes, 9 encodes, 200 sends",
         (f.rooms_us + f.out * parts.out()) / floor, "x", Bound::at_most(1.4), Bound::at_most(1.2), 2);
}

// All 200 are mixed: more than the tick allows. The work that the ladder sees is the thread's CPU time, so
// other load on the machine counts for nothing.
void overload() {
  const auto speech = voices(20, 0.0, false);
  auto config = config_named("overload");
  config.max_talkers = 0;
  config.work_clock = [] { return TimePoint{} + Duration(static_cast<std::int64_t>(thread_cpu_us() * 1e3)); };
  Room room(config);
  for (std::size_t i = 0; i < 200; ++i) room.add(speech[i % 20], speech[i % 20], true);
  double began = -1;
  double acted = -1;
  double worst = 0;
  double settled = 0;
  TimePoint at{1h};
  for (int i = 0; i < 500; ++i, at += 20ms) {
    const double before = thread_cpu_us();
    room.tick(at, 0);
    const double work = (thread_cpu_us() - before) / 1e3;
    worst = std::max(worst, work);
    if (i >= 400) settled += work / 100;
    if (began < 0 && work > 14) began = (i + 1) / kTicks;
    if (acted < 0 && room.stats().overload_step > 0) acted = (i + 1) / kTicks;
  }
  std::printf(
      "200 all talk, max_talkers 0: worst tick %.1f ms of 20; the ladder acts %.2f s after they began (first "
      "tick "
      "above 70 %% after %.2f), rung %d after 10 s, then %.1f ms per tick\n",
      worst, acted, began, room.stats().overload_step, settled);
  report("200 all talk, max_talkers 0, worst tick, CPU", worst, "ms", Bound::at_most(20), {});
  const double never = std::numeric_limits<double>::quiet_NaN();
  report("200 all talk, max_talkers 0, the ladder acts after", acted < 0 ? never : acted, "s",
         Bound::at_most(1), {}, 2);
}

void small_rooms(const BareParts& parts) {
  for (const bool low_delay : {false, true}) {
    const auto speech = voices(3, 0.2, low_delay);
    std::vector<std::unique_ptr<Room>> rooms;
    for (int r = 0; r < 60; ++r) {
      rooms.push_back(std::make_unique<Room>(config_named("small")));
      for (std::size_t i = 0; i < 3; ++i) rooms.back()->add(speech[i], speech[i], true);
    }
    const Figures f = run(rooms, 5, 10);
    print(low_delay ? "60 rooms of 3, all talk, low-delay" : "60 rooms of 3, all talk, voice", f, parts);
    const double decode = low_delay ? parts.decode_low_delay : parts.decode_voice;
    const double floor = kTicks * 180 * (decode + parts.encode_low_delay + parts.in() + parts.out());
    std::printf("%34s %.2f x of one decode, encode, packet in and out for each\n", "", f.all(parts) / floor);
    report(std::string("CPU, 60 rooms of 3, all talk, clients in ") + (low_delay ? "low-delay" : "voice") +
               " mode, per participant",
           f.all(parts) / 1e4 / f.participants, "% of a core", Bound::at_most(0.7), Bound::at_most(0.5), 2);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::set<std::string> wanted(argv + 1, argv + argc);
  const auto is_wanted = [&](const char* name) { return wanted.empty() || wanted.contains(name); };
  pipelines::init();
  const BareParts parts = measure_bare_parts();
  print(parts);
  if (is_wanted("meeting")) meeting(parts);
  if (is_wanted("crowd")) crowd(parts);
  if (is_wanted("full-house")) full_house(parts);
  if (is_wanted("overload")) overload();
  if (is_wanted("small-rooms")) small_rooms(parts);
}
