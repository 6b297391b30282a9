// OpenSSL's way to the network, for one session. In: exactly the datagram that the session has just been
// given. Out: one write is one record or a flight of them and never more than the MTU; what OpenSSL writes
// within one call is packed into as few datagrams as fit, each with whole records (RFC 6347 section 4.1.1).
// OpenSSL resends a flight with one datagram per message: on a lossy path packing decides whether it arrives
// at all.
#pragma once

#include <openssl/bio.h>

#include <cstddef>

#include "transport/base/bytes.hpp"

namespace parley::dtls {

class DatagramSink;

struct DatagramPort {
  DatagramSink& sink;
  std::size_t mtu;
  Bytes input{};        // not read yet; empty: none
  ByteBuffer output{};  // not sent yet

  void write(Bytes records);
  void flush();  // after each call of OpenSSL
};

// `port` must outlive the BIO. Null when out of memory.
BIO* new_datagram_bio(DatagramPort& port);

}  // namespace parley::dtls
