#include "pipelines/streams/shared_encoder.hpp"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include "pipelines/device/gst_support.hpp"
#include "pipelines/streams/parts.hpp"

namespace parley::streams {

class SharedEncoder::Impl {
 public:
  explicit Impl(device::Pipeline pipeline)
      : pipeline_(std::move(pipeline)), in_(pipeline_.by_name("in")), out_(pipeline_.by_name("out")) {}

  void push(Duration position, std::span<const float> pcm) {
    ++pushed_;
    GstBuffer* buffer = gst_buffer_new_memdup(pcm.data(), pcm.size_bytes());
    GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(position.count());
    GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(pcm.size(), GST_SECOND, 48'000);
    gst_app_src_push_buffer(GST_APP_SRC(in_.get()), buffer);
  }

  Chunk pull() {
    GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(out_.get()), 0);
    if (sample == nullptr) return {};
    return Chunk(sample, [](GstSample* s) { gst_sample_unref(s); });
  }

  void finish() { gst_app_src_end_of_stream(GST_APP_SRC(in_.get())); }
  bool ended() const { return gst_app_sink_is_eos(GST_APP_SINK(out_.get())) == TRUE; }
  std::optional<Error> failure() { return pipeline_.error(); }
  std::uint64_t pushed() const { return pushed_; }

 private:
  device::Pipeline pipeline_;
  device::Owned<GstElement> in_, out_;
  std::uint64_t pushed_ = 0;
};

Result<std::unique_ptr<SharedEncoder>> SharedEncoder::open(const Coding& coding) {
  auto pipeline = device::Pipeline::parse(encoder_description(coding));
  if (!pipeline) return pipeline.error();
  if (gst_element_set_state(pipeline->get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    return pipeline->error().value_or(Error{"the encoder does not start"});
  return std::unique_ptr<SharedEncoder>(new SharedEncoder(std::make_unique<Impl>(std::move(*pipeline))));
}

SharedEncoder::SharedEncoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SharedEncoder::~SharedEncoder() = default;
void SharedEncoder::push(Duration position, std::span<const float> pcm) {
  impl_->push(position, pcm);
}
Chunk SharedEncoder::pull() {
  return impl_->pull();
}
void SharedEncoder::finish() {
  impl_->finish();
}
bool SharedEncoder::ended() const {
  return impl_->ended();
}
std::optional<Error> SharedEncoder::failure() {
  return impl_->failure();
}
std::uint64_t SharedEncoder::pushed() const {
  return impl_->pushed();
}

}  // namespace parley::streams
