#include "detect/match/text_match.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <array>
#include <random>

#include "core/time.h"
#include "core/unicode.h"
#include "detect/plain_evaluator.h"

namespace tocsin::detect {
namespace {

using sigma::Pattern;
using sigma::PatternPart;
using Kind = PatternPart::Kind;

constexpr unsigned kSeed = 20'260'102;

std::string pieces(std::mt19937& random, const std::vector<std::string>& from, std::size_t most) {
  std::string out;
  for (std::size_t i = random() % (most + 1); i > 0; --i) out += from[random() % from.size()];
  return out;
}

Pattern random_pattern(std::mt19937& random) {
  Pattern out;
  for (std::size_t i = random() % 6; i > 0; --i) {
    const auto kind = random() % 3;
    if (kind == 0 && (out.empty() || out.back().kind != Kind::kLiteral)) {
      std::string text = pieces(random, {"a", "b", "A", "é", "É", "k", "\xE2\x84\xAA", "𝒳"}, 3);
      out.push_back({Kind::kLiteral, text.empty() ? "a" : text});
    } else if (kind == 1 && (out.empty() || out.back().kind != Kind::kAnyRun)) {
      out.push_back({Kind::kAnyRun, {}});
    } else if (kind == 2) {
      out.push_back({Kind::kAnyOne, {}});
    }
  }
  return out;
}

std::string shown(const Pattern& pattern) {
  std::string out;
  for (const PatternPart& part : pattern)
    out += part.kind == Kind::kLiteral ? "<" + part.text + ">" : part.kind == Kind::kAnyRun ? "*" : "?";
  return out;
}

TEST(PatternMatch, AgreesWithThePlainGlobAlsoOnTornCharacters) {
  std::mt19937 random(kSeed);
  for (int round = 0; round < 150'000; ++round) {
    const Pattern pattern = random_pattern(random);
    const std::string text =
        pieces(random, {"a", "b", "A", "B", "é", "É", "k", "K", "\xE2\x84\xAA", "𝒳", "\n", "\xC3", "\xA9", "\xE2\x84"}, 7);
    for (const bool cased : {false, true}) {
      const CompiledPattern compiled = compile_pattern(pattern, cased);
      const std::string folded = core::fold_utf8(text);
      const bool held = plain_glob(pattern, text, cased);
      ASSERT_EQ(pattern_matches(compiled, text, folded), held)
          << shown(pattern) << " on " << text << " cased " << cased << ", seed " << kSeed;
      const auto span = find_pattern(compiled, text, folded);
      ASSERT_EQ(span.has_value(), held);
      if (!held) continue;
      ASSERT_LE(span->position + span->length, (cased ? text : folded).size());
      const std::string_view needed = required_literal(compiled);
      ASSERT_NE((cased ? text : folded).find(needed), std::string::npos);
    }
  }
}

TEST(PatternMatch, ManyStarsTakePolynomialTime) {
  Pattern pattern;
  for (int i = 0; i < 60; ++i) {
    pattern.push_back({Kind::kLiteral, "ab"});
    pattern.push_back({Kind::kAnyRun, {}});
  }
  pattern.push_back({Kind::kLiteral, "c"});
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "ab";
  EXPECT_FALSE(pattern_matches(compile_pattern(pattern, false), text, text));
}

TEST(PatternMatch, SpanCoversTheLiteralParts) {
  const CompiledPattern glob = compile_pattern(
      {{Kind::kAnyRun, {}}, {Kind::kLiteral, "b"}, {Kind::kAnyOne, {}}, {Kind::kLiteral, "d"}, {Kind::kAnyRun, {}}}, false);
  const auto span = find_pattern(glob, "aabcdd", "aabcdd");
  ASSERT_TRUE(span);
  EXPECT_EQ(span->position, 2u);
  EXPECT_EQ(span->length, 3u);
}

TEST(FindText, AgreesWithStringFind) {
  std::mt19937 random(kSeed);
  for (int round = 0; round < 100'000; ++round) {
    std::string text(random() % 80, '\0');
    for (char& c : text) c = "ab\xC3"[random() % 3];
    std::string literal(random() % 20, '\0');
    for (char& c : literal) c = "ab"[random() % 2];
    if (random() % 2 == 0 && !text.empty()) literal = text.substr(random() % text.size(), random() % 24);
    ASSERT_EQ(find_text(text, literal), text.find(literal)) << text << " " << literal << " seed " << kSeed;
  }
}

TEST(FindText, FindsAtEveryPlaceForEveryLength) {
  for (std::size_t size = 1; size <= 70; ++size) {
    for (std::size_t length = 1; length <= size; ++length) {
      for (std::size_t at = 0; at + length <= size; ++at) {
        std::string text(size, '.');
        const std::string literal(length, 'x');
        text.replace(at, length, literal);
        ASSERT_EQ(find_text(text, literal), at);
      }
    }
  }
}

TEST(FindText, TextsMadeToLookLikeTheLiteralTakeLinearTime) {
  const std::string text(2'000'000, 'a');
  for (std::size_t length = 3; length < 2'000; length = length * 3) {
    const std::string literal = std::string(length, 'a') + "b" + std::string(length, 'a');
    EXPECT_EQ(find_text(text, literal), std::string::npos);
    EXPECT_EQ(find_text(text + literal, literal), text.size() - length + length);
  }
}

sigma::Cidr cidr_of(bool v6, std::vector<std::uint8_t> bytes, std::uint8_t bits) {
  sigma::Cidr out;
  out.v6 = v6;
  out.prefix_bits = bits;
  std::copy(bytes.begin(), bytes.end(), out.bytes);
  return out;
}

TEST(CidrMatch, AgreesWithThePlainOneOnOddAddresses) {
  using namespace std::string_literals;
  const std::vector<sigma::Cidr> networks{cidr_of(false, {10}, 8),
                                          cidr_of(false, {}, 0),
                                          cidr_of(false, {10, 1, 2, 3}, 32),
                                          cidr_of(false, {10, 1, 2, 128}, 25),
                                          cidr_of(true, {}, 0),
                                          cidr_of(true, {0xFE, 0x80}, 10),
                                          cidr_of(true, {0x20, 0x01, 0x0D, 0xB8}, 33),
                                          cidr_of(true, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 96),
                                          cidr_of(true, {0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128)};
  const std::vector<std::string> addresses{"10.1.2.3",
                                           "10.1.2.128",
                                           "11.0.0.0",
                                           "::ffff:10.1.2.3",
                                           "::FFFF:0A01:0203",
                                           "10.1.2.3%eth0",
                                           "::ffff:10.1.2.3%1",
                                           "fe80::1%eth0",
                                           "fe80::1%",
                                           "2001:db8::1",
                                           "2001:db8:8000::",
                                           "10.1.2.3:80",
                                           "[::1]",
                                           " 10.1.2.3",
                                           "10.1.2.3 ",
                                           "10.1.2.3\0"s,
                                           "10.1.2.3\0x"s,
                                           "10.1.2",
                                           "010.1.2.3",
                                           "0x0a.1.2.3",
                                           "",
                                           "%",
                                           "%eth0",
                                           "::",
                                           "::1",
                                           "-",
                                           "LOCAL",
                                           std::string(60, '1'),
                                           std::string(70, ':'),
                                           "1111:2222:3333:4444:5555:6666:255.255.255.255",
                                           "::10.1.2.3"};
  for (const sigma::Cidr& network : networks) {
    for (const std::string& address : addresses) {
      EXPECT_EQ(cidr_contains(network, address), plain_in_network(network, address))
          << address << " in /" << int{network.prefix_bits} << " v6 " << network.v6;
    }
  }
}

TEST(CidrMatch, MappedAddressesAreInNetworksOfBothKinds) {
  EXPECT_TRUE(cidr_contains(cidr_of(false, {10}, 8), "::ffff:10.0.0.1"));
  EXPECT_TRUE(cidr_contains(cidr_of(true, {}, 0), "::ffff:10.0.0.1"));
}

TEST(NumberMatch, TakesDecimalNumbersOnly) {
  for (const char* text : {"0", "-0", "5", "-1.5e3", "1E+2", "007", "1e-3", "9007199254740993"})
    EXPECT_TRUE(parse_number(text)) << text;
  for (const char* text : {"", "-", "+5", ".5", "-.5", "5.", "5.e1", "0x10", "inf", "nan", "-inf", "1e", "1e999", " 5", "5 ",
                           "1,5", "1e1.5", "--1"}) {
    EXPECT_FALSE(parse_number(text)) << text;
  }
}

TEST(NumberMatch, AgreesWithThePlainEvaluatorOnRandomTexts) {
  std::mt19937 random(kSeed);
  PlainEvaluator plain;
  for (int round = 0; round < 100'000; ++round) {
    const std::string text = pieces(random, {"1", "0", "-", "+", ".", "e", "E", "9", " ", "x"}, 6);
    sigma::Leaf leaf;
    leaf.field = "A";
    leaf.op =
        std::array{sigma::Op::kLess, sigma::Op::kLessEqual, sigma::Op::kGreater, sigma::Op::kGreaterEqual}[random() % 4];
    leaf.number = static_cast<double>(random() % 3) - 1;
    ASSERT_EQ(number_matches(leaf.op, leaf.number, text), plain.match_leaf(leaf, {{{"A", model::ValueType::kText, text}}}))
        << text;
  }
}

TEST(TimePartMatch, AgreesWithThePlainEvaluatorOverTheWholeRange) {
  std::mt19937_64 random(kSeed);
  PlainEvaluator plain;
  for (int round = 0; round < 60'000; ++round) {
    const auto seconds = static_cast<std::int64_t>(random() % 18'400'000'000ULL) - 9'200'000'000LL;
    const std::string text = core::format_iso_time({seconds * 1'000'000'000});
    sigma::Leaf leaf;
    leaf.field = "A";
    leaf.op = sigma::Op::kTimePart;
    leaf.time_part = static_cast<sigma::TimePart>(random() % 6);
    leaf.compare = static_cast<sigma::Compare>(random() % 5);
    leaf.number = static_cast<double>(leaf.time_part == sigma::TimePart::kYear ? 1'700 + random() % 500 : random() % 54);
    ASSERT_EQ(time_part_matches(leaf, text), plain.match_leaf(leaf, {{{"A", model::ValueType::kText, text}}})) << text;
  }
}

TEST(TimePartMatch, WeeksAreThoseOfIso8601) {
  sigma::Leaf leaf;
  leaf.op = sigma::Op::kTimePart;
  leaf.time_part = sigma::TimePart::kWeek;
  const std::vector<std::pair<const char*, int>> dates{
      {"2021-01-03", 53}, {"2021-01-04", 1}, {"2020-12-31", 53}, {"2018-12-31", 1},  {"2016-01-01", 53},
      {"1969-12-29", 1},  {"1970-01-01", 1}, {"1970-01-05", 2},  {"1677-12-31", 52}, {"2024-12-30", 1}};
  for (const auto& [date, week] : dates) {
    leaf.number = week;
    EXPECT_TRUE(time_part_matches(leaf, date)) << date;
  }
  EXPECT_FALSE(time_part_matches(leaf, "no date"));
}

TEST(ReferenceMatch, ComparesByMode) {
  using sigma::RefMode;
  EXPECT_TRUE(reference_matches(RefMode::kEquals, "ab", "ab"));
  EXPECT_FALSE(reference_matches(RefMode::kEquals, "ab", "a"));
  EXPECT_TRUE(reference_matches(RefMode::kContains, "xaby", "ab"));
  EXPECT_TRUE(reference_matches(RefMode::kStartsWith, "abx", "ab"));
  EXPECT_FALSE(reference_matches(RefMode::kStartsWith, "xab", "ab"));
  EXPECT_TRUE(reference_matches(RefMode::kEndsWith, "xab", "ab"));
  EXPECT_TRUE(reference_matches(RefMode::kContains, "x", ""));
}

// --- Expressions that only ask for a long line.
sigma::Leaf regex_leaf(const std::string& text) {
  sigma::Leaf out;
  out.op = sigma::Op::kRegex;
  out.text = text;
  return out;
}

TEST(LongLine, OnlyAPlainDotWithALeastCountIsOne) {
  EXPECT_EQ(line_length_asked(regex_leaf(".{1000,}")), 1'000u);
  for (const char* other : {".{3}", ".{3,4}", "x.{3,}", ".{3,}x", ".{3,}.{2,}", ".{,3}", ".{-3,}", ".{0,}", ".+", ".{3,}?"})
    EXPECT_EQ(line_length_asked(regex_leaf(other)), 0u) << other;
  sigma::Leaf across_lines = regex_leaf(".{3,}");
  across_lines.flag_s = true;
  EXPECT_EQ(line_length_asked(across_lines), 0u);
}

TEST(LongLine, IsFoundWhereRe2FindsIt) {
  std::mt19937 random(kSeed);
  const std::vector<std::string> texts{"a",  "ab", "é", "\xE2\x84\xAA",      "\xF0\x9D\x92\xB3",
                                       "\n", "\r", " ", std::string(1, '\0')};
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::size_t n = random() % 12; n > 0; --n) text += texts[random() % texts.size()];
    const std::size_t length = 1 + random() % 6;
    const re2::RE2 regex(".{" + std::to_string(length) + ",}");
    re2::StringPiece expected;
    const bool wanted = regex.Match(re2::StringPiece(text), 0, text.size(), re2::RE2::UNANCHORED, &expected, 1);
    const auto found = find_long_line(text, length);
    ASSERT_EQ(found.has_value(), wanted) << text << " " << length << " seed " << kSeed;
    if (!wanted) continue;
    EXPECT_EQ(found->position, static_cast<std::size_t>(expected.data() - text.data()));
    EXPECT_EQ(found->length, expected.size());
  }
}

// --- What a regular expression needs.
bool fulfils(const RegexNeeds& needs, std::string_view text) {
  const std::string folded = core::fold_utf8(text);
  if (text.size() < needs.min_length || folded.find(needs.literal) == std::string::npos) return false;
  std::uint64_t held[2] = {};
  for (const char c : folded) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) held[byte / 64] |= std::uint64_t{1} << (byte % 64);
  }
  return (needs.bytes[0] & ~held[0]) == 0 && (needs.bytes[1] & ~held[1]) == 0;
}

TEST(RegexNeeds, FindsTheLongestPlainRun) {
  EXPECT_EQ(regex_needs("ab.*MimiKatz+x").literal, "mimikatz");
  EXPECT_EQ(regex_needs("(?i)\\\\cmd\\.exe").literal, "\\cmd.exe");
  EXPECT_EQ(regex_needs("abc|d").literal, "");
  EXPECT_EQ(regex_needs("abc(d|e)f").literal, "abc");
  EXPECT_EQ(regex_needs("abé?x").literal, "ab");
  EXPECT_EQ(regex_needs("[abc]{3}de").min_length, 5u);
}

TEST(RegexNeeds, BracesThatAreNoCountArePlain) {
  EXPECT_EQ(regex_needs("a{9 b}").min_length, 6u);
  EXPECT_EQ(regex_needs("a{9 b}").literal, "a{9 b}");
  EXPECT_EQ(regex_needs("a{,5}").literal, "a{,5}");
  EXPECT_EQ(regex_needs("ab{2,}").min_length, 3u);
}

TEST(RegexNeeds, AQuantifierBehindFlagsIsAboutTheItemBefore) {
  EXPECT_EQ(regex_needs("abc(?i)*").literal, "");
  EXPECT_EQ(regex_needs("abc(?i)*").min_length, 0u);
}

// Whatever RE2 finds has what the expression needs; texts are made from the pieces of the expressions.
TEST(RegexNeeds, EveryMatchOfARandomExpressionHasThem) {
  std::mt19937 random(kSeed);
  const std::vector<std::string> atoms{
      "a",        "b",         "k",     "K",       "é",           "\\.",           "\\\\",   ".",      "[ab]",
      "[^a]",     "[]a]",      "[^]a]", "[a\\]b]", "[[:alpha:]]", "[[:^digit:]x]", "(ab|k)", "(?:ab)", "(?i:k)",
      "(?P<n>a)", "(a(b|k)?)", "\\d",   "\\w",     "\\W",         "\\s",           "\\b",    "\\x41",  "\\x{e9}",
      "\\pL",     "\\Qa.b\\E", "\\t",   "(?i)",    "(?s)",        "(?-i)",         "^",      "$",      "\\z",
      "\\C",      "{",         "}",     "a{1 b}",  "a{9 b}",      "a{,5}",         "]",      "-",      "|",
      "\\_",      "\\/",       "\\ "};
  const std::vector<std::string> quantifiers{"",     "",      "",   "",   "*",  "+",    "?",      "{2}",  "{0}", "{0,1}",
                                             "{1,}", "{2,3}", "*?", "+?", "??", "{2}?", "{2}{0}", "{2}*", "+*"};
  const std::vector<std::string> texts{
      "a",  "b",  "k", "K", "\xE2\x84\xAA", "A",      "é",     "É", ".", "\\", "1", " ", "\t", "ab", "aa",
      "bb", "kk", "{", "}", "a{1 b}",       "a{9 b}", "a{,5}", "]", "-", "x",  "_", "/", "\n", "a.b"};
  std::size_t matched = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string expression;
    for (std::size_t i = 1 + random() % 4; i > 0; --i)
      expression += atoms[random() % atoms.size()] + quantifiers[random() % quantifiers.size()];
    re2::RE2::Options options;
    options.set_log_errors(false);
    const re2::RE2 regex(expression, options);
    if (!regex.ok()) continue;
    const RegexNeeds needs = regex_needs(expression);
    for (int i = 0; i < 12; ++i) {
      const std::string text = pieces(random, texts, 5);
      if (!re2::RE2::PartialMatch(text, regex)) continue;
      ++matched;
      ASSERT_TRUE(fulfils(needs, text)) << expression << " needs '" << needs.literal << "' and " << needs.min_length
                                        << " bytes; text '" << text << "', seed " << kSeed;
    }
  }
  EXPECT_GT(matched, 20'000u);
}

TEST(FoldAscii, AgreesWithFoldUtf8) {
  std::mt19937 random(kSeed);
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 50, '\0');
    for (char& c : text) c = static_cast<char>(random() % (random() % 8 == 0 ? 256 : 128));
    std::string out(text.size() + 16, '?');
    const bool ascii = fold_ascii(text, out.data());
    ASSERT_EQ(ascii, core::is_ascii(text));
    if (!ascii) continue;
    ASSERT_EQ(out.substr(0, text.size()), core::fold_utf8(text));
  }
}

TEST(OriginalPosition, MapsFoldedBytesBackToTheText) {
  const std::string text =
      "x\xE2\x84\xAA"
      "éy";  // Kelvin: 3 bytes, folded 1.
  EXPECT_EQ(original_position(text, 0), 0u);
  EXPECT_EQ(original_position(text, 1), 1u);
  EXPECT_EQ(original_position(text, 2), 4u);
  EXPECT_EQ(original_position(text, 4), 6u);
  EXPECT_EQ(original_position(text, 5), 7u);
}

}  // namespace
}  // namespace tocsin::detect
