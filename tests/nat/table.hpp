// Who can meet whom: calls are made one after another, and watched until they have gone direct or had the
// time to.
#pragma once

#include <string>
#include <vector>

#include "tests/nat/world.hpp"

namespace parley::nat {

enum class Meets : std::uint8_t { never, likely, always };

// One end of a pair.
struct Side {
  const char* name;
  Kind kind;
  bool udp = true;
};
inline constexpr Side kNoUdp{"UDP blocked", Kind::port_restricted, false};

const std::vector<Side>& sides();  // every kind, and without UDP
Meets expected(const Side& a, const Side& b);
Person person(World& world, const Side& side, double hz);

struct Case {
  std::string a, b;
  Pair people;
  Meets expected = Meets::always;
};

struct Outcome {
  std::string a, b;
  Meets expected = Meets::always;
  bool direct = false;
  // Of who came second, from its start: the server's answer, media connected, the first packet, both direct.
  double joined_ms = 0, connected_ms = 0, audio_ms = 0, direct_ms = -1;
  std::string deaf = {};      // empty: both hear each other, before and after; or who misses what
  bool peer_to_peer = false;  // what they hear, they hear from each other
  double late_ms = 0;         // the laboratory itself, meanwhile
};

std::vector<Outcome> examine(World& world, std::vector<Case> cases);
// Every pair of kinds and the homes of several NATs, a few calls at a time.
std::vector<Outcome> examine_all(const std::vector<Side>& kinds, bool homes);
void print(const std::vector<Outcome>& outcomes);
// Empty: as expected.
std::string complaint(const Outcome& outcome);

}  // namespace parley::nat
