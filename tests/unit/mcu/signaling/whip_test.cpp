// RFC 9725.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/mcu/signaling/server_fixture.hpp"
#include "tests/unit/mcu/signaling/sign.hpp"

namespace parley::signaling {
namespace {

using ::testing::MatchesRegex;
using ::testing::SizeIs;

class Whip : public ServerTest {
 protected:
  Answer patch(const std::string& location, const Headers& headers, const std::string& body = "a=candidate") {
    auto all = headers;
    all.emplace_back("Content-Type", "application/trickle-ice-sdpfrag");
    return request("PATCH", location, all, body);
  }
};

TEST_F(Whip, AnOfferIsAnsweredAndMakesAParticipant) {
  start();
  const auto answer = whip("/whip/kitchen?name=Ann+Lee");
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.header("Content-Type"), "application/sdp");
  EXPECT_EQ(answer.body, "answer to an offer");
  EXPECT_EQ(answer.header("ETag"), "\"ice-1\"");
  EXPECT_EQ(answer.header("Link"), "");
  EXPECT_THAT(answer.header("Location"), MatchesRegex("/whip/kitchen/[a-zA-Z0-9]{22}"));
  const auto roster = on_ctl([&] { return *rooms().roster("kitchen"); });
  ASSERT_THAT(roster, SizeIs(1));
  EXPECT_EQ(roster[0].name, "Ann Lee");
  EXPECT_EQ(on_ctl([&] { return media.at(media.last_leg()).offer.remote_ip; }), "127.0.0.1");
}

TEST_F(Whip, ALocationLeadsBackWhateverTheRoomIsCalled) {
  start();
  const auto location = whip("/whip/K%C3%BCche%20100%25").header("Location");
  EXPECT_THAT(location, MatchesRegex("/whip/K%C3%BCche%20100%25/[a-zA-Z0-9]{22}"));
  EXPECT_EQ(people("K\xc3\xbc"
                   "che 100%"),
            1U);
  EXPECT_EQ(request("DELETE", location).status, 200);
  EXPECT_EQ(people("K\xc3\xbc"
                   "che 100%"),
            0U);
}

TEST_F(Whip, Refusals) {
  start();
  on_ctl([&] {
    ASSERT_TRUE(rooms().create_room(now(), {.name = "pin", .pin = "1234"}));
    ASSERT_TRUE(rooms().create_room(now(), {.name = "locked"}));
    ASSERT_TRUE(rooms().set_locked("locked", "", true));
    ASSERT_TRUE(rooms().create_room(now(), {.name = "small", .max_participants = 1}));
  });
  ASSERT_EQ(whip("/whip/small").status, 201);
  struct Row {
    const char* what;
    const char* target;
    Headers headers;
    const char* body;
    int media;  // what the media plane says, 0: yes
    int status;
    const char* code;
  };
  const Headers sdp{{"Content-Type", "application/sdp"}};
  const Row rows[] = {
      {"no type", "/whip/r", {}, "offer", 0, 415, "bad-sdp"},
      {"JSON", "/whip/r", {{"Content-Type", "application/json"}}, "{}", 0, 415, "bad-sdp"},
      {"wants HTML",
       "/whip/r",
       {{"Content-Type", "application/sdp"}, {"Accept", "text/html"}},
       "offer",
       0,
       406,
       "not-acceptable"},
      {"no offer", "/whip/r", sdp, "", 0, 400, "bad-sdp"},
      {"bad offer", "/whip/r", sdp, "offer", 400, 400, "bad-sdp"},
      {"plain RTP from outside", "/whip/r", sdp, "offer", 403, 403, "forbidden"},
      {"nothing in common", "/whip/r", sdp, "offer", 406, 406, "not-acceptable"},
      {"address taken", "/whip/r", sdp, "offer", 409, 409, "conflict"},
      {"media full", "/whip/r", sdp, "offer", 503, 503, "server-full"},
      {"bad room", "/whip/a%2Fb", sdp, "offer", 0, 400, "bad-value"},
      {"bad name", "/whip/r?name=%E2%80%AE", sdp, "offer", 0, 400, "bad-value"},
      {"no PIN", "/whip/pin", sdp, "offer", 0, 403, "wrong-pin"},
      {"wrong PIN", "/whip/pin?pin=123", sdp, "offer", 0, 403, "wrong-pin"},
      {"locked", "/whip/locked", sdp, "offer", 0, 403, "locked"},
      {"full", "/whip/small", sdp, "offer", 0, 503, "room-full"},
  };
  for (const auto& row : rows) {
    on_ctl([&] { media.refuse_with = row.media; });
    const auto answer = request("POST", row.target, row.headers, row.body);
    EXPECT_EQ(answer.status, row.status) << row.what;
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json") << row.what;
    EXPECT_EQ(answer.code(), row.code) << row.what;
  }
  on_ctl([&] { media.refuse_with = 0; });
  EXPECT_EQ(whip("/whip/pin?pin=1234").status, 201);
}

TEST_F(Whip, TooManyJoinsAre429) {
  room_settings.joins_per_second = 1;
  start();
  int refused = 0;
  for (int i = 0; i < 10; ++i) {
    const auto answer = whip("/whip/r");
    if (answer.status != 429) continue;
    ++refused;
    EXPECT_EQ(answer.header("Retry-After"), "1");
    EXPECT_EQ(answer.code(), "too-many");
  }
  EXPECT_GE(refused, 4);
}

TEST_F(Whip, ATokenIsTakenFromQueryOrHeader) {
  settings.token_key = "the token key of tests";
  room_settings.token_required = true;
  start();
  const auto token = [&](const std::string& extra = {}) {
    return sign(R"({"room":"r","name":"Ann","exp":)" + in_seconds(60) + extra + "}", settings.token_key);
  };
  const auto without = whip("/whip/r");
  EXPECT_EQ(without.status, 401);
  EXPECT_EQ(without.header("WWW-Authenticate"), "Bearer realm=\"parley\"");
  EXPECT_EQ(whip("/whip/r?name=x&token=" + token()).status, 201);
  EXPECT_EQ(request("POST", "/whip/r",
                    {{"Content-Type", "application/sdp"}, {"Authorization", "Bearer " + token()}}, "an offer")
                .status,
            201);
  EXPECT_EQ(whip("/whip/other?token=" + token()).status, 401);
  EXPECT_EQ(whip("/whip/r?token=" + token() + "x").status, 401);
  const auto once = token(R"(,"once":true)");
  EXPECT_EQ(whip("/whip/r?token=" + once).status, 201);
  EXPECT_EQ(whip("/whip/r?token=" + once).code(), "bad-token");
  EXPECT_EQ(on_ctl([&] { return rooms().roster("r")->at(0).name; }), "Ann");
}

TEST_F(Whip, TricklingIsAcceptedByTheRightTag) {
  start();
  const auto location = whip("/whip/r").header("Location");
  const auto good = patch(location, {{"If-Match", "\"ice-1\""}});
  EXPECT_EQ(good.status, 204);
  EXPECT_EQ(good.header("ETag"), "\"ice-1\"");
  EXPECT_EQ(patch(location, {}).status, 428);
  EXPECT_EQ(patch(location, {{"If-Match", "\"ice-2\""}}).status, 412);
  EXPECT_EQ(patch(location, {{"If-Match", "*"}}, "bad").status, 400);
}

TEST_F(Whip, AnIceRestartGivesNewCredentialsAndANewTag) {
  start();
  const auto location = whip("/whip/r").header("Location");
  on_ctl([&] { media.patch_answer = "a=ice-ufrag:new\r\na=ice-pwd:newer\r\n"; });
  const auto answer = patch(location, {{"If-Match", "*"}}, "a=ice-ufrag:theirs");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("ETag"), "\"ice-2\"");
  EXPECT_EQ(answer.header("Content-Type"), "application/trickle-ice-sdpfrag");
  EXPECT_EQ(answer.body, "a=ice-ufrag:new\r\na=ice-pwd:newer\r\n");
  on_ctl([&] { media.patch_answer.clear(); });
  EXPECT_EQ(patch(location, {{"If-Match", "\"ice-1\""}}).status, 412);
  EXPECT_EQ(patch(location, {{"If-Match", "\"ice-2\""}}).status, 204);
}

