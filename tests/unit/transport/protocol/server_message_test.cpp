#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <cmath>
#include <limits>

#include "transport/protocol/messages.hpp"

namespace parley::protocol {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

#define PARTICIPANT                                                                                          \
  R"({"id":"p1","name":"Ann","role":"moderator","muted":false,"sends":true,"receives":true,"talking":true,)" \
  R"("level":30,"hand":false,"codec":"opus","transport":"dtls-srtp","carrier":"websocket","gain_db":-3,"group":2,"consent":true})"

const std::string kEveryMessage[] = {
    R"({"type":"joined","id":1,"room":"r","participant":"p1","role":"participant","resume":"tok","sdp":"v=0\r\n","roster":[)" PARTICIPANT
    R"(],"locked":false,"recording":true,"streaming":false})",
    R"({"type":"ok","id":2})",
    R"({"type":"error","id":3,"code":"wrong-pin","message":"That is not the PIN.","status":403})",
    R"({"type":"ice","id":4,"ufrag":"abcd","pwd":"0123456789012345678901"})",
    R"({"type":"pong","id":5})",
    R"({"type":"participant-joined","participant":)" PARTICIPANT "}",
    R"({"type":"participant-updated","participant":)" PARTICIPANT "}",
    R"({"type":"participant-left","participant":"p1","reason":"kicked"})",
    R"({"type":"talking","participant":"p1","talking":true,"level":25})",
    R"({"type":"levels","levels":{"p1":20,"p2":127}})",
    R"({"type":"room-updated","locked":true,"recording":false,"streaming":true})",
    R"({"type":"chat","participant":"p1","name":"Ann","text":"hi"})",
    R"({"type":"gain-advice","db":17.5})",
    R"({"type":"uplink","loss":0.05,"jitter_ms":3.5,"round_trip_ms":40})",
    R"({"type":"delay-alarm","participant":"p1","delay_ms":180})",
    R"({"type":"recording-trouble","recording":"r1","state":"refused","cause":"No space left on device"})",
    R"({"type":"stream","stream":"s1","url":"rtmp://live.example:1935/app/***","state":"retrying","cause":"gone"})",
    R"({"type":"playback","sound":"s2","title":"jingle.wav","state":"playing","position_s":1.5,"duration_s":3})",
    R"({"type":"direct-start","call":"c1","peer":"p2","controlling":true,"probing":false})",
    R"({"type":"direct-peer","call":"c1","ufrag":"abcd","pwd":"0123456789012345678901","fingerprint":"sha-256 AB:CD","candidates":[]})",
    R"({"type":"direct-address","call":"c1","address":"192.0.2.1:5004"})",
    R"({"type":"direct-peer-state","call":"c1","state":"ready"})",
    R"({"type":"direct-stop","call":"c1","reason":"participants"})",
    R"({"type":"closed","reason":"kicked","message":"You were removed."})",
};

TEST(ServerMessages, EveryMessageReadsAndWritesTheSame) {
  EXPECT_EQ(std::size(kEveryMessage), std::variant_size_v<ServerBody>);
  for (const auto& text : kEveryMessage) {
    const auto parsed = parse_server_message(text);
    const auto* message = std::get_if<ServerMessage>(&parsed);
    ASSERT_NE(message, nullptr) << text << ": " << std::get<Refused>(parsed).failure.message;
    EXPECT_EQ(json::parse(to_json(*message)), json::parse(text));
  }
}

TEST(ServerMessages, FieldsArriveInTheirPlaces) {
  const auto parsed = parse_server_message(kEveryMessage[0]);
  const auto& joined = std::get<Joined>(std::get<ServerMessage>(parsed).body);
  EXPECT_EQ(joined.resume, "tok");
  ASSERT_EQ(joined.roster.size(), 1u);
  EXPECT_EQ(joined.roster[0].name, "Ann");
  EXPECT_EQ(joined.roster[0].role, Role::moderator);
  EXPECT_EQ(joined.roster[0].level, 30);
  EXPECT_EQ(joined.roster[0].gain_db, -3);
  EXPECT_EQ(joined.roster[0].group, 2u);
  EXPECT_TRUE(joined.recording);
  const auto levels = parse_server_message(kEveryMessage[9]);
  EXPECT_EQ(std::get<Levels>(std::get<ServerMessage>(levels).body).levels.at("p2"), 127);
}

TEST(ServerMessages, AnswersCarryTheIdAndEventsNone) {
  EXPECT_EQ(to_json(ServerMessage{7, Ok{}}), R"({"type":"ok","id":7})");
  EXPECT_EQ(to_json(ServerMessage{7, Failure{"bad-value", "x.", 400}}),
            R"({"type":"error","id":7,"code":"bad-value","message":"x.","status":400})");
  EXPECT_EQ(to_json(ServerMessage{{}, Failure{"bad-message", "x.", 400}}),
            R"({"type":"error","code":"bad-message","message":"x.","status":400})");
  EXPECT_EQ(to_json(ServerMessage{7, GainAdvice{1}}), R"({"type":"gain-advice","db":1})");
  const auto event = parse_server_message(R"({"type":"gain-advice","db":1,"id":7})");
  EXPECT_FALSE(std::get<ServerMessage>(event).id);
  EXPECT_TRUE(std::holds_alternative<Refused>(parse_server_message(R"({"type":"ok"})")));
}

TEST(ServerMessages, AbsentMediaIsLeftOut) {
  Participant silent;
  silent.id = "p2";
  const auto text = to_json(ServerMessage{{}, ParticipantJoined{silent}});
  EXPECT_EQ(text.find("codec"), std::string::npos);
  EXPECT_EQ(text.find("transport"), std::string::npos);
  const auto back = parse_server_message(text);
  EXPECT_FALSE(std::get<ParticipantJoined>(std::get<ServerMessage>(back).body).participant.codec);
  EXPECT_EQ(to_json(ServerMessage{{}, Uplink{0.5, 2, {}}}), R"({"type":"uplink","loss":5E-1,"jitter_ms":2})");
}

TEST(ServerMessages, NumbersThatAreNoneAreWrittenAsZero) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(to_json(ServerMessage{{}, GainAdvice{bad}}), R"({"type":"gain-advice","db":0})");
    EXPECT_TRUE(std::holds_alternative<ServerMessage>(
        parse_server_message(to_json(ServerMessage{{}, Uplink{bad, bad, bad}}))));
  }
}

