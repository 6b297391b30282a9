#include "transport/dtls/fingerprint.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

namespace parley::dtls {
namespace {

struct HashFunction {
  std::string_view name;  // RFC 8122's
  std::size_t length;
  const EVP_MD* (*algorithm)();
};
constexpr std::array kHashFunctions{
    HashFunction{"sha-256", 32, &EVP_sha256},
    HashFunction{"sha-384", 48, &EVP_sha384},
    HashFunction{"sha-512", 64, &EVP_sha512},
};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

const HashFunction* find_hash(std::string_view name) {
  const auto same = [&](const HashFunction& hash) {
    return std::equal(name.begin(), name.end(), hash.name.begin(), hash.name.end(),
                      [](char a, char b) { return lower(a) == b; });
  };
  const auto found = std::find_if(kHashFunctions.begin(), kHashFunctions.end(), same);
  return found == kHashFunctions.end() ? nullptr : &*found;
}

std::optional<unsigned> hex_digit(char c) {
  c = lower(c);
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  return std::nullopt;
}

// Exactly `length` pairs of digits with a colon between them.
std::optional<ByteBuffer> parse_digest(std::string_view text, std::size_t length) {
  if (text.size() != length * 3 - 1) return std::nullopt;
  ByteBuffer digest;
  digest.reserve(length);
  for (std::size_t i = 0; i < length; ++i) {
    const auto high = hex_digit(text[3 * i]);
    const auto low = hex_digit(text[3 * i + 1]);
    const bool last = i + 1 == length;
    if (!high || !low || (!last && text[3 * i + 2] != ':')) return std::nullopt;
    digest.push_back(static_cast<std::uint8_t>(*high * 16 + *low));
  }
  return digest;
}

}  // namespace

std::optional<Fingerprint> Fingerprint::parse(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto* hash = find_hash(text.substr(0, space));
  if (hash == nullptr) return std::nullopt;
  auto digest = parse_digest(text.substr(space + 1), hash->length);
  if (!digest) return std::nullopt;
  Fingerprint fingerprint;
  fingerprint.hash_ = hash->name;
  fingerprint.digest_ = std::move(*digest);
  return fingerprint;
}

std::optional<Fingerprint> Fingerprint::of_certificate(std::string_view hash_name, const X509* certificate) {
  const auto* hash = find_hash(hash_name);
  if (hash == nullptr || certificate == nullptr) return std::nullopt;
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  if (X509_digest(certificate, hash->algorithm(), digest.data(), &length) != 1) return std::nullopt;
  Fingerprint fingerprint;
  fingerprint.hash_ = hash->name;
  fingerprint.digest_.assign(digest.begin(), digest.begin() + length);
  return fingerprint;
}

std::string Fingerprint::to_string() const {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text = hash_;
  char separator = ' ';
  for (const std::uint8_t byte : digest_) {
    text += {separator, kDigits[byte >> 4], kDigits[byte & 15]};
    separator = ':';
  }
  return text;
}

bool Fingerprint::matches(const Fingerprint& other) const {
  return hash_ == other.hash_ && digest_.size() == other.digest_.size() && !digest_.empty() &&
         CRYPTO_memcmp(digest_.data(), other.digest_.data(), digest_.size()) == 0;
}

}  // namespace parley::dtls
