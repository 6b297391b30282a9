// `parley doctor` behind NATs of every kind.
#include <gtest/gtest.h>

#include <thread>

#include "client/cli.hpp"
#include "client/commands.hpp"
#include "client/nat_kind.hpp"
#include "tests/nat/world.hpp"

namespace parley::nat {
namespace {

std::vector<client::NatWords> ask(World& world, const std::vector<Person>& people) {
  world.open();
  std::vector<client::NatWords> said(people.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < people.size(); ++i)
    threads.emplace_back([&, i] {
      people[i].host->run([&] {
        const auto facts = client::find_nat(world.media());
        said[i] = facts ? client::describe(*facts) : client::NatWords{facts.error().what, {}, false};
      });
    });
  for (auto& thread : threads) thread.join();
  return said;
}

TEST(NatKind, IsToldForEachKind) {
  NEEDS_LAB();
  const std::pair<Kind, const char*> kinds[] = {
      {Kind::none, "no NAT, and no filter by port"},
      {Kind::full_cone, "full-cone or address-restricted NAT"},
      {Kind::address_restricted, "full-cone or address-restricted NAT"},
      {Kind::port_restricted, "port-restricted NAT"},
      {Kind::symmetric, "symmetric NAT, whose ports count upwards"},
      {Kind::symmetric_random, "symmetric NAT, whose ports are drawn at random"},
  };
  World world({10ms, 0ms, 0});
  std::vector<Person> people;
  for (const auto& [kind, words] : kinds) people.push_back(world.person(kind, 0));
  people.push_back(world.person_without_udp(0));
  const auto said = ask(world, people);
  for (std::size_t i = 0; i < std::size(kinds); ++i) {
    std::printf("%-18s -> %s: %s\n", to_string(kinds[i].first), said[i].kind.c_str(),
                said[i].prospect.c_str());
    EXPECT_EQ(said[i].kind, kinds[i].second);
    EXPECT_TRUE(said[i].known);
  }
  EXPECT_EQ(said.back().kind, "no STUN answer from 192.0.2.1:5004");
}

TEST(NatKind, WithoutASecondPortItSaysWhatItCan) {
  NEEDS_LAB();
  World world({10ms, 0ms, 0}, {.second_port = false});
  std::vector<Person> people;
  for (const Kind kind : {Kind::none, Kind::symmetric}) people.push_back(world.person(kind, 0));
  const auto said = ask(world, people);
  EXPECT_TRUE(said[0].kind.starts_with("no NAT; what it lets in cannot be told")) << said[0].kind;
  EXPECT_TRUE(said[1].kind.starts_with("there is a NAT; what it lets in cannot be told")) << said[1].kind;
  for (const auto& words : said) EXPECT_FALSE(words.known);
}

// The command itself: what a user reads.
TEST(Doctor, SaysWhatTheNatIsAndWhatToExpectOfIt) {
  NEEDS_LAB();
  World world({10ms, 0ms, 0});
  const Person home = world.person(Kind::port_restricted, 0);
  world.open();
  client::DoctorCommand doctor;
  doctor.server = world.url();
  doctor.checks = {client::Check::server, client::Check::call};
  int code = -1;
  testing::internal::CaptureStdout();
  home.host->run([&] { code = client::run_doctor(doctor); });
  const auto text = testing::internal::GetCapturedStdout();
  std::printf("%s", text.c_str());
  EXPECT_EQ(code, 0);
  EXPECT_NE(text.find("ok    nat        port-restricted NAT\n"), std::string::npos);
  EXPECT_NE(text.find("-> direct calls will work with everybody but"), std::string::npos);
}

}  // namespace
}  // namespace parley::nat
