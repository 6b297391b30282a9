#include "mcu/app/media_plane.hpp"

#include <algorithm>
#include <cmath>

#include "pipelines/media/overload_ladder.hpp"
#include "transport/base/log.hpp"
#include "transport/base/thread_name.hpp"
#include "transport/base/thread_priority.hpp"

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
  auto legs = LegServer::open(settings_.media.listen, *identity_, *this, settings_.media.second_listen);
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
