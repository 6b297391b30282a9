#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <cmath>

#include "transport/protocol/messages.hpp"

namespace parley::protocol {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

// The message written back as JSON, or "id code: message" of the refusal.
std::string round_trip(const std::string& text) {
  const auto parsed = parse_client_message(text);
  if (const auto* message = std::get_if<ClientMessage>(&parsed)) return to_json(*message);
  const auto& refused = std::get<Refused>(parsed);
  return (refused.id ? std::to_string(*refused.id) : "-") + " " + refused.failure.code + ": " +
         refused.failure.message;
}

const std::string kEveryRequest[] = {
    R"({"type":"join","id":1,"room":"r","name":"Zoë","pin":"1234","token":"a.b.c","resume":"Abc-9","sdp":"v=0\r\n","consent":false,"applies_gain":false,"direct":true})",
    R"({"type":"leave","id":2})",
    R"({"type":"update","id":3,"sends":true,"receives":false})",
    R"({"type":"ice-restart","id":4,"ufrag":"abcd","pwd":"0123456789012345678901"})",
    R"({"type":"carrier","id":22,"carrier":"both"})",
    R"({"type":"mute-self","id":5,"muted":true})",
    R"({"type":"raise-hand","id":6,"raised":false})",
    R"({"type":"chat","id":7,"text":"hello\nthere"})",
    R"({"type":"personal-gain","id":8,"talker":"p1","db":-40,"mute":false})",
    R"({"type":"whisper","id":9,"to":["p1","p2"],"duck_db":-12.5})",
    R"({"type":"mute","id":10,"participant":"p1"})",
    R"({"type":"unmute","id":11,"participant":"p1"})",
    R"({"type":"kick","id":12,"participant":"p1","reason":"noise"})",
    R"({"type":"gain","id":13,"participant":"p1","db":12})",
    R"({"type":"group","id":14,"participant":"p1","group":4294967295})",
    R"({"type":"lock","id":15})",
    R"({"type":"unlock","id":16})",
    R"({"type":"mute-all","id":17})",
    R"({"type":"start-recording","id":20})",
    R"({"type":"stop-recording","id":21})",
    R"({"type":"stats","id":18,"report":{"jitter":1.5,"nested":{"a":[1,2,{}]}}})",
    R"({"type":"direct-offer","id":19,"call":"c1","ufrag":"abcd","pwd":"0123456789012345678901","fingerprint":"sha-256 AB:CD","candidates":["192.0.2.1:5004","[::1]:9"]})",
    R"({"type":"direct-state","id":20,"call":"c1","state":"failed","reason":"silence"})",
    R"({"type":"direct-talking","id":23,"call":"c1","talking":true,"level":23})",
    R"({"type":"register","id":24,"name":"Zoë","token":"a.b.c","key":"k-1"})",
    R"({"type":"unregister","id":25})",
    R"({"type":"call","id":26,"to":"bob","from":"ann","token":"a.b.c","key":"k-1"})",
    R"({"type":"accept-call","id":27,"call":"c1"})",
    R"({"type":"decline-call","id":28,"call":"c1","busy":true})",
    R"({"type":"cancel-call","id":29,"call":"c1"})",
    R"({"type":"ping","id":9007199254740991})",
};

TEST(ClientMessages, EveryRequestReadsAndWritesTheSame) {
  EXPECT_EQ(std::size(kEveryRequest), std::variant_size_v<Request>);
  for (const auto& text : kEveryRequest) EXPECT_EQ(json::parse(round_trip(text)), json::parse(text)) << text;
}

TEST(ClientMessages, FieldsArriveInTheirPlaces) {
  const auto parsed = parse_client_message(kEveryRequest[0]);
  const auto& message = std::get<ClientMessage>(parsed);
  EXPECT_EQ(message.id, 1u);
  EXPECT_EQ(type_of(message.body), "join");
  const auto& join = std::get<Join>(message.body);
  EXPECT_EQ(join.room, "r");
  EXPECT_EQ(join.name, "Zoë");
  EXPECT_EQ(join.pin, "1234");
  EXPECT_EQ(join.token, "a.b.c");
  EXPECT_EQ(join.resume, "Abc-9");
  EXPECT_EQ(join.sdp, "v=0\r\n");
  EXPECT_FALSE(join.consent);
}

TEST(ClientMessages, WhatMayBeLeftOut) {
  const auto parsed = parse_client_message(R"({"type":"join","id":0,"room":"r","sdp":"v=0"})");
  const auto& join = std::get<Join>(std::get<ClientMessage>(parsed).body);
  EXPECT_FALSE(join.name || join.pin || join.token || join.resume);
  EXPECT_TRUE(join.consent);

  const auto gain = parse_client_message(R"({"type":"personal-gain","id":0,"talker":"p"})");
  EXPECT_FALSE(std::get<SetPersonalGain>(std::get<ClientMessage>(gain).body).db);
  EXPECT_FALSE(std::get<SetPersonalGain>(std::get<ClientMessage>(gain).body).mute);
  EXPECT_EQ(round_trip(R"({"type":"update","id":1})"), R"({"type":"update","id":1})");
  EXPECT_EQ(round_trip(R"({"type":"whisper","id":1,"to":[]})"), R"({"type":"whisper","id":1,"to":[]})");
}

TEST(ClientMessages, UnknownFieldsAreIgnored) {
  EXPECT_EQ(round_trip(R"({"type":"ping","id":1,"x":{"y":[null]},"muted":3})"), R"({"type":"ping","id":1})");
}

TEST(ClientMessages, RefusalsNameTheFieldAndKeepTheId) {
  struct Case {
    std::string text;
    std::string refusal;
  };
  const std::string long_name(65, 'n');
  const Case kCases[] = {
      // the envelope
      {R"({"type":"dance","id":3})", "3 unknown-type: This type of message is not known."},
      {R"({"type":"joined","id":3})", "3 unknown-type: This type of message is not known."},
      {R"({"type":"PING","id":3})", "3 unknown-type: This type of message is not known."},
      {R"({"type":"ping"})", "- bad-value: ping: id: must be a whole number from 0 to 2^53-1"},
      {R"({"type":"ping","id":-1})", "- bad-value: ping: id: must be a whole number from 0 to 2^53-1"},
      {R"({"type":"ping","id":"1"})", "- bad-value: ping: id: must be a whole number from 0 to 2^53-1"},
      {R"({"type":"ping","id":1.5})", "- bad-value: ping: id: must be a whole number from 0 to 2^53-1"},
      {R"({"type":"ping","id":9007199254740992})",
       "- bad-value: ping: id: must be a whole number from 0 to 2^53-1"},
      {R"({"type":"ping","id":18446744073709551615})",
       "- bad-value: ping: id: must be a whole number from 0 to 2^53-1"},
      {R"({"type":"ping","id":null})", "- bad-value: ping: id: must be a whole number from 0 to 2^53-1"},
      {R"({"id":5})", "5 bad-message: The message has no string `type`."},
      // texts
      {R"({"type":"join","id":1,"sdp":"v=0"})", "1 bad-value: join: room: is missing"},
      {R"({"type":"join","id":1,"room":"r"})", "1 bad-value: join: sdp: is missing"},
      {R"({"type":"join","id":1,"room":5,"sdp":"v=0"})", "1 bad-value: join: room: must be a string"},
      {R"({"type":"join","id":1,"room":null,"sdp":"v=0"})", "1 bad-value: join: room: must be a string"},
      {R"({"type":"join","id":1,"room":"","sdp":"v=0"})", "1 bad-value: join: room: must not be empty"},
      {R"({"type":"join","id":1,"room":"a/b","sdp":"v=0"})",
       "1 bad-value: join: room: must not have a '/' and not be '.' or '..'"},
      {R"({"type":"join","id":1,"room":"r","sdp":"v=0","name":null})",
       "1 bad-value: join: name: must be a string"},
      {R"({"type":"join","id":1,"room":"r","sdp":"v=0","name":")" + long_name + "\"}",
       "1 bad-value: join: name: must have at most 64 characters"},
      {R"({"type":"join","id":1,"room":"r","sdp":"v=0","name":"a\u0000b"})",
       "1 bad-value: join: name: must not have control characters or marks of writing direction"},
      {R"({"type":"join","id":1,"room":"r","sdp":"v=0\u0000"})",
       "1 bad-value: join: sdp: must not have NUL characters"},
      {R"({"type":"join","id":1,"room":"r","sdp":""})", "1 bad-value: join: sdp: must have 1 to 65536 bytes"},
      {R"({"type":"join","id":1,"room":"r","sdp":")" + std::string(65'537, 'x') + "\"}",
       "1 bad-value: join: sdp: must have 1 to 65536 bytes"},
      {R"({"type":"join","id":1,"room":"r","sdp":"v=0","resume":"../x"})",
       "1 bad-value: join: resume: must be 1 to 64 of [A-Za-z0-9_-]"},
      {R"({"type":"join","id":1,"room":"r","sdp":"v=0","token":"a b"})",
       "1 bad-value: join: token: must be printable ASCII without spaces"},
      {R"({"type":"direct-offer","id":1,"call":"c","ufrag":"abcd","pwd":"0123456789012345678901","fingerprint":"x","candidates":["example.org:80"]})",
       "1 bad-value: direct-offer: candidates: must be an IP address with a port"},
      {R"({"type":"join","id":1,"room":"r","sdp":"v=0","consent":1})",
       "1 bad-value: join: consent: must be true or false"},
      {R"({"type":"chat","id":1,"text":""})", "1 bad-value: chat: text: must not be empty"},
      {R"({"type":"chat","id":1,"text":")" + std::string(2001, 'x') + "\"}",
       "1 bad-value: chat: text: must have at most 2000 bytes"},
      {R"({"type":"ice-restart","id":1,"ufrag":"abc","pwd":"0123456789012345678901"})",
       "1 bad-value: ice-restart: ufrag: must have 4 to 256 characters"},
      {R"({"type":"ice-restart","id":1,"ufrag":"ab:d","pwd":"0123456789012345678901"})",
       "1 bad-value: ice-restart: ufrag: must be of [A-Za-z0-9+/]"},
      {R"({"type":"ice-restart","id":1,"ufrag":"abcd","pwd":"012345678901234567890"})",
       "1 bad-value: ice-restart: pwd: must have 22 to 256 characters"},
      // numbers
      {R"({"type":"gain","id":1,"participant":"p","db":12.1})",
       "1 bad-value: gain: db: must be a number from -40 to 12"},
      {R"({"type":"gain","id":1,"participant":"p","db":-41})",
       "1 bad-value: gain: db: must be a number from -40 to 12"},
      {R"({"type":"gain","id":1,"participant":"p","db":1e999})",
       "1 bad-value: gain: db: must be a number from -40 to 12"},
      {R"({"type":"gain","id":1,"participant":"p","db":"3"})",
       "1 bad-value: gain: db: must be a number from -40 to 12"},
      {R"({"type":"gain","id":1,"participant":"p","db":18446744073709551615})",
       "1 bad-value: gain: db: must be a number from -40 to 12"},
      {R"({"type":"group","id":1,"participant":"p","group":-1})",
       "1 bad-value: group: group: must be a whole number from 0 to 4294967295"},
      {R"({"type":"group","id":1,"participant":"p","group":4294967296})",
       "1 bad-value: group: group: must be a whole number from 0 to 4294967295"},
      {R"({"type":"group","id":1,"participant":"p","group":1.0})",
       "1 bad-value: group: group: must be a whole number from 0 to 4294967295"},
      // structures
      {R"({"type":"whisper","id":1,"to":"p"})", "1 bad-value: whisper: to: must be a list"},
      {R"({"type":"whisper","id":1,"to":["p",5]})", "1 bad-value: whisper: to: must be a string"},
      {R"({"type":"whisper","id":1,"to":["p"],"duck_db":1})",
       "1 bad-value: whisper: duck_db: must be a number from -40 to 0"},
      {R"({"type":"stats","id":1,"report":"x"})", "1 bad-value: stats: report: must be an object"},
      {R"({"type":"stats","id":1,"report":{"a":")" + std::string(8192, 'x') + "\"}}",
       "1 bad-value: stats: report: must have at most 8192 bytes"},
  };
  for (const auto& c : kCases) EXPECT_EQ(round_trip(c.text), c.refusal) << c.text.substr(0, 200);

  std::string crowd = R"({"type":"whisper","id":1,"to":[)";
  for (int i = 0; i < 1001; ++i) crowd += (i == 0 ? "\"p\"" : ",\"p\"");
  EXPECT_EQ(round_trip(crowd + "]}"), "1 bad-value: whisper: to: must have at most 1000 entries");
}

