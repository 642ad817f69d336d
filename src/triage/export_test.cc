#include "triage/export.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/csv.h"

namespace tocsin::triage {
namespace {

using model::EntityKind;
using model::EntityRole;
namespace dom = simdjson::dom;

constexpr core::Timestamp kNoon{1'795'521'600'000'000'000};

ledger::IncidentEntity entity(EntityKind kind, std::string key, std::string label = "") {
  return {17, {kind, EntityRole::kRelated, std::move(key), std::move(label)}, kNoon, {kNoon.ns + 1'234'567'890}, 3};
}
IncidentExport sample() {
  IncidentExport out;
  out.incident.id = 17;
  out.incident.tenant = "default";
  out.incident.title = "Macro on WS-042";
  out.incident.tlp = "amber+strict";
  out.incident.techniques = {"T1059.001", "T9999"};
  out.incident.tags = {"mail"};
  out.incident.created_at = kNoon;
  out.incident.changed_at = {kNoon.ns + 5'000'000'000};
  out.entities = {entity(EntityKind::kHost, "ws-042", "WS-042"),
                  entity(EntityKind::kAddress, "198.51.100.3"),
                  entity(EntityKind::kAddress, "2001:db8::1"),
                  entity(EntityKind::kDomain, "example.com"),
                  entity(EntityKind::kUrl, "http://example.com/\"x\""),
                  entity(EntityKind::kFileHash, "sha256:00ff"),
                  entity(EntityKind::kFileHash, "imphash:00ff"),
                  entity(EntityKind::kFile, "ws-042|c:\\temp\\x.exe"),
                  entity(EntityKind::kFile, "srv|c:\\temp\\x.exe"),
                  entity(EntityKind::kUser, "anna@corp.example", "Anna"),
                  entity(EntityKind::kProcess, "ws-042|{guid}", "powershell.exe (5120)"),
                  entity(EntityKind::kProcess, "ws-042|4312|1794915690000", "winword.exe"),
                  entity(EntityKind::kProcess, "ws-042|{other}", "x"),
                  entity(EntityKind::kSession, "ws-042|0x3e7")};
  ledger::IncidentMember member;
  member.finding = "f1";
  member.event_time = {kNoon.ns + 123'456'789};
  member.rule_id = "r";
  member.rule_title = "=cmd|'/c calc'!A1";
  member.host = "WS-042";
  member.user = "anna";
  member.severity_id = 4;
  member.tactics = {"execution"};
  out.members.push_back(member);
  ledger::IncidentNote note;
  note.event_time = kNoon;
  note.author = "nora";
  note.text = "called \"Anna\"";
  note.lane = "work";
  out.notes.push_back(note);
  return out;
}

struct Objects {
  dom::parser parser;
  std::vector<dom::object> all;
  explicit Objects(const std::string& text) {
    dom::element root;
    EXPECT_EQ(parser.parse(text).get(root), simdjson::SUCCESS) << text;
    for (const dom::element one : root["objects"].get_array()) all.push_back(one.get_object());
  }
  [[nodiscard]] std::vector<dom::object> of(std::string_view type) const {
    std::vector<dom::object> out;
    for (const auto& one : all) {
      if (std::string_view(one["type"]) == type) out.push_back(one);
    }
    return out;
  }
  [[nodiscard]] std::vector<std::string> ids(std::string_view type) const {
    std::vector<std::string> out;
    for (const auto& one : of(type)) out.emplace_back(std::string_view(one["id"]));
    return out;
  }
};

TEST(UuidOfName, IsVersionFive) {
  // RFC 9562, appendix A.4.
  EXPECT_EQ(uuid_of_name("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
  EXPECT_EQ(uuid_of_name("6ba7b810-9dad-11d1-80b4", "x"), "");
  EXPECT_EQ(uuid_of_name("6ba7b810-9dad-11d1-80b4-00c04fd430cz", "x"), "");
}

TEST(StixBundle, ObservablesHaveTheIdsOfTheStandard) {
  const Objects bundle(stix_bundle(sample()));
  EXPECT_EQ(bundle.ids("ipv4-addr"), std::vector<std::string>{"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"});
  EXPECT_EQ(bundle.ids("domain-name"), std::vector<std::string>{"domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7"});
  EXPECT_EQ(bundle.of("ipv6-addr").size(), 1u);
  const auto file = bundle.of("file");
  ASSERT_EQ(file.size(), 2u);  // A hash, and one path seen on two hosts; the import hash is no hash of the file.
  const std::string_view id = file[0]["id"];
  EXPECT_EQ(id.substr(6), uuid_of_name("00abedb4-aa42-466c-9c01-fed23315a9b7", R"({"hashes":{"SHA-256":"00ff"}})"));
  EXPECT_EQ(std::string_view(file[1]["name"]), "x.exe");
  EXPECT_EQ(std::string_view(file[1]["parent_directory_ref"]), bundle.ids("directory").at(0));
  EXPECT_EQ(bundle.of("process").size(), 2u);
  EXPECT_EQ(std::int64_t(bundle.of("process")[0]["pid"]), 5'120);
  EXPECT_EQ(std::int64_t(bundle.of("process")[1]["pid"]), 4'312);
  EXPECT_EQ(bundle.of("indicator").size(), 0u);
}
TEST(StixBundle, EachIdIsThereOnceAndEachReferenceResolves) {
  const Objects bundle(stix_bundle(sample()));
  std::set<std::string> ids;
  for (const auto& one : bundle.all) EXPECT_TRUE(ids.insert(std::string(std::string_view(one["id"]))).second);
  const auto check = [&](const dom::element& ref) { EXPECT_TRUE(ids.contains(std::string(std::string_view(ref)))) << ref; };
  for (const auto& one : bundle.all) {
    for (const auto field : one) {
      if (field.key.ends_with("_ref")) check(field.value);
      if (field.key.ends_with("_refs")) {
        for (const dom::element ref : field.value.get_array()) check(ref);
      }
    }
  }
}
TEST(StixBundle, HasAReportOverWhatWasObserved) {
  const Objects bundle(stix_bundle(sample()));
  const auto reports = bundle.of("report");
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(std::string_view(reports[0]["created"]), "2026-11-24T12:00:00.000Z");
  EXPECT_EQ(std::string_view(reports[0]["modified"]), "2026-11-24T12:00:05.000Z");
  EXPECT_EQ(std::string_view(reports[0]["external_references"].at(0)["external_id"]), "INC-17");
  EXPECT_EQ(std::string_view(reports[0]["object_marking_refs"].at(0)),
            "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003");
  const auto observed = bundle.of("observed-data");
  EXPECT_EQ(reports[0]["object_refs"].get_array().size(), observed.size() + 1 + 2);  // A host, two techniques.
  EXPECT_EQ(std::int64_t(observed[0]["number_observed"]), 3);
  EXPECT_EQ(std::string_view(observed[0]["last_observed"]), "2026-11-24T12:00:01.234Z");
  EXPECT_EQ(std::string_view(bundle.of("attack-pattern")[0]["name"]), "PowerShell");
}
TEST(StixBundle, IsTheSameEachTimeAndValidWithoutAnything) {
  EXPECT_EQ(stix_bundle(sample()), stix_bundle(sample()));
  IncidentExport other = sample();
  other.incident.id = 18;
  EXPECT_NE(Objects(stix_bundle(other)).ids("report"), Objects(stix_bundle(sample())).ids("report"));
  const Objects bare(stix_bundle({}));
  EXPECT_EQ(bare.of("report")[0]["object_refs"].get_array().size(), 1u);
  EXPECT_EQ(std::string_view(bare.of("marking-definition")[0]["name"]), "TLP:AMBER");
  IncidentExport odd = sample();
  odd.incident.tlp = "who knows";
  EXPECT_EQ(std::string_view(Objects(stix_bundle(odd)).of("marking-definition")[0]["name"]), "TLP:RED");
}

TEST(FindingsCsv, HasTheColumnsOfTimesketchAndNoFormulas) {
  const auto rows = core::read_csv(findings_csv(sample()), {});
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].cells[2], "datetime");
  EXPECT_EQ((*rows)[1].cells[1], "1795521600123456");
  EXPECT_EQ((*rows)[1].cells[2], "2026-11-24T12:00:00.123456Z");
  EXPECT_NE(findings_csv(sample()).find("\"'=cmd"), std::string::npos);
  EXPECT_EQ((*rows)[0].cells.size(), (*rows)[1].cells.size());
}
TEST(TimesketchLines, AreOneObjectEach) {
  const std::string text = timesketch_lines(sample());
  ASSERT_EQ(std::ranges::count(text, '\n'), 2);
  dom::parser parser;
  const dom::element first = parser.parse(text.substr(0, text.find('\n')));
  EXPECT_EQ(std::int64_t(first["timestamp"]), 1'795'521'600'123'456);
  EXPECT_EQ(std::string_view(first["timestamp_desc"]), "Event of a finding");
  dom::parser second_parser;
  const dom::element second = second_parser.parse(text.substr(text.find('\n') + 1));
  EXPECT_EQ(std::string_view(second["message"]), "called \"Anna\"");
}

}  // namespace
}  // namespace tocsin::triage
