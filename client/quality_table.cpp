#include "client/quality_table.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <ctime>

#include "client/text.hpp"

namespace parley::client {

namespace {

namespace json = boost::json;

constexpr std::size_t kName = 18, kPath = 14;

std::string text_of(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(std::string_view(value->as_string())) : "";
}
double number_of(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  json::error_code error;
  const double number = value != nullptr && value->is_number() ? value->to_number<double>(error) : -1;
  return error ? -1 : number;
}
const json::object& object_in(const json::object& object, const char* key) {
  static const json::object kEmpty;
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : kEmpty;
}
std::vector<const json::object*> objects_in(const json::object& object, const char* key) {
  std::vector<const json::object*> out;
  const auto* list = object.if_contains(key);
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& one : list->get_array())
    if (one.is_object()) out.push_back(&one.get_object());
  return out;
}
Result<json::object> answer_with(std::string_view text, const char* key) {
  json::error_code error;
  auto parsed = json::parse(text, error);
  if (error || !parsed.is_object() || parsed.get_object().if_contains(key) == nullptr)
    return Error{"the server's answer is not what was asked for"};
  return std::move(parsed.get_object());
}

// "12 ms" in `width` characters, "-" where nothing is known.
std::string cell(double value, int digits, const char* unit, int width) {
  char text[48];
  if (value < 0)
    std::snprintf(text, sizeof text, "%*s", width, "-");
  else
    std::snprintf(text, sizeof text, "%*.*f%s", width - static_cast<int>(std::string_view(unit).size()),
                  digits, std::min(value, 1e9), unit);
  return text;
}

std::string direction_cells(const json::object& one) {
  const double loss = number_of(one, "loss");
  return cell(loss < 0 ? -1 : 100 * loss, 1, " %", 8) + cell(number_of(one, "jitter_ms"), 0, " ms", 8) +
         cell(number_of(one, "delay_ms"), 0, " ms", 8) + cell(number_of(one, "concealed_ms"), 0, " ms", 8) +
         cell(number_of(one, "mos"), 1, "", 6);
}

std::string path_cells(const std::string& name, const json::object& path) {
  const auto peer = text_of(path, "peer");
  return terminal_cell(name + (peer.empty() ? "" : " - " + peer), kName) + " " +
         terminal_cell(text_of(path, "path"), kPath) + cell(number_of(path, "round_trip_ms"), 0, " ms", 8) +
         " |" + direction_cells(object_in(path, "uplink")) + " |" +
         direction_cells(object_in(path, "downlink"));
}

std::string header(const char* first) {
  const std::string direction = "    LOSS  JITTER  BUFFER MADE UP   MOS";
  return terminal_cell(first, kName) + " " + terminal_cell("PATH", kPath) + "     RTT |" + direction + " |" +
         direction;
}
std::string headline(std::size_t indent) {
  return std::string(indent + kName + kPath + 9, ' ') + " | UPLINK" + std::string(31, ' ') + " | DOWNLINK";
}

std::string time_of(double at_ms) {
  const auto seconds = static_cast<std::time_t>(std::clamp(at_ms, 0.0, 4e15) / 1'000);
  std::tm utc{};
  char text[32] = "-";
  if (::gmtime_r(&seconds, &utc) != nullptr) std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace

Result<std::vector<std::string>> quality_table(std::string_view answer) {
  const auto object = answer_with(answer, "participants");
  if (!object) return object.error();
  std::vector<std::string> out{headline(0), header("PARTICIPANT")};
  bool any = false;
  for (const auto* who : objects_in(*object, "participants"))
    for (const auto* path : objects_in(*who, "paths")) {
      out.push_back(path_cells(text_of(*who, "name"), *path));
      any = true;
    }
  if (!any) return std::vector<std::string>{"no figures yet: they come every few seconds once media flows"};
  const auto troubles = objects_in(*object, "troubles");
  out.emplace_back();
  if (troubles.empty()) out.emplace_back("nobody hurts anybody");
  for (const auto* trouble : troubles) {
    const auto name = text_of(*trouble, "name");
    out.push_back(terminal_text((name.empty() ? "the server" : name) + ", " + text_of(*trouble, "direction") +
                                    ", hurts " + text_of(*trouble, "hurts") + ": " +
                                    text_of(*trouble, "text"),
                                600));
  }
  return out;
}

Result<QualityHistory> quality_history(std::string_view answer) {
  const auto object = answer_with(answer, "rows");
  if (!object) return object.error();
  QualityHistory out;
  constexpr std::size_t kTime = 21;
  for (const auto* row : objects_in(*object, "rows"))
    out.lines.push_back(terminal_cell(time_of(number_of(*row, "at_ms")), kTime) +
                        path_cells(text_of(*row, "name"), *row));
  if (out.lines.empty()) {
    out.lines.emplace_back("no rows");
  } else {
    out.lines.push_back(terminal_cell("TIME", kTime) + header("PARTICIPANT"));
    out.lines.push_back(headline(kTime));
    std::reverse(out.lines.begin(), out.lines.end());
  }
  if (const auto* before = object->if_contains("before"); before != nullptr && before->is_int64())
    out.before = std::to_string(before->get_int64());
  return out;
}

}  // namespace parley::client
