#include "pipelines/streams/endpoint.hpp"

#include <fcntl.h>
#include <gio/gio.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <utility>

#include "pipelines/device/gst_support.hpp"
#include "pipelines/streams/hls_folder.hpp"
#include "pipelines/streams/icecast.hpp"
#include "pipelines/streams/peer_watch.hpp"
#include "pipelines/streams/probe.hpp"
#include "pipelines/streams/resolve.hpp"
#include "transport/base/log.hpp"

namespace parley::streams {
namespace {

namespace fs = std::filesystem;

// For the end of the stream to get through: to a disk, which may be slow, and to a peer, which may be gone.
constexpr Duration kFarewellToDisk = 3s, kFarewellToPeer = 700ms;
constexpr int kMaxNameNumber = 10'000;

std::string bracketed(const IpAddress& address) {
  return address.is_v4() ? address.to_string() : "[" + address.to_string() + "]";
}

// A name that is not there yet: a stream never writes over anything, its own earlier part included.
Result<int> open_file(const std::string& directory, const std::string& name) {
  const auto dot = name.rfind('.');
  for (int number = 1; number < kMaxNameNumber; ++number) {
    const auto numbered =
        number == 1 ? name : name.substr(0, dot) + "-" + std::to_string(number) + name.substr(dot);
    const auto path = fs::path(directory) / numbered;
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd >= 0) return fd;
    if (errno != EEXIST) return Error{path.string() + ": " + std::strerror(errno)};
  }
  return Error{name + ": too many files of this name"};
}

}  // namespace

// What the owner, the helper thread and GStreamer's threads share.
class Endpoint::Link : public std::enable_shared_from_this<Link> {
 public:
  Link(EndpointConfig config, const Chunk& format)
      : config_(std::move(config)),
        caps_(gst_caps_ref(gst_sample_get_caps(format.get()))),
        cancel_(g_cancellable_new()) {}
  ~Link() {
    close();
    gst_caps_unref(caps_);
    g_object_unref(cancel_);
  }

  // On helper threads, one after the other.
  void connect() {
    const std::lock_guard lock(life_);
    if (cancelled_.load()) return;
    if (auto connected = try_connect(); !connected)
      fail(connected.error().what, connected.error().code == kRefused ? Failure::refused : Failure::network);
  }
  void finish() {
    const std::lock_guard lock(life_);
    close();
  }

  void cancel() {
    cancelled_.store(true);
    g_cancellable_cancel(cancel_);
  }
  // Asks the server whether it is still there, since what it takes does not tell.
  void ask() {
    const auto answer = probe(config_.target, address_, config_.answer_within, cancel_);
    if (answer == Answer::yes) unanswered_ = 0;
    if (answer == Answer::no && ++unanswered_ >= 2)
      fail("the server does not answer any more", Failure::network);
    asking_.store(false, std::memory_order_release);
  }
  bool wants_to_ask(TimePoint at) {
    if (!can_be_asked(config_.target.kind) || asking_.load(std::memory_order_acquire)) return false;
    if (next_ask_ == TimePoint{}) {
      if (!delivering()) return false;
      next_ask_ = at + config_.ask_every;
    }
    if (at < next_ask_ && unanswered_ == 0) return false;
    next_ask_ = at + config_.ask_every;
    asking_.store(true, std::memory_order_relaxed);
    return true;
  }
  void asked_in_vain() { asking_.store(false, std::memory_order_relaxed); }
  void fail(const std::string& cause, Failure kind) {
    const std::lock_guard lock(lock_);
    if (!trouble_) trouble_ = Trouble{log::printable(without_secrets(config_.target, cause)), kind};
    end_.notify_all();
  }

  void push(const Chunk& chunk, TimePoint at) {
    if (!ready_.load(std::memory_order_acquire)) return;
    GstBuffer* buffer = gst_buffer_copy(gst_sample_get_buffer(chunk.get()));  // the bytes are shared
    const GstClockTime pts = GST_BUFFER_PTS(buffer);
    if (!started_) {
      started_ = true;
      first_pts_ = pts;
      const GstClockTime running = gst_element_get_current_running_time(pipeline_->get());
      first_running_ = GST_CLOCK_TIME_IS_VALID(running) ? running : 0;
      taken_at_ = at;
    }
    GST_BUFFER_PTS(buffer) = pts - first_pts_ + first_running_;
    GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    guint64 waiting = 0;
    g_object_get(source_.get(), "current-level-buffers", &waiting, nullptr);
    if (waiting >= kQueue) dropped_.fetch_add(1, std::memory_order_relaxed);
    gst_app_src_push_buffer(GST_APP_SRC(source_.get()), buffer);
  }

