#include "transport/leg/leg_server.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <variant>

#include "transport/base/bounded_queue.hpp"
#include "transport/base/byte_ring.hpp"
#include "transport/base/check.hpp"
#include "transport/base/log.hpp"
#include "transport/base/thread_name.hpp"
#include "transport/leg/binding_service.hpp"
#include "transport/net/event_fd.hpp"
#include "transport/net/poller.hpp"
#include "transport/srtp/srtp_session.hpp"
#include "transport/stun/stun_message.hpp"

namespace parley {
namespace {

constexpr std::size_t kCommandQueue = 4096;
constexpr std::size_t kFrameQueue = 4096;
constexpr std::size_t kCarriedBytes = 256 * 1024;  // 40 ms of 1,000 legs
constexpr std::size_t kMaxAddresses = 8;           // of one leg, as many as its ICE agent validates
constexpr Duration kTimerStep = 5ms;
constexpr Duration kTrafficInterval = 1s;

struct AddLeg {
  LegConfig config;
};
struct RemoveLeg {
  LegId leg = LegId::none;
};
struct RestartIce {
  LegId leg = LegId::none;
  std::string local_ufrag, local_pwd, remote_ufrag, remote_pwd;
};
struct SetCarrier {
  LegId leg = LegId::none;
  Carrier carrier = Carrier::udp;
};
using Command = std::variant<std::monostate, AddLeg, RemoveLeg, RestartIce, SetCarrier>;

// In front of each packet of a stream connection, on its way from ctl.
struct CarriedHeader {
  LegId leg = LegId::none;
  TimePoint arrival{};
  std::size_t size = 0;
};

// A frame for many legs on its way from a mix thread; lives in the queue's cells, which keep their capacity.
struct Frame {
  std::array<std::uint8_t, MediaPacket::kMaxPayload> payload;
  std::array<CsrcLevel, 15> contributors;
  std::size_t size = 0;
  std::size_t contributor_count = 0;
  std::uint64_t media_time = 0;
  std::uint16_t holes_before = 0;
  bool marker = false;
  TimePoint made{};
  std::vector<LegId> legs;
};

struct SourceKey {  // a plain leg that may send from any port of its host
  IpAddress ip;
  std::uint32_t ssrc = 0;
  friend bool operator==(const SourceKey&, const SourceKey&) = default;
};
struct SourceKeyHash {
  std::size_t operator()(const SourceKey& key) const noexcept {
    return std::hash<Address>{}(Address{key.ip, 0}) ^ (std::size_t{key.ssrc} * 0x9e3779b97f4a7c15ULL);
  }
};

// The first SRTP session of a process loads the cipher library (40 ms), and so does each one that is made
// while no other lives: one that is kept makes every join cheap.
std::unique_ptr<srtp::Session> warm_cipher() {
  static constexpr std::array<std::uint8_t, srtp::kKeyLength> kKey{};
  static constexpr std::array<std::uint8_t, srtp::salt_length(srtp::Profile::aead_aes_128_gcm)> kSalt{};
  srtp::SrtpKeys keys;
  keys.local.assign(kKey, kSalt);
  keys.remote.assign(kKey, kSalt);
  auto session = srtp::Session::create(keys);
  return session ? std::move(session).value() : nullptr;
}

void add(LegTraffic& sum, const LegTraffic& part) {
  sum.packets_in += part.packets_in;
  sum.packets_out += part.packets_out;
  sum.bytes_in += part.bytes_in;
  sum.bytes_out += part.bytes_out;
  sum.lost_in += part.lost_in;
  sum.lost_out += part.lost_out;
  sum.refused += part.refused;
}

}  // namespace

class LegServer::Impl final : public LegOutput {
 public:
  Impl(std::unique_ptr<net::UdpSocket> socket, std::unique_ptr<net::UdpSocket> second,
       const dtls::Identity& identity, LegServerEvents& events)
      : socket_(std::move(socket)),
        bindings_(*socket_, std::move(second)),
        identity_(identity),
        events_(events),
        commands_(kCommandQueue),
        frames_(kFrameQueue),
        carried_(kCarriedBytes) {}

