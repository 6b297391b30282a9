#include "tests/support/course.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace parley::test {

namespace {

constexpr std::size_t kThin = 6;  // to 8 kHz
constexpr std::size_t kHop = 160, kWindow = 480;
constexpr double kMs = 8;
constexpr std::size_t kSure = 4;  // looks in a row that go together
constexpr double kQuiet = 0.004;
constexpr double kSame = 0.85;
constexpr double kStretch = 20;  // ms in a hop: the stretcher's longest step, and some blur

struct Look {
  std::size_t heard = 0, said = 0;
  double delay_ms() const { return (static_cast<double>(heard) - static_cast<double>(said)) / kMs; }
};

std::vector<float> thin_out(std::span<const float> sound) {
  std::vector<float> out(sound.size() / kThin);
  for (std::size_t i = 0; i < out.size(); ++i) {
    float sum = 0;
    for (std::size_t k = 0; k < kThin; ++k) sum += sound[i * kThin + k];
    out[i] = sum / kThin;
  }
  return out;
}

double dot(const float* a, const float* b) {
  float sum = 0;
  for (std::size_t i = 0; i < kWindow; ++i) sum += a[i] * b[i];
  return sum;
}

bool is_loud(const float* sound) {
  return dot(sound, sound) >= kQuiet * kQuiet * kWindow;
}

// How much of [from, to) of `said` is more than a pause, in ms.
double loud_ms(const std::vector<float>& said, std::size_t from, std::size_t to) {
  constexpr std::size_t kStep = 40;
  double sum = 0;
  for (std::size_t at = from; at + kStep <= to; at += kStep) {
    double energy = 0;
    for (std::size_t i = at; i < at + kStep; ++i) energy += static_cast<double>(said[i]) * said[i];
    if (energy >= kQuiet * kQuiet * kStep) sum += kStep / kMs;
  }
  return sum;
}

// Where in [from, to] of `said` the window at `heard` is from; at `expected`, if that is as good as any: a
// vowel looks the same in many places.
std::optional<std::size_t> find(const std::vector<float>& said, const float* heard, std::size_t from,
                                std::size_t to, std::optional<std::size_t> expected) {
  constexpr double kAsGood = 0.06;
  const double energy = dot(heard, heard);
  const auto alike = [&](std::size_t at) {
    const double other = dot(&said[at], &said[at]);
    if (other < kQuiet * kQuiet * kWindow / 4) return 0.0;
    return dot(heard, &said[at]) / std::sqrt(energy * other);
  };
  constexpr double kSurely = 0.97;
  if (expected && *expected <= to && *expected + kWindow <= said.size() && alike(*expected) > kSurely)
    return expected;
  double best = kSame;
  std::optional<std::size_t> where;
  for (std::size_t at = from; at <= to && at + kWindow <= said.size(); ++at) {
    const double same = alike(at);
    if (same <= best) continue;
    best = same;
    where = at;
  }
  if (!where || !expected) return where;
  // Where it was, or a step of the stretcher from there.
  for (const double reach_ms : {0.5, kStretch}) {
    const auto reach = static_cast<std::size_t>(reach_ms * kMs);
    double nearest = best - kAsGood;
    std::optional<std::size_t> near;
    for (std::size_t at = *expected - std::min(*expected, reach);
         at <= *expected + reach && at <= to && at + kWindow <= said.size(); ++at) {
      const double same = alike(at);
      if (same <= nearest) continue;
      nearest = same;
      near = at;
    }
    if (near) return near;
  }
  return where;
}

// All places where what was heard is found in what was said, without those that their neighbours do not
// confirm: a vowel may be found in another one.
std::vector<Look> look(const std::vector<float>& said, const std::vector<float>& heard, std::size_t most) {
  std::vector<Look> all;
  for (std::size_t at = 0; at + kWindow <= heard.size(); at += kHop) {
    if (!is_loud(&heard[at])) continue;
    const auto expected = all.empty() ? std::nullopt : std::optional(all.back().said + at - all.back().heard);
    if (const auto place = find(said, &heard[at], at - std::min(at, most), at, expected))
      all.push_back({at, *place});
  }
  std::vector<Look> sure;
  for (std::size_t from = 0, to = 0; from < all.size(); from = to) {
    for (to = from + 1; to < all.size(); ++to)
      if (std::abs(all[to].delay_ms() - all[to - 1].delay_ms()) > kStretch) break;
    if (to - from >= kSure)
      sure.insert(sure.end(), all.begin() + static_cast<std::ptrdiff_t>(from),
                  all.begin() + static_cast<std::ptrdiff_t>(to));
  }
  return sure;
}

}  // namespace

Course follow(std::span<const float> said_all, std::span<const float> heard_all, double most_delay_ms) {
  const auto said = thin_out(said_all), heard = thin_out(heard_all);
  const auto looks = look(said, heard, static_cast<std::size_t>(most_delay_ms * kMs));
  Course course;
  course.looks = static_cast<int>(looks.size());
  if (looks.empty()) return course;
  course.delay_begin_ms = looks.front().delay_ms();
  course.delay_end_ms = looks.back().delay_ms();
  for (std::size_t i = 1; i < looks.size(); ++i) {
    const Look &last = looks[i - 1], &next = looks[i];
    const double sounded = loud_ms(heard, last.heard, next.heard);
    const double moved =
        next.said >= last.said ? loud_ms(said, last.said, next.said) : -loud_ms(said, next.said, last.said);
    // Right behind each other there is no room for a hole: what did not move on was said again.
    const double again = next.heard - last.heard == kHop ? sounded - moved : -moved;
    if (again > kStretch) course.repeated_ms = std::max(course.repeated_ms, again);
    if (moved - sounded > kStretch) course.skipped_ms = std::max(course.skipped_ms, moved - sounded);
  }
  return course;
}

}  // namespace parley::test
