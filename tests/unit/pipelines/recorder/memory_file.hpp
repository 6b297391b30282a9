// A file in memory that can be told to refuse, and what an Opus file in it holds.
#pragma once

#include <opus/opus.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "pipelines/recorder/byte_sink.hpp"
#include "pipelines/recorder/ogg_page.hpp"
#include "pipelines/recorder/ogg_scan.hpp"

namespace parley::recorder {

struct MemoryFile final : ByteSink {
  ByteBuffer bytes;
  bool full = false;
  std::size_t writes = 0;
  bool append(Bytes data) noexcept override {
    if (full) return false;
    ++writes;
    bytes.insert(bytes.end(), data.begin(), data.end());
    return true;
  }
  bool rewrite(std::uint64_t at, Bytes data) noexcept override {
    if (full || at + data.size() > bytes.size()) return false;
    std::copy(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    return true;
  }
};

inline std::vector<ByteBuffer> packets_of(Bytes file, std::vector<OggPageView>* pages = nullptr) {
  std::vector<ByteBuffer> out;
  OggPageView page;
  while (!file.empty() && read_page(file, page)) {
    for (const Bytes packet : page.packets) out.emplace_back(packet.begin(), packet.end());
    if (pages != nullptr) pages->push_back(page);
    file = file.subspan(page.size);
  }
  return out;
}

// As a player hears it: decoded packet by packet, the pre-skip taken off, cut at the last granule position.
inline std::vector<float> decode_opus_file(Bytes file) {
  std::vector<OggPageView> pages;
  const auto packets = packets_of(file, &pages);
  int error = 0;
  OpusDecoder* decoder = opus_decoder_create(48'000, 1, &error);
  std::vector<float> out;
  for (std::size_t i = 2; i < packets.size(); ++i) {
    std::vector<float> frame(5'760);
    const int got = opus_decode_float(decoder, packets[i].data(), static_cast<opus_int32>(packets[i].size()),
                                      frame.data(), 5'760, 0);
    if (got > 0) out.insert(out.end(), frame.begin(), frame.begin() + got);
  }
  opus_decoder_destroy(decoder);
  if (!pages.empty() && out.size() > pages.back().granule) out.resize(pages.back().granule);
  if (out.size() > 312) out.erase(out.begin(), out.begin() + 312);
  return out;
}

}  // namespace parley::recorder
