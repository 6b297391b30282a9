#include "mcu/recording/catalogue.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <filesystem>
#include <set>

#include "mcu/recording/folder_repair.hpp"
#include "transport/base/log.hpp"

namespace parley::recording {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kDay = 86'400'000;
constexpr std::size_t kAllDays = SIZE_MAX;
constexpr std::size_t kRecentDays = 2;

std::vector<fs::path> folders_in(const fs::path& path) {
  std::vector<fs::path> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    std::error_code ignored;
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored)) out.push_back(entry.path());
  }
  std::sort(out.rbegin(), out.rend());
  return out;
}

void log_failure(const Status& status) {
  if (!status) log::error("recordings: {}", status.error().what);
}

}  // namespace

Result<std::unique_ptr<Catalogue>> Catalogue::open(const std::string& root, Disk& disk,
                                                   const Running& running, const Kinds& owes) {
  std::error_code error;
  fs::create_directories(root, error);
  if (error) return Error{root + ": " + error.message(), error.value()};
  const auto path = root + "/parley.db";
  auto index = store::RecordingIndex::open(path);
  bool fresh = false;
  if (!index) {
    log::error("{}: it is put aside and made anew", index.error().what);
    fs::rename(path, path + ".broken", error);
    for (const char* part : {"-wal", "-shm"}) fs::remove(path + part, error);
    index = store::RecordingIndex::open(path);
    if (!index) return index.error();
    fresh = true;
  }
  std::unique_ptr<Catalogue> catalogue(new Catalogue(root, disk, std::move(index).value()));
  catalogue->owes_ = owes;
  if (fresh) static_cast<void>(catalogue->rebuild());
  catalogue->repair_interrupted(running);
  if (!catalogue->repaired_.empty())
    log::warn("recordings: {} had been cut off; they have been closed and play", catalogue->repaired_.size());
  return catalogue;
}

std::vector<std::string> Catalogue::folders(std::size_t newest_days) const {
  std::vector<std::string> out;
  std::size_t days = 0;
  for (const auto& year : folders_in(root_)) {
    for (const auto& month : folders_in(year)) {
      for (const auto& day : folders_in(month)) {
        if (++days > newest_days) return out;
        for (const auto& recording : folders_in(day)) {
          auto folder = fs::relative(recording, root_).string();
          if (valid_folder(folder)) out.push_back(std::move(folder));
        }
      }
    }
  }
  return out;
}

// What the index believes to be going on, and recent folders that it has not heard of.
void Catalogue::repair_interrupted(const Running& running) {
  std::set<std::string> suspects;
  store::RecordingFilter going_on;
  going_on.state = "recording";
  going_on.limit = store::RecordingIndex::kMaxPage;
  for (;;) {
    const auto page = index_->list(going_on);
    if (!page || page->rows.empty()) break;
    for (const auto& row : page->rows) suspects.insert(row.folder);
    going_on.offset += page->rows.size();
  }
  const auto known = suspects;
  for (auto& folder : folders(kRecentDays)) {
    const auto found = index_->find(folder.substr(folder.rfind('/') + 1));
    if (found && !*found) suspects.insert(std::move(folder));
  }
  for (const auto& folder : suspects) {
    if (running && running(folder.substr(folder.rfind('/') + 1))) continue;
    auto loaded = load_folder(root_, folder);
    if (!loaded) {
      if (known.contains(folder)) log_failure(index_->remove(folder.substr(folder.rfind('/') + 1)));
      continue;
    }
    if (loaded->state == "recording") {
      add_debts(*loaded);
      *loaded = repair_folder(disk_, root_, std::move(*loaded));
      repaired_.push_back(*loaded);
    }
    static_cast<void>(enter(*loaded));
  }
  if (!repaired_.empty()) log_failure(disk_.sync());
}

Result<std::size_t> Catalogue::rebuild() {
  if (auto cleared = index_->clear(); !cleared) return cleared.error();
  std::size_t count = 0;
  for (const auto& folder : folders(kAllDays)) {
    auto loaded = load_folder(root_, folder);
    if (!loaded) continue;
    if (loaded->state == "recording") *loaded = repair_folder(disk_, root_, std::move(*loaded));
    if (auto put = index_->put(to_row(*loaded)); !put) return put.error();
    ++count;
  }
  return count;
}

Status Catalogue::enter(const Manifest& manifest) {
  auto done = index_->put(to_row(manifest));
  log_failure(done);
  return done;
}

Status Catalogue::complete(Manifest manifest) {
  add_debts(manifest);
  measure_files(root_, manifest);
  auto saved = save(manifest);
  return saved ? enter(manifest) : saved;  // what the folder does not say the index must not
}

