#include "client/session.hpp"

#include <boost/asio/post.hpp>
#include <future>

#include "client/session_impl.hpp"
#include "transport/base/check.hpp"
#include "transport/base/ids.hpp"

namespace parley::client {

namespace {

constexpr Duration kPublishEvery = 200ms;
constexpr Duration kLeaveAnswer = 500ms;

EncoderTuning configured_tuning(const SessionConfig& config) {
  EncoderTuning tuning;
  tuning.bitrate = config.bitrate;
  tuning.ptime = config.ptime;
  return tuning;
}

}  // namespace

const char* to_string(SessionState state) {
  switch (state) {
    case SessionState::idle:
      return "idle";
    case SessionState::connecting:
      return "connecting";
    case SessionState::joining:
      return "joining";
    case SessionState::securing:
      return "securing";
    case SessionState::live:
      return "live";
    case SessionState::reconnecting:
      return "reconnecting";
    case SessionState::leaving:
      return "leaving";
    case SessionState::ended:
      break;
  }
  return "ended";
}

const char* to_string(PathKind path) {
  return path == PathKind::direct ? "direct" : "mcu";
}

Session::Impl::Impl(NetThread& net, SessionConfig config, SessionEvents& events)
    : net_(net),
      config_(std::move(config)),
      events_(&events),
      policy_(configured_tuning(config_)),
      deadline_(net.context()),
      publish_timer_(net.context()),
      retry_timer_(net.context()),
      backoff_(random_u64()),
      resume_(config_.resume),
      sends_(config_.sends),
      receives_(config_.receives),
      carrier_choice_(config_.encrypted ? config_.carrier : CarrierRule::udp),
      carrier_timer_(net.context()),
      direct_timer_(net.context()),
      downlink_(config_.codec) {
  auto encoder = Encoder::create({config_.codec, config_.complexity, config_.dtx, config_.fec},
                                 configured_tuning(config_));
  if (!encoder) {
    encoder_error_ = encoder.error();
    return;
  }
  uplink_ = std::make_unique<Uplink>(std::move(*encoder), configured_tuning(config_), [this] {
    if (drain_posted_.exchange(true)) return;
    boost::asio::post(net_.context(), [self = shared_from_this()] { self->drain_uplink(); });
  });
}

void Session::Impl::start() {
  boost::asio::post(net_.context(), [self = shared_from_this()] { self->connect(); });
}

void Session::Impl::leave() {
  boost::asio::post(net_.context(), [self = shared_from_this()] { self->leave_now(); });
}

void Session::Impl::abandon() {
  PARLEY_ASSERT(!net_.is_current());
  std::promise<void> done;
  boost::asio::post(net_.context(), [this, &done] {
    events_ = nullptr;
    release();
    done.set_value();
  });
  done.get_future().wait();
}

void Session::Impl::request(protocol::Request request) {
  boost::asio::post(net_.context(), [self = shared_from_this(), request = std::move(request)]() mutable {
    self->send(std::move(request));
  });
}

void Session::Impl::set_direction(bool sends, bool receives) {
  boost::asio::post(net_.context(), [self = shared_from_this(), sends, receives] {
    self->sends_ = sends;
    self->receives_ = receives;
    self->open_gate();
    self->send(protocol::Update{sends, receives});
  });
}

void Session::Impl::set_muted(bool muted) {
  boost::asio::post(net_.context(), [self = shared_from_this(), muted] {
    self->muted_ = muted;
    self->open_gate();
    self->send(protocol::MuteSelf{muted});
  });
}

void Session::Impl::push_audio(TimePoint at, std::span<const float> pcm) {
  if (uplink_) uplink_->push(at, pcm);
}

void Session::Impl::pull_audio(TimePoint at, std::span<float> out) {
  PARLEY_ASSERT(out.size() == Downlink::kSamples);
  downlink_.pull(at, out.first<Downlink::kSamples>());
}

// --- The network thread

void Session::Impl::connect() {
  if (state() == SessionState::idle) {
    started_at_ = now();
    if (!uplink_) return end({EndKind::failed, {}, encoder_error_.what});
    enter(SessionState::connecting);
  }
  SignalHandlers handlers;
  handlers.on_open = [this] { send_offer(); };
  handlers.on_message = [this](std::string_view text) { take_text(text); };
  handlers.on_packet = [this](Bytes packet) {
    if (media_) media_->take_packet(packet);
  };
  handlers.on_closed = [this](bool opened, const Error& why) { channel_closed(opened, why); };
  channel_ = std::make_unique<SignalChannel>(net_.context(), std::move(handlers));
  deadline(config_.connect_timeout, [this] {
    const bool silent = join_id_ != 0;
    lose({EndKind::unreachable,
          {},
          config_.server.authority() + (silent ? " does not answer the join" : " does not answer")});
  });
  channel_->connect(config_.server, config_.connect_timeout);
}

void Session::Impl::channel_closed(bool opened, const Error& why) {
  if (state() == SessionState::leaving) return end({EndKind::left, {}, "left"});
  lose({opened && was_live_ ? EndKind::lost : EndKind::unreachable, {}, why.what});
}

void Session::Impl::lose(SessionEnd why) {
  if (state() >= SessionState::leaving) return;
  if (!was_live_) return end(std::move(why));  // it has never worked: the user had better hear it now
  if (!lost_at_) {
    lost_at_ = now();
    lost_why_ = std::move(why);
    backoff_.reset();
  }
  const Duration pause = backoff_.next();
  if (now() + pause - *lost_at_ > config_.reconnect_limit) return end(lost_why_);
  if (state() != SessionState::reconnecting) enter(SessionState::reconnecting);
  open_gate();
  deadline_.cancel();
  carrier_open_ = false;
  if (channel_) channel_->close_now();
  retry_timer_.expires_after(std::chrono::duration_cast<Clock::duration>(pause));
  retry_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error && self->state() == SessionState::reconnecting) self->try_again();
  });
}

