// Calls in virtual time, over real rooms and a fake media plane.
#include "mcu/room/calls.hpp"

#include <gtest/gtest.h>

#include "tests/unit/mcu/room/fakes.hpp"

namespace parley::room {
namespace {

using Names = std::vector<std::string>;

class FakePort final : public CallPort {
 public:
  bool with_tokens = false;
  std::vector<std::string> missed_calls;  // to, from, outcome

  std::string invite(const std::string& room, const std::string& name) override {
    return with_tokens ? "token for " + name + " in " + room : "";
  }
  void missed(const std::string& to, const std::string& from, const std::string& outcome) override {
    missed_calls.push_back(to + " from " + from + ": " + outcome);
  }
};

class Calls : public RoomTest {
 protected:
  static CallSettings generous_calls() {
    CallSettings settings;
    settings.calls_per_minute = 1000;
    settings.requests_per_second_per_address = 0;
    return settings;
  }
  Calls() { restart(generous_calls()); }
  // As after a start that was long ago.
  void restart(const CallSettings& settings) {
    calls = std::make_unique<CallService>(settings, rooms, port, sink, at - 1min);
  }

  static CallParty party(const std::string& name, int connection_number, const std::string& key = {}) {
    CallParty who;
    who.connection = connection(connection_number);
    who.remote_ip = "192.0.2.1";
    who.name = name;
    who.key = key;
    return who;
  }
  Registered enlist(const CallParty& who) {
    auto done = calls->enlist(at, who);
    if (!done) ADD_FAILURE() << "refused: " << done.error().what;
    return done ? *done : Registered{};
  }
  Registered enlist(const std::string& name, int connection_number) {
    return enlist(party(name, connection_number, "key-of-" + name));
  }
  Calling call(const std::string& from, const std::string& to, int connection_number) {
    auto done = calls->call(at, party(from, connection_number, "key-of-" + from), to);
    if (!done) ADD_FAILURE() << "refused: " << done.error().what;
    return done ? *done : Calling{};
  }
  template <typename T>
  static std::string refused(const Result<T>& result) {
    return result ? "none" : std::string(text(refusal_code(result.error())));
  }
  void pass(Duration time) {
    const TimePoint until = at + time;
    for (; at < until; at += 200ms) {
      rooms.on_timer(at);
      calls->on_timer(at);
    }
    at = until;
    rooms.on_timer(at);
    calls->on_timer(at);
  }
  std::string ended(int connection_number) {
    const auto all = sink.all<CallEnded>(connection(connection_number));
    return all.empty() ? "" : all.back().reason;
  }
  std::uint64_t count(const std::string& outcome) {
    const auto counts = calls->counts();
    const auto found = counts.outcomes.find(outcome);
    return found == counts.outcomes.end() ? 0 : found->second;
  }
  std::string accepted_room(int connection_number) {
    const auto all = sink.all<CallAccepted>(connection(connection_number));
    return all.empty() ? "" : all.back().room;
  }

