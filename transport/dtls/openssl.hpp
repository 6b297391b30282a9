// What identity.cpp and session.cpp share about OpenSSL: ownership and error text.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <string>

namespace parley::dtls {

template <auto Free>
struct OpenSslFree {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using SslPointer = std::unique_ptr<SSL, OpenSslFree<&SSL_free>>;
using SslContextPointer = std::unique_ptr<SSL_CTX, OpenSslFree<&SSL_CTX_free>>;
using X509Pointer = std::unique_ptr<X509, OpenSslFree<&X509_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, OpenSslFree<&EVP_PKEY_free>>;

// The oldest entry of this thread's error queue, which is emptied.
inline std::string openssl_error() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

}  // namespace parley::dtls
