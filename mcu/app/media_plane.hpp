// The rooms' MediaPort, made of the net thread (legs) and the mix threads (pipelines): negotiates offers,
// gives each leg its place, carries the rooms' wishes to the mix threads.
//
// Threads: all methods on ctl, except what is said otherwise. Events come back through the handler, on ctl.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "mcu/app/event_inbox.hpp"
#include "mcu/app/mix_thread.hpp"
#include "mcu/recording/recorder.hpp"
#include "mcu/room/ports.hpp"
#include "mcu/settings/settings.hpp"
#include "transport/base/byte_ring.hpp"
#include "transport/dtls/identity.hpp"
#include "transport/leg/leg_server.hpp"
#include "transport/sdp/negotiate.hpp"

namespace parley::app {

class MediaPlane final : public room::MediaPort, private LegServerEvents {
 public:
  // Runs a function on ctl; called from any thread.
  using PostToCtl = std::function<void(std::function<void()>)>;
  using Handler = std::function<void(const MediaEvent&)>;

  // The error names the address that is in use or what else is missing.
  // `recorder` outlives the media plane.
  static Result<std::unique_ptr<MediaPlane>> open(const settings::Settings& settings,
                                                  recording::Recorder& recorder, PostToCtl post,
                                                  Handler handler);
  ~MediaPlane() override;
  MediaPlane(const MediaPlane&) = delete;
  MediaPlane& operator=(const MediaPlane&) = delete;

  Address local() const { return legs_->local(); }
  // Told on ctl, inside close_room() and remove_leg(): must not call the rooms.
  void on_room_closed(std::function<void(RoomId)> handler) { room_closed_ = std::move(handler); }
  void on_leg_removed(std::function<void(LegId, RoomId)> handler) { leg_removed_ = std::move(handler); }
  // Packets for legs that a stream connection carries, told on ctl; and packets that came by one.
  void on_packet(std::function<void(LegId, TimePoint, Bytes)> handler) { packet_ = std::move(handler); }
  void take_packet(LegId leg, TimePoint arrival, Bytes packet) { legs_->post_carried(leg, arrival, packet); }
  RoomId room_of(LegId leg) const;  // none: not a participant's

  // A talker of the server's own, who hears nothing: a player. `say` may be called from one thread,
  // whichever, as long as this lives; what comes after remove_voice() is dropped.
  struct VoiceOfRoom {
    LegId leg = LegId::none;
    std::function<void(const MediaPacket&)> say;
  };
  Result<VoiceOfRoom> add_voice(RoomId room);
  void remove_voice(LegId voice);
  // Keys that a SIGHUP may change: they count for rooms and legs made from now on.
  void reload(const settings::Settings& settings) { settings_ = settings; }

  // MediaPort
  void open_room(RoomId room, const room::RoomMediaOptions& options) override;
  void close_room(RoomId room) override;
  Result<room::LegAnswer> add_leg(RoomId room, const room::LegOffer& offer) override;
  void remove_leg(LegId leg, const std::string& reason) override;
  void set_direction(LegId leg, room::MediaDirection direction) override;
  void set_muted(LegId leg, bool muted) override;
  void set_gain(LegId leg, float gain_db) override;
  void set_personal_gain(LegId listener, LegId talker, std::optional<float> gain_db, bool mute) override;
  void set_audience(LegId talker, const std::vector<LegId>& listeners, float duck_db) override;
  void set_group(LegId leg, std::uint32_t group) override;
  Status set_carrier(LegId leg, Carrier carrier) override;
  Result<std::string> patch_leg(LegId leg, const std::string& sdp_fragment) override;

  // The full mix of a room for somebody inside the server (pipelines/mix_tap.hpp says what comes, and how).
  // `consumer` is held until its on_mix_end(): by remove_tap(), when the room's media is closed, or at once
  // when it has gone by then. LegId::none: the room has no media or the server is overloaded; on_mix_end() is
  // not called.
  LegId add_tap(RoomId room, std::shared_ptr<pipelines::MixConsumer> consumer);
  void remove_tap(LegId tap);
  // Leaves this talker out of what the tap hears, or takes it in again. Such a tap may cost an encode.
  void set_tap_hears(LegId tap, LegId talker, bool hears);

