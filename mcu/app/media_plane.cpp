#include "mcu/app/media_plane.hpp"

#include <algorithm>
#include <cmath>

#include "mcu/app/host_addresses.hpp"
#include "pipelines/media/overload_ladder.hpp"
#include "transport/base/log.hpp"
#include "transport/base/thread_name.hpp"
#include "transport/base/thread_priority.hpp"
#include "transport/ice/credentials.hpp"
#include "transport/sdp/fragment.hpp"

namespace parley::app {
namespace {

constexpr std::size_t kPacketBytes = 256 * 1024;  // a tick of 1,000 legs
constexpr std::size_t kEventQueue = 32'768;       // several events of every leg that one server can hold

pipelines::AutoLevel auto_level(settings::AutoLevel level) {
  switch (level) {
    case settings::AutoLevel::client:
      return pipelines::AutoLevel::client;
    case settings::AutoLevel::server:
      return pipelines::AutoLevel::server;
    case settings::AutoLevel::off:
      break;
  }
  return pipelines::AutoLevel::off;
}

const char* codec_name(Codec codec) {
  switch (codec) {
    case Codec::pcmu:
      return "PCMU";
    case Codec::pcma:
      return "PCMA";
    case Codec::opus:
      break;
  }
  return "opus";
}

}  // namespace

Result<std::unique_ptr<MediaPlane>> MediaPlane::open(const settings::Settings& settings,
                                                     recording::Recorder& recorder, PostToCtl post,
                                                     Handler handler) {
  auto identity = dtls::Identity::create();
  if (!identity) return identity.error();
  std::unique_ptr<MediaPlane> plane(
      new MediaPlane(settings, recorder, std::move(post), std::move(handler), std::move(identity).value()));
  if (auto started = plane->start(); !started) return started.error();
  return plane;
}

MediaPlane::MediaPlane(settings::Settings settings, recording::Recorder& recorder, PostToCtl post,
                       Handler handler, std::unique_ptr<dtls::Identity> identity)
    : settings_(std::move(settings)),
      post_(std::move(post)),
      handler_(std::move(handler)),
      identity_(std::move(identity)),
      inbox_(kEventQueue, [this] { post_([this] { inbox_.drain(handler_); }); }),
      packets_(kPacketBytes),
      recorder_(recorder) {}

Status MediaPlane::start() {
  auto legs = LegServer::open(settings_.media.listen, *identity_, *this);
  if (!legs) return legs.error();
  legs_ = std::move(legs).value();
  const ThreadPriority priority = settings_.media.priority;
  const unsigned count = settings_.mix.threads > 0 ? static_cast<unsigned>(settings_.mix.threads)
                                                   : std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < count; ++i) {
    // A room that is closed dies on the disk thread; should that be choked, the mix thread has to do it
    // itself.
    auto retire = [this](std::shared_ptr<MixThread::Room> room) { recorder_.post([room] {}); };
    mixers_.push_back(std::make_unique<MixThread>(i, *legs_, inbox_, retire));
    mixers_.back()->post([priority](MixThread&) { raise_this_thread(priority); });
  }
  net_ = std::thread([this, priority] {
    name_this_thread("net-0");
    if (const auto granted = raise_this_thread(priority); granted != priority)
      log::info("media threads run at priority {}: the system does not grant {} (media.priority)",
                to_string(granted), to_string(priority));
    legs_->run();
  });
  return Done{};
}

MediaPlane::~MediaPlane() {
  if (net_.joinable()) {
    legs_->stop();
    net_.join();
  }
  mixers_.clear();
}

std::vector<Address> MediaPlane::candidates(const std::string& remote_ip) const {
  const Address local = legs_->local();
  std::vector<Address> out;
  if (!settings_.media.advertise.empty()) {
    for (const Address& address : settings_.media.advertise)
      out.push_back({address.ip, address.port == 0 ? local.port : address.port});
    return out;
  }
  if (!local.ip.is_unspecified()) return {local};
  const auto remote = IpAddress::parse(remote_ip);
  const bool remote_is_here = remote && remote->is_loopback();
  for (const IpAddress& ip : host_addresses(!local.ip.is_v4())) {
    if (!ip.is_loopback()) {
      out.push_back({ip, local.port});
    } else if (remote_is_here) {
      out.insert(out.begin(), {ip, local.port});  // useless to anybody else, best for a peer on this host
    }
  }
  return out;
}

