#include "pipelines/recorder/flac_output.hpp"

#include <algorithm>
#include <cstdlib>

#include "pipelines/recorder/comment_header.hpp"

namespace parley::recorder {
namespace {

constexpr std::uint32_t kRate = 8'000;

// ITU-T G.711: sign, 3 bits of segment, 4 bits of interval; sent inverted (mu-law all, A-law every other
// bit).
std::int16_t expand_mu(std::uint8_t byte) {
  const int code = ~byte & 0x7f;
  const int magnitude = (((code & 0x0f) * 2 + 33) << (code >> 4)) * 4 - 132;
  return static_cast<std::int16_t>((byte & 0x80) != 0 ? magnitude : -magnitude);
}
std::int16_t expand_a(std::uint8_t byte) {
  const int code = (byte ^ 0x55) & 0x7f;
  const int segment = code >> 4, interval = (code & 0x0f) * 16 + 8;
  const int magnitude = segment == 0 ? interval : (interval + 256) << (segment - 1);
  return static_cast<std::int16_t>((byte & 0x80) != 0 ? magnitude : -magnitude);
}

// Most significant bit first, as all of FLAC.
class BitWriter {
 public:
  void put(std::uint64_t value, int bits) {
    for (int i = bits - 1; i >= 0; --i) put_bit((value >> i) & 1U);
  }
  void put_zeros(std::uint32_t count) {
    for (; count > 0; --count) put_bit(0);
  }
  void align() {
    while (free_ != 8) put_bit(0);
  }
  ByteBuffer& bytes() { return bytes_; }

 private:
  void put_bit(std::uint64_t bit) {
    if (free_ == 8) bytes_.push_back(0);
    --free_;
    bytes_.back() = static_cast<std::uint8_t>(bytes_.back() | (bit << free_));
    if (free_ == 0) free_ = 8;
  }
  ByteBuffer bytes_;
  int free_ = 8;  // bits of the last byte, 8: begin a new one
};

std::uint8_t crc8(Bytes data) {
  unsigned crc = 0;
  for (const std::uint8_t byte : data) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1U) ^ ((crc & 0x80U) != 0 ? 0x107U : 0U);
  }
  return static_cast<std::uint8_t>(crc);
}
std::uint16_t crc16(Bytes data) {
  unsigned crc = 0;
  for (const std::uint8_t byte : data) {
    crc ^= static_cast<unsigned>(byte) << 8U;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1U) ^ ((crc & 0x8000U) != 0 ? 0x18005U : 0U);
  }
  return static_cast<std::uint16_t>(crc);
}

// The "UTF-8" coding of a number of up to 36 bits: a first byte of as many ones as there are bytes, then six
// bits each.
void put_number(BitWriter& out, std::uint64_t value) {
  if (value < 0x80) return out.put(value, 8);
  int bytes = 2;
  while (bytes < 7 && value >> (5 * bytes + 1) != 0) ++bytes;
  const auto marker = 0xffU & ~(0xffU >> bytes);
  out.put(marker | (value >> (6 * (bytes - 1))), 8);
  for (int i = bytes - 2; i >= 0; --i) out.put(0x80U | ((value >> (6 * i)) & 0x3fU), 8);
}

// The k-th difference: what the fixed predictor of order k leaves.
std::vector<std::int32_t> residual(const std::vector<std::int16_t>& samples, int order) {
  std::vector<std::int32_t> out(samples.begin(), samples.end());
  for (int k = 0; k < order; ++k)
    for (std::size_t i = out.size(); i-- > 1;) out[i] -= out[i - 1];
  out.erase(out.begin(), out.begin() + order);
  return out;
}

std::uint32_t folded(std::int32_t value) {
  return value < 0 ? static_cast<std::uint32_t>(-value) * 2 - 1 : static_cast<std::uint32_t>(value) * 2;
}

struct Choice {
  std::uint64_t bits = UINT64_MAX;
  int order = 0, parameter = 0;
};
Choice choose(const std::vector<std::int16_t>& samples) {
  Choice best;
  for (int order = 0; order <= 2 && static_cast<std::size_t>(order) < samples.size(); ++order) {
    const auto left = residual(samples, order);
    for (int parameter = 0; parameter < 15; ++parameter) {
      std::uint64_t bits = 16U * static_cast<unsigned>(order);
      for (const auto value : left)
        bits += (folded(value) >> parameter) + 1U + static_cast<unsigned>(parameter);
      if (bits < best.bits) best = {bits, order, parameter};
    }
  }
  return best;
}

