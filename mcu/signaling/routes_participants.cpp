// /api/v1/rooms/{room}/participants: who is in, and what a moderator does to one of them.
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

const room::ParticipantId kAdministrator;

Response list(Context& context, const Request& request) {
  const auto roster = context.rooms.roster(request.variable("room"));
  if (!roster) return problem(roster.error());
  json::array participants;
  for (const auto& info : *roster) participants.push_back(to_json(info));
  return json_response(200, json::serialize(json::object{{"participants", std::move(participants)}}));
}

Response mute(Context& context, const Request& request, bool muted) {
  return done_or_problem(
      context.rooms.mute(request.variable("room"), kAdministrator, request.variable("id"), muted));
}

Response kick(Context& context, const Request& request) {
  JsonBody body(request);
  const auto reason = body.optional_text("reason").value_or("");
  if (auto refused = body.finish()) return *refused;
  return done_or_problem(
      context.rooms.kick(now(), request.variable("room"), kAdministrator, request.variable("id"), reason));
}

Response set_gain(Context& context, const Request& request) {
  JsonBody body(request);
  const auto db = body.number("db");
  if (auto refused = body.finish()) return *refused;
  return done_or_problem(context.rooms.set_gain(request.variable("room"), kAdministrator,
                                                request.variable("id"), static_cast<float>(db)));
}

Response set_personal_gain(Context& context, const Request& request, const room::PersonalGain& gain) {
  const auto& listener = request.variable("id");
  if (context.rooms.room_of(listener) != request.variable("room"))
    return problem(404, "no-such-participant", "there is no such participant in this room");
  return done_or_problem(context.rooms.set_personal_gain(listener, request.variable("talker"), gain));
}

Response put_personal_gain(Context& context, const Request& request) {
  JsonBody body(request);
  const auto db = body.optional_number("db");
  const auto mute = body.optional_boolean("mute").value_or(false);
  if (auto refused = body.finish()) return *refused;
  if (!db && !mute) return problem(400, "bad-value", "either db or mute must be given");
  room::PersonalGain gain;
  if (db) gain.db = static_cast<float>(*db);
  gain.mute = mute;
  return set_personal_gain(context, request, gain);
}

Response reset_personal_gain(Context& context, const Request& request) {
  return set_personal_gain(context, request, {});
}

}  // namespace

void add_participant_routes(Context& context) {
  const std::string all = "/api/v1/rooms/{room}/participants", one = all + "/{id}";
  const Policy moderator{Access::moderator, Body::none};
  const Policy with_body{Access::moderator, Body::json};

  const auto add = [&context](http::verb method, const std::string& path, Policy policy, auto handler) {
    context.router.add(method, path, policy,
                       [&context, handler](const Request& r) { return handler(context, r); });
  };
  add(http::verb::get, all, moderator, list);
  add(http::verb::post, one + "/mute", moderator,
      [](Context& c, const Request& r) { return mute(c, r, true); });
  add(http::verb::post, one + "/unmute", moderator,
      [](Context& c, const Request& r) { return mute(c, r, false); });
  add(http::verb::post, one + "/kick", with_body, kick);
  add(http::verb::put, one + "/gain", with_body, set_gain);
  add(http::verb::put, one + "/gains/{talker}", with_body, put_personal_gain);
  add(http::verb::delete_, one + "/gains/{talker}", moderator, reset_personal_gain);
}

}  // namespace parley::signaling
