// A line of the quality log: one path of one participant's media over one interval.
#pragma once

#include <cstdint>
#include <string>

#include "transport/base/path_quality.hpp"

namespace parley::quality {

inline constexpr const char* kDirect = "direct";
inline constexpr const char* kMcuUdp = "mcu-udp";
inline constexpr const char* kMcuWebSocket = "mcu-websocket";

struct Sample {
  std::int64_t at_ms = 0;  // since 1970: the end of the interval
  std::string room, participant, name;
  std::string path;           // one of the above
  std::string peer;           // direct: the participant at the other end, as its name; empty otherwise
  std::string local, remote;  // the candidate pair: the participant's end, the other end; empty: not known
  double round_trip_ms = -1;
  DirectionQuality uplink, downlink;  // from the participant to the other end, and back
  bool operator==(const Sample&) const = default;
  bool is_direct() const { return path == kDirect; }
};

}  // namespace parley::quality
