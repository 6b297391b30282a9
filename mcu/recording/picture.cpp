#include "mcu/recording/picture.hpp"

#include <algorithm>
#include <ctime>

namespace parley::recording {
namespace {

std::string title_of(const Manifest& m) {
  const auto seconds = static_cast<std::time_t>(m.started_ms / 1'000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char when[40] = "";
  std::strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return m.room + " \u00b7 " + when;
}

}  // namespace

recorder::Timeline timeline_of(const Manifest& m) {
  recorder::Timeline out;
  out.title = title_of(m);
  out.duration_ms = m.duration_ms;
  const auto end = [&](std::int64_t ms) { return ms < 0 ? m.duration_ms : ms; };
  std::vector<const Person*> lanes;  // one of each id: who comes back goes on in the same lane
  for (const auto& person : m.people) {
    const auto same =
        std::find_if(lanes.begin(), lanes.end(), [&](const auto* p) { return p->id == person.id; });
    if (same == lanes.end()) lanes.push_back(&person);
  }
  for (const auto* person : lanes) {
    recorder::Timeline::Lane lane;
    lane.name = person->name;
    lane.recorded = person->consent;
    for (const auto& p : m.people)
      if (p.id == person->id) lane.present.push_back({p.joined_ms, end(p.left_ms)});
    for (const auto& talk : m.talks)
      if (talk.participant == person->id) lane.talks.push_back({talk.from_ms, end(talk.to_ms)});
    for (const auto& mute : m.mutes) {
      if (mute.participant != person->id) continue;
      const bool open = !lane.mutes.empty() && lane.mutes.back().to_ms < 0;
      if (mute.muted && !open) lane.mutes.push_back({mute.at_ms, -1});
      if (!mute.muted && open) lane.mutes.back().to_ms = mute.at_ms;
    }
    if (!lane.mutes.empty()) lane.mutes.back().to_ms = end(lane.mutes.back().to_ms);
    for (const auto& track : m.tracks)
      if (track.participant == person->id && !track.levels.empty())
        lane.levels.push_back({track.levels_step_ms, track.levels});
    out.lanes.push_back(std::move(lane));
  }
  for (const auto& trouble : m.troubles) out.troubles.push_back({trouble.from_ms, end(trouble.to_ms)});
  return out;
}

}  // namespace parley::recording
