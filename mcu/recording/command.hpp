// Runs a program of the operator's, without a shell: arguments as they are, an environment of its own, its
// output bounded, and an end to it.
//
// Threads: any; blocks until the program has ended.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "transport/base/time.hpp"

namespace parley::recording {

struct Command {
  std::vector<std::string> arguments;                            // the first is the program's path
  std::vector<std::pair<std::string, std::string>> environment;  // beside PATH, HOME and LANG
  Duration limit = 10min;  // then it is ended, with what it has started in its process group
};

struct CommandEnd {
  bool done = false;   // it ran and returned 0
  std::string cause;   // else: "it returned 3", "it took longer than 600 s"
  std::string output;  // the last 4 KB of what it wrote to standard output and error
};

// `cancel`: set by another thread, the program is ended at once.
CommandEnd run_command(const Command& command, const std::atomic<bool>& cancel);

}  // namespace parley::recording
