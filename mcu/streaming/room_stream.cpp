#include "mcu/streaming/room_stream.hpp"

#include <algorithm>
#include <array>

#include "transport/base/log.hpp"

namespace parley::streaming {
namespace {

using streams::StreamState;

constexpr Duration time_of(std::uint64_t samples) {
  return Duration(static_cast<Duration::rep>(samples * 1'000'000'000 / 48'000));
}

}  // namespace

RoomStream::RoomStream(std::string name, std::shared_ptr<MixFeed> feed, Duration tick, TimePoint at,
                       streams::Helpers& helpers)
    : name_(std::move(name)), feed_(std::move(feed)), helpers_(helpers), clock_(tick, at) {
  static constexpr std::array<std::uint8_t, 1> kAny = {31 << 3};
  opus_format_ = streams::opus_chunk(kAny, {}, 20ms);
}

void RoomStream::add(StreamInfo info, streams::EndpointConfig config, TimePoint at) {
  Stream stream{std::move(info), std::move(config), streams::Retry(at, random_u64()), nullptr};
  refresh(stream);
  streams_.push_back(std::move(stream));
}

bool RoomStream::remove(const StreamId& id, TimePoint at) {
  advance(at);
  const auto found =
      std::find_if(streams_.begin(), streams_.end(), [&](const Stream& s) { return s.info.id == id; });
  if (found == streams_.end()) return false;
  Stream stream = std::move(*found);
  streams_.erase(found);
  end(std::move(stream), at);
  drop_unused_encoders();
  return true;
}

void RoomStream::remove_all(TimePoint at) {
  while (!streams_.empty()) remove(StreamId(streams_.back().info.id), at);
}

bool RoomStream::in_use(const streams::Coding& coding) const {
  return std::any_of(streams_.begin(), streams_.end(),
                     [&](const Stream& s) { return s.config.coding == coding; });
}

// The endpoint ends in order when it goes. The encoder goes with its last stream, and gives what it has.
void RoomStream::end(Stream stream, TimePoint at) {
  const auto found = encoders_.find(stream.config.coding);
  if (!stream.endpoint || found == encoders_.end() || !found->second.running) return;
  if (!in_use(stream.config.coding)) found->second.running->finish();
  endings_.push_back(
      {std::move(stream.endpoint), found->second.running, time_of(clock_.position()), at + kEnding, false});
}

void RoomStream::deliver_endings(const streams::SharedEncoder& encoder, const streams::Chunk& chunk,
                                 TimePoint at) {
  for (Ending& ending : endings_) {
    if (ending.encoder.get() != &encoder || ending.complete) continue;
    ending.endpoint->push(chunk, at);
    ending.complete = streams::end_of(chunk) >= ending.until;
  }
}

// Encoders that nothing is fed to any more are pulled here; those in use are in pull_encoders().
void RoomStream::end_endings(TimePoint at) {
  for (const Ending& ending : endings_) {
    const auto encoder = ending.encoder;
    const bool used = std::any_of(encoders_.begin(), encoders_.end(),
                                  [&](const auto& entry) { return entry.second.running == encoder; });
    while (!used) {
      const auto chunk = encoder->pull();
      if (!chunk) break;
      deliver_endings(*encoder, chunk, at);
    }
  }
  std::erase_if(endings_, [at](const Ending& ending) {
    return ending.complete || ending.encoder->ended() || at >= ending.deadline;
  });
}

void RoomStream::drop_unused_encoders() {
  for (auto encoder = encoders_.begin(); encoder != encoders_.end();) {
    const bool used = in_use(encoder->first);
    if (!used && encoder->second.running) encoded_before_ += encoder->second.running->pushed();
    encoder = used ? std::next(encoder) : encoders_.erase(encoder);
  }
}

void RoomStream::advance(TimePoint at) {
  const TimePoint passed = feed_->drain([&](TimePoint tick, Bytes packet) { clock_.push(tick, packet); });
  clock_.step(at, passed, [&](const streams::MixFrame& frame) { give(frame, at); });
  pull_encoders(at);
}

void RoomStream::step(TimePoint at, const std::function<void(const StreamInfo&)>& changed) {
  advance(at);
  end_endings(at);
  for (Stream& stream : streams_) {
    const auto before = stream.retry.state();
    follow(stream, at);
    refresh(stream);
    if (stream.retry.state() != before) changed(stream.info);
  }
}

void RoomStream::give(const streams::MixFrame& frame, TimePoint at) {
  const bool encoded = std::any_of(streams_.begin(), streams_.end(), [](const Stream& s) {
    return s.config.coding.format != streams::Format::opus;
  });
  const Duration position = time_of(frame.position);
  if (encoded) {
    const auto pcm = decoder_.decode(frame.packet, frame.samples);
    for (auto& [coding, encoder] : encoders_)
      if (encoder.running) encoder.running->push(position, pcm);
  }
  const auto chunk = streams::opus_chunk(frame.packet, position, time_of(frame.samples));
  deliver({streams::Format::opus, 0}, chunk, at);
}

void RoomStream::deliver(const streams::Coding& coding, const streams::Chunk& chunk, TimePoint at) {
  for (Stream& stream : streams_)
    if (stream.endpoint && stream.config.coding == coding) stream.endpoint->push(chunk, at);
}

void RoomStream::pull_encoders(TimePoint at) {
  for (auto& [coding, encoder] : encoders_) {
    if (!encoder.running) continue;
    while (auto chunk = encoder.running->pull()) {
      encoder.format = chunk;
      deliver(coding, chunk, at);
      deliver_endings(*encoder.running, chunk, at);
    }
    const auto broken = encoder.running->failure();
    if (!broken) continue;
    encoded_before_ += encoder.running->pushed();
    encoder = {};
    for (Stream& stream : streams_)
      if (stream.config.coding == coding)
        fail(stream, "encoder: " + broken->what, streams::Failure::refused, at);
  }
}

// The encoder runs from the moment somebody needs it; its first output tells the format.
const streams::Chunk& RoomStream::format_of(const streams::Coding& coding) {
  if (coding.format == streams::Format::opus) return opus_format_;
  Encoder& encoder = encoders_[coding];
  if (!encoder.running) {
    auto opened = streams::SharedEncoder::open(coding);
    if (opened) {
      encoder.running = std::move(*opened);
    } else {
      log::error("room {}: no encoder: {}", name_, opened.error().what);
    }
  }
  return encoder.format;
}

void RoomStream::follow(Stream& stream, TimePoint at) {
  auto& retry = stream.retry;
  if (retry.state() == StreamState::retrying && !retry.due(at)) return;
  if (!stream.endpoint) {
    if (const auto& format = format_of(stream.config.coding))
      stream.endpoint = std::make_unique<streams::Endpoint>(stream.config, format, helpers_);
  }
  if (stream.endpoint) {
    if (const auto trouble = stream.endpoint->trouble(at))
      return fail(stream, trouble->cause, trouble->kind, at);
    if (retry.state() == StreamState::connecting && stream.endpoint->delivering()) {
      retry.delivered(at);
      log::info("room {}: stream {} to {} is live", name_, stream.info.id, stream.info.url);
    }
  }
  if (retry.state() == StreamState::connecting && at - retry.since() > kConnectTimeout)
    fail(stream, "no connection in time", streams::Failure::network, at);
}

void RoomStream::fail(Stream& stream, const std::string& cause, streams::Failure kind, TimePoint at) {
  drop_endpoint(stream);
  stream.retry.failed(at, cause, kind);
  if (stream.retry.worth_a_line())
    log::warn("room {}: stream {} to {}: {} (failure {}, next try in {:.1f} s)", name_, stream.info.id,
              stream.info.url, cause, stream.retry.failures(), to_seconds(stream.retry.next() - at));
}

void RoomStream::drop_endpoint(Stream& stream) {
  if (!stream.endpoint) return;
  stream.past_bytes += stream.endpoint->bytes();
  stream.past_dropped += stream.endpoint->dropped();
  stream.endpoint.reset();
}

void RoomStream::refresh(Stream& stream) const {
  const auto& endpoint = stream.endpoint;
  StreamInfo& info = stream.info;
  info.state = stream.retry.state();
  info.cause = stream.retry.cause();
  info.since = stream.retry.since();
  info.bytes = stream.past_bytes + (endpoint ? endpoint->bytes() : 0);
  info.dropped = stream.past_dropped + (endpoint ? endpoint->dropped() : 0);
  info.connects = stream.retry.connects();
  info.failures = stream.retry.failures();
}

void RoomStream::report(std::vector<StreamInfo>& out) const {
  for (const Stream& stream : streams_) out.push_back(stream.info);
}

std::uint64_t RoomStream::encoded_ticks() const {
  std::uint64_t sum = encoded_before_;
  for (const auto& [coding, encoder] : encoders_)
    if (encoder.running) sum += encoder.running->pushed();
  return sum;
}

}  // namespace parley::streaming
