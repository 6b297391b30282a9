#include "pipelines/device/sample_reader.hpp"

#include <algorithm>

namespace parley::device {

std::size_t SampleReader::read(std::span<float> out, Duration wait) {
  if (!sample_) {
    sample_.reset(gst_app_sink_try_pull_sample(sink_, static_cast<GstClockTime>(wait.count())));
    offset_ = 0;
    if (!sample_) return 0;
  }
  GstBuffer* buffer = gst_sample_get_buffer(sample_.get());
  const std::size_t size = gst_buffer_get_size(buffer) / sizeof(float) * sizeof(float);
  const std::size_t bytes = std::min(out.size() * sizeof(float), size - offset_);
  gst_buffer_extract(buffer, offset_, out.data(), bytes);
  offset_ += bytes;
  if (offset_ >= size) sample_.reset();
  return bytes / sizeof(float);
}

}  // namespace parley::device
