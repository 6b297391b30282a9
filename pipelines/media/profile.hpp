// The few encodings a room produces (design rules 6 and section 1): every listener is served by one of them,
// so that listeners keep sharing encoders. A clean link gets low-delay CELT, a lossy one the voice mode with
// in-band FEC.
#pragma once

#include <compare>
#include <cstdint>

#include "transport/base/media_packet.hpp"
#include "transport/base/time.hpp"

namespace parley::media {

enum class Tier : std::uint8_t { clean, lossy, very_lossy };

struct Profile {
  Codec codec = Codec::opus;
  Tier tier = Tier::clean;
  bool fec = false;
  bool dtx = true;                 // G.711 has none: its peers expect a continuous stream
  bool capped = false;             // the peer stated a maximum: foreign packets must keep to `bitrate` too
  std::uint32_t bitrate = 40'000;  // bit/s; 64,000 for G.711
  auto operator<=>(const Profile&) const = default;
};

// What the peer stated (RFC 7587 section 6.1).
struct PeerLimits {
  Codec codec = Codec::opus;
  bool use_fec = true;
  bool use_dtx = true;
  std::uint32_t max_bitrate = 0;  // 0: none
};

Profile profile_for(const PeerLimits& peer, Tier tier);

// Chooses a leg's tier from the loss its receiver reports tell: worse at once, better only after 10 s below a
// lower threshold, so that a link at the edge does not flap.
class TierChooser {
 public:
  Tier step(TimePoint at, double loss);
  Tier tier() const { return tier_; }

 private:
  Tier tier_ = Tier::clean;
  TimePoint better_since_{};
  bool better_ = false;
};

}  // namespace parley::media
