// Load for the server benchmark: legs that send ready-made Opus packets and count, time and keep what comes
// back. No audio is encoded while the measurement runs, so that hundreds of participants cost the generator
// little.
//
// Threads: one; run() drives all legs in real time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/coded_voice.hpp"
#include "transport/base/address.hpp"
#include "transport/base/time.hpp"

namespace parley::bench {

struct LoadLeg {
  std::string room;
  std::string name;
  const Packets* sends = nullptr;
  bool encrypted = true;
  bool levels = true;
  Duration jitter{};  // each packet is late by up to this, uniformly
  bool keep = false;  // remember every packet sent and received, for measuring delay by ear
};

struct Kept {
  std::uint64_t media_time = 0;  // RTP timestamp from the first packet on, 48 kHz
  TimePoint at{};                // when it left, or came (the kernel's time)
  TimePoint spoken{};            // when its sender's clock wanted it to leave: before any jitter and lateness
  std::vector<std::uint8_t> payload;
};

struct LegResult {
  std::uint64_t sent = 0, received = 0, lost = 0;
  Duration longest_gap{};           // between two packets received
  std::vector<double> lateness_ms;  // of the generator itself, each packet sent
  std::vector<Kept> said, heard;
};

class Load {
 public:
  Load(std::string host, std::uint16_t http_port);
  ~Load();
  // Empty: joined; else why not.
  std::string join(const LoadLeg& leg);
  // Drives all legs for a while.
  void run(Duration time);
  // What the leg (in order of joining) sends from now on.
  void say(std::size_t leg, const Packets& packets);
  std::size_t connected() const;
  std::vector<LegResult> results() const;
  void forget();  // counters and what was kept so far
  // The value of a metric of the server, labels and all; 0 when it has none of this name.
  double metric(const std::string& name) const;
  // Of one of the server's delay histograms, ms.
  double mean_delay(const std::string& name) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Delay in ms for each marker that was found: by correlation of what was said with what was heard, the second
// encoder's look-ahead taken off. A marker is 100 ms long; `every`: from one to the next.
struct AddedDelays {
  std::vector<double> from_leaving;   // since the packet left for the server: what the server added
  std::vector<double> from_speaking;  // since it was to leave: with the network's jitter, and the generator's
};
AddedDelays added_delays(const LegResult& talker, const LegResult& listener, Duration every);

}  // namespace parley::bench
