#include "tests/bench/server_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <regex>
#include <sstream>
#include <thread>

#include "transport/base/time.hpp"

namespace parley::bench {

ServerProcess::ServerProcess(const std::string& binary, const std::string& mix, const std::string& priority,
                             bool recorded) {
  folder_ = std::filesystem::temp_directory_path() / ("parley-bench-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder_);
  const auto root = (folder_ / "recordings").string(), page = (folder_ / "disk").string();
  if (recorded) {
    const test::DiskControl fresh;
    std::ofstream(page, std::ios::binary).write(reinterpret_cast<const char*>(&fresh), sizeof fresh);
    const int fd = open(page.c_str(), O_RDWR | O_CLOEXEC);
    void* at = mmap(nullptr, sizeof fresh, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED) disk_ = static_cast<test::DiskControl*>(at);
  }
  const auto config = folder_ / "parley.yaml";
  std::ofstream(config) << "http: {listen: \"127.0.0.1:0\"}\n"
                        << "media: {listen: \"127.0.0.1:0\", plain_rtp_from: [127.0.0.0/8], priority: "
                        << priority << "}\n"
                        << "mix: {" << mix << "}\n"
                        << "recording: {auto: " << (recorded ? "true" : "false") << ", directory: \"" << root
                        << "\", min_free_mb: 0}\n";
  const auto log = (folder_ / "mcu.log").string();
  pid_ = fork();
  if (pid_ == 0) {
    if (std::freopen(log.c_str(), "w", stdout) == nullptr || dup2(fileno(stdout), 2) < 0) _exit(127);
    if (recorded) {
      setenv("PARLEY_DISK_ROOT", root.c_str(), 1);
      setenv("PARLEY_DISK_CTL", page.c_str(), 1);
      setenv("LD_PRELOAD", PARLEY_DISK_SHIM, 1);
    }
    execl(binary.c_str(), binary.c_str(), "--config", config.c_str(), nullptr);
    _exit(127);
  }
  for (int i = 0; i < 200 && port_ == 0; ++i) {
    std::ifstream in(log);
    std::stringstream text;
    text << in.rdbuf();
    std::smatch match;
    const std::string all = text.str();
    if (std::regex_search(all, match, std::regex("http://127.0.0.1:([0-9]+),")))
      port_ = static_cast<std::uint16_t>(std::stoi(match[1]));
    std::this_thread::sleep_for(20ms);
  }
}

ServerProcess::~ServerProcess() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  std::filesystem::remove_all(folder_);
  if (disk_ != nullptr) munmap(disk_, sizeof(test::DiskControl));
}

double ServerProcess::cpu_seconds() const {
  clockid_t clock{};
  timespec spent{};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &spent) != 0) return 0;
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

double ServerProcess::status(const char* key) const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.rfind(key, 0) == 0) return std::stod(line.substr(std::strlen(key) + 1));
  return 0;
}

}  // namespace parley::bench
