#include "tests/support/measure.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

namespace parley::test {
namespace {

std::string number(double value, int decimals, const std::string& unit) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return unit.empty() ? text : text + (" " + unit);
}

// With as many decimals as it needs.
std::string text_of(const Bound& bound) {
  if (bound.kind == Bound::Kind::none) return "";
  char text[64];
  std::snprintf(text, sizeof text, "%s %g", bound.kind == Bound::Kind::at_most ? "≤" : "≥", bound.value);
  return text;
}

std::string verdict(const Measure& measure) {
  const auto must = measure.must.met(measure.got);
  const auto aim = measure.aim.met(measure.got);
  if (must.has_value() && !*must) return "MISSED";
  if (aim.has_value()) return *aim ? "aim" : must.has_value() ? "yes" : "aim missed";
  return must.has_value() ? "yes" : "";
}

}  // namespace

std::optional<bool> Bound::met(double figure) const {
  if (kind == Kind::none) return std::nullopt;
  return kind == Kind::at_most ? figure <= value : figure >= value;
}

std::string to_line(const Measure& measure) {
  return measure.what + "\t" + text_of(measure.must) + "\t" + text_of(measure.aim) + "\t" +
         number(measure.got, measure.decimals, measure.unit) + "\t" + verdict(measure);
}

void report(std::string what, double got, std::string unit, Bound must, Bound aim, int decimals) {
  const std::string line = to_line({std::move(what), got, std::move(unit), must, aim, decimals});
  std::string shown = line;
  for (char& c : shown)
    if (c == '\t') c = '|';
  std::printf("  = %s\n", shown.c_str());
  std::fflush(stdout);
  if (const char* path = std::getenv("PARLEY_MEASURES"); path != nullptr && *path != '\0')
    std::ofstream(path, std::ios::app) << line << '\n';
}

}  // namespace parley::test
