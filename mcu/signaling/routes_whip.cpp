// WHIP (RFC 9725): a participant whose whole signalling is one POST. The session's URL is made of its resume
// token, which nobody else knows; its entity tag numbers the ICE sessions.
#include <string>

#include "mcu/signaling/problem.hpp"
#include "mcu/signaling/routes.hpp"

namespace parley::signaling {
namespace {

constexpr const char* kSdp = "application/sdp";
constexpr const char* kFragment = "application/trickle-ice-sdpfrag";

std::string entity_tag(std::uint32_t ice_generation) {
  return "\"ice-" + std::to_string(ice_generation) + "\"";
}

Response join(Context& context, const Request& request) {
  if (request.content_type() != kSdp)
    return problem(415, "bad-sdp", "the body must be application/sdp").with("Accept-Post", kSdp);
  if (!request.accepts(kSdp)) return problem(406, "not-acceptable", "the answer is application/sdp");
  if (request.body.empty()) return problem(400, "bad-sdp", "there is no offer");

  const auto now = Moment::now();
  const auto& room = request.variable("room");
  const auto bearer = request.bearer();
  room::JoinRequest wanted;
  context.gate.admit(wanted, bearer.empty() ? request.query_value("token") : bearer, room, now);
  wanted.room = room;
  wanted.name = request.query_value("name");
  wanted.pin = request.query_value("pin");
  wanted.sdp = request.body;
  wanted.remote_ip = request.remote.ip.to_string();
  auto joined = context.rooms.join(now.steady, wanted);
  if (!joined) return problem(joined.error());

  Response response;
  response.status = 201;
  response.content_type = kSdp;
  response.body = std::move(joined->answer.sdp);
  response.with("Location", "/whip/" + encode_segment(joined->room) + "/" + joined->resume);
  response.with("ETag", entity_tag(context.rooms.ice_generation(joined->participant)));
  return response;
}

Response no_such_session() {
  return problem(404, "no-such-participant", "there is no such session");
}

Response patch(Context& context, const Request& request) {
  const auto who = context.rooms.holder(request.variable("room"), request.variable("session"));
  if (!who) return no_such_session();
  if (request.content_type() != kFragment)
    return problem(415, "bad-sdp", "only ICE can be changed, by application/trickle-ice-sdpfrag")
        .with("Accept-Patch", kFragment);
  // RFC 9725 section 4.3.1: trickling names the ICE session by its tag, a restart asks for any ("*").
  const auto match = request.header(http::field::if_match);
  if (match.empty()) return problem(428, "conflict", "If-Match is missing");
  if (match != "*" && match != entity_tag(context.rooms.ice_generation(*who)))
    return problem(412, "conflict", "this is not the ICE session at present");

  auto answer = context.rooms.patch_media(*who, request.body);
  if (!answer) return problem(answer.error());
  Response response;
  response.status = 204;
  response.with("ETag", entity_tag(context.rooms.ice_generation(*who)));
  if (!answer->empty()) {
    response.status = 200;
    response.content_type = kFragment;
    response.body = std::move(*answer);
  }
  return response;
}

Response leave(Context& context, const Request& request) {
  const auto who = context.rooms.holder(request.variable("room"), request.variable("session"));
  if (!who) return no_such_session();
  const auto left = context.rooms.leave(now(), *who);
  return left ? Response{} : problem(left.error());
}

}  // namespace

void add_whip_routes(Context& context) {
  const Policy offer{Access::open, Body::sdp};
  const Policy nothing{Access::open, Body::none};
  context.router.add(http::verb::post, "/whip/{room}", offer,
                     [&context](const Request& request) { return join(context, request); });
  context.router.add(http::verb::patch, "/whip/{room}/{session}", offer,
                     [&context](const Request& request) { return patch(context, request); });
  context.router.add(http::verb::delete_, "/whip/{room}/{session}", nothing,
                     [&context](const Request& request) { return leave(context, request); });
}

}  // namespace parley::signaling
