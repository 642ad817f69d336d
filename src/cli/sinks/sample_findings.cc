#include "cli/sinks/sample_findings.h"

#include <random>

#include "core/json_writer.h"

namespace tocsin::cli::testing {
namespace {

using model::Level;

model::RuleInfo rule(std::string id, std::string title, Level level, std::vector<std::string> tags) {
  model::RuleInfo out;
  out.id = "00000000-0000-4000-8000-" + std::string(12 - id.size(), '0') + id;
  out.title = std::move(title);
  out.level = level;
  out.level_given = true;
  out.status = "test";
  out.type = "rule";
  out.tags = std::move(tags);
  out.description = "Detects what its title says.\nWorth a look wherever it is not expected.";
  out.author = "Tocsin";
  out.date = "2026-01-02";
  out.references = {"https://attack.mitre.org/techniques/T1059/001/", "javascript:alert(1)", "Internal note 12"};
  out.falsepositives = {"Administrators who test backups"};
  out.path = "rules/windows/" + id + ".yml";
  return out;
}

void write_predicate(core::JsonWriter& json, std::string_view field, std::string_view op, std::string_view pattern,
                     std::string_view value, std::size_t position, std::size_t length) {
  json.begin_object()
      .member("selection", "selection")
      .member("field", field)
      .member("op", op)
      .member("pattern", pattern)
      .member("value", value);
  json.key("position").number(std::uint64_t{position}).key("length").number(std::uint64_t{length}).end_object();
}

void write_event(core::JsonWriter& json, const Found& found, const std::string& command_line, std::size_t padding) {
  json.begin_object().key("class_uid").number(1007).member("class_name", "Process Activity").key("activity_id").number(1);
  json.key("time")
      .number(found.time.ns / 1'000'000)
      .key("device")
      .begin_object()
      .member("hostname", found.host)
      .end_object();
  json.key("process").begin_object().member("cmd_line", command_line).key("pid").number(4242);
  json.key("file")
      .begin_object()
      .member("path", R"(C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe)")
      .end_object()
      .end_object();
  json.key("actor").begin_object().key("process").begin_object().member("name", "winword.exe").end_object();
  json.key("user").begin_object().member("name", R"(CORP\jürgen)").end_object().end_object();
  json.key("unmapped").begin_object().member("CommandLine", command_line).member("IntegrityLevel", "High");
  json.key("LogonId").number(std::uint64_t{9'223'372'036'854'775'807});
  if (padding > 0) json.member("Hashes", std::string(padding, 'A'));
  json.end_object().end_object();
}

}  // namespace

core::Timestamp at(std::string_view iso) { return core::parse_iso_time(iso).value_or(core::kNoTime); }

std::string finding_json(const Found& found, const std::string& command_line, std::size_t padding) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("class_uid").number(2004).key("severity_id").number(static_cast<int>(found.rule->level) + 1);
  json.key("finding_info")
      .begin_object()
      .member("uid", found.rule->id + ":" + found.file + ":" + std::to_string(found.record));
  json.member("title", found.rule->title).end_object();
  json.key("evidences").begin_array().begin_object().key("data");
  write_event(json, found, command_line, padding);
  json.end_object().end_array();
  json.key("unmapped").begin_object().key("tocsin").begin_object().key("matches").begin_object();
  json.key("selections")
      .begin_array()
      .text("selection")
      .end_array()
      .key("absent")
      .begin_array()
      .text("filter_backup")
      .end_array();
  json.member("condition", "selection and not filter_backup").key("predicates").begin_array();
  const std::size_t position = command_line.find("-enc");
  write_predicate(json, "CommandLine", "contains|windash", "-enc", command_line,
                  position == std::string::npos ? 0 : position, position == std::string::npos ? 0 : 4);
  write_predicate(json, "ParentImage", "endswith", R"(\winword.exe)", R"(C:\Program Files\Office\winword.exe)", 23, 12);
  json.end_array().end_object().key("source").begin_object().member("file", found.file).key("record").number(found.record);
  json.member_if("event_record_id", found.event_record_id).end_object().end_object().end_object().end_object();
  return out;
}

