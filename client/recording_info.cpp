#include "client/recording_info.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <ctime>

#include "client/text.hpp"

namespace parley::client {

namespace {

namespace json = boost::json;

constexpr std::size_t kMaxText = 64 * 1024 * 1024;
constexpr std::int64_t kMaxMs = 400LL * 86'400'000;

class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}
  std::string text(std::string_view name) const {
    const auto* value = object_.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
  }
  // Moments and lengths: not negative, and not longer than a year.
  std::int64_t ms(std::string_view name, std::int64_t otherwise = 0) const {
    const auto* value = object_.if_contains(name);
    return value != nullptr && value->is_int64() ? std::clamp<std::int64_t>(value->as_int64(), 0, kMaxMs)
                                                 : otherwise;
  }
  std::int64_t integer(std::string_view name) const {
    const auto* value = object_.if_contains(name);
    return value != nullptr && value->is_int64() ? value->as_int64() : 0;
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

 private:
  const json::object& object_;
};

bool plain(std::string_view text) {
  return !text.empty() && text.size() <= 100 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}
bool valid_file(std::string_view file) {
  constexpr std::string_view kFolder = "tracks/";
  if (file == "mixdown.opus") return true;
  if (!file.starts_with(kFolder) || !(file.ends_with(".opus") || file.ends_with(".oga"))) return false;
  return plain(file.substr(kFolder.size(), file.rfind('.') - kFolder.size()));
}

RecordedFile read_file(const Reader& r) {
  RecordedFile out;
  out.file = r.text("file");
  out.participant = r.text("participant");
  out.duration_ms = r.ms("duration_ms");
  out.levels_step_ms = r.ms("levels_step_ms");
  if (const auto* list = r.value("levels"); list != nullptr && list->is_array() && out.levels_step_ms > 0)
    for (const auto& level : list->as_array())
      out.levels.push_back(level.is_int64()
                               ? static_cast<std::uint8_t>(std::clamp<std::int64_t>(level.as_int64(), 0, 127))
                               : std::uint8_t{127});
  return out;
}

// Pairs of "muted at", "not muted at" become spans.
std::vector<RecordedTime> read_mutes(const Reader& r, std::int64_t end) {
  std::vector<RecordedTime> out;
  r.each("mutes", [&](const Reader& m) {
    const auto who = m.text("participant");
    const auto open = std::find_if(out.rbegin(), out.rend(), [&](const RecordedTime& t) {
      return t.participant == who && t.span.to_ms < 0;
    });
    if (m.flag("muted", false)) {
      if (open == out.rend()) out.push_back({who, {m.ms("at_ms"), -1}});
    } else if (open != out.rend()) {
      open->span.to_ms = m.ms("at_ms");
    }
  });
  for (auto& mute : out)
    if (mute.span.to_ms < 0) mute.span.to_ms = end;
  return out;
}

}  // namespace

const RecordedPerson* RecordingInfo::person(std::string_view wanted) const {
  const auto found =
      std::find_if(people.begin(), people.end(), [&](const auto& p) { return p.id == wanted; });
  return found == people.end() ? nullptr : &*found;
}

std::optional<RecordingInfo> read_recording_info(std::string_view text) {
  if (text.size() > kMaxText) return std::nullopt;
  json::parse_options options;
  options.max_depth = 8;
  json::error_code error;
  const auto parsed = json::parse(text, error, {}, options);
  if (error || !parsed.is_object()) return std::nullopt;
  const Reader r(parsed.as_object());
  RecordingInfo out;
  out.id = r.text("id");
  if (!plain(out.id)) return std::nullopt;
  out.room = r.text("room");
  out.state = r.text("state");
  out.started_ms = r.integer("started_ms");
  out.duration_ms = r.ms("duration_ms");
  r.each("participants", [&](const Reader& p) {
    out.people.push_back(
        {p.text("id"), p.text("name"), p.flag("consent", true), p.ms("joined_ms"), p.ms("left_ms", -1)});
  });
  if (const auto* mixdown = r.value("mixdown"); mixdown != nullptr && mixdown->is_object()) {
    auto file = read_file(Reader(mixdown->as_object()));
    if (file.file == "mixdown.opus") out.mixdown = std::move(file);
  }
  r.each("tracks", [&](const Reader& t) {
    if (auto file = read_file(t); valid_file(file.file) && file.file != "mixdown.opus")
      out.tracks.push_back(std::move(file));
  });
  r.each("talks", [&](const Reader& t) {
    out.talks.push_back({t.text("participant"), {t.ms("from_ms"), t.ms("to_ms", out.duration_ms)}});
  });
  out.mutes = read_mutes(r, out.duration_ms);
  r.each("troubles", [&](const Reader& t) {
    out.troubles.push_back({t.ms("from_ms"), t.ms("to_ms", out.duration_ms)});
  });
  return out;
}

Result<std::vector<std::string>> participants_called(const RecordingInfo& info, const std::string& who) {
  std::vector<std::string> out;
  for (const auto& person : info.people)
    if (person.id == who || person.name == who) out.push_back(person.id);
  if (!out.empty()) return out;
  std::string known;
  for (std::size_t i = 0; i < std::min<std::size_t>(info.people.size(), 20); ++i)
    known += (i == 0 ? "" : ", ") + terminal_text(info.people[i].name, 40);
  return Error{"nobody called \"" + who + "\" is in this recording; there " +
               (info.people.size() == 1 ? "is: " : "are: ") + (known.empty() ? "none" : known)};
}

recorder::Timeline timeline_of(const RecordingInfo& info) {
  recorder::Timeline out;
  const auto seconds = static_cast<std::time_t>(info.started_ms / 1'000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char when[40] = "";
  std::strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &utc);
  out.title = info.room + " \u00b7 " + when;
  out.duration_ms = info.duration_ms;
  out.troubles = info.troubles;
  for (const auto& person : info.people) {
    // Who comes back under the same id goes on in the same lane.
    const auto lane_of = [&] {
      const auto same = std::find_if(info.people.begin(), info.people.end(),
                                     [&](const auto& p) { return p.id == person.id; });
      return &*same == &person;
    };
    if (!lane_of()) continue;
    recorder::Timeline::Lane lane;
    lane.name = person.name;
    lane.recorded = person.consent;
    for (const auto& p : info.people)
      if (p.id == person.id)
        lane.present.push_back({p.joined_ms, p.left_ms < 0 ? info.duration_ms : p.left_ms});
    for (const auto& talk : info.talks)
      if (talk.participant == person.id) lane.talks.push_back(talk.span);
    for (const auto& mute : info.mutes)
      if (mute.participant == person.id) lane.mutes.push_back(mute.span);
    for (const auto& track : info.tracks)
      if (track.participant == person.id && !track.levels.empty())
        lane.levels.push_back({track.levels_step_ms, track.levels});
    out.lanes.push_back(std::move(lane));
  }
  return out;
}

}  // namespace parley::client
