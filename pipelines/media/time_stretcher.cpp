#include "pipelines/media/time_stretcher.hpp"

#include <algorithm>

#include "pipelines/media/waveform.hpp"

namespace parley::media {

std::size_t TimeStretcher::shorten(PcmFifo& pcm, std::size_t most, bool quiet, float similarity) const {
  std::size_t lag = most;
  if (!quiet) {
    if (most < lowest() || pcm.size() < lowest() + window()) return 0;
    const std::size_t high = std::min({most, kHighest * ms_, pcm.size() - window()});
    const LagMatch match = best_lag(pcm.waiting(), 0, lowest(), high, window(), Direction::forward);
    if (match.similarity < similarity) return 0;
    lag = match.lag;
  }
  const auto waiting = pcm.waiting();
  if (lag == 0 || lag >= waiting.size()) return 0;
  const std::size_t blend = std::min({seam(), lag, waiting.size() - lag});
  crossfade(waiting.first(blend), waiting.subspan(lag, blend));
  pcm.drop(0, lag);
  return lag;
}

std::size_t TimeStretcher::lengthen(PcmFifo& pcm, std::size_t wanted, bool quiet, float similarity) const {
  const std::size_t past = pcm.played().size();
  std::size_t lag = std::min(wanted, past);
  if (!quiet) {
    if (past < lowest() || pcm.size() < window()) return 0;
    const std::size_t high = std::min(std::clamp(wanted, 2 * lowest(), kHighest * ms_), past);
    const LagMatch match = best_lag(pcm.all(), past, lowest(), high, window(), Direction::backward);
    if (match.similarity < similarity) return 0;
    lag = match.lag;
  }
  if (lag == 0) return 0;
  // The last `lag` samples are played once more: the sound that would have come next leans over into them,
  // and their end meets it again where it belongs.
  pcm.insert(0, lag);
  const auto all = pcm.all();
  const auto again = all.subspan(past, lag);
  std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(past - lag), lag, again.begin());
  const auto next = all.subspan(past + lag);
  crossfade(next.first(std::min({seam(), lag, next.size()})), again);
  return lag;
}

}  // namespace parley::media
