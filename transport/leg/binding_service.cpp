#include "transport/leg/binding_service.hpp"

#include <utility>

namespace parley {

namespace {

constexpr std::size_t kOtherAddress = 12;  // of IPv4, with its header
constexpr std::size_t kMostAtOnce = 64;

}  // namespace

BindingService::BindingService(net::UdpSocket& first, std::unique_ptr<net::UdpSocket> second)
    : first_(first), second_(std::move(second)) {}

void BindingService::answer(const net::Datagram& datagram, const stun::StunMessage& request) {
  answer(first_, second_.get(), datagram, request);
}

void BindingService::serve_second() {
  if (!second_) return;
  second_->receive(
      [this](const net::Datagram& datagram) {
        const auto request = stun::StunMessage::parse(datagram.data);
        if (!request || !request->is_binding(stun::Class::request) || request->username()) {
          ++counts_.refused;
          return;
        }
        answer(*second_, &first_, datagram, *request);
      },
      kMostAtOnce);
}

void BindingService::flush() {
  if (second_) second_->flush();
}

void BindingService::answer(net::UdpSocket& socket, net::UdpSocket* other, const net::Datagram& datagram,
                            const stun::StunMessage& request) {
  const auto change = request.change_request();
  // From another IP address nothing can be sent (RFC 5780 section 7.2 has the request dropped or refused by
  // 420, which would be longer than what is asked with).
  const bool impossible = change && (change->ip || (change->port && other == nullptr));
  if (impossible || !limiter_.admit(datagram.from.ip, datagram.arrival)) {
    ++counts_.refused;
    return;
  }
  ++counts_.answered;
  stun::StunBuilder answer(stun::Class::success, request.transaction_id());
  answer.xor_mapped_address(datagram.from);  // no SOFTWARE: the shortest possible answer
  if (other != nullptr) {
    const Address alternate{datagram.to.value_or(other->local().ip), other->local().port};
    const std::size_t more = alternate.ip.is_v4() ? kOtherAddress : 2 * kOtherAddress;
    if ((answer.bytes().size() + more) * 10 <= datagram.data.size() * 16) answer.other_address(alternate);
  }
  net::UdpSocket& from = change && change->port ? *other : socket;
  from.queue(datagram.from, datagram.to, answer.bytes());
}

}  // namespace parley
