#include "client/quality_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace parley::client {
namespace {

constexpr const char* kRoom = R"({"participants":[
  {"id":"a","name":"Ann","paths":[
    {"path":"mcu-udp","round_trip_ms":31.4,"uplink":{"loss":0.081,"jitter_ms":3.2,"delay_ms":44,"concealed_ms":120,"mos":3.2},
     "downlink":{"kbps":3}},
    {"path":"direct","peer":"Bob","uplink":{},"downlink":{"loss":0,"mos":4.4}}]},
  {"id":"b","name":"Bob\u001b[2J"}],
 "troubles":[{"participant":"a","name":"Ann","direction":"uplink","cause":"loss","hurts":"others","text":"8.1 % is lost"},
  {"direction":"server","cause":"overload","hurts":"everybody","text":"too busy"}]})";

std::size_t columns(const std::string& line) {
  return static_cast<std::size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

TEST(QualityTable, ARowForEachPathAndTheDiagnosisInWords) {
  const auto lines = quality_table(kRoom);
  ASSERT_TRUE(lines);
  ASSERT_EQ(lines->size(), 7U);
  EXPECT_EQ(
      (*lines)[2],
      "Ann                mcu-udp          31 ms |   8.1 %    3 ms   44 ms  120 ms   3.2 |       -       -  "
      "     -       -     -");
  EXPECT_EQ((*lines)[3].rfind("Ann - Bob          direct               - |", 0), 0U) << (*lines)[3];
  EXPECT_EQ((*lines)[5], "Ann, uplink, hurts others: 8.1 % is lost");
  EXPECT_EQ((*lines)[6], "the server, server, hurts everybody: too busy");
  EXPECT_EQ(columns((*lines)[1]), columns((*lines)[2])) << (*lines)[1] << "\n" << (*lines)[2];
}

TEST(QualityTable, WithoutTroublesItSaysSo) {
  const auto lines =
      quality_table(R"({"participants":[{"name":"Ann","paths":[{"path":"mcu-udp"}]}],"troubles":[]})");
  ASSERT_TRUE(lines);
  EXPECT_EQ(lines->back(), "nobody hurts anybody");
  EXPECT_EQ(quality_table(R"({"participants":[]})")->front().rfind("no figures yet", 0), 0U);
}

TEST(QualityTable, TheLogIsPrintedOldestFirst) {
  const auto history = quality_history(R"({"rows":[
    {"at_ms":1795608005000,"name":"Ann","path":"mcu-udp","uplink":{},"downlink":{}},
    {"at_ms":1795608000000,"name":"Bob","path":"direct","peer":"Ann","uplink":{},"downlink":{}}],"before":17})");
  ASSERT_TRUE(history);
  ASSERT_EQ(history->lines.size(), 4U);
  EXPECT_EQ(history->lines[2].rfind("2026-11-25T12:00:00Z Bob - Ann", 0), 0U) << history->lines[2];
  EXPECT_EQ(history->lines[3].rfind("2026-11-25T12:00:05Z Ann", 0), 0U) << history->lines[3];
  EXPECT_EQ(history->before, "17");
  EXPECT_EQ(quality_history(R"({"rows":[]})")->lines.front(), "no rows");
}

TEST(QualityTable, AnswersOfStrangersAreTakenAsTheyAre) {
  for (const char* text : {"", "[]", "{}", "nonsense", R"({"rows":1})", R"({"participants":{}})"}) {
    static_cast<void>(quality_table(text));
    static_cast<void>(quality_history(text));
  }
  EXPECT_FALSE(quality_table("{}"));
  EXPECT_FALSE(quality_history("nonsense"));
  const auto odd = quality_table(
      R"({"participants":[1,{"name":2,"paths":[3,{"path":4,"uplink":5,"downlink":{"loss":"x","mos":1e300}}]}],"troubles":7})");
  EXPECT_TRUE(odd);
}

}  // namespace
}  // namespace parley::client
