#include "client/quality_meter.hpp"

#include <algorithm>

namespace parley::client {

namespace {

std::uint64_t grown(std::uint64_t now, std::uint64_t before) {
  return now > before ? now - before : 0;
}
double kbps(std::uint64_t bytes, double seconds) {
  return static_cast<double>(bytes) * 8 / 1'000 / seconds;
}
std::int64_t change(std::uint64_t now, std::uint64_t before) {
  return static_cast<std::int64_t>(now) - static_cast<std::int64_t>(before);
}

}  // namespace

void QualityMeter::note_delay(Duration delay) {
  delays_ += delay;
  ++delay_count_;
}

std::optional<PathQuality> QualityMeter::read(TimePoint at, Codec codec, const Reading& now) {
  if (delay_count_ == 0) note_delay(now.receiver.delay);
  const Duration delay = std::exchange(delays_, Duration{}) / std::exchange(delay_count_, 0);
  const auto last = std::exchange(before_, Before{at, now});
  if (!last || at <= last->at) return std::nullopt;
  const LegTraffic &t = now.traffic, &u = last->reading.traffic;
  const auto &r = now.receiver, &s = last->reading.receiver;
  const double seconds = to_seconds(at - last->at);

  PathQuality out;
  out.round_trip_ms = t.round_trip_ms;
  auto &up = out.uplink, &down = out.downlink;
  up.loss = interval_loss(grown(t.packets_out, u.packets_out), change(t.lost_out, u.lost_out));
  // Without a round trip no report of the other end has come: nothing lost is nothing known.
  if (t.round_trip_ms < 0) up.loss = -1;
  up.kbps = kbps(grown(t.bytes_out, u.bytes_out), seconds);
  if (up.loss >= 0) up.jitter_ms = t.jitter_out_ms;
  const auto received = grown(t.packets_in, u.packets_in);
  down.loss = interval_loss(received, change(t.lost_in, u.lost_in));
  down.kbps = kbps(grown(t.bytes_in, u.bytes_in), seconds);
  if (down.loss >= 0) {
    down.jitter_ms = t.jitter_in_ms;
    const double sent = static_cast<double>(received) / std::max(1 - down.loss, 0.01);
    down.recovered = std::min(down.loss, static_cast<double>(grown(r.fec, s.fec)) / std::max(sent, 1.0));
    down.delay_ms = std::max(to_ms(delay), 0.0);
    down.target_ms = std::max(to_ms(r.target), 0.0);
    down.concealed_ms =
        1'000.0 * static_cast<double>(grown(r.concealed_samples, s.concealed_samples)) / now.rate;
  }
  judge(up, codec, out.round_trip_ms);
  judge(down, codec, out.round_trip_ms);
  return out;
}

void MosTally::add(double mos) {
  if (mos < 0) return;
  worst_ = count_ == 0 ? mos : std::min(worst_, mos);
  sum_ += mos;
  ++count_;
}

MosSummary MosTally::summary() const {
  if (count_ == 0) return {};
  return {sum_ / count_, worst_};
}

}  // namespace parley::client
