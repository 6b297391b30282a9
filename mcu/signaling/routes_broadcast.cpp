// Streams to the outside, HLS, and sounds played into a room.
#include <boost/json/serialize.hpp>

#include "mcu/signaling/broadcast_port.hpp"
#include "mcu/signaling/json_body.hpp"
#include "mcu/signaling/problem.hpp"
#include "mcu/signaling/routes.hpp"
#include "mcu/signaling/wire.hpp"

namespace parley::signaling {
namespace {

namespace json = boost::json;

Response refused(const Error& error) {
  switch (error.code) {
    case 403:
      return problem(403, "forbidden", error.what);
    case 404:
      return problem(404, "not-found", error.what);
    case 409:
      return problem(409, "conflict", error.what);
    case 501:
      return problem(501, "not-installed", error.what);
    case 503:
      return problem(503, "server-full", error.what);
    default:
      return problem(400, "bad-value", error.what);
  }
}

Response done(const Status& status) {
  return status ? done_or_problem(status) : refused(status.error());
}

Response nothing_here() {
  return problem(404, "not-found", "there is nothing here");
}

json::object to_json(const StreamView& stream) {
  json::object object{{"id", stream.id}, {"url", stream.url}, {"codec", stream.codec}};
  if (stream.bitrate > 0) object["bitrate"] = stream.bitrate;
  if (!stream.video.empty()) object["video"] = stream.video;
  object["state"] = stream.state;
  if (!stream.cause.empty()) object["cause"] = stream.cause;
  object["for_s"] = json_number(stream.for_s);
  object["bytes"] = stream.bytes;
  object["dropped"] = stream.dropped;
  object["connects"] = stream.connects;
  object["failures"] = stream.failures;
  if (!stream.sdp.empty()) object["sdp"] = stream.sdp;
  return object;
}

json::object to_json(const PlayView& play) {
  json::object object{
      {"id", play.id},     {"title", play.title},       {"state", play.state},
      {"loop", play.loop}, {"announce", play.announce}, {"gain_db", json_number(play.gain_db)}};
  object["position_s"] = json_number(play.position_s);
  if (play.duration_s) object["duration_s"] = json_number(*play.duration_s);
  return object;
}

// --- Streams

Response start_stream(Context& context, const Request& request) {
  JsonBody body(request);
  StreamAsk ask;
  ask.url = body.text("url");
  ask.codec = body.optional_text("codec").value_or("");
  ask.video = body.optional_text("video").value_or("");
  ask.bitrate = body.optional_integer("bitrate").value_or(0);
  if (auto complaint = body.finish()) return *complaint;
  const auto& room = request.variable("room");
  const auto started = context.ports.streams->start(room, ask);
  if (!started) return refused(started.error());
  return json_response(201, json::serialize(to_json(*started)))
      .with("Location", "/api/v1/rooms/" + encode_segment(room) + "/streams/" + started->id);
}

Response list_streams(Context& context, const Request& request) {
  const auto streams = context.ports.streams->list(request.variable("room"));
  if (!streams) return refused(streams.error());
  json::array list;
  for (const auto& stream : *streams) list.push_back(to_json(stream));
  return json_response(200, json::serialize(json::object{{"streams", std::move(list)}}));
}

Response show_stream(Context& context, const Request& request) {
  const auto streams = context.ports.streams->list(request.variable("room"));
  if (!streams) return refused(streams.error());
  for (const auto& stream : *streams)
    if (stream.id == request.variable("stream")) return json_response(200, json::serialize(to_json(stream)));
  return problem(404, "not-found", "there is no such stream");
}

Response stop_stream(Context& context, const Request& request) {
  return done(context.ports.streams->stop(request.variable("room"), request.variable("stream")));
}

const char* hls_type(const std::string& name) {
  if (name.ends_with(".m3u8")) return "application/vnd.apple.mpegurl";
  return name.ends_with(".ts") ? "video/mp2t" : "audio/mp4";
}

void hls(Context& context, const Request& request, const Reply& reply) {
  const auto name = request.variable("file");
  context.ports.streams->hls_file(request.variable("room"), name,
                                  [reply, name](const Result<std::string>& file) {
                                    if (!file) return reply(refused(file.error()));
                                    Response response;
                                    const bool playlist = name.ends_with(".m3u8");
                                    response.content_type = hls_type(name);
                                    response.body = *file;
                                    // A playlist grows every few seconds; a segment never changes.
                                    response.with("Cache-Control", playlist ? "no-cache" : "max-age=60");
                                    response.with("Access-Control-Allow-Origin", "*");
                                    reply(std::move(response));
                                  });
}

// --- Playback

Response play(Context& context, const Request& request) {
  JsonBody body(request);
  PlayAsk ask;
  ask.file = body.optional_text("file").value_or("");
  ask.tone = body.optional_number("tone");
  ask.seconds = body.optional_number("seconds");
  ask.loop = body.optional_boolean("loop").value_or(false);
  ask.announce = body.optional_boolean("announce").value_or(false);
  ask.gain_db = body.optional_number("gain_db").value_or(0);
  ask.duck_db = body.optional_number("duck_db").value_or(ask.duck_db);
  if (auto complaint = body.finish()) return *complaint;
  const auto started = context.ports.playback->play(request.variable("room"), ask);
  if (!started) return refused(started.error());
  return json_response(201, json::serialize(to_json(*started)));
}

Response list_playing(Context& context, const Request& request) {
  const auto playing = context.ports.playback->playing(request.variable("room"));
  if (!playing) return refused(playing.error());
  json::array list;
  for (const auto& one : *playing) list.push_back(to_json(one));
  return json_response(200, json::serialize(json::object{{"playing", std::move(list)}}));
}

}  // namespace

void add_broadcast_routes(Context& context) {
  const std::string room = "/api/v1/rooms/{room}";
  // A stream reaches out into the network: that is the operator's, not a moderator's.
  const Policy admin{Access::admin, Body::none}, admin_with_body{Access::admin, Body::json};
  const Policy moderator{Access::moderator, Body::none}, moderator_with_body{Access::moderator, Body::json};
  const auto add = [&context](http::verb method, const std::string& path, Policy policy, bool is_stream,
                              auto handler) {
    context.router.add(method, path, policy, [&context, handler, is_stream](const Request& r) {
      const bool there = is_stream ? context.ports.streams != nullptr : context.ports.playback != nullptr;
      return there ? handler(context, r) : nothing_here();
    });
  };
  add(http::verb::post, room + "/streams", admin_with_body, true, start_stream);
  add(http::verb::get, room + "/streams", moderator, true, list_streams);
  add(http::verb::get, room + "/streams/{stream}", moderator, true, show_stream);
  add(http::verb::delete_, room + "/streams/{stream}", admin, true, stop_stream);
  context.router.add(http::verb::get, "/hls/{room}/{file}", {Access::open, Body::none},
                     [&context](const Request& r, const Reply& reply) {
                       if (context.ports.streams == nullptr) return reply(nothing_here());
                       hls(context, r, reply);
                     });
  add(http::verb::post, room + "/play", moderator_with_body, false, play);
  add(http::verb::get, room + "/play", moderator, false, list_playing);
  add(http::verb::post, room + "/stop-playing", moderator, false, [](Context& c, const Request& r) {
    return done(c.ports.playback->stop_playing(r.variable("room"), ""));
  });
  add(http::verb::delete_, room + "/play/{sound}", moderator, false, [](Context& c, const Request& r) {
    return done(c.ports.playback->stop_playing(r.variable("room"), r.variable("sound")));
  });
}

}  // namespace parley::signaling
