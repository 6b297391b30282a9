#include "mcu/app/quality_control.hpp"

#include <algorithm>
#include <filesystem>

#include "mcu/signaling/quality_json.hpp"
#include "transport/base/log.hpp"

namespace parley::app {
namespace {

using quality::Sample;

constexpr std::int64_t kDayMs = 24 * 3'600'000;
constexpr std::size_t kBatch = 1'000;           // rows of one write
constexpr std::size_t kMostWritesUnderWay = 4;  // of a disk that does not answer
constexpr Duration kTidyEvery = 1min;
constexpr int kStaleAfter = 3;  // intervals

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Codec codec_of(const std::string& name) {
  return name == "PCMU" ? Codec::pcmu : name == "PCMA" ? Codec::pcma : Codec::opus;
}

std::uint64_t grown(std::uint64_t now, std::uint64_t before) {
  return now > before ? now - before : 0;
}

const quality::Trouble* trouble_of(const std::vector<quality::Trouble>& troubles, const Sample& sample,
                                   bool uplink) {
  const std::string direction = sample.is_direct() ? "direct" : uplink ? "uplink" : "downlink";
  for (const auto& one : troubles)
    if (one.participant == sample.participant && one.direction == direction) return &one;
  for (const auto& one : troubles)
    if (one.participant.empty()) return &one;
  return nullptr;
}

}  // namespace

// On disk.
struct QualityControl::Log {
  std::string path;
  std::unique_ptr<store::QualityLog> log;

