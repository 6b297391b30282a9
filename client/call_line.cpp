#include "client/call_line.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <future>
#include <optional>

#include "client/backoff.hpp"
#include "client/net_thread.hpp"
#include "client/signal_channel.hpp"
#include "transport/base/check.hpp"
#include "transport/base/ids.hpp"
#include "transport/base/log.hpp"

namespace parley::client {

namespace {

constexpr Duration kGoodbye = 500ms;

Clock::duration ticks(Duration duration) {
  return std::chrono::duration_cast<Clock::duration>(duration);
}

}  // namespace

class CallLine::Impl : public std::enable_shared_from_this<CallLine::Impl> {
 public:
  Impl(NetThread& net, CallLineConfig config, CallLineEvents& events)
      : net_(net),
        config_(std::move(config)),
        events_(&events),
        deadline_(net.context()),
        retry_(net.context()),
        backoff_(random_u64()) {}

  template <typename Work>
  void post(Work work) {
    boost::asio::post(net_.context(), [self = shared_from_this(), work = std::move(work)]() mutable {
      if (!self->ended_) work(*self);
    });
  }
  void abandon() {
    PARLEY_ASSERT(!net_.is_current());
    std::promise<void> done;
    boost::asio::post(net_.context(), [this, &done] {
      events_ = nullptr;
      release();
      done.set_value();
    });
    done.get_future().wait();
  }

  // --- The network thread's

  void connect() {
    SignalHandlers handlers;
    handlers.on_open = [this] { opened(); };
    handlers.on_message = [this](std::string_view text) { take_text(text); };
    handlers.on_closed = [this](bool, const Error& why) { lose({EndKind::unreachable, {}, why.what}); };
    channel_ = std::make_unique<SignalChannel>(net_.context(), std::move(handlers));
    deadline(config_.connect_timeout, [this] {
      lose({EndKind::unreachable, {}, config_.server.authority() + " does not answer"});
    });
    channel_->connect(config_.server, config_.connect_timeout);
  }

  void call(std::string to) {
    wanted_ = std::move(to);
    if (ready_) place();
  }
  void cancel() {
    wanted_.reset();
    if (!calling_.empty()) send(protocol::CancelCall{std::exchange(calling_, {})});
  }
  void close() {
    wanted_.reset();
    if (!ready_ || !config_.registers) return end({EndKind::left, {}, "closed"});
    goodbye_id_ = next_id_;
    send(protocol::Unregister{});
    deadline(kGoodbye, [this] { end({EndKind::left, {}, "closed"}); });
  }
  void send(protocol::Request body) {
    if (channel_) channel_->send(protocol::to_json(protocol::ClientMessage{next_id_++, std::move(body)}));
  }

 private:
  static std::optional<std::string> unless_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
  }

  void opened() {
    if (!config_.registers) return up();
    asked_id_ = next_id_;
    send(protocol::Register{config_.name, unless_empty(config_.token), unless_empty(config_.key)});
  }

  void up() {
    deadline_.cancel();
    ready_ = was_up_ = true;
    lost_at_.reset();
    backoff_.reset();
    if (wanted_) place();
  }

  void place() {
    calling_.clear();
    protocol::PlaceCall call;
    call.to = *wanted_;
    if (!config_.registers) {
      call.from = unless_empty(config_.name);
      call.token = unless_empty(config_.token);
      call.key = unless_empty(config_.key);
    }
    asked_id_ = next_id_;
    send(std::move(call));
    deadline(config_.connect_timeout, [this] {
      lose({EndKind::unreachable, {}, config_.server.authority() + " does not answer the call"});
    });
  }

