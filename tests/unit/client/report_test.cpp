#include "client/report.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>

namespace parley::client {
namespace {

boost::json::object parsed(const std::string& line) {
  EXPECT_EQ(line.find('\n'), std::string::npos);
  return boost::json::parse(line).as_object();
}

SessionStats some_stats() {
  SessionStats stats;
  stats.state = SessionState::live;
  stats.packets_sent = 500;
  stats.packets_received = 490;
  stats.lost_in = 10;
  stats.loss_in = 0.02;
  stats.jitter_in_ms = 1.23456;
  stats.round_trip_ms = 12.5;
  stats.level_in_dbfs = -23.1;
  stats.delay_ms = 40;
  stats.concealed_ms = 60;
  return stats;
}

TEST(Report, StatsHoldWhatWasMeasured) {
  const auto line = parsed(stats_line(3.0, some_stats()));
  EXPECT_EQ(line.at("type"), "stats");
  EXPECT_EQ(line.at("time").to_number<double>(), 3.0);
  EXPECT_EQ(line.at("state"), "live");
  EXPECT_EQ(line.at("sent").as_object().at("packets").to_number<int>(), 500);
  const auto& received = line.at("received").as_object();
  EXPECT_EQ(received.at("packets").to_number<int>(), 490);
  EXPECT_EQ(received.at("lost").to_number<int>(), 10);
  EXPECT_EQ(received.at("jitter_ms").to_number<double>(), 1.235);
  EXPECT_EQ(received.at("level_dbfs").to_number<double>(), -23.1);
  EXPECT_EQ(received.at("delay_ms").to_number<double>(), 40);
  EXPECT_EQ(received.at("concealed_ms").to_number<double>(), 60);
  EXPECT_EQ(line.at("round_trip_ms").to_number<double>(), 12.5);
}

TEST(Report, QualityHoldsBothDirectionsAndNullWhereNothingIsKnown) {
  PathQuality quality;
  quality.path = "direct";
  quality.local = "192.0.2.1:4000";
  quality.remote = "198.51.100.1:5000";
  quality.round_trip_ms = 12.34567;
  quality.downlink = {0.08, 0.06, 3, 32, 40, 45, 120, 4.1};
  const auto line = parsed(quality_line(5, quality));
  EXPECT_EQ(line.at("type"), "quality");
  EXPECT_EQ(line.at("path"), "direct");
  EXPECT_EQ(line.at("local"), "192.0.2.1:4000");
  EXPECT_EQ(line.at("remote"), "198.51.100.1:5000");
  EXPECT_EQ(line.at("round_trip_ms").to_number<double>(), 12.346);
  EXPECT_TRUE(line.at("uplink").at("mos").is_null());
  const auto& down = line.at("downlink").as_object();
  EXPECT_EQ(down.at("loss").to_number<double>(), 0.08);
  EXPECT_EQ(down.at("recovered").to_number<double>(), 0.06);
  EXPECT_EQ(down.at("target_ms").to_number<double>(), 45);
  EXPECT_EQ(down.at("concealed_ms").to_number<double>(), 120);
  EXPECT_EQ(down.at("mos").to_number<double>(), 4.1);
  const auto alarm = parsed(quality_alarm_line(5, {"p1", "mcu-udp", "uplink", true, 2.9, "8 % is lost"}));
  EXPECT_EQ(alarm.at("type"), "quality-alarm");
  EXPECT_TRUE(alarm.at("bad").as_bool());
  EXPECT_EQ(alarm.at("text"), "8 % is lost");
}

TEST(Report, NumbersArePlain) {
  const auto line = stats_line(12.3456, some_stats());
  EXPECT_NE(line.find("\"time\":12.346,"), std::string::npos) << line;
  EXPECT_NE(line.find("\"level_dbfs\":-23.1,"), std::string::npos) << line;
  EXPECT_NE(line.find("\"delay_ms\":40,"), std::string::npos) << line;
  EXPECT_EQ(line.find("E0"), std::string::npos) << line;
}

TEST(Report, UnknownIsNullAndNonsenseIsStillJson) {
  SessionStats stats;
  stats.delay_ms = std::numeric_limits<double>::infinity();
  stats.drift_ppm = std::numeric_limits<double>::quiet_NaN();
  const auto line = parsed(stats_line(0, stats));
  EXPECT_TRUE(line.at("round_trip_ms").is_null());
  EXPECT_EQ(line.at("received").as_object().at("delay_ms").to_number<double>(), 0);
}

TEST(Report, StrangersTextsCannotBreakALine) {
  protocol::Participant evil;
  evil.id = "x";
  evil.name = "a\n{\"type\":\"summary\"}\x1b[2J";
  const auto line = parsed(participant_line(1, "participant-joined", evil));
  EXPECT_EQ(line.at("participant").as_object().at("name").as_string(), evil.name.c_str());
  protocol::Playback sound;
  sound.title = evil.name;
  sound.state = "playing";
  sound.position_s = 5;
  EXPECT_EQ(parsed(playback_line(1, sound)).at("title").as_string(), evil.name.c_str());
  EXPECT_EQ(parsed(playback_line(1, sound)).at("position_s").to_number<double>(), 5);
  EXPECT_FALSE(parsed(playback_line(1, sound)).contains("duration_s"));
  protocol::StreamChanged stream;
  stream.cause = evil.name;
  EXPECT_EQ(parsed(stream_line(1, stream)).at("cause").as_string(), evil.name.c_str());
  EXPECT_EQ(parsed(chat_line(1, "x", evil.name, evil.name)).at("text").as_string(), evil.name.c_str());
}

TEST(Report, TheSummaryTellsHowItEnded) {
  const auto line =
      parsed(summary_line(10, some_stats(), {EndKind::lost, "kicked", "You were removed"}, 6, {8.5, 0, 0}));
  EXPECT_EQ(line.at("type"), "summary");
  EXPECT_EQ(line.at("exit_code").to_number<int>(), 6);
  EXPECT_EQ(line.at("code"), "kicked");
  EXPECT_EQ(line.at("message"), "You were removed");
  EXPECT_EQ(line.at("in_room_s").to_number<double>(), 8.5);
  EXPECT_TRUE(line.at("join_ms").is_null());
  EXPECT_EQ(line.at("received").as_object().at("packets").to_number<int>(), 490);
}

}  // namespace
}  // namespace parley::client
