// /api/v1/calls and /api/v1/names: for those who wire calls into a product of their own. The administrator
// calls in anybody's name; the caller then joins the room by the path that the call has once it is accepted.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "mcu/room/names.hpp"
#include "mcu/signaling/json_body.hpp"
#include "mcu/signaling/problem.hpp"
#include "mcu/signaling/routes.hpp"
#include "mcu/signaling/wire.hpp"

namespace parley::signaling {
namespace {

namespace json = boost::json;

constexpr std::int64_t kShortest = 60, kDay = 24 * 3600, kLongest = 365 * kDay;  // seconds

Response list(room::CallService& calls, const Request&) {
  json::array all;
  for (const auto& call : calls.calls(now())) all.push_back(to_json(call));
  return json_response(200, json::serialize(json::object{{"calls", std::move(all)}}));
}

// With what the caller needs to come in.
Response show(room::CallService& calls, const Request& request) {
  const auto call = calls.find(now(), request.variable("call"));
  if (!call) return problem(call.error());
  auto object = to_json(*call);
  if (!call->room.empty()) {
    const auto path = "/r/" + encode_segment(call->room);
    object["path"] = call->token.empty() ? path : path + "#token=" + call->token;
  }
  if (!call->token.empty()) object["token"] = call->token;
  return json_response(200, json::serialize(object));
}

Response make(room::CallService& calls, const Request& request) {
  JsonBody body(request);
  const auto from = body.text("from"), to = body.text("to");
  if (auto refused = body.finish()) return *refused;
  const auto calling = calls.call_for(now(), from, to);
  if (!calling) return problem(calling.error());
  return json_response(201, json::serialize(to_json(*calls.find(now(), calling->call))))
      .with("Location", "/api/v1/calls/" + calling->call);
}

Response names(room::CallService& calls, const Request&) {
  json::array all;
  for (const auto& one : calls.reachable())
    all.push_back(json::object{{"name", one.name}, {"devices", one.devices}, {"busy", one.busy}});
  return json_response(200, json::serialize(json::object{{"names", std::move(all)}}));
}

Response make_token(Context& context, const Request& request) {
  JsonBody body(request);
  const auto lifetime = body.optional_integer("expires_s").value_or(kDay);
  if (auto refused = body.finish()) return *refused;
  if (context.settings.token_key.empty())
    return problem(409, "conflict", "this server signs no tokens: auth.token_key is not set");
  TokenClaims claims;
  claims.calls = true;
  claims.name = request.variable("name");
  if (claims.name.empty() || !room::display_name(claims.name))
    return problem(400, "bad-value", "this cannot be a name to be called by");
  if (lifetime < kShortest || lifetime > kLongest)
    return problem(400, "bad-value", "expires_s lies between 60 and 31536000");
  claims.expires = Moment::now().wall + std::chrono::seconds(lifetime);
  const auto expires =
      std::chrono::duration_cast<std::chrono::seconds>(claims.expires.time_since_epoch()).count();
  return json_response(201,
                       json::serialize(json::object{{"token", sign_token(claims, context.settings.token_key)},
                                                    {"name", claims.name},
                                                    {"expires", expires}}));
}

}  // namespace

void add_call_routes(Context& context) {
  const Policy admin{Access::admin, Body::none}, with_body{Access::admin, Body::json};
  const auto add = [&context](http::verb method, const std::string& path, Policy policy, auto handler) {
    context.router.add(method, path, policy, [&context, handler](const Request& request) {
      if (context.ports.calls == nullptr)
        return problem(409, "conflict", "nobody can be called on this server");
      return handler(*context.ports.calls, request);
    });
  };
  const std::string all = "/api/v1/calls", one = all + "/{call}";
  add(http::verb::get, all, admin, list);
  add(http::verb::post, all, with_body, make);
  add(http::verb::get, one, admin, show);
  add(http::verb::delete_, one, admin, [](room::CallService& calls, const Request& request) {
    return done_or_problem(calls.end_call(now(), request.variable("call")));
  });
  add(http::verb::get, "/api/v1/names", admin, names);
  context.router.add(http::verb::post, "/api/v1/names/{name}/tokens", with_body,
                     [&context](const Request& request) { return make_token(context, request); });
}

}  // namespace parley::signaling
