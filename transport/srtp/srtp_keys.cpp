#include "transport/srtp/srtp_keys.hpp"

#include <algorithm>

#include "transport/base/check.hpp"

namespace parley::srtp {

void MasterKey::assign(Bytes key, Bytes salt) {
  PARLEY_ASSERT(key.size() + salt.size() <= data_.size());
  const auto end_of_key = std::copy(key.begin(), key.end(), data_.begin());
  const auto end = std::copy(salt.begin(), salt.end(), end_of_key);
  size_ = static_cast<std::size_t>(end - data_.begin());
}

}  // namespace parley::srtp
