#include <set>

#include "api/api_test_support.h"
#include "api/live_json.h"

namespace tocsin::api {
namespace {

constexpr int kFindings = 2'000;

class FindingsTest : public ApiFixture {
 protected:
  void SetUp() override {
    ApiFixture::SetUp();
    if (!server) return;
    store::Block block;
    std::vector<std::string> ids(kFindings);
    for (int i = 0; i < kFindings; ++i) {
      store::FindingRow row;
      row.id = "f" + std::to_string(i);
      row.sequence = static_cast<std::uint64_t>(i) + 1;
      row.event_time = {store::kNoon.ns + (i / 7) * std::int64_t{1'000'000'000}};  // Many at one time.
      row.received_at = row.detected_at = {row.event_time.ns + 5'000'000};
      const bool other = i % 5 == 4;
      row.tenant = other ? "other" : "default";
      row.source = i % 2 == 0 ? "dc" : "web";
      row.rule_id = i % 3 == 0 ? "r0" : i % 3 == 1 ? "r1" : "r2";
      row.rule_title = i % 3 == 0 ? "Mimikatz" : i % 3 == 1 ? "Odd logon" : "Scan";
      row.level = i % 3 == 0 ? "critical" : i % 3 == 1 ? "medium" : "low";
      row.severity_id = i % 3 == 0 ? 5 : i % 3 == 1 ? 3 : 2;
      row.host = other ? "their-host" : i % 4 == 0 ? "dc01" : "web01";
      row.user = "o'brien";
      row.tactics = {"execution"};
      row.techniques = {i % 3 == 0 ? "T1003.001" : "T1059.001"};
      row.reason = "because of \"quotes\"";
      row.finding =
          R"({"class_uid":2004,"unmapped":{"tocsin":{"matches":{"condition":"selection","selections":["selection"]}}}})";
      row.event_ids = {model::make_event_id(static_cast<std::uint64_t>(i) + 1, 0)};
      block.add(row);
      if (i < 10) {
        auto event = store::sample_event(static_cast<std::uint64_t>(i) + 1);
        event.tenant = row.tenant;
        block.add(event);
      }
    }
    insert(block);
  }
};

TEST_F(FindingsTest, PagesToTheEndWithoutGapsOrRepeats) {
  const Identity boss = admin();
  for (const char* sort : {"-time", "time", "severity"}) {
    std::set<std::string> seen;
    std::string cursor, last;
    int pages = 0;
    do {
      const Answer page = get(std::string("/api/v1/findings?limit=333&sort=") + sort + "&cursor=" + cursor, boss);
      ASSERT_EQ(page.status, 200) << page.body;
      EXPECT_EQ(page.at("/total"), std::to_string(kFindings));
      for (std::size_t i = 0; i < page.count("/items"); ++i) {
        EXPECT_TRUE(seen.insert(page.at("/items/" + std::to_string(i) + "/id")).second);
      }
      cursor = page.at("/next_cursor");
      ++pages;
    } while (cursor != "null" && pages < 20);
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(kFindings)) << sort;
    EXPECT_EQ(pages, 7) << sort;
  }
}

TEST_F(FindingsTest, APageIsTheNewestOrOldestOfWhatFits) {
  const Identity boss = admin();
  const auto newest = get("/api/v1/findings?limit=2&rule=r1", boss),
             oldest = get("/api/v1/findings?limit=2&sort=time", boss);
  EXPECT_EQ(newest.at("/items/0/id"), "f1999");
  EXPECT_EQ(newest.at("/items/1/id"), "f1996");
  EXPECT_EQ(oldest.at("/items/0/id"), "f0");
  EXPECT_EQ(oldest.at("/items/1/id"), "f1");
  EXPECT_EQ(get("/api/v1/findings?host=nowhere", boss).count("/items"), 0u);
}

TEST_F(FindingsTest, FiltersNarrowAndCombine) {
  const Identity boss = admin();
  const auto total = [&](const std::string& filter) { return get("/api/v1/findings?limit=1&" + filter, boss).at("/total"); };
  EXPECT_EQ(total("level=critical"), "667");
  EXPECT_EQ(total("rule=none"), "0");
  EXPECT_EQ(total("level=critical,low"), "1333");
  EXPECT_EQ(total("rule=r1"), "667");
  EXPECT_EQ(total("technique=T1003.001"), "667");
  EXPECT_EQ(total("tactic=execution,impact"), "2000");
  EXPECT_EQ(total("tenant=other"), "400");
  EXPECT_EQ(total("tenant=other,default"), "2000");
  EXPECT_EQ(total("user=o'brien&host=their-host"), "400");
  EXPECT_EQ(total("user=x'%20OR%201=1%20--"), "0");
  EXPECT_EQ(total("q=mimi%20BRIEN"), "667");
  EXPECT_EQ(total("q=%22quotes%22"), "2000");
  EXPECT_EQ(total("from=2026-11-24T12:00:00Z&to=2026-11-24T12:00:01Z"), "7");
  EXPECT_EQ(total("from=now-1h"), "2000");
  EXPECT_EQ(total("from=now-55m"), "0");
  for (const char* wrong :
       {"limit=0", "limit=1001", "limit=x", "sort=id", "from=yesterday", "cursor=xx", "cursor=x61-x62"}) {
    const Answer answer = get(std::string("/api/v1/findings?") + wrong, boss);
    EXPECT_EQ(answer.status, 400) << wrong;
    EXPECT_EQ(answer.at("/field"), std::string(wrong).substr(0, std::string(wrong).find('='))) << answer.body;
  }
}

TEST_F(FindingsTest, GroupsFacetsAndHistogramCountTheSame) {
  const Identity boss = admin();
  const Answer groups = get("/api/v1/findings/groups?by=rule,source", boss);
  EXPECT_EQ(groups.at("/total_groups"), "6");
  EXPECT_EQ(groups.at("/total"), "2000");
  EXPECT_EQ(groups.at("/items/0/key/rule_id"), "r0");
  EXPECT_EQ(groups.at("/items/0/level"), "critical");
  EXPECT_EQ(groups.at("/items/0/host_count"), groups.at("/items/0/key/source") == "dc" ? "3" : "2") << groups.body;
  EXPECT_EQ(get("/api/v1/findings/groups?by=tactic", boss).status, 400);
  const Answer facets = get("/api/v1/findings/facets?fields=level,technique,rule", boss);
  EXPECT_EQ(facets.at("/facets/level/0/count"), "667");
  EXPECT_EQ(facets.at("/facets/technique/0/value"), "T1059.001");
  EXPECT_EQ(facets.at("/facets/technique/0/label"), "PowerShell");
  EXPECT_EQ(facets.at("/facets/rule/0/label"), "Mimikatz");
  EXPECT_EQ(facets.at("/facets/host"), "<absent>");
  const Answer histogram =
      get("/api/v1/findings/histogram?from=2026-11-24T12:00:00Z&to=2026-11-24T12:05:00Z&buckets=5&level=critical", boss);
  EXPECT_EQ(histogram.at("/step_seconds"), "60");
  EXPECT_EQ(histogram.at("/series/0/name"), "critical");
  EXPECT_EQ(histogram.count("/series/0/values"), 5u);
  EXPECT_EQ(histogram.at("/total"), "667");
  EXPECT_EQ(get("/api/v1/findings/histogram?from=now&to=now-1h", boss).at("/field"), "from");
}

TEST_F(FindingsTest, LiveAndListedFindingsLookAlike) {
  store::FindingRow row;
  row.id = "live";
  row.event_time = row.received_at = row.detected_at = {store::kNoon.ns + 3'000'000'000'123};
  row.tenant = "default";
  row.rule_id = "r9";
  row.level = "high";
  row.severity_id = 4;
  row.tactics = {"execution"};
  row.event_ids = {1, 2};
  row.reason = "why \"so\"";
  store::Block block;
  block.add(row);
  insert(block);
  Answer live;
  live.body = finding_json(row);
  EXPECT_EQ(get("/api/v1/findings?rule=r9", admin()).at("/items/0"), live.at(""));
}

TEST_F(FindingsTest, OneFindingIsExplained) {
  RuleDetail rule;
  rule.status.id = "r0";
  rule.status.title = "Mimikatz";
  rule.description = "Finds it";
  platform.rule_list.push_back(rule);
  const Identity boss = admin();
  const Answer one = get("/api/v1/findings/f0", boss);
  EXPECT_EQ(one.at("/why/condition"), "selection");
  EXPECT_EQ(one.at("/ocsf/class_uid"), "2004");
  EXPECT_EQ(one.at("/events/0/host"), "web01");
  EXPECT_EQ(one.at("/rule/description"), "Finds it");
  EXPECT_EQ(one.at("/incident"), "null");
  EXPECT_EQ(one.at("/time"), "2026-11-24T12:00:00Z");
  EXPECT_EQ(get("/api/v1/findings/nothing", boss).status, 404);
  const Answer related = get("/api/v1/findings/f0/related", boss);
  EXPECT_EQ(related.count("/same_host"), 20u);
  EXPECT_EQ(related.count("/same_event"), 0u);
  EXPECT_EQ(related.at("/same_rule/0/rule_id"), "r0");
}

TEST_F(FindingsTest, OnesTenantsAreAllThereIs) {
  admin();
  const Identity narrow = user("nora", auth::Role::kHunter, {"other"});
  const Answer list = get("/api/v1/findings?limit=1000", narrow);
  EXPECT_EQ(list.at("/total"), "400");
  EXPECT_EQ(list.body.find("web01"), std::string::npos);
  EXPECT_EQ(get("/api/v1/findings?tenant=default", narrow).at("/total"), "0");
  EXPECT_EQ(get("/api/v1/findings?tenant=default,other", narrow).at("/total"), "400");
  EXPECT_EQ(get("/api/v1/findings/groups", narrow).at("/total"), "400");
  EXPECT_EQ(get("/api/v1/findings/f0", narrow).status, 404);
  EXPECT_EQ(get("/api/v1/findings/f0/related", narrow).status, 404);
  EXPECT_EQ(get("/api/v1/findings/f4", narrow).status, 200);
}

}  // namespace
}  // namespace tocsin::api

TOCSIN_API_TEST_MAIN()
