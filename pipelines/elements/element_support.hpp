// What all elements of the plugin `parley` share: one buffer per pad that is used again and again, the three
// events that open a stream, and answers to queries that stay inside the pad.
#pragma once

#include <gst/gst.h>

#include <cstddef>
#include <span>
#include <string>

namespace parley::pipelines {

// A pad's buffer. take() gives it back when nobody holds it any more, and a new one otherwise, so that a
// steady stream allocates nothing.
class BufferSlot {
 public:
  BufferSlot() = default;
  ~BufferSlot() { clear(); }
  BufferSlot(const BufferSlot&) = delete;
  BufferSlot& operator=(const BufferSlot&) = delete;

  // Writable, `size` bytes, no flags, no times; belongs to the slot.
  GstBuffer* take(std::size_t size);
  void clear();

 private:
  GstBuffer* buffer_ = nullptr;
  std::size_t capacity_ = 0;
};

class MappedWrite {
 public:
  explicit MappedWrite(GstBuffer* buffer) : buffer_(buffer) {
    gst_buffer_map(buffer_, &info_, GST_MAP_WRITE);
  }
  ~MappedWrite() { gst_buffer_unmap(buffer_, &info_); }
  MappedWrite(const MappedWrite&) = delete;
  MappedWrite& operator=(const MappedWrite&) = delete;
  template <typename T>
  std::span<T> as() {
    return {reinterpret_cast<T*>(info_.data), info_.size / sizeof(T)};
  }

 private:
  GstBuffer* buffer_;
  GstMapInfo info_{};
};

class MappedRead {
 public:
  explicit MappedRead(GstBuffer* buffer) : buffer_(buffer) { gst_buffer_map(buffer_, &info_, GST_MAP_READ); }
  ~MappedRead() { gst_buffer_unmap(buffer_, &info_); }
  MappedRead(const MappedRead&) = delete;
  MappedRead& operator=(const MappedRead&) = delete;
  template <typename T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T*>(info_.data), info_.size / sizeof(T)};
  }

 private:
  GstBuffer* buffer_;
  GstMapInfo info_{};
};

// stream-start, caps, segment: once per stream, before its first buffer.
void open_stream(GstPad* pad, const char* caps);
// Empties what stock elements downstream hold (a resampler's history), then opens the stream anew.
void reopen_stream(GstPad* pad, const char* caps);

// Sets times of a buffer from the room's media time (48 kHz samples).
void stamp(GstBuffer* buffer, guint64 media_time, guint64 samples);

// CAPS and ACCEPT_CAPS from the pad's template, LATENCY none; the default handlers would walk the whole
// graph.
gboolean answer_query(GstPad* pad, GstObject* parent, GstQuery* query);
// Our sink pads have nothing to learn from events.
gboolean swallow_event(GstPad* pad, GstObject* parent, GstEvent* event);

inline constexpr const char* kFloat48 =
    "audio/x-raw, format=(string)F32LE, rate=(int)48000, channels=(int)1, layout=(string)interleaved";
inline constexpr const char* kFloat8 =
    "audio/x-raw, format=(string)F32LE, rate=(int)8000, channels=(int)1, layout=(string)interleaved";
inline constexpr const char* kInt48 =
    "audio/x-raw, format=(string)S16LE, rate=(int)48000, channels=(int)1, layout=(string)interleaved";
inline constexpr const char* kOpus =
    "audio/x-opus, channel-mapping-family=(int)0, channels=(int)1, rate=(int)48000";
inline constexpr const char* kPcmu = "audio/x-mulaw, rate=(int)8000, channels=(int)1";
inline constexpr const char* kPcma = "audio/x-alaw, rate=(int)8000, channels=(int)1";

}  // namespace parley::pipelines
