#include "mcu/recording/manifest.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "pipelines/recorder/sound_meter.hpp"

namespace parley::recording {
namespace {

namespace json = boost::json;

constexpr std::int64_t kVersion = 1;
constexpr std::int64_t kMaxStep = 3'600'000;
constexpr std::int64_t kSilent = 127;
constexpr std::size_t kMaxBytes = 64 * 1024 * 1024;

template <typename List, typename Make>
json::array list_of(const List& list, Make make) {
  json::array out;
  out.reserve(list.size());
  for (const auto& entry : list) out.push_back(make(entry));
  return out;
}

json::object to_json(const TrackInfo& t) {
  json::object out{{"file", t.file}, {"codec", t.codec}};
  if (!t.participant.empty()) out["participant"] = t.participant;
  out["offset_ms"] = t.offset_ms;
  out["duration_ms"] = t.duration_ms;
  out["bytes"] = t.bytes;
  if (t.dropped > 0) out["dropped"] = t.dropped;
  if (!t.crc32.empty()) out["crc32"] = t.crc32;
  if (t.loudness_lufs) out["loudness_lufs"] = *t.loudness_lufs;
  if (!t.levels.empty()) {
    out["levels_step_ms"] = t.levels_step_ms;
    out["levels"] = list_of(t.levels, [](std::uint8_t level) { return static_cast<std::int64_t>(level); });
  }
  if (t.participant.empty()) return out;
  out["packets"] = t.packets;
  out["lost"] = t.lost;
  out["late"] = t.late;
  out["refused"] = t.refused;
  out["corrected"] = t.corrected;
  out["worst_ms"] = t.worst_ms;
  return out;
}

json::value time_or_null(std::int64_t ms) {
  return ms < 0 ? json::value(nullptr) : json::value(ms);
}

// Members that are missing or of another type count as not given.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}
  std::string text(std::string_view name) const {
    const auto* value = object_.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
  }
  std::int64_t number(std::string_view name, std::int64_t otherwise = 0) const {
    const auto* value = object_.if_contains(name);
    return value != nullptr && value->is_int64() ? value->as_int64() : otherwise;
  }
  double real(std::string_view name) const {
    const auto* value = object_.if_contains(name);
    json::error_code error;
    const double number = value != nullptr ? value->to_number<double>(error) : 0;
    return error ? 0 : number;
  }
  bool flag(std::string_view name, bool otherwise) const {
    const auto* value = object_.if_contains(name);
    return value != nullptr && value->is_bool() ? value->as_bool() : otherwise;
  }
  template <typename Use>
  void each(std::string_view name, Use use) const {
    const auto* value = object_.if_contains(name);
    if (value == nullptr || !value->is_array()) return;
    for (const auto& entry : value->as_array())
      if (entry.is_object()) use(Reader(entry.as_object()));
  }
  const json::value* value(std::string_view name) const { return object_.if_contains(name); }
  const json::object* object(std::string_view name) const {
    const auto* value = object_.if_contains(name);
    return value != nullptr ? value->if_object() : nullptr;
  }

 private:
  const json::object& object_;
};

TrackInfo read_track(const Reader& r) {
  TrackInfo t;
  t.file = r.text("file");
  t.participant = r.text("participant");
  t.codec = r.text("codec");
  t.offset_ms = r.number("offset_ms");
  t.duration_ms = r.number("duration_ms");
  t.bytes = r.number("bytes");
  t.crc32 = r.text("crc32");
  t.packets = r.number("packets");
  t.lost = r.number("lost");
  t.late = r.number("late");
  t.refused = r.number("refused");
  t.dropped = r.number("dropped");
  t.corrected = r.number("corrected");
  t.worst_ms = r.real("worst_ms");
  if (const auto* lufs = r.value("loudness_lufs"); lufs != nullptr && lufs->is_number())
    t.loudness_lufs = r.real("loudness_lufs");
  t.levels_step_ms = std::clamp<std::int64_t>(r.number("levels_step_ms"), 0, kMaxStep);
  const auto* levels = r.value("levels");
  if (levels == nullptr || !levels->is_array() || t.levels_step_ms == 0) return t;
  for (const auto& level : levels->as_array()) {
    if (t.levels.size() == recorder::SoundMeter::kMaxLevels) break;
    const auto below = level.is_int64() ? level.as_int64() : kSilent;
    t.levels.push_back(static_cast<std::uint8_t>(std::clamp<std::int64_t>(below, 0, kSilent)));
  }
  return t;
}

bool is_id_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

bool valid_id(std::string_view id) {
  return !id.empty() && id.size() <= 32 && std::all_of(id.begin(), id.end(), is_id_character);
}

bool valid_track_file(std::string_view file) {
  constexpr std::string_view kFolder = "tracks/";
  if (!file.starts_with(kFolder) || file.size() > 80) return false;
  if (!file.ends_with(".opus") && !file.ends_with(".oga")) return false;
  const auto name = file.substr(kFolder.size(), file.rfind('.') - kFolder.size());
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_id_character(c) || c == '-'; });
}

