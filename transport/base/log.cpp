#include "transport/base/log.hpp"

namespace parley::log {

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char c : text.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out.push_back(c);
    }
  }
  if (text.size() > limit) out += "...";
  return out;
}

}  // namespace parley::log

namespace parley {

void RateLimitedLog::hit(TimePoint at, std::string_view detail) {
  total_.fetch_add(1, std::memory_order_relaxed);
  if (started_ && at - last_ < interval_) {
    ++kept_back_;
    return;
  }
  log::warn("{}{}{}{}", what_, detail.empty() ? "" : ": ", log::printable(detail),
            kept_back_ > 0 ? fmt::format(" ({} more since the last line)", kept_back_) : std::string{});
  started_ = true;
  last_ = at;
  kept_back_ = 0;
}

}  // namespace parley
