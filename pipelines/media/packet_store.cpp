#include "pipelines/media/packet_store.hpp"

#include <algorithm>
#include <cstring>

#include "transport/base/check.hpp"

namespace parley::media {

bool PacketStore::reserve_blocks(std::size_t count) {
  while (free_count_ < count && blocks_.size() < kMaxBlocks) {
    const std::size_t from = blocks_.size();
    const std::size_t to = std::min(kMaxBlocks, std::max<std::size_t>(32, from * 2));
    blocks_.resize(to);
    for (std::size_t i = from; i < to; ++i) {
      blocks_[i].next = free_head_;
      free_head_ = static_cast<std::uint16_t>(i);
    }
    free_count_ += to - from;
  }
  return free_count_ >= count;
}

PacketStore::Inserted PacketStore::insert(StoredPacket packet, Bytes payload) {
  if (slots_.empty()) slots_.resize(kSlots);
  const std::size_t at = slot(packet.sequence);
  if (occupied(at)) {
    PARLEY_ASSERT(slots_[at].sequence == packet.sequence);
    return Inserted::duplicate;
  }
  if (!reserve_blocks((payload.size() + kBlockBytes - 1) / kBlockBytes)) return Inserted::full;

  packet.size = static_cast<std::uint16_t>(payload.size());
  packet.first_block = kNone;
  std::uint16_t* link = &packet.first_block;
  for (std::size_t done = 0; done < payload.size(); done += kBlockBytes) {
    Block& block = blocks_[free_head_];
    *link = free_head_;
    free_head_ = block.next;
    --free_count_;
    std::memcpy(block.bytes.data(), payload.data() + done, std::min(kBlockBytes, payload.size() - done));
    block.next = kNone;
    link = &block.next;
  }
  slots_[at] = packet;
  mask_[at / 64] |= std::uint64_t{1} << (at % 64);
  lowest_ = count_ == 0 ? packet.sequence : std::min(lowest_, packet.sequence);
  highest_ = count_ == 0 ? packet.sequence : std::max(highest_, packet.sequence);
  ++count_;
  PARLEY_ASSERT(highest_ - lowest_ < kSlots);
  return Inserted::stored;
}

const StoredPacket* PacketStore::find(std::int64_t sequence) const {
  if (count_ == 0 || sequence < lowest_ || sequence > highest_) return nullptr;
  const std::size_t at = slot(sequence);
  return occupied(at) ? &slots_[at] : nullptr;
}

const StoredPacket* PacketStore::first_from(std::int64_t sequence) const {
  if (count_ == 0) return nullptr;
  for (std::int64_t i = std::max(sequence, lowest_); i <= highest_; ++i)
    if (occupied(slot(i))) return &slots_[slot(i)];
  return nullptr;
}

std::int64_t PacketStore::lowest() const {
  return lowest_;
}

void PacketStore::erase(std::int64_t sequence) {
  const StoredPacket* packet = find(sequence);
  if (packet == nullptr) return;
  for (std::uint16_t i = packet->first_block; i != kNone;) {
    const std::uint16_t next = blocks_[i].next;
    blocks_[i].next = free_head_;
    free_head_ = i;
    ++free_count_;
    i = next;
  }
  const std::size_t at = slot(sequence);
  mask_[at / 64] &= ~(std::uint64_t{1} << (at % 64));
  --count_;
  if (count_ == 0) return;
  while (!occupied(slot(lowest_))) ++lowest_;
  while (!occupied(slot(highest_))) --highest_;
}

void PacketStore::erase_below(std::int64_t sequence) {
  while (count_ > 0 && lowest_ < sequence) erase(lowest_);
}

void PacketStore::clear() {
  while (count_ > 0) erase(lowest_);
}

void PacketStore::release() {
  clear();
  std::vector<StoredPacket>().swap(slots_);
  std::vector<Block>().swap(blocks_);
  free_count_ = 0;
  free_head_ = kNone;
}

void PacketStore::copy_payload(const StoredPacket& packet, MediaPacket& to) const {
  to.ssrc = packet.ssrc;
  to.timestamp = packet.rtp_timestamp;
  to.arrival = packet.arrival;
  to.sequence = packet.rtp_sequence;
  to.size = packet.size;
  to.level = packet.level;
  to.voice = packet.voice;
  to.marker = packet.marker;
  std::size_t done = 0;
  for (std::uint16_t i = packet.first_block; i != kNone; i = blocks_[i].next) {
    const std::size_t part = std::min(kBlockBytes, packet.size - done);
    std::memcpy(to.payload.data() + done, blocks_[i].bytes.data(), part);
    done += part;
  }
}

std::size_t PacketStore::memory() const {
  return slots_.capacity() * sizeof(StoredPacket) + blocks_.capacity() * sizeof(Block);
}

}  // namespace parley::media
