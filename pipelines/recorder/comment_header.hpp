// The comments of Ogg Opus and Ogg FLAC files (Vorbis comments), with room for a gain that is known only when
// the file is complete. The gain is the first comment, so that all bytes that change when it is filled in lie
// within the file's first 512 bytes: one sector, which a disk writes whole or not at all.
#pragma once

#include <cstdint>
#include <optional>

#include "pipelines/recorder/track_output.hpp"

namespace parley::recorder {

// R128_TRACK_GAIN is of Opus (RFC 7845 section 5.2.1), REPLAYGAIN_TRACK_GAIN of FLAC.
enum class GainTag : std::uint8_t { r128, replay_gain };

// Vendor and comments as they stand in both formats; first the room for the gain.
ByteBuffer comment_list(const Tags& tags, GainTag room);

struct HeaderPatch {
  std::uint64_t at = 0;
  ByteBuffer bytes;
};
// What to overwrite so that the file says `gain_db` (to -23 LUFS), instead of nothing or another gain.
// `beginning`: the file's first two pages or more. Nothing: there is no room, or the pages are damaged.
std::optional<HeaderPatch> set_gain(Bytes beginning, double gain_db);

// The gain that a file says.
std::optional<double> read_gain(Bytes beginning);

}  // namespace parley::recorder
