// HTTPS and WSS on the port of HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "mcu/signaling/tls.hpp"
#include "mcu/signaling/tls_self_signed.hpp"
#include "tests/unit/mcu/signaling/server_fixture.hpp"

namespace parley::signaling {
namespace {

namespace fs = std::filesystem;
namespace ssl = boost::asio::ssl;
using testing::HasSubstr;

// A folder with a certificate and its key in PEM files; `serial` tells certificates apart.
class PemFiles {
 public:
  PemFiles() : folder_(fs::temp_directory_path() / ("parley-tls-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~PemFiles() { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  void make(const std::string& name, long serial) const {
    const std::unique_ptr<EVP_PKEY, decltype(&::EVP_PKEY_free)> key(::EVP_EC_gen("P-256"), &::EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&::X509_free)> certificate(::X509_new(), &::X509_free);
    auto* x509 = certificate.get();
    ::X509_set_version(x509, 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(x509), serial);
    ::X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    ::X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    ::X509_set_pubkey(x509, key.get());
    ::X509_sign(x509, key.get(), ::EVP_sha256());
    std::FILE* out = std::fopen(path(name + ".pem").c_str(), "w");
    ::PEM_write_X509(out, x509);
    std::fclose(out);
    out = std::fopen(path(name + ".key").c_str(), "w");
    ::PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
  }

 private:
  fs::path folder_;
};

// One HTTPS request on a connection of its own; status 0: no answer. Who the server is, is not checked.
class HttpsClient {
 public:
  explicit HttpsClient(const Address& server) : context_(ssl::context::tls_client), stream_(io_, context_) {
    beast::error_code error;
    beast::get_lowest_layer(stream_).socket().connect(endpoint_of(server), error);
    handshake_ = run_one(io_, [&](auto done) { stream_.async_handshake(ssl::stream_base::client, done); });
  }
  bool is_open() const { return !handshake_; }
  long serial() {
    const std::unique_ptr<X509, decltype(&::X509_free)> certificate(
        ::SSL_get1_peer_certificate(stream_.native_handle()), &::X509_free);
    return certificate ? ::ASN1_INTEGER_get(::X509_get_serialNumber(certificate.get())) : -1;
  }
  Answer ask(const std::string& text) {
    beast::error_code error =
        run_one(io_, [&](auto done) { asio::async_write(stream_, asio::buffer(text), done); });
    EXPECT_FALSE(error) << error.message();
    http::response_parser<http::string_body> parser;
    error = run_one(io_, [&](auto done) { http::async_read(stream_, buffer_, parser, done); });
    Answer answer;
    if (error) return answer;
    answer.status = static_cast<int>(parser.get().result_int());
    answer.headers = static_cast<const http::fields&>(parser.get().base());
    answer.body = parser.get().body();
    return answer;
  }
  ssl::stream<beast::tcp_stream>& stream() { return stream_; }
  asio::io_context& io() { return io_; }

 private:
  asio::io_context io_;
  ssl::context context_;
  ssl::stream<beast::tcp_stream> stream_;
  beast::flat_buffer buffer_;
  beast::error_code handshake_;
};

class Tls : public ServerTest {
 protected:
  Tls() { settings.tls_certificate = kSelfSigned; }
};

TEST_F(Tls, BothKindsOfHttpOnOnePort) {
  start();
  HttpsClient client(address);
  ASSERT_TRUE(client.is_open());
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(client.ask(text_of("GET", "/healthz")).status, 200) << "request " << i << " of one connection";
  EXPECT_EQ(
      client.ask(text_of("POST", "/whip/standup", {{"Content-Type", "application/sdp"}}, "an offer")).status,
      201);
  EXPECT_EQ(request("GET", "/healthz").status, 200) << "plain HTTP on the loopback";
}

TEST_F(Tls, AWebSocketInside) {
  start();
  HttpsClient client(address);
  ASSERT_TRUE(client.is_open());
  websocket::stream<ssl::stream<beast::tcp_stream>&> socket(client.stream());
  websocket::response_type response;
  auto error = run_one(
      client.io(), [&](auto done) { socket.async_handshake(response, address.to_string(), "/ws", done); });
  ASSERT_FALSE(error) << error.message();
  const std::string join = R"({"type":"join","id":1,"room":"standup","name":"Ann","sdp":"an offer"})";
  run_one(client.io(), [&](auto done) { socket.async_write(asio::buffer(join), done); });
  beast::flat_buffer buffer;
  error = run_one(client.io(), [&](auto done) { socket.async_read(buffer, done); });
  ASSERT_FALSE(error) << error.message();
  EXPECT_THAT(beast::buffers_to_string(buffer.data()), HasSubstr("\"joined\""));
  EXPECT_EQ(people("standup"), 1u);
  // The server ends it in order: a close frame, then TLS's own farewell.
  const std::string leave = R"({"type":"leave","id":2})";
  run_one(client.io(), [&](auto done) { socket.async_write(asio::buffer(leave), done); });
  buffer.clear();
  for (int i = 0; i < 5 && !error; ++i) {
    error = run_one(client.io(), [&](auto done) { socket.async_read(buffer, done); });
  }
  EXPECT_EQ(error, websocket::error::closed) << error.message();
}

TEST_F(Tls, WhoDoesNotShakeHandsIsPutOut) {
  settings.header_timeout = 200ms;
  settings.idle_timeout = 300ms;
  start();
  HttpClient silent(address), half(address), noise(address);
  half.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6));  // the beginning of a ClientHello
  noise.send(std::string_view("\x16\x03\x01\x00\x05hello", 10));
  EXPECT_TRUE(silent.is_closed());
  EXPECT_TRUE(half.is_closed());
  // A TLS alert may come first.
  char byte = 0;
  auto tcp = noise.release();
  beast::error_code error;
  while (!error) tcp.socket().read_some(asio::buffer(&byte, 1), error);
  EXPECT_TRUE(error == asio::error::eof || error == asio::error::connection_reset) << error.message();
  EXPECT_TRUE(HttpsClient(address).is_open()) << "others are not disturbed";
}

TEST_F(Tls, OtherHostsAreSentToHttps) {
  Address outside;
  ifaddrs* list = nullptr;
  ASSERT_EQ(::getifaddrs(&list), 0);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    const auto found = entry->ifa_addr != nullptr ? Address::from_sockaddr(entry->ifa_addr) : std::nullopt;
    if (found && found->ip.is_v4() && !found->ip.is_loopback()) outside.ip = found->ip;
  }
  ::freeifaddrs(list);
  if (outside.ip.is_unspecified()) GTEST_SKIP() << "this host has no address but the loopback";
  settings.listen = outside;
  settings.admin_key = "admin-key-for-tests";
  start();
  const auto answer = request("GET", "/r/standup?x=1", {{"Host", "meet.example.org"}});
  EXPECT_EQ(answer.status, 308);
  EXPECT_EQ(answer.header("Location"), "https://meet.example.org/r/standup?x=1");
  EXPECT_EQ(request("POST", "/whip/standup", {{"Content-Type", "application/sdp"}}, "an offer").status, 308);
  EXPECT_EQ(people("standup"), 0u);
  EXPECT_EQ(HttpsClient(address).ask(text_of("GET", "/healthz")).status, 200);
}

