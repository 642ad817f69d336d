#include <gtest/gtest.h>
#include <simdjson.h>

#include <sstream>

#include "cli/sinks/sample_findings.h"

namespace tocsin::cli {
namespace {

using simdjson::dom::element;

TEST(JsonlSink, GivesTheFindingsAsTheyAreALineEachAndNothingElse) {
  const testing::Samples samples = testing::intrusion();
  std::ostringstream out;
  const auto sink = make_jsonl_sink(out);
  std::string expected;
  for (const Found& found : samples.found) {
    sink->add(found);
    expected += found.json + "\n";
  }
  sink->finish(samples.summary);
  EXPECT_TRUE(sink->needs_json());
  EXPECT_EQ(out.str(), expected);
}

class NavigatorSink : public ::testing::Test {
 protected:
  element layer_of(const testing::Samples& samples) {
    std::ostringstream out;
    const auto sink = make_navigator_sink(out);
    EXPECT_FALSE(sink->needs_json());
    for (const Found& found : samples.found) sink->add(found);
    sink->finish(samples.summary);
    text_ = out.str();
    return parser_.parse(text_);
  }
  // The entries of a technique, as "tactic:score", "-" where there is none.
  static std::vector<std::string> entries(element layer, std::string_view id) {
    std::vector<std::string> out;
    for (const element technique : layer["techniques"].get_array()) {
      if (technique["techniqueID"].get_string().value() != id) continue;
      std::string_view tactic = "-";
      std::uint64_t score = 0;
      const bool has_tactic = technique["tactic"].get(tactic) == simdjson::SUCCESS;
      const bool has_score = technique["score"].get(score) == simdjson::SUCCESS;
      out.push_back((has_tactic ? std::string(tactic) : "-") + ":" + (has_score ? std::to_string(score) : "-"));
    }
    return out;
  }
  using Entries = std::vector<std::string>;
  simdjson::dom::parser parser_;
  std::string text_;
};

TEST_F(NavigatorSink, IsALayerOfFormat45ForEnterprise18) {
  const element layer = layer_of(testing::intrusion());
  EXPECT_EQ(layer["domain"].get_string().value(), "enterprise-attack");
  EXPECT_EQ(layer["versions"]["layer"].get_string().value(), "4.5");
  EXPECT_EQ(layer["versions"]["attack"].get_string().value(), "18");
  EXPECT_TRUE(layer["versions"]["navigator"].get_string().value().starts_with("5."));
  EXPECT_EQ(layer["gradient"]["maxValue"].get_uint64().value(), 3u);
}

TEST_F(NavigatorSink, ScoresATechniqueUnderTheTacticThatItsRuleNames) {
  const element layer = layer_of(testing::intrusion());
  EXPECT_EQ(entries(layer, "T1059.001"), Entries{"execution:3"});
  EXPECT_EQ(entries(layer, "T1136.001"), Entries{"persistence:1"}) << "privilege-escalation is no tactic of it";
}

TEST_F(NavigatorSink, NamesNoTacticWhereTheRuleNamesNone) {
  EXPECT_EQ(entries(layer_of(testing::intrusion()), "T1059"), Entries{"-:3"});
}

TEST_F(NavigatorSink, OneRuleWithoutATacticPutsAllFindingsOfTheTechniqueInOneEntry) {
  testing::Samples samples = testing::intrusion();
  samples.rules[4].tags = {"attack.t1059.001"};
  EXPECT_EQ(entries(layer_of(samples), "T1059.001"), Entries{"-:6"});
}

TEST_F(NavigatorSink, AParentWithoutFindingsIsOpenedOnce) {
  testing::Samples samples = testing::intrusion();
  samples.rules[4].tags = {"attack.t1059.003"};
  const element layer = layer_of(samples);
  EXPECT_EQ(entries(layer, "T1059"), Entries{"-:-"});
  EXPECT_EQ(entries(layer, "T1003"), Entries{"-:-"});
}

TEST_F(NavigatorSink, TacticsOfRelease19AndRevokedIdsFindTheirPlace) {
  testing::Samples samples = testing::intrusion();
  samples.rules[4].tags = {"attack.stealth", "attack.t1143"};
  EXPECT_EQ(entries(layer_of(samples), "T1564.003"), Entries{"defense-evasion:3"});
}

TEST_F(NavigatorSink, CommentsNameTheRulesSafely) {
  testing::Samples samples = testing::intrusion();
  samples.rules[1].title = "a \"quoted\" \x1b[31m title\n";
  const element layer = layer_of(samples);
  for (const element technique : layer["techniques"].get_array()) {
    if (technique["techniqueID"].get_string().value() != "T1003.001") continue;
    EXPECT_EQ(technique["comment"].get_string().value(), "a \"quoted\" \\x1b[31m title\\n (1)");
  }
}

TEST_F(NavigatorSink, IsValidWithoutFindings) {
  EXPECT_EQ(layer_of(testing::Samples())["techniques"].get_array().size(), 0u);
}

}  // namespace
}  // namespace tocsin::cli
