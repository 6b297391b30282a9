#include "mcu/settings/secrets.hpp"

#include <gtest/gtest.h>

#include <string>

#include "mcu/settings/settings.hpp"

namespace parley::settings {
namespace {

TEST(Secrets, TableOfKeys) {
  struct Case {
    std::string secret;
    bool taken;
  };
  const Case kCases[] = {
      {"", true},                                  // none
      {"Vq7ZkW2mXc9TtRb4", true},                  // 16 random characters
      {"3f9c1be2a7704d5e8b6a90c2d1f4e375", true},  // hex
      {"w7cq1hZ4lIrYQF0mNn3w2g7Xb2yqk4Jd2oR3i4Jw0Y8=", true},
      {"my-secret-Vq7ZkW2mXc9TtRb4", true},  // the word counts for nothing, the rest is enough
      {"Vq7ZkW2mXc9TtRb", false},            // 15
      {"janusoverlord", false},
      {"janusoverlordjanusoverlord", false},
      {"changemechangemechangeme", false},
      {"ChangeMe-ChangeMe-ChangeMe", false},
      {"passwordpassword", false},
      {"supersecretadminkey", false},
      {"correcthorsebatterystaple", false},
      {"0123456789012345678901234567890", false},
      {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
      {"abababababababababababab", false},
      {"Vq7ZkW2m Xc9TtRb4", false},
      {"Vq7ZkW2m\nXc9TtRb4", false},
      {"Vq7ZkW2mXc9TtRb\xc3\xa9", false},
      {std::string(513, 'x'), false},
  };
  for (const auto& c : kCases) EXPECT_EQ(complain_about_secret(c.secret).empty(), c.taken) << c.secret;
}

TEST(Secrets, AnErrorNeverShowsTheSecret) {
  const auto result = parse("auth:\n  admin_key: hunter2hunter2\n", "test.yaml");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().what.find("hunter2"), std::string::npos) << result.error().what;
  EXPECT_NE(result.error().what.find("test.yaml:2: auth.admin_key: "), std::string::npos)
      << result.error().what;
}

TEST(Secrets, TheDumpHidesThem) {
  Settings settings;
  settings.auth.admin_key = "Vq7ZkW2mXc9TtRb4";
  const auto yaml = to_yaml(settings);
  EXPECT_EQ(yaml.find("Vq7Z"), std::string::npos);
  EXPECT_NE(yaml.find("admin_key: \"***\""), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("token_key: \"\""), std::string::npos) << yaml;
}

}  // namespace
}  // namespace parley::settings
