// The index of recordings: SQLite in WAL mode. It holds nothing that the folders do not say (rebuild()), so
// it may be lost; it is there so that lists are fast.
//
// Threads: one (`disk`). May block.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/result.hpp"

namespace parley::store {

struct RecordingRow {
  std::string id;
  std::string room;
  std::string folder;           // below the recordings' root: "2026/11/25/<id>"
  std::string state;            // "recording", "finished", "interrupted"
  std::int64_t started_ms = 0;  // since 1970
  std::int64_t duration_ms = 0;
  std::int64_t bytes = 0;
  std::int64_t participants = 0;
  std::int64_t tracks = 0;
  std::string delivery;  // what is owed to the outside: "" nothing, "pending", "done", "failed"
  bool operator==(const RecordingRow&) const = default;
};

struct RecordingFilter {
  std::string room;                            // empty: any
  std::string state;                           // empty: any
  std::optional<std::int64_t> from_ms, to_ms;  // of the start: from <= start < to
  std::size_t limit = 50;
  std::size_t offset = 0;
};

struct RecordingPage {
  std::vector<RecordingRow> rows;  // newest first
  std::size_t total = 0;           // that match
};

class RecordingIndex {
 public:
  static constexpr int kSchema = 2;
  static constexpr std::size_t kMaxPage = 500;

  // Creates or migrates. An index of a newer schema, or one that is no database, is an error.
  static Result<std::unique_ptr<RecordingIndex>> open(const std::string& path);
  ~RecordingIndex();
  RecordingIndex(const RecordingIndex&) = delete;
  RecordingIndex& operator=(const RecordingIndex&) = delete;

  Status put(const RecordingRow& row);
  Status remove(std::string_view id);
  Status clear();
  Result<std::optional<RecordingRow>> find(std::string_view id) const;
  Result<RecordingPage> list(const RecordingFilter& filter) const;
  // For which something is owed, oldest first.
  Result<std::vector<RecordingRow>> owed(std::size_t limit) const;
  // What may be deleted: neither being recorded nor owed to somebody; oldest first.
  Result<std::vector<RecordingRow>> oldest(std::size_t limit) const;
  Result<std::int64_t> total_bytes() const;
  int schema() const;

 private:
  struct Impl;
  explicit RecordingIndex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::store
