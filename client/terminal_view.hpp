// The live roster on a terminal. render() is pure (a picture of a moment as lines of text); Screen draws
// lines over the lines it drew before.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "client/session_types.hpp"

namespace parley::client {

struct View {
  std::string room;
  std::string self_id;
  std::vector<protocol::Participant> roster;
  SessionStats stats;
  double in_room_s = 0;
  bool locked = false, recording = false, streaming = false;
};

// Level meter of `width` characters for -60 to 0 dBFS.
std::string level_meter(double dbfs, std::size_t width);
// At most `rows` lines of at most `columns` characters; who talks comes first when not all fit.
std::vector<std::string> render(const View& view, std::size_t columns, std::size_t rows);

class Screen {
 public:
  explicit Screen(std::FILE* out) : out_(out) {}
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  static bool is_terminal(std::FILE* out);
  // Draws over the last picture.
  void draw(const std::vector<std::string>& lines);
  // A line that stays, above the picture.
  void say(const std::string& line);

 private:
  void paint();

  std::FILE* out_;
  std::vector<std::string> picture_;
  bool drawn_ = false;  // a picture has been drawn: escape sequences make sense on this output
};

struct TerminalSize {
  std::size_t columns = 80, rows = 24;
};
TerminalSize terminal_size(std::FILE* out);

}  // namespace parley::client
