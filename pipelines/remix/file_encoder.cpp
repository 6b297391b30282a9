#include "pipelines/remix/file_encoder.hpp"

#include <gst/app/gstappsrc.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string_view>

#include "pipelines/device/gst_support.hpp"

namespace parley::remix {
namespace {

constexpr std::uint64_t kRate = 48'000;
constexpr std::uint64_t kMaxWavSamples = 0x7fff'0000ULL;  // its sizes are 32 bits: 12 hours
constexpr GstClockTime kEnding = 60 * GST_SECOND;

struct Element {
  const char *name, *package;
};
constexpr std::array<Element, 11> kElements = {{{"appsrc", "gstreamer1.0-plugins-base"},
                                                {"audioconvert", "gstreamer1.0-plugins-base"},
                                                {"opusenc", "gstreamer1.0-plugins-base"},
                                                {"oggmux", "gstreamer1.0-plugins-base"},
                                                {"wavenc", "gstreamer1.0-plugins-good"},
                                                {"flacenc", "gstreamer1.0-plugins-good"},
                                                {"aacparse", "gstreamer1.0-plugins-good"},
                                                {"mp4mux", "gstreamer1.0-plugins-good"},
                                                {"avenc_aac", "gstreamer1.0-libav"},
                                                {"voaacenc", "gstreamer1.0-plugins-bad"},
                                                {"filesink", "libgstreamer1.0-0"}}};

bool installed(const char* element) {
  GstElementFactory* found = gst_element_factory_find(element);
  if (found != nullptr) gst_object_unref(found);
  return found != nullptr;
}

// Constants only: no name of a file or of anybody gets into a description.
std::string body_of(FileFormat format) {
  switch (format) {
    case FileFormat::opus:
      return "audioconvert ! opusenc name=tags bitrate=64000 complexity=5 ! oggmux";
    case FileFormat::wav:
      return "audioconvert ! audio/x-raw,format=S16LE ! wavenc name=tags";
    case FileFormat::flac:
      return "audioconvert ! audio/x-raw,format=S16LE ! flacenc name=tags";
    case FileFormat::m4a:
      break;
  }
  const std::string encoder =
      !installed("avenc_aac") && installed("voaacenc") ? "voaacenc bitrate=96000" : "avenc_aac bitrate=96000";
  return "audioconvert ! " + encoder + " ! aacparse ! mp4mux name=tags";
}

Status check_installed(const std::string& description) {
  const auto words = " " + description + " ";
  for (const auto& element : kElements) {
    if (words.find(std::string(" ") + element.name + " ") == std::string::npos || installed(element.name))
      continue;
    return Error{std::string("this format needs the GStreamer element ") + element.name +
                 ": install the package " + element.package};
  }
  return Done{};
}

}  // namespace

std::optional<FileFormat> format_named(std::string_view name) {
  if (name == "opus") return FileFormat::opus;
  if (name == "wav") return FileFormat::wav;
  if (name == "flac") return FileFormat::flac;
  if (name == "m4a") return FileFormat::m4a;
  return std::nullopt;
}

class FileEncoder::Impl {
 public:
  Impl(device::Pipeline pipeline, std::string path, FileFormat format)
      : pipeline_(std::move(pipeline)),
        in_(pipeline_.by_name("in")),
        path_(std::move(path)),
        format_(format) {}
  ~Impl() {
    if (finished_) return;
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
    ::unlink(part().c_str());
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status begin(const std::string& title) {
    g_object_set(pipeline_.by_name("file").get(), "location", part().c_str(), nullptr);
    const auto tags = pipeline_.by_name("tags");
    if (tags && GST_IS_TAG_SETTER(tags.get()) && g_utf8_validate(title.c_str(), -1, nullptr) != 0)
      gst_tag_setter_add_tags(GST_TAG_SETTER(tags.get()), GST_TAG_MERGE_REPLACE, GST_TAG_TITLE, title.c_str(),
                              GST_TAG_ENCODER, "Parley", nullptr);
    if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
      return failure();
    return Done{};
  }

  Status write(std::span<const float> pcm) {
    if (format_ == FileFormat::wav && samples_ + pcm.size() > kMaxWavSamples)
      return Error{path_ + ": a WAV file holds 12 hours at most: choose another format"};
    GstBuffer* buffer = gst_buffer_new_memdup(pcm.data(), pcm.size_bytes());
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(samples_, GST_SECOND, kRate);
    GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(pcm.size(), GST_SECOND, kRate);
    samples_ += pcm.size();
    if (gst_app_src_push_buffer(GST_APP_SRC(in_.get()), buffer) != GST_FLOW_OK) return failure();
    return Done{};
  }

  Status finish() {
    gst_app_src_end_of_stream(GST_APP_SRC(in_.get()));
    const device::Owned<GstBus> bus(gst_element_get_bus(pipeline_.get()));
    GstMessage* message = gst_bus_timed_pop_filtered(
        bus.get(), kEnding, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    if (message == nullptr) return Error{path_ + ": the encoder does not end"};
    const bool ended = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
    if (!ended) gst_bus_post(bus.get(), gst_message_ref(message));
    gst_message_unref(message);
    if (!ended) return failure();
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
    if (::rename(part().c_str(), path_.c_str()) != 0) return Error{path_ + ": " + g_strerror(errno), errno};
    finished_ = true;
    return Done{};
  }

 private:
  std::string part() const { return path_ + ".part"; }
  Error failure() {
    const auto error = pipeline_.error();
    return {path_ + ": " + (error ? error->what : "cannot be written"), error ? error->code : 0};
  }

  device::Pipeline pipeline_;
  device::Owned<GstElement> in_;
  const std::string path_;
  const FileFormat format_;
  std::uint64_t samples_ = 0;
  bool finished_ = false;
};

Result<std::unique_ptr<FileEncoder>> FileEncoder::open(const std::string& path, FileFormat format,
                                                       const std::string& title) {
  device::start_gstreamer();
  // Half a second waits for the encoder at most.
  const auto description =
      "appsrc name=in format=time block=true max-buffers=0 max-time=0 max-bytes=96000 "
      "caps=audio/x-raw,format=F32LE,rate=48000,channels=1,layout=interleaved ! " +
      body_of(format) + " ! filesink name=file";
  if (auto complete = check_installed(description); !complete) return complete.error();
  auto pipeline = device::Pipeline::parse(description);
  if (!pipeline) return pipeline.error();
  auto impl = std::make_unique<Impl>(std::move(*pipeline), path, format);
  if (auto begun = impl->begin(title); !begun) return begun.error();
  return std::unique_ptr<FileEncoder>(new FileEncoder(std::move(impl)));
}

FileEncoder::FileEncoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FileEncoder::~FileEncoder() = default;
Status FileEncoder::write(std::span<const float> pcm) {
  return impl_->write(pcm);
}
Status FileEncoder::finish() {
  return impl_->finish();
}

}  // namespace parley::remix
