// How a session tells OpenSSL whom it expects: the identity's verify callback finds this record in the SSL
// object.
#pragma once

#include "transport/dtls/fingerprint.hpp"

struct ssl_st;

namespace parley::dtls {

struct PeerCheck {
  Fingerprint expected;
  bool passed = false;  // the peer's certificate was seen and is the expected one
  bool wrong = false;   // it was seen and is another
};

// `check` must outlive `ssl`.
void attach(PeerCheck& check, ssl_st* ssl);

}  // namespace parley::dtls
