// Findings: what they hold, that the schema is kept, and that nothing an event holds makes them invalid or too long.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <limits>
#include <random>

#include "normalise/ocsf.h"
#include "normalise/ocsf/schema_check.h"
#include "normalise/ocsf/test_event.h"

namespace tocsin::normalise {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kMapping = R"(
when: {Channel: Security}
product: {name: Windows, vendor_name: Microsoft}
fields:
  device.hostname: Computer
  device.type_id: {default: 0}
rows:
  - when: {EventID: 4688}
    class: process_activity
    activity: 1
    fields:
      process.pid: NewProcessId
      process.cmd_line: CommandLine
      actor.user.name: SubjectUserName
)";

Mapper make_mapper() { return Mapper({{"a.yml", std::string(kMapping)}}); }

model::RuleInfo make_rule() {
  model::RuleInfo rule;
  rule.id = "8f2f3f3e-0000-4000-8000-000000000001";
  rule.title = "Whoami";
  rule.level = model::Level::kHigh;
  rule.level_given = true;
  rule.status = "test";
  rule.description = "Somebody asks who they are.";
  rule.tags = {"attack.discovery", "attack.t1033", "attack.t1059.001", "cve.2021-44228"};
  rule.references = {"https://example.com/whoami"};
  rule.falsepositives = {"Administrators"};
  rule.logsource = {"windows", "process_creation", ""};
  rule.type = "rule";
  rule.path = "rules/whoami.yml";
  return rule;
}

model::Explanation make_why() {
  return {{"selection"},
          {"filter"},
          {{"selection", "Image", "NewProcessName", "endswith", "\\whoami.exe", "C:\\whoami.exe", 2, 11}},
          "selection and not filter"};
}

void fill(TestEvent& event) {
  event.add("Channel", "Security");
  event.add("EventID", model::ValueType::kNumber, "4688");
  event.add("Computer", "ws-042");
  event.add("NewProcessId", "0x10");
  event.add("CommandLine", "whoami /all");
  event.add("SubjectUserName", "e.okafor");
  model::EventSlot& slot = event.end();
  slot.time = {1'794'920'531'500'000'000};
  slot.format = model::Format::kEvtx;
}

std::string finding(const model::Event& event, const Origin& origin) {
  std::string out;
  write_finding(make_mapper(), event, make_rule(), make_why(), origin, out);
  return out;
}

class Parsed {
 public:
  explicit Parsed(const std::string& json) : json_(json) {
    if (parser_.parse(json_).get(root_)) ADD_FAILURE() << "not JSON: " << json;
  }
  std::string at(std::string_view pointer) {
    dom::element value;
    if (root_.at_pointer(pointer).get(value)) return "<absent>";
    return value.is_string() ? std::string(std::string_view(value)) : simdjson::minify(value);
  }

 private:
  std::string json_;
  dom::parser parser_;
  dom::element root_;
};

TEST(Finding, IsADetectionFindingThatKeepsTheSchema) {
  TestEvent event;
  fill(event);
  const std::string json = finding(event.event(), {"a.evtx", 7, "99"});
  EXPECT_EQ(json.find('\n'), std::string::npos);
  for (const std::string& problem : check_schema(json)) ADD_FAILURE() << problem << "\n" << json;
  Parsed out(json);
  EXPECT_EQ(out.at("/class_uid"), "2004");
  EXPECT_EQ(out.at("/type_uid"), "200401");
  EXPECT_EQ(out.at("/severity_id"), "4");
  EXPECT_EQ(out.at("/status_id"), "1");
  EXPECT_EQ(out.at("/time"), "1794920531500");
  EXPECT_EQ(out.at("/metadata/version"), "1.8.0");
  EXPECT_EQ(out.at("/metadata/product/name"), "Tocsin");
  EXPECT_EQ(out.at("/finding_info/uid"), "8f2f3f3e-0000-4000-8000-000000000001:a.evtx:7");
  EXPECT_EQ(out.at("/finding_info/title"), "Whoami");
  EXPECT_EQ(out.at("/finding_info/types/0"), "Sigma");
  EXPECT_EQ(out.at("/finding_info/analytic/uid"), "8f2f3f3e-0000-4000-8000-000000000001");
  EXPECT_EQ(out.at("/finding_info/analytic/type_id"), "1");
  EXPECT_EQ(out.at("/finding_info/first_seen_time"), "1794920531500");
  EXPECT_EQ(out.at("/device/hostname"), "ws-042");
}

