// Stand-ins for what RoomService drives: a media plane that writes down what it was told and insists on
// order, and a sink that keeps events by connection.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "mcu/room/events.hpp"
#include "mcu/room/ports.hpp"
#include "mcu/room/room_service.hpp"
#include "transport/base/log.hpp"

namespace parley::room {

class FakeMedia final : public MediaPort {
 public:
  struct Leg {
    RoomId room = RoomId::none;
    LegOffer offer;
    MediaDirection direction;
    bool muted = false;
    float gain_db = 0;
    std::uint32_t group = 0;
    Carrier carrier = Carrier::udp;
    std::map<LegId, PersonalGain> personal;
    std::vector<LegId> audience;
    float duck_db = 0;
  };

  // What the next offers are answered with.
  int refuse_with = 0;  // an HTTP status, 0: accept
  bool conflict_while_legs_exist = false;
  bool encrypted = true;
  std::string codec = "opus";
  std::string patch_answer;

  std::map<RoomId, RoomMediaOptions> rooms;
  std::map<LegId, Leg> legs;
  std::map<LegId, std::string> removed;  // with the reason
  int rooms_opened = 0;

  void open_room(RoomId room, const RoomMediaOptions& options) override {
    EXPECT_TRUE(used_.insert(raw(room)).second) << "a RoomId was used again";
    rooms[room] = options;
    ++rooms_opened;
  }
  void close_room(RoomId room) override {
    EXPECT_EQ(rooms.erase(room), 1U) << "closing a room that is not open";
    for (const auto& [id, leg] : legs) EXPECT_NE(leg.room, room) << "closing a room with legs";
  }
  Result<LegAnswer> add_leg(RoomId room, const LegOffer& offer) override {
    EXPECT_TRUE(rooms.contains(room)) << "a leg for a room that is not open";
    if (refuse_with != 0) return Error{"refused", refuse_with};
    if (conflict_while_legs_exist && !legs.empty()) return Error{"address taken", 409};
    const auto id = static_cast<LegId>(++last_);
    Leg leg;
    leg.room = room;
    leg.offer = offer;
    if (offer.sdp.find("sendonly") != std::string::npos) leg.direction.receives = false;
    if (offer.sdp.find("recvonly") != std::string::npos) leg.direction.sends = false;
    legs[id] = leg;
    return LegAnswer{id, "answer to " + offer.sdp, leg.direction, encrypted, codec};
  }
  void remove_leg(LegId leg, const std::string& reason) override {
    EXPECT_EQ(legs.erase(leg), 1U) << "removing a leg that is not there";
    removed[leg] = reason;
  }
  void set_direction(LegId leg, MediaDirection direction) override { at(leg).direction = direction; }
  void set_muted(LegId leg, bool muted) override { at(leg).muted = muted; }
  void set_gain(LegId leg, float gain_db) override { at(leg).gain_db = gain_db; }
  void set_personal_gain(LegId listener, LegId talker, std::optional<float> gain_db, bool mute) override {
    at(talker);
    at(listener).personal[talker] = {gain_db, mute};
  }
  void set_audience(LegId talker, const std::vector<LegId>& listeners, float duck_db) override {
    for (const auto listener : listeners) at(listener);
    at(talker).audience = listeners;
    at(talker).duck_db = duck_db;
  }
  Status set_carrier(LegId leg, Carrier carrier) override {
    if (!encrypted) return Error{"no other carrier", 409};
    at(leg).carrier = carrier;
    return Done{};
  }
  void set_group(LegId leg, std::uint32_t group) override { at(leg).group = group; }
  Result<std::string> patch_leg(LegId leg, const std::string& fragment) override {
    at(leg);
    if (fragment == "bad") return Error{"bad fragment", 400};
    return patch_answer;
  }

  Leg& at(LegId leg) {
    if (!legs.contains(leg)) ADD_FAILURE() << "leg " << raw(leg) << " is not there";
    return legs[leg];
  }
  LegId last_leg() const { return static_cast<LegId>(last_); }

 private:
  std::uint32_t last_ = 0;
  std::set<std::uint32_t> used_;
};

class FakeSink final : public EventSink {
 public:
  std::map<ConnectionId, std::vector<Event>> events;

  void publish(std::span<const ConnectionId> to, const Event& event) override {
    for (const auto connection : to) {
      EXPECT_NE(connection, ConnectionId::none);
      events[connection].push_back(event);
    }
  }

  template <typename E>
  std::vector<E> all(ConnectionId connection) const {
    std::vector<E> found;
    if (const auto of = events.find(connection); of != events.end())
      for (const auto& event : of->second)
        if (const auto* one = std::get_if<E>(&event)) found.push_back(*one);
    return found;
  }
  template <typename E>
  E last(ConnectionId connection) const {
    const auto found = all<E>(connection);
    if (found.empty()) ADD_FAILURE() << "no such event";
    return found.empty() ? E{} : found.back();
  }
  void clear() { events.clear(); }
};

// A service with generous limits, its fakes and a clock.
class RoomTest : public ::testing::Test {
 protected:
  static RoomSettings generous() {
    RoomSettings settings;
    settings.joins_per_second = 0;
    settings.joins_per_second_per_address = 0;
    return settings;
  }
  explicit RoomTest(const RoomSettings& settings = generous()) : rooms(settings, media, sink) {
    spdlog::set_level(spdlog::level::warn);
  }

  static ConnectionId connection(int n) { return static_cast<ConnectionId>(n); }
  static JoinRequest request(const std::string& room, const std::string& name, int connection_number = 0) {
    JoinRequest wanted;
    wanted.room = room;
    wanted.name = name;
    wanted.sdp = "offer of " + name;
    wanted.remote_ip = "192.0.2.1";
    wanted.connection = connection(connection_number);
    return wanted;
  }
  static JoinRequest as_moderator(JoinRequest wanted) {
    wanted.admission = Admission{};
    wanted.admission->role = Role::moderator;
    return wanted;
  }
  Joined join(const JoinRequest& wanted) {
    auto joined = rooms.join(at, wanted);
    if (!joined) ADD_FAILURE() << "join refused: " << joined.error().what;
    return joined ? *joined : Joined{};
  }
  Joined join(const std::string& room, const std::string& name, int connection_number = 0) {
    return join(request(room, name, connection_number));
  }
  std::string refusal(const JoinRequest& wanted) {
    const auto joined = rooms.join(at, wanted);
    return joined ? "none" : std::string(text(refusal_code(joined.error())));
  }
  static std::string code(const Status& status) {
    return status ? "ok" : std::string(text(refusal_code(status.error())));
  }
  // Names of who is in, in order; "?" where there is no such room.
  std::vector<std::string> names(const std::string& room) const {
    const auto roster = rooms.roster(room);
    if (!roster) return {"?"};
    std::vector<std::string> all;
    for (const auto& who : *roster) all.push_back(who.name);
    return all;
  }
  ParticipantInfo info(const std::string& room, const ParticipantId& id) const {
    const auto roster = rooms.roster(room);
    if (roster) {
      for (const auto& who : *roster)
        if (who.id == id) return who;
    }
    ADD_FAILURE() << "no participant " << id;
    return {};
  }

  TimePoint at{1000s};
  FakeMedia media;
  FakeSink sink;
  RoomService rooms;
};

}  // namespace parley::room
