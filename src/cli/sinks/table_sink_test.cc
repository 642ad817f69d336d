#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "cli/sinks/sample_findings.h"
#include "cli/sinks/shown_text.h"

namespace tocsin::cli {
namespace {

std::string table_of(const testing::Samples& samples, const SinkOptions& options) {
  std::ostringstream out;
  const auto sink = make_table_sink(out, options);
  for (const Found& found : samples.found) sink->add(found);
  sink->finish(samples.summary);
  return out.str();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(TableSink, GroupsByRuleAndHostWorstFirst) {
  const std::string expected =
      R"(LEVEL    COUNT  RULE                           HOST                FIRST (UTC)          LAST
critical     1  LSASS Memory Read By Unsigne…  WS01                2026-11-24 08:44:03
                T1003.001  TargetImage endswith '\lsass.exe'
high         2  Encoded PowerShell From Word   WS01                2026-11-24 08:30:12  08:31:40
                T1059.001 T1027  CommandLine contains '-enc'; ParentImage endswith '\winword.exe'
high         1  Encoded PowerShell From Word   <img src=x onerro…  2026-11-24 09:00:00
                T1059.001 T1027  =cmd|'/c calc'!A1 \xff\xfe
high         1  Many Failed Logons, Then A S…  WS01 +1             2026-11-24 08:02:00  08:10:30
                T1110  'Failed logon' then 'Logon' within 10m, user=bob
medium       1  New Local Administrator        サーバー01          2026-11-24 08:50:00
                T1136.001  EventID equals '4732'
info         2  Shell Opened                   SRV02               2026-11-23 22:10:00  +1d 08:50:01
                T1059  Image endswith '\cmd.exe'
info         1  Shell Opened                   -                   2026-11-24 09:14:55
                T1059  any value contains '\x1b[31mred\x1b[0m \u{202e}txt.exe'

Findings    9: 1 critical, 4 high, 1 medium, 3 informational
Hosts       WS01 4, SRV02 2, <img src=x onerror=document.title=1> 1, サーバー01 1
Techniques  T1027 Obfuscated Files or Information 3, T1059 Command and Scripting Interpreter 3,
            T1059.001 PowerShell 3, T1003.001 LSASS Memory 1, T1110 Brute Force 1, T1136.001 Local
            Account 1
Read        1,234,567 events, 312 MB in 12 files; 3.2 s with 2 threads: 385,802 events/s, 97.6 MB/s
Events      2026-11-23 20:00:00 to 2026-11-24 10:00:00 UTC
Rules       183 rules, 17 correlations, 2 filters; 12 left out by options
Refused     1 problem in rules that could not be loaded and did not run:
            rules/broken.yml:12: unknown modifier 'contians'
Bad records 25 could not be read: 15 evtx-record-torn, 10 json-syntax (--errors FILE lists them)
Unreadable  1 input:
            evidence/\x1b[2Jlocked.evtx: permission denied
Source      source not told: 421 events; only rules without product saw them; see --logsource
Notes       3 matches came too late to be correlated in order
)";
  EXPECT_EQ(table_of(testing::intrusion(), {}), expected);
}

TEST(TableSink, NoLineIsWiderThanTheTerminalFrom40ColumnsOn) {
  const testing::Samples samples = testing::intrusion();
  for (const std::uint32_t width : {40u, 41u, 60u, 83u, 84u, 100u, 139u, 140u, 250u}) {
    for (const std::string& line : lines_of(table_of(samples, {false, width}))) EXPECT_LE(column_count(line), width) << line;
  }
  for (const std::string& line : lines_of(table_of(samples, {false, 1}))) EXPECT_LE(column_count(line), 40u) << line;
}

TEST(TableSink, LargeCountsGetTheRoomTheyNeed) {
  testing::Samples samples = testing::intrusion();
  const Found found = samples.found[2];
  samples.found.insert(samples.found.end(), 123'455, found);
  const std::string table = table_of(samples, {false, 40});
  EXPECT_TRUE(contains(table, "critical 123,456  LSASS"));
  for (const std::string& line : lines_of(table)) EXPECT_LE(column_count(line), 40u) << line;
}

TEST(TableSink, WideTerminalsHaveATechniquesColumn) {
  EXPECT_TRUE(contains(lines_of(table_of(testing::intrusion(), {false, 160}))[0], "TECHNIQUES"));
}

TEST(TableSink, EscapesOnlyWhereColourIsWantedAndOnlyItsOwn) {
  testing::Samples samples = testing::intrusion();
  EXPECT_FALSE(contains(table_of(samples, {}), "\x1b"));
  const std::string coloured = table_of(samples, {true, 100});
  EXPECT_TRUE(contains(coloured, "\x1b[1;97;41mcritical\x1b[0m"));
  EXPECT_FALSE(contains(coloured, "\x1b[2J"));
  EXPECT_FALSE(contains(coloured, "\t"));
}

TEST(TableSink, GroupsPastTheLimitOfALevelAreCountedAndDoNotCrowdOutWorseOnes) {
  testing::Samples samples = testing::intrusion();
  std::ostringstream out;
  const auto sink = make_table_sink(out, {});
  Found low = samples.found[4];
  for (int i = 0; i < 2'003; ++i) {
    low.host = "h" + std::to_string(i);
    sink->add(low);
  }
  sink->add(samples.found[2]);
  sink->finish(samples.summary);
  EXPECT_TRUE(contains(out.str(), "3 more findings, of groups past the limit of 10,000"));
  EXPECT_TRUE(contains(out.str(), "LSASS"));
}

TEST(TableSink, WithoutFindingsThereIsOnlyTheSummary) {
  testing::Samples samples;
  EXPECT_EQ(lines_of(table_of(samples, {}))[0], "Findings    0");
}

TEST(WriteSummary, SaysWhatARunOfNothingDid) {
  std::ostringstream out;
  write_summary(RunSummary{}, out, {});
  EXPECT_EQ(out.str(),
            "Findings    0\nRead        0 events, 0 B in 0 files; under 0.001 s with 1 thread: 0 events/s, 0 B/s\nRules     "
            "  0 rules\n");
}

TEST(WriteSummary, ListsTheFirstRefusedRulesOnly) {
  RunSummary summary;
  summary.refused.resize(9);
  std::ostringstream out;
  write_summary(summary, out, {});
  EXPECT_TRUE(contains(out.str(), "9 problems in rules"));
  EXPECT_TRUE(contains(out.str(), "`tocsin rules check` lists all"));
}

}  // namespace
}  // namespace tocsin::cli
