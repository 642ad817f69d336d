#include "cli/rules/yaml_json.h"

#include <gtest/gtest.h>

namespace tocsin::cli {
namespace {

std::string json_of(std::string_view yaml) {
  const core::YamlFile file = core::parse_yaml(yaml);
  EXPECT_EQ(file.documents.size(), 1U);
  EXPECT_TRUE(file.issues.empty());
  std::string out;
  core::JsonWriter json(out);
  if (!file.documents.empty()) write_json(*file.documents[0].root, json);
  return out;
}

TEST(YamlJson, PlainNumbersBooleansAndNullKeepTheirType) {
  EXPECT_EQ(json_of("{a: 1, b: -2.5e3, c: true, d: False, e: null, f: ~, g: }"),
            R"({"a":1,"b":-2.5e3,"c":true,"d":false,"e":null,"f":null,"g":null})");
}

TEST(YamlJson, WhatJsonDoesNotCallANumberIsText) {
  EXPECT_EQ(json_of("[0x10, 007, 1_000, .5, +1, 1., 'yes', yes, 2026-11-24]"),
            R"(["0x10","007","1_000",".5","+1","1.","yes","yes","2026-11-24"])");
}

TEST(YamlJson, QuotedScalarsAreText) { EXPECT_EQ(json_of("['1', \"true\", '', 'null']"), R"(["1","true","","null"])"); }
TEST(YamlJson, AnAliasIsACopy) { EXPECT_EQ(json_of("a: &x {b: [1, 2]}\nc: *x\n"), R"({"a":{"b":[1,2]},"c":{"b":[1,2]}})"); }
TEST(YamlJson, BlockTextKeepsItsLines) { EXPECT_EQ(json_of("a: |\n  x\n  y\n"), R"({"a":"x\ny\n"})"); }

}  // namespace
}  // namespace tocsin::cli