  std::optional<Trouble> trouble(TimePoint at) {
    {
      const std::lock_guard lock(lock_);
      if (trouble_) return trouble_;
    }
    if (!started_) return std::nullopt;
    const auto taken = taken_.load(std::memory_order_relaxed);
    if (taken != last_taken_) {
      last_taken_ = taken;
      taken_at_ = at;
    }
    if (at - taken_at_ < kStalled) return std::nullopt;
    return Trouble{"the peer has taken no data for 10 s", Failure::network};
  }

  // The second buffer reaches the sink when the first has been taken, and so the connection stands.
  bool delivering() const {
    if (!ready_.load(std::memory_order_acquire) || taken_.load(std::memory_order_relaxed) < 2) return false;
    const bool rtmp = config_.target.kind == Kind::rtmp || config_.target.kind == Kind::rtmps;
    return !rtmp || published();
  }
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  static constexpr guint64 kQueue = 100;  // max-buffers of the appsrc (parts.cpp)

  Status try_connect() {
    const Target& target = config_.target;
    IpAddress address;
    if (target.kind != Kind::hls && target.kind != Kind::file) {
      auto resolved = resolve(target, *config_.policy);
      if (!resolved) return resolved.error();
      address = address_ = *resolved;
    }
    if (target.kind == Kind::icecast) {
      auto connected = connect_icecast(target, address, content_type(config_.coding.format), config_.title);
      if (!connected) return connected.error();
      fd_ = *connected;
    } else if (target.kind == Kind::file) {
      auto opened = open_file(config_.directory, target.path);
      if (!opened) return opened.error();
      fd_ = *opened;
    } else if (target.kind == Kind::hls) {
      const auto prepared = prepare_hls(config_.directory, target.segments, config_.coding.bitrate);
      if (!prepared) return prepared;
    }
    if (cancelled_.load()) return Done{};
    return start(address);
  }

