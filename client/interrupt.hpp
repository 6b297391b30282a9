// Ctrl-C for commands that work for a while: the first asks them to end, the second ends the process.
#pragma once

#include <atomic>

namespace parley::client {

// Set by SIGINT, SIGTERM and SIGHUP from here on.
const std::atomic<bool>& watch_for_interrupt();

}  // namespace parley::client
