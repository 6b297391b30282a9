#include "transport/dtls/identity.hpp"

#include <openssl/ec.h>
#include <openssl/srtp.h>
#include <openssl/x509.h>

#include "transport/base/ids.hpp"
#include "transport/dtls/openssl.hpp"
#include "transport/dtls/peer_check.hpp"

namespace parley::dtls {
namespace {

constexpr long kDay = 24 * 60 * 60;
constexpr std::size_t kMaxPeerCertificates =
    6 * 1'024;  // bytes; a self-signed RSA-4096 certificate needs 1.3 kB
// RFC 8827 section 6.5 asks for the first; RSA suites for peers with RSA certificates; the last two for old
// ones.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA";

int peer_check_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// Takes the place of OpenSSL's chain building: no name, date or signature of a self-signed certificate means
// anything here, and the less of a stranger's certificate is interpreted, the better. A mismatch makes
// OpenSSL send the alert bad_certificate (RFC 8122 section 6.2) and end the handshake before any key is made.
int verify_peer(X509_STORE_CTX* store, void*) {
  const auto* ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* check = static_cast<PeerCheck*>(SSL_get_ex_data(ssl, peer_check_index()));
  if (check == nullptr) return 0;
  const auto actual = Fingerprint::of_certificate(check->expected.hash(), X509_STORE_CTX_get0_cert(store));
  check->passed = actual && actual->matches(check->expected);
  check->wrong = !check->passed;
  X509_STORE_CTX_set_error(store, check->passed ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
  return check->passed ? 1 : 0;
}

X509Pointer make_certificate(EVP_PKEY* key) {
  X509Pointer certificate(X509_new());
  if (!certificate) return nullptr;
  X509* raw = certificate.get();
  const auto serial = random_u64() >> 1;  // positive
  const std::string name = random_token(16);
  X509_NAME* subject = X509_get_subject_name(raw);
  const bool done = X509_set_version(raw, X509_VERSION_3) == 1 &&
                    ASN1_INTEGER_set_uint64(X509_get_serialNumber(raw), serial) == 1 &&
                    X509_gmtime_adj(X509_getm_notBefore(raw), -kDay) != nullptr &&
                    X509_gmtime_adj(X509_getm_notAfter(raw), 365 * kDay) != nullptr &&
                    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                               reinterpret_cast<const unsigned char*>(name.data()),
                                               static_cast<int>(name.size()), -1, 0) == 1 &&
                    X509_set_issuer_name(raw, subject) == 1 && X509_set_pubkey(raw, key) == 1 &&
                    X509_sign(raw, key, EVP_sha256()) != 0;
  return done ? std::move(certificate) : nullptr;
}

// One context serves both roles.
SslContextPointer make_context(X509* certificate, EVP_PKEY* key, const char* srtp_profiles) {
  SslContextPointer context(SSL_CTX_new(DTLS_method()));
  if (!context) return nullptr;
  SSL_CTX* raw = context.get();
  const bool done = SSL_CTX_set_min_proto_version(raw, DTLS1_2_VERSION) == 1 &&
                    SSL_CTX_set_cipher_list(raw, kCiphers) == 1 &&
                    SSL_CTX_set1_groups_list(raw, "X25519:P-256:P-384") == 1 &&
                    SSL_CTX_use_certificate(raw, certificate) == 1 && SSL_CTX_use_PrivateKey(raw, key) == 1 &&
                    SSL_CTX_set_tlsext_use_srtp(raw, srtp_profiles) == 0;  // this one says 0 when it worked
  if (!done) return nullptr;
  SSL_CTX_set_options(raw, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_cert_list(raw, kMaxPeerCertificates);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(raw, verify_peer, nullptr);
  return context;
}

}  // namespace

void attach(PeerCheck& check, SSL* ssl) {
  SSL_set_ex_data(ssl, peer_check_index(), &check);
}

class Identity::Impl {
 public:
  SslContextPointer context;
  std::string fingerprint;
};

Identity::Identity(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Identity::~Identity() = default;

Result<std::unique_ptr<Identity>> Identity::create(const char* srtp_profiles) {
  ERR_clear_error();
  const KeyPointer key(EVP_EC_gen("P-256"));
  if (!key) return Error{"cannot make a DTLS key: " + openssl_error()};
  const auto certificate = make_certificate(key.get());
  if (!certificate) return Error{"cannot make a DTLS certificate: " + openssl_error()};
  auto impl = std::make_unique<Impl>();
  impl->context = make_context(certificate.get(), key.get(), srtp_profiles);
  if (!impl->context) return Error{"cannot set up DTLS: " + openssl_error()};
  const auto fingerprint = Fingerprint::of_certificate("sha-256", certificate.get());
  if (!fingerprint) return Error{"cannot hash the DTLS certificate: " + openssl_error()};
  impl->fingerprint = fingerprint->to_string();
  return std::unique_ptr<Identity>(new Identity(std::move(impl)));
}

std::string Identity::fingerprint() const {
  return impl_->fingerprint;
}
SSL_CTX* Identity::context() const {
  return impl_->context.get();
}

}  // namespace parley::dtls
