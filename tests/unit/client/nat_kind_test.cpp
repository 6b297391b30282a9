#include "client/nat_kind.hpp"

#include <gtest/gtest.h>

namespace parley::client {
namespace {

using ice::PortMapping;
using Filter = NatFacts::Filter;

NatFacts facts(bool is_nat, PortMapping mapping, Filter filter, int step = 0) {
  NatFacts out;
  out.is_nat = is_nat;
  out.second = Address::parse("192.0.2.1:5005");
  out.mapping = mapping;
  out.filter = filter;
  out.port_step = step;
  return out;
}

TEST(NatKind, IsSaidInWords) {
  struct Case {
    NatFacts facts;
    const char* kind;
    const char* prospect;  // has this in it
    bool known;
  };
  NatFacts nothing;
  NatFacts only_nat;
  only_nat.is_nat = true;
  const Case cases[] = {
      {facts(false, PortMapping::constant, Filter::none_by_port), "no NAT, and no filter by port",
       "with everybody whose UDP", true},
      {facts(false, PortMapping::constant, Filter::by_port),
       "no NAT, but a firewall that lets in only who was spoken to", "most of these", true},
      {facts(true, PortMapping::constant, Filter::none_by_port), "full-cone or address-restricted NAT",
       "with everybody whose UDP", true},
      {facts(true, PortMapping::constant, Filter::by_port), "port-restricted NAT", "most of these", true},
      {facts(true, PortMapping::varying, Filter::by_port, 5), "symmetric NAT, whose ports count upwards",
       "not with others behind a symmetric NAT", true},
      {facts(true, PortMapping::varying, Filter::by_port, -9'000),
       "symmetric NAT, whose ports are drawn at random", "mostly behind a port-restricted one", true},
      {facts(true, PortMapping::unknown, Filter::unknown),
       "there is a NAT; what it lets in cannot be told: the server's second port 192.0.2.1:5005 does not "
       "answer",
       "through the server", false},
      {only_nat,
       "there is a NAT; what it lets in cannot be told: the server has no second port to ask at "
       "(media.second_listen)",
       "through the server", false},
      {nothing,
       "no NAT; what it lets in cannot be told: the server has no second port to ask at "
       "(media.second_listen)",
       "through the server", false},
  };
  for (const auto& c : cases) {
    const auto words = describe(c.facts);
    EXPECT_EQ(words.kind, c.kind);
    EXPECT_NE(words.prospect.find(c.prospect), std::string::npos) << words.prospect;
    EXPECT_EQ(words.known, c.known);
  }
}

}  // namespace
}  // namespace parley::client
