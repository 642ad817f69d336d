#include "cli/detect_command.h"

#include <gtest/gtest.h>

#include "testing/temporary_folder.h"

namespace tocsin::cli {
namespace {

constexpr const char* kRule =
    "title: Tool\nid: 11111111-1111-4111-8111-111111111111\nname: tool\nstatus: test\nlevel: high\ntags: [attack.t1059.001, "
    "attack.execution]\n"
    "logsource: {category: any}\ndetection:\n  s: {cmd|contains: tool}\n  condition: s\n";

model::RuleInfo info() {
  model::RuleInfo out;
  out.id = "11111111-1111-4111-8111-111111111111";
  out.name = "tool";
  out.title = "The Tool";
  out.status = "test";
  out.level = model::Level::kMedium;
  out.tags = {"attack.t1059.001", "cve.2026-1"};
  return out;
}

TEST(RuleFilter, TakesAllWhereNothingIsAsked) { EXPECT_TRUE(takes_part(info(), {})); }

TEST(RuleFilter, LevelIsAMinimum) {
  EXPECT_TRUE(
      takes_part(info(), {.min_level = model::Level::kLow, .statuses = {}, .include_tags = {}, .exclude_rules = {}}));
  EXPECT_TRUE(
      takes_part(info(), {.min_level = model::Level::kMedium, .statuses = {}, .include_tags = {}, .exclude_rules = {}}));
  EXPECT_FALSE(
      takes_part(info(), {.min_level = model::Level::kHigh, .statuses = {}, .include_tags = {}, .exclude_rules = {}}));
}

TEST(RuleFilter, TagsMatchWholeOrUpToADot) {
  const auto with_tag = [](const char* tag) { return takes_part(info(), {{}, {}, {tag}, {}}); };
  for (const char* tag :
       {"attack.t1059", "attack.t1059.001", "ATTACK.T1059", "attack.t1059.", "attack", "attack.", "cve.2026-1"}) {
    EXPECT_TRUE(with_tag(tag)) << tag;
  }
  for (const char* tag : {"attack.t105", "attack.t1059.0011", "t1059", "cve.2026"}) {
    EXPECT_FALSE(with_tag(tag)) << tag;
  }
}

TEST(RuleFilter, StatusAndExclusionDoNotLookAtCase) {
  EXPECT_TRUE(takes_part(info(), {{}, {"stable", "TEST"}, {}, {}}));
  EXPECT_FALSE(takes_part(info(), {{}, {"stable"}, {}, {}}));
  for (const char* name : {"11111111-1111-4111-8111-111111111111", "TOOL", "the tool"}) {
    EXPECT_FALSE(takes_part(info(), {{}, {}, {}, {name}})) << name;
  }
  EXPECT_TRUE(takes_part(info(), {{}, {}, {}, {"other"}}));
}

struct Keeper : FindingSink {
  void add(const Found& found) override { kept.push_back(found); }
  void finish(const RunSummary&) override { ++finished; }
  std::vector<Found> kept;
  int finished = 0;
};

TEST(RunDetect, FindsWithOriginReasonAndTime) {
  const testing::TemporaryFolder folder;
  DetectOptions options;
  options.paths = {folder.write(
      "a", "{\"cmd\":\"a tool\",\"@timestamp\":\"2026-01-02T03:04:05Z\"}\n{\"cmd\":\"nothing\"}\n{\"cmd\":\"tool\"}\n")};
  options.any_source = true;
  const auto rules = detect::load_rules({{"r.yml", kRule}}, {});
  const auto sources = detect::load_log_sources({});
  const normalise::Mapper mapper({});
  Keeper keeper;
  const auto summary = run_detect(rules, sources, mapper, options, {&keeper}, {});
  ASSERT_TRUE(summary.ok());
  ASSERT_EQ(keeper.kept.size(), 2U);
  EXPECT_EQ(keeper.finished, 1);
  EXPECT_EQ(keeper.kept[0].record, 1U);
  EXPECT_EQ(keeper.kept[1].record, 3U);
  EXPECT_EQ(keeper.kept[0].file, options.paths[0]);
  EXPECT_EQ(keeper.kept[0].reason, "cmd contains 'tool'");
  EXPECT_EQ(core::format_iso_time(keeper.kept[0].time), "2026-01-02T03:04:05Z");
  EXPECT_FALSE(keeper.kept[1].time.known());
  EXPECT_EQ(keeper.kept[0].json.find(normalise::kRecordMark), std::string::npos);
  EXPECT_EQ(summary->findings, 2U);
  EXPECT_EQ(summary->input.events, 3U);
}

TEST(RunDetect, BadRecordsThatCannotBeWrittenAreAnError) {
  const testing::TemporaryFolder folder;
  DetectOptions options;
  options.paths = {folder.write("a", "{\"cmd\":\"tool\"}\n{\"cmd\":1}\n{bad\n")};
  options.errors_path = "/no/such/folder/errors";
  const auto rules = detect::load_rules({{"r.yml", kRule}}, {});
  const auto sources = detect::load_log_sources({});
  const normalise::Mapper mapper({});
  EXPECT_FALSE(run_detect(rules, sources, mapper, options, {}, {}).ok());
  options.errors_path = "/dev/full";
  EXPECT_FALSE(run_detect(rules, sources, mapper, options, {}, {}).ok());
}

}  // namespace
}  // namespace tocsin::cli
