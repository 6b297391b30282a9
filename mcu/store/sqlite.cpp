#include "mcu/store/sqlite.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace parley::store {

Result<Database> Database::open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(handle);
  if (code != SQLITE_OK) return database.error("opening " + path);
  sqlite3_busy_timeout(handle, 1'000);
  return database;
}

Result<Database> Database::open_private(const std::string& path) {
  // SQLite gives its other files the rights of this one.
  const int file = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return Error{path + ": " + std::strerror(errno), errno};
  ::close(file);
  return open(path);
}

Status Database::run(const char* sql) {
  if (sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error("database");
  return Done{};
}

Error Database::error(std::string_view doing) const {
  const char* what = handle() != nullptr ? sqlite3_errmsg(handle()) : "out of memory";
  return {std::string(doing) + ": " + what, handle() != nullptr ? sqlite3_errcode(handle()) : SQLITE_NOMEM};
}

int schema_of(const Database& database) {
  Statement get(database, "PRAGMA user_version");
  return get.step() ? static_cast<int>(get.integer(0)) : -1;
}

Status migrate(Database& database, std::span<const char* const> steps) {
  const int from = schema_of(database), newest = static_cast<int>(steps.size());
  if (from < 0) return database.error("reading the database");
  if (from > newest)
    return Error{"the database is of a newer version (" + std::to_string(from) + ") than this program knows"};
  for (int step = from; step < newest; ++step) {
    const std::string sql = std::string("BEGIN IMMEDIATE;") + steps[static_cast<std::size_t>(step)] +
                            "PRAGMA user_version = " + std::to_string(step + 1) + ";COMMIT;";
    if (auto done = database.run(sql.c_str()); !done) {
      static_cast<void>(database.run("ROLLBACK"));
      return done;
    }
  }
  return Done{};
}

Statement::Statement(const Database& database, std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  failed_ = sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()), &handle,
                               nullptr) != SQLITE_OK;
  handle_.reset(handle);
}

Statement& Statement::bind(int at, std::int64_t value) {
  if (ok() && sqlite3_bind_int64(handle_.get(), at, value) != SQLITE_OK) failed_ = true;
  return *this;
}
Statement& Statement::bind(int at, double value) {
  if (ok() && sqlite3_bind_double(handle_.get(), at, value) != SQLITE_OK) failed_ = true;
  return *this;
}
Statement& Statement::bind(int at, std::string_view text) {
  if (ok() && sqlite3_bind_text(handle_.get(), at, text.data(), static_cast<int>(text.size()),
                                SQLITE_TRANSIENT) != SQLITE_OK)
    failed_ = true;
  return *this;
}

void Statement::reset() {
  if (!ok()) return;
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

bool Statement::step() {
  if (!ok() || failed_) return false;
  const int code = sqlite3_step(handle_.get());
  failed_ = code != SQLITE_ROW && code != SQLITE_DONE;
  return code == SQLITE_ROW;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}
double Statement::real(int column) const {
  return sqlite3_column_double(handle_.get(), column);
}
bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}
std::string Statement::text(int column) const {
  const auto* text = sqlite3_column_text(handle_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
  return text == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(text), size);
}

}  // namespace parley::store
