#include "client/roster.hpp"

#include <gtest/gtest.h>

namespace parley::client {
namespace {

protocol::Participant person(const char* id, const char* name) {
  protocol::Participant participant;
  participant.id = id;
  participant.name = name;
  return participant;
}

TEST(Roster, FollowsTheEvents) {
  Roster roster;
  roster.reset({person("a", "Ada"), person("b", "Bob")});
  roster.put(person("c", "Cem"));
  auto renamed = person("b", "Bo");
  renamed.muted = true;
  roster.put(renamed);
  const auto gone = roster.remove("a");
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->name, "Ada");
  const auto list = roster.list();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].name, "Bo");
  EXPECT_TRUE(list[0].muted);
  EXPECT_EQ(list[1].name, "Cem");
}

TEST(Roster, TalkersHaveLevelsTheOthersNone) {
  Roster roster;
  roster.reset({person("a", "Ada"), person("b", "Bob")});
  ASSERT_TRUE(roster.set_talking("a", true, 30));
  roster.set_levels({{"a", 22}, {"nobody", 1}});
  EXPECT_EQ(roster.list()[0].level, 22);
  EXPECT_EQ(roster.list()[1].level, 127);
  EXPECT_EQ(roster.set_talking("a", false, 22)->level, 127);
}

TEST(Roster, UnknownPeopleAreNobody) {
  Roster roster;
  EXPECT_FALSE(roster.remove("x"));
  EXPECT_FALSE(roster.set_talking("x", true, 1));
  EXPECT_TRUE(roster.list().empty());
}

}  // namespace
}  // namespace parley::client
