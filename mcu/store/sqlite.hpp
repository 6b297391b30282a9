// SQLite, as much as this needs: statements with bound parameters only, so that no text of a stranger is ever
// part of a command. Private to mcu/store.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "transport/base/result.hpp"

namespace parley::store {

class Database {
 public:
  static Result<Database> open(const std::string& path);
  // A new one can be read by its owner only.
  static Result<Database> open_private(const std::string& path);
  // Commands of ours, several separated by semicolons.
  Status run(const char* sql);
  sqlite3* handle() const { return handle_.get(); }
  Error error(std::string_view doing) const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3, Close> handle_;
};

// Brings a database to the newest schema: step n leads from schema n to n + 1. One that is newer than the
// steps is an error.
Status migrate(Database& database, std::span<const char* const> steps);
int schema_of(const Database& database);  // -1: not to be read

class Statement {
 public:
  Statement(const Database& database, std::string_view sql);
  bool ok() const { return handle_ != nullptr; }
  // Parameters are counted from 1.
  Statement& bind(int at, std::int64_t value);
  Statement& bind(int at, double value);
  Statement& bind(int at, std::string_view text);
  // For another round; all parameters are NULL again.
  void reset();
  // True: a row is there. False: no more, or an error (failed()).
  bool step();
  bool failed() const { return failed_; }
  std::int64_t integer(int column) const;
  double real(int column) const;
  bool is_null(int column) const;
  std::string text(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
  bool failed_ = false;
};

}  // namespace parley::store
