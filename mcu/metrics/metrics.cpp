#include "mcu/metrics/metrics.hpp"

#include <prometheus/family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>

#include "mcu/metrics/process.hpp"

namespace parley::metrics {
namespace {

constexpr std::array kTransports{"dtls-srtp", "rtp"};
constexpr std::array kCarriers{"udp", "websocket"};
constexpr std::array kCodecs{"opus", "PCMU", "PCMA"};
constexpr std::array kSchemes{"icecast", "rtmp", "rtmps", "srt", "rtp", "hls", "file"};
constexpr std::array kStreamStates{"connecting", "live", "retrying"};
constexpr std::array kQueues{"commands", "frames",    "packets",   "results",
                             "events",   "recording", "websocket", "other"};
constexpr std::array kCallOutcomes = {"accepted",    "declined",  "busy",  "no-answer",
                                      "unreachable", "cancelled", "failed"};
constexpr std::array kClasses{"1xx", "2xx", "3xx", "4xx", "5xx"};

using prometheus::Registry;

Counter& counter(Registry& registry, const std::string& name, const std::string& help,
                 const prometheus::Labels& labels = {}) {
  return prometheus::BuildCounter().Name("parley_" + name).Help(help).Register(registry).Add(labels);
}
Gauge& gauge(Registry& registry, const std::string& name, const std::string& help,
             const prometheus::Labels& labels = {}) {
  return prometheus::BuildGauge().Name("parley_" + name).Help(help).Register(registry).Add(labels);
}
DelayMetric delay(Registry& registry, const std::string& name, const std::string& help) {
  return DelayMetric(prometheus::BuildHistogram()
                         .Name("parley_" + name + "_seconds")
                         .Help(help)
                         .Register(registry)
                         .Add({}, DelayMetric::bounds()));
}

}  // namespace

// --- Feeds

void CounterFeed::set_total(double total) {
  counter_->Increment(total < last_ ? total : total - last_);
  last_ = total;
}

const std::vector<double>& DelayMetric::bounds() {
  static const std::vector<double> kBounds{0.0005, 0.001, 0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02,
                                           0.03,   0.04,  0.06,  0.08,  0.1,   0.15,  0.2,  0.3,   0.5};
  return kBounds;
}

void DelayFeed::set_totals(std::span<const std::uint64_t> per_millisecond) {
  last_.resize(per_millisecond.size(), 0);
  const auto& bounds = DelayMetric::bounds();
  std::vector<double> increments(bounds.size() + 1, 0.0);
  double sum = 0;
  for (std::size_t ms = 0; ms < per_millisecond.size(); ++ms) {
    const auto now = per_millisecond[ms];
    const auto grown = static_cast<double>(now < last_[ms] ? now : now - last_[ms]);
    last_[ms] = now;
    if (grown == 0) continue;
    const double middle = (static_cast<double>(ms) + 0.5) / 1000;
    const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), middle) - bounds.begin();
    increments[static_cast<std::size_t>(bucket)] += grown;
    sum += grown * middle;
  }
  metric_.histogram_->ObserveMultiple(increments, sum);
}

// --- The registry

