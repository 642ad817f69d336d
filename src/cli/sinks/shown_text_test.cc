#include "cli/sinks/shown_text.h"

#include <gtest/gtest.h>

#include <random>

#include "core/unicode.h"

namespace tocsin::cli {
namespace {

TEST(ShownText, LeavesPrintableTextOfAnyScript) {
  EXPECT_EQ(shown_text("C:\\a b\\jürgen 日本 😀"), "C:\\a b\\jürgen 日本 😀");
}

TEST(ShownText, EscapesControlsAndTerminalEscapes) {
  EXPECT_EQ(shown_text("a\nb\r\t"), "a\\nb\\r\\t");
  EXPECT_EQ(shown_text("\x1b[2J\x07\x7f"), "\\x1b[2J\\x07\\x7f");
  EXPECT_EQ(shown_text(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(shown_text("\xc2\x9b"
                       "31m"),
            "\\u{9b}31m")
      << "CSI of the C1 controls";
}

TEST(ShownText, EscapesCharactersThatHideOrTurnText) {
  EXPECT_EQ(shown_text("a\xe2\x80\xae"
                       "b"),
            "a\\u{202e}b");
  EXPECT_EQ(shown_text("\xe2\x80\x8b"), "\\u{200b}");
  EXPECT_EQ(shown_text("\xef\xbb\xbf"), "\\u{feff}");
  EXPECT_EQ(shown_text("\xf3\xa0\x81\x81"), "\\u{e0041}") << "tag characters";
}

TEST(ShownText, EscapesBytesThatAreNoUtf8) { EXPECT_EQ(shown_text("a\xff\xc3"), "a\\xff\\xc3"); }

TEST(ShownText, RandomBytesNeverGiveControlsOrInvalidUtf8) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  for (int round = 0; round < 2'000; ++round) {
    std::string text(random() % 40, '\0');
    for (char& c : text) c = static_cast<char>(random());
    const std::string shown = shown_text(text);
    ASSERT_TRUE(core::is_valid_utf8(shown)) << "seed " << seed;
    for (std::size_t at = 0; at < shown.size();) {
      const char32_t code = core::next_code_point(shown, at);
      ASSERT_TRUE(code >= 0x20 && (code < 0x7f || code > 0x9f)) << "seed " << seed;
    }
    const std::size_t columns = random() % 30;
    ASSERT_LE(column_count(cut_to(shown, columns)), columns) << "seed " << seed;
    ASSERT_EQ(column_count(fit_to(shown, columns)), columns) << "seed " << seed;
  }
}

TEST(CutTo, EndsWithAnEllipsisWhereItCuts) {
  EXPECT_EQ(cut_to("abcdef", 6), "abcdef");
  EXPECT_EQ(cut_to("abcdefg", 6), "abcde…");
  EXPECT_EQ(cut_to("abc", 1), "…");
  EXPECT_EQ(cut_to("abc", 0), "");
}

TEST(CutTo, CountsWideCharactersAsTwoColumns) {
  EXPECT_EQ(column_count("日本"), 4u);
  EXPECT_EQ(cut_to("日本語", 5), "日本…");
  EXPECT_EQ(cut_to("日本語", 4), "日…");
  EXPECT_EQ(fit_to("日本語", 4), "日… ");
}

TEST(Grouped, SeparatesThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'000), "1,000");
  EXPECT_EQ(grouped(12'345'678), "12,345,678");
}

TEST(ShownTime, IsUtcToTheSecondOrADash) {
  EXPECT_EQ(shown_time(*core::parse_iso_time("2026-11-24T08:30:12.9Z")), "2026-11-24 08:30:12");
  EXPECT_EQ(shown_time(core::kNoTime), "-");
}

}  // namespace
}  // namespace tocsin::cli
