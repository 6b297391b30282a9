#include "mcu/recording/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace parley::recording {
namespace {

constexpr std::size_t kOutput = 4'096;
constexpr int kPollMs = 100;
constexpr Duration kMercy = 2s;  // between SIGTERM and SIGKILL

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// In a process group of its own, with nothing to read and `output` to write to. Returns an errno.
int spawn(const Command& command, int output, pid_t& pid) {
  auto arguments = command.arguments;
  std::vector<std::string> environment;
  for (const char* name : {"PATH", "HOME", "LANG"})
    if (const char* value = std::getenv(name)) environment.push_back(std::string(name) + "=" + value);
  for (const auto& [name, value] : command.environment) environment.push_back(name + "=" + value);

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, output, 1);
  ::posix_spawn_file_actions_adddup2(&files, output, 2);
  ::posix_spawnattr_init(&attributes);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int error = ::posix_spawn(&pid, arguments.front().c_str(), &files, &attributes,
                                  pointers(arguments).data(), pointers(environment).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  return error;
}

// What is there to read now, of which the last part is kept. False: nothing will come any more.
bool read_some(int from, std::string& output) {
  std::array<char, 4'096> part;
  const auto size = ::read(from, part.data(), part.size());
  if (size <= 0) return size < 0 && (errno == EINTR || errno == EAGAIN);
  output.append(part.data(), static_cast<std::size_t>(size));
  if (output.size() > kOutput) output.erase(0, output.size() - kOutput);
  return true;
}

std::string describe(int status) {
  if (WIFEXITED(status)) return "it returned " + std::to_string(WEXITSTATUS(status));
  return "signal " + std::to_string(WTERMSIG(status)) + " ended it";
}

}  // namespace

CommandEnd run_command(const Command& command, const std::atomic<bool>& cancel) {
  CommandEnd out;
  if (command.arguments.empty()) return {false, "there is no program", ""};
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return {false, std::strerror(errno), ""};
  pid_t pid = 0;
  const int error = spawn(command, pipe[1], pid);
  ::close(pipe[1]);
  if (error != 0) {
    ::close(pipe[0]);
    return {false, command.arguments.front() + ": " + std::strerror(error), ""};
  }
  ::fcntl(pipe[0], F_SETFL, O_NONBLOCK);
  const auto end = now() + command.limit;
  TimePoint killed{};
  bool open = true;
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    pollfd ready{pipe[0], POLLIN, 0};
    if (::poll(&ready, open ? 1U : 0U, kPollMs) > 0) open = read_some(pipe[0], out.output);
    if (out.cause.empty() && (cancel || now() >= end)) {
      out.cause =
          cancel ? "the server stopped" : "it took longer than " + std::to_string(command.limit / 1s) + " s";
      killed = now();
      ::kill(-pid, SIGTERM);
    } else if (killed != TimePoint{} && now() - killed > kMercy) {
      ::kill(-pid, SIGKILL);
    }
  }
  if (!out.cause.empty()) ::kill(-pid, SIGKILL);  // what it has started and did not end
  pollfd rest{pipe[0], POLLIN, 0};
  while (open && ::poll(&rest, 1, 0) > 0) open = read_some(pipe[0], out.output);
  ::close(pipe[0]);
  out.done = out.cause.empty() && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!out.done && out.cause.empty()) out.cause = describe(status);
  return out;
}

}  // namespace parley::recording
