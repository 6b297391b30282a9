// A room around a TalkerSelector in virtual time: legs that send packets by a script, a playout delay, and
// decoders that report the loudness which the script gave the packet.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "pipelines/media/talker_selector.hpp"

namespace parley::media::testing {

// One packet of a leg, or none (nullopt): what it says of itself and how it decodes.
struct Sent {
  enum class Kind : std::uint8_t { silk_clear, silk_voice, dtx, broken };
  Kind kind = Kind::silk_clear;
  std::uint8_t level = MediaPacket::kNoLevel;
  bool voice_flag = false;
  float dbfs = -90.0F;  // decoded
  std::shared_ptr<const std::vector<std::uint8_t>> payload =
      nullptr;  // instead of one that only looks like the kind
};
using Script = std::function<std::optional<Sent>(Duration since_start)>;

inline MediaPacket opus_packet(const Sent& sent) {
  static const std::vector<std::vector<std::uint8_t>> payloads = {
      {0x48, 0x00, 0x55, 0x55, 0x55},  // SILK wideband 20 ms mono, voice bit clear
      {0x48, 0x80, 0x55, 0x55, 0x55},  // the same with the bit set
      {0x48},                          // DTX
      {0x4b},                          // code 3 without its frame count
  };
  MediaPacket packet;
  packet.assign(sent.payload != nullptr ? *sent.payload : payloads[static_cast<std::size_t>(sent.kind)]);
  packet.level = sent.level;
  packet.voice = sent.voice_flag;
  return packet;
}

class TalkerRoom {
 public:
  explicit TalkerRoom(const TalkerConfig& config = {}, Duration tick = 20ms)
      : selector(config), tick_(tick) {}

  void join(std::uint32_t id, bool has_levels, Script script, Duration delay = 0ms) {
    selector.add(LegId{id}, Codec::opus, has_levels);
    legs_[id] = {std::move(script), delay, {}, {}};
  }

  // One tick: packets of the last tick arrive, the selector chooses, the chosen are decoded.
  void step() {
    at_ += tick_;
    for (auto& [id, leg] : legs_) send(id, leg);
    const auto choice = selector.choose(at_);
    for (const auto& [id, listening] : choice) {
      Leg& leg = legs_[raw(id)];
      leg.listening = listening;
      if (listening == Listening::talker) leg.talked += tick_;
      if (listening == Listening::look) ++leg.looks;
    }
    for (auto& [id, leg] : legs_) {
      const float dbfs = playing(leg);
      if (leg.listening != Listening::skip) selector.on_decoded(LegId{id}, at_, dbfs, leg.delay);
    }
    for (const auto& change : selector.changes()) events.push_back({since_start(), change});
  }
  void run(Duration duration) {
    for (const TimePoint end = at_ + duration; at_ < end;) step();
  }

  Duration since_start() const { return at_ - kStart; }
  TimePoint at() const { return at_; }
  Listening listening(std::uint32_t id) const { return legs_.at(id).listening; }
  bool talks(std::uint32_t id) const { return listening(id) == Listening::talker; }
  Duration talked(std::uint32_t id) const { return legs_.at(id).talked; }  // in a talker's place, in all
  int looks(std::uint32_t id) const { return legs_.at(id).looks; }         // ticks decoded as a look
  std::size_t talkers() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(legs_, [](const auto& l) { return l.second.listening == Listening::talker; }));
  }
  void leave(std::uint32_t id) {
    selector.remove(LegId{id});
    legs_.erase(id);
  }

  TalkerSelector selector;
  struct Event {
    Duration at;
    TalkerSelector::TalkingChange change;
  };
  std::vector<Event> events;

 private:
  static constexpr TimePoint kStart{1h};
  static constexpr Duration kPacket = 20ms;

  struct Leg {
    Script script;
    Duration delay;
    std::vector<float> loudness;  // of each packet period since the start
    Listening listening = Listening::skip;
    Duration talked{};
    int looks = 0;
  };

  // A packet leaves at the end of the 20 ms it holds.
  void send(std::uint32_t id, Leg& leg) {
    while (Duration(kPacket * (leg.loudness.size() + 1)) <= since_start()) {
      const Duration start = kPacket * leg.loudness.size();
      const std::optional<Sent> sent = leg.script(start);
      leg.loudness.push_back(sent.has_value() ? sent->dbfs : -127.0F);
      if (!sent.has_value()) continue;
      MediaPacket packet = opus_packet(*sent);
      packet.arrival = kStart + start + kPacket;
      selector.on_packet(LegId{id}, packet);
    }
  }
  float playing(const Leg& leg) const {
    const auto index = (since_start() - leg.delay) / kPacket - 1;
    return index < 0 || index >= static_cast<std::int64_t>(leg.loudness.size())
               ? -127.0F
               : leg.loudness[static_cast<std::size_t>(index)];
  }

  Duration tick_;
  TimePoint at_ = kStart;
  std::map<std::uint32_t, Leg> legs_;
};

// Scripts.
inline Script always(const Sent& sent) {
  return [sent](Duration) { return sent; };
}
inline Script between(Duration from, Duration to, const Sent& inside, const Sent& outside) {
  return [=](Duration t) { return t >= from && t < to ? inside : outside; };
}

inline Sent level_voice(int level) {
  return {Sent::Kind::silk_clear, static_cast<std::uint8_t>(level), true, -static_cast<float>(level)};
}
inline Sent level_quiet(int level = 90) {
  return {Sent::Kind::silk_clear, static_cast<std::uint8_t>(level), false, -static_cast<float>(level)};
}
inline Sent bit_voice(float dbfs) {
  return {Sent::Kind::silk_voice, MediaPacket::kNoLevel, false, dbfs};
}
inline Sent bit_clear(float dbfs) {
  return {Sent::Kind::silk_clear, MediaPacket::kNoLevel, false, dbfs};
}
inline Sent dtx() {
  return {Sent::Kind::dtx, MediaPacket::kNoLevel, false, -127.0F};
}

}  // namespace parley::media::testing
