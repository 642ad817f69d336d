#include "cli/rules/yaml_value.h"

#include <gtest/gtest.h>

namespace tocsin::cli {
namespace {

std::string json_of(std::string_view yaml) {
  const auto value = read_yaml(yaml);
  if (!value.ok()) return "error: " + value.error().text;
  std::string out;
  core::JsonWriter json(out);
  write_json(value.value(), json);
  return out;
}

TEST(YamlValue, PlainNumbersBooleansAndNullKeepTheirType) {
  EXPECT_EQ(json_of("{a: 1, b: -2.5e3, c: true, d: False, e: null, f: ~, g: }"),
            R"({"a":1,"b":-2.5e3,"c":true,"d":false,"e":null,"f":null,"g":null})");
}

TEST(YamlValue, WhatJsonDoesNotCallANumberIsText) {
  EXPECT_EQ(json_of("[0x10, 007, 1_000, .5, +1, 1., 'yes', yes, -, 2026-11-24]"),
            R"(["0x10","007","1_000",".5","+1","1.","yes","yes","-","2026-11-24"])");
}

TEST(YamlValue, QuotedScalarsAreText) { EXPECT_EQ(json_of("['1', \"true\", '', 'null']"), R"(["1","true","","null"])"); }

TEST(YamlValue, AnAliasIsACopy) { EXPECT_EQ(json_of("a: &x {b: [1, 2]}\nc: *x\n"), R"({"a":{"b":[1,2]},"c":{"b":[1,2]}})"); }

TEST(YamlValue, BlockTextKeepsItsLines) { EXPECT_EQ(json_of("a: |\n  x\n  y\n"), R"({"a":"x\ny\n"})"); }

TEST(YamlValue, AnEmptyDocumentIsNull) { EXPECT_EQ(json_of("# nothing\n"), "null"); }

TEST(YamlValue, RefusesWithTheLine) {
  EXPECT_EQ(json_of("a: 1\nb: *x\n"), "error: line 2: no value is anchored by that name");
  EXPECT_EQ(json_of("a: 1\na: 2\n"), "error: line 2: the key 'a' is there twice");
  EXPECT_EQ(json_of("a: 1\n<<: {}\n"), "error: line 2: merge keys are not read here; write the entries out");
  EXPECT_TRUE(json_of("a: [1\n").starts_with("error: line ")) << json_of("a: [1\n");
  EXPECT_TRUE(json_of("? [1]\n: 2\n").starts_with("error: line 1: a key must be a text"));
}

TEST(YamlValue, RefusesDepthPastTheLimit) {
  const std::string good = std::string(kMaxYamlValueDepth, '[') + std::string(kMaxYamlValueDepth, ']');
  EXPECT_TRUE(read_yaml(good).ok());
  const std::string deep = "[" + good + "]";
  ASSERT_FALSE(read_yaml("[" + deep + "]").ok());
}

TEST(YamlValue, RefusesABillionLaughs) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k) text += ", " + before;
    text += "]\n";
  }
  const auto value = read_yaml(text);
  ASSERT_FALSE(value.ok());
  EXPECT_NE(value.error().text.find("more than"), std::string::npos) << value.error().text;
}

}  // namespace
}  // namespace tocsin::cli
