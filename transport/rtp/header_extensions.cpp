#include "transport/rtp/header_extensions.hpp"

#include <algorithm>

#include "transport/base/check.hpp"

namespace parley::rtp {
namespace {

constexpr std::uint8_t kPadding = 0;
constexpr std::uint8_t kReservedId = 15;  // of the one-byte form
constexpr std::uint8_t kMaxLevel = 127;

bool is_two_byte(std::uint16_t profile) {
  return (profile & 0xfff0) == kTwoByteProfile;
}

void write_element(ByteWriter& out, bool two_byte, std::uint8_t id, Bytes data) {
  if (two_byte) {
    out.u8(id);
    out.u8(static_cast<std::uint8_t>(data.size()));
  } else {
    out.u8(static_cast<std::uint8_t>((id << 4) | (data.size() - 1)));
  }
  out.bytes(data);
}

}  // namespace

std::optional<ExtensionElement> ExtensionElements::next() {
  if (profile_ == kOneByteProfile) return next_one_byte();
  if (is_two_byte(profile_)) return next_two_byte();
  return std::nullopt;
}

std::optional<ExtensionElement> ExtensionElements::next_one_byte() {
  while (reader_.remaining() > 0) {
    const std::uint8_t head = reader_.u8();
    if (head == kPadding) continue;
    const auto id = static_cast<std::uint8_t>(head >> 4);
    // Padding with a length, and the reserved id, end the whole extension (RFC 8285 section 4.2).
    if (id == kPadding || id == kReservedId) return end();
    const Bytes data = reader_.take((head & 0x0fU) + 1U);
    if (!reader_.ok()) return end();
    return ExtensionElement{id, data};
  }
  return std::nullopt;
}

std::optional<ExtensionElement> ExtensionElements::next_two_byte() {
  while (reader_.remaining() > 0) {
    const std::uint8_t id = reader_.u8();
    if (id == kPadding) continue;
    const Bytes data = reader_.take(reader_.u8());
    if (!reader_.ok()) return end();
    return ExtensionElement{id, data};
  }
  return std::nullopt;
}

std::optional<ExtensionElement> ExtensionElements::end() {
  reader_ = ByteReader({});
  return std::nullopt;
}

std::optional<Bytes> find_extension(const RtpPacket& packet, std::uint8_t id) {
  if (id == 0) return std::nullopt;
  ExtensionElements elements(packet);
  while (const auto element = elements.next()) {
    if (element->id == id) return element->data;
  }
  return std::nullopt;
}

std::optional<AudioLevel> parse_audio_level(Bytes element) {
  // One byte; a longer element is a future version's, whose first byte means the same (RFC 6464 section 3).
  if (element.empty()) return std::nullopt;
  return AudioLevel{static_cast<std::uint8_t>(element[0] & 0x7f), (element[0] & 0x80) != 0};
}

std::optional<MixerLevels> parse_mixer_levels(Bytes element) {
  if (element.empty() || element.size() > kMaxCsrcs) return std::nullopt;
  MixerLevels levels;
  levels.count = static_cast<std::uint8_t>(element.size());
  for (std::size_t i = 0; i < element.size(); ++i) levels.level[i] = element[i] & 0x7f;
  return levels;
}

std::size_t write_extension_block(std::span<std::uint8_t> out, const LevelExtensions& levels) {
  PARLEY_ASSERT(levels.mixer_levels.size() <= kMaxCsrcs);
  const bool own = levels.audio_level_id != 0;
  const bool mixer = levels.mixer_level_id != 0 && !levels.mixer_levels.empty();
  if (!own && !mixer) return 0;
  const bool two_byte =
      (own && levels.audio_level_id >= kReservedId) || (mixer && levels.mixer_level_id >= kReservedId);

  ByteWriter writer(out);
  writer.u16(two_byte ? kTwoByteProfile : kOneByteProfile);
  writer.u16(0);  // the length in words, patched below
  if (own) {
    const auto level = std::min(levels.audio_level.level, kMaxLevel);
    const auto byte = static_cast<std::uint8_t>((levels.audio_level.voice ? 0x80 : 0) | level);
    write_element(writer, two_byte, levels.audio_level_id, Bytes(&byte, 1));
  }
  if (mixer) {
    std::array<std::uint8_t, kMaxCsrcs> bytes{};
    const std::size_t count = std::min(levels.mixer_levels.size(), kMaxCsrcs);
    for (std::size_t i = 0; i < count; ++i) bytes[i] = std::min(levels.mixer_levels[i], kMaxLevel);
    write_element(writer, two_byte, levels.mixer_level_id, Bytes(bytes.data(), count));
  }
  writer.zeros((4 - writer.size() % 4) % 4);
  writer.patch_u16(2, static_cast<std::uint16_t>(writer.size() / 4 - 1));
  return writer.ok() ? writer.size() : 0;
}

}  // namespace parley::rtp
