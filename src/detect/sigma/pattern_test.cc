#include "detect/sigma/pattern.h"

#include <gtest/gtest.h>

#include <set>

namespace tocsin::detect::sigma {
namespace {

// Literals as they are, `*` and `?` as <*> and <?>.
std::string show(const Pattern& pattern) {
  std::string out;
  for (const PatternPart& part : pattern) {
    out += part.kind == PatternPart::Kind::kLiteral ? part.text : part.kind == PatternPart::Kind::kAnyRun ? "<*>" : "<?>";
  }
  return out;
}
std::string parsed(std::string_view text) { return show(parse_pattern(text)); }

TEST(Pattern, BackslashEscapesWildcardsAndItselfOnly) {
  EXPECT_EQ(parsed(R"(a\b)"), R"(a\b)");
  EXPECT_EQ(parsed(R"(a\\b)"), R"(a\b)");
  EXPECT_EQ(parsed(R"(a\*b)"), "a*b");
  EXPECT_EQ(parsed(R"(a\?b)"), "a?b");
  EXPECT_EQ(parsed(R"(a\\*b)"), R"(a\<*>b)");
  EXPECT_EQ(parsed(R"(a\\\*b)"), R"(a\*b)");
  EXPECT_EQ(parsed(R"(\\\\x)"), R"(\\x)");
  EXPECT_EQ(parsed(R"(\\\x)"), R"(\\x)");
  EXPECT_EQ(parsed(R"(\\\\*)"), R"(\\<*>)");
  EXPECT_EQ(parsed(R"(dir\)"), R"(dir\)");
  EXPECT_EQ(parsed(R"(dir\\)"), R"(dir\)");
}

TEST(Pattern, TrailingBackslashDoesNotEatAnAddedWildcard) {
  Pattern pattern = parse_pattern(R"(\Temp\)");
  add_trailing_run(pattern);
  add_leading_run(pattern);
  EXPECT_EQ(show(pattern), R"(<*>\Temp\<*>)");
}

TEST(Pattern, RunsNeverStandSideBySide) {
  EXPECT_EQ(parsed("a**b"), "a<*>b");
  EXPECT_EQ(parsed("*?*"), "<*><?><*>");
  Pattern pattern = parse_pattern("*a*");
  add_leading_run(pattern);
  add_trailing_run(pattern);
  EXPECT_EQ(show(pattern), "<*>a<*>");
  pattern = {};
  add_leading_run(pattern);
  add_trailing_run(pattern);
  EXPECT_EQ(show(pattern), "<*>");
}

TEST(Pattern, EmptyTextIsTheEmptyPattern) { EXPECT_TRUE(parse_pattern("").empty()); }

std::set<std::string> dashes(std::string_view text) {
  std::set<std::string> out;
  const auto variants = windash(parse_pattern(text), 100'000);
  if (variants) {
    for (const Pattern& pattern : *variants) out.insert(show(pattern));
  }
  return out;
}

TEST(Windash, EachOptionDashBecomesFiveCharacters) {
  EXPECT_EQ(dashes(" -f"), (std::set<std::string>{" -f", " /f", " –f", " —f", " ―f"}));
  EXPECT_EQ(dashes("/f"), (std::set<std::string>{"-f", "/f", "–f", "—f", "―f"}));
  EXPECT_EQ(dashes(" -a /b").size(), 25u);
  EXPECT_EQ(dashes("x*-f"), (std::set<std::string>{"x<*>-f", "x<*>/f", "x<*>–f", "x<*>—f", "x<*>―f"}));
}

TEST(Windash, LeavesOtherDashesAlone) {
  EXPECT_EQ(dashes("-foo-bar").size(), 5u);  // The inner dash stands between words.
  EXPECT_EQ(dashes("a-b"), (std::set<std::string>{"a-b"}));
  EXPECT_EQ(dashes("- f"), (std::set<std::string>{"- f"}));
  EXPECT_EQ(dashes("-"), (std::set<std::string>{"-"}));
  EXPECT_EQ(dashes("--long").size(), 5u);                    // Only the second begins a word.
  EXPECT_EQ(dashes("–f"), (std::set<std::string>{"–f"}));    // An en dash in the rule stays.
  EXPECT_EQ(dashes("é-f"), (std::set<std::string>{"é-f"}));  // A letter beyond ASCII is a word character.
  EXPECT_EQ(dashes("-é").size(), 5u);
  EXPECT_EQ(dashes("http://x").size(), 5u);  // The second slash.
}

TEST(Windash, StopsAtTheLimit) {
  EXPECT_TRUE(windash(parse_pattern("-a -b"), 25));
  EXPECT_FALSE(windash(parse_pattern("-a -b"), 24));
}

TEST(Utf16, LittleBigAndWithByteOrderMark) {
  using namespace std::string_literals;
  EXPECT_EQ(plain_text(to_utf16(literal_pattern("cmd"), Utf16::kLittle)), "c\0m\0d\0"s);
  EXPECT_EQ(plain_text(to_utf16(literal_pattern("cmd"), Utf16::kBig)), "\0c\0m\0d"s);
  EXPECT_EQ(plain_text(to_utf16(literal_pattern("cmd"), Utf16::kLittleWithMark)),
            "\xFF\xFE"
            "c\0m\0d\0"s);
  EXPECT_EQ(plain_text(to_utf16(literal_pattern("😀"), Utf16::kLittle)), "\x3D\xD8\x00\xDE"s);
  EXPECT_EQ(plain_text(to_utf16(literal_pattern("é"), Utf16::kBig)), "\0\xE9"s);
}

TEST(Base64, PaddingAndAlphabet) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFB\xFF\xFE"), "+//+");
}

TEST(Base64Offset, VariantsArePartOfEveryEncodingThatHoldsTheValue) {
  for (const std::string value : {"/bin/bash", "http://", "ab", "abc", "abcd", "é", "IEX(New-Object"}) {
    const auto variants = base64_offsets(value);
    ASSERT_EQ(variants.size(), 3u);
    for (std::size_t before = 0; before < 7; ++before) {
      for (std::size_t after = 0; after < 7; ++after) {
        const std::string whole = base64(std::string(before, '\xA5') + value + std::string(after, '\x5A'));
        EXPECT_NE(whole.find(variants[before % 3]), std::string::npos) << value << before << after;
      }
    }
  }
  EXPECT_EQ(base64_offsets("foo"), (std::vector<std::string>{"Zm9v", "Zvb", "mb2"}));
}

TEST(Base64Offset, OneByteHasNoFixedPartInTheMiddle) { EXPECT_TRUE(base64_offsets("x")[1].empty()); }

TEST(Cidr, NetworksOfBothFamilies) {
  EXPECT_TRUE(parse_cidr("10.0.0.0/8").ok());
  EXPECT_TRUE(parse_cidr("0.0.0.0/0").ok());
  EXPECT_TRUE(parse_cidr("fe80::/10").ok());
  EXPECT_EQ(parse_cidr("10.1.2.3").value().prefix_bits, 32);
  EXPECT_EQ(parse_cidr("::1").value().prefix_bits, 128);
}

TEST(Cidr, RefusesWhatIsNoNetwork) {
  for (const char* text : {"", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/8 ", "10.0.0.0/-1",
                           "fe80::/129", "host", "10.*", "10.0.0.0/255.0.0.0", "010.0.0.0/8", "10.0.0.0/+8"}) {
    EXPECT_FALSE(parse_cidr(text).ok()) << text;
  }
}

TEST(Cidr, HostBitsAreAnErrorThatNamesTheNetwork) {
  EXPECT_NE(parse_cidr("10.1.0.0/8").error().text.find("10.0.0.0/8"), std::string::npos);
  EXPECT_NE(parse_cidr("fe80::1/10").error().text.find("fe80::/10"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::detect::sigma
