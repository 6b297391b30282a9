// Invitations: links with a signed token, and what they admit to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/mcu/signaling/server_fixture.hpp"
#include "tests/unit/mcu/signaling/sign.hpp"

namespace parley::signaling {
namespace {

constexpr const char* kTokenKey = "token-key-for-tests";

class Invitations : public ServerTest {
 protected:
  Invitations() {
    settings.admin_key = "admin-key-for-tests";
    settings.token_key = kTokenKey;
    room_settings.token_required = true;
  }
  Answer invite_as(const std::string& bearer, const std::string& body) {
    return request("POST", "/api/v1/rooms/standup/invitations",
                   {{"Content-Type", "application/json"}, {"Authorization", "Bearer " + bearer}}, body);
  }
};

std::int64_t now_seconds() {
  return std::stoll(in_seconds(0));
}

TEST_F(Invitations, AdmitUnderTheirTerms) {
  start();
  const auto answer =
      api("POST", "/rooms/standup/invitations", R"({"role":"moderator","name":"Ann Ünal","expires_s":600})");
  ASSERT_EQ(answer.status, 201) << answer.body;
  const auto invitation = answer.object();
  const std::string token(invitation.at("token").as_string());
  EXPECT_EQ(invitation.at("path").as_string(), "/r/standup#token=" + token);
  EXPECT_NEAR(static_cast<double>(invitation.at("expires").as_int64() - now_seconds()), 600, 5);

  WsClient client(address);
  const auto joined = client.join("standup", "somebody", {{"token", token}});
  ASSERT_EQ(type_of(joined), "joined") << json::serialize(joined);
  EXPECT_EQ(joined.at("role").as_string(), "moderator");
  EXPECT_EQ(joined.at("roster").as_array()[0].as_object().at("name").as_string(), "Ann Ünal");

  WsClient elsewhere(address);
  EXPECT_EQ(code_of(elsewhere.join("other", "somebody", {{"token", token}})), "bad-token");
  EXPECT_EQ(code_of(elsewhere.join("standup", "nobody")), "bad-token");
}

TEST_F(Invitations, OnceMeansOnceForEach) {
  start();
  const auto one = api("POST", "/rooms/standup/invitations", R"({"once":true})").object();
  const auto two = api("POST", "/rooms/standup/invitations", R"({"once":true})").object();
  EXPECT_NE(one.at("token"), two.at("token"));
  WsClient ann(address), ben(address), cem(address);
  EXPECT_EQ(type_of(ann.join("standup", "Ann", {{"token", one.at("token")}})), "joined");
  EXPECT_EQ(code_of(ben.join("standup", "Ben", {{"token", one.at("token")}})), "bad-token");
  EXPECT_EQ(type_of(cem.join("standup", "Cem", {{"token", two.at("token")}})), "joined");
}

TEST_F(Invitations, AModeratorInvitesForAsLongAsItMayStay) {
  start();
  const auto moderator =
      sign(R"({"room":"standup","role":"moderator","exp":)" + in_seconds(120) + "}", kTokenKey);
  const auto answer = invite_as(moderator, R"({"expires_s":86400})");
  ASSERT_EQ(answer.status, 201) << answer.body;
  EXPECT_LE(answer.object().at("expires").as_int64() - now_seconds(), 121);
  const auto guest = sign(R"({"room":"standup","exp":)" + in_seconds(120) + "}", kTokenKey);
  EXPECT_EQ(invite_as(guest, "{}").status, 403);
  EXPECT_EQ(invite_as("nonsense", "{}").status, 401);
}

TEST_F(Invitations, WhatCannotBe) {
  start();
  const struct {
    std::string body;
    int status;
  } cases[] = {
      {R"({"role":"king"})", 400},
      {R"({"expires_s":5})", 400},
      {R"({"expires_s":99999999999})", 400},
      {R"({"name":"a\u202eb"})", 400},
      {R"({"once":"yes"})", 400},
      {R"({"colour":"blue"})", 400},
      {"[]", 400},
      {R"({"role":"participant"})", 201},
  };
  for (const auto& one : cases)
    EXPECT_EQ(api("POST", "/rooms/standup/invitations", one.body).status, one.status) << one.body;
  EXPECT_EQ(api("POST", "/rooms/%20x/invitations", "{}").status, 400);
}

TEST_F(Invitations, NeedAKeyToSignWith) {
  settings.token_key = "";
  start();
  EXPECT_EQ(api("POST", "/rooms/standup/invitations", "{}").status, 409);
}

}  // namespace
}  // namespace parley::signaling
