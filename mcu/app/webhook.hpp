// Tells another server what has happened here: a signed POST to the operator's URL (webhooks.*).
//
// Threads: any; post() blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipelines/streams/host_rules.hpp"
#include "transport/base/address.hpp"
#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::app {

struct HookUrl {
  bool tls = false;
  std::string host;  // a name or an address without brackets
  std::uint16_t port = 0;
  std::string target;     // path and query
  std::string authority;  // as in the Host header
};
// http[s]://HOST[:PORT][/PATH][?QUERY]; neither user nor fragment. The error says what is wrong, and repeats
// nothing: there may be a secret in it.
Result<HookUrl> parse_hook_url(std::string_view text);

class Webhook {
 public:
  static constexpr Duration kLimit = 15s;  // of one call, from the look-up to the answer

  // An empty URL: nobody is told. The error names the key.
  static Result<Webhook> make(const std::string& url, const std::string& key,
                              const std::vector<std::string>& allow);
  bool wanted() const { return !url_.host.empty(); }

  // Done: it was answered with 2xx. `at`: seconds since 1970, which is signed with the body.
  Status post(std::string_view event, std::string_view delivery, const std::string& body,
              std::int64_t at) const;

  // The rules of webhooks.allow; empty: allowed.
  std::string refusal(const IpAddress& address) const;

 private:
  HookUrl url_;
  std::string key_;
  std::vector<streams::HostRule> allow_;
};

// What the header Parley-Signature says: "v1=" and HMAC-SHA256 of "<timestamp>.<body>" in hexadecimal.
std::string webhook_signature(std::string_view key, std::int64_t at, std::string_view body);

}  // namespace parley::app
