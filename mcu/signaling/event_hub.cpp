#include "mcu/signaling/event_hub.hpp"

#include "mcu/signaling/wire.hpp"

namespace parley::signaling {

room::ConnectionId EventHub::add(std::weak_ptr<EventReceiver> receiver) {
  receivers_.emplace(++last_, std::move(receiver));
  return static_cast<room::ConnectionId>(last_);
}

void EventHub::remove(room::ConnectionId connection) {
  receivers_.erase(static_cast<std::uint64_t>(connection));
}

void EventHub::deliver(LegId leg, TimePoint made, Bytes packet) {
  const auto carrier = carriers_.find(leg);
  if (carrier == carriers_.end()) return;
  const auto found = receivers_.find(static_cast<std::uint64_t>(carrier->second));
  if (const auto receiver = found == receivers_.end() ? nullptr : found->second.lock())
    receiver->send_packet(made, packet);
  else
    carriers_.erase(carrier);
}

void EventHub::publish(std::span<const room::ConnectionId> to, const room::Event& event) {
  const auto text = std::make_shared<const std::string>(protocol::to_json({std::nullopt, to_wire(event)}));
  const bool last = std::holds_alternative<room::Closed>(event);
  for (const auto connection : to) {
    const auto found = receivers_.find(static_cast<std::uint64_t>(connection));
    const auto receiver = found == receivers_.end() ? nullptr : found->second.lock();
    if (!receiver) continue;
    if (last)
      receiver->send_and_close(text);
    else
      receiver->send(text);
  }
}

}  // namespace parley::signaling
