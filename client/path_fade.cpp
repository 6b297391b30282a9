#include "client/path_fade.hpp"

#include <algorithm>
#include <array>

#include "pipelines/media/waveform.hpp"
#include "transport/base/check.hpp"

namespace parley::client {

namespace {

constexpr std::size_t kPast = 25 * 48;  // that the stretcher looks back on
constexpr float kAlike = 0.7F, kHardlyAlike = 0.3F;
constexpr double kPlayUp = 0.1;      // of speech, taken out
constexpr double kStretch = 0.3;     // of speech, put in: it has to be quick, and is short
constexpr double kSlowly = 0.06;     // of speech, put in: there is time
constexpr double kMostAtOnce = 720;  // samples, a period of the lowest voice

bool has_sound(media::PulledKind kind) {
  return kind != media::PulledKind::silence && kind != media::PulledKind::concealed;
}

// In a straight line: the two are alike.
void fade(std::span<const float> from, std::span<float> to) {
  const float step = 1 / static_cast<float>(to.size());
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] = from[i] + step * static_cast<float>(i + 1) * (to[i] - from[i]);
}

bool is_pause(std::span<const float> pcm) {
  constexpr float kPause = 0.002F;  // -54 dBFS
  return media::rms_of(pcm) <= kPause;
}

}  // namespace