void put_subframe(BitWriter& out, const std::vector<std::int16_t>& samples) {
  const auto sample = [](std::int16_t value) { return static_cast<std::uint16_t>(value); };
  if (std::all_of(samples.begin(), samples.end(), [&](auto s) { return s == samples.front(); })) {
    out.put(0, 8);  // constant
    out.put(sample(samples.front()), 16);
    return;
  }
  const auto choice = choose(samples);
  out.put(static_cast<std::uint64_t>(0x08 | choice.order) << 1U, 8);
  for (int i = 0; i < choice.order; ++i) out.put(sample(samples[static_cast<std::size_t>(i)]), 16);
  out.put(0, 2);  // Rice coding, parameters of 4 bits
  out.put(0, 4);  // one partition
  out.put(static_cast<std::uint64_t>(choice.parameter), 4);
  for (const auto value : residual(samples, choice.order)) {
    const auto code = folded(value);
    out.put_zeros(code >> choice.parameter);
    out.put(1, 1);
    out.put(code & ((1U << choice.parameter) - 1U), choice.parameter);
  }
}

ByteBuffer first_packet() {
  BitWriter out;
  for (const char c : {'\x7f', 'F', 'L', 'A', 'C', '\x01', '\x00', '\x00', '\x01', 'f', 'L', 'a', 'C'})
    out.put(static_cast<std::uint8_t>(c), 8);
  out.put(0, 8);  // STREAMINFO, not the last metadata block
  out.put(34, 24);
  out.put(FlacOutput::kBlock, 16);
  out.put(FlacOutput::kBlock, 16);
  out.put(0, 48);  // frame sizes: unknown
  out.put(kRate, 20);
  out.put(0, 3);   // one channel
  out.put(15, 5);  // 16 bits
  out.put(0, 36);  // length: unknown
  out.put(0, 64);
  out.put(0, 64);  // MD5: unknown
  return std::move(out.bytes());
}

ByteBuffer comments(const Tags& tags) {
  const auto body = comment_list(tags, GainTag::replay_gain);
  ByteBuffer out = {0x84, static_cast<std::uint8_t>(body.size() >> 16U),
                    static_cast<std::uint8_t>(body.size() >> 8U), static_cast<std::uint8_t>(body.size())};
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

}  // namespace

ByteBuffer flac_frame(std::uint64_t first, const std::vector<std::int16_t>& samples) {
  BitWriter out;
  out.put(0xfff8, 16);  // sync code, blocks of fixed size
  out.put(0x7, 4);      // the block's size follows in 16 bits
  out.put(0x4, 4);      // 8 kHz
  out.put(0x0, 4);      // mono
  out.put(0x8, 4);      // 16 bits
  put_number(out, first / FlacOutput::kBlock);
  out.put(samples.size() - 1, 16);
  out.put(crc8(out.bytes()), 8);
  put_subframe(out, samples);
  out.align();
  out.put(crc16(out.bytes()), 16);
  return std::move(out.bytes());
}

FlacOutput::FlacOutput(ByteSink& sink, std::uint32_t serial, Codec codec, Tags tags)
    : sink_(sink), serial_(serial), codec_(codec), tags_(std::move(tags)) {
  block_.reserve(kBlock);
}

std::uint32_t FlacOutput::samples_of(Bytes payload) const {
  return static_cast<std::uint32_t>(payload.size() * 6);
}

void FlacOutput::add(Bytes payload) {
  for (const std::uint8_t code : payload) put(codec_ == Codec::pcmu ? expand_mu(code) : expand_a(code));
}

void FlacOutput::fill(std::uint64_t samples) {
  for (auto left = (samples + 3) / 6; left > 0; --left) put(0);
}

void FlacOutput::put(std::int16_t sample) {
  block_.push_back(sample);
  if (block_.size() < kBlock) return;
  failed_ = !write_block(0);
}

bool FlacOutput::write(const OggPage& page, std::uint64_t granule, std::uint8_t flags) {
  const auto bytes = page.bytes(serial_, sequence_, granule, flags);
  if (!sink_.append(bytes)) return false;
  ++sequence_;
  bytes_ += bytes.size();
  return true;
}

bool FlacOutput::begin() {
  OggPage head, tags;
  head.add(first_packet());
  tags.add(comments(tags_));
  auto bytes = head.bytes(serial_, 0, 0, kOggFirst);
  const auto second = tags.bytes(serial_, 1, 0, 0);
  bytes.insert(bytes.end(), second.begin(), second.end());
  if (!sink_.append(bytes)) return false;
  sequence_ = 2;
  bytes_ = bytes.size();
  return begun_ = true;
}

bool FlacOutput::write_block(std::uint8_t flags) {
  OggPage page;
  page.add(flac_frame(committed_, block_));
  const auto end = committed_ + block_.size();
  block_.clear();
  if (!(begun_ || begin()) || !write(page, end, flags)) return false;
  committed_ = end;
  return true;
}

bool FlacOutput::finish() {
  if (!begun_ && block_.empty()) return false;  // nothing was ever said: there is no file
  if (block_.empty()) block_.push_back(0);
  return write_block(kOggLast);
}

}  // namespace parley::recorder
