// What carries the media of a session to the server, and the change between UDP and the WebSocket.
#include "client/session_impl.hpp"
#include "transport/base/log.hpp"

namespace parley::client {

namespace {

constexpr Duration kStep = 50ms;

}  // namespace

void Session::Impl::begin_carrier() {
  carrier_ = Carrier::udp;
  carrier_open_ = true;
  carrier_asked_ = std::nullopt;
  carrier_id_ = 0;
  carrier_choice_.begin(now());
  step_carrier();
}

void Session::Impl::step_carrier() {
  if (state() >= SessionState::leaving) return;
  choose_carrier();
  carrier_timer_.expires_after(std::chrono::duration_cast<Clock::duration>(kStep));
  carrier_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->step_carrier();
  });
}

void Session::Impl::choose_carrier() {
  if (!media_ || !carrier_open_ || carrier_asked_) return;
  const auto udp = media_->udp_signs();
  CarrierChoice::Signs signs;
  signs.ready = udp.ready;
  signs.answered = udp.answered;
  signs.heard = udp.heard;
  signs.heard_rtp = udp.heard_rtp;
  signs.round_trip = std::chrono::round<Duration>(
      std::chrono::duration<double, std::milli>(std::max(media_->traffic().round_trip_ms, 0.0)));
  signs.expects_rtp = receives_ && !direct_live_;
  const Carrier wanted = carrier_choice_.decide(now(), signs);
  if (wanted == carrier_) return;
  if (wanted != Carrier::udp && !channel_is_private()) {
    carrier_choice_.refused();
    return carrier_refused("forbidden", "UDP is blocked, and media over the WebSocket takes https");
  }
  log::debug("media: {} -> {}", to_string(carrier_), to_string(wanted));
  carrier_id_ = next_id_;
  send(protocol::SetCarrier{wanted});
  // What UDP carries the server need not allow; what the WebSocket carries it must be ready for.
  if (wanted == Carrier::udp)
    use_carrier(wanted);
  else
    carrier_asked_ = wanted;
}

// There is no DTLS inside the WebSocket: without TLS it carries our voice on this very host only.
bool Session::Impl::channel_is_private() const {
  return config_.server.tls || channel_->remote_ip().is_loopback();
}

void Session::Impl::carrier_granted() {
  if (const auto granted = std::exchange(carrier_asked_, std::nullopt)) use_carrier(*granted);
}

void Session::Impl::carrier_refused(std::string_view code, std::string_view message) {
  carrier_asked_.reset();
  carrier_choice_.refused();
  carrier_refusal_ = std::string(message);
  tell([&](SessionEvents& events) { events.on_refused(code, message); });
}

void Session::Impl::use_carrier(Carrier carrier) {
  const Carrier before = std::exchange(carrier_, carrier);
  media_->set_carrier(carrier);
  {
    const std::lock_guard lock(mutex_);
    carrier_shown_ = carrier;
  }
  // On the way back to UDP the call is where it was until UDP has it alone.
  const auto shown = [](Carrier c) { return c == Carrier::both ? Carrier::websocket : c; };
  if (shown(before) == shown(carrier)) return;
  tell([&](SessionEvents& events) { events.on_carrier(shown(carrier)); });
}

}  // namespace parley::client
