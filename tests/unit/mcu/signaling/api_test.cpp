// /api/v1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/mcu/signaling/server_fixture.hpp"
#include "tests/unit/mcu/signaling/sign.hpp"

namespace parley::signaling {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class Api : public ServerTest {
 protected:
  // Joins by WHIP; gives the participant's id.
  std::string join(const std::string& room, const std::string& name) {
    EXPECT_EQ(whip("/whip/" + room + "?name=" + name).status, 201);
    return on_ctl([&] { return rooms().roster(room)->back().id; });
  }
  room::FakeMedia::Leg leg_of(const std::string& id) {
    return on_ctl([&] {
      const auto people = rooms().quality(rooms().room_of(id).value_or(""));
      if (!people) return room::FakeMedia::Leg{};
      for (const auto& one : *people)
        if (one.id == id) return media.at(one.leg);
      return room::FakeMedia::Leg{};
    });
  }
};

TEST_F(Api, RoomsAreMadeListedAndClosed) {
  start();
  EXPECT_TRUE(api("GET", "/rooms").object().at("rooms").as_array().empty());
  const auto created =
      api("POST", "/rooms", R"({"name":"r","pin":"1","max_participants":2,"max_talkers":0})");
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.header("Location"), "/api/v1/rooms/r");
  const auto room = api("GET", "/rooms/r").object();
  EXPECT_EQ(room.at("name").as_string(), "r");
  EXPECT_EQ(room.at("pin").as_bool(), true);
  EXPECT_EQ(room.at("participants").as_int64(), 0);
  EXPECT_EQ(room.at("max_participants").as_int64(), 2);
  EXPECT_EQ(room.at("max_talkers").as_int64(), 0);
  EXPECT_EQ(room.at("locked").as_bool(), false);
  EXPECT_THAT(api("GET", "/rooms").object().at("rooms").as_array(), SizeIs(1));
  EXPECT_EQ(api("POST", "/rooms", R"({"name":"r"})").code(), "name-taken");
  EXPECT_EQ(api("DELETE", "/rooms/r").status, 204);
  EXPECT_EQ(api("DELETE", "/rooms/r").code(), "no-such-room");
}

