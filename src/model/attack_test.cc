#include "model/attack.h"

#include <gtest/gtest.h>

namespace tocsin::model {
namespace {

using Kind = AttackTag::Kind;

TEST(Attack, NamesTechniquesAndTheirTactics) {
  const Technique* technique = find_technique("T1059.001");
  ASSERT_NE(technique, nullptr);
  EXPECT_EQ(technique->name, "PowerShell");
  EXPECT_EQ(technique->tactics, std::vector<std::string_view>{"execution"});
  EXPECT_EQ(technique->replaced_by, "");
  EXPECT_EQ(find_technique("T9999"), nullptr);
  EXPECT_EQ(find_technique(""), nullptr);
}

TEST(Attack, KeepsRevokedTechniquesWithTheirSuccessor) {
  const Technique* technique = find_technique("T1143");
  ASSERT_NE(technique, nullptr);
  EXPECT_EQ(technique->replaced_by, "T1564.003");
}

TEST(Attack, NamesTacticsByShortName) {
  EXPECT_EQ(tactic_name("command-and-control"), "Command and Control");
  EXPECT_EQ(tactic_uid("command-and-control"), "TA0011");
  EXPECT_EQ(tactic_name("nothing"), "");
  EXPECT_EQ(tactic_uid(""), "");
}

TEST(Attack, EveryTacticOfATechniqueIsKnown) {
  for (const std::string id : {"T1078", "T1548.002", "T1595", "T1485"}) {
    const Technique* technique = find_technique(id);
    ASSERT_NE(technique, nullptr) << id;
    for (const std::string_view shortname : technique->tactics) EXPECT_NE(find_tactic(shortname), nullptr) << shortname;
  }
}

TEST(Attack, ParentOfASubTechnique) {
  EXPECT_EQ(parent_technique("T1059.001"), "T1059");
  EXPECT_EQ(parent_technique("T1059"), "T1059");
}

TEST(AttackTags, TakesTacticsTechniquesGroupsAndSoftware) {
  const std::vector<std::string> tags{"attack.execution", "attack.t1059.001", "attack.g0016", "attack.s0002"};
  const std::vector<AttackTag> expected{
      {Kind::kTactic, "execution"}, {Kind::kTechnique, "T1059.001"}, {Kind::kGroup, "G0016"}, {Kind::kSoftware, "S0002"}};
  EXPECT_EQ(parse_attack_tags(tags), expected);
}

TEST(AttackTags, AcceptsUpperCaseUnderscoresAndRepeats) {
  const std::vector<std::string> tags{"ATTACK.T1003", "attack.command_and_control", "attack.t1003"};
  const std::vector<AttackTag> expected{{Kind::kTechnique, "T1003"}, {Kind::kTactic, "command-and-control"}};
  EXPECT_EQ(parse_attack_tags(tags), expected);
}

TEST(AttackTags, LeavesOutWhatIsNotAttack) {
  const std::vector<std::string> tags{"cve.2021-44228",    "attack.",        "attack.t105",  "attack.t1059.01",
                                      "attack.t1059.0011", "attack.nothing", "attack.tA059", "attack.g0016.001",
                                      "car.2013-05-004",   "attack.ta0002"};
  EXPECT_TRUE(parse_attack_tags(tags).empty());
}

}  // namespace
}  // namespace tocsin::model
