#include "transport/ice/credentials.hpp"

#include <algorithm>
#include <string_view>

#include "transport/base/ids.hpp"

namespace parley::ice {
namespace {

bool is_ice_text(std::string_view text, std::size_t shortest) {
  const auto is_ice_char = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  };
  return text.size() >= shortest && text.size() <= 256 && std::all_of(text.begin(), text.end(), is_ice_char);
}

}  // namespace

Credentials Credentials::random() {
  return {random_token(8), random_token(24)};
}

bool Credentials::valid() const {
  return is_ice_text(ufrag, 4) && is_ice_text(pwd, 22);
}

}  // namespace parley::ice
