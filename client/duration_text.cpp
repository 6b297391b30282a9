#include "client/duration_text.hpp"

#include <array>
#include <charconv>
#include <string>
#include <utility>

namespace parley::client {

namespace {

constexpr std::array<std::pair<std::string_view, double>, 4> kUnits = {
    {{"h", 3600}, {"m", 60}, {"s", 1}, {"ms", 0.001}}};

Error not_understood(std::string_view text) {
  return Error{"\"" + std::string(text) + "\" is no length of time: use 12s, 3m, 1h30m or seconds"};
}

}  // namespace

Result<double> parse_duration(std::string_view text) {
  const std::string_view all = text;
  double seconds = 0;
  std::size_t next_unit = 0;  // each unit once, the larger first
  while (!text.empty()) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || !(number >= 0)) return not_understood(all);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.empty() && next_unit == 0) return number;
    const auto name = text.substr(0, text.find_first_of("0123456789."));
    while (next_unit < kUnits.size() && kUnits[next_unit].first != name) ++next_unit;
    if (next_unit == kUnits.size()) return not_understood(all);
    seconds += number * kUnits[next_unit++].second;
    text.remove_prefix(name.size());
  }
  if (all.empty()) return not_understood(all);
  return seconds;
}

}  // namespace parley::client
