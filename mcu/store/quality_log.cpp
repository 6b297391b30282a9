#include "mcu/store/quality_log.hpp"

#include <algorithm>
#include <array>

#include "mcu/store/sqlite.hpp"

namespace parley::store {
namespace {

using quality::Sample;

// Step n leads from schema n to n + 1. A step that has been released is never changed. Figures that are not
// known are NULL.
constexpr std::array<const char*, QualityLog::kSchema> kMigrations = {
    R"(CREATE TABLE quality (
         id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, room TEXT NOT NULL, participant TEXT NOT NULL,
         name TEXT NOT NULL, path TEXT NOT NULL, peer TEXT NOT NULL, local TEXT NOT NULL,
         remote TEXT NOT NULL, round_trip_ms REAL,
         uplink_loss REAL, uplink_recovered REAL, uplink_jitter_ms REAL, uplink_kbps REAL,
         uplink_delay_ms REAL, uplink_target_ms REAL, uplink_concealed_ms REAL, uplink_mos REAL,
         downlink_loss REAL, downlink_recovered REAL, downlink_jitter_ms REAL, downlink_kbps REAL,
         downlink_delay_ms REAL, downlink_target_ms REAL, downlink_concealed_ms REAL, downlink_mos REAL);
       CREATE INDEX quality_by_time ON quality (at_ms);
       CREATE INDEX quality_by_room ON quality (room, at_ms);)",
};

constexpr std::string_view kColumns =
    "at_ms, room, participant, name, path, peer, local, remote, round_trip_ms, uplink_loss, "
    "uplink_recovered, uplink_jitter_ms, uplink_kbps, uplink_delay_ms, uplink_target_ms, "
    "uplink_concealed_ms, uplink_mos, downlink_loss, downlink_recovered, downlink_jitter_ms, downlink_kbps, "
    "downlink_delay_ms, downlink_target_ms, downlink_concealed_ms, downlink_mos";

// The texts, then the numbers, in the order of the columns.
template <typename S>
auto texts(S& s) {
  return std::array{&s.room, &s.participant, &s.name, &s.path, &s.peer, &s.local, &s.remote};
}
template <typename S>
auto numbers(S& s) {
  auto &up = s.uplink, &down = s.downlink;
  return std::array{&s.round_trip_ms,   &up.loss,        &up.recovered,    &up.jitter_ms,  &up.kbps,
                    &up.delay_ms,       &up.target_ms,   &up.concealed_ms, &up.mos,        &down.loss,
                    &down.recovered,    &down.jitter_ms, &down.kbps,       &down.delay_ms, &down.target_ms,
                    &down.concealed_ms, &down.mos};
}

QualityRow read_row(const Statement& s) {
  QualityRow row;
  row.id = s.integer(0);
  row.sample.at_ms = s.integer(1);
  int column = 2;
  for (auto* text : texts(row.sample)) *text = s.text(column++);
  for (auto* number : numbers(row.sample)) {
    *number = s.is_null(column) ? -1 : s.real(column);
    ++column;
  }
  return row;
}

}  // namespace

struct QualityLog::Impl {
  Database database;

  Error error() const { return database.error("quality log"); }
  Result<std::int64_t> pragma(const char* sql) const {
    Statement get(database, sql);
    if (!get.step()) return error();
    return get.integer(0);
  }
  Result<std::int64_t> forget(const char* which, std::int64_t value, std::int64_t most) {
    Statement gone(database, std::string("DELETE FROM quality WHERE id IN (SELECT id FROM quality ") + which +
                                 " LIMIT ?2)");
    gone.bind(1, value).bind(2, most).step();
    if (gone.failed()) return error();
    return static_cast<std::int64_t>(sqlite3_changes(database.handle()));
  }
};

QualityLog::QualityLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
QualityLog::~QualityLog() = default;