TEST(Finding, CarriesTheEventItsArtifactsTheReasonAndTheOrigin) {
  TestEvent event;
  fill(event);
  Parsed out(finding(event.event(), {"a.evtx", 7, "99"}));
  EXPECT_EQ(out.at("/evidences/0/process/pid"), "16");
  EXPECT_EQ(out.at("/evidences/0/actor/user/name"), "e.okafor");
  EXPECT_EQ(out.at("/evidences/0/data/class_uid"), "1007");
  EXPECT_EQ(out.at("/evidences/0/data/process/cmd_line"), "whoami /all");
  EXPECT_EQ(out.at("/evidences/0/data/unmapped/Channel"), "Security");
  EXPECT_EQ(out.at("/unmapped/tocsin/source/file"), "a.evtx");
  EXPECT_EQ(out.at("/unmapped/tocsin/source/record"), "7");
  EXPECT_EQ(out.at("/unmapped/tocsin/source/event_record_id"), "99");
  EXPECT_EQ(out.at("/unmapped/tocsin/matches/selections/0"), "selection");
  EXPECT_EQ(out.at("/unmapped/tocsin/matches/absent/0"), "filter");
  EXPECT_EQ(out.at("/unmapped/tocsin/matches/condition"), "selection and not filter");
  EXPECT_EQ(out.at("/unmapped/tocsin/matches/predicates/0/event_field"), "NewProcessName");
  EXPECT_EQ(out.at("/unmapped/tocsin/matches/predicates/0/position"), "2");
  EXPECT_EQ(out.at("/unmapped/tocsin/matches/predicates/0/length"), "11");
  EXPECT_EQ(out.at("/unmapped/tocsin/rule/level"), "high");
  EXPECT_EQ(out.at("/unmapped/tocsin/rule/falsepositives/0"), "Administrators");
}

TEST(Finding, NamesTacticsAndTechniquesOfTheTags) {
  TestEvent event;
  fill(event);
  Parsed out(finding(event.event(), {"a", 1, ""}));
  EXPECT_EQ(out.at("/finding_info/attacks/0/technique/uid"), "T1033");
  EXPECT_EQ(out.at("/finding_info/attacks/0/technique/name"), "System Owner/User Discovery");
  EXPECT_EQ(out.at("/finding_info/attacks/0/tactic/uid"), "TA0007");
  EXPECT_EQ(out.at("/finding_info/attacks/1/technique/uid"), "T1059");
  EXPECT_EQ(out.at("/finding_info/attacks/1/sub_technique/uid"), "T1059.001");
  EXPECT_EQ(out.at("/finding_info/attacks/1/tactic/name"), "Execution");
  EXPECT_EQ(out.at("/finding_info/attacks/2"), "<absent>");
}

TEST(Finding, ARecordNotKnownYetIsAMarkThatOccursNowhereElse) {
  TestEvent event;
  event.add("Channel", "Security\x01");
  event.end();
  std::string json = finding(event.event(), {"a\x01.evtx", 0, ""});
  EXPECT_EQ(std::ranges::count(json, kRecordMark), 2);
  for (std::size_t at; (at = json.find(kRecordMark)) != std::string::npos;) json.replace(at, 1, "42");
  Parsed out(json);
  EXPECT_EQ(out.at("/unmapped/tocsin/source/record"), "42");
  EXPECT_TRUE(out.at("/finding_info/uid").ends_with(":42"));
}

TEST(Finding, AnEventWithoutTimeHasNoneAndSaysSo) {
  TestEvent event;
  event.add("a", "b");
  event.end();
  Parsed out(finding(event.event(), {"a", 1, ""}));
  EXPECT_EQ(out.at("/time"), "<absent>");
  EXPECT_EQ(out.at("/unmapped/tocsin/time_unknown"), "true");
  EXPECT_EQ(out.at("/evidences/0/data/class_uid"), "0");
}

TEST(Finding, ARuleWithoutAnIdIsNamedByItsTitle) {
  TestEvent event;
  fill(event);
  model::RuleInfo rule = make_rule();
  rule.id.clear();
  std::string json;
  write_finding(make_mapper(), event.event(), rule, make_why(), {"f", 3, ""}, json);
  Parsed out(json);
  EXPECT_EQ(out.at("/finding_info/uid"), "Whoami:f:3");
  EXPECT_EQ(out.at("/finding_info/analytic/uid"), "Whoami");
}

