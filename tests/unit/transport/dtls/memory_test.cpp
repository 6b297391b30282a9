// What a session costs. The figures are printed; the bounds are what the design relies on.
#include <gtest/gtest.h>
#include <malloc.h>

#include "tests/unit/transport/dtls/dtls_pair.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PARLEY_MALLOC_IS_REPLACED 1
#endif

namespace parley::dtls::test {
namespace {

std::size_t allocated() {
  return mallinfo2().uordblks + mallinfo2().hblkhd;
}

class DtlsMemory : public testing::Test {
 protected:
  void SetUp() override {
#ifdef PARLEY_MALLOC_IS_REPLACED
    GTEST_SKIP() << "the sanitizer's allocator does not fill mallinfo2";
#endif
    Pair warm_up;
    warm_up.start();
    ASSERT_TRUE(warm_up.run_until_connected(1s));
  }
};

TEST_F(DtlsMemory, AConnectedSessionIsSmall) {
  constexpr std::size_t kPairs = 50;
  const auto before = allocated();
  std::vector<std::unique_ptr<Pair>> pairs;
  for (std::size_t i = 0; i < kPairs; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    pairs.back()->start();
    ASSERT_TRUE(pairs.back()->run_until_connected(1s));
  }
  const auto connected = (allocated() - before) / (2 * kPairs);
  for (auto& pair : pairs) {
    pair->client.close();
    pair->run_for(100ms);
  }
  const auto closed = (allocated() - before) / (2 * kPairs);
  std::printf("bytes per DTLS session: connected %zu, closed %zu\n", connected, closed);
  // OpenSSL keeps its 22 kB handshake buffer for the retransmission of the last flight.
  EXPECT_LT(connected - closed, 45'000U);
}

TEST_F(DtlsMemory, ASessionThatNobodyTalkedToCostsNoOpenSslObject) {
  struct Nowhere final : DatagramSink {
    void send_datagram(Bytes) override {}
  } nowhere;
  const auto before = allocated();
  Session session(server_identity(), Role::passive, fingerprint_of(client_identity()), nowhere);
  EXPECT_LT(allocated() - before, 1'000U);
}

ByteBuffer handshake_fragment(std::uint16_t message, std::uint32_t length, std::uint32_t offset,
                              std::uint64_t record, std::size_t size) {
  ByteBuffer out(13 + 12 + size);
  ByteWriter writer(out);
  writer.u8(22);
  writer.u16(0xfefd);
  writer.u16(0);
  writer.u16(0);
  writer.u32(static_cast<std::uint32_t>(record));
  writer.u16(static_cast<std::uint16_t>(12 + size));
  writer.u8(11);  // certificate
  writer.u24(length);
  writer.u16(message);
  writer.u24(offset);
  writer.u24(static_cast<std::uint32_t>(size));
  writer.zeros(size);
  return out;
}

TEST_F(DtlsMemory, FragmentsAndEarlyRecordsAreBounded) {
  Pair pair;
  bool cut = false;
  pair.on_way_to_server = [&](ByteBuffer&) { return !cut; };
  pair.start();
  pair.run_for(15ms);  // the server has answered and waits
  cut = true;
  ASSERT_EQ(pair.server.state(), State::handshaking);
  const auto before = allocated();
  std::int64_t peak = 0;
  std::mt19937 random(3);
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    // Far messages, each as large as can be claimed, one byte of each ...
    const auto message = static_cast<std::uint16_t>(2 + (i % 2 == 0 ? random() % 60'000 : i % 9));
    pair.server.receive(pair.now, handshake_fragment(message, 16'000, i % 15'000, 100 + i, 1));
    // ... and records for a key that does not exist yet.
    ByteBuffer early(13 + 100, 0x55);
    early[0] = 22;
    early[1] = 0xfe, early[2] = 0xfd, early[3] = 0, early[4] = 1;
    early[11] = 0, early[12] = 100;
    early[10] = static_cast<std::uint8_t>(i), early[9] = static_cast<std::uint8_t>(i >> 8);
    pair.server.receive(pair.now, early);
    peak = std::max(peak, static_cast<std::int64_t>(allocated()) - static_cast<std::int64_t>(before));
  }
  std::printf("bytes that 20,000 hostile handshake datagrams made a session keep: %ld\n",
              static_cast<long>(peak));
  EXPECT_EQ(pair.server.state(), State::handshaking);
  EXPECT_LT(peak, 1'000'000);
}

}  // namespace
}  // namespace parley::dtls::test
