#include "detect/match/literal_index.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "core/unicode.h"

namespace tocsin::detect {
namespace {

constexpr unsigned kSeed = 20'260'103;

struct Wanted {
  Shape shape;
  std::string text;
};

bool holds(const Wanted& literal, std::string_view text) {
  switch (literal.shape) {
    case Shape::kExact: return text == literal.text;
    case Shape::kPrefix: return text.starts_with(literal.text);
    case Shape::kSuffix: return text.ends_with(literal.text);
    default: return text.find(literal.text) != std::string_view::npos;
  }
}

class Checked {
 public:
  void add(Shape shape, const std::string& text) {
    if (!indexable(shape, text)) return;
    EXPECT_EQ(index_.add(shape, text), literals_.size());
    literals_.push_back({shape, text});
  }
  void build() { index_.build(); }
  // Compares with a search for each literal.
  ::testing::AssertionResult check(const std::string& text) const {
    // Copied to a place of its exact size, so that sanitizers see a read behind it.
    const std::vector<char> exact(text.begin(), text.end());
    std::vector<std::uint32_t> out;
    index_.find({exact.data(), exact.size()}, core::is_ascii(text), out);
    const std::set<std::uint32_t> found(out.begin(), out.end());
    for (std::uint32_t i = 0; i < literals_.size(); ++i) {
      if (holds(literals_[i], text) == found.contains(i)) continue;
      return ::testing::AssertionFailure()
             << (found.contains(i) ? "found" : "missed") << " '" << literals_[i].text << "' shape "
             << static_cast<int>(literals_[i].shape) << " in '" << text << "', seed " << kSeed;
    }
    for (std::size_t i = 1; i < out.size(); ++i) {
      if (out[i] == out[i - 1]) return ::testing::AssertionFailure() << "given twice in a row in '" << text << "'";
    }
    return ::testing::AssertionSuccess();
  }
  std::size_t size() const { return literals_.size(); }