PathFade::PathFade() : line_(kPast), stretcher_(48'000) {}

void PathFade::watch(const Tick& mcu, const Tick& direct) {
  aligner_.add(mcu.pcm, direct.pcm);
  const bool concealed = direct.kind == media::PulledKind::concealed;
  const bool missing = direct.kind == media::PulledKind::silence && (has_sound(mcu.kind) || direct_dry_ > 0);
  if (direct_dry_ == 0) paused_ = !concealed;
  direct_dry_ = concealed || missing ? direct_dry_ + 1 : 0;
  direct_good_ = concealed ? 0 : direct_good_ + 1;
  quiet_ = is_pause(mcu.pcm) && is_pause(direct.pcm) && !concealed ? quiet_ + 1 : 0;
  along_ = has_sound(mcu.kind) ? along_ + 1 : along_;
  alone_ = has_sound(mcu.kind) ? 0 : alone_ + 1;
  if (alone_ > kMostGap) along_ = 0;
  ++lag_age_;
  if (!has_sound(mcu.kind) || direct_dry_ > 0) return;
  const bool in_need = waiting_ > 0;
  if (!in_need && lag_age_ < kLookAgain) return;
  const auto lag = aligner_.lag();
  if (!lag) return;
  // A vowel looks alike in several places: only what was found twice counts.
  const bool again = last_look_ && *lag + kNearEnough >= *last_look_ && *lag <= *last_look_ + kNearEnough;
  last_look_ = lag;
  if (!again) return;
  lag_ = lag;
  lag_age_ = 0;
}

// The direct path as it was `lag` ago, and what has come since behind it.
void PathFade::enter_line(std::size_t lag) {
  line_.clear_waiting();
  const auto recent = aligner_.direct(kPast + lag + kTick);
  line_.replace_played(recent.first(kPast));
  const auto rest = recent.subspan(kPast);
  std::copy(rest.begin(), rest.end(), line_.extend(rest.size()).begin());
  budget_ = 0;
}

std::size_t PathFade::wanted_line(bool direct_wanted) const {
  const std::size_t lag = lag_.value_or(0);
  if (!direct_wanted) return lag;
  return along_ > kAlong && lag > kLead ? std::min(lag - kLead, kMostKept) : 0;
}

// Brings the line's length, apart from the tick that is about to be played, to where it should be.
void PathFade::steer(bool direct_wanted) {
  const std::size_t wanted = wanted_line(direct_wanted);
  const std::size_t is = line_.size() - kTick;
  if (direct_dry_ > 0 || is == wanted) {
    budget_ = 0;
    return;
  }
  const bool shorten = is > wanted;
  const bool quiet = is_pause(line_.waiting().first(kTick)) && (shorten || is_pause(line_.played()));
  // Where it was measured a little differently this time nothing is to be done.
  if (direct_wanted && wanted > 0 && is + kNearEnough >= wanted && wanted + kNearEnough >= is) return;
  const double share = shorten ? kPlayUp : direct_wanted ? kSlowly : kStretch;
  budget_ = std::min(budget_ + share * kTick, kMostAtOnce);
  std::size_t most = std::min(shorten ? is - wanted : wanted - is, kTick);
  if (!quiet) most = std::min(most, static_cast<std::size_t>(budget_));
  // Both paths are carried for so long only: in the end a seam that is heard is better than a word heard
  // twice.
  const float alike = !direct_wanted && waiting_ > kPatience / 3 ? kHardlyAlike : kAlike;
  const std::size_t done = shorten ? stretcher_.shorten(line_, most, quiet, alike)
                                   : stretcher_.lengthen(line_, most, quiet, alike);
  if (!quiet) budget_ = std::max(0.0, budget_ - static_cast<double>(done));
}

// Only when both agreed, and to a path that works.
bool PathFade::leaves_mcu(bool direct_wanted) {
  if (!direct_wanted || direct_dry_ > 0 || direct_good_ < kSound) {
    waiting_ = 0;
    return false;
  }
  ++waiting_;
  if (quiet_ >= kQuiet) {
    enter_line(0);
    return true;
  }
  const bool known = lag_ && lag_age_ <= 1;
  if (!known && waiting_ < kPatience) return false;
  enter_line(known ? *lag_ : 0);
  return true;
}

bool PathFade::leaves_direct(bool direct_wanted, const Tick& mcu) {
  waiting_ = direct_wanted ? 0 : waiting_ + 1;
  const std::size_t kept = line_.size() - kTick;
  const std::size_t behind = lag_.value_or(0);
  const bool level = kept + kNearEnough >= behind && behind + kNearEnough >= kept;
  if (direct_dry_ >= kDry) {
    // Until the server's path is where the direct one ended. A pause ends there later, too. It ended within
    // the first of these ticks.
    const auto since = static_cast<std::size_t>(direct_dry_ - 1) * kTick;
    const std::size_t hold = paused_ ? behind + kPauseHold : level ? 0 : std::min(behind, kept + kHold);
    return has_sound(mcu.kind) && since >= hold;
  }
  if (direct_wanted) return false;
  if (quiet_ >= kQuiet) return true;
  if (!has_sound(mcu.kind)) return false;
  return (level && lag_age_ <= 1) || waiting_ >= kPatience;
}

void PathFade::mix(bool direct_wanted, const Tick& mcu, const Tick& direct, std::span<float> out) {
  PARLEY_ASSERT(out.size() == kTick && mcu.pcm.size() == kTick && direct.pcm.size() == kTick);
  watch(mcu, direct);
  if (!on_direct_) {
    dropped_ = false;
    std::copy(mcu.pcm.begin(), mcu.pcm.end(), out.begin());
    if (!leaves_mcu(direct_wanted)) return;
    line_.pop(out);
    fade(mcu.pcm, out);
  } else {
    std::copy(direct.pcm.begin(), direct.pcm.end(), line_.extend(kTick).begin());
    steer(direct_wanted);
    const bool leaves = leaves_direct(direct_wanted, mcu) || dropped_;
    line_.pop(out);
    if (!leaves) return;
    std::array<float, kTick> from;
    std::copy(out.begin(), out.end(), from.begin());
    std::copy(mcu.pcm.begin(), mcu.pcm.end(), out.begin());
    fade(from, out);
    line_.clear_waiting();
  }
  on_direct_ = !on_direct_;
  waiting_ = 0;
  direct_good_ = 0;
}

}  // namespace parley::client
