// /api/v1/rooms: making, showing, closing; what concerns a room as a whole.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "mcu/signaling/json_body.hpp"
#include "mcu/signaling/problem.hpp"
#include "mcu/signaling/routes.hpp"
#include "mcu/signaling/wire.hpp"

namespace parley::signaling {
namespace {

namespace json = boost::json;

const room::ParticipantId kAdministrator;  // an empty id, as RoomService wants it
constexpr std::size_t kMaxIds = 1000;      // in one request

Response list(Context& context, const Request&) {
  json::array rooms;
  for (const auto& info : context.rooms.rooms(now())) rooms.push_back(to_json(info));
  return json_response(200, json::serialize(json::object{{"rooms", std::move(rooms)}}));
}

Response show(Context& context, const Request& request) {
  const auto info = context.rooms.room(now(), request.variable("room"));
  if (!info) return problem(info.error());
  return json_response(200, json::serialize(to_json(*info)));
}

Response create(Context& context, const Request& request) {
  JsonBody body(request);
  room::RoomOptions options;
  options.name = body.text("name");
  options.pin = body.optional_text("pin").value_or("");
  const auto participants = body.optional_integer("max_participants");
  const auto talkers = body.optional_integer("max_talkers");
  options.record = body.optional_boolean("record").value_or(false);
  const auto direct = body.optional_text("direct");
  if (auto refused = body.finish()) return *refused;
  if (direct) {
    options.direct = *direct == "auto"     ? room::DirectPolicy::automatic
                     : *direct == "always" ? room::DirectPolicy::always
                                           : room::DirectPolicy::never;
    if (*direct != room::to_string(*options.direct))
      return problem(400, "bad-value", "direct is one of auto, never, always");
  }
  // What does not fit becomes a value that the rooms refuse with their own words.
  if (participants)
    options.max_participants = static_cast<std::size_t>(std::max<std::int64_t>(*participants, 0));
  if (talkers) options.max_talkers = static_cast<int>(std::clamp<std::int64_t>(*talkers, -1, 1'000'000));

  const auto at = now();
  if (auto created = context.rooms.create_room(at, options); !created) return problem(created.error());
  return json_response(201, json::serialize(to_json(*context.rooms.room(at, options.name))))
      .with("Location", "/api/v1/rooms/" + encode_segment(options.name));
}

Response close(Context& context, const Request& request) {
  return done_or_problem(context.rooms.close_room(now(), request.variable("room"), "room-closed"));
}

Response lock(Context& context, const Request& request, bool locked) {
  return done_or_problem(context.rooms.set_locked(request.variable("room"), kAdministrator, locked));
}

Response mute_all(Context& context, const Request& request) {
  return done_or_problem(context.rooms.mute_all(request.variable("room"), kAdministrator));
}

// --- Side groups and whispers

Response put_into_group(Context& context, const Request& request) {
  const auto& room = request.variable("room");
  JsonBody body(request);
  const auto group = body.integer("group");
  const auto who = body.texts("participants", kMaxIds);
  if (auto refused = body.finish()) return *refused;
  if (group < 0 || group > UINT32_MAX) return problem(400, "bad-value", "group lies between 0 and 1000");
  for (const auto& id : who) {
    const auto set = context.rooms.set_group(room, kAdministrator, id, static_cast<std::uint32_t>(group));
    if (!set) return problem(set.error());
  }
  return done_or_problem(Done{});
}

Response dissolve_groups(Context& context, const Request& request) {
  return done_or_problem(
      context.rooms.dissolve_groups(request.variable("room"), kAdministrator, std::nullopt));
}

Response whisper(Context& context, const Request& request) {
  JsonBody body(request);
  const auto talker = body.text("talker");
  const auto to = body.texts("to", kMaxIds);
  const auto duck_db = body.optional_number("duck_db").value_or(0.0);
  if (auto refused = body.finish()) return *refused;
  if (context.rooms.room_of(talker) != request.variable("room"))
    return problem(404, "no-such-participant", "there is no such participant in this room");
  return done_or_problem(context.rooms.whisper(talker, to, static_cast<float>(duck_db)));
}

Response end_whispers(Context& context, const Request& request) {
  return done_or_problem(context.rooms.end_whispers(request.variable("room"), kAdministrator));
}

// --- Looking inside

void graph(Context& context, const Request& request, const Reply& reply) {
  const auto media = context.rooms.media_room(request.variable("room"));
  if (!media) return reply(problem(media.error()));
  if (*media == RoomId::none || !context.ports.graph)
    return reply(problem(409, "conflict", "the room has no running pipeline"));
  context.ports.graph(*media, [reply](const Result<std::string>& dot) {
    if (!dot) return reply(problem(503, "unavailable", dot.error().what));
    Response response;
    response.content_type = "text/vnd.graphviz; charset=utf-8";
    response.body = *dot;
    reply(std::move(response));
  });
}

}  // namespace

void add_room_routes(Context& context) {
  const std::string rooms = "/api/v1/rooms", room = rooms + "/{room}";
  const Policy admin{Access::admin, Body::none}, admin_with_body{Access::admin, Body::json};
  const Policy moderator{Access::moderator, Body::none}, moderator_with_body{Access::moderator, Body::json};

  const auto add = [&context](http::verb method, const std::string& path, Policy policy, auto handler) {
    context.router.add(method, path, policy,
                       [&context, handler](const Request& r) { return handler(context, r); });
  };
  add(http::verb::get, rooms, admin, list);
  add(http::verb::post, rooms, admin_with_body, create);
  add(http::verb::get, room, moderator, show);
  add(http::verb::delete_, room, admin, close);
  add(http::verb::post, room + "/lock", moderator,
      [](Context& c, const Request& r) { return lock(c, r, true); });
  add(http::verb::post, room + "/unlock", moderator,
      [](Context& c, const Request& r) { return lock(c, r, false); });
  add(http::verb::post, room + "/mute-all", moderator, mute_all);
  add(http::verb::post, room + "/groups", moderator_with_body, put_into_group);
  add(http::verb::delete_, room + "/groups", moderator, dissolve_groups);
  add(http::verb::post, room + "/whispers", moderator_with_body, whisper);
  add(http::verb::delete_, room + "/whispers", moderator, end_whispers);
  context.router.add(http::verb::get, room + "/graph", admin,
                     [&context](const Request& r, const Reply& reply) { graph(context, r, reply); });
}

}  // namespace parley::signaling
