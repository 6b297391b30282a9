// What the receiver does on bad networks, in figures; all in virtual time, the same on every run.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "pipelines/media/opus_inspect.hpp"
#include "tests/bench/impairment/receiver_run.hpp"
#include "tests/bench/stock_chain.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/measure.hpp"
#include "tests/support/speech.hpp"

namespace parley::test {
namespace {

using media::PulledKind;

void measure(std::string what, double got, const char* unit, Bound must, Bound aim = {}, int decimals = 1) {
  report("receive organ: " + std::move(what), got, unit, must, aim, decimals);
}

struct Delays {
  std::vector<double> heard_ms;   // found in the audio, packet time and the fastest way taken off
  std::vector<double> waited_ms;  // playing minus arrival, as the receiver says
};

// The delay of each block, from the moment the sender has the packet complete and the fastest way.
void add_heard(Delays& delays, const std::vector<float>& ideal, const RunResult& run, Duration phase,
               Duration packet, Duration way) {
  const double fixed = to_ms(phase) - to_ms(packet) - to_ms(way);
  for (const auto& block : block_delays(ideal, run.audio, 4'800, 24'000))
    if (block.at > 48'000) delays.heard_ms.push_back(static_cast<double>(block.samples) / 48 + fixed);
  for (const auto& tick : run.ticks)
    if (tick.at > kEpoch + 1s && tick.kind != PulledKind::silence)
      delays.waited_ms.push_back(to_ms(tick.delay));
}

void print_delays(const char* name, const Delays& delays) {
  std::printf("%-34s heard p50 %6.1f p95 %6.1f   waited p50 %6.1f p95 %6.1f ms", name,
              quantile(delays.heard_ms, 0.5), quantile(delays.heard_ms, 0.95),
              quantile(delays.waited_ms, 0.5), quantile(delays.waited_ms, 0.95));
}

struct DelayMusts {
  Bound p50, p95, aim_p50, aim_p95;
};

void delays(const char* name, Duration tick, const ImpairmentConfig& network,
            const DelayMusts& musts = DelayMusts()) {
  const OpusSourceConfig source;
  Delays all;
  double bad = 0;
  double stretched = 0;
  constexpr int kRuns = 8;
  for (int i = 0; i < kRuns; ++i) {
    const auto packets = opus_packets(speech(12, static_cast<std::uint32_t>(i + 1)), source);
    const auto ideal = decode_all(packets);
    RunConfig config{.receiver = {.tick = tick}, .network = network, .tail = 0ms};
    config.network.seed = static_cast<std::uint64_t>(i) + 77;
    config.phase = std::chrono::microseconds(20'000 * i / kRuns + 300);
    const auto run = run_receiver(packets, config);
    add_heard(all, ideal, run, config.phase, std::chrono::microseconds(source.frame_us), network.delay);
    bad += run.share(PulledKind::concealed) / kRuns;
    stretched +=
        static_cast<double>(run.stats.stretched_samples) / static_cast<double>(run.audio.size()) / kRuns;
  }
  print_delays(name, all);
  std::printf("   concealed %.2f %%  stretched %.2f %%\n", 100 * bad, 100 * stretched);
  if (musts.p50.kind == Bound::Kind::none && musts.aim_p50.kind == Bound::Kind::none) return;
  // The network's own jitter is no delay that the server adds: from a packet's arrival to its playing.
  const std::string what = std::string(name) + ", arrival to playing, ";
  measure(what + "p50", quantile(all.waited_ms, 0.5), "ms", musts.p50, musts.aim_p50);
  measure(what + "p95", quantile(all.waited_ms, 0.95), "ms", musts.p95, musts.aim_p95);
  if (network.uniform_jitter > 0ms) {
    measure(std::string(name) + ", after the fastest packet's arrival, p50", quantile(all.heard_ms, 0.5),
            "ms", musts.p50);
    measure(std::string(name) + ", after the fastest packet's arrival, p95", quantile(all.heard_ms, 0.95),
            "ms", musts.p95);
    measure(std::string(name) + ", concealed", 100 * bad, "%", Bound::at_most(1), {}, 2);
  }
}

void burst() {
  const auto packets = opus_packets(speech(120, 5));
  std::vector<double> recovery;
  for (int i = 0; i < 3; ++i) {
    ImpairmentConfig network{.uniform_jitter = 4ms, .stall_every = 20s};
    network.seed = static_cast<std::uint64_t>(i) + 1;
    RunConfig config{.network = network, .phase = std::chrono::milliseconds(3 + 5 * i), .keep_audio = false};
    const auto run = run_receiver(packets, config);
    // Delay from the fastest arrival cannot be seen in single waits, so the worst of the last five is taken.
    for (TimePoint stall = kEpoch + 20ms + 10s; stall < kEpoch + 110s; stall += 20s) {
      double before = 0;
      double last_bad = 0;
      for (const auto& tick : run.ticks) {
        if (tick.kind == PulledKind::silence) continue;
        if (tick.at > stall - 2s && tick.at < stall) before = std::max(before, to_ms(tick.delay));
        const double since = to_ms(tick.at - stall - 300ms);
        if (since > 0 && since < 8'000 && to_ms(tick.delay) > before + 20) last_bad = since;
      }
      recovery.push_back(last_bad);
    }
  }
  std::printf("burst of 300 ms every 20 s: delay within a frame of before after p50 %.0f max %.0f ms\n",
              quantile(recovery, 0.5), quantile(recovery, 1));
  measure("burst of 300 ms every 20 s, back within one frame after, max", quantile(recovery, 1) / 1e3, "s",
          Bound::at_most(3), Bound::at_most(1.5), 2);
}

void loss(double share, const OpusSourceConfig& source, const char* name) {
  double concealed = 0;
  double fec = 0;
  double lost = 0;
  double ticks = 0;
  double isolated = 0;
  double isolated_fec = 0;
  double with_fec = 0;                // of the isolated losses, those whose next packet carries FEC
  double spoken = 0;                  // of the isolated losses, those in which somebody speaks
  double spoken_fec = 0;              // and of these, those rebuilt
  std::vector<double> without_level;  // how loud those were whose next packet carries none
  std::vector<double> lsd_lost;
  std::vector<double> lsd_all;
  Delays all;
  for (std::uint32_t i = 0; i < 5; ++i) {
    const auto packets = opus_packets(speech(30, i + 1, {.pause_seconds = 0.25}), source);
    const auto ideal = decode_all(packets);
    RunConfig config{.network = {.seed = i + 1, .loss = share},
                     .phase = std::chrono::milliseconds(2 * i + 1)};
    const auto run = run_receiver(packets, config);
    concealed += static_cast<double>(run.count(PulledKind::concealed));
    fec += static_cast<double>(run.stats.fec);
    lost += static_cast<double>(run.stats.lost);
    ticks += static_cast<double>(run.ticks.size());
    const auto is_bad = [&](std::size_t t) {
      return run.ticks[t].kind == PulledKind::fec || run.ticks[t].kind == PulledKind::concealed;
    };
    for (std::size_t t = 1; t + 25 < run.ticks.size(); ++t) {
      if (!is_bad(t) || is_bad(t - 1) || is_bad(t + 1)) continue;
      isolated += 1;
      isolated_fec += run.ticks[t].kind == PulledKind::fec ? 1 : 0;
      // Opus codes no FEC for a frame without voice: a loss in front of such a packet cannot be rebuilt by
      // anybody.
      if (!run.ticks[t + 1].packet) continue;
      const auto index = static_cast<std::uint16_t>(run.ticks[t + 1].sequence - source.first_sequence);
      if (index == 0) continue;
      const double level = rms_dbfs(std::span(ideal).subspan((index - 1U) * 960U, 960));
      if (level > -50) {
        spoken += 1;
        spoken_fec += run.ticks[t].kind == PulledKind::fec ? 1 : 0;
      }
      if (media::inspect_opus(packets[index].packet.data()).has_fec) {
        with_fec += 1;
      } else {
        without_level.push_back(level);
      }
    }
    add_heard(all, ideal, run, config.phase, 20ms, 20ms);
    // After the first second the delay is constant: judged against the ideal, moved by it.
    const auto tail_ideal = std::span(ideal).subspan(10 * 48'000);
    const auto tail_run = std::span(run.audio).subspan(10 * 48'000);
    const auto delay = correlation_delay(tail_ideal, tail_run, 9'600);
    const auto moved = tail_run.subspan(static_cast<std::size_t>(delay.samples));
    for (std::size_t t = 0; t + 2 * 960 < std::min(tail_ideal.size(), moved.size()); t += 960) {
      const auto frame = lsd_frames(tail_ideal.subspan(t, 1'024), moved.subspan(t, 1'024));
      lsd_all.insert(lsd_all.end(), frame.begin(), frame.end());
    }
    for (std::size_t t = 520; t + 5 < run.ticks.size(); ++t) {
      if (run.ticks[t].kind != PulledKind::fec && run.ticks[t].kind != PulledKind::concealed) continue;
      const std::size_t at = (t * 960) - 480'000;
      if (at < static_cast<std::size_t>(delay.samples)) continue;
      const std::size_t from = at - static_cast<std::size_t>(delay.samples);
      if (from + 1'024 > tail_ideal.size() || from + 1'024 > moved.size()) continue;
      const auto frame = lsd_frames(tail_ideal.subspan(from, 1'024), moved.subspan(from, 1'024));
      lsd_lost.insert(lsd_lost.end(), frame.begin(), frame.end());
    }
  }
  print_delays(name, all);
  std::printf(
      "\n%34s lost %.1f %% by FEC %.1f %%, isolated ones %.1f %%, of those that carry FEC %.1f %%, the "
      "others' level p50 "
      "%.0f p95 %.0f dBFS, concealed ticks %.2f %%, LSD lost p50 %.2f p95 %.2f, mean of all %.2f\n",
      "", 100 * lost / ticks, 100 * fec / std::max(1.0, lost), 100 * isolated_fec / std::max(1.0, isolated),
      100 * isolated_fec / std::max(1.0, with_fec), quantile(without_level, 0.5),
      quantile(without_level, 0.95), 100 * concealed / ticks, quantile(lsd_lost, 0.5),
      quantile(lsd_lost, 0.95), mean(lsd_all));
  if (share != 0.05 || source.expected_loss == 0) return;
  measure("5 % loss with FEC, isolated losses of speech (above -50 dBFS) rebuilt",
          100 * spoken_fec / std::max(1.0, spoken), "%", Bound::at_least(90));
  measure("5 % loss with FEC, isolated losses rebuilt, pauses too",
          100 * isolated_fec / std::max(1.0, isolated), "%", {});
  measure("5 % loss with FEC, distance of what was lost, p50", quantile(lsd_lost, 0.5), "dB",
          Bound::at_most(3.5), {}, 2);
}

// What was heard on a network with losses, judged by ear: each frame of 21 ms of speech against the ideal,
// moved by the delay. A frame that is off by more than 3 dB counts as damaged.
class Heard {
 public:
  void add(const std::vector<float>& ideal, const std::vector<float>& audio) {
    constexpr std::size_t kFrom = 5 * 48'000;
    const auto a = std::span(ideal).subspan(kFrom);
    const auto b = std::span(audio).subspan(kFrom);
    const auto lag = static_cast<std::size_t>(correlation_delay(a, b, 9'600).samples);
    for (std::size_t at = 0; at + 1'024 + lag <= std::min(a.size(), b.size()); at += 1'024)
      if (rms_dbfs(a.subspan(at, 1'024)) > -45)
        distance_.push_back(mean(lsd_frames(a.subspan(at, 1'024), b.subspan(at + lag, 1'024))));
  }
  // `frames` of all were made up without FEC.
  void add_concealed(double frames, double all) {
    concealed_ += frames;
    frames_ += all;
  }
  void add_delay(double ms) { delays_ms_.push_back(ms); }

  double delay_ms() const { return mean(delays_ms_); }
  double concealed() const { return 100 * concealed_ / frames_; }
  double damaged() const {
    const auto count = std::count_if(distance_.begin(), distance_.end(), [](double d) { return d > 3; });
    return 100 * static_cast<double>(count) / static_cast<double>(distance_.size());
  }
  double distance() const { return mean(distance_); }
  void print(const std::string& name) const {
    std::printf(
        "  %-44s mean delay %5.1f ms, concealed %.2f %%, damaged %.2f %%, LSD mean %.3f p99 %.2f dB\n",
        name.c_str(), delay_ms(), concealed(), damaged(), distance(), quantile(distance_, 0.99));
  }

 private:
  std::vector<double> distance_;
  std::vector<double> delays_ms_;
  double concealed_ = 0;
  double frames_ = 0;
};

#ifdef PARLEY_STOCK_CHAIN
void hear_ours(Heard& heard, const std::vector<TimedPacket>& packets, const std::vector<float>& ideal,
               const ImpairmentConfig& network, Duration min_delay, Duration phase) {
  const auto run = run_receiver(
      packets, {.receiver = {.min_delay = min_delay}, .network = network, .phase = phase, .tail = 0ms});
  heard.add(ideal, run.audio);
  heard.add_concealed(static_cast<double>(run.count(PulledKind::concealed)),
                      static_cast<double>(run.ticks.size()));
  for (const auto& tick : run.ticks)
    if (tick.at > kEpoch + 5s && tick.kind == PulledKind::decoded) heard.add_delay(to_ms(tick.delay));
}

// Losses that no receiver can rebuild: the next packet is lost, too, or carries no FEC. (What opusdec says of
// itself counts frames rebuilt from FEC as concealed.)
std::size_t beyond_fec(const std::vector<TimedPacket>& packets, const ImpairmentConfig& network) {
  Impairment impairment(network);
  std::vector<bool> there;
  for (const auto& packet : packets)
    there.push_back(impairment.fate(kEpoch + packet.sent).arrival.has_value());
  std::size_t count = 0;
  for (std::size_t i = 0; i + 1 < packets.size(); ++i)
    if (!there[i] && !(there[i + 1] && media::inspect_opus(packets[i + 1].packet.data()).has_fec)) ++count;
  return count;
}

// False: the stock elements are not installed.
bool hear_stock(Heard& heard, const std::vector<TimedPacket>& packets, const std::vector<float>& ideal,
                const ImpairmentConfig& network, int latency_ms, bool fec) {
  const auto run = run_stock_chain(packets, network, latency_ms, fec);
  if (!run.available) return false;
  heard.add(ideal, run.audio);
  heard.add_delay(run.delay_ms);
  const std::size_t rebuilt =
      fec ? run.lost_events - std::min(run.lost_events, beyond_fec(packets, network)) : 0;
  heard.add_concealed(static_cast<double>(run.lost_events - rebuilt), static_cast<double>(packets.size()));
  return true;
}
#endif

// Our receiver and the stock chain on the same losses.
void compare_with_stock() {
#ifdef PARLEY_STOCK_CHAIN
  constexpr int kLatencies[] = {40, 60, 100};
  std::printf("5 %% random loss with FEC, against the stock chain:\n");
  Heard quick;
  Heard equal[std::size(kLatencies)];
  Heard stock[std::size(kLatencies)];
  Heard plc;
  for (std::uint32_t i = 1; i <= 3; ++i) {
    const auto packets = opus_packets(speech(25, i, {.pause_seconds = 0.1}), {.expected_loss = 10});
    const auto ideal = decode_all(packets);
    const ImpairmentConfig network{.seed = i + 50, .loss = 0.05};
    hear_ours(quick, packets, ideal, network, 0ms, 10ms);
    for (std::size_t k = 0; k < std::size(kLatencies); ++k) {
      if (!hear_stock(stock[k], packets, ideal, network, kLatencies[k], true)) {
        std::printf("  not installed\n");
        return;
      }
      const auto its_delay = std::chrono::milliseconds(static_cast<int>(stock[k].delay_ms()));
      // Between the packets' arrivals and the ticks: whole packets and the phase; 5 ms less and 5 ms more.
      for (const Duration phase : {5ms, 15ms})
        hear_ours(equal[k], packets, ideal, network, its_delay - 10ms, phase);
    }
    hear_stock(plc, packets, ideal, network, 60, false);
  }
  quick.print("ours");
  for (std::size_t k = 0; k < std::size(kLatencies); ++k) {
    stock[k].print("rtpjitterbuffer " + std::to_string(kLatencies[k]) + ", opusdec with FEC");
    equal[k].print("ours at this delay");
  }
  plc.print("rtpjitterbuffer 60, opusdec, PLC only");
  const Heard& theirs = stock[1];
  const Heard& ours = equal[1];
  const std::string what = "5 % loss with FEC, against rtpjitterbuffer 60 at equal mean delay, ";
  const Bound fewer = Bound::at_most(0.99);
  measure(what + "concealed frames, ours over theirs", ours.concealed() / theirs.concealed(), "", fewer,
          Bound::at_most(0.5), 2);
  measure(what + "damaged frames, ours over theirs", ours.damaged() / theirs.damaged(), "", fewer,
          Bound::at_most(0.5), 2);
  measure(what + "mean distance, ours over theirs", ours.distance() / theirs.distance(), "", fewer,
          Bound::at_most(0.5), 2);
  measure(what + "ours, mean delay", ours.delay_ms(), "ms", Bound::at_most(theirs.delay_ms() + 1));
#else
  std::printf("stock chain: built without gstreamer-check\n");
#endif
}

void drift(double ppm) {
  auto samples = speech(120, 9);
  const auto minute = opus_packets(samples);
  std::vector<TimedPacket> packets;
  for (int i = 0; i < 30; ++i) {
    for (auto packet : minute) {
      packet.packet.sequence = static_cast<std::uint16_t>(packet.packet.sequence + i * 6'000);
      packet.packet.timestamp += static_cast<std::uint32_t>(i) * 120 * 48'000;
      packet.sent += i * 120s;
      packets.push_back(packet);
    }
  }
  const auto ideal = decode_all(minute);
  RunConfig config{.network = {.uniform_jitter = 2ms}, .drift_ppm = ppm};
  const auto run = run_receiver(packets, config);
  std::printf(
      "drift %+.0f ppm for an hour: estimate %+.0f, concealed ticks %zu, stretched %.1f ms, resets %zu, late "
      "%zu, jump ratio %.2f\n",
      ppm, run.stats.drift_ppm, run.count(PulledKind::concealed),
      static_cast<double>(run.stats.stretched_samples) / 48, static_cast<std::size_t>(run.stats.resets),
      static_cast<std::size_t>(run.stats.late), jump_ratio(ideal, run.audio));
  const std::string what = "clock off by " + std::to_string(static_cast<int>(ppm)) + " ppm for an hour, ";
  measure(what + "late packets and resets", static_cast<double>(run.stats.late + run.stats.resets), "",
          Bound::at_most(0), {}, 0);
  measure(what + "largest jump over that of the sound itself", jump_ratio(ideal, run.audio), "",
          Bound::at_most(1.5), {}, 2);
}

void dtx() {
  for (const Duration gap : {Duration(400ms), Duration(3s), Duration(60s)}) {
    auto packets = opus_packets(speech(4, 4, {.pause_seconds = 0}), {.expected_loss = 10});
    for (std::size_t i = 100; i < packets.size(); ++i) {
      packets[i].sent += gap;
      packets[i].packet.timestamp += static_cast<std::uint32_t>(gap / 1ms * 48);
    }
    packets[99].packet.size = 1;
    packets.erase(packets.begin() + 100);
    const auto run = run_receiver(packets, {.tail = 0ms});
    const TimePoint arrived = kEpoch + packets[100].sent + 20ms;
    const auto first = std::find_if(run.ticks.begin(), run.ticks.end(), [&](const TickRecord& t) {
      return t.at >= arrived && t.kind >= PulledKind::decoded;
    });
    std::printf(
        "DTX of %.1f s and a lost packet: the next one plays %.1f ms after it came, concealed ticks %zu\n",
        to_seconds(gap), to_ms(first->at - arrived), run.count(PulledKind::concealed));
    char what[64];
    std::snprintf(what, sizeof what, "DTX of %g s, then a lost packet: the next plays after",
                  to_seconds(gap));
    measure(what, to_ms(first->at - arrived), "ms", Bound::at_most(60));
  }
}

void talker() {
  struct Mode {
    const char* name;
    OpusSourceConfig source;
  };
  for (const Mode& mode : {Mode{"voice 24k", {.bitrate = 24'000}}, Mode{"hybrid 32k", {.bitrate = 32'000}},
                           Mode{"CELT 64k", {.low_delay = true, .bitrate = 64'000}}}) {
    std::vector<double> errors;
    std::vector<double> peaks;
    for (std::uint32_t seed = 1; errors.size() < 200; ++seed) {
      const auto packets = opus_packets(speech(32, seed, {.pause_seconds = 0.5}), mode.source);
      const auto continuous = run_receiver(packets, {.tail = 0ms});
      // Half a second of skipped ticks, then 300 ms that are heard, over and over.
      RunConfig config{.tail = 0ms};
      config.skip = [](TimePoint at) { return (at - kEpoch) % 800ms < 500ms; };
      const auto paused = run_receiver(packets, config);
      for (std::size_t t = 60; t + 3 < paused.ticks.size(); ++t) {
        if (paused.ticks[t].skipped || !paused.ticks[t - 1].skipped) continue;
        const auto ideal = std::span(continuous.audio).subspan(t * 960, 2'880);
        const auto heard = std::span(paused.audio).subspan(t * 960, 2'880);
        if (rms_dbfs(ideal) < -45) continue;
        errors.push_back(error_db(ideal, heard));
        peaks.push_back(to_db(peak(heard) / peak(ideal)));
      }
    }
    std::printf(
        "talker start, %-10s %zu onsets: error p50 %.1f p95 %.1f max %.1f dB, peak p95 %+.1f max %+.1f dB\n",
        mode.name, errors.size(), quantile(errors, 0.5), quantile(errors, 0.95), quantile(errors, 1),
        quantile(peaks, 0.95), quantile(peaks, 1));
    const std::string what = std::string("talker start, ") + mode.name + ", first 60 ms, ";
    measure(what + "error p95", quantile(errors, 0.95), "dB", Bound::at_most(-10));
    measure(what + "peak, max", quantile(peaks, 1), "dB", Bound::at_most(3));
  }
}

void cost() {
  const auto packets = opus_packets(speech(20, 1));
  RunConfig config{.network = {.uniform_jitter = 20ms}, .keep_audio = false};
  const auto cost_of = [&](const char* name) {
    const auto begin = std::chrono::steady_clock::now();
    const auto run = run_receiver(packets, config);
    const double us =
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%s: %.2f us per tick\n", name, us / static_cast<double>(run.ticks.size()));
  };
  cost_of("pulled");
  config.skip = [](TimePoint) { return true; };
  cost_of("skipped (with the simulated network)");
}

}  // namespace
}  // namespace parley::test

int main(int argc, char** argv) {
  using namespace parley;
  using namespace parley::test;
  const std::string which = argc > 1 ? argv[1] : "all";
  const auto wanted = [&](const char* name) { return which == "all" || which == name; };
  if (wanted("delay")) {
    delays("clean, 20 ms tick", 20ms, {},
           {Bound::at_most(15), Bound::at_most(25), Bound::at_most(11), Bound::at_most(20)});
    delays("clean, 10 ms tick", 10ms, {}, {{}, {}, Bound::at_most(6), Bound::at_most(11)});
    delays("uniform jitter 30 ms, 20 ms tick", 20ms, {.uniform_jitter = 30ms},
           {Bound::at_most(40), Bound::at_most(60), Bound::at_most(28), Bound::at_most(48)});
    delays("uniform jitter 30 ms, 10 ms tick", 10ms, {.uniform_jitter = 30ms});
    delays("same, packets in order", 20ms, {.uniform_jitter = 30ms, .keep_order = true});
    delays("exponential jitter 10 ms", 20ms, {.exponential_jitter = 10ms});
  }
  if (wanted("burst")) burst();
  if (wanted("loss")) {
    loss(0.05, {.bitrate = 32'000, .expected_loss = 10}, "5 % loss, FEC");
    loss(0.05, {.bitrate = 32'000}, "5 % loss, no FEC");
    loss(0.01, {.bitrate = 32'000, .expected_loss = 10}, "1 % loss, FEC");
  }
  if (wanted("stock")) compare_with_stock();
  if (wanted("dtx")) dtx();
  if (wanted("talker")) talker();
  if (wanted("drift"))
    for (const double ppm : {300.0, -300.0}) drift(ppm);
  if (wanted("cost")) cost();
}
