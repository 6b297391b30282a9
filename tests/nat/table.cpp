#include "tests/nat/table.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <thread>

namespace parley::nat {

using client::PathKind;

namespace {

constexpr std::size_t kAtOnce = 6;
constexpr Lab::Weather kWeather{10ms, 0ms, 0};  // 20 ms there and back
constexpr Duration kStep = 5ms;
// Predictions take until 1.6 s after the start, drawn ports until 4.1 s.
constexpr Duration kTimeForNever = 2500ms, kTimeForAlways = 5s, kTimeForLikely = 6s;

bool is_symmetric(Kind kind) {
  return kind == Kind::symmetric || kind == Kind::symmetric_random;
}
bool is_live(const Person& person) {
  return person.caller->session().state() == client::SessionState::live;
}

class Watch {
 public:
  explicit Watch(World& world) : world_(world), direct_(world.calls.size()) {}

  bool until(const std::function<bool()>& done, Duration limit) {
    for (const TimePoint end = now() + limit; now() < end; std::this_thread::sleep_for(kStep)) {
      for (std::size_t i = 0; i < begun_.size(); ++i)
        if (!direct_[i] && both_on(world_.calls[i], PathKind::direct)) direct_[i] = now();
      if (done()) return true;
    }
    return done();
  }
  // The next call, the second of the two when the first is there.
  void call() {
    auto& [ann, bob] = world_.calls[begun_.size()];
    const auto room = "room" + std::to_string(begun_.size());
    ann.join(world_.url(), room, "ann");
    until([&ann = ann] { return is_live(ann); }, 5s);
    const TimePoint begun = now();
    bob.join(world_.url(), room, "bob");
    until([&bob = bob] { return is_live(bob); }, 5s);
    begun_.push_back(begun);
  }
  bool direct(std::size_t call) const { return direct_[call].has_value(); }
  double direct_ms(std::size_t call) const {
    return direct_[call] ? to_ms(*direct_[call] - begun_[call]) : -1;
  }

 private:
  World& world_;
  std::vector<TimePoint> begun_;
  std::vector<std::optional<TimePoint>> direct_;
};

std::string deaf(const Pair& call) {
  const auto missing = both_hear(call);
  return missing.empty() ? "" : "NOT BOTH HEAR: " + missing;
}

std::vector<Case> homes(World& world) {
  auto& lab = world.lab;
  std::vector<Case> cases;
  int net = 100;
  const auto public_ip = [&net] { return ip(("198.51.100." + std::to_string(++net)).c_str()); };
  for (const bool hairpin : {false, true}) {
    const std::string with = hairpin ? " with hairpin" : " without hairpin";
    NatBox& shared = lab.add_nat(Kind::port_restricted, public_ip(), hairpin);
    cases.push_back({"same NAT" + with,
                     "same NAT",
                     {Person{&lab.add_host(ip("192.168.1.2"), {&shared}), kAnnHz},
                      Person{&lab.add_host(ip("192.168.1.3"), {&shared}), kBobHz}},
                     Meets::always});
    // Two homes behind one carrier, which alone knows the way from one to the other.
    NatBox& carrier = lab.add_nat(Kind::port_restricted, public_ip(), hairpin);
    NatBox& one = lab.add_nat(Kind::port_restricted, ip("100.64.0.2"));
    NatBox& two = lab.add_nat(Kind::port_restricted, ip("100.64.0.3"));
    cases.push_back({"same carrier NAT" + with,
                     "another home",
                     {Person{&lab.add_host(ip("192.168.1.2"), {&one, &carrier}), kAnnHz},
                      Person{&lab.add_host(ip("192.168.1.2"), {&two, &carrier}), kBobHz}},
                     hairpin ? Meets::always : Meets::never});
  }
  NatBox& inner = lab.add_nat(Kind::port_restricted, ip("100.64.0.2"));
  NatBox& outer = lab.add_nat(Kind::port_restricted, public_ip());
  cases.push_back({"double NAT",
                   "port-restricted",
                   {Person{&lab.add_host(ip("192.168.1.2"), {&inner, &outer}), kAnnHz},
                    world.person(Kind::port_restricted, kBobHz)},
                   Meets::always});
  return cases;
}

}  // namespace

const std::vector<Side>& sides() {
  static const std::vector<Side> kSides = [] {
    std::vector<Side> all;
    for (const Kind kind : {Kind::none, Kind::full_cone, Kind::address_restricted, Kind::port_restricted,
                            Kind::symmetric, Kind::symmetric_random})
      all.push_back({to_string(kind), kind});
    all.push_back(kNoUdp);
    return all;
  }();
  return kSides;
}

Meets expected(const Side& a, const Side& b) {
  if (!a.udp || !b.udp || (is_symmetric(a.kind) && is_symmetric(b.kind))) return Meets::never;
  const auto drawn = [](const Side& one, const Side& other) {
    return one.kind == Kind::symmetric_random && other.kind == Kind::port_restricted;
  };
  return drawn(a, b) || drawn(b, a) ? Meets::likely : Meets::always;
}

Person person(World& world, const Side& side, double hz) {
  return side.udp ? world.person(side.kind, hz) : world.person_without_udp(hz);
}

std::vector<Outcome> examine(World& world, std::vector<Case> cases) {
  for (auto& one : cases) world.calls.push_back(std::move(one.people));
  world.open();
  world.lab.take_lateness();
  Watch watch(world);
  for (std::size_t i = 0; i < cases.size(); ++i) watch.call();
  const auto has = [&](Meets what) {
    return std::any_of(cases.begin(), cases.end(), [what](const auto& c) { return c.expected == what; });
  };
  if (has(Meets::never)) watch.until([] { return false; }, kTimeForNever);
  watch.until(
      [&] {
        for (std::size_t i = 0; i < cases.size(); ++i)
          if (cases[i].expected != Meets::never && !watch.direct(i)) return false;
        return true;
      },
      has(Meets::likely) ? kTimeForLikely : kTimeForAlways);

  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& call = world.calls[i];
    const auto stats = call.second.caller->session().stats();
    Outcome out{cases[i].a, cases[i].b, cases[i].expected};
    out.direct = watch.direct(i);
    out.joined_ms = stats.join_ms;
    out.connected_ms = stats.connect_ms;
    out.audio_ms = stats.first_audio_ms;
    out.direct_ms = watch.direct_ms(i);
    out.deaf = deaf(call);
    const auto before = world.lab.passed(*call.first.host, *call.second.host);
    std::this_thread::sleep_for(200ms);
    out.peer_to_peer = world.lab.passed(*call.first.host, *call.second.host) - before >= 10;
    out.late_ms = to_ms(world.lab.take_lateness());
    outcomes.push_back(std::move(out));
  }
  return outcomes;
}

