// What is received, on its way to the ear: from the network thread through a bounded queue to the playout
// thread, where the jitter buffer and decoder make 20 ms of sound per pull.
//
// Threads: offer() belongs to the network thread, pull() to the playout thread; snapshot() to anyone.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <span>

#include "client/path_fade.hpp"
#include "pipelines/media/receiver.hpp"
#include "pipelines/media/resample.hpp"
#include "transport/base/bounded_queue.hpp"
#include "transport/base/media_packet.hpp"

namespace parley::client {

class Downlink {
 public:
  static constexpr std::size_t kSamples = 960;

  explicit Downlink(Codec codec);

  void offer(const MediaPacket& packet);
  // The same from the peer itself (Opus), and whether it shall be listened to. Any thread may want.
  void offer_direct(const MediaPacket& packet);
  void want_direct(bool wanted) { direct_wanted_.store(wanted, std::memory_order_relaxed); }
  // What has come from the peer is not heard any more. Any thread.
  void drop_direct() { direct_dropped_.store(true, std::memory_order_relaxed); }
  void pull(TimePoint at, std::span<float, kSamples> out);

  struct Snapshot {
    media::ReceiverStats receiver;
    double level_dbfs = -96;  // of about the last second
    std::uint64_t dropped = 0;
    std::uint32_t rate = 48'000;  // of the receiver's sample counts
  };
  Snapshot snapshot() const;

 private:
  void offer(BoundedQueue<MediaPacket>& queue, const MediaPacket& packet);
  void pull_both(TimePoint at, std::span<float, kSamples> out);
  void publish(std::span<const float> pcm);

  BoundedQueue<MediaPacket> queue_{64}, direct_queue_{64};
  std::atomic<bool> direct_wanted_{false};
  std::atomic<bool> direct_dropped_{false};
  std::atomic<bool> direct_used_{false};  // packets of a peer have come: there are two paths to look after
  std::atomic<std::uint64_t> dropped_{0};
  // The playout thread's.
  media::Receiver receiver_;
  media::Receiver direct_;
  PathFade fade_;
  media::Interpolator interpolator_;
  double energy_ = 0;
  // Anyone's.
  mutable std::mutex mutex_;
  Snapshot snapshot_;  // guarded by mutex_
};

}  // namespace parley::client
