#include "detect/match/value_rule.h"

#include <gtest/gtest.h>

#include "detect/match/test_events.h"

namespace tocsin::detect {
namespace {

using Kind = ValueRule::Kind;

std::string mapped(std::vector<ValueRule> values, std::string_view text) {
  FieldRule rule;
  rule.values = std::move(values);
  core::Arena arena(64);
  return std::string(map_value(rule, text, arena));
}

TEST(ValueRule, WithoutRulesTheTextIsItself) { EXPECT_EQ(mapped({}, "Some Text"), "Some Text"); }

TEST(ValueRule, EqualsReplacesTheWholeValueInAnyCase) {
  const std::vector<ValueRule> rules{{Kind::kEquals, "S-1-16-4096", "Low"}};
  EXPECT_EQ(mapped(rules, "s-1-16-4096"), "Low");
  EXPECT_EQ(mapped(rules, "S-1-16-40960"), "S-1-16-40960");
  EXPECT_EQ(mapped(rules, "S-1-16-409"), "S-1-16-409");
  EXPECT_EQ(mapped(rules, ""), "");
}

TEST(ValueRule, PrefixReplacesTheBeginning) {
  const std::vector<ValueRule> rules{{Kind::kPrefix, "\\REGISTRY\\MACHINE", "HKLM"}};
  EXPECT_EQ(mapped(rules, "\\registry\\Machine\\SOFTWARE\\X"), "HKLM\\SOFTWARE\\X");
  EXPECT_EQ(mapped(rules, "\\REGISTRY\\MACHINE"), "HKLM");
  EXPECT_EQ(mapped(rules, "\\REGISTRY\\MACHIN"), "\\REGISTRY\\MACHIN");
  EXPECT_EQ(mapped(rules, "x\\REGISTRY\\MACHINE"), "x\\REGISTRY\\MACHINE");
}

TEST(ValueRule, HexadecimalBecomesDecimal) {
  const std::vector<ValueRule> rules{{Kind::kHexToDecimal, {}, {}}};
  EXPECT_EQ(mapped(rules, "0x1f4"), "500");
  EXPECT_EQ(mapped(rules, "0X1F4"), "500");
  EXPECT_EQ(mapped(rules, "0x0"), "0");
  EXPECT_EQ(mapped(rules, "0xffffffffffffffff"), "18446744073709551615");
  for (const char* text : {"0x10000000000000000", "0x", "0xg", "0x1 ", "0x-1", "500", "", "0"})
    EXPECT_EQ(mapped(rules, text), text);
}

TEST(ValueRule, DevicePathsBecomeDriveC) {
  const std::vector<ValueRule> rules{{Kind::kDevicePath, {}, {}}};
  EXPECT_EQ(mapped(rules, "\\device\\harddiskvolume12\\Windows\\cmd.exe"), "C:\\Windows\\cmd.exe");
  EXPECT_EQ(mapped(rules, "\\Device\\HarddiskVolume3\\"), "C:\\");
  for (const char* text : {"\\Device\\HarddiskVolume3", "\\Device\\HarddiskVolume\\x", "\\Device\\Mup\\x", "System", ""})
    EXPECT_EQ(mapped(rules, text), text);
}

TEST(ValueRule, TheFirstThatAppliesIsTaken) {
  const std::vector<ValueRule> rules{
      {Kind::kHexToDecimal, {}, {}}, {Kind::kEquals, "0x1", "never"}, {Kind::kPrefix, "a", "1"}, {Kind::kPrefix, "ab", "2"}};
  EXPECT_EQ(mapped(rules, "0x1"), "1");
  EXPECT_EQ(mapped(rules, "abc"), "1bc");
}

TEST(ValueRule, MappedValuesLeaveOutNullAndOtherNames) {
  model::NameTable names;
  TestEvents events(names);
  SourceRow row;
  row.fields.push_back({"A", "Raw", {{Kind::kEquals, "x", "y"}}});
  const model::Event event = events.add_plain({{{"Raw", model::ValueType::kText, "X"},
                                                {"Raw", model::ValueType::kNull, ""},
                                                {"A", model::ValueType::kText, "hidden"},
                                                {"raw", model::ValueType::kText, "case"}}});
  EXPECT_EQ(mapped_values(&row, event, "A"), std::vector<std::string>{"y"});
  EXPECT_EQ(mapped_values(&row, event, "Raw"), std::vector<std::string>{"X"});
  EXPECT_EQ(mapped_values(nullptr, event, "A"), std::vector<std::string>{"hidden"});
  EXPECT_EQ(rule_for(&row, "B"), nullptr);
  EXPECT_EQ(rule_for(nullptr, "A"), nullptr);
}

}  // namespace
}  // namespace tocsin::detect
