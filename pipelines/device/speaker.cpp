#include "pipelines/device/speaker.hpp"

#include <gst/app/gstappsrc.h>

#include <thread>
#include <vector>

#include "pipelines/device/auto_device.hpp"
#include "pipelines/device/gst_support.hpp"
#include "pipelines/device/playout_clock.hpp"

namespace parley::device {

namespace {

constexpr const char* kSource =
    "appsrc name=in format=time stream-type=stream "
    "caps=audio/x-raw,format=F32LE,rate=48000,channels=1,layout=interleaved ! audioconvert ! audioresample "
    "! ";

}  // namespace

class Speaker::Impl {
 public:
  explicit Impl(Pipeline pipeline) : pipeline_(std::move(pipeline)), source_(pipeline_.by_name("in")) {
    gst_app_src_set_max_bytes(source(), 0);  // kMaxQueued is the limit
  }

  Status start(GstElement* device) {
    // An audio sink prerolls on its first buffer, so it gets one of silence before it is asked to play.
    const std::vector<float> silence(960, 0.0F);
    push(silence);
    if (auto playing = pipeline_.reach(GST_STATE_PLAYING, 5 * GST_SECOND); !playing)
      return Error{"no usable speaker: " + playing.error().what};
    if (is_stand_in(device)) return Error{"no speaker found"};
    return Done{};
  }

  TimePoint wait() {
    const TimePoint due = clock_.next(now());
    std::this_thread::sleep_until(due);
    clock_.observe(queued());
    return due;
  }

  bool write(std::span<const float> pcm) { return queued() < kMaxQueued && push(pcm); }

  std::optional<Error> failure() { return pipeline_.error(); }

 private:
  GstAppSrc* source() const { return GST_APP_SRC(source_.get()); }

  bool push(std::span<const float> pcm) {
    GstBuffer* buffer = gst_buffer_new_memdup(pcm.data(), pcm.size_bytes());
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(pushed_, GST_SECOND, 48'000);
    GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(pcm.size(), GST_SECOND, 48'000);
    pushed_ += pcm.size();
    return gst_app_src_push_buffer(source(), buffer) == GST_FLOW_OK;
  }

  Duration queued() const {
    const auto samples = gst_app_src_get_current_level_bytes(source()) / sizeof(float);
    return std::chrono::microseconds(samples * 125 / 6);  // 48 samples are 1 ms
  }

  PlayoutClock clock_;
  guint64 pushed_ = 0;
  Pipeline pipeline_;
  Owned<GstElement> source_;
};

Result<std::unique_ptr<Speaker>> Speaker::open(const std::string& sink) {
  // sync=false: the device's own consumption is the clock; the jitter buffer before us absorbs its drift.
  auto pipeline = Pipeline::parse(std::string(kSource) + sink + " name=device sync=false");
  if (!pipeline) return pipeline.error();
  const auto device = pipeline->by_name("device");
  ask_for_short_buffers(device.get());
  auto impl = std::make_unique<Impl>(std::move(*pipeline));
  if (auto started = impl->start(device.get()); !started) return started.error();
  return std::unique_ptr<Speaker>(new Speaker(std::move(impl)));
}

Speaker::Speaker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Speaker::~Speaker() = default;

TimePoint Speaker::wait() {
  return impl_->wait();
}
bool Speaker::write(std::span<const float> pcm) {
  return impl_->write(pcm);
}
std::optional<Error> Speaker::failure() {
  return impl_->failure();
}

}  // namespace parley::device
