#include "mcu/signaling/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>

#include "mcu/signaling/tls_error.hpp"
#include "mcu/signaling/tls_self_signed.hpp"

namespace parley::signaling {
namespace {

namespace ssl = boost::asio::ssl;

Status use_self_signed(SSL_CTX* context, const std::string& file) {
  const auto pair = self_signed(file);
  if (!pair) return Error{(file.empty() ? "" : "http.tls.key: ") + pair.error().what, pair.error().code};
  if (::SSL_CTX_use_certificate(context, pair->certificate.get()) != 1 ||
      ::SSL_CTX_use_PrivateKey(context, pair->key.get()) != 1)
    return Error{"a self-signed certificate cannot be used: " + openssl_error(), 0};
  return Done{};
}

Status use_files(SSL_CTX* context, const std::string& certificate, const std::string& key) {
  if (::SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    return Error{"http.tls.certificate: " + certificate + ": " + openssl_error(), 0};
  if (::SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1) return Done{};
  const auto last = ::ERR_peek_last_error();
  const bool foreign =
      ERR_GET_LIB(last) == ERR_LIB_X509 && ERR_GET_REASON(last) == X509_R_KEY_VALUES_MISMATCH;
  const auto why = openssl_error();
  if (foreign) return Error{"http.tls.key: " + key + " is not the key of " + certificate, 0};
  return Error{"http.tls.key: " + key + ": " + why, 0};
}

}  // namespace

Result<TlsContext> make_tls_context(const std::string& certificate, const std::string& key) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                       ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 | ssl::context::single_dh_use);
  auto* native = context->native_handle();
  ::SSL_CTX_set_options(native, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
  ::ERR_clear_error();
  auto used = certificate == kSelfSigned ? use_self_signed(native, key) : use_files(native, certificate, key);
  if (!used) return used.error();
  return context;
}

}  // namespace parley::signaling