TEST(ServerMessages, ARosterOfThousandsFits) {
  Joined joined;
  joined.room = "r";
  joined.participant = "p0";
  joined.resume = "t";
  joined.sdp = "v=0";
  for (int i = 0; i < 5000; ++i) {
    Participant p;
    p.id = "p" + std::to_string(i);
    for (int k = 0; k < 64; ++k) p.name += "\xf0\x9f\x98\x80";
    p.codec = "opus";
    p.transport = "dtls-srtp";
    joined.roster.push_back(p);
  }
  const auto text = to_json(ServerMessage{1, joined});
  EXPECT_LT(text.size(), kMaxServerMessage);
  const auto parsed = parse_server_message(text);
  ASSERT_TRUE(std::holds_alternative<ServerMessage>(parsed)) << std::get<Refused>(parsed).failure.message;
  EXPECT_EQ(std::get<Joined>(std::get<ServerMessage>(parsed).body).roster.size(), 5000u);
}

TEST(ServerMessages, AClientIsNotFooledEither) {
  struct Case {
    const char* text;
    const char* message;
  };
  const Case kCases[] = {
      {R"({"type":"talking","participant":"p","talking":true,"level":128})",
       "talking: level: must be a whole number from 0 to 127"},
      {R"({"type":"levels","levels":{"p":-1}})", "levels: levels: must be a whole number from 0 to 127"},
      {R"({"type":"levels","levels":{"../p":1}})",
       "levels: levels: each key must be 1 to 64 of [A-Za-z0-9_-]"},
      {R"({"type":"levels","levels":[1]})", "levels: levels: must be an object"},
      {R"({"type":"uplink","loss":1.5,"jitter_ms":0})", "uplink: loss: must be a number from 0 to 1"},
      {R"({"type":"participant-joined","participant":"p"})",
       "participant-joined: participant: must be an object"},
      {R"({"type":"participant-joined","participant":{"id":"p"}})",
       "participant-joined: participant.name: is missing"},
      {R"({"type":"closed","reason":"x","message":"\u001b[2J"})",
       "closed: message: must not have control characters or marks of writing direction"},
      {R"({"type":"joined","id":1,"room":"r","participant":"p","role":"king","resume":"t","sdp":"v","roster":[],"locked":false,"recording":false})",
       "joined: role: must be \"participant\" or \"moderator\""},
  };
  for (const auto& c : kCases) {
    const auto parsed = parse_server_message(c.text);
    const auto* refused = std::get_if<Refused>(&parsed);
    ASSERT_NE(refused, nullptr) << c.text;
    EXPECT_EQ(refused->failure.code, "bad-value");
    EXPECT_EQ(refused->failure.message, c.message);
  }
}

}  // namespace
}  // namespace parley::protocol
