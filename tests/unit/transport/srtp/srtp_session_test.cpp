#include "transport/srtp/srtp_session.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace parley::srtp {
namespace {

constexpr Profile kProfiles[] = {Profile::aead_aes_128_gcm, Profile::aes128_cm_sha1_80};

MasterKey key(Profile profile, std::uint8_t seed) {
  ByteBuffer bytes(kKeyLength + salt_length(profile));
  for (auto& byte : bytes) byte = seed = static_cast<std::uint8_t>(seed * 7 + 3);
  MasterKey out;
  out.assign(Bytes(bytes).first(kKeyLength), Bytes(bytes).subspan(kKeyLength));
  return out;
}

struct Ends {
  explicit Ends(Profile profile)
      : sender(Session::create({profile, key(profile, 1), key(profile, 2)}).value()),
        receiver(Session::create({profile, key(profile, 2), key(profile, 1)}).value()) {}
  std::unique_ptr<Session> sender, receiver;
};

struct Packet {
  std::array<std::uint8_t, 256> bytes{};
  std::size_t size = 0;
};

Packet rtp(std::uint16_t sequence, std::uint32_t ssrc = 0x11223344, std::size_t payload = 60) {
  Packet packet;
  ByteWriter writer(packet.bytes);
  writer.u8(0x80);
  writer.u8(111);
  writer.u16(sequence);
  writer.u32(960U * sequence);
  writer.u32(ssrc);
  for (std::size_t i = 0; i < payload; ++i) writer.u8(static_cast<std::uint8_t>(i));
  packet.size = writer.size();
  return packet;
}

Packet rtcp(std::uint32_t ssrc = 0x11223344) {
  Packet packet;
  ByteWriter writer(packet.bytes);
  writer.u8(0x80);
  writer.u8(201);  // an empty receiver report
  writer.u16(1);
  writer.u32(ssrc);
  packet.size = writer.size();
  return packet;
}

Packet protected_rtp(Session& session, const Packet& plain) {
  Packet packet = plain;
  packet.size = session.protect_rtp(packet.bytes, packet.size).value();
  return packet;
}
Packet protected_rtcp(Session& session, const Packet& plain) {
  Packet packet = plain;
  packet.size = session.protect_rtcp(packet.bytes, packet.size).value();
  return packet;
}

bool same(const Packet& a, const Packet& b) {
  return a.size == b.size &&
         std::equal(a.bytes.begin(), a.bytes.begin() + static_cast<std::ptrdiff_t>(a.size), b.bytes.begin());
}

class SrtpSession : public testing::TestWithParam<Profile> {};

TEST_P(SrtpSession, CarriesRtpAndRtcp) {
  Ends ends(GetParam());
  for (std::uint16_t sequence = 65'000; sequence != 1'000; ++sequence) {  // through the roll-over
    const Packet plain = rtp(sequence);
    Packet packet = protected_rtp(*ends.sender, plain);
    EXPECT_GT(packet.size, plain.size);
    EXPECT_LE(packet.size, plain.size + Session::kMaxOverhead);
    EXPECT_FALSE(std::equal(plain.bytes.begin() + 12, plain.bytes.begin() + 72, packet.bytes.begin() + 12));
    packet.size = ends.receiver->unprotect_rtp(packet.bytes, packet.size).value_or(0);
    ASSERT_TRUE(same(packet, plain)) << sequence;
  }
  for (int i = 0; i < 100; ++i) {
    Packet packet = protected_rtcp(*ends.sender, rtcp());
    EXPECT_LE(packet.size, rtcp().size + Session::kMaxOverhead);
    packet.size = ends.receiver->unprotect_rtcp(packet.bytes, packet.size).value_or(0);
    ASSERT_TRUE(same(packet, rtcp()));
  }
  EXPECT_EQ(ends.receiver->inbound_ssrcs(), 1U);
}

TEST_P(SrtpSession, EveryFlippedBitIsAnAuthenticationFailure) {
  Ends ends(GetParam());
  const Packet good = protected_rtp(*ends.sender, rtp(1));
  for (std::size_t bit = 8; bit < good.size * 8; ++bit) {  // the first byte decides whether it is RTP at all
    Packet bad = good;
    bad.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(ends.receiver->unprotect_rtp(bad.bytes, bad.size)) << bit;
    EXPECT_EQ(ends.receiver->last_failure(), Failure::authentication) << bit;
  }
  EXPECT_EQ(ends.receiver->inbound_ssrcs(), 0U) << "no state for what is not authentic";
  Packet packet = good;
  EXPECT_TRUE(ends.receiver->unprotect_rtp(packet.bytes, packet.size));
  EXPECT_EQ(ends.receiver->last_failure(), Failure::none);
}

TEST_P(SrtpSession, EveryFlippedBitOfRtcpIsRefused) {
  Ends ends(GetParam());
  const Packet good = protected_rtcp(*ends.sender, rtcp());
  for (std::size_t bit = 8; bit < good.size * 8; ++bit) {
    Packet bad = good;
    bad.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(ends.receiver->unprotect_rtcp(bad.bytes, bad.size)) << bit;
  }
  EXPECT_EQ(ends.receiver->inbound_ssrcs(), 0U);
}

TEST_P(SrtpSession, AReplayIsTakenOnce) {
  Ends ends(GetParam());
  std::vector<Packet> sent;
  for (std::uint16_t sequence = 100; sequence < 200; ++sequence)
    sent.push_back(protected_rtp(*ends.sender, rtp(sequence)));
  std::reverse(sent.begin(), sent.end());  // late is not replayed
  for (Packet packet : sent) EXPECT_TRUE(ends.receiver->unprotect_rtp(packet.bytes, packet.size));
  for (Packet packet : sent) {
    EXPECT_FALSE(ends.receiver->unprotect_rtp(packet.bytes, packet.size));
    EXPECT_EQ(ends.receiver->last_failure(), Failure::replay);
  }
  Packet report = protected_rtcp(*ends.sender, rtcp());
  Packet again = report;
  EXPECT_TRUE(ends.receiver->unprotect_rtcp(report.bytes, report.size));
  EXPECT_FALSE(ends.receiver->unprotect_rtcp(again.bytes, again.size));
  EXPECT_EQ(ends.receiver->last_failure(), Failure::replay);
}

TEST_P(SrtpSession, APacketOlderThanTheWindowIsAReplay) {
  Ends ends(GetParam());
  Packet old = protected_rtp(*ends.sender, rtp(1));
  Packet within = protected_rtp(*ends.sender, rtp(100));
  Packet fresh = protected_rtp(*ends.sender, rtp(1 + Session::kReplayWindow + 20));
  EXPECT_TRUE(ends.receiver->unprotect_rtp(fresh.bytes, fresh.size));
  EXPECT_FALSE(ends.receiver->unprotect_rtp(old.bytes, old.size));
  EXPECT_EQ(ends.receiver->last_failure(), Failure::replay);
  EXPECT_TRUE(ends.receiver->unprotect_rtp(within.bytes, within.size));
}

TEST_P(SrtpSession, TheSameSequenceNumberIsNotProtectedTwice) {
  Ends ends(GetParam());
  protected_rtp(*ends.sender, rtp(5));
  Packet again = rtp(5);
  EXPECT_FALSE(ends.sender->protect_rtp(again.bytes, again.size))
      << "a second keystream use would betray both";
}

TEST_P(SrtpSession, TheDirectionsHaveDifferentKeys) {
  Ends ends(GetParam());
  Packet mirrored = protected_rtp(*ends.sender, rtp(1));
  EXPECT_FALSE(ends.sender->unprotect_rtp(mirrored.bytes, mirrored.size))
      << "our own packet thrown back at us";
  EXPECT_EQ(ends.sender->last_failure(), Failure::authentication);
}

TEST_P(SrtpSession, AnSsrcFloodIsBoundedAndTheCallGoesOn) {
  Ends ends(GetParam());
  constexpr std::uint32_t kCall = 0xca11;
  std::uint16_t sequence = 65'500;  // the call's roll-over counter must survive the flood
  for (std::uint32_t ssrc = 1; ssrc <= 5'000; ++ssrc) {
    Packet stray = protected_rtp(*ends.sender, rtp(1, 0x10000 + ssrc));
    ASSERT_TRUE(ends.receiver->unprotect_rtp(stray.bytes, stray.size));
    ASSERT_LE(ends.receiver->inbound_ssrcs(), Session::kMaxInboundSsrcs);
    if (ssrc % 3 != 0) continue;
    Packet voice = protected_rtp(*ends.sender, rtp(sequence++, kCall));
    ASSERT_TRUE(ends.receiver->unprotect_rtp(voice.bytes, voice.size)) << ssrc;
  }
}

TEST_P(SrtpSession, ForgedSsrcsDoNotPushOutTheCall) {
  Ends ends(GetParam());
  const Packet first = protected_rtp(*ends.sender, rtp(1));
  Packet packet = first;
  ASSERT_TRUE(ends.receiver->unprotect_rtp(packet.bytes, packet.size));
  for (std::uint32_t ssrc = 0; ssrc < 1'000; ++ssrc) {
    Packet forged = rtp(7, ssrc, 100);
    EXPECT_FALSE(ends.receiver->unprotect_rtp(forged.bytes, forged.size));
  }
  packet = first;
  EXPECT_FALSE(ends.receiver->unprotect_rtp(packet.bytes, packet.size));
  EXPECT_EQ(ends.receiver->last_failure(), Failure::replay) << "the replay window is still the old one";
}

TEST_P(SrtpSession, WhatIsNoPacketIsRefused) {
  Ends ends(GetParam());
  Packet packet = rtp(1);
  EXPECT_FALSE(ends.sender->protect_rtp(packet.bytes, 11));
  EXPECT_FALSE(ends.sender->protect_rtp(std::span(packet.bytes).first(packet.size), packet.size))
      << "no room";
  EXPECT_EQ(ends.sender->last_failure(), Failure::other);
  EXPECT_FALSE(ends.sender->protect_rtcp(packet.bytes, 7));
  for (std::size_t size = 0; size < 40; ++size) {
    Packet stub = rtp(1);
    EXPECT_FALSE(ends.receiver->unprotect_rtp(stub.bytes, size)) << size;
    stub = rtcp();
    EXPECT_FALSE(ends.receiver->unprotect_rtcp(stub.bytes, size)) << size;
  }
  // An extension that claims to be longer than the packet, and 15 CSRCs that are not there.
  Packet lie = rtp(1);
  lie.bytes[0] = 0x90;
  lie.bytes[14] = 0xff;
  EXPECT_FALSE(ends.receiver->unprotect_rtp(lie.bytes, lie.size));
  lie.bytes[0] = 0x8f;
  EXPECT_FALSE(ends.receiver->unprotect_rtp(lie.bytes, 20));
}

INSTANTIATE_TEST_SUITE_P(Profiles, SrtpSession, testing::ValuesIn(kProfiles),
                         [](const auto& param) { return param.param == kProfiles[0] ? "Gcm" : "CmSha1"; });

TEST(SrtpSessionCreate, RefusesKeysOfAnotherLength) {
  const MasterKey gcm = key(Profile::aead_aes_128_gcm, 1);
  EXPECT_FALSE(Session::create({Profile::aes128_cm_sha1_80, gcm, gcm}));
  EXPECT_FALSE(Session::create({Profile::aead_aes_128_gcm, {}, {}}));
}

}  // namespace
}  // namespace parley::srtp