TEST_F(Whip, NothingElseCanBeChanged) {
  start();
  const auto location = whip("/whip/r").header("Location");
  EXPECT_EQ(
      request("PATCH", location, {{"Content-Type", "application/sdp"}, {"If-Match", "*"}}, "offer").status,
      415);
  for (const auto* method : {"GET", "HEAD", "POST", "PUT"}) {
    const auto answer = request(method, location);
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_EQ(answer.header("Allow"), "PATCH, DELETE, OPTIONS") << method;
  }
  EXPECT_EQ(request("OPTIONS", location).status, 204);
}

TEST_F(Whip, DeleteLeavesOnce) {
  start();
  const auto location = whip("/whip/r").header("Location");
  EXPECT_EQ(people("r"), 1U);
  EXPECT_EQ(request("DELETE", location, {{"If-Match", "\"whatever\""}}).status, 200);
  EXPECT_EQ(people("r"), 0U);
  EXPECT_EQ(request("DELETE", location).status, 404);
  EXPECT_EQ(patch(location, {{"If-Match", "*"}}).status, 404);
}

TEST_F(Whip, ASessionIsReachedByItsSecretAndRoomOnly) {
  start();
  const auto location = whip("/whip/r").header("Location");
  ASSERT_EQ(whip("/whip/s").status, 201);
  const auto secret = location.substr(location.rfind('/') + 1);
  EXPECT_EQ(request("DELETE", "/whip/s/" + secret).status, 404);
  EXPECT_EQ(request("DELETE", "/whip/r/" + secret.substr(0, 21)).status, 404);
  EXPECT_EQ(request("DELETE", "/whip/r/" + secret + "x").status, 404);
  const auto id = on_ctl([&] { return rooms().roster("r")->at(0).id; });
  EXPECT_EQ(request("DELETE", "/whip/r/" + id).status, 404);
  EXPECT_EQ(people("r"), 1U);
}

}  // namespace
}  // namespace parley::signaling
