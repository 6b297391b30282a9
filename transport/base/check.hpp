// PARLEY_ASSERT: a condition that only our own bug can break. On in every build but Release (PARLEY_CHECKS).
// ThreadOwner: a class states which thread owns it and asserts so on each entry.
#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace parley {

[[noreturn]] inline void assertion_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
  std::abort();
}

}  // namespace parley

#ifdef PARLEY_CHECKS
#define PARLEY_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::parley::assertion_failed(#condition, __FILE__, __LINE__))
#else
#define PARLEY_ASSERT(condition) static_cast<void>(sizeof(!(condition)))
#endif

namespace parley {

// Bound to the first thread that calls check(), until release() hands the object over.
class ThreadOwner {
 public:
  void check() const {
#ifdef PARLEY_CHECKS
    std::thread::id expected{};
    const auto self = std::this_thread::get_id();
    if (!owner_.compare_exchange_strong(expected, self)) PARLEY_ASSERT(expected == self);
#endif
  }
  void release() {
    owner_.store(std::thread::id{});
  }

 private:
  mutable std::atomic<std::thread::id> owner_{};
};

}  // namespace parley
