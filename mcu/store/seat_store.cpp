#include "mcu/store/seat_store.hpp"

#include "mcu/store/sqlite.hpp"

namespace parley::store {
namespace {

constexpr const char* kTables =
    R"(BEGIN IMMEDIATE;
       CREATE TABLE seats (
         participant TEXT PRIMARY KEY, room TEXT NOT NULL, name TEXT NOT NULL, resume TEXT NOT NULL,
         moderator INTEGER NOT NULL, muted INTEGER NOT NULL, call INTEGER NOT NULL) WITHOUT ROWID;
       CREATE TABLE used_tokens (key TEXT PRIMARY KEY, expires_ms INTEGER NOT NULL) WITHOUT ROWID;
       CREATE TABLE alive (at_ms INTEGER NOT NULL);
       INSERT INTO alive VALUES (0);
       PRAGMA user_version = 1;
       COMMIT;)";

}  // namespace

struct SeatStore::Impl {
  Database database;

  Status finish(Statement& statement) const {
    statement.step();
    return statement.failed() ? Status(database.error("seats")) : Status(Done{});
  }
  Status prepare() {
    Statement get(database, "PRAGMA user_version");
    const auto version = get.step() ? get.integer(0) : -1;
    if (version < 0) return database.error("reading the seats");
    if (version > kSchema) return Error{"the seats are of a newer version than this program knows"};
    return version == kSchema ? Status(Done{}) : database.run(kTables);
  }
  Status write(const Changes& changes, std::int64_t now_ms) const {
    for (const auto& row : changes.kept) {
      Statement put(database, "INSERT OR REPLACE INTO seats VALUES (?,?,?,?,?,?,?)");
      put.bind(1, row.participant).bind(2, row.room).bind(3, row.name).bind(4, row.resume);
      put.bind(5, std::int64_t{row.moderator})
          .bind(6, std::int64_t{row.muted})
          .bind(7, std::int64_t{row.call});
      if (auto done = finish(put); !done) return done;
    }
    for (const auto& participant : changes.gone) {
      Statement remove(database, "DELETE FROM seats WHERE participant = ?");
      remove.bind(1, participant);
      if (auto done = finish(remove); !done) return done;
    }
    for (const auto& token : changes.used) {
      Statement put(database, "INSERT OR REPLACE INTO used_tokens VALUES (?,?)");
      put.bind(1, token.key).bind(2, token.expires_ms);
      if (auto done = finish(put); !done) return done;
    }
    Statement forget(database, "DELETE FROM used_tokens WHERE expires_ms <= ?");
    forget.bind(1, now_ms);
    if (auto done = finish(forget); !done) return done;
    Statement alive(database, "UPDATE alive SET at_ms = ?");
    alive.bind(1, now_ms);
    return finish(alive);
  }
};

Result<std::unique_ptr<SeatStore>> SeatStore::open(const std::string& path) {
  auto database = Database::open_private(path);
  if (!database) return database.error();
  auto impl = std::make_unique<Impl>(Impl{std::move(database).value()});
  if (auto done = impl->database.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"); !done)
    return Error{path + ": " + done.error().what};
  if (auto done = impl->prepare(); !done) return Error{path + ": " + done.error().what};
  return std::unique_ptr<SeatStore>(new SeatStore(std::move(impl)));
}

SeatStore::SeatStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SeatStore::~SeatStore() = default;

Result<SeatStore::Contents> SeatStore::load(std::int64_t now_ms) {
  Statement alive(impl_->database, "SELECT at_ms FROM alive");
  if (!alive.step()) return impl_->database.error("seats");
  const auto last = alive.integer(0);
  // A clock that was set back says nothing; the seats are given up.
  if (last > now_ms || last < now_ms - kLongestAbsence_ms) {
    if (auto done = impl_->database.run("DELETE FROM seats"); !done) return done.error();
  }
  if (auto done = apply({}, now_ms); !done) return done.error();
  Contents out;
  Statement seats(impl_->database,
                  "SELECT participant, room, name, resume, moderator, muted, call FROM seats");
  while (seats.step())
    out.seats.push_back({seats.text(0), seats.text(1), seats.text(2), seats.text(3), seats.integer(4) != 0,
                         seats.integer(5) != 0, seats.integer(6) != 0});
  Statement used(impl_->database, "SELECT key, expires_ms FROM used_tokens");
  while (used.step())
    if (used.integer(1) <= kLatestExpiry_ms) out.used.push_back({used.text(0), used.integer(1)});
  if (seats.failed() || used.failed()) return impl_->database.error("seats");
  return out;
}

Status SeatStore::apply(const Changes& changes, std::int64_t now_ms) {
  if (auto begun = impl_->database.run("BEGIN IMMEDIATE"); !begun) return begun;
  auto written = impl_->write(changes, now_ms);
  if (written) written = impl_->database.run("COMMIT");
  if (!written) static_cast<void>(impl_->database.run("ROLLBACK"));
  return written;
}

}  // namespace parley::store
