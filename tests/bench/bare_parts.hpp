// The floor: what the codec, SRTP and the socket cost on this machine, called bare and by themselves, in CPU
// time. Figures of whole rooms are given as ratios to these, from the same run.
#pragma once

#include <cstdint>

namespace parley::bench {

// Microseconds of CPU for one packet of 20 ms: the median of many batches.
struct BareParts {
  double decode_voice = 0;      // 32 kbit/s voice mode, mono float at 48 kHz
  double decode_low_delay = 0;  // 40 kbit/s CELT
  double encode_low_delay = 0;  // 40 kbit/s CELT, complexity 7
  double encode_voice_fec = 0;  // 32 kbit/s voice mode with FEC, complexity 5
  double protect = 0;           // SRTP, AEAD_AES_128_GCM, 80 bytes
  double unprotect = 0;
  double send = 0;     // sendmmsg over loopback, as the server batches them
  double receive = 0;  // recvmmsg

  double in() const { return receive + unprotect; }
  double out() const { return protect + send; }
};
BareParts measure_bare_parts();
void print(const BareParts& parts);

// CPU time of the calling thread so far, in microseconds.
double thread_cpu_us();

}  // namespace parley::bench
