#include "pipelines/recorder/timeline.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace parley::recorder {
namespace {

Timeline example() {
  Timeline t;
  t.title = "standup";
  t.duration_ms = 60'000;
  Timeline::Lane lane;
  lane.name = "Alice";
  lane.present = {{0, 60'000}};
  lane.talks = {{10'000, 20'000}};
  lane.mutes = {{30'000, 40'000}};
  lane.levels = {{1'000, std::vector<std::uint8_t>(60, 20)}};
  t.lanes.push_back(lane);
  return t;
}

std::vector<Shape> boxes(const Picture& picture, std::uint32_t colour) {
  std::vector<Shape> out;
  for (const auto& shape : picture.shapes)
    if (shape.kind == Shape::Kind::box && shape.colour == colour && shape.height > 20) out.push_back(shape);
  return out;
}

TEST(Timeline, ShowsWhoTalkedWhen) {
  const auto picture = draw(example());
  const auto there = boxes(picture, 0xedf1f5), talks = boxes(picture, 0xb9d9f7),
             mutes = boxes(picture, 0xf3c6c6);
  ASSERT_EQ(there.size(), 1U);
  ASSERT_EQ(talks.size(), 1U);
  ASSERT_EQ(mutes.size(), 1U);
  EXPECT_NEAR((talks[0].x - there[0].x) / there[0].width, 10.0 / 60, 1e-6);
  EXPECT_NEAR(talks[0].width / there[0].width, 10.0 / 60, 1e-6);
  EXPECT_NEAR((mutes[0].x - there[0].x) / there[0].width, 0.5, 1e-6);
  std::size_t areas = 0, names = 0, marks = 0;
  for (const auto& shape : picture.shapes) {
    areas += shape.kind == Shape::Kind::area;
    names += shape.text == "Alice";
    marks += shape.text == "0:30";
  }
  EXPECT_EQ(areas, 1U);
  EXPECT_EQ(names, 1U);
  EXPECT_EQ(marks, 1U);
}

TEST(Timeline, HostileNamesStayText) {
  for (const std::string& name :
       {std::string("</text><script>alert(1)</script>"), std::string("\" onload=\"x"), std::string("&lt;"),
        std::string("a\0b\x01\x1b[31m", 9), std::string("\xff\xfe\xc0\x80"), std::string("\xef\xbf\xbf]]>"),
        std::string("\xe2\x80\xae"
                    "fdp.exe"),
        std::string(5'000, 'x'), std::string(2'000, '\xf0')}) {
    auto t = example();
    t.title = t.lanes[0].name = name;
    const auto svg = to_svg(draw(t));
    EXPECT_EQ(svg.find("<script"), std::string::npos);
    EXPECT_EQ(svg.find("onload=\""), std::string::npos);
    EXPECT_EQ(svg.find('\0'), std::string::npos);
    EXPECT_EQ(svg.find('\x1b'), std::string::npos);
    EXPECT_EQ(svg.find("\xe2\x80\xae"), std::string::npos) << "turns the direction of writing";
    EXPECT_LT(svg.size(), 20'000U);
    // An XML parser of somebody else.
    const auto path = ::testing::TempDir() + "parley-timeline-" + std::to_string(::getpid()) + ".svg";
    std::ofstream(path) << svg;
    EXPECT_EQ(
        std::system(("python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' " + path).c_str()),
        0)
        << svg;
    std::remove(path.c_str());
  }
}

TEST(Timeline, StrangeFiguresStayInsideThePicture) {
  auto t = example();
  t.lanes[0].talks = {{-5, 1'000'000'000}, {50'000, 40'000}, {INT64_MAX, INT64_MAX}};
  t.lanes[0].levels = {{0, {1}}, {1, {}}, {1'000'000'000, {0, 200, 255}}};
  t.troubles = {{5, -1}};
  t.lanes.resize(5'000, t.lanes[0]);
  const auto picture = draw(t);
  EXPECT_LT(picture.height, 6'000);
  for (const auto& shape : picture.shapes) {
    EXPECT_GE(shape.x, 0);
    EXPECT_LE(shape.x + shape.width, picture.width + 1);
    for (const auto& [x, y] : shape.points)
      EXPECT_TRUE(x >= 0 && x <= picture.width && y >= 0 && y <= picture.height);
  }
  t.duration_ms = 0;
  t.lanes.clear();
  EXPECT_NE(to_svg(draw(t)).find("</svg>"), std::string::npos);
}

}  // namespace
}  // namespace parley::recorder
