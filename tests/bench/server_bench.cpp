// server-bench: the whole server under load, as an operator would see it: CPU seconds, threads, memory, added
// delay.
//   server-bench PATH_TO_parley-mcu [--seconds S] [--plain] [--priority normal|high|realtime] [SCENARIO ...]
// Scenarios: one-room-50, one-room-50-10ms, one-room-50-jitter, rooms-20x3, rooms-60x3, meetings-60x3 (one
// talks at a time), one-room-200, overload, recorded (50 rooms of 3, without and with recording, and with a
// disk that stalls). Each starts a server of its own on free ports. Figures are CPU seconds of the server per
// second of call (so the machine's other load matters little); delays come from correlating what was said
// with what was heard.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <limits>
#include <set>
#include <sstream>
#include <thread>

#include "mcu/metrics/metrics.hpp"
#include "tests/bench/load.hpp"
#include "tests/bench/server_process.hpp"
#include "tests/fault/disk_shim.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/measure.hpp"
#include "tests/support/speech.hpp"
#include "transport/base/address.hpp"

namespace {

using namespace parley;
using namespace parley::bench;
using test::Bound;
using test::report;

struct How {
  std::string binary;
  double seconds = 10;
  bool encrypted = true;
  bool each = false;  // print each talker's delay, too
  std::string priority = "high";
};

struct Scenario {
  const char* name;
  std::size_t rooms, size;
  std::size_t talkers;  // of each room at a time; the others send comfort noise
  std::size_t turns;    // so many groups of talkers take turns: phases against the tick are many
  int tick_ms;
  Duration jitter;
  // What it must reach, and what is aimed at: added delay p50 and p95 in ms; CPU, 0: no bound.
  Bound p50{}, p95{}, aim_p50{}, aim_p95{};
  double cpu = 0, cpu_aim = 0;    // % of a core
  double each = 0, each_aim = 0;  // the same per participant
};
constexpr Bound at_most(double value) {
  return {Bound::Kind::at_most, value};
}
constexpr Scenario kScenarios[] = {
    {"one-room-50", 1, 50, 3, 5, 20, 0ms, at_most(15), at_most(25), at_most(11), at_most(20)},
    {"one-room-50-10ms", 1, 50, 3, 5, 10, 0ms, {}, {}, at_most(6), at_most(11)},
    {"one-room-50-jitter", 1, 50, 3, 5, 20, 30ms, at_most(40), at_most(60), at_most(28), at_most(48)},
    {"rooms-20x3", 20, 3, 3, 1, 20, 0ms, at_most(15), at_most(25), at_most(11), at_most(20)},
    {.name = "rooms-60x3",
     .rooms = 60,
     .size = 3,
     .talkers = 3,
     .turns = 1,
     .tick_ms = 20,
     .jitter = 0ms,
     .each = 0.7,
     .each_aim = 0.5},
    {"meetings-60x3", 60, 3, 1, 3, 20, 0ms},
    {.name = "one-room-200",
     .rooms = 1,
     .size = 200,
     .talkers = 3,
     .turns = 5,
     .tick_ms = 20,
     .jitter = 0ms,
     .cpu = 20,
     .cpu_aim = 12}};
constexpr std::size_t kHeardRooms = 20;  // whose delays are measured

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return -1;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

// A voice's pitch periods look alike, and a delay would be taken for one that is a period off. A whistle that
// wanders while the voice speaks is like itself at no other time.
void add_whistle(std::vector<float>& voice, std::uint64_t seed) {
  constexpr double kStep = 1'920, kLowest = 400, kRange = 3'200;  // a new direction every 40 ms; Hz
  test::Random random(seed);
  double phase = 0, hz = kLowest, slope = 0;
  float envelope = 0;
  for (std::size_t i = 0; i < voice.size(); ++i) {
    if (i % static_cast<std::size_t>(kStep) == 0) slope = (kLowest + kRange * random.uniform() - hz) / kStep;
    hz += slope;
    phase += 2 * M_PI * hz / 48'000;
    envelope = std::max(std::abs(voice[i]), 0.999F * envelope);
    voice[i] = 0.6F * (voice[i] + envelope * static_cast<float>(std::sin(phase)));
  }
}

std::vector<Packets> voices() {
  std::vector<Packets> out;
  for (std::uint32_t i = 0; i < 3; ++i) {
    test::SpeechStyle style;
    style.pitch_hz = 110 + 40 * i;
    style.pause_seconds = 0.2;
    auto voice = test::speech(9.0 + i, 40 + i, style);
    add_whistle(voice, 90 + i);
    out.push_back(encode_voice(voice, true));
  }
  return out;
}

bool fill(Load& load, const char* scenario, const std::vector<LoadLeg>& legs) {
  for (const LoadLeg& leg : legs) {
    const auto refused = load.join(leg);
    if (!refused.empty()) {
      std::fprintf(stderr, "%s: %s\n", scenario, refused.c_str());
      return false;
    }
    load.run(2ms);
  }
  for (int i = 0; i < 100 && load.connected() < legs.size(); ++i) load.run(100ms);
  return load.connected() == legs.size();
}

int run(const Scenario& scenario, const How& how) {
  // Clients of this load follow no advice: without auto level they are as those who do.
  const ServerProcess server(how.binary, "auto_level: off, tick_ms: " + std::to_string(scenario.tick_ms),
                             how.priority);
  if (server.port() == 0) {
    std::fprintf(stderr, "%s: the server did not start\n", scenario.name);
    return 1;
  }
  const double threads_before = server.status("Threads:");
  const double rss_before = server.status("VmRSS:");
  const auto speech = voices();
  const Packets noise = comfort_noise();

  Load load("127.0.0.1", server.port());
  const std::size_t total = scenario.rooms * scenario.size;
  const std::size_t speakers = scenario.talkers * scenario.turns;
  std::vector<LoadLeg> legs(total);
  for (std::size_t i = 0; i < total; ++i) {
    const std::size_t seat = i % scenario.size;
    legs[i].room = "r" + std::to_string(i / scenario.size);
    legs[i].name = "p" + std::to_string(i);
    legs[i].encrypted = how.encrypted;
    legs[i].sends = &noise;
    legs[i].jitter = scenario.jitter;
    legs[i].keep = i / scenario.size < kHeardRooms && (seat < speakers || seat == scenario.size - 1);
  }
  if (!fill(load, scenario.name, legs)) return 1;

  double cpu = 0;
  double elapsed = 0;
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  std::vector<std::vector<LegResult>> heard;
  for (std::size_t turn = 0; turn < scenario.turns; ++turn) {
    for (std::size_t i = 0; i < total; ++i) {
      const std::size_t seat = i % scenario.size;
      load.say(i, seat / scenario.talkers == turn ? speech[seat % speech.size()] : noise);
    }
    // Buffers find their delay: for 12 s they remember what so many handshakes at once did to packets.
    load.run(turn == 0 ? Duration(13s) : Duration(1s));
    load.forget();
    const double cpu_before = server.cpu_seconds();
    const TimePoint began = now();
    load.run(Duration(static_cast<std::int64_t>(how.seconds / static_cast<double>(scenario.turns) * 1e9)));
    elapsed += to_seconds(now() - began);
    cpu += server.cpu_seconds() - cpu_before;
    const auto results = load.results();
    for (const auto& result : results) {
      received += result.received;
      lost += result.lost;
    }
    heard.push_back(results);
  }
  // Only now: while this is reckoned no packet is sent. Each talker as the last seat hears it, or the first
  // if it is the last seat that talks.
  AddedDelays delays;
  std::vector<double> lateness;
  for (std::size_t turn = 0; turn < scenario.turns; ++turn) {
    for (std::size_t room = 0; room < std::min(scenario.rooms, kHeardRooms); ++room) {
      for (std::size_t k = 0; k < scenario.talkers; ++k) {
        const std::size_t seat = turn * scenario.talkers + k;
        const std::size_t first = room * scenario.size;
        const std::size_t ear = seat == scenario.size - 1 ? 0 : scenario.size - 1;
        const auto some = added_delays(heard[turn][first + seat], heard[turn][first + ear],
                                       scenario.rooms > 3 ? 300ms : 100ms);
        const auto add = [](std::vector<double>& to, const std::vector<double>& from) {
          to.insert(to.end(), from.begin(), from.end());
        };
        if (how.each) {
          std::printf("%18s room %zu, talker %2zu: p50 %.1f p95 %.1f ms (%zu)\n", "", room, seat,
                      quantile(some.from_leaving, 0.5), quantile(some.from_leaving, 0.95),
                      some.from_leaving.size());
        }
        add(delays.from_leaving, some.from_leaving);
        add(delays.from_speaking, some.from_speaking);
        add(lateness, heard[turn][first + seat].lateness_ms);
      }
    }
  }
  std::printf(
      "%-18s %4zu legs %s  CPU %5.2f s in %4.1f s = %5.1f %% of a core, %.2f %% per participant  threads "
      "%.0f (idle %.0f)"
      "  memory %.0f KiB per participant  received %.1f packets/s each, lost %llu  added delay p50 %.1f p95 "
      "%.1f ms (%zu)\n",
      scenario.name, load.connected(), how.encrypted ? "dtls " : "plain", cpu, elapsed, 100 * cpu / elapsed,
      100 * cpu / elapsed / static_cast<double>(total), server.status("Threads:"), threads_before,
      (server.status("VmRSS:") - rss_before) / static_cast<double>(total),
      static_cast<double>(received) / elapsed / static_cast<double>(total),
      static_cast<unsigned long long>(lost), quantile(delays.from_leaving, 0.5),
      quantile(delays.from_leaving, 0.95), delays.from_leaving.size());
  std::printf(
      "%18s counted from the senders' clocks p50 %.1f p95 %.1f ms; the generator's own lateness p50 %.2f p99 "
      "%.2f max "
      "%.2f ms\n",
      "", quantile(delays.from_speaking, 0.5), quantile(delays.from_speaking, 0.95), quantile(lateness, 0.5),
      quantile(lateness, 0.99), quantile(lateness, 1));
  std::printf(
      "%18s the server's own histograms, mean ms: jitter wait %.1f, tick wait %.1f, tick lateness %.2f, "
      "tick's work %.2f, "
      "send %.2f\n",
      "", load.mean_delay("jitter_wait"), load.mean_delay("tick_wait"), load.mean_delay("tick_lateness"),
      load.mean_delay("mix_work"), load.mean_delay("send_delay"));
  const std::string what = std::string("server, ") + scenario.name + ", ";
  const auto bound = [](double value) { return value > 0 ? Bound::at_most(value) : Bound::none(); };
  report(what + "added delay p50", quantile(delays.from_leaving, 0.5), "ms", scenario.p50, scenario.aim_p50);
  report(what + "added delay p95", quantile(delays.from_leaving, 0.95), "ms", scenario.p95, scenario.aim_p95);
  report(what + "CPU", 100 * cpu / elapsed, "% of a core", bound(scenario.cpu), bound(scenario.cpu_aim));
  report(what + "CPU per participant", 100 * cpu / elapsed / static_cast<double>(total), "% of a core",
         bound(scenario.each), bound(scenario.each_aim), 2);
  report(what + "memory per participant", (server.status("VmRSS:") - rss_before) / static_cast<double>(total),
         "KiB", {}, Bound::at_most(100), 0);
  report(what + "threads beyond those when idle", server.status("Threads:") - threads_before, "",
         Bound::at_most(0), {}, 0);
  return load.connected() == total ? 0 : 1;
}

// Everybody in a room of 200 talks and all are mixed: more than a core can do. The room of 3 on the same
// thread must not lose a tick for it, and the ladder must act.
int overload(const How& how) {
  const ServerProcess server(how.binary, "max_talkers: 0, threads: 1", how.priority);
  if (server.port() == 0) return 1;
  const auto speech = voices();
  const Packets noise = comfort_noise();
  Load load("127.0.0.1", server.port());
  std::vector<LoadLeg> legs(203);
  for (std::size_t i = 0; i < legs.size(); ++i) {
    legs[i].room = i < 3 ? "small" : "big";
    legs[i].name = "p" + std::to_string(i);
    legs[i].encrypted = how.encrypted;
    legs[i].sends = i < 3 ? &speech[i] : &noise;
  }
  if (!fill(load, "overload", legs)) return 1;
  load.run(2s);
  load.forget();
  const double skipped = load.metric("parley_ticks_skipped_total");
  for (std::size_t i = 3; i < legs.size(); ++i) load.say(i, speech[i % 3]);
  const TimePoint began = now();
  double acted = -1;
  double rung = 0;
  while (now() - began < Duration(static_cast<std::int64_t>(how.seconds * 1e9))) {
    load.run(100ms);
    // The figure is refreshed once a second: what is seen is up to that late.
    if (const double now_on = load.metric("parley_overload_rung"); now_on > 0) {
      if (acted < 0) acted = to_seconds(now() - began);
      rung = std::max(rung, now_on);
    }
  }
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  Duration gap{};
  const auto results = load.results();
  for (std::size_t i = 0; i < 3; ++i) {
    received += results[i].received;
    lost += results[i].lost;
    gap = std::max(gap, results[i].longest_gap);
  }
  std::printf(
      "overload           200 talk, max_talkers 0: ladder seen acting after %.1f s, highest rung %.0f; ticks "
      "skipped %.0f "
      "(both rooms); the room of 3 beside it: %.1f packets/s each, lost %llu, longest gap %.0f ms\n",
      acted, rung, load.metric("parley_ticks_skipped_total") - skipped,
      static_cast<double>(received) / to_seconds(now() - began) / 3, static_cast<unsigned long long>(lost),
      to_ms(gap));
  report("server, 200 talk, max_talkers 0, ticks skipped in both rooms",
         load.metric("parley_ticks_skipped_total") - skipped, "", Bound::at_most(0), {}, 0);
  report("server, 200 talk, max_talkers 0, ladder seen acting after",
         acted < 0 ? std::numeric_limits<double>::quiet_NaN() : acted, "s", Bound::at_most(1), {});
  return acted >= 0 ? 0 : 1;
}

// Below which bound 99 % of the ticks began since `before`, ms.
std::vector<double> lateness(const Load& load) {
  std::vector<double> counts;
  for (const double bound : metrics::DelayMetric::bounds()) {
    std::ostringstream text;
    text << bound;
    counts.push_back(load.metric("parley_tick_lateness_seconds_bucket{le=\"" + text.str() + "\"}"));
  }
  return counts;
}
double p99_ms(const std::vector<double>& before, const std::vector<double>& after) {
  const double all = after.back() - before.back();
  for (std::size_t i = 0; i < after.size(); ++i)
    if (after[i] - before[i] >= 0.99 * all) return metrics::DelayMetric::bounds()[i] * 1e3;
  return -1;
}

// What recording does to the ticks' deadlines: nothing, whatever the disk does.
int recorded(const How& how) {
  enum class Mode : std::uint8_t { plain, recorded, stalled };
  const auto speech = voices();
  const Packets noise = comfort_noise();
  for (const auto mode : {Mode::plain, Mode::recorded, Mode::stalled}) {
    const ServerProcess server(how.binary, "auto_level: off", how.priority, mode != Mode::plain);
    if (server.port() == 0 || (mode != Mode::plain && server.disk() == nullptr)) return 1;
    Load load("127.0.0.1", server.port());
    std::vector<LoadLeg> legs(150);
    for (std::size_t i = 0; i < legs.size(); ++i) {
      legs[i].room = "r" + std::to_string(i / 3);
      legs[i].name = "p" + std::to_string(i);
      legs[i].encrypted = how.encrypted;
      legs[i].sends = i % 3 == 2 ? &noise : &speech[i % 3];
    }
    if (!fill(load, "recorded", legs)) return 1;
    load.run(3s);
    load.forget();
    const auto before = lateness(load);
    const double skipped = load.metric("parley_ticks_skipped_total"), cpu = server.cpu_seconds();
    if (mode == Mode::stalled) server.disk()->stall = true;
    const auto length =
        mode == Mode::stalled ? Duration(5s) : Duration(static_cast<std::int64_t>(how.seconds * 1e9));
    load.run(length);
    const double spent = server.cpu_seconds() - cpu;
    const auto after = lateness(load);
    const double missed = load.metric("parley_ticks_skipped_total") - skipped;
    if (mode == Mode::stalled) {
      server.disk()->stall = false;
      load.run(2s);
    }
    std::uint64_t lost = 0;
    for (const auto& result : load.results()) lost += result.lost;
    std::printf(
        "recorded           50 rooms of 3, 2 talk, %-28s CPU %5.1f %% of a core; ticks late p99 %.1f ms, "
        "skipped %.0f; "
        "holes passed on to listeners %llu, packets missing in recordings %.0f\n",
        mode == Mode::plain      ? "not recorded:"
        : mode == Mode::recorded ? "recorded:"
                                 : "recorded, the disk stalls:",
        100 * spent / to_seconds(length), p99_ms(before, after), missed,
        static_cast<unsigned long long>(lost), load.metric("parley_queue_drops_total{queue=\"recording\"}"));
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  How how;
  std::set<std::string> wanted;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--seconds" && i + 1 < argc) {
      how.seconds = std::stod(argv[++i]);
    } else if (word == "--priority" && i + 1 < argc) {
      how.priority = argv[++i];
    } else if (word == "--plain") {
      how.encrypted = false;
    } else if (word == "--each") {
      how.each = true;
    } else if (how.binary.empty()) {
      how.binary = word;
    } else {
      wanted.insert(word);
    }
  }
  if (how.binary.empty()) {
    std::fprintf(
        stderr,
        "usage: %s PATH_TO_parley-mcu [--seconds S] [--plain] [--each] [--priority P] [SCENARIO ...]\n",
        argv[0]);
    return 2;
  }
  int failures = 0;
  for (const auto& scenario : kScenarios)
    if (wanted.empty() || wanted.contains(scenario.name)) failures += run(scenario, how);
  if (wanted.empty() || wanted.contains("overload")) failures += overload(how);
  if (wanted.empty() || wanted.contains("recorded")) failures += recorded(how);
  return failures == 0 ? 0 : 1;
}
