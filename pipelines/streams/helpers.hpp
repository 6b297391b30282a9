// Threads for what may take long and cannot be hurried: looking up names, connecting, closing a pipeline
// whose peer has gone. A job each; the destructor waits for them, but not for ever: a resolver that hangs
// must not keep the server from stopping, so a job may hold only what it owns.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "transport/base/time.hpp"

namespace parley::streams {

class Helpers {
 public:
  static constexpr std::size_t kMost = 256;  // jobs at once
  static constexpr Duration kFarewell = 5s;

  explicit Helpers(std::string thread_name) : thread_name_(std::move(thread_name)) {}
  ~Helpers();
  Helpers(const Helpers&) = delete;
  Helpers& operator=(const Helpers&) = delete;

  // Any thread. False: as many are under way as may be.
  bool run(std::function<void()> job);

 private:
  struct Shared {
    std::mutex lock;
    std::condition_variable fewer;
    std::size_t running = 0;
  };
  const std::string thread_name_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace parley::streams
