// STUN from the network, as it comes and with cookie and length put right, so that the attributes are
// reached.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "transport/stun/stun_message.hpp"

namespace {

using namespace parley;

void require(bool condition) {
  if (!condition) std::abort();
}

void read_all(Bytes datagram) {
  const auto message = stun::StunMessage::parse(datagram);
  if (!message) return;
  if (const auto username = message->username()) require(username->size() <= stun::kMaxUsername);
  message->xor_mapped_address();
  message->priority();
  message->use_candidate();
  message->ice_controlled();
  message->ice_controlling();
  if (const auto error = message->error_code()) require(error->code >= 300 && error->code <= 699);
  static_cast<void>(message->change_request());
  static_cast<void>(message->other_address());
  require(message->unknown_required().size() <= stun::kMaxAttributes);
  if (message->verify_integrity("VOkJxbRl1RmTxUk/WvJxBt")) require(message->has_integrity());

  // An answer to whatever it was.
  stun::StunBuilder reply(stun::Class::error, message->transaction_id());
  reply.error_code(420).unknown_attributes(message->unknown_required()).integrity("key").fingerprint();
  const auto again = stun::StunMessage::parse(reply.bytes());
  require(again && again->verify_integrity("key") && again->error_code()->code == 420);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_all(Bytes(data, size));
  if (size < stun::kHeaderSize || size > stun::kMaxMessage) return 0;
  std::vector<std::uint8_t> repaired(data, data + size);
  repaired[0] = static_cast<std::uint8_t>(repaired[0] & 0x3f);
  ByteWriter header{std::span<std::uint8_t>(repaired).subspan(2, 6)};
  header.u16(static_cast<std::uint16_t>(size - stun::kHeaderSize));
  header.u32(stun::kMagicCookie);
  read_all(repaired);
  return 0;
}
