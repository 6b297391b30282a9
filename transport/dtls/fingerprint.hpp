// A certificate's fingerprint as SDP writes it (RFC 8122 section 5): "sha-256 AB:CD:...".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "transport/base/bytes.hpp"

struct x509_st;

namespace parley::dtls {

class Fingerprint {
 public:
  // The hash function's name and the hex digits in any case. Nothing for another form, another length than
  // the hash's, or a hash that is no longer fit to identify anyone (md2, md5, sha-1): sha-256, sha-384 and
  // sha-512 are taken.
  static std::optional<Fingerprint> parse(std::string_view text);
  // `hash` is one of the names above.
  static std::optional<Fingerprint> of_certificate(std::string_view hash, const x509_st* certificate);

  const std::string& hash() const { return hash_; }
  std::string to_string() const;

  // In constant time.
  bool matches(const Fingerprint& other) const;

 private:
  std::string hash_;  // lower case
  ByteBuffer digest_;
};

}  // namespace parley::dtls