void count_findings(Samples& samples) {
  samples.summary.findings = samples.found.size();
  samples.summary.findings_by_level.clear();
  for (const Found& found : samples.found) ++samples.summary.findings_by_level[found.rule->level];
}

Samples intrusion() {
  Samples out;
  out.rules.push_back(rule("1", "Encoded PowerShell From Word", Level::kHigh,
                           {"attack.execution", "attack.t1059.001", "attack.defense-evasion", "attack.t1027"}));
  out.rules.push_back(rule("2", "LSASS Memory Read By Unsigned Program", Level::kCritical,
                           {"attack.credential-access", "attack.t1003.001"}));
  out.rules.push_back(rule("3", "New Local Administrator", Level::kMedium,
                           {"attack.persistence", "attack.t1136.001", "attack.privilege-escalation"}));
  out.rules.push_back(
      rule("4", "Many Failed Logons, Then A Success", Level::kHigh, {"attack.credential-access", "attack.t1110"}));
  out.rules.back().type = "temporal_ordered";
  out.rules.push_back(rule("5", "Shell Opened", Level::kInformational, {"attack.t1059"}));
  const auto add = [&](std::size_t index, std::string_view time, std::string host, std::uint64_t record, std::string reason,
                       const std::string& command_line) {
    Found found;
    found.rule = &out.rules[index];
    found.time = found.first = at(time);
    found.host = std::move(host);
    found.file = "evidence/security.evtx";
    found.record = record;
    found.event_record_id = std::to_string(record + 1000);
    found.reason = std::move(reason);
    found.json = finding_json(found, command_line);
    out.found.push_back(std::move(found));
  };
  const std::string encoded = "powershell.exe -nop -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoA";
  add(0, "2026-11-24T08:30:12.1234567Z", "WS01", 12, "CommandLine contains '-enc'; ParentImage endswith '\\winword.exe'",
      encoded);
  add(0, "2026-11-24T08:31:40Z", "WS01", 19, "CommandLine contains '-enc'; ParentImage endswith '\\winword.exe'", encoded);
  add(1, "2026-11-24T08:44:03Z", "WS01", 77, "TargetImage endswith '\\lsass.exe'", "日本語 -enc ünïcode");
  add(2, "2026-11-24T08:50:00Z", "サーバー01", 81, "EventID equals '4732'", "net localgroup administrators");
  add(4, "2026-11-24T08:50:01Z", "SRV02", 82, "Image endswith '\\cmd.exe'", "cmd.exe");
  add(4, "2026-11-23T22:10:00Z", "SRV02", 3, "Image endswith '\\cmd.exe'", "cmd.exe");
  add(4, "2026-11-24T09:14:55Z", "", 4, "any value contains '\x1b[31mred\x1b[0m \xe2\x80\xaetxt.exe'",
      "</script><script>document.title='owned'</script><!--");
  add(0, "2026-11-24T09:00:00Z", "<img src=x onerror=document.title=1>", 90, "=cmd|'/c calc'!A1 \xff\xfe",
      "a -enc \xff\xfe \"quoted\", \r\n\x07 b");
  Found sequence;
  sequence.rule = &out.rules[3];
  sequence.first = at("2026-11-24T08:02:00Z");
  sequence.time = at("2026-11-24T08:10:30Z");
  sequence.event_count = 13;
  sequence.host = "WS01 +1";
  sequence.file = "evidence/security.evtx";
  sequence.reason = "'Failed logon' then 'Logon' within 10m, user=bob";
  sequence.json =
      R"({"class_uid":2004,"unmapped":{"tocsin":{"correlation":{"type":"temporal_ordered","group":{"user":"bob"},"value":2,"event_count":13,)"
      R"("reason":"'Failed logon' then 'Logon' within 10m, user=bob","events":[{"rule_uid":"a","rule_name":"Failed logon","time":1795507320000,)"
      R"("file":"evidence/security.evtx","record":5},{"rule_uid":"b","rule_name":"Logon","time":1795507830000,"file":"evidence/security.evtx","record":9}]}}}})";
  out.found.push_back(std::move(sequence));
  out.summary.input.events = 1'234'567;
  out.summary.input.records = 1'234'587;
  out.summary.input.bytes = 312'400'000;
  out.summary.input.streams = 12;
  out.summary.input.problem_count = 1;
  out.summary.input.problems.push_back({"evidence/\x1b[2Jlocked.evtx", "denied", "permission denied"});
  out.summary.seconds = 3.2;
  out.summary.threads = 2;
  out.summary.rule_count = 183;
  out.summary.correlation_count = 17;
  out.summary.filter_count = 2;
  out.summary.skipped_rule_count = 12;
  out.summary.unrouted_events = 421;
  out.summary.bad_by_cause = {{"json-syntax", 10}, {"evtx-record-torn", 15}};
  out.summary.notes = {"3 matches came too late to be correlated in order"};
  out.summary.first_event = at("2026-11-23T20:00:00Z");
  out.summary.last_event = at("2026-11-24T10:00:00Z");
  out.summary.command_line = "tocsin detect --report report.html evidence";
  out.summary.version = "0.1.0";
  detect::sigma::Diagnostic refused;
  refused.path = "rules/broken.yml";
  refused.line = 12;
  refused.message = "unknown modifier 'contians'";
  out.summary.refused.push_back(std::move(refused));
  count_findings(out);
  return out;
}

