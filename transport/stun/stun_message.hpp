// STUN messages (RFC 8489) with the attributes of ICE (RFC 8445): strict parsing, integrity, building.
//
// A StunMessage is a view: it lives as long as the datagram does. Pure; nothing is allocated but by OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "transport/base/address.hpp"
#include "transport/base/bytes.hpp"

namespace parley::stun {

inline constexpr std::uint32_t kMagicCookie = 0x2112A442;
inline constexpr std::size_t kHeaderSize = 20;
inline constexpr std::size_t kMaxMessage = 2048;  // what the socket's buffers hold
inline constexpr std::size_t kMaxAttributes = 64;
inline constexpr std::size_t kMaxUsername = 513;
inline constexpr std::uint16_t kBinding = 0x001;

enum class Class : std::uint8_t { request = 0, indication = 1, success = 2, error = 3 };

enum class Attribute : std::uint16_t {
  mapped_address = 0x0001,
  change_request = 0x0003,
  username = 0x0006,
  message_integrity = 0x0008,
  error_code = 0x0009,
  unknown_attributes = 0x000A,
  realm = 0x0014,
  nonce = 0x0015,
  message_integrity_sha256 = 0x001C,
  xor_mapped_address = 0x0020,
  priority = 0x0024,
  use_candidate = 0x0025,
  software = 0x8022,
  fingerprint = 0x8028,
  ice_controlled = 0x8029,
  ice_controlling = 0x802A,
  other_address = 0x802C,
};

using TransactionId = std::array<std::uint8_t, 12>;
TransactionId random_transaction_id();

struct ErrorCode {
  int code = 0;             // 300 to 699
  std::string_view reason;  // the peer's text: print it with log::printable() only
};

struct ChangeRequest {  // RFC 5780 section 7.2: answer from another address
  bool ip = false, port = false;
};

class StunMessage {
 public:
  // Nothing unless magic cookie, length (a multiple of four, exactly the datagram's) and every attribute fit,
  // there are at most kMaxAttributes, and FINGERPRINT, if present, is the last one and right.
  static std::optional<StunMessage> parse(Bytes datagram);

  std::uint16_t method() const { return method_; }
  Class message_class() const { return class_; }
  bool is_binding(Class wanted) const { return method_ == kBinding && class_ == wanted; }
  const TransactionId& transaction_id() const { return transaction_id_; }

  // The first attribute of this type that is not behind MESSAGE-INTEGRITY (RFC 8489 section 14).
  std::optional<Bytes> find(Attribute type) const;

  // Each: nothing when absent or malformed.
  std::optional<std::string_view> username() const;
  std::optional<Address> xor_mapped_address() const;
  std::optional<std::uint32_t> priority() const;
  bool use_candidate() const;
  std::optional<std::uint64_t> ice_controlled() const;   // tie-breaker
  std::optional<std::uint64_t> ice_controlling() const;  // tie-breaker
  std::optional<ErrorCode> error_code() const;
  std::optional<ChangeRequest> change_request() const;
  std::optional<Address> other_address() const;  // RFC 5780 section 7.4: the server's second one

  // Comprehension-required types (below 0x8000) that we do not know: a request that has any is answered by
  // 420 (RFC 8489 section 6.3.1).
  std::span<const std::uint16_t> unknown_required() const { return {unknown_.data(), unknown_count_}; }

  bool has_integrity() const { return integrity_at_ != 0; }
  bool has_fingerprint() const { return has_fingerprint_; }
  // MESSAGE-INTEGRITY (HMAC-SHA1) under this key: the ICE password for short-term credentials. Compared in
  // constant time; false without the attribute.
  bool verify_integrity(std::string_view key) const;

 private:
  struct Entry {
    std::uint16_t type = 0;
    std::uint16_t offset = 0;  // of the value, in the datagram
    std::uint16_t size = 0;
  };

  StunMessage() = default;
  bool read_attributes();
  bool read_attribute(const Entry& entry);
  bool fingerprint_is_right(const Entry& entry) const;

  Bytes datagram_;
  std::uint16_t method_ = 0;
  Class class_ = Class::request;
  TransactionId transaction_id_{};
  std::array<Entry, kMaxAttributes> entries_{};
  std::size_t entry_count_ = 0;
  std::array<std::uint16_t, kMaxAttributes> unknown_{};
  std::size_t unknown_count_ = 0;
  std::size_t integrity_at_ = 0;  // offset of the attribute's header; 0: none
  bool has_fingerprint_ = false;
};

// Builds a message in its own buffer. Attributes in any order, then integrity(), then fingerprint(). bytes()
// is empty when something did not fit (only texts of absurd length can bring that about).
//
//   StunBuilder reply(Class::success, request.transaction_id());
//   reply.xor_mapped_address(from).integrity(password).fingerprint();
//   send(reply.bytes());
class StunBuilder {
 public:
  StunBuilder(Class message_class, const TransactionId& transaction_id, std::uint16_t method = kBinding);

  StunBuilder& username(std::string_view username);
  StunBuilder& xor_mapped_address(const Address& address);
  StunBuilder& other_address(const Address& address);
  StunBuilder& change_request(ChangeRequest change);
  StunBuilder& priority(std::uint32_t priority);
  StunBuilder& use_candidate();
  StunBuilder& ice_controlled(std::uint64_t tie_breaker);
  StunBuilder& ice_controlling(std::uint64_t tie_breaker);
  StunBuilder& error_code(int code, std::string_view reason = {});  // 300 to 699
  StunBuilder& unknown_attributes(std::span<const std::uint16_t> types);
  StunBuilder& software(std::string_view software);
  // Any other attribute.
  StunBuilder& attribute(Attribute type, Bytes value);

  StunBuilder& integrity(std::string_view key);
  StunBuilder& fingerprint();

  Bytes bytes() const { return writer_.ok() && !failed_ ? writer_.written() : Bytes{}; }

  StunBuilder(const StunBuilder&) = delete;
  StunBuilder& operator=(const StunBuilder&) = delete;

 private:
  StunBuilder& number(Attribute type, std::uint64_t value, std::size_t width);
  void append(Attribute type, Bytes value);
  void set_length(std::size_t message_size);

  std::array<std::uint8_t, 1024> buffer_{};
  ByteWriter writer_;
  bool has_integrity_ = false, has_fingerprint_ = false, failed_ = false;
};

}  // namespace parley::stun
