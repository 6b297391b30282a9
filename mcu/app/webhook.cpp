#include "mcu/app/webhook.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <optional>

#include "mcu/signaling/token.hpp"
#include "transport/net/tls_stream.hpp"

namespace parley::app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using tcp = asio::ip::tcp;
using ErrorCode = beast::error_code;

constexpr std::size_t kMaxUrl = 2'048, kMaxAnswer = 64 * 1'024;
constexpr std::array<std::string_view, 2> kSchemes = {"http", "https"};

std::string_view scheme_of(const HookUrl& url) {
  return url.tls ? "https" : "http";
}

// One call, as a chain of asynchronous steps under one deadline.
class Call {
 public:
  using Refusal = std::function<std::string(const IpAddress&)>;
  Call(const HookUrl& url, Refusal refusal, http::request<http::string_body> message)
      : url_(url),
        refusal_(std::move(refusal)),
        resolver_(context_),
        tcp_(context_),
        message_(std::move(message)) {
    parser_.body_limit(kMaxAnswer);
  }

  Status run(Duration limit) {
    if (const auto literal = IpAddress::parse(url_.host)) {
      if (auto why = refusal_(*literal); !why.empty()) return Error{why};
    }
    resolver_.async_resolve(url_.host, std::to_string(url_.port),
                            [this](ErrorCode error, const tcp::resolver::results_type& found) {
                              if (error) return fail("looking up " + url_.host, error);
                              connect(found);
                            });
    context_.run_for(limit);
    if (error_) return *error_;
    if (!parser_.is_header_done()) return Error{url_.authority + " does not answer"};
    const auto status = parser_.get().result_int();
    if (status >= 200 && status < 300) return Done{};
    return Error{url_.authority + " answered " + std::to_string(status)};
  }

 private:
  // To the addresses that were checked, so that a name that changes in between gains nothing.
  void connect(const tcp::resolver::results_type& found) {
    std::string refused;
    for (const auto& entry : found) {
      const auto endpoint = entry.endpoint();
      const auto address = Address::from_sockaddr(endpoint.data());
      if (!address) continue;
      const auto why = refusal_(address->ip);
      if (why.empty())
        allowed_.push_back(endpoint);
      else
        refused = why;
    }
    if (allowed_.empty()) {
      error_ = Error{refused.empty() ? url_.host + " has no address" : refused};
      return;
    }
    tcp_.async_connect(allowed_, [this](ErrorCode error, const tcp::endpoint&) {
      if (error) return fail("connecting to " + url_.authority, error);
      if (url_.tls) return shake_hands();
      stream_.emplace(std::move(tcp_));
      write();
    });
  }
  void shake_hands() {
    ErrorCode error;
    tls_context_.set_default_verify_paths(error);
    if (error) return fail("certificates to trust", error);
    tls_context_.set_verify_mode(ssl::verify_peer);
    tls_.emplace(std::move(tcp_), tls_context_);
    if (!IpAddress::parse(url_.host)) ::SSL_set_tlsext_host_name(tls_->native_handle(), url_.host.c_str());
    tls_->set_verify_callback(ssl::host_name_verification(url_.host));
    tls_->async_handshake(ssl::stream_base::client, [this](ErrorCode failed) {
      if (failed) return fail("TLS with " + url_.authority, failed);
      stream_.emplace(std::move(*tls_));
      write();
    });
  }
  void write() {
    http::async_write(*stream_, message_, [this](ErrorCode error, std::size_t) {
      if (error) return fail(url_.authority, error);
      // The status is the answer; whatever comes behind it is nobody's.
      http::async_read_header(*stream_, buffer_, parser_, [this](ErrorCode failed, std::size_t) {
        if (failed) fail(url_.authority + " gives no HTTP answer", failed);
      });
    });
  }
  void fail(const std::string& what, ErrorCode error) {
    error_ = Error{what + ": " + error.message(), error.value()};
  }

  const HookUrl& url_;
  const Refusal refusal_;
  asio::io_context context_;
  ssl::context tls_context_{ssl::context::tls_client};
  tcp::resolver resolver_;
  std::vector<tcp::endpoint> allowed_;
  beast::tcp_stream tcp_;
  std::optional<net::Stream::Tls> tls_;
  std::optional<net::Stream> stream_;
  http::request<http::string_body> message_;
  http::response_parser<http::string_body> parser_;
  beast::flat_buffer buffer_{kMaxAnswer};
  std::optional<Error> error_;
};