struct Metrics::Families {
  explicit Families(Registry& registry)
      : cpu(counter(registry, "process_cpu_seconds_total", "CPU time used, all threads.")),
        cpu_feed(cpu),
        resident(gauge(registry, "process_resident_bytes", "Resident memory.")),
        threads(gauge(registry, "process_threads", "Threads.")),
        open_files(gauge(registry, "process_open_files", "Open file descriptors.")),
        refused(prometheus::BuildCounter()
                    .Name("parley_joins_refused_total")
                    .Help("Joins refused, by reason.")
                    .Register(registry)) {
    for (const char* transport : kTransports)
      legs_by_transport.emplace(transport,
                                &gauge(registry, "legs", "Legs, by transport.", {{"transport", transport}}));
    for (const char* carrier : kCarriers)
      legs_by_carrier.emplace(
          carrier,
          &gauge(registry, "legs_carrier", "Legs, by what carries their packets.", {{"carrier", carrier}}));
    for (const char* codec : kCodecs)
      legs_by_codec.emplace(codec, &gauge(registry, "legs_codec", "Legs, by codec.", {{"codec", codec}}));
    for (const char* scheme : kSchemes)
      for (const char* state : kStreamStates)
        streams.emplace(std::pair(scheme, state),
                        &gauge(registry, "streams", "Streams to the outside, by scheme and state.",
                               {{"scheme", scheme}, {"state", state}}));
    for (const char* outcome : kCallOutcomes)
      calls.emplace(outcome, CounterFeed(counter(registry, "calls_total", "Calls, by what became of them.",
                                                 {{"outcome", outcome}})));
    for (const char* queue : kQueues)
      drops.emplace(queue, &counter(registry, "queue_drops_total", "What a full queue dropped or refused.",
                                    {{"queue", queue}}));
    for (const char* one : kClasses)
      answers.emplace_back(
          &counter(registry, "http_answers_total", "HTTP answers, by class of status.", {{"status", one}}));
  }

  Counter& cpu;
  CounterFeed cpu_feed;
  Gauge &resident, &threads, &open_files;
  prometheus::Family<Counter>& refused;
  std::map<std::string, CounterFeed> refused_feeds;
  std::map<std::string, CounterFeed> calls;
  std::map<std::string, Gauge*> legs_by_transport, legs_by_codec, legs_by_carrier;
  std::map<std::pair<std::string, std::string>, Gauge*> streams;
  std::map<std::string, Counter*, std::less<>> drops;
  std::vector<Counter*> answers;
};

