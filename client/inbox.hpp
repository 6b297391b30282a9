// What other threads have to tell the main thread, which alone prints.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include "transport/base/time.hpp"

namespace parley::client {

class Inbox {
 public:
  using Note = std::function<void()>;

  void put(Note note) {
    {
      const std::lock_guard lock(mutex_);
      if (notes_.size() >= kMax) return;  // a terminal that takes nothing must not eat the memory
      notes_.push_back(std::move(note));
    }
    filled_.notify_one();
  }
  // The next note, or nothing when `until` has come.
  Note take(TimePoint until) {
    std::unique_lock lock(mutex_);
    if (!filled_.wait_until(lock, until, [this] { return !notes_.empty(); })) return {};
    Note note = std::move(notes_.front());
    notes_.pop_front();
    return note;
  }

 private:
  static constexpr std::size_t kMax = 10'000;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<Note> notes_;  // guarded by mutex_
};

}  // namespace parley::client
