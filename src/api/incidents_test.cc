// Incidents over HTTP: what is shown, who may change what, what goes into the trail.
#include "api/incident_test_support.h"

namespace tocsin::api {
namespace {

using IncidentsTest = IncidentFixture;

TEST_F(IncidentsTest, AListHasFiltersAndPages) {
  const Answer all = get("/api/v1/incidents", boss);
  EXPECT_EQ(all.at("/total"), "3") << all.body;
  EXPECT_EQ(all.at("/items/0/id"), "INC-3");  // The highest score.
  EXPECT_EQ(all.at("/items/0/merged_into"), "null");
  EXPECT_EQ(get("/api/v1/incidents?tenant=own", boss).at("/total"), "2");
  EXPECT_EQ(get("/api/v1/incidents?q=Macro", nora).at("/total"), "1");
  EXPECT_EQ(get("/api/v1/incidents?entity=host:ws-042", nora).at("/total"), "2");
  EXPECT_EQ(get("/api/v1/incidents?entity=ws-042", nora).status, 400);
  EXPECT_EQ(get("/api/v1/incidents?state=open", nora).status, 400);
  EXPECT_EQ(get("/api/v1/incidents?min_severity=5", nora).at("/total"), "0");
  const Answer first = get("/api/v1/incidents?limit=1&order=oldest", nora);
  EXPECT_EQ(first.at("/items/0/number"), "1");
  const Answer second = get("/api/v1/incidents?limit=1&order=oldest&cursor=" + first.at("/next_cursor"), nora);
  EXPECT_EQ(second.at("/items/0/number"), "2");
  EXPECT_EQ(second.at("/next_cursor"), "null");
  EXPECT_EQ(get("/api/v1/assets?cursor=" + first.at("/next_cursor"), nora).status, 400);
}

TEST_F(IncidentsTest, AFindingNamesTheIncidentItIsIn) {
  EXPECT_EQ(get("/api/v1/findings/own-4", viewer).at("/incident"), "INC-2");
}

TEST_F(IncidentsTest, OneHasWhatBelongsToIt) {
  const Answer one = get("/api/v1/incidents/INC-1", viewer);
  EXPECT_EQ(one.status, 200) << one.body;
  EXPECT_EQ(one.header("ETag"), "\"1\"");
  EXPECT_EQ(one.at("/score_parts/0/points"), "45");
  EXPECT_EQ(one.count("/entities"), 4u);
  EXPECT_EQ(one.count("/stages"), 2u);
  EXPECT_EQ(one.at("/stages/0/tactic"), "execution");
  EXPECT_EQ(one.at("/stages/0/findings"), "2");
  EXPECT_EQ(one.at("/measures/detect_s"), "60");
  EXPECT_EQ(one.at("/measures/contain_s"), "null");
  const Answer findings = get("/api/v1/incidents/1/findings?limit=2", viewer);
  EXPECT_EQ(findings.count("/items"), 2u);
  EXPECT_EQ(findings.at("/items/0/reasons/0/kind"), "first");
  EXPECT_EQ(get("/api/v1/incidents/1/findings?limit=2&cursor=" + findings.at("/next_cursor"), viewer).count("/items"), 1u);
  EXPECT_EQ(get("/api/v1/incidents/1/history", viewer).at("/items/0/action"), "opened");
  for (const char* none : {"0", "4", "x", "INC-", "99999999999999999999"}) {
    EXPECT_EQ(get(std::string("/api/v1/incidents/") + none, boss).status, 404) << none;
  }
}

TEST_F(IncidentsTest, AChangeNeedsItsRightAndGoesIntoTheTrail) {
  EXPECT_EQ(patch("/api/v1/incidents/1", viewer, R"({"title":"x"})").at("/right"), "findings.write");
  const Answer changed = patch("/api/v1/incidents/1", ana, R"({"owner":"ana","state":"investigating","tags":["a"]})");
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.at("/owner"), "ana");
  EXPECT_EQ(changed.at("/version"), "2");
  const Answer trail = get("/api/v1/audit?action=incident.change", boss);
  EXPECT_EQ(trail.at("/items/0/object"), "INC-1");
  EXPECT_EQ(trail.at("/items/0/actor"), "ana");
}
TEST_F(IncidentsTest, WhatIsWrongIsNamed) {
  for (const auto& [body, field] :
       {std::pair(R"({"owner":"vera"})", "owner"), std::pair(R"({"owner":"nobody"})", "owner"),
        std::pair(R"({"state":"closed"})", "state"), std::pair(R"({"priority":"p5"})", "priority"),
        std::pair(R"({"tlp":"white"})", "tlp"), std::pair(R"({"title":""})", "title"), std::pair(R"({"tags":[""]})", "tags"),
        std::pair(R"({"version":"x"})", "version")}) {
    const Answer answer = patch("/api/v1/incidents/1", ana, body);
    EXPECT_EQ(answer.status, 400) << body << answer.body;
    EXPECT_EQ(answer.at("/field"), field) << body;
  }
  EXPECT_EQ(patch("/api/v1/incidents/9", ana, R"({"tlp":"white"})").status, 404);
  EXPECT_EQ(get("/api/v1/incidents/1", ana).at("/version"), "1");
}
TEST_F(IncidentsTest, AnOldVersionIsAConflict) {
  ASSERT_EQ(patch("/api/v1/incidents/1", ana, R"({"title":"b","version":1})").status, 200);
  const Answer old = patch("/api/v1/incidents/1", ana, R"({"title":"c","version":1})");
  EXPECT_EQ(old.status, 409);
  EXPECT_EQ(old.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(old.at("/version"), "2");
  for (const char* match : {"\"1\"", "W/\"1\"", "1"}) {
    EXPECT_EQ(patch("/api/v1/incidents/1", ana, R"({"title":"c"})", std::string("If-Match: ") + match + "\r\n").status, 409);
    EXPECT_EQ(
        ask("POST", "/api/v1/incidents/1/close", ana, R"({"verdict":"benign"})", std::string("If-Match: ") + match + "\r\n")
            .status,
        409);
  }
  EXPECT_EQ(patch("/api/v1/incidents/1", ana, R"({"title":"c"})", "If-Match: \"2\"\r\n").status, 200);
  EXPECT_EQ(patch("/api/v1/incidents/1", ana, R"({"title":"c"})", "If-Match: x\r\n").status, 400);
  EXPECT_EQ(patch("/api/v1/incidents/1", ana, R"({"title":"c","version":3})", "If-Match: \"2\"\r\n").status, 400);
}
TEST_F(IncidentsTest, AreClosedAndOpenedAgain) {
  EXPECT_EQ(post("/api/v1/incidents/1/close", ana, R"({"verdict":"maybe"})").at("/field"), "verdict");
  EXPECT_EQ(post("/api/v1/incidents/1/close", ana, R"({"verdict":"duplicate"})").at("/field"), "duplicate_of");
  EXPECT_EQ(post("/api/v1/incidents/1/close", ana, R"({"verdict":"duplicate","duplicate_of":1})").status, 400);
  const Answer closed = post("/api/v1/incidents/1/close", ana, R"({"verdict":"duplicate","duplicate_of":2,"cause":"c"})");
  EXPECT_EQ(closed.status, 200) << closed.body;
  EXPECT_EQ(closed.at("/state"), "closed");
  EXPECT_EQ(get("/api/v1/incidents", ana).at("/total"), "1");
  EXPECT_EQ(get("/api/v1/incidents?with_closed=1", ana).at("/total"), "2");
  EXPECT_EQ(post("/api/v1/incidents/1/reopen", ana, "{}").at("/field"), "why");
  EXPECT_EQ(post("/api/v1/incidents/1/reopen", ana, R"({"why":"more came"})").at("/state"), "investigating");
}
TEST_F(IncidentsTest, FindingsAreMovedSplitAndMergedWithinATenant) {
  EXPECT_EQ(post("/api/v1/incidents/1/move", ana, R"({"findings":["own-4"],"to":2,"why":"w"})").status, 400);
  EXPECT_EQ(post("/api/v1/incidents/1/move", ana, R"({"findings":["own-1"],"to":2,"why":"w"})").status, 200);
  EXPECT_EQ(get("/api/v1/incidents/2/findings", ana).count("/items"), 2u);
  const Answer split = post("/api/v1/incidents/1/split", ana, R"({"findings":["own-2"],"why":"w"})");
  EXPECT_EQ(split.at("/id"), "INC-4") << split.body;
  EXPECT_EQ(post("/api/v1/incidents/1/merge", ana, R"({"from":[1],"why":"w"})").status, 400);
  EXPECT_EQ(post("/api/v1/incidents/1/merge", ana, R"({"from":[2,4,2],"why":"w"})").status, 200);
  EXPECT_EQ(get("/api/v1/incidents/1/findings", ana).count("/items"), 4u);
  // Not even by one who sees both tenants.
  for (const char* body : {R"({"from":[3],"why":"w"})", R"({"findings":["own-3"],"to":3,"why":"w"})"}) {
    const std::string path = std::string(body).find("from") != std::string::npos ? "merge" : "move";
    const Answer answer = post("/api/v1/incidents/1/" + path, boss, body);
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_NE(answer.at("/detail").find("another tenant"), std::string::npos);
  }
  EXPECT_EQ(post("/api/v1/incidents/1/close", boss, R"({"verdict":"duplicate","duplicate_of":3})").status, 400);
}
TEST_F(IncidentsTest, AreMadeByHandOfFindingsOfTheirTenant) {
  const Answer made = post("/api/v1/incidents", ana, R"({"title":"A call","severity_id":2,"findings":["own-1"]})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.at("/tenant"), "own");
  EXPECT_EQ(post("/api/v1/incidents", ana, R"({"title":"x","tenant":"other"})").at("/field"), "tenant");
  EXPECT_EQ(post("/api/v1/incidents", boss, R"({"title":"x"})").at("/field"), "tenant");
  EXPECT_EQ(post("/api/v1/incidents", boss, R"({"title":"x","tenant":"own","findings":["other-1"]})").at("/field"),
            "findings");
  EXPECT_EQ(post("/api/v1/incidents", ana, R"({"tenant":"own"})").at("/field"), "title");
}
TEST_F(IncidentsTest, HaveCommentsTasksNotesAndWatchers) {
  EXPECT_EQ(post("/api/v1/incidents/1/comments", ana, R"({"text":"**seen**"})").status, 200);
  EXPECT_EQ(post("/api/v1/incidents/1/comments", ana, "{\"text\":\"" + std::string(33'000, 'x') + "\"}").status, 400);
  EXPECT_EQ(get("/api/v1/incidents/1/comments", viewer).at("/items/0/text"), "**seen**");
  const Answer task = post("/api/v1/incidents/1/tasks", ana, R"({"title":"Isolate","phase":"contain","assignee":"ana"})");
  EXPECT_EQ(task.status, 201) << task.body;
  const std::string path = "/api/v1/incidents/1/tasks/" + task.at("/id");
  EXPECT_EQ(patch(path, ana, R"({"done":true})").at("/done_by"), "ana");
  EXPECT_EQ(patch(path, ana, R"({"phase":"party"})").at("/field"), "phase");
  EXPECT_EQ(patch("/api/v1/incidents/2/tasks/" + task.at("/id"), ana, R"({"done":false})").status, 404);
  EXPECT_EQ(post("/api/v1/incidents/1/tasks", ana, R"({"title":"x","assignee":"vera"})").at("/field"), "assignee");
  EXPECT_EQ(get("/api/v1/incidents/1/tasks", viewer).at("/items/0/done"), "true");
  const std::string event = std::to_string(model::make_event_id(101, 0)),
                    foreign = std::to_string(model::make_event_id(105, 0));
  const Answer note = post("/api/v1/incidents/1/notes", ana, R"({"text":"here","lane":"user","event_id":")" + event + "\"}");
  EXPECT_EQ(note.status, 201) << note.body;
  EXPECT_NE(note.at("/event_time"), "null");
  EXPECT_EQ(post("/api/v1/incidents/1/notes", boss, R"({"text":"x","event_id":")" + foreign + "\"}").at("/field"),
            "event_id");
  EXPECT_EQ(post("/api/v1/incidents/1/notes", ana, R"({"text":"x"})").at("/field"), "event_time");
  EXPECT_EQ(get("/api/v1/incidents/1/notes", viewer).count("/items"), 1u);
  EXPECT_EQ(ask("PUT", "/api/v1/incidents/1/watch", ana).status, 204);
  EXPECT_EQ(get("/api/v1/incidents/1", ana).at("/watchers/0"), "ana");
  EXPECT_EQ(ask("DELETE", "/api/v1/incidents/1/watch", ana).status, 204);
  EXPECT_EQ(get("/api/v1/incidents/1", ana).count("/watchers"), 0u);
}
TEST_F(IncidentsTest, ManyAreChangedEachForItself) {
  const Answer done = post("/api/v1/incidents/bulk", ana,
                           R"({"numbers":[1,2,3,9],"change":{"tags":["x"]},"close":{"verdict":"benign","cause":"c"}})");
  EXPECT_EQ(done.at("/changed"), "[1,2]") << done.body;
  EXPECT_EQ(done.count("/failed"), 2u);
  EXPECT_EQ(done.at("/failed/0/problem"), "there is no incident INC-3");
  EXPECT_EQ(get("/api/v1/incidents/2", ana).at("/verdict"), "benign");
  EXPECT_EQ(post("/api/v1/incidents/bulk", ana, R"({"numbers":[]})").at("/field"), "numbers");
  EXPECT_EQ(post("/api/v1/incidents/bulk", ana, R"({"numbers":[1]})").at("/field"), "change");
  EXPECT_EQ(post("/api/v1/incidents/bulk", ana, R"({"numbers":[1],"change":{"tlp":"x"}})").at("/field"), "change.tlp");
}

}  // namespace
}  // namespace tocsin::api

TOCSIN_API_TEST_MAIN()
