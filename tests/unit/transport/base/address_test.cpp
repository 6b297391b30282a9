#include "transport/base/address.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <unordered_set>

namespace parley {
namespace {

TEST(IpAddress, ParsesLiteralsOnly) {
  struct Case {
    std::string text;
    const char* canonical;  // nullptr: refused
  };
  const Case cases[] = {
      {"1.2.3.4", "1.2.3.4"},
      {"255.255.255.255", "255.255.255.255"},
      {"::1", "::1"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"::ffff:1.2.3.4", "1.2.3.4"},
      {"::ffff:102:304", "1.2.3.4"},
      {"::", "::"},
      {"", nullptr},
      {"localhost", nullptr},
      {"1.2.3", nullptr},
      {"1.2.3.4.5", nullptr},
      {"1.2.3.256", nullptr},
      {"1.2.3.4 ", nullptr},
      {" 1.2.3.4", nullptr},
      {"0x7f.0.0.1", nullptr},
      {"2130706433", nullptr},
      {"1:2", nullptr},
      {"[::1]", nullptr},
      {"fe80::1%eth0", nullptr},
      {std::string("1.2.3.4\0.5", 9), nullptr},
      {std::string(5000, '1'), nullptr},
  };
  for (const Case& c : cases) {
    const auto ip = IpAddress::parse(c.text);
    ASSERT_EQ(ip.has_value(), c.canonical != nullptr) << c.text;
    if (!ip) continue;
    EXPECT_EQ(ip->to_string(), c.canonical) << c.text;
  }
}

TEST(IpAddress, Kinds) {
  struct Case {
    const char* text;
    bool v4, loopback, unspecified, multicast;
  };
  const Case cases[] = {
      {"127.0.0.1", true, true, false, false},
      {"127.255.0.9", true, true, false, false},
      {"128.0.0.1", true, false, false, false},
      {"0.0.0.0", true, false, true, false},
      {"224.0.0.1", true, false, false, true},
      {"239.1.2.3", true, false, false, true},
      {"240.0.0.1", true, false, false, false},
      {"::1", false, true, false, false},
      {"::", false, false, true, false},
      {"ff02::1", false, false, false, true},
      {"2001:db8::1", false, false, false, false},
      {"::ffff:127.0.0.1", true, true, false, false},
      {"::ffff:0.0.0.0", true, false, true, false},
  };
  for (const Case& c : cases) {
    const auto ip = IpAddress::parse(c.text).value();
    EXPECT_EQ(ip.is_v4(), c.v4) << c.text;
    EXPECT_EQ(ip.is_loopback(), c.loopback) << c.text;
    EXPECT_EQ(ip.is_unspecified(), c.unspecified) << c.text;
    EXPECT_EQ(ip.is_multicast(), c.multicast) << c.text;
  }
}

TEST(IpAddress, TwoSpellingsAreOneAddress) {
  const auto plain = IpAddress::v4(0x01020304);
  EXPECT_EQ(plain, IpAddress::parse("1.2.3.4"));
  EXPECT_EQ(plain, IpAddress::v6(plain.bytes()));
  EXPECT_EQ(plain.v4_value(), 0x01020304U);
  EXPECT_EQ(IpAddress{}, IpAddress::parse("0.0.0.0"));
  EXPECT_NE(IpAddress{}, IpAddress::parse("::"));
  EXPECT_NE(plain, IpAddress::parse("::1.2.3.4")) << "v4-compatible is not v4-mapped";
}

TEST(IpNetwork, Contains) {
  struct Case {
    const char* network;
    const char* ip;
    bool inside;
  };
  const Case cases[] = {
      {"10.0.0.0/8", "10.255.1.2", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"192.168.4.0/22", "192.168.7.9", true},
      {"192.168.4.0/22", "192.168.8.0", false},
      {"192.168.4.77/22", "192.168.5.1", true},
      {"1.2.3.4", "1.2.3.4", true},
      {"1.2.3.4", "1.2.3.5", false},
      {"1.2.3.4/32", "1.2.3.4", true},
      {"0.0.0.0/0", "8.8.8.8", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "::1", true},
      {"::/0", "1.2.3.4", false},
      {"2001:db8::/33", "2001:db8:7fff::", true},
      {"2001:db8::/33", "2001:db8:8000::", false},
      {"::1", "::1", true},
      {"::1", "::2", false},
      {"127.0.0.0/8", "::ffff:127.0.0.1", true},
  };
  for (const Case& c : cases) {
    const auto network = IpNetwork::parse(c.network);
    ASSERT_TRUE(network) << c.network;
    EXPECT_EQ(network->contains(IpAddress::parse(c.ip).value()), c.inside) << c.network << " " << c.ip;
  }
}

TEST(IpNetwork, ParsesAndPrints) {
  EXPECT_EQ(IpNetwork::parse("10.0.0.0/8")->to_string(), "10.0.0.0/8");
  EXPECT_EQ(IpNetwork::parse("1.2.3.4")->to_string(), "1.2.3.4/32");
  EXPECT_EQ(IpNetwork::parse("::1")->to_string(), "::1/128");
  EXPECT_EQ(IpNetwork::parse("2001:db8::/32")->to_string(), "2001:db8::/32");
  for (const char* bad : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/ 8",
                          "::/129", "10.0.0/8", "host/8", "10.0.0.0/99999999999", "10.0.0.0/8/8"})
    EXPECT_FALSE(IpNetwork::parse(bad)) << bad;
}

TEST(Address, ParsesAndPrints) {
  struct Case {
    const char* text;
    const char* canonical;  // nullptr: refused
  };
  const Case cases[] = {
      {"1.2.3.4:5", "1.2.3.4:5"},
      {"1.2.3.4:0", "1.2.3.4:0"},
      {"1.2.3.4:65535", "1.2.3.4:65535"},
      {"[::1]:5", "[::1]:5"},
      {"[::ffff:1.2.3.4]:5", "1.2.3.4:5"},
      {"1.2.3.4", nullptr},
      {"1.2.3.4:", nullptr},
      {"1.2.3.4:65536", nullptr},
      {"1.2.3.4:-1", nullptr},
      {"1.2.3.4:+1", nullptr},
      {"1.2.3.4:5 ", nullptr},
      {"1.2.3.4:5x", nullptr},
      {"::1:5", nullptr},
      {"[::1]", nullptr},
      {"[::1]:", nullptr},
      {"[::1:5", nullptr},
      {"[]:5", nullptr},
      {":5", nullptr},
      {"", nullptr},
      {"localhost:5", nullptr},
  };
  for (const Case& c : cases) {
    const auto address = Address::parse(c.text);
    ASSERT_EQ(address.has_value(), c.canonical != nullptr) << c.text;
    if (!address) continue;
    EXPECT_EQ(address->to_string(), c.canonical) << c.text;
  }
}

TEST(Address, ToAndFromSockaddr) {
  for (const char* text :
       {"1.2.3.4:5", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:5", "[2001:db8::ff]:65535"}) {
    const auto address = Address::parse(text).value();
    for (const bool as_v6 : {false, true}) {
      sockaddr_storage storage{};
      const unsigned size = address.to_sockaddr(storage, as_v6);
      const bool v4_form = address.ip.is_v4() && !as_v6;
      EXPECT_EQ(storage.ss_family, v4_form ? AF_INET : AF_INET6) << text;
      EXPECT_EQ(size, v4_form ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)) << text;
      EXPECT_EQ(Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage)), address) << text;
    }
  }
  sockaddr_storage local{};
  local.ss_family = AF_UNIX;
  EXPECT_FALSE(Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&local)));
}

TEST(Address, HashesApart) {
  std::unordered_set<std::size_t> hashes;
  std::unordered_set<Address> addresses;
  for (std::uint32_t ip = 0; ip < 64; ++ip) {
    for (std::uint16_t port = 0; port < 64; ++port) {
      const Address address{IpAddress::v4(0x0a000000 + ip), port};
      hashes.insert(std::hash<Address>{}(address));
      addresses.insert(address);
    }
  }
  EXPECT_EQ(addresses.size(), 64U * 64);
  EXPECT_GT(hashes.size(), 64U * 64 - 4);
}

}  // namespace
}  // namespace parley
