#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcu/settings/settings.hpp"

namespace parley::settings {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Reload, ChangesAreSortedByWhatTheyNeed) {
  Settings running, loaded;
  loaded.media.listen.port = 6000;
  loaded.mix.threads = 2;
  loaded.mix.max_talkers = 4;
  loaded.log.level = LogLevel::debug;
  const auto changes = compare(running, loaded);
  EXPECT_THAT(changes.reloadable, ElementsAre("mix.max_talkers", "log.level"));
  EXPECT_THAT(changes.needs_restart, ElementsAre("media.listen", "mix.threads"));

  const auto now = reloaded(running, loaded);
  EXPECT_EQ(now.mix.max_talkers, 4);
  EXPECT_EQ(now.log.level, LogLevel::debug);
  EXPECT_EQ(now.media.listen.port, 5004);
  EXPECT_EQ(now.mix.threads, 0);
  EXPECT_THAT(compare(now, loaded).reloadable, IsEmpty());
}

TEST(Reload, AChangedSecretIsSeen) {
  Settings running, loaded;
  running.auth.admin_key = "Vq7ZkW2mXc9TtRb4";
  loaded.auth.admin_key = "Vq7ZkW2mXc9TtRb5";
  EXPECT_THAT(compare(running, loaded).reloadable, ElementsAre("auth.admin_key"));
  EXPECT_EQ(reloaded(running, loaded).auth.admin_key, loaded.auth.admin_key);
}

TEST(Reload, NothingChangedIsNothing) {
  EXPECT_THAT(compare(Settings{}, Settings{}).reloadable, IsEmpty());
  EXPECT_THAT(compare(Settings{}, Settings{}).needs_restart, IsEmpty());
}

}  // namespace
}  // namespace parley::settings
