#include "mcu/store/recording_index.hpp"

#include <algorithm>
#include <array>

#include "mcu/store/sqlite.hpp"

namespace parley::store {
namespace {

// Step n leads from schema n to n + 1. A step that has been released is never changed.
constexpr std::array<const char*, RecordingIndex::kSchema> kMigrations = {
    R"(CREATE TABLE recordings (
         id TEXT PRIMARY KEY, room TEXT NOT NULL, folder TEXT NOT NULL, state TEXT NOT NULL,
         started_ms INTEGER NOT NULL, duration_ms INTEGER NOT NULL, bytes INTEGER NOT NULL,
         participants INTEGER NOT NULL, tracks INTEGER NOT NULL) WITHOUT ROWID;
       CREATE INDEX by_start ON recordings (started_ms);
       CREATE INDEX by_room ON recordings (room, started_ms);)",
    R"(ALTER TABLE recordings ADD COLUMN delivery TEXT NOT NULL DEFAULT '';
       CREATE INDEX by_debt ON recordings (started_ms) WHERE delivery = 'pending';)",
};

constexpr std::string_view kColumns =
    "id, room, folder, state, started_ms, duration_ms, bytes, participants, tracks, delivery";

RecordingRow read_row(const Statement& s) {
  RecordingRow row;
  row.id = s.text(0);
  row.room = s.text(1);
  row.folder = s.text(2);
  row.state = s.text(3);
  row.started_ms = s.integer(4);
  row.duration_ms = s.integer(5);
  row.bytes = s.integer(6);
  row.participants = s.integer(7);
  row.tracks = s.integer(8);
  row.delivery = s.text(9);
  return row;
}

}  // namespace

struct RecordingIndex::Impl {
  Database database;

  // `which`: a condition of ours.
  Result<std::vector<RecordingRow>> by_age(const char* which, std::size_t limit) const;
  Status finish(Statement& statement) const {
    statement.step();
    return statement.failed() ? Status(database.error("index")) : Status(Done{});
  }
};

Result<std::unique_ptr<RecordingIndex>> RecordingIndex::open(const std::string& path) {
  auto database = Database::open(path);
  if (!database) return database.error();
  auto impl = std::make_unique<Impl>(Impl{std::move(database).value()});
  // A commit that a power cut takes back can be rebuilt: NORMAL spares a sync for each.
  if (auto done = impl->database.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"); !done)
    return done.error();
  if (auto done = migrate(impl->database, kMigrations); !done) return done.error();
  return std::unique_ptr<RecordingIndex>(new RecordingIndex(std::move(impl)));
}

RecordingIndex::RecordingIndex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RecordingIndex::~RecordingIndex() = default;

int RecordingIndex::schema() const {
  return schema_of(impl_->database);
}

Status RecordingIndex::put(const RecordingRow& row) {
  Statement put(impl_->database, "INSERT OR REPLACE INTO recordings (" + std::string(kColumns) +
                                     ") VALUES (?,?,?,?,?,?,?,?,?,?)");
  put.bind(1, row.id).bind(2, row.room).bind(3, row.folder).bind(4, row.state);
  put.bind(5, row.started_ms).bind(6, row.duration_ms).bind(7, row.bytes).bind(8, row.participants);
  put.bind(9, row.tracks).bind(10, row.delivery);
  return impl_->finish(put);
}

Status RecordingIndex::remove(std::string_view id) {
  Statement remove(impl_->database, "DELETE FROM recordings WHERE id = ?");
  remove.bind(1, id);
  return impl_->finish(remove);
}

Status RecordingIndex::clear() {
  return impl_->database.run("DELETE FROM recordings");
}

Result<std::optional<RecordingRow>> RecordingIndex::find(std::string_view id) const {
  Statement find(impl_->database, "SELECT " + std::string(kColumns) + " FROM recordings WHERE id = ?");
  find.bind(1, id);
  if (find.step()) return std::optional(read_row(find));
  if (find.failed()) return impl_->database.error("index");
  return std::optional<RecordingRow>();
}

Result<RecordingPage> RecordingIndex::list(const RecordingFilter& filter) const {
  std::string where = " WHERE 1";
  if (!filter.room.empty()) where += " AND room = ?1";
  if (!filter.state.empty()) where += " AND state = ?2";
  if (filter.from_ms) where += " AND started_ms >= ?3";
  if (filter.to_ms) where += " AND started_ms < ?4";
  const auto bind = [&](Statement& s) {
    if (!filter.room.empty()) s.bind(1, filter.room);
    if (!filter.state.empty()) s.bind(2, filter.state);
    if (filter.from_ms) s.bind(3, *filter.from_ms);
    if (filter.to_ms) s.bind(4, *filter.to_ms);
  };
  RecordingPage page;
  Statement count(impl_->database, "SELECT count(*) FROM recordings" + where);
  bind(count);
  if (!count.step()) return impl_->database.error("index");
  page.total = static_cast<std::size_t>(count.integer(0));

  Statement rows(impl_->database, "SELECT " + std::string(kColumns) + " FROM recordings" + where +
                                      " ORDER BY started_ms DESC, id LIMIT ?5 OFFSET ?6");
  bind(rows);
  rows.bind(5, static_cast<std::int64_t>(std::min(filter.limit, kMaxPage)));
  rows.bind(6, static_cast<std::int64_t>(std::min<std::size_t>(filter.offset, 1'000'000'000)));
  while (rows.step()) page.rows.push_back(read_row(rows));
  if (rows.failed()) return impl_->database.error("index");
  return page;
}

Result<std::vector<RecordingRow>> RecordingIndex::oldest(std::size_t limit) const {
  return impl_->by_age("state <> 'recording' AND delivery <> 'pending'", limit);
}

Result<std::vector<RecordingRow>> RecordingIndex::owed(std::size_t limit) const {
  return impl_->by_age("state <> 'recording' AND delivery = 'pending'", limit);
}

Result<std::vector<RecordingRow>> RecordingIndex::Impl::by_age(const char* which, std::size_t limit) const {
  Statement rows(database, "SELECT " + std::string(kColumns) + " FROM recordings WHERE " + which +
                               " ORDER BY started_ms LIMIT ?");
  rows.bind(1, static_cast<std::int64_t>(limit));
  std::vector<RecordingRow> out;
  while (rows.step()) out.push_back(read_row(rows));
  if (rows.failed()) return database.error("index");
  return out;
}

Result<std::int64_t> RecordingIndex::total_bytes() const {
  Statement sum(impl_->database, "SELECT coalesce(sum(bytes), 0) FROM recordings");
  if (!sum.step()) return impl_->database.error("index");
  return sum.integer(0);
}

}  // namespace parley::store
