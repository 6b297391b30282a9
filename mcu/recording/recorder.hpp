// The recorder: the one thread (`disk`) that does what may block, and the ways to it.
//
//   net-0  ── push_packet ──▶ ring ─┐
//   mix-k  ── MixQueue    ──▶ ring ─┼─▶ disk: tracks, mixdown, recording.json, index, downloads
//   ctl    ── post         ─▶ jobs ─┘
//
// The media threads never wait: a full ring drops and counts (recorded legs then have a hole, which is
// filled). Jobs run in the order they were posted, but those of `Order::after` wait until the packets that
// were pushed before them have been written.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "mcu/recording/disk.hpp"
#include "mcu/recording/leg_set.hpp"
#include "mcu/recording/recording.hpp"
#include "pipelines/mix_tap.hpp"
#include "transport/base/byte_ring.hpp"

namespace parley::recording {

struct RecorderSettings {
  Duration sync_interval = 1s;
  std::uint64_t min_free_bytes = 0;
  TimePoint (*clock)() = &now;  // tests give their own
};

struct RecorderStats {
  std::uint64_t packets_dropped = 0;  // a ring was full
  std::uint64_t jobs_refused = 0;
  std::uint64_t syncs = 0, failed_syncs = 0;
  std::uint64_t slowest_write_ms = 0;  // one round of writing, of the last minute or under way
  std::uint64_t waiting_ms = 0;        // how long the disk has been about the round that is under way
  std::uint64_t stalls = 0;            // rounds of a second and more
  std::uint64_t recordings = 0;        // that are being made
  std::uint64_t in_trouble = 0;        // of them: the disk takes nothing
  std::uint64_t finished = 0;
  std::uint64_t bytes = 0;  // of those that have ended
  bool disk_low = false;    // less than min_free_bytes
};

// Called on disk.
class RecorderEvents {
 public:
  virtual ~RecorderEvents() = default;
  // Its files and recording.json are complete.
  virtual void on_finished(const Manifest& manifest) = 0;
  // Now and then while it is made, and when it begins.
  virtual void on_progress(const Manifest& manifest) = 0;
  virtual void on_trouble(const Manifest& manifest, bool in_trouble) = 0;
  // Less than min_free_bytes: everything has been finished.
  virtual void on_disk_low() = 0;
  // There is enough again (check_space()).
  virtual void on_disk_roomy() {}
};

class Recorder {
 public:
  using Job = std::function<void()>;
  enum class Order : std::uint8_t { before, after };  // of the packets that are on their way

  Recorder(const RecorderSettings& settings, std::unique_ptr<Disk> disk, RecorderEvents& events);
  ~Recorder();  // finishes what is being recorded
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // --- Media threads.
  void push_packet(LegId leg, const MediaPacket& packet) noexcept;  // net-0

  // --- ctl. False: the queue is full, nothing has happened.
  bool start(Recording::Start start);
  bool attach(const std::string& recording, const RecordedLeg& leg);
  // The mixdown's source from now on, until it ends or another takes its place.
  bool attach_mix(const std::string& recording, std::shared_ptr<pipelines::MixQueue> mix);
  bool detach(LegId leg);
  // A muted participant is in no track from this very moment on.
  void set_muted(LegId leg, bool muted);
  bool stop(const std::string& recording, const std::string& reason);
  // Runs with the recording, if it is still being made.
  bool note(const std::string& recording, std::function<void(Recording&)> note);
  bool post(Job job, Order order = Order::before);
  // After on_disk_low(): looks whether there is enough space again.
  bool check_space();

  RecorderStats stats() const;
  // On disk (inside a job): a recording that is being made.
  Recording* find(const std::string& recording);

 private:
  struct Header {
    LegId leg = LegId::none;
    std::uint32_t ssrc = 0, timestamp = 0;
    std::uint16_t sequence = 0, size = 0;
    std::uint8_t level = 0;
    std::int64_t arrival = 0;
  };
  using Ring = ByteRing<Header>;

  void run();
  void run_jobs(std::deque<Job>& jobs);
  void expect(LegId leg, bool expected);
  bool is_expected(LegId leg) const;
  void drain_packets();
  void drain_mixes();
  void write(TimePoint at);
  void sync(TimePoint at);
  void stalled(TimePoint from, TimePoint to);
  void count_drops();
  void finish(const std::string& recording, const std::string& state, const std::string& reason);

  const RecorderSettings settings_;
  std::unique_ptr<Disk> disk_;
  RecorderEvents& events_;
  LegSet watched_;
  // Packets of each leg that were dropped, until `disk` has noted them. Legs that share a cell are as rare as
  // 16,384 of them.
  static constexpr std::size_t kDropCells = 1U << 14U;
  std::unique_ptr<std::array<std::atomic<std::uint32_t>, kDropCells>> drops_ =
      std::make_unique<std::array<std::atomic<std::uint32_t>, kDropCells>>();
  Ring ring_;  // from net-0

  mutable std::mutex lock_;  // of the jobs and expected_, held to move one in or all out
  std::condition_variable ready_;
  std::deque<Job> before_, after_;
  std::set<LegId> expected_;  // their attach() is among the jobs
  bool stopping_ = false;

  // The disk thread's own.
  struct Mix {
    Recording* recording = nullptr;
    std::shared_ptr<pipelines::MixQueue> queue;
    std::uint16_t frames = 0;   // numbers the frames, as sequence numbers do
    std::uint64_t dropped = 0;  // by the queue, as far as they are counted
  };
  std::map<std::string, std::unique_ptr<Recording>> recordings_;
  std::map<LegId, Recording*> targets_;  // null: it has ended
  std::vector<Mix> mixes_;
  MediaPacket packet_;
  ByteBuffer frame_;
  TimePoint last_sync_{}, last_progress_{}, slow_since_{};
  std::uint64_t drops_seen_ = 0;

  std::atomic<std::uint64_t> packets_dropped_{0}, jobs_refused_{0}, syncs_{0}, failed_syncs_{0},
      slowest_ms_{0}, stalls_{0}, recording_count_{0}, trouble_count_{0}, finished_{0}, bytes_{0};
  std::atomic<TimePoint> round_since_{TimePoint{}};  // of the round that is under way; 0: none is
  std::atomic<bool> disk_low_{false};
  std::thread thread_;
};

}  // namespace parley::recording