  void lose(SessionEnd why) {
    if (ended_) return;
    if (!was_up_ || goodbye_id_ != 0) return end(std::move(why));
    ready_ = false;
    if (!lost_at_) {
      lost_at_ = now();
      lost_why_ = why;
      lost_why_.kind = EndKind::lost;
      tell([&](CallLineEvents& events) { events.on_lost(why.message); });
    }
    const Duration pause = backoff_.next();
    if (now() + pause - *lost_at_ > config_.reconnect_limit) return end(lost_why_);
    deadline_.cancel();
    if (channel_) channel_->close_now();
    retry_.expires_after(ticks(pause));
    retry_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || self->ended_) return;
      self->channel_.reset();
      self->connect();
    });
  }

  void end(SessionEnd ending) {
    if (ended_) return;
    ended_ = true;
    // The channel may be what is calling us.
    boost::asio::post(net_.context(), [self = shared_from_this(), ending = std::move(ending)] {
      self->release();
      self->tell([&](CallLineEvents& events) { events.on_end(ending); });
    });
  }
  void release() {
    ended_ = true;
    deadline_.cancel();
    retry_.cancel();
    channel_.reset();
  }
  void deadline(Duration in, std::function<void()> then) {
    deadline_.expires_after(ticks(in));
    deadline_.async_wait(
        [self = shared_from_this(), then = std::move(then)](const boost::system::error_code& error) {
          if (!error && !self->ended_) then();
        });
  }
  template <typename Call>
  void tell(Call&& call) {
    if (events_ != nullptr) call(*events_);
  }

  // --- Messages

  void take_text(std::string_view text) {
    if (ended_) return;
    auto parsed = protocol::parse_server_message(text);
    if (const auto* refused = std::get_if<protocol::Refused>(&parsed)) {
      log::debug("message of the server not understood: {}", log::printable(refused->failure.message));
      return;
    }
    const auto& message = std::get<protocol::ServerMessage>(parsed);
    if (goodbye_id_ != 0 && message.id == goodbye_id_) return end({EndKind::left, {}, "closed"});
    if (const auto* failure = std::get_if<protocol::Failure>(&message.body))
      return take_failure(message.id == asked_id_, *failure);
    std::visit(
        [this](const auto& body) {
          if constexpr (requires { this->take(body); }) take(body);
        },
        message.body);
  }

  void take_failure(bool of_ours, const protocol::Failure& failure) {
    const SessionEnd why{EndKind::refused, failure.code, failure.message};
    if (!of_ours)
      return tell([&](CallLineEvents& events) { events.on_refused(failure.code, failure.message); });
    const bool for_the_moment = lost_at_ && (failure.status == 429 || failure.status >= 500);
    for_the_moment ? lose(why) : end(why);
  }
  void take(const protocol::Registered& registered) {
    tell([&](CallLineEvents& events) { events.on_registered(registered); });
    for (const auto& what : registered.missed) take(what);
    if (!ready_) up();
  }
  void take(const protocol::CallMissed& missed) {
    tell([&](CallLineEvents& events) { events.on_missed(missed); });
  }
  void take(const protocol::CallIncoming& call) {
    tell([&](CallLineEvents& events) { events.on_incoming(call); });
  }
  void take(const protocol::Calling& calling) {
    deadline_.cancel();
    if (!wanted_) return send(protocol::CancelCall{calling.call});  // cancelled before it had a name
    calling_ = calling.call;
    tell([&](CallLineEvents& events) { events.on_calling(calling); });
    if (calling.outcome) take(protocol::CallEnded{calling.call, *calling.outcome});
  }
  void take(const protocol::CallAccepted& accepted) {
    if (accepted.call == calling_) called();
    tell([&](CallLineEvents& events) { events.on_accepted(accepted); });
  }
  void take(const protocol::CallEnded& ended) {
    if (ended.call == calling_) called();
    tell([&](CallLineEvents& events) { events.on_call_ended(ended); });
  }
  void take(const protocol::Closed& closed) {
    const SessionEnd why{EndKind::lost, closed.reason, closed.message};
    closed.reason == "server-stopping" ? lose(why) : end(why);
  }
  void called() {
    calling_.clear();
    wanted_.reset();
  }

  NetThread& net_;
  const CallLineConfig config_;
  CallLineEvents* events_;
  std::unique_ptr<SignalChannel> channel_;
  boost::asio::steady_timer deadline_, retry_;
  Backoff backoff_;
  protocol::RequestId next_id_ = 1, asked_id_ = 0, goodbye_id_ = 0;
  std::optional<std::string> wanted_;  // who is to be called, until somebody has answered
  std::string calling_;                // the call
  bool ready_ = false, was_up_ = false, ended_ = false;
  std::optional<TimePoint> lost_at_;
  SessionEnd lost_why_;
};

CallLine::CallLine(NetThread& net, CallLineConfig config, CallLineEvents& events)
    : impl_(std::make_shared<Impl>(net, std::move(config), events)) {}
CallLine::~CallLine() {
  impl_->abandon();
}
void CallLine::start() {
  impl_->post([](Impl& line) { line.connect(); });
}
void CallLine::call(std::string to) {
  impl_->post([to = std::move(to)](Impl& line) mutable { line.call(std::move(to)); });
}
void CallLine::cancel() {
  impl_->post([](Impl& line) { line.cancel(); });
}
void CallLine::accept(std::string call) {
  impl_->post(
      [call = std::move(call)](Impl& line) mutable { line.send(protocol::AcceptCall{std::move(call)}); });
}
void CallLine::decline(std::string call, bool busy) {
  impl_->post([call = std::move(call), busy](Impl& line) mutable {
    line.send(protocol::DeclineCall{std::move(call), busy});
  });
}
void CallLine::close() {
  impl_->post([](Impl& line) { line.close(); });
}

}  // namespace parley::client
