#include "client/mapping_probe.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace parley::client {
namespace {

using ice::PortMapping;

const Address kServer = *Address::parse("198.51.100.1:5004");
const Address kSecond = *Address::parse("198.51.100.1:5005");
const Address kBehindNat = *Address::parse("10.0.0.7:5005");  // what a server behind a NAT says of itself
const Address kMapped = *Address::parse("203.0.113.7:40000"), kMoved = *Address::parse("203.0.113.7:40003");

struct World {
  std::vector<std::pair<Address, stun::TransactionId>> asked;
  MappingProbe probe{kServer, [this](const Address& to, Bytes request) {
                       const auto message = stun::StunMessage::parse(request);
                       asked.emplace_back(to, message->transaction_id());
                     }};
  TimePoint at{10s};

  void pass(Duration time) {
    for (const TimePoint end = at + time; at < end; at += 10ms) probe.on_timer(at);
  }
  bool answer(const Address& from, const Address& mapped, const std::optional<Address>& other,
              stun::TransactionId id) {
    stun::StunBuilder builder(stun::Class::success, id);
    builder.xor_mapped_address(mapped);
    if (other) builder.other_address(*other);
    return probe.take(from, *stun::StunMessage::parse(builder.bytes()));
  }
  bool answer(const Address& from, const Address& mapped, const std::optional<Address>& other = {}) {
    return answer(from, mapped, other, asked.back().second);
  }
};

TEST(MappingProbe, TellsWhetherBothPortsSeeTheSame) {
  for (const auto& [seen, expected] :
       {std::pair(kMapped, PortMapping::constant), std::pair(kMoved, PortMapping::varying)}) {
    for (const auto& said : {kSecond, kBehindNat}) {
      World world;
      world.pass(10ms);
      ASSERT_EQ(world.asked.back().first, kServer);
      ASSERT_TRUE(world.answer(kServer, kMapped, said));
      world.pass(10ms);
      ASSERT_EQ(world.asked.back().first, kSecond);
      ASSERT_TRUE(world.answer(kSecond, seen, kServer));
      EXPECT_TRUE(world.probe.done());
      EXPECT_EQ(world.probe.result(), expected);
      EXPECT_EQ(world.asked.size(), 2U);
    }
  }
}

TEST(MappingProbe, KnowsNothingWithoutASecondPort) {
  World world;
  world.pass(10ms);
  ASSERT_TRUE(world.answer(kServer, kMapped));
  EXPECT_TRUE(world.probe.done());
  EXPECT_EQ(world.probe.result(), PortMapping::unknown);
}

TEST(MappingProbe, AsksThreeTimesAndStops) {
  World world;
  world.pass(5s);
  EXPECT_EQ(world.asked.size(), 3U);
  EXPECT_TRUE(world.probe.done());
  World half;  // a firewall in front of the second port
  half.pass(10ms);
  ASSERT_TRUE(half.answer(kServer, kMapped, kSecond));
  half.pass(5s);
  EXPECT_EQ(half.asked.size(), 4U);
  EXPECT_EQ(half.probe.result(), PortMapping::unknown);
}

TEST(MappingProbe, TakesNothingFromStrangers) {
  World world;
  EXPECT_FALSE(world.answer(kServer, kMapped, kSecond, {}));  // before it has asked
  world.pass(10ms);
  EXPECT_FALSE(world.answer(kSecond, kMapped, kSecond));
  EXPECT_FALSE(world.answer(kServer, kMapped, kSecond, stun::random_transaction_id()));
  EXPECT_FALSE(world.probe.done());
  EXPECT_TRUE(world.answer(kServer, kMapped, kSecond));
}

}  // namespace
}  // namespace parley::client
