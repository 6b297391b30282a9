// The rooms' EventSink: serialises each event once and hands it to the WebSocket connections it is meant for.
// Constructed before the rooms (they publish here) and before the server (whose connections register here).
//
// Threads: ctl.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "mcu/room/events.hpp"
#include "transport/base/bytes.hpp"
#include "transport/base/ids.hpp"
#include "transport/base/time.hpp"

namespace parley::signaling {

// One connection as the hub sees it. Text is shared by all receivers of an event.
class EventReceiver {
 public:
  virtual ~EventReceiver() = default;
  virtual void send(std::shared_ptr<const std::string> text) = 0;
  // Sends what is queued, this text last, then closes.
  virtual void send_and_close(std::shared_ptr<const std::string> text) = 0;
  // A packet of media, made at `made`; dropped when it cannot leave soon.
  virtual void send_packet(TimePoint made, Bytes packet) = 0;
};

class EventHub final : public room::EventSink {
 public:
  room::ConnectionId add(std::weak_ptr<EventReceiver> receiver);
  void remove(room::ConnectionId connection);
  std::size_t size() const { return receivers_.size(); }

  void publish(std::span<const room::ConnectionId> to, const room::Event& event) override;

  // Media of legs that a connection carries.
  void carry(LegId leg, room::ConnectionId connection) { carriers_[leg] = connection; }
  void stop_carrying(LegId leg) { carriers_.erase(leg); }
  void deliver(LegId leg, TimePoint made, Bytes packet);

 private:
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, std::weak_ptr<EventReceiver>> receivers_;
  std::unordered_map<LegId, room::ConnectionId> carriers_;
};

}  // namespace parley::signaling
