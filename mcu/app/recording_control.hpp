// Recording as rooms and the API see it: which room is recorded, who is in it, who has consented. The work is
// done by the Recorder and the Catalogue on `disk`.
//
// Threads: ctl, except for RecorderEvents, which come on disk.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "mcu/app/media_plane.hpp"
#include "mcu/app/recording_delivery.hpp"
#include "mcu/app/recording_health.hpp"
#include "mcu/recording/catalogue.hpp"
#include "mcu/recording/recorder.hpp"
#include "mcu/room/room_service.hpp"
#include "mcu/settings/settings.hpp"
#include "mcu/signaling/recordings_port.hpp"

namespace parley::app {

class RecordingControl final : public room::RoomWatcher,
                               public signaling::RecordingsPort,
                               private recording::RecorderEvents {
 public:
  using PostToCtl = std::function<void(std::function<void()>)>;

  RecordingControl(const settings::Settings& settings, PostToCtl post);
  ~RecordingControl() override;

  recording::Recorder& recorder() { return *recorder_; }
  // The error names the key.
  static Status check(const settings::Settings& settings);
  // Says a file into a room (recording.notice_file).
  using Say = std::function<void(const std::string& room, const std::string& file)>;
  void on_notice(Say say) { say_ = std::move(say); }
  // Before anybody joins.
  void bind(room::RoomService& rooms, MediaPlane& media);
  // With keys that check() passed.
  void reload(const settings::Settings& settings);
  // This leg's media flows: whoever it is hears the notice, if it has not yet.
  void connected(LegId leg);
  // A few times a second.
  void on_timer(TimePoint at);
  recording::RecorderStats stats() const { return recorder_->stats(); }
  // What is wrong with the disk, a line each.
  std::vector<std::string> troubles() const { return health_.lines(); }
  DeliveryStats deliveries() const { return delivery_->stats(); }

  // RoomWatcher
  bool leg_joined(const Arrival& arrival) override;
  void leg_gone(LegId leg) override;
  void participant_left(const std::string& room, const room::ParticipantId& who) override;
  void participant_muted(const std::string& room, const room::ParticipantId& who, LegId leg,
                         bool muted) override;
  void participant_talking(const std::string& room, const room::ParticipantId& who, bool talking) override;
  void room_closed(const std::string& room) override;

  // signaling::RecordingsPort
  Result<std::string> start(const std::string& room) override;
  Status stop(const std::string& room) override;
  void list(const signaling::RecordingQuery& query, Text answer) override;
  void show(const std::string& id, Text answer) override;
  void remove(const std::string& id, Text answer) override;
  void open(const std::string& id, const std::string& file, Body answer) override;
  void picture(const std::string& id, Text answer) override;

 private:
  struct Active {
    std::string id;
    RoomId media = RoomId::none;  // in which the tap is
    LegId tap = LegId::none;
    std::map<LegId, std::string> legs;  // participants, also those who are not recorded
    std::set<LegId> refusing;           // of them
    std::set<std::string> noticed;      // participants who have been told by voice
    TimePoint empty_since{};
  };

  // RecorderEvents, on disk
  void on_finished(const recording::Manifest& manifest) override;
  void on_progress(const recording::Manifest& manifest) override;
  void on_trouble(const recording::Manifest& manifest, bool in_trouble) override;
  void on_disk_low() override;
  void on_disk_roomy() override;
  void measure(recording::Manifest manifest);
  void complete(const recording::Manifest& manifest);
  void complete_the_rest();
  recording::Catalogue* catalogue();  // null: the directory cannot be used at present

  Result<Active*> begin(const std::string& room);
  void take_in(Active& active, const room::ParticipantInfo& who, LegId leg, RoomId media);
  void give_notice(Active& active, const std::string& room);
  void place_tap(Active& active, RoomId media);
  void end(std::map<std::string, Active>::iterator active, const std::string& reason);
  // Runs `work` on disk with the catalogue; what it returns is the answer.
  void ask(std::function<Result<std::string>(recording::Catalogue&)> work, const Text& answer);

  settings::Settings::Recording settings_;
  const std::string root_;
  PostToCtl post_;
  Say say_;
  room::RoomService* rooms_ = nullptr;
  MediaPlane* media_ = nullptr;
  std::map<std::string, Active> active_;  // by room
  std::set<std::string> declined_;        // stopped by hand: not begun again by itself
  std::set<std::string> waiting_;         // would be recorded if there were more space
  bool disk_low_ = false;
  RecordingHealth health_;
  TimePoint next_retention_{}, next_look_{};

  // The disk thread's own.
  std::unique_ptr<recording::Disk> catalogue_disk_;
  std::unique_ptr<recording::Catalogue> catalogue_;
  TimePoint catalogue_tried_{};
  std::vector<recording::Manifest> incomplete_;  // ended, but the disk did not take their last word

  recording::Catalogue::Kinds owes_;

  std::unique_ptr<RecordingDelivery> delivery_;
  std::unique_ptr<recording::Measurer> measurer_;
  std::unique_ptr<recording::Recorder> recorder_;  // last: its thread uses the rest
};

}  // namespace parley::app
