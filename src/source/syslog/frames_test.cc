#include "source/syslog/frames.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace tocsin::source::syslog {
namespace {

struct Cut {
  std::string lines;
  FrameTroubles troubles;
};

Cut cut_in_pieces(std::string_view bytes, const std::vector<std::size_t>& ends, std::size_t max_bytes) {
  FrameCutter cutter(max_bytes);
  Batch batch;
  Cut out;
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    cutter.feed(bytes.substr(begin, end - begin), batch, out.troubles);
    begin = end;
  }
  cutter.feed(bytes.substr(begin), batch, out.troubles);
  cutter.finish(batch, out.troubles);
  out.lines = batch.bytes;
  EXPECT_EQ(batch.message_count, static_cast<std::uint64_t>(std::ranges::count(batch.bytes, '\n')));
  return out;
}

Cut cut(std::string_view bytes, std::size_t max_bytes = 1'000) { return cut_in_pieces(bytes, {}, max_bytes); }

std::string text(const Cut& c) {
  return c.lines + "|" + std::to_string(c.troubles.too_long) + "," + std::to_string(c.troubles.bad_frame) + "," +
         std::to_string(c.troubles.cut_off);
}

using namespace std::string_literals;
using namespace std::string_view_literals;

TEST(FrameCutter, TakesLinesWithAnyEnd) {
  EXPECT_EQ(text(cut("<13>a\n<14>b\r\n<15>c\0\n\n\r\n\0<16>d\n\0"s)), "<13>a\n<14>b\n<15>c\n<16>d\n|0,0,0");
}

TEST(FrameCutter, TakesALastLineWithoutEnd) { EXPECT_EQ(text(cut("<13>a\n<14>b")), "<13>a\n<14>b\n|0,0,0"); }

TEST(FrameCutter, TakesCountedFrames) {
  EXPECT_EQ(text(cut("5 <13>a6 <14>bc")), "<13>a\n<14>bc\n|0,0,0");
  EXPECT_EQ(text(cut("6 <13>a\n\n7 <14>b\r\n")), "<13>a\n<14>b\n|0,0,0") << "line ends in and behind the count";
}

TEST(FrameCutter, TellsTheFramingOfEachFrame) {
  EXPECT_EQ(text(cut("<13>a\n5 <14>b<15>c\n5 <16>d\n<17>e")), "<13>a\n<14>b\n<15>c\n<16>d\n<17>e\n|0,0,0");
}

TEST(FrameCutter, KeepsLineFeedsOfACountedMessageAsText) {
  EXPECT_EQ(text(cut("9 <13>a\nb\nc5 <14>d")), "<13>a#012b#012c\n<14>d\n|0,0,0");
}

TEST(FrameCutter, KeepsNulsInsideAMessage) { EXPECT_EQ(text(cut("7 <13>a\0b"s)), "<13>a\0b\n|0,0,0"s); }

TEST(FrameCutter, TakesALineThatBeginsWithANumberForALine) {
  EXPECT_EQ(text(cut("2026 disk full\n0 <13>x\n12\n12 \n123456789 <13>y\n7")),
            "2026 disk full\n0 <13>x\n12\n12 \n123456789 <13>y\n7\n|0,0,0");
}

TEST(FrameCutter, FindsItsStepAgainBehindACountTooShort) {
  EXPECT_EQ(text(cut("7 <13>a\nbc\n<14>d\n5 <15>e")), "<13>a#012b\nc\n<14>d\n<15>e\n|0,1,0");
  EXPECT_EQ(text(cut("5 <13>a99 times\n5 <15>e")), "<13>a\n99 times\n<15>e\n|0,1,0");
}

TEST(FrameCutter, KeepsWhatCameOfACountedMessage) {
  EXPECT_EQ(text(cut("99 <13>a\n<14>b\n")), "<13>a#012<14>b\n|0,0,1");
  EXPECT_EQ(text(cut("99999999 <")), "<\n|0,0,1");
}

TEST(FrameCutter, CutsLongMessagesAndCountsThem) {
  const std::string fits = "<13>" + std::string(12, 'x');
  EXPECT_EQ(text(cut(fits + "\r\n16 " + fits + "18 " + fits + "\n\n", 16)), fits + "\n" + fits + "\n" + fits + "\n|0,0,0");
  EXPECT_EQ(text(cut(fits + "y\n17 " + fits + "y" + fits, 16)), fits + "\n" + fits + "\n" + fits + "\n|2,0,0");
}

TEST(FrameCutter, EmptyFramesAreNoMessages) { EXPECT_EQ(text(cut("\n\n\r\n\0\0"s)), "|0,0,0"); }

TEST(AppendMessage, MakesADatagramOneLine) {
  Batch batch;
  EXPECT_FALSE(append_message("<13>a\n\tb\r\n\0"sv, 100, batch));
  EXPECT_FALSE(append_message("\n", 100, batch));
  EXPECT_TRUE(append_message("<14>abc", 5, batch));
  EXPECT_EQ(batch.bytes, "<13>a#012\tb\n<14>a\n");
  EXPECT_EQ(batch.message_count, 2u);
}

TEST(FrameCutter, GivesTheSameHoweverTheBytesAreSplit) {
  const std::string bytes =
      "<13>a\r\n9 <14>b\nc\n\n2026 x\n5 <15>d77 y\n20 <16>a\nlong message.<17>line that is too long\n30 <18>cut\noff\n"s;
  const std::string whole = text(cut(bytes, 16));
  for (std::size_t i = 0; i <= bytes.size(); ++i) {
    for (std::size_t j = i; j <= bytes.size(); ++j) {
      ASSERT_EQ(text(cut_in_pieces(bytes, {i, j}, 16)), whole) << i << " " << j;
    }
  }
}

// The same rules on the whole text, without states.
Cut plain_cut(const std::string& s, std::size_t max_bytes) {
  Cut out;
  const auto is_end = [](char c) { return c == '\n' || c == '\r' || c == '\0'; };
  const auto add = [&](std::string message) {
    while (!message.empty() && is_end(message.back())) message.pop_back();
    if (message.size() > max_bytes) {
      message.resize(max_bytes);
      ++out.troubles.too_long;
    }
    for (const char c : message) out.lines += c == '\n' ? "#012"s : std::string(1, c);
    if (!message.empty()) out.lines += '\n';
  };
  bool counted_before = false;
  for (std::size_t at = 0; at < s.size();) {
    if (is_end(s[at])) {
      ++at;
      continue;
    }
    std::size_t digits = 0;
    while (s[at] != '0' && at + digits < s.size() && std::isdigit(static_cast<unsigned char>(s[at + digits]))) ++digits;
    if (digits > 0 && digits <= 8 && s.compare(at + digits, 2, " <") == 0) {
      const std::size_t count = std::stoul(s.substr(at, digits)), begin = at + digits + 1;
      if (count > s.size() - begin) ++out.troubles.cut_off;
      add(s.substr(begin, count));
      at = std::min(s.size(), begin + count);
      counted_before = true;
      continue;
    }
    if (counted_before && s[at] != '<') ++out.troubles.bad_frame;
    const std::size_t feed = std::min(s.find('\n', at), s.size());
    add(s.substr(at, feed - at));
    at = feed + 1;
    counted_before = false;
  }
  return out;
}

TEST(FrameCutter, AgreesWithThePlainCutterOnRandomBytes) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string_view letters("<<<  1234567890\n\n\r\0ab", 22);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (std::size_t n = random() % 60; n > 0; --n) {
      if (random() % 6 == 0) {
        bytes += std::to_string(random() % 25) + " <";
      } else {
        bytes += letters[random() % letters.size()];
      }
    }
    std::vector<std::size_t> ends;
    for (std::size_t at = random() % 9; at < bytes.size(); at += random() % 9) ends.push_back(at);
    ASSERT_EQ(text(cut_in_pieces(bytes, ends, 12)), text(plain_cut(bytes, 12))) << ::testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace tocsin::source::syslog