Status MediaPlane::check_plain(const sdp::NegotiatedLeg& leg, const std::string& remote_ip) const {
  const auto peer = IpAddress::parse(remote_ip);
  const auto allowed = [this](const IpAddress& ip) {
    return std::any_of(settings_.media.plain_rtp_from.begin(), settings_.media.plain_rtp_from.end(),
                       [&](const IpNetwork& network) { return network.contains(ip); });
  };
  // Both who asks and where the media would go must be trusted: otherwise we could be aimed at a stranger.
  if (!peer || !allowed(*peer) || !allowed(leg.remote->ip))
    return Error{"unprotected RTP is not allowed from this network (media.plain_rtp_from)", 403};
  for (const auto& [id, other] : placed_) {
    if (other.encrypted) continue;
    const bool same_address = other.plain == *leg.remote;
    const bool same_ssrc = other.plain.ip == leg.remote->ip && other.plain_ssrc == leg.remote_ssrc;
    if (same_address && same_ssrc)
      return Error{"another participant uses this address and SSRC: offer another port or SSRC", 409};
  }
  return Done{};
}

LegConfig MediaPlane::leg_config(LegId id, const sdp::NegotiatedLeg& leg, const sdp::LocalEndpoint& local,
                                 unsigned thread) const {
  LegConfig config;
  config.id = id;
  config.route = thread;
  config.encrypted = leg.encrypted;
  config.local_ufrag = local.ufrag;
  config.local_pwd = local.pwd;
  config.remote_ufrag = leg.remote_ufrag;
  config.remote_pwd = leg.remote_pwd;
  config.remote_fingerprint = leg.remote_fingerprint;
  if (!leg.encrypted) {
    config.remote = leg.remote;
    config.remote_ssrc = leg.remote_ssrc;
    if (!leg.rtcp_mux)
      config.rtcp_remote = Address{leg.remote->ip, static_cast<std::uint16_t>(leg.remote->port + 1)};
    config.expects_media = sdp::receives(leg.direction);
  }
  config.codec = leg.codec;
  config.payload_type = leg.payload_type;
  config.local_ssrc = local.ssrc;
  config.cname = local.cname;
  config.audio_level_id = leg.audio_level_id;
  config.mixer_level_id = leg.mixer_level_id;
  config.timeout = settings_.rooms.leg_timeout;
  return config;
}

pipelines::LegMedia MediaPlane::leg_media(LegId id, const sdp::NegotiatedLeg& leg) {
  pipelines::LegMedia media;
  media.id = id;
  media.codec = leg.codec;
  media.sends =
      sdp::receives(leg.direction);  // the direction is ours: what we receive, the participant sends
  media.receives = sdp::sends(leg.direction);
  media.has_levels = leg.audio_level_id != 0;
  media.use_fec = leg.opus.use_fec;
  media.use_dtx = leg.opus.use_dtx;
  media.max_bitrate = leg.opus.max_bitrate.value_or(0);
  return media;
}

unsigned MediaPlane::least_loaded_thread() const {
  std::vector<std::size_t> load(mixers_.size());
  for (const auto& [id, room] : rooms_) load[room.thread] += 1 + room.legs.size();
  return static_cast<unsigned>(std::min_element(load.begin(), load.end()) - load.begin());
}

void MediaPlane::open_room(RoomId id, const room::RoomMediaOptions& options) {
  pipelines::RoomMediaConfig config;
  config.name = options.name;
  config.tick = std::chrono::milliseconds(settings_.mix.tick_ms);
  config.complexity = settings_.mix.complexity;
  config.max_talkers = options.max_talkers;
  config.auto_level = auto_level(settings_.mix.auto_level);
  config.comfort_noise = settings_.mix.comfort_noise;
  config.jitter_min = std::chrono::milliseconds(settings_.jitter.min_ms);
  config.jitter_max = std::chrono::milliseconds(settings_.jitter.max_ms);
  config.alarm_delay = std::chrono::milliseconds(settings_.alarm.delay_ms);
  const unsigned thread = least_loaded_thread();
  rooms_[id] = PlacedRoom{thread, {}, {}};
  auto room = mixers_[thread]->build_room(config);
  mixers_[thread]->post([id, room](MixThread& mixer) { mixer.open_room(id, room); });
}

void MediaPlane::close_room(RoomId id) {
  const auto found = rooms_.find(id);
  if (found == rooms_.end()) return;
  const auto legs = found->second.legs;
  for (const LegId leg : legs) remove_leg(leg, "room closed");
  for (const LegId tap : found->second.taps) taps_.erase(tap);
  mixers_[found->second.thread]->post([id](MixThread& mixer) { mixer.close_room(id); });
  rooms_.erase(id);
  if (room_closed_) room_closed_(id);
}

