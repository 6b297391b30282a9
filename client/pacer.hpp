// A clock that calls: every period, at absolute deadlines, each registered step runs once with its deadline
// as its time. One pacer (one thread) can drive the audio of many sessions; their steps are spread over the
// period, as independent clients would be.
//
// A late pacer makes up what it missed (a software source must not drift against the wall clock) up to
// kMaxBehind; beyond that (a suspended machine) it jumps to now.
//
// Threads: steps run on the pacer's thread. add() and remove() may be called from any other thread; after
// remove() has returned the step does not run any more.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "transport/base/time.hpp"

namespace parley::client {

class Pacer {
 public:
  using Step = std::function<void(TimePoint at)>;
  static constexpr Duration kMaxBehind = 1s;

  // `phases`: over how many equal parts of the period the steps are spread.
  explicit Pacer(std::string name, Duration period = 20ms, std::size_t phases = 1);
  ~Pacer();
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  std::uint64_t add(Step step);
  void remove(std::uint64_t id);
  // Periods jumped over because the thread was more than kMaxBehind late.
  std::uint64_t skipped() const { return skipped_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    std::uint64_t id;
    Step step;
  };
  void run(const std::string& name);

  const Duration period_;
  std::mutex mutex_;  // guards phases_ and next_id_; held while steps run, so that remove() waits for them
  std::vector<std::vector<Entry>> phases_;
  std::uint64_t next_id_ = 1;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> skipped_{0};
  std::thread thread_;
};

}  // namespace parley::client
