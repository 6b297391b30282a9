#include "pipelines/media/profile.hpp"

#include <array>
#include <utility>

namespace parley::media {

namespace {

constexpr auto kCalm = 10s;

// Loss at which a tier begins, and below which it may be left again.
struct Threshold {
  double enter;
  double leave;
};
constexpr std::array<Threshold, 3> kThresholds{{{0, 0}, {0.01, 0.005}, {0.10, 0.06}}};

// Bitrate steps: few, so that classes stay shared. The lowest serves any peer, whatever it states.
std::uint32_t step_down(std::uint32_t wanted, std::uint32_t limit) {
  if (limit == 0 || wanted <= limit) return wanted;
  for (const std::uint32_t step : {32'000U, 24'000U, 16'000U}) {
    if (step < wanted && step <= limit) return step;
  }
  return 12'000;
}

}  // namespace

Profile profile_for(const PeerLimits& peer, Tier tier) {
  if (peer.codec != Codec::opus) return {peer.codec, Tier::clean, false, false, false, 64'000};
  // All that the lossy tiers have over the clean one is FEC: without it there is no reason to change.
  if (!peer.use_fec) tier = Tier::clean;
  // Where much is lost the link may be full: less for it.
  const std::uint32_t bitrate = step_down(tier == Tier::very_lossy ? 32'000 : 40'000, peer.max_bitrate);
  return {Codec::opus, tier, tier != Tier::clean, peer.use_dtx, peer.max_bitrate != 0, bitrate};
}

Tier TierChooser::step(TimePoint at, double loss) {
  const auto index = static_cast<std::size_t>(tier_);
  for (std::size_t worse = kThresholds.size() - 1; worse > index; --worse) {
    if (loss < kThresholds[worse].enter) continue;
    better_ = false;
    return tier_ = static_cast<Tier>(worse);
  }
  if (index == 0 || loss >= kThresholds[index].leave) {
    better_ = false;
    return tier_;
  }
  if (!std::exchange(better_, true)) better_since_ = at;
  if (at - better_since_ >= kCalm) {
    better_ = false;
    tier_ = static_cast<Tier>(index - 1);
  }
  return tier_;
}

}  // namespace parley::media
