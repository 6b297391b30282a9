// The recordings that exist: the index, their folders, retention. What the recorder makes is entered here.
//
// Threads: one (`disk`, or the command line for --rebuild-index). Blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mcu/recording/disk.hpp"
#include "mcu/recording/manifest.hpp"
#include "mcu/recording/measurer.hpp"
#include "mcu/recording/read_file.hpp"
#include "mcu/store/recording_index.hpp"

namespace parley::recording {

struct Retention {
  std::int64_t keep_days = 0;   // 0: for ever
  std::uint64_t max_bytes = 0;  // 0: no limit
};

class Catalogue {
 public:
  // Opens the index below `root`. One that cannot be read is put aside and made anew from the folders.
  // Recordings that a crash cut off are repaired and marked `interrupted`, but for those that are `running`.
  // `owes`: what every recording that ends from now on owes (Delivery::kind).
  using Running = std::function<bool(const std::string& id)>;
  using Kinds = std::vector<std::string>;
  static Result<std::unique_ptr<Catalogue>> open(const std::string& root, Disk& disk,
                                                 const Running& running = {}, const Kinds& owes = {});

  // From the folders alone. Returns how many recordings there are.
  Result<std::size_t> rebuild();

  Status enter(const Manifest& manifest);
  // Enters a finished one, with sizes and checksums, which are written into its recording.json too.
  // An error: the disk did not take it; try again later.
  Status complete(Manifest manifest);

  // What has been repaired since this was called last; it is not measured yet.
  std::vector<Manifest> take_repaired() { return std::exchange(repaired_, {}); }

  void set_owes(const Kinds& owes) { owes_ = owes; }
  // Recordings that owe something, oldest first.
  std::vector<store::RecordingRow> owed(std::size_t limit) const;
  // What was measured after the end: into the files' tags and recording.json. Checksums change with the tags.
  void note_loudness(const std::string& id, const Measured& measured);
  // What has become of a delivery.
  void settle(const std::string& id, const Delivery& delivery);

  Result<store::RecordingPage> list(const store::RecordingFilter& filter) const {
    return index_->list(filter);
  }
  std::optional<store::RecordingRow> find(const std::string& id) const;
  std::optional<Manifest> manifest(const store::RecordingRow& row) const;
  std::shared_ptr<ReadFile> open_file(const store::RecordingRow& row, const std::string& file) const;
  // The folder with everything in it. False: there is none, or it is being recorded.
  bool remove(const std::string& id);
  // Deletes the oldest until the rest is within `keep`; never what is being recorded.
  std::size_t retain(const Retention& keep, std::int64_t now_ms);

  const std::string& root() const { return root_; }

 private:
  Catalogue(std::string root, Disk& disk, std::unique_ptr<store::RecordingIndex> index)
      : root_(std::move(root)), disk_(disk), index_(std::move(index)) {}
  void repair_interrupted(const Running& running);
  std::vector<std::string> folders(std::size_t newest_days) const;

  void add_debts(Manifest& manifest) const;
  Status save(const Manifest& manifest);

  const std::string root_;
  Kinds owes_;
  std::vector<Manifest> repaired_;
  Disk& disk_;
  std::unique_ptr<store::RecordingIndex> index_;
};

}  // namespace parley::recording
