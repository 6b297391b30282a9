// Turns the buffers of an appsink (mono F32LE, of whatever length) into spans of the length asked for.
//
// Threads: one owner.
#pragma once

#include <gst/app/gstappsink.h>

#include <cstddef>
#include <span>

#include "pipelines/device/gst_support.hpp"
#include "transport/base/time.hpp"

namespace parley::device {

class SampleReader {
 public:
  explicit SampleReader(GstElement* appsink) : sink_(GST_APP_SINK(appsink)) {}

  // Fills as much of `out` as one buffer holds, waiting at most `wait` for it. 0: nothing came.
  std::size_t read(std::span<float> out, Duration wait);
  bool at_end() const { return gst_app_sink_is_eos(sink_) != 0; }

 private:
  GstAppSink* sink_;
  Owned<GstSample> sample_;
  std::size_t offset_ = 0;  // bytes of sample_ already given out
};

}  // namespace parley::device