Samples many(std::size_t count) {
  Samples out;
  const std::vector<std::pair<std::string, std::string>> places{{"execution", "t1059.001"},
                                                                {"execution", "t1059.003"},
                                                                {"persistence", "t1053.005"},
                                                                {"persistence", "t1543.003"},
                                                                {"privilege-escalation", "t1548.002"},
                                                                {"defense-evasion", "t1027"},
                                                                {"defense-evasion", "t1070.001"},
                                                                {"credential-access", "t1003.001"},
                                                                {"credential-access", "t1110"},
                                                                {"discovery", "t1087.002"},
                                                                {"discovery", "t1018"},
                                                                {"lateral-movement", "t1021.002"},
                                                                {"command-and-control", "t1071.001"},
                                                                {"exfiltration", "t1041"},
                                                                {"impact", "t1486"},
                                                                {"initial-access", "t1566.001"}};
  std::mt19937 random(7);
  for (std::size_t i = 0; i < 60; ++i) {
    const auto& [tactic, technique] = places[i % places.size()];
    const auto level = static_cast<Level>(i < 4 ? 4 : i < 14 ? 3 : i < 30 ? 2 : i < 48 ? 1 : 0);
    out.rules.push_back(rule(std::to_string(i + 1),
                             "Suspicious behaviour number " + std::to_string(i + 1) + " of " + technique, level,
                             {"attack." + tactic, "attack." + technique}));
  }
  const std::int64_t begin = at("2026-11-21T06:00:00Z").ns;
  constexpr std::int64_t kSpan = 3LL * 86'400 * 1'000'000'000;
  for (std::size_t i = 0; i < count; ++i) {
    // Low levels are common, critical ones rare and close together.
    const std::size_t dice = random() % 1'000;
    const std::size_t index = dice < 1     ? random() % 4
                              : dice < 12  ? 4 + random() % 10
                              : dice < 120 ? 14 + random() % 16
                                           : 30 + random() % 30;
    Found found;
    found.rule = &out.rules[index];
    const auto place = static_cast<std::int64_t>(random() % 1'000'000);
    const std::int64_t offset = index < 14 ? kSpan / 2 + kSpan / 20'000'000 * place : kSpan / 1'000'000 * place;
    found.time = found.first = {begin + offset};
    found.host = "HOST-" + std::to_string(100 + (index < 14 ? random() % 3 : random() % 25));
    found.file = "collected/" + found.host + "/Security.evtx";
    found.record = i + 1;
    found.reason = "CommandLine contains '-enc'; ParentImage endswith '\\winword.exe'";
    found.json = finding_json(found, "powershell.exe -enc " + std::to_string(random()) + std::to_string(random()), 2'000);
    out.found.push_back(std::move(found));
  }
  out.summary = intrusion().summary;
  count_findings(out);
  return out;
}

}  // namespace tocsin::cli::testing
