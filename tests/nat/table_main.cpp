// The whole truth table: every pair of kinds of NAT, and homes with several of them. docs/testing.md.
#include <cstdio>

#include "tests/nat/table.hpp"

int main() {
  using namespace parley::nat;
  if (std::string why; !lab_works(why)) {
    std::printf("THE NAT LABORATORY CANNOT RUN HERE (needs root and /dev/net/tun): %s\n", why.c_str());
    return 2;
  }
  int wrong = 0, direct = 0;
  double slowest = 0, late = 0;
  const auto all = examine_all(sides(), true);
  for (const auto& outcome : all) {
    if (const auto what = complaint(outcome); !what.empty()) {
      std::printf("NOT AS EXPECTED: %s\n", what.c_str());
      ++wrong;
    }
    direct += outcome.direct ? 1 : 0;
    late = std::max(late, outcome.late_ms);
    const bool udp = outcome.a != kNoUdp.name && outcome.b != kNoUdp.name;
    if (udp) slowest = std::max(slowest, outcome.audio_ms);
  }
  std::printf("%zu pairs, %d direct, %d not as expected; slowest first audio by UDP %.0f ms\n", all.size(),
              direct, wrong, slowest);
  if (late > 15)
    std::printf("the laboratory itself was up to %.0f ms late: other programs kept the machine busy\n", late);
  return wrong == 0 ? 0 : 1;
}
