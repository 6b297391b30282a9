#include "pipelines/device/file_decoder.hpp"

#include <gst/app/gstappsink.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "pipelines/device/gst_support.hpp"
#include "pipelines/device/sample_reader.hpp"

namespace parley::device {

namespace {

constexpr const char* kFile = "filesrc name=file ! decodebin";
constexpr const char* kUrl = "uridecodebin name=file caps=audio/x-raw expose-all-streams=false";
constexpr const char* kToSamples =
    " ! audioconvert ! audioresample ! "
    "audio/x-raw,format=F32LE,rate=48000,channels=1,layout=interleaved ! "
    "appsink name=out sync=false max-buffers=64";

bool is_url(const std::string& path) {
  return path.find("://") != std::string::npos;
}

Status check_regular_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Error{path + ": " + std::strerror(errno), errno};
  if (!S_ISREG(info.st_mode)) return Error{path + ": not a regular file", EINVAL};
  if (info.st_size == 0) return Error{path + ": the file is empty", EINVAL};
  return Done{};
}

}  // namespace

class FileDecoder::Impl {
 public:
  Impl(Pipeline pipeline, bool loop)
      : pipeline_(std::move(pipeline)), sink_(pipeline_.by_name("out")), reader_(sink_.get()), loop_(loop) {}

  std::size_t read(std::span<float> out, Duration wait) {
    std::size_t filled = 0;
    while (filled < out.size() && !ended_) {
      const std::size_t got = reader_.read(out.subspan(filled), wait);
      filled += got;
      heard_since_rewind_ = heard_since_rewind_ || got > 0;
      if (got > 0) continue;
      if (!reader_.at_end()) break;  // late, or broken
      // A file that gives nothing between two rewinds would spin here for ever.
      ended_ = !loop_ || !heard_since_rewind_ || !rewind();
    }
    return filled;
  }

  bool ended() const { return ended_; }

  std::optional<Duration> duration() const {
    gint64 length = 0;
    if (!gst_element_query_duration(pipeline_.get(), GST_FORMAT_TIME, &length) || length <= 0)
      return std::nullopt;
    return Duration(length);
  }

 private:
  bool rewind() {
    heard_since_rewind_ = false;
    return gst_element_seek_simple(pipeline_.get(), GST_FORMAT_TIME,
                                   static_cast<GstSeekFlags>(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE),
                                   0) != 0;
  }

  Pipeline pipeline_;
  Owned<GstElement> sink_;
  SampleReader reader_;
  const bool loop_;
  bool ended_ = false;
  bool heard_since_rewind_ = false;
};

Result<std::unique_ptr<FileDecoder>> FileDecoder::open(const std::string& path, bool loop) {
  const bool url = is_url(path);
  if (!url) {
    if (auto usable = check_regular_file(path); !usable) return usable.error();
  }
  auto pipeline = Pipeline::parse(std::string(url ? kUrl : kFile) + kToSamples);
  if (!pipeline) return pipeline.error();
  g_object_set(pipeline->by_name("file").get(), url ? "uri" : "location", path.c_str(), nullptr);
  // Preroll decodes the first buffer: a file that is no audio is found out here, not in the middle of a call.
  if (auto prerolled = pipeline->reach(GST_STATE_PAUSED, 10 * GST_SECOND); !prerolled)
    return Error{path + ": " + prerolled.error().what, prerolled.error().code};
  if (gst_app_sink_is_eos(GST_APP_SINK(pipeline->by_name("out").get())))
    return Error{path + ": holds no sound", EINVAL};
  if (auto playing = pipeline->reach(GST_STATE_PLAYING, 10 * GST_SECOND); !playing)
    return Error{path + ": " + playing.error().what, playing.error().code};
  return std::unique_ptr<FileDecoder>(new FileDecoder(std::make_unique<Impl>(std::move(*pipeline), loop)));
}

FileDecoder::FileDecoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FileDecoder::~FileDecoder() = default;

std::size_t FileDecoder::read(std::span<float> out, Duration wait) {
  return impl_->read(out, wait);
}
std::optional<Duration> FileDecoder::duration() const {
  return impl_->duration();
}
bool FileDecoder::ended() const {
  return impl_->ended();
}

Result<std::vector<float>> load_audio_file(const std::string& path, double max_seconds) {
  auto decoder = FileDecoder::open(path, false);
  if (!decoder) return decoder.error();
  const auto limit = static_cast<std::size_t>(max_seconds * 48'000);
  std::vector<float> pcm;
  while (!(*decoder)->ended() && pcm.size() < limit) {
    const std::size_t had = pcm.size();
    const std::size_t ask = std::min<std::size_t>(48'000, limit - had);
    pcm.resize(had + ask);
    const std::size_t got = (*decoder)->read(std::span(pcm).subspan(had));
    pcm.resize(had + got);
    if (got == 0 && !(*decoder)->ended()) return Error{path + ": the decoder stopped in the middle", EIO};
  }
  return pcm;
}

}  // namespace parley::device
