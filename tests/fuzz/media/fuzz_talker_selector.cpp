// A room of a few legs fed with packets, decoded levels, joins, leaves and mutes read from the input: the
// choice stays consistent whatever they claim, and the talkers stay within their places.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>

#include "pipelines/media/talker_selector.hpp"

namespace {

using namespace parley;         // NOLINT
using namespace parley::media;  // NOLINT

constexpr int kPlaces = 2;

void check(bool condition) {
  if (!condition) std::abort();
}

void tick(TalkerSelector& selector, const std::set<LegId>& legs, const std::set<LegId>& muted, TimePoint at,
          ByteReader& input) {
  int talkers = 0;
  const auto choices = selector.choose(at);
  check(choices.size() == legs.size());
  for (const auto& [leg, listening] : choices) {
    check(legs.contains(leg));
    talkers += listening == Listening::talker ? 1 : 0;
    if (listening == Listening::skip) continue;
    check(!muted.contains(leg));
    selector.on_decoded(leg, at, -static_cast<float>(input.u8()), input.u8() * 1ms);
  }
  check(talkers <= kPlaces);
  for (const auto& change : selector.changes()) check(legs.contains(change.leg) && change.level <= 127);
  check(selector.active_speakers().size() <= legs.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader input({data, size});
  TalkerConfig config;
  config.max_talkers = kPlaces;
  TalkerSelector selector(config);
  std::set<LegId> legs;
  std::set<LegId> muted;
  TimePoint at{1h};
  while (input.ok() && input.remaining() > 0) {
    const std::uint8_t action = input.u8();
    const auto leg = static_cast<LegId>(action >> 4);
    switch (action & 0x0fU) {
      case 0:
        selector.add(leg, static_cast<Codec>(input.u8() % 3), (input.u8() & 1U) != 0);
        legs.insert(leg);
        break;
      case 1:
        selector.remove(leg);
        legs.erase(leg);
        muted.erase(leg);
        break;
      case 2:
        selector.set_muted(leg, true);
        if (legs.contains(leg)) muted.insert(leg);
        break;
      case 3:
        selector.set_muted(leg, false);
        muted.erase(leg);
        break;
      case 4:
      case 5:
      case 6:
      case 7:
        tick(selector, legs, muted, at, input);
        at += (1 + input.u8()) * 1ms;
        break;
      default: {
        MediaPacket packet;
        packet.level = input.u8();
        packet.voice = (packet.level & 1U) != 0;
        packet.arrival = at - input.u8() * 1ms;
        packet.assign(input.take(input.u8() % 16U));
        selector.on_packet(leg, packet);
      }
    }
  }
  return 0;
}