TEST_F(Api, BadBodiesNameTheirFault) {
  start();
  struct Row {
    const char* body;
    int status;
    const char* detail;
  };
  const Row rows[] = {
      {"", 400, "name is missing"},
      {"{}", 400, "name is missing"},
      {R"({"name":1})", 400, "name must be a text"},
      {R"({"name":"r","pin":7})", 400, "pin must be a text"},
      {R"({"name":"r","max_participants":"5"})", 400, "max_participants must be a whole number"},
      {R"({"name":"r","max_participants":2.5})", 400, "max_participants must be a whole number"},
      {R"({"name":"r","max_participants":-1})", 400, "max_participants lies between 1 and 100000"},
      {R"({"name":"r","max_talkers":99999999999})", 400, "max_talkers lies between 0 (all) and 1000"},
      {R"({"name":"r","records":true})", 400, "records is no member of this request"},
  };
  for (const auto& row : rows) {
    const auto answer = api("POST", "/rooms", row.body);
    EXPECT_EQ(answer.status, row.status) << row.body;
    EXPECT_EQ(answer.object().at("detail").as_string(), row.detail) << row.body;
  }
  for (const std::string body :
       {"[]", "{", "nonsense", R"({"name":"r","name":"s"})", R"({"name":NaN})", "\xff"}) {
    const auto answer = api("POST", "/rooms", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(answer.code(), "bad-message") << body;
  }
  EXPECT_EQ(api("POST", "/rooms", "{\"name\":" + std::string(20'000, '[')).status, 400);
  EXPECT_EQ(request("POST", "/api/v1/rooms", {{"Content-Type", "text/plain"}}, R"({"name":"r"})").status,
            415);
  EXPECT_TRUE(api("GET", "/rooms").object().at("rooms").as_array().empty());
}

TEST_F(Api, ParticipantsAreShownAsOnTheWebSocket) {
  start();
  WsClient ann(address), bob(address);
  ann.join("r", "<script>");
  on_ctl([&] {
    const auto id = rooms().roster("r")->at(0).id;
    ASSERT_TRUE(rooms().set_gain("r", "", id, -3.5F));
    ASSERT_TRUE(rooms().raise_hand(id, true));
  });
  const auto joined = bob.join("r", "Bob");
  const auto listed = api("GET", "/rooms/r/participants").object().at("participants").as_array();
  EXPECT_EQ(json::serialize(listed), json::serialize(joined.at("roster")));
  EXPECT_EQ(api("GET", "/rooms/x/participants").code(), "no-such-room");
}

TEST_F(Api, ParticipantsAreModerated) {
  start();
  const auto ann = join("r", "Ann"), bob = join("r", "Bob");
  const auto people = "/rooms/r/participants/";
  EXPECT_EQ(api("POST", people + ann + "/mute").status, 204);
  EXPECT_TRUE(leg_of(ann).muted);
  EXPECT_EQ(api("POST", people + ann + "/unmute").status, 204);
  EXPECT_FALSE(leg_of(ann).muted);
  EXPECT_EQ(api("PUT", people + ann + "/gain", R"({"db":-6})").status, 204);
  EXPECT_EQ(leg_of(ann).gain_db, -6);
  EXPECT_EQ(api("PUT", people + ann + "/gain", R"({"db":99})").code(), "bad-value");
  EXPECT_EQ(api("PUT", people + ann + "/gain").code(), "bad-value");

  EXPECT_EQ(api("PUT", people + ann + "/gains/" + bob, R"({"db":3.5})").status, 204);
  EXPECT_EQ(leg_of(ann).personal.begin()->second.db, 3.5F);
  EXPECT_EQ(api("PUT", people + ann + "/gains/" + bob, R"({"mute":true})").status, 204);
  EXPECT_TRUE(leg_of(ann).personal.begin()->second.mute);
  EXPECT_EQ(api("PUT", people + ann + "/gains/" + bob, "{}").code(), "bad-value");
  EXPECT_EQ(api("DELETE", people + ann + "/gains/" + bob).status, 204);
  EXPECT_FALSE(leg_of(ann).personal.begin()->second.mute);

  EXPECT_EQ(api("POST", people + bob + "/kick", R"({"reason":"noise"})").status, 204);
  EXPECT_EQ(api("POST", people + bob + "/kick").code(), "no-such-participant");
  EXPECT_EQ(api("POST", people + std::string("nobody/mute")).status, 404);
  EXPECT_EQ(api("PUT", people + bob + "/gains/" + ann, R"({"db":1})").status, 404);
}

TEST_F(Api, TheRoomAsAWhole) {
  start();
  const auto ann = join("r", "Ann"), bob = join("r", "Bob"), eve = join("s", "Eve");
  EXPECT_EQ(api("POST", "/rooms/r/lock").status, 204);
  EXPECT_EQ(whip("/whip/r").code(), "locked");
  EXPECT_EQ(api("POST", "/rooms/r/unlock").status, 204);
  EXPECT_EQ(api("POST", "/rooms/r/mute-all").status, 204);
  EXPECT_TRUE(leg_of(ann).muted && leg_of(bob).muted);

  EXPECT_EQ(api("POST", "/rooms/r/groups", R"({"group":2,"participants":[")" + ann + R"("]})").status, 204);
  EXPECT_EQ(leg_of(ann).group, 2U);
  EXPECT_EQ(api("POST", "/rooms/r/groups", R"({"group":2,"participants":[")" + eve + R"("]})").status, 404);
  EXPECT_EQ(api("POST", "/rooms/r/groups", R"({"group":-1,"participants":[]})").status, 400);
  EXPECT_EQ(api("POST", "/rooms/r/groups", R"({"group":4294967296,"participants":[]})").status, 400);
  EXPECT_EQ(api("POST", "/rooms/r/groups", R"({"group":1,"participants":[1]})").status, 400);
  EXPECT_EQ(api("DELETE", "/rooms/r/groups").status, 204);
  EXPECT_EQ(leg_of(ann).group, 0U);

  const auto whisper = R"({"talker":")" + ann + R"(","to":[")" + bob + R"("],"duck_db":-12})";
  EXPECT_EQ(api("POST", "/rooms/r/whispers", whisper).status, 204);
  EXPECT_THAT(leg_of(ann).audience, SizeIs(1));
  EXPECT_EQ(leg_of(ann).duck_db, -12);
  EXPECT_EQ(api("POST", "/rooms/s/whispers", whisper).status, 404);
  EXPECT_EQ(api("DELETE", "/rooms/r/whispers").status, 204);
  EXPECT_THAT(leg_of(ann).audience, SizeIs(0));
}

TEST_F(Api, TheGraphComesFromAnotherThread) {
  std::thread elsewhere;
  ports.graph = [&](RoomId room, std::function<void(Result<std::string>)> answer) {
    EXPECT_NE(room, RoomId::none);
    elsewhere = std::thread(
        [this, answer = std::move(answer)] { on_ctl([&] { answer(std::string("digraph {}")); }); });
  };
  start();
  EXPECT_EQ(api("GET", "/rooms/r/graph").status, 404);
  ASSERT_EQ(api("POST", "/rooms", R"({"name":"r"})").status, 201);
  EXPECT_EQ(api("GET", "/rooms/r/graph").status, 409);
  join("r", "Ann");
  const auto answer = api("GET", "/rooms/r/graph");
  elsewhere.join();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "digraph {}");
}

TEST_F(Api, QualityJoinsWhatTransportMediaAndClientKnow) {
  ports.quality = [&](RoomId, const std::function<void(std::vector<LegQuality>)>& answer) {
    LegQuality leg;
    leg.leg = media.last_leg();
    leg.target_ms = 42;
    answer({leg, LegQuality{}});
  };
  start();
  WsClient ann(address);
  ann.join("r", "Ann");
  EXPECT_EQ(type_of(ann.ask({{"type", "stats"}, {"report", {{"loss", 0.25}}}})), "ok");
  on_ctl([&] {
    room::TrafficReport report;
    report.packets_in = 7;
    report.fraction_lost_out = 0.5;
    report.round_trip_ms = 12;
    rooms().leg_connected(media.last_leg());
    rooms().traffic(now(), media.last_leg(), report);
  });
  const auto participants = api("GET", "/rooms/r/quality").object().at("participants").as_array();
  ASSERT_THAT(participants, SizeIs(1));
  const auto& one = participants[0].as_object();
  EXPECT_EQ(one.at("name").as_string(), "Ann");
  EXPECT_TRUE(one.at("connected").as_bool());
  EXPECT_EQ(one.at("uplink").at("packets").as_int64(), 7);
  EXPECT_EQ(one.at("downlink").at("loss").as_double(), 0.5);
  EXPECT_EQ(one.at("round_trip_ms").as_int64(), 12);
  EXPECT_EQ(one.at("receiver").at("target_ms").as_int64(), 42);
  EXPECT_EQ(one.at("client").at("loss").as_double(), 0.25);
  EXPECT_EQ(api("GET", "/rooms/x/quality").status, 404);
}

TEST_F(Api, QualityHasThePathsAndTheDiagnosis) {
  std::string id;
  ports.quality_now = [&](const std::string& room) {
    quality::Sample sample;
    sample.room = room;
    sample.participant = id;
    sample.path = quality::kMcuUdp;
    sample.local = "192.0.2.1:4000";
    sample.uplink.loss = 0.08;
    sample.uplink.mos = 3.2;
    quality::Sample other = sample;
    other.participant = "gone";
    return QualityNow{{sample, other}, {{id, "Ann", "uplink", "loss", "others", "8 % is lost"}}};
  };
  start();
  WsClient ann(address);
  id = std::string(ann.join("r", "Ann").at("participant").as_string());
  const auto answer = api("GET", "/rooms/r/quality").object();
  const auto& paths = answer.at("participants").as_array().at(0).at("paths").as_array();
  ASSERT_THAT(paths, SizeIs(1));
  EXPECT_EQ(paths[0].at("path").as_string(), "mcu-udp");
  EXPECT_EQ(paths[0].at("uplink").at("loss").as_double(), 0.08);
  EXPECT_EQ(paths[0].at("downlink").as_object().size(), 0U) << "what is not known is not there";
  EXPECT_FALSE(paths[0].as_object().contains("local")) << "addresses are not for moderators";
  const auto& trouble = answer.at("troubles").as_array().at(0).as_object();
  EXPECT_EQ(trouble.at("name").as_string(), "Ann");
  EXPECT_EQ(trouble.at("hurts").as_string(), "others");
}

TEST_F(Api, TheQualityLogIsAskedWithFilters) {
  QualityQuery asked;
  ports.quality_log = [&](const QualityQuery& query, const std::function<void(Result<std::string>)>& answer) {
    asked = query;
    if (query.room == "broken") return answer(Error{"the disk is gone"});
    answer(std::string(R"({"rows":[]})"));
  };
  settings.admin_key = "the admin key of tests";
  settings.token_key = "the token key of tests";
  start();
  const auto get = [&](const std::string& query, const std::string& bearer) {
    return request("GET", "/api/v1/quality" + query, {{"Authorization", "Bearer " + bearer}});
  };
  const auto moderator =
      sign(R"({"room":"r","role":"moderator","exp":)" + in_seconds(60) + "}", settings.token_key);
  EXPECT_EQ(get("?room=r", moderator).status, 403) << "it outlives the room";
  EXPECT_EQ(get("?room=b%20c&participant=p&path=direct&from=2026-11-25&to=1795608000000&before=7&limit=5",
                settings.admin_key)
                .status,
            200);
  EXPECT_EQ(asked.room, "b c");
  EXPECT_EQ(asked.participant, "p");
  EXPECT_EQ(asked.path, "direct");
  EXPECT_EQ(asked.from_ms, 1'795'564'800'000);
  EXPECT_EQ(asked.to_ms, 1'795'608'000'000);
  EXPECT_EQ(asked.before_id, 7);
  EXPECT_EQ(asked.limit, 5U);
  for (const char* wrong : {"?limit=1001", "?from=yesterday", "?before=-1", "?colour=red", "?participant=p",
                            "?path=direct", "?limit=", "?to=99999999999999999999"})
    EXPECT_EQ(get(wrong, settings.admin_key).status, 400) << wrong;
  EXPECT_EQ(get("?room=broken", settings.admin_key).status, 503);
  EXPECT_EQ(get("", settings.admin_key).status, 200);
}

TEST_F(Api, IsForTheAdministratorWhenThereIsAKey) {
  settings.admin_key = "the admin key of tests";
  settings.token_key = "the token key of tests";
  start();
  const auto with = [&](const std::string& method, const std::string& path, const std::string& bearer) {
    return request(method, "/api/v1" + path, {{"Authorization", "Bearer " + bearer}}).status;
  };
  ASSERT_EQ(api("POST", "/rooms", R"({"name":"r"})").status, 201);
  const auto moderator =
      sign(R"({"room":"r","role":"moderator","exp":)" + in_seconds(60) + "}", settings.token_key);
  const auto participant = sign(R"({"room":"r","exp":)" + in_seconds(60) + "}", settings.token_key);
  struct Row {
    const char* method;
    const char* path;
    int none, participant, moderator, admin;
  };
  const Row rows[] = {
      {"GET", "/rooms", 401, 403, 403, 200},
      {"GET", "/rooms/r", 401, 403, 200, 200},
      {"GET", "/rooms/other", 401, 403, 403, 404},
      {"GET", "/rooms/r/participants", 401, 403, 200, 200},
      {"GET", "/rooms/r/quality", 401, 403, 200, 200},
      {"GET", "/rooms/r/graph", 401, 403, 403, 409},
      {"POST", "/rooms/r/lock", 401, 403, 204, 204},
      {"POST", "/rooms/r/participants/x/mute", 401, 403, 404, 404},
      {"DELETE", "/rooms/r/groups", 401, 403, 204, 204},
      {"DELETE", "/rooms/r", 401, 403, 403, 204},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(request(row.method, std::string("/api/v1") + row.path).status, row.none) << row.path;
    EXPECT_EQ(with(row.method, row.path, participant), row.participant) << row.path;
    EXPECT_EQ(with(row.method, row.path, moderator), row.moderator) << row.path;
    EXPECT_EQ(with(row.method, row.path, settings.admin_key), row.admin) << row.path;
  }
  EXPECT_EQ(request("GET", "/healthz").status, 200);
}

}  // namespace
}  // namespace parley::signaling
