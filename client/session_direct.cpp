// The direct path of a session: what the server says about it, the leg, and the moments of change.
#include <algorithm>

#include "client/host_addresses.hpp"
#include "client/session_impl.hpp"
#include "pipelines/media/opus_inspect.hpp"
#include "transport/base/ids.hpp"
#include "transport/base/log.hpp"
#include "transport/dtls/identity.hpp"

namespace parley::client {

namespace {

constexpr Duration kStep = 10ms;
constexpr std::uint8_t kSilent = 127;  // -dBov
constexpr std::uint32_t kBestPriority = 0x7effffff;
constexpr std::size_t kMostProbed = 8;  // peers' addresses of one session

}  // namespace

bool Session::Impl::may_probe_by_chance() const {
  return config_.guess_ports && config_.probing && direct_probing_;
}

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
  direct_peer_ = event.peer;
  direct_controlling_ = event.controlling;
  direct_probing_ = event.probing;
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
  if (media_->has_direct()) return;  // once: otherwise there would be no end of candidates
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
  for (const auto& text : peer.candidates) {
    if (const auto address = Address::parse(text)) direct_named_.push_back(address->ip);
    add_candidate(text);
  }
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
  if (event.state == "ports-constant") peer_mapping_ = ice::PortMapping::constant;
  if (event.state == "ports-vary") peer_mapping_ = ice::PortMapping::varying;
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
    self->learn_mapping();
    if (self->direct_.time_to_guess(now())) self->probe_ports();
    self->watch_direct_loss();
    self->step_talking();
    self->settle_direct();
    if (self->direct_.state() != DirectPath::State::off) self->step_direct_later();
  });
}

// What our NAT does, once it is known, is worth knowing to the peer: who of the two opens mappings and who
// looks for them follows from it.
void Session::Impl::learn_mapping() {
  if (mapping_told_ || !media_ || !may_probe_by_chance() || direct_.state() != DirectPath::State::checking)
    return;
  const auto mapping = media_->learn_mapping();
  if (mapping == ice::PortMapping::unknown) return;
  mapping_told_ = true;
  const bool constant = mapping == ice::PortMapping::constant;
  send(protocol::DirectState{direct_call_, constant ? "ports-constant" : "ports-vary", std::nullopt});
}

// Only at the one address where the server sees the peer and which the peer itself has named: nobody is sent
// hundreds of packets on one party's word. And once, however often a call is tried.
void Session::Impl::probe_ports() {
  if (!config_.guess_ports || !direct_probing_ || !media_ || direct_addresses_.empty()) return;
  const auto known = Address::parse(direct_addresses_.back());
  const auto holds = [&](const std::vector<IpAddress>& list) {
    return std::find(list.begin(), list.end(), known->ip) != list.end();
  };
  if (!known || !holds(direct_named_) || holds(probed_) || probed_.size() >= kMostProbed) return;
  probed_.push_back(known->ip);
  const auto plan = ice::plan_probes(media_->learn_mapping(), peer_mapping_, may_probe_by_chance());
  log::debug("no direct path yet: {} ports next to {}, {} sockets, {} random ports", plan.predictions,
             known->to_string(), plan.openings, plan.random_ports);
  media_->probe_direct_ports(*known, plan);
}

void Session::Impl::watch_direct_loss() {
  if (!media_ || !media_->has_direct()) return;
  const auto traffic = media_->direct_traffic();
  direct_.traffic(now(), traffic.packets_in, traffic.lost_in);
  if (const auto consent = media_->direct_consent()) direct_.consented(now(), *consent);
}

void Session::Impl::direct_media(const MediaPacket& packet) {
  downlink_.offer_direct(packet);
  if (const auto opus = media::inspect_opus(packet.data()); opus.valid) direct_.packets_last(opus.duration);
  if (direct_.listens_direct() && peer_talk_.on_packet(packet.arrival, packet.voice))
    show_talking(direct_peer_, peer_talk_, packet.level);
}

void Session::Impl::show_talking(const std::string& who, const TalkWatch& watch, std::uint8_t level) {
  if (const auto talker = roster_.set_talking(who, watch.talking(), level))
    tell([&](SessionEvents& events) { events.on_talking(*talker); });
}

// The server takes it up again when it hears them.
void Session::Impl::step_talking() {
  const TimePoint at = direct_.listens_direct() ? now() : TimePoint::max();
  if (peer_talk_.on_timer(at)) show_talking(direct_peer_, peer_talk_, kSilent);
  if (own_talk_.on_timer(at)) show_talking(participant_id(), own_talk_, kSilent);
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
  step_talking();
  if (media_) media_->stop_direct();
  direct_ = DirectPath();
  direct_call_.clear();
  direct_addresses_.clear();
  direct_named_.clear();
  direct_candidates_ = 0;
  peer_mapping_ = ice::PortMapping::unknown;
  mapping_told_ = false;
  direct_timer_.cancel();
}

}  // namespace parley::client
