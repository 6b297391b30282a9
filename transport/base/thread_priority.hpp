// How urgently the kernel runs a thread. Media threads sleep until a packet comes or a tick is due and then
// work for less than a millisecond: what they wait for a core on a busy machine is delay that everybody
// hears.
#pragma once

#include <cstdint>

namespace parley {

enum class ThreadPriority : std::uint8_t {
  normal,
  high,      // before ordinary programs, but never to their exclusion: niceness -11 and short slices
  realtime,  // SCHED_RR: before everything that is not; a thread that never sleeps would take its core
};
const char* to_string(ThreadPriority priority);

// Of the calling thread; threads it starts are ordinary again. Returns what the system granted: above normal
// asks for CAP_SYS_NICE, or RLIMIT_NICE and RLIMIT_RTPRIO.
ThreadPriority raise_this_thread(ThreadPriority wanted);

}  // namespace parley
