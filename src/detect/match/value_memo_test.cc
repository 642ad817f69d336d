#include "detect/match/value_memo.h"

#include <gtest/gtest.h>

namespace tocsin::detect {
namespace {

TEST(ValueMemo, GivesBackWhatWasKnownOfAText) {
  ValueMemo memo;
  std::size_t left = kMaxMemos;
  std::uint32_t ids = 0;
  MemoEntry* entry = memo.find("text", 1, left, ids);
  ASSERT_NE(entry, nullptr);
  entry->outcomes.emplace_back(7, true);
  entry->has_hits = true;
  EXPECT_EQ(memo.find("text", 2, left, ids), entry);
  EXPECT_TRUE(entry->has_hits);
  EXPECT_EQ(entry->outcomes.size(), 1u);
}

TEST(ValueMemo, AnEmptyTextIsATextToo) {
  ValueMemo memo;
  std::size_t left = kMaxMemos;
  std::uint32_t ids = 0;
  MemoEntry* entry = memo.find("", 1, left, ids);
  ASSERT_NE(entry, nullptr);
  EXPECT_FALSE(entry->has_hits || entry->has_rest || entry->has_bytes);
  EXPECT_EQ(memo.find("", 2, left, ids), entry);
}

TEST(ValueMemo, MoreMemosThanTheBudgetKeepNothing) {
  ValueMemo first;
  ValueMemo second;
  std::size_t left = 1;
  std::uint32_t ids = 0;
  EXPECT_NE(first.find("text", 1, left, ids), nullptr);
  EXPECT_EQ(second.find("text", 1, left, ids), nullptr);
  EXPECT_EQ(left, 0u);
}

TEST(ValueMemo, LongTextsAreNotKept) {
  ValueMemo memo;
  std::size_t left = kMaxMemos;
  std::uint32_t ids = 0;
  EXPECT_NE(memo.find(std::string(kMaxMemoBytes, 'x'), 1, left, ids), nullptr);
  EXPECT_EQ(memo.find(std::string(kMaxMemoBytes + 1, 'x'), 1, left, ids), nullptr);
}

TEST(ValueMemo, AnEntryOfTheEventAtHandIsNotReplaced) {
  ValueMemo memo;
  std::size_t left = kMaxMemos;
  std::uint32_t ids = 0;
  std::size_t given = 0;
  std::vector<std::pair<std::string, MemoEntry*>> entries;
  for (int i = 0; i < 1'000; ++i) {
    const std::string text = "value " + std::to_string(i);
    if (MemoEntry* entry = memo.find(text, 1, left, ids)) entries.emplace_back(text, entry);
    given = entries.size();
  }
  EXPECT_LE(given, kMemoSlots);
  for (const auto& [text, entry] : entries) EXPECT_EQ(entry->text, text);
}

TEST(ValueMemo, GoesOffWhereValuesDoNotRepeatButKeepsTheEntriesOfTheEventAtHand) {
  ValueMemo memo;
  std::size_t left = kMaxMemos;
  std::uint32_t ids = 0;
  MemoEntry* last = nullptr;
  std::string last_text;
  for (std::uint32_t epoch = 1; epoch < 10'000; ++epoch) {
    for (int k = 0; k < 3; ++k) {
      const std::string text = "a value of more than a few bytes " + std::to_string(epoch) + "." + std::to_string(k);
      MemoEntry* entry = memo.find(text, epoch, left, ids);
      ASSERT_TRUE(last == nullptr || last->text == last_text);
      if (k == 0) last = entry, last_text = text;
    }
    last = nullptr;
  }
  EXPECT_EQ(memo.find("a value of more than a few bytes 9999.1", 10'000, left, ids), nullptr);
}

}  // namespace
}  // namespace tocsin::detect
