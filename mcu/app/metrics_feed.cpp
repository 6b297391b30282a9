#include "mcu/app/metrics_feed.hpp"

#include <array>

namespace parley::app {

using metrics::CounterFeed;
using metrics::DelayFeed;

struct MetricsFeed::Feeds {
  explicit Feeds(metrics::Metrics& m)
      : joins(m.joins),
        packets_in(m.rtp_packets_in),
        packets_out(m.rtp_packets_out),
        bytes_in(m.rtp_bytes_in),
        bytes_out(m.rtp_bytes_out),
        lost_in(m.rtp_lost_in),
        lost_out(m.rtp_lost_out),
        refused(m.rtp_refused),
        stun_answered(m.stun_answered),
        stun_refused(m.stun_refused),
        unknown_source(m.unknown_source),
        unknown_kind(m.unknown_kind),
        rebinds(m.rebinds),
        ticks(m.ticks),
        ticks_skipped(m.ticks_skipped),
        decodes(m.decodes),
        passes(m.passes),
        looks(m.looks),
        concealed(m.concealed),
        fec(m.fec),
        delay_alarms(m.delay_alarms),
        encodes(m.encodes),
        forwards(m.forwards),
        mixed(m.mixed),
        silent(m.silent),
        shed(m.shed),
        encoder_clones(m.encoder_clones),
        mix_work(m.mix_work),
        tick_lateness(m.tick_lateness),
        jitter_wait(m.jitter_wait),
        tick_wait(m.tick_wait),
        encode_wait(m.encode_wait),
        send_delay(m.send_delay),
        stream_bytes(m.stream_bytes),
        stream_drops(m.stream_drops),
        stream_failures(m.stream_failures),
        stream_encodes(m.stream_encodes),
        commands_dropped(m.queue_drops("commands")),
        frames_dropped(m.queue_drops("frames")),
        packets_dropped(m.queue_drops("packets")),
        events_dropped(m.queue_drops("events")),
        packets_in_websockets(m.websocket_packets_in),
        packets_out_websockets(m.websocket_packets_out),
        packets_late(m.websocket_packets_late),
        packets_refused(m.websocket_packets_refused),
        websocket_dropped(m.queue_drops("websocket")),
        recording_dropped(m.queue_drops("recording")),
        recordings_finished(m.recordings_finished),
        recording_stalls(m.recording_stalls),
        recording_failed_syncs(m.recording_failed_syncs),
        recording_deliveries(m.recording_deliveries),
        recording_delivery_failures(m.recording_delivery_failures),
        requests{CounterFeed(m.answers(100)), CounterFeed(m.answers(200)), CounterFeed(m.answers(300)),
                 CounterFeed(m.answers(400)), CounterFeed(m.answers(500))} {}