Metrics::Metrics()
    : registry_(std::make_shared<Registry>()),
      rooms(gauge(*registry_, "rooms", "Rooms.")),
      participants(gauge(*registry_, "participants", "Participants in all rooms.")),
      joins(counter(*registry_, "joins_total", "Joins admitted.")),
      call_names(gauge(*registry_, "call_names", "Names that can be called.")),
      calls_ringing(gauge(*registry_, "calls_ringing", "Calls that ring.")),
      calls_accepted(gauge(*registry_, "calls_accepted", "Calls that were accepted and go on.")),
      rtp_packets_in(
          counter(*registry_, "rtp_packets_received_total", "RTP packets received and authenticated.")),
      rtp_packets_out(counter(*registry_, "rtp_packets_sent_total", "RTP packets sent.")),
      rtp_bytes_in(counter(*registry_, "rtp_bytes_received_total", "Bytes of RTP packets received.")),
      rtp_bytes_out(counter(*registry_, "rtp_bytes_sent_total", "Bytes of RTP packets sent.")),
      rtp_lost_in(
          counter(*registry_, "rtp_packets_lost_uplink_total", "RTP packets lost on their way here.")),
      rtp_lost_out(counter(*registry_, "rtp_packets_lost_downlink_total",
                           "RTP packets lost on their way to clients, as they report.")),
      rtp_refused(counter(*registry_, "rtp_packets_refused_total",
                          "RTP packets refused: source, ssrc, payload type, tag, replay.")),
      stun_answered(counter(*registry_, "stun_answered_total", "Plain STUN Binding requests answered.")),
      stun_refused(counter(*registry_, "stun_refused_total",
                           "STUN messages refused: malformed, unknown, wrong integrity, rate.")),
      unknown_source(
          counter(*registry_, "datagrams_unknown_source_total", "Datagrams from addresses of no leg.")),
      unknown_kind(counter(*registry_, "datagrams_unknown_kind_total",
                           "Datagrams that are neither STUN, DTLS nor RTP.")),
      rebinds(counter(*registry_, "leg_rebinds_total", "Legs that moved to a new address.")),
      ticks(counter(*registry_, "ticks_total", "Ticks of all rooms.")),
      ticks_skipped(counter(*registry_, "ticks_skipped_total", "Ticks skipped because they were too late.")),
      decodes(counter(*registry_, "decodes_total", "Frames decoded.")),
      passes(counter(*registry_, "talker_ticks_passed_total",
                     "Talker ticks that were heard verbatim or by nobody, and so not decoded.")),
      looks(counter(*registry_, "looks_total", "Levels looked at by decoding 60 ms of a leg's packets.")),
      encodes(counter(*registry_, "encodes_total", "Frames encoded.")),
      forwards(counter(*registry_, "listener_ticks_forwarded_total",
                       "Listener ticks served by a forwarded packet.")),
      mixed(counter(*registry_, "listener_ticks_mixed_total", "Listener ticks served by an encoder.")),
      silent(counter(*registry_, "listener_ticks_silent_total", "Listener ticks with nothing to hear.")),
      shed(counter(*registry_, "listener_ticks_shed_total",
                   "Listener ticks left out because the tick had no time left.")),
      encoder_clones(
          counter(*registry_, "encoder_clones_total", "Encoders started as a copy of another's state.")),
      concealed(counter(*registry_, "talker_ticks_concealed_total",
                        "Talker ticks with something made up for a lost or late packet.")),
      fec(counter(*registry_, "talker_ticks_fec_total", "Talker ticks rebuilt from in-band FEC.")),
      delay_alarms(counter(*registry_, "talker_ticks_over_delay_alarm_total",
                           "Talker ticks whose audio was delayed by more than alarm.delay_ms.")),
      talkers(gauge(*registry_, "talkers", "Participants audible now.")),
      mix_classes(gauge(*registry_, "mix_classes", "Mix classes at present.")),
      overload_rung(
          gauge(*registry_, "overload_rung", "Highest rung of the overload ladder in use, 0: none.")),
      jitter_wait(delay(*registry_, "jitter_wait", "From a packet's arrival until it is due.")),
      tick_wait(delay(*registry_, "tick_wait", "From when a packet is due to the tick that plays it.")),
      encode_wait(
          delay(*registry_, "encode_wait", "From the beginning of a tick to a frame's leaving the encoder.")),
      mix_work(delay(*registry_, "mix_work", "Work of one tick of a room.")),
      send_delay(delay(*registry_, "send_delay", "From a frame's making to its sending.")),
      tick_lateness(delay(*registry_, "tick_lateness", "How late ticks begin.")),
      stream_bytes(counter(*registry_, "stream_bytes_total", "Bytes that endpoints of streams have taken.")),
      stream_drops(counter(*registry_, "stream_drops_total",
                           "Pieces of streams dropped because their endpoint was too slow.")),
      stream_failures(counter(*registry_, "stream_failures_total",
                              "Connections of streams that failed or were refused.")),
      stream_encodes(counter(*registry_, "stream_encodes_total",
                             "Frames of mixes encoded for streams (AAC, MP3, Vorbis).")),
      recordings(gauge(*registry_, "recordings", "Recordings being made.")),
      recordings_in_trouble(
          gauge(*registry_, "recordings_in_trouble", "Recordings whose disk takes nothing at present.")),
      recording_disk_low(gauge(*registry_, "recording_disk_low",
                               "1: less than recording.min_free_mb is free, nothing is recorded.")),
      recording_disk_wait(gauge(*registry_, "recording_disk_wait_seconds",
                                "The longest round of writing of the last minute, or the one under way.")),
      recordings_finished(counter(*registry_, "recordings_finished_total", "Recordings that have ended.")),
      recording_stalls(counter(*registry_, "recording_stalls_total",
                               "Rounds of writing for which the disk took a second and more.")),
      recording_failed_syncs(counter(*registry_, "recording_failed_syncs_total",
                                     "What was recorded could not be forced to disk.")),
      recording_deliveries(
          counter(*registry_, "recording_deliveries_total", "Webhooks answered and hooks that returned 0.")),
      recording_delivery_failures(counter(*registry_, "recording_delivery_failures_total",
                                          "Calls of the webhook and runs of recording.hook that failed.")),
      recording_deliveries_waiting(gauge(*registry_, "recording_deliveries_waiting",
                                         "Webhooks and hooks that have failed and are tried again.")),
      connections(gauge(*registry_, "http_connections", "Open TCP connections.")),
      websockets(gauge(*registry_, "websockets", "Open WebSockets.")),
      websocket_packets_in(counter(*registry_, "websocket_packets_received_total",
                                   "Media packets received in WebSockets, where UDP is blocked.")),
      websocket_packets_out(counter(*registry_, "websocket_packets_sent_total",
                                    "Media packets sent in WebSockets, where UDP is blocked.")),
      websocket_packets_late(
          counter(*registry_, "websocket_packets_late_total",
                  "Media packets dropped because a WebSocket did not take them within 200 ms.")),
      websocket_packets_refused(counter(*registry_, "websocket_packets_refused_total",
                                        "Media packets in WebSockets refused: too long, or too many.")),
      families_(std::make_unique<Families>(*registry_)) {}

