#include "mcu/signaling/context.hpp"

namespace parley::signaling {

std::shared_ptr<ConnectionSlot> ConnectionSlot::take(const std::shared_ptr<Context>& context,
                                                     const Address& remote) {
  const auto& settings = context->settings;
  const auto own = context->by_address.find(room::subscriber_of(remote.ip));
  const bool address_full = !remote.ip.is_loopback() && own != context->by_address.end() &&
                            own->second >= settings.max_connections_per_address;
  if (address_full || context->stats.connections >= settings.max_connections) {
    ++context->stats.refused_connections;
    return nullptr;
  }
  return std::make_shared<ConnectionSlot>(context, remote);
}

ConnectionSlot::ConnectionSlot(std::shared_ptr<Context> context, const Address& remote)
    : context_(std::move(context)), remote_(remote) {
  ++context_->stats.connections;
  ++context_->stats.accepted;
  ++context_->by_address[room::subscriber_of(remote_.ip)];
}

ConnectionSlot::~ConnectionSlot() {
  --context_->stats.connections;
  const auto own = context_->by_address.find(room::subscriber_of(remote_.ip));
  if (--own->second == 0) context_->by_address.erase(own);
}

}  // namespace parley::signaling
