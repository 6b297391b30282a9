// Virtual time for OpenSSL's DTLS timer, which reads gettimeofday(): a test program that links this has the
// function replaced, and from the first call of set_openssl_clock() on OpenSSL lives in the test's time.
#pragma once

#include "transport/base/time.hpp"

namespace parley::test {

void set_openssl_clock(TimePoint at);

}  // namespace parley::test
