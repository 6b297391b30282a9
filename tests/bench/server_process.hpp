// A `parley-mcu` of its own on free ports of loopback, for benchmarks: started, measured from outside,
// stopped.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "tests/fault/disk_shim.hpp"

namespace parley::bench {

class ServerProcess {
 public:
  // `mix`: what stands in the configuration's `mix`. `recorded`: every room is; its disk does what disk()
  // says.
  ServerProcess(const std::string& binary, const std::string& mix, const std::string& priority,
                bool recorded = false);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  std::uint16_t port() const { return port_; }  // HTTP; 0: it did not start
  test::DiskControl* disk() const { return disk_; }

  double cpu_seconds() const;            // user and system, all threads, since its start
  double status(const char* key) const;  // a line of /proc/PID/status, kB or count

 private:
  std::filesystem::path folder_;
  pid_t pid_ = 0;
  std::uint16_t port_ = 0;
  test::DiskControl* disk_ = nullptr;
};

}  // namespace parley::bench