Metrics::~Metrics() = default;

void Metrics::set_legs(const std::map<std::string, std::size_t>& by_transport,
                       const std::map<std::string, std::size_t>& by_codec,
                       const std::map<std::string, std::size_t>& by_carrier) {
  const auto set = [](const auto& gauges, const auto& counts) {
    for (const auto& [label, gauge] : gauges) {
      const auto found = counts.find(label);
      gauge->Set(found == counts.end() ? 0.0 : static_cast<double>(found->second));
    }
  };
  set(families_->legs_by_transport, by_transport);
  set(families_->legs_by_codec, by_codec);
  set(families_->legs_by_carrier, by_carrier);
}

void Metrics::set_streams(
    const std::map<std::pair<std::string, std::string>, std::size_t>& by_scheme_and_state) {
  for (const auto& [labels, gauge] : families_->streams) {
    const auto found = by_scheme_and_state.find(labels);
    gauge->Set(found == by_scheme_and_state.end() ? 0.0 : static_cast<double>(found->second));
  }
}

void Metrics::set_refused_joins(const std::map<std::string, std::uint64_t>& by_reason) {
  auto& feeds = families_->refused_feeds;
  for (const auto& [reason, total] : by_reason) {
    auto feed = feeds.find(reason);
    if (feed == feeds.end())
      feed = feeds.emplace(reason, CounterFeed(families_->refused.Add({{"reason", reason}}))).first;
    feed->second.set_total(static_cast<double>(total));
  }
}

void Metrics::set_calls(const std::map<std::string, std::uint64_t>& by_outcome) {
  for (auto& [outcome, feed] : families_->calls) {
    const auto found = by_outcome.find(outcome);
    feed.set_total(found == by_outcome.end() ? 0.0 : static_cast<double>(found->second));
  }
}

Counter& Metrics::queue_drops(std::string_view queue) {
  const auto found = families_->drops.find(queue);
  return found == families_->drops.end() ? *families_->drops.find("other")->second : *found->second;
}

Counter& Metrics::answers(int status) {
  const int last = static_cast<int>(kClasses.size());
  return *families_->answers[static_cast<std::size_t>(std::clamp(status / 100, 1, last) - 1)];
}

std::string Metrics::text() {
  const auto sample = sample_process();
  families_->cpu_feed.set_total(sample.cpu_seconds);
  families_->resident.Set(static_cast<double>(sample.resident_bytes));
  families_->threads.Set(static_cast<double>(sample.threads));
  families_->open_files.Set(static_cast<double>(sample.open_files));
  return prometheus::TextSerializer().Serialize(registry_->Collect());
}

}  // namespace parley::metrics
