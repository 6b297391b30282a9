#include "client/mapping_probe.hpp"

namespace parley::client {

void write_binding_request(stun::StunBuilder& request) {
  request.software("parley probe").fingerprint();
}

void MappingProbe::on_timer(TimePoint at) {
  if (done_ || at < due_) return;
  if (tries_ == kTries) {
    done_ = true;
    return;
  }
  if (tries_++ == 0) id_ = stun::random_transaction_id();
  due_ = at + kSpacing;
  stun::StunBuilder request(stun::Class::request, id_);
  write_binding_request(request);
  send_(asked_, request.bytes());
}

bool MappingProbe::take(const Address& from, const stun::StunMessage& message) {
  if (done_ || tries_ == 0 || from != asked_ || message.transaction_id() != id_) return false;
  if (!message.is_binding(stun::Class::success)) return false;
  const auto mapped = message.xor_mapped_address();
  const auto other = message.other_address();
  if (!mapped || (!mapped_ && !other)) {
    done_ = true;
    return true;
  }
  if (mapped_) {
    done_ = true;
    result_ = *mapped == *mapped_ ? ice::PortMapping::constant : ice::PortMapping::varying;
    return true;
  }
  mapped_ = mapped;
  // A server behind a NAT of its own does not know its public address: that is the one we speak to.
  asked_ = {server_.ip, other->port};
  tries_ = 0;
  due_ = {};
  return true;
}

}  // namespace parley::client
