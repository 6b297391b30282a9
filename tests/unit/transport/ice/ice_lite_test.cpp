#include "transport/ice/ice_lite.hpp"

#include <gtest/gtest.h>

#include "tests/unit/transport/ice/ice_world.hpp"

namespace parley::ice::test {
namespace {

const Address kA = address("192.0.2.1:1000");
const Address kB = address("198.51.100.2:2000");
const Address kC = address("[2001:db8::3]:3000");

class IceLiteTest : public testing::Test {
 protected:
  IceLiteResult check(const Address& from, bool nominate = false) {
    return agent.receive(now, from, Check{.use_candidate = nominate}.build());
  }
  void pass(Duration span) { now += span; }

  IceLite agent{kServer, kClient.ufrag};
  TimePoint now{1h};
};

TEST_F(IceLiteTest, AnswersACheckWithMappedAddressIntegrityAndFingerprint) {
  for (const auto& from : {kA, kC}) {
    const auto request = Check{}.build();
    const auto result = agent.receive(now, from, request);
    EXPECT_TRUE(result.authenticated);
    const auto reply = stun::StunMessage::parse(result.response);
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->is_binding(stun::Class::success));
    EXPECT_EQ(reply->transaction_id(), stun::StunMessage::parse(request)->transaction_id());
    EXPECT_EQ(reply->xor_mapped_address(), from);
    EXPECT_TRUE(reply->verify_integrity(kServer.pwd));
    EXPECT_TRUE(reply->has_fingerprint());
    EXPECT_FALSE(reply->find(stun::Attribute::software));
    EXPECT_LE(result.response.size(), request.size()) << "no amplification";
  }
}

TEST_F(IceLiteTest, WhatIsNotAuthenticatedMeetsSilence) {
  struct Row {
    const char* name;
    ByteBuffer datagram;
  };
  ByteBuffer flipped = Check{}.build();
  flipped[30] ^= 1;
  ByteBuffer cut = Check{}.build();
  cut.resize(cut.size() - 4);
  const Row rows[] = {
      {"wrong password", Check{.pwd = "another"}.build()},
      {"client's password", Check{.pwd = kClient.pwd}.build()},
      {"empty password", Check{.pwd = ""}.build()},
      {"no integrity", Check{.integrity = false}.build()},
      {"no fingerprint", Check{.fingerprint = false}.build()},
      {"ufrags swapped", Check{.username = "cliu:srvu"}.build()},
      {"only our ufrag", Check{.username = "srvu"}.build()},
      {"only our ufrag and a colon", Check{.username = "srvu:"}.build()},
      {"prefix of the remote ufrag", Check{.username = "srvu:cli"}.build()},
      {"longer than the remote ufrag", Check{.username = "srvu:cliuu"}.build()},
      {"another case", Check{.username = "SRVU:cliu"}.build()},
      {"NUL behind", Check{.username = std::string("srvu:cliu\0", 10)}.build()},
      {"no username", Check{.username = ""}.build()},
      {"a bit flipped", flipped},
      {"cut short", cut},
      {"another method", Check{.method = 3}.build()},
      {"an indication", Check{.message_class = stun::Class::indication}.build()},
      {"a response", Check{.message_class = stun::Class::success}.build()},
      {"nothing", {}},
      {"no STUN", ByteBuffer(100, 0)},
  };
  for (const auto& row : rows) {
    const auto result = agent.receive(now, kA, row.datagram);
    EXPECT_FALSE(result.authenticated) << row.name;
    EXPECT_TRUE(result.response.empty()) << row.name;
    EXPECT_FALSE(agent.validated(kA)) << row.name;
    EXPECT_FALSE(agent.remote()) << row.name;
  }
}

TEST_F(IceLiteTest, TwoControlledAgentsIsARoleConflict) {
  const auto request = Check{.controlled = true}.build();
  const auto result = agent.receive(now, kA, request);
  const auto reply = stun::StunMessage::parse(result.response);
  ASSERT_TRUE(reply && reply->is_binding(stun::Class::error));
  EXPECT_EQ(reply->error_code()->code, 487);
  EXPECT_TRUE(reply->verify_integrity(kServer.pwd));
  EXPECT_LE(result.response.size(), request.size());
  EXPECT_FALSE(agent.validated(kA));
}

TEST_F(IceLiteTest, UnknownRequiredAttributesAreRefusedAndNamed) {
  const auto request = Check{.extra = {0x7001, 0x7002}}.build();
  const auto result = agent.receive(now, kA, request);
  const auto reply = stun::StunMessage::parse(result.response);
  ASSERT_TRUE(reply && reply->is_binding(stun::Class::error));
  EXPECT_EQ(reply->error_code()->code, 420);
  const auto named = reply->find(stun::Attribute::unknown_attributes);
  ASSERT_TRUE(named);
  EXPECT_EQ(ByteBuffer(named->begin(), named->end()), (ByteBuffer{0x70, 0x01, 0x70, 0x02}));
  EXPECT_TRUE(reply->verify_integrity(kServer.pwd));
  EXPECT_FALSE(agent.validated(kA));

  std::vector<std::uint16_t> many(50);
  for (std::uint16_t i = 0; i < 50; ++i) many[i] = static_cast<std::uint16_t>(0x7100 + i);
  const auto flood = Check{.extra = many}.build();
  EXPECT_LE(agent.receive(now, kA, flood).response.size(), flood.size());
}

TEST_F(IceLiteTest, UnknownOptionalAttributesAreIgnored) {
  const auto result = agent.receive(now, kA, Check{.extra = {0xc057, 0xc070, 0xffff}}.build());
  EXPECT_TRUE(result.authenticated);
}

TEST_F(IceLiteTest, MediaGoesToTheFirstValidatedAddressUntilOneIsNominated) {
  EXPECT_TRUE(check(kA).rebound);
  EXPECT_FALSE(check(kB).rebound);
  EXPECT_EQ(agent.remote(), kA);
  EXPECT_TRUE(agent.validated(kB)) << "DTLS may come from there";
  const auto nomination = check(kB, true);
  EXPECT_TRUE(nomination.nominated);
  EXPECT_TRUE(nomination.rebound);
  EXPECT_EQ(agent.remote(), kB);
}

TEST_F(IceLiteTest, AnotherCheckFromTheSameAddressChangesNothing) {
  check(kA, true);
  for (int i = 0; i < 10; ++i) {
    pass(2s);
    const auto result = check(kA, true);
    EXPECT_TRUE(result.authenticated);
    EXPECT_FALSE(result.rebound);
  }
}

TEST_F(IceLiteTest, ANominationMovesMediaAtOnce) {
  check(kA, true);
  pass(5s);
  agent.heard(now, kA);  // alive up to the last moment
  EXPECT_TRUE(check(kB, true).rebound);
  EXPECT_EQ(agent.remote(), kB);
}

TEST_F(IceLiteTest, ANewAddressTakesOverWithoutNominationOnceTheOldOneIsSilent) {
  check(kA, true);
  pass(5s);
  agent.heard(now, kA);
  EXPECT_FALSE(check(kB).rebound) << "the old one is alive";
  EXPECT_EQ(agent.remote(), kA);
  pass(400ms);
  EXPECT_FALSE(check(kB).rebound) << "known as a second path: waits for a nomination";
  EXPECT_TRUE(check(kC).rebound) << "new: a NAT has changed its mapping";
  EXPECT_EQ(agent.remote(), kC);
}

TEST_F(IceLiteTest, AKnownAddressTakesOverFromOneThatIsGone) {
  check(kA, true);
  check(kB);
  for (int i = 0; i < 6; ++i) {
    pass(1s);
    check(kB);
  }
  EXPECT_EQ(agent.remote(), kB);
}

TEST_F(IceLiteTest, MediaFromAnotherValidatedAddressMovesTheLeg) {
  check(kA, true);
  check(kB);
  agent.heard(now, kA);
  EXPECT_FALSE(agent.heard(now, kB)) << "the last packets of two paths mix";
  pass(400ms);
  EXPECT_TRUE(agent.heard(now, kB));
  EXPECT_EQ(agent.remote(), kB);
  EXPECT_FALSE(agent.heard(now, kC)) << "never validated";
  EXPECT_FALSE(agent.validated(kC));
}

TEST_F(IceLiteTest, TwoAddressesThatAlternateDoNotFlapTheLeg) {
  check(kA, true);
  int changes = 0;
  for (int i = 0; i < 6'000; ++i) {  // a minute, 100 checks a second
    pass(10ms);
    changes += check(i % 2 == 0 ? kB : kA, true).rebound ? 1 : 0;
    agent.heard(now, kA);
    agent.heard(now, kB);
  }
  EXPECT_LE(changes, 10);
  EXPECT_GE(changes, 2) << "but it is not nailed down either";
}

TEST_F(IceLiteTest, HysteresisGivesWayWhenTheCurrentAddressIsDead) {
  check(kA, true);
  pass(2s);
  ASSERT_TRUE(check(kB, true).rebound);
  pass(200ms);
  EXPECT_FALSE(check(kA, true).rebound) << "held back";
  pass(900ms);  // kB silent for 1.1 s
  EXPECT_TRUE(check(kA, true).rebound);
}

TEST_F(IceLiteTest, ManyAddressesAreBoundedAndTheCurrentOneStays) {
  check(kA, true);
  for (std::uint16_t port = 1; port <= 1'000; ++port) {
    pass(1ms);
    agent.heard(now, kA);
    check(Address{kB.ip, port});
  }
  EXPECT_EQ(agent.remote(), kA);
  EXPECT_TRUE(agent.validated(kA));
  std::size_t remembered = 0;
  for (std::uint16_t port = 1; port <= 1'000; ++port)
    remembered += agent.validated(Address{kB.ip, port}) ? 1 : 0;
  EXPECT_EQ(remembered, IceLite::kMaxValidated - 1);
}

TEST_F(IceLiteTest, ConsentEndsTwentySecondsAfterTheLastCheckFromTheCurrentAddress) {
  EXPECT_FALSE(agent.consent_valid(now));
  check(kA, true);
  EXPECT_TRUE(agent.consent_valid(now + 19s));
  pass(15s);
  agent.heard(now, kA);  // a packet is a sign of life, but not consent
  EXPECT_TRUE(agent.consent_valid(now + 4s));
  EXPECT_FALSE(agent.consent_valid(now + 5s));
  EXPECT_EQ(agent.last_authenticated(), now - 15s);
  check(kA);
  EXPECT_TRUE(agent.consent_valid(now + 19s));
}

TEST_F(IceLiteTest, ARestartKeepsTheOldCredentialsUntilTheNewOnesAreUsed) {
  const Credentials fresh{"newu", "newpasswordnewpasswordne"};
  check(kA, true);
  agent.restart(fresh, "peer");
  EXPECT_EQ(agent.local().ufrag, "newu");
  EXPECT_TRUE(check(kA, true).authenticated);
  EXPECT_FALSE(
      agent.receive(now, kA, Check{.username = "newu:cliu", .pwd = fresh.pwd}.build()).authenticated);
  EXPECT_FALSE(agent.receive(now, kA, Check{.username = "newu:peer"}.build()).authenticated)
      << "old password";

  const auto first = agent.receive(now, kB, Check{.username = "newu:peer", .pwd = fresh.pwd}.build());
  EXPECT_TRUE(first.authenticated);
  EXPECT_TRUE(stun::StunMessage::parse(first.response)->verify_integrity(fresh.pwd));
  EXPECT_EQ(agent.remote(), kA) << "media keeps going where it goes";
  EXPECT_FALSE(check(kA, true).authenticated) << "the old ones are gone";
  const auto nomination =
      agent.receive(now, kB, Check{.username = "newu:peer", .pwd = fresh.pwd, .use_candidate = true}.build());
  EXPECT_TRUE(nomination.rebound);
  EXPECT_EQ(agent.remote(), kB);
}

}  // namespace
}  // namespace parley::ice::test
