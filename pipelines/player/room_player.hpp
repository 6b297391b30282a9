// What is played into one room: a queue of sounds one after the other, and announcements over them. Music is
// turned down while people talk and while something is announced. Pure but for the sounds it reads; one tick
// of 20 ms a call.
//
// Threads: one owner.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipelines/player/sound.hpp"

namespace parley::player {

struct PlayItem {
  std::string id, title;
  bool loop = false, announce = false;
  double gain_db = 0, duck_db = -12;
  std::unique_ptr<Sound> sound;  // empty: is still being opened
};

enum class PlayState : std::uint8_t { opening, queued, playing, ended, stopped, failed };
const char* to_string(PlayState state);

// What became of a sound, or how far it is.
struct PlayNews {
  std::string id, title;
  PlayState state = PlayState::queued;
  std::string cause;
  Duration position{};
  std::optional<Duration> duration;
  bool loop = false, announce = false;
  double gain_db = 0;
};

class RoomPlayer {
 public:
  static constexpr std::size_t kSamples = 960;
  static constexpr Duration kTick = 20ms;
  static constexpr Duration kPositionEvery = 5s;
  static constexpr std::size_t kMaxItems = 100;

  bool add(PlayItem item);  // false: the queue is full
  void opened(const std::string& id, std::unique_ptr<Sound> sound);
  void failed(const std::string& id, const std::string& cause);
  bool stop(const std::string& id);
  void stop_all();
  void set_talking(bool talking) { talking_ = talking; }

  // One tick, all of `out` written. False when nothing is to be heard now.
  bool render(std::span<float> out);
  bool empty() const { return music_.empty() && announcements_.empty(); }
  // What has happened since the last call, in order.
  std::vector<PlayNews> take_news();
  std::vector<PlayNews> list() const;

 private:
  struct Entry {
    PlayItem item;
    PlayState state = PlayState::opening;
    bool stopping = false;
    float level = 0;  // gain reached
    Duration position{}, told{};
  };
  using Queue = std::deque<Entry>;

  PlayNews news_of(const Entry& entry) const;
  void tell(const Entry& entry) { news_.push_back(news_of(entry)); }
  Entry* find(const std::string& id);
  bool render_first(Queue& queue, float target, std::span<float> out);
  void end(Queue& queue, PlayState state);

  Queue music_, announcements_;
  bool talking_ = false;
  std::vector<PlayNews> news_;
};

}  // namespace parley::player
