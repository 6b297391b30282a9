// A figure next to what it must reach. Benchmarks, and tests that measure something, report it: the line is
// printed and, where the environment variable PARLEY_MEASURES names a file, appended to it, from which
// scripts/bench-media makes one table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace parley::test {

struct Bound {
  enum class Kind : std::uint8_t { none, at_most, at_least };
  Kind kind = Kind::none;
  double value = 0;

  static Bound none() { return {}; }
  static Bound at_most(double value) { return {Kind::at_most, value}; }
  static Bound at_least(double value) { return {Kind::at_least, value}; }
  // nullopt: there is no bound. A figure that is no number keeps none.
  std::optional<bool> met(double figure) const;
};

struct Measure {
  std::string what;  // one line, no tabs
  double got = 0;
  std::string unit;
  Bound must;
  Bound aim;
  int decimals = 1;
};

void report(std::string what, double got, std::string unit = {}, Bound must = {}, Bound aim = {},
            int decimals = 1);

// As report() writes it, without the line's end: what, must, aim, got and met, with tabs between them.
std::string to_line(const Measure& measure);

}  // namespace parley::test