void Catalogue::add_debts(Manifest& manifest) const {
  for (const auto& kind : owes_) {
    const bool known = std::any_of(manifest.deliveries.begin(), manifest.deliveries.end(),
                                   [&](const Delivery& delivery) { return delivery.kind == kind; });
    if (!known) manifest.deliveries.push_back({kind, "pending", 0, {}});
  }
}

std::vector<store::RecordingRow> Catalogue::owed(std::size_t limit) const {
  auto rows = index_->owed(limit);
  if (!rows) {
    log::error("recordings: {}", rows.error().what);
    return {};
  }
  return std::move(rows).value();
}

Status Catalogue::save(const Manifest& manifest) {
  auto saved = disk_.replace(manifest.folder + "/recording.json", boost::json::serialize(to_json(manifest)));
  log_failure(saved);
  return saved;
}

void Catalogue::note_loudness(const std::string& id, const Measured& measured) {
  const auto row = find(id);
  auto manifest = row ? this->manifest(*row) : std::nullopt;
  if (!manifest || measured.empty() || manifest->state == "recording") return;
  const auto each = [&](auto use) {
    if (!manifest->mixdown.file.empty()) use(manifest->mixdown);
    for (auto& track : manifest->tracks) use(track);
  };
  // Nobody may compare with the old checksums once the tags have changed, whatever happens in between.
  each([](TrackInfo& track) { track.crc32.clear(); });
  if (!save(*manifest)) return;
  each([&](TrackInfo& track) {
    const auto found = measured.find(track.file);
    if (found == measured.end()) return;
    const auto& loudness = found->second;
    track.levels_step_ms = loudness.step_ms;
    track.levels = loudness.levels;
    if (!loudness.lufs) return;
    track.loudness_lufs = std::round(*loudness.lufs * 10) / 10;
    static_cast<void>(write_gain(root_, manifest->folder + "/" + track.file, *loudness.lufs));
  });
  log_failure(disk_.sync());
  measure_files(root_, *manifest);
  if (save(*manifest)) static_cast<void>(enter(*manifest));
}

void Catalogue::settle(const std::string& id, const Delivery& delivery) {
  const auto row = find(id);
  auto manifest = row ? this->manifest(*row) : std::nullopt;
  if (!manifest) return;
  for (auto& owed : manifest->deliveries)
    if (owed.kind == delivery.kind) owed = delivery;
  if (save(*manifest)) static_cast<void>(enter(*manifest));
}

std::optional<store::RecordingRow> Catalogue::find(const std::string& id) const {
  if (!valid_id(id)) return std::nullopt;
  auto found = index_->find(id);
  if (!found) log::error("recordings: {}", found.error().what);
  return found && *found && valid_folder((*found)->folder) ? *found : std::nullopt;
}

std::optional<Manifest> Catalogue::manifest(const store::RecordingRow& row) const {
  return load_folder(root_, row.folder);
}

std::shared_ptr<ReadFile> Catalogue::open_file(const store::RecordingRow& row,
                                               const std::string& file) const {
  return valid_folder(row.folder) ? ReadFile::open(root_, row.folder + "/" + file) : nullptr;
}

bool Catalogue::remove(const std::string& id) {
  const auto row = find(id);
  if (!row || row->state == "recording") return false;
  const fs::path folder = fs::path(root_) / row->folder;
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) {
    log::error("{}: {}", folder.string(), error.message());
    return false;
  }
  // The day, the month and the year, where they have become empty.
  for (auto path = folder.parent_path(); path != root_ && fs::is_empty(path, error) && !error;
       path = path.parent_path())
    fs::remove(path, error);
  log_failure(index_->remove(id));
  return true;
}

std::size_t Catalogue::retain(const Retention& keep, std::int64_t now_ms) {
  std::size_t removed = 0;
  const auto total = index_->total_bytes();
  if (!total) return 0;
  auto bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(*total, 0));
  const auto rows = index_->oldest(store::RecordingIndex::kMaxPage);
  if (!rows) return 0;
  for (const auto& row : *rows) {
    const bool old = keep.keep_days > 0 && row.started_ms + row.duration_ms < now_ms - keep.keep_days * kDay;
    const bool much = keep.max_bytes > 0 && bytes > keep.max_bytes;
    if (!old && !much) break;
    if (!remove(row.id)) continue;
    bytes -= std::min(bytes, static_cast<std::uint64_t>(std::max<std::int64_t>(row.bytes, 0)));
    ++removed;
  }
  if (removed > 0) log::info("recordings: {} deleted by the rules of retention", removed);
  return removed;
}

}  // namespace parley::recording
