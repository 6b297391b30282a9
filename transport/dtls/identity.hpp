// Who we are in DTLS: a self-signed certificate made at start, and what all sessions share (RFC 5764, RFC
// 8827 section 6.5). The peer's certificate proves nothing by itself: it is accepted when its fingerprint is
// the one that came by signalling (dtls::Session compares it).
//
// Threads: immutable after create(); sessions of any thread may use it at the same time. It must outlive
// them.
#pragma once

#include <memory>
#include <string>

#include "transport/base/result.hpp"
#include "transport/dtls/fingerprint.hpp"

struct ssl_ctx_st;

namespace parley::dtls {

class Identity {
 public:
  // SRTP profiles in order of preference, in OpenSSL's names. Tests may ask for other lists.
  static constexpr const char* kSrtpProfiles = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";

  // ECDSA P-256, valid from yesterday for a year. The error names OpenSSL's reason.
  static Result<std::unique_ptr<Identity>> create(const char* srtp_profiles = kSrtpProfiles);
  ~Identity();
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  // For the offer or answer: "sha-256 AB:CD:...".
  std::string fingerprint() const;
  ssl_ctx_st* context() const;

 private:
  class Impl;
  explicit Identity(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::dtls
