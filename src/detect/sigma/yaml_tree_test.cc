#include "detect/sigma/yaml_tree.h"

#include <gtest/gtest.h>

#include "detect/rule_set.h"

namespace tocsin::detect::sigma {
namespace {

using Kind = YamlNode::Kind;

Kind kind_of(const std::string& scalar) {
  const YamlFile file = parse_yaml("- " + scalar + "\n");
  EXPECT_EQ(file.documents.size(), 1u) << scalar;
  return file.documents.at(0).root->items.at(0)->kind;
}
std::string first_code(const std::string& text) {
  const YamlFile file = parse_yaml(text);
  if (!file.issues.empty()) return file.issues[0].code;
  for (const YamlDocument& document : file.documents) {
    if (!document.issues.empty()) return document.issues[0].code;
  }
  return "";
}

TEST(YamlTree, PlainScalarsHaveTypesAndQuotedOnesAreText) {
  for (const char* text : {"null", "~", "", "Null", "NULL"}) EXPECT_EQ(kind_of(text), Kind::kNull) << text;
  for (const char* text : {"true", "False", "TRUE"}) EXPECT_EQ(kind_of(text), Kind::kBool) << text;
  for (const char* text : {"1", "-1", "+1", "1.5", ".5", "1e3", "1.", "010", "1E-3"})
    EXPECT_EQ(kind_of(text), Kind::kNumber) << text;
  for (const char* text : {"0x1F", "0o7", "1_000",      "1:30", "yes", "no",       "on",     ".inf", ".nan",    "1e",
                           "+",    ".",   "2024-01-02", "nUll", "'1'", "\"true\"", "'null'", "''",   "!!str 1", "! 1"}) {
    EXPECT_EQ(kind_of(text), Kind::kText) << text;
  }
  EXPECT_EQ(kind_of("!!int '5'"), Kind::kNumber);
}

TEST(YamlTree, PlacesCountFromOneInCodePoints) {
  const YamlFile file = parse_yaml("a: 1\nüü: [x, 'y']\n");
  const YamlNode& list = *file.documents.at(0).root->entries.at(1).second;
  EXPECT_EQ(list.line, 2u);
  EXPECT_EQ(list.column, 5u);
  EXPECT_EQ(list.items.at(1)->column, 9u);
  EXPECT_EQ(list.items.at(1)->text_column, 10u);
  EXPECT_TRUE(list.items.at(1)->exact_columns);
}

TEST(YamlTree, ByteOrderMarkAndCrLfAreAccepted) {
  const YamlFile file = parse_yaml(
      "\xEF\xBB\xBF"
      "a: b\r\nc: d\r\n");
  ASSERT_EQ(file.documents.size(), 1u);
  EXPECT_EQ(file.documents[0].root->find("c")->text, "d");
  EXPECT_EQ(file.documents[0].root->find("a")->line, 1u);
}

TEST(YamlTree, ManyDocumentsAndEmptyOnes) {
  const YamlFile file = parse_yaml("---\na: 1\n---\n---\nb: 2\n...\n");
  ASSERT_EQ(file.documents.size(), 3u);
  EXPECT_EQ(file.documents[2].root->find("b")->line, 5u);
}

TEST(YamlTree, AnchorsAreSharedAndCounted) {
  const YamlFile file = parse_yaml("a: &x [1, 2]\nb: *x\n");
  EXPECT_EQ(file.documents.at(0).root->find("b"), file.documents.at(0).root->find("a"));
  EXPECT_EQ(file.documents.at(0).root->expanded_count, 1u + 1 + 3 + 1 + 3);
}

TEST(YamlTree, BillionLaughsIsRefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) text += ", " + before;
    text += "]\n";
  }
  const YamlFile file = parse_yaml(text);
  EXPECT_TRUE(file.refused);
  EXPECT_TRUE(file.documents.empty());
  EXPECT_EQ(first_code(text), "limit");
}

TEST(YamlTree, LongTextByAliasIsRefused) {
  std::string text = "a: &a " + std::string(100'000, 'x') + "\nb: [*a";
  for (int i = 0; i < 100; ++i) text += ", *a";
  EXPECT_EQ(first_code(text + "]\n"), "limit");
}

TEST(YamlTree, DepthIsBoundedAlsoThroughAliases) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(first_code(nested(kMaxYamlDepth)), "");
  EXPECT_EQ(first_code(nested(kMaxYamlDepth + 1)), "limit");
  EXPECT_EQ(first_code(std::string(100'000, '[')), "limit");
  EXPECT_EQ(first_code("a: &a " + nested(20) + "\nb: " + std::string(15, '[') + "*a" + std::string(15, ']') + "\n"),
            "limit");
}

TEST(YamlTree, NodesAndBytesAreBounded) {
  std::string many = "a: [";
  for (std::size_t i = 0; i < kMaxYamlNodes; ++i) many += "1,";
  EXPECT_EQ(first_code(many + "]"), "limit");
  EXPECT_EQ(first_code(std::string(kMaxRuleFileBytes + 1, ' ')), "limit");
}

TEST(YamlTree, DuplicateKeysAreFoundInLargeMapsToo) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(first_code(text), "");
  EXPECT_EQ(first_code(text + "k7: 2\n"), "duplicate-key");
  EXPECT_EQ(first_code("'a': 1\na: 2\n"), "duplicate-key");
}

TEST(YamlTree, SyntaxErrorsAreBounded) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "---\na: 'x\n";
  const YamlFile file = parse_yaml(text);
  EXPECT_LE(file.issues.size(), 100u);
}

}  // namespace
}  // namespace tocsin::detect::sigma
