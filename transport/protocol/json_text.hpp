// JSON as this protocol takes it (RFC 8259 made strict): one object, no duplicate keys, bounded depth and
// size.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace parley::protocol {

// The object; or what is wrong with the text, to be put behind its name ("is not valid JSON: ...").
struct ReadObject {
  boost::json::object object;
  std::optional<std::string> wrong;
};
ReadObject read_object(std::string_view text, std::size_t max_bytes, std::size_t max_depth);

}  // namespace parley::protocol
