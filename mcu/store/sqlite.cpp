#include "mcu/store/sqlite.hpp"

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

Status Database::run(const char* sql) {
  if (sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error("index");
  return Done{};
}

Error Database::error(std::string_view doing) const {
  const char* what = handle() != nullptr ? sqlite3_errmsg(handle()) : "out of memory";
  return {std::string(doing) + ": " + what, handle() != nullptr ? sqlite3_errcode(handle()) : SQLITE_NOMEM};
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
Statement& Statement::bind(int at, std::string_view text) {
  if (ok() && sqlite3_bind_text(handle_.get(), at, text.data(), static_cast<int>(text.size()),
                                SQLITE_TRANSIENT) != SQLITE_OK)
    failed_ = true;
  return *this;
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
std::string Statement::text(int column) const {
  const auto* text = sqlite3_column_text(handle_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
  return text == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(text), size);
}

}  // namespace parley::store
