// What is said, on its way to the network: encoded on the capture thread, handed to the network thread
// through a bounded queue. Tuning comes back the other way through atomics, so that neither thread ever waits
// for the other.
//
// Threads: push() belongs to the capture thread, drain() to the network thread; the setters and snapshot() to
// anyone.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>

#include "client/encoder.hpp"
#include "transport/base/bounded_queue.hpp"
#include "transport/base/media_packet.hpp"

namespace parley::client {

class Uplink {
 public:
  struct Packet {
    std::array<std::uint8_t, MediaPacket::kMaxPayload> payload;  // only `size` bytes mean anything
    std::size_t size = 0;
    std::uint64_t media_time = 0;
    std::uint8_t level = 127;
    bool voice = false;
    bool marker = false;

    Bytes data() const { return {payload.data(), size}; }
  };

  // `wake` is called on the capture thread when packets wait.
  Uplink(std::unique_ptr<Encoder> encoder, const EncoderTuning& tuning, std::function<void()> wake);

  // A hole of more than kMaxPause between two pushes (a suspended machine) passes as silence, so that media
  // time keeps step with real time.
  void push(TimePoint at, std::span<const float> pcm);
  static constexpr Duration kMaxPause = 200ms;

  template <typename Send>
  void drain(Send&& send) {
    while (queue_.pop_with([&send](Packet& packet) { send(packet); })) {
    }
  }

  void set_open(bool open) { open_.store(open, std::memory_order_relaxed); }
  void tune(const EncoderTuning& tuning);  // all but the gain
  void set_gain_db(double db) { gain_db_.store(db, std::memory_order_relaxed); }

  struct Snapshot {
    EncoderTuning tuning;
    double level_dbfs = -96;  // RMS of the loudest packet lately: it falls by 1 dB per packet
    std::uint64_t dropped = 0;
  };
  Snapshot snapshot() const;

 private:
  EncoderTuning wanted() const;
  void show_level();  // a meter: up at once, down slowly

  std::unique_ptr<Encoder> encoder_;  // the capture thread's
  std::function<void()> wake_;
  TimePoint expected_at_{};  // the capture thread's: when the next push is due
  BoundedQueue<Packet> queue_{32};

  std::atomic<bool> open_{false};
  std::atomic<int> bitrate_, expected_loss_;
  std::atomic<Duration::rep> ptime_;
  std::atomic<double> gain_db_;
  std::atomic<double> level_dbfs_{-96};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace parley::client
