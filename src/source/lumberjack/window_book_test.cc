#include "source/lumberjack/window_book.h"

#include <gtest/gtest.h>

#include "source/lumberjack/frames_test_support.h"

namespace tocsin::source {
namespace {

using testing::ack_frame;

std::uint64_t add(WindowBook& book, std::initializer_list<std::uint32_t> sequences) {
  for (const std::uint32_t sequence : sequences) book.add(sequence);
  return book.piece();
}

TEST(WindowBook, AcknowledgesAWindowWithItsLastSequenceOnceAllOfItIsSafe) {
  WindowBook book;
  EXPECT_FALSE(book.open());
  book.begin(2, 3);
  const auto first = add(book, {1, 2});
  EXPECT_FALSE(book.full());
  const auto second = add(book, {3});
  EXPECT_TRUE(book.full());
  book.safe(second);
  EXPECT_EQ(book.take_acks(), "");
  EXPECT_EQ(book.progress(), ack_frame(0));
  book.safe(first);
  EXPECT_EQ(book.take_acks(), ack_frame(3));
  EXPECT_EQ(book.take_acks(), "");
  EXPECT_EQ(book.pieces_under_way(), 0u);
}

TEST(WindowBook, ReportsProgressWithinTheOldestWindowOnly) {
  WindowBook book;
  book.begin(2, 4);
  const auto first = add(book, {1, 2});
  const auto second = add(book, {3});
  book.safe(first);
  EXPECT_EQ(book.progress(), ack_frame(2));
  const auto third = add(book, {4});
  book.begin(2, 2);
  const auto next = add(book, {1});
  book.safe(next);
  EXPECT_EQ(book.progress(), ack_frame(2));
  book.safe(second);
  book.safe(third);
  EXPECT_EQ(book.take_acks(), ack_frame(4));
  EXPECT_EQ(book.progress(), ack_frame(1));
}

TEST(WindowBook, AcknowledgesPipelinedWindowsInOrder) {
  WindowBook book;
  book.begin(2, 1);
  const auto first = add(book, {5});
  book.begin(2, 1);
  const auto second = add(book, {9});
  book.safe(second);
  EXPECT_EQ(book.take_acks(), "");
  book.safe(first);
  EXPECT_EQ(book.take_acks(), ack_frame(5) + ack_frame(9));
}

TEST(WindowBook, TakesANewWindowAsTheEndOfAnUnfinishedOne) {
  WindowBook book;
  book.begin(2, 10);
  const auto first = add(book, {1, 2});
  book.begin(2, 1);
  book.safe(first);
  EXPECT_EQ(book.take_acks(), ack_frame(2));
  // The same where the pieces were safe before.
  book.begin(2, 10);
  const auto second = add(book, {1, 2, 3});
  book.safe(second);
  EXPECT_EQ(book.take_acks(), "");
  book.begin(2, 1);
  EXPECT_EQ(book.take_acks(), ack_frame(3));
  EXPECT_EQ(book.progress(), ack_frame(0));
  // Nothing came of it: nothing to say.
  book.begin(2, 10);
  book.begin(2, 1);
  EXPECT_EQ(book.take_acks(), "");
}

TEST(WindowBook, RepeatsTheWindowOfVersion1AndNeverReportsItsProgress) {
  WindowBook book;
  book.begin(1, 2);
  book.safe(add(book, {1}));
  EXPECT_EQ(book.progress(), "");
  book.safe(add(book, {2}));
  EXPECT_EQ(book.take_acks(), ack_frame(2, '1'));
  book.safe(add(book, {3}));
  EXPECT_EQ(book.take_acks(), "");
  book.safe(add(book, {4}));
  EXPECT_EQ(book.take_acks(), ack_frame(4, '1'));
}

}  // namespace
}  // namespace tocsin::source
