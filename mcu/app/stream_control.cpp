#include "mcu/app/stream_control.hpp"

#include <fstream>
#include <iterator>

#include "pipelines/mix_tap.hpp"
#include "transport/base/log.hpp"

namespace parley::app {
namespace {

constexpr std::size_t kMaxHlsFile = 16 * 1024 * 1024;

// The queue between the room's mix thread and the engine.
class TapFeed final : public streaming::MixFeed {
 public:
  explicit TapFeed(std::shared_ptr<pipelines::MixQueue> queue) : queue_(std::move(queue)) {}
  TimePoint drain(const std::function<void(TimePoint, Bytes)>& give) override {
    const TimePoint passed = queue_->passed();
    pipelines::MixFrame frame;
    while (queue_->pop(frame, packet_)) give(frame.at, packet_);
    return passed;
  }
  std::uint64_t dropped() const override { return queue_->dropped(); }

 private:
  std::shared_ptr<pipelines::MixQueue> queue_;
  ByteBuffer packet_;
};

streaming::StreamSettings stream_settings(const settings::Settings& s) {
  streaming::StreamSettings out;
  out.allow = s.streaming.allow;
  out.file_root = s.streaming.file_root;
  out.hls_root = s.streaming.hls_root;
  out.picture = s.streaming.picture;
  out.ca_file = s.streaming.ca_file;
  out.tick = std::chrono::milliseconds(s.mix.tick_ms);
  return out;
}

signaling::StreamView view(const streaming::StreamInfo& info) {
  signaling::StreamView out;
  out.id = info.id;
  out.url = info.url;
  out.codec = info.codec;
  out.video = info.video;
  out.state = streams::to_string(info.state);
  out.cause = info.cause;
  out.sdp = info.sdp;
  out.bitrate = info.bitrate;
  out.for_s = std::max(0.0, to_seconds(now() - info.since));
  out.bytes = info.bytes;
  out.dropped = info.dropped;
  out.connects = info.connects;
  out.failures = info.failures;
  return out;
}

// Names of our own making only: nothing that leads out of the folder.
bool is_hls_name(const std::string& name) {
  const bool safe = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  return safe && name.size() <= 64 && !name.empty() && name.front() != '.' &&
         (name.ends_with(".m3u8") || name.ends_with(".ts") || name.ends_with(".m4s") ||
          name.ends_with(".mp4"));
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{"there is no such file in this stream", 404};
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad() || text.size() > kMaxHlsFile) return Error{"the file cannot be read", 503};
  return text;
}

}  // namespace

Status StreamControl::check(const settings::Settings& settings) {
  const auto policy = streams::Policy::parse(settings.streaming.allow);
  if (!policy) return Error{"streaming.allow: " + policy.error().what};
  for (const auto& stream : settings.streaming.start)
    if (const auto target = streams::parse_target(stream.url); !target)
      return Error{"streaming.start: " + target.error().what};
  return Done{};
}

Result<std::unique_ptr<StreamControl>> StreamControl::open(const settings::Settings& settings, PostToCtl post,
                                                           room::RoomService& rooms, MediaPlane& media,
                                                           MediaHolds& holds) {
  if (auto checked = check(settings); !checked) return checked.error();
  std::unique_ptr<StreamControl> control(new StreamControl(post, rooms, media, holds));
  auto engine =
      streaming::StreamEngine::open(stream_settings(settings), std::move(post),
                                    [&c = *control](const streaming::StreamInfo& info) { c.tell(info); });
  if (!engine) return engine.error();
  control->engine_ = std::move(engine).value();
  if (const auto missing = streams::missing_parts(); !missing.empty()) log::warn("{}", missing);
  return control;
}

Status StreamControl::reload(const settings::Settings& settings) {
  if (auto checked = check(settings); !checked) return checked;
  return engine_->reload(stream_settings(settings));
}

Status StreamControl::start_configured(const settings::Settings& settings) {
  for (const auto& stream : settings.streaming.start) {
    const auto started = start(stream.room, {stream.url, stream.codec, stream.video, stream.bitrate});
    if (!started) return Error{"streaming.start: room " + stream.room + ": " + started.error().what};
  }
  return Done{};
}

Result<signaling::StreamView> StreamControl::start(const std::string& room, const signaling::StreamAsk& ask) {
  const auto media = holds_.take(room);
  if (!media) return media.error();
  auto started = start(*media, room, ask);
  if (!started) {
    holds_.give_back(*media);
    return started.error();
  }
  return view(*started);
}

Result<streaming::StreamInfo> StreamControl::start(RoomId media, const std::string& room,
                                                   const signaling::StreamAsk& ask) {
  auto plan = engine_->plan(media, room, {ask.url, ask.codec, ask.bitrate, ask.video});
  if (!plan) return plan.error();
  const auto info = plan->info;
  auto feed = feed_of(media);
  if (!feed) return feed.error();
  if (auto started = engine_->start(std::move(*plan), std::move(*feed)); !started) {
    if (sources_[media].streams == 0) release(media);
    return started.error();
  }
  ++sources_[media].streams;
  rooms_.set_streaming(room, true);
  tell(info);
  return info;
}

Result<std::shared_ptr<streaming::MixFeed>> StreamControl::feed_of(RoomId media) {
  Source& source = sources_[media];
  if (source.feed) return source.feed;
  auto queue = std::make_shared<pipelines::MixQueue>();
  source.tap = media_.add_tap(media, queue);
  if (source.tap == LegId::none) {
    sources_.erase(media);
    return Error{"the server is overloaded: try again", 503};
  }
  source.feed = std::make_shared<TapFeed>(std::move(queue));
  return source.feed;
}

void StreamControl::release(RoomId media) {
  const auto found = sources_.find(media);
  if (found == sources_.end()) return;
  media_.remove_tap(found->second.tap);
  sources_.erase(found);
}

Result<std::vector<signaling::StreamView>> StreamControl::list(const std::string& room) {
  const auto media = rooms_.media_room(room);
  if (!media) return Error{media.error().what, 404};
  std::vector<signaling::StreamView> out;
  if (*media == RoomId::none) return out;
  for (const auto& info : engine_->list(*media)) out.push_back(view(info));
  return out;
}

Status StreamControl::stop(const std::string& room, const std::string& id) {
  auto info = engine_->find(id);
  if (!info || info->room != room) return Error{"there is no such stream", 404};
  if (!engine_->stop(id)) return Error{"the server is overloaded: try again", 503};
  info->state = streams::StreamState::stopped;
  tell(*info);
  const auto source = sources_.find(info->media_room);
  if (source != sources_.end() && --source->second.streams == 0) {
    release(info->media_room);
    rooms_.set_streaming(room, false);
  }
  holds_.give_back(info->media_room);
  return Done{};
}

void StreamControl::room_closed(RoomId media) {
  engine_->stop_room(media);
  sources_.erase(media);  // the tap went with the room
}

void StreamControl::tell(const streaming::StreamInfo& info) {
  rooms_.announce(info.room,
                  room::StreamChanged{info.id, info.url, streams::to_string(info.state), info.cause});
}

void StreamControl::hls_file(const std::string& room, const std::string& name, File answer) {
  const auto directory = engine_->hls_directory(room);
  if (directory.empty() || !is_hls_name(name))
    return answer(Error{"there is no such file in this stream", 404});
  const auto shared = std::make_shared<File>(std::move(answer));
  const bool running = files_.run([post = post_, shared, path = directory + "/" + name] {
    post([shared, file = read_file(path)] { (*shared)(file); });
  });
  if (!running) (*shared)(Error{"too many files are being read: try again", 503});
}

}  // namespace parley::app