 private:
  LiteralIndex index_;
  std::vector<Wanted> literals_;
};

constexpr Shape kShapes[] = {Shape::kExact, Shape::kPrefix, Shape::kSuffix, Shape::kContains};

std::string random_text(std::mt19937& random, const std::vector<std::string>& from, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += from[random() % from.size()];
  return out;
}

TEST(LiteralIndex, TakesWhatItSays) {
  EXPECT_FALSE(indexable(Shape::kContains, "a"));
  EXPECT_TRUE(indexable(Shape::kContains, "ab"));
  EXPECT_TRUE(indexable(Shape::kPrefix, "a"));
  EXPECT_TRUE(indexable(Shape::kSuffix, "a"));
  EXPECT_FALSE(indexable(Shape::kSuffix, ""));
  EXPECT_FALSE(indexable(Shape::kAny, "abc"));
  EXPECT_FALSE(indexable(Shape::kGlob, "abc"));
}

TEST(LiteralIndex, AnEmptyOneFindsNothing) {
  Checked index;
  index.build();
  for (const char* text : {"", "a", "abcdefghij"}) EXPECT_TRUE(index.check(text));
}

TEST(LiteralIndex, FindsEveryLengthAtEveryPlaceInEveryShape) {
  for (const Shape shape : kShapes) {
    for (std::size_t length = 1; length <= 20; ++length) {
      Checked index;
      const std::string literal = std::string("abcdefghijklmnopqrst").substr(0, length);
      index.add(shape, literal);
      if (index.size() == 0) continue;
      index.build();
      for (std::size_t before = 0; before < 19; ++before) {
        for (std::size_t after = 0; after < 10; ++after) {
          EXPECT_TRUE(index.check(std::string(before, '.') + literal + std::string(after, '.')));
          std::string changed = std::string(before, '.') + literal + std::string(after, '.');
          changed[before + length / 2] = 'Z';
          EXPECT_TRUE(index.check(changed));
        }
      }
      for (std::size_t cut = 0; cut < length; ++cut)
        EXPECT_TRUE(index.check(literal.substr(0, cut)) && index.check(literal.substr(cut)));
    }
  }
}

TEST(LiteralIndex, FindsWideLiteralsAtEveryPlace) {
  for (const std::string literal :
       {"é", "éa", "aé", "xyé", "日本", "a日", "𝒳", "ab𝒳cd", "abcdefghé", "éabcdefgh", "ééé", "\xC3\xA9\xE6\x97\xA5"}) {
    for (const Shape shape : kShapes) {
      Checked index;
      index.add(shape, literal);
      index.add(Shape::kContains, "plain");
      index.build();
      for (std::size_t before = 0; before < 9; ++before) {
        for (const std::string fill : {".", "è", "日"}) {
          std::string lead;
          for (std::size_t i = 0; i < before; ++i) lead += fill;
          EXPECT_TRUE(index.check(lead + literal));
          EXPECT_TRUE(index.check(lead + literal + fill));
          EXPECT_TRUE(index.check(lead + literal.substr(0, literal.size() - 1)));
        }
      }
    }
  }
}

TEST(LiteralIndex, AgreesWithSearchingEachLiteralInRandomTexts) {
  std::mt19937 random(kSeed);
  const std::vector<std::string> alphabets[] = {{"a", "b"},
                                                {"a", "b", "c", "\\", ".exe", " "},
                                                {"a", "é", "b", "日", "𝒳", "è"},
                                                {"cmd", ".exe", "\\", "windows", " -", "power", "shell"}};
  for (int round = 0; round < 2'000; ++round) {
    const auto& alphabet = alphabets[random() % 4];
    Checked index;
    std::vector<std::string> literals;
    for (std::size_t i = 1 + random() % 40; i > 0; --i) {
      literals.push_back(random_text(random, alphabet, 1 + random() % 20));
      index.add(kShapes[random() % 4], literals.back());
    }
    index.build();
    for (int i = 0; i < 20; ++i) {
      std::string text = random_text(random, alphabet, random() % 60);
      if (random() % 2 == 0) text += literals[random() % literals.size()];
      if (random() % 3 == 0) text = literals[random() % literals.size()] + text;
      if (random() % 6 == 0) text = literals[random() % literals.size()];
      ASSERT_TRUE(index.check(text));
    }
  }
}

TEST(LiteralIndex, ThousandsOfLiteralsAtOnce) {
  std::mt19937 random(kSeed);
  const std::vector<std::string> alphabet{"a", "b", "c", "d", "e", "\\", "é", "1"};
  Checked index;
  for (int i = 0; i < 6'000; ++i) index.add(kShapes[random() % 4], random_text(random, alphabet, 2 + random() % 12));
  index.build();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(index.check(random_text(random, alphabet, random() % 400)));
}

TEST(LiteralIndex, BytesThatAreNoUtf8AndNulsAreSearchedToo) {
  using namespace std::string_literals;
  Checked index;
  index.add(Shape::kContains, "a\0b"s);
  index.add(Shape::kContains, "éa");
  index.add(Shape::kContains, "日本");
  index.add(Shape::kSuffix, "é");
  index.build();
  for (const std::string& text : {"\xC3"s, "\xE6"s, "\xE6\x97"s, "x\xC3"s, "\xFF\xC3\xA9\x61"s, "a\0b"s, "a\0\0b"s,
                                  "\xA9\xC3\xA9"s, "\xF0\x9F"s, "日\xE6"s})
    EXPECT_TRUE(index.check(text));
}

TEST(LiteralIndex, ExactLiteralsOfAnyLength) {
  Checked index;
  for (const std::size_t size : {1u, 2u, 7u, 8u, 9u, 62u, 63u, 64u, 65u, 200u, 5'000u})
    index.add(Shape::kExact, std::string(size, 'x'));
  index.build();
  for (const std::size_t size : {0u, 1u, 3u, 7u, 8u, 61u, 62u, 63u, 64u, 66u, 199u, 200u, 5'000u})
    EXPECT_TRUE(index.check(std::string(size, 'x')));
}

}  // namespace
}  // namespace tocsin::detect
