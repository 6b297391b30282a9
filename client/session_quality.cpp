// What a session measures of its paths, for the user and for the server's log.
#include <algorithm>

#include "client/session_impl.hpp"

namespace parley::client {

namespace {

// Known values only, and what the server's limits take.
void put(std::optional<double>& out, double value, double most) {
  if (value >= 0) out = std::min(value, most);
}

protocol::ReportQuality report_of(const PathQuality& path) {
  constexpr double kMostMs = 60'000, kMostKbps = 100'000;
  protocol::ReportQuality out;
  out.path = path.path;
  if (!path.call.empty()) out.call = path.call;
  if (!path.local.empty()) out.local = path.local;
  if (!path.remote.empty()) out.remote = path.remote;
  put(out.round_trip_ms, path.round_trip_ms, kMostMs);
  put(out.sent_loss, path.uplink.loss, 1);
  put(out.sent_jitter_ms, path.uplink.jitter_ms, kMostMs);
  put(out.sent_kbps, path.uplink.kbps, kMostKbps);
  put(out.received_loss, path.downlink.loss, 1);
  put(out.received_jitter_ms, path.downlink.jitter_ms, kMostMs);
  put(out.received_kbps, path.downlink.kbps, kMostKbps);
  put(out.recovered, path.downlink.recovered, 1);
  put(out.delay_ms, path.downlink.delay_ms, kMostMs);
  put(out.target_ms, path.downlink.target_ms, kMostMs);
  put(out.concealed_ms, path.downlink.concealed_ms, kMostMs);
  return out;
}

}  // namespace

// Called a few times a second: a path's first reading is taken when it begins, the others at the interval.
void Session::Impl::measure_quality() {
  if (state() != SessionState::live || !media_ || !channel_) return;
  const TimePoint at = now();
  const bool due = at >= next_quality_;
  if (due) next_quality_ = at + config_.quality_interval;
  const auto down = downlink_.snapshot();
  const bool direct = direct_.listens_direct();
  mcu_meter_.note_delay(down.mcu.delay);
  direct_meter_.note_delay(down.direct.delay);
  if (due || !mcu_meter_.has_begun()) {
    if (auto path = mcu_meter_.read(at, config_.codec, {media_->traffic(), down.mcu, down.rate})) {
      const bool by_udp = carrier_ == Carrier::udp;
      path->path = by_udp ? "mcu-udp" : "mcu-websocket";
      if (by_udp) name_pair(*path, media_->remote());
      publish_quality(*path, !direct);
    }
  }
  if (!direct) return direct_meter_.reset();
  if (due || !direct_meter_.has_begun()) {
    if (auto path = direct_meter_.read(at, Codec::opus, {media_->direct_traffic(), down.direct, 48'000})) {
      path->path = "direct";
      path->call = direct_call_;
      name_pair(*path, media_->direct_remote());
      publish_quality(*path, true);
    }
  }
}

// The socket is bound to any address; the one that reaches the server is what it sends from.
void Session::Impl::name_pair(PathQuality& path, const std::optional<Address>& remote) const {
  if (!remote) return;
  path.local = Address{channel_->local_ip(), media_->local().port}.to_string();
  path.remote = remote->to_string();
}

void Session::Impl::publish_quality(const PathQuality& path, bool is_heard) {
  if (is_heard) {
    const std::lock_guard lock(mutex_);
    uplink_mos_.add(path.uplink.mos);
    downlink_mos_.add(path.downlink.mos);
  }
  tell([&](SessionEvents& events) { events.on_quality(path); });
  if (!tells_quality_) return;
  quality_ids_ = {quality_ids_[1], next_id_};
  send(report_of(path));
}

// An older server does not know the message; one that is told too much for its taste is told again later.
bool Session::Impl::is_quality_answer(std::optional<protocol::RequestId> id, std::string_view code) {
  if (!id || *id == 0 || (*id != quality_ids_[0] && *id != quality_ids_[1])) return false;
  if (code == "unknown-type") tells_quality_ = false;
  return true;
}

void Session::Impl::take(const protocol::QualityAlarm& event) {
  tell([&](SessionEvents& events) { events.on_quality_alarm(event); });
}

}  // namespace parley::client