TEST(Finding, SeverityFollowsTheLevel) {
  EXPECT_EQ(severity_id(model::Level::kInformational), 1);
  EXPECT_EQ(severity_id(model::Level::kCritical), 5);
}

TEST(CorrelationFinding, HoldsTheGroupTheCountAndTheEvents) {
  model::RuleInfo rule = make_rule();
  rule.type = "event_count";
  const model::RuleInfo other = make_rule();
  CorrelationView view;
  view.rule = &rule;
  view.first = {1'794'920'531'000'000'000};
  view.last = {1'794'920'591'000'000'000};
  view.group = {{"user", "bob"}};
  view.value = 12;
  view.event_count = 12;
  view.events = {{0, view.first, "auth.log", 5}};
  view.event_rules = {&other};
  view.hosts = {"srv1", "srv2"};
  view.reason = "12 events within 5m (>= 10), user=bob";
  std::string json;
  write_correlation_finding(view, json);
  for (const std::string& problem : check_schema(json)) ADD_FAILURE() << problem << "\n" << json;
  Parsed out(json);
  EXPECT_EQ(out.at("/finding_info/analytic/type"), "event_count");
  EXPECT_EQ(out.at("/finding_info/uid"), "8f2f3f3e-0000-4000-8000-000000000001:2026-11-17T13:02:11Z:bob");
  EXPECT_EQ(out.at("/count"), "12");
  EXPECT_EQ(out.at("/start_time"), "1794920531000");
  EXPECT_EQ(out.at("/end_time"), "1794920591000");
  EXPECT_EQ(out.at("/evidences/0/data/hosts/1"), "srv2");
  EXPECT_EQ(out.at("/unmapped/tocsin/correlation/type"), "event_count");
  EXPECT_EQ(out.at("/unmapped/tocsin/correlation/group/user"), "bob");
  EXPECT_EQ(out.at("/unmapped/tocsin/correlation/value"), "12");
  EXPECT_EQ(out.at("/unmapped/tocsin/correlation/events/0/file"), "auth.log");
  EXPECT_EQ(out.at("/unmapped/tocsin/correlation/events/0/record"), "5");
  EXPECT_EQ(out.at("/device"), "<absent>");
}

TEST(CorrelationFinding, AValueThatIsNoNumberIsNull) {
  model::RuleInfo rule = make_rule();
  CorrelationView view;
  view.rule = &rule;
  view.value = std::numeric_limits<double>::quiet_NaN();
  std::string json;
  write_correlation_finding(view, json);
  EXPECT_EQ(Parsed(json).at("/unmapped/tocsin/correlation/value"), "null");
}

TEST(OcsfBounds, ALongValueIsCutAndMarked) {
  TestEvent event;
  event.add("x", std::string(kMaxValueBytes, 'a'));
  event.add("y", std::string(kMaxValueBytes + 1, 'a'));
  event.end();
  std::string json;
  core::JsonWriter out(json);
  make_mapper().write_event(event.event(), out);
  Parsed parsed(json);
  EXPECT_EQ(parsed.at("/unmapped/x").size(), kMaxValueBytes);
  EXPECT_TRUE(parsed.at("/unmapped/y").ends_with("...[cut, 32769 bytes in all]"));
  EXPECT_EQ(parsed.at("/unmapped/tocsin/cut_values"), "1");
  EXPECT_EQ(parsed.at("/metadata/is_truncated"), "true");
}

