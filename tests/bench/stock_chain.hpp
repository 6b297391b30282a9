// The chain that GStreamer applications use, driven by the same network as our receiver and by a test clock:
// what there is to beat.
#pragma once

#include <span>
#include <vector>

#include "tests/bench/impairment/impairment.hpp"
#include "tests/support/opus_source.hpp"

namespace parley::test {

struct StockResult {
  bool available = false;
  std::vector<float> audio;     // at its place in media time, as the receiver's ideal
  std::size_t lost_events = 0;  // packets the jitter buffer gave up
  double plc_ms = 0;            // concealed without FEC
  double delay_ms = 0;          // latency of the buffer plus the extra frame FEC costs
};

// rtpjitterbuffer latency=... do-lost=true ! rtpopusdepay ! opusdec plc=true use-inband-fec=...
StockResult run_stock_chain(std::span<const TimedPacket> packets, const ImpairmentConfig& network,
                            int latency_ms, bool fec);

}  // namespace parley::test
