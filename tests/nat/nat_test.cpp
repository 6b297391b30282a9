// What a call hears when its path changes: real clients and a real server on a network of namespaces.
// Skipped, loudly, where namespaces or TUN devices cannot be made.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "client/direct_path.hpp"
#include "tests/nat/world.hpp"
#include "tests/support/course.hpp"
#include "tests/support/speech.hpp"

namespace parley::nat {
namespace {

using client::PathKind;
using scenario::wait_tone;
using scenario::wait_until;

// What two calls hear while their path changes: one of tones, in which silences are found, and one of voices,
// in which it is found what was heard twice or left out.
class Change : public testing::Test {
 protected:
  void begin(const Lab::Weather& weather) {
    world_ = std::make_unique<World>(weather);
    for (int i = 0; i < 2; ++i)
      world_->calls.emplace_back(world_->person(Kind::port_restricted, kAnnHz),
                                 world_->person(Kind::port_restricted, kBobHz));
    carol_ = world_->person(Kind::full_cone, 1'100);
    dave_ = world_->person(Kind::full_cone, 1'100);
    voices().first.words = words(120, 1);
    voices().second.words = words(200, 2);
    world_->start();
    ASSERT_EQ(both_hear(tones()), "");
    for (const auto& call : world_->calls) ASSERT_GE(time_to_direct(call, 10s), 0);
    ASSERT_EQ(both_hear(tones()), "");
    std::this_thread::sleep_for(client::DirectPath::kProbation + 500ms);
    world_->lab.take_lateness();
    from_ann_ = tones().first.caller->heard().size();
    from_bob_ = tones().second.caller->heard().size();
    direct_ms_ = delay_ms(false);
  }
  static std::shared_ptr<const std::vector<float>> words(double pitch, std::uint32_t seed) {
    test::SpeechStyle style;
    style.pitch_hz = pitch;
    style.pause_seconds = 0.2;
    return std::make_shared<const std::vector<float>>(test::speech(20, seed, style));
  }
  void wait_for(PathKind path) {
    for (const auto& call : world_->calls)
      ASSERT_EQ(wait_until([&] { return std::string(both_on(call, path) ? "" : to_string(path)); }, 10s), "");
  }
  void block() {
    for (const auto& [ann, bob] : world_->calls) world_->lab.block(*ann.host, *bob.host);
  }
  test::Course course(bool turned) {
    const auto& from = turned ? voices().second : voices().first;
    const auto& to = turned ? voices().first : voices().second;
    const auto lead = to.caller->listening_since() - from.caller->speaking_since();
    const auto skip = static_cast<std::size_t>(to_seconds(lead) * 48'000);
    return test::follow(std::span(*from.words).subspan(skip), to.caller->heard());
  }
  double delay_ms(bool turned) { return course(turned).delay_end_ms; }
  // The server's path is 80 ms the longer one: a change to it that was not lined up would be heard twice by
  // so much. In a third of the deaths of a lossy path a syllable is held longer than our ear takes for
  // stretching.
  static constexpr double kMostTwiceMs = 40;
  // What the call goes on with for a second, and what its ears say of the whole.
  void listen(const char* what, double most_silence_ms, bool once = true) {
    std::this_thread::sleep_for(1s);
    EXPECT_EQ(both_hear(tones()), "");
    const double at_ann = scenario::longest_gap_ms(tones().first.caller->heard(), kBobHz, from_ann_);
    const double at_bob = scenario::longest_gap_ms(tones().second.caller->heard(), kAnnHz, from_bob_);
    std::printf("%s: longest silence %.0f ms at ann, %.0f ms at bob", what, at_ann, at_bob);
    const double late = to_ms(world_->lab.take_lateness());
    if (late > 15) std::printf(" (the laboratory itself was %.0f ms late)", late);
    EXPECT_LE(std::max(at_ann, at_bob), most_silence_ms + (late > 15 ? 2 * late : 0));
    for (const bool turned : {false, true}) {
      const auto course = this->course(turned);
      std::printf("; of %s: twice %.0f ms, left out %.0f ms (%d looks, delay %.0f ms at last)",
                  turned ? "bob" : "ann", course.repeated_ms, course.skipped_ms, course.looks,
                  course.delay_end_ms);
      if (once) {
        EXPECT_LE(course.repeated_ms, kMostTwiceMs);
      }
      EXPECT_GE(course.looks, 50);
    }
    const double mcu_ms = delay_ms(false);
    std::printf("; delay %.0f ms direct, %.0f ms through the server\n", direct_ms_, mcu_ms);
    if (once) {
      EXPECT_GE(mcu_ms - direct_ms_, 20);
    }
  }
  // What a direct call costs the server: in 2 s, of both calls.
  void expect_quiet_server() {
    const auto count = [this](auto what) {
      std::uint64_t sum = 0;
      for (const auto& [ann, bob] : world_->calls) sum += what(*ann.host) + what(*bob.host);
      return sum;
    };
    const auto udp = [this](const Host& host) { return world_->lab.passed(host, world_->server_host()); };
    const auto tcp = [this](const Host& host) { return world_->lab.tcp_bytes(host, world_->server_host()); };
    const auto udp_before = count(udp), tcp_before = count(tcp);
    std::this_thread::sleep_for(2s);
    const auto packets = count(udp) - udp_before, bytes = count(tcp) - tcp_before;
    std::printf(
        "a direct call and its server: %.1f UDP packets/s for each participant (keep-alives and reports, "
        "both "
        "ways), %.0f bytes/s of signalling for the room\n",
        static_cast<double>(packets) / 8, static_cast<double>(bytes) / 4);
    EXPECT_LE(packets, 8 * 20U);  // 5 checks and answers, 2.5 packets of silence, reports
    EXPECT_LE(bytes, 4 * 2'000U);
  }
  std::pair<Person, Person>& tones() { return world_->calls[0]; }
  std::pair<Person, Person>& voices() { return world_->calls[1]; }

  std::unique_ptr<World> world_;  // made when it is known that it can be
  Person carol_, dave_;           // who may join later
  std::size_t from_ann_ = 0, from_bob_ = 0;
  double direct_ms_ = 0;
};

// 5 % loss, 80 ms there and back, jitter of 20 ms.
constexpr Lab::Weather kBad{30ms, 20ms, 0.05};

TEST_F(Change, TheDirectPathDies) {
  NEEDS_LAB();
  begin(kBad);
  block();
  wait_for(PathKind::mcu);
  listen("the direct path dies, 5 % loss", 120);  // 60 is the aim, and met on a quiet machine: docs/client.md
}

TEST_F(Change, AGoodPathDies) {
  NEEDS_LAB();
  begin({30ms, 20ms, 0});
  expect_quiet_server();
  block();
  wait_for(PathKind::mcu);
  listen("the direct path dies, no loss before", 250);  // 60 is the aim: docs/client.md
}

TEST_F(Change, AThirdJoins) {
  NEEDS_LAB();
  begin(kBad);
  carol_.join(world_->url(), "room0", "carol");
  dave_.join(world_->url(), "room1", "dave");
  wait_for(PathKind::mcu);
  listen("a third joins", 60);
  EXPECT_EQ(wait_tone(*tones().first.caller, 1'100), "");
}

TEST_F(Change, ARecordingStarts) {
  NEEDS_LAB();
  begin(kBad);
  for (const char* room : {"room0", "room1"}) EXPECT_EQ(world_->ask("POST", room, "recording/start"), 201);
  wait_for(PathKind::mcu);
  listen("a recording starts", 60);
}

TEST_F(Change, ANatForgets) {
  NEEDS_LAB();
  begin(kBad);
  for (const auto& call : world_->calls) world_->lab.rebind(*call.first.nat);
  std::this_thread::sleep_for(2s);  // whichever path it takes
  listen("ann's NAT forgets its mappings", 500, false);
}

}  // namespace
}  // namespace parley::nat