// Media goes on over the old leg, if that is still there, until the new one is.
void Session::Impl::try_again() {
  channel_.reset();
  next_media_.reset();
  join_id_ = 0;
  connect();
}

void Session::Impl::leave_now() {
  if (state() >= SessionState::leaving) return;
  const bool joined = state() == SessionState::securing || state() == SessionState::live;
  enter(SessionState::leaving);
  retry_timer_.cancel();
  open_gate();
  if (!joined) return end({EndKind::left, {}, "left"});
  media_->close();
  leave_id_ = next_id_;
  send(protocol::Leave{});
  deadline(kLeaveAnswer, [this] { end({EndKind::left, {}, "left"}); });
}

void Session::Impl::end(SessionEnd ending) {
  if (state() == SessionState::ended) return;
  publish_traffic();
  enter(SessionState::ended);
  if (media_) media_->close();
  open_gate();
  deadline_.cancel();
  publish_timer_.cancel();
  retry_timer_.cancel();
  direct_timer_.cancel();
  carrier_timer_.cancel();
  // The channel or the link may be what is calling us.
  boost::asio::post(net_.context(), [self = shared_from_this(), ending = std::move(ending)] {
    self->release();
    self->tell([&](SessionEvents& events) { events.on_end(ending); });
  });
}

void Session::Impl::release() {
  state_.store(SessionState::ended, std::memory_order_release);
  deadline_.cancel();
  publish_timer_.cancel();
  retry_timer_.cancel();
  direct_timer_.cancel();
  carrier_timer_.cancel();
  next_media_.reset();
  media_.reset();
  channel_.reset();
}

void Session::Impl::enter(SessionState state) {
  state_.store(state, std::memory_order_release);
  tell([state](SessionEvents& events) { events.on_state(state); });
}

void Session::Impl::open_gate() {
  const bool in_call = state() == SessionState::live || (state() == SessionState::reconnecting && media_);
  if (uplink_) uplink_->set_open(in_call && sends_ && !muted_);
}

void Session::Impl::send(protocol::Request body) {
  if (!channel_) return;
  channel_->send(protocol::to_json(protocol::ClientMessage{next_id_++, std::move(body)}));
}

