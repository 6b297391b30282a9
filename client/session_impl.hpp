// The inside of a session: a state machine on the network thread that owns the signalling channel and the
// media link. Private to client/session*.cpp.
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>

#include "client/backoff.hpp"
#include "client/carrier_choice.hpp"
#include "client/direct_path.hpp"
#include "client/downlink.hpp"
#include "client/media_link.hpp"
#include "client/net_thread.hpp"
#include "client/recent_packets.hpp"
#include "client/roster.hpp"
#include "client/session.hpp"
#include "client/signal_channel.hpp"
#include "client/suspend_watch.hpp"
#include "client/talk_watch.hpp"
#include "client/uplink.hpp"
#include "client/uplink_policy.hpp"
#include "transport/ice/credentials.hpp"
#include "transport/sdp/negotiate.hpp"

namespace parley::client {

class Session::Impl : public std::enable_shared_from_this<Session::Impl> {
 public:
  Impl(NetThread& net, SessionConfig config, SessionEvents& events);

  // Any thread.
  void start();
  void leave();
  void abandon();  // returns when the network thread has let go
  void request(protocol::Request request);
  void set_direction(bool sends, bool receives);
  void set_muted(bool muted);
  SessionState state() const { return state_.load(std::memory_order_acquire); }
  SessionStats stats() const;
  std::string participant_id() const;
  std::string resume_token() const;
  std::optional<Address> media_address() const;
  std::vector<protocol::Participant> roster() const { return roster_.list(); }

  // The capture thread's and the playout thread's.
  void push_audio(TimePoint at, std::span<const float> pcm);
  void pull_audio(TimePoint at, std::span<float> out);

 private:
  // What follows runs on the network thread.

  // Life (session.cpp)
  void connect();
  void channel_closed(bool opened, const Error& why);
  void leave_now();
  // Ends the session, or tries to come back if it had been in the room.
  void lose(SessionEnd why);
  void try_again();
  void end(SessionEnd end);
  void release();  // sockets and timers
  void enter(SessionState state);
  void open_gate();  // lets audio out if all conditions hold
  void send(protocol::Request body);
  void deadline(Duration in, std::function<void()> then);
  void drain_uplink();
  void publish_traffic();
  void publish_later();

  // Media (session_media.cpp)
  void send_offer();
  Status open_media();
  Status write_offer();
  Result<sdp::NegotiatedLeg> read_answer(const std::string& text) const;
  LegConfig leg_config(const sdp::NegotiatedLeg& answer) const;
  void take_joined(const protocol::Joined& joined);
  void take_media(const sdp::NegotiatedLeg& answer);
  void restore_choices();
  void media_connected();
  void media_arrived(const MediaPacket& packet);
  void media_ended(LegEnd end);

  // What carries it (session_carrier.cpp)
  void begin_carrier();
  void step_carrier();
  void choose_carrier();
  bool channel_is_private() const;
  void carrier_granted();
  void carrier_refused(std::string_view code, std::string_view message);
  void use_carrier(Carrier carrier);

  // The direct path (session_direct.cpp)
  bool can_go_direct() const;
  bool may_probe_by_chance() const;
  std::vector<std::string> own_candidates() const;
  void add_candidate(const std::string& text);
  void take(const protocol::DirectStart& event);
  void take(const protocol::DirectPeer& event);
  void take(const protocol::DirectAddress& event);
  void take(const protocol::DirectPeerState& event);
  void take(const protocol::DirectStop& event);
  void step_direct_later();
  void learn_mapping();
  void probe_ports();
  void direct_media(const MediaPacket& packet);
  void show_talking(const std::string& who, const TalkWatch& watch, std::uint8_t level);
  void step_talking();
  void watch_direct_loss();
  void settle_direct();
  void drop_direct();

