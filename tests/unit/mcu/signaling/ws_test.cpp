// docs/protocol.md over a real WebSocket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/mcu/signaling/server_fixture.hpp"
#include "tests/unit/mcu/signaling/sign.hpp"

namespace parley::signaling {
namespace {

using ::testing::AnyOf;
using ::testing::SizeIs;

class WebSocket : public ServerTest {};

// --- Getting in

TEST_F(WebSocket, JoinIsAnsweredWithEverythingAClientNeeds) {
  start();
  WsClient ann(address);
  ASSERT_TRUE(ann.open());
  const auto joined = ann.join("r", "Ann");
  EXPECT_EQ(type_of(joined), "joined");
  EXPECT_EQ(joined.at("room").as_string(), "r");
  EXPECT_EQ(joined.at("role").as_string(), "participant");
  EXPECT_EQ(joined.at("sdp").as_string(), "answer to offer of Ann");
  EXPECT_EQ(joined.at("resume").as_string().size(), 22U);
  EXPECT_EQ(joined.at("locked").as_bool(), false);
  EXPECT_EQ(joined.at("recording").as_bool(), false);
  const auto& self = joined.at("roster").as_array().at(0).as_object();
  EXPECT_EQ(self.at("id").as_string(), joined.at("participant").as_string());
  EXPECT_EQ(self.at("name").as_string(), "Ann");
  EXPECT_EQ(code_of(ann.join("r", "Ann")), "already-joined");
}

TEST_F(WebSocket, OriginsAreChecked) {
  settings.allowed_origins = {"https://meet.example.org"};
  start();
  EXPECT_TRUE(WsClient(address).open());
  EXPECT_TRUE(WsClient(address, "https://meet.example.org").open());
  EXPECT_TRUE(WsClient(address, "http://" + address.to_string()).open());
  const WsClient evil(address, "https://evil.example");
  EXPECT_FALSE(evil.open());
  EXPECT_EQ(evil.status(), 403);
}

TEST_F(WebSocket, AnOrdinaryGetIsToldToUpgrade) {
  start();
  const auto answer = request("GET", "/ws");
  EXPECT_EQ(answer.status, 426);
  EXPECT_EQ(answer.header("Upgrade"), "websocket");
  EXPECT_EQ(request("POST", "/ws").status, 404);
}

TEST_F(WebSocket, NothingIsSaidBeforeTheHandshakeIsAnswered) {
  start();
  HttpClient hasty(address);
  hasty.send(text_of("GET", "/ws",
                     {{"Connection", "Upgrade"},
                      {"Upgrade", "websocket"},
                      {"Sec-WebSocket-Version", "13"},
                      {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}}) +
             std::string("\x81\x80\0\0\0\0", 6));
  EXPECT_EQ(hasty.receive().status, 426);
}

TEST_F(WebSocket, RefusalsHaveTheirCodeAndStatus) {
  start();
  on_ctl([&] { ASSERT_TRUE(rooms().create_room(now(), {.name = "pin", .pin = "1234"})); });
  WsClient client(address);
  const auto refused = client.join("pin", "Ann", {{"pin", "1"}});
  EXPECT_EQ(type_of(refused), "error");
  EXPECT_EQ(refused.at("code").as_string(), "wrong-pin");
  EXPECT_EQ(refused.at("status").as_int64(), 403);
  EXPECT_FALSE(refused.at("message").as_string().empty());
  on_ctl([&] { media.refuse_with = 406; });
  EXPECT_EQ(code_of(client.join("r", "Ann")), "not-acceptable");
  on_ctl([&] { media.refuse_with = 0; });
  EXPECT_EQ(code_of(client.join("pin", "Ann", {{"pin", "1234"}})), "joined");
}

TEST_F(WebSocket, TokensGiveNameAndRole) {
  settings.token_key = "the token key of tests";
  room_settings.token_required = true;
  start();
  const auto token =
      sign(R"({"room":"r","name":"Ann","role":"moderator","once":true,"exp":)" + in_seconds(60) + "}",
           settings.token_key);
  WsClient client(address);
  EXPECT_EQ(code_of(client.join("r", "x")), "bad-token");
  EXPECT_EQ(code_of(client.join("s", "x", {{"token", token}})), "bad-token");
  on_ctl([&] { EXPECT_EQ(rooms().counts().refused.at("bad-token"), 2U); });
  const auto joined = client.join("r", "x", {{"token", token}});
  EXPECT_EQ(joined.at("role").as_string(), "moderator");
  EXPECT_EQ(joined.at("roster").as_array().at(0).at("name").as_string(), "Ann");
  WsClient second(address);
  EXPECT_EQ(code_of(second.join("r", "x", {{"token", token}})), "bad-token");
}

// --- Being in

TEST_F(WebSocket, TheRosterIsFollowed) {
  start();
  WsClient ann(address);
  ann.join("r", "Ann");
  WsClient bob(address);
  const auto joined = bob.join("r", "Bob");
  EXPECT_THAT(joined.at("roster").as_array(), SizeIs(2));
  const auto id = joined.at("participant").as_string();
  EXPECT_EQ(ann.receive("participant-joined").at("participant").at("id").as_string(), id);

  EXPECT_EQ(type_of(bob.ask({{"type", "mute-self"}, {"muted", true}})), "ok");
  EXPECT_TRUE(ann.receive("participant-updated").at("participant").at("muted").as_bool());
  EXPECT_EQ(type_of(bob.ask({{"type", "update"}, {"sends", false}})), "ok");
  EXPECT_FALSE(ann.receive("participant-updated").at("participant").at("sends").as_bool());
  EXPECT_EQ(type_of(bob.ask({{"type", "raise-hand"}, {"raised", true}})), "ok");
  EXPECT_TRUE(ann.receive("participant-updated").at("participant").at("hand").as_bool());
  EXPECT_EQ(type_of(bob.ask({{"type", "chat"}, {"text", "hello"}})), "ok");
  EXPECT_EQ(ann.receive("chat").at("text").as_string(), "hello");

  on_ctl([&] {
    rooms().talking(media.last_leg(), true, 20);
    rooms().level(media.last_leg(), 25);
    rooms().on_timer(now());
  });
  EXPECT_EQ(ann.receive("talking").at("participant").as_string(), id);
  EXPECT_EQ(ann.receive("levels").at("levels").at(id).as_int64(), 25);

  EXPECT_EQ(type_of(bob.ask({{"type", "leave"}})), "ok");
  EXPECT_EQ(bob.close_code(), websocket::close_code::normal);
  const auto left = ann.receive("participant-left");
  EXPECT_EQ(left.at("participant").as_string(), id);
  EXPECT_EQ(left.at("reason").as_string(), "left");
}

TEST_F(WebSocket, AClientTellsOfItsPathsWithinLimits) {
  start();
  WsClient ann(address);
  EXPECT_EQ(code_of(ann.ask({{"type", "quality"}, {"path", "mcu-udp"}})), "not-joined");
  const auto joined = ann.join("r", "Ann");
  EXPECT_EQ(type_of(ann.ask(
                {{"type", "quality"}, {"path", "mcu-udp"}, {"target_ms", 42}, {"received_loss", 0.25}})),
            "ok");
  EXPECT_EQ(code_of(ann.ask({{"type", "quality"}, {"path", "direct"}})), "bad-value") << "which call?";
  EXPECT_EQ(code_of(ann.ask({{"type", "quality"}, {"path", "mcu-udp"}, {"call", "c"}})), "bad-value");
  EXPECT_EQ(code_of(ann.ask({{"type", "quality"}, {"path", "direct"}, {"call", "c"}})), "conflict");
  on_ctl([&] {
    const auto people = rooms().quality("r");
    ASSERT_TRUE(people && people->size() == 1);
    const auto& told = people->front().mcu_report;
    ASSERT_TRUE(told);
    EXPECT_EQ(told->target_ms, 42);
    EXPECT_EQ(told->received_loss, 0.25);
    EXPECT_EQ(told->round_trip_ms, -1);
  });
  int refused = 0;
  for (int i = 0; i < 20; ++i)
    refused += code_of(ann.ask({{"type", "quality"}, {"path", "mcu-udp"}})) == "too-many" ? 1 : 0;
  EXPECT_GE(refused, 5);
  EXPECT_EQ(type_of(ann.ask({{"type", "ping"}})), "pong") << "the connection lives on";

  on_ctl([&] {
    rooms().quality_alarm("r", {std::string(joined.at("participant").as_string()), "mcu-udp", "uplink", true,
                                2.9, "8 % is lost"});
  });
  const auto alarm = ann.receive("quality-alarm");
  EXPECT_EQ(alarm.at("direction").as_string(), "uplink");
  EXPECT_TRUE(alarm.at("bad").as_bool());
  EXPECT_EQ(alarm.at("text").as_string(), "8 % is lost");
}

TEST_F(WebSocket, ALegsQualityIsToldToItsOwner) {
  start();
  WsClient ann(address);
  ann.join("r", "Ann");
  on_ctl([&] {
    room::TrafficReport report;
    report.fraction_lost_in = 0.125;
    report.jitter_in_ms = 3;
    rooms().traffic(now(), media.last_leg(), report);
    rooms().gain_advice(media.last_leg(), 2.5F);
  });
  const auto uplink = ann.receive("uplink");
  EXPECT_EQ(uplink.at("loss").as_double(), 0.125);
  EXPECT_EQ(ann.receive("gain-advice").at("db").as_double(), 2.5);
}

TEST_F(WebSocket, EveryRequestReachesTheMediaPlane) {
  start();
  WsClient ann(address), bob(address);
  const auto ann_leg = [&] {
    ann.join("r", "Ann");
    return on_ctl([&] { return media.last_leg(); });
  }();
  const auto bob_id = bob.join("r", "Bob").at("participant").as_string();
  const auto bob_leg = on_ctl([&] { return media.last_leg(); });
  EXPECT_EQ(type_of(ann.ask({{"type", "personal-gain"}, {"talker", bob_id}, {"db", -6}})), "ok");
  EXPECT_EQ(on_ctl([&] { return media.at(ann_leg).personal.at(bob_leg).db; }), -6.0F);
  EXPECT_EQ(type_of(ann.ask({{"type", "personal-gain"}, {"talker", bob_id}})), "ok");
  EXPECT_EQ(on_ctl([&] { return media.at(ann_leg).personal.at(bob_leg).db; }), std::nullopt);
  EXPECT_EQ(type_of(ann.ask({{"type", "whisper"}, {"to", json::array{bob_id}}, {"duck_db", -10}})), "ok");
  EXPECT_THAT(on_ctl([&] { return media.at(ann_leg).audience; }), SizeIs(1));
  EXPECT_EQ(type_of(ann.ask({{"type", "whisper"}, {"to", json::array{}}})), "ok");
  EXPECT_THAT(on_ctl([&] { return media.at(ann_leg).audience; }), SizeIs(0));
  EXPECT_EQ(type_of(ann.ask({{"type", "stats"}, {"report", json::object{}}})), "ok");
  EXPECT_EQ(type_of(ann.ask({{"type", "ping"}})), "pong");
}

TEST_F(WebSocket, ModerationIsForModerators) {
  room_settings.default_role = room::Role::moderator;
  start();
  WsClient ann(address), bob(address);
  EXPECT_EQ(ann.join("r", "Ann").at("role").as_string(), "moderator");
  const auto bob_id = bob.join("r", "Bob").at("participant").as_string();
  const auto bob_leg = on_ctl([&] { return media.last_leg(); });
  EXPECT_EQ(type_of(ann.ask({{"type", "mute"}, {"participant", bob_id}})), "ok");
  EXPECT_TRUE(on_ctl([&] { return media.at(bob_leg).muted; }));
  EXPECT_EQ(code_of(bob.ask({{"type", "mute-self"}, {"muted", false}})), "forbidden");
  EXPECT_EQ(type_of(ann.ask({{"type", "unmute"}, {"participant", bob_id}})), "ok");
  EXPECT_EQ(type_of(ann.ask({{"type", "gain"}, {"participant", bob_id}, {"db", 3}})), "ok");
  EXPECT_EQ(type_of(ann.ask({{"type", "group"}, {"participant", bob_id}, {"group", 1}})), "ok");
  EXPECT_EQ(type_of(ann.ask({{"type", "lock"}})), "ok");
  EXPECT_TRUE(bob.receive("room-updated").at("locked").as_bool());
  EXPECT_EQ(type_of(ann.ask({{"type", "unlock"}})), "ok");
  EXPECT_EQ(type_of(ann.ask({{"type", "mute-all"}})), "ok");
  EXPECT_EQ(type_of(ann.ask({{"type", "kick"}, {"participant", bob_id}, {"reason", "noise"}})), "ok");
  const auto closed = bob.receive("closed");
  EXPECT_EQ(closed.at("reason").as_string(), "kicked");
  EXPECT_EQ(closed.at("message").as_string(), "noise");
  EXPECT_EQ(bob.close_code(), websocket::close_code::normal);
}

TEST_F(WebSocket, WhoHasNotJoinedModeratesNobody) {
  start();
  const auto ann = whip("/whip/r");
  const auto id = on_ctl([&] { return rooms().roster("r")->at(0).id; });
  WsClient stranger(address);
  for (const auto* type :
       {"mute", "unmute", "kick", "gain", "group", "lock", "unlock", "mute-all", "leave"}) {
    json::object wanted{{"type", type}, {"participant", id}, {"db", 0}, {"group", 1}};
    EXPECT_EQ(code_of(stranger.ask(wanted)), "not-joined") << type;
  }
  EXPECT_EQ(people("r"), 1U);
}

TEST_F(WebSocket, ParticipantsWithoutTheRoleAreForbidden) {
  start();
  WsClient ann(address);
  const auto id = ann.join("r", "Ann").at("participant").as_string();
  for (const auto* type : {"mute", "kick", "gain", "group", "lock", "mute-all"}) {
    json::object wanted{{"type", type}, {"participant", id}, {"db", 0}, {"group", 1}};
    EXPECT_EQ(code_of(ann.ask(wanted)), "forbidden") << type;
  }
}

TEST_F(WebSocket, AnIceRestartIsAnswered) {
  start();
  WsClient ann(address);
  ann.join("r", "Ann");
  const json::object restart{{"type", "ice-restart"}, {"ufrag", "abcd"}, {"pwd", "0123456789abcdef012345"}};
  EXPECT_EQ(code_of(ann.ask(restart)), "conflict");
  on_ctl([&] { media.patch_answer = "a=ice-ufrag:srvr\r\na=ice-pwd:9876543210fedcba987654\r\n"; });
  const auto ice = ann.ask(restart);
  EXPECT_EQ(ice.at("ufrag").as_string(), "srvr");
  EXPECT_EQ(ice.at("pwd").as_string(), "9876543210fedcba987654");
  EXPECT_EQ(
      code_of(ann.ask({{"type", "ice-restart"}, {"ufrag", "ab\r\na=x"}, {"pwd", "0123456789abcdef012345"}})),
      "bad-value");
  EXPECT_EQ(code_of(ann.ask({{"type", "ice-restart"}, {"ufrag", "abcd"}, {"pwd", "short"}})), "bad-value");
}

// --- Coming back

TEST_F(WebSocket, AResumeReplacesTheOldConnection) {
  start();
  WsClient old_one(address);
  const auto joined = old_one.join("r", "Ann");
  WsClient new_one(address);
  const auto back = new_one.join("r", "Ann", {{"resume", joined.at("resume")}});
  EXPECT_EQ(back.at("participant"), joined.at("participant"));
  EXPECT_NE(back.at("resume"), joined.at("resume"));
  EXPECT_EQ(old_one.receive("closed").at("reason").as_string(), "replaced");
  EXPECT_EQ(old_one.close_code(), websocket::close_code::normal);
  EXPECT_EQ(type_of(new_one.ask({{"type", "raise-hand"}, {"raised", true}})), "ok");
  EXPECT_EQ(people("r"), 1U);
}

TEST_F(WebSocket, ADroppedConnectionKeepsItsParticipantWhileMediaLives) {
  start();
  WsClient bob(address);
  bob.join("r", "Bob");
  LegId leg{};
  {
    WsClient ann(address);
    ann.join("r", "Ann");
    leg = on_ctl([&] { return media.last_leg(); });
    bob.receive("participant-joined");
  }  // no goodbye
  EXPECT_EQ(type_of(bob.ask({{"type", "ping"}})), "pong");
  EXPECT_EQ(people("r"), 2U);
  on_ctl([&] { rooms().leg_gone(now(), leg, room::LegGone::timeout); });
  // Either the connection was noticed first, and the participant leaves, or the leg, and it is updated before
  // it goes.
  EXPECT_EQ(bob.receive("participant-left").at("reason").as_string(), "timeout");
}

// --- Abuse

TEST_F(WebSocket, BrokenMessagesAreAnsweredAndTheConnectionLives) {
  start();
  WsClient client(address);
  struct Row {
    std::string text;
    const char* code;
  };
  const Row rows[] = {
      {"", "bad-message"},
      {"nonsense", "bad-message"},
      {"[]", "bad-message"},
      {"{", "bad-message"},
      {R"({"type":"ping","id":1,"id":2})", "bad-message"},
      {R"({"type":"ping","id":NaN})", "bad-message"},
      {std::string(10'000, '[') + std::string(10'000, ']'), "bad-message"},
      {R"({"id":1})", "bad-message"},
      {R"({"type":"ping"})", "bad-message"},
  };
  for (const auto& row : rows) {
    client.send(row.text);
    const auto answer = client.receive("error");
    EXPECT_THAT(code_of(answer), AnyOf(row.code, "bad-value")) << row.text.substr(0, 50);
  }
  EXPECT_EQ(code_of(client.ask({{"type", "dance"}})), "unknown-type");
  EXPECT_EQ(code_of(client.ask({{"type", "mute-self"}, {"muted", "yes"}})), "bad-value");
  EXPECT_EQ(type_of(client.ask({{"type", "ping"}})), "pong");
}

TEST_F(WebSocket, TenBrokenMessagesInARowEndIt) {
  start();
  WsClient client(address);
  for (int i = 0; i < 9; ++i) client.send("nonsense");
  EXPECT_EQ(type_of(client.ask({{"type", "ping"}})), "pong");
  for (int i = 0; i < 10; ++i) client.send("nonsense");
  EXPECT_EQ(client.close_code(), websocket::close_code::policy_error);
}

TEST_F(WebSocket, BinaryMessagesAreBroken) {
  start();
  WsClient client(address);
  client.stream().binary(true);
  client.send(R"({"type":"ping","id":1})");
  EXPECT_EQ(code_of(client.receive("error")), "bad-message");
  client.stream().binary(false);
  EXPECT_EQ(type_of(client.ask({{"type", "ping"}})), "pong");
}

// --- Media where UDP is blocked

class WebSocketMedia : public WebSocket {
 protected:
  WebSocketMedia() {
    ports.packet = [this](LegId leg, TimePoint, Bytes packet) {
      packets.emplace_back(leg, std::string(as_text(packet)));
    };
  }
  ~WebSocketMedia() override { stop_server(); }
  void send_binary(WsClient& client, const std::string& bytes) {
    client.stream().binary(true);
    client.send(bytes);
    client.stream().binary(false);
  }
  std::string ask(WsClient& client, const char* carrier) {
    return code_of(client.ask({{"type", "carrier"}, {"carrier", carrier}}));
  }
  std::vector<std::pair<LegId, std::string>> packets;  // ctl's
};

TEST_F(WebSocketMedia, PacketsPassInBothDirectionsOnceTheyAreGranted) {
  start();
  WsClient ann(address), bob(address);
  ann.join("r", "Ann");
  bob.join("r", "Bob");
  EXPECT_EQ(ask(ann, "websocket"), "ok");
  EXPECT_EQ(bob.receive("participant-updated").at("participant").at("carrier").as_string(), "websocket");
  send_binary(ann, "a packet");
  ann.ask({{"type", "ping"}});
  const LegId leg = on_ctl([&] {
    EXPECT_EQ(packets.size(), 1U);
    EXPECT_EQ(packets[0].second, "a packet");
    EXPECT_EQ(media.legs.at(packets[0].first).carrier, Carrier::websocket);
    hub().deliver(packets[0].first, now(), as_bytes("from the leg"));
    hub().deliver(packets[0].first, now() - 1s, as_bytes("too old"));
    hub().deliver(LegId{999}, now(), as_bytes("of nobody"));
    return packets[0].first;
  });
  beast::flat_buffer buffer;
  ASSERT_FALSE(run_one(ann.io(), [&](auto done) { ann.stream().async_read(buffer, done); }));
  EXPECT_TRUE(ann.stream().got_binary());
  EXPECT_EQ(beast::buffers_to_string(buffer.data()), "from the leg");

  EXPECT_EQ(ask(ann, "both"), "ok");
  EXPECT_EQ(on_ctl([&] { return media.legs.at(leg).carrier; }), Carrier::both);
  EXPECT_EQ(ask(ann, "udp"), "ok");
  EXPECT_EQ(bob.receive("participant-updated").at("participant").at("carrier").as_string(), "udp");
  send_binary(ann, "no longer");
  EXPECT_EQ(code_of(ann.receive("error")), "bad-message");
  on_ctl([&] {
    EXPECT_EQ(packets.size(), 1U);
    hub().deliver(leg, now(), as_bytes("no longer"));
  });
  EXPECT_EQ(type_of(ann.ask({{"type", "ping"}})), "pong");
}

TEST_F(WebSocketMedia, IsRefusedWithAReason) {
  settings.carries_media = false;
  start();
  WsClient ann(address);
  EXPECT_EQ(ask(ann, "websocket"), "forbidden");
  ann.join("r", "Ann");
  const auto refused = ann.ask({{"type", "carrier"}, {"carrier", "websocket"}});
  EXPECT_EQ(refused.at("status").as_int64(), 403);
  EXPECT_NE(std::string(refused.at("message").as_string()).find("media.over_websocket"), std::string::npos);
  EXPECT_EQ(ask(ann, "pigeon"), "bad-value");
  EXPECT_EQ(ask(ann, "udp"), "ok");
}

TEST_F(WebSocketMedia, NeedsALegThatCanDoIt) {
  start();
  WsClient ann(address);
  EXPECT_EQ(ask(ann, "websocket"), "not-joined");
  on_ctl([&] { media.encrypted = false; });
  ann.join("r", "Ann");
  EXPECT_EQ(ask(ann, "websocket"), "conflict");
}

TEST_F(WebSocketMedia, EndsWithTheConnection) {
  start();
  WsClient bob(address);
  LegId leg = LegId::none;
  {
    WsClient ann(address);
    ann.join("r", "Ann");
    bob.join("r", "Bob");
    EXPECT_EQ(ask(ann, "websocket"), "ok");
    leg = on_ctl([&] { return media.legs.begin()->first; });
  }
  bob.receive("participant-updated");
  EXPECT_EQ(bob.receive("participant-updated").at("participant").at("carrier").as_string(), "udp");
  on_ctl([&] {
    EXPECT_EQ(media.legs.at(leg).carrier, Carrier::udp);
    hub().deliver(leg, now(), as_bytes("into the void"));
  });
}

TEST_F(WebSocketMedia, FloodsAndGiantsAreDropped) {
  settings.packets_per_second = 20;
  start();
  WsClient ann(address);
  ann.join("r", "Ann");
  ASSERT_EQ(ask(ann, "websocket"), "ok");
  send_binary(ann, std::string(kMaxCarriedPacket + 1, 'x'));
  send_binary(ann, std::string(kMaxCarriedPacket, 'x'));
  for (int i = 0; i < 300; ++i) send_binary(ann, "packet");
  EXPECT_EQ(type_of(ann.ask({{"type", "ping"}})), "pong") << "the connection lives on";
  on_ctl([&] {
    EXPECT_GE(packets.size(), 20U);
    EXPECT_LT(packets.size(), 100U);
  });
  on_ctl([&] { EXPECT_EQ(server().stats().packets_refused + packets.size(), 302U); });
}

TEST_F(WebSocket, AMessageHasAtMost256KiB) {
  start();
  WsClient client(address);
  client.send("{\"type\":\"ping\",\"id\":1,\"x\":\"" + std::string(255 * 1024, 'x') + "\"}");
  EXPECT_EQ(type_of(client.receive()), "pong");
  // Only the head of a frame of 256 KiB and one byte: what it announces is enough.
  asio::write(beast::get_lowest_layer(client.stream()).socket(),
              asio::buffer(std::string("\x81\xff\0\0\0\0\0\x04\0\x01\0\0\0\0", 14)));
  EXPECT_EQ(client.close_code(), websocket::close_code::too_big);
}

TEST_F(WebSocket, FramesThatBreakTheProtocolEndIt) {
  start();
  struct Row {
    const char* what;
    std::string frame;
  };
  const Row rows[] = {
      {"without a mask", std::string("\x81\x02{}", 4)},
      {"a reserved bit", std::string("\xc1\x82\0\0\0\0{}", 8)},
      {"an unknown opcode", std::string("\x83\x80\0\0\0\0", 6)},
      {"a continuation of nothing", std::string("\x80\x80\0\0\0\0", 6)},
      {"a fragmented ping", std::string("\x09\x80\0\0\0\0", 6)},
      {"a ping of 126 bytes", std::string("\x89\xfe\0\x7e\0\0\0\0", 8) + std::string(126, 'x')},
      {"text that is not UTF-8", std::string("\x81\x81\0\0\0\0\xff", 7)},
  };
  for (const auto& row : rows) {
    WsClient client(address);
    ASSERT_TRUE(client.open());
    asio::write(beast::get_lowest_layer(client.stream()).socket(), asio::buffer(row.frame));
    EXPECT_NE(client.close_code(), 0) << row.what;
  }
  WsClient client(address);
  EXPECT_EQ(type_of(client.ask({{"type", "ping"}})), "pong");
}

TEST_F(WebSocket, AFloodOfMessagesIsRefusedAndThenEnded) {
  settings.messages_per_second = 5;
  start();
  WsClient client(address);
  for (int i = 0; i < 400; ++i) {
    beast::error_code ignored;
    client.stream().write(asio::buffer(std::string(R"({"type":"ping","id":1})")), ignored);
  }
  int pongs = 0, refused = 0;
  for (auto message = client.receive(); !message.empty(); message = client.receive()) {
    pongs += type_of(message) == "pong" ? 1 : 0;
    refused += code_of(message) == "too-many" ? 1 : 0;
  }
  EXPECT_GE(pongs, 20);
  EXPECT_LE(pongs, 40);
  EXPECT_EQ(refused, 200);
  EXPECT_EQ(client.stream().reason().code, websocket::close_code::policy_error);
}

TEST_F(WebSocket, AFloodOfPingsEndsIt) {
  settings.messages_per_second = 5;
  start();
  WsClient client(address);
  std::string pings;
  for (int i = 0; i < 1000; ++i) pings += std::string("\x89\x80\0\0\0\0", 6);
  beast::error_code ignored;
  asio::write(beast::get_lowest_layer(client.stream()).socket(), asio::buffer(pings), ignored);
  EXPECT_THAT(client.close_code(), AnyOf(0, websocket::close_code::policy_error));
  WsClient other(address);
  EXPECT_EQ(type_of(other.ask({{"type", "ping"}})), "pong");
}

TEST_F(WebSocket, ASilentPeerIsGone) {
  settings.ping_timeout = 300ms;
  start();
  WsClient silent(address);
  silent.join("r", "Ann");
  ASSERT_EQ(people("r"), 1U);
  // It reads nothing from here on, so it answers no ping.
  for (;;) {
    const auto websockets = on_ctl([&] { return server().stats().websockets; });
    if (websockets == 0) break;
    std::this_thread::yield();
  }
  EXPECT_EQ(people("r"), 1U);  // its leg lives
}

TEST_F(WebSocket, APeerThatAnswersPingsStays) {
  settings.ping_timeout = 300ms;
  start();
  WsClient client(address);
  client.join("r", "Ann");
  const auto end = now() + 900ms;
  beast::flat_buffer buffer;
  client.stream().async_read(buffer, [](beast::error_code, std::size_t) {});
  client.io().restart();
  while (now() < end) client.io().run_for(50ms);
  EXPECT_EQ(on_ctl([&] { return server().stats().websockets; }), 1U);
}

TEST_F(WebSocket, ASlowReaderIsClosedAndCostsNobodyElse) {
  settings.queue_messages = 50;
  settings.messages_per_second = 0;
  settings.chat_lines_per_second = 0;
  start();
  WsClient slow(address), bob(address);
  slow.join("r", "Slow");
  bob.join("r", "Bob");
  const std::string text(1900, 'x');
  // The kernel's buffers swallow a few megabytes before the queue even begins to fill.
  for (int i = 0; i < 20'000; ++i) {
    EXPECT_EQ(type_of(bob.ask({{"type", "chat"}, {"text", text}})), "ok");
    if (i % 100 == 0 && on_ctl([&] { return server().stats().slow_readers; }) > 0) break;
  }
  EXPECT_EQ(on_ctl([&] { return server().stats().slow_readers; }), 1U);
  EXPECT_EQ(type_of(bob.ask({{"type", "ping"}})), "pong");
}

// --- The end

TEST_F(WebSocket, TheEndOfTheServerIsTheLastMessage) {
  start();
  WsClient ann(address);
  ann.join("r", "Ann");
  std::thread stopping([this] { stop_server(); });
  EXPECT_EQ(ann.receive("closed").at("reason").as_string(), "server-stopping");
  EXPECT_EQ(ann.close_code(), websocket::close_code::normal);
  stopping.join();
}

TEST_F(WebSocket, OneThatHasNotJoinedIsSentAway) {
  start();
  WsClient client(address);
  EXPECT_EQ(type_of(client.ask({{"type", "ping"}})), "pong");
  std::thread stopping([this] { stop_server(); });
  EXPECT_EQ(client.close_code(), websocket::close_code::going_away);
  stopping.join();
}

TEST_F(WebSocket, ChatIsForTalkingNotForFlooding) {
  settings.chat_lines_per_second = 1;
  start();
  WsClient ann(address);
  ASSERT_EQ(type_of(ann.join("standup", "Ann")), "joined");
  int taken = 0, refused = 0;
  for (int i = 0; i < 30; ++i) {
    const auto code = code_of(ann.ask({{"type", "chat"}, {"text", "hello"}}));
    ++(code == "ok" ? taken : refused);
    EXPECT_TRUE(code == "ok" || code == "too-many") << code;
  }
  EXPECT_GE(taken, 4);
  EXPECT_GE(refused, 15);
  EXPECT_EQ(type_of(ann.ask({{"type", "raise-hand"}, {"raised", true}})), "ok") << "nothing else is held up";
}

TEST_F(WebSocket, WhoAppliesGainSaysSo) {
  start();
  WsClient ann(address), bob(address);
  ASSERT_EQ(type_of(ann.join("r", "Ann")), "joined");
  EXPECT_TRUE(on_ctl([&] { return media.legs.rbegin()->second.offer.applies_gain; }));
  ASSERT_EQ(type_of(bob.join("r", "Bob", {{"applies_gain", false}})), "joined");
  EXPECT_FALSE(on_ctl([&] { return media.legs.rbegin()->second.offer.applies_gain; }))
      << "the mixer levels who does not";
  ASSERT_EQ(whip("/whip/r?name=Cem").status, 201);
  EXPECT_FALSE(on_ctl([&] { return media.legs.rbegin()->second.offer.applies_gain; })) << "hears no advice";
}

TEST_F(WebSocket, TheRosterTellsByWhichCsrcPacketsNameSomebody) {
  start();
  WsClient ann(address);
  const auto joined = ann.join("r", "Ann");
  const auto& self = joined.at("roster").as_array()[0].as_object();
  EXPECT_EQ(self.at("csrc").to_number<std::uint32_t>(), on_ctl([&] { return raw(media.last_leg()); }));
  // Without media there is nothing to be named by.
  on_ctl([&] { rooms().leg_gone(now(), media.last_leg(), room::LegGone::timeout); });
  const auto updated = ann.receive("participant-updated").at("participant").as_object();
  EXPECT_FALSE(updated.contains("csrc"));
  EXPECT_FALSE(updated.contains("transport"));
}

}  // namespace
}  // namespace parley::signaling