Result<room::LegAnswer> MediaPlane::add_leg(RoomId room, const room::LegOffer& offer) {
  const auto place = rooms_.find(room);
  if (place == rooms_.end()) return Error{"the room has no media", 503};
  const auto description = sdp::parse(offer.sdp);
  if (!description) return description.error();
  const auto negotiated = sdp::accept_offer(*description);
  if (!negotiated) return negotiated.error();
  if (!negotiated->encrypted) {
    if (auto checked = check_plain(*negotiated, offer.remote_ip); !checked) return checked.error();
  }

  const LegId id{++last_leg_};
  const unsigned thread = place->second.thread;
  sdp::LocalEndpoint local;
  const auto credentials = ice::Credentials::random();
  local.ufrag = credentials.ufrag;
  local.pwd = credentials.pwd;
  local.fingerprint = identity_->fingerprint();
  local.candidates = candidates(offer.remote_ip);
  if (local.candidates.empty()) return Error{"this server has no address to offer (media.advertise)", 503};
  local.plain_rtp = local.candidates.front();
  local.ssrc = random_u32();
  local.cname = "parley-" + random_token(10);

  if (!legs_->post_add(leg_config(id, *negotiated, local, thread)))
    return Error{"the server is overloaded: try again", 503};
  auto media = leg_media(id, *negotiated);
  media.applies_gain = offer.applies_gain;
  if (!mixers_[thread]->post([room, media](MixThread& mixer) { mixer.add_leg(room, media); })) {
    legs_->post_remove(id);
    return Error{"the server is overloaded: try again", 503};
  }
  place->second.legs.insert(id);
  PlacedLeg placed;
  placed.room = room;
  placed.thread = thread;
  placed.encrypted = negotiated->encrypted;
  placed.remote_ufrag = negotiated->remote_ufrag;
  placed.remote_pwd = negotiated->remote_pwd;
  placed.plain = negotiated->remote.value_or(Address{});
  placed.plain_ssrc = negotiated->remote_ssrc;
  placed_[id] = placed;

  room::LegAnswer answer;
  answer.leg = id;
  answer.sdp = sdp::write_answer(*description, *negotiated, local);
  answer.direction = {media.sends, media.receives};
  answer.encrypted = negotiated->encrypted;
  answer.codec = codec_name(negotiated->codec);
  return answer;
}

void MediaPlane::remove_leg(LegId leg, const std::string& reason) {
  const auto found = placed_.find(leg);
  if (found == placed_.end()) return;
  log::debug("leg {} removed: {}", raw(leg), log::printable(reason));
  legs_->post_remove(leg);
  mixers_[found->second.thread]->post([leg](MixThread& mixer) { mixer.remove_leg(leg); });
  if (const auto room = rooms_.find(found->second.room); room != rooms_.end()) room->second.legs.erase(leg);
  const RoomId room = found->second.room;
  placed_.erase(found);
  if (leg_removed_) leg_removed_(leg, room);
}

RoomId MediaPlane::room_of(LegId leg) const {
  const auto found = placed_.find(leg);
  return found == placed_.end() ? RoomId::none : found->second.room;
}

Result<MediaPlane::VoiceOfRoom> MediaPlane::add_voice(RoomId room) {
  const auto place = rooms_.find(room);
  if (place == rooms_.end()) return Error{"the room has no media", 503};
  const LegId id{++last_leg_};
  pipelines::LegMedia media;
  media.id = id;
  media.receives = false;
  media.has_levels = true;
  media.levelled = false;
  const unsigned thread = place->second.thread;
  if (!mixers_[thread]->post([room, media](MixThread& mixer) { mixer.add_leg(room, media); }))
    return Error{"the server is overloaded: try again", 503};
  voices_[id] = thread;
  return VoiceOfRoom{id,
                     [&mixer = *mixers_[thread], id](const MediaPacket& packet) { mixer.push(id, packet); }};
}

void MediaPlane::remove_voice(LegId voice) {
  const auto found = voices_.find(voice);
  if (found == voices_.end()) return;
  mixers_[found->second]->post([voice](MixThread& mixer) { mixer.remove_leg(voice); });
  voices_.erase(found);
}

void MediaPlane::on_mix(LegId leg, std::function<void(pipelines::RoomPipeline&)> command) {
  const auto found = placed_.find(leg);
  if (found == placed_.end()) return;
  mixers_[found->second.thread]->post([leg, command = std::move(command)](MixThread& mixer) {
    if (auto* pipeline = mixer.room_of(leg)) command(*pipeline);
  });
}

