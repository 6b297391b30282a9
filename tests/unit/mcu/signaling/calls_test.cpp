// Calls over a real WebSocket and over HTTP; how they ring is mcu/room's (calls_test there).
#include "mcu/room/calls.hpp"

#include <gtest/gtest.h>

#include "mcu/signaling/token.hpp"
#include "tests/unit/mcu/signaling/server_fixture.hpp"

namespace parley::signaling {
namespace {

class CallSignalling : public ServerTest {
 protected:
  static json::object enlist(WsClient& client, const std::string& name, json::object more = {}) {
    more.insert({{"type", "register"}, {"name", name}});
    return client.ask(std::move(more));
  }
  static json::object call(WsClient& client, const std::string& from, const std::string& to) {
    return client.ask({{"type", "call"}, {"from", from}, {"to", to}});
  }
  std::string token(bool calls, const std::string& name) const {
    TokenClaims claims;
    claims.calls = calls;
    claims.name = name;
    if (!calls) claims.room = "r";
    claims.expires = std::chrono::system_clock::now() + std::chrono::hours(1);
    return sign_token(claims, settings.token_key);
  }
};

TEST_F(CallSignalling, FromRingingToTheRoom) {
  start();
  WsClient bob(address), ann(address);
  EXPECT_EQ(type_of(enlist(bob, "bob")), "registered");
  const auto calling = call(ann, "ann", "bob");
  ASSERT_EQ(type_of(calling), "calling");
  EXPECT_EQ(calling.at("devices").as_int64(), 1);
  const auto incoming = bob.receive("call-incoming");
  EXPECT_EQ(incoming.at("from").as_string(), "ann");
  EXPECT_EQ(incoming.at("timeout_ms").as_int64(), 30'000);
  EXPECT_EQ(code_of(ann.ask({{"type", "accept-call"}, {"call", incoming.at("call")}})), "no-such-call");
  bob.send(json::serialize(json::object{{"type", "accept-call"}, {"id", 9}, {"call", incoming.at("call")}}));
  const auto at_bob = bob.receive("call-accepted"), at_ann = ann.receive("call-accepted");
  EXPECT_EQ(at_bob.at("room"), at_ann.at("room"));
  EXPECT_FALSE(at_ann.contains("token"));
  const std::string room(at_ann.at("room").as_string());
  WsClient media_of_ann(address), media_of_bob(address);
  EXPECT_EQ(type_of(media_of_ann.join(room, "ann")), "joined");
  EXPECT_EQ(type_of(media_of_bob.join(room, "bob")), "joined");
  EXPECT_EQ(type_of(media_of_ann.ask({{"type", "leave"}})), "ok");
  EXPECT_EQ(media_of_bob.receive("closed").at("reason").as_string(), "hung-up");
  EXPECT_EQ(type_of(bob.ask({{"type", "ping"}})), "pong") << "the line stays";
}

TEST_F(CallSignalling, AConnectionThatEndsHangsUp) {
  start();
  WsClient bob(address);
  enlist(bob, "bob");
  {
    WsClient ann(address);
    call(ann, "ann", "bob");
    bob.receive("call-incoming");
  }
  EXPECT_EQ(bob.receive("call-ended").at("reason").as_string(), "cancelled");
  const auto missed = bob.receive("call-missed");
  EXPECT_EQ(missed.at("from").as_string(), "ann");
  const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count();
  EXPECT_NEAR(static_cast<double>(missed.at("at_ms").as_int64()), static_cast<double>(wall), 20'000);
}

TEST_F(CallSignalling, OnlyTokensForCallsAreTaken) {
  settings.token_key = "the key of tokens";
  call_settings.token_required = true;
  room_settings.token_required = true;
  start();
  WsClient client(address);
  EXPECT_EQ(code_of(enlist(client, "bob")), "bad-token");
  EXPECT_EQ(code_of(enlist(client, "bob", {{"token", token(false, "bob")}})), "bad-token") << "for a room";
  EXPECT_EQ(code_of(enlist(client, "bob", {{"token", token(true, "bob") + "x"}})), "bad-token");
  const auto registered = enlist(client, "mallory", {{"token", token(true, "bob")}});
  EXPECT_EQ(registered.at("name").as_string(), "bob") << "the token says who it is";
  WsClient other(address);
  EXPECT_EQ(code_of(other.join("r", "bob", {{"token", token(true, "bob")}})), "bad-token")
      << "no room is open to it";
  EXPECT_EQ(code_of(other.join("r", "bob", {{"token", token(false, "bob")}})), "joined");
}

TEST_F(CallSignalling, TheApiCallsAndHangsUp) {
  start();
  WsClient bob(address);
  enlist(bob, "bob");
  EXPECT_EQ(api("GET", "/names").object().at("names").as_array().size(), 1U);
  const auto made = api("POST", "/calls", R"({"from":"Support","to":"bob"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.object().at("state").as_string(), "ringing");
  const std::string id(made.object().at("id").as_string());
  EXPECT_EQ(made.header("Location"), "/api/v1/calls/" + id);
  bob.receive("call-incoming");
  EXPECT_EQ(type_of(bob.ask({{"type", "accept-call"}, {"call", id}})), "ok");
  const auto info = api("GET", "/calls/" + id).object();
  EXPECT_EQ(info.at("state").as_string(), "accepted");
  EXPECT_EQ(info.at("path").as_string(), "/r/" + std::string(info.at("room").as_string()));
  EXPECT_EQ(api("GET", "/calls").object().at("calls").as_array().size(), 1U);
  EXPECT_EQ(api("DELETE", "/calls/" + id).status, 204);
  EXPECT_EQ(api("GET", "/calls/" + id).object().at("state").as_string(), "ended");
  EXPECT_EQ(api("DELETE", "/calls/" + id).status, 404);
  EXPECT_EQ(api("GET", "/calls/nonsense").code(), "no-such-call");
  EXPECT_EQ(api("POST", "/calls", R"({"from":"Support","to":"Support"})").code(), "bad-value");
  EXPECT_EQ(api("POST", "/calls", R"({"from":"Support"})").status, 400);
  EXPECT_EQ(api("POST", "/calls", R"({"from":"a","to":")" + std::string(300, 'x') + "\"}").code(),
            "bad-value");
  EXPECT_EQ(api("POST", "/names/bob/tokens", "{}").status, 409) << "no key to sign with";
}

TEST_F(CallSignalling, TheApiTakesTheAdminKey) {
  settings.admin_key = "the admin's key";
  settings.token_key = "the key of tokens";
  start();
  const auto made = api("POST", "/names/bob/tokens", R"({"expires_s":60})");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto claims = verify_token(std::string(made.object().at("token").as_string()), settings.token_key,
                                   std::chrono::system_clock::now());
  ASSERT_TRUE(claims) << claims.error().what;
  EXPECT_TRUE(claims->calls);
  EXPECT_EQ(claims->name, "bob");
  EXPECT_EQ(request("GET", "/api/v1/calls").status, 401);
  const Headers with_token{{"Authorization", "Bearer " + std::string(made.object().at("token").as_string())}};
  EXPECT_EQ(request("GET", "/api/v1/calls", with_token).status, 403);
  EXPECT_EQ(request("POST", "/api/v1/rooms/r/lock", with_token).status, 403);
  for (const char* seconds : {"59", "31536001", "-1"})
    EXPECT_EQ(api("POST", "/names/bob/tokens", std::string(R"({"expires_s":)") + seconds + "}").status, 400);
}

}  // namespace
}  // namespace parley::signaling
