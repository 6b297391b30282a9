// One mix-k thread: runs the ticks of the rooms pinned to it at absolute deadlines, the rooms' phases spread
// over the tick. A late tick is skipped and counted, never made up in a burst.
//
// Threads: post() and push() from any thread; everything else inside is the mix thread's own. Results leave
// by LegServer::post_frame (net-0) and EventInbox (ctl).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "mcu/app/event_inbox.hpp"
#include "pipelines/mix_taps.hpp"
#include "pipelines/room_pipeline.hpp"
#include "transport/base/bounded_queue.hpp"
#include "transport/base/check.hpp"
#include "transport/leg/leg_server.hpp"
#include "transport/net/event_fd.hpp"

namespace parley::app {

// What the operator sees of one mix thread, refreshed about once a second.
struct MixThreadStats {
  std::uint64_t ticks = 0;
  std::uint64_t skipped_ticks = 0;
  std::uint64_t packets_dropped = 0;      // inbound queue full
  std::uint64_t commands_refused = 0;     // command queue full
  pipelines::DelayHistogram lateness;     // start of a tick after its deadline
  pipelines::DelayHistogram encode_wait;  // of each frame: from the tick's beginning until it leaves
  pipelines::RoomStats rooms;             // sums over the rooms, dead ones too; gauges of the living
  std::size_t room_count = 0;
};

// Counters add up; gauges (legs, talkers, ...) only where the part is alive.
void accumulate(pipelines::RoomStats& sum, const pipelines::RoomStats& part, bool gauges);

class MixThread {
 public:
  struct Room;
  using Command = std::function<void(MixThread&)>;
  // Takes a room that was closed and destroys it elsewhere: a big pipeline needs 10 ms and more for that.
  using Retire = std::function<void(std::shared_ptr<Room>)>;

  MixThread(unsigned index, LegServer& legs, EventInbox& inbox, Retire retire);
  ~MixThread();
  MixThread(const MixThread&) = delete;
  MixThread& operator=(const MixThread&) = delete;

  // Runs `command` on the mix thread between two ticks. False when the queue is full.
  bool post(Command command);
  // One packet of a leg of this thread (net-0). False and counted when the queue is full.
  bool push(LegId leg, const MediaPacket& packet);

  // Builds a room's pipeline on the caller's thread: that, too, is too long for a tick.
  std::shared_ptr<Room> build_room(const pipelines::RoomMediaConfig& config);

  // Between ticks, on the mix thread (inside a Command).
  void open_room(RoomId id, std::shared_ptr<Room> room);
  void close_room(RoomId room);
  void add_leg(RoomId room, const pipelines::LegMedia& leg);
  void remove_leg(LegId leg);
  // A listener without a leg: what it hears goes to `consumer` (pipelines/mix_tap.hpp). remove_leg() ends it.
  void add_tap(RoomId room, LegId tap, std::shared_ptr<pipelines::MixConsumer> consumer);
  pipelines::RoomPipeline* room_of(LegId leg);
  pipelines::RoomPipeline* room(RoomId room);

  MixThreadStats stats() const;  // any thread

 private:
  struct Inbound {
    LegId leg = LegId::none;
    MediaPacket packet;
  };

  void run();
  void drain_commands();
  void drain_packets();
  void schedule(Room& room, TimePoint at);
  void run_tick(Room& room, TimePoint at);
  void set_work(Room& room, Duration work);
  void publish(TimePoint at);
  void wait_until(TimePoint deadline);

  const unsigned index_;
  LegServer& leg_server_;
  EventInbox& inbox_;
  Retire retire_;
  BoundedQueue<Command> commands_;
  BoundedQueue<Inbound> packets_;
  std::atomic<std::uint64_t> packets_dropped_{0};
  std::atomic<std::uint64_t> commands_refused_{0};
  std::atomic<bool> stopping_{false};
  net::EventFd wake_;

  // The mix thread's own.
  ThreadOwner owner_;
  std::unordered_map<RoomId, std::shared_ptr<Room>> rooms_;
  std::unordered_map<LegId, Room*> leg_rooms_;
  std::uint64_t rooms_opened_ = 0;
  MixThreadStats local_;
  TimePoint tick_began_{};
  Duration work_{};  // of all rooms in their last ticks
  pipelines::RoomStats dead_rooms_;
  TimePoint next_publish_{};

  mutable std::mutex published_lock_;  // held only to copy; the mix thread takes it once a second
  MixThreadStats published_;

  std::thread thread_;
};

}  // namespace parley::app
