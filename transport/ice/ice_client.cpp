#include "transport/ice/ice_client.hpp"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "transport/base/ids.hpp"
#include "transport/ice/candidate_pair.hpp"

namespace parley::ice {
namespace {

using State = CandidatePair::State;

// RFC 8445 section 5.1.2.1, of a peer-reflexive candidate of one component: what PRIORITY in a check says.
constexpr std::uint32_t kReflexivePriority = (110U << 24) | (65'535U << 8) | 255U;
constexpr Duration kFailedPause =
    500ms;  // before a failed pair is tried again: the other side may just be starting

bool is_usable(const Address& address) {
  static const IpAddress kBroadcast = IpAddress::v4(0xffff'ffff);
  return address.port != 0 && !address.ip.is_unspecified() && !address.ip.is_multicast() &&
         address.ip != kBroadcast;
}

}  // namespace

class IceClient::Impl {
 public:
  Impl(IceClientConfig config, CheckSink& sink, TimePoint at)
      : config_(std::move(config)),
        sink_(sink),
        random_(static_cast<std::minstd_rand::result_type>(config_.seed != 0 ? config_.seed : random_u64())),
        begun_(at),
        next_check_(at) {
    if (config_.tie_breaker == 0) config_.tie_breaker = random_u64();
    pairs_.reserve(kMaxCandidates);  // pairs are referred to while others are added
  }

  bool add(TimePoint at, const Address& address, std::uint32_t priority) {
    if (!is_usable(address) || find(address) != nullptr || pairs_.size() >= kMaxCandidates) return false;
    CandidatePair& pair = pairs_.emplace_back();
    pair.remote = address;
    pair.priority = priority;
    next_check_ = std::max(next_check_, at);
    return true;
  }

  IceClientResult receive(TimePoint at, const Address& from, Bytes datagram) {
    const auto before = selected_;
    IceClientResult result;
    if (const auto message = stun::StunMessage::parse(datagram); message && state_ != ClientState::failed) {
      if (message->is_binding(stun::Class::request)) {
        result.authenticated = on_request(at, from, *message);
      } else if (message->is_binding(stun::Class::success) || message->is_binding(stun::Class::error)) {
        result.authenticated = on_response(at, from, *message);
      }
    }
    if (result.authenticated) last_authenticated_ = at;
    result.changed = selected_ != before;
    return result;
  }

  void on_timer(TimePoint at) {
    if (state_ == ClientState::failed) return;
    if (at >= give_up_at()) {
      state_ = ClientState::failed;
      return;
    }
    if (selected_ && !searching_ && at >= trouble_at()) search_again();
    for (CandidatePair& pair : pairs_) end_unanswered(at, pair);
    if (at >= next_check_ && !check_next(at, kTriggered) && !retransmit_next(at)) check_next(at, kOrdinary);
    if (at >= next_probe()) probe(at);
    if (at >= nominate_at_) nominate_best(at);
    if (selected_ && at >= next_consent_) ask_consent(at);
  }

  TimePoint next_timeout() const {
    if (state_ == ClientState::failed) return TimePoint::max();
    TimePoint next = std::min({give_up_at(), nominate_at_, next_probe()});
    if (selected_) next = std::min(next, next_consent_);
    if (selected_ && !searching_) next = std::min(next, trouble_at());
    for (const CandidatePair& pair : pairs_) {
      if (pair.state == State::in_progress) next = std::min(next, std::max(pair.due, next_check_));
      if (pair.triggered || (searching_ && pair.state == State::waiting)) next = std::min(next, next_check_);
      if (searching_ && pair.state == State::failed) next = std::min(next, std::max(pair.due, next_check_));
    }
    return next;
  }

  void probe_ports(TimePoint at, const Address& known, const ProbePlan& plan) {
    if (prober_ || !is_usable(known)) return;
    const auto seed = config_.seed != 0 ? config_.seed : random_u64();
    prober_ = std::make_unique<PortProber>(at, known, plan, seed);
  }

  void network_changed(TimePoint at) {
    if (selected_) next_consent_ = at;
  }

  void restart(TimePoint at, Credentials local, Credentials remote) {
    config_.local = std::move(local);
    config_.remote = std::move(remote);
    pairs_.clear();
    nominated_ = false;
    searching_ = true;
    nominate_at_ = TimePoint::max();
    state_ = selected_ ? ClientState::connected : ClientState::checking;
    begun_ = next_check_ = at;
    if (selected_) consent_ = at;  // the old path has until the limit to be replaced
  }

  bool validated(const Address& address) const {
    const CandidatePair* pair = const_cast<Impl*>(this)->find(address);
    return (pair != nullptr && pair->heard) || selected_ == address;
  }
  bool consent_valid(TimePoint at) const { return selected_ && at - consent_ < kConsentLimit; }

  const IceClientConfig& config() const { return config_; }
  ClientState state() const { return state_; }
  const std::optional<Address>& selected() const { return selected_; }
  bool nominated() const { return nominated_; }
  const std::optional<Address>& mapped() const { return mapped_; }
  const std::optional<TimePoint>& last_authenticated() const { return last_authenticated_; }
  TimePoint consented() const { return consent_; }

 private:
  CandidatePair* find(const Address& address) {
    const auto found =
        std::find_if(pairs_.begin(), pairs_.end(), [&](const auto& p) { return p.remote == address; });
    return found == pairs_.end() ? nullptr : &*found;
  }
  TimePoint give_up_at() const { return selected_ ? consent_ + kConsentLimit : begun_ + kGiveUp; }
  TimePoint trouble_at() const { return consent_ + config_.consent_interval * 6 / 5 + kTrouble; }

  // --- checks we send

  static constexpr int kTriggered = 2, kOrdinary = 1;  // ranks

  bool check_next(TimePoint at, int least_rank) {
    const auto rank = [&](const CandidatePair& pair) {
      const bool retry = pair.state == State::failed && pair.due <= at;
      const bool ordinary = searching_ && (pair.state == State::waiting || retry);
      return std::pair(pair.triggered ? kTriggered : ordinary ? kOrdinary : 0, pair.priority);
    };
    const auto best = std::max_element(pairs_.begin(), pairs_.end(),
                                       [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    if (best == pairs_.end() || rank(*best).first < least_rank) return false;
    start_check(at, *best);
    return true;
  }

  void start_check(TimePoint at, CandidatePair& pair) {
    pair.triggered = false;
    pair.state = State::in_progress;
    pair.tries = 1;
    pair.retransmission = kFirstRetransmission;
    pair.due = at + pair.retransmission;
    next_check_ = at + kPacing;
    const bool again = nominated_ && pair.remote == selected_;
    send_new_request(at, pair, std::exchange(pair.nominate, false) || again);
  }

  void end_unanswered(TimePoint at, CandidatePair& pair) {
    if (pair.state != State::in_progress || pair.due > at || pair.tries < kTries) return;
    pair.state = State::failed;
    pair.due = at + kFailedPause;
    if (pair.current().use_candidate && config_.controlling) nominate_at_ = at;  // another one, if there is
  }

  // The one that has waited longest. Paced like new checks: many candidates may be one host's, which need not
  // be the peer.
  bool retransmit_next(TimePoint at) {
    const auto due = [](const CandidatePair& pair) {
      return pair.state == State::in_progress ? pair.due : TimePoint::max();
    };
    const auto first = std::min_element(pairs_.begin(), pairs_.end(),
                                        [&](const auto& a, const auto& b) { return due(a) < due(b); });
    if (first == pairs_.end() || due(*first) > at) return false;
    ++first->tries;
    first->retransmission = std::min(first->retransmission * 2, kLastRetransmission);
    first->due = at + first->retransmission;
    next_check_ = at + kPacing;
    send(*first, first->current());
    return true;
  }

  void send_new_request(TimePoint at, CandidatePair& pair, bool use_candidate) {
    pair.add({stun::random_transaction_id(), at, config_.controlling, use_candidate, true});
    send(pair, pair.current());
  }

  void send(const CandidatePair& pair, const CandidatePair::Request& request) { send(pair.remote, request); }

  void send(const Address& to, const CandidatePair::Request& request, bool opening = false) {
    stun::StunBuilder check(stun::Class::request, request.id);
    check.username(config_.remote.ufrag + ":" + config_.local.ufrag).priority(kReflexivePriority);
    if (config_.controlling) {
      check.ice_controlling(config_.tie_breaker);
      if (request.use_candidate) check.use_candidate();
    } else {
      check.ice_controlled(config_.tie_breaker);
    }
    const Bytes datagram = check.integrity(config_.remote.pwd).fingerprint().bytes();
    opening ? sink_.send_opening(to, datagram) : sink_.send_check(to, datagram);
  }

  // --- ports that nobody has named: the peer's answer, a check of its own, makes a pair of the right one

  TimePoint next_probe() const { return prober_ && !selected_ ? prober_->next() : TimePoint::max(); }

  void probe(TimePoint at) {
    const auto probe = prober_->take(at);
    if (!probe) return;
    const CandidatePair::Request request{stun::random_transaction_id(), at, config_.controlling, false, true};
    if (probe->new_socket || find(probe->to) == nullptr) send(probe->to, request, probe->new_socket);
  }

  // --- consent (RFC 7675): checks on the selected pair for ever; the server's rebinding and liveness rest on
  // them

  void ask_consent(TimePoint at) {
    next_consent_ = at + std::min(kConsentRetry, config_.consent_interval);
    CandidatePair* pair = find(*selected_);
    // A check under way asks the same question.
    if (pair != nullptr && pair->state != State::in_progress) send_new_request(at, *pair, nominated_);
  }

  void consent_given(TimePoint at, TimePoint asked) {
    consent_ = at;
    const double stretch = std::uniform_real_distribution(0.8, 1.2)(random_);
    next_consent_ = asked + std::chrono::duration_cast<Duration>(config_.consent_interval * stretch);
  }

  void search_again() {
    searching_ = true;
    for (CandidatePair& pair : pairs_) pair.state = State::waiting;
  }

  // --- responses

  bool on_response(TimePoint at, const Address& from, const stun::StunMessage& message) {
    // Section 7.2.5.2.1: only from where the request went.
    CandidatePair* pair = find(from);
    if (pair == nullptr || !message.verify_integrity(config_.remote.pwd)) return false;
    const auto request = pair->take(message.transaction_id());
    if (!request) return false;
    pair->heard = true;
    if (message.message_class() == stun::Class::success) {
      if (const auto mapped = message.xor_mapped_address()) mapped_ = mapped;
      on_success(at, *pair, *request);
    } else {
      on_error(at, *pair, *request, message);
    }
    return true;
  }

  void on_success(TimePoint at, CandidatePair& pair, const CandidatePair::Request& request) {
    const bool is_check = pair.state == State::in_progress && request.id == pair.current().id;
    pair.state = State::succeeded;
    pair.answered = at;
    if (pair.remote == selected_) consent_given(at, request.sent);
    if (nominated_ && pair.remote == selected_) return stop_searching();
    const bool agreed = config_.controlling ? is_check && request.use_candidate
                                            : std::exchange(pair.nominate_on_success, false);
    if (agreed) return settle_on(at, pair);
    if (!selected_ || (!nominated_ && is_better(pair))) select(at, pair);
    if (!searching_ || !config_.controlling || nominating()) return;
    if (config_.remote_lite || nominated_) {
      nominate(at, pair);
    } else if (nominate_at_ == TimePoint::max()) {
      nominate_at_ = at + kNominationWait;
    }
  }

  void on_error(TimePoint at, CandidatePair& pair, const CandidatePair::Request& request,
                const stun::StunMessage& message) {
    const auto error = message.error_code();
    if (error && error->code == 487 && !config_.remote_lite) {
      config_.controlling = !request.controlling;  // section 7.2.5.1
      pair.triggered = true;
      pair.state = State::waiting;
    } else if (pair.state == State::in_progress && request.id == pair.current().id) {
      pair.state = State::failed;
      pair.due = at + kFailedPause;
    }
  }

  bool is_better(const CandidatePair& pair) {
    const CandidatePair* current = find(*selected_);
    return current == nullptr || !current->answered || current->priority < pair.priority;
  }

  void select(TimePoint at, const CandidatePair& pair) {
    selected_ = pair.remote;
    state_ = ClientState::connected;
    consent_given(at, at);
  }

  // --- nomination (section 8.1.1)

  // One at a time. Asking the nominated pair whether it is still there is no new nomination.
  bool nominating() const {
    return std::any_of(pairs_.begin(), pairs_.end(), [&](const CandidatePair& pair) {
      const bool settled = nominated_ && pair.remote == selected_;
      return pair.state == State::in_progress && pair.current().use_candidate && !settled;
    });
  }

  void nominate(TimePoint at, CandidatePair& pair) {
    pair.nominate = true;
    start_check(at, pair);
  }

  void nominate_best(TimePoint at) {
    nominate_at_ = TimePoint::max();
    const auto rank = [](const CandidatePair& pair) {
      return std::pair(pair.state == State::succeeded, pair.priority);
    };
    const auto best = std::max_element(pairs_.begin(), pairs_.end(),
                                       [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    if (best != pairs_.end() && best->state == State::succeeded) nominate(at, *best);
  }

  void settle_on(TimePoint at, const CandidatePair& pair) {
    select(at, pair);
    nominated_ = true;
    stop_searching();
  }

  void stop_searching() {
    searching_ = false;
    nominate_at_ = TimePoint::max();
    for (CandidatePair& pair : pairs_) {
      if (pair.state == State::in_progress && !pair.nominate_on_success) pair.state = State::waiting;
    }
  }

  // --- checks of the peer (section 7.3); a lite peer sends none

  bool on_request(TimePoint at, const Address& from, const stun::StunMessage& request) {
    if (!request.has_fingerprint() ||
        request.username() != config_.local.ufrag + ":" + config_.remote.ufrag ||
        !request.verify_integrity(config_.local.pwd))
      return false;
    if (!request.unknown_required().empty()) return false;
    if (!agree_on_roles(request)) {
      reply_error(from, request, 487);
      return true;
    }
    stun::StunBuilder reply(stun::Class::success, request.transaction_id());
    sink_.send_check(from, reply.xor_mapped_address(from).integrity(config_.local.pwd).fingerprint().bytes());

    if (find(from) == nullptr) add(at, from, request.priority().value_or(0));  // peer-reflexive
    CandidatePair* pair = find(from);
    if (pair == nullptr) return true;
    pair->heard = true;
    if (pair->state == State::succeeded) {
      if (!config_.controlling && request.use_candidate()) settle_on(at, *pair);
      return true;
    }
    trigger(at, *pair);
    if (!config_.controlling && request.use_candidate()) pair->nominate_on_success = true;
    return true;
  }

  // Section 7.3.1.4: the peer's check got through, so ours may now. A check under way is only repeated
  // sooner: starting anew would make two agents trigger each other for as long as the path is long.
  void trigger(TimePoint at, CandidatePair& pair) {
    if (pair.state != State::in_progress) {
      pair.triggered = true;
      return;
    }
    const TimePoint last_sent = pair.due - pair.retransmission;
    pair.due = std::min(pair.due, std::max(at, last_sent + kFirstRetransmission));
  }

  // Section 7.3.1.1. False: the peer has to give way.
  bool agree_on_roles(const stun::StunMessage& request) {
    const auto rival = config_.controlling ? request.ice_controlling() : request.ice_controlled();
    if (!rival) return true;
    const bool we_control = config_.tie_breaker >= *rival;
    if (we_control == config_.controlling) return false;
    config_.controlling = we_control;
    return true;
  }

  void reply_error(const Address& to, const stun::StunMessage& request, int code) {
    stun::StunBuilder reply(stun::Class::error, request.transaction_id());
    sink_.send_check(to, reply.error_code(code).integrity(config_.local.pwd).fingerprint().bytes());
  }

  IceClientConfig config_;
  CheckSink& sink_;
  std::minstd_rand random_;
  std::vector<CandidatePair> pairs_;
  ClientState state_ = ClientState::checking;
  std::optional<Address> selected_;
  bool nominated_ = false;
  bool searching_ =
      true;  // ordinary checks are sent: until a pair is nominated, and again when it stops answering
  TimePoint begun_;
  TimePoint next_check_;
  TimePoint nominate_at_ = TimePoint::max();
  TimePoint consent_{};  // when the selected pair answered last
  TimePoint next_consent_ = TimePoint::max();
  std::unique_ptr<PortProber> prober_;  // rarely needed, and large
  std::optional<Address> mapped_;
  std::optional<TimePoint> last_authenticated_;
};

IceClient::IceClient(IceClientConfig config, CheckSink& sink, TimePoint at)
    : impl_(std::make_unique<Impl>(std::move(config), sink, at)) {}
IceClient::~IceClient() = default;

bool IceClient::add_remote_candidate(TimePoint at, const Address& address, std::uint32_t priority) {
  return impl_->add(at, address, priority);
}
void IceClient::probe_ports(TimePoint at, const Address& known, const ProbePlan& plan) {
  impl_->probe_ports(at, known, plan);
}
IceClientResult IceClient::receive(TimePoint at, const Address& from, Bytes datagram) {
  return impl_->receive(at, from, datagram);
}
void IceClient::on_timer(TimePoint at) {
  impl_->on_timer(at);
}
TimePoint IceClient::next_timeout() const {
  return impl_->next_timeout();
}
ClientState IceClient::state() const {
  return impl_->state();
}
std::optional<Address> IceClient::selected() const {
  return impl_->selected();
}
bool IceClient::nominated() const {
  return impl_->nominated();
}
bool IceClient::validated(const Address& address) const {
  return impl_->validated(address);
}
bool IceClient::consent_valid(TimePoint at) const {
  return impl_->consent_valid(at);
}
bool IceClient::controlling() const {
  return impl_->config().controlling;
}
std::optional<Address> IceClient::mapped_address() const {
  return impl_->mapped();
}
std::optional<TimePoint> IceClient::last_authenticated() const {
  return impl_->last_authenticated();
}
TimePoint IceClient::consented() const {
  return impl_->consented();
}
void IceClient::network_changed(TimePoint at) {
  impl_->network_changed(at);
}
void IceClient::restart(TimePoint at, Credentials local, Credentials remote) {
  impl_->restart(at, std::move(local), std::move(remote));
}

}  // namespace parley::ice
