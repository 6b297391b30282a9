#include "pipelines/player/room_player.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace parley::player {
namespace {

// Down within 100 ms, so that the first word is understood; up again slowly, so that it does not pump.
constexpr float kDownPerSample = 1.0F / (0.03F * 48'000);
constexpr float kUpPerSample = 1.0F / (0.4F * 48'000);

float linear(double db) {
  return static_cast<float>(std::pow(10.0, db / 20));
}

}  // namespace

const char* to_string(PlayState state) {
  switch (state) {
    case PlayState::opening:
      return "opening";
    case PlayState::queued:
      return "queued";
    case PlayState::playing:
      return "playing";
    case PlayState::ended:
      return "ended";
    case PlayState::stopped:
      return "stopped";
    case PlayState::failed:
      break;
  }
  return "failed";
}

bool RoomPlayer::add(PlayItem item) {
  if (music_.size() + announcements_.size() >= kMaxItems) return false;
  Queue& queue = item.announce ? announcements_ : music_;
  Entry entry;
  entry.state = item.sound ? PlayState::queued : PlayState::opening;
  entry.item = std::move(item);
  queue.push_back(std::move(entry));
  tell(queue.back());
  return true;
}

RoomPlayer::Entry* RoomPlayer::find(const std::string& id) {
  for (Queue* queue : {&music_, &announcements_})
    for (Entry& entry : *queue)
      if (entry.item.id == id) return &entry;
  return nullptr;
}

void RoomPlayer::opened(const std::string& id, std::unique_ptr<Sound> sound) {
  Entry* entry = find(id);
  if (entry == nullptr || entry->item.sound) return;
  entry->item.sound = std::move(sound);
  entry->state = PlayState::queued;
  tell(*entry);
}

void RoomPlayer::failed(const std::string& id, const std::string& cause) {
  for (Queue* queue : {&music_, &announcements_}) {
    const auto entry =
        std::find_if(queue->begin(), queue->end(), [&](const Entry& e) { return e.item.id == id; });
    if (entry == queue->end()) continue;
    entry->state = PlayState::failed;
    tell(*entry);
    news_.back().cause = cause;
    queue->erase(entry);
    return;
  }
}

bool RoomPlayer::stop(const std::string& id) {
  for (Queue* queue : {&music_, &announcements_}) {
    const auto entry =
        std::find_if(queue->begin(), queue->end(), [&](const Entry& e) { return e.item.id == id; });
    if (entry == queue->end()) continue;
    if (entry->state == PlayState::playing) {
      entry->stopping = true;  // fades out in the next tick
    } else {
      entry->state = PlayState::stopped;
      tell(*entry);
      queue->erase(entry);
    }
    return true;
  }
  return false;
}

void RoomPlayer::stop_all() {
  std::vector<std::string> ids;
  for (const Queue* queue : {&music_, &announcements_})
    for (const Entry& entry : *queue) ids.push_back(entry.item.id);
  for (const auto& id : ids) stop(id);
}

bool RoomPlayer::render(std::span<float> out) {
  std::fill(out.begin(), out.end(), 0.0F);
  std::array<float, kSamples> over{};
  const bool announced = render_first(announcements_, 1.0F, over);
  float duck = 1.0F;
  if (!music_.empty() && (talking_ || announced)) duck = linear(music_.front().item.duck_db);
  const bool played = render_first(music_, duck, out);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::clamp(out[i] + over[i], -1.0F, 1.0F);
  return announced || played;
}

bool RoomPlayer::render_first(Queue& queue, float duck, std::span<float> out) {
  if (queue.empty() || !queue.front().item.sound) return false;
  Entry& entry = queue.front();
  if (entry.state != PlayState::playing) {
    entry.state = PlayState::playing;
    entry.level = duck * linear(entry.item.gain_db);
    tell(entry);
  }
  const bool more = entry.item.sound->read(out);
  const float target = duck * linear(entry.item.gain_db);
  const float fade = entry.level / static_cast<float>(out.size());
  for (float& sample : out) {
    if (entry.stopping) {
      entry.level = std::max(0.0F, entry.level - fade);
    } else {
      const float speed = target < entry.level ? kDownPerSample : kUpPerSample;
      entry.level += (target - entry.level) * speed;
    }
    sample *= entry.level;
  }
  entry.position += kTick;
  if (entry.stopping) {
    end(queue, PlayState::stopped);
  } else if (!more) {
    end(queue, PlayState::ended);
  } else if (entry.position - entry.told >= kPositionEvery) {
    entry.told = entry.position;
    tell(entry);
  }
  return true;
}

void RoomPlayer::end(Queue& queue, PlayState state) {
  queue.front().state = state;
  tell(queue.front());
  queue.pop_front();
}

PlayNews RoomPlayer::news_of(const Entry& entry) const {
  PlayNews news;
  news.id = entry.item.id;
  news.title = entry.item.title;
  news.state = entry.state;
  news.position = entry.position;
  if (entry.item.sound) news.duration = entry.item.sound->duration();
  news.loop = entry.item.loop;
  news.announce = entry.item.announce;
  news.gain_db = entry.item.gain_db;
  return news;
}

std::vector<PlayNews> RoomPlayer::take_news() {
  return std::exchange(news_, {});
}

std::vector<PlayNews> RoomPlayer::list() const {
  std::vector<PlayNews> out;
  for (const Queue* queue : {&announcements_, &music_})
    for (const Entry& entry : *queue) out.push_back(news_of(entry));
  return out;
}

}  // namespace parley::player
