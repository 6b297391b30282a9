#include "pipelines/recorder/timeline.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "transport/base/log.hpp"

namespace parley::recorder {
namespace {

constexpr double kWidth = 1'200, kLeft = 210, kRight = 20, kTop = 48, kLane = 44, kLaneGap = 8, kBottom = 56;
constexpr double kPlot = kWidth - kLeft - kRight;
constexpr std::size_t kMaxSpans = 20'000;  // in one lane
constexpr int kFloorDb = 60;               // below it a level is a line

constexpr std::uint32_t kPaper = 0xffffff, kInk = 0x1f2933, kFaint = 0x66727f, kThere = 0xedf1f5,
                        kTalking = 0xb9d9f7, kLoud = 0x1769aa, kMuted = 0xf3c6c6, kTrouble = 0xf6c344,
                        kRule = 0xc6ced6;

// What fits: characters are counted, not bytes.
std::string label(std::string_view text, std::size_t most) {
  auto clean = log::printable(text, 4 * most);
  std::size_t characters = 0, end = 0;
  for (std::size_t i = 0; i < clean.size(); ++i) {
    const bool begins = (static_cast<std::uint8_t>(clean[i]) & 0xc0U) != 0x80;
    if (!begins) continue;
    if (++characters == most) end = i;
  }
  if (characters > most) clean = clean.substr(0, end) + "\u2026";
  return clean;
}

std::string clock(std::int64_t ms, bool hours, bool tenths) {
  const auto seconds = ms / 1'000;
  char out[48];
  if (hours)
    std::snprintf(out, sizeof out, "%lld:%02lld:%02lld", static_cast<long long>(seconds / 3'600),
                  static_cast<long long>(seconds / 60 % 60), static_cast<long long>(seconds % 60));
  else if (tenths)
    std::snprintf(out, sizeof out, "%lld:%04.1f", static_cast<long long>(seconds / 60),
                  static_cast<double>(ms % 60'000) / 1e3);
  else
    std::snprintf(out, sizeof out, "%lld:%02lld", static_cast<long long>(seconds / 60),
                  static_cast<long long>(seconds % 60));
  return out;
}

// The smallest round step that gives at most ten marks.
std::int64_t step_of(std::int64_t duration_ms) {
  constexpr std::array<std::int64_t, 17> kSteps = {
      100,     500,     1'000,   2'000,   5'000,     10'000,    15'000,    30'000,    60'000,
      120'000, 300'000, 600'000, 900'000, 1'800'000, 3'600'000, 7'200'000, 21'600'000};
  for (const auto step : kSteps)
    if (duration_ms / step <= 10) return step;
  return duration_ms / 10;
}

class Drawing {
 public:
  explicit Drawing(const Timeline& timeline)
      : timeline_(timeline), length_(std::max<std::int64_t>(timeline.duration_ms, 1)) {
    const auto lanes = std::min(timeline.lanes.size(), Timeline::kMaxLanes);
    lanes_end_ = kTop + static_cast<double>(lanes) * (kLane + kLaneGap);
    picture_.width = kWidth;
    picture_.height = lanes_end_ + kBottom;
    picture_.title = label(timeline.title, 120);
    box(0, 0, kWidth, picture_.height, kPaper);
    text(kRight, 30, 17, picture_.title, kInk);
    for (std::size_t i = 0; i < lanes; ++i)
      lane(timeline.lanes[i], kTop + static_cast<double>(i) * (kLane + kLaneGap));
    for (const auto& trouble : timeline.troubles) span(trouble, kTop - 6, 4, kTrouble);
    axis();
    legend(timeline.lanes.size() - lanes);
  }
  Picture take() { return std::move(picture_); }

 private:
  double x_of(std::int64_t ms) const {
    const auto inside = std::clamp<std::int64_t>(ms, 0, length_);
    return kLeft + kPlot * static_cast<double>(inside) / static_cast<double>(length_);
  }
  void box(double x, double y, double width, double height, std::uint32_t colour) {
    Shape shape;
    shape.colour = colour;
    shape.x = x;
    shape.y = y;
    shape.width = width;
    shape.height = height;
    picture_.shapes.push_back(std::move(shape));
  }
  void text(double x, double y, double size, std::string what, std::uint32_t colour,
            Shape::Anchor anchor = Shape::Anchor::start) {
    Shape shape;
    shape.kind = Shape::Kind::text;
    shape.colour = colour;
    shape.x = x;
    shape.y = y;
    shape.height = size;
    shape.text = std::move(what);
    shape.anchor = anchor;
    picture_.shapes.push_back(std::move(shape));
  }
  void span(const TimeSpan& when, double y, double height, std::uint32_t colour) {
    const double from = x_of(when.from_ms), to = x_of(std::max(when.from_ms, when.to_ms));
    box(from, y, std::max(to - from, 1.0), height, colour);
  }
  void spans(const std::vector<TimeSpan>& list, double y, std::uint32_t colour) {
    for (std::size_t i = 0; i < std::min(list.size(), kMaxSpans); ++i) span(list[i], y, kLane, colour);
  }

  void lane(const Timeline::Lane& lane, double y) {
    spans(lane.present, y, kThere);
    spans(lane.mutes, y, kMuted);
    spans(lane.talks, y, kTalking);
    for (const auto& levels : lane.levels) curve(levels, y);
    const double middle = y + kLane / 2;
    text(kLeft - 12, middle + (lane.recorded ? 5 : -2), 14, label(lane.name, 24), kInk, Shape::Anchor::end);
    if (!lane.recorded) text(kLeft - 12, middle + 14, 11, "not recorded", kFaint, Shape::Anchor::end);
  }

  // A mirrored curve, thin where it is quiet.
  void curve(const Timeline::Levels& levels, double y) {
    if (levels.step_ms <= 0 || levels.below.empty()) return;
    Shape shape;
    shape.kind = Shape::Kind::area;
    shape.colour = kLoud;
    std::vector<std::pair<double, double>> below;
    const double middle = y + kLane / 2;
    const auto count = std::min(levels.below.size(), kMaxSpans);
    for (std::size_t i = 0; i < count; ++i) {
      const int above_floor = std::max(kFloorDb - static_cast<int>(levels.below[i]), 0);
      const double half = kLane / 2 * above_floor / kFloorDb;
      for (const auto at : {i, i + 1}) {
        const double x = x_of(levels.step_ms * static_cast<std::int64_t>(at));
        shape.points.emplace_back(x, middle - half);
        below.emplace_back(x, middle + half);
      }
    }
    shape.points.insert(shape.points.end(), below.rbegin(), below.rend());
    picture_.shapes.push_back(std::move(shape));
  }

  void axis() {
    box(kLeft, lanes_end_, kPlot, 1, kFaint);
    const auto step = step_of(length_);
    const bool hours = length_ >= 3'600'000;
    for (std::int64_t ms = 0; ms <= length_; ms += step) {
      box(x_of(ms), kTop, 1, lanes_end_ - kTop + 5, kRule);
      text(x_of(ms), lanes_end_ + 19, 11, clock(ms, hours, step < 1'000), kFaint, Shape::Anchor::middle);
    }
  }

  void legend(std::size_t more) {
    double x = kLeft;
    const double y = lanes_end_ + 34;
    for (const auto& [colour, what] :
         {std::pair(kThere, "present"), std::pair(kTalking, "talking"), std::pair(kLoud, "level"),
          std::pair(kMuted, "muted"), std::pair(kTrouble, "not written")}) {
      box(x, y, 12, 12, colour);
      text(x + 18, y + 10, 11, what, kFaint);
      x += 100;
    }
    if (more > 0)
      text(kWidth - kRight, y + 10, 11, "and " + std::to_string(more) + " more", kFaint, Shape::Anchor::end);
  }

  const Timeline& timeline_;
  const std::int64_t length_;
  double lanes_end_ = 0;
  Picture picture_;
};

// XML 1.0: what has a meaning is escaped, what must not stand there is gone.
std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto rest = text.substr(i, 3);
    if (rest == "\xef\xbf\xbe" || rest == "\xef\xbf\xbf") {  // U+FFFE, U+FFFF
      i += 2;
      continue;
    }
    if (static_cast<std::uint8_t>(c) < 0x20) continue;
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string number(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%.1f", value);
  return out;
}
std::string colour(std::uint32_t value) {
  char out[24];
  std::snprintf(out, sizeof out, " fill=\"#%06x\"", value & 0xffffffU);
  return out;
}

}  // namespace

Picture draw(const Timeline& timeline) {
  return Drawing(timeline).take();
}

std::string to_svg(const Picture& picture) {
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number(picture.width) + " " +
                    number(picture.height) + "\" font-family=\"sans-serif\" role=\"img\">\n<title>" +
                    escaped(picture.title) + "</title>\n";
  for (const auto& shape : picture.shapes) {
    switch (shape.kind) {
      case Shape::Kind::box:
        out += "<rect x=\"" + number(shape.x) + "\" y=\"" + number(shape.y) + "\" width=\"" +
               number(shape.width) + "\" height=\"" + number(shape.height) + "\"" + colour(shape.colour) +
               "/>\n";
        break;
      case Shape::Kind::area: {
        out += "<path d=\"";
        char before = 'M';
        for (const auto& [x, y] : shape.points) {
          out += before + number(x) + " " + number(y);
          before = 'L';
        }
        out += "Z\"" + colour(shape.colour) + "/>\n";
        break;
      }
      case Shape::Kind::text: {
        const char* anchor = shape.anchor == Shape::Anchor::start    ? ""
                             : shape.anchor == Shape::Anchor::middle ? " text-anchor=\"middle\""
                                                                     : " text-anchor=\"end\"";
        out += "<text x=\"" + number(shape.x) + "\" y=\"" + number(shape.y) + "\" font-size=\"" +
               number(shape.height) + "\"" + anchor + colour(shape.colour) + ">" + escaped(shape.text) +
               "</text>\n";
        break;
      }
    }
  }
  return out + "</svg>\n";
}

}  // namespace parley::recorder
