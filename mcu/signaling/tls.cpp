#include "mcu/signaling/tls.hpp"

#include <ifaddrs.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <set>

#include "transport/base/address.hpp"

namespace parley::signaling {
namespace {

namespace ssl = boost::asio::ssl;

constexpr long kDaysValid = 90;

template <auto release>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    release(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Release<&::EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Release<&::X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Release<&::X509_EXTENSION_free>>;

std::string openssl_error() {
  std::array<char, 256> text{};
  ::ERR_error_string_n(::ERR_get_error(), text.data(), text.size());
  ::ERR_clear_error();
  return text.data();
}

// "DNS:localhost,IP:127.0.0.1,...": by which names and addresses this host is reached.
std::string own_names() {
  std::set<std::string> names = {"DNS:localhost", "IP:127.0.0.1", "IP:::1"};
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) {
    const std::string name = host.data();
    const bool is_plain = !name.empty() && name.find_first_not_of(
                                               "abcdefghijklmnopqrstuvwxyz"
                                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                               "0123456789.-") == std::string::npos;
    if (is_plain) names.insert("DNS:" + name);
  }
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) == 0) {
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
      if (entry->ifa_addr == nullptr) continue;
      if (const auto address = Address::from_sockaddr(entry->ifa_addr))
        names.insert("IP:" + address->ip.to_string());
    }
    ::freeifaddrs(list);
  }
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ",") + name;
  return all;
}

bool add_extension(X509* certificate, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  ::X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(::X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  return extension && ::X509_add_ext(certificate, extension.get(), -1) == 1;
}

Certificate self_signed(EVP_PKEY* key) {
  Certificate certificate(::X509_new());
  std::uint64_t serial = 0;
  if (!certificate || ::RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1)
    return nullptr;
  X509* x509 = certificate.get();
  X509_NAME* name = ::X509_get_subject_name(x509);
  const std::string common_name = "Parley development certificate";
  const bool made = ::X509_set_version(x509, 2) == 1 &&
                    ::ASN1_INTEGER_set_uint64(::X509_get_serialNumber(x509), serial >> 1U) == 1 &&
                    ::X509_gmtime_adj(X509_getm_notBefore(x509), -3600) != nullptr &&
                    ::X509_gmtime_adj(X509_getm_notAfter(x509), kDaysValid * 24 * 3600) != nullptr &&
                    ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                 reinterpret_cast<const unsigned char*>(common_name.c_str()),
                                                 -1, -1, 0) == 1 &&
                    ::X509_set_issuer_name(x509, name) == 1 && ::X509_set_pubkey(x509, key) == 1 &&
                    add_extension(x509, NID_basic_constraints, "critical,CA:FALSE") &&
                    add_extension(x509, NID_ext_key_usage, "serverAuth") &&
                    add_extension(x509, NID_subject_alt_name, own_names()) &&
                    ::X509_sign(x509, key, ::EVP_sha256()) > 0;
  return made ? std::move(certificate) : nullptr;
}

Status use_self_signed(SSL_CTX* context) {
  const Key key(::EVP_EC_gen("P-256"));
  const auto certificate = key ? self_signed(key.get()) : nullptr;
  if (!certificate || ::SSL_CTX_use_certificate(context, certificate.get()) != 1 ||
      ::SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return Error{"a self-signed certificate cannot be made: " + openssl_error(), 0};
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
  auto used = certificate == kSelfSigned ? use_self_signed(native) : use_files(native, certificate, key);
  if (!used) return used.error();
  return context;
}

}  // namespace parley::signaling