void MediaPlane::set_direction(LegId leg, room::MediaDirection direction) {
  on_mix(leg, [=](pipelines::RoomPipeline& room) {
    room.set_direction(leg, direction.sends, direction.receives);
  });
}
void MediaPlane::set_muted(LegId leg, bool muted) {
  on_mix(leg, [=](pipelines::RoomPipeline& room) { room.set_muted(leg, muted); });
}
void MediaPlane::set_gain(LegId leg, float gain_db) {
  on_mix(leg, [=](pipelines::RoomPipeline& room) { room.set_gain(leg, gain_db); });
}
void MediaPlane::set_personal_gain(LegId listener, LegId talker, std::optional<float> gain_db, bool mute) {
  const auto gain = mute ? std::optional(pipelines::RoomPipeline::kMute) : gain_db;
  on_mix(listener, [=](pipelines::RoomPipeline& room) { room.set_personal_gain(listener, talker, gain); });
}
void MediaPlane::set_audience(LegId talker, const std::vector<LegId>& listeners, float duck_db) {
  on_mix(talker, [=](pipelines::RoomPipeline& room) { room.set_audience(talker, listeners, duck_db); });
}
void MediaPlane::set_group(LegId leg, std::uint32_t group) {
  on_mix(leg, [=](pipelines::RoomPipeline& room) { room.set_group(leg, group); });
}

Status MediaPlane::set_carrier(LegId leg, Carrier carrier) {
  const auto found = placed_.find(leg);
  if (found == placed_.end() || !found->second.encrypted)
    return Error{"plain RTP goes by UDP and by nothing else", 409};
  if (!legs_->post_carrier(leg, carrier)) return Error{"the server is overloaded: try again", 503};
  return Done{};
}

LegId MediaPlane::add_tap(RoomId room, std::shared_ptr<pipelines::MixConsumer> consumer) {
  const auto place = rooms_.find(room);
  if (place == rooms_.end()) return LegId::none;
  const LegId tap{++last_leg_};
  const bool posted = mixers_[place->second.thread]->post(
      [room, tap, consumer = std::move(consumer)](MixThread& mixer) { mixer.add_tap(room, tap, consumer); });
  if (!posted) return LegId::none;
  place->second.taps.insert(tap);
  taps_[tap] = room;
  return tap;
}

void MediaPlane::remove_tap(LegId tap) {
  on_tap(tap, [tap](MixThread& mixer) { mixer.remove_leg(tap); });
  const auto found = taps_.find(tap);
  if (found == taps_.end()) return;
  if (const auto room = rooms_.find(found->second); room != rooms_.end()) room->second.taps.erase(tap);
  taps_.erase(found);
}

void MediaPlane::set_tap_hears(LegId tap, LegId talker, bool hears) {
  on_tap(tap, [=](MixThread& mixer) {
    auto* room = mixer.room_of(tap);
    if (room == nullptr) return;
    room->set_personal_gain(tap, talker,
                            hears ? std::nullopt : std::optional(pipelines::RoomPipeline::kMute));
  });
}

void MediaPlane::on_tap(LegId tap, std::function<void(MixThread&)> command) {
  const auto found = taps_.find(tap);
  if (found == taps_.end()) return;
  if (const auto room = rooms_.find(found->second); room != rooms_.end())
    mixers_[room->second.thread]->post(std::move(command));
}

void MediaPlane::set_downlink_loss(LegId leg, double fraction) {
  const auto found = placed_.find(leg);
  if (found == placed_.end() || std::abs(found->second.downlink_loss - fraction) < 0.002) return;
  found->second.downlink_loss = fraction;
  on_mix(leg, [=](pipelines::RoomPipeline& room) { room.set_downlink_loss(leg, fraction); });
}

Result<std::string> MediaPlane::patch_leg(LegId leg, const std::string& sdp_fragment) {
  const auto found = placed_.find(leg);
  if (found == placed_.end() || !found->second.encrypted) return Error{"this leg has no ICE session", 409};
  const auto fragment = sdp::parse_fragment(sdp_fragment);
  if (!fragment) return fragment.error();
  // Candidates alone, or with the credentials in use (RFC 8840 section 4.4): a lite agent learns the peer's
  // addresses from its checks.
  auto& placed = found->second;
  const bool same = fragment->ufrag == placed.remote_ufrag && fragment->pwd == placed.remote_pwd;
  if (fragment->ufrag.empty() || same) return std::string{};
  const auto credentials = ice::Credentials::random();
  if (!legs_->post_ice_restart(leg, credentials.ufrag, credentials.pwd, fragment->ufrag, fragment->pwd))
    return Error{"the server is overloaded: try again", 503};
  placed.remote_ufrag = fragment->ufrag;
  placed.remote_pwd = fragment->pwd;
  return sdp::write_answer_fragment(*fragment, credentials.ufrag, credentials.pwd, candidates(""));
}

