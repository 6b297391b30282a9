#include "client/interrupt.hpp"

#include <unistd.h>

#include <csignal>

#include "client/cli.hpp"

namespace parley::client {

namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int) {
  if (interrupted.exchange(true)) ::_exit(kInterrupted);
}

}  // namespace

const std::atomic<bool>& watch_for_interrupt() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, on_signal);
  return interrupted;
}

}  // namespace parley::client