  FakePort port;
  std::unique_ptr<CallService> calls;
};

TEST_F(Calls, RingsAndBothAreToldWhereToMeet) {
  enlist("bob", 1);
  const auto calling = call("ann", "Bob", 2);
  EXPECT_EQ(calling.devices, 1U);
  EXPECT_EQ(calling.to, "bob") << "as it was registered";
  EXPECT_EQ(calling.outcome, "");
  const auto incoming = sink.last<CallIncoming>(connection(1));
  EXPECT_EQ(incoming.call, calling.call);
  EXPECT_EQ(incoming.from, "ann");
  EXPECT_EQ(incoming.timeout, 30s);
  EXPECT_TRUE(calls->accept(at, connection(1), calling.call));
  const auto at_ann = sink.last<CallAccepted>(connection(2)), at_bob = sink.last<CallAccepted>(connection(1));
  EXPECT_EQ(at_ann.peer, "bob");
  EXPECT_EQ(at_bob.peer, "ann");
  EXPECT_EQ(at_ann.room, at_bob.room);
  EXPECT_EQ(at_ann.room.size(), std::string("call-").size() + 22);
  EXPECT_EQ(at_ann.token, "");
  EXPECT_EQ(rooms.room(at, at_ann.room)->max_participants, 2U);
  join(at_ann.room, "ann", 12);
  join(at_ann.room, "bob", 11);
  EXPECT_EQ(refusal(request(at_ann.room, "eve", 13)), "room-full");
  EXPECT_EQ(count("accepted"), 1U);
  EXPECT_EQ(calls->counts().accepted, 1U);
}

TEST_F(Calls, TokensAdmitEachUnderItsName) {
  port.with_tokens = true;
  enlist("bob", 1);
  const auto calling = call("ann", "bob", 2);
  EXPECT_TRUE(calls->accept(at, connection(1), calling.call));
  const auto room = accepted_room(1);
  EXPECT_EQ(sink.last<CallAccepted>(connection(1)).token, "token for bob in " + room);
  EXPECT_EQ(sink.last<CallAccepted>(connection(2)).token, "token for ann in " + room);
}

TEST_F(Calls, EndWhenOneHangsUp) {
  enlist("bob", 1);
  const auto calling = call("ann", "bob", 2);
  EXPECT_TRUE(calls->accept(at, connection(1), calling.call));
  const auto room = accepted_room(1);
  const auto ann = join(room, "ann", 12);
  join(room, "bob", 11);
  EXPECT_EQ(call("carol", "bob", 3).outcome, "busy");
  EXPECT_TRUE(rooms.leave(at, ann.participant, connection(12)));
  EXPECT_EQ(sink.last<Closed>(connection(11)).reason, "hung-up");
  EXPECT_EQ(names(room), Names{"?"});
  pass(1s);
  EXPECT_EQ(calls->find(at, calling.call)->state, "ended");
  EXPECT_EQ(call("carol", "bob", 3).outcome, "");
}

// Whoever was lost may come back; who never does ends the call.
TEST_F(Calls, EndWhenOneStaysAlone) {
  enlist("bob", 1);
  const auto calling = call("ann", "bob", 2);
  EXPECT_TRUE(calls->accept(at, connection(1), calling.call));
  const auto room = accepted_room(1);
  const auto ann = join(room, "ann", 12);
  pass(20s);
  join(room, "bob", 11);
  pass(60s);
  EXPECT_EQ(names(room), (Names{"ann", "bob"}));
  rooms.connection_lost(at, connection(12));
  rooms.leg_gone(at, ann.answer.leg, LegGone::timeout);
  pass(29s);
  EXPECT_EQ(names(room), Names{"bob"});
  pass(2s);
  EXPECT_EQ(names(room), Names{"?"});
  EXPECT_EQ(sink.last<Closed>(connection(11)).reason, "hung-up");
}

TEST_F(Calls, Declined) {
  enlist("bob", 1);
  const auto calling = call("ann", "bob", 2);
  EXPECT_TRUE(calls->decline(at, connection(1), calling.call, false));
  EXPECT_EQ(ended(2), "declined");
  EXPECT_EQ(ended(1), "") << "it knows";
  EXPECT_TRUE(sink.all<CallMissed>(connection(1)).empty());
  EXPECT_EQ(code(calls->accept(at, connection(1), calling.call)), "no-such-call");
  EXPECT_EQ(count("declined"), 1U);
  EXPECT_EQ(call("ann", "bob", 2).outcome, "") << "it may be tried again";
}

TEST_F(Calls, NoAnswerIsToldToBoth) {
  enlist("bob", 1);
  call("ann", "bob", 2);
  pass(29s);
  EXPECT_EQ(ended(2), "");
  pass(2s);
  EXPECT_EQ(ended(2), "no-answer");
  EXPECT_EQ(ended(1), "no-answer");
  EXPECT_EQ(sink.last<CallMissed>(connection(1)).from, "ann");
  EXPECT_EQ(port.missed_calls, Names{"bob from ann: no-answer"});
}

TEST_F(Calls, CancelledByTheCallerOrItsConnection) {
  enlist("bob", 1);
  const auto first = call("ann", "bob", 2);
  EXPECT_EQ(code(calls->cancel(at, connection(1), first.call)), "no-such-call") << "only its caller";
  EXPECT_TRUE(calls->cancel(at, connection(2), first.call));
  EXPECT_EQ(ended(1), "cancelled");
  EXPECT_EQ(sink.all<CallMissed>(connection(1)).size(), 1U);
  sink.clear();
  call("ann", "bob", 2);
  calls->connection_lost(at, connection(2));
  EXPECT_EQ(ended(1), "cancelled");
  EXPECT_EQ(sink.all<CallMissed>(connection(1)).size(), 1U);
}

TEST_F(Calls, BusyWhileRungCallingOrTalking) {
  enlist("bob", 1);
  call("ann", "bob", 2);
  EXPECT_EQ(call("carol", "bob", 3).outcome, "busy") << "it rings";
  EXPECT_EQ(sink.last<CallMissed>(connection(1)).from, "carol");
  enlist("ann", 4);
  EXPECT_EQ(call("carol", "ann", 3).outcome, "busy") << "it calls";
  EXPECT_EQ(refused(calls->call(at, party("ann", 5, "key-of-ann"), "dave")), "conflict");
  EXPECT_EQ(count("busy"), 2U);
}

TEST_F(Calls, ADeviceThatIsBusyLeavesTheOthersRinging) {
  enlist("bob", 1);
  enlist("bob", 2);
  const auto calling = call("ann", "bob", 3);
  EXPECT_TRUE(calls->decline(at, connection(1), calling.call, true));
  EXPECT_EQ(ended(3), "");
  EXPECT_TRUE(calls->decline(at, connection(2), calling.call, true));
  EXPECT_EQ(ended(3), "busy");
}

TEST_F(Calls, OfSeveralDevicesTheFirstAnswerCounts) {
  enlist("bob", 1);
  enlist("bob", 2);
  const auto calling = call("ann", "bob", 3);
  EXPECT_EQ(calling.devices, 2U);
  enlist("bob", 4);
  pass(200ms);
  EXPECT_EQ(sink.last<CallIncoming>(connection(4)).call, calling.call) << "who comes late rings, too";
  EXPECT_TRUE(calls->accept(at, connection(2), calling.call));
  EXPECT_EQ(ended(1), "answered-elsewhere");
  EXPECT_EQ(ended(4), "answered-elsewhere");
  EXPECT_EQ(ended(2), "");
  EXPECT_EQ(code(calls->accept(at, connection(1), calling.call)), "no-such-call");
  EXPECT_EQ(calls->counts().names, 1U);
  EXPECT_EQ(calls->counts().devices, 3U);
  for (int n = 10; n < 17; ++n) enlist("bob", n);
  EXPECT_EQ(refused(calls->enlist(at, party("bob", 20, "key-of-bob"))), "too-many");
}

TEST_F(Calls, DecliningOnOneDeviceDeclinesForAll) {
  enlist("bob", 1);
  enlist("bob", 2);
  const auto calling = call("ann", "bob", 3);
  EXPECT_TRUE(calls->decline(at, connection(2), calling.call, false));
  EXPECT_EQ(ended(1), "declined-elsewhere");
  EXPECT_EQ(ended(3), "declined");
}

TEST_F(Calls, WhoIsNotThereHearsOfItLater) {
  EXPECT_EQ(call("ann", "bob", 2).outcome, "unreachable");
  pass(10s);
  EXPECT_EQ(call("ann", "bob", 2).outcome, "unreachable");
  EXPECT_EQ(call("carol", "bob", 3).outcome, "unreachable");
  pass(10s);
  const auto missed = enlist("bob", 1).missed;
  ASSERT_EQ(missed.size(), 2U);
  EXPECT_EQ(missed[0].from, "ann");
  EXPECT_EQ(missed[0].count, 2U);
  EXPECT_EQ(at - missed[0].last, 10s);
  EXPECT_EQ(missed[1].from, "carol");
  EXPECT_TRUE(calls->withdraw(at, connection(1)));
  EXPECT_TRUE(enlist("bob", 1).missed.empty()) << "told once";
}

TEST_F(Calls, MissedCallsAreBoundedInNumberAndAge) {
  for (int n = 0; n < 30; ++n) call("caller" + std::to_string(n), "bob", 2);
  for (int n = 0; n < 1500; ++n) call("x" + std::to_string(n), "nobody" + std::to_string(n), 2);
  pass(1s);
  EXPECT_TRUE(enlist("bob", 1).missed.empty()) << "the oldest went first";
  EXPECT_TRUE(enlist("nobody400", 3).missed.empty());
  EXPECT_EQ(enlist("nobody1400", 4).missed.size(), 1U);
  for (int n = 0; n < 30; ++n) call("caller" + std::to_string(n), "dave", 2);
  const auto missed = enlist("dave", 5).missed;
  ASSERT_EQ(missed.size(), CallService::kMaxMissedOfOne);
  EXPECT_EQ(missed.back().from, "caller29");
  call("ann", "zoe", 2);
  at += CallService::kMissedKept;
  calls->on_timer(at);
  EXPECT_TRUE(enlist("zoe", 6).missed.empty());
}

TEST_F(Calls, TwoWhoCallEachOtherAreConnected) {
  enlist("ann", 1);
  enlist("bob", 2);
  const auto first = call("ann", "bob", 11);
  const auto second = call("bob", "ann", 12);
  EXPECT_EQ(second.call, first.call);
  EXPECT_EQ(second.outcome, "");
  pass(200ms);
  EXPECT_FALSE(accepted_room(11).empty());
  EXPECT_EQ(accepted_room(11), accepted_room(12));
  EXPECT_EQ(ended(2), "answered-elsewhere");
  EXPECT_EQ(calls->calls(at).size(), 1U);
  EXPECT_EQ(rooms.counts().rooms, 1U);
}

// Who is not registered anywhere but calls can be reached by whom it calls.
TEST_F(Calls, GlareNeedsNoRegistration) {
  enlist("bob", 2);
  call("ann", "bob", 11);
  call("bob", "ann", 2);
  pass(200ms);
  EXPECT_FALSE(accepted_room(2).empty());
  EXPECT_EQ(accepted_room(11), accepted_room(2));
}

TEST_F(Calls, ANameBelongsToItsFirstHolder) {
  enlist("bob", 1);
  EXPECT_EQ(refused(calls->enlist(at, party("bob", 2, "another-key"))), "name-taken");
  EXPECT_EQ(refused(calls->enlist(at, party("BOB", 2))), "name-taken") << "capitals make no other name";
  EXPECT_EQ(refused(calls->call(at, party("bob", 2), "ann")), "name-taken") << "nor does it call as bob";
  EXPECT_EQ(refused(calls->enlist(at, party("ann", 1))), "already-joined");
  enlist("bob", 3);
  calls->connection_lost(at, connection(1));
  calls->connection_lost(at, connection(3));
  pass(59s);
  EXPECT_EQ(refused(calls->enlist(at, party("bob", 2, "another-key"))), "name-taken") << "it may come back";
  enlist("bob", 4);
  EXPECT_TRUE(calls->withdraw(at, connection(4)));
  enlist(party("bob", 2, "another-key"));
}

TEST_F(Calls, ANameIsFreeAMinuteAfterItsHolderWasLost) {
  enlist("bob", 1);
  calls->connection_lost(at, connection(1));
  pass(61s);
  enlist(party("bob", 2, "another-key"));
  EXPECT_EQ(calls->counts().names, 1U);
}

TEST_F(Calls, WithTokensTheTokenSaysTheName) {
  auto settings = generous_calls();
  settings.token_required = true;
  restart(settings);
  EXPECT_EQ(refused(calls->enlist(at, party("bob", 1))), "bad-token");
  EXPECT_EQ(refused(calls->call(at, party("ann", 1), "bob")), "bad-token");
  auto bob = party("mallory", 1);
  bob.admitted_name = "bob";
  EXPECT_EQ(enlist(bob).name, "bob");
  bob.connection = connection(2);
  EXPECT_EQ(enlist(bob).name, "bob") << "another device, no key needed";
  auto bad = party("bob", 3);
  bad.bad_token = refuse(RefusalCode::bad_token, "the token has expired");
  EXPECT_EQ(refused(calls->enlist(at, bad)), "bad-token");
  const auto calling = calls->call(at, party("", 1), "carol");
  ASSERT_TRUE(calling) << calling.error().what << ": who is registered needs nothing else to call";
}

TEST_F(Calls, NamesThatCannotBe) {
  for (const std::string& name : {std::string(300, 'x'), std::string(), std::string("   "),
                                  std::string("a\nb"), std::string("\xff\xfe"),
                                  std::string("\xe2\x80\xae"
                                              "bob")}) {
    EXPECT_EQ(refused(calls->enlist(at, party(name, 1))), "bad-value") << name;
    EXPECT_EQ(refused(calls->call(at, party(name, 1), "bob")), "bad-value") << name;
    EXPECT_EQ(refused(calls->call(at, party("ann", 1), name)), "bad-value") << name;
    EXPECT_EQ(refused(calls->call_for(at, "ann", name)), "bad-value") << name;
  }
  EXPECT_EQ(refused(calls->call(at, party("ann", 1), "Ann")), "bad-value") << "oneself";
}

TEST_F(Calls, FloodsAreHeldBack) {
  auto settings = generous_calls();
  settings.calls_per_minute = 10;
  settings.requests_per_second_per_address = 5;
  restart(settings);
  enlist("bob", 1);
  int taken = 0;
  for (int n = 0; n < 100; ++n) {
    const auto calling = calls->call(at, party("ann", 2), "bob");
    if (!calling) continue;
    ++taken;
    EXPECT_TRUE(calls->cancel(at, connection(2), calling->call));
  }
  EXPECT_EQ(taken, 10) << "of one caller";
  EXPECT_EQ(refused(calls->call(at, party("ann", 2), "bob")), "too-many");
  at += 20s;
  taken = 0;
  for (int n = 0; n < 100; ++n)
    taken += calls->call(at, party("caller" + std::to_string(n), 3), "nobody").ok() ? 1 : 0;
  EXPECT_EQ(taken, 50) << "of one address";
  auto local = party("carol", 4);
  local.remote_ip = "127.0.0.1";
  EXPECT_TRUE(calls->call(at, local, "dave"));
}

TEST_F(Calls, NamesAreBounded) {
  auto settings = generous_calls();
  settings.max_names = 3;
  restart(settings);
  for (int n = 1; n <= 3; ++n) enlist("name" + std::to_string(n), n);
  EXPECT_EQ(refused(calls->enlist(at, party("one too many", 9))), "server-full");
}

// The devices that were registered are on their way back: they are waited for.
TEST_F(Calls, RightAfterARestartACallWaitsForItsDevices) {
  calls = std::make_unique<CallService>(generous_calls(), rooms, port, sink, at);
  const auto calling = call("ann", "bob", 2);
  EXPECT_EQ(calling.outcome, "");
  EXPECT_EQ(calling.devices, 0U);
  pass(2s);
  enlist("bob", 1);
  pass(200ms);
  EXPECT_EQ(sink.last<CallIncoming>(connection(1)).from, "ann");
  EXPECT_TRUE(calls->accept(at, connection(1), calling.call));
  call("carol", "dave", 3);
  pass(5s);
  EXPECT_EQ(ended(3), "unreachable") << "who does not come is not waited for";
}

TEST_F(Calls, ADeviceThatIsLostWhileItRingsMayComeBack) {
  enlist("bob", 1);
  const auto calling = call("ann", "bob", 2);
  calls->connection_lost(at, connection(1));
  pass(3s);
  EXPECT_EQ(ended(2), "");
  enlist("bob", 3);
  pass(4s);
  EXPECT_EQ(sink.last<CallIncoming>(connection(3)).call, calling.call);
  calls->connection_lost(at, connection(3));
  pass(6s);
  EXPECT_EQ(ended(2), "unreachable");
  EXPECT_EQ(enlist("bob", 4).missed.size(), 1U);
  call("ann", "bob", 2);
  EXPECT_TRUE(calls->withdraw(at, connection(4)));
  EXPECT_EQ(ended(2), "unreachable") << "it went on purpose";
}

TEST_F(Calls, AServerThatStopsTellsEverybody) {
  enlist("bob", 1);
  call("ann", "bob", 2);
  calls->close_all("server-stopping", "The server is stopping.");
  EXPECT_EQ(sink.last<Closed>(connection(1)).reason, "server-stopping");
  EXPECT_EQ(sink.last<Closed>(connection(2)).reason, "server-stopping");
}

TEST_F(Calls, ARoomThatCannotBeMadeEndsTheCall) {
  enlist("bob", 1);
  const auto calling = call("ann", "bob", 2);
  rooms.close_all(at, "server-stopping", "");
  EXPECT_EQ(code(calls->accept(at, connection(1), calling.call)), "server-stopping");
  EXPECT_EQ(ended(2), "failed");
}

TEST_F(Calls, TheAdministratorCallsAndHangsUp) {
  enlist("bob", 1);
  const auto calling = calls->call_for(at, "Support", "bob");
  ASSERT_TRUE(calling);
  EXPECT_EQ(sink.last<CallIncoming>(connection(1)).from, "Support");
  EXPECT_EQ(calls->find(at, calling->call)->state, "ringing");
  EXPECT_EQ(calls->reachable().at(0).busy, true);
  EXPECT_TRUE(calls->accept(at, connection(1), calling->call));
  const auto info = *calls->find(at, calling->call);
  EXPECT_EQ(info.state, "accepted");
  join(info.room, "Support", 12);
  EXPECT_TRUE(calls->end_call(at, calling->call));
  EXPECT_EQ(sink.last<Closed>(connection(12)).reason, "hung-up");
  EXPECT_EQ(calls->find(at, calling->call)->state, "ended");
  EXPECT_EQ(code(calls->end_call(at, calling->call)), "no-such-call");
  pass(CallService::kRemembered + 1s);
  EXPECT_EQ(refused(calls->find(at, calling->call)), "no-such-call");
  EXPECT_FALSE(calls->reachable().at(0).busy);
}

}  // namespace
}  // namespace parley::room
