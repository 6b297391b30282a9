// The packets of one receiver that wait for their turn, by internal sequence number (64 bit, never wraps).
// Bounded in packets and bytes; payloads lie in small chained blocks, so that a store of silence costs next
// to nothing and memory follows what the sender really sends.
//
// Threads: the receiver's. Allocation: only in insert(), while the block pool grows to its bound.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "transport/base/media_packet.hpp"

namespace parley::media {

// What the receiver knows of a stored packet without touching its payload.
struct StoredPacket {
  std::int64_t sequence = 0;
  std::int64_t timestamp = 0;  // internal media time of the first sample
  TimePoint arrival{};
  std::uint32_t rtp_timestamp = 0;
  std::uint32_t ssrc = 0;
  std::uint16_t rtp_sequence = 0;
  std::uint16_t size = 0;
  std::uint16_t samples = 0;      // duration of the packet
  std::uint16_t fec_samples = 0;  // what its in-band FEC covers before it, 0: none
  std::uint16_t first_block = 0;
  std::uint8_t level = MediaPacket::kNoLevel;
  bool voice = false;
  bool marker = false;
  bool stereo = false;
  bool dtx = false;

  std::int64_t end() const { return timestamp + samples; }
};

class PacketStore {
 public:
  static constexpr std::int64_t kSlots = 128;     // also the widest span of sequence numbers held at once
  static constexpr std::size_t kMaxBlocks = 384;  // 24 KiB of payload

  enum class Inserted : std::uint8_t { stored, duplicate, full };
  // The sequence number must be less than kSlots above the lowest one stored.
  Inserted insert(StoredPacket packet, Bytes payload);

  const StoredPacket* find(std::int64_t sequence) const;
  const StoredPacket* first_from(std::int64_t sequence) const;  // lowest stored one not below `sequence`
  std::int64_t lowest() const;                                  // only while not empty
  void erase(std::int64_t sequence);
  void erase_below(std::int64_t sequence);
  void clear();
  void release();  // clear() and give the memory back

  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  void copy_payload(const StoredPacket& packet, MediaPacket& to) const;
  std::size_t memory() const;  // bytes held

 private:
  static constexpr std::uint16_t kNone = 0xffff;
  static constexpr std::size_t kBlockBytes = 62;
  struct Block {
    std::uint16_t next;
    std::array<std::uint8_t, kBlockBytes> bytes;
  };

  static std::size_t slot(std::int64_t sequence) {
    return static_cast<std::size_t>(static_cast<std::uint64_t>(sequence) % kSlots);
  }
  bool occupied(std::size_t at) const { return (mask_[at / 64] >> (at % 64) & 1U) != 0; }
  bool reserve_blocks(std::size_t count);

  std::vector<StoredPacket> slots_;
  std::vector<Block> blocks_;
  std::array<std::uint64_t, kSlots / 64> mask_{};
  std::size_t count_ = 0;
  std::size_t free_count_ = 0;
  std::uint16_t free_head_ = kNone;
  std::int64_t lowest_ = 0;
  std::int64_t highest_ = 0;
};

}  // namespace parley::media
