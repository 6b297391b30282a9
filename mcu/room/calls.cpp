#include "mcu/room/calls.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "mcu/room/names.hpp"
#include "transport/base/ids.hpp"
#include "transport/base/log.hpp"

namespace parley::room {
namespace {

constexpr std::size_t kCallIdLength = 12;
constexpr std::size_t kRoomSecretLength = 22;  // 128 bits: nobody finds the room who was not told
constexpr double kBurst = 10;

KeyedLimiter caller_limiter(const CallSettings& settings) {
  return {settings.calls_per_minute / 60.0, static_cast<double>(settings.calls_per_minute)};
}

AddressLimiter address_limiter(const CallSettings& settings) {
  return {settings.requests_per_second_per_address, settings.requests_per_second_per_address * kBurst};
}

bool is_missed(std::string_view outcome) {
  return outcome == "no-answer" || outcome == "cancelled" || outcome == "busy" || outcome == "unreachable";
}

// What the devices of the called one hear when it is over for a reason that was not theirs.
std::string told_to_devices(const std::string& outcome) {
  if (outcome == "accepted") return "answered-elsewhere";
  return outcome == "declined" ? "declined-elsewhere" : outcome;
}

Error no_such_call() {
  return refuse(RefusalCode::no_such_call, "there is no such call (any more)");
}

}  // namespace

CallService::CallService(const CallSettings& settings, RoomService& rooms, CallPort& port, EventSink& events,
                         TimePoint started)
    : settings_(settings),
      rooms_(rooms),
      port_(port),
      events_(events),
      started_(started),
      by_address_(address_limiter(settings)),
      by_caller_(caller_limiter(settings)) {}

void CallService::reload(const CallSettings& settings) {
  owner_.check();
  settings_ = settings;
  by_address_ = address_limiter(settings);
  by_caller_ = caller_limiter(settings);
}

void CallService::tell(ConnectionId to, const Event& event) {
  if (to != ConnectionId::none) events_.publish(std::span(&to, 1), event);
}

// --- Names

std::optional<CallService::Name> CallService::make_name(std::string_view text) {
  const auto shown = display_name(text);
  if (!shown || text.find_first_not_of(' ') == std::string_view::npos) return std::nullopt;
  Name name{*shown, *shown};
  for (char& c : name.key)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

Status CallService::check_rate(TimePoint at, const CallParty& who) {
  if (is_loopback_text(who.remote_ip) || by_address_.take(at, who.remote_ip)) return Done{};
  return refuse(RefusalCode::too_many, "too many registrations and calls from this address: wait a moment");
}

bool CallService::is_held(TimePoint at, const Line& line) const {
  return !line.devices.empty() || at - line.lost_at < kNameHeld;
}

Result<CallService::Name> CallService::identify(TimePoint at, const CallParty& who) const {
  if (who.bad_token) return *who.bad_token;
  const auto own = names_.find(static_cast<std::uint64_t>(who.connection));
  if (own != names_.end() && who.name.empty() && !who.admitted_name) {
    const auto line = lines_.find(own->second);
    return Name{line->second.name, line->first};
  }
  if (settings_.token_required && !who.admitted_name)
    return refuse(RefusalCode::bad_token, "calls on this server take a token of their own");
  const auto name = make_name(who.admitted_name.value_or(who.name));
  if (!name) return refuse(RefusalCode::bad_value, "this cannot be a name to be called by");
  const auto line = lines_.find(name->key);
  if (who.admitted_name || line == lines_.end() || !is_held(at, line->second)) return *name;
  const bool is_own = own != names_.end() && own->second == name->key;
  const bool has_key = !line->second.key.empty() && equal_constant_time(line->second.key, who.key);
  if (is_own || has_key) return *name;
  return refuse(RefusalCode::name_taken, "somebody else has registered this name");
}

Result<Registered> CallService::enlist(TimePoint at, const CallParty& who) {
  owner_.check();
  if (auto rate = check_rate(at, who); !rate) return rate.error();
  const auto name = identify(at, who);
  if (!name) return name.error();
  const auto own = names_.find(static_cast<std::uint64_t>(who.connection));
  if (own != names_.end() && own->second != name->key)
    return refuse(RefusalCode::already_joined, "this connection has registered another name");
  if (own != names_.end()) return Registered{name->shown, {}};
  auto line = lines_.find(name->key);
  if (line == lines_.end() && lines_.size() >= settings_.max_names)
    return refuse(RefusalCode::server_full, "as many names are registered as may be");
  if (line != lines_.end() && line->second.devices.size() >= kMaxDevices)
    return refuse(RefusalCode::too_many, "this name is registered on as many devices as may be");
  // A name that nobody holds any more begins anew, with another key.
  if (line == lines_.end() || !is_held(at, line->second))
    line = lines_.insert_or_assign(name->key, Line{name->shown, who.key, {}, {}}).first;
  line->second.devices.push_back(who.connection);
  names_[static_cast<std::uint64_t>(who.connection)] = name->key;
  log::debug("calls: {} is registered on {} devices", log::printable(name->shown, 64),
             line->second.devices.size());
  for (auto& [id, call] : calls_) {
    if (call.state != "ringing" || call.to.key != name->key) continue;
    call.rings.push_back(who.connection);
    call.no_device_deadline.reset();
    tell_later(who.connection, CallIncoming{id, call.from.shown, call.deadline - at});
  }
  return Registered{name->shown, take_missed(name->key)};
}

Status CallService::withdraw(TimePoint at, ConnectionId connection) {
  owner_.check();
  if (!names_.contains(static_cast<std::uint64_t>(connection)))
    return refuse(RefusalCode::conflict, "this connection has registered no name");
  drop_device(at, connection, false);
  return Done{};
}

void CallService::connection_lost(TimePoint at, ConnectionId connection) {
  owner_.check();
  std::erase_if(later_, [connection](const auto& entry) { return entry.first == connection; });
  for (auto& [id, call] : calls_) {
    if (call.caller != connection) continue;
    call.caller = ConnectionId::none;
    if (call.state == "ringing") end(at, call, "cancelled");
  }
  if (names_.contains(static_cast<std::uint64_t>(connection))) drop_device(at, connection, true);
}

void CallService::drop_device(TimePoint at, ConnectionId connection, bool lost) {
  const auto name = names_.find(static_cast<std::uint64_t>(connection));
  const auto line = lines_.find(name->second);
  std::erase(line->second.devices, connection);
  line->second.lost_at = lost ? at : TimePoint{} - kNameHeld;
  for (auto& [id, call] : calls_) {
    if (call.state != "ringing" || std::erase(call.rings, connection) == 0 || !call.rings.empty()) continue;
    if (lost)
      call.no_device_deadline = at + kReturn;
    else
      end(at, call, "unreachable");
  }
  if (line->second.devices.empty() && !lost) lines_.erase(line);
  names_.erase(name);
}

// --- Calling

bool CallService::has_call_of_its_own(const std::string& key) const {
  return std::any_of(calls_.begin(), calls_.end(), [&](const auto& entry) {
    const Call& call = entry.second;
    return (call.state == "ringing" && call.from.key == key) ||
           (call.state == "accepted" && (call.from.key == key || call.to.key == key));
  });
}

bool CallService::is_busy(const std::string& key) const {
  return has_call_of_its_own(key) || std::any_of(calls_.begin(), calls_.end(), [&](const auto& entry) {
           return entry.second.state == "ringing" && entry.second.to.key == key;
         });
}

CallService::Call* CallService::current(std::string_view id) {
  const auto found = calls_.find(id);
  return found == calls_.end() || found->second.over_at ? nullptr : &found->second;
}

Result<Calling> CallService::call(TimePoint at, const CallParty& who, const std::string& to) {
  owner_.check();
  if (auto rate = check_rate(at, who); !rate) return rate.error();
  const auto from = identify(at, who);
  if (!from) return from.error();
  const auto callee = make_name(to);
  if (!callee) return refuse(RefusalCode::bad_value, "this cannot be a name to be called by");
  if (!by_caller_.take(at, from->key))
    return refuse(RefusalCode::too_many, "too many calls: wait a moment before the next");
  return place(at, *from, *callee, who.connection);
}

Result<Calling> CallService::call_for(TimePoint at, const std::string& from, const std::string& to) {
  owner_.check();
  const auto caller = make_name(from), callee = make_name(to);
  if (!caller || !callee)
    return refuse(RefusalCode::bad_value, "from or to cannot be a name to be called by");
  return place(at, *caller, *callee, ConnectionId::none);
}

Result<Calling> CallService::place(TimePoint at, const Name& from, const Name& to, ConnectionId caller) {
  if (from.key == to.key) return refuse(RefusalCode::bad_value, "nobody can call themselves");
  // They call each other: what rings already is the call of both.
  for (auto& [id, other] : calls_) {
    if (other.state != "ringing" || other.from.key != to.key || other.to.key != from.key) continue;
    if (caller == ConnectionId::none) break;
    if (auto connected = connect(at, other, caller, true); !connected) return connected.error();
    return Calling{id, to.shown, 1, {}};
  }
  end_closed(at);  // who calls again at once has no call any more
  if (has_call_of_its_own(from.key)) return refuse(RefusalCode::conflict, "you have a call already");
  if (calls_.size() >= kMaxCalls)
    std::erase_if(calls_, [](const auto& entry) { return entry.second.over_at.has_value(); });
  if (calls_.size() >= kMaxCalls) return refuse(RefusalCode::server_full, "too many calls at the moment");

  Call call;
  call.id = random_token(kCallIdLength);
  call.from = from;
  call.to = to;
  call.caller = caller;
  call.began = at;
  call.deadline = at + settings_.ring_timeout;
  const bool busy = is_busy(to.key);
  auto& kept = calls_.emplace(call.id, std::move(call)).first->second;
  const auto over = [&](const char* outcome) {
    kept.caller = ConnectionId::none;  // it hears so by the answer
    end(at, kept, outcome);
    return Calling{kept.id, to.shown, 0, outcome};
  };
  if (busy) return over("busy");
  const auto line = lines_.find(to.key);
  if (line != lines_.end()) {
    kept.to.shown = line->second.name;
    ring(kept, line->second, at);
  }
  if (kept.rings.empty()) {
    const TimePoint lost_at = line != lines_.end() ? std::max(started_, line->second.lost_at) : started_;
    if (at - lost_at >= kReturn) return over("unreachable");
    kept.no_device_deadline = lost_at + kReturn;
  }
  log::info("call {}: {} calls {}", kept.id, log::printable(from.shown, 64), log::printable(to.shown, 64));
  return Calling{kept.id, kept.to.shown, kept.rings.size(), {}};
}

void CallService::ring(Call& call, const Line& line, TimePoint at) {
  call.rings = line.devices;
  // A device that is calling somebody is not asked to take a call.
  std::erase(call.rings, call.caller);
  for (const auto device : call.rings)
    tell(device, CallIncoming{call.id, call.from.shown, call.deadline - at});
}

Status CallService::accept(TimePoint at, ConnectionId connection, std::string_view id) {
  owner_.check();
  Call* call = current(id);
  if (call == nullptr || call->state != "ringing" ||
      std::find(call->rings.begin(), call->rings.end(), connection) == call->rings.end())
    return no_such_call();
  return connect(at, *call, connection, false);
}

// Both ends are told where to meet.
Status CallService::connect(TimePoint at, Call& call, ConnectionId device, bool answers_by_calling) {
  RoomOptions options;
  options.name = "call-" + random_token(kRoomSecretLength);
  options.max_participants = 2;
  options.call = true;
  if (auto made = rooms_.create_room(at, options); !made) {
    end(at, call, "failed");
    return made;
  }
  call.room = options.name;
  call.state = "accepted";
  call.token = port_.invite(call.room, call.from.shown);
  ++outcomes_[call.state];
  log::info("call {}: accepted after {:.1f} s", call.id, to_seconds(at - call.began));
  tell(call.caller, CallAccepted{call.id, call.to.shown, call.room, call.token});
  const CallAccepted to_device{call.id, call.from.shown, call.room, port_.invite(call.room, call.to.shown)};
  if (answers_by_calling)
    tell_later(device, to_device);
  else
    tell(device, to_device);
  for (const auto other : call.rings)
    if (other != device) tell(other, CallEnded{call.id, told_to_devices(call.state)});
  call.rings.clear();
  return Done{};
}

Status CallService::decline(TimePoint at, ConnectionId connection, std::string_view id, bool busy) {
  owner_.check();
  Call* call = current(id);
  if (call == nullptr || call->state != "ringing" || std::erase(call->rings, connection) == 0)
    return no_such_call();
  if (!busy)
    end(at, *call, "declined");
  else if (call->rings.empty())
    end(at, *call, "busy");
  return Done{};
}

Status CallService::cancel(TimePoint at, ConnectionId connection, std::string_view id) {
  owner_.check();
  Call* call = current(id);
  if (call == nullptr || call->state != "ringing" || call->caller != connection) return no_such_call();
  call->caller = ConnectionId::none;  // it knows
  end(at, *call, "cancelled");
  return Done{};
}

Status CallService::end_call(TimePoint at, std::string_view id) {
  owner_.check();
  Call* call = current(id);
  if (call == nullptr) return no_such_call();
  if (call->state != "accepted") {
    end(at, *call, "cancelled");
    return Done{};
  }
  static_cast<void>(rooms_.close_room(at, call->room, kHungUp));
  call->state = "ended";
  call->over_at = at;
  return Done{};
}

// Before anybody has taken it.
void CallService::end(TimePoint at, Call& call, const std::string& outcome) {
  call.state = outcome;
  call.over_at = at;
  ++outcomes_[outcome];
  log::info("call {}: {}", call.id, outcome);
  tell(call.caller, CallEnded{call.id, outcome});
  for (const auto device : call.rings) tell(device, CallEnded{call.id, told_to_devices(outcome)});
  call.rings.clear();
  if (is_missed(outcome)) note_missed(at, call);
}

void CallService::on_timer(TimePoint at) {
  owner_.check();
  for (const auto& [connection, event] : std::exchange(later_, {})) tell(connection, event);
  for (auto& [id, call] : calls_) {
    if (call.state == "ringing" && call.no_device_deadline && at >= *call.no_device_deadline)
      end(at, call, "unreachable");
    else if (call.state == "ringing" && at >= call.deadline)
      end(at, call, "no-answer");
  }
  end_closed(at);
  std::erase_if(calls_, [at](const auto& entry) {
    return entry.second.over_at && at - *entry.second.over_at >= kRemembered;
  });
  std::erase_if(lines_, [&](const auto& entry) { return !is_held(at, entry.second); });
  while (!missed_.empty() && at - missed_.front().what.last >= kMissedKept) missed_.pop_front();
}

// Whose room is gone has hung up.
void CallService::end_closed(TimePoint at) {
  for (auto& [id, call] : calls_) {
    if (call.state != "accepted" || rooms_.room(at, call.room)) continue;
    call.state = "ended";
    call.over_at = at;
  }
}

void CallService::close_all(const std::string& reason, const std::string& message) {
  owner_.check();
  std::vector<ConnectionId> all;
  for (const auto& [connection, name] : names_) all.push_back(static_cast<ConnectionId>(connection));
  for (const auto& [id, call] : calls_)
    if (call.state == "ringing" && call.caller != ConnectionId::none &&
        !names_.contains(static_cast<std::uint64_t>(call.caller)))
      all.push_back(call.caller);
  names_.clear();
  lines_.clear();
  calls_.clear();
  later_.clear();
  if (!all.empty()) events_.publish(all, Closed{reason, message});
}

// --- Missed calls

// Who is there hears of it now, who is not when it comes back.
void CallService::note_missed(TimePoint at, const Call& call) {
  port_.missed(call.to.shown, call.from.shown, call.state);
  const auto line = lines_.find(call.to.key);
  if (line != lines_.end() && !line->second.devices.empty()) {
    events_.publish(line->second.devices, CallMissed{call.from.shown, 1, at});
    return;
  }
  Missed entry{call.to.key, {call.from.shown, 1, at}};
  std::size_t of_one = 0;
  auto oldest = missed_.end();
  for (auto it = missed_.begin(); it != missed_.end(); ++it) {
    if (it->to != entry.to) continue;
    if (it->what.from == entry.what.from) {
      entry.what.count += it->what.count;
      missed_.erase(it);
      missed_.push_back(std::move(entry));
      return;
    }
    if (of_one++ == 0) oldest = it;
  }
  if (of_one >= kMaxMissedOfOne)
    missed_.erase(oldest);
  else if (missed_.size() >= kMaxMissed)
    missed_.pop_front();
  missed_.push_back(std::move(entry));
}

std::vector<CallMissed> CallService::take_missed(const std::string& key) {
  std::vector<CallMissed> out;
  for (const auto& entry : missed_)
    if (entry.to == key) out.push_back(entry.what);
  std::erase_if(missed_, [&](const Missed& entry) { return entry.to == key; });
  return out;
}

// --- Looking

CallInfo CallService::describe(TimePoint at, const Call& call) const {
  return {call.id, call.from.shown, call.to.shown, call.state, call.room, call.token, at - call.began};
}

std::vector<CallInfo> CallService::calls(TimePoint at) const {
  std::vector<CallInfo> out;
  for (const auto& [id, call] : calls_)
    if (!call.over_at) out.push_back(describe(at, call));
  return out;
}

Result<CallInfo> CallService::find(TimePoint at, std::string_view id) const {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return no_such_call();
  return describe(at, found->second);
}

std::vector<Reachable> CallService::reachable() const {
  std::set<std::string_view> busy;
  for (const auto& [id, call] : calls_)
    if (!call.over_at) busy.insert({call.from.key, call.to.key});
  std::vector<Reachable> out;
  for (const auto& [key, line] : lines_)
    if (!line.devices.empty()) out.push_back({line.name, line.devices.size(), busy.contains(key)});
  return out;
}

CallCounts CallService::counts() const {
  CallCounts counts;
  counts.devices = names_.size();
  for (const auto& [key, line] : lines_)
    if (!line.devices.empty()) ++counts.names;
  for (const auto& [id, call] : calls_) {
    if (call.state == "ringing") ++counts.ringing;
    if (call.state == "accepted") ++counts.accepted;
  }
  counts.outcomes = outcomes_;
  return counts;
}

}  // namespace parley::room
