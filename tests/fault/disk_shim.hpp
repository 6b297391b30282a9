// A disk that misbehaves, for everything this process does below one folder: the library disk_shim stands
// between it and libc, and does what a page of memory tells it, which may be shared with a child. A program
// that does not link it gets it by LD_PRELOAD, with PARLEY_DISK_ROOT, the folder, and PARLEY_DISK_CTL, a file
// that holds a DiskControl.
//
// A power cut: with `platter` set, whatever has been forced to disk (syncfs, fsync, fdatasync) is copied to
// ROOT.platter. After SIGKILL that folder is what a cut of the power would have left: everything that was
// only written is gone.
#pragma once

#include <atomic>
#include <cstdint>

namespace parley::test {

struct DiskControl {
  std::atomic<int> refuse{0};      // errno that everything which writes fails with; 0: nothing does
  std::atomic<bool> stall{false};  // whoever writes or syncs waits while it is set
  std::atomic<bool> platter{false};
  std::atomic<std::uint64_t> free_bytes{0};  // what fstatvfs tells; 0: the truth
  std::atomic<std::uint64_t> syncs{0}, refused{0}, waited{0};
};

// From here on, in this process. Before its other threads touch the folder; both outlive their use.
void use_disk_shim(const char* root, DiskControl& control);

}  // namespace parley::test
