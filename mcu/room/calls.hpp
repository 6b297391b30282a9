// Calls from one name to another: who can be called, ringing, and what becomes of it. The call itself is a
// room of two, made when somebody accepts; both ends are told its name (docs/design/0016-calls.md).
//
//   call() -> ringing -> accepted: a room -> ended
//                \-> declined, busy, no-answer, unreachable, cancelled
//
// A name belongs to whom a token says it does; where there are no tokens, to who registered it first and to
// others that show the same key. Several devices may register one name: all of them ring, the first answer
// counts. Two who call each other at the same time are connected.
//
// Pure: no sockets, no clock. Threads: ctl. Everything that a stranger can make grow is bounded.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mcu/room/events.hpp"
#include "mcu/room/rate_limiter.hpp"
#include "mcu/room/refusal.hpp"
#include "mcu/room/room_service.hpp"
#include "transport/base/check.hpp"

namespace parley::room {

struct CallSettings {
  Duration ring_timeout = 30s;
  int calls_per_minute = 10;                    // of one caller
  double requests_per_second_per_address = 10;  // registrations and calls; the loopback is exempt
  std::size_t max_names = 2000;
  bool token_required = false;
};

class CallPort {
 public:
  virtual ~CallPort() = default;
  // A token that admits `name` to the room; empty: none is needed.
  virtual std::string invite(const std::string& room, const std::string& name) = 0;
  // Somebody was called in vain: no-answer, cancelled, busy or unreachable.
  virtual void missed(const std::string& /*to*/, const std::string& /*from*/,
                      const std::string& /*outcome*/) {}
};

// Who registers or calls.
struct CallParty {
  ConnectionId connection = ConnectionId::none;
  std::string remote_ip;
  std::string name;                          // empty: the one that the connection has registered
  std::string key;                           // where there are no tokens: proves the name is its holder's
  std::optional<std::string> admitted_name;  // what a verified token says; replaces `name`
  std::optional<Error> bad_token;
};

struct CallInfo {
  std::string id, from, to;
  std::string state;  // ringing, accepted, or how it ended
  std::string room;   // once accepted
  std::string token;  // of the caller, likewise; empty: none is needed
  Duration age{};
};

struct Registered {
  std::string name;
  std::vector<CallMissed> missed;
};
struct Calling {
  std::string call, to;
  std::size_t devices = 0;
  std::string outcome;  // not empty: it is over already
};
struct Reachable {
  std::string name;
  std::size_t devices = 0;
  bool busy = false;
};
struct CallCounts {
  std::size_t names = 0, devices = 0, ringing = 0, accepted = 0;  // now
  std::map<std::string, std::uint64_t> outcomes;                  // since the start
};

class CallService {
 public:
  static constexpr std::size_t kMaxDevices = 10;  // of one name
  static constexpr std::size_t kMaxCalls = 5'000;
  static constexpr Duration kNameHeld = 60s;  // for its holder, whose connection was lost
  static constexpr Duration kReturn = 5s;     // a device that was lost just now is waited for
  static constexpr std::size_t kMaxMissed = 1'000, kMaxMissedOfOne = 20;
  static constexpr Duration kMissedKept = 7 * 24h;
  static constexpr Duration kRemembered = 60s;  // a call that is over can still be looked at

  // `started`: devices that were registered before a restart are on their way back.
  CallService(const CallSettings& settings, RoomService& rooms, CallPort& port, EventSink& events,
              TimePoint started);
  CallService(const CallService&) = delete;
  CallService& operator=(const CallService&) = delete;

  void reload(const CallSettings& settings);
  void on_timer(TimePoint at);  // about 5 times a second
  // For the end of the server: everybody is told `closed`.
  void close_all(const std::string& reason, const std::string& message);

  // Refusals: bad_token, bad_value, name_taken, already_joined (this connection has another name), too_many,
  // server_full.
  Result<Registered> enlist(TimePoint at, const CallParty& who);
  Status withdraw(TimePoint at, ConnectionId connection);
  // Also: conflict (the caller has a call).
  Result<Calling> call(TimePoint at, const CallParty& who, const std::string& to);
  // From a device that rings.
  Status accept(TimePoint at, ConnectionId connection, std::string_view call);
  Status decline(TimePoint at, ConnectionId connection, std::string_view call, bool busy);
  // From the caller.
  Status cancel(TimePoint at, ConnectionId connection, std::string_view call);
  void connection_lost(TimePoint at, ConnectionId connection);

  // --- For the administrator, who calls in anybody's name and hangs up any call.
  Result<Calling> call_for(TimePoint at, const std::string& from, const std::string& to);
  Status end_call(TimePoint at, std::string_view call);
  std::vector<CallInfo> calls(TimePoint at) const;
  Result<CallInfo> find(TimePoint at, std::string_view call) const;
  std::vector<Reachable> reachable() const;
  CallCounts counts() const;

 private:
  // A name as it is shown, and as it is compared: capitals (ASCII) make no other name.
  struct Name {
    std::string shown, key;
  };
  struct Line {
    std::string name, key;
    std::vector<ConnectionId> devices;
    TimePoint lost_at{};  // the last of them, which had not said goodbye
  };
  struct Call {
    std::string id;
    Name from, to;
    ConnectionId caller = ConnectionId::none;  // none: made by the administrator, or gone
    std::vector<ConnectionId> rings;
    std::string state = "ringing";
    TimePoint began{}, deadline{};
    std::optional<TimePoint> no_device_deadline;
    std::string room, token;
    std::optional<TimePoint> over_at;
  };
  struct Missed {
    std::string to;  // as compared
    CallMissed what;
  };

  static std::optional<Name> make_name(std::string_view text);
  Status check_rate(TimePoint at, const CallParty& who);
  Result<Name> identify(TimePoint at, const CallParty& who) const;
  bool is_held(TimePoint at, const Line& line) const;
  Result<Calling> place(TimePoint at, const Name& from, const Name& to, ConnectionId caller);
  Call* current(std::string_view id);
  bool is_busy(const std::string& key) const;
  bool has_call_of_its_own(const std::string& key) const;
  void ring(Call& call, const Line& line, TimePoint at);
  Status connect(TimePoint at, Call& call, ConnectionId device, bool answers_by_calling);
  void end(TimePoint at, Call& call, const std::string& outcome);
  void end_closed(TimePoint at);
  void note_missed(TimePoint at, const Call& call);
  std::vector<CallMissed> take_missed(const std::string& key);
  void drop_device(TimePoint at, ConnectionId connection, bool lost);
  CallInfo describe(TimePoint at, const Call& call) const;
  void tell(ConnectionId to, const Event& event);
  // To a connection whose request is being answered: behind the answer.
  void tell_later(ConnectionId to, Event event) { later_.emplace_back(to, std::move(event)); }

  CallSettings settings_;
  RoomService& rooms_;
  CallPort& port_;
  EventSink& events_;
  const TimePoint started_;
  ThreadOwner owner_;
  std::map<std::string, Line, std::less<>> lines_;
  std::unordered_map<std::uint64_t, std::string> names_;  // connection -> name, as compared
  std::map<std::string, Call, std::less<>> calls_;
  std::deque<Missed> missed_;  // oldest first
  std::vector<std::pair<ConnectionId, Event>> later_;
  AddressLimiter by_address_;
  KeyedLimiter by_caller_;
  std::map<std::string, std::uint64_t> outcomes_;
};

}  // namespace parley::room
