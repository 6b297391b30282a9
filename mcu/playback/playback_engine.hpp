// Plays sounds into rooms: reads, mixes and codes them every 20 ms and hands the packets over as a talker's.
//
// Threads: methods on ctl; the work is done on the thread `play`, files are opened on a thread each.
// `deliver` is called on `play` and must not wait; `news` comes on ctl.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "pipelines/player/room_player.hpp"
#include "pipelines/player/voice.hpp"
#include "pipelines/streams/helpers.hpp"
#include "transport/base/bounded_queue.hpp"
#include "transport/base/ids.hpp"

namespace parley::playback {

class PlaybackEngine {
 public:
  // Nothing has been played for so long: what was said last has been heard.
  static constexpr Duration kTail = 400ms;

  using PostToCtl = std::function<void(std::function<void()>)>;
  using Deliver = std::function<void(const MediaPacket&)>;
  using News = std::function<void(RoomId, const player::PlayNews&)>;
  using Silent = std::function<void(RoomId)>;  // everything has ended

  PlaybackEngine(PostToCtl post, News news, Silent silent);
  ~PlaybackEngine();
  PlaybackEngine(const PlaybackEngine&) = delete;
  PlaybackEngine& operator=(const PlaybackEngine&) = delete;

  // False: overloaded. A room must be opened before anything is played into it.
  bool open_room(RoomId room, Deliver deliver);
  void close_room(RoomId room);
  // `path`: opened here, if the item has no sound yet.
  bool play(RoomId room, player::PlayItem item, const std::string& path);
  void stop(RoomId room, const std::string& id);  // empty: everything
  void set_talking(RoomId room, bool talking);

 private:
  struct Room {
    Room(Deliver d, std::uint32_t ssrc) : deliver(std::move(d)), voice(ssrc) {}
    Deliver deliver;
    player::RoomPlayer player;
    player::Voice voice;
    Duration silent_for{};
    bool told_silent = true;
  };
  using Command = std::function<void(PlaybackEngine&)>;
  bool post(Command command);
  void on_room(RoomId room, std::function<void(player::RoomPlayer&)> action);
  void open(RoomId room, const std::string& id, const std::string& path, bool loop);
  void run();
  void step(RoomId id, Room& room, TimePoint at);

  PostToCtl post_to_ctl_;
  News news_;
  Silent silent_;
  std::shared_ptr<std::atomic<bool>> alive_ = std::make_shared<std::atomic<bool>>(true);
  BoundedQueue<Command> commands_;
  std::mutex sleep_lock_;
  std::condition_variable wake_;
  bool stopping_ = false, work_ = false;  // under sleep_lock_

  std::map<RoomId, std::unique_ptr<Room>> rooms_;  // play's own
  std::optional<streams::Helpers> helpers_{std::in_place, "play-open"};
  std::thread thread_;
};

}  // namespace parley::playback
