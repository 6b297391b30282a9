#include "mcu/recording/recording.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <utility>

#include "pipelines/recorder/flac_output.hpp"
#include "pipelines/recorder/opus_output.hpp"

namespace parley::recording {
namespace {

constexpr Duration kFlushAfter = 100ms;
constexpr Duration kSaveEvery = 10s;         // what changes all the time: talking, lengths
constexpr std::size_t kMaxEntries = 20'000;  // of each list in recording.json
constexpr Duration kGrace = 2s;              // after a refusal
constexpr Duration kHeard = 500ms;           // a pause of less is not an end of talking

const char* codec_name(Codec codec) {
  return codec == Codec::pcmu ? "PCMU" : codec == Codec::pcma ? "PCMA" : "opus";
}

template <typename Entry>
void add_bounded(std::vector<Entry>& list, Entry entry) {
  if (list.size() < kMaxEntries) list.push_back(std::move(entry));
}

}  // namespace

Recording::Recording(Disk& disk, Start start) : disk_(disk), start_(std::move(start)) {
  manifest_.id = start_.id;
  manifest_.room = start_.room;
  manifest_.folder = start_.folder;
  manifest_.started_ms = start_.wall_ms;
}

Recording::Written& Recording::make(const std::string& path, const std::string& participant,
                                    const std::string& name, Codec codec) {
  auto written = std::make_unique<Written>();
  written->file = disk_.file(start_.folder + "/" + path);
  recorder::Tags tags = {{"TITLE", start_.room}, {"PARLEY_RECORDING", start_.id}};
  if (!participant.empty()) {
    tags.emplace_back("ARTIST", name);
    tags.emplace_back("PARLEY_PARTICIPANT", participant);
  }
  const auto serial = random_u32();
  if (codec == Codec::opus) {
    written->output = std::make_unique<recorder::OpusOutput>(*written->file, serial, std::move(tags));
  } else {
    written->output = std::make_unique<recorder::FlacOutput>(*written->file, serial, codec, std::move(tags));
  }
  written->track = std::make_unique<recorder::Track>(*written->output, rtp_clock_rate(codec), start_.origin);
  written->info.file = path;
  written->info.participant = participant;
  written->info.codec = codec_name(codec);
  if (participant.empty()) return *(mixdown_ = std::move(written));
  tracks_.push_back(std::move(written));
  return *tracks_.back();
}

void Recording::attach(const RecordedLeg& leg) {
  detach(leg.leg);
  const auto codec = codec_name(leg.codec);
  Written* mine = nullptr;
  std::size_t number = 1;
  for (const auto& track : tracks_) {
    if (track->info.participant != leg.participant) continue;
    ++number;
    if (track->info.codec == codec) mine = track.get();
  }
  if (mine == nullptr) {
    const auto extension = leg.codec == Codec::opus ? ".opus" : ".oga";
    mine = &make("tracks/" + leg.participant + "-" + std::to_string(number) + extension, leg.participant,
                 leg.name, leg.codec);
  } else {
    if (mine->leg != LegId::none) by_leg_.erase(mine->leg);
    mine->track->restart();
  }
  mine->leg = leg.leg;
  by_leg_[leg.leg] = mine;
  changed_ = true;
}

void Recording::detach(LegId leg) {
  const auto found = by_leg_.find(leg);
  if (found == by_leg_.end()) return;
  found->second->track->drain();
  found->second->leg = LegId::none;
  by_leg_.erase(found);
}

void Recording::push(LegId leg, const MediaPacket& packet) {
  if (const auto found = by_leg_.find(leg); found != by_leg_.end()) found->second->track->push(packet);
}

void Recording::push_mix(const MediaPacket& frame) {
  if (!mixdown_) {
    make("mixdown.opus", "", "", Codec::opus);
    changed_ = true;
  }
  mixdown_->track->push(frame);
}

void Recording::restart_mix() {
  if (mixdown_) mixdown_->track->restart();
}

void Recording::joined(TimePoint at, const std::string& participant, const std::string& name, bool consent) {
  left(at, participant);
  add_bounded(manifest_.people, {participant, name, consent, std::max<std::int64_t>(ms(at), 0), -1});
  changed_ = true;
}

void Recording::left(TimePoint at, const std::string& participant) {
  for (auto& person : manifest_.people)
    if (person.id == participant && person.left_ms < 0) person.left_ms = ms(at);
  talking(at, participant, false);
  changed_ = true;
}

void Recording::talking(TimePoint at, const std::string& participant, bool talking) {
  auto& talks = manifest_.talks;
  const auto last = std::find_if(talks.rbegin(), talks.rend(),
                                 [&](const Talk& talk) { return talk.participant == participant; });
  const bool open = last != talks.rend() && last->to_ms < 0;
  if (!talking) {
    if (open) last->to_ms = ms(at);
  } else if (!open) {
    const bool soon = last != talks.rend() && ms(at) - last->to_ms < kHeard / 1ms;
    if (soon)
      last->to_ms = -1;
    else
      add_bounded(talks, {participant, std::max<std::int64_t>(ms(at), 0), -1});
  }
}

void Recording::muted(TimePoint at, const std::string& participant, bool muted) {
  add_bounded(manifest_.mutes, {participant, std::max<std::int64_t>(ms(at), 0), muted});
}

void Recording::step(TimePoint at) {
  bool refused = false, wrote = false;
  const auto serve = [&](Written& written) {
    const bool here = &written == mixdown_.get() || written.leg != LegId::none;
    const bool begun = written.output->begun();
    written.track->advance(at, here);
    if (at - written.last_flush >= kFlushAfter) {
      written.last_flush = at;
      refused |= !written.output->flush();
    }
    wrote |= written.output->bytes() != std::exchange(written.bytes_seen, written.output->bytes());
    changed_ |= begun != written.output->begun();
  };
  for (const auto& track : tracks_) serve(*track);
  if (mixdown_) serve(*mixdown_);
  wrote_ |= wrote;
  if (refused) {
    refused_ = disk_.cause();
    refused_at_ = at;
  } else if (wrote) {
    refused_.clear();  // only a page that was taken says that the disk takes pages
  }
  trouble(at);
}

void Recording::synced(const Status& done) {
  unsynced_ = done ? "" : disk_.cause();
  if (done) wrote_ = false;
}

void Recording::dropped(LegId leg, std::uint64_t packets) {
  const auto found = by_leg_.find(leg);
  if (found == by_leg_.end()) return;
  found->second->info.dropped += static_cast<std::int64_t>(packets);
  changed_ = true;
}

void Recording::dropped_mix(std::uint64_t packets) {
  if (!mixdown_) return;
  mixdown_->info.dropped += static_cast<std::int64_t>(packets);
  changed_ = true;
}

void Recording::stalled(TimePoint from, TimePoint to) {
  add_bounded(manifest_.troubles, {"the disk did not answer", std::max<std::int64_t>(ms(from), 0), ms(to)});
  changed_ = true;
}

void Recording::trouble(TimePoint at) {
  const auto& cause = !refused_.empty() ? refused_ : !unsaved_.empty() ? unsaved_ : unsynced_;
  if (std::exchange(in_trouble_, !cause.empty()) == !cause.empty()) return;
  for (auto& trouble : manifest_.troubles)
    if (trouble.to_ms < 0) trouble.to_ms = ms(at);
  if (in_trouble_) add_bounded(manifest_.troubles, {cause, ms(at), -1});
  changed_ = true;
}

void Recording::refresh(Written& written) {
  const auto& stats = written.track->stats();
  auto& info = written.info;
  info.bytes = static_cast<std::int64_t>(written.output->bytes());
  info.duration_ms = static_cast<std::int64_t>(written.output->position() / 48);
  info.offset_ms = static_cast<std::int64_t>(stats.first_sample / 48);
  info.packets = static_cast<std::int64_t>(stats.packets);
  info.lost = static_cast<std::int64_t>(stats.lost);
  info.late = static_cast<std::int64_t>(stats.late);
  info.refused = static_cast<std::int64_t>(stats.refused);
  info.corrected = static_cast<std::int64_t>(stats.corrected);
  info.worst_ms = stats.worst_ms;
}

void Recording::save(TimePoint at) {
  if (!changed_ && at - last_save_ < kSaveEvery) return;
  manifest_.duration_ms = ms(at);
  manifest_.tracks.clear();
  for (const auto& track : tracks_) {
    refresh(*track);
    if (track->output->begun()) manifest_.tracks.push_back(track->info);
  }
  if (mixdown_) {
    refresh(*mixdown_);
    if (mixdown_->output->begun()) manifest_.mixdown = mixdown_->info;
  }
  last_save_ = at;
  const auto saved =
      disk_.replace(start_.folder + "/recording.json", boost::json::serialize(to_json(manifest_)));
  unsaved_ = saved ? "" : disk_.cause();
  changed_ = !saved;
  if (!saved) return;
  wrote_ = true;
  // Nobody speaks, so no page can tell: this was taken, too.
  if (at - refused_at_ > kGrace) refused_.clear();
}

void Recording::finish(TimePoint at, const std::string& state, const std::string& reason) {
  for (auto& person : manifest_.people) {
    if (person.left_ms < 0) person.left_ms = ms(at);
    talking(at, person.id, false);
  }
  const auto end = [](Written& written) {
    written.track->drain();
    static_cast<void>(written.output->finish());
  };
  for (const auto& track : tracks_) end(*track);
  if (mixdown_) end(*mixdown_);
  by_leg_.clear();
  manifest_.state = state;
  manifest_.reason = reason;
  refused_.clear();
  unsaved_.clear();
  unsynced_.clear();
  trouble(at);
  changed_ = true;
  save(at);
}

}  // namespace parley::recording
