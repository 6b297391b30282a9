#include "tests/bench/stock_chain.hpp"

#include <gst/check/gstharness.h>
#include <gst/check/gsttestclock.h>
#include <gst/gst.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

namespace parley::test {
namespace {

constexpr std::size_t kHeader = 12;

GstBuffer* rtp_buffer(const MediaPacket& packet, GstClockTime at) {
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, kHeader + packet.size, nullptr);
  std::uint8_t header[kHeader] = {0x80, static_cast<std::uint8_t>(96 | (packet.marker ? 0x80 : 0))};
  const auto put = [&](std::size_t offset, std::uint32_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i)
      header[offset + i] = static_cast<std::uint8_t>(value >> (8 * (bytes - 1 - i)));
  };
  put(2, packet.sequence, 2);
  put(4, packet.timestamp, 4);
  put(8, packet.ssrc, 4);
  gst_buffer_fill(buffer, 0, header, kHeader);
  gst_buffer_fill(buffer, kHeader, packet.payload.data(), packet.size);
  GST_BUFFER_DTS(buffer) = GST_BUFFER_PTS(buffer) = at;
  return buffer;
}

GstPadProbeReturn count_lost(GstPad*, GstPadProbeInfo* info, gpointer counter) {
  const GstStructure* event = gst_event_get_structure(GST_PAD_PROBE_INFO_EVENT(info));
  if (event != nullptr && gst_structure_has_name(event, "GstRTPPacketLost"))
    ++*static_cast<std::size_t*>(counter);
  return GST_PAD_PROBE_OK;
}

class Chain {
 public:
  Chain(int latency_ms, bool fec) {
    const std::string description =
        "rtpjitterbuffer name=jitter do-lost=true latency=" + std::to_string(latency_ms) +
        " ! rtpopusdepay ! opusdec name=decoder plc=true use-inband-fec=" + (fec ? "true" : "false");
    harness_ = gst_harness_new_parse(description.c_str());
    gst_harness_set_sink_caps_str(harness_, "audio/x-raw,format=S16LE,rate=48000,channels=1");
    gst_harness_set_src_caps_str(
        harness_, "application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS,payload=96");
    gst_harness_use_testclock(harness_);
    GstElement* jitter = gst_harness_find_element(harness_, "rtpjitterbuffer");
    GstPad* pad = gst_element_get_static_pad(jitter, "src");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, count_lost, &lost_, nullptr);
    gst_object_unref(pad);
    gst_object_unref(jitter);
  }
  ~Chain() { gst_harness_teardown(harness_); }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  void advance(GstClockTime to) {
    GstTestClock* clock = gst_harness_get_testclock(harness_);
    GstClockID id = nullptr;
    while (gst_test_clock_peek_next_pending_id(clock, &id)) {
      const GstClockTime due = gst_clock_id_get_time(id);
      gst_clock_id_unref(id);
      if (due > to) break;
      if (due > gst_clock_get_time(GST_CLOCK(clock))) gst_test_clock_set_time(clock, due);
      gst_clock_id_unref(gst_test_clock_process_next_clock_id(clock));
      settle();
    }
    if (to > gst_clock_get_time(GST_CLOCK(clock))) gst_test_clock_set_time(clock, to);
    gst_object_unref(clock);
  }

  void push(const MediaPacket& packet, GstClockTime at) {
    gst_harness_push(harness_, rtp_buffer(packet, at));
    settle();
  }

  void collect(std::vector<float>& audio, std::optional<GstClockTime>& first) {
    while (GstBuffer* buffer = gst_harness_try_pull(harness_)) {
      GstMapInfo map;
      if (gst_buffer_map(buffer, &map, GST_MAP_READ)) {
        place(audio, first, GST_BUFFER_PTS(buffer), map);
        gst_buffer_unmap(buffer, &map);
      }
      gst_buffer_unref(buffer);
    }
  }

  std::size_t lost() const { return lost_; }
  double plc_ms() {
    GstElement* decoder = gst_harness_find_element(harness_, "opusdec");
    GstStructure* stats = nullptr;
    g_object_get(decoder, "stats", &stats, nullptr);
    guint64 duration = 0;
    if (stats != nullptr) {
      gst_structure_get_uint64(stats, "plc-duration", &duration);
      gst_structure_free(stats);
    }
    gst_object_unref(decoder);
    return static_cast<double>(duration) / 1e6;
  }

 private:
  // Threads of the chain work in real time: long enough for them to come to rest.
  static void settle() { std::this_thread::sleep_for(std::chrono::microseconds(400)); }

  static void place(std::vector<float>& audio, std::optional<GstClockTime>& first, GstClockTime pts,
                    const GstMapInfo& map) {
    if (!GST_CLOCK_TIME_IS_VALID(pts)) return;
    if (!first) first = pts;
    if (pts < *first) return;
    const auto at = static_cast<std::size_t>((pts - *first) * 48 / 1'000'000);
    const auto* samples = reinterpret_cast<const std::int16_t*>(map.data);
    const std::size_t count = map.size / sizeof(std::int16_t);
    if (at > 48'000 * 3'600UL) return;
    if (audio.size() < at + count) audio.resize(at + count);
    for (std::size_t i = 0; i < count; ++i) audio[at + i] = static_cast<float>(samples[i]) / 32'768.0F;
  }

  GstHarness* harness_;
  std::size_t lost_ = 0;
};

}  // namespace

StockResult run_stock_chain(std::span<const TimedPacket> packets, const ImpairmentConfig& network,
                            int latency_ms, bool fec) {
  StockResult result;
  if (!gst_is_initialized()) gst_init(nullptr, nullptr);
  for (const char* name : {"rtpjitterbuffer", "rtpopusdepay", "opusdec"}) {
    GstElementFactory* factory = gst_element_factory_find(name);
    if (factory == nullptr) return result;
    gst_object_unref(factory);
  }
  result.available = true;
  Chain chain(latency_ms, fec);
  Link link(network);
  for (const auto& packet : packets) link.send(packet.packet, TimePoint{} + packet.sent);
  std::optional<GstClockTime> first;
  const TimePoint end = TimePoint{} + packets.back().sent + 1s;
  TimePoint last{};
  while (const auto packet = link.receive(end)) {
    last = packet->arrival;
    const auto at = static_cast<GstClockTime>(last.time_since_epoch().count());
    chain.advance(at);
    chain.push(*packet, at);
    chain.collect(result.audio, first);
  }
  chain.advance(static_cast<GstClockTime>((last + 1s).time_since_epoch().count()));
  chain.collect(result.audio, first);
  result.lost_events = chain.lost();
  result.plc_ms = chain.plc_ms();
  result.delay_ms = latency_ms + (fec ? 20 : 0);
  return result;
}

}  // namespace parley::test
