#include "mcu/signaling/conversation.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <variant>

#include "mcu/signaling/wire.hpp"

namespace parley::signaling {
namespace {

constexpr unsigned kMaxBadInARow = 10;
constexpr unsigned kMaxTooManyInARow = 200;
constexpr double kBurstSeconds = 4;

// The value of "a=<name>:" in an SDP fragment of our own making.
std::string attribute(const std::string& fragment, const std::string& name) {
  const auto key = "a=" + name + ":";
  const auto begin = fragment.find(key);
  if (begin == std::string::npos) return {};
  const auto value = begin + key.size();
  return fragment.substr(value, fragment.find_first_of("\r\n", value) - value);
}

// RFC 8839 section 5.4: ice-char. Anything else could smuggle lines into the fragment made of it.
bool is_ice_text(const std::string& text, std::size_t shortest) {
  return text.size() >= shortest && text.size() <= 256 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
                  c == '/';
         });
}

}  // namespace

// One small function for each kind of request.
struct Conversation::Handler {
  using Body = protocol::ServerBody;

  Conversation& self;
  const Moment& now;
  bool then_close = false;

  room::RoomService& rooms() { return self.context_.rooms; }
  const room::ParticipantId& me() const { return self.participant_; }

  static Body done(const Status& status) {
    if (!status) return to_failure(status.error());
    return protocol::Ok{};
  }
  // `by` an empty id would be the administrator: who has not joined must not become one.
  Body if_joined(const std::function<Status()>& action) {
    if (me().empty()) return to_failure(room::refuse(room::RefusalCode::not_joined, "not joined"));
    return done(action());
  }