  Result<store::QualityLog*> get() {
    if (log) return log.get();
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    auto opened = store::QualityLog::open(path);
    if (!opened) return opened.error();
    log = std::move(*opened);
    return log.get();
  }
  Status put(const std::vector<Sample>& rows, const settings::Settings::Quality& settings) {
    const auto open = get();
    if (!open) return open.error();
    auto done = (*open)->put(rows);
    if (done) done = forget(settings);
    if (!done) log.reset();  // it may have been moved, or mended by the next time
    return done;
  }
  Status forget(const settings::Settings::Quality& settings) {
    std::error_code ignored;
    if (!log && !std::filesystem::exists(path, ignored)) return Done{};
    const auto open = get();
    if (!open) return open.error();
    const auto gone = (*open)->forget(wall_ms() - static_cast<std::int64_t>(settings.keep_days) * kDayMs,
                                      static_cast<std::int64_t>(settings.max_mb) << 20);
    return gone ? Status(Done{}) : Status(gone.error());
  }
  Result<std::string> list(const store::QualityFilter& filter) {
    const auto open = get();
    if (!open) return open.error();
    const auto page = (*open)->list(filter);
    if (!page) return page.error();
    std::vector<std::pair<std::int64_t, Sample>> rows;
    for (const auto& row : page->rows) rows.emplace_back(row.id, row.sample);
    return signaling::quality_page(rows, page->more);
  }
};

QualityControl::QualityControl(const settings::Settings& settings, recording::Recorder& recorder,
                               PostToCtl post, room::RoomService& rooms, MediaPlane& media)
    : settings_(settings.quality),
      log_(std::make_shared<Log>()),
      recorder_(recorder),
      post_(std::move(post)),
      rooms_(rooms),
      media_(media) {
  log_->path = settings.recording.directory + "/quality.db";
}

QualityControl::~QualityControl() = default;

void QualityControl::on_timer(TimePoint at) {
  measure_server(at);
  const auto steps = static_cast<std::uint64_t>(std::max<std::int64_t>(settings_.interval / kStep, 1));
  const auto turn = step_++ % steps;
  for (const auto& room : rooms_.rooms(at)) {
    if (room.participants == 0 || std::hash<std::string>{}(room.name) % steps != turn) continue;
    const auto media = rooms_.media_room(room.name);
    if (!media || *media == RoomId::none) continue;
    media_.receivers(*media, [this, alive = std::weak_ptr(alive_), name = room.name,
                              at](const std::vector<MediaPlane::ReceiverReport>& legs) {
      if (!alive.expired()) note_room(at, name, legs);
    });
  }
  if (at >= next_flush_ || pending_.size() >= kBatch) {
    next_flush_ = at + settings_.interval;
    flush();
  }
  tidy(at);
}

// Who has left is forgotten, and so is what has been kept long enough.
void QualityControl::tidy(TimePoint at) {
  const Duration stale = kStaleAfter * settings_.interval;
  std::erase_if(meters_, [&](const auto& entry) { return at - entry.second.last() > stale; });
  std::erase_if(latest_, [&](const auto& entry) { return at - entry.second.at > stale; });
  watch_.forget(wall_ms() - stale / 1ms);
  if (at < next_tidy_) return;
  next_tidy_ = at + kTidyEvery;
  recorder_.post([log = log_, settings = settings_] { static_cast<void>(log->forget(settings)); });
}

void QualityControl::measure_server(TimePoint at) {
  if (at < next_measure_) return;
  next_measure_ = at + settings_.interval;
  quality::ServerLoad total;
  for (const auto& mix : media_.mix_stats()) {
    total.ticks += mix.ticks;
    total.skipped_ticks += mix.skipped_ticks;
    total.dropped += mix.packets_dropped;
  }
  const auto legs = media_.leg_stats();
  total.packets = legs.traffic.packets_in + legs.traffic.packets_out;
  total.dropped += legs.frames_dropped;
  load_.ticks = grown(total.ticks, load_before_.ticks);
  load_.skipped_ticks = grown(total.skipped_ticks, load_before_.skipped_ticks);
  load_.packets = grown(total.packets, load_before_.packets);
  load_.dropped = grown(total.dropped, load_before_.dropped);
  load_before_ = total;
}

void QualityControl::note_room(TimePoint at, const std::string& room,
                               const std::vector<MediaPlane::ReceiverReport>& legs) {
  const auto people = rooms_.quality(room);
  if (!people) return;
  auto& latest = latest_[room];
  const TimePoint last = std::exchange(latest.at, at);
  latest.samples.clear();
  for (const auto& who : *people) {
    const auto put = [&](Sample sample) {
      sample.at_ms = wall_ms();
      sample.room = room;
      sample.participant = who.id;
      sample.name = who.name;
      latest.samples.push_back(std::move(sample));
    };
    if (!who.connected) continue;
    const auto leg =
        std::find_if(legs.begin(), legs.end(), [&](const auto& report) { return report.first == who.leg; });
    put(mcu_sample(at, who, leg == legs.end() ? nullptr : &leg->second));
    if (who.direct_report && who.direct_report->at > last) put(direct_sample(*who.direct_report, who.codec));
  }
  latest.troubles = quality::diagnose(latest.samples, load_);
  for (const auto& sample : latest.samples) {
    count(sample);
    tell(sample, latest.troubles);
    pending_.push_back(sample);
  }
}

Sample QualityControl::mcu_sample(TimePoint at, const room::ParticipantQuality& who,
                                  const media::ReceiverStats* receiver) {
  const auto& t = who.traffic;
  quality::LegTotals totals{t.packets_in, t.packets_out,  t.lost_in,       t.lost_out,     t.bytes_in,
                            t.bytes_out,  t.jitter_in_ms, t.jitter_out_ms, t.round_trip_ms};
  if (receiver != nullptr) {
    totals.has_receiver = true;
    totals.concealed_samples = receiver->concealed_samples;
    totals.fec = receiver->fec;
    totals.delay_ms = to_ms(receiver->delay);
    totals.target_ms = to_ms(receiver->target);
  }
  Sample out;
  out.path = who.carrier == Carrier::udp ? quality::kMcuUdp : quality::kMcuWebSocket;
  std::optional<quality::ClientSays> client;
  const auto& told = who.mcu_report;
  if (told && at - told->at <= kStaleAfter * settings_.interval)
    client = {told->received_loss, told->recovered, told->delay_ms, told->target_ms, told->concealed_ms};
  if (out.path == quality::kMcuUdp) {
    out.local = who.address;
    if (client) out.remote = told->remote;
  }
  meters_[who.leg].read(at, codec_of(who.codec), totals, client, out);
  return out;
}

Sample QualityControl::direct_sample(const room::PathReport& report, const std::string& codec) {
  Sample out;
  out.path = quality::kDirect;
  out.peer = report.peer;
  out.local = report.local;
  out.remote = report.remote;
  out.round_trip_ms = report.round_trip_ms;
  out.uplink.loss = report.sent_loss;
  out.uplink.jitter_ms = report.sent_jitter_ms;
  out.uplink.kbps = report.sent_kbps;
  auto& down = out.downlink;
  down.loss = report.received_loss;
  down.recovered = report.recovered;
  down.jitter_ms = report.received_jitter_ms;
  down.kbps = report.received_kbps;
  down.delay_ms = report.delay_ms;
  down.target_ms = report.target_ms;
  down.concealed_ms = report.concealed_ms;
  judge(out.uplink, codec_of(codec), report.round_trip_ms);
  judge(down, codec_of(codec), report.round_trip_ms);
  return out;
}

void QualityControl::count(const Sample& sample) {
  const auto add = [](MosTotals& totals, double mos) {
    if (mos < 0) return;
    const auto bound = std::lower_bound(kMosBounds.begin(), kMosBounds.end(), mos);
    ++totals.counts[static_cast<std::size_t>(bound - kMosBounds.begin())];
    totals.sum += mos;
  };
  if (sample.is_direct()) return add(totals_.direct, sample.downlink.mos);  // the peer tells of the other way
  add(totals_.uplink, sample.uplink.mos);
  add(totals_.downlink, sample.downlink.mos);
}

void QualityControl::tell(const Sample& sample, const std::vector<quality::Trouble>& troubles) {
  Sample watched = sample;
  if (sample.is_direct()) watched.uplink.mos = -1;  // the peer tells of it, as what it hears
  for (const auto& change : watch_.take(watched, settings_.alarm_mos)) {
    room::QualityAlarm alarm;
    alarm.participant = sample.participant;
    alarm.path = sample.path;
    alarm.direction = change.uplink ? "uplink" : "downlink";
    alarm.bad = change.bad;
    alarm.mos = change.mos;
    const auto* trouble = change.bad ? trouble_of(troubles, sample, change.uplink) : nullptr;
    alarm.text = trouble != nullptr ? trouble->text
                                    : "the " + alarm.direction + " of " + sample.name + " is " +
                                          (change.bad ? "bad" : "good again");
    log::info("room {}: {} ({}, {}) has become {}, MOS {:.1f}: {}", log::printable(sample.room, 64),
              sample.participant, alarm.direction, alarm.path, change.bad ? "bad" : "good", change.mos,
              log::printable(alarm.text, 300));
    rooms_.quality_alarm(sample.room, alarm);
  }
}

signaling::QualityNow QualityControl::now_of(const std::string& room) const {
  const auto found = latest_.find(room);
  if (found == latest_.end()) return {};
  return {found->second.samples, found->second.troubles};
}

QualityControl::Totals QualityControl::totals() const {
  Totals out = totals_;
  out.bad = watch_.bad();
  return out;
}

// --- The log

void QualityControl::flush() {
  auto rows = std::exchange(pending_, {});
  if (rows.empty() || settings_.keep_days == 0) return;
  const std::size_t count = rows.size();
  if (recorder_.stats().disk_low)
    return written(count, Error{"less than recording.min_free_mb is free, nothing is written"});
  if (writes_under_way_ >= kMostWritesUnderWay) return written(count, Error{"the disk does not answer"});
  ++writes_under_way_;
  const bool posted = recorder_.post([this, alive = std::weak_ptr(alive_), log = log_, post = post_, count,
                                      rows = std::move(rows), settings = settings_] {
    post([this, alive, count, done = log->put(rows, settings)] {
      if (alive.expired()) return;
      --writes_under_way_;
      written(count, done);
    });
  });
  if (posted) return;
  --writes_under_way_;
  written(count, Error{"the disk thread is overloaded"});
}

void QualityControl::written(std::size_t rows, const Status& done) {
  (done ? totals_.rows_written : totals_.rows_lost) += rows;
  const std::string trouble = done ? "" : done.error().what;
  if (trouble.empty() != trouble_.empty()) {
    if (done)
      log::info("quality log: written again");
    else
      log::warn("quality log: {}", trouble);
  }
  trouble_ = trouble;
}

std::vector<std::string> QualityControl::troubles() const {
  if (trouble_.empty()) return {};
  return {"the quality log is not written: " + trouble_};
}

void QualityControl::list(const signaling::QualityQuery& query,
                          std::function<void(Result<std::string>)> answer) {
  store::QualityFilter filter;
  filter.room = query.room;
  filter.participant = query.participant;
  filter.path = query.path;
  filter.from_ms = query.from_ms;
  filter.to_ms = query.to_ms;
  filter.before_id = query.before_id;
  filter.limit = query.limit;
  const bool posted = recorder_.post([log = log_, filter, answer, post = post_] {
    post([answer, text = log->list(filter)] { answer(text); });
  });
  if (!posted) answer(Error{"the server is overloaded: try again"});
}

}  // namespace parley::app
