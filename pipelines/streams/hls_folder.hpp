// The folder of an HLS stream (RFC 8216): its playlists, and for fragmented MP4 its segments too. (Segments
// of MPEG-TS are written by GStreamer's hlssink2.)
//
// Threads: one owner at a time; writes files.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "pipelines/streams/mp4_cutter.hpp"
#include "pipelines/streams/target.hpp"
#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::streams {

constexpr Duration kHlsSegment = 2s;
constexpr std::size_t kHlsWindow = 6;  // segments that a playlist lists

// Makes the folder, takes what an earlier run has left out of it, writes master.m3u8.
Status prepare_hls(const std::string& directory, Segments segments, int bitrate);

// The sliding window of a media playlist. Pure.
class HlsPlaylist {
 public:
  explicit HlsPlaylist(std::string init) : init_(std::move(init)) {}

  void add(std::string name, Duration length);
  std::string text(bool ended) const;
  // Names of segments that nobody may ask for any more: a segment stays for as long as the playlist that last
  // listed it was long (RFC 8216 section 6.2.2).
  std::vector<std::string> take_expired();

 private:
  struct Segment {
    std::string name;
    Duration length;
  };
  const std::string init_;
  std::deque<Segment> window_, expiring_;
  std::uint64_t first_ = 0;  // sequence number of the window's first
};

// Fragmented MP4 of a muxer into segments and playlist.
class HlsWriter {
 public:
  // `run`: part of every name, so that nothing of another run is taken for a part of this.
  HlsWriter(std::string directory, const std::string& run);

  Status push(Bytes data);
  Status end();  // the playlist's last line

 private:
  void write(const std::string& name, Bytes data);
  void write_playlist(bool ended);

  const std::string directory_, run_;
  HlsPlaylist playlist_;
  Mp4Cutter cutter_;
  std::uint64_t count_ = 0;
  Status failed_ = Done{};
};

}  // namespace parley::streams