Result<std::unique_ptr<QualityLog>> QualityLog::open(const std::string& path) {
  auto database = Database::open_private(path);  // it holds addresses
  if (!database) return database.error();
  // What a power cut takes is a few seconds of figures.
  if (auto done = database->run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"); !done)
    return done.error();
  if (auto done = migrate(*database, kMigrations); !done) return done.error();
  return std::unique_ptr<QualityLog>(
      new QualityLog(std::make_unique<Impl>(Impl{std::move(database).value()})));
}

int QualityLog::schema() const {
  return schema_of(impl_->database);
}

Status QualityLog::put(std::span<const Sample> rows) {
  if (rows.empty()) return Done{};
  auto& database = impl_->database;
  if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return begun;
  {
    Statement put(database, "INSERT INTO quality (" + std::string(kColumns) +
                                ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    for (const Sample& row : rows) {
      put.reset();
      put.bind(1, row.at_ms);
      int column = 2;
      for (const auto* text : texts(row)) put.bind(column++, *text);
      for (const auto* number : numbers(row)) {
        if (*number >= 0) put.bind(column, *number);
        ++column;
      }
      put.step();
      if (!put.failed()) continue;
      const Error why = impl_->error();
      static_cast<void>(database.run("ROLLBACK"));
      return why;
    }
  }
  auto done = database.run("COMMIT");
  if (!done) static_cast<void>(database.run("ROLLBACK"));
  return done;
}

Result<QualityPage> QualityLog::list(const QualityFilter& filter) const {
  std::string where = " WHERE 1";
  if (!filter.room.empty()) where += " AND room = ?1";
  if (!filter.participant.empty()) where += " AND participant = ?2";
  if (!filter.path.empty()) where += " AND path = ?3";
  if (filter.from_ms) where += " AND at_ms >= ?4";
  if (filter.to_ms) where += " AND at_ms < ?5";
  if (filter.before_id) where += " AND (at_ms, id) < (SELECT at_ms, id FROM quality WHERE id = ?6)";
  Statement rows(impl_->database, "SELECT id, " + std::string(kColumns) + " FROM quality" + where +
                                      " ORDER BY at_ms DESC, id DESC LIMIT ?7");
  if (!filter.room.empty()) rows.bind(1, filter.room);
  if (!filter.participant.empty()) rows.bind(2, filter.participant);
  if (!filter.path.empty()) rows.bind(3, filter.path);
  if (filter.from_ms) rows.bind(4, *filter.from_ms);
  if (filter.to_ms) rows.bind(5, *filter.to_ms);
  if (filter.before_id) rows.bind(6, *filter.before_id);
  const auto limit = std::min(filter.limit, kMaxPage);
  rows.bind(7, static_cast<std::int64_t>(limit + 1));
  QualityPage page;
  while (rows.step()) page.rows.push_back(read_row(rows));
  if (rows.failed()) return impl_->error();
  page.more = page.rows.size() > limit;
  if (page.more) page.rows.pop_back();
  return page;
}

Result<std::int64_t> QualityLog::forget(std::int64_t before_ms, std::int64_t most_bytes) {
  auto old = impl_->forget("WHERE at_ms < ?1 ORDER BY at_ms", before_ms, kForgetAtOnce);
  if (!old) return old;
  const auto used = bytes();
  if (!used) return used.error();
  if (*used <= most_bytes) return old;
  const auto many = impl_->forget("WHERE ?1 ORDER BY id", 1, kForgetAtOnce);
  if (!many) return many;
  return *old + *many;
}

Result<std::int64_t> QualityLog::size() const {
  return impl_->pragma("SELECT count(*) FROM quality");
}

Result<std::int64_t> QualityLog::bytes() const {
  const auto pages = impl_->pragma("PRAGMA page_count"), spare = impl_->pragma("PRAGMA freelist_count"),
             size = impl_->pragma("PRAGMA page_size");
  if (!pages || !spare || !size) return impl_->error();
  return (*pages - *spare) * *size;
}

}  // namespace parley::store