void Session::Impl::deadline(Duration in, std::function<void()> then) {
  deadline_.expires_after(std::chrono::duration_cast<Clock::duration>(in));
  deadline_.async_wait(
      [self = shared_from_this(), then = std::move(then)](const boost::system::error_code& error) {
        if (!error && self->state() != SessionState::ended) then();
      });
}

void Session::Impl::drain_uplink() {
  drain_posted_.store(false);
  if (!media_) return uplink_->drain([](const Uplink::Packet&) {});
  uplink_->drain([this](const Uplink::Packet& packet) {
    if (direct_.sends_mcu()) {
      unsent_.drain([this](const Uplink::Packet& before) { media_->send(before); });
      media_->send(packet);
    } else {
      unsent_.keep(packet);
    }
    if (direct_.sends_direct() && !own_mute_) media_->send_direct(packet);
    if (direct_.listens_direct() && own_talk_.on_packet(now(), packet.voice)) show_own_talking(packet.level);
  });
  media_->flush();
}

void Session::Impl::publish_later() {
  publish_timer_.expires_after(std::chrono::duration_cast<Clock::duration>(kPublishEvery));
  publish_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error || self->state() == SessionState::ended) return;
    self->publish_traffic();
    self->publish_later();
    // What has slept through the server's time-outs is gone there; asking is quicker than finding out.
    if (self->suspend_watch_.awoke(time_since_boot()) && self->state() == SessionState::live)
      self->lose({EndKind::lost, {}, "this machine was asleep"});
  });
}

void Session::Impl::publish_traffic() {
  if (!media_) return;
  const LegTraffic traffic = media_->traffic();
  const LegTraffic direct = media_->direct_traffic();
  const std::uint64_t late = channel_ ? channel_->packets_late() : 0;
  const std::lock_guard lock(mutex_);
  packets_late_ = late;
  direct_traffic_ = direct;
  traffic_ = traffic;
}

std::string Session::Impl::participant_id() const {
  const std::lock_guard lock(mutex_);
  return participant_id_;
}

std::string Session::Impl::resume_token() const {
  const std::lock_guard lock(mutex_);
  return resume_;
}

std::optional<Address> Session::Impl::media_address() const {
  const std::lock_guard lock(mutex_);
  return media_address_;
}

// --- The public face

Session::Session(NetThread& net, SessionConfig config, SessionEvents& events)
    : impl_(std::make_shared<Impl>(net, std::move(config), events)) {}
Session::~Session() {
  impl_->abandon();
}
void Session::start() {
  impl_->start();
}
void Session::leave() {
  impl_->leave();
}
void Session::push_audio(TimePoint at, std::span<const float> pcm) {
  impl_->push_audio(at, pcm);
}
void Session::pull_audio(TimePoint at, std::span<float> out) {
  impl_->pull_audio(at, out);
}
void Session::send_direction(bool sends, bool receives) {
  impl_->set_direction(sends, receives);
}
void Session::mute_self(bool muted) {
  impl_->set_muted(muted);
}
void Session::chat(std::string text) {
  impl_->request(protocol::SendChat{std::move(text)});
}
void Session::personal_gain(std::string talker, std::optional<double> db, bool mute) {
  impl_->request(protocol::SetPersonalGain{std::move(talker), db, mute});
}
void Session::whisper(std::vector<std::string> to) {
  impl_->request(protocol::Whisper{std::move(to), std::nullopt});
}
void Session::request(protocol::Request request) {
  impl_->request(std::move(request));
}
SessionState Session::state() const {
  return impl_->state();
}
SessionStats Session::stats() const {
  return impl_->stats();
}
std::string Session::participant_id() const {
  return impl_->participant_id();
}
std::string Session::resume_token() const {
  return impl_->resume_token();
}
std::optional<Address> Session::media_address() const {
  return impl_->media_address();
}
std::vector<protocol::Participant> Session::roster() const {
  return impl_->roster();
}

}  // namespace parley::client
