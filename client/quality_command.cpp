// `parley rooms quality`: how a room's calls are, or were.
#include <cstdio>
#include <utility>

#include "client/commands.hpp"
#include "client/http_client.hpp"
#include "client/quality_table.hpp"
#include "client/text.hpp"

namespace parley::client {

namespace {

int complain(int code, const std::string& what) {
  std::fprintf(stderr, "parley: %s\n", terminal_text(what, 500).c_str());
  return code;
}

void print(const std::vector<std::string>& lines) {
  for (const auto& line : lines) std::printf("%s\n", line.c_str());
}

std::string target_of(const RoomQualityCommand& command) {
  const auto room = encode_path_segment(command.room);
  if (!command.log) return "/api/v1/rooms/" + room + "/quality";
  std::string target = "/api/v1/quality?room=" + room + "&limit=" + std::to_string(command.limit);
  const std::pair<const char*, const std::string&> filters[] = {
      {"&from=", command.from}, {"&to=", command.to}, {"&before=", command.before}};
  for (const auto& [name, value] : filters)
    if (!value.empty()) target += name + encode_path_segment(value);
  return target;
}

}  // namespace

int run_room_quality(const RoomQualityCommand& command) {
  const auto response = http_call(command.server, {"GET", target_of(command), command.key, {}});
  if (!response) return complain(kUnreachable, response.error().what);
  if (response->status != 200) {
    const bool refused = response->status == 401 || response->status == 403;
    return complain(refused ? kRefused : kFailed, problem_of(*response));
  }
  if (command.json) {
    std::printf("%s\n", response->body.c_str());
    return kOk;
  }
  if (!command.log) {
    const auto lines = quality_table(response->body);
    if (!lines) return complain(kFailed, lines.error().what);
    print(*lines);
    return kOk;
  }
  const auto history = quality_history(response->body);
  if (!history) return complain(kFailed, history.error().what);
  print(history->lines);
  if (!history->before.empty()) std::printf("older rows: --before %s\n", history->before.c_str());
  return kOk;
}

}  // namespace parley::client
