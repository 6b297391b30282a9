#include "client/pacer.hpp"

#include <algorithm>

#include "transport/base/thread_name.hpp"

namespace parley::client {

Pacer::Pacer(std::string name, Duration period, std::size_t phases)
    : period_(period), phases_(std::max<std::size_t>(phases, 1)) {
  thread_ = std::thread([this, name = std::move(name)] { run(name); });
}

Pacer::~Pacer() {
  stop_.store(true, std::memory_order_relaxed);
  thread_.join();
}

std::uint64_t Pacer::add(Step step) {
  const std::lock_guard lock(mutex_);
  const auto id = next_id_++;
  const auto emptiest = std::min_element(phases_.begin(), phases_.end(),
                                         [](const auto& a, const auto& b) { return a.size() < b.size(); });
  emptiest->push_back({id, std::move(step)});
  return id;
}

void Pacer::remove(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  for (auto& phase : phases_) std::erase_if(phase, [id](const Entry& entry) { return entry.id == id; });
}

void Pacer::run(const std::string& name) {
  name_this_thread(name);
  const Duration slice = period_ / static_cast<long>(phases_.size());
  TimePoint deadline = now() + slice;
  for (std::size_t phase = 0; !stop_.load(std::memory_order_relaxed); phase = (phase + 1) % phases_.size()) {
    std::this_thread::sleep_until(deadline);
    if (const Duration behind = now() - deadline; behind > kMaxBehind) {
      const auto periods = behind / period_;
      deadline += periods * period_;
      skipped_.fetch_add(static_cast<std::uint64_t>(periods), std::memory_order_relaxed);
    }
    {
      const std::lock_guard lock(mutex_);
      for (const Entry& entry : phases_[phase]) entry.step(deadline);
    }
    deadline += slice;
  }
}

}  // namespace parley::client
