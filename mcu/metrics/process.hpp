// What this process costs, as the kernel counts it.
#pragma once

#include <cstdint>

namespace parley::metrics {

struct ProcessSample {
  double cpu_seconds = 0;  // user and system, all threads
  std::uint64_t resident_bytes = 0;
  std::uint64_t threads = 0;
  std::uint64_t open_files = 0;
};

ProcessSample sample_process();  // reads /proc; what cannot be read stays 0

}  // namespace parley::metrics
