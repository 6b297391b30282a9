// POST /api/v1/rooms/{room}/invitations: a link that admits its holder, with a signed token behind the '#',
// where neither servers nor their logs see it.
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "mcu/room/names.hpp"
#include "mcu/signaling/json_body.hpp"
#include "mcu/signaling/problem.hpp"
#include "mcu/signaling/routes.hpp"

namespace parley::signaling {
namespace {

namespace json = boost::json;

constexpr std::int64_t kShortest = 60, kDay = 24 * 3600, kLongest = 30 * kDay;  // seconds

// Who invites by a moderator's token cannot let others in for longer than it may come in itself.
WallTime latest_expiry(const Context& context, const Request& request, WallTime at) {
  const auto claims = verify_token(request.bearer(), context.settings.token_key, at);
  return claims ? claims->expires : WallTime::max();
}

Response invite(Context& context, const Request& request) {
  JsonBody body(request);
  TokenClaims claims;
  claims.room = request.variable("room");
  claims.name = body.optional_text("name").value_or("");
  const auto role = body.optional_text("role").value_or("participant");
  const auto lifetime = body.optional_integer("expires_s").value_or(kDay);
  claims.once = body.optional_boolean("once").value_or(false);
  if (auto refused = body.finish()) return *refused;
  if (context.settings.token_key.empty())
    return problem(409, "conflict", "this server signs no tokens: auth.token_key is not set");
  if (!room::valid_room_name(claims.room)) return problem(400, "bad-value", "this cannot be a room's name");
  if (!room::display_name(claims.name))
    return problem(400, "bad-value", "this cannot be a participant's name");
  if (role != "participant" && role != "moderator")
    return problem(400, "bad-value", "role is participant or moderator");
  if (lifetime < kShortest || lifetime > kLongest)
    return problem(400, "bad-value", "expires_s lies between 60 and 2592000");

  const auto at = Moment::now().wall;
  claims.role = role == "moderator" ? room::Role::moderator : room::Role::participant;
  claims.expires =
      std::min<WallTime>(at + std::chrono::seconds(lifetime), latest_expiry(context, request, at));
  const auto token = sign_token(claims, context.settings.token_key);
  const auto expires =
      std::chrono::duration_cast<std::chrono::seconds>(claims.expires.time_since_epoch()).count();
  return json_response(
      201, json::serialize(json::object{{"token", token},
                                        {"path", "/r/" + encode_segment(claims.room) + "#token=" + token},
                                        {"role", role},
                                        {"once", claims.once},
                                        {"expires", expires}}));
}

}  // namespace

void add_invitation_routes(Context& context) {
  context.router.add(http::verb::post, "/api/v1/rooms/{room}/invitations",
                     Policy{Access::moderator, Body::json},
                     [&context](const Request& request) { return invite(context, request); });
}

}  // namespace parley::signaling