  Status start(const IpAddress& address) {
    auto parsed =
        device::Pipeline::parse(endpoint_description(config_.target, config_.coding, config_.video));
    if (!parsed) return parsed.error();
    pipeline_.emplace(std::move(*parsed));
    source_ = pipeline_->by_name("in");
    sink_ = pipeline_->by_name("sink");
    g_object_set(source_.get(), "caps", caps_, nullptr);
    set_properties(sink_.get(), address);
    watch(sink_.get());
    GstBus* bus = gst_element_get_bus(pipeline_->get());
    gst_bus_set_sync_handler(bus, &Link::on_message, this, nullptr);
    gst_object_unref(bus);
    watch_peers();
    if (gst_element_set_state(pipeline_->get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
      const std::lock_guard lock(lock_);
      if (!trouble_) trouble_ = Trouble{"the stream cannot be started", Failure::network};
      return Done{};
    }
    ready_.store(true, std::memory_order_release);
    return Done{};
  }

  void set_properties(GstElement* sink, const IpAddress& address) {
    const Target& target = config_.target;
    const int port = target.port;
    switch (target.kind) {
      case Kind::icecast:
      case Kind::file:
        g_object_set(sink, "fd", fd_, nullptr);
        break;
      case Kind::rtmp:
      case Kind::rtmps: {
        // By address, so that the one that was checked is the one that is used; a certificate needs the name.
        const auto host = target.kind == Kind::rtmps ? target.host : bracketed(address);
        const auto location = std::string(to_string(target.kind)) + "://" + host + ":" +
                              std::to_string(port) + "/" + target.path;
        g_object_set(sink, "location", location.c_str(), nullptr);
        if (!target.user.empty())
          g_object_set(sink, "username", target.user.c_str(), "password", target.password.c_str(), nullptr);
        break;
      }
      case Kind::srt: {
        const auto uri = "srt://" + bracketed(address) + ":" + std::to_string(port) +
                         "?mode=" + (target.srt.listener ? "listener" : "caller");
        g_object_set(sink, "uri", uri.c_str(), "latency", target.srt.latency_ms, nullptr);
        if (!target.srt.passphrase.empty())
          g_object_set(sink, "passphrase", target.srt.passphrase.c_str(), "pbkeylen", target.srt.key_bytes,
                       nullptr);
        if (!target.srt.stream_id.empty())
          g_object_set(sink, "streamid", target.srt.stream_id.c_str(), nullptr);
        break;
      }
      case Kind::rtp:
        g_object_set(sink, "host", address.to_string().c_str(), "port", port, nullptr);
        break;
      case Kind::hls: {
        // Players keep segments by name: those of another run must not be taken for these.
        const auto run = std::to_string(std::chrono::system_clock::now().time_since_epoch() / 1s);
        if (target.segments == Segments::fmp4) {
          write_segments(sink, run);
          break;
        }
        const auto segments = (fs::path(config_.directory) / ("s" + run + "-%05d.ts")).string();
        const auto playlist = (fs::path(config_.directory) / "live.m3u8").string();
        g_object_set(sink, "location", segments.c_str(), "playlist-location", playlist.c_str(), nullptr);
        break;
      }
    }
    if (config_.video == Video::picture) {
      const auto picture = pipeline_->by_name("picture");
      g_object_set(picture.get(), "location", config_.picture.c_str(), nullptr);
    }
  }

  // On the pipeline's thread, which may wait for the disk.
  void write_segments(GstElement* sink, const std::string& run) {
    hls_.emplace(config_.directory, run);
    GstAppSinkCallbacks callbacks{};
    callbacks.new_sample = [](GstAppSink* from, gpointer self) {
      const device::Owned<GstSample> sample(gst_app_sink_pull_sample(from));
      return sample ? static_cast<Link*>(self)->write(gst_sample_get_buffer(sample.get())) : GST_FLOW_EOS;
    };
    callbacks.eos = [](GstAppSink*, gpointer self) {
      auto& link = *static_cast<Link*>(self);
      if (auto ended = link.hls_->end(); !ended) link.fail(ended.error().what, Failure::network);
    };
    gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, this, nullptr);
  }
  GstFlowReturn write(GstBuffer* buffer) {
    GstMapInfo map;
    if (gst_buffer_map(buffer, &map, GST_MAP_READ) == FALSE) return GST_FLOW_ERROR;
    const auto written = hls_->push({map.data, map.size});
    gst_buffer_unmap(buffer, &map);
    if (written) return GST_FLOW_OK;
    fail(written.error().what, Failure::network);
    return GST_FLOW_ERROR;
  }

  void watch(GstElement* sink) {
    const bool hls_sink = config_.target.kind == Kind::hls && config_.target.segments == Segments::ts;
    GstPad* pad = gst_element_get_static_pad(sink, hls_sink ? "audio" : "sink");
    if (pad == nullptr) return;
    gst_pad_add_probe(
        pad, static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
        &Link::on_buffer, this, nullptr);
    gst_object_unref(pad);
  }

  static GstPadProbeReturn on_buffer(GstPad*, GstPadProbeInfo* info, gpointer self) {
    auto& link = *static_cast<Link*>(self);
    std::uint64_t bytes = 0, count = 1;
    if ((GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) != 0) {
      GstBufferList* list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
      bytes = gst_buffer_list_calculate_size(list);
      count = gst_buffer_list_length(list);
    } else {
      bytes = gst_buffer_get_size(GST_PAD_PROBE_INFO_BUFFER(info));
    }
    link.bytes_.fetch_add(bytes, std::memory_order_relaxed);
    link.taken_.fetch_add(count, std::memory_order_relaxed);
    return GST_PAD_PROBE_OK;
  }

