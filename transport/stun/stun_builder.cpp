#include <algorithm>

#include "transport/base/check.hpp"
#include "transport/stun/integrity.hpp"
#include "transport/stun/stun_message.hpp"

namespace parley::stun {
namespace {

constexpr std::size_t kLengthAt = 2;
constexpr std::size_t kMaxReason = 127;  // characters (RFC 8489 section 14.8)
constexpr std::uint8_t kFamilyV4 = 0x01;
constexpr std::uint8_t kFamilyV6 = 0x02;

std::uint16_t message_type(Class message_class, std::uint16_t method) {
  const unsigned c = static_cast<unsigned>(message_class);
  const unsigned m = method;
  return static_cast<std::uint16_t>((m & 0x000f) | ((m & 0x0070) << 1) | ((m & 0x0f80) << 2) |
                                    ((c & 1) << 4) | ((c & 2) << 7));
}

}  // namespace

StunBuilder::StunBuilder(Class message_class, const TransactionId& transaction_id, std::uint16_t method)
    : writer_(buffer_) {
  PARLEY_ASSERT(method < 0x1000);
  writer_.u16(message_type(message_class, method));
  writer_.u16(0);
  writer_.u32(kMagicCookie);
  writer_.bytes(transaction_id);
}

StunBuilder& StunBuilder::attribute(Attribute type, Bytes value) {
  PARLEY_ASSERT(!has_integrity_ && !has_fingerprint_);  // what comes behind them would not be covered
  append(type, value);
  return *this;
}

void StunBuilder::append(Attribute type, Bytes value) {
  if (value.size() > buffer_.size()) {  // also keeps the 16-bit length true
    failed_ = true;
    return;
  }
  writer_.u16(static_cast<std::uint16_t>(type));
  writer_.u16(static_cast<std::uint16_t>(value.size()));
  writer_.bytes(value);
  writer_.zeros((4 - value.size() % 4) % 4);
  set_length(writer_.size());
}

void StunBuilder::set_length(std::size_t message_size) {
  writer_.patch_u16(kLengthAt, static_cast<std::uint16_t>(message_size - kHeaderSize));
}

StunBuilder& StunBuilder::username(std::string_view username) {
  PARLEY_ASSERT(username.size() <= kMaxUsername);
  return attribute(Attribute::username, as_bytes(username));
}

StunBuilder& StunBuilder::xor_mapped_address(const Address& address) {
  std::array<std::uint8_t, 20> value{};
  ByteWriter writer(value);
  writer.u8(0);
  writer.u8(address.ip.is_v4() ? kFamilyV4 : kFamilyV6);
  writer.u16(static_cast<std::uint16_t>(address.port ^ (kMagicCookie >> 16)));
  if (address.ip.is_v4()) {
    writer.u32(address.ip.v4_value() ^ kMagicCookie);
  } else {
    // The mask is the magic cookie and the transaction id: bytes 4 to 19 of the header.
    for (std::size_t i = 0; i < 16; ++i) writer.u8(address.ip.bytes()[i] ^ buffer_[4 + i]);
  }
  return attribute(Attribute::xor_mapped_address, writer.written());
}

StunBuilder& StunBuilder::number(Attribute type, std::uint64_t value, std::size_t width) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < width; ++i)
    bytes[i] = static_cast<std::uint8_t>(value >> (8 * (width - 1 - i)));
  return attribute(type, Bytes(bytes.data(), width));
}

StunBuilder& StunBuilder::other_address(const Address& address) {
  std::array<std::uint8_t, 20> value{};
  ByteWriter writer(value);
  writer.u8(0);
  writer.u8(address.ip.is_v4() ? kFamilyV4 : kFamilyV6);
  writer.u16(address.port);
  if (address.ip.is_v4()) {
    writer.u32(address.ip.v4_value());
  } else {
    for (const std::uint8_t byte : address.ip.bytes()) writer.u8(byte);
  }
  return attribute(Attribute::other_address, writer.written());
}

StunBuilder& StunBuilder::change_request(ChangeRequest change) {
  return number(Attribute::change_request, (change.ip ? 0x04U : 0U) | (change.port ? 0x02U : 0U), 4);
}

StunBuilder& StunBuilder::priority(std::uint32_t priority) {
  return number(Attribute::priority, priority, 4);
}

StunBuilder& StunBuilder::use_candidate() {
  return attribute(Attribute::use_candidate, {});
}

StunBuilder& StunBuilder::ice_controlled(std::uint64_t tie_breaker) {
  return number(Attribute::ice_controlled, tie_breaker, 8);
}

StunBuilder& StunBuilder::ice_controlling(std::uint64_t tie_breaker) {
  return number(Attribute::ice_controlling, tie_breaker, 8);
}

StunBuilder& StunBuilder::error_code(int code, std::string_view reason) {
  PARLEY_ASSERT(code >= 300 && code <= 699);
  std::array<std::uint8_t, 4 + kMaxReason> value{};
  ByteWriter writer(value);
  writer.u16(0);
  writer.u8(static_cast<std::uint8_t>(code / 100));
  writer.u8(static_cast<std::uint8_t>(code % 100));
  writer.bytes(as_bytes(reason.substr(0, kMaxReason)));
  return attribute(Attribute::error_code, writer.written());
}

StunBuilder& StunBuilder::unknown_attributes(std::span<const std::uint16_t> types) {
  std::array<std::uint8_t, 2 * kMaxAttributes> value{};
  ByteWriter writer(value);
  for (const std::uint16_t type : types.first(std::min(types.size(), kMaxAttributes))) writer.u16(type);
  return attribute(Attribute::unknown_attributes, writer.written());
}

StunBuilder& StunBuilder::software(std::string_view software) {
  return attribute(Attribute::software, as_bytes(software));
}

StunBuilder& StunBuilder::integrity(std::string_view key) {
  PARLEY_ASSERT(!has_integrity_ && !has_fingerprint_);
  const auto mac = integrity_of(writer_.written(), writer_.size(), key);
  has_integrity_ = true;
  if (mac) {
    append(Attribute::message_integrity, *mac);
  } else {
    failed_ = true;  // better nothing than a message the peer must refuse
  }
  return *this;
}

StunBuilder& StunBuilder::fingerprint() {
  PARLEY_ASSERT(!has_fingerprint_);
  set_length(writer_.size() + 4 + kFingerprintSize);  // the CRC covers the final length
  const std::uint32_t crc = fingerprint_of(writer_.written());
  std::array<std::uint8_t, kFingerprintSize> value{};
  ByteWriter(value).u32(crc);
  append(Attribute::fingerprint, value);
  has_fingerprint_ = true;
  return *this;
}

}  // namespace parley::stun
