#include "mcu/settings/suggest.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "mcu/settings/key.hpp"

namespace parley::settings {

namespace {

// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t k = 0; k <= b.size(); ++k) row[k] = k;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t k = 1; k <= b.size(); ++k) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[k - 1] ? 0 : 1);
      diagonal = row[k];
      row[k] = std::min({replaced, row[k] + 1, row[k - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string_view leaf(std::string_view path) {
  return path.substr(path.rfind('.') + 1);
}

}  // namespace

std::string suggestion(const std::string& unknown_path) {
  constexpr std::size_t kLongest = 80;
  if (unknown_path.size() > kLongest) return {};
  // A section is as good a guess as a key: "jiter" means "jitter".
  std::vector<std::string> known;
  for (const auto& key : table()) {
    known.push_back(key.path);
    known.push_back(key.path.substr(0, key.path.find('.')));
  }
  std::string best;
  std::size_t least = 1 + std::max<std::size_t>(2, unknown_path.size() / 4);
  for (const auto& path : known) {
    // The right key in the wrong section, or without one, counts as one step.
    const auto steps = leaf(path) == leaf(unknown_path) ? 1 : distance(path, unknown_path);
    if (steps < least) {
      least = steps;
      best = path;
    }
  }
  return best.empty() ? "" : " (did you mean " + best + "?)";
}

}  // namespace parley::settings
