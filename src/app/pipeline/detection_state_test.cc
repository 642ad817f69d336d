// What detection remembers between events: passing of time, the bound of findings, and both as bytes.
#include <gtest/gtest.h>

#include "app/pipeline/finding_bound.h"
#include "app/pipeline/lanes.h"
#include "app/pipeline/state_bytes.h"

namespace tocsin::app {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000, kDayNs = 86'400 * kSecondNs;
constexpr core::Timestamp at(std::int64_t ns) { return {1'795'521'600'000'000'000 + ns}; }

TEST(JournalTimeTest, PassesAsArrivalsDoAndTicksAddWhatIsMissing) {
  JournalTime time{std::chrono::seconds(2)};
  time.entry(at(0));
  EXPECT_EQ(time.passed_ns(), 0);
  time.entry(at(kSecondNs));
  EXPECT_EQ(time.passed_ns(), kSecondNs);
  time.tick(at(600 * kSecondNs), std::chrono::seconds(599));
  EXPECT_EQ(time.passed_ns(), 600 * kSecondNs);
  time.tick(at(600 * kSecondNs), std::chrono::seconds(-5));
  EXPECT_EQ(time.passed_ns(), 600 * kSecondNs);
}

TEST(JournalTimeTest, AJumpCountsForTheGapAtMostAndComesBack) {
  JournalTime time{std::chrono::seconds(2)};
  time.entry(at(0));
  time.entry(at(kDayNs));
  EXPECT_EQ(time.passed_ns(), 2 * kSecondNs);
  time.entry(at(kSecondNs));
  EXPECT_EQ(time.passed_ns(), 0);
}

TEST(JournalTimeTest, EntriesOutOfOrderAddNothing) {
  JournalTime time{std::chrono::seconds(2)};
  time.entry(at(0));
  for (int i = 0; i < 100; ++i) {
    time.entry(at(kSecondNs));
    time.entry(at(0));
  }
  EXPECT_EQ(time.passed_ns(), 0);
}

constexpr const char* kRules = R"(title: One
id: 11111111-1111-4111-8111-111111111111
logsource: {product: windows}
detection: {selection: {CommandLine|contains: one}, condition: selection}
---
title: Two
id: 22222222-2222-4222-8222-222222222222
logsource: {product: windows}
detection: {selection: {CommandLine|contains: two}, condition: selection}
)";

class FindingBoundTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Detection> rules(const std::string& text) {
    RuleSources sources;
    sources.user.push_back({"rules.yml", text});
    return make_detection(sources, {}, content_, counts_, 1);
  }
  static int taken(FindingBound& bound, std::uint32_t rule, std::uint32_t source, core::Timestamp when, int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i) count += bound.take(rule, source, when) ? 1 : 0;
    return count;
  }
  DetectionContent content_;
  RuleCounts counts_;
};

