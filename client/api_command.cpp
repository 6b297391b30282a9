// `parley rooms`, `mute`, `unmute`, `kick`, `lock`, `unlock`, `gain`: calls on the server's HTTP interface.
#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <optional>

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

int exit_code_for(int status) {
  if (status >= 200 && status < 300) return kOk;
  const bool refused = status == 401 || status == 403 || status == 409 || status == 423 || status == 429;
  return refused ? kRefused : kFailed;
}

// A call that must succeed: its body, or the exit code after the complaint has been printed.
struct Outcome {
  int code = kOk;
  std::string body;
};
Outcome call(const ServerUrl& server, const HttpRequest& request) {
  const auto response = http_call(server, request);
  if (!response) return {complain(kUnreachable, response.error().what), {}};
  const int code = exit_code_for(response->status);
  if (code != kOk) return {complain(code, problem_of(*response)), {}};
  return {kOk, response->body};
}

// The list inside an answer: {"<key>": [...]}.
std::optional<json::array> list_in(const std::string& body, const char* key) {
  json::error_code error;
  auto parsed = json::parse(body, error);
  if (error || !parsed.is_object()) return std::nullopt;
  auto* list = parsed.as_object().if_contains(key);
  if (list == nullptr || !list->is_array()) return std::nullopt;
  return std::move(list->as_array());
}

std::string text_of(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(std::string_view(value->as_string()))
                                                : std::string{};
}
std::string number_of(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? json::serialize(*value) : "-";
}
bool flag_of(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->as_bool();
}

void print_room(const json::object& room) {
  std::string notes;
  if (flag_of(room, "locked")) notes += "locked ";
  if (flag_of(room, "pin")) notes += "PIN ";
  if (flag_of(room, "recording")) notes += "recording ";
  std::printf("%s  %12s  %s\n", terminal_cell(text_of(room, "name"), 32).c_str(),
              number_of(room, "participants").c_str(), notes.c_str());
}

struct Room {
  const ServerUrl& server;
  const std::string& key;
  const std::string& name;
  std::string path() const { return "/api/v1/rooms/" + encode_path_segment(name); }
};

// Ids first: a name that looks like somebody's id must not redirect a kick.
struct Found {
  int code = kOk;
  std::string id;
};
Found find_participant(const Room& room, const std::string& wanted) {
  const auto answer = call(room.server, {"GET", room.path() + "/participants", room.key, {}});
  if (answer.code != kOk) return {answer.code, {}};
  const auto participants = list_in(answer.body, "participants");
  if (!participants) return {complain(kFailed, "the server's answer is not a list of participants"), {}};

  std::vector<std::string> named;
  for (const auto& item : *participants) {
    if (!item.is_object()) continue;
    const auto id = text_of(item.as_object(), "id");
    if (id == wanted) return {kOk, id};
    if (text_of(item.as_object(), "name") == wanted) named.push_back(id);
  }
  if (named.size() == 1) return {kOk, named.front()};
  if (named.empty())
    return {complain(kFailed, "nobody called \"" + wanted + "\" is in room " + room.name), {}};
  std::string ids;
  for (const auto& id : named) ids += " " + id;
  return {complain(kFailed, "several participants are called \"" + wanted + "\"; use an id:" + ids), {}};
}

}  // namespace

int run_rooms(const RoomsCommand& command) {
  const auto answer = call(command.server, {"GET", "/api/v1/rooms", command.key, {}});
  if (answer.code != kOk) return answer.code;
  const auto rooms = list_in(answer.body, "rooms");
  if (!rooms) return complain(kFailed, "the server's answer is not a list of rooms");
  if (!command.json) std::printf("%s  %12s\n", terminal_cell("ROOM", 32).c_str(), "PARTICIPANTS");
  for (const auto& room : *rooms) {
    if (!room.is_object()) continue;
    if (command.json)
      std::printf("%s\n", json::serialize(room).c_str());
    else
      print_room(room.as_object());
  }
  return kOk;
}

int run_moderate(const ModerateCommand& command) {
  using Action = ModerateCommand::Action;
  const Room room{command.server, command.key, command.room};
  const auto ask = [&](const char* method, const std::string& target, const std::string& body = {}) {
    return call(command.server, {method, room.path() + target, command.key, body}).code;
  };
  if (command.action == Action::lock) return ask("POST", "/lock");
  if (command.action == Action::unlock) return ask("POST", "/unlock");

  const auto participant = find_participant(room, command.participant);
  if (participant.code != kOk) return participant.code;
  const std::string one = "/participants/" + encode_path_segment(participant.id);
  if (command.action == Action::mute) return ask("POST", one + "/mute");
  if (command.action == Action::unmute) return ask("POST", one + "/unmute");
  if (command.action == Action::kick) return ask("POST", one + "/kick");

  const std::string gain = json::serialize(json::object{{"db", command.db}});
  if (command.listener.empty()) return ask("PUT", one + "/gain", gain);
  const auto listener = find_participant(room, command.listener);
  if (listener.code != kOk) return listener.code;
  return ask(
      "PUT",
      "/participants/" + encode_path_segment(listener.id) + "/gains/" + encode_path_segment(participant.id),
      gain);
}

int run_whisper(const WhisperCommand& command) {
  const Room room{command.server, command.key, command.room};
  const auto talker = find_participant(room, command.talker);
  if (talker.code != kOk) return talker.code;
  json::array to;
  for (const auto& name : command.to) {
    const auto listener = find_participant(room, name);
    if (listener.code != kOk) return listener.code;
    to.push_back(json::string(listener.id));
  }
  const json::object body{{"talker", talker.id}, {"to", to}, {"duck_db", command.duck_db}};
  return call(command.server, {"POST", room.path() + "/whispers", command.key, json::serialize(body)}).code;
}

}  // namespace parley::client