  // The receiver reports' loss steers the leg's profile.
  void set_downlink_loss(LegId leg, double fraction);

  // Answers arrive on ctl.
  using LegReport = std::pair<LegId, pipelines::LegStats>;
  void graph(RoomId room, std::function<void(Result<std::string>)> answer);
  void quality(RoomId room, std::function<void(std::vector<LegReport>)> answer);
  // The part of it that is asked for all the time, in a list that is made here: 2 kB for each leg fewer to
  // copy on the mix thread.
  using ReceiverReport = std::pair<LegId, media::ReceiverStats>;
  void receivers(RoomId room, std::function<void(const std::vector<ReceiverReport>&)> answer);

  LegServerStats leg_stats() const { return legs_->stats(); }
  std::vector<MixThreadStats> mix_stats() const;
  std::uint64_t events_dropped() const { return inbox_.dropped(); }
  std::uint64_t packets_out_dropped() const { return packets_dropped_.load(std::memory_order_relaxed); }
  // The overload ladder's last rung, on any mix thread.
  bool joins_refused() const;

 private:
  struct PlacedRoom {
    unsigned thread = 0;
    std::set<LegId> legs;
    std::set<LegId> taps;
  };
  struct PlacedLeg {
    RoomId room = RoomId::none;
    unsigned thread = 0;
    bool encrypted = false;
    std::string remote_ufrag, remote_pwd;  // of the ICE session at present
    Address plain;
    std::optional<std::uint32_t> plain_ssrc;
    double downlink_loss = 0;
  };

  MediaPlane(settings::Settings settings, recording::Recorder& recorder, PostToCtl post, Handler handler,
             std::unique_ptr<dtls::Identity> identity);
  Status start();

  // LegServerEvents, on net-0.
  void on_connected(LegId leg, const Address& remote) noexcept override;
  void on_media(LegId leg, std::uint32_t route, const MediaPacket& packet) noexcept override;
  void on_end(LegId leg, LegEnd end) noexcept override;
  void on_rebound(LegId leg, const Address& remote) noexcept override;
  void on_carried(LegId leg, Bytes packet) noexcept override;
  void on_traffic(LegId leg, std::uint32_t route, const LegTraffic& traffic) noexcept override;

  void deliver_packets();
  std::vector<Address> candidates(const std::string& remote_ip) const;
  Status check_plain(const sdp::NegotiatedLeg& leg, const std::string& remote_ip) const;
  LegConfig leg_config(LegId id, const sdp::NegotiatedLeg& leg, const sdp::LocalEndpoint& local,
                       unsigned thread) const;
  static pipelines::LegMedia leg_media(LegId id, const sdp::NegotiatedLeg& leg);
  unsigned least_loaded_thread() const;
  void on_tap(LegId tap, std::function<void(MixThread&)> command);
  void on_mix(LegId leg, std::function<void(pipelines::RoomPipeline&)> command);

  settings::Settings settings_;
  PostToCtl post_;
  Handler handler_;
  std::function<void(RoomId)> room_closed_;
  std::function<void(LegId, RoomId)> leg_removed_;
  std::unique_ptr<dtls::Identity> identity_;
  EventInbox inbox_;
  // From net-0 to ctl: packets for stream connections.
  struct PacketHeader {
    LegId leg = LegId::none;
    TimePoint made{};
    std::size_t size = 0;
  };
  ByteRing<PacketHeader> packets_;
  std::function<void(LegId, TimePoint, Bytes)> packet_;
  std::atomic<bool> packets_pending_{false};
  std::atomic<std::uint64_t> packets_dropped_{0};
  recording::Recorder& recorder_;
  std::unique_ptr<LegServer> legs_;
  std::vector<std::unique_ptr<MixThread>> mixers_;
  std::thread net_;

  std::uint32_t last_leg_ = 0;
  std::unordered_map<RoomId, PlacedRoom> rooms_;
  std::unordered_map<LegId, PlacedLeg> placed_;
  std::unordered_map<LegId, unsigned> voices_;  // and their threads
  std::unordered_map<LegId, RoomId> taps_;
};

}  // namespace parley::app
