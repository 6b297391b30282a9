#include "client/terminal_view.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "client/text.hpp"

namespace parley::client {

namespace {

constexpr std::size_t kMeterWidth = 20;
constexpr std::size_t kFixedColumns = 2 + 1 + kMeterWidth + 2 + 24;  // mark, meter, notes

std::string clock_text(double seconds) {
  const auto total = static_cast<long>(std::max(seconds, 0.0));
  char text[32];
  std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", total / 3600, total / 60 % 60, total % 60);
  return text;
}

std::string header(const View& view) {
  std::string out = "Room " + terminal_text(view.room, 64) + "   " + clock_text(view.in_room_s) + "   " +
                    std::to_string(view.roster.size()) +
                    (view.roster.size() == 1 ? " participant" : " participants");
  if (view.locked) out += "   locked";
  if (view.recording) out += "   RECORDING";
  if (view.streaming) out += "   LIVE";
  return out;
}

std::string footer(const View& view) {
  const auto& stats = view.stats;
  char trip[32] = "-";
  if (stats.round_trip_ms >= 0) std::snprintf(trip, sizeof trip, "%.0f ms", stats.round_trip_ms);
  char text[160];
  std::snprintf(text, sizeof text,
                "%s   round trip %s   loss in %.1f %%, out %.1f %%   delay %.0f ms   Ctrl-C leaves",
                to_string(stats.state), trip, 100 * stats.loss_in, 100 * stats.loss_out, stats.delay_ms);
  return text;
}

std::string notes(const protocol::Participant& participant) {
  std::string out;
  if (participant.hand) out += "hand ";
  if (participant.muted) out += "muted ";
  if (!participant.sends) out += "listens ";
  if (participant.group != 0) out += "group " + std::to_string(participant.group) + " ";
  return out;
}

std::string person(const View& view, const protocol::Participant& participant, std::size_t name_columns) {
  const bool self = participant.id == view.self_id;
  // Our own level is known here and now; the others' come from the server, and only while they talk.
  const double dbfs = self                  ? view.stats.level_out_dbfs
                      : participant.talking ? -static_cast<double>(participant.level)
                                            : -96;
  return std::string(participant.talking ? "* " : "  ") +
         terminal_cell(participant.name + (self ? " (you)" : ""), name_columns) + " " +
         level_meter(dbfs, kMeterWidth) + "  " + notes(participant);
}

}  // namespace

std::string level_meter(double dbfs, std::size_t width) {
  const double part = std::clamp((dbfs + 60) / 60, 0.0, 1.0);
  const auto lit = static_cast<std::size_t>(std::lrint(part * static_cast<double>(width)));
  return std::string(lit, '#') + std::string(width - lit, '.');
}

std::vector<std::string> render(const View& view, std::size_t columns, std::size_t rows) {
  std::vector<std::string> lines{header(view)};
  auto people = view.roster;
  const std::size_t room_for = rows > 4 ? rows - 3 : 1;
  const bool all = people.size() <= room_for;
  if (!all)
    std::stable_partition(people.begin(), people.end(),
                          [](const auto& participant) { return participant.talking; });
  const std::size_t shown = all ? people.size() : room_for - 1;
  const std::size_t name_columns =
      std::clamp<std::size_t>(columns > kFixedColumns ? columns - kFixedColumns : 0, 8, 32);
  for (std::size_t i = 0; i < shown; ++i) lines.push_back(person(view, people[i], name_columns));
  if (!all) lines.push_back("  and " + std::to_string(people.size() - shown) + " more");
  lines.push_back(footer(view));
  for (auto& text : lines) text = terminal_text(text, columns);
  return lines;
}

bool Screen::is_terminal(std::FILE* out) {
  return ::isatty(::fileno(out)) == 1;
}

void Screen::draw(const std::vector<std::string>& lines) {
  // Line by line over the old picture, so that nothing flickers.
  if (drawn_ && !picture_.empty()) std::fprintf(out_, "\r\x1b[%zuA", picture_.size());
  picture_ = lines;
  paint();
}

void Screen::say(const std::string& line) {
  if (drawn_ && !picture_.empty()) std::fprintf(out_, "\r\x1b[%zuA\x1b[J", picture_.size());
  std::fprintf(out_, "%s\n", line.c_str());
  paint();
}

void Screen::paint() {
  for (const auto& line : picture_) std::fprintf(out_, "%s\x1b[K\n", line.c_str());
  if (drawn_) std::fputs("\x1b[J", out_);
  drawn_ = drawn_ || !picture_.empty();
  std::fflush(out_);
}

TerminalSize terminal_size(std::FILE* out) {
  winsize size{};
  if (::ioctl(::fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

}  // namespace parley::client
