// Sounds in rooms, as the API asks for them, and chimes: holds the room's media, gives the player a voice in
// it and tells the room what is played.
//
// Threads: ctl.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "mcu/app/media_holds.hpp"
#include "mcu/app/media_plane.hpp"
#include "mcu/playback/playback_engine.hpp"
#include "mcu/settings/settings.hpp"
#include "mcu/signaling/broadcast_port.hpp"

namespace parley::app {

class PlayControl final : public signaling::PlaybackPort {
 public:
  using PostToCtl = std::function<void(std::function<void()>)>;
  PlayControl(const settings::Settings& settings, PostToCtl post, room::RoomService& rooms, MediaPlane& media,
              MediaHolds& holds);

  // No voice says anything any more.
  void stop() { engine_.reset(); }
  void reload(const settings::Settings& settings) { settings_ = settings.playback; }
  void room_closed(RoomId media);
  // Said over everything, of which nobody is told by an event. One that has not begun is not queued twice.
  void notice(const std::string& room, const std::string& file);
  // People: chimes, and turning the music down.
  void joined(LegId leg, RoomId media);
  void left(LegId leg, RoomId media);
  void talking(LegId leg, RoomId media, bool talking);

  Result<signaling::PlayView> play(const std::string& room, const signaling::PlayAsk& ask) override;
  Result<std::vector<signaling::PlayView>> playing(const std::string& room) override;
  Status stop_playing(const std::string& room, const std::string& id) override;

 private:
  struct Item {
    player::PlayNews news;
    TimePoint told{};
  };
  struct Room {
    std::string name;
    LegId voice = LegId::none;
    std::map<std::string, Item> items;  // that have not ended
    std::set<std::string> chimes;       // of which nobody is told
    std::string notice;                 // the last one
  };
  Result<Room*> room_of(const std::string& name, RoomId& media);
  void chime(const std::string& room, const std::string& file);
  std::string say(const std::string& room, const std::string& file);
  void on_news(RoomId media, const player::PlayNews& news);
  void on_silent(RoomId media);

  settings::Settings::Playback settings_;
  room::RoomService& rooms_;
  MediaPlane& media_;
  MediaHolds& holds_;
  std::map<RoomId, Room> playing_;
  std::map<RoomId, std::set<LegId>> talkers_;
  std::map<LegId, std::string> present_;  // who has come, and into which room
  std::unique_ptr<playback::PlaybackEngine> engine_;
};

}  // namespace parley::app