TEST_F(Tls, CertificatesFromFilesAreReadAgain) {
  const PemFiles files;
  files.make("one", 1001);
  files.make("two", 1002);
  settings.tls_certificate = files.path("one.pem");
  settings.tls_key = files.path("one.key");
  start();
  EXPECT_EQ(HttpsClient(address).serial(), 1001);
  HttpsClient old(address);

  // Renewed under the same name.
  fs::copy_file(files.path("two.pem"), files.path("one.pem"), fs::copy_options::overwrite_existing);
  EXPECT_FALSE(on_ctl([&] { return server().reload(settings); })) << "the new certificate with the old key";
  EXPECT_EQ(HttpsClient(address).serial(), 1001) << "what was not taken changes nothing";
  fs::copy_file(files.path("two.key"), files.path("one.key"), fs::copy_options::overwrite_existing);
  EXPECT_TRUE(on_ctl([&] { return server().reload(settings); }));
  EXPECT_EQ(HttpsClient(address).serial(), 1002);
  EXPECT_EQ(old.ask(text_of("GET", "/healthz")).status, 200) << "open connections live on";
}

TEST(TlsContext, ErrorsNameTheFile) {
  const PemFiles files;
  files.make("one", 1);
  files.make("two", 2);
  const auto error = [](const std::string& certificate, const std::string& key) {
    const auto made = make_tls_context(certificate, key);
    return made ? "no error" : made.error().what;
  };
  EXPECT_EQ(error(files.path("one.pem"), files.path("one.key")), "no error");
  EXPECT_THAT(error("/none.pem", files.path("one.key")), HasSubstr("http.tls.certificate: /none.pem"));
  EXPECT_THAT(error(files.path("one.pem"), "/none.key"), HasSubstr("http.tls.key: /none.key"));
  EXPECT_THAT(error(files.path("one.pem"), files.path("two.key")), HasSubstr("is not the key of"));
  EXPECT_THAT(error(files.path("one.key"), files.path("one.key")), HasSubstr("http.tls.certificate"));
}

TEST(SelfSigned, IsKeptInItsFile) {
  const PemFiles files;
  const std::string file = files.path("development.pem");
  const auto serial = [](const Result<SelfSigned>& made) {
    return made ? ::ASN1_INTEGER_get(::X509_get_serialNumber(made->certificate.get())) : -1;
  };
  const long first = serial(self_signed(file));
  ASSERT_GT(first, 0);
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(serial(self_signed(file)), first) << "browsers that were told to trust it go on to";
  EXPECT_NE(serial(self_signed("")), first);
  fs::remove(file);
  EXPECT_NE(serial(self_signed(file)), first);
}

TEST(SelfSigned, OneThatEndsSoonIsMadeAnew) {
  const PemFiles files;
  files.make("old", 77);  // for an hour, and for no name
  std::string pair;
  for (const char* part : {"old.key", "old.pem"}) {
    std::ifstream in(files.path(part));
    pair.append(std::istreambuf_iterator<char>(in), {});
  }
  std::ofstream(files.path("both.pem")) << pair;
  const auto made = self_signed(files.path("both.pem"));
  ASSERT_TRUE(made) << made.error().what;
  EXPECT_NE(::ASN1_INTEGER_get(::X509_get_serialNumber(made->certificate.get())), 77);
}

TEST(SelfSigned, NeverWritesOverAnotherFile) {
  const PemFiles files;
  std::ofstream(files.path("letter.txt")) << "dear operator";
  const auto made = self_signed(files.path("letter.txt"));
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().what, HasSubstr("letter.txt: expected a key and its certificate"));
  EXPECT_EQ(fs::file_size(files.path("letter.txt")), 13u);
  const auto nowhere = self_signed("/no-such-folder/a.pem");
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().what, HasSubstr("/no-such-folder/a.pem: cannot be written"));
}

}  // namespace
}  // namespace parley::signaling
