#include "mcu/recording/folder_repair.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <ctime>
#include <filesystem>

#include "mcu/recording/read_file.hpp"
#include "pipelines/recorder/ogg_scan.hpp"
#include "transport/base/log.hpp"

namespace parley::recording {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxManifest = 64 * 1024 * 1024;

std::vector<std::string> files_of(const std::string& root, const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  if (fs::is_regular_file(root + "/" + folder + "/mixdown.opus", error)) files.emplace_back("mixdown.opus");
  for (const auto& entry : fs::directory_iterator(root + "/" + folder + "/tracks", error)) {
    auto file = "tracks/" + entry.path().filename().string();
    std::error_code ignored;
    if (valid_track_file(file) && entry.is_regular_file(ignored) && !entry.is_symlink(ignored))
      files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string tag(const recorder::OggPageView& tags, std::string_view name) {
  if (tags.packets.empty()) return {};
  const auto text = as_text(tags.packets.front());
  const auto key = std::string(name) + "=";
  const auto at = text.find(key);
  if (at == std::string_view::npos || at < 4) return {};
  std::size_t length = 0;
  for (int i = 3; i >= 0; --i)
    length = length << 8U | static_cast<std::uint8_t>(text[at - 4 + static_cast<std::size_t>(i)]);
  if (length < key.size() || length > text.size() - at) return {};
  return std::string(text.substr(at + key.size(), length - key.size()));
}

// A file mapped for reading; the pages of a good part are what a repair looks at.
class Mapped {
 public:
  explicit Mapped(const std::string& path) {
    fd_ = ::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    struct stat info {};
    if (fd_ < 0 || ::fstat(fd_, &info) != 0 || info.st_size == 0) return;
    size_ = static_cast<std::size_t>(info.st_size);
    void* at = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd_, 0);
    if (at != MAP_FAILED) data_ = static_cast<const std::uint8_t*>(at);
  }
  ~Mapped() {
    if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
    if (fd_ >= 0) ::close(fd_);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  Bytes bytes() const { return data_ == nullptr ? Bytes() : Bytes(data_, size_); }
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
  std::size_t size_ = 0;
  const std::uint8_t* data_ = nullptr;
};

struct Repaired {
  bool usable = false;
  std::int64_t duration_ms = 0;
  std::string room, participant, name;
  bool opus = true;
};

Repaired repair_file(const std::string& path) {
  Repaired out;
  const Mapped mapped(path);
  const auto scan = recorder::scan_ogg(mapped.bytes());
  out.usable = scan.pages >= 2;
  if (!out.usable) return out;
  out.opus = scan.opus;
  out.duration_ms = static_cast<std::int64_t>(scan.granule / (scan.opus ? 48 : 8));
  recorder::OggPageView head, tags;
  recorder::read_page(mapped.bytes(), head);
  if (recorder::read_page(mapped.bytes().subspan(head.size), tags)) {
    out.room = tag(tags, "TITLE");
    out.participant = tag(tags, "PARLEY_PARTICIPANT");
    out.name = tag(tags, "ARTIST");
  }
  const auto close = recorder::closing_page(scan);
  if (close.empty() && scan.good_bytes == mapped.bytes().size()) return out;
  if (::ftruncate(mapped.fd(), static_cast<off_t>(scan.good_bytes)) != 0 ||
      ::pwrite(mapped.fd(), close.data(), close.size(), static_cast<off_t>(scan.good_bytes)) !=
          static_cast<ssize_t>(close.size()))
    log::warn("recording: {} cannot be closed; it plays nevertheless", path);
  return out;
}

TrackInfo& track_of(Manifest& manifest, const std::string& file) {
  if (file == "mixdown.opus") {
    manifest.mixdown.file = file;
    manifest.mixdown.codec = "opus";
    return manifest.mixdown;
  }
  for (auto& track : manifest.tracks)
    if (track.file == file) return track;
  auto& made = manifest.tracks.emplace_back();
  made.file = file;
  return made;
}

}  // namespace

std::string folder_of(std::int64_t started_ms, const std::string& id) {
  const auto seconds = static_cast<std::time_t>(started_ms / 1'000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char day[16];
  return std::string(day, std::strftime(day, sizeof day, "%Y/%m/%d/", &utc)) + id;
}

bool valid_folder(std::string_view folder) {
  constexpr std::string_view kShape = "dddd/dd/dd/";
  if (folder.size() <= kShape.size() || !valid_id(folder.substr(kShape.size()))) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = folder[i] >= '0' && folder[i] <= '9';
    if (kShape[i] == 'd' ? !digit : folder[i] != '/') return false;
  }
  return true;
}

std::optional<Manifest> load_folder(const std::string& root, const std::string& folder) {
  if (!valid_folder(folder)) return std::nullopt;
  const auto id = folder.substr(folder.rfind('/') + 1);
  const auto file = ReadFile::open(root, folder + "/recording.json");
  const auto text =
      file != nullptr && file->size() <= kMaxManifest ? file->read(0, kMaxManifest) : std::nullopt;
  auto manifest = text ? read_manifest(*text) : std::nullopt;
  if (!manifest || manifest->id != id) {
    if (files_of(root, folder).empty()) return std::nullopt;
    manifest = Manifest{};
    manifest->id = id;
    std::tm day{};
    if (::strptime(folder.c_str(), "%Y/%m/%d", &day) != nullptr)
      manifest->started_ms = static_cast<std::int64_t>(::timegm(&day)) * 1'000;
  }
  manifest->folder = folder;
  return manifest;
}

Manifest repair_folder(Disk& disk, const std::string& root, Manifest m) {
  std::int64_t longest = 0;
  for (const auto& file : files_of(root, m.folder)) {
    const auto path = root + "/" + m.folder + "/" + file;
    const auto repaired = repair_file(path);
    if (!repaired.usable) {
      ::unlink(path.c_str());  // no sound had reached the disk
      std::erase_if(m.tracks, [&](const TrackInfo& track) { return track.file == file; });
      continue;
    }
    auto& track = track_of(m, file);
    track.duration_ms = repaired.duration_ms;
    longest = std::max(longest, repaired.duration_ms);
    if (m.room.empty()) m.room = repaired.room;
    if (file == "mixdown.opus" || !track.participant.empty()) continue;
    track.participant = repaired.participant;
    track.codec = repaired.opus ? "opus" : "G.711";
    const bool known = std::any_of(m.people.begin(), m.people.end(),
                                   [&](const Person& p) { return p.id == track.participant; });
    if (!known) m.people.push_back({track.participant, repaired.name, true, 0, -1});
  }
  // The server's last word may be older than what the files hold.
  m.duration_ms = longest > 0 ? longest : m.duration_ms;
  for (auto& person : m.people)
    if (person.left_ms < 0) person.left_ms = m.duration_ms;
  for (auto& talk : m.talks)
    if (talk.to_ms < 0) talk.to_ms = std::max(talk.from_ms, m.duration_ms);
  m.state = "interrupted";
  if (m.reason.empty()) m.reason = "server-crashed";
  measure_files(root, m);
  if (auto saved = disk.replace(m.folder + "/recording.json", boost::json::serialize(to_json(m))); !saved)
    log::warn("recording {}: {}", m.id, saved.error().what);
  return m;
}

void measure_files(const std::string& root, Manifest& manifest) {
  const auto measure = [&](TrackInfo& track) {
    if (track.file.empty()) return;
    const auto file = ReadFile::open(root, manifest.folder + "/" + track.file);
    if (file == nullptr) return;
    track.bytes = static_cast<std::int64_t>(file->size());
    track.crc32 = file->crc32();
  };
  measure(manifest.mixdown);
  for (auto& track : manifest.tracks) measure(track);
}

}  // namespace parley::recording