  // The first error is the true one, what follows is noise; nothing is queued, however much comes.
  static GstBusSyncReply on_message(GstBus*, GstMessage* message, gpointer self) {
    auto& link = *static_cast<Link*>(self);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) link.on_error(message);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
      const std::lock_guard lock(link.lock_);
      link.ended_ = true;
      link.end_.notify_all();
    }
    gst_message_unref(message);
    return GST_BUS_DROP;
  }

  void on_error(GstMessage* message) {
    {
      const std::lock_guard lock(lock_);
      if (trouble_) return;
    }
    GError* error = nullptr;
    gchar* debug = nullptr;
    gst_message_parse_error(message, &error, &debug);
    std::string cause = error->message;
    // A server's refusal comes as its words: NetStream.Publish.BadName and the like.
    const bool refused = cause.find("cmd failed") != std::string::npos;
    if (debug != nullptr && std::strstr(debug, "not-negotiated") != nullptr) cause += " (not-negotiated)";
    // What the system said stands at the end of what fdsink says beside "could not write".
    const char* reason = fd_ >= 0 && debug != nullptr ? std::strrchr(debug, ':') : nullptr;
    if (reason != nullptr) cause = "cannot be written to" + std::string(reason);
    g_error_free(error);
    g_free(debug);
    fail(cause, refused ? Failure::refused : Failure::network);
  }

  void close() {
    if (pipeline_) {
      if (ready_.load(std::memory_order_acquire)) say_goodbye();
      gst_element_set_state(pipeline_->get(), GST_STATE_NULL);
      source_.reset();
      sink_.reset();
      pipeline_.reset();
    }
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  void say_goodbye() {
    gst_app_src_end_of_stream(GST_APP_SRC(source_.get()));
    if (config_.video != Video::none) end_video();
    const bool disk = config_.target.kind == Kind::file || config_.target.kind == Kind::hls;
    std::unique_lock lock(lock_);
    if (trouble_) return;
    end_.wait_for(lock, disk ? kFarewellToDisk : kFarewellToPeer, [this] { return ended_ || trouble_; });
  }

  // RTMP's sink takes what can be thrown away before it is connected, and has statistics when it may publish.
  bool published() const {
    GstStructure* stats = nullptr;
    g_object_get(sink_.get(), "stats", &stats, nullptr);
    if (stats == nullptr) return false;
    guint64 received = 0;
    gst_structure_get_uint64(stats, "in-bytes-total", &received);
    gst_structure_free(stats);
    return received > 0;
  }

  // A picture has no end of its own, and the muxer waits for that of every track.
  void end_video() {
    const auto track = pipeline_->by_name("video");
    GstPad* pad = gst_element_get_static_pad(track.get(), "sink");
    gst_pad_send_event(pad, gst_event_new_eos());
    gst_object_unref(pad);
  }

  const EndpointConfig config_;
  GstCaps* caps_;
  GCancellable* const cancel_;
  IpAddress address_;  // that the stream goes to; set before ready_
  std::optional<device::Pipeline> pipeline_;
  device::Owned<GstElement> source_, sink_;
  int fd_ = -1;
  std::optional<HlsWriter> hls_;  // used by the pipeline's thread
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> ready_{false};  // pipeline_, source_ and sink_ are there to be used
  std::atomic<bool> asking_{false};
  std::atomic<int> unanswered_{0};  // in a row
  std::atomic<std::uint64_t> bytes_{0}, taken_{0}, dropped_{0};

  std::mutex life_;  // connecting and closing, one at a time
  std::mutex lock_;  // what the bus has told
  std::condition_variable end_;
  std::optional<Trouble> trouble_;
  bool ended_ = false;

  // The owner's.
  bool started_ = false;
  GstClockTime first_pts_ = 0, first_running_ = 0;
  std::uint64_t last_taken_ = 0;
  TimePoint taken_at_{}, next_ask_{};
};

Endpoint::Endpoint(EndpointConfig config, const Chunk& format, Helpers& helpers)
    : link_(std::make_shared<Link>(std::move(config), format)), helpers_(helpers) {
  if (!helpers_.run([link = link_] { link->connect(); }))
    link_->fail("too many streams are connecting at once", Failure::network);
}

Endpoint::~Endpoint() {
  link_->cancel();
  helpers_.run([link = link_] { link->finish(); });
}

void Endpoint::push(const Chunk& chunk, TimePoint at) {
  link_->push(chunk, at);
}
bool Endpoint::delivering() const {
  return link_->delivering();
}
std::optional<Endpoint::Trouble> Endpoint::trouble(TimePoint at) {
  if (link_->wants_to_ask(at) && !helpers_.run([link = link_] { link->ask(); })) link_->asked_in_vain();
  return link_->trouble(at);
}
std::uint64_t Endpoint::bytes() const {
  return link_->bytes();
}
std::uint64_t Endpoint::dropped() const {
  return link_->dropped();
}

}  // namespace parley::streams
