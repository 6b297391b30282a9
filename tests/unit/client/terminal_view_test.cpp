#include "client/terminal_view.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>

#include "client/text.hpp"

namespace parley::client {
namespace {

protocol::Participant person(std::string id, std::string name, bool talking = false,
                             std::uint8_t level = 127) {
  protocol::Participant participant;
  participant.id = std::move(id);
  participant.name = std::move(name);
  participant.talking = talking;
  participant.level = level;
  return participant;
}

TEST(TerminalText, NothingMovesTheCursor) {
  EXPECT_EQ(terminal_text("a\x1b[2Jb"), "a\xEF\xBF\xBD[2Jb");
  EXPECT_EQ(terminal_text("a\nb\rc\td"),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD"
            "c\xEF\xBF\xBD"
            "d");
  EXPECT_EQ(terminal_text("\xc2\x9b"
                          "2J"),
            "\xEF\xBF\xBD"
            "2J");  // C1: CSI
  EXPECT_EQ(terminal_text("\xe2\x80\xae"
                          "x"),
            "\xEF\xBF\xBD"
            "x");                                                                    // right-to-left override
  EXPECT_EQ(terminal_text("\xff\xc0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // not UTF-8
  EXPECT_EQ(terminal_text("Zoë"), "Zoë");
}

TEST(TerminalText, CountsCharactersNotBytes) {
  EXPECT_EQ(terminal_text("Zoëlle", 3), "Zo…");
  EXPECT_EQ(terminal_cell("Zoë", 5), "Zoë  ");
  EXPECT_EQ(terminal_cell("Zoëlle", 3), "Zo…");
  EXPECT_EQ(terminal_text("abc", 0), "");
}

TEST(LevelMeter, RunsFromMinus60To0) {
  EXPECT_EQ(level_meter(-96, 10), "..........");
  EXPECT_EQ(level_meter(-60, 10), "..........");
  EXPECT_EQ(level_meter(-30, 10), "#####.....");
  EXPECT_EQ(level_meter(0, 10), "##########");
  EXPECT_EQ(level_meter(20, 10), "##########");
}

TEST(Render, ShowsTheRoomThePeopleAndTheNetwork) {
  View view;
  view.room = "demo";
  view.self_id = "a";
  view.in_room_s = 3'725;
  view.roster = {person("a", "Ada"), person("b", "Bob", true, 30), person("c", "Cem")};
  view.roster[2].muted = true;
  view.stats.state = SessionState::live;
  view.stats.level_out_dbfs = -15;
  view.stats.round_trip_ms = 21.4;
  view.stats.loss_in = 0.015;
  view.stats.delay_ms = 40;
  view.locked = true;
  const auto lines = render(view, 120, 24);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_NE(lines[0].find("demo"), std::string::npos);
  EXPECT_NE(lines[0].find("1:02:05"), std::string::npos);
  EXPECT_NE(lines[0].find("3 participants"), std::string::npos);
  EXPECT_NE(lines[0].find("locked"), std::string::npos);
  EXPECT_NE(lines[1].find("Ada (you)"), std::string::npos);
  EXPECT_NE(lines[1].find(level_meter(-15, 20)), std::string::npos);
  EXPECT_EQ(lines[2].rfind("* Bob", 0), 0U);
  EXPECT_NE(lines[2].find(level_meter(-30, 20)), std::string::npos);
  EXPECT_NE(lines[3].find("muted"), std::string::npos);
  EXPECT_NE(lines[4].find("round trip 21 ms"), std::string::npos);
  EXPECT_NE(lines[4].find("loss in 1.5 %"), std::string::npos);
}

TEST(Render, FitsTheTerminalWhateverComes) {
  View view;
  view.room = std::string(300, 'r');
  for (int i = 0; i < 500; ++i) {
    const bool talking = i == 450;
    view.roster.push_back(person(std::to_string(i), talking ? "Talker" : std::string(64, 'n'), talking, 20));
  }
  for (const std::size_t columns : {1U, 10U, 40U, 80U, 300U}) {
    for (const std::size_t rows : {1U, 3U, 5U, 24U}) {
      const auto lines = render(view, columns, rows);
      EXPECT_LE(lines.size(), std::max<std::size_t>(rows, 3));
      for (const auto& line : lines) EXPECT_LE(line.size(), columns * 3);  // the ellipsis has three bytes
    }
  }
  const auto lines = render(view, 80, 24);
  EXPECT_NE(lines[1].find("Talker"), std::string::npos);  // who talks is not among those left out
  EXPECT_NE(lines[lines.size() - 2].find("and 480 more"), std::string::npos);
}

// What a terminal of 20 lines shows after these bytes; only the sequences that Screen uses are understood.
std::vector<std::string> shown(const std::string& bytes) {
  std::vector<std::string> lines(20);
  std::size_t row = 0, column = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\n') {
      ++row;
      column = 0;
    } else if (bytes[i] == '\r') {
      column = 0;
    } else if (bytes[i] == '\x1b') {
      std::size_t count = 0;
      for (i += 2; std::isdigit(static_cast<unsigned char>(bytes.at(i))) != 0; ++i)
        count = count * 10 + static_cast<std::size_t>(bytes[i] - '0');
      if (bytes[i] == 'A') row -= count;
      if (bytes[i] == 'K' || bytes[i] == 'J') lines.at(row).resize(std::min(column, lines.at(row).size()));
      if (bytes[i] == 'J') std::fill(lines.begin() + static_cast<std::ptrdiff_t>(row) + 1, lines.end(), "");
    } else {
      auto& line = lines.at(row);
      line.resize(std::max(line.size(), column + 1), ' ');
      line[column++] = bytes[i];
    }
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

TEST(Screen, DrawsOverTheLastPictureAndKeepsWhatWasSaid) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  Screen screen(file);
  const auto bytes = [file] {
    std::string out(static_cast<std::size_t>(std::ftell(file)), '\0');
    std::rewind(file);
    EXPECT_EQ(std::fread(out.data(), 1, out.size(), file), out.size());
    std::fseek(file, 0, SEEK_END);
    return out;
  };
  screen.say("joined");
  EXPECT_EQ(bytes().find('\x1b'), std::string::npos);  // plain lines have no escape sequences
  screen.draw({"one", "two", "a long line"});
  screen.draw({"1", "2"});
  EXPECT_EQ(shown(bytes()), (std::vector<std::string>{"joined", "1", "2"}));
  screen.say("bob joined");
  EXPECT_EQ(shown(bytes()), (std::vector<std::string>{"joined", "bob joined", "1", "2"}));
  screen.draw({});
  EXPECT_EQ(shown(bytes()), (std::vector<std::string>{"joined", "bob joined"}));
  std::fclose(file);
}

}  // namespace
}  // namespace parley::client
