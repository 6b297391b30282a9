// Measures finished recordings on a thread of its own, one after the other, when nothing else wants the
// processor (SCHED_IDLE): loudness by EBU R 128 and levels for pictures, of the mixdown and of each track.
//
// Bounded: who waits or takes longer than kPatience is not measured. Threads: any; `done` comes on the thread
// `measure`.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "mcu/recording/manifest.hpp"
#include "pipelines/recorder/sound_meter.hpp"
#include "transport/base/time.hpp"

namespace parley::recording {

// By the file's name as recording.json has it. What could not be read is missing.
using Measured = std::map<std::string, recorder::Loudness>;

class Measurer {
 public:
  static constexpr std::size_t kMaxWaiting = 1'000;
  static constexpr Duration kPatience = 10min;
  // Empty: it was given up.
  using DoneMeasuring = std::function<void(const std::string& id, const Measured& measured)>;

  // `root`: of the recordings.
  Measurer(std::string root, DoneMeasuring done);
  ~Measurer() { stop(); }
  Measurer(const Measurer&) = delete;
  Measurer& operator=(const Measurer&) = delete;

  // False: too many wait, or it has been stopped; `done` will not be called.
  bool add(const Manifest& manifest);
  // What is not measured yet will not be; returns when the thread has ended.
  void stop();

 private:
  struct Work {
    std::string id, folder;
    std::vector<std::string> files;
    TimePoint until{};
  };
  void run();
  Measured measure(const Work& work) const;

  const std::string root_;
  const DoneMeasuring done_;
  std::mutex lock_;
  std::condition_variable ready_;
  std::deque<Work> waiting_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// Writes the gain to -23 LUFS into a finished file's tags (pipelines/recorder/comment_header.hpp), in place
// and within its first sector. False: the file has no room for it, or the disk refuses.
bool write_gain(const std::string& root, const std::string& path, double lufs);

}  // namespace parley::recording
