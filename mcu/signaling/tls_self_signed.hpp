// A certificate of our own making, for development: browsers warn of it, once per certificate.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "transport/base/result.hpp"

namespace parley::signaling {

template <auto release>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    release(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Release<&::EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Release<&::X509_free>>;

struct SelfSigned {
  Key key;
  Certificate certificate;
};

// A P-256 key and a certificate of 90 days for localhost and this host's name and addresses. With a `file`
// the pair is kept there (PEM, readable by its owner only) and used again while it is valid for another week
// and still names this host. The error names the file; a file that holds something else is not touched.
Result<SelfSigned> self_signed(const std::string& file);

}  // namespace parley::signaling
