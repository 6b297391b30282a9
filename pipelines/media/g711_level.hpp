// The level of a G.711 payload, read from its bytes: as good as a decode and a hundred times cheaper.
#pragma once

#include "transport/base/bytes.hpp"
#include "transport/base/media_packet.hpp"

namespace parley::media {

// RMS in dBFS (full scale is 32768 of the 16-bit value that ITU-T G.711 expands to); -127 for silence or an
// empty payload. `codec` is pcmu or pcma.
float g711_level_dbfs(Codec codec, Bytes payload);

}  // namespace parley::media
