// A recording as a picture: a lane for each participant with its name, when it was there, talked and was
// muted, how loud it was, and where the disk had trouble; a time axis below. Pure: what comes out is a list
// of shapes, which is written as SVG here and painted by whoever wants another format.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace parley::recorder {

struct TimeSpan {
  std::int64_t from_ms = 0, to_ms = 0;
};

struct Timeline {
  static constexpr std::size_t kMaxLanes = 100;  // of the picture; the rest is named as a number

  struct Levels {
    std::int64_t step_ms = 100;
    std::vector<std::uint8_t> below;  // dB below full scale
  };
  struct Lane {
    std::string name;      // whatever somebody called itself
    bool recorded = true;  // false: has not consented
    std::vector<TimeSpan> present, talks, mutes;
    std::vector<Levels> levels;  // one for each track
  };
  std::string title;
  std::int64_t duration_ms = 0;
  std::vector<Lane> lanes;
  std::vector<TimeSpan> troubles;
};

struct Shape {
  enum class Kind : std::uint8_t { box, area, text };
  enum class Anchor : std::uint8_t { start, middle, end };
  Kind kind = Kind::box;
  std::uint32_t colour = 0;                       // 0xRRGGBB
  double x = 0, y = 0, width = 0, height = 0;     // box; text: x, y of its base line, height of its letters
  std::vector<std::pair<double, double>> points;  // area
  std::string text;                               // printable UTF-8
  Anchor anchor = Anchor::start;
};
struct Picture {
  double width = 0, height = 0;
  std::string title;
  std::vector<Shape> shapes;  // later ones cover earlier ones
};

Picture draw(const Timeline& timeline);
std::string to_svg(const Picture& picture);

}  // namespace parley::recorder
