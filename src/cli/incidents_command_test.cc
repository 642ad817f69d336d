#include "cli/incidents_command.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "testing/temporary_folder.h"

namespace tocsin::cli {
namespace {

std::string finding(const std::string& id, std::int64_t minute, const std::string& host, const std::string& more = "") {
  return R"({"time":)" + std::to_string(1'794'900'000'000 + minute * 60'000) +
         R"(,"severity_id":4,"finding_info":{"uid":")" + id + R"(","title":"Title )" + id + R"(","analytic":{"uid":"rule-)" +
         id + R"("}},"evidences":[{"device":{"hostname":")" + host + R"("}})" + more + "]}\n";
}

struct Ran {
  IncidentsSummary summary;
  std::string text;
};

Ran run(const std::string& lines, const std::string& format, const std::string& assets = "") {
  const testing::TemporaryFolder folder;
  IncidentsOptions options;
  options.paths = {folder.write("findings.jsonl", lines)};
  if (!assets.empty()) options.assets_path = folder.write("assets.csv", assets);
  options.format = format;
  const auto content = Content::load("");
  EXPECT_TRUE(content.ok());
  std::ostringstream out;
  const auto result = run_incidents(options, *content, out);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().text);
  return {result.ok() ? *result : IncidentsSummary{}, out.str()};
}

TEST(IncidentsCommand, FindingsOfOneHostWithinAnHourAreOneIncidentWithItsReason) {
  const Ran ran = run(finding("b", 10, "WS-1") + finding("a", 0, "WS-1") + finding("c", 300, "WS-1"), "table");
  EXPECT_EQ(ran.summary.findings, 3U);
  EXPECT_EQ(ran.summary.incidents, 2U);
  EXPECT_NE(ran.text.find("another uncommon finding on WS-1; 10 min apart"), std::string::npos) << ran.text;
}

TEST(IncidentsCommand, JsonHasALineForEachIncidentWithItsFindings) {
  const Ran ran = run(finding("a", 0, "WS-1") + finding("b", 0, "WS-2"), "json");
  EXPECT_EQ(std::count(ran.text.begin(), ran.text.end(), '\n'), 2);
  EXPECT_NE(ran.text.find(R"("findings":[{"id":"a")"), std::string::npos);
}

TEST(IncidentsCommand, AssetsTellWhichHostHasAnAddress) {
  const std::string lines = finding("a", 0, "WS-1") + finding("b", 5, "SRV-1", R"(,{"src_endpoint":{"ip":"10.9.9.9"}})");
  EXPECT_EQ(run(lines, "json").summary.incidents, 2U);
  EXPECT_EQ(run(lines, "json", "address,host\n10.9.9.9,ws-1.corp.example\n").summary.incidents, 1U);
}

TEST(IncidentsCommand, LinesThatAreNoFindingsAreCounted) {
  const Ran ran = run("{}\nnonsense\n\n" + finding("a", 0, "WS-1"), "json");
  EXPECT_EQ(ran.summary.bad_lines, 2U);
  EXPECT_EQ(ran.summary.findings, 1U);
}

TEST(IncidentsCommand, AFileThatIsNotThereIsAnError) {
  std::ostringstream out;
  IncidentsOptions options;
  options.paths = {"/no/such/file"};
  EXPECT_FALSE(run_incidents(options, *Content::load(""), out).ok());
}

}  // namespace
}  // namespace tocsin::cli
