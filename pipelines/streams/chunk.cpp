#include "pipelines/streams/chunk.hpp"

#include <gst/gst.h>

#include <array>

namespace parley::streams {
namespace {

constexpr std::size_t kHeadBytes = 19;
constexpr std::uint16_t kPreSkip = 312;  // RFC 7845 section 4.2: what libopus' encoder is ahead, at 48 kHz

void append(GValue* list, const guint8* data, std::size_t size) {
  GstBuffer* buffer = gst_buffer_new_memdup(data, size);
  GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_HEADER);
  GValue value = G_VALUE_INIT;
  g_value_init(&value, GST_TYPE_BUFFER);
  gst_value_take_buffer(&value, buffer);
  gst_value_array_append_and_take_value(list, &value);
}

// Muxers take the identification and comment headers (RFC 7845 section 5) from the caps.
GstCaps* make_caps() {
  static constexpr std::array<guint8, kHeadBytes> kHead = {
      'O',           'p',  'u',  's', 'H', 'e', 'a', 'd', 1, 1, kPreSkip & 0xff,
      kPreSkip >> 8, 0x80, 0xbb, 0,   0,   0,   0,   0};
  static constexpr std::array<guint8, 22> kTags = {'O', 'p', 'u', 's', 'T', 'a', 'g', 's', 6, 0, 0,
                                                   0,   'p', 'a', 'r', 'l', 'e', 'y', 0,   0, 0, 0};
  GstCaps* caps = gst_caps_new_simple("audio/x-opus", "rate", G_TYPE_INT, 48'000, "channels", G_TYPE_INT, 1,
                                      "channel-mapping-family", G_TYPE_INT, 0, "stream-count", G_TYPE_INT, 1,
                                      "coupled-count", G_TYPE_INT, 0, nullptr);
  GValue headers = G_VALUE_INIT;
  g_value_init(&headers, GST_TYPE_ARRAY);
  append(&headers, kHead.data(), kHead.size());
  append(&headers, kTags.data(), kTags.size());
  gst_structure_take_value(gst_caps_get_structure(caps, 0), "streamheader", &headers);
  return caps;
}

}  // namespace

Duration end_of(const Chunk& chunk) {
  const GstBuffer* buffer = gst_sample_get_buffer(chunk.get());
  const GstClockTime length = GST_BUFFER_DURATION_IS_VALID(buffer) ? GST_BUFFER_DURATION(buffer) : 0;
  return Duration(static_cast<Duration::rep>(GST_BUFFER_PTS(buffer) + length));
}

Chunk opus_chunk(Bytes packet, Duration position, Duration length) {
  static GstCaps* const caps = make_caps();  // lives as long as the program
  GstBuffer* buffer = gst_buffer_new_memdup(packet.data(), packet.size());
  GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(position.count());
  GST_BUFFER_DURATION(buffer) = static_cast<GstClockTime>(length.count());
  GstSample* sample = gst_sample_new(buffer, caps, nullptr, nullptr);
  gst_buffer_unref(buffer);
  return Chunk(sample, [](GstSample* s) { gst_sample_unref(s); });
}

}  // namespace parley::streams
