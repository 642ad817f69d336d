// Which rules see which events.
#include "detect/match/router.h"

#include <gtest/gtest.h>

#include <bit>

#include "detect/match/test_events.h"

namespace tocsin::detect {
namespace {

constexpr const char* kTable = R"(product: windows
rows:
  - {service: security, when: {Channel: Security}}
  - {category: process_creation, when: {Channel: Sysmon, EventID: 1}}
  - {category: file_event, when: {Channel: Sysmon, EventID: [11, 12]}}
  - {service: text, when: {_format: evtx, Note: '*', Gone: null}}
  - {product: zeek, service: conn, when: {_path: conn}}
)";

// A rule that matches every event it sees.
std::string seen(const std::string& title, const std::string& source) {
  return "title: " + title + "\nlogsource: " + source + "\ndetection:\n  sel:\n    Never: null\n  condition: sel\n---\n";
}

std::string all_rules() {
  return seen("windows", "{product: windows}") + seen("security", "{product: windows, service: security}") +
         seen("process", "{product: windows, category: process_creation}") + seen("file", "{category: file_event}") +
         seen("conn", "{product: zeek, service: conn}") + seen("web", "{category: webserver}") +
         seen("linux", "{product: linux}");
}

TEST(Routing, ByChannelAndEventId) {
  TestEngine engine(all_rules(), kTable);
  ASSERT_EQ(engine.set.rules.size(), 7u);
  EXPECT_EQ(engine.titles({{"Channel", "Security"}, {"EventID", "1"}}), "windows security ");
  EXPECT_EQ(engine.titles({{"Channel", "SECURITY"}}), "windows security ");
  EXPECT_EQ(engine.titles({{"Channel", "Sysmon"}, {"EventID", "1"}}), "windows process ");
  EXPECT_EQ(engine.titles({{"Channel", "sysmon"}, {"EventID", "12"}}), "windows file ");
  EXPECT_EQ(engine.titles({{"_path", "conn"}}), "conn ");
}

TEST(Routing, AValueThatNoRowNamesIsOfNoSource) {
  TestEngine engine(all_rules(), kTable);
  EXPECT_EQ(engine.titles({{"Channel", "Other"}, {"EventID", "1"}}), "file web ");
  EXPECT_EQ(engine.titles({{"Channel", "Sysmon"}, {"EventID", "01"}}), "file web ");
  EXPECT_EQ(engine.titles({{"EventID", "1"}}), "file web ");
}

TEST(Routing, EventsWithoutASourceAreSeenByRulesWithoutProductAndCounted) {
  TestEngine engine(all_rules(), kTable);
  EXPECT_EQ(engine.titles({{"A", "x"}}), "file web ");
  EXPECT_EQ(engine.engine.stats().unrouted_events, 1u);
  engine.titles({{"Channel", "Security"}});
  EXPECT_EQ(engine.engine.stats().unrouted_events, 1u);
  EXPECT_EQ(engine.engine.stats().events, 2u);
}

TEST(Routing, SeveralValuesAreOfEachOfTheirSources) {
  TestEngine engine(all_rules(), kTable);
  EXPECT_EQ(engine.titles({{"Channel", "Sysmon"}, {"EventID", "1"}, {"EventID", "11"}}), "windows process file ");
  EXPECT_EQ(engine.titles({{"Channel", "Sysmon"}, {"EventID", "1"}, {"EventID", "99"}}), "windows process ");
  EXPECT_EQ(engine.titles({{"Channel", "Sysmon"}, {"Channel", "Security"}, {"EventID", "98"}, {"EventID", "99"}}),
            "windows security ");
}

TEST(Routing, FormatPresenceAndAbsenceCount) {
  TestEngine engine(seen("text", "{product: windows, service: text}"), kTable);
  const auto titles = [&](const std::vector<std::pair<std::string, std::string>>& fields, model::Format format) {
    return engine.titles(fields, format);
  };
  EXPECT_EQ(titles({{"Note", "x"}}, model::Format::kEvtx), "text ");
  EXPECT_EQ(titles({{"Note", "x"}}, model::Format::kJson), "");
  EXPECT_EQ(titles({{"Note", "x"}, {"Gone", "y"}}, model::Format::kEvtx), "");
  EXPECT_EQ(titles({}, model::Format::kEvtx), "");
  EXPECT_EQ(titles({{"Note", "x"}, {"_format", "evtx"}}, model::Format::kJson), "")
      << "a field of the event cannot claim a format";
  const model::Event null_note = engine.events.add_plain({{{"Note", model::ValueType::kNull, ""}}}, model::Format::kEvtx);
  EXPECT_EQ(engine.titles_of(null_note), "");
  const model::Event null_gone = engine.events.add_plain(
      {{{"Note", model::ValueType::kText, "x"}, {"Gone", model::ValueType::kNull, ""}}}, model::Format::kEvtx);
  EXPECT_EQ(engine.titles_of(null_gone), "text ");
}

TEST(Routing, AnEventMayNameItsSource) {
  TestEngine engine(all_rules(), kTable);
  EXPECT_EQ(engine.titles({{"product", "linux"}}), "linux ");
  EXPECT_EQ(engine.titles({{"product", "Windows"}, {"service", "Security"}}), "windows security ");
  EXPECT_EQ(engine.titles({{"category", "webserver"}}), "web ");
  // Rows of other products do not apply then.
  EXPECT_EQ(engine.titles({{"product", "linux"}, {"Channel", "Security"}}), "linux ");
}

TEST(Routing, WhatDoesNotNameASource) {
  TestEngine engine(all_rules(), kTable);
  EXPECT_EQ(engine.titles({{"service", "security"}}), "file web ") << "a service alone";
  EXPECT_EQ(engine.titles({{"product", "Office 365"}}), "file web ") << "a product that no rule or row knows";
  EXPECT_EQ(engine.titles({{"category", "shoes"}}), "file web ");
  EXPECT_EQ(engine.titles({{"product", "linux"}, {"product", "windows"}}), "file web ") << "two at once";
}

TEST(Routing, AnySourceShowsEveryRuleEveryEvent) {
  CompileOptions options;
  options.any_source = true;
  TestEngine engine(all_rules(), kTable, options);
  EXPECT_EQ(engine.titles({{"A", "x"}}), "windows security process file conn web linux ");
  EXPECT_EQ(engine.engine.stats().unrouted_events, 0u);
}

TEST(Routing, AnInputSourceIsTakenForEveryEvent) {
  CompileOptions options;
  options.input_source.product = "linux";
  TestEngine engine(all_rules(), kTable, options);
  EXPECT_EQ(engine.titles({{"A", "x"}}), "linux ");
  EXPECT_EQ(engine.titles({{"product", "windows"}}), "linux ");
  EXPECT_EQ(engine.engine.stats().unrouted_events, 0u);
}

TEST(Routing, RulesNotEnabledAreLeftOut) {
  CompileOptions options;
  options.enabled = {true, false};
  TestEngine engine(seen("one", "{product: windows}") + seen("two", "{product: windows}"), kTable, options);
  EXPECT_EQ(engine.titles({{"Channel", "Security"}}), "one ");
}

TEST(Routing, ARuleThatHoldsInTwoViewsIsGivenOnceAsItIs) {
  TestEngine engine(
      "title: both\nlogsource: {product: windows, category: c}\ndetection:\n  sel:\n    A: x\n  condition: sel\n",
      "product: windows\nrows:\n  - {category: c, when: {B: '*'}}\n  - {category: c, when: {C: '*'}, fields: {A: AA}}\n");
  const auto both = engine.match({{"A", "x"}, {"AA", "x"}, {"B", "1"}, {"C", "1"}});
  ASSERT_EQ(both.size(), 1u);
  EXPECT_EQ(both[0].view, kBaseView);
  const auto mapped = engine.match({{"A", "y"}, {"AA", "x"}, {"B", "1"}, {"C", "1"}});
  ASSERT_EQ(mapped.size(), 1u);
  EXPECT_EQ(mapped[0].view, 2u);
  EXPECT_TRUE(engine.match({{"A", "x"}, {"C", "1"}}).empty());
}

TEST(Routing, TablesOfManyFieldsDoNotConfuseThem) {
  std::string table = "product: windows\nrows:\n";
  std::string rules;
  for (int i = 0; i < 600; ++i) {
    table += "  - {service: s" + std::to_string(i) + ", when: {F" + std::to_string(i) + ": x}}\n";
    if (i % 20 == 0) rules += seen("r" + std::to_string(i), "{product: windows, service: s" + std::to_string(i) + "}");
  }
  TestEngine engine(rules, table);
  for (int i = 0; i < 600; ++i) {
    const std::string number = std::to_string(i);
    EXPECT_EQ(engine.titles({{"F" + number, "x"}}), i % 20 == 0 ? "r" + number + " " : "");
  }
}

TEST(Routing, AFieldThatDecidesTheRowMayBeMappedToOtherValues) {
  const auto rule = [](const std::string& item) {
    return "title: '" + item + "'\nlogsource: {product: windows, category: c}\ndetection:\n  sel:\n    " + item +
           "\n  condition: sel\n---\n";
  };
  TestEngine engine(
      rule("EventType: CreateKey") + rule("EventType: made") + rule("EventType|startswith: Create") + rule("Kind: made"),
      "product: windows\nrows:\n  - category: c\n    when: {Operation: [made, gone]}\n"
      "    fields: {EventType: {from: Operation, values: {made: CreateKey}}, Kind: Operation}\n");
  ASSERT_EQ(engine.set.rules.size(), 4u);
  EXPECT_EQ(engine.titles({{"Operation", "Made"}}), "EventType: CreateKey EventType|startswith: Create Kind: made ");
  EXPECT_EQ(engine.titles({{"Operation", "gone"}}), "");
  EXPECT_EQ(engine.titles({{"Operation", "other"}}), "");
}

// --- Hostile values.
TEST(Routing, LongValuesThatDifferOnlyAtTheEndAreNotConfused) {
  const std::string first(300, 'a');
  std::string second = first;
  second.back() = 'b';
  TestEngine engine("title: long\nlogsource: {product: windows}\ndetection:\n  sel:\n    Provider_Name: '" + first +
                        "'\n  condition: sel\n",
                    kTable);
  EXPECT_EQ(engine.titles({{"Channel", "Security"}, {"Provider_Name", second}}), "");
  EXPECT_EQ(engine.titles({{"Channel", "Security"}, {"Provider_Name", first}}), "long ");
  EXPECT_EQ(engine.titles({{"Channel", "Security"}, {"Provider_Name", second}}), "");
}

TEST(Routing, ValuesThatFoldToAShorterKnownOneAreNotConfused) {
  std::string kelvins, other;
  for (int i = 0; i < 100; ++i) kelvins += "\xE2\x84\xAA";
  other = kelvins.substr(0, 297) + "abc";
  TestEngine engine("title: k\nlogsource: {product: windows}\ndetection:\n  sel:\n    Provider_Name: '" +
                        std::string(100, 'k') + "'\n  condition: sel\n",
                    kTable);
  EXPECT_EQ(engine.titles({{"Channel", "Security"}, {"Provider_Name", other}}), "");
  EXPECT_EQ(engine.titles({{"Channel", "Security"}, {"Provider_Name", kelvins}}), "k ");
}

TEST(Routing, MoreNamedValuesThanAKindCanNumberStillMatch) {
  std::string rules;
  for (int rule = 0; rule < 2; ++rule) {
    rules += "title: r" + std::to_string(rule) + "\nlogsource: {product: windows}\ndetection:\n  sel:\n    EventID:\n";
    for (int i = 0; i < 35'000; ++i) rules += "      - " + std::to_string(100'000 * (rule + 1) + i) + "\n";
    rules += "  condition: sel\n---\n";
  }
  TestEngine engine(rules, kTable);
  ASSERT_EQ(engine.set.rules.size(), 2u);
  EXPECT_EQ(engine.titles({{"Channel", "Security"}, {"EventID", "100000"}}), "r0 ");
  EXPECT_EQ(engine.titles({{"Channel", "Security"}, {"EventID", "234999"}}), "r1 ");
  EXPECT_EQ(engine.titles({{"Channel", "Security"}, {"EventID", "5"}}), "");
}

// Past kMaxRoutes kinds, and with raw values of the sender's choice, the answers stay right.
TEST(Routing, ManyKindsOfEventsAreStillRoutedRight) {
  std::string rules = seen("security", "{product: windows, service: security}");
  rules += "title: ids\nlogsource: {product: windows}\ndetection:\n  sel:\n    EventID: [";
  for (int i = 0; i < 100; ++i) rules += std::to_string(i) + ", ";
  rules += "100]\n  other:\n    Provider_Name: [";
  for (int i = 0; i < 100; ++i) rules += "p" + std::to_string(i) + ", ";
  rules += "p100]\n  condition: sel and other\n";
  TestEngine engine(rules, kTable);
  for (int i = 0; i < 12'000; ++i) {
    const std::string id = std::to_string(i % 105);
    const std::string provider = "p" + std::to_string(i / 105);
    const bool both = i % 105 <= 100 && i / 105 <= 100;
    ASSERT_EQ(engine.titles({{"Channel", "Security"}, {"EventID", id}, {"Provider_Name", provider}}),
              both ? "security ids " : "security ");
  }
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(engine.titles({{"Channel", "x" + std::to_string(i)}, {"EventID", "1"}}), "");
}

TEST(Routing, AListOfEventIdsIsOfAnySubsetOfTheRows) {
  std::string table = "product: windows\nrows:\n";
  std::string rules;
  for (int i = 0; i < 16; ++i) {
    table += "  - {service: s" + std::to_string(i) + ", when: {EventID: " + std::to_string(i) + "}}\n";
    rules += seen("r" + std::to_string(i), "{product: windows, service: s" + std::to_string(i) + "}");
  }
  const RuleSet set = load_rules({{"rules.yml", rules}}, {});
  const LogSourceMap map = load_log_sources({{"table.yml", table}});
  const CompiledRules compiled(set, map, {});
  model::NameTable names;
  Engine engine(compiled, names);
  for (unsigned subset = 1; subset < 2'000; ++subset) {
    TestEvents events(names);
    PlainEvent event;
    for (unsigned i = 0; i < 16; ++i) {
      if ((subset >> i & 1) != 0) event.fields.push_back({"EventID", model::ValueType::kText, std::to_string(i)});
    }
    std::vector<Match> out;
    engine.match(events.add_plain(event), out);
    ASSERT_EQ(out.size(), static_cast<std::size_t>(std::popcount(subset)));
  }
}

}  // namespace
}  // namespace tocsin::detect
