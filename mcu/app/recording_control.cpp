#include "mcu/app/recording_control.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <utility>

#include "mcu/recording/folder_repair.hpp"
#include "mcu/recording/picture.hpp"
#include "mcu/recording/zip_stream.hpp"
#include "transport/base/log.hpp"

namespace parley::app {
namespace {

namespace json = boost::json;
using recording::Recording;

constexpr std::size_t kIdLength = 16;
constexpr Duration kEmptyFor = 10s;  // a room that everybody has left: the recording ends
constexpr Duration kRetention = 60s;
constexpr Duration kLook = 5s;  // at a disk that was full

Error not_found() {
  return {"there is no such recording", 404};
}
Error overloaded() {
  return {"the server is overloaded: try again", 503};
}

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Codec codec_of(const std::string& name) {
  return name == "PCMU" ? Codec::pcmu : name == "PCMA" ? Codec::pcma : Codec::opus;
}

// What every recording that ends owes.
recording::Catalogue::Kinds owes(const settings::Settings& s) {
  recording::Catalogue::Kinds out;
  if (!s.webhooks.url.empty()) out.emplace_back("webhook");
  if (!s.recording.hook.empty()) out.emplace_back("hook");
  return out;
}

recording::RecorderSettings recorder_settings(const settings::Settings::Recording& s) {
  recording::RecorderSettings out;
  out.sync_interval = std::chrono::milliseconds(s.sync_ms);
  out.min_free_bytes = s.min_free_mb * 1'000'000;
  return out;
}

json::object to_json(const store::RecordingRow& row) {
  return {{"id", row.id},
          {"room", row.room},
          {"state", row.state},
          {"started_ms", row.started_ms},
          {"duration_ms", row.duration_ms},
          {"bytes", row.bytes},
          {"participants", row.participants},
          {"tracks", row.tracks},
          {"delivery", row.delivery}};
}

}  // namespace

RecordingControl::RecordingControl(const settings::Settings& settings, PostToCtl post)
    : settings_(settings.recording),
      root_(settings.recording.directory),
      post_(std::move(post)),
      health_([this](const std::string& id, const std::string& state, const std::string& cause) {
        for (const auto& [room, active] : active_)
          if (active.id == id) rooms_->tell_moderators(room, room::RecordingTrouble{id, state, cause});
      }) {
  recording::RecorderEvents& events = *this;
  recorder_ = std::make_unique<recording::Recorder>(recorder_settings(settings_),
                                                    std::make_unique<recording::PosixDisk>(root_), events);
  owes_ = owes(settings);
  delivery_ = std::make_unique<RecordingDelivery>(
      settings, post_, [this](std::function<void(recording::Catalogue*)> work) {
        return recorder_->post([this, work = std::move(work)] { work(catalogue()); });
      });
  measurer_ = std::make_unique<recording::Measurer>(
      root_, [this](const std::string& id, const recording::Measured& measured) {
        recorder_->post([this, id, measured] {
          if (auto* found = catalogue()) found->note_loudness(id, measured);
          post_([this, id] { delivery_->release(id); });
        });
      });
  // What a crash has left is repaired at once; a server that never records leaves no trace.
  recorder_->post([this] {
    std::error_code error;
    if (std::filesystem::exists(root_ + "/parley.db", error)) catalogue();
  });
}

RecordingControl::~RecordingControl() {
  measurer_->stop();  // it posts to the recorder
}

Status RecordingControl::check(const settings::Settings& settings) {
  if (!settings.recording.notice_file.empty() && settings.playback.directory.empty())
    return Error{"recording.notice_file: playback.directory must be set, the file lies below it"};
  return RecordingDelivery::check(settings);
}

void RecordingControl::reload(const settings::Settings& settings) {
  settings_ = settings.recording;
  delivery_->reload(settings);
  recorder_->post([this, owes = owes(settings)] {
    owes_ = owes;
    if (catalogue_) catalogue_->set_owes(owes);
  });
}

void RecordingControl::bind(room::RoomService& rooms, MediaPlane& media) {
  rooms_ = &rooms;
  media_ = &media;
  rooms.set_watcher(*this);
}

// --- Beginning and ending

Result<std::string> RecordingControl::start(const std::string& room) {
  if (active_.contains(room)) return Error{"the room is being recorded already", 409};
  if (auto known = rooms_->room(now(), room); !known) return Error{known.error().what, 404};
  if (disk_low_) return Error{"less than recording.min_free_mb is free", 507};
  declined_.erase(room);
  auto begun = begin(room);
  if (!begun) return begun.error();
  give_notice(**begun, room);
  rooms_->set_recording(room, true);
  return (*begun)->id;
}

Result<RecordingControl::Active*> RecordingControl::begin(const std::string& room) {
  const TimePoint at = now();
  Recording::Start start;
  start.id = random_token(kIdLength);
  start.room = room;
  start.origin = at;
  start.wall_ms = wall_ms();
  start.folder = recording::folder_of(start.wall_ms, start.id);
  if (!recorder_->start(start)) return overloaded();
  log::info("room {}: recording {} begins", room, start.id);
  Active& active = active_[room];
  active.id = start.id;
  active.empty_since = at;
  const auto people = rooms_->roster(room);
  const auto legs = rooms_->quality(room);
  const auto media = rooms_->media_room(room);
  if (!people || !legs || !media) return &active;
  for (const auto& who : *people) {
    const auto leg = std::find_if(legs->begin(), legs->end(), [&](const auto& q) { return q.id == who.id; });
    take_in(active, who, leg == legs->end() ? LegId::none : leg->leg, *media);
  }
  return &active;
}

// To all who are there: they need not hear it again.
void RecordingControl::give_notice(Active& active, const std::string& room) {
  if (settings_.notice_file.empty() || !say_) return;
  for (const auto& [leg, who] : active.legs) active.noticed.insert(who);
  if (!active.legs.empty()) say_(room, settings_.notice_file);
}

void RecordingControl::connected(LegId leg) {
  for (auto& [room, active] : active_) {
    const auto who = active.legs.find(leg);
    if (who != active.legs.end() && !active.noticed.contains(who->second)) give_notice(active, room);
  }
}

void RecordingControl::take_in(Active& active, const room::ParticipantInfo& who, LegId leg, RoomId media) {
  const auto at = now();
  recorder_->note(active.id, [at, who](Recording& r) {
    r.joined(at, who.id, who.name, who.consent);
    if (who.talking) r.talking(at, who.id, true);
  });
  if (leg == LegId::none) return;
  active.legs[leg] = who.id;
  if (!who.consent) active.refusing.insert(leg);
  place_tap(active, media);
  if (!who.consent) return media_->set_tap_hears(active.tap, leg, false);
  if (!recorder_->attach(active.id, {leg, who.id, who.name, codec_of(who.codec)}))
    log::error("recording {}: no track for {}, the recorder is overloaded", active.id, who.id);
  if (who.muted) recorder_->set_muted(leg, true);
}

void RecordingControl::place_tap(Active& active, RoomId media) {
  if (active.media == media && active.tap != LegId::none) return;
  if (active.tap != LegId::none) media_->remove_tap(active.tap);
  active.media = media;
  const auto mix = std::make_shared<pipelines::MixQueue>();
  active.tap = media_->add_tap(media, mix);
  if (active.tap == LegId::none) {
    log::error("recording {}: no mixdown at present, the server is overloaded", active.id);
    return;
  }
  recorder_->attach_mix(active.id, mix);
  for (const LegId leg : active.refusing) media_->set_tap_hears(active.tap, leg, false);
}

Status RecordingControl::stop(const std::string& room) {
  const auto found = active_.find(room);
  if (found == active_.end()) return Error{"the room is not being recorded", 409};
  declined_.insert(room);
  waiting_.erase(room);
  end(found, "stopped");
  rooms_->set_recording(room, false);
  return Done{};
}

void RecordingControl::end(std::map<std::string, Active>::iterator found, const std::string& reason) {
  const Active& active = found->second;
  log::info("room {}: recording {} ends ({})", found->first, active.id, reason);
  for (const auto& [leg, who] : active.legs) recorder_->detach(leg);
  if (active.tap != LegId::none) media_->remove_tap(active.tap);
  recorder_->stop(active.id, reason);
  health_.ended(active.id);
  active_.erase(found);
}

void RecordingControl::on_timer(TimePoint at) {
  for (auto it = active_.begin(); it != active_.end();) {
    const auto here = it++;
    if (!here->second.legs.empty() || at - here->second.empty_since < kEmptyFor) continue;
    const auto room = here->first;
    end(here, "everybody-left");
    rooms_->set_recording(room, false);
  }
  std::vector<std::string> going_on;
  for (const auto& [room, active] : active_) going_on.push_back(active.id);
  health_.look(recorder_->stats(), going_on);
  delivery_->on_timer(at);
  if (at >= next_look_) {
    next_look_ = at + kLook;
    if (disk_low_) recorder_->check_space();
    recorder_->post([this] { complete_the_rest(); });
  }
  if (at < next_retention_) return;
  next_retention_ = at + kRetention;
  if (settings_.keep_days == 0 && settings_.max_gb == 0) return;
  const recording::Retention keep{static_cast<std::int64_t>(settings_.keep_days),
                                  settings_.max_gb * 1'000'000'000};
  recorder_->post([this, keep] {
    if (auto* found = catalogue()) found->retain(keep, wall_ms());
  });
}

// --- RoomWatcher

bool RecordingControl::leg_joined(const Arrival& arrival) {
  const auto found = active_.find(arrival.room);
  if (found != active_.end()) {
    take_in(found->second, arrival.who, arrival.leg, arrival.media);
    return true;
  }
  if ((!settings_.automatic && !arrival.record) || declined_.contains(arrival.room)) return false;
  if (disk_low_) {
    waiting_.insert(arrival.room);
    return false;
  }
  return begin(arrival.room).ok();
}

void RecordingControl::leg_gone(LegId leg) {
  for (auto& [room, active] : active_) {
    if (active.legs.erase(leg) == 0) continue;
    active.refusing.erase(leg);
    recorder_->detach(leg);
    if (active.legs.empty()) active.empty_since = now();
  }
}

void RecordingControl::participant_left(const std::string& room, const room::ParticipantId& who) {
  const auto found = active_.find(room);
  if (found == active_.end()) return;
  recorder_->note(found->second.id, [at = now(), who](Recording& r) { r.left(at, who); });
}

void RecordingControl::participant_muted(const std::string& room, const room::ParticipantId& who, LegId leg,
                                         bool muted) {
  const auto found = active_.find(room);
  if (found == active_.end()) return;
  const auto roster = rooms_->roster(room);
  const bool consents = roster && std::any_of(roster->begin(), roster->end(),
                                              [&](const auto& p) { return p.id == who && p.consent; });
  if (leg != LegId::none && consents) recorder_->set_muted(leg, muted);
  recorder_->note(found->second.id, [at = now(), who, muted](Recording& r) { r.muted(at, who, muted); });
}

void RecordingControl::participant_talking(const std::string& room, const room::ParticipantId& who,
                                           bool talking) {
  const auto found = active_.find(room);
  if (found == active_.end()) return;
  recorder_->note(found->second.id,
                  [at = now(), who, talking](Recording& r) { r.talking(at, who, talking); });
}

void RecordingControl::room_closed(const std::string& room) {
  declined_.erase(room);
  waiting_.erase(room);
  if (const auto found = active_.find(room); found != active_.end()) end(found, "room-closed");
}

// --- Reading

void RecordingControl::ask(std::function<Result<std::string>(recording::Catalogue&)> work,
                           const Text& answer) {
  const bool posted = recorder_->post([this, work = std::move(work), answer] {
    auto* found = catalogue();
    auto result = found != nullptr ? work(*found) : Error{"recording.directory cannot be used", 503};
    post_([answer, result = std::move(result)] { answer(result); });
  });
  if (!posted) answer(overloaded());
}

void RecordingControl::list(const signaling::RecordingQuery& query, Text answer) {
  ask(
      [query](recording::Catalogue& all) -> Result<std::string> {
        store::RecordingFilter filter;
        filter.room = query.room;
        filter.state = query.state;
        filter.from_ms = query.from_ms;
        filter.to_ms = query.to_ms;
        filter.limit = query.limit;
        filter.offset = query.offset;
        const auto page = all.list(filter);
        if (!page) return Error{page.error().what, 500};
        json::array rows;
        for (const auto& row : page->rows) rows.push_back(to_json(row));
        return json::serialize(json::object{{"recordings", std::move(rows)}, {"total", page->total}});
      },
      answer);
}

void RecordingControl::show(const std::string& id, Text answer) {
  ask(
      [id](recording::Catalogue& all) -> Result<std::string> {
        const auto row = all.find(id);
        const auto manifest = row ? all.manifest(*row) : std::nullopt;
        if (!manifest) return not_found();
        return json::serialize(recording::to_json(*manifest));
      },
      answer);
}

void RecordingControl::picture(const std::string& id, Text answer) {
  ask(
      [id](recording::Catalogue& all) -> Result<std::string> {
        const auto row = all.find(id);
        const auto manifest = row ? all.manifest(*row) : std::nullopt;
        if (!manifest) return not_found();
        return recorder::to_svg(recorder::draw(recording::timeline_of(*manifest)));
      },
      answer);
}

void RecordingControl::remove(const std::string& id, Text answer) {
  if (delivery_->handing_over(id)) return answer(Error{"recording.hook is at work on it", 409});
  ask(
      [id](recording::Catalogue& all) -> Result<std::string> {
        const auto row = all.find(id);
        if (!row) return not_found();
        if (row->state == "recording") return Error{"it is being recorded: stop it first", 409};
        if (!all.remove(id)) return Error{"it could not be deleted", 500};
        return std::string();
      },
      answer);
}

namespace {

struct Opened {
  std::shared_ptr<recording::ReadFile> file;
  std::shared_ptr<recording::ZipStream> zip;
  std::string name, type, checksum;
};

Result<Opened> open_one(const recording::Catalogue& all, const store::RecordingRow& row,
                        const recording::Manifest& manifest, const std::string& file) {
  const recording::TrackInfo* info = file == manifest.mixdown.file ? &manifest.mixdown : nullptr;
  for (const auto& track : manifest.tracks)
    if (track.file == file) info = &track;
  Opened out;
  if (info != nullptr) out.file = all.open_file(row, info->file);
  if (out.file == nullptr) return Error{"the recording has no such file", 404};
  out.name = row.id + "-" + file.substr(file.rfind('/') + 1);
  out.type = file.ends_with(".opus") ? "audio/ogg; codecs=opus" : "audio/ogg; codecs=flac";
  out.checksum = info->crc32;
  return out;
}

Result<Opened> open_zip(const recording::Catalogue& all, const store::RecordingRow& row,
                        const recording::Manifest& manifest) {
  std::vector<recording::ZipStream::Entry> entries;
  const auto add = [&](const std::string& file) {
    if (auto opened = all.open_file(row, file)) entries.push_back({row.id + "/" + file, std::move(opened)});
  };
  add("recording.json");
  if (!manifest.mixdown.file.empty()) add(manifest.mixdown.file);
  for (const auto& track : manifest.tracks) add(track.file);
  Opened out;
  out.zip = recording::ZipStream::make(std::move(entries));
  if (out.zip == nullptr) return Error{"it is too large for a zip file: fetch its tracks one by one", 413};
  out.name = row.id + ".zip";
  out.type = "application/zip";
  return out;
}

}  // namespace

void RecordingControl::open(const std::string& id, const std::string& file, Body answer) {
  const bool posted = recorder_->post([this, id, file, answer] {
    auto* all = catalogue();
    const auto row = all != nullptr ? all->find(id) : std::nullopt;
    const auto manifest = row ? all->manifest(*row) : std::nullopt;
    Result<Opened> opened = !manifest       ? Result<Opened>(not_found())
                            : file == "zip" ? open_zip(*all, *row, *manifest)
                                            : open_one(*all, *row, *manifest, file);
    post_([this, answer, opened = std::move(opened)] {
      if (!opened) return answer(opened.error());
      const auto source = std::make_shared<signaling::BodySource>();
      source->size = opened->zip ? opened->zip->size() : opened->file->size();
      source->read = [this, from = opened.value()](std::uint64_t at, std::size_t max,
                                                   signaling::BodySource::Part done) {
        const bool asked = recorder_->post([this, from, at, max, done] {
          auto part = from.zip ? from.zip->next(max) : from.file->read(at, max);
          post_([done, part = std::move(part)]() mutable { done(std::move(part)); });
        });
        if (!asked) done(std::nullopt);
      };
      answer(signaling::RecordingBody{source, opened->type, opened->name, opened->checksum, !opened->zip});
    });
  });
  if (!posted) answer(overloaded());
}

}  // namespace parley::app
