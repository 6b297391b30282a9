// How calls are, and how they were: a room's figures with the diagnosis, and the log.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>

#include "mcu/signaling/problem.hpp"
#include "mcu/signaling/quality_json.hpp"
#include "mcu/signaling/query.hpp"
#include "mcu/signaling/routes.hpp"
#include "mcu/signaling/wire.hpp"

namespace parley::signaling {
namespace {

namespace json = boost::json;

constexpr std::int64_t kMaxPage = 1'000;

json::object traffic_of(const room::ParticipantQuality& one) {
  const auto& t = one.traffic;
  json::object object{{"id", one.id}, {"name", one.name}, {"connected", one.connected}};
  if (one.leg != LegId::none) object["carrier"] = to_string(one.carrier);
  object["uplink"] = json::object{{"packets", t.packets_in},
                                  {"lost", t.lost_in},
                                  {"loss", json_number(t.fraction_lost_in)},
                                  {"jitter_ms", json_number(t.jitter_in_ms)}};
  object["downlink"] = json::object{{"packets", t.packets_out},
                                    {"lost", t.lost_out},
                                    {"loss", json_number(t.fraction_lost_out)},
                                    {"jitter_ms", json_number(t.jitter_out_ms)}};
  if (t.round_trip_ms >= 0) object["round_trip_ms"] = json_number(t.round_trip_ms);
  json::error_code error;
  auto report = one.client_report.empty() ? json::value() : json::parse(one.client_report, error);
  if (!error && report.is_object()) object["client"] = std::move(report);
  return object;
}

json::object receiver_of(const LegQuality& leg) {
  return {{"jitter_wait_p50_ms", json_number(leg.jitter_wait_p50_ms)},
          {"jitter_wait_p95_ms", json_number(leg.jitter_wait_p95_ms)},
          {"tick_wait_p50_ms", json_number(leg.tick_wait_p50_ms)},
          {"tick_wait_p95_ms", json_number(leg.tick_wait_p95_ms)},
          {"target_ms", json_number(leg.target_ms)},
          {"delay_ms", json_number(leg.delay_ms)},
          {"drift_ppm", json_number(leg.drift_ppm)},
          {"received", leg.received},
          {"late", leg.late},
          {"lost", leg.lost},
          {"fec", leg.fec},
          {"concealed_samples", leg.concealed_samples},
          {"stretched_samples", leg.stretched_samples},
          {"loudness_lufs", json_number(leg.loudness_lufs)},
          {"auto_gain_db", json_number(leg.auto_gain_db)}};
}

Response quality_response(const std::vector<room::ParticipantQuality>& people, const QualityNow& now,
                          const std::vector<LegQuality>& legs) {
  std::map<LegId, const LegQuality*> by_leg;
  for (const auto& leg : legs) by_leg[leg.leg] = &leg;
  json::array participants;
  for (const auto& one : people) {
    auto object = traffic_of(one);
    if (const auto leg = by_leg.find(one.leg); leg != by_leg.end())
      object["receiver"] = receiver_of(*leg->second);
    json::array paths;
    for (const auto& sample : now.samples)
      if (sample.participant == one.id) paths.push_back(path_json(sample));
    object["paths"] = std::move(paths);
    participants.push_back(std::move(object));
  }
  json::array troubles;
  for (const auto& trouble : now.troubles) troubles.push_back(to_json(trouble));
  return json_response(200, json::serialize(json::object{{"participants", std::move(participants)},
                                                         {"troubles", std::move(troubles)}}));
}

void quality(Context& context, const Request& request, const Reply& reply) {
  const auto& room = request.variable("room");
  auto people = context.rooms.quality(room);
  if (!people) return reply(problem(people.error()));
  const auto media = context.rooms.media_room(room);
  auto latest = context.ports.quality_now ? context.ports.quality_now(room) : QualityNow{};
  if (*media == RoomId::none || !context.ports.quality) return reply(quality_response(*people, latest, {}));
  context.ports.quality(
      *media, [reply, people = std::move(*people), latest = std::move(latest)](
                  const std::vector<LegQuality>& legs) { reply(quality_response(people, latest, legs)); });
}

std::optional<Response> read_query(const Request& request, QualityQuery& query) {
  for (const auto& [name, value] : request.query) {
    if (name == "room" || name == "participant" || name == "path") {
      (name == "room" ? query.room : name == "path" ? query.path : query.participant) = value;
    } else if (name == "from" || name == "to") {
      const auto at = query_moment(value);
      if (!at)
        return problem(400, "bad-value", name + " is a date, a time in UTC or milliseconds since 1970");
      (name == "from" ? query.from_ms : query.to_ms) = at;
    } else if (name == "limit" || name == "before") {
      const auto number = query_number(value);
      if (!number || (name == "limit" && *number > kMaxPage))
        return problem(400, "bad-value", name + " is a whole number; limit is at most 1000");
      if (name == "limit")
        query.limit = static_cast<std::size_t>(*number);
      else
        query.before_id = *number;
    } else {
      return problem(400, "bad-value", "there is no filter of this name: " + name);
    }
  }
  // Without a room these would have to look at every row there is.
  if (query.room.empty() && !(query.participant.empty() && query.path.empty()))
    return problem(400, "bad-value", "participant and path are looked for in a room: name it");
  return std::nullopt;
}

void quality_log(Context& context, const Request& request, const Reply& reply) {
  QualityQuery query;
  if (auto wrong = read_query(request, query)) return reply(std::move(*wrong));
  if (!context.ports.quality_log) return reply(problem(404, "not-found", "this server keeps no quality log"));
  context.ports.quality_log(query, [reply](const Result<std::string>& text) {
    if (!text) return reply(problem(503, "unavailable", text.error().what));
    reply(json_response(200, *text));
  });
}

}  // namespace

void add_quality_routes(Context& context) {
  const Policy admin{Access::admin, Body::none}, moderator{Access::moderator, Body::none};
  context.router.add(http::verb::get, "/api/v1/rooms/{room}/quality", moderator,
                     [&context](const Request& r, const Reply& reply) { quality(context, r, reply); });
  // It outlives rooms and holds addresses: for the administrator, not for whoever moderates a room of that
  // name.
  context.router.add(http::verb::get, "/api/v1/quality", admin,
                     [&context](const Request& r, const Reply& reply) { quality_log(context, r, reply); });
}

}  // namespace parley::signaling
