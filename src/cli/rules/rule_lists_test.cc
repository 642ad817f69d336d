#include "cli/rules/rule_lists.h"

#include <gtest/gtest.h>

#include <sstream>

namespace tocsin::cli {
namespace {

detect::RuleSet two_rules() {
  return detect::load_rules(
      {{"a.yml",
        "title: A\nid: 11111111-2222-3333-4444-555555555555\nlevel: high\nstatus: test\ntags: [attack.t1059.001, "
        "attack.execution]\n"
        "logsource: {product: windows, category: process_creation}\ndetection:\n  s: {Image|endswith: x}\n  condition: s\n"},
       {"b.yml", "title: B\nlogsource: {product: linux, service: sshd}\ndetection:\n  s: [word]\n  condition: s\n"}},
      {});
}

std::string lines_of(const ListFilter& filter) {
  std::ostringstream out;
  write_rule_lines(two_rules(), filter, out);
  return out.str();
}

TEST(RuleList, OneJsonObjectARule) {
  EXPECT_EQ(
      lines_of({}),
      R"({"id":"11111111-2222-3333-4444-555555555555","title":"A","type":"rule","level":"high","status":"test",)"
      R"("logsource":{"product":"windows","category":"process_creation"},"tags":["attack.t1059.001","attack.execution"],"path":"a.yml","line":1})"
      "\n"
      R"({"title":"B","type":"rule","logsource":{"product":"linux","service":"sshd"},"path":"b.yml","line":1})"
      "\n");
}

TEST(RuleList, FiltersMustAllHold) {
  const auto passing = [](const ListFilter& filter) {
    std::string out;
    for (const auto& rule : two_rules().rules) out += passes(rule.info, filter) ? rule.info.title : "";
    return out;
  };
  EXPECT_EQ(passing({}), "AB");
  EXPECT_EQ(passing({.levels = {model::Level::kHigh}, .statuses = {}, .tags = {}, .log_sources = {}}), "A");
  EXPECT_EQ(passing({.levels = {}, .statuses = {"TEST"}, .tags = {}, .log_sources = {}}), "A");
  EXPECT_EQ(passing({.levels = {}, .statuses = {}, .tags = {"attack.T1059"}, .log_sources = {}}), "A");
  EXPECT_EQ(passing({.levels = {}, .statuses = {}, .tags = {"attack.t105"}, .log_sources = {}}), "");
  EXPECT_EQ(passing({.levels = {}, .statuses = {}, .tags = {}, .log_sources = {{"linux", "", ""}}}), "B");
  EXPECT_EQ(
      passing({.levels = {}, .statuses = {}, .tags = {}, .log_sources = {{"linux", "", ""}, {"", "process_creation", ""}}}),
      "AB");
  EXPECT_EQ(passing({.levels = {model::Level::kHigh}, .statuses = {}, .tags = {}, .log_sources = {{"linux", "", ""}}}), "");
}

TEST(RuleList, TheTableEndsWithACount) {
  std::ostringstream out;
  write_rule_table(two_rules(), {}, out);
  EXPECT_TRUE(out.str().ends_with("\n2 rules\n")) << out.str();
  EXPECT_NE(out.str().find("windows/process_creation"), std::string::npos);
}

TEST(RuleStats, CountsByLevelSourceOperatorAndField) {
  std::ostringstream out;
  write_rule_stats(two_rules(), out);
  for (const char* line :
       {"2 rules, 0 correlations, 0 filters, 0 refused; 1 name an ATT&CK technique", "       1  high", "       1  (none)",
        "       1  linux", "       1  sshd", "       1  execution", "       1  endswith", "       1  Image"}) {
    EXPECT_NE(out.str().find(line), std::string::npos) << line << "\n" << out.str();
  }
}

}  // namespace
}  // namespace tocsin::cli
