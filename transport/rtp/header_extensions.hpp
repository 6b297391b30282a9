// RTP header extensions: the one-byte and two-byte forms of RFC 8285, and the two extensions Parley speaks:
// client-to-mixer audio level (RFC 6464) and mixer-to-client audio levels (RFC 6465).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "transport/base/bytes.hpp"
#include "transport/rtp/rtp_packet.hpp"

namespace parley::rtp {

inline constexpr std::uint16_t kOneByteProfile = 0xBEDE;
inline constexpr std::uint16_t kTwoByteProfile = 0x1000;  // the low four bits are "appbits", ours are zero

struct ExtensionElement {
  std::uint8_t id = 0;
  Bytes data;
};

// Walks the elements of a packet's extension. Ends at the first element that does not fit, at the reserved
// id 15 of the one-byte form, and where the profile is of neither form: what came before still counts
// (RFC 8285 section 4.2).
class ExtensionElements {
 public:
  explicit ExtensionElements(const RtpPacket& packet)
      : profile_(packet.extension_profile), reader_(packet.extension) {}
  std::optional<ExtensionElement> next();

 private:
  std::optional<ExtensionElement> next_one_byte();
  std::optional<ExtensionElement> next_two_byte();
  std::optional<ExtensionElement> end();

  std::uint16_t profile_;
  ByteReader reader_;
};

// The first element with this id (an id of 0 finds nothing).
std::optional<Bytes> find_extension(const RtpPacket& packet, std::uint8_t id);

// RFC 6464 section 3.
struct AudioLevel {
  std::uint8_t level = 127;  // -dBov: 0 is the loudest, 127 silence
  bool voice = false;
};
std::optional<AudioLevel> parse_audio_level(Bytes element);

// RFC 6465 section 3: one level per CSRC, in the order of the CSRC list.
struct MixerLevels {
  std::uint8_t count = 0;
  std::array<std::uint8_t, kMaxCsrcs> level{};
};
std::optional<MixerLevels> parse_mixer_levels(Bytes element);

// What to write; an id of 0 leaves its element out (it was not negotiated).
struct LevelExtensions {
  std::uint8_t audio_level_id = 0;
  AudioLevel audio_level;
  std::uint8_t mixer_level_id = 0;
  std::span<const std::uint8_t> mixer_levels;  // at most kMaxCsrcs; none: the element is left out
};

inline constexpr std::size_t kMaxExtensionBlock = 24;  // both elements in the two-byte form

// A whole extension block for write_rtp(): the one-byte form, or the two-byte form when an id is above 14.
// Returns its size; 0 when there is nothing to write or no room, and then the packet goes without levels.
std::size_t write_extension_block(std::span<std::uint8_t> out, const LevelExtensions& levels);

}  // namespace parley::rtp
