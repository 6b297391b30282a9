#include "mcu/metrics/process.hpp"

#include <dirent.h>
#include <sys/resource.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

namespace parley::metrics {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::uint64_t count_open_files() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), &::closedir);
  if (!folder) return 0;
  std::uint64_t entries = 0;
  while (::readdir(folder.get()) != nullptr) ++entries;
  return entries > 3 ? entries - 3 : 0;  // ".", ".." and the one that reads the folder
}

}  // namespace

ProcessSample sample_process() {
  ProcessSample sample;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    sample.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);

  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string key;
    std::uint64_t value = 0;
    if (!(words >> key >> value)) continue;
    if (key == "VmRSS:") sample.resident_bytes = value * 1024;
    if (key == "Threads:") sample.threads = value;
  }
  sample.open_files = count_open_files();
  return sample;
}

}  // namespace parley::metrics
