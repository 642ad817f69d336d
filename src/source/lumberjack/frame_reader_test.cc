#include "source/lumberjack/frame_reader.h"

#include <gtest/gtest.h>

#include <random>

#include "source/lumberjack/frames_test_support.h"

namespace tocsin::source {
namespace {

using testing::be32;
using testing::compressed_frame;
using testing::compressed_frame_of;
using testing::json_frame;
using testing::pairs_frame;
using testing::window_frame;

// Frames as text: "W2:3", "E2:1:{}"; an error as "!" and its code.
std::string read(std::string_view bytes, std::size_t step = std::string::npos, std::size_t allowed = kMaxEventBytes + 64) {
  FrameReader reader;
  std::string out;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    reader.feed(piece);
    while (true) {
      const auto frame = reader.next(allowed);
      if (!frame.ok()) return out + "!" + core::to_string(frame.error().code);
      if (!frame->has_value()) break;
      const Frame& f = **frame;
      out += (f.kind == Frame::Kind::kWindow ? "W" : "E") + std::to_string(f.version) + ":" + std::to_string(f.number);
      if (f.kind == Frame::Kind::kEvent) out += ":" + std::string(f.json);
      out += " ";
    }
  }
  return out + (reader.in_frame() ? "..." : "");
}

TEST(FrameReader, ReadsWindowsEventsAndPairs) {
  EXPECT_EQ(read(window_frame(2) + json_frame(1, "{\"a\":1}") + json_frame(2, "{}")), "W2:2 E2:1:{\"a\":1} E2:2:{} ");
  EXPECT_EQ(read(window_frame(1, '1') + pairs_frame(7, {{"line", "a \"b\"\n"}, {"host", "h"}})),
            "W1:1 E1:7:{\"line\":\"a \\\"b\\\"\\n\",\"host\":\"h\"} ");
  EXPECT_EQ(read(pairs_frame(1, {})), "E1:1:{} ");
  EXPECT_EQ(read(json_frame(0xFFFFFFFF, "{}")), "E2:4294967295:{} ");
}

TEST(FrameReader, ReadsCompressedFramesBetweenOthers) {
  const std::string bytes = window_frame(3) + compressed_frame(json_frame(1, "{}") + json_frame(2, "[1]")) +
                            json_frame(3, "{\"c\":3}") + window_frame(9);
  EXPECT_EQ(read(bytes), "W2:3 E2:1:{} E2:2:[1] E2:3:{\"c\":3} W2:9 ");
  EXPECT_EQ(read(compressed_frame("")), "");
}

TEST(FrameReader, GivesTheSameHoweverBytesAreCut) {
  const std::string bytes = window_frame(4) +
                            compressed_frame(json_frame(1, std::string(70'000, 'x')) + json_frame(2, "{}")) +
                            pairs_frame(3, {{"a", "b"}, {"", ""}}) + json_frame(4, std::string(200, 'y'));
  const std::string whole = read(bytes);
  EXPECT_EQ(read(bytes, 1), whole);
  std::mt19937 random(7);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(read(bytes, 1 + random() % 300), whole);
}

TEST(FrameReader, PutsJsonOnOneLine) { EXPECT_EQ(read(json_frame(1, "{\r\n \"a\": 1\n}")), "E2:1:{   \"a\": 1 } "); }

TEST(FrameReader, RefusesWhatIsNoFrame) {
  EXPECT_EQ(read("GET / HTTP/1.1\r\n"), "!invalid");
  EXPECT_EQ(read(std::string("2X\0\0\0\1", 6)), "!invalid");
  EXPECT_EQ(read(testing::ack_frame(1)), "!invalid");
  EXPECT_EQ(read(compressed_frame(compressed_frame(window_frame(1)))), "!invalid");
  EXPECT_EQ(read(compressed_frame_of("no zlib data")), "!invalid");
  const std::string data = testing::deflated(window_frame(1));
  EXPECT_EQ(read(compressed_frame_of(data + "x")), "W2:1 !invalid");
  EXPECT_EQ(read(compressed_frame_of(data.substr(0, data.size() - 1))), "W2:1 !invalid");
  EXPECT_EQ(read(compressed_frame_of("")), "!invalid");
  EXPECT_EQ(read(compressed_frame(json_frame(1, "{}").substr(0, 9))), "!invalid");
}

TEST(FrameReader, KnowsWhenAFrameIsNotWhole) {
  EXPECT_EQ(read("2"), "...");
  EXPECT_EQ(read(json_frame(1, "{}").substr(0, 11)), "...");
  EXPECT_EQ(read(compressed_frame(window_frame(1)).substr(0, 7)), "...");
}

TEST(FrameReader, TakesLengthsUpToTheirLimits) {
  const std::string json(kMaxEventBytes, 'j');
  EXPECT_EQ(read(json_frame(1, json), 1u << 20).size(), json.size() + 6);
  EXPECT_EQ(read("2J" + be32(1) + be32(kMaxEventBytes + 1)), "!limit");
  EXPECT_EQ(read("2C" + be32(kMaxCompressedBytes + 1)), "!limit");
  EXPECT_EQ(read("1D" + be32(1) + be32(kMaxDataPairs + 1)), "!limit");
  EXPECT_EQ(read("1D" + be32(1) + be32(1) + be32(kMaxDataFrameBytes - 14)), "...");
  EXPECT_EQ(read("1D" + be32(1) + be32(1) + be32(kMaxDataFrameBytes - 13)), "!limit");
  EXPECT_EQ(read("1D" + be32(1) + be32(1) + be32(0xFFFFFFFF)), "!limit");
}

TEST(FrameReader, ExpandsUpToTheLimitOnly) {
  // One event more than fits into the limit, of spaces: less than 1 MB.
  const std::string event = json_frame(1, std::string(kMaxEventBytes - 10, ' '));
  std::string frames;
  for (std::uint64_t i = 0; i <= kMaxExpandedBytes / event.size(); ++i) frames += event;
  FrameReader reader;
  reader.feed(compressed_frame(frames));
  for (std::uint64_t i = 0; i < kMaxExpandedBytes / event.size(); ++i) {
    const auto frame = reader.next(kMaxEventBytes);
    ASSERT_TRUE(frame.ok() && frame->has_value());
  }
  const auto frame = reader.next(kMaxEventBytes);
  ASSERT_FALSE(frame.ok());
  EXPECT_EQ(frame.error().code, core::ErrorCode::kLimit);
}

TEST(FrameReader, HoldsNoMoreThanItIsAllowed) {
  const std::string bytes = compressed_frame(json_frame(1, std::string(1'000'000, ' ')));
  FrameReader reader;
  reader.feed(bytes);
  const auto held = reader.next();
  ASSERT_TRUE(held.ok());
  EXPECT_FALSE(held->has_value());
  EXPECT_EQ(reader.wanted_bytes(), 1'000'010u);
  const auto given = reader.next(reader.wanted_bytes());
  ASSERT_TRUE(given.ok() && given->has_value());
  EXPECT_EQ((*given)->json.size(), 1'000'000u);
  ASSERT_TRUE(reader.next().ok());
  EXPECT_EQ(reader.wanted_bytes(), 0u);
}

}  // namespace
}  // namespace tocsin::source
