#include "mcu/playback/playback_engine.hpp"

#include <array>

#include "transport/base/log.hpp"
#include "transport/base/thread_name.hpp"

namespace parley::playback {
namespace {

constexpr std::size_t kCommands = 1024;
constexpr auto kTick = player::RoomPlayer::kTick;

}  // namespace

PlaybackEngine::PlaybackEngine(PostToCtl post, News news, Silent silent)
    : post_to_ctl_(std::move(post)),
      news_(std::move(news)),
      silent_(std::move(silent)),
      commands_(kCommands) {
  thread_ = std::thread([this] { run(); });
}

PlaybackEngine::~PlaybackEngine() {
  alive_->store(false);
  helpers_.reset();  // nobody opens a file for us any more
  {
    const std::lock_guard lock(sleep_lock_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool PlaybackEngine::post(Command command) {
  if (!commands_.push(std::move(command))) return false;
  {
    const std::lock_guard lock(sleep_lock_);
    work_ = true;
  }
  wake_.notify_one();
  return true;
}

void PlaybackEngine::on_room(RoomId room, std::function<void(player::RoomPlayer&)> action) {
  post([room, action = std::move(action)](PlaybackEngine& engine) {
    if (const auto found = engine.rooms_.find(room); found != engine.rooms_.end())
      action(found->second->player);
  });
}

bool PlaybackEngine::open_room(RoomId room, Deliver deliver) {
  return post([room, deliver = std::move(deliver)](PlaybackEngine& engine) {
    engine.rooms_[room] = std::make_unique<Room>(deliver, random_u32());
  });
}

void PlaybackEngine::close_room(RoomId room) {
  post([room](PlaybackEngine& engine) { engine.rooms_.erase(room); });
}

bool PlaybackEngine::play(RoomId room, player::PlayItem item, const std::string& path) {
  // std::function copies: what it carries must be shared.
  const auto shared = std::make_shared<player::PlayItem>(std::move(item));
  const auto id = shared->id;
  const bool loop = shared->loop, opened = shared->sound != nullptr;
  const bool posted = post([room, shared](PlaybackEngine& engine) {
    const auto found = engine.rooms_.find(room);
    if (found == engine.rooms_.end()) return;
    found->second->told_silent = false;
    auto news = player::PlayNews{};
    news.id = shared->id;
    news.title = shared->title;
    if (!found->second->player.add(std::move(*shared))) {
      news.state = player::PlayState::failed;
      news.cause = "too much waits to be played";
      engine.post_to_ctl_([&engine, alive = engine.alive_, room, news] {
        if (alive->load()) engine.news_(room, news);
      });
    }
  });
  if (posted && !opened) open(room, id, path, loop);
  return posted;
}

// Opening reads the file's beginning, from whatever disk it is on.
void PlaybackEngine::open(RoomId room, const std::string& id, const std::string& path, bool loop) {
  const bool running = helpers_->run([this, alive = alive_, room, id, path, loop] {
    auto sound = player::open_sound(path, loop);
    if (!alive->load()) return;
    if (sound) {
      const auto shared = std::make_shared<std::unique_ptr<player::Sound>>(std::move(sound).value());
      on_room(room, [id, shared](player::RoomPlayer& player) { player.opened(id, std::move(*shared)); });
    } else {
      on_room(room, [id, what = sound.error().what](player::RoomPlayer& player) { player.failed(id, what); });
    }
  });
  if (!running)
    on_room(room, [id](player::RoomPlayer& player) { player.failed(id, "too many files are being opened"); });
}

void PlaybackEngine::stop(RoomId room, const std::string& id) {
  on_room(room, [id](player::RoomPlayer& player) {
    if (id.empty())
      player.stop_all();
    else
      player.stop(id);
  });
}

void PlaybackEngine::set_talking(RoomId room, bool talking) {
  on_room(room, [talking](player::RoomPlayer& player) { player.set_talking(talking); });
}

void PlaybackEngine::run() {
  name_this_thread("play");
  TimePoint next = now();
  for (;;) {
    {
      std::unique_lock lock(sleep_lock_);
      const auto woken = [this] { return stopping_ || work_; };
      if (rooms_.empty()) {
        wake_.wait(lock, woken);
        next = now();
      } else {
        wake_.wait_until(lock, next, woken);
      }
      if (stopping_) break;
      work_ = false;
    }
    Command command;
    while (commands_.pop(command)) command(*this);
    command = nullptr;
    if (now() < next) continue;
    for (auto& [id, room] : rooms_) step(id, *room, now());
    next += kTick;
    // After a long stall the present counts; a short one is made up, the listeners' buffers take it.
    if (now() - next > 10 * kTick) next = now();
  }
  rooms_.clear();
}

void PlaybackEngine::step(RoomId id, Room& room, TimePoint at) {
  std::array<float, player::RoomPlayer::kSamples> pcm{};
  const bool heard = room.player.render(pcm);
  room.silent_for = heard ? Duration::zero() : room.silent_for + kTick;
  if (heard || room.silent_for <= kTail / 2)
    room.deliver(room.voice.say(pcm, at));
  else
    room.voice.pause();
  for (auto& news : room.player.take_news()) {
    post_to_ctl_([this, alive = alive_, id, news = std::move(news)] {
      if (alive->load()) news_(id, news);
    });
  }
  if (!room.player.empty() || room.silent_for < kTail || room.told_silent) return;
  room.told_silent = true;
  post_to_ctl_([this, alive = alive_, id] {
    if (alive->load()) silent_(id);
  });
}

}  // namespace parley::playback