  Body operator()(const protocol::Join& join) {
    room::JoinRequest request;
    self.context_.gate.admit(request, join.token.value_or(""), join.room, now);
    request.room = join.room;
    request.name = join.name.value_or("");
    request.pin = join.pin.value_or("");
    request.resume = join.resume.value_or("");
    request.sdp = join.sdp;
    request.remote_ip = self.remote_ip_;
    request.connection = self.connection_;
    request.consent = join.consent;
    request.applies_gain = join.applies_gain;
    request.direct = join.direct;
    auto joined = rooms().join(now.steady, request);
    if (!joined) return to_failure(joined.error());
    self.participant_ = joined->participant;
    self.room_ = joined->room;
    self.leg_ = joined->answer.leg;
    self.carries_ = false;
    return to_wire(*joined);
  }
  Body operator()(const protocol::Leave&) {
    const auto left = rooms().leave(now.steady, me(), self.connection_);
    then_close = left.ok();
    return done(left);
  }
  Body operator()(const protocol::Update& update) {
    return done(rooms().update_direction(me(), update.sends, update.receives));
  }
  Body operator()(const protocol::IceRestart& restart) {
    if (!is_ice_text(restart.ufrag, 4) || !is_ice_text(restart.pwd, 22))
      return to_failure(
          room::refuse(room::RefusalCode::bad_value, "ufrag or pwd is not as RFC 8839 wants it"));
    const auto answer =
        rooms().patch_media(me(), "a=ice-ufrag:" + restart.ufrag + "\r\na=ice-pwd:" + restart.pwd + "\r\n");
    if (!answer) return to_failure(answer.error());
    protocol::Ice ice{attribute(*answer, "ice-ufrag"), attribute(*answer, "ice-pwd")};
    if (ice.ufrag.empty() || ice.pwd.empty())
      return to_failure(room::refuse(room::RefusalCode::conflict, "these are the credentials in use"));
    return ice;
  }
  Body operator()(const protocol::SetCarrier& wanted) {
    const bool carries = wanted.carrier != Carrier::udp;
    if (carries) {
      if (const auto may = self.may_carry(); !may) return to_failure(may.error());
    }
    const auto set = rooms().set_carrier(me(), wanted.carrier);
    if (!set) return to_failure(set.error());
    self.carries_ = carries;
    if (carries)
      self.context_.hub.carry(self.leg_, self.connection_);
    else
      self.context_.hub.stop_carrying(self.leg_);
    return protocol::Ok{};
  }
  Body operator()(const protocol::MuteSelf& mute) { return done(rooms().mute_self(me(), mute.muted)); }
  Body operator()(const protocol::RaiseHand& hand) { return done(rooms().raise_hand(me(), hand.raised)); }
  Body operator()(const protocol::SendChat& chat) {
    if (!self.chat_.take(now.steady))
      return to_failure(room::refuse(room::RefusalCode::too_many, "too many chat lines: wait a moment"));
    return done(rooms().chat(me(), chat.text));
  }
  Body operator()(const protocol::SetPersonalGain& gain) {
    room::PersonalGain wanted;
    if (gain.db) wanted.db = static_cast<float>(*gain.db);
    wanted.mute = gain.mute;
    return done(rooms().set_personal_gain(me(), gain.talker, wanted));
  }
  Body operator()(const protocol::Whisper& whisper) {
    return done(rooms().whisper(me(), whisper.to, static_cast<float>(whisper.duck_db.value_or(0))));
  }
  Body operator()(const protocol::Mute& mute) {
    return if_joined([&] { return rooms().mute(self.room_, me(), mute.participant, true); });
  }
  Body operator()(const protocol::Unmute& unmute) {
    return if_joined([&] { return rooms().mute(self.room_, me(), unmute.participant, false); });
  }
  Body operator()(const protocol::Kick& kick) {
    return if_joined([&] {
      return rooms().kick(now.steady, self.room_, me(), kick.participant, kick.reason.value_or(""));
    });
  }
  Body operator()(const protocol::SetGain& gain) {
    return if_joined(
        [&] { return rooms().set_gain(self.room_, me(), gain.participant, static_cast<float>(gain.db)); });
  }
  Body operator()(const protocol::SetGroup& group) {
    return if_joined([&] { return rooms().set_group(self.room_, me(), group.participant, group.group); });
  }
  Body operator()(const protocol::Lock&) {
    return if_joined([&] { return rooms().set_locked(self.room_, me(), true); });
  }
  Body operator()(const protocol::Unlock&) {
    return if_joined([&] { return rooms().set_locked(self.room_, me(), false); });
  }
  Body operator()(const protocol::MuteAll&) {
    return if_joined([&] { return rooms().mute_all(self.room_, me()); });
  }
  Body operator()(const protocol::StartRecording&) {
    return record([this](RecordingsPort& recordings) -> Status {
      const auto id = recordings.start(self.room_);
      if (!id) return id.error();
      return Done{};
    });
  }
  Body operator()(const protocol::StopRecording&) {
    return record([this](RecordingsPort& recordings) { return recordings.stop(self.room_); });
  }
  Body record(const std::function<Status(RecordingsPort&)>& action) {
    return if_joined([&]() -> Status {
      if (const auto may = rooms().may_moderate(self.room_, me()); !may) return may;
      auto* recordings = self.context_.ports.recordings;
      if (recordings == nullptr)
        return room::refuse(room::RefusalCode::conflict, "this server does not record");
      const auto done = action(*recordings);
      // The port's codes are those of HTTP; here a refusal has a name.
      if (!done) return room::refuse(room::refusal_from_media(done.error().code), done.error().what);
      return Done{};
    });
  }
  Body operator()(const protocol::ReportStats& stats) { return done(rooms().report(me(), stats.report)); }
  Body operator()(const protocol::DirectOffer& o) {
    return done(rooms().direct_offer(me(), {o.call, o.ufrag, o.pwd, o.fingerprint, o.candidates}));
  }
  Body operator()(const protocol::DirectState& s) {
    return done(rooms().direct_state(now.steady, me(), s.call, s.state, s.reason.value_or("")));
  }
  Body operator()(const protocol::DirectTalking& t) {
    return done(rooms().direct_talking(me(), t.call, t.talking, t.level));
  }
  Body operator()(const protocol::Register& wanted) {
    return with_calls([&](room::CallService& calls) -> Body {
      auto registered = calls.enlist(now.steady, party(wanted.name, wanted.token, wanted.key));
      if (!registered) return to_failure(registered.error());
      return to_wire(*registered);
    });
  }
  Body operator()(const protocol::Unregister&) {
    return with_calls(
        [&](room::CallService& calls) -> Body { return done(calls.withdraw(now.steady, self.connection_)); });
  }
  Body operator()(const protocol::PlaceCall& wanted) {
    return with_calls([&](room::CallService& calls) -> Body {
      auto calling =
          calls.call(now.steady, party(wanted.from.value_or(""), wanted.token, wanted.key), wanted.to);
      if (!calling) return to_failure(calling.error());
      return protocol::Calling{calling->call, calling->to, calling->devices,
                               calling->outcome.empty() ? std::nullopt : std::optional(calling->outcome)};
    });
  }
  Body operator()(const protocol::AcceptCall& taken) {
    return with_calls([&](room::CallService& calls) -> Body {
      return done(calls.accept(now.steady, self.connection_, taken.call));
    });
  }
  Body operator()(const protocol::DeclineCall& declined) {
    return with_calls([&](room::CallService& calls) -> Body {
      return done(calls.decline(now.steady, self.connection_, declined.call, declined.busy));
    });
  }
  Body operator()(const protocol::CancelCall& cancelled) {
    return with_calls([&](room::CallService& calls) -> Body {
      return done(calls.cancel(now.steady, self.connection_, cancelled.call));
    });
  }
  Body with_calls(const std::function<Body(room::CallService&)>& action) {
    if (self.context_.ports.calls != nullptr) return action(*self.context_.ports.calls);
    return to_failure(room::refuse(room::RefusalCode::conflict, "nobody can be called on this server"));
  }
  room::CallParty party(const std::string& name, const std::optional<std::string>& token,
                        const std::optional<std::string>& key) {
    room::CallParty who;
    who.connection = self.connection_;
    who.remote_ip = self.remote_ip_;
    who.name = name;
    who.key = key.value_or("");
    self.context_.gate.admit(who, token.value_or(""), now);
    return who;
  }
  Body operator()(const protocol::Ping&) { return protocol::Pong{}; }
};

