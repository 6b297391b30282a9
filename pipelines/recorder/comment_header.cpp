#include "pipelines/recorder/comment_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "pipelines/recorder/ogg_page.hpp"
#include "pipelines/recorder/ogg_scan.hpp"

namespace parley::recorder {
namespace {

constexpr std::string_view kVendor = "Parley";
constexpr std::size_t kSector = 512;

// Before and after: the same length, so that nothing moves.
struct Room {
  GainTag tag;
  std::string_view empty, name;
};
constexpr std::array<Room, 2> kRooms = {{
    {GainTag::r128, "PARLEY_RESERVED=000000", "R128_TRACK_GAIN="},
    {GainTag::replay_gain, "PARLEY_RESERVED_ROOM=0000000000", "REPLAYGAIN_TRACK_GAIN="},
}};
const Room& room_of(GainTag tag) {
  return kRooms[tag == GainTag::r128 ? 0 : 1];
}

std::string gain_text(GainTag tag, double gain_db) {
  char text[32];
  if (tag == GainTag::r128) {
    const auto q7_8 = std::clamp(std::lround(gain_db * 256), -32'768L, 32'767L);
    std::snprintf(text, sizeof text, "%+06ld", q7_8);
  } else {
    std::snprintf(text, sizeof text, "%+06.2f dB", std::clamp(gain_db, -99.0, 99.0));
  }
  return text;
}

void put_le(ByteBuffer& out, std::size_t value) {
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
void put_text(ByteBuffer& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

struct Found {
  std::size_t page_at = 0, page_size = 0;
  std::size_t text_at = 0;  // in the file
  const Room* room = nullptr;
};
// The first comment, if it is ours.
std::optional<Found> find(Bytes beginning) {
  OggPageView head, tags;
  if (!read_page(beginning, head) || !read_page(beginning.subspan(head.size), tags)) return std::nullopt;
  if (tags.packets.empty()) return std::nullopt;
  const Bytes packet = tags.packets.front();
  const auto text = as_text(packet);
  const auto list =
      text.starts_with("OpusTags") ? std::size_t{8} : std::size_t{4};  // FLAC: its block's header
  const auto first = list + 4 + kVendor.size() + 4 + 4;  // vendor, how many, the first one's length
  if (text.size() < first || text.substr(list + 4, kVendor.size()) != kVendor) return std::nullopt;
  Found found;
  for (const auto& room : kRooms) {
    if (text.size() < first + room.empty.size()) continue;
    const auto comment = text.substr(first, room.empty.size());
    if (comment == room.empty || comment.starts_with(room.name)) found.room = &room;
  }
  if (found.room == nullptr) return std::nullopt;
  found.page_at = head.size;
  found.page_size = tags.size;
  found.text_at = static_cast<std::size_t>(packet.data() - beginning.data()) + first;
  if (found.text_at + found.room->empty.size() > kSector) return std::nullopt;
  return found;
}

}  // namespace

ByteBuffer comment_list(const Tags& tags, GainTag room) {
  ByteBuffer out;
  put_le(out, kVendor.size());
  put_text(out, kVendor);
  put_le(out, tags.size() + 1);
  const auto empty = room_of(room).empty;
  put_le(out, empty.size());
  put_text(out, empty);
  for (const auto& [name, value] : tags) {
    put_le(out, name.size() + 1 + value.size());
    put_text(out, name);
    put_text(out, "=");
    put_text(out, value);
  }
  return out;
}

std::optional<HeaderPatch> set_gain(Bytes beginning, double gain_db) {
  const auto found = find(beginning);
  if (!found || !std::isfinite(gain_db)) return std::nullopt;
  const auto text = std::string(found->room->name) + gain_text(found->room->tag, gain_db);
  if (text.size() != found->room->empty.size()) return std::nullopt;
  const auto page = beginning.subspan(found->page_at, found->page_size);
  ByteBuffer fresh(page.begin(), page.end());
  std::copy(text.begin(), text.end(),
            fresh.begin() + static_cast<std::ptrdiff_t>(found->text_at - found->page_at));
  constexpr std::size_t kCrcAt = 22;
  std::fill_n(fresh.begin() + kCrcAt, 4, std::uint8_t{0});
  const auto crc = ogg_crc(fresh);
  for (std::size_t i = 0; i < 4; ++i) fresh[kCrcAt + i] = static_cast<std::uint8_t>(crc >> (8 * i));
  fresh.resize(found->text_at + text.size() - found->page_at);
  return HeaderPatch{found->page_at, std::move(fresh)};
}

std::optional<double> read_gain(Bytes beginning) {
  const auto found = find(beginning);
  if (!found) return std::nullopt;
  const auto text = as_text(beginning).substr(found->text_at, found->room->empty.size());
  if (!text.starts_with(found->room->name)) return std::nullopt;
  auto value = text.substr(found->room->name.size());
  if (value.starts_with('+')) value.remove_prefix(1);
  double number = 0;
  if (std::from_chars(value.data(), value.data() + value.size(), number).ec != std::errc{})
    return std::nullopt;
  return found->room->tag == GainTag::r128 ? number / 256 : number;
}

}  // namespace parley::recorder
