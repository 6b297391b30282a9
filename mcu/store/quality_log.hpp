// How calls were: a row for each path of each participant every few seconds, in SQLite (WAL) beside the index
// of recordings. Rows are forgotten by age and by the room they take, a few at a time, so that neither the
// file nor the time that a write needs grows without bound.
//
// Threads: one (`disk`). May block.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mcu/quality/sample.hpp"
#include "transport/base/result.hpp"

namespace parley::store {

struct QualityRow {
  std::int64_t id = 0;  // grows with each row
  quality::Sample sample;
};

struct QualityFilter {
  std::string room, participant, path;         // empty: any
  std::optional<std::int64_t> from_ms, to_ms;  // from <= at < to
  std::optional<std::int64_t> before_id;       // the page after the one that ended with this row
  std::size_t limit = 200;
};

struct QualityPage {
  std::vector<QualityRow> rows;  // newest first
  bool more = false;             // there are older ones
};

class QualityLog {
 public:
  static constexpr int kSchema = 1;
  static constexpr std::size_t kMaxPage = 1'000;
  static constexpr std::int64_t kForgetAtOnce = 4'000;  // rows: some milliseconds of work

  // Creates or migrates. A log of a newer schema, or what is no database, is an error.
  static Result<std::unique_ptr<QualityLog>> open(const std::string& path);
  ~QualityLog();
  QualityLog(const QualityLog&) = delete;
  QualityLog& operator=(const QualityLog&) = delete;

  Status put(std::span<const quality::Sample> rows);  // all or none
  Result<QualityPage> list(const QualityFilter& filter) const;
  // Forgets rows older than `before_ms`, and the oldest while the rows take more than `most_bytes`; at most
  // kForgetAtOnce of each. Returns how many are gone.
  Result<std::int64_t> forget(std::int64_t before_ms, std::int64_t most_bytes);
  Result<std::int64_t> size() const;   // rows
  Result<std::int64_t> bytes() const;  // that they take in the file; what it has in reserve is not counted
  int schema() const;

 private:
  struct Impl;
  explicit QualityLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::store
