// What a server that is started anew has to remember: who was in which room, so that they come back as the
// same participants, and which tokens for one join were used. SQLite in WAL mode; a crash of the program
// loses nothing that was applied. The file holds resume tokens: only its owner can read it.
//
// Threads: one (`disk`), and before that the one that opens and loads. May block.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "transport/base/result.hpp"

namespace parley::store {

struct SeatRow {
  std::string participant, room, name, resume;
  bool moderator = false;
  bool muted = false;  // by a moderator
  bool call = false;   // the room is a call of two
  bool operator==(const SeatRow&) const = default;
};

class SeatStore {
 public:
  static constexpr int kSchema = 1;
  // A server that was away for longer has nobody who waits for it.
  static constexpr std::int64_t kLongestAbsence_ms = 10 * 60 * 1000;
  // The year 2255: no token that was taken expires later.
  static constexpr std::int64_t kLatestExpiry_ms = 9'000'000'000'000;

  // Creates the file. One of a newer schema, or one that is no database, is an error.
  static Result<std::unique_ptr<SeatStore>> open(const std::string& path);
  ~SeatStore();
  SeatStore(const SeatStore&) = delete;
  SeatStore& operator=(const SeatStore&) = delete;

  struct UsedToken {
    std::string key;
    std::int64_t expires_ms = 0;  // since 1970
    bool operator==(const UsedToken&) const = default;
  };
  struct Contents {
    std::vector<SeatRow> seats;
    std::vector<UsedToken> used;
  };
  // What is still of use; the rest is deleted. Times are of the wall clock, since 1970.
  Result<Contents> load(std::int64_t now_ms);

  struct Changes {
    std::vector<SeatRow> kept;
    std::vector<std::string> gone;  // participants
    std::vector<UsedToken> used;
  };
  // All or nothing; and the server is alive at this moment.
  Status apply(const Changes& changes, std::int64_t now_ms);

 private:
  struct Impl;
  explicit SeatStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::store
