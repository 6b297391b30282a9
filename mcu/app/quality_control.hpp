// How calls are: every few seconds the figures of every participant's paths are taken, judged, logged by
// `disk` into SQLite, and news of bad and good paths told to those concerned.
//
// Rooms take their turns within an interval, so that a server of a thousand rooms does not ask its mix
// threads all at once. Who says nothing is neither good nor bad.
//
// Threads: ctl; the log itself is touched on disk only. A disk that is full, slow or gone costs rows of the
// log, which are counted, and nothing else.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mcu/app/media_plane.hpp"
#include "mcu/quality/diagnosis.hpp"
#include "mcu/quality/leg_meter.hpp"
#include "mcu/quality/watch.hpp"
#include "mcu/recording/recorder.hpp"
#include "mcu/room/room_service.hpp"
#include "mcu/settings/settings.hpp"
#include "mcu/signaling/server.hpp"
#include "mcu/store/quality_log.hpp"

namespace parley::app {

class QualityControl {
 public:
  using PostToCtl = std::function<void(std::function<void()>)>;
  static constexpr Duration kStep = 200ms;  // how often on_timer() comes

  // All outlive this; the recorder runs its last jobs without it.
  QualityControl(const settings::Settings& settings, recording::Recorder& recorder, PostToCtl post,
                 room::RoomService& rooms, MediaPlane& media);
  ~QualityControl();
  QualityControl(const QualityControl&) = delete;
  QualityControl& operator=(const QualityControl&) = delete;

  void reload(const settings::Settings& settings) { settings_ = settings.quality; }
  void on_timer(TimePoint at);
  void flush();  // what has not been written yet, at the end of the server

  signaling::QualityNow now_of(const std::string& room) const;
  // The answer comes on ctl.
  void list(const signaling::QualityQuery& query, std::function<void(Result<std::string>)> answer);
  // Lines for GET /healthz; empty: all is well.
  std::vector<std::string> troubles() const;

  // Counts of estimated MOS up to each bound, and above the last.
  static constexpr std::array kMosBounds{1.5, 2.0, 2.5, 3.0, 3.3, 3.6, 4.0, 4.2};
  struct MosTotals {
    std::array<std::uint64_t, kMosBounds.size() + 1> counts{};
    double sum = 0;
  };
  struct Totals {
    MosTotals uplink, downlink, direct;
    std::uint64_t rows_written = 0, rows_lost = 0;
    quality::Watch::Counts bad;
  };
  Totals totals() const;

 private:
  struct Log;
  struct Latest {
    TimePoint at{};
    std::vector<quality::Sample> samples;
    std::vector<quality::Trouble> troubles;
  };

  void measure_server(TimePoint at);
  void note_room(TimePoint at, const std::string& room, const std::vector<MediaPlane::ReceiverReport>& legs);
  quality::Sample mcu_sample(TimePoint at, const room::ParticipantQuality& who,
                             const media::ReceiverStats* receiver);
  static quality::Sample direct_sample(const room::PathReport& report, const std::string& codec);
  void count(const quality::Sample& sample);
  void tell(const quality::Sample& sample, const std::vector<quality::Trouble>& troubles);
  void tidy(TimePoint at);
  void written(std::size_t rows, const Status& done);

  settings::Settings::Quality settings_;
  std::shared_ptr<Log> log_;
  recording::Recorder& recorder_;
  PostToCtl post_;
  room::RoomService& rooms_;
  MediaPlane& media_;

  std::uint64_t step_ = 0;
  TimePoint next_flush_{}, next_tidy_{}, next_measure_{};
  std::map<LegId, quality::LegMeter> meters_;
  std::map<std::string, Latest> latest_;  // by room
  quality::Watch watch_;
  quality::ServerLoad load_, load_before_;  // of the last interval; totals
  std::vector<quality::Sample> pending_;
  std::size_t writes_under_way_ = 0;
  std::string trouble_;  // of the log; empty: none
  Totals totals_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace parley::app
