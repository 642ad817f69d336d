#include "stream/journal/format.h"

#include <gtest/gtest.h>

#include <random>

#include "stream/journal/bytes.h"

namespace tocsin::stream {
namespace {

std::uint32_t bit_by_bit(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0x82F63B78u : 0u);
  }
  return ~crc;
}

TEST(Crc32c, IsThatOfThePublishedCheckValue) { EXPECT_EQ(crc32c(0, "123456789"), 0xE3069283u); }

TEST(Crc32c, EqualsTheBitByBitOneAndContinues) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 70; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_EQ(crc32c(0, bytes), bit_by_bit(bytes));
    const std::string_view view = bytes;
    EXPECT_EQ(crc32c(crc32c(0, view.substr(0, size / 3)), view.substr(size / 3)), bit_by_bit(bytes));
  }
}

TEST(SegmentHead, SurvivesDamageToOneOfItsCopies) {
  const SegmentHead head{.mark = 0x1122334455667788, .first_sequence = 9, .previous_last = 7, .once_keys = 3};
  const std::string bytes = encode(head);
  ASSERT_EQ(bytes.size(), kSegmentHeadBytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_EQ(decode_segment_head(damaged), head) << i;
  }
  EXPECT_FALSE(decode_segment_head(std::string_view(bytes).substr(1)));
  std::string both = bytes;
  both[10] = both[60] = 'x';
  EXPECT_FALSE(decode_segment_head(both));
}

TEST(SegmentHead, IsRefusedWhereThePreviousLastIsNotBeforeTheFirst) {
  EXPECT_FALSE(decode_segment_head(encode(SegmentHead{.mark = 1, .first_sequence = 9, .previous_last = 9, .once_keys = 0})));
  EXPECT_FALSE(decode_segment_head(encode(SegmentHead{.mark = 1, .first_sequence = 0, .previous_last = 0, .once_keys = 0})));
}

TEST(EntryLimits, TakeTheLongestAndRefuseOneMore) {
  model::Delivery delivery;
  delivery.peer = std::string(kMaxNameBytes, 'p');
  delivery.once_key = std::string(kMaxOnceKeyBytes, 'o');
  EXPECT_TRUE(check_limits(delivery).ok());
  delivery.once_key += 'o';
  EXPECT_EQ(check_limits(delivery).error().code, core::ErrorCode::kLimit);
  delivery.once_key.clear();
  delivery.peer += 'p';
  EXPECT_EQ(check_limits(delivery).error().code, core::ErrorCode::kLimit);
}

TEST(EntryHead, IsRefusedWithAnotherMark) {
  std::string bytes;
  append_entry(bytes, 5, 1, {});
  EXPECT_TRUE(decode_entry_head(bytes, 5));
  EXPECT_FALSE(decode_entry_head(bytes, 6));
  EXPECT_EQ(bytes.size(), encoded_bytes({}));
}

}  // namespace
}  // namespace tocsin::stream
