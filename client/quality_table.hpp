// The server's figures of quality as lines for people. Pure; strangers' names cannot move the cursor.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "transport/base/result.hpp"

namespace parley::client {

// Of GET /api/v1/rooms/{room}/quality: a row for each path, then what is wrong, in words. Errors: no such
// answer.
Result<std::vector<std::string>> quality_table(std::string_view answer);

// Of GET /api/v1/quality: a row for each row, oldest first.
struct QualityHistory {
  std::vector<std::string> lines;
  std::string before;  // names the page of older rows; empty: there are none
};
Result<QualityHistory> quality_history(std::string_view answer);

}  // namespace parley::client
