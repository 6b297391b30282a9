#include "mcu/quality/leg_meter.hpp"

#include <algorithm>
#include <utility>

namespace parley::quality {
namespace {

std::uint64_t grown(std::uint64_t now, std::uint64_t before) {
  return now > before ? now - before : 0;
}
double kbps(std::uint64_t bytes, double seconds) {
  return seconds > 0 ? static_cast<double>(bytes) * 8 / 1'000 / seconds : -1;
}
// Of two totals of lost packets, which may shrink when a late one comes after all.
double loss(std::uint64_t packets, std::uint64_t lost_now, std::uint64_t lost_before) {
  return interval_loss(packets, static_cast<std::int64_t>(lost_now) - static_cast<std::int64_t>(lost_before));
}

}  // namespace

void LegMeter::read(TimePoint at, Codec codec, const LegTotals& now, const std::optional<ClientSays>& client,
                    Sample& out) {
  const LegTotals before = std::exchange(before_, now);
  const TimePoint last = std::exchange(at_, at);
  const double seconds = std::exchange(begun_, true) ? to_seconds(at - last) : 0;

  out.round_trip_ms = now.round_trip_ms;
  auto &up = out.uplink, &down = out.downlink;
  const auto packets = grown(now.packets_in, before.packets_in);
  up.loss = loss(packets, now.lost_in, before.lost_in);
  up.kbps = kbps(grown(now.bytes_in, before.bytes_in), seconds);
  if (up.loss >= 0) {
    up.jitter_ms = now.jitter_in_ms;
    const double sent = static_cast<double>(packets) / std::max(1 - up.loss, 0.01);
    up.recovered = std::min(up.loss, static_cast<double>(grown(now.fec, before.fec)) / std::max(sent, 1.0));
    if (now.has_receiver) {
      up.delay_ms = std::max(now.delay_ms, 0.0);
      up.target_ms = std::max(now.target_ms, 0.0);
      up.concealed_ms = static_cast<double>(grown(now.concealed_samples, before.concealed_samples)) /
                        (codec == Codec::opus ? 48 : 8);
    }
  }
  judge(up, codec, now.round_trip_ms);

  down.loss = loss(grown(now.packets_out, before.packets_out), now.lost_out, before.lost_out);
  // Without a round trip no report of the receiver has come: nothing lost is nothing known.
  if (now.round_trip_ms < 0) down.loss = -1;
  down.kbps = kbps(grown(now.bytes_out, before.bytes_out), seconds);
  if (down.loss >= 0) {
    down.jitter_ms = now.jitter_out_ms;
    if (client) {
      down.delay_ms = client->delay_ms;
      down.target_ms = client->target_ms;
      down.concealed_ms = client->concealed_ms;
      // Its FEC also fills what was lost before it got here: only its share of what was lost behind counts.
      if (client->loss > 0 && client->recovered >= 0)
        down.recovered = down.loss * std::min(client->recovered / client->loss, 1.0);
    }
  }
  judge(down, codec, now.round_trip_ms);
}

}  // namespace parley::quality
