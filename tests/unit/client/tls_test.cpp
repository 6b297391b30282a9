// The client's TLS against the server's: HTTPS and WSS, and whom the client trusts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "client/http_client.hpp"
#include "client/http_download.hpp"
#include "client/signal_channel.hpp"
#include "mcu/signaling/tls.hpp"
#include "tests/unit/mcu/signaling/server_fixture.hpp"

namespace parley::client {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ClientTls : public signaling::ServerTest {
 protected:
  // A server with a certificate for 127.0.0.1 and localhost, which stands in a file too.
  ClientTls() : folder_(fs::temp_directory_path() / ("parley-client-tls-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
    const auto made = signaling::make_tls_context(signaling::kSelfSigned, "");
    auto* context = (*made)->native_handle();
    std::FILE* out = std::fopen(path("own.pem").c_str(), "w");
    ::PEM_write_X509(out, ::SSL_CTX_get0_certificate(context));
    std::fclose(out);
    out = std::fopen(path("own.key").c_str(), "w");
    ::PEM_write_PrivateKey(out, ::SSL_CTX_get0_privatekey(context), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    settings.tls_certificate = path("own.pem");
    settings.tls_key = path("own.key");
  }
  ~ClientTls() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  ServerUrl url(const std::string& host, ServerUrl::Trust trust) const {
    ServerUrl server;
    server.host = host;
    server.port = address.port;
    server.tls = true;
    server.trust = std::move(trust);
    return server;
  }

 private:
  fs::path folder_;
};

TEST_F(ClientTls, HttpsByTrust) {
  start();
  const auto call = [](const ServerUrl& server) {
    const auto answer = http_call(server, {"GET", "/healthz", {}, {}});
    return answer ? std::to_string(answer->status) : answer.error().what;
  };
  EXPECT_EQ(call(url("127.0.0.1", {path("own.pem"), false})), "200");
  EXPECT_EQ(call(url("localhost", {path("own.pem"), false})), "200");
  EXPECT_EQ(call(url("127.0.0.1", {"", true})), "200") << "trusts anybody";
  EXPECT_THAT(call(url("127.0.0.1", {})), HasSubstr("no TLS with 127.0.0.1"))
      << "the system does not know it";
  EXPECT_THAT(call(url("127.0.0.1", {path("none.pem"), false})), HasSubstr("none.pem"));
}

TEST_F(ClientTls, ADownloadByTrust) {
  start();
  const auto fetch = [&](const ServerUrl& server) {
    const auto fetched = download(server, {"/healthz", {}, path("fetched"), {}});
    return fetched ? std::to_string(fs::file_size(path("fetched"))) : fetched.error().what;
  };
  const auto size =
      std::to_string(http_call(url("127.0.0.1", {"", true}), {"GET", "/healthz", {}, {}})->body.size());
  EXPECT_EQ(fetch(url("127.0.0.1", {path("own.pem"), false})), size);
  EXPECT_EQ(fetch(url("127.0.0.1", {"", true})), size) << "trusts anybody";
  EXPECT_THAT(fetch(url("127.0.0.1", {})), HasSubstr("no TLS with 127.0.0.1"));
  EXPECT_THAT(fetch(url("127.0.0.1", {path("none.pem"), false})), HasSubstr("none.pem"));
  auto plain = url("127.0.0.1", {});
  plain.tls = false;
  EXPECT_EQ(fetch(plain), size) << "on the loopback both kinds are answered";
}

TEST_F(ClientTls, ACertificateForAnotherAddress) {
  settings.listen = {IpAddress::v4(0x7f000002), 0};
  start();
  const auto call = [](const ServerUrl& server) { return http_call(server, {"GET", "/healthz", {}, {}}); };
  const auto refused = call(url("127.0.0.2", {path("own.pem"), false}));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().what, HasSubstr("no TLS with 127.0.0.2"));
  EXPECT_TRUE(call(url("127.0.0.2", {"", true})));
}

// What becomes of a WebSocket: "open", or why it ended.
std::string try_socket(const ServerUrl& server) {
  boost::asio::io_context io;
  std::string outcome = "nothing";
  SignalHandlers handlers;
  SignalChannel* channel = nullptr;
  handlers.on_open = [&] { channel->send(R"({"type":"ping","id":1})"); };
  handlers.on_message = [&](std::string_view text) {
    outcome = text;
    channel->close_now();
  };
  handlers.on_closed = [&](bool, const Error& why) { outcome = why.what; };
  SignalChannel own(io, handlers);
  channel = &own;
  own.connect(server, 5s);
  const auto limit = std::chrono::steady_clock::now() + 10s;
  while (outcome == "nothing" && io.run_one_until(limit) > 0) {
  }
  return outcome;
}

TEST_F(ClientTls, WssByTrust) {
  start();
  EXPECT_THAT(try_socket(url("127.0.0.1", {path("own.pem"), false})), HasSubstr("pong"));
  EXPECT_THAT(try_socket(url("localhost", {"", true})), HasSubstr("pong"));
  EXPECT_THAT(try_socket(url("127.0.0.1", {})), HasSubstr("no TLS with"));
  EXPECT_THAT(try_socket(url("127.0.0.1", {path("none.pem"), false})), HasSubstr("none.pem"));
  auto plain = url("127.0.0.1", {});
  plain.tls = false;
  EXPECT_THAT(try_socket(plain), HasSubstr("pong")) << "on the loopback both kinds are answered";
}

TEST_F(ClientTls, AServerWithoutTls) {
  settings.tls_certificate = settings.tls_key = "";
  start();
  EXPECT_THAT(try_socket(url("127.0.0.1", {"", true})), HasSubstr("no TLS with"));
}

}  // namespace
}  // namespace parley::client
