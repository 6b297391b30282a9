#include "transport/dtls/session.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "tests/unit/transport/dtls/dtls_pair.hpp"

namespace parley::dtls::test {
namespace {

bool same(Bytes a, Bytes b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

void expect_fitting_keys(const Pair& pair, srtp::Profile profile) {
  ASSERT_TRUE(pair.client.keys() && pair.server.keys());
  EXPECT_EQ(pair.client.keys()->profile, profile);
  EXPECT_EQ(pair.server.keys()->profile, profile);
  EXPECT_EQ(pair.client.keys()->local.bytes().size(), srtp::kKeyLength + srtp::salt_length(profile));
  EXPECT_TRUE(same(pair.client.keys()->local.bytes(), pair.server.keys()->remote.bytes()));
  EXPECT_TRUE(same(pair.client.keys()->remote.bytes(), pair.server.keys()->local.bytes()));
  EXPECT_FALSE(same(pair.client.keys()->local.bytes(), pair.client.keys()->remote.bytes()));
}

TEST(DtlsSession, ConnectsInTwoRoundTripsWithOneDatagramPerFlight) {
  Pair pair;
  EXPECT_EQ(pair.client.state(), State::idle);
  pair.start();
  pair.run_for(4 * Pair::kDelay);
  EXPECT_TRUE(pair.connected());
  EXPECT_EQ(pair.sizes.size(), 4U);
  EXPECT_LE(*std::max_element(pair.sizes.begin(), pair.sizes.end()), Session::kMtu);
  expect_fitting_keys(pair, srtp::Profile::aead_aes_128_gcm);
  EXPECT_EQ(pair.client.next_timeout(), TimePoint::max());
  EXPECT_EQ(pair.server.next_timeout(), TimePoint::max());
}

TEST(DtlsSession, TakesTheSecondProfileWhenThePeerHasOnlyThat) {
  PairConfig config;
  config.client = &make_identity("SRTP_AES128_CM_SHA1_80");
  Pair pair(config);
  pair.start();
  ASSERT_TRUE(pair.run_until_connected(1s));
  expect_fitting_keys(pair, srtp::Profile::aes128_cm_sha1_80);
}

TEST(DtlsSession, NoProfileInCommonFailsAndExportsNothing) {
  PairConfig config;
  config.client = &make_identity("SRTP_AES128_CM_SHA1_32");
  Pair pair(config);
  pair.start();
  pair.run_for(5s);
  EXPECT_EQ(pair.server.state(), State::failed);
  EXPECT_EQ(pair.server.failure(), FailureReason::no_srtp_profile);
  EXPECT_FALSE(pair.server.keys());
  EXPECT_NE(pair.client.state(), State::connected);
  EXPECT_FALSE(pair.client.keys());
}

TEST(DtlsSession, TheServerRefusesAWrongCertificate) {
  PairConfig config;
  config.server_expects = fingerprint_of(make_identity());
  Pair pair(config);
  pair.start();
  pair.run_for(10s);
  EXPECT_EQ(pair.server.state(), State::failed);
  EXPECT_EQ(pair.server.failure(), FailureReason::wrong_certificate);
  EXPECT_FALSE(pair.server.keys());
  EXPECT_EQ(pair.client.state(), State::failed) << "it was told by an alert, or gave up";
  EXPECT_FALSE(pair.client.keys());
}

TEST(DtlsSession, TheClientRefusesAWrongCertificate) {
  PairConfig config;
  config.client_expects = fingerprint_of(make_identity());
  Pair pair(config);
  pair.start();
  pair.run_for(10s);
  EXPECT_EQ(pair.client.state(), State::failed);
  EXPECT_EQ(pair.client.failure(), FailureReason::wrong_certificate);
  EXPECT_FALSE(pair.client.keys());
  EXPECT_EQ(pair.server.state(), State::failed);
  EXPECT_EQ(pair.server.failure(), FailureReason::refused);
  EXPECT_FALSE(pair.server.keys());
}

TEST(DtlsSession, AcceptsTheHashTheOfferNames) {
  const X509* certificate = SSL_CTX_get0_certificate(server_identity().context());
  for (const char* hash : {"sha-256", "sha-384", "sha-512"}) {
    PairConfig config;
    config.client_expects = Fingerprint::of_certificate(hash, certificate);
    Pair pair(config);
    pair.start();
    EXPECT_TRUE(pair.run_until_connected(1s)) << hash;
  }
}

// The figure of the design: joins stay short when a third of all datagrams is lost in both directions.
TEST(DtlsSession, SurvivesThirtyPercentLossBothWays) {
  std::vector<double> times;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    PairConfig config;
    config.loss = 0.3;
    config.seed = seed;
    Pair pair(config);
    const auto begin = pair.now;
    pair.start();
    ASSERT_TRUE(pair.run_until_connected(10s)) << "seed " << seed;
    expect_fitting_keys(pair, srtp::Profile::aead_aes_128_gcm);
    times.push_back(to_ms(pair.now - begin));
  }
  std::sort(times.begin(), times.end());
  std::printf("handshake at 30%% loss, 100 seeds: median %.0f ms, 90%% %.0f ms, worst %.0f ms\n", times[50],
              times[90], times[99]);
  EXPECT_LT(times[50], 300);
  EXPECT_LT(times[90], 1'000);
}

TEST(DtlsSession, RetransmitsFromSixtyMillisecondsDoublingToASecond) {
  Pair pair;
  std::vector<double> at;
  const auto begin = pair.now;
  pair.on_way_to_server = [&](ByteBuffer&) {
    at.push_back(to_ms(pair.now - begin));
    return false;
  };
  pair.start();
  pair.run_for(5s);
  ASSERT_GE(at.size(), 7U);
  const double expected[] = {0, 60, 180, 420, 900, 1'860, 2'860, 3'860};
  for (std::size_t i = 0; i < 7; ++i) EXPECT_NEAR(at[i], expected[i], 16) << i;
}

TEST(DtlsSession, AnUnansweredHandshakeFails) {
  Pair pair;
  pair.on_way_to_server = [](ByteBuffer&) { return false; };
  pair.start();
  pair.run_for(8s);
  EXPECT_EQ(pair.client.state(), State::handshaking);
  pair.run_for(Session::kHandshakeLimit);
  EXPECT_EQ(pair.client.state(), State::failed);
  EXPECT_EQ(pair.client.failure(), FailureReason::timeout);
}

TEST(DtlsSession, AHalfOpenHandshakeFailsAtTheServer) {
  Pair pair;
  pair.on_way_to_client = [](ByteBuffer&) { return false; };
  pair.start();
  pair.run_for(Session::kHandshakeLimit);
  EXPECT_EQ(pair.server.state(), State::failed);
  EXPECT_EQ(pair.server.failure(), FailureReason::timeout);
}

TEST(DtlsSession, AnswersAFlightThatComesAgainAfterTheHandshake) {
  Pair pair;
  std::size_t dropped = 0;
  pair.on_way_to_client = [&](ByteBuffer&) {
    // The server is through when it sends its last flight; that is lost three times.
    const bool last_flight =
        pair.server.state() == State::connected || pair.server.keys().has_value() || pair.sizes.size() > 3;
    return !last_flight || ++dropped > 3;
  };
  pair.start();
  pair.run_for(35ms);
  EXPECT_EQ(pair.server.state(), State::connected);
  EXPECT_EQ(pair.client.state(), State::handshaking);
  ASSERT_TRUE(pair.run_until_connected(3s));
  EXPECT_GE(dropped, 3U);
  expect_fitting_keys(pair, srtp::Profile::aead_aes_128_gcm);
}

TEST(DtlsSession, ASmallMtuIsKept) {
  PairConfig config;
  config.mtu = 300;
  Pair pair(config);
  pair.start();
  ASSERT_TRUE(pair.run_until_connected(1s));
  EXPECT_LE(*std::max_element(pair.sizes.begin(), pair.sizes.end()), 300U);
  EXPECT_GT(pair.sizes.size(), 6U);
}

// Cuts a handshake message into two records of one fragment each, as a ClientHello of 1,413 bytes comes.
std::pair<ByteBuffer, ByteBuffer> split_hello(const ByteBuffer& record) {
  ByteReader reader(record);
  const Bytes type_version_epoch = reader.take(5);
  const Bytes sequence = reader.take(6);
  reader.u16();  // record length
  const Bytes type = reader.take(1);
  const std::uint32_t length = reader.u24();
  const Bytes message_sequence = reader.take(2);
  reader.take(6);  // fragment offset and length
  const Bytes body = reader.rest();
  const auto fragment = [&](std::uint8_t later, std::size_t begin, std::size_t size) {
    ByteBuffer out(13 + 12 + size);
    ByteWriter writer(out);
    writer.bytes(type_version_epoch);
    writer.bytes(sequence.first(5));
    writer.u8(static_cast<std::uint8_t>(sequence.back() + later));
    writer.u16(static_cast<std::uint16_t>(12 + size));
    writer.bytes(type);
    writer.u24(length);
    writer.bytes(message_sequence);
    writer.u24(static_cast<std::uint32_t>(begin));
    writer.u24(static_cast<std::uint32_t>(size));
    writer.bytes(body.subspan(begin, size));
    return out;
  };
  const std::size_t half = body.size() / 2;
  // The second has a record number that the client will not use again.
  return {fragment(0, 0, half), fragment(50, half, body.size() - half)};
}

TEST(DtlsSession, TakesAClientHelloInTwoDatagramsInAnyOrder) {
  for (const bool swapped : {false, true}) {
    Pair pair;
    bool first = true;
    pair.on_way_to_server = [&](ByteBuffer& datagram) {
      if (!std::exchange(first, false)) return true;
      auto [one, two] = split_hello(datagram);
      pair.send_to_server(swapped ? two : one);
      pair.send_to_server(swapped ? one : two);
      return false;
    };
    pair.start();
    EXPECT_TRUE(pair.run_until_connected(1s)) << swapped;
  }
}

TEST(DtlsSession, TakesAFragmentedServerFlightOutOfOrderAndTwice) {
  PairConfig config;
  config.mtu = 256;
  Pair pair(config);
  ByteBuffer held;
  pair.on_way_to_client = [&](ByteBuffer& datagram) {
    pair.send_to_client(datagram);
    std::swap(held, datagram);
    return !datagram.empty();
  };
  pair.start();
  EXPECT_TRUE(pair.run_until_connected(2s));
}

ByteBuffer record(std::uint8_t type, std::uint16_t epoch, std::uint64_t sequence, Bytes body) {
  ByteBuffer out(13 + body.size());
  ByteWriter writer(out);
  writer.u8(type);
  writer.u16(0xfefd);
  writer.u16(epoch);
  writer.u16(static_cast<std::uint16_t>(sequence >> 32));
  writer.u32(static_cast<std::uint32_t>(sequence));
  writer.u16(static_cast<std::uint16_t>(body.size()));
  writer.bytes(body);
  return out;
}

ByteBuffer random_bytes(std::mt19937& random, std::size_t size) {
  ByteBuffer out(size);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random());
  return out;
}

// Anything that is no valid plaintext handshake message of the right peer.
ByteBuffer garbage(std::mt19937& random) {
  const ByteBuffer body = random_bytes(random, random() % 1'300);
  switch (random() % 6) {
    case 0:
      return body;
    case 1: {  // right first byte, nothing else
      ByteBuffer noise = body;
      if (!noise.empty()) noise[0] = static_cast<std::uint8_t>(20 + random() % 44);
      return noise;
    }
    case 2:  // a later epoch
      return record(static_cast<std::uint8_t>(20 + random() % 4),
                    static_cast<std::uint16_t>(2 + random() % 9), random(), body);
    case 3: {  // plaintext alert: handshake_failure
      const std::uint8_t alert[] = {2, 40};
      return record(21, 0, 0x1000 + random() % 1'000, alert);
    }
    case 4: {  // lying length
      ByteBuffer lie = record(22, 0, random() % 1'000, body);
      lie[11] = 0x3f;
      return lie;
    }
    default:  // another version
      ByteBuffer old = record(22, 0, random() % 1'000, body);
      old[1] = static_cast<std::uint8_t>(random());
      if (old[1] == 0xfe) old[1] = 3;
      return old;
  }
}

TEST(DtlsSession, GarbageDuringTheHandshakeChangesNothing) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    Pair pair;
    const auto pollute = [&](auto send) {
      for (int i = 0; i < 20; ++i) (pair.*send)(garbage(random));
    };
    pair.on_way_to_server = [&](ByteBuffer&) {
      pollute(&Pair::send_to_server);
      return true;
    };
    pair.on_way_to_client = [&](ByteBuffer&) {
      pollute(&Pair::send_to_client);
      return true;
    };
    pair.start();
    ASSERT_TRUE(pair.run_until_connected(1s)) << "round " << round;
  }
}

// Bits flipped in true handshake messages may end the handshake, but never crash it or leave two ends with
// other keys.
TEST(DtlsSession, DamagedHandshakesEndCleanly) {
  std::size_t connected = 0, failed = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    PairConfig config;
    config.mtu = seed % 2 == 0 ? Session::kMtu : 300;
    Pair pair(config);
    const auto damage = [&](ByteBuffer& datagram) {
      if (random() % 3 != 0) return true;
      for (auto flips = 1 + random() % 4; flips > 0; --flips)
        datagram[random() % datagram.size()] ^= static_cast<std::uint8_t>(1U << (random() % 8));
      return true;
    };
    pair.on_way_to_server = damage;
    pair.on_way_to_client = damage;
    pair.start();
    pair.run_for(Session::kHandshakeLimit + 1s);
    ASSERT_NE(pair.client.state(), State::handshaking) << seed;
    ASSERT_NE(pair.server.state(), State::handshaking) << seed;
    if (pair.client.keys() && pair.server.keys()) {
      ++connected;
      ASSERT_TRUE(same(pair.client.keys()->local.bytes(), pair.server.keys()->remote.bytes())) << seed;
      ASSERT_TRUE(same(pair.client.keys()->remote.bytes(), pair.server.keys()->local.bytes())) << seed;
    } else {
      ++failed;
    }
  }
  EXPECT_GT(connected, 0U);
  EXPECT_GT(failed, 0U);
}

TEST(DtlsSession, GarbageAndForgedAlertsAfterTheHandshakeChangeNothing) {
  std::mt19937 random(8);
  Pair pair;
  pair.start();
  ASSERT_TRUE(pair.run_until_connected(1s));
  const auto sent = pair.sizes.size();
  for (int i = 0; i < 5'000; ++i) {
    pair.server.receive(pair.now, garbage(random));
    const std::uint8_t close_notify[] = {1, 0};
    pair.server.receive(pair.now, record(21, 0, static_cast<std::uint64_t>(i), close_notify));
    pair.server.receive(pair.now, record(21, 1, static_cast<std::uint64_t>(i), random_bytes(random, 2)));
    pair.server.receive(pair.now, record(21, 1, static_cast<std::uint64_t>(i), random_bytes(random, 26)));
    pair.server.receive(pair.now, record(22, 0, static_cast<std::uint64_t>(i), random_bytes(random, 200)));
    pair.server.receive(pair.now, record(23, 1, static_cast<std::uint64_t>(i), random_bytes(random, 40)));
  }
  EXPECT_EQ(pair.server.state(), State::connected);
  EXPECT_EQ(pair.sizes.size(), sent) << "nothing is answered";
  pair.client.close();
  pair.run_for(1s);
  EXPECT_EQ(pair.server.state(), State::closed) << "the true close_notify still counts";
}

TEST(DtlsSession, AForgedAlertOnlyShortensTheWait) {
  Pair pair;
  const std::uint8_t alert[] = {2, 40};
  pair.server.receive(pair.now, record(21, 0, 0, alert));
  EXPECT_EQ(pair.server.state(), State::handshaking);
  pair.run_for(10s);
  EXPECT_EQ(pair.server.state(), State::failed);
  EXPECT_EQ(pair.server.failure(), FailureReason::refused);
}

TEST(DtlsSession, CloseNotifyReachesThePeerBothWays) {
  for (const bool from_client : {true, false}) {
    Pair pair;
    pair.start();
    ASSERT_TRUE(pair.run_until_connected(1s));
    (from_client ? pair.client : pair.server).close();
    pair.run_for(100ms);
    EXPECT_EQ(pair.client.state(), State::closed);
    EXPECT_EQ(pair.server.state(), State::closed);
    EXPECT_TRUE(pair.server.keys());
  }
}

TEST(DtlsSession, ClosingTwiceOrBeforeTheHandshakeSendsNothing) {
  Pair pair;
  pair.server.close();
  pair.client.close();
  pair.client.close();
  pair.start();
  pair.run_for(1s);
  EXPECT_TRUE(pair.sizes.empty());
  EXPECT_EQ(pair.client.state(), State::closed);
}

TEST(DtlsSession, ReplayedHandshakeAfterTheEndIsIgnored) {
  Pair pair;
  std::vector<ByteBuffer> seen;
  pair.on_way_to_server = [&](ByteBuffer& datagram) {
    seen.push_back(datagram);
    return true;
  };
  pair.start();
  ASSERT_TRUE(pair.run_until_connected(1s));
  const auto sent = pair.sizes.size();
  for (int round = 0; round < 100; ++round) {
    for (const auto& datagram : seen) pair.server.receive(pair.now, datagram);
  }
  EXPECT_EQ(pair.server.state(), State::connected);
  EXPECT_EQ(pair.sizes.size(), sent);
}

}  // namespace
}  // namespace parley::dtls::test
