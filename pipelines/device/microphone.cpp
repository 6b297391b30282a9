#include "pipelines/device/microphone.hpp"

#include <algorithm>

#include "pipelines/device/auto_device.hpp"
#include "pipelines/device/gst_support.hpp"
#include "pipelines/device/sample_reader.hpp"

namespace parley::device {

class Microphone::Impl {
 public:
  explicit Impl(Pipeline pipeline)
      : pipeline_(std::move(pipeline)), sink_(pipeline_.by_name("out")), reader_(sink_.get()) {}

  bool read(std::span<float> out) {
    while (!out.empty()) {
      const std::size_t got = reader_.read(out, kMaxWait);
      if (got == 0) {
        std::fill(out.begin(), out.end(), 0.0F);
        return false;
      }
      out = out.subspan(got);
    }
    return true;
  }

  std::optional<Error> failure() { return pipeline_.error(); }

 private:
  Pipeline pipeline_;
  Owned<GstElement> sink_;
  SampleReader reader_;
};

Result<std::unique_ptr<Microphone>> Microphone::open(const std::string& source) {
  // The sink keeps at most 100 ms and drops the oldest: a reader that was held up goes on with the present.
  auto pipeline = Pipeline::parse(source +
                                  " name=device ! audioconvert ! audioresample ! "
                                  "audio/x-raw,format=F32LE,rate=48000,channels=1,layout=interleaved ! "
                                  "appsink name=out sync=false drop=true max-buffers=10");
  if (!pipeline) return pipeline.error();
  const auto device = pipeline->by_name("device");
  ask_for_short_buffers(device.get());
  if (auto started = pipeline->reach(GST_STATE_PLAYING, 5 * GST_SECOND); !started)
    return Error{"no usable microphone: " + started.error().what};
  if (is_stand_in(device.get())) return Error{"no microphone found"};
  return std::unique_ptr<Microphone>(new Microphone(std::make_unique<Impl>(std::move(*pipeline))));
}

Microphone::Microphone(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Microphone::~Microphone() = default;

bool Microphone::read(std::span<float> out) {
  return impl_->read(out);
}
std::optional<Error> Microphone::failure() {
  return impl_->failure();
}

}  // namespace parley::device
