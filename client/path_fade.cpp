#include "client/path_fade.hpp"

#include <algorithm>
#include <cmath>

namespace parley::client {

namespace {

bool has_sound(media::PulledKind kind) {
  return kind != media::PulledKind::silence && kind != media::PulledKind::concealed;
}

bool is_pause(std::span<const float> pcm) {
  constexpr double kPause = 0.002;  // -54 dBFS
  double energy = 0;
  for (const float sample : pcm) energy += static_cast<double>(sample) * sample;
  return energy <= kPause * kPause * static_cast<double>(pcm.size());
}

}  // namespace

bool PathFade::should_change(bool direct_wanted, const Tick& mcu, const Tick& direct) {
  if (!on_direct_) {
    // From the server: only when both agreed, and to a path that works.
    if (!direct_wanted || direct_dry_ >= kDry || (waiting_ == 0 && direct_good_ < kSound)) return false;
    return is_pause(mcu.pcm) || ++waiting_ >= kPatience;
  }
  if (direct_dry_ >= kDry && has_sound(mcu.kind)) return true;
  if (direct_wanted) return false;
  // The server's path has to have begun; if nobody talks there is nothing to wait for.
  if (!has_sound(mcu.kind))
    return is_pause(direct.pcm) && mcu.kind == media::PulledKind::silence && ++waiting_ >= kPatience;
  return is_pause(direct.pcm) || ++waiting_ >= kPatience;
}

void PathFade::mix(bool direct_wanted, const Tick& mcu, const Tick& direct, std::span<float> out) {
  const bool concealed = direct.kind == media::PulledKind::concealed;
  direct_dry_ =
      concealed || (direct.kind == media::PulledKind::silence && has_sound(mcu.kind)) ? direct_dry_ + 1 : 0;
  direct_good_ = concealed ? 0 : direct_good_ + 1;

  if (!should_change(direct_wanted, mcu, direct)) {
    const auto& heard = on_direct_ ? direct.pcm : mcu.pcm;
    std::copy(heard.begin(), heard.end(), out.begin());
    return;
  }
  const auto& from = on_direct_ ? direct.pcm : mcu.pcm;
  const auto& to = on_direct_ ? mcu.pcm : direct.pcm;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float share = static_cast<float>(i + 1) / static_cast<float>(out.size());
    out[i] = from[i] + share * (to[i] - from[i]);
  }
  on_direct_ = !on_direct_;
  waiting_ = 0;
  direct_good_ = 0;
}

}  // namespace parley::client