TEST(ClientMessages, NamesToBeCalledBy) {
  for (const std::string& type : {std::string("register"), std::string("call")}) {
    const std::string field = type == "register" ? "name" : "to";
    const auto with = [&](const std::string& name) {
      return round_trip(R"({"type":")" + type + R"(","id":1,")" + field + R"(":")" + name + "\"}");
    };
    EXPECT_EQ(with(""), "1 bad-value: " + type + ": " + field + ": must not be empty");
    EXPECT_THAT(with(std::string(300, 'x')), HasSubstr("must have at most 64 characters"));
    EXPECT_THAT(with(R"(a\nb)"), HasSubstr("must not have control characters"));
    EXPECT_THAT(with("x"), HasSubstr("\"x\""));
  }
  EXPECT_THAT(round_trip(R"({"type":"register","id":1,"name":"x","key":"a b"})"),
              HasSubstr("register: key:"));
}

TEST(ClientMessages, WhatIsWrittenCanAlwaysBeRead) {
  SetGain gain{"p", std::nan("")};
  EXPECT_EQ(to_json(ClientMessage{1, gain}), R"({"type":"gain","id":1,"participant":"p","db":0})");
  EXPECT_EQ(to_json(ClientMessage{1, SendChat{"\xff\"\\"}}),
            "{\"type\":\"chat\",\"id\":1,\"text\":\"\xef\xbf\xbd\\\"\\\\\"}");
  EXPECT_EQ(to_json(ClientMessage{1, ReportStats{"not json"}}), R"({"type":"stats","id":1,"report":{}})");
}

}  // namespace
}  // namespace parley::protocol
