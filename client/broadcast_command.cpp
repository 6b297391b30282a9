// `parley stream` and `parley play`: calls on the server's HTTP interface.
#include <boost/json.hpp>
#include <cstdio>

#include "client/commands.hpp"
#include "client/http_client.hpp"
#include "client/text.hpp"

namespace parley::client {
namespace {

namespace json = boost::json;

int complain(int code, const std::string& what) {
  std::fprintf(stderr, "parley: %s\n", terminal_text(what, 500).c_str());
  return code;
}

struct Outcome {
  int code = kOk;
  json::object body;
};

Outcome call(const ServerUrl& server, const HttpRequest& request) {
  const auto response = http_call(server, request);
  if (!response) return {complain(kUnreachable, response.error().what), {}};
  const int status = response->status;
  if (status < 200 || status >= 300) {
    const bool refused = status == 401 || status == 403 || status == 409 || status == 429;
    return {complain(refused ? kRefused : kFailed, problem_of(*response)), {}};
  }
  json::error_code error;
  auto parsed = json::parse(response->body.empty() ? "{}" : response->body, error);
  if (error || !parsed.is_object()) return {complain(kFailed, "the server's answer is no JSON object"), {}};
  return {kOk, std::move(parsed.as_object())};
}

std::string text_of(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return "";
  return value->is_string() ? std::string(std::string_view(value->as_string())) : json::serialize(*value);
}

// {"<key>": [...]}: one line each.
template <typename Print>
int print_list(const Outcome& outcome, const char* key, bool as_json, Print print) {
  if (outcome.code != kOk) return outcome.code;
  const auto* list = outcome.body.if_contains(key);
  if (list == nullptr || !list->is_array()) return complain(kFailed, "the server's answer is not a list");
  for (const auto& one : list->as_array()) {
    if (as_json)
      std::printf("%s\n", json::serialize(one).c_str());
    else if (one.is_object())
      print(one.as_object());
  }
  return kOk;
}

void print_stream(const json::object& stream) {
  const auto cause = text_of(stream, "cause");
  std::printf("%s  %s  %s  %s bytes%s%s\n", terminal_cell(text_of(stream, "id"), 12).c_str(),
              terminal_cell(text_of(stream, "state"), 10).c_str(),
              terminal_text(text_of(stream, "url"), 100).c_str(),
              terminal_text(text_of(stream, "bytes"), 20).c_str(), cause.empty() ? "" : "  ",
              terminal_text(cause, 200).c_str());
}

void print_sound(const json::object& sound) {
  std::printf("%s  %s  %s s  %s\n", terminal_cell(text_of(sound, "id"), 12).c_str(),
              terminal_cell(text_of(sound, "state"), 8).c_str(),
              terminal_cell(text_of(sound, "position_s"), 8).c_str(),
              terminal_text(text_of(sound, "title"), 100).c_str());
}

std::string room_path(const std::string& room) {
  return "/api/v1/rooms/" + encode_path_segment(room);
}

}  // namespace

int run_stream(const StreamCommand& command) {
  using Action = StreamCommand::Action;
  const auto path = room_path(command.room) + "/streams";
  if (command.action == Action::list)
    return print_list(call(command.server, {"GET", path, command.key, {}}), "streams", command.json,
                      print_stream);
  if (command.action == Action::stop) {
    const auto one = path + "/" + encode_path_segment(command.stream);
    return call(command.server, {"DELETE", one, command.key, {}}).code;
  }
  json::object body{{"url", command.url}};
  if (!command.codec.empty()) body["codec"] = command.codec;
  if (!command.video.empty()) body["video"] = command.video;
  if (command.bitrate != 0) body["bitrate"] = command.bitrate;
  const auto started = call(command.server, {"POST", path, command.key, json::serialize(body)});
  if (started.code != kOk) return started.code;
  std::printf("%s\n", command.json ? json::serialize(started.body).c_str()
                                   : terminal_text(text_of(started.body, "id"), 64).c_str());
  return kOk;
}

int run_play(const PlayCommand& command) {
  using Action = PlayCommand::Action;
  const auto path = room_path(command.room);
  if (command.action == Action::list)
    return print_list(call(command.server, {"GET", path + "/play", command.key, {}}), "playing", command.json,
                      print_sound);
  if (command.action == Action::stop)
    return call(command.server, {"POST", path + "/stop-playing", command.key, {}}).code;
  json::object body{{"loop", command.loop}, {"announce", command.announce}, {"gain_db", command.gain_db}};
  if (!command.file.empty()) body["file"] = command.file;
  if (command.tone) body["tone"] = *command.tone;
  if (command.seconds) body["seconds"] = *command.seconds;
  if (command.duck_db) body["duck_db"] = *command.duck_db;
  const auto started = call(command.server, {"POST", path + "/play", command.key, json::serialize(body)});
  if (started.code != kOk) return started.code;
  std::printf("%s\n", command.json ? json::serialize(started.body).c_str()
                                   : terminal_text(text_of(started.body, "id"), 64).c_str());
  return kOk;
}

}  // namespace parley::client
