// The small ones: results, ids, unwrapping, time, the media packet, thread ownership and names.
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "transport/base/check.hpp"
#include "transport/base/ids.hpp"
#include "transport/base/media_packet.hpp"
#include "transport/base/result.hpp"
#include "transport/base/thread_name.hpp"
#include "transport/base/time.hpp"
#include "transport/base/unwrap.hpp"

namespace parley {
namespace {

TEST(Result, HoldsAValueOrAnError) {
  Result<std::string> good(std::string("yes"));
  EXPECT_TRUE(good);
  EXPECT_TRUE(good.ok());
  EXPECT_EQ(*good, "yes");
  EXPECT_EQ(good->size(), 3U);

  const Result<std::string> bad(Error{"no such room", 404});
  EXPECT_FALSE(bad);
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().what, "no such room");
  EXPECT_EQ(bad.error().code, 404);

  Result<std::unique_ptr<int>> moved(std::make_unique<int>(7));
  const std::unique_ptr<int> taken = std::move(moved).value();
  EXPECT_EQ(*taken, 7);

  EXPECT_TRUE(Status(Done{}));
  EXPECT_FALSE(Status(Error{"x", 1}));
}

TEST(Ids, TokensAreOfLettersAndDigitsAllUsed) {
  std::set<std::string> tokens;
  std::set<char> letters;
  for (int i = 0; i < 1'000; ++i) {
    const auto token = random_token(22);
    ASSERT_EQ(token.size(), 22U);
    tokens.insert(token);
    letters.insert(token.begin(), token.end());
  }
  EXPECT_EQ(tokens.size(), 1'000U);
  EXPECT_EQ(letters.size(), 62U);
  for (const char c : letters) EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c))) << c;
  EXPECT_EQ(random_token(0), "");
  EXPECT_EQ(random_token(1'000).size(), 1'000U);
}

TEST(Ids, LettersAreEquallyLikely) {
  const auto token = random_token(62 * 2'000);
  std::map<char, int> counts;
  for (const char c : token) ++counts[c];
  for (const auto& [letter, count] : counts) EXPECT_NEAR(count, 2'000, 300) << letter;  // 6.7 sigma
}

TEST(Ids, NumbersDiffer) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1'000; ++i) seen.insert(random_u64());
  EXPECT_EQ(seen.size(), 1'000U);
  std::uint32_t all = 0;
  std::uint32_t none = 0xffffffff;
  for (int i = 0; i < 200; ++i) {
    const auto value = random_u32();
    all |= value;
    none &= value;
  }
  EXPECT_EQ(all, 0xffffffffU);
  EXPECT_EQ(none, 0U);
}

TEST(Ids, EqualConstantTime) {
  struct Case {
    std::string a, b;
    bool equal;
  };
  const Case cases[] = {
      {"", "", true},
      {"a", "a", true},
      {"secret", "secret", true},
      {"secret", "secreT", false},
      {"secret", "Secret", false},
      {"secret", "secre", false},
      {"secre", "secret", false},
      {"", "a", false},
      {"a", "", false},
      {std::string("a\0b", 3), std::string("a\0c", 3), false},
      {std::string("a\0", 2), "a", false},
      {"a", std::string("a\0", 2), false},
  };
  for (const Case& c : cases) EXPECT_EQ(equal_constant_time(c.a, c.b), c.equal) << c.a << " " << c.b;
}

TEST(Unwrap, SequenceNumbers) {
  struct Step {
    std::uint16_t value;
    std::int64_t unwrapped;
  };
  const Step steps[] = {{65'534, 65'534}, {65'535, 65'535}, {0, 65'536},      {1, 65'537},
                        {65'535, 65'535}, {2, 65'538},      {32'769, 98'305}, {40'000, 105'536},
                        {7'000, 138'072}, {7'000, 138'072}};
  SequenceUnwrapper unwrapper;
  for (const Step& step : steps) {
    EXPECT_EQ(unwrapper.peek(step.value), step.unwrapped) << step.value;
    EXPECT_EQ(unwrapper.unwrap(step.value), step.unwrapped) << step.value;
  }
  unwrapper.reset();
  EXPECT_EQ(unwrapper.peek(5), 5);
  EXPECT_EQ(unwrapper.unwrap(5), 5);
  EXPECT_EQ(unwrapper.unwrap(65'535), -1) << "before the first one";
}

TEST(Unwrap, PeekDoesNotMove) {
  SequenceUnwrapper unwrapper;
  EXPECT_EQ(unwrapper.peek(100), 100);
  EXPECT_EQ(unwrapper.unwrap(1'000), 1'000);
  EXPECT_EQ(unwrapper.peek(30'000), 30'000);
  EXPECT_EQ(unwrapper.peek(60'000), 60'000 - 65'536);
  EXPECT_EQ(unwrapper.unwrap(1'001), 1'001);
}

TEST(Unwrap, TimestampsOverManyWraps) {
  TimestampUnwrapper unwrapper;
  std::uint32_t timestamp = 0xfffff000;
  std::int64_t expected = timestamp;
  EXPECT_EQ(unwrapper.unwrap(timestamp), expected);
  for (int i = 0; i < 100; ++i) {
    timestamp += 0x7fffffff;
    expected += 0x7fffffff;
    ASSERT_EQ(unwrapper.unwrap(timestamp), expected);
  }
}

TEST(Time, NtpCountsFrom1900) {
  const auto ntp = ntp_now();
  const auto unix_seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  const auto difference = static_cast<std::int64_t>(ntp >> 32) - 2'208'988'800LL - unix_seconds;
  EXPECT_LE(std::abs(difference), 1);
  EXPECT_DOUBLE_EQ(to_ms(1500us), 1.5);
  EXPECT_DOUBLE_EQ(to_seconds(1500ms), 1.5);
  const TimePoint earlier = now();
  EXPECT_LE(earlier, now());
}

TEST(MediaPacket, TakesWhatFits) {
  MediaPacket packet;
  const std::vector<std::uint8_t> bytes(MediaPacket::kMaxPayload + 1, 7);
  EXPECT_TRUE(packet.assign(Bytes(bytes).first(MediaPacket::kMaxPayload)));
  EXPECT_EQ(packet.data().size(), MediaPacket::kMaxPayload);
  EXPECT_EQ(packet.data().back(), 7);
  EXPECT_FALSE(packet.assign(bytes));
  EXPECT_EQ(packet.data().size(), MediaPacket::kMaxPayload) << "a refusal changes nothing";
  EXPECT_TRUE(packet.assign({}));
  EXPECT_TRUE(packet.data().empty());
  EXPECT_EQ(rtp_clock_rate(Codec::opus), 48'000U);
  EXPECT_EQ(rtp_clock_rate(Codec::pcmu), 8'000U);
  EXPECT_EQ(rtp_clock_rate(Codec::pcma), 8'000U);
}

TEST(ThreadOwner, BindsToTheFirstThreadUntilReleased) {
  ThreadOwner owner;
  std::thread([&] { owner.check(); }).join();
  owner.release();
  owner.check();
  owner.check();
#ifdef PARLEY_CHECKS
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(std::thread([&] { owner.check(); }).join(), "assertion failed");
#endif
}

TEST(ThreadName, IsCutToTheKernelsLimit) {
  std::string seen;
  std::thread([&] {
    name_this_thread("mix-0-of-a-long-row");
    char name[32] = {};
    pthread_getname_np(pthread_self(), name, sizeof name);
    seen = name;
  }).join();
  EXPECT_EQ(seen, "mix-0-of-a-long");
}

}  // namespace
}  // namespace parley
