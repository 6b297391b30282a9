#include "transport/stun/stun_message.hpp"

#include <algorithm>
#include <cstring>

#include "transport/base/ids.hpp"
#include "transport/stun/integrity.hpp"

namespace parley::stun {
namespace {

constexpr std::uint8_t kFamilyV4 = 0x01;
constexpr std::uint8_t kFamilyV6 = 0x02;
constexpr std::uint16_t kComprehensionOptional = 0x8000;
constexpr std::uint32_t kChangeIp = 0x04, kChangePort = 0x02;

constexpr std::array kKnownRequired = {
    Attribute::mapped_address,
    Attribute::username,
    Attribute::message_integrity,
    Attribute::error_code,
    Attribute::unknown_attributes,
    Attribute::realm,
    Attribute::nonce,
    Attribute::message_integrity_sha256,
    Attribute::xor_mapped_address,
    Attribute::change_request,
    Attribute::priority,
    Attribute::use_candidate,
};

bool is_known(std::uint16_t type) {
  return std::any_of(kKnownRequired.begin(), kKnownRequired.end(),
                     [&](Attribute known) { return type == static_cast<std::uint16_t>(known); });
}

bool is(std::uint16_t type, Attribute wanted) {
  return type == static_cast<std::uint16_t>(wanted);
}

// The method's twelve bits stand around the two class bits (RFC 8489 section 5).
std::uint16_t method_of(std::uint16_t type) {
  return static_cast<std::uint16_t>((type & 0x000f) | ((type & 0x00e0) >> 1) | ((type & 0x3e00) >> 2));
}

Class class_of(std::uint16_t type) {
  return static_cast<Class>(((type & 0x0100) >> 7) | ((type & 0x0010) >> 4));
}

template <typename T>
std::optional<T> number(const std::optional<Bytes>& value) {
  if (!value || value->size() != sizeof(T)) return std::nullopt;
  ByteReader reader(*value);
  if constexpr (sizeof(T) == 4) return reader.u32();
  return static_cast<T>(reader.u64());
}

}  // namespace

TransactionId random_transaction_id() {
  TransactionId id;
  const std::uint64_t high = random_u64();
  const std::uint32_t low = random_u32();
  std::memcpy(id.data(), &high, sizeof high);
  std::memcpy(id.data() + sizeof high, &low, sizeof low);
  return id;
}

std::optional<StunMessage> StunMessage::parse(Bytes datagram) {
  if (datagram.size() < kHeaderSize || datagram.size() > kMaxMessage) return std::nullopt;
  ByteReader reader(datagram);
  const std::uint16_t type = reader.u16();
  const std::uint16_t length = reader.u16();
  if ((type & 0xc000) != 0 || reader.u32() != kMagicCookie) return std::nullopt;
  if (length % 4 != 0 || length != datagram.size() - kHeaderSize) return std::nullopt;

  StunMessage message;
  message.datagram_ = datagram;
  message.method_ = method_of(type);
  message.class_ = class_of(type);
  const Bytes id = reader.take(message.transaction_id_.size());
  std::copy(id.begin(), id.end(), message.transaction_id_.begin());
  if (!message.read_attributes()) return std::nullopt;
  return message;
}

bool StunMessage::read_attributes() {
  ByteReader reader(datagram_);
  reader.take(kHeaderSize);
  std::size_t count = 0;
  while (reader.remaining() > 0) {
    if (has_fingerprint_ || ++count > kMaxAttributes) return false;
    Entry entry;
    entry.type = reader.u16();
    entry.size = reader.u16();
    entry.offset = static_cast<std::uint16_t>(reader.position());
    reader.take((std::size_t{entry.size} + 3) & ~std::size_t{3});
    if (!reader.ok() || !read_attribute(entry)) return false;
  }
  return true;
}

bool StunMessage::read_attribute(const Entry& entry) {
  if (is(entry.type, Attribute::fingerprint)) {
    has_fingerprint_ = true;
    return fingerprint_is_right(entry);
  }
  // What follows MESSAGE-INTEGRITY is not covered by it: it must not be believed (RFC 8489 section 14.5).
  if (has_integrity()) return true;
  if (is(entry.type, Attribute::message_integrity)) {
    if (entry.size != kIntegritySize) return false;
    integrity_at_ = entry.offset - std::size_t{4};
    return true;
  }
  if (entry.type < kComprehensionOptional && !is_known(entry.type)) unknown_[unknown_count_++] = entry.type;
  entries_[entry_count_++] = entry;
  return true;
}

bool StunMessage::fingerprint_is_right(const Entry& entry) const {
  if (entry.size != kFingerprintSize) return false;
  ByteReader value(datagram_.subspan(entry.offset, entry.size));
  return value.u32() == fingerprint_of(datagram_.first(entry.offset - std::size_t{4}));
}

bool StunMessage::verify_integrity(std::string_view key) const {
  if (!has_integrity()) return false;
  const auto expected = integrity_of(datagram_, integrity_at_, key);
  return expected && equal_constant_time(as_text(*expected),
                                         as_text(datagram_.subspan(integrity_at_ + 4, kIntegritySize)));
}

std::optional<Bytes> StunMessage::find(Attribute type) const {
  for (std::size_t i = 0; i < entry_count_; ++i) {
    if (is(entries_[i].type, type)) return datagram_.subspan(entries_[i].offset, entries_[i].size);
  }
  return std::nullopt;
}

std::optional<std::string_view> StunMessage::username() const {
  const auto value = find(Attribute::username);
  if (!value || value->size() > kMaxUsername) return std::nullopt;
  return as_text(*value);
}

std::optional<Address> StunMessage::xor_mapped_address() const {
  const auto value = find(Attribute::xor_mapped_address);
  if (!value) return std::nullopt;
  ByteReader reader(*value);
  reader.u8();
  const std::uint8_t family = reader.u8();
  const auto port = static_cast<std::uint16_t>(reader.u16() ^ (kMagicCookie >> 16));
  if (family == kFamilyV4 && reader.remaining() == 4)
    return Address{IpAddress::v4(reader.u32() ^ kMagicCookie), port};
  if (family != kFamilyV6 || reader.remaining() != 16) return std::nullopt;
  // The mask is the magic cookie and the transaction id: bytes 4 to 19 of the header.
  std::array<std::uint8_t, 16> ip{};
  for (std::size_t i = 0; i < ip.size(); ++i) ip[i] = reader.u8() ^ datagram_[4 + i];
  return Address{IpAddress::v6(ip), port};
}

std::optional<Address> StunMessage::other_address() const {
  const auto value = find(Attribute::other_address);
  if (!value) return std::nullopt;
  ByteReader reader(*value);
  reader.u8();
  const std::uint8_t family = reader.u8();
  const std::uint16_t port = reader.u16();
  if (family == kFamilyV4 && reader.remaining() == 4) return Address{IpAddress::v4(reader.u32()), port};
  if (family != kFamilyV6 || reader.remaining() != 16) return std::nullopt;
  std::array<std::uint8_t, 16> ip{};
  for (auto& byte : ip) byte = reader.u8();
  return Address{IpAddress::v6(ip), port};
}

std::optional<ChangeRequest> StunMessage::change_request() const {
  const auto flags = number<std::uint32_t>(find(Attribute::change_request));
  if (!flags) return std::nullopt;
  return ChangeRequest{(*flags & kChangeIp) != 0, (*flags & kChangePort) != 0};
}

std::optional<std::uint32_t> StunMessage::priority() const {
  return number<std::uint32_t>(find(Attribute::priority));
}

bool StunMessage::use_candidate() const {
  const auto value = find(Attribute::use_candidate);
  return value && value->empty();
}

std::optional<std::uint64_t> StunMessage::ice_controlled() const {
  return number<std::uint64_t>(find(Attribute::ice_controlled));
}

std::optional<std::uint64_t> StunMessage::ice_controlling() const {
  return number<std::uint64_t>(find(Attribute::ice_controlling));
}

std::optional<ErrorCode> StunMessage::error_code() const {
  const auto value = find(Attribute::error_code);
  if (!value) return std::nullopt;
  ByteReader reader(*value);
  reader.u16();
  const int hundreds = reader.u8() & 0x07;
  const int rest = reader.u8();
  const auto reason = as_text(reader.rest());
  if (!reader.ok() || hundreds < 3 || hundreds > 6 || rest > 99) return std::nullopt;
  return ErrorCode{hundreds * 100 + rest, reason};
}

}  // namespace parley::stun
