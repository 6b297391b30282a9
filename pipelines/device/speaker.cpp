#include "pipelines/device/speaker.hpp"

#include <gst/app/gstappsrc.h>

#include <condition_variable>
#include <mutex>
#include <vector>

#include "pipelines/device/auto_device.hpp"
#include "pipelines/device/gst_support.hpp"

namespace parley::device {

namespace {

// Two frames of 20 ms wait in front of the device, no more: they are delay that everybody hears.
constexpr guint64 kQueueBytes = 2 * 960 * sizeof(float);

constexpr const char* kSource =
    "appsrc name=in format=time stream-type=stream "
    "caps=audio/x-raw,format=F32LE,rate=48000,channels=1,layout=interleaved ! audioconvert ! audioresample "
    "! ";

}  // namespace

class Speaker::Impl {
 public:
  explicit Impl(Pipeline pipeline) : pipeline_(std::move(pipeline)), source_(pipeline_.by_name("in")) {
    GstAppSrcCallbacks callbacks{};
    callbacks.need_data = [](GstAppSrc*, guint, gpointer self) { static_cast<Impl*>(self)->set_full(false); };
    callbacks.enough_data = [](GstAppSrc*, gpointer self) { static_cast<Impl*>(self)->set_full(true); };
    gst_app_src_set_callbacks(source(), &callbacks, this, nullptr);
    gst_app_src_set_max_bytes(source(), kQueueBytes);
  }
  ~Impl() {
    const GstAppSrcCallbacks none{};
    gst_app_src_set_callbacks(source(), const_cast<GstAppSrcCallbacks*>(&none), nullptr, nullptr);
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

  bool write(std::span<const float> pcm) {
    {
      std::unique_lock lock(mutex_);
      if (!room_.wait_for(lock, kMaxWait, [this] { return !full_; })) return false;
    }
    return push(pcm);
  }

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

  void set_full(bool full) {
    {
      const std::lock_guard lock(mutex_);
      full_ = full;
    }
    room_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable room_;
  bool full_ = false;  // guarded by mutex_
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

bool Speaker::write(std::span<const float> pcm) {
  return impl_->write(pcm);
}
std::optional<Error> Speaker::failure() {
  return impl_->failure();
}

}  // namespace parley::device
