#include "pipelines/streams/retry.hpp"

#include <algorithm>
#include <bit>

namespace parley::streams {

const char* to_string(StreamState state) {
  switch (state) {
    case StreamState::connecting:
      return "connecting";
    case StreamState::live:
      return "live";
    case StreamState::retrying:
      return "retrying";
    case StreamState::stopped:
      break;
  }
  return "stopped";
}

void Retry::enter(StreamState state, TimePoint at) {
  state_ = state;
  since_ = at;
}

// xorshift64: all that is asked of it is that two streams differ.
double Retry::jitter() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  const double unit = static_cast<double>(random_ >> 11) / static_cast<double>(std::uint64_t{1} << 53);
  return 1.0 + kJitter * (2 * unit - 1);
}

void Retry::delivered(TimePoint at) {
  if (state_ != StreamState::connecting) return;
  ++connects_;
  cause_.clear();
  enter(StreamState::live, at);
}

void Retry::failed(TimePoint at, const std::string& cause, Failure kind) {
  if (state_ != StreamState::connecting && state_ != StreamState::live) return;
  if (state_ == StreamState::live && at - since_ >= kSettled) {
    in_a_row_ = 0;
    logged_cause_.clear();
  }
  ++failures_;
  ++in_a_row_;
  cause_ = cause;
  worth_a_line_ = cause != logged_cause_ || std::has_single_bit(in_a_row_);
  logged_cause_ = cause;
  const Duration most = kind == Failure::refused ? kMostRefused : kMostNetwork;
  const auto doublings = std::min<std::uint64_t>(in_a_row_ - 1, 16);
  const Duration pause = std::min(most, kFirst * (std::int64_t{1} << doublings));
  next_ = at + Duration(static_cast<Duration::rep>(static_cast<double>(pause.count()) * jitter()));
  enter(StreamState::retrying, at);
}

void Retry::stop(TimePoint at) {
  if (state_ != StreamState::stopped) enter(StreamState::stopped, at);
}

bool Retry::due(TimePoint at) {
  if (state_ != StreamState::retrying || at < next_) return false;
  enter(StreamState::connecting, at);
  return true;
}

}  // namespace parley::streams
