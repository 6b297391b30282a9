#include "pipelines/elements/element_support.hpp"

#include <algorithm>

namespace parley::pipelines {

GstBuffer* BufferSlot::take(std::size_t size) {
  if (buffer_ != nullptr && capacity_ >= size && gst_buffer_is_writable(buffer_)) {
    gst_buffer_set_size(buffer_, static_cast<gssize>(size));
    GST_BUFFER_FLAGS(buffer_) = 0;
    return buffer_;
  }
  clear();
  capacity_ = std::max<std::size_t>(size, 256);
  buffer_ = gst_buffer_new_allocate(nullptr, capacity_, nullptr);
  gst_buffer_set_size(buffer_, static_cast<gssize>(size));
  return buffer_;
}

void BufferSlot::clear() {
  gst_clear_buffer(&buffer_);
  capacity_ = 0;
}

void open_stream(GstPad* pad, const char* caps) {
  const std::string id = std::string(GST_OBJECT_NAME(GST_PAD_PARENT(pad))) + "/" + GST_PAD_NAME(pad);
  gst_pad_push_event(pad, gst_event_new_stream_start(id.c_str()));
  GstCaps* parsed = gst_caps_from_string(caps);
  gst_pad_push_event(pad, gst_event_new_caps(parsed));
  gst_caps_unref(parsed);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(pad, gst_event_new_segment(&segment));
}

void reopen_stream(GstPad* pad, const char* caps) {
  gst_pad_push_event(pad, gst_event_new_flush_start());
  gst_pad_push_event(pad, gst_event_new_flush_stop(TRUE));
  open_stream(pad, caps);
}

void stamp(GstBuffer* buffer, guint64 media_time, guint64 samples) {
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(media_time, GST_SECOND, 48'000);
  GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(samples, GST_SECOND, 48'000);
  GST_BUFFER_OFFSET(buffer) = media_time;
  GST_BUFFER_OFFSET_END(buffer) = media_time + samples;
}

gboolean answer_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_CAPS: {
      GstCaps* filter = nullptr;
      gst_query_parse_caps(query, &filter);
      GstCaps* caps = gst_pad_get_pad_template_caps(pad);
      if (filter != nullptr) {
        GstCaps* both = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
        gst_caps_unref(caps);
        caps = both;
      }
      gst_query_set_caps_result(query, caps);
      gst_caps_unref(caps);
      return TRUE;
    }
    case GST_QUERY_ACCEPT_CAPS: {
      GstCaps* offered = nullptr;
      gst_query_parse_accept_caps(query, &offered);
      GstCaps* caps = gst_pad_get_pad_template_caps(pad);
      gst_query_set_accept_caps_result(query, gst_caps_can_intersect(offered, caps));
      gst_caps_unref(caps);
      return TRUE;
    }
    case GST_QUERY_LATENCY:
      gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
      return TRUE;
    default:
      return gst_pad_query_default(pad, parent, query);
  }
}

gboolean swallow_event(GstPad*, GstObject*, GstEvent* event) {
  gst_event_unref(event);
  return TRUE;
}

}  // namespace parley::pipelines
