// What an SRTP session costs; printed, and bounded by what the design relies on.
#include <gtest/gtest.h>
#include <malloc.h>

#include <vector>

#include "transport/srtp/srtp_session.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PARLEY_MALLOC_IS_REPLACED 1
#endif

namespace parley::srtp {
namespace {

std::size_t allocated() {
  return mallinfo2().uordblks + mallinfo2().hblkhd;
}

TEST(SrtpMemory, ASessionIsSmall) {
#ifdef PARLEY_MALLOC_IS_REPLACED
  GTEST_SKIP() << "the sanitizer's allocator does not fill mallinfo2";
#endif
  for (const auto profile : {Profile::aead_aes_128_gcm, Profile::aes128_cm_sha1_80}) {
    SrtpKeys keys{profile, {}, {}};
    const ByteBuffer secret(kKeyLength + salt_length(profile), 7);
    keys.local.assign(secret, {});
    keys.remote.assign(secret, {});
    { auto warm_up = Session::create(keys); }

    constexpr std::size_t kSessions = 50;
    std::vector<std::unique_ptr<Session>> sessions;
    sessions.reserve(kSessions);
    const auto before = allocated();
    for (std::size_t i = 0; i < kSessions; ++i) {
      sessions.push_back(Session::create(keys).value());
      std::array<std::uint8_t, 100> packet{0x80, 111, 0, 1};
      const auto size = sessions.back()->protect_rtp(packet, 60);
      ASSERT_TRUE(size);
      ASSERT_TRUE(sessions.back()->unprotect_rtp(packet, *size));
    }
    const auto each = (allocated() - before) / kSessions;
    std::printf("bytes per SRTP session, %s: %zu\n", to_string(profile), each);
    EXPECT_LT(each, 80'000U);  // nearly all of it key schedules of NSS, which Debian's libsrtp uses
  }
}

}  // namespace
}  // namespace parley::srtp