std::vector<Outcome> examine_all(const std::vector<Side>& kinds, bool with_homes) {
  std::vector<std::pair<Side, Side>> pairs;
  bool tls = false;
  for (std::size_t i = 0; i < kinds.size(); ++i)
    for (std::size_t j = i; j < kinds.size(); ++j) pairs.emplace_back(kinds[i], kinds[j]);
  // Those without UDP need a server with a certificate: last.
  std::stable_partition(pairs.begin(), pairs.end(),
                        [](const auto& pair) { return pair.first.udp && pair.second.udp; });
  std::vector<Outcome> all;
  const auto take = [&all](std::vector<Outcome> some) {
    print(some);
    std::move(some.begin(), some.end(), std::back_inserter(all));
  };
  for (auto at = pairs.begin(); at != pairs.end();) {
    tls = !at->first.udp || !at->second.udp;
    World world(kWeather, {.tls = tls});
    std::vector<Case> cases;
    for (; cases.size() < kAtOnce && at != pairs.end(); ++at) {
      const auto& [a, b] = *at;
      if ((!a.udp || !b.udp) != tls) break;
      cases.push_back({a.name, b.name, {person(world, a, kAnnHz), person(world, b, kBobHz)}, expected(a, b)});
    }
    take(examine(world, std::move(cases)));
  }
  if (with_homes) {
    World world(kWeather);
    take(examine(world, homes(world)));
  }
  return all;
}

void print(const std::vector<Outcome>& outcomes) {
  for (const auto& o : outcomes) {
    char direct[40] = "through the server";
    if (o.direct) std::snprintf(direct, sizeof direct, "direct after %4.0f ms", o.direct_ms);
    std::printf("%-32s %-18s first audio %4.0f ms (joined %3.0f, connected %3.0f)  %-20s  %s\n", o.a.c_str(),
                o.b.c_str(), o.audio_ms, o.joined_ms, o.connected_ms, direct,
                o.deaf.empty() ? "both hear each other" : o.deaf.c_str());
  }
  std::fflush(stdout);
}

std::string complaint(const Outcome& o) {
  const std::string who = o.a + " with " + o.b + ": ";
  if (!o.deaf.empty()) return who + o.deaf;
  if (o.expected != Meets::likely && o.direct != (o.expected == Meets::always))
    return who + (o.direct ? "should not have met" : "should have met");
  if (o.direct != o.peer_to_peer) return who + "the sound takes another way than it is said to";
  return {};
}

}  // namespace parley::nat
