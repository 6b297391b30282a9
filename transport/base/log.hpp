// Logging: spdlog behind one function per severity, and a counter for what happens at packet rate.
// Nothing on the mix or net threads logs per packet: it calls RateLimitedLog::hit(), which lets one line a
// second out and tells in it how many were kept back.
#pragma once

#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "transport/base/time.hpp"

namespace parley::log {

template <typename... Args>
void debug(fmt::format_string<Args...> text, Args&&... args) {
  spdlog::debug(text, std::forward<Args>(args)...);
}
template <typename... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
  spdlog::info(text, std::forward<Args>(args)...);
}
template <typename... Args>
void warn(fmt::format_string<Args...> text, Args&&... args) {
  spdlog::warn(text, std::forward<Args>(args)...);
}
template <typename... Args>
void error(fmt::format_string<Args...> text, Args&&... args) {
  spdlog::error(text, std::forward<Args>(args)...);
}

// A stranger's text for the terminal or the log file: control characters, escape sequences, characters that
// turn the direction of the line and what is no UTF-8 come out as \xNN. At most `limit` bytes of it.
std::string printable(std::string_view text, std::size_t limit = 200);

}  // namespace parley::log

namespace parley {

class RateLimitedLog {
 public:
  explicit RateLimitedLog(std::string what, Duration interval = 1s)
      : what_(std::move(what)), interval_(interval) {}
  void hit(TimePoint at, std::string_view detail = {});
  std::uint64_t total() const { return total_.load(std::memory_order_relaxed); }

 private:
  std::string what_;
  Duration interval_;
  TimePoint last_{};  // owned by the one thread that hits
  bool started_ = false;
  std::uint64_t kept_back_ = 0;
  std::atomic<std::uint64_t> total_{0};
};

}  // namespace parley
