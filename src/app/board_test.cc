// States of sources: silence, what was learned, and rules that are blind for it.
#include "app/board.h"

#include <gtest/gtest.h>

namespace tocsin::app {
namespace {

TEST(SilenceTest, LimitFollowsTheRate) {
  EXPECT_EQ(silence_limit(1'000'000), kMinSilence);
  EXPECT_NEAR(std::chrono::duration<double>(silence_limit(14)).count(), 3'600, 1);
  EXPECT_LE(silence_limit(0), std::chrono::hours(24 * 31));
}

TEST(SilenceTest, ASourceThatStopsIsToldAndComesBack) {
  core::FakeClock clock({1'795'521'600'000'000'000});
  core::Metrics metrics;
  SourceBoard board(clock, metrics);
  auto entry = board.put(std::make_shared<SourceEntry>(
      source::SourceRef{model::SourceId{7}, "fw", "default", "main", model::Format::kUnknown, board.meter("fw")},
      "syslog-udp", "api"));
  const auto minutes = [&](int count, bool sending) {
    std::vector<SourceBoard::Change> all;
    for (int i = 0; i < count; ++i) {
      clock.advance(std::chrono::minutes(1));
      if (sending) entry->ref.meter->received(100, 1'000, clock.now());
      for (auto& change : board.tick()) all.push_back(change);
    }
    return all;
  };
  minutes(60 * 30, true);
  EXPECT_EQ(board.status(*entry).state, "ok");
  EXPECT_GE(board.status(*entry).learned_hours, 28u);
  const auto quiet = minutes(10, false);
  ASSERT_EQ(quiet.size(), 1u);
  EXPECT_EQ(quiet[0].to, "silent");
  EXPECT_EQ(board.status(*entry).state, "silent");
  const auto back = minutes(1, true);
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0].to, "ok");
}

TEST(SilenceTest, WhatWasSilentStaysSoUntilSomethingComes) {
  core::FakeClock clock({1'795'521'600'000'000'000});
  core::Metrics metrics;
  SourceBoard board(clock, metrics);
  auto entry = board.put(std::make_shared<SourceEntry>(
      source::SourceRef{model::SourceId{7}, "fw", "default", "main", model::Format::kUnknown, board.meter("fw")},
      "syslog-udp", "api"));
  const core::Timestamp since{clock.now().ns - 1'000'000'000'000};
  board.set_silent(model::SourceId{7}, since);
  auto changes = board.tick();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].to, "silent");
  EXPECT_EQ(changes[0].silent_since.ns, since.ns);
  EXPECT_TRUE(board.tick().empty());
  entry->ref.meter->received(1, 10, clock.now());
  changes = board.tick();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].to, "ok");
}

// The self-test sends to it each hour: that is neither a sign of life nor learned as usual.
TEST(SilenceTest, WhatTheSelfTestSendsHidesNoSilenceAndIsNotLearned) {
  core::FakeClock clock({1'795'521'600'000'000'000});
  core::Metrics metrics;
  SourceBoard board(clock, metrics);
  const auto put = [&](std::uint32_t id, const std::string& name) {
    return board.put(std::make_shared<SourceEntry>(
        source::SourceRef{model::SourceId{id}, name, "default", "main", model::Format::kUnknown, board.meter(name)},
        "syslog-tcp", "api"));
  };
  const auto busy = put(7, "fw"), unused = put(8, "unused");
  const auto minutes = [&](int count, bool sending) {
    for (int i = 0; i < count; ++i) {
      clock.advance(std::chrono::minutes(1));
      if (sending) busy->ref.meter->received(100, 1'000, clock.now());
      if (i % 5 == 3) {
        for (const auto& entry : {busy, unused}) {
          ++entry->test_records;
          entry->ref.meter->received(1, 10, clock.now());
        }
      }
      board.tick();
    }
  };
  minutes(60 * 30, true);
  EXPECT_EQ(board.status(*busy).state, "ok");
  EXPECT_EQ(board.status(*unused).state, "waiting");
  minutes(20, false);
  EXPECT_EQ(board.status(*busy).state, "silent");
  EXPECT_EQ(board.status(*unused).state, "waiting");
  minutes(1, true);
  EXPECT_EQ(board.status(*busy).state, "ok");
}

TEST(SilenceTest, WhatWasLearnedIsReadAgain) {
  Baseline baseline;
  for (int hour = 0; hour < 30; ++hour) baseline.learn({1'795'521'600'000'000'000 + hour * 3'600'000'000'000}, hour * 10);
  const auto again = Baseline::from_text(baseline.to_text());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->to_text(), baseline.to_text());
  EXPECT_FALSE(Baseline::from_text("").has_value());
  EXPECT_FALSE(Baseline::from_text("1 5 nan").has_value());
}

TEST(BlindTest, ARuleIsBlindWithoutEventsOfItsLogSource) {
  core::FakeClock clock({1'795'521'600'000'000'000});
  core::Metrics metrics;
  SourceBoard board(clock, metrics);
  const auto put = [&](SourceBoard& at) {
    at.put(std::make_shared<SourceEntry>(
        source::SourceRef{model::SourceId{7}, "ws", "default", "main", model::Format::kUnknown, at.meter("ws")}, "http",
        "api"));
  };
  put(board);
  EXPECT_NE(board.blind({"windows", "process_creation", ""}).find("no source has sent windows/process_creation"),
            std::string::npos);
  board.saw({"windows", "process_creation", ""}, model::SourceId{7}, clock.now());
  EXPECT_EQ(board.blind({"windows", "process_creation", ""}), "");
  EXPECT_EQ(board.blind({"windows", "", ""}), "");
  EXPECT_NE(board.blind({"linux", "", ""}), "");
  core::Metrics others;
  SourceBoard later(clock, others);
  put(later);
  later.set_kinds(board.kinds());
  EXPECT_EQ(later.blind({"windows", "process_creation", ""}), "");
  EXPECT_EQ(later.kinds(), board.kinds());
}

}  // namespace
}  // namespace tocsin::app
