// Is it alive, may it be sent traffic, what does it count.
#include "mcu/signaling/problem.hpp"
#include "mcu/signaling/routes.hpp"

namespace parley::signaling {
namespace {

Response plain(int status, std::string text) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  return response;
}

}  // namespace

void add_all_routes(Context& context) {
  add_health_routes(context);
  add_page_routes(context);
  add_invitation_routes(context);
  add_whip_routes(context);
  add_room_routes(context);
  add_participant_routes(context);
  add_broadcast_routes(context);
  add_recording_routes(context);
  add_call_routes(context);
}

void add_health_routes(Context& context) {
  const Policy anybody{Access::open, Body::none};
  context.router.add(http::verb::get, "/healthz", anybody, [&context](const Request&) {
    // A disk that is full is no reason to restart the server: the calls go on.
    std::string text = "ok\n";
    if (context.ports.troubles)
      for (const auto& line : context.ports.troubles()) text += "trouble: " + line + "\n";
    return plain(200, std::move(text));
  });
  context.router.add(http::verb::get, "/readyz", anybody, [&context](const Request&) {
    const bool ready = !context.stopping && (!context.ports.ready || context.ports.ready());
    return ready ? plain(200, "ready\n") : plain(503, "not ready\n");
  });
  context.router.add(http::verb::get, "/metrics", anybody, [&context](const Request&) {
    if (!context.ports.metrics) return problem(404, "not-found", "there is nothing here");
    auto response = plain(200, context.ports.metrics());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return response;
  });
}

}  // namespace parley::signaling
