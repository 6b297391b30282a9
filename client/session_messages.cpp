// What the server's messages do to a session, and the statistics of it.
#include "client/session_impl.hpp"
#include "transport/base/log.hpp"

namespace parley::client {

void Session::Impl::take_text(std::string_view text) {
  auto parsed = protocol::parse_server_message(text);
  if (const auto* refused = std::get_if<protocol::Refused>(&parsed)) {
    // A newer server may say things that we do not know; what we do know must be right.
    log::debug("message of the server not understood: {}", log::printable(refused->failure.message));
    return;
  }
  const auto& message = std::get<protocol::ServerMessage>(parsed);
  if (const auto* failure = std::get_if<protocol::Failure>(&message.body))
    return take_failure(message.id, *failure);
  if (message.id && *message.id == leave_id_ && leave_id_ != 0) return end({EndKind::left, {}, "left"});
  if (message.id && *message.id == carrier_id_ && carrier_id_ != 0) return carrier_granted();
  std::visit(
      [this](const auto& body) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(body)>, protocol::Failure>) take(body);
      },
      message.body);
}

void Session::Impl::take_failure(std::optional<protocol::RequestId> id, const protocol::Failure& failure) {
  const bool of_join = join_id_ != 0 && (!id || *id == join_id_);
  if (of_join && state() == SessionState::joining)
    return end({EndKind::refused, failure.code, failure.message});
  if (of_join && state() == SessionState::reconnecting) {
    const SessionEnd why{EndKind::refused, failure.code, failure.message};
    const bool for_the_moment = failure.status == 429 || failure.status >= 500;
    return for_the_moment ? lose(why) : end(why);
  }
  if (state() == SessionState::leaving) return end({EndKind::left, {}, "left"});
  if (carrier_asked_ && id == carrier_id_) return carrier_refused(failure.code, failure.message);
  tell([&](SessionEvents& events) { events.on_refused(failure.code, failure.message); });
}

void Session::Impl::take(const protocol::Joined& joined) {
  const bool asked = state() == SessionState::joining || state() == SessionState::reconnecting;
  if (asked && next_media_) take_joined(joined);
}

void Session::Impl::take(const protocol::Ok&) {}

void Session::Impl::take(const protocol::ParticipantJoined& event) {
  roster_.put(event.participant);
  tell([&](SessionEvents& events) { events.on_participant_joined(event.participant); });
}

void Session::Impl::take(const protocol::ParticipantUpdated& event) {
  roster_.put(event.participant);
  watch_mute(event.participant);
  tell([&](SessionEvents& events) { events.on_participant_updated(event.participant); });
}

void Session::Impl::take(const protocol::ParticipantLeft& event) {
  if (const auto gone = roster_.remove(event.participant))
    tell([&](SessionEvents& events) { events.on_participant_left(*gone, event.reason); });
}

void Session::Impl::take(const protocol::Talking& event) {
  if (direct_.listens_direct()) return;  // the two hear each other themselves
  if (const auto talker = roster_.set_talking(event.participant, event.talking, event.level))
    tell([&](SessionEvents& events) { events.on_talking(*talker); });
}

void Session::Impl::take(const protocol::Levels& event) {
  roster_.set_levels(event.levels);
  tell([](SessionEvents& events) { events.on_levels(); });
}

void Session::Impl::take(const protocol::RoomUpdated& event) {
  tell([&](SessionEvents& events) { events.on_room(event); });
}

void Session::Impl::take(const protocol::RecordingTrouble& event) {
  tell([&](SessionEvents& events) { events.on_recording_trouble(event.state, event.cause.value_or("")); });
}

void Session::Impl::take(const protocol::Chat& event) {
  tell([&](SessionEvents& events) { events.on_chat(event.participant, event.name, event.text); });
}

void Session::Impl::take(const protocol::StreamChanged& event) {
  tell([&](SessionEvents& events) { events.on_stream(event); });
}

void Session::Impl::take(const protocol::Playback& event) {
  tell([&](SessionEvents& events) { events.on_playback(event); });
}

void Session::Impl::take(const protocol::GainAdvice& event) {
  uplink_->set_gain_db(event.db);
}

void Session::Impl::take(const protocol::Uplink& event) {
  if (config_.adapt) uplink_->tune(policy_.on_report(event.loss));
}

void Session::Impl::take(const protocol::Closed& event) {
  if (state() == SessionState::leaving) return end({EndKind::left, {}, "left"});
  const SessionEnd why{EndKind::lost, event.reason, event.message.empty() ? event.reason : event.message};
  if (event.reason == "hung-up") return end({EndKind::left, event.reason, why.message});
  // A server that stops may be back in a moment; who was put out is not wanted back.
  if (event.reason == "server-stopping") return lose(why);
  end(why);
}

SessionStats Session::Impl::stats() const {
  SessionStats out;
  out.state = state();
  out.path = direct_live_.load() ? PathKind::direct : PathKind::mcu;
  {
    const std::lock_guard lock(mutex_);
    out.packets_sent = traffic_.packets_out;
    out.packets_received = traffic_.packets_in;
    out.bytes_sent = traffic_.bytes_out;
    out.bytes_received = traffic_.bytes_in;
    out.lost_in = traffic_.lost_in;
    out.lost_out = traffic_.lost_out;
    out.loss_in = traffic_.fraction_lost_in;
    out.loss_out = traffic_.fraction_lost_out;
    out.jitter_in_ms = traffic_.jitter_in_ms;
    out.jitter_out_ms = traffic_.jitter_out_ms;
    out.round_trip_ms = traffic_.round_trip_ms;
    out.refused = traffic_.refused;
    out.carrier = carrier_shown_;
    out.websocket_late = packets_late_;
    out.join_ms = join_ms_;
    out.connect_ms = connect_ms_;
    out.first_audio_ms = first_audio_ms_;
    out.reconnects = reconnects_;
    out.direct_sent = direct_traffic_.packets_out;
    out.direct_received = direct_traffic_.packets_in;
    out.direct_round_trip_ms = direct_traffic_.round_trip_ms;
  }
  const auto down = downlink_.snapshot();
  out.level_in_dbfs = down.level_dbfs;
  out.delay_ms = to_ms(down.receiver.delay);
  out.target_ms = to_ms(down.receiver.target);
  out.late = down.receiver.late;
  out.fec = down.receiver.fec;
  out.concealed_ms = 1000.0 * static_cast<double>(down.receiver.concealed_samples) / down.rate;
  out.stretched_ms = 1000.0 * static_cast<double>(down.receiver.stretched_samples) / down.rate;
  out.drift_ppm = down.receiver.drift_ppm;
  out.dropped_in = down.dropped;
  if (uplink_) {
    const auto up = uplink_->snapshot();
    out.level_out_dbfs = up.level_dbfs;
    out.dropped_out = up.dropped;
    out.bitrate = up.tuning.bitrate;
    out.expected_loss = up.tuning.expected_loss;
    out.ptime_ms = to_ms(up.tuning.ptime);
    out.gain_db = up.tuning.gain_db;
  }
  return out;
}

}  // namespace parley::client
