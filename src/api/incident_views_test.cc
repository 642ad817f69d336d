// An incident over time, as a graph, as process trees, as a file; entities, assets and measures.
#include "api/incident_test_support.h"

namespace tocsin::api {
namespace {

class IncidentViewsTest : public IncidentFixture {
 protected:
  Answer post_csv(const std::string& path, const Identity& who, const std::string& body) {
    const HttpClient client(server->port());
    client.send("POST " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: tocsin_session=" + who.cookie +
                "\r\nX-CSRF-Token: " + who.csrf +
                "\r\nContent-Type: text/csv\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return parse(client.read_until(""));
  }
  struct Started {
    std::uint64_t sequence = 0;
    std::int64_t second = 0;
    std::uint32_t pid = 0;
    const char *name = "", *parent_pid = "", *guid = "", *parent_guid = "", *tenant = "own", *host = "WS-042";
    bool creation = true;
  };
  void add(store::Block& block, const Started& started) {
    auto event = store::sample_event(started.sequence);
    event.time = {store::kNoon.ns + started.second * 1'000'000'000};
    event.tenant = started.tenant;
    event.host = started.host;
    event.class_uid = started.creation ? 1007 : 1001;
    event.activity_id = 1;
    event.process_name = started.name;
    event.process_pid = started.pid;
    event.parent_name = "explorer.exe";
    event.attributes.clear();
    if (*started.parent_pid != '\0') event.attributes.push_back({"ParentProcessId", started.parent_pid});
    if (*started.guid != '\0') event.attributes.push_back({"ProcessGuid", started.guid});
    if (*started.parent_guid != '\0') event.attributes.push_back({"ParentProcessGuid", started.parent_guid});
    block.add(event);
  }
};

TEST_F(IncidentViewsTest, ATimelineHasFindingsNotesAndWork) {
  ASSERT_EQ(
      post("/api/v1/incidents/1/notes", ana, R"({"text":"first","lane":"network","event_time":"2026-11-24T11:00:00Z"})")
          .status,
      201);
  ASSERT_EQ(patch("/api/v1/incidents/1", ana, R"({"state":"contained"})").status, 200);
  const Answer all = get("/api/v1/incidents/1/timeline", viewer);
  EXPECT_EQ(all.count("/items"), 6u) << all.body;
  EXPECT_EQ(all.at("/items/0/title"), "first");
  EXPECT_EQ(all.at("/items/1/kind"), "finding");
  EXPECT_EQ(all.at("/items/5/lane"), "work");
  EXPECT_EQ(all.at("/flags/0/name"), "first_event");
  EXPECT_EQ(all.at("/complete"), "true");
  EXPECT_EQ(get("/api/v1/incidents/1/timeline?lane=network,work", viewer).count("/items"), 3u);
  EXPECT_EQ(get("/api/v1/incidents/1/timeline?lane=x", viewer).status, 400);
}

TEST_F(IncidentViewsTest, AGraphJoinsEntitiesByTheirFindings) {
  const Answer graph = get("/api/v1/incidents/1/graph", viewer);
  EXPECT_EQ(graph.count("/nodes"), 4u) << graph.body;
  EXPECT_EQ(graph.at("/grouped"), "0");
  EXPECT_EQ(graph.count("/edges"), 3u) << graph.body;
  write([&](IncidentTables& tables) -> core::Result<void> {
    for (int i = 0; i < 400; ++i) {
      TOCSIN_TRY(tables.put_entity({1,
                                    {model::EntityKind::kDomain, model::EntityRole::kRelated, "d" + std::to_string(i), ""},
                                    store::kNoon,
                                    store::kNoon,
                                    1}));
    }
    return {};
  });
  const Answer large = get("/api/v1/incidents/1/graph", viewer);
  EXPECT_EQ(large.count("/nodes"), 300u);
  EXPECT_EQ(large.at("/grouped"), "104");
}

TEST_F(IncidentViewsTest, ProcessTreesHangTogetherByGuidOrByPidAndTime) {
  store::Block block;
  // 400 started 500, which is given again later; the later one starts 600, of which a finding speaks (event 102).
  add(block, {201, -60, 400, "winword.exe", "", "", ""});
  add(block, {202, -50, 500, "old.exe", "400", "", ""});
  add(block, {203, -40, 500, "powershell.exe", "400", "", ""});
  add(block, {204, -30, 600, "whoami.exe", "500", "", ""});
  add(block, {205, -20, 700, "other.exe", "1", "", ""});
  add(block, {206, -10, 800, "bad.exe", "", "{b}", "{a}"});
  add(block, {207, -11, 801, "guid-parent.exe", "", "{a}", ""});
  add(block, {208, 0, 900, "foreign.exe", "500", "", "", "other"});
  add(block, {209, 2, 600, "", "", "", "", "own", "WS-042", false});
  add(block, {210, 3, 0, "", "", "{b}", "", "own", "WS-042", false});
  std::vector<std::string> documents = {"{}"};
  for (const auto& [id, sequence] : {std::pair("own-1x", 209u), std::pair("own-2x", 210u)}) {
    store::FindingRow row;
    row.id = id;
    row.sequence = sequence;
    row.event_time = row.received_at = row.detected_at = {store::kNoon.ns + 5'000'000'000};
    row.tenant = "own";
    row.rule_id = "r";
    row.rule_title = id;
    row.host = "WS-042";
    row.severity_id = 4;
    row.event_ids = {model::make_event_id(sequence, 0)};
    row.finding = documents[0];
    block.add(row);
    const std::string name(id);
    write([&](IncidentTables& tables) -> core::Result<void> {
      ledger::IncidentMember member;
      member.incident = 2;
      member.finding = name;
      member.event_time = row.event_time;
      TOCSIN_TRY(tables.add_member(member));
      return {};
    });
  }
  insert(block);
  const Answer answer = get("/api/v1/incidents/2/processes", viewer);
  EXPECT_EQ(answer.at("/complete"), "true") << answer.body;
  EXPECT_EQ(answer.count("/hosts"), 1u);
  std::map<std::string, std::string> parents, names, findings;
  for (std::size_t i = 0; i < answer.count("/hosts/0/processes"); ++i) {
    const std::string at = "/hosts/0/processes/" + std::to_string(i);
    names[answer.at(at + "/id")] = answer.at(at + "/name");
    parents[answer.at(at + "/name")] = answer.at(at + "/parent");
    findings[answer.at(at + "/name")] = answer.at(at + "/findings");
  }
  EXPECT_EQ(names[parents["whoami.exe"]], "powershell.exe") << answer.body;
  EXPECT_EQ(names[parents["powershell.exe"]], "winword.exe");
  EXPECT_EQ(names[parents["bad.exe"]], "guid-parent.exe");
  EXPECT_EQ(names[parents["winword.exe"]], "explorer.exe");  // Its start was not seen.
  EXPECT_NE(findings["whoami.exe"].find("own-1x"), std::string::npos);
  EXPECT_NE(findings["bad.exe"].find("own-2x"), std::string::npos);
  EXPECT_FALSE(parents.contains("other.exe"));  // No finding speaks of it, nor of its kin.
  EXPECT_FALSE(parents.contains("old.exe"));
  EXPECT_FALSE(parents.contains("foreign.exe"));
}

TEST_F(IncidentViewsTest, IsGivenOutAsAFile) {
  const Answer csv = get("/api/v1/incidents/1/export", viewer);
  EXPECT_EQ(csv.header("Content-Disposition"), "attachment; filename=\"INC-1.csv\"");
  EXPECT_EQ(std::ranges::count(csv.body, '\n'), 4) << csv.body;
  const Answer lines = get("/api/v1/incidents/1/export?format=json", viewer);
  EXPECT_EQ(std::ranges::count(lines.body, '\n'), 3);
  EXPECT_EQ(get("/api/v1/incidents/1/export?format=stix", viewer).at("/type"), "bundle");
  EXPECT_EQ(get("/api/v1/incidents/1/export?format=pdf", viewer).status, 400);
  EXPECT_EQ(get("/api/v1/audit?action=incident.export", boss).count("/items"), 3u);
}

TEST_F(IncidentViewsTest, SimilarOnesAreShown) {
  desk->alike = {2};
  EXPECT_EQ(get("/api/v1/incidents/1/similar", viewer).at("/items/0/incident/id"), "INC-2");
}

TEST_F(IncidentViewsTest, AnEntityHasItsFindingsIncidentsAndPeers) {
  const Answer host = get("/api/v1/entities/host/ws-042", viewer);
  EXPECT_EQ(host.status, 200) << host.body;
  EXPECT_EQ(host.count("/findings"), 4u) << host.body;
  EXPECT_EQ(host.count("/incidents"), 2u);
  EXPECT_EQ(host.at("/rules/0/count"), "4");
  EXPECT_EQ(host.count("/findings_by_day"), 30u);
  EXPECT_EQ(host.at("/findings_by_day/29/count"), "4");
  EXPECT_GE(host.count("/peers"), 5u) << host.at("/peers");
  EXPECT_GT(std::stod(host.at("/risk")), 79);
  EXPECT_EQ(host.at("/asset"), "null");
  EXPECT_EQ(get("/api/v1/entities/address/198.51.100.2", viewer).count("/findings"), 1u);
  EXPECT_EQ(get("/api/v1/entities/address/198.51.100.20", viewer).status, 404);
  EXPECT_EQ(get("/api/v1/entities/thing/x", viewer).status, 404);
}

TEST_F(IncidentViewsTest, AssetsAreDeclaredAndKeepWhatIsNotSaid) {
  EXPECT_EQ(ask("PUT", "/api/v1/assets/host/WS-042", ana, R"({"criticality":5})").at("/right"), "settings.write");
  const Answer put = ask("PUT", "/api/v1/assets/host/WS-042", nora, R"({"criticality":5,"zone":"server","tags":["a"]})");
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.at("/key"), "ws-042");
  EXPECT_EQ(put.at("/declared"), "true");
  EXPECT_EQ(ask("PUT", "/api/v1/assets/host/ws-042", nora, R"({"owner":"it"})").at("/criticality"), "5");
  for (const char* body : {R"({"criticality":6})", R"({"zone":"moon"})", R"({"exposure":"x"})", R"({"tags":[""]})"}) {
    EXPECT_EQ(ask("PUT", "/api/v1/assets/host/ws-042", nora, body).status, 400) << body;
  }
  EXPECT_EQ(ask("PUT", "/api/v1/assets/thing/x", nora, "{}").at("/field"), "kind");
  EXPECT_EQ(get("/api/v1/entities/host/ws-042", viewer).at("/asset/criticality"), "5");
  EXPECT_EQ(get("/api/v1/incidents/1", viewer).body.find("\"criticality\":5") == std::string::npos, false);
  EXPECT_EQ(get("/api/v1/audit?action=asset.change", boss).count("/items"), 2u);
}

TEST_F(IncidentViewsTest, AnImportIsAllOrNothingAndReadsBackWhatWasExported) {
  const Answer wrong =
      post_csv("/api/v1/assets/import", nora,
               "kind,key,criticality,tenant\nhost,a,3,own\nhost,b,9,own\nhost,c,1,other\n\"x\",d,1,own\nhost,e\n");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.count("/problems"), 4u) << wrong.body;
  EXPECT_EQ(wrong.at("/problems/0/line"), "3");
  EXPECT_EQ(wrong.at("/problems/0/field"), "criticality");
  EXPECT_EQ(wrong.at("/problems/1/field"), "tenant");
  EXPECT_EQ(get("/api/v1/assets", nora).at("/total"), "0");
  EXPECT_EQ(post_csv("/api/v1/assets/import", nora, "kind,colour\n").at("/problems/0/text"), "is no column of assets");
  EXPECT_EQ(post_csv("/api/v1/assets/import", nora, "kind,key\n\"a").status, 400);
  EXPECT_EQ(post_csv("/api/v1/incidents/1/comments", nora, "x").status, 415);
  const Answer good =
      post_csv("/api/v1/assets/import", nora, "kind,key,label,tags,criticality\nhost,A,=1+1,x;y,4\nuser,u,,,\n");
  EXPECT_EQ(good.at("/imported"), "2") << good.body;
  const Answer out = get("/api/v1/assets/export", nora);
  EXPECT_NE(out.body.find("\"'=1+1\""), std::string::npos) << out.body;
  EXPECT_EQ(post_csv("/api/v1/assets/import", nora, out.body).at("/imported"), "2");
  EXPECT_EQ(get("/api/v1/assets/export", nora).body, out.body);
  EXPECT_EQ(get("/api/v1/assets?q=u&limit=1", nora).status, 200);
  const Answer json =
      post("/api/v1/assets/import", nora, R"({"items":[{"kind":"host","key":"b","criticality":2},{"kind":"x"}]})");
  EXPECT_EQ(json.at("/problems/0/line"), "2") << json.body;
  EXPECT_EQ(post("/api/v1/assets/import", nora, R"({"items":[{"kind":"host","key":"b"}]})").at("/imported"), "1");
  EXPECT_EQ(get("/api/v1/assets/export?format=json", nora).count("/items"), 3u);
}

TEST_F(IncidentViewsTest, MeasuresAreOfWhatIsRecorded) {
  write([&](IncidentTables& tables) -> core::Result<void> {
    auto one = *TOCSIN_TRY(tables.incident(1));
    one.state = model::IncidentState::kClosed;
    one.verdict = model::Verdict::kTruePositive;
    one.acknowledged_at = {one.created_at.ns + 30'000'000'000};
    one.contained_at = {one.created_at.ns + 90'000'000'000};
    one.closed_at = {one.created_at.ns + 100'000'000'000};
    one.owner = "ana";
    ++one.version;
    return tables.update_incident(one);
  });
  const Answer answer = get("/api/v1/measures?from=2026-11-24T00:00:00Z", nora);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.at("/incidents"), "2");
  EXPECT_EQ(answer.at("/closed"), "1");
  EXPECT_EQ(answer.at("/detect/count"), "2");
  EXPECT_EQ(answer.at("/detect/p50_s"), "60");
  EXPECT_EQ(answer.at("/detect/p99_s"), "120");
  EXPECT_EQ(answer.at("/detect/mean_s"), "90");
  EXPECT_EQ(answer.at("/acknowledge/p50_s"), "30");
  EXPECT_EQ(answer.at("/recover/p50_s"), "null");
  EXPECT_EQ(answer.at("/verdicts/true_positive"), "1");
  EXPECT_EQ(answer.at("/rules/0/rule_id"), "r1");
  EXPECT_EQ(answer.at("/rules/0/precision/decided"), "1");
  EXPECT_EQ(answer.at("/backlog/open"), "1");
  EXPECT_EQ(answer.at("/backlog/by_priority/p3"), "1");
  EXPECT_EQ(answer.at("/per_owner/1/owner"), "ana");
  EXPECT_EQ(answer.count("/rests_on/losses"), 0u);  // They are of all tenants.
  EXPECT_EQ(get("/api/v1/measures", boss).count("/rests_on/losses"), 1u);
  EXPECT_EQ(get("/api/v1/measures?rule=none", nora).at("/incidents"), "0");
  EXPECT_EQ(get("/api/v1/measures?rule=r1", nora).at("/incidents"), "2");
  EXPECT_EQ(get("/api/v1/measures?owner=ana", nora).at("/incidents"), "1");
  EXPECT_EQ(get("/api/v1/measures?from=now&to=now-1h", nora).status, 400);
  EXPECT_EQ(get("/api/v1/measures?tenant=other", nora).status, 400);
}

}  // namespace
}  // namespace tocsin::api

TOCSIN_API_TEST_MAIN()
