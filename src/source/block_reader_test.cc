#include "source/block_reader.h"

#include <gtest/gtest.h>

#include <random>

namespace tocsin::source {
namespace {

std::size_t cut_lines(std::string_view buffer, bool last) {
  if (last) return buffer.size();
  const auto end = buffer.rfind('\n');
  return end == std::string_view::npos ? 0 : end + 1;
}

struct Blocks {
  std::vector<Block> blocks;
  ProblemLog problems;
  std::uint64_t dropped = 0;
  std::string joined() const {
    std::string out;
    for (const Block& block : blocks) out += block.bytes;
    return out;
  }
};

Blocks read_blocks(std::string_view bytes, const BlockOptions& options) {
  Blocks out;
  InputReader input("memory", bytes);
  BlockReader reader(*input.next(), cut_lines, out.problems, options);
  while (auto block = reader.next()) out.blocks.push_back(*block);
  out.dropped = reader.dropped_record_count();
  return out;
}

bool only_last_is_marked(const Blocks& out) {
  for (const Block& block : out.blocks) {
    if (block.last != (&block == &out.blocks.back())) return false;
  }
  return true;
}

TEST(BlockReader, RandomLinesComeOutWholeAndInOrder) {
  std::mt19937 random(20261124);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    const std::size_t longest = 1 + random() % 300;
    const std::size_t line_count = random() % 100;
    for (std::size_t i = 0; i < line_count; ++i)
      text += std::string(random() % longest, static_cast<char>('a' + i % 26)) + "\n";
    if (random() % 2 == 0) text += "no line end";
    const Blocks out = read_blocks(text, {.block_bytes = 1 + random() % 200, .max_block_bytes = 1'000});
    ASSERT_EQ(out.joined(), text) << "round " << round;
    std::uint64_t offset = 0;
    for (const Block& block : out.blocks) {
      ASSERT_FALSE(block.bytes.empty());
      ASSERT_EQ(block.offset, offset);
      ASSERT_TRUE(block.bytes.ends_with('\n') || &block == &out.blocks.back());
      ASSERT_EQ(std::string_view(block.bytes.data() + block.bytes.size(), kReadableBytesPastEnd),
                std::string(kReadableBytesPastEnd, '\0'));
      offset += block.bytes.size();
    }
    ASSERT_EQ(out.dropped, 0U);
    ASSERT_TRUE(only_last_is_marked(out)) << "round " << round;
  }
}

TEST(BlockReader, TheLastBlockIsMarkedWhereTheStreamEndsWithItsBuffer) {
  const Blocks out = read_blocks("12345\n12345\n", {.block_bytes = 6, .max_block_bytes = 100});
  EXPECT_EQ(out.blocks.size(), 2U);
  EXPECT_TRUE(only_last_is_marked(out));
}

TEST(BlockReader, AnEmptyStreamHasNoBlocks) { EXPECT_TRUE(read_blocks("", {}).blocks.empty()); }

TEST(BlockReader, ARecordAsLongAsTheLimitIsKeptAndALongerOneDropped) {
  const std::string fits = std::string(99, 'f') + "\n";
  EXPECT_EQ(read_blocks(fits + "b\n", {.block_bytes = 10, .max_block_bytes = 100}).joined(), fits + "b\n");
  const std::string longer = std::string(100, 'l') + "\n";
  const Blocks out = read_blocks("a\n" + longer + "b\n", {.block_bytes = 10, .max_block_bytes = 100});
  EXPECT_EQ(out.joined(), "a\nb\n");
  EXPECT_EQ(out.dropped, 1U);
  ASSERT_EQ(out.problems.kept().size(), 1U);
  EXPECT_EQ(out.problems.kept()[0].cause, "record-too-long");
  EXPECT_NE(out.problems.kept()[0].detail.find("byte 2 "), std::string::npos);
  EXPECT_EQ(out.blocks.back().offset, 2 + longer.size());
}

TEST(BlockReader, ALongRecordWithoutEndIsDroppedToTheEndOfTheStream) {
  const Blocks out = read_blocks("a\n" + std::string(5'000, 'x'), {.block_bytes = 10, .max_block_bytes = 100});
  EXPECT_EQ(out.joined(), "a\n");
  EXPECT_EQ(out.dropped, 1U);
  EXPECT_TRUE(only_last_is_marked(out));
}

TEST(BlockReader, ALastRecordWithoutLineEndAtTheLimitIsKept) {
  const std::string text(100, 'x');
  EXPECT_EQ(read_blocks(text, {.block_bytes = 10, .max_block_bytes = 101}).joined(), text);
}

}  // namespace
}  // namespace tocsin::source
