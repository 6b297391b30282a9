// The media of a session: the offer, the answer, the leg.
#include <algorithm>

#include "client/session_impl.hpp"
#include "transport/base/ids.hpp"
#include "transport/dtls/identity.hpp"
#include "transport/sdp/offer.hpp"

namespace parley::client {

namespace {

// How long the server's own words are waited for when the media has ended.
constexpr Duration kClosingWords = 1s;

const char* describe(LegEnd end) {
  switch (end) {
    case LegEnd::timeout:
      return "nothing comes from the server any more";
    case LegEnd::bye:
    case LegEnd::dtls_closed:
      return "the server has ended the media";
    case LegEnd::dtls_failed:
      return "the DTLS handshake failed";
    case LegEnd::wrong_certificate:
      return "the server's certificate is not the one it announced";
    case LegEnd::removed:
      break;
  }
  return "the media has ended";
}

}  // namespace

void Session::Impl::send_offer() {
  if (auto opened = open_media(); !opened) return end({EndKind::failed, {}, opened.error().what});
  if (auto written = write_offer(); !written) return end({EndKind::failed, {}, written.error().what});
  protocol::Join join;
  join.room = config_.room;
  join.sdp = offer_;
  if (!config_.name.empty()) join.name = config_.name;
  if (!config_.pin.empty()) join.pin = config_.pin;
  join.consent = config_.consent;
  if (!config_.token.empty()) join.token = config_.token;
  join.direct = can_go_direct();
  if (!resume_.empty()) join.resume = resume_;
  if (state() == SessionState::connecting) enter(SessionState::joining);
  join_id_ = next_id_;
  send(std::move(join));
}

Status Session::Impl::open_media() {
  // An encrypted leg binds to any address, so that it survives a change of network; a plain one must send
  // from the address that it offers.
  const IpAddress any = channel_->remote_ip().is_v4() ? IpAddress{} : IpAddress::v6({});
  MediaHandlers handlers;
  handlers.on_connected = [this] { media_connected(); };
  handlers.on_media = [this](const MediaPacket& packet) { media_arrived(packet); };
  handlers.on_end = [this](LegEnd ended) { media_ended(ended); };
  handlers.on_packet = [this](Bytes packet) {
    if (channel_ && carrier_open_) channel_->send_packet(now(), packet);
  };
  handlers.on_direct_connected = [this] {
    direct_.connected(now());
    settle_direct();
  };
  handlers.on_direct_heard = [this](TimePoint at, DirectPath::Heard what) {
    direct_.heard(at, what);
    if (direct_.state() != DirectPath::State::active) settle_direct();
  };
  handlers.on_direct_media = [this](const MediaPacket& packet) { direct_media(packet); };
  handlers.on_direct_end = [this](LegEnd ended) {
    direct_.broken(now(), to_string(ended));
    settle_direct();
  };
  auto media = MediaLink::open(net_.context(), {config_.encrypted ? any : channel_->local_ip(), 0},
                               std::move(handlers));
  if (!media) return Error{"no UDP socket: " + media.error().what};
  next_media_ = std::move(*media);
  return Done{};
}

Status Session::Impl::write_offer() {
  credentials_ = ice::Credentials::random();
  local_ssrc_ = random_u32();
  cname_ = random_token(16);

  sdp::LocalEndpoint local;
  if (config_.encrypted) {
    const dtls::Identity* identity = net_.identity();
    if (identity == nullptr) return Error{"no DTLS certificate could be made"};
    local.fingerprint = identity->fingerprint();
  }
  local.ufrag = credentials_.ufrag;
  local.pwd = credentials_.pwd;
  local.plain_rtp = {channel_->local_ip(), next_media_->local().port};
  local.ssrc = local_ssrc_;
  local.cname = cname_;

  sdp::OfferOptions options;
  options.encrypted = config_.encrypted;
  options.codecs = {config_.codec};
  options.direction = sdp::make_direction(config_.sends, config_.receives);
  options.ptime_ms = 20;
  offer_ = sdp::write_offer(options, local);
  return Done{};
}

Result<sdp::NegotiatedLeg> Session::Impl::read_answer(const std::string& text) const {
  auto answer = sdp::parse_answer(offer_, text);
  if (!answer || !answer->encrypted) return answer;
  // Our socket has one family. Of the server's addresses, the one that its signalling answers on is known to
  // work.
  const IpAddress signalling = channel_->remote_ip();
  auto& all = answer->candidates;
  std::erase_if(all, [&](const sdp::Candidate& c) { return c.address.ip.is_v4() != signalling.is_v4(); });
  if (all.empty()) return Error{"the server offers no media address of our kind (IPv4 or IPv6)"};
  const auto better = [&](const sdp::Candidate& a, const sdp::Candidate& b) {
    const bool a_known = a.address.ip == signalling, b_known = b.address.ip == signalling;
    return a_known != b_known ? a_known : a.priority > b.priority;
  };
  std::stable_sort(all.begin(), all.end(), better);
  return answer;
}

LegConfig Session::Impl::leg_config(const sdp::NegotiatedLeg& answer) const {
  LegConfig leg;
  leg.id = LegId{1};
  leg.encrypted = answer.encrypted;
  leg.controlling = true;
  leg.local_ufrag = credentials_.ufrag;
  leg.local_pwd = credentials_.pwd;
  leg.remote_ufrag = answer.remote_ufrag;
  leg.remote_pwd = answer.remote_pwd;
  leg.remote_fingerprint = answer.remote_fingerprint;
  leg.remote = answer.encrypted ? answer.candidates.front().address : answer.remote;
  leg.remote_ssrc = answer.remote_ssrc;
  if (!answer.rtcp_mux && leg.remote)  // RFC 3550 section 11: RTCP is on the port above
    leg.rtcp_remote = Address{leg.remote->ip, static_cast<std::uint16_t>(leg.remote->port + 1)};
  leg.codec = answer.codec;
  leg.payload_type = answer.payload_type;
  leg.local_ssrc = local_ssrc_;
  leg.cname = cname_;
  leg.audio_level_id = answer.audio_level_id;
  leg.mixer_level_id = answer.mixer_level_id;
  return leg;
}

void Session::Impl::take_joined(const protocol::Joined& joined) {
  auto answer = read_answer(joined.sdp);
  if (!answer)
    return end({EndKind::refused, "not-acceptable", "the server's answer: " + answer.error().what});
  {
    const std::lock_guard lock(mutex_);
    participant_id_ = joined.participant;
    resume_ = joined.resume;
    media_address_ = leg_config(*answer).remote;
    if (join_ms_ < 0) join_ms_ = ms_since_start();
  }
  roster_.reset(joined.roster);
  const bool again = state() == SessionState::reconnecting;
  if (!again) enter(SessionState::securing);
  tell([&](SessionEvents& events) { again ? events.on_rejoined(joined) : events.on_joined(joined); });
  deadline(config_.media_timeout, [this] {
    lose({EndKind::no_media,
          {},
          "the media path to " + media_address()->to_string() +
              " (UDP) did not come up in time; a firewall may block UDP" +
              (carrier_refusal_.empty() ? "" : "; " + carrier_refusal_)});
  });
  if (!again) publish_later();
  take_media(*answer);
  if (again) restore_choices();
}

// The server has put the new leg in the old one's place.
void Session::Impl::take_media(const sdp::NegotiatedLeg& answer) {
  drop_direct();
  if (media_) media_->close();
  media_ = std::move(next_media_);
  mcu_meter_.reset();
  media_->start(leg_config(answer), config_.encrypted ? net_.identity() : nullptr);
  begin_carrier();
}

// A server that was started anew knows nothing of what we had asked it for.
void Session::Impl::restore_choices() {
  if (muted_) send(protocol::MuteSelf{true});
  if (sends_ != config_.sends || receives_ != config_.receives) send(protocol::Update{sends_, receives_});
}

void Session::Impl::media_connected() {
  if (state() != SessionState::securing && state() != SessionState::reconnecting) return;
  deadline_.cancel();
  {
    const std::lock_guard lock(mutex_);
    if (connect_ms_ < 0) connect_ms_ = ms_since_start();
    if (lost_at_) ++reconnects_;
  }
  lost_at_.reset();
  was_live_ = true;
  enter(SessionState::live);
  open_gate();
}

void Session::Impl::media_arrived(const MediaPacket& packet) {
  if (!heard_) {
    heard_ = true;
    const std::lock_guard lock(mutex_);
    first_audio_ms_ = ms_since_start();
  }
  downlink_.offer(packet);
}

void Session::Impl::media_ended(LegEnd ended) {
  if (state() == SessionState::leaving) return;
  if (state() == SessionState::reconnecting) return;  // the old leg, or one that the deadline deals with
  if (state() == SessionState::securing) return lose({EndKind::no_media, to_string(ended), describe(ended)});
  carrier_open_ = false;  // there is nothing to carry
  // A server that closes says so over the WebSocket; its words are better than ours.
  deadline(kClosingWords, [this, ended] { lose({EndKind::lost, to_string(ended), describe(ended)}); });
}

}  // namespace parley::client