Conversation::Conversation(Context& context, std::string remote_ip, bool is_private)
    : context_(context),
      remote_ip_(std::move(remote_ip)),
      private_(is_private),
      packets_(context.settings.packets_per_second, context.settings.packets_per_second),
      messages_(context.settings.messages_per_second, context.settings.messages_per_second * kBurstSeconds),
      chat_(context.settings.chat_lines_per_second, context.settings.chat_lines_per_second * kBurstSeconds) {}

Conversation::Answer Conversation::take(const Moment& now, std::string_view text) {
  if (!messages_.take(now.steady)) {
    auto answer =
        refused(std::nullopt, to_failure(room::refuse(room::RefusalCode::too_many, "too many messages")));
    answer.is_abuse = ++too_many_in_a_row_ >= kMaxTooManyInARow;
    return answer;
  }
  too_many_in_a_row_ = 0;

  auto message = protocol::parse_client_message(text);
  if (const auto* bad = std::get_if<protocol::Refused>(&message)) {
    ++context_.stats.bad_messages;
    auto answer = refused(bad->id, bad->failure);
    bad_in_a_row_ = bad->failure.code == "bad-message" ? bad_in_a_row_ + 1 : 0;
    answer.is_abuse = bad_in_a_row_ >= kMaxBadInARow;
    return answer;
  }
  bad_in_a_row_ = 0;

  const auto& request = std::get<protocol::ClientMessage>(message);
  Handler handler{*this, now};
  auto body = std::visit(handler, request.body);
  return {protocol::to_json({request.id, std::move(body)}), handler.then_close, false};
}

// There is no DTLS inside a WebSocket: what it carries is as private as the connection itself.
Status Conversation::may_carry() const {
  using enum room::RefusalCode;
  if (!context_.settings.carries_media || !context_.ports.packet)
    return room::refuse(forbidden, "this server carries no media over the WebSocket (media.over_websocket)");
  if (!private_)
    return room::refuse(forbidden,
                        "media over the WebSocket takes TLS (wss): this connection is not protected");
  return Done{};
}

bool Conversation::take_packet(const Moment& now, Bytes packet) {
  if (!carries_) return false;
  if (packet.empty() || packet.size() > kMaxCarriedPacket || !packets_.take(now.steady)) {
    ++context_.stats.packets_refused;
    return true;
  }
  ++context_.stats.packets_in;
  context_.ports.packet(leg_, now.steady, packet);
  return true;
}

Conversation::Answer Conversation::refuse_binary() {
  ++context_.stats.bad_messages;
  auto answer = refused(
      std::nullopt,
      {"bad-message", "messages are JSON in text frames; media takes a granted carrier request", 400});
  answer.is_abuse = ++bad_in_a_row_ >= kMaxBadInARow;
  return answer;
}

Conversation::Answer Conversation::refused(std::optional<protocol::RequestId> id, protocol::Failure failure) {
  return {protocol::to_json({id, std::move(failure)}), false, false};
}

}  // namespace parley::signaling