bool plain_host(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
}

}  // namespace

Result<HookUrl> parse_hook_url(std::string_view text) {
  if (text.size() > kMaxUrl) return Error{"the URL is longer than 2048 characters"};
  for (const char c : text)
    if (c <= 0x20 || c >= 0x7f) return Error{"the URL has a character that must be percent-encoded"};
  HookUrl url;
  if (text.starts_with("https://")) {
    url.tls = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return Error{"the URL must begin with http:// or https://"};
  }
  const auto path = text.find_first_of("/?#");
  auto authority = text.substr(0, path);
  url.target = path == std::string_view::npos ? "/" : std::string(text.substr(path));
  if (url.target.front() == '?') url.target.insert(0, "/");
  if (url.target.find('#') != std::string::npos) return Error{"the URL has a fragment"};
  if (authority.find('@') != std::string_view::npos) return Error{"the URL has a user name"};
  url.authority = authority;
  url.port = url.tls ? 443 : 80;
  const auto bracket = authority.find(']');
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const auto port = authority.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc{} || end != port.data() + port.size() || url.port == 0)
      return Error{"the URL's port must be 1 to 65535"};
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) {
    authority = authority.substr(1, authority.size() - 2);
    if (const auto address = IpAddress::parse(authority); !address || address->is_v4())
      return Error{"the URL's host is no IPv6 address"};
  } else if (!plain_host(authority)) {
    return Error{"the URL has no host, or one that cannot be"};
  }
  url.host = authority;
  std::transform(url.host.begin(), url.host.end(), url.host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return url;
}

Result<Webhook> Webhook::make(const std::string& url, const std::string& key,
                              const std::vector<std::string>& allow) {
  Webhook out;
  for (const auto& text : allow) {
    const auto rule = streams::HostRule::parse(text, kSchemes);
    if (!rule)
      return Error{"webhooks.allow: \"" + text +
                   "\" is no rule: expected http[s]://HOST[:PORT[-PORT]] with a HOST of *, *.example.org, "
                   "hooks.example.org or 10.1.0.0/16"};
    out.allow_.push_back(*rule);
  }
  if (url.empty()) return out;
  auto parsed = parse_hook_url(url);
  if (!parsed) return Error{"webhooks.url: " + parsed.error().what};
  out.url_ = std::move(parsed).value();
  if (key.empty()) return Error{"webhooks.key: a key is needed, with which the calls are signed"};
  out.key_ = key;
  const auto literal = IpAddress::parse(out.url_.host);
  const bool covered = std::any_of(out.allow_.begin(), out.allow_.end(), [&](const streams::HostRule& rule) {
    return literal ? rule.covers(scheme_of(out.url_), out.url_.host, out.url_.port, *literal)
                   : rule.covers(scheme_of(out.url_), out.url_.host, out.url_.port);
  });
  if (!covered) return Error{"webhooks.url: " + out.url_.authority + " is not allowed by webhooks.allow"};
  return out;
}

std::string Webhook::refusal(const IpAddress& address) const {
  const bool covered = std::any_of(allow_.begin(), allow_.end(), [&](const streams::HostRule& rule) {
    return rule.covers(scheme_of(url_), url_.host, url_.port, address);
  });
  if (covered) return {};
  return url_.host + " leads to " + address.to_string() + ", which is not allowed by webhooks.allow";
}

std::string webhook_signature(std::string_view key, std::int64_t at, std::string_view body) {
  return "v1=" + signaling::hmac_hex(std::to_string(at) + "." + std::string(body), key);
}

Status Webhook::post(std::string_view event, std::string_view delivery, const std::string& body,
                     std::int64_t at) const {
  http::request<http::string_body> message(http::verb::post, url_.target, 11);
  message.set(http::field::host, url_.authority);
  message.set(http::field::user_agent, "parley-mcu");
  message.set(http::field::connection, "close");
  message.set(http::field::content_type, "application/json");
  message.set("Parley-Event", event);
  message.set("Parley-Delivery", delivery);
  message.set("Parley-Timestamp", std::to_string(at));
  message.set("Parley-Signature", webhook_signature(key_, at, body));
  message.body() = body;
  message.prepare_payload();
  return Call(
             url_, [this](const IpAddress& address) { return refusal(address); }, std::move(message))
      .run(kLimit);
}

}  // namespace parley::app
