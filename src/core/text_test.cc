#include "core/text.h"

#include <gtest/gtest.h>

namespace tocsin::core {
namespace {

TEST(Text, OnlyAsciiLettersHaveACase) {
  EXPECT_EQ(ascii_lower(std::string_view("@AZ[az\xc3\x84")), "@az[az\xc3\x84");
  EXPECT_TRUE(equal_ascii_case("Content-Type", "content-TYPE"));
  EXPECT_FALSE(equal_ascii_case("abc", "abcd"));
  EXPECT_FALSE(equal_ascii_case("@", "`"));  // 32 apart, as letters are.
}

TEST(Text, DistanceCountsSwappedNeighboursOnce) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("host", "hots"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance(std::string(kMaxComparedBytes, 'a'), std::string(kMaxComparedBytes, 'b')), kMaxComparedBytes);
}

}  // namespace
}  // namespace tocsin::core
