#include "core/unicode.h"

#include <gtest/gtest.h>

#include <random>

namespace tocsin::core {
namespace {

unsigned folded(char32_t code) { return static_cast<unsigned>(fold_code_point(code)); }

TEST(Unicode, FoldsCommonAndSimpleEntries) {
  EXPECT_EQ(fold_utf8("PowerShell.EXE"), "powershell.exe");
  EXPECT_EQ(fold_utf8("@[`{"), "@[`{");
  EXPECT_EQ(fold_utf8("ÄÖÜ ÉÑ"), "äöü éñ");
  EXPECT_EQ(fold_utf8("ΣΑΣς"), "σασσ");
  EXPECT_EQ(fold_utf8("Привет МИР"), "привет мир");
  EXPECT_EQ(folded(0x212A), 0x6Bu);      // Kelvin sign.
  EXPECT_EQ(folded(0x17F), 0x73u);       // Long s.
  EXPECT_EQ(folded(0x1E9E), 0xDFu);      // Capital sharp s: status S.
  EXPECT_EQ(folded(0x1F88), 0x1F80u);    // Status S.
  EXPECT_EQ(folded(0x23A), 0x2C65u);     // Two bytes become three.
  EXPECT_EQ(folded(0x10400), 0x10428u);  // Deseret.
  EXPECT_EQ(folded(0xAB70), 0x13A0u);    // Cherokee folds to capitals.
}

TEST(Unicode, LeavesFullAndTurkicFoldingsAlone) {
  EXPECT_EQ(fold_utf8("straße"), "straße");
  EXPECT_EQ(folded(0x130), 0x130u);
  EXPECT_EQ(folded(0x131), 0x131u);
  EXPECT_EQ(folded(0xFB00), 0xFB00u);
}

TEST(Unicode, FoldingTwiceChangesNothing) {
  for (char32_t code = 0; code < 0x110000; ++code) {
    const char32_t once = fold_code_point(code);
    ASSERT_TRUE(fold_code_point(once) == once) << static_cast<unsigned>(code);
  }
}

TEST(Unicode, StrayBytesPassUnchanged) {
  for (std::string_view text :
       {"\xFF"
        "A",
        "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xED\xA0\x80", "\xC0\xAF", "\xF4\x90\x80\x80", "\x80"}) {
    EXPECT_FALSE(is_valid_utf8(text));
    std::string copy;
    for (std::size_t pos = 0; pos < text.size();) append_utf8(next_code_point(text, pos), copy);
    EXPECT_EQ(copy, text);
  }
  EXPECT_EQ(fold_utf8("\xFF"
                      "A"),
            "\xFF"
            "a");
}

TEST(Unicode, EveryCodePointRoundTrips) {
  for (char32_t code = 0; code < 0x110000; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    append_utf8(code, text);
    std::size_t pos = 0;
    ASSERT_TRUE(next_code_point(text, pos) == code);
    ASSERT_EQ(pos, text.size());
    ASSERT_TRUE(is_valid_utf8(text));
  }
}

TEST(Unicode, AsciiPathAgreesWithTheGeneralOne) {
  std::mt19937 random(7);
  for (int round = 0; round < 2'000; ++round) {
    std::string text(random() % 40, ' ');
    for (char& c : text) c = static_cast<char>(random() % 128);
    std::string slow;
    for (char c : text) append_utf8(fold_code_point(static_cast<unsigned char>(c)), slow);
    ASSERT_EQ(fold_utf8(text), slow);
  }
}

}  // namespace
}  // namespace tocsin::core
