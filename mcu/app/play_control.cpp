#include "mcu/app/play_control.hpp"

#include <cmath>

#include "pipelines/player/sound.hpp"
#include "transport/base/log.hpp"

namespace parley::app {
namespace {

constexpr std::size_t kIdLength = 12;
constexpr double kLongest = 86'400;  // seconds

signaling::PlayView view(const player::PlayNews& news) {
  signaling::PlayView out;
  out.id = news.id;
  out.title = news.title;
  out.state = player::to_string(news.state);
  out.loop = news.loop;
  out.announce = news.announce;
  out.gain_db = news.gain_db;
  out.position_s = to_seconds(news.position);
  if (news.duration) out.duration_s = to_seconds(*news.duration);
  return out;
}

bool is_over(player::PlayState state) {
  return state == player::PlayState::ended || state == player::PlayState::stopped ||
         state == player::PlayState::failed;
}

bool in_range(double value, double least, double most) {
  return std::isfinite(value) && value >= least && value <= most;
}

Status check(const signaling::PlayAsk& ask) {
  if (ask.file.empty() == !ask.tone) return Error{"a file or a tone is to be named", 400};
  if (ask.tone && !in_range(*ask.tone, 20, 20'000)) return Error{"tone: must be 20 to 20000 Hz", 400};
  if (ask.seconds && !ask.tone) return Error{"seconds: goes with a tone", 400};
  if (ask.seconds && !in_range(*ask.seconds, 0.1, kLongest))
    return Error{"seconds: must be 0.1 to 86400", 400};
  if (ask.loop && ask.tone) return Error{"loop: a tone without seconds is endless already", 400};
  if (!in_range(ask.gain_db, -40, 12)) return Error{"gain_db: must be -40 to 12", 400};
  if (!in_range(ask.duck_db, -40, 0)) return Error{"duck_db: must be -40 to 0", 400};
  return Done{};
}

}  // namespace

PlayControl::PlayControl(const settings::Settings& settings, PostToCtl post, room::RoomService& rooms,
                         MediaPlane& media, MediaHolds& holds)
    : settings_(settings.playback), rooms_(rooms), media_(media), holds_(holds) {
  engine_ = std::make_unique<playback::PlaybackEngine>(
      std::move(post), [this](RoomId room, const player::PlayNews& news) { on_news(room, news); },
      [this](RoomId room) { on_silent(room); });
}

// The room's player: its media held, a voice among the talkers.
Result<PlayControl::Room*> PlayControl::room_of(const std::string& name, RoomId& media) {
  const auto held = holds_.take(name);
  if (!held) return held.error();
  media = *held;
  if (const auto found = playing_.find(media); found != playing_.end()) {
    holds_.give_back(media);  // it is held once already
    return &found->second;
  }
  const auto voice = media_.add_voice(media);
  if (!voice) {
    holds_.give_back(media);
    return voice.error();
  }
  if (!engine_->open_room(media, voice->say)) {
    media_.remove_voice(voice->leg);
    holds_.give_back(media);
    return Error{"the server is overloaded: try again", 503};
  }
  engine_->set_talking(media, !talkers_[media].empty());
  Room& room = playing_[media];
  room.name = name;
  room.voice = voice->leg;
  return &room;
}

Result<signaling::PlayView> PlayControl::play(const std::string& name, const signaling::PlayAsk& ask) {
  if (auto checked = check(ask); !checked) return checked.error();
  player::PlayItem item;
  item.id = random_token(kIdLength);
  item.title = ask.file;
  item.loop = ask.loop;
  item.announce = ask.announce;
  item.gain_db = ask.gain_db;
  item.duck_db = ask.duck_db;
  std::string path;
  if (ask.tone) {
    const auto length =
        ask.seconds ? std::optional(Duration(static_cast<Duration::rep>(*ask.seconds * 1e9))) : std::nullopt;
    item.title = "tone of " + std::to_string(static_cast<int>(*ask.tone)) + " Hz";
    item.sound = player::make_tone(*ask.tone, length);
  } else {
    if (settings_.directory.empty())
      return Error{"no files are played here (playback.directory is empty)", 403};
    auto found = player::find_below(settings_.directory, ask.file);
    if (!found) return found.error();
    path = *found;
  }
  RoomId media = RoomId::none;
  auto room = room_of(name, media);
  if (!room) return room.error();
  player::PlayNews news;
  news.id = item.id;
  news.title = item.title;
  news.state = item.sound ? player::PlayState::queued : player::PlayState::opening;
  news.loop = item.loop;
  news.announce = item.announce;
  news.gain_db = item.gain_db;
  if (!engine_->play(media, std::move(item), path)) {
    on_silent(media);
    return Error{"the server is overloaded: try again", 503};
  }
  (*room)->items[news.id] = {news, now()};
  return view(news);
}

Result<std::vector<signaling::PlayView>> PlayControl::playing(const std::string& name) {
  const auto media = rooms_.media_room(name);
  if (!media) return Error{media.error().what, 404};
  std::vector<signaling::PlayView> out;
  if (const auto found = playing_.find(*media); found != playing_.end()) {
    for (const auto& [id, item] : found->second.items) {
      if (found->second.chimes.contains(id)) continue;
      out.push_back(view(item.news));
      if (item.news.state == player::PlayState::playing)
        out.back().position_s += to_seconds(now() - item.told);
    }
  }
  return out;
}

Status PlayControl::stop_playing(const std::string& name, const std::string& id) {
  const auto media = rooms_.media_room(name);
  if (!media) return Error{media.error().what, 404};
  const auto found = playing_.find(*media);
  const bool known = found != playing_.end() && (id.empty() || found->second.items.contains(id));
  if (!known && !id.empty()) return Error{"there is no such sound", 404};
  if (known) engine_->stop(*media, id);
  return Done{};
}

void PlayControl::on_news(RoomId media, const player::PlayNews& news) {
  const auto found = playing_.find(media);
  if (found == playing_.end()) return;
  Room& room = found->second;
  const bool chime = room.chimes.contains(news.id);
  if (is_over(news.state)) {
    room.items.erase(news.id);
    room.chimes.erase(news.id);
  } else {
    room.items[news.id] = {news, now()};
  }
  if (news.state == player::PlayState::failed)
    log::warn("room {}: {} is not played: {}", room.name, log::printable(news.title),
              log::printable(news.cause));
  if (chime || news.state == player::PlayState::opening) return;
  rooms_.announce(room.name, room::Playback{news.id, news.title, player::to_string(news.state),
                                            log::printable(news.cause), to_seconds(news.position),
                                            news.duration ? to_seconds(*news.duration) : -1});
}

void PlayControl::on_silent(RoomId media) {
  const auto found = playing_.find(media);
  if (found == playing_.end() || !found->second.items.empty()) return;  // something has come in meanwhile
  engine_->close_room(media);
  media_.remove_voice(found->second.voice);
  playing_.erase(found);
  holds_.give_back(media);
}

void PlayControl::room_closed(RoomId media) {
  engine_->close_room(media);
  playing_.erase(media);
  talkers_.erase(media);
}

// --- People

void PlayControl::joined(LegId leg, RoomId /*media*/) {
  const auto who = rooms_.participant_of(leg);
  const auto room = who ? rooms_.room_of(*who) : std::nullopt;
  if (room && present_.emplace(leg, *room).second) chime(*room, settings_.join_chime);
}

void PlayControl::left(LegId leg, RoomId media) {
  talking(leg, media, false);
  const auto found = present_.find(leg);
  if (found == present_.end()) return;
  const auto room = found->second;
  present_.erase(found);
  chime(room, settings_.leave_chime);
}

void PlayControl::talking(LegId leg, RoomId media, bool talking) {
  auto& talkers = talkers_[media];
  const bool before = !talkers.empty();
  if (talking)
    talkers.insert(leg);
  else
    talkers.erase(leg);
  const bool after = !talkers.empty();
  if (before != after && playing_.contains(media)) engine_->set_talking(media, after);
  if (!after) talkers_.erase(media);
}

void PlayControl::notice(const std::string& name, const std::string& file) {
  const auto media = rooms_.media_room(name);
  if (!media) return;
  if (const auto found = playing_.find(*media); found != playing_.end()) {
    const auto waiting = found->second.items.find(found->second.notice);
    if (waiting != found->second.items.end() && waiting->second.news.state != player::PlayState::playing)
      return;
  }
  if (const auto id = say(name, file); !id.empty()) playing_[*media].notice = id;
}

void PlayControl::chime(const std::string& name, const std::string& file) {
  if (!file.empty()) say(name, file);
}

// The sound's id; empty: it is not played.
std::string PlayControl::say(const std::string& name, const std::string& file) {
  if (settings_.directory.empty()) return {};
  const auto media = rooms_.media_room(name);
  if (!media || *media == RoomId::none) return {};  // nobody is there to hear it
  signaling::PlayAsk ask;
  ask.file = file;
  ask.announce = true;
  const auto played = play(name, ask);
  if (!played) {
    log::warn("room {}: {} is not played: {}", name, log::printable(file), played.error().what);
    return {};
  }
  if (const auto found = playing_.find(*media); found != playing_.end())
    found->second.chimes.insert(played->id);
  return played->id;
}

}  // namespace parley::app