  CounterFeed joins, packets_in, packets_out, bytes_in, bytes_out, lost_in, lost_out, refused;
  CounterFeed stun_answered, stun_refused, unknown_source, unknown_kind, rebinds;
  CounterFeed ticks, ticks_skipped, decodes, passes, looks, concealed, fec, delay_alarms, encodes, forwards,
      mixed, silent, shed, encoder_clones;
  DelayFeed mix_work, tick_lateness, jitter_wait, tick_wait, encode_wait, send_delay;
  CounterFeed stream_bytes, stream_drops, stream_failures, stream_encodes;
  CounterFeed commands_dropped, frames_dropped, packets_dropped, events_dropped;
  CounterFeed packets_in_websockets, packets_out_websockets, packets_late, packets_refused, websocket_dropped;
  CounterFeed recording_dropped, recordings_finished, recording_stalls, recording_failed_syncs,
      recording_deliveries, recording_delivery_failures;
  std::array<CounterFeed, 5> requests;
};

MetricsFeed::MetricsFeed() : feeds_(std::make_unique<Feeds>(metrics_)) {}
MetricsFeed::~MetricsFeed() = default;

namespace {

MixThreadStats sum(const std::vector<MixThreadStats>& threads) {
  MixThreadStats out;
  for (const auto& thread : threads) {
    out.ticks += thread.ticks;
    out.skipped_ticks += thread.skipped_ticks;
    out.packets_dropped += thread.packets_dropped;
    out.commands_refused += thread.commands_refused;
    out.lateness.add(thread.lateness);
    out.encode_wait.add(thread.encode_wait);
    accumulate(out.rooms, thread.rooms, true);
  }
  return out;
}

}  // namespace

std::string MetricsFeed::text(const MediaPlane& media, const RecordingControl& recording,
                              const room::RoomService& rooms, const room::CallService& calls,
                              const StreamControl& streams, const signaling::Server& server) {
  auto& f = *feeds_;
  const auto of_calls = calls.counts();
  metrics_.call_names.Set(static_cast<double>(of_calls.names));
  metrics_.calls_ringing.Set(static_cast<double>(of_calls.ringing));
  metrics_.calls_accepted.Set(static_cast<double>(of_calls.accepted));
  metrics_.set_calls(of_calls.outcomes);
  const auto counts = rooms.counts();
  metrics_.rooms.Set(static_cast<double>(counts.rooms));
  metrics_.participants.Set(static_cast<double>(counts.participants));
  metrics_.set_legs(counts.legs_by_transport, counts.legs_by_codec, counts.legs_by_carrier);
  metrics_.set_refused_joins(counts.refused);
  const auto total = [](CounterFeed& feed, std::uint64_t value) {
    feed.set_total(static_cast<double>(value));
  };
  total(f.joins, counts.joins);

  const auto legs = media.leg_stats();
  total(f.packets_in, legs.traffic.packets_in);
  total(f.packets_out, legs.traffic.packets_out);
  total(f.bytes_in, legs.traffic.bytes_in);
  total(f.bytes_out, legs.traffic.bytes_out);
  total(f.lost_in, legs.traffic.lost_in);
  total(f.lost_out, legs.traffic.lost_out);
  total(f.refused, legs.traffic.refused);
  total(f.stun_answered, legs.stun_answered);
  total(f.stun_refused, legs.stun_refused);
  total(f.unknown_source, legs.unknown_source);
  total(f.unknown_kind, legs.unknown_kind);
  total(f.rebinds, legs.rebinds);

  const auto mix = sum(media.mix_stats());
  total(f.ticks, mix.ticks);
  total(f.ticks_skipped, mix.skipped_ticks);
  total(f.decodes, mix.rooms.decodes);
  total(f.passes, mix.rooms.passes);
  total(f.looks, mix.rooms.looks);
  total(f.concealed, mix.rooms.concealed);
  total(f.fec, mix.rooms.fec);
  total(f.delay_alarms, mix.rooms.alarms);
  total(f.encodes, mix.rooms.encodes);
  total(f.forwards, mix.rooms.forwards);
  total(f.mixed, mix.rooms.mixed);
  total(f.silent, mix.rooms.silent);
  total(f.shed, mix.rooms.shed);
  total(f.encoder_clones, mix.rooms.encoder_clones);
  metrics_.talkers.Set(static_cast<double>(mix.rooms.talkers));
  metrics_.mix_classes.Set(static_cast<double>(mix.rooms.classes));
  metrics_.overload_rung.Set(mix.rooms.overload_step);
  f.mix_work.set_totals(mix.rooms.mix_work.buckets);
  f.tick_lateness.set_totals(mix.lateness.buckets);
  f.jitter_wait.set_totals(mix.rooms.jitter_wait.buckets);
  f.tick_wait.set_totals(mix.rooms.tick_wait.buckets);
  f.encode_wait.set_totals(mix.encode_wait.buckets);
  f.send_delay.set_totals(legs.send_wait);

  total(f.commands_dropped, mix.commands_refused + legs.commands_refused);
  total(f.frames_dropped, legs.frames_dropped);
  total(f.packets_dropped, mix.packets_dropped);
  total(f.events_dropped, media.events_dropped());
  total(f.websocket_dropped, legs.carried_dropped + media.packets_out_dropped());

  const auto out = streams.totals();
  metrics_.set_streams(out.by_scheme_and_state);
  total(f.stream_bytes, out.bytes);
  total(f.stream_drops, out.dropped);
  total(f.stream_failures, out.failures);
  total(f.stream_encodes, out.encoded_ticks);

  const auto recorder = recording.stats();
  metrics_.recordings.Set(static_cast<double>(recorder.recordings));
  metrics_.recordings_in_trouble.Set(static_cast<double>(recorder.in_trouble));
  metrics_.recording_disk_low.Set(recorder.disk_low ? 1 : 0);
  metrics_.recording_disk_wait.Set(static_cast<double>(recorder.slowest_write_ms) / 1'000);
  const auto deliveries = recording.deliveries();
  metrics_.recording_deliveries_waiting.Set(static_cast<double>(deliveries.waiting));
  total(f.recording_deliveries, deliveries.delivered);
  total(f.recording_delivery_failures, deliveries.failures);
  total(f.recording_stalls, recorder.stalls);
  total(f.recording_failed_syncs, recorder.failed_syncs);
  total(f.recordings_finished, recorder.finished);
  total(f.recording_dropped, recorder.packets_dropped + recorder.jobs_refused);

  const auto http = server.stats();
  total(f.packets_in_websockets, http.packets_in);
  total(f.packets_out_websockets, http.packets_out);
  total(f.packets_late, http.packets_late);
  total(f.packets_refused, http.packets_refused);
  metrics_.connections.Set(static_cast<double>(http.connections));
  metrics_.websockets.Set(static_cast<double>(http.websockets));
  for (std::size_t i = 0; i < f.requests.size(); ++i) total(f.requests[i], http.answers_by_class[i + 1]);
  return metrics_.text();
}

}  // namespace parley::app