json::object to_json(const Manifest& m) {
  json::object out{{"version", kVersion}, {"id", m.id}, {"room", m.room}, {"state", m.state}};
  if (!m.reason.empty()) out["reason"] = m.reason;
  out["started_ms"] = m.started_ms;
  out["duration_ms"] = m.duration_ms;
  out["participants"] = list_of(m.people, [](const Person& p) {
    return json::object{{"id", p.id},
                        {"name", p.name},
                        {"consent", p.consent},
                        {"joined_ms", p.joined_ms},
                        {"left_ms", time_or_null(p.left_ms)}};
  });
  if (!m.mixdown.file.empty()) out["mixdown"] = to_json(m.mixdown);
  out["tracks"] = list_of(m.tracks, [](const TrackInfo& t) { return to_json(t); });
  out["talks"] = list_of(m.talks, [](const Talk& t) {
    return json::object{
        {"participant", t.participant}, {"from_ms", t.from_ms}, {"to_ms", time_or_null(t.to_ms)}};
  });
  out["mutes"] = list_of(m.mutes, [](const Mute& t) {
    return json::object{{"participant", t.participant}, {"at_ms", t.at_ms}, {"muted", t.muted}};
  });
  out["troubles"] = list_of(m.troubles, [](const Trouble& t) {
    return json::object{{"what", t.what}, {"from_ms", t.from_ms}, {"to_ms", time_or_null(t.to_ms)}};
  });
  if (m.deliveries.empty()) return out;
  out["deliveries"] = list_of(m.deliveries, [](const Delivery& d) {
    json::object one{{"kind", d.kind}, {"state", d.state}, {"attempts", d.attempts}};
    if (!d.cause.empty()) one["cause"] = d.cause;
    return one;
  });
  return out;
}

std::optional<Manifest> read_manifest(std::string_view text) {
  if (text.size() > kMaxBytes) return std::nullopt;
  json::parse_options options;
  options.max_depth = 8;
  json::error_code error;
  const auto parsed = json::parse(text, error, {}, options);
  if (error || !parsed.is_object()) return std::nullopt;
  const Reader r(parsed.as_object());
  Manifest m;
  m.id = r.text("id");
  m.room = r.text("room");
  if (r.number("version") != kVersion || !valid_id(m.id)) return std::nullopt;
  m.state = r.text("state");
  if (m.state != "finished" && m.state != "interrupted") m.state = "recording";
  m.reason = r.text("reason");
  m.started_ms = r.number("started_ms");
  m.duration_ms = r.number("duration_ms");
  r.each("participants", [&](const Reader& p) {
    m.people.push_back({p.text("id"), p.text("name"), p.flag("consent", true), p.number("joined_ms"),
                        p.number("left_ms", -1)});
  });
  if (const auto* mixdown = r.object("mixdown")) m.mixdown = read_track(Reader(*mixdown));
  if (m.mixdown.file != "mixdown.opus") m.mixdown = {};
  r.each("tracks", [&](const Reader& t) {
    if (auto track = read_track(t); valid_track_file(track.file)) m.tracks.push_back(std::move(track));
  });
  r.each("talks", [&](const Reader& t) {
    m.talks.push_back({t.text("participant"), t.number("from_ms"), t.number("to_ms", -1)});
  });
  r.each("mutes", [&](const Reader& t) {
    m.mutes.push_back({t.text("participant"), t.number("at_ms"), t.flag("muted", false)});
  });
  r.each("troubles", [&](const Reader& t) {
    m.troubles.push_back({t.text("what"), t.number("from_ms"), t.number("to_ms", -1)});
  });
  r.each("deliveries", [&](const Reader& d) {
    if (m.deliveries.size() < 2 && (d.text("kind") == "webhook" || d.text("kind") == "hook"))
      m.deliveries.push_back({d.text("kind"), d.text("state"), d.number("attempts"), d.text("cause")});
  });
  return m;
}

store::RecordingRow to_row(const Manifest& m) {
  store::RecordingRow row;
  row.id = m.id;
  row.room = m.room;
  row.folder = m.folder;
  row.state = m.state;
  row.started_ms = m.started_ms;
  row.duration_ms = m.duration_ms;
  row.bytes = m.mixdown.bytes;
  for (const auto& track : m.tracks) row.bytes += track.bytes;
  row.participants = static_cast<std::int64_t>(m.people.size());
  row.tracks = static_cast<std::int64_t>(m.tracks.size());
  for (const auto& delivery : m.deliveries) {
    if (row.delivery.empty()) row.delivery = "done";
    if (delivery.state == "pending") row.delivery = "pending";
    if (delivery.state == "failed" && row.delivery != "pending") row.delivery = "failed";
  }
  return row;
}

}  // namespace parley::recording