TEST(OcsfBounds, AHugeEventGivesABoundedFinding) {
  TestEvent event;
  for (std::size_t i = 0; i < model::kMaxFieldsPerEvent; ++i) event.add("f" + std::to_string(i), std::string(5'000, '\x02'));
  event.end();
  const std::string json = finding(event.event(), {"a", 1, ""});
  // A control character takes six bytes in JSON; one value and its kin may pass the mark.
  EXPECT_LT(json.size(), kMaxEvidenceBytes + 6 * kMaxValueBytes);
  EXPECT_NE(Parsed(json).at("/evidences/0/data/unmapped/tocsin/dropped_fields"), "<absent>");
}

TEST(OcsfBounds, RawDataOfTextIsCut) {
  TestEvent event;
  event.add("message", "x");
  model::EventSlot& slot = event.end();
  slot.format = model::Format::kSyslog;
  const std::string raw(kMaxRawDataBytes + 5, 'r');
  slot.raw = raw;
  std::string json;
  core::JsonWriter out(json);
  make_mapper().write_event(event.event(), out);
  Parsed parsed(json);
  EXPECT_EQ(parsed.at("/raw_data").size(), kMaxRawDataBytes);
  EXPECT_EQ(parsed.at("/raw_data_size"), std::to_string(kMaxRawDataBytes + 5));
  EXPECT_EQ(parsed.at("/metadata/is_truncated"), "true");
}

TEST(OcsfJson, NumbersThatReadersRefuseAreText) {
  for (const char* number :
       {"1e999", "NaN", "01", "-", "1.", ".5", "18446744073709551616", "-9223372036854775809", "0x10", ""}) {
    TestEvent event;
    event.add("n", model::ValueType::kNumber, number);
    event.end();
    std::string json;
    core::JsonWriter out(json);
    make_mapper().write_event(event.event(), out);
    EXPECT_NE(json.find("\"n\":\"" + std::string(number) + "\""), std::string::npos) << json;
    Parsed parsed(json);
  }
  for (const char* number : {"0", "-1", "1.5", "1e10", "18446744073709551615", "-9223372036854775808"}) {
    TestEvent event;
    event.add("n", model::ValueType::kNumber, number);
    event.end();
    std::string json;
    core::JsonWriter out(json);
    make_mapper().write_event(event.event(), out);
    EXPECT_NE(json.find("\"n\":" + std::string(number)), std::string::npos) << json;
    Parsed parsed(json);
  }
}

TEST(OcsfJson, AnyEventGivesJsonThatParses) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const Mapper mapper = make_mapper();
  const char* names[] = {"Channel", "EventID", "Computer", "NewProcessId", "CommandLine",
                         "a.b",     "a",       "",         "\xFF\"",       "tocsin"};
  for (int round = 0; round < 3'000; ++round) {
    TestEvent event;
    for (auto left = random() % 12; left > 0; --left) {
      std::string text;
      for (auto size = random() % 9; size > 0; --size)
        text += static_cast<char>(random() % 3 == 0 ? random() % 256 : '0' + random() % 12);
      if (random() % 4 == 0) text = "Security";
      if (random() % 4 == 0) text = "4688";
      event.add(names[random() % std::size(names)], static_cast<model::ValueType>(random() % 4), text, random() % 3 == 0);
    }
    model::EventSlot& slot = event.end();
    slot.time = {static_cast<std::int64_t>(random()) * 1'000'003};
    const std::string json = finding(event.event(), {"f\xC3", 1, "\x1F"});
    dom::parser parser;
    dom::element root;
    ASSERT_FALSE(parser.parse(json).get(root)) << json;
  }
}

TEST(Mapping, MistakesAreToldWithTheirPlaceAndTheRestIsRead) {
  const Mapper mapper({{"bad.yml",
                        "rows:\n  - {class: no_such_class}\n  - {class: process_activity, activity: 77}\n"
                        "  - {class: dns_activity, activity: 1, fields: {a: {as: nonsense, from: x}}}\n"
                        "  - {class: dns_activity, activity: 1, fields: {class_uid: x}}\n"
                        "  - {when: {x: y}, class: dns_activity, activity: 1, fields: {query.hostname: q}}\n"},
                       {"worse.yml", "rows: [\n"}});
  ASSERT_EQ(mapper.problems().size(), 5u);
  EXPECT_EQ(mapper.problems()[0].line, 2u);
  EXPECT_NE(mapper.problems()[1].message.find("activity 77"), std::string::npos);
  EXPECT_NE(mapper.problems()[2].message.find("registry-value"), std::string::npos);
  EXPECT_EQ(mapper.problems()[4].path, "worse.yml");
  TestEvent event;
  event.add("x", "y");
  event.add("q", "example.com");
  event.end();
  std::string json;
  core::JsonWriter out(json);
  mapper.write_event(event.event(), out);
  EXPECT_EQ(Parsed(json).at("/query/hostname"), "example.com");
}

TEST(Mapping, LowerPriorityIsAskedFirst) {
  const Mapper mapper({{"a.yml", "host: a\nrows: [{class: base_event}]\n"},
                       {"b.yml", "priority: 10\nhost: b\nrows: [{class: base_event}]\n"}});
  EXPECT_TRUE(mapper.problems().empty());
  TestEvent event;
  event.add("a", "1");
  event.add("b", "2");
  event.end();
  EXPECT_EQ(mapper.host(event.event()), "2");
}

}  // namespace
}  // namespace tocsin::normalise