TEST_F(FindingBoundTest, ABurstThenSoManyASecondForEachRuleAndSource) {
  FindingBound bound;
  bound.adopt(*rules(kRules));
  EXPECT_EQ(taken(bound, 0, 1, at(0), 10'001), 10'000);
  EXPECT_EQ(taken(bound, 1, 1, at(0), 1), 1);
  EXPECT_EQ(taken(bound, 0, 2, at(0), 1), 1);
  EXPECT_EQ(taken(bound, 0, 1, at(kSecondNs), 200), 100);
  EXPECT_EQ(taken(bound, 0, 1, at(-kDayNs), 1), 0);  // The clock was set back.
  EXPECT_EQ(taken(bound, 0, 1, at(-kDayNs + kSecondNs), 200), 100);
  ASSERT_EQ(bound.folded().size(), 1u);
  EXPECT_EQ(bound.folded()[0].count, 202u);
  EXPECT_EQ(bound.folded_total(), 202u);
}

TEST_F(FindingBoundTest, GoesOnWithOtherRulesAndFromBytes) {
  FindingBound bound;
  bound.adopt(*rules(kRules));
  EXPECT_EQ(taken(bound, 1, 7, at(0), 10'005), 10'000);
  EXPECT_EQ(taken(bound, 0, 7, at(0), 5), 5);
  const std::string both = kRules;
  const auto only_two = rules(both.substr(both.find("---\n") + 4));
  bound.adopt(*only_two);
  EXPECT_EQ(taken(bound, 0, 7, at(0), 1), 0);
  std::string bytes;
  bound.save(bytes);
  FindingBound again;
  again.adopt(*rules(kRules));
  std::string_view in = bytes;
  ASSERT_TRUE(again.load(in));
  EXPECT_TRUE(in.empty());
  EXPECT_EQ(taken(again, 1, 7, at(0), 1), 0);
  EXPECT_EQ(taken(again, 0, 7, at(0), 10'001), 10'000);  // It was gone in between.
  ASSERT_EQ(again.folded().size(), 2u);
  EXPECT_EQ(again.folded()[1].count, 7u);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    FindingBound cut;
    cut.adopt(*only_two);
    std::string_view part = std::string_view(bytes).substr(0, size);
    EXPECT_FALSE(cut.load(part));
  }
}

TEST_F(FindingBoundTest, WhatIsFullAgainTakesNoRoom) {
  FindingBound bound;
  bound.adopt(*rules(kRules));
  taken(bound, 0, 1, at(0), 100);
  taken(bound, 0, 2, at(2 * kSecondNs), 1);
  std::string bytes;
  bound.save(bytes);
  EXPECT_LT(bytes.size(), 100u);  // One row.
}

class LanesTest : public ::testing::Test {
 protected:
  static constexpr const char* kText = R"(title: One
id: 11111111-1111-4111-8111-111111111111
logsource: {product: windows}
detection: {selection: {CommandLine|contains: one}, condition: selection}
---
title: Three
id: 22222222-2222-4222-8222-222222222222
correlation:
  type: event_count
  rules: [11111111-1111-4111-8111-111111111111]
  timespan: 5m
  condition: {gte: 3}
)";
  LanesTest() {
    RuleSources sources;
    sources.user.push_back({"rules.yml", kText});
    detection_ = make_detection(sources, {}, content_, counts_, 1);
  }
  Lanes fresh() {
    Lanes out({std::chrono::seconds(1), 0, "", {}}, metrics_);
    out.adopt(*detection_->rules);
    return out;
  }
  void add(Lanes& lanes, std::int64_t second, const std::string& tenant = "default", const std::string& sender = "a") {
    detect::Occurrence occurrence;
    occurrence.event_time = at(second * kSecondNs);
    occurrence.order = occurrence.record = ++sequence_;
    lanes.add(tenant, sender, std::move(occurrence), sequence_, found_);
  }
  DetectionContent content_;
  RuleCounts counts_;
  core::Metrics metrics_;
  std::shared_ptr<const Detection> detection_;
  std::vector<LaneFinding> found_;
  std::uint64_t sequence_ = 0;
};

TEST_F(LanesTest, TicksAndNothingElseLetTimePass) {
  Lanes lanes = fresh();
  lanes.entry(at(0));
  for (int i = 0; i < 3; ++i) add(lanes, i);
  EXPECT_TRUE(found_.empty());  // They wait for the lateness.
  lanes.entry(at(kDayNs));
  EXPECT_TRUE(found_.empty());
  EXPECT_TRUE(lanes.due(std::chrono::seconds(1)));
  lanes.tick(at(0), std::chrono::seconds(1), found_);
  ASSERT_EQ(found_.size(), 1u);
  EXPECT_EQ(found_[0].tenant, "default");
  EXPECT_EQ(found_[0].finding.event_count, 3u);
}

TEST_F(LanesTest, SavedAndLoadedItGoesOn) {
  Lanes lanes = fresh();
  lanes.entry(at(0));
  add(lanes, 0);
  add(lanes, 1);
  std::string bytes;
  lanes.save(bytes);
  Lanes again = fresh();
  std::string_view in = bytes;
  ASSERT_TRUE(again.load(in));
  EXPECT_TRUE(in.empty());
  EXPECT_EQ(again.passed_ns(), lanes.passed_ns());
  add(again, 2);
  add(again, 4);
  ASSERT_EQ(found_.size(), 1u);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Lanes cut = fresh();
    std::string_view part = std::string_view(bytes).substr(0, size);
    EXPECT_FALSE(cut.load(part));
  }
}

TEST_F(LanesTest, AStateOfTheSecondVersionGoesOn) {
  detect::CorrelatorOptions options;
  options.lateness_ns = kSecondNs;
  options.emit_on_first = true;
  detect::Correlator before(*detection_->rules, options);
  std::vector<detect::CorrelationFinding> none;
  for (std::int64_t i = 0; i < 2; ++i) {
    detect::Occurrence occurrence;
    occurrence.event_time = at(i * kSecondNs);
    occurrence.order = occurrence.record = ++sequence_;
    before.add(std::move(occurrence), none);
  }
  std::string bytes;
  append_text("default", bytes);
  append_u64(2, bytes);
  append_i64(at(kSecondNs).ns, bytes);
  append_i64(at(5 * kSecondNs).ns, bytes);  // Arrival.
  append_text(before.save(), bytes);
  Lanes lanes = fresh();
  lanes.load_version_2(bytes);
  EXPECT_EQ(lanes.counts().state_dropped, 0u);
  add(lanes, 2);
  lanes.tick(at(0), std::chrono::seconds(1), found_);
  ASSERT_EQ(found_.size(), 1u);
  EXPECT_EQ(found_[0].finding.event_count, 3u);
}

TEST_F(LanesTest, TooManySendersEndTheOneThatIsSilentLongest) {
  Lanes lanes = fresh();
  lanes.entry(at(0));
  add(lanes, 100'000);
  for (int sender = 0; sender < 66; ++sender) {
    for (int i = 0; i < 3; ++i) add(lanes, i, "default", "s" + std::to_string(sender));
    lanes.bound(found_);
  }
  // Each twice: as it begins, and as it ends.
  ASSERT_EQ(found_.size(), 4u);
  EXPECT_EQ(found_[1].finding.events[0].record, 2u);
  EXPECT_EQ(found_[3].finding.events[0].record, 5u);
}

}  // namespace
}  // namespace tocsin::app
