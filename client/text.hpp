// Strangers' texts on a terminal: nothing in them may move the cursor, and columns are counted in characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace parley::client {

// Control characters (C0 and C1), marks that turn the direction of writing and broken UTF-8 become U+FFFD;
// the result has at most `columns` characters, the last one an ellipsis when something was cut.
std::string terminal_text(std::string_view text, std::size_t columns = 200);
// The same, filled with spaces to exactly `columns` characters.
std::string terminal_cell(std::string_view text, std::size_t columns);

}  // namespace parley::client
