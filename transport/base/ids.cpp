#include "transport/base/ids.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace parley {
namespace {

void fill_random(void* out, std::size_t size) {
  auto* bytes = static_cast<unsigned char*>(out);
  while (size > 0) {
    const ssize_t got = ::getrandom(bytes, size, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      std::abort();  // no random numbers: nothing that follows would be secure
    }
    bytes += got;
    size -= static_cast<std::size_t>(got);
  }
}

}  // namespace

std::string random_token(std::size_t length) {
  static constexpr std::string_view kAlphabet =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string token;
  token.reserve(length);
  std::array<unsigned char, 64> pool{};
  while (token.size() < length) {
    fill_random(pool.data(), pool.size());
    for (const unsigned char byte : pool) {
      const unsigned index = byte & 63U;  // 62 and 63 are drawn again, so that each letter is equally likely
      if (index < kAlphabet.size() && token.size() < length) token.push_back(kAlphabet[index]);
    }
  }
  return token;
}

std::uint32_t random_u32() {
  std::uint32_t value = 0;
  fill_random(&value, sizeof value);
  return value;
}

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  fill_random(&value, sizeof value);
  return value;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0U : 1U;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto other = i < b.size() ? static_cast<unsigned char>(b[i]) : 0U;
    difference |= static_cast<unsigned char>(a[i]) ^ other;
  }
  return difference == 0;
}

}  // namespace parley
