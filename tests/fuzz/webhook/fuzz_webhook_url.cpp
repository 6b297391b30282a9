// The URL of webhooks, and the rules of webhooks.allow.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "mcu/app/webhook.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley::app;
  const std::string text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(Webhook::make("", "", {text}).ok());
  const auto url = parse_hook_url(text);
  if (!url) return 0;
  // What goes into the request is one line of printable characters, and names a host and a port.
  for (const auto* part : {&url->target, &url->authority, &url->host})
    for (const char c : *part)
      if (c <= 0x20 || c >= 0x7f) std::abort();
  if (url->host.empty() || url->port == 0 || url->target.front() != '/') std::abort();
  return 0;
}
