#include "transport/base/log.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

namespace parley {
namespace {

TEST(Printable, Table) {
  struct Case {
    const char* what;
    std::string text;
    std::string shown;
  };
  const Case cases[] = {
      {"plain", "room 7", "room 7"},
      {"empty", "", ""},
      {"line feed", "a\nb", "a\\x0ab"},
      {"carriage return and tab", "a\r\tb", "a\\x0d\\x09b"},
      {"escape sequence", "\x1b[31mred", "\\x1b[31mred"},
      {"NUL", std::string("a\0b", 3), "a\\x00b"},
      {"delete", "a\x7f", "a\\x7f"},
      {"UTF-8 stays", "Zoë 日本", "Zoë 日本"},
      {"C1 control character (CSI) in UTF-8",
       "a\xc2\x9b"
       "31m",
       "a\\xc2\\x9b31m"},
      {"first and last C1", "\xc2\x80\xc2\x9f", "\\xc2\\x80\\xc2\\x9f"},
      {"no-break space is none", "\xc2\xa0", "\xc2\xa0"},
      {"a lone continuation byte",
       "a\x9b"
       "b",
       "a\\x9bb"},
      {"a lone lead byte", "a\xc3", "a\\xc3"},
      {"a lead byte without its followers", "\xe6\x97z", "\\xe6\\x97z"},
      {"overlong", "\xc0\x8a", "\\xc0\\x8a"},
      {"a surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"four bytes", "\xf0\x9f\x8e\xa4", "\xf0\x9f\x8e\xa4"},
      {"beyond Unicode", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
      {"line separator",
       "a\xe2\x80\xa8"
       "b",
       "a\\xe2\\x80\\xa8b"},
      {"right-to-left override",
       "a\xe2\x80\xae"
       "b",
       "a\\xe2\\x80\\xaeb"},
      {"isolate", "\xe2\x81\xa6x", "\\xe2\\x81\\xa6x"},
      {"byte FF", "\xff", "\\xff"},
  };
  for (const Case& c : cases) EXPECT_EQ(log::printable(c.text), c.shown) << c.what;
}

TEST(Printable, CutsLongTexts) {
  EXPECT_EQ(log::printable(std::string(200, 'x')), std::string(200, 'x'));
  EXPECT_EQ(log::printable(std::string(201, 'x')), std::string(200, 'x') + "...");
  EXPECT_EQ(log::printable("abcdef", 3), "abc...");
  EXPECT_EQ(log::printable(std::string(10'000'000, '\n'), 2), "\\x0a\\x0a...");
  EXPECT_EQ(log::printable("a\xc3\xabz", 2), "a...") << "never half a character";
}

class RateLimitedLogTest : public ::testing::Test {
 protected:
  RateLimitedLogTest() {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
    sink->set_pattern("%l: %v");
    before_ = spdlog::default_logger();
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
  }
  ~RateLimitedLogTest() override { spdlog::set_default_logger(before_); }

  std::string lines() {
    spdlog::default_logger()->flush();
    const std::string all = text_.str();
    text_.str("");
    return all;
  }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

TEST_F(RateLimitedLogTest, OneLineASecondThatTellsOfTheOthers) {
  const TimePoint start{1000s};
  RateLimitedLog log("bad packet");
  log.hit(start);
  EXPECT_EQ(lines(), "warning: bad packet\n");
  for (int i = 0; i < 5'000; ++i) log.hit(start + i * 100us);
  EXPECT_EQ(lines(), "");
  log.hit(start + 999ms);
  EXPECT_EQ(lines(), "");
  log.hit(start + 1s, "from 1.2.3.4:5");
  EXPECT_EQ(lines(), "warning: bad packet: from 1.2.3.4:5 (5001 more since the last line)\n");
  log.hit(start + 5s, "again");
  EXPECT_EQ(lines(), "warning: bad packet: again\n");
  EXPECT_EQ(log.total(), 5'004U);
}

TEST_F(RateLimitedLogTest, IntervalIsTheCallersAndTextsAreMadePrintable) {
  RateLimitedLog log("refused", 10s);
  log.hit(TimePoint{0s}, "evil\nname");
  EXPECT_EQ(lines(), "warning: refused: evil\\x0aname\n");
  log.hit(TimePoint{9s});
  EXPECT_EQ(lines(), "");
  log.hit(TimePoint{10s});
  EXPECT_EQ(lines(), "warning: refused (1 more since the last line)\n");
}

TEST_F(RateLimitedLogTest, FormatStringsOfStrangersAreText) {
  RateLimitedLog log("refused");
  log.hit(TimePoint{0s}, "{} {0:x} %s");
  EXPECT_EQ(lines(), "warning: refused: {} {0:x} %s\n");
}

}  // namespace
}  // namespace parley
