// The rooms' memory over a restart (rooms.state_file): what they say of seats and used tokens goes to disk
// one change after the other, and comes back when the server starts.
//
// Threads: ctl; the file is the `disk` thread's once run() has begun.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "mcu/room/room_service.hpp"
#include "mcu/room/seats.hpp"
#include "mcu/settings/settings.hpp"
#include "mcu/store/seat_store.hpp"

namespace parley::app {

class SeatControl final : public room::SeatPort {
 public:
  using Post = std::function<void(std::function<void()>)>;
  // Runs a job on `disk`; false: not now.
  using OnDisk = std::function<bool(std::function<void()>)>;

  SeatControl(const settings::Settings& settings, Post post, OnDisk on_disk);
  ~SeatControl() override;

  // Before anybody joins. May block. A file that cannot be used costs the memory, not the start.
  void bring_back(TimePoint at, room::RoomService& rooms);
  void on_timer(TimePoint at);

  void keep(const room::Seat& seat) override;
  void forget(const room::ParticipantId& who) override;
  void used_once(const std::string& key, TimePoint expires) override;

 private:
  struct Disk;
  void flush();

  const std::string path_;
  Post post_;
  OnDisk on_disk_;
  std::shared_ptr<Disk> disk_;
  bool writing_ = false;
  std::map<std::string, std::optional<store::SeatRow>> changed_;  // by participant; nothing: gone
  std::vector<store::SeatStore::UsedToken> used_;
  bool remembers_ = false;  // somebody: the file has to be told that the server still is
  TimePoint next_alive_{};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace parley::app
