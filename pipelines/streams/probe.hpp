// Does a server still answer? Asked beside the stream, on a connection of its own: an Icecast server for a
// header, an RTMP server for its half of a handshake.
//
// The stream's own connection cannot tell. What a frozen program does not read its system takes, and Linux
// enlarges the buffer as it fills, up to 6 MB: six minutes of audio.
#pragma once

#include "pipelines/streams/target.hpp"
#include "transport/base/address.hpp"
#include "transport/base/time.hpp"

using GCancellable = struct _GCancellable;

namespace parley::streams {

enum class Answer : std::uint8_t { yes, no, unknown };  // unknown: it could not be asked

constexpr bool can_be_asked(Kind kind) {
  return kind == Kind::icecast || kind == Kind::rtmp || kind == Kind::rtmps;
}

// Blocks for at most `timeout` (whole seconds, at least one) for each of connecting and answering.
Answer probe(const Target& target, const IpAddress& address, Duration timeout, GCancellable* cancel);

}  // namespace parley::streams
