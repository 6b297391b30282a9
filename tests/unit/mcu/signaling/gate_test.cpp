#include "mcu/signaling/gate.hpp"

#include <gtest/gtest.h>

#include "mcu/room/refusal.hpp"
#include "tests/unit/mcu/signaling/sign.hpp"

namespace parley::signaling {
namespace {

constexpr const char* kAdminKey = "the admin key of tests";
constexpr const char* kTokenKey = "the token key of tests";

Request request_with(std::initializer_list<std::pair<http::field, std::string>> headers) {
  Request request;
  for (const auto& [name, value] : headers) request.headers.insert(name, value);
  return request;
}

int status_of(const std::optional<Response>& refused) {
  return refused ? refused->status : 200;
}

// --- Origins and hosts

struct Visit {
  const char* origin;
  const char* host;
  int status;
};

void expect_visits(const Gate& gate, std::initializer_list<Visit> visits) {
  for (const auto& [origin, host, status] : visits) {
    Request request;
    if (*origin != '\0') request.headers.set(http::field::origin, origin);
    if (*host != '\0') request.headers.set(http::field::host, host);
    EXPECT_EQ(status_of(gate.refuse_stranger(request)), status)
        << "Origin '" << origin << "' Host '" << host << "'";
  }
}

TEST(Strangers, WithoutAnAdminKeyOnlyLocalNamesAreAnswered) {
  SignalingSettings settings;
  settings.allowed_origins = {"https://meet.example.org"};
  expect_visits(Gate(settings), {
                                    {"", "127.0.0.1:8080", 200},
                                    {"", "localhost:8080", 200},
                                    {"", "LOCALHOST", 200},
                                    {"", "[::1]:8080", 200},
                                    {"", "meet.example.org", 200},
                                    {"", "", 200},  // HTTP/1.0
                                    {"", "evil.example", 403},
                                    {"http://evil.example:8080", "evil.example:8080", 403},
                                    {"", "127.0.0.1.evil.example", 403},
                                    {"", "localhost.evil.example", 403},
                                    {"", "[::1", 403},
                                    {"http://localhost:8080", "localhost:8080", 200},
                                    {"http://localhost:9090", "localhost:8080", 403},
                                    {"http://evil.example", "localhost:8080", 403},
                                    {"null", "localhost:8080", 403},
                                    {"https://meet.example.org", "localhost:8080", 200},
                                    {"https://meet.example.org.evil.example", "localhost:8080", 403},
                                    {"http://meet.example.org", "localhost:8080", 403},
                                });
}

TEST(Strangers, WithAnAdminKeyAnyHostIsItself) {
  SignalingSettings settings;
  settings.admin_key = kAdminKey;
  expect_visits(Gate(settings), {
                                    {"", "conf.example.org", 200},
                                    {"https://conf.example.org", "conf.example.org", 200},
                                    {"https://conf.example.org:443", "conf.example.org", 200},
                                    {"https://CONF.example.org", "conf.example.org:443", 200},
                                    {"http://conf.example.org:8080", "conf.example.org:8080", 200},
                                    {"http://conf.example.org:8080", "conf.example.org", 403},
                                    {"file://conf.example.org", "conf.example.org", 403},
                                    {"https://other.example.org", "conf.example.org", 403},
                                    {"https://", "conf.example.org", 403},
                                    {"https://x", "", 403},
                                });
}

TEST(Strangers, AStarAllowsEveryOrigin) {
  SignalingSettings settings;
  settings.allowed_origins = {"*"};
  const Gate gate(settings);
  expect_visits(gate, {{"https://anywhere.example", "localhost", 200}, {"null", "localhost", 200}});
  EXPECT_EQ(gate.cors_origin(request_with({{http::field::origin, "https://anywhere.example"}})),
            "https://anywhere.example");
}

TEST(Strangers, HeadersThatStandTwiceAreRefused) {
  const Gate gate{SignalingSettings{}};
  EXPECT_EQ(status_of(gate.refuse_stranger(
                request_with({{http::field::host, "localhost"}, {http::field::host, "evil.example"}}))),
            400);
  EXPECT_EQ(status_of(gate.refuse_stranger(request_with({{http::field::host, "localhost"},
                                                         {http::field::origin, "http://localhost"},
                                                         {http::field::origin, "http://evil.example"}}))),
            400);
}

// --- Keys

TEST(Keys, AreNeededBeyondTheLoopback) {
  struct Row {
    const char* listen;
    const char* admin_key;
    const char* token_key;
    const char* complaint;  // empty: none
  };
  const Row rows[] = {
      {"127.0.0.1:0", "", "", ""},
      {"[::1]:0", "", "", ""},
      {"0.0.0.0:8080", "", "", "http.listen 0.0.0.0:8080 is not the loopback: auth.admin_key must be set"},
      {"[::]:8080", "", "", "http.listen [::]:8080 is not the loopback: auth.admin_key must be set"},
      {"0.0.0.0:8080", kAdminKey, "", ""},
      {"127.0.0.1:0", "short", "", "auth.admin_key has less than 8 characters"},
      {"127.0.0.1:0", "", "short", "auth.token_key has less than 8 characters"},
  };
  for (const auto& row : rows) {
    SignalingSettings settings;
    settings.listen = *Address::parse(row.listen);
    settings.admin_key = row.admin_key;
    settings.token_key = row.token_key;
    const auto checked = Gate::check(settings);
    EXPECT_EQ(checked ? "" : checked.error().what, row.complaint);
  }
}

TEST(Keys, WhoMayDoWhat) {
  SignalingSettings settings;
  settings.admin_key = kAdminKey;
  settings.token_key = kTokenKey;
  const Gate gate(settings);
  const auto now = Moment::now();
  const auto token = [](const std::string& extra) {
    return "Bearer " + sign(R"({"room":"r","exp":)" + in_seconds(60) + extra + "}", kTokenKey);
  };
  struct Row {
    const char* what;
    std::string authorization;
    int open, moderator, admin;
  };
  const Row rows[] = {
      {"nothing", "", 200, 401, 401},
      {"the key", std::string("Bearer ") + kAdminKey, 200, 200, 200},
      {"the key, another scheme", std::string("Basic ") + kAdminKey, 200, 401, 401},
      {"a prefix of the key", "Bearer the admin key", 200, 401, 401},
      {"the key and more", std::string("Bearer ") + kAdminKey + "x", 200, 401, 401},
      {"in capitals", "Bearer THE ADMIN KEY OF TESTS", 200, 401, 401},
      {"the token key", std::string("Bearer ") + kTokenKey, 200, 401, 401},
      {"a moderator's token", token(R"(,"role":"moderator")"), 200, 200, 403},
      {"a participant's token", token(R"(,"role":"participant")"), 200, 403, 403},
      {"a token for one join", token(R"(,"role":"moderator","once":true)"), 200, 403, 403},
      {"an expired token", "Bearer " + sign(R"({"room":"r","role":"moderator","exp":1})", kTokenKey), 200,
       401, 401},
      {"a token for another room",
       "Bearer " + sign(R"({"room":"s","role":"moderator","exp":)" + in_seconds(60) + "}", kTokenKey), 200,
       403, 403},
  };
  for (const auto& row : rows) {
    Request request;
    request.variables["room"] = "r";
    if (!row.authorization.empty()) request.headers.set(http::field::authorization, row.authorization);
    EXPECT_EQ(status_of(gate.refuse_access(Access::open, request, now)), row.open) << row.what;
    EXPECT_EQ(status_of(gate.refuse_access(Access::moderator, request, now)), row.moderator) << row.what;
    EXPECT_EQ(status_of(gate.refuse_access(Access::admin, request, now)), row.admin) << row.what;
  }
}

TEST(Keys, AnAdmissionIsForItsRoom) {
  SignalingSettings settings;
  settings.token_key = kTokenKey;
  const Gate gate(settings);
  const auto now = Moment::now();
  const auto token = sign(
      R"({"room":"r","name":"Ann","role":"moderator","once":true,"exp":)" + in_seconds(60) + "}", kTokenKey);

  const auto good = gate.admission(token, "r", now);
  ASSERT_TRUE(good && good->has_value());
  EXPECT_EQ((*good)->name, "Ann");
  EXPECT_EQ((*good)->role, room::Role::moderator);
  EXPECT_FALSE((*good)->once_key.empty());
  EXPECT_NEAR(to_seconds((*good)->expires - now.steady), 60, 2);

  const auto elsewhere = gate.admission(token, "s", now);
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(room::refusal_code(elsewhere.error()), room::RefusalCode::bad_token);
  EXPECT_FALSE(gate.admission("rubbish", "r", now));
  EXPECT_FALSE(gate.admission("", "r", now)->has_value());
  EXPECT_FALSE(
      Gate(SignalingSettings{}).admission(token, "r", now)->has_value());  // no key: tokens say nothing
}

}  // namespace
}  // namespace parley::signaling
