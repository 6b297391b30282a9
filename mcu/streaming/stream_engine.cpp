#include "mcu/streaming/stream_engine.hpp"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "pipelines/streams/peer_watch.hpp"
#include "transport/base/log.hpp"
#include "transport/base/thread_name.hpp"

namespace parley::streaming {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCommands = 1024;
constexpr Duration kStep = 20ms;
constexpr Duration kPublish = 200ms;
constexpr std::size_t kIdLength = 12;

std::optional<streams::Video> video_of(const std::string& text) {
  if (text.empty()) return streams::Video::none;
  if (text == "black") return streams::Video::black;
  if (text == "picture") return streams::Video::picture;
  return std::nullopt;
}

bool has_video(streams::Kind kind) {
  return kind == streams::Kind::rtmp || kind == streams::Kind::rtmps;
}

// Folders of streams of an earlier run. A stream's folder has its id for a name.
void sweep(const std::string& hls_root) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(hls_root, error)) {
    const auto name = entry.path().filename().string();
    const bool ours = name.size() == kIdLength && std::all_of(name.begin(), name.end(), [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
                      });
    if (ours && fs::exists(entry.path() / "master.m3u8", error)) fs::remove_all(entry.path(), error);
  }
}

}  // namespace

Result<std::unique_ptr<StreamEngine>> StreamEngine::open(const StreamSettings& settings, PostToCtl post,
                                                         Changed changed) {
  auto policy = streams::Policy::parse(settings.allow);
  if (!policy) return Error{"streaming.allow: " + policy.error().what};
  if (auto trusted = streams::trust_authorities(settings.ca_file); !trusted)
    return Error{"streaming.ca_file: " + trusted.error().what};
  StreamSettings own = settings;
  if (!own.hls_root.empty()) {
    sweep(own.hls_root);
  } else {
    std::error_code error;
    auto name = (fs::temp_directory_path(error) / "parley-hls-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) own.hls_root = name;
  }
  return std::unique_ptr<StreamEngine>(
      new StreamEngine(own, std::make_shared<const streams::Policy>(std::move(*policy)), std::move(post),
                       std::move(changed), settings.hls_root.empty()));
}

StreamEngine::StreamEngine(StreamSettings settings, std::shared_ptr<const streams::Policy> policy,
                           PostToCtl post, Changed changed, bool temporary_hls)
    : settings_(std::move(settings)),
      policy_(std::move(policy)),
      post_to_ctl_(std::move(post)),
      changed_(std::move(changed)),
      temporary_hls_(temporary_hls),
      commands_(kCommands) {
  thread_ = std::thread([this] { run(); });
}

StreamEngine::~StreamEngine() {
  alive_->store(false);
  {
    const std::lock_guard lock(sleep_lock_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  helpers_.reset();  // every endpoint has been closed
  std::error_code ignored;
  if (temporary_hls_ && !settings_.hls_root.empty()) fs::remove_all(settings_.hls_root, ignored);
}

Status StreamEngine::reload(const StreamSettings& settings) {
  auto policy = streams::Policy::parse(settings.allow);
  if (!policy) return Error{"streaming.allow: " + policy.error().what};
  if (auto trusted = streams::trust_authorities(settings.ca_file); !trusted)
    return Error{"streaming.ca_file: " + trusted.error().what};
  const auto hls_root = settings_.hls_root;  // stays where it is
  settings_ = settings;
  settings_.hls_root = hls_root;
  policy_ = std::make_shared<const streams::Policy>(std::move(*policy));
  return Done{};
}

Result<StreamEngine::Plan> StreamEngine::plan(RoomId media_room, const std::string& room,
                                              const StreamRequest& request) const {
  auto target = streams::parse_target(request.url);
  if (!target) return Error{target.error().what, 400};
  const auto coding = streams::choose_coding(*target, request.codec, request.bitrate);
  if (!coding) return Error{coding.error().what, 400};
  const auto video = video_of(request.video);
  if (!video || (*video != streams::Video::none && !has_video(target->kind)))
    return Error{"video: must be \"black\" or \"picture\", for rtmp and rtmps only", 400};
  if (*video == streams::Video::picture && settings_.picture.empty())
    return Error{"video: no picture is configured (streaming.picture)", 400};
  if (auto allowed = policy_->check(*target); !allowed) return Error{allowed.error().what, 403};
  if (target->kind == streams::Kind::hls && settings_.hls_root.empty())
    return Error{"hls: there is no folder for it (streaming.hls_root)", 403};
  if (target->kind == streams::Kind::file && settings_.file_root.empty())
    return Error{"file: is off (streaming.file_root is empty)", 403};
  if (auto installed = streams::check_installed(*target, *coding, *video); !installed)
    return Error{installed.error().what, 501};
  {
    const std::lock_guard lock(published_lock_);
    std::size_t here = 0;
    bool hls = false;
    for (const auto& [id, info] : published_) {
      if (info.media_room != media_room || media_room == RoomId::none) continue;
      ++here;
      hls = hls || info.scheme == "hls";
    }
    if (hls && target->kind == streams::Kind::hls) return Error{"this room has an HLS stream already", 409};
    if (published_.size() >= kMaxStreams || here >= kMaxPerRoom)
      return Error{"as many streams run as may", 503};
  }

  Plan plan;
  plan.info.id = random_token(kIdLength);
  plan.info.since = now();
  plan.info.media_room = media_room;
  plan.info.room = room;
  plan.info.url = streams::redacted(*target);
  plan.info.scheme = streams::to_string(target->kind);
  plan.info.codec = streams::to_string(coding->format);
  plan.info.bitrate = coding->bitrate;
  plan.info.video = request.video;
  if (target->kind == streams::Kind::rtp) plan.info.sdp = streams::rtp_description(*target, room);
  plan.config.target = *target;
  plan.config.coding = *coding;
  plan.config.video = *video;
  plan.config.picture = settings_.picture;
  plan.config.title = room;
  plan.config.policy = policy_;
  plan.config.ask_every = settings_.ask_every;
  plan.config.answer_within = settings_.answer_within;
  if (target->kind == streams::Kind::file) plan.config.directory = settings_.file_root;
  if (target->kind == streams::Kind::hls) plan.config.directory = hls_folder(plan.info.id);
  return plan;
}

Status StreamEngine::start(Plan plan, std::shared_ptr<MixFeed> feed) {
  const auto info = plan.info;
  const bool posted = post([plan = std::move(plan), feed = std::move(feed), tick = settings_.tick](
                               StreamEngine& engine, TimePoint at) mutable {
    auto& room = engine.rooms_[plan.info.media_room];
    if (!room) room = std::make_unique<RoomStream>(plan.info.room, feed, tick, at, *engine.helpers_);
    room->set_feed(feed);
    room->add(std::move(plan.info), std::move(plan.config), at);
  });
  if (!posted) return Error{"the server is overloaded: try again", 503};
  const std::lock_guard lock(published_lock_);
  published_[info.id] = info;
  log::info("room {}: stream {} to {} ({})", info.room, info.id, info.url, info.codec);
  return Done{};
}

bool StreamEngine::stop(const StreamId& id) {
  const auto found = find(id);
  if (!found) return false;
  const RoomId room = found->media_room;
  const bool posted = post([id, room](StreamEngine& engine, TimePoint at) {
    const auto place = engine.rooms_.find(room);
    if (place != engine.rooms_.end()) place->second->remove(id, at);
  });
  if (!posted) return false;
  const std::lock_guard lock(published_lock_);
  past_bytes_ += found->bytes;
  past_dropped_ += found->dropped;
  past_failures_ += found->failures;
  published_.erase(id);
  if (found->scheme == "hls") keep_folder(*found, now());
  log::info("room {}: stream {} to {} stopped", found->room, id, found->url);
  return true;
}

void StreamEngine::stop_room(RoomId media_room) {
  for (const auto& info : list(media_room)) stop(info.id);
}

std::vector<StreamInfo> StreamEngine::list(RoomId media_room) const {
  std::vector<StreamInfo> out;
  const std::lock_guard lock(published_lock_);
  for (const auto& [id, info] : published_)
    if (info.media_room == media_room) out.push_back(info);
  return out;
}

std::optional<StreamInfo> StreamEngine::find(const StreamId& id) const {
  const std::lock_guard lock(published_lock_);
  const auto found = published_.find(id);
  return found == published_.end() ? std::nullopt : std::optional(found->second);
}

bool StreamEngine::streams_to(RoomId media_room) const {
  return !list(media_room).empty();
}

std::string StreamEngine::hls_directory(const std::string& room) const {
  const std::lock_guard lock(published_lock_);
  for (const auto& [id, info] : published_)
    if (info.room == room && info.scheme == "hls") return hls_folder(id);
  for (auto ended = ended_hls_.rbegin(); ended != ended_hls_.rend(); ++ended)
    if (ended->room == room) return ended->folder;
  return "";
}

// Under published_lock_.
void StreamEngine::keep_folder(const StreamInfo& info, TimePoint at) {
  ended_hls_.push_back({info.room, hls_folder(info.id), at + kHlsKept});
}

TimePoint StreamEngine::sweep_folders(TimePoint at) {
  Ended ended;
  {
    const std::lock_guard lock(published_lock_);
    if (ended_hls_.empty()) return TimePoint::max();
    if (ended_hls_.front().until > at) return ended_hls_.front().until;
    ended = std::move(ended_hls_.front());
    ended_hls_.pop_front();
  }
  const bool begun = helpers_->run([folder = ended.folder] {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  });
  if (begun) return at;
  ended.until = at + 1s;
  const std::lock_guard lock(published_lock_);
  ended_hls_.push_back(std::move(ended));
  return at + 1s;
}

StreamTotals StreamEngine::totals() const {
  StreamTotals totals;
  const std::lock_guard lock(published_lock_);
  totals.bytes = past_bytes_;
  totals.dropped = past_dropped_;
  totals.failures = past_failures_;
  totals.encoded_ticks = encoded_ticks_;
  for (const auto& [id, info] : published_) {
    ++totals.by_scheme_and_state[{info.scheme, streams::to_string(info.state)}];
    totals.bytes += info.bytes;
    totals.dropped += info.dropped;
    totals.failures += info.failures;
  }
  return totals;
}

bool StreamEngine::post(Command command) {
  if (!commands_.push(std::move(command))) return false;
  {
    const std::lock_guard lock(sleep_lock_);
    work_ = true;
  }
  wake_.notify_one();
  return true;
}

void StreamEngine::run() {
  name_this_thread("stream");
  TimePoint next = now();
  TimePoint next_sweep = TimePoint::max();
  for (;;) {
    {
      std::unique_lock lock(sleep_lock_);
      const auto woken = [this] { return stopping_ || work_; };
      if (rooms_.empty()) {
        // Not for ever in one go: wait_until() of the last moment there is would overflow.
        wake_.wait_until(lock, std::min(next_sweep, now() + 1h), woken);
        next = now();
      } else {
        wake_.wait_until(lock, next, woken);
      }
      if (stopping_) break;
      work_ = false;
    }
    const TimePoint at = now();
    Command command;
    while (commands_.pop(command)) command(*this, at);
    next_sweep = sweep_folders(at);
    if (at < next) continue;
    step(at);
    next = std::max(next + kStep, at);  // never in a burst
  }
  finish();
}

// Every stream is stopped as by hand: whole to its end.
void StreamEngine::finish() {
  const TimePoint limit = now() + RoomStream::kEnding;
  for (auto& [id, room] : rooms_) room->remove_all(now());
  for (drop_empty_rooms(); !rooms_.empty() && now() < limit; drop_empty_rooms()) {
    std::this_thread::sleep_for(kStep / 2);
    for (auto& [id, room] : rooms_) room->step(now(), [](const StreamInfo&) {});
  }
  rooms_.clear();
}

void StreamEngine::drop_empty_rooms() {
  for (auto room = rooms_.begin(); room != rooms_.end();) {
    if (room->second->empty()) past_encoded_ += room->second->encoded_ticks();
    room = room->second->empty() ? rooms_.erase(room) : std::next(room);
  }
}

void StreamEngine::step(TimePoint at) {
  bool news = false;
  for (auto& [id, room] : rooms_) {
    room->step(at, [&](const StreamInfo& info) {
      news = true;
      post_to_ctl_([this, alive = alive_, info] {
        if (alive->load()) changed_(info);
      });
    });
  }
  drop_empty_rooms();
  if (!news && at < next_publish_) return;
  next_publish_ = at + kPublish;
  publish();
}

void StreamEngine::publish() {
  std::vector<StreamInfo> infos;
  std::uint64_t encoded = past_encoded_;
  for (const auto& [id, room] : rooms_) {
    room->report(infos);
    encoded += room->encoded_ticks();
  }
  const std::lock_guard lock(published_lock_);
  encoded_ticks_ = encoded;
  for (auto& info : infos) {
    const auto found = published_.find(info.id);
    if (found != published_.end()) found->second = std::move(info);  // ctl may have stopped it already
  }
}

}  // namespace parley::streaming
