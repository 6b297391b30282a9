#include "pipelines/streams/hls_folder.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace parley::streams {
namespace {

namespace fs = std::filesystem;

// Whole or not at all: a player must never see half a playlist.
Status replace_file(const fs::path& path, Bytes data) {
  const fs::path part = path.string() + ".part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
  out.close();
  std::error_code error;
  if (out) fs::rename(part, path, error);
  if (out && !error) return Done{};
  const std::string why = error ? error.message() : std::strerror(errno);
  fs::remove(part, error);
  return Error{path.string() + ": " + why};
}

}  // namespace

Status prepare_hls(const std::string& directory, Segments segments, int bitrate) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return Error{directory + ": " + error.message()};
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const auto type = entry.path().extension();
    if (type == ".ts" || type == ".m3u8" || type == ".mp4" || type == ".m4s" || type == ".part")
      fs::remove(entry.path(), error);
  }
  // MPEG-TS adds about a tenth, MP4 less; RFC 8216 section 4.3.4.2 wants the peak.
  const auto text = fmt::format(
      "#EXTM3U\n#EXT-X-VERSION:{}\n#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-STREAM-INF:BANDWIDTH={},CODECS=\"mp4a.40.2\"\nlive.m3u8\n",
      segments == Segments::fmp4 ? 7 : 6, bitrate * 5 / 4);
  return replace_file(fs::path(directory) / "master.m3u8", as_bytes(text));
}

void HlsPlaylist::add(std::string name, Duration length) {
  window_.push_back({std::move(name), length});
  if (window_.size() <= kHlsWindow) return;
  expiring_.push_back(std::move(window_.front()));
  window_.pop_front();
  ++first_;
}

std::string HlsPlaylist::text(bool ended) const {
  std::string out = fmt::format(
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{}\n"
      "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"{}\"\n",
      kHlsSegment / 1s, first_, init_);
  for (const auto& [name, length] : window_)
    out += fmt::format("#EXTINF:{:.5f},\n{}\n", to_seconds(length), name);
  if (ended) out += "#EXT-X-ENDLIST\n";
  return out;
}

std::vector<std::string> HlsPlaylist::take_expired() {
  std::vector<std::string> out;
  for (; expiring_.size() > kHlsWindow + 1; expiring_.pop_front())
    out.push_back(std::move(expiring_.front().name));
  return out;
}

HlsWriter::HlsWriter(std::string directory, const std::string& run)
    : directory_(std::move(directory)),
      run_(run),
      playlist_("init" + run + ".mp4"),
      cutter_([this](Bytes init) { write("init" + run_ + ".mp4", init); },
              [this](Bytes segment, Duration length) {
                const auto name = fmt::format("s{}-{:05}.m4s", run_, count_++);
                write(name, segment);
                playlist_.add(name, length);
                write_playlist(false);
              }) {}

void HlsWriter::write(const std::string& name, Bytes data) {
  if (auto written = replace_file(fs::path(directory_) / name, data); !written && failed_) failed_ = written;
}

void HlsWriter::write_playlist(bool ended) {
  write("live.m3u8", as_bytes(playlist_.text(ended)));
  std::error_code ignored;
  for (const auto& name : playlist_.take_expired()) fs::remove(fs::path(directory_) / name, ignored);
}

Status HlsWriter::push(Bytes data) {
  if (auto cut = cutter_.push(data); !cut) return cut;
  return failed_;
}

Status HlsWriter::end() {
  write_playlist(true);
  return failed_;
}

}  // namespace parley::streams
