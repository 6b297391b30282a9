#include "transport/rtp/hole_log.hpp"

#include <algorithm>

#include "transport/base/check.hpp"

namespace parley::rtp {

void HoleLog::add(std::int64_t before, std::uint16_t count) {
  if (count == 0) return;
  PARLEY_ASSERT(added_ == 0 || before - count > runs_[(added_ - 1) % kRuns].before - 1);
  runs_[added_ % kRuns] = {before, count};
  ++added_;
  total_ += count;
}

std::uint64_t HoleLog::count_through(std::int64_t highest) const {
  // From the newest run back: those above `highest` are taken off, one may be cut in two.
  std::uint64_t above = 0;
  const std::uint64_t kept = std::min<std::uint64_t>(added_, kRuns);
  for (std::uint64_t back = 1; back <= kept; ++back) {
    const Run& run = runs_[(added_ - back) % kRuns];
    if (run.before - 1 <= highest) break;
    above += static_cast<std::uint64_t>(std::min<std::int64_t>(run.count, run.before - 1 - highest));
  }
  return total_ - above;
}

}  // namespace parley::rtp
