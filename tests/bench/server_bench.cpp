// server-bench: the whole server under load, as an operator would see it: CPU seconds, threads, memory, added
// delay.
//   server-bench PATH_TO_parley-mcu [--seconds S] [--plain] [SCENARIO ...]
// Scenarios: one-room-50, one-room-50-10ms, rooms-20x3, rooms-60x3, one-room-200. Each starts a server of its
// own on free ports. Figures are CPU seconds of the server per second of call (so the machine's other load
// matters little); delays come from correlating what was said with what was heard.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "tests/bench/load.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"
#include "transport/base/address.hpp"

namespace {

using namespace parley;
using namespace parley::bench;

class ServerProcess {
 public:
  explicit ServerProcess(const std::string& binary, int tick_ms) {
    folder_ = std::filesystem::temp_directory_path() / ("parley-bench-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    const auto config = folder_ / "parley.yaml";
    std::ofstream(config) << "http: {listen: \"127.0.0.1:0\"}\n"
                          << "media: {listen: \"127.0.0.1:0\", plain_rtp_from: [127.0.0.0/8]}\n"
                          << "mix: {tick_ms: " << tick_ms << "}\n";
    const auto log = (folder_ / "mcu.log").string();
    pid_ = fork();
    if (pid_ == 0) {
      if (std::freopen(log.c_str(), "w", stdout) == nullptr || dup2(fileno(stdout), 2) < 0) _exit(127);
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
  ~ServerProcess() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  std::uint16_t port() const { return port_; }

  double cpu_seconds() const {
    std::ifstream in("/proc/" + std::to_string(pid_) + "/stat");
    std::string text((std::istreambuf_iterator<char>(in)), {});
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string skip;
    for (int i = 0; i < 11; ++i) fields >> skip;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  }
  double status(const char* key) const {  // kB or count
    std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(in, line);)
      if (line.rfind(key, 0) == 0) return std::stod(line.substr(std::strlen(key) + 1));
    return 0;
  }

 private:
  std::filesystem::path folder_;
  pid_t pid_ = 0;
  std::uint16_t port_ = 0;
};

struct Scenario {
  const char* name;
  std::size_t rooms, size, talkers;  // talkers of each room; the others send comfort noise
  int tick_ms;
};
constexpr Scenario kScenarios[] = {{"one-room-50", 1, 50, 3, 20},
                                   {"one-room-50-10ms", 1, 50, 3, 10},
                                   {"rooms-20x3", 20, 3, 3, 20},
                                   {"rooms-60x3", 60, 3, 3, 20},
                                   {"one-room-200", 1, 200, 3, 20}};

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return -1;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

int run(const Scenario& scenario, const std::string& binary, double seconds, bool encrypted) {
  const ServerProcess server(binary, scenario.tick_ms);
  if (server.port() == 0) {
    std::fprintf(stderr, "%s: the server did not start\n", scenario.name);
    return 1;
  }
  const double threads_before = server.status("Threads:");
  const double rss_before = server.status("VmRSS:");
  std::vector<Packets> voices;
  for (std::uint32_t i = 0; i < 3; ++i) {
    test::SpeechStyle style;
    style.pitch_hz = 110 + 40 * i;
    style.pause_seconds = 0.2;
    voices.push_back(encode_voice(test::speech(9.0 + i, 40 + i, style), true));
  }
  const Packets noise = comfort_noise();

  Load load("127.0.0.1", server.port());
  const std::size_t total = scenario.rooms * scenario.size;
  for (std::size_t i = 0; i < total; ++i) {
    LoadLeg leg;
    leg.room = "r" + std::to_string(i / scenario.size);
    leg.name = "p" + std::to_string(i);
    leg.encrypted = encrypted;
    const std::size_t seat = i % scenario.size;
    leg.sends = seat < scenario.talkers ? &voices[seat % voices.size()] : &noise;
    leg.keep = i < scenario.size && (seat < 2 || seat == scenario.size - 1);
    const auto refused = load.join(leg);
    if (!refused.empty()) {
      std::fprintf(stderr, "%s: %s\n", scenario.name, refused.c_str());
      return 1;
    }
    load.run(2ms);
  }
  for (int i = 0; i < 100 && load.connected() < total; ++i) load.run(100ms);
  load.run(3s);  // buffers find their delay
  load.forget();
  const double cpu_before = server.cpu_seconds();
  const TimePoint began = now();
  load.run(Duration(static_cast<std::int64_t>(seconds * 1e9)));
  const double elapsed = to_seconds(now() - began);
  const double cpu = server.cpu_seconds() - cpu_before;

  const auto results = load.results();
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  for (const auto& result : results) {
    received += result.received;
    lost += result.lost;
  }
  // The second talker heard by the first, and (in a big room) both by a mere listener.
  auto delays = added_delays(results[1], results[0]);
  for (const double delay : added_delays(results[0], results[scenario.size - 1])) delays.push_back(delay);
  std::printf(
      "%-18s %4zu legs %s  CPU %5.2f s in %4.1f s = %5.1f %% of a core, %.2f %% per participant  threads "
      "%.0f (idle %.0f)"
      "  memory %.0f KiB per participant  received %.1f packets/s each, lost %llu  added delay p50 %.1f p95 "
      "%.1f ms (%zu)\n",
      scenario.name, load.connected(), encrypted ? "dtls " : "plain", cpu, elapsed, 100 * cpu / elapsed,
      100 * cpu / elapsed / static_cast<double>(total), server.status("Threads:"), threads_before,
      (server.status("VmRSS:") - rss_before) / static_cast<double>(total),
      static_cast<double>(received) / elapsed / static_cast<double>(total),
      static_cast<unsigned long long>(lost), quantile(delays, 0.5), quantile(delays, 0.95), delays.size());
  std::fflush(stdout);
  return load.connected() == total ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string binary;
  double seconds = 10;
  bool encrypted = true;
  std::set<std::string> wanted;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--seconds" && i + 1 < argc) {
      seconds = std::stod(argv[++i]);
    } else if (word == "--plain") {
      encrypted = false;
    } else if (binary.empty()) {
      binary = word;
    } else {
      wanted.insert(word);
    }
  }
  if (binary.empty()) {
    std::fprintf(stderr, "usage: %s PATH_TO_parley-mcu [--seconds S] [--plain] [SCENARIO ...]\n", argv[0]);
    return 2;
  }
  int failures = 0;
  for (const auto& scenario : kScenarios)
    if (wanted.empty() || wanted.contains(scenario.name))
      failures += run(scenario, binary, seconds, encrypted);
  return failures == 0 ? 0 : 1;
}
