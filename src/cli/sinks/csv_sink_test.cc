#include <gtest/gtest.h>

#include <sstream>

#include "cli/sinks/sample_findings.h"

namespace tocsin::cli {
namespace {

constexpr std::string_view kHeader =
    "time,level,rule id,title,type,host,file,record,event_record_id,tactics,techniques,event_count,reason\r\n";

std::string csv_of(const std::vector<Found>& found) {
  std::ostringstream out;
  const auto sink = make_csv_sink(out);
  for (const Found& one : found) sink->add(one);
  sink->finish(RunSummary{});
  return out.str();
}

std::string row_of(const Found& found) { return csv_of({found}).substr(kHeader.size()); }

TEST(CsvSink, HasAHeaderEvenWithoutFindings) { EXPECT_EQ(csv_of({}), kHeader); }

TEST(CsvSink, GivesOneRecordAFinding) {
  const testing::Samples samples = testing::intrusion();
  EXPECT_EQ(row_of(samples.found[0]),
            "2026-11-24T08:30:12.1234567Z,high,00000000-0000-4000-8000-000000000001,Encoded PowerShell From Word,rule,WS01,"
            "evidence/security.evtx,12,1012,execution defense-evasion,T1059.001 T1027,1,"
            "CommandLine contains '-enc'; ParentImage endswith '\\winword.exe'\r\n");
}

TEST(CsvSink, ACorrelationHasNoRecord) {
  const testing::Samples samples = testing::intrusion();
  EXPECT_EQ(row_of(samples.found.back()),
            "2026-11-24T08:10:30Z,high,00000000-0000-4000-8000-000000000004,\"Many Failed Logons, Then A "
            "Success\",temporal_ordered,WS01 +1,"
            "evidence/security.evtx,,,credential-access,T1110,13,\"'Failed logon' then 'Logon' within 10m, user=bob\"\r\n");
}

TEST(CsvSink, QuotesCommasQuotesAndOuterSpaces) {
  testing::Samples samples = testing::intrusion();
  samples.found[0].reason = "say \"a\", b";
  EXPECT_TRUE(row_of(samples.found[0]).ends_with(",\"say \"\"a\"\", b\"\r\n"));
  samples.found[0].reason = " a";
  EXPECT_TRUE(row_of(samples.found[0]).ends_with(",\" a\"\r\n"));
}

TEST(CsvSink, CellsThatSpreadsheetsWouldRunGetAnApostrophe) {
  testing::Samples samples = testing::intrusion();
  for (const char* start : {"=", "+", "-", "@"}) {
    samples.found[0].reason = std::string(start) + "cmd|'/c calc'!A1";
    EXPECT_TRUE(row_of(samples.found[0]).ends_with(",'" + samples.found[0].reason + "\r\n"));
  }
}

TEST(CsvSink, ControlCharactersAndStrayBytesAreEscapedSoThatARecordIsOneLine) {
  testing::Samples samples = testing::intrusion();
  samples.found[0].reason = "a\r\n\x1b[31m\xff";
  EXPECT_TRUE(row_of(samples.found[0]).ends_with(",a\\r\\n\\x1b[31m\\xff\r\n"));
}

TEST(CsvSink, AnUnknownTimeIsEmpty) {
  testing::Samples samples = testing::intrusion();
  samples.found[0].time = core::kNoTime;
  EXPECT_TRUE(row_of(samples.found[0]).starts_with(",high,"));
}

}  // namespace
}  // namespace tocsin::cli
