#include "mcu/app/recording_health.hpp"

#include <set>

namespace parley::app {
namespace {

constexpr std::uint64_t kStalledMs = 1'000;
constexpr const char* kSilent = "the disk has not answered for a second";

}  // namespace

void RecordingHealth::refused(const std::string& recording, const std::string& cause) {
  if (cause.empty()) {
    if (refused_.erase(recording) > 0) tell_(recording, "resumed", "");
    return;
  }
  refused_[recording] = cause;
  tell_(recording, "refused", cause);
}

void RecordingHealth::look(const recording::RecorderStats& stats,
                           const std::vector<std::string>& recordings) {
  waiting_ms_ = stats.waiting_ms;
  low_ = stats.disk_low;
  const bool stalled = waiting_ms_ >= kStalledMs;
  if (std::exchange(stalled_, stalled) == stalled) return;
  for (const auto& recording : recordings)
    tell_(recording, stalled ? "stalled" : "resumed", stalled ? kSilent : "");
}

std::vector<std::string> RecordingHealth::lines() const {
  std::vector<std::string> out;
  if (!index_.empty()) out.push_back("recording.directory cannot be used: " + index_);
  if (low_) out.emplace_back("less than recording.min_free_mb is free, nothing is recorded");
  if (stalled_) out.push_back("the disk has not answered for " + std::to_string(waiting_ms_ / 1'000) + " s");
  if (refused_.empty()) return out;
  std::set<std::string> causes;
  for (const auto& [recording, cause] : refused_) causes.insert(cause);
  std::string all;
  for (const auto& cause : causes) all += (all.empty() ? "" : ", ") + cause;
  out.push_back("the disk takes nothing of " + std::to_string(refused_.size()) + " recordings: " + all);
  return out;
}

}  // namespace parley::app
