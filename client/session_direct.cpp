// The direct path of a session: what the server says about it, the leg, and the moments of change.
#include <algorithm>

#include "client/host_addresses.hpp"
#include "client/session_impl.hpp"
#include "transport/base/ids.hpp"
#include "transport/base/log.hpp"
#include "transport/dtls/identity.hpp"

namespace parley::client {

namespace {

constexpr Duration kStep = 20ms;
constexpr double kTooLossy = 0.15;  // of the last report interval: the server's path is likely to be better
constexpr std::uint32_t kBestPriority = 0x7effffff;

}  // namespace

bool Session::Impl::can_go_direct() const {
  return config_.direct && config_.encrypted && config_.codec == Codec::opus;
}

// RFC 8445 section 5.1.1: the addresses of our interfaces, the one that reaches the server first, and how the
// server's port sees us.
std::vector<std::string> Session::Impl::own_candidates() const {
  std::vector<Address> found;
  const auto put = [&](const Address& address) {
    if (found.size() < protocol::kMaxCandidates &&
        std::find(found.begin(), found.end(), address) == found.end())
      found.push_back(address);
  };
  const std::uint16_t port = media_->local().port;
  put({channel_->local_ip(), port});
  const auto mapped = media_->mapped_address();
  for (const IpAddress& ip : host_addresses(channel_->local_ip().is_v4())) {
    if (found.size() + 2 < protocol::kMaxCandidates) put({ip, port});
  }
  if (mapped) put(*mapped);
  std::vector<std::string> texts;
  for (const auto& address : found) texts.push_back(address.to_string());
  return texts;
}

void Session::Impl::take(const protocol::DirectStart& event) {
  // Our server leg may still wait for the last flight of its handshake, which the server has sent.
  if (!can_go_direct() || !media_ || net_.identity() == nullptr) return;
  drop_direct();
  direct_call_ = event.call;
  direct_controlling_ = event.controlling;
  direct_credentials_ = ice::Credentials::random();
  direct_.start(now());
  protocol::DirectOffer offer;
  offer.call = event.call;
  offer.ufrag = direct_credentials_.ufrag;
  offer.pwd = direct_credentials_.pwd;
  offer.fingerprint = net_.identity()->fingerprint();
  offer.candidates = own_candidates();
  send(std::move(offer));
  step_direct_later();
}

void Session::Impl::take(const protocol::DirectPeer& peer) {
  if (peer.call != direct_call_ || direct_.state() != DirectPath::State::checking || !media_) return;
  LegConfig leg;
  leg.id = LegId{2};
  leg.peer_to_peer = true;
  leg.controlling = direct_controlling_;
  leg.local_ufrag = direct_credentials_.ufrag;
  leg.local_pwd = direct_credentials_.pwd;
  leg.remote_ufrag = peer.ufrag;
  leg.remote_pwd = peer.pwd;
  leg.remote_fingerprint = peer.fingerprint;
  leg.local_ssrc = random_u32();
  leg.cname = cname_;
  leg.audio_level_id = 1;
  media_->start_direct(leg, net_.identity());
  for (const auto& text : peer.candidates) add_candidate(text);
  for (const auto& text : direct_addresses_) add_candidate(text);
}

// The peer may be hostile: what it names is checked a few times, slowly, and no more of it than fits. Only on
// the server's own host does a loopback address mean the same machine to both.
void Session::Impl::add_candidate(const std::string& text) {
  const auto address = Address::parse(text);
  if (!address || (address->ip.is_loopback() && !channel_->remote_ip().is_loopback())) return;
  media_->add_direct_candidate(*address, kBestPriority - (direct_candidates_++ << 8));
}

void Session::Impl::take(const protocol::DirectAddress& event) {
  if (event.call != direct_call_ || direct_addresses_.size() >= protocol::kMaxCandidates) return;
  direct_addresses_.push_back(event.address);
  if (media_ && media_->has_direct()) add_candidate(event.address);
}

void Session::Impl::take(const protocol::DirectPeerState& event) {
  if (event.call != direct_call_) return;
  direct_.peer_is(now(), event.state);
  settle_direct();
}

void Session::Impl::take(const protocol::DirectStop& event) {
  if (event.call != direct_call_) return;
  log::debug("the direct call ends: {}", log::printable(event.reason, 64));
  direct_.stop(now());
  settle_direct();
}

void Session::Impl::step_direct_later() {
  direct_timer_.expires_after(std::chrono::duration_cast<Clock::duration>(kStep));
  direct_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error || self->state() == SessionState::ended) return;
    self->direct_.on_timer(now());
    self->watch_direct_loss();
    self->settle_direct();
    if (self->direct_.state() != DirectPath::State::off) self->step_direct_later();
  });
}

void Session::Impl::watch_direct_loss() {
  if (!direct_.listens_direct() || !media_) return;
  const auto traffic = media_->direct_traffic();
  if (std::max(traffic.fraction_lost_in, traffic.fraction_lost_out) > kTooLossy)
    direct_.broken(now(), "loss");
}

// After everything that may have changed the state of the direct path.
void Session::Impl::settle_direct() {
  if (const auto news = direct_.take_news()) send(protocol::DirectState{direct_call_, *news, std::nullopt});
  if (const auto failure = direct_.take_failure())
    send(protocol::DirectState{direct_call_, "failed", failure});
  const bool listens = direct_.listens_direct();
  downlink_.want_direct(listens);
  if (listens != direct_live_.exchange(listens))
    tell([listens](SessionEvents& events) { events.on_path(listens ? PathKind::direct : PathKind::mcu); });
  if (direct_.state() == DirectPath::State::off && media_) media_->stop_direct();
}

// The session or its server leg is another one now.
void Session::Impl::drop_direct() {
  direct_.stop(now());
  settle_direct();
  if (media_) media_->stop_direct();
  direct_ = DirectPath();
  direct_call_.clear();
  direct_addresses_.clear();
  direct_candidates_ = 0;
  direct_timer_.cancel();
}

}  // namespace parley::client
