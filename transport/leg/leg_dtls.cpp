// The handshake of a leg, and what follows when it succeeds or fails.
#include <algorithm>

#include "transport/dtls/identity.hpp"
#include "transport/leg/leg_impl.hpp"

namespace parley {
namespace {

constexpr Duration kLastRetry = 30s;

}  // namespace

void Leg::Impl::make_dtls() {
  const auto role = config_.controlling ? dtls::Role::active : dtls::Role::passive;
  // An unusable fingerprint matches no certificate: signalling has refused it long before.
  const auto expected = dtls::Fingerprint::parse(config_.remote_fingerprint);
  if (expected) dtls_ = std::make_unique<dtls::Session>(*identity_, role, *expected, *this);
}

void Leg::Impl::receive_dtls(TimePoint at, const Address& from, Bytes datagram) {
  const bool validated = lite_ ? lite_->validated(from) : client_ && client_->validated(from);
  if (!validated || !dtls_) {
    refuse();
    return;
  }
  if (!secured_) dtls_peer_ = from;  // later the nominated path counts
  dtls_->receive(at, datagram);
  check_dtls(at);
}

void Leg::Impl::check_dtls(TimePoint at) {
  switch (dtls_->state()) {
    case dtls::State::connected:
      if (!secured_) become_connected(at);
      break;
    case dtls::State::failed:
      handshake_failed(at);
      break;
    case dtls::State::closed:
      give_up_udp(LegEnd::dtls_closed);
      break;
    case dtls::State::idle:
    case dtls::State::handshaking:
      break;
  }
}

// Two clients have the server meanwhile, a carried leg its carrier. Neither end hears when the other has
// given up: each begins anew by its own clock, until both are at it at the same time.
void Leg::Impl::handshake_failed(TimePoint at) {
  if (dtls_->failure() == dtls::FailureReason::wrong_certificate)
    return give_up_udp(LegEnd::wrong_certificate);
  if (!carried() && !config_.peer_to_peer) return give_up_udp(LegEnd::dtls_failed);
  dtls_.reset();
  retry_at_ = at + retry_pause_;
  retry_pause_ = std::min(retry_pause_ * 2, kLastRetry);
}

void Leg::Impl::begin_handshake(TimePoint at) {
  retry_at_ = TimePoint::max();
  make_dtls();
  if (client_ && client_->selected()) dtls_->start(at);
}

void Leg::Impl::become_connected(TimePoint at) {
  auto session = srtp::Session::create(*dtls_->keys());
  if (!session) {
    end(LegEnd::dtls_failed);
    return;
  }
  srtp_ = std::move(session).value();
  secured_ = connected_ = true;
  last_heard_ = at;
  udp_heard_ = at;
  if (client_) next_doubt_ = at + kDoubt;
  dtls_peer_.reset();  // from now on the nominated path
  announce();
}

// The end of UDP is the end of a leg that has nothing else. One that is carried stays as it is.
void Leg::Impl::give_up_udp(LegEnd why) {
  if (!carried()) return end(why);
  dtls_.reset();
  srtp_.reset();
  secured_ = false;
}

}  // namespace parley
