#include "mcu/recording/command.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "tests/unit/mcu/recording/support.hpp"

namespace parley::recording {
namespace {

const std::atomic<bool> kGoOn{false};

Command shell(const std::string& script) {
  return {{"/bin/sh", "-c", script}, {{"ROOM", "$(touch /tmp/never); `x`"}}, 20s};
}

TEST(RunCommand, SaysWhatBecameOfIt) {
  EXPECT_TRUE(run_command(shell("exit 0"), kGoOn).done);
  const auto failed = run_command(shell("echo full; exit 3"), kGoOn);
  EXPECT_FALSE(failed.done);
  EXPECT_EQ(failed.cause, "it returned 3");
  EXPECT_EQ(failed.output, "full\n");
  EXPECT_NE(run_command(shell("kill -9 $$"), kGoOn).cause.find("signal 9"), std::string::npos);
  const auto missing = run_command({{"/no/such/program"}, {}, 1s}, kGoOn);
  EXPECT_FALSE(missing.done);
  EXPECT_NE(missing.cause.find("/no/such/program"), std::string::npos);
}

TEST(RunCommand, NothingIsReadByAShell) {
  Command command{{"/bin/echo", "a b; touch /tmp/never", "$HOME"}, {}, 20s};
  EXPECT_EQ(run_command(command, kGoOn).output, "a b; touch /tmp/never $HOME\n");
  EXPECT_EQ(run_command(shell("printf %s \"$ROOM\""), kGoOn).output, "$(touch /tmp/never); `x`");
}

TEST(RunCommand, KeepsTheLastOfMuchOutput) {
  const auto end =
      run_command(shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"), kGoOn);
  EXPECT_TRUE(end.done);
  EXPECT_LE(end.output.size(), 4'096U);
  EXPECT_TRUE(end.output.ends_with("line 19999\n"));
}

TEST(RunCommand, EndsWhatTakesTooLongWithItsChildren) {
  Folder folder("command");
  const auto sign = folder.path() + "/alive";
  auto command = shell("(sleep 1; touch '" + sign + "') & sleep 30");
  command.limit = 300ms;
  const auto begun = now();
  const auto end = run_command(command, kGoOn);
  EXPECT_FALSE(end.done);
  EXPECT_NE(end.cause.find("took longer"), std::string::npos);
  EXPECT_LT(now() - begun, 3s);
  std::this_thread::sleep_for(1'200ms);  // when the child would have left its sign
  EXPECT_FALSE(std::filesystem::exists(sign));
}

TEST(RunCommand, EndsWhenItIsCancelled) {
  std::atomic<bool> cancel{false};
  std::thread canceller([&] {
    std::this_thread::sleep_for(100ms);
    cancel = true;
  });
  const auto end = run_command(shell("trap '' TERM; sleep 1; sleep 1; sleep 1; sleep 1; sleep 1"), cancel);
  canceller.join();
  EXPECT_EQ(end.cause, "the server stopped");
}

}  // namespace
}  // namespace parley::recording
