// A look at the record headers of a datagram before OpenSSL sees them (RFC 6347 section 4.1).
#pragma once

#include <cstddef>

#include "transport/base/bytes.hpp"

namespace parley::dtls {

struct RecordScan {
  bool plain_alert = false;       // an alert of epoch 0: anybody could have written it
  std::size_t early_records = 0;  // of a later epoch
};

inline RecordScan scan_records(Bytes datagram) {
  constexpr std::uint8_t kAlert = 21;
  RecordScan scan;
  ByteReader reader(datagram);
  while (reader.remaining() > 0) {
    const auto type = reader.u8();
    reader.u16();  // version
    const auto epoch = reader.u16();
    reader.take(6);  // sequence number
    reader.take(reader.u16());
    if (!reader.ok()) break;
    if (epoch > 0) ++scan.early_records;
    if (epoch == 0 && type == kAlert) scan.plain_alert = true;
  }
  return scan;
}

}  // namespace parley::dtls
