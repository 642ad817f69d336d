// Reports over HTTP.
#include "api/incident_test_support.h"
#include "ledger/evidence.h"
#include "measure/sample.h"

namespace tocsin::api {
namespace {

class ReportsTest : public IncidentFixture {
 protected:
  void change(ApiOptions& changed) override {
    IncidentFixture::change(changed);
    changed.review_key = std::make_shared<const core::Secret>(measure::sample_key(core::Secret("of the test")));
    if (with_pdf()) {
      changed.make_pdf = [this](std::string_view html) -> core::Result<std::string> {
        if (!pdf_problem.empty()) return core::Error{core::ErrorCode::kIo, pdf_problem};
        return "%PDF-" + std::string(html);
      };
    }
  }
  [[nodiscard]] virtual bool with_pdf() const { return true; }
  void fill() {
    write([](IncidentTables& tables) -> core::Result<void> {
      auto one = *TOCSIN_TRY(tables.incident(1));
      one.title = "<script>alert('title')</script>";
      one.summary = "<img src=x onerror=alert(1)>";
      one.cause = "\"><b>cause";
      one.tlp = "red";
      ++one.version;
      TOCSIN_TRY(tables.update_incident(one));
      TOCSIN_TRY(tables.add_task({0, 1, "<i>task</i>", "contain", "ana", false, {}, {}, "", 0}));
      TOCSIN_TRY(tables.add_note({0, 1, store::kNoon, store::kNoon, "ana", "<u>note</u>", "host", ""}));
      return tables.add_history({0, 1, store::kNoon, "ana", "state", "<s>new</s> to acknowledged", ""});
    });
    const auto done = ledger->write([](ledger::Tables& all) -> core::Result<void> {
      ledger::EvidenceTables tables(all);
      ledger::Evidence evidence;
      evidence.incident = 1;
      evidence.name = "<a>mail.eml";
      evidence.sha256 = std::string(64, 'a');
      evidence.size_bytes = 7;
      evidence.added_by = "ana";
      evidence.at = store::kNoon;
      const auto id = TOCSIN_TRY(tables.add(evidence));
      return tables.add_custody({0, id, store::kNoon, "ben", "exported", std::string(64, 'a'), "handed over to the police"});
    });
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  std::string pdf_problem;
};

class ReportsWithoutPdfTest : public ReportsTest {
  [[nodiscard]] bool with_pdf() const override { return false; }
};

TEST_F(ReportsTest, AnIncidentIsAPageWithAllThatBelongsToIt) {
  fill();
  const Answer answer = get("/api/v1/incidents/INC-1/report", viewer);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(answer.header("Content-Disposition"), "attachment; filename=\"INC-1.html\"");
  for (const char* part : {"<!doctype html>",
                           "TLP:RED",
                           "Summary",
                           "Score: 51 of 100",
                           "+45",
                           "Timeline",
                           "Scope",
                           "Findings",
                           "Macro",
                           "it opened it",
                           "Tasks",
                           "Decisions",
                           "to acknowledged",
                           "Evidence",
                           "Chain of custody",
                           "handed over to the police",
                           "WS-042",
                           "198.51.100.1",
                           "Made 2026-",
                           "by vera"}) {
    EXPECT_NE(answer.body.find(part), std::string::npos) << part;
  }
}

TEST_F(ReportsTest, NothingThatOthersWroteIsMarkup) {
  fill();
  const std::string page = get("/api/v1/incidents/1/report?format=html", viewer).body;
  for (const char* tag : {"<script", "<img", "<b>", "<i>", "<u>", "<s>", "<a>", "onerror=alert(1)>"}) {
    EXPECT_EQ(page.find(tag), std::string::npos) << tag;
  }
  for (const char* text : {"&lt;script&gt;", "&lt;i&gt;task&lt;/i&gt;", "&lt;u&gt;note&lt;/u&gt;", "&lt;a&gt;mail.eml"}) {
    EXPECT_NE(page.find(text), std::string::npos) << text;
  }
  EXPECT_EQ(page.find("http://"), std::string::npos);
  EXPECT_EQ(page.find("https://"), std::string::npos);
}

TEST_F(ReportsTest, AsPdfItIsWhatTheProgramMakesOfThePage) {
  const Answer answer = get("/api/v1/incidents/1/report?format=pdf", viewer);
  EXPECT_EQ(answer.header("Content-Type"), "application/pdf");
  EXPECT_EQ(answer.header("Content-Disposition"), "attachment; filename=\"INC-1.pdf\"");
  EXPECT_TRUE(answer.body.starts_with("%PDF-<!doctype html>"));
  pdf_problem = "the PDF was not made: of a reason";
  const Answer failed = get("/api/v1/incidents/1/report?format=pdf", viewer);
  EXPECT_EQ(failed.status, 409);
  EXPECT_EQ(failed.at("/detail"), pdf_problem);
}

TEST_F(ReportsWithoutPdfTest, SaysWhatToInstall) {
  for (const char* path : {"/api/v1/incidents/1/report?format=pdf", "/api/v1/reports/period?format=pdf"}) {
    const Answer answer = get(path, viewer);
    EXPECT_EQ(answer.status, 409);
    EXPECT_NE(answer.at("/detail").find("apt install chromium"), std::string::npos) << answer.body;
  }
  EXPECT_EQ(get("/api/v1/incidents/1/report", viewer).status, 200);
  EXPECT_EQ(get("/api/v1/audit?action=report", boss).count("/items"), 1u);
}

TEST_F(ReportsTest, EachIsInTheTrailBeforeItIsSent) {
  ASSERT_EQ(get("/api/v1/incidents/1/report?format=pdf", viewer).status, 200);
  ASSERT_EQ(get("/api/v1/reports/period", viewer).status, 200);
  const Answer trail = get("/api/v1/audit?action=report", boss);
  ASSERT_EQ(trail.count("/items"), 2u) << trail.body;
  EXPECT_EQ(trail.at("/items/0/action"), "report.period");
  EXPECT_EQ(trail.at("/items/0/object"), "own");
  EXPECT_EQ(trail.at("/items/1/action"), "report.incident");
  EXPECT_EQ(trail.at("/items/1/object"), "INC-1");
  EXPECT_EQ(trail.at("/items/1/actor"), "vera");
}

TEST_F(ReportsTest, APeriodHasTheFiguresOfTheMeasuresAndWhatTheyRestOn) {
  ASSERT_EQ(post("/api/v1/incidents/1/close", ana, R"({"verdict":"benign","cause":"c"})").status, 200);
  const Answer answer = get("/api/v1/reports/period?from=now-7d&tlp=green", viewer);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("Content-Disposition"), "attachment; filename=\"tocsin-period.html\"");
  for (const char* part : {"TLP:GREEN", "Times", "Verdicts", "Accuracy of triage", "Of 1 incidents closed", "Rules", "Macro",
                           "Backlog, now", "Work by person", "What this rests on", "Tenants</dt><dd>own"}) {
    EXPECT_NE(answer.body.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(answer.body.find(kForeign), std::string::npos);
  EXPECT_EQ(answer.body.find("could not be read"), std::string::npos);
  EXPECT_EQ(get("/api/v1/reports/period?tenant=other", viewer).at("/field"), "tenant");
  EXPECT_EQ(get("/api/v1/reports/period?tlp=pink", viewer).at("/field"), "tlp");
  EXPECT_EQ(get("/api/v1/reports/period?format=doc", viewer).at("/field"), "format");
  EXPECT_EQ(get("/api/v1/incidents/3/report?format=doc", viewer).status, 404);
}

}  // namespace
}  // namespace tocsin::api

TOCSIN_API_TEST_MAIN()