  Address local() const { return socket_->local(); }
  void run();
  void stop() {
    stopping_.store(true);
    wake_.signal();
  }
  bool post(Command command) {
    if (!commands_.push(std::move(command))) {
      commands_refused_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    wake_.signal();
    return true;
  }
  bool post_carried(LegId leg, TimePoint arrival, Bytes packet);
  bool post_frame(const RtpOut& out, std::span<const LegId> legs);
  // Most ticks of a quiet room post nothing.
  void wake() {
    if (frames_posted_.exchange(false, std::memory_order_acq_rel)) notify();
  }
  LegServerStats stats() const;

  // LegOutput, called by the legs.
  void send(const Address& to, const std::optional<IpAddress>& from, Bytes datagram) override {
    socket_->queue(to, from, datagram);
  }
  void send_carried(LegId leg, Bytes packet) override { events_.on_carried(leg, packet); }
  void on_connected(LegId leg) override;
  void on_media(LegId leg, const MediaPacket& packet) override;
  void on_end(LegId leg, LegEnd end) override { ended_.push_back({leg, end}); }

 private:
  struct Entry {
    std::unique_ptr<Leg> leg;
    std::uint32_t route = 0;
    std::vector<std::string> ufrags;
    std::vector<Address> mapped;  // what by_address_ holds for this leg, newest last
    std::optional<SourceKey> source;
    std::optional<Address> remote;  // where its media went last
    TimePoint due{};
    TimePoint next_traffic{};
  };

  void notify() {
    if (frames_waiting_.exchange(true, std::memory_order_acq_rel)) return;
    wake_.signal();
  }
  void execute(Command& command, TimePoint at);
  void add_leg(AddLeg command, TimePoint at);
  void remove(LegId leg, TimePoint at, bool say_goodbye);
  void restart(RestartIce command);
  void set_carrier(const SetCarrier& command, TimePoint at);
  void take_carried(TimePoint at);
  void receive(const net::Datagram& datagram);
  void receive_stun(const net::Datagram& datagram);
  Entry* find_plain(const net::Datagram& datagram);
  void deliver(Entry& entry, const net::Datagram& datagram);
  void map_address(Entry& entry, const Address& address);
  void send_frames(TimePoint at);
  void make_due(Entry& entry, TimePoint at);
  void run_timers(TimePoint at);
  void reap(TimePoint at);
  void publish(TimePoint at);

  std::unique_ptr<net::UdpSocket> socket_;
  BindingService bindings_;
  std::unique_ptr<srtp::Session> warm_ = warm_cipher();
  const dtls::Identity& identity_;
  LegServerEvents& events_;
  BoundedQueue<Command> commands_;
  BoundedQueue<Frame> frames_;
  ByteRing<CarriedHeader> carried_;
  net::EventFd wake_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> frames_posted_{false};  // since the last wake()
  std::atomic<bool> frames_waiting_{false};
  std::atomic<std::uint64_t> commands_refused_{0};
  std::atomic<std::uint64_t> frames_dropped_{0};
  std::atomic<std::uint64_t> carried_dropped_{0};

  // net-0's own.
  ThreadOwner owner_;
  std::unordered_map<LegId, Entry> legs_;
  std::unordered_map<Address, LegId> by_address_;
  std::unordered_map<std::string, LegId> by_ufrag_;
  std::unordered_map<SourceKey, LegId, SourceKeyHash> by_source_;
  std::vector<std::pair<LegId, LegEnd>> ended_;
  TimePoint next_timers_{}, last_timers_{};
  LegTraffic dead_traffic_;  // of legs that are gone
  LegServerStats local_;
  RateLimitedLog unknown_log_{"datagrams from addresses that belong to no leg"};
  RateLimitedLog stun_log_{"STUN refused"};

  mutable std::mutex published_lock_;  // held to copy only
  LegServerStats published_;
  TimePoint next_publish_{};
};

void LegServer::Impl::run() {
  owner_.check();
  net::Poller poller;
  poller.add(socket_->fd());
  poller.add(wake_.fd());
  if (bindings_.second_fd() >= 0) poller.add(bindings_.second_fd());
  while (!stopping_.load(std::memory_order_relaxed)) {
    // Where nobody speaks the thread sleeps until the first timer.
    poller.wait(std::min(next_timers_, next_publish_) - now());
    wake_.drain();
    frames_waiting_.store(false, std::memory_order_release);
    const TimePoint at = now();
    Command command;
    while (commands_.pop(command)) execute(command, at);
    take_carried(at);
    while (socket_->receive([this](const net::Datagram& datagram) { receive(datagram); }) > 0) {
      send_frames(now());  // a flood of datagrams must not hold the mix back
      if (stopping_.load(std::memory_order_relaxed)) break;
    }
    send_frames(now());
    bindings_.serve_second();
    if (now() >= next_timers_) run_timers(now());
    reap(now());
    socket_->flush();
    bindings_.flush();
    if (now() >= next_publish_) publish(now());
  }
  const TimePoint at = now();
  for (auto& [id, entry] : legs_) entry.leg->close(at);
  socket_->flush();
  publish(at);
}

bool LegServer::Impl::post_carried(LegId leg, TimePoint arrival, Bytes packet) {
  if (packet.size() > kMaxCarriedPacket || !carried_.push({leg, arrival, packet.size()}, packet)) {
    carried_dropped_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  notify();
  return true;
}

void LegServer::Impl::take_carried(TimePoint at) {
  std::array<std::uint8_t, kMaxCarriedPacket> packet;
  CarriedHeader header;
  while (carried_.peek(header)) {
    carried_.pop(header, packet.data());
    const auto found = legs_.find(header.leg);
    if (found == legs_.end()) continue;
    Entry& entry = found->second;
    entry.leg->receive_carried(std::min(header.arrival, at), Bytes(packet.data(), header.size));
    make_due(entry, entry.leg->next_timeout());
  }
}

bool LegServer::Impl::post_frame(const RtpOut& out, std::span<const LegId> legs) {
  if (out.payload.size() > MediaPacket::kMaxPayload || legs.empty()) return false;
  const bool pushed = frames_.push_with([&](Frame& frame) {
    std::copy(out.payload.begin(), out.payload.end(), frame.payload.begin());
    frame.size = out.payload.size();
    frame.contributor_count = std::min(out.contributors.size(), frame.contributors.size());
    std::copy_n(out.contributors.begin(), frame.contributor_count, frame.contributors.begin());
    frame.media_time = out.media_time;
    frame.holes_before = out.holes_before;
    frame.marker = out.marker;
    frame.made = now();
    frame.legs.assign(legs.begin(), legs.end());
  });
  if (!pushed) frames_dropped_.fetch_add(1, std::memory_order_relaxed);
  if (pushed) frames_posted_.store(true, std::memory_order_release);
  return pushed;
}

void LegServer::Impl::send_frames(TimePoint at) {
  while (frames_.pop_with([&](Frame& frame) {
    RtpOut out;
    out.payload = {frame.payload.data(), frame.size};
    out.media_time = frame.media_time;
    out.holes_before = frame.holes_before;
    out.marker = frame.marker;
    out.contributors = {frame.contributors.data(), frame.contributor_count};
    for (const LegId id : frame.legs) {
      const auto found = legs_.find(id);
      if (found != legs_.end()) found->second.leg->send_rtp(at, out);
    }
    socket_->flush();
    const auto wait = (now() - frame.made) / 1ms;
    ++local_.send_wait[static_cast<std::size_t>(std::clamp<std::int64_t>(wait, 0, 127))];
  })) {
  }
}

void LegServer::Impl::execute(Command& command, TimePoint at) {
  if (auto* added = std::get_if<AddLeg>(&command)) {
    add_leg(std::move(*added), at);
  } else if (auto* removed = std::get_if<RemoveLeg>(&command)) {
    remove(removed->leg, at, true);
  } else if (auto* restarted = std::get_if<RestartIce>(&command)) {
    restart(std::move(*restarted));
  } else if (const auto* moved = std::get_if<SetCarrier>(&command)) {
    set_carrier(*moved, at);
  }
}

void LegServer::Impl::add_leg(AddLeg command, TimePoint at) {
  const LegId id = command.config.id;
  Entry entry;
  entry.route = command.config.route;
  entry.due = at;
  entry.next_traffic = at + kTrafficInterval;
  if (command.config.encrypted) {
    entry.ufrags.push_back(command.config.local_ufrag);
    by_ufrag_[command.config.local_ufrag] = id;
  } else if (command.config.remote_ssrc) {
    entry.source = SourceKey{command.config.remote->ip, *command.config.remote_ssrc};
    by_source_[*entry.source] = id;
  }
  const auto plain_remote = command.config.encrypted ? std::nullopt : command.config.remote;
  entry.leg = std::make_unique<Leg>(std::move(command.config), &identity_, *this, at);
  Entry& stored = legs_.insert_or_assign(id, std::move(entry)).first->second;
  make_due(stored, at);
  if (plain_remote && !by_address_.contains(*plain_remote)) map_address(stored, *plain_remote);
}

void LegServer::Impl::remove(LegId leg, TimePoint at, bool say_goodbye) {
  const auto found = legs_.find(leg);
  if (found == legs_.end()) return;
  Entry& entry = found->second;
  if (say_goodbye) entry.leg->close(at);
  add(dead_traffic_, entry.leg->traffic());
  for (const auto& ufrag : entry.ufrags) by_ufrag_.erase(ufrag);
  for (const auto& address : entry.mapped) by_address_.erase(address);
  if (entry.source) by_source_.erase(*entry.source);
  legs_.erase(found);
}

void LegServer::Impl::restart(RestartIce command) {
  const auto found = legs_.find(command.leg);
  if (found == legs_.end()) return;
  // The credentials before the last restart are dropped: at most two of a leg are valid at any time.
  auto& ufrags = found->second.ufrags;
  if (ufrags.size() == 2) {
    by_ufrag_.erase(ufrags.front());
    ufrags.erase(ufrags.begin());
  }
  ufrags.push_back(command.local_ufrag);
  by_ufrag_[command.local_ufrag] = command.leg;
  found->second.leg->restart_ice(now(), std::move(command.local_ufrag), std::move(command.local_pwd),
                                 std::move(command.remote_ufrag), std::move(command.remote_pwd));
}

void LegServer::Impl::set_carrier(const SetCarrier& command, TimePoint at) {
  const auto found = legs_.find(command.leg);
  if (found == legs_.end()) return;
  found->second.leg->set_carrier(at, command.carrier);
  make_due(found->second, at);
}

void LegServer::Impl::receive(const net::Datagram& datagram) {
  switch (net::classify(datagram.data)) {
    case net::PacketKind::stun:
      receive_stun(datagram);
      return;
    case net::PacketKind::unknown:
      ++local_.unknown_kind;
      return;
    case net::PacketKind::dtls:
    case net::PacketKind::rtp_or_rtcp:
      break;
  }
  // A leg is known by the address that an authenticated check (or its plain RTP offer) gave it: nothing is
  // parsed, let alone decrypted, for anybody else.
  // Several plain legs may share an address and differ by SSRC, so that is looked at first.
  if (Entry* plain = find_plain(datagram)) {
    deliver(*plain, datagram);
  } else if (const auto found = by_address_.find(datagram.from); found != by_address_.end()) {
    deliver(legs_.at(found->second), datagram);
  } else {
    ++local_.unknown_source;
    unknown_log_.hit(datagram.arrival, datagram.from.to_string());
  }
}

LegServer::Impl::Entry* LegServer::Impl::find_plain(const net::Datagram& datagram) {
  if (by_source_.empty() || datagram.data.size() < 12) return nullptr;
  ByteReader reader(datagram.data);
  // RTCP carries its sender's SSRC in bytes 4 to 7, RTP in 8 to 11.
  reader.take(net::is_rtcp(datagram.data) ? 4 : 8);
  const auto found = by_source_.find(SourceKey{datagram.from.ip, reader.u32()});
  return found == by_source_.end() ? nullptr : &legs_.at(found->second);
}

void LegServer::Impl::receive_stun(const net::Datagram& datagram) {
  const auto message = stun::StunMessage::parse(datagram.data);
  if (!message) {
    ++local_.stun_refused;
    return;
  }
  const auto username = message->username();
  if (message->is_binding(stun::Class::request) && !username) {
    bindings_.answer(datagram, *message);
    return;
  }
  Entry* entry = nullptr;
  if (message->is_binding(stun::Class::request)) {
    const auto colon = username->find(':');
    const auto found = by_ufrag_.find(std::string(username->substr(0, colon)));
    if (found != by_ufrag_.end()) entry = &legs_.at(found->second);
  } else if (const auto found = by_address_.find(datagram.from); found != by_address_.end()) {
    entry = &legs_.at(found->second);
  }
  if (entry == nullptr) {
    ++local_.stun_refused;
    stun_log_.hit(datagram.arrival, datagram.from.to_string());
    return;
  }
  deliver(*entry, datagram);
}

void LegServer::Impl::deliver(Entry& entry, const net::Datagram& datagram) {
  const bool ours = entry.leg->receive(datagram.arrival, datagram.from, datagram.to, datagram.data);
  if (ours) {
    map_address(entry, datagram.from);
    if (const auto remote = entry.leg->remote(); remote != entry.remote) {
      if (entry.remote) {
        ++local_.rebinds;
        if (remote) events_.on_rebound(entry.leg->config().id, *remote);
      }
      entry.remote = remote;
    }
  }
  make_due(entry, entry.leg->next_timeout());
}

void LegServer::Impl::map_address(Entry& entry, const Address& address) {
  const LegId self = entry.leg->config().id;
  const auto holder = by_address_.find(address);
  if (holder != by_address_.end()) {
    if (holder->second == self) return;
    // Never take over an address that another live leg uses; one that it has left is free.
    Entry& other = legs_.at(holder->second);
    if (other.leg->remote() == address) return;
    std::erase(other.mapped, address);
  }
  if (entry.mapped.size() == kMaxAddresses) {
    by_address_.erase(entry.mapped.front());
    entry.mapped.erase(entry.mapped.begin());
  }
  by_address_[address] = self;
  entry.mapped.push_back(address);
}

// Timers of many legs are looked at together, at most every kTimerStep.
void LegServer::Impl::make_due(Entry& entry, TimePoint at) {
  entry.due = std::min(entry.due, at);
  next_timers_ = std::min(next_timers_, std::max(entry.due, last_timers_ + kTimerStep));
}

void LegServer::Impl::run_timers(TimePoint at) {
  last_timers_ = at;
  TimePoint next = at + kTrafficInterval;
  for (auto& [id, entry] : legs_) {
    if (at >= entry.due) {
      entry.leg->on_timer(at);
      entry.due = entry.leg->next_timeout();
    }
    if (at >= entry.next_traffic) {
      entry.next_traffic += kTrafficInterval;
      events_.on_traffic(id, entry.route, entry.leg->traffic());
    }
    next = std::min({next, entry.due, entry.next_traffic});
  }
  next_timers_ = std::max(next, at + kTimerStep);
}

void LegServer::Impl::on_connected(LegId leg) {
  const auto found = legs_.find(leg);
  if (found == legs_.end()) return;  // a plain leg connects inside its constructor: see add()
  events_.on_connected(leg, found->second.leg->remote().value_or(Address{}));
}

void LegServer::Impl::on_media(LegId leg, const MediaPacket& packet) {
  const auto found = legs_.find(leg);
  if (found != legs_.end()) events_.on_media(leg, found->second.route, packet);
}

void LegServer::Impl::reap(TimePoint at) {
  // A leg ends inside its own call; it is taken apart here, when nothing of it is on the stack.
  for (const auto& [leg, end] : ended_) {
    remove(leg, at, false);
    events_.on_end(leg, end);
  }
  ended_.clear();
}

void LegServer::Impl::publish(TimePoint at) {
  next_publish_ = at + kTrafficInterval;
  local_.socket = socket_->stats();
  local_.legs = legs_.size();
  local_.traffic = dead_traffic_;
  for (const auto& [id, entry] : legs_) add(local_.traffic, entry.leg->traffic());
  const std::lock_guard lock(published_lock_);
  published_ = local_;
  published_.stun_answered += bindings_.counts().answered;
  published_.stun_refused += bindings_.counts().refused;
}

LegServerStats LegServer::Impl::stats() const {
  LegServerStats copy;
  {
    const std::lock_guard lock(published_lock_);
    copy = published_;
  }
  copy.commands_refused = commands_refused_.load(std::memory_order_relaxed);
  copy.carried_dropped = carried_dropped_.load(std::memory_order_relaxed);
  copy.frames_dropped = frames_dropped_.load(std::memory_order_relaxed);
  return copy;
}

Result<std::unique_ptr<LegServer>> LegServer::open(const Address& listen, const dtls::Identity& identity,
                                                   LegServerEvents& events,
                                                   const std::optional<Address>& second_listen) {
  auto socket = net::UdpSocket::open(listen);
  if (!socket) return socket.error();
  std::unique_ptr<net::UdpSocket> second;
  if (second_listen) {
    auto opened = net::UdpSocket::open(*second_listen);
    if (!opened) return opened.error();
    second = std::move(opened).value();
  }
  return std::unique_ptr<LegServer>(
      new LegServer(std::make_unique<Impl>(std::move(socket).value(), std::move(second), identity, events)));
}

LegServer::LegServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LegServer::~LegServer() = default;

Address LegServer::local() const {
  return impl_->local();
}
void LegServer::run() {
  impl_->run();
}
void LegServer::stop() {
  impl_->stop();
}
bool LegServer::post_add(LegConfig config) {
  return impl_->post(AddLeg{std::move(config)});
}
bool LegServer::post_remove(LegId leg) {
  return impl_->post(RemoveLeg{leg});
}
bool LegServer::post_ice_restart(LegId leg, std::string local_ufrag, std::string local_pwd,
                                 std::string remote_ufrag, std::string remote_pwd) {
  return impl_->post(RestartIce{leg, std::move(local_ufrag), std::move(local_pwd), std::move(remote_ufrag),
                                std::move(remote_pwd)});
}
bool LegServer::post_carrier(LegId leg, Carrier carrier) {
  return impl_->post(SetCarrier{leg, carrier});
}
bool LegServer::post_carried(LegId leg, TimePoint arrival, Bytes packet) {
  return impl_->post_carried(leg, arrival, packet);
}
bool LegServer::post_frame(const RtpOut& frame, std::span<const LegId> legs) {
  return impl_->post_frame(frame, legs);
}
void LegServer::wake() {
  impl_->wake();
}
LegServerStats LegServer::stats() const {
  return impl_->stats();
}

}  // namespace parley
