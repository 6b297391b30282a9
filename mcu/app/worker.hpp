// A thread for what may take long or block (the `disk` thread): jobs run one after the other, in order.
//
// Bounded: a full queue refuses. The destructor runs what is queued, then ends.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "transport/base/thread_name.hpp"

namespace parley::app {

class Worker {
 public:
  Worker(std::string name, std::size_t capacity) : capacity_(capacity) {
    thread_ = std::thread([this, name = std::move(name)] { run(name); });
  }
  ~Worker() {
    {
      const std::lock_guard lock(lock_);
      stopping_ = true;
    }
    ready_.notify_one();
    thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Any thread. The lock is held to move the job in, never while a job runs.
  bool post(std::function<void()> job) {
    {
      const std::lock_guard lock(lock_);
      if (jobs_.size() >= capacity_) return false;
      jobs_.push_back(std::move(job));
    }
    ready_.notify_one();
    return true;
  }

 private:
  void run(const std::string& name) {
    name_this_thread(name);
    std::unique_lock lock(lock_);
    for (;;) {
      ready_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      job = nullptr;  // what the job owns dies here, not under the lock
      lock.lock();
    }
  }

  const std::size_t capacity_;
  std::mutex lock_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace parley::app