  // Messages (session_messages.cpp)
  void take_text(std::string_view text);
  void take(const protocol::Joined& joined);
  void take(const protocol::Ok&);
  void take(const protocol::Ice&) {}
  void take(const protocol::Pong&) {}
  void take(const protocol::ParticipantJoined& event);
  void take(const protocol::ParticipantUpdated& event);
  void take(const protocol::ParticipantLeft& event);
  void take(const protocol::Talking& event);
  void take(const protocol::Levels& event);
  void take(const protocol::RoomUpdated& event);
  void take(const protocol::Chat& event);
  void take(const protocol::GainAdvice& event);
  void take(const protocol::Uplink& event);
  void take(const protocol::DelayAlarm&) {}  // for operators
  void take(const protocol::RecordingTrouble& event);
  void take(const protocol::StreamChanged& event);
  void take(const protocol::Playback& event);
  void take(const protocol::Closed& event);
  void take_failure(std::optional<protocol::RequestId> id, const protocol::Failure& failure);

  template <typename Call>
  void tell(Call&& call) {
    if (events_ != nullptr) call(*events_);
  }
  double ms_since_start() const { return to_ms(now() - started_at_); }

  NetThread& net_;
  const SessionConfig config_;
  SessionEvents* events_;  // none: nobody is told any more

  // The network thread's.
  std::unique_ptr<SignalChannel> channel_;
  std::unique_ptr<MediaLink> media_;
  std::unique_ptr<MediaLink> next_media_;  // offered, while media_ may still carry the call
  UplinkPolicy policy_;
  ice::Credentials credentials_;
  std::uint32_t local_ssrc_ = 0;
  std::string cname_, offer_;
  protocol::RequestId next_id_ = 1;
  protocol::RequestId join_id_ = 0, leave_id_ = 0;
  boost::asio::steady_timer deadline_, publish_timer_, retry_timer_;
  Backoff backoff_;
  SuspendWatch suspend_watch_;
  std::string resume_;                // the token that makes us the same participant; written under mutex_
  std::optional<TimePoint> lost_at_;  // reconnecting since then
  SessionEnd lost_why_;
  TimePoint started_at_{};
  bool sends_, receives_, muted_ = false;
  bool heard_ = false;  // a packet has come
  CarrierChoice carrier_choice_;
  Carrier carrier_ = Carrier::udp;        // of media_
  std::optional<Carrier> carrier_asked_;  // the server has not answered yet
  protocol::RequestId carrier_id_ = 0;
  std::string carrier_refusal_;
  bool carrier_open_ = false;  // the channel has joined with media_
  boost::asio::steady_timer carrier_timer_;
  DirectPath direct_;
  std::string direct_call_, direct_peer_;
  TalkWatch peer_talk_, own_talk_;
  bool direct_controlling_ = false;
  ice::Credentials direct_credentials_;
  std::vector<std::string> direct_addresses_;  // of the peer, as the server sees it
  std::vector<IpAddress> direct_named_;        // by the peer
  std::uint32_t direct_candidates_ = 0;        // taken so far
  bool direct_probing_ = true;                 // the server allows it
  ice::PortMapping peer_mapping_ = ice::PortMapping::unknown;
  bool mapping_told_ = false;
  std::vector<IpAddress> probed_;  // in this session, whichever direct call it was for
  boost::asio::steady_timer direct_timer_;
  RecentPackets unsent_;  // what only the peer was sent of late
  bool was_live_ = false;

  // Shared, each with its own rule.
  std::atomic<SessionState> state_{SessionState::idle};
  std::unique_ptr<Uplink> uplink_;  // none: the encoder could not be made
  Error encoder_error_;
  Downlink downlink_;
  std::atomic<bool> drain_posted_{false};
  std::atomic<bool> direct_live_{false};
  Roster roster_;
  mutable std::mutex mutex_;
  Carrier carrier_shown_ = Carrier::udp;                         // guarded by mutex_
  std::uint64_t packets_late_ = 0;                               // guarded by mutex_
  LegTraffic direct_traffic_;                                    // guarded by mutex_
  LegTraffic traffic_;                                           // guarded by mutex_
  std::optional<Address> media_address_;                         // guarded by mutex_
  std::string participant_id_;                                   // guarded by mutex_
  double join_ms_ = -1, connect_ms_ = -1, first_audio_ms_ = -1;  // guarded by mutex_
  int reconnects_ = 0;                                           // guarded by mutex_
};

}  // namespace parley::client
