// The server's metrics in Prometheus' text format. The set of time series is fixed: labels take values from
// short known lists, never a room, a participant or an address.
//
// Most figures are kept elsewhere as totals (stats() of the media plane, the leg server, the rooms); the app
// copies them here now and then through a Feed, which adds what a total has grown by. Totals that live and
// die with a room or a leg have a Feed each: several may feed one metric.
//
// Threads: prometheus-cpp's metrics may be used from any; a Feed belongs to one.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transport/base/time.hpp"

namespace parley::metrics {

using Counter = prometheus::Counter;
using Gauge = prometheus::Gauge;

class CounterFeed {
 public:
  explicit CounterFeed(Counter& counter) : counter_(&counter) {}
  // A total that fell began anew: it counts from zero.
  void set_total(double total);

 private:
  Counter* counter_;
  double last_ = 0;
};

// A histogram of delays, in seconds as Prometheus wants them, with bounds that suit a tick of 10 or 20 ms.
class DelayMetric {
 public:
  explicit DelayMetric(prometheus::Histogram& histogram) : histogram_(&histogram) {}
  static const std::vector<double>& bounds();  // seconds

  void observe(Duration delay) { histogram_->Observe(to_seconds(delay)); }

 private:
  friend class DelayFeed;
  prometheus::Histogram* histogram_;
};

class DelayFeed {
 public:
  explicit DelayFeed(DelayMetric metric) : metric_(metric) {}
  // Cumulative counts by milliseconds: bucket i counts [i, i+1) ms, the last one everything above.
  void set_totals(std::span<const std::uint64_t> per_millisecond);

 private:
  DelayMetric metric_;
  std::vector<std::uint64_t> last_;
};

class Metrics {
 private:
  std::shared_ptr<prometheus::Registry> registry_;  // first: the members below are made by it

 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Rooms.
  Gauge &rooms, &participants;
  Counter& joins;
  void set_legs(const std::map<std::string, std::size_t>& by_transport,
                const std::map<std::string, std::size_t>& by_codec,
                const std::map<std::string, std::size_t>& by_carrier);
  void set_refused_joins(const std::map<std::string, std::uint64_t>& by_reason);

  // Calls from name to name.
  Gauge &call_names, &calls_ringing, &calls_accepted;
  void set_calls(const std::map<std::string, std::uint64_t>& by_outcome);

  // Transport.
  Counter &rtp_packets_in, &rtp_packets_out, &rtp_bytes_in, &rtp_bytes_out;
  Counter &rtp_lost_in, &rtp_lost_out, &rtp_refused;
  Counter &stun_answered, &stun_refused, &unknown_source, &unknown_kind, &rebinds;

  // Media.
  Counter &ticks, &ticks_skipped;
  Counter &decodes, &passes, &looks, &encodes, &forwards, &mixed, &silent, &shed, &encoder_clones;
  Counter &concealed, &fec, &delay_alarms;
  Gauge &talkers, &mix_classes, &overload_rung;
  DelayMetric jitter_wait, tick_wait, encode_wait, mix_work, send_delay, tick_lateness;

  // Streams to the outside.
  Counter &stream_bytes, &stream_drops, &stream_failures, &stream_encodes;
  void set_streams(const std::map<std::pair<std::string, std::string>, std::size_t>& by_scheme_and_state);

  // What a bounded queue refused or dropped: "commands", "frames", "packets", "results", "events",
  // "recording", "websocket".
  Counter& queue_drops(std::string_view queue);

  // Recording.
  Gauge &recordings, &recordings_in_trouble, &recording_disk_low, &recording_disk_wait;
  Counter &recordings_finished, &recording_stalls, &recording_failed_syncs;
  Counter &recording_deliveries, &recording_delivery_failures;
  Gauge& recording_deliveries_waiting;

  // Signalling.
  Gauge &connections, &websockets;
  // Media that WebSockets carry.
  Counter &websocket_packets_in, &websocket_packets_out, &websocket_packets_late, &websocket_packets_refused;
  Counter& answers(int status);  // by class: "2xx", "4xx" ...

  // Everything, with the process's own figures (CPU, memory, threads, open files) as they are now.
  std::string text();

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace parley::metrics