void MediaPlane::graph(RoomId room, std::function<void(Result<std::string>)> answer) {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) {
    answer(Error{"the room has no media", 404});
    return;
  }
  const bool posted = mixers_[found->second.thread]->post([this, room, answer](MixThread& mixer) {
    auto* pipeline = mixer.room(room);
    auto text =
        pipeline != nullptr ? Result<std::string>(pipeline->dot()) : Error{"the room has no media", 404};
    post_([answer, text] { answer(text); });
  });
  if (!posted) answer(Error{"the server is overloaded: try again", 503});
}

void MediaPlane::quality(RoomId room, std::function<void(std::vector<LegReport>)> answer) {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) {
    answer({});
    return;
  }
  const std::vector<LegId> legs(found->second.legs.begin(), found->second.legs.end());
  const bool posted = mixers_[found->second.thread]->post([this, room, legs, answer](MixThread& mixer) {
    std::vector<LegReport> reports;
    if (auto* pipeline = mixer.room(room)) {
      for (const LegId leg : legs)
        if (auto stats = pipeline->leg_stats(leg)) reports.emplace_back(leg, *stats);
    }
    post_([answer, reports = std::move(reports)]() mutable { answer(std::move(reports)); });
  });
  if (!posted) answer({});
}

void MediaPlane::receivers(RoomId room, std::function<void(const std::vector<ReceiverReport>&)> answer) {
  const auto reports = std::make_shared<std::vector<ReceiverReport>>();
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return answer(*reports);
  for (const LegId leg : found->second.legs) reports->emplace_back(leg, media::ReceiverStats{});
  const bool posted = mixers_[found->second.thread]->post([this, room, reports, answer](MixThread& mixer) {
    const auto* pipeline = mixer.room(room);
    std::erase_if(*reports, [pipeline](ReceiverReport& report) {
      const auto stats = pipeline != nullptr ? pipeline->leg_stats(report.first) : std::nullopt;
      if (stats) report.second = stats->receiver;
      return !stats.has_value();
    });
    post_([reports, answer] { answer(*reports); });
  });
  if (!posted) answer({});
}

std::vector<MixThreadStats> MediaPlane::mix_stats() const {
  std::vector<MixThreadStats> out;
  for (const auto& mixer : mixers_) out.push_back(mixer->stats());
  return out;
}

bool MediaPlane::joins_refused() const {
  return std::any_of(mixers_.begin(), mixers_.end(), [](const auto& mixer) {
    return mixer->stats().rooms.overload_step >= media::OverloadLadder::kTop;
  });
}

void MediaPlane::on_connected(LegId leg, const Address& remote) noexcept {
  MediaEvent event;
  event.kind = MediaEvent::Kind::connected;
  event.leg = leg;
  event.remote = remote;
  inbox_.post(event);
}

void MediaPlane::on_media(LegId leg, std::uint32_t route, const MediaPacket& packet) noexcept {
  if (route < mixers_.size()) mixers_[route]->push(leg, packet);
  recorder_.push_packet(leg, packet);
}

void MediaPlane::on_end(LegId leg, LegEnd end) noexcept {
  MediaEvent event;
  event.kind = MediaEvent::Kind::ended;
  event.leg = leg;
  event.end = end;
  inbox_.post(event);
}

void MediaPlane::on_rebound(LegId leg, const Address& remote) noexcept {
  MediaEvent event;
  event.kind = MediaEvent::Kind::rebound;
  event.leg = leg;
  event.remote = remote;
  inbox_.post(event);
}

void MediaPlane::on_carried(LegId leg, Bytes packet) noexcept {
  if (!packets_.push({leg, now(), packet.size()}, packet)) {
    packets_dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (!packets_pending_.exchange(true, std::memory_order_acq_rel)) post_([this] { deliver_packets(); });
}

void MediaPlane::deliver_packets() {
  packets_pending_.store(false, std::memory_order_release);
  std::array<std::uint8_t, kMaxCarriedPacket> packet;
  PacketHeader header;
  while (packets_.peek(header)) {
    packets_.pop(header, packet.data());
    if (packet_) packet_(header.leg, header.made, Bytes(packet.data(), header.size));
  }
}

void MediaPlane::on_traffic(LegId leg, std::uint32_t /*route*/, const LegTraffic& traffic) noexcept {
  MediaEvent event;
  event.kind = MediaEvent::Kind::traffic;
  event.leg = leg;
  event.traffic = traffic;
  inbox_.post(event);
}

}  // namespace parley::app
