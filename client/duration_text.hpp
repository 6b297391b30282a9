// Lengths of time as people write them: "12", "12s", "90.5s", "3m", "1h30m", "250ms".
#pragma once

#include <string_view>

#include "transport/base/result.hpp"

namespace parley::client {

// In seconds; a number without a unit is seconds. The error says what is taken.
Result<double> parse_duration(std::string_view text);

}  // namespace parley::client
