// The webhook over TLS, against the server's own HTTPS: whom it trusts, and that the host is who it was to
// be.
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "mcu/app/webhook.hpp"
#include "mcu/signaling/tls.hpp"
#include "tests/unit/mcu/signaling/server_fixture.hpp"

namespace parley::app {
namespace {

namespace fs = std::filesystem;

class WebhookTls : public signaling::ServerTest {
 protected:
  // The certificate is for 127.0.0.1 and localhost.
  WebhookTls() : folder_(fs::temp_directory_path() / ("parley-webhook-tls-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
    const auto made = signaling::make_tls_context(signaling::kSelfSigned, "");
    auto* context = (*made)->native_handle();
    settings.tls_certificate = folder_ / "own.pem";
    settings.tls_key = folder_ / "own.key";
    std::FILE* out = std::fopen(settings.tls_certificate.c_str(), "w");
    ::PEM_write_X509(out, ::SSL_CTX_get0_certificate(context));
    std::fclose(out);
    out = std::fopen(settings.tls_key.c_str(), "w");
    ::PEM_write_PrivateKey(out, ::SSL_CTX_get0_privatekey(context), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
  }
  ~WebhookTls() override {
    ::unsetenv("SSL_CERT_FILE");
    fs::remove_all(folder_);
  }
  // The system's certificates are those of OpenSSL, which this variable replaces.
  void trust_own() const { ::setenv("SSL_CERT_FILE", settings.tls_certificate.c_str(), 1); }
  std::string post(const std::string& host) const {
    const auto hook = Webhook::make("https://" + host + ":" + std::to_string(address.port) + "/no/such/page",
                                    "f3Zq81LmPz7Kc2Vn9XtB4w", {"https://127.0.0.0/8"});
    if (!hook) return hook.error().what;
    const auto posted = hook->post("recording.finished", "r1", "{}", 1'795'608'000);
    return posted ? "taken" : posted.error().what;
  }

 private:
  fs::path folder_;
};

TEST_F(WebhookTls, AKnownCertificateIsAnsweredByTheServerBehindIt) {
  trust_own();
  start();
  EXPECT_NE(post("127.0.0.1").find("answered 404"), std::string::npos) << post("127.0.0.1");
  EXPECT_NE(post("localhost").find("answered 404"), std::string::npos) << post("localhost");
}

TEST_F(WebhookTls, AnUnknownOneIsToldNothing) {
  start();
  EXPECT_NE(post("127.0.0.1").find("TLS with 127.0.0.1"), std::string::npos) << post("127.0.0.1");
}

TEST_F(WebhookTls, NorOneForAnotherHost) {
  settings.listen = {IpAddress::v4(0x7f000002), 0};
  trust_own();
  start();
  EXPECT_NE(post("127.0.0.2").find("TLS with 127.0.0.2"), std::string::npos) << post("127.0.0.2");
}

}  // namespace
}  // namespace parley::app
