#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <ctime>

#include "client/cli.hpp"
#include "client/http_client.hpp"
#include "client/http_download.hpp"
#include "client/recordings.hpp"
#include "client/recordings_work.hpp"
#include "client/text.hpp"

namespace parley::client {

int complain(int code, const std::string& what) {
  std::fprintf(stderr, "parley: %s\n", terminal_text(what, 500).c_str());
  return code;
}

namespace {

namespace json = boost::json;

int exit_code_for(int status) {
  const bool refused = status == 401 || status == 403 || status == 409 || status == 429;
  return refused ? kRefused : kFailed;
}

struct Outcome {
  int code = kOk;
  json::object body;
};
Outcome call(const RecordingsCommand& command, const char* method, const std::string& target,
             const std::string& body = {}) {
  const auto response = http_call(command.server, {method, target, command.key, body}, 15s);
  if (!response) return {complain(kUnreachable, response.error().what), {}};
  if (response->status < 200 || response->status > 299)
    return {complain(exit_code_for(response->status), problem_of(*response)), {}};
  if (response->body.empty()) return {};
  json::error_code error;
  auto parsed = json::parse(response->body, error);
  if (error || !parsed.is_object()) return {complain(kFailed, "the server's answer cannot be read"), {}};
  return {kOk, std::move(parsed.as_object())};
}

std::string text_of(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(std::string_view(value->as_string()))
                                                : std::string();
}
std::int64_t number_of(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_int64() ? value->as_int64() : 0;
}

std::string one(const RecordingsCommand& command) {
  return "/api/v1/recordings/" + encode_path_segment(command.id);
}
std::string file_path(const RecordingsCommand& command) {
  if (command.file == "mixdown" || command.file == "zip") return one(command) + "/" + command.file;
  return one(command) + "/tracks/" + encode_path_segment(command.file);
}

void print_row(const json::object& row) {
  const auto seconds = static_cast<std::time_t>(number_of(row, "started_ms") / 1'000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char when[32];
  std::strftime(when, sizeof when, "%Y-%m-%d %H:%M:%SZ", &utc);
  const auto length = number_of(row, "duration_ms") / 1'000;
  std::printf(
      "%s  %s  %s  %3lld:%02lld:%02lld  %7.1f MB  %s\n", terminal_cell(text_of(row, "id"), 16).c_str(), when,
      terminal_cell(text_of(row, "room"), 24).c_str(), static_cast<long long>(length / 3'600),
      static_cast<long long>(length / 60 % 60), static_cast<long long>(length % 60),
      static_cast<double>(number_of(row, "bytes")) / 1e6, terminal_text(text_of(row, "state"), 16).c_str());
}

int list(const RecordingsCommand& command) {
  std::string target = "/api/v1/recordings?limit=" + std::to_string(command.limit);
  for (const auto& [name, value] :
       {std::pair("room", &command.room), std::pair("from", &command.from), std::pair("to", &command.to)})
    if (!value->empty()) target += std::string("&") + name + "=" + encode_path_segment(*value);
  const auto answer = call(command, "GET", target);
  if (answer.code != kOk) return answer.code;
  const auto* rows = answer.body.if_contains("recordings");
  if (rows == nullptr || !rows->is_array()) return complain(kFailed, "the server's answer is not a list");
  for (const auto& row : rows->as_array()) {
    if (!row.is_object()) continue;
    if (command.json)
      std::printf("%s\n", json::serialize(row).c_str());
    else
      print_row(row.as_object());
  }
  return kOk;
}

int fetch(const RecordingsCommand& command) {
  Download what;
  what.target = file_path(command);
  what.bearer = command.key;
  what.output = command.output;
  if (what.output.empty()) {
    const auto name = command.file == "mixdown" ? "mixdown.opus"
                      : command.file == "zip"   ? "all.zip"
                                                : command.file;
    what.output = command.id + "-" + name;
    if (what.output.find('/') != std::string::npos)
      return complain(kUsage, "this cannot be a file's name: use -o");
  }
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  if (terminal) {
    what.progress = [](std::uint64_t done, std::uint64_t total) {
      const auto filled = total > 0 ? static_cast<int>(40 * done / total) : 0;
      std::fprintf(stderr, "\r[%-40.*s] %6.1f of %.1f MB", filled, "########################################",
                   static_cast<double>(done) / 1e6, static_cast<double>(total) / 1e6);
    };
  }
  const auto fetched = download(command.server, what);
  if (terminal) std::fputc('\n', stderr);
  if (!fetched)
    return complain(fetched.error().code == 0 ? kUnreachable : exit_code_for(fetched.error().code),
                    fetched.error().what);
  std::printf("%s  %llu bytes%s%s\n", what.output.c_str(), static_cast<unsigned long long>(fetched->bytes),
              fetched->resumed ? ", resumed" : "", fetched->checked ? ", checksum right" : "");
  return kOk;
}

int link(const RecordingsCommand& command) {
  const auto body = json::serialize(json::object{{"file", command.file}, {"expires_s", command.valid_s}});
  const auto answer = call(command, "POST", one(command) + "/link", body);
  if (answer.code != kOk) return answer.code;
  std::printf("%s://%s%s\n", command.server.tls ? "https" : "http", command.server.authority().c_str(),
              text_of(answer.body, "path").c_str());
  return kOk;
}

}  // namespace

int run_recordings(const RecordingsCommand& command) {
  using Action = RecordingsCommand::Action;
  const auto room = "/api/v1/rooms/" + encode_path_segment(command.room) + "/recording";
  switch (command.action) {
    case Action::start: {
      const auto answer = call(command, "POST", room + "/start");
      if (answer.code == kOk) std::printf("%s\n", text_of(answer.body, "id").c_str());
      return answer.code;
    }
    case Action::stop:
      return call(command, "POST", room + "/stop").code;
    case Action::list:
      return list(command);
    case Action::show: {
      const auto answer = call(command, "GET", one(command));
      if (answer.code == kOk) std::printf("%s\n", json::serialize(answer.body).c_str());
      return answer.code;
    }
    case Action::fetch:
      return fetch(command);
    case Action::remove:
      return call(command, "DELETE", one(command)).code;
    case Action::link:
      return link(command);
    case Action::remix:
      return run_remix(command);
    case Action::waveform:
      return run_waveform(command);
    case Action::play:
      return run_play_recording(command);
  }
  return kFailed;
}

}  // namespace parley::client
