// One recording while it is being made: its tracks, its mixdown, its recording.json.
//
// Threads: one (`disk`). Time is passed in.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mcu/recording/disk.hpp"
#include "mcu/recording/manifest.hpp"
#include "pipelines/recorder/track.hpp"
#include "transport/base/ids.hpp"

namespace parley::recording {

// What somebody who is recorded is and sends.
struct RecordedLeg {
  LegId leg = LegId::none;
  std::string participant, name;
  Codec codec = Codec::opus;
};

class Recording {
 public:
  struct Start {
    std::string id, room, folder;
    TimePoint origin{};
    std::int64_t wall_ms = 0;  // of `origin`, since 1970
  };
  Recording(Disk& disk, Start start);

  const std::string& id() const { return manifest_.id; }
  const Manifest& manifest() const { return manifest_; }

  // A participant that comes back with another leg goes on in its track, unless the codec has changed.
  void attach(const RecordedLeg& leg);
  void detach(LegId leg);
  void push(LegId leg, const MediaPacket& packet);
  // The mix: `arrival` is when it was spoken, as far as that can be known.
  void push_mix(const MediaPacket& frame);
  void restart_mix();  // its timestamps begin anew

  void joined(TimePoint at, const std::string& participant, const std::string& name, bool consent);
  void left(TimePoint at, const std::string& participant);
  void talking(TimePoint at, const std::string& participant, bool talking);
  void muted(TimePoint at, const std::string& participant, bool muted);

  // Packets that found the way to the disk full.
  void dropped(LegId leg, std::uint64_t packets);
  void dropped_mix(std::uint64_t packets);
  // The disk has answered nothing in between.
  void stalled(TimePoint from, TimePoint to);

  // About 20 times a second; writes what is due.
  void step(TimePoint at);
  // Puts the manifest on disk if it has changed. Called before each sync.
  void save(TimePoint at);
  // Ends all files and writes the manifest for good.
  void finish(TimePoint at, const std::string& state, const std::string& reason);

  // The disk has refused something, and taken nothing since. Why: the last of the manifest's troubles.
  bool in_trouble() const { return in_trouble_; }
  bool wrote_since_sync() const { return wrote_; }
  void synced(const Status& done);

 private:
  struct Written {
    std::unique_ptr<recorder::ByteSink> file;
    std::unique_ptr<recorder::TrackOutput> output;
    std::unique_ptr<recorder::Track> track;
    TrackInfo info;
    LegId leg = LegId::none;  // none: the participant is not here at present
    std::uint64_t bytes_seen = 0;
    TimePoint last_flush{};
  };

  std::int64_t ms(TimePoint at) const { return (at - start_.origin) / 1ms; }
  Written& make(const std::string& path, const std::string& participant, const std::string& name,
                Codec codec);
  void refresh(Written& written);
  void trouble(TimePoint at);

  Disk& disk_;
  const Start start_;
  Manifest manifest_;
  std::vector<std::unique_ptr<Written>> tracks_;
  std::unique_ptr<Written> mixdown_;
  std::map<LegId, Written*> by_leg_;
  bool in_trouble_ = false, wrote_ = false;
  std::string refused_, unsaved_, unsynced_;  // why; empty: all is well
  TimePoint refused_at_{};
  bool changed_ = true;  // save at the next opportunity
  TimePoint last_save_{};
};

}  // namespace parley::recording
