#include "stream/journal/memory.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace tocsin::stream {
namespace {

TEST(Checkpoints, KeepTheLastValueOfAKeyThroughEncoding) {
  Checkpoints checkpoints;
  checkpoints.set("a", "1", 1);
  checkpoints.set("b", "2", 2);
  checkpoints.set("a", "3", 3);
  Checkpoints again;
  ASSERT_TRUE(again.decode(checkpoints.encode()));
  EXPECT_EQ(again.get("a"), "3");
  EXPECT_EQ(again.get("b"), "2");
  EXPECT_EQ(again.get("c"), "");
}

TEST(Checkpoints, AreAllRefusedWhereTheBytesAreCut) {
  Checkpoints checkpoints;
  checkpoints.set("key", "value", 1);
  const std::string bytes = checkpoints.encode();
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    Checkpoints again;
    EXPECT_FALSE(again.decode(std::string_view(bytes).substr(0, size)));
    EXPECT_EQ(again.get("key"), "");
  }
}

TEST(Checkpoints, ForgetTheOldestPastTheirBytes) {
  Checkpoints checkpoints;
  const std::string value(kMaxCheckpointBytes / 2 - 1, 'v');
  EXPECT_EQ(checkpoints.set("a", value, 1), 0u);
  EXPECT_EQ(checkpoints.set("b", value, 2), 0u);
  EXPECT_EQ(checkpoints.set("c", "", 3), 1u);
  EXPECT_EQ(checkpoints.get("a"), "");
  EXPECT_EQ(checkpoints.get("b"), value);
}

TEST(OnceKeys, ForgetTheOldestPastTheirNumber) {
  OnceKeys keys(2);
  keys.add("a", 1);
  keys.add("b", 2);
  keys.add("c", 3);
  EXPECT_FALSE(keys.find("a"));
  EXPECT_EQ(keys.find("b"), 2u);
  EXPECT_EQ(keys.size(), 2u);
}

TEST(DamageLog, CountsEachSequenceOnceLikeASet) {
  std::mt19937 random(2);
  for (int round = 0; round < 50; ++round) {
    DamageLog log;
    std::set<std::uint64_t> plain;
    for (int i = 0; i < 40; ++i) {
      const std::uint64_t first = 1 + random() % 60;
      const std::uint64_t last = first + random() % 9;
      std::uint64_t fresh = 0;
      for (std::uint64_t at = first; at <= last; ++at) fresh += plain.insert(at).second ? 1 : 0;
      EXPECT_EQ(log.add({first, last}), fresh);
    }
    EXPECT_EQ(log.count(), plain.size());
  }
}

}  // namespace
}  // namespace tocsin::stream
