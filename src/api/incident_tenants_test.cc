// One who sees one tenant, over every route of incidents and what belongs to them, reading and changing.
#include "api/incident_test_support.h"
#include "ledger/evidence.h"
#include "ledger/evidence_files.h"
#include "measure/sample.h"
#include "testing/temporary_folder.h"

namespace tocsin::api {
namespace {

class IncidentTenantsTest : public IncidentFixture {
 protected:
  void change(ApiOptions& changed) override {
    IncidentFixture::change(changed);
    files = std::move(ledger::EvidenceFiles::open((place_.path() / "evidence").string(), metrics)).value();
    changed.evidence = files.get();
    changed.review_key = std::make_shared<const core::Secret>(measure::sample_key(core::Secret("of the test")));
    platform.setting_list = {{"reviews.share_percent", "100", "default", "", true}};
  }
  void TearDown() override {
    IncidentFixture::TearDown();
    files.reset();
  }
  // Of incident 3.
  void add_foreign_evidence() {
    const auto sum = files->put(kForeign);
    ASSERT_TRUE(sum.ok()) << sum.error().text;
    const auto done = ledger->write([&](ledger::Tables& all) -> core::Result<void> {
      ledger::Evidence one;
      one.incident = 3;
      one.name = one.added_by = kForeign;
      one.sha256 = *sum;
      one.size_bytes = 17;
      TOCSIN_TRY(ledger::EvidenceTables(all).add(one));
      return {};
    });
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  testing::TemporaryFolder place_;
  std::unique_ptr<ledger::EvidenceFiles> files;
};

// What one sees of tenant "own" over every route of incidents, assets, entities and measures, reading and changing.
TEST_F(IncidentTenantsTest, NothingOfAnotherTenantIsSeenOrChanged) {
  desk->alike = {3};
  write([&](IncidentTables& tables) -> core::Result<void> {
    ledger::Asset asset;
    asset.tenant = "other";
    asset.key = asset.label = kForeign;
    TOCSIN_TRY(tables.put_asset(asset));
    TOCSIN_TRY(tables.add_link({1, 3, "related", kForeign, "boss", store::kNoon}));
    TOCSIN_TRY(tables.add_task({0, 3, kForeign, "contain", "", false, {}, {}, "", 0}));
    return {};
  });
  add_foreign_evidence();
  const std::string before = get("/api/v1/incidents/3", boss).body + get("/api/v1/incidents/3/tasks", boss).body +
                             get("/api/v1/incidents/3/findings", boss).body;
  ASSERT_NE(before.find(kForeign), std::string::npos);
  const std::vector<std::string> bodies = {
      R"({"title":"x","version":1})",
      R"({"verdict":"benign","why":"w","text":"t","event_time":"now","from":[1],"findings":["other-1"],"to":1})",
      R"({"why":"w","from":[3],"findings":["own-1"],"to":3,"verdict":"duplicate","duplicate_of":3,"title":"t"})",
      R"({"why":"w","findings":["other-1"],"to":1,"done":true,"title":"t","tenant":"other","criticality":1})",
      R"({"numbers":[3],"change":{"title":"x"},"close":{"verdict":"benign"}})",
      R"({"items":[{"tenant":"other","kind":"host","key":"4711-of-the-other","criticality":1}]})"};
  std::size_t asked = 0;
  for (const http::Route& route : api->router().routes()) {
    const bool ours = route.pattern.find("/incidents") != std::string::npos ||
                      route.pattern.find("/assets") != std::string::npos ||
                      route.pattern.find("/entities") != std::string::npos || route.pattern == "/api/v1/measures" ||
                      route.pattern.find("/reviews") != std::string::npos ||
                      route.pattern.find("/reports") != std::string::npos || route.pattern == "/api/v1/coverage";
    if (!ours || (route.method == "PUT" && route.pattern.find("/assets") != std::string::npos)) continue;  // Below.
    const std::string number = "{number}";
    for (const char* target : {"3", "1"}) {
      std::string path = route.pattern;
      const auto replace = [&](const std::string& name, const std::string& value) {
        const std::size_t at = path.find(name);
        if (at != std::string::npos) path.replace(at, name.size(), value);
      };
      const bool of_one = path.find(number) != std::string::npos;
      replace(number, target);
      replace("{id}", "1");
      replace("{kind}", "host");
      replace("{key*}", kForeign);
      const auto is_foreign = of_one && std::string(target) == "3";
      for (const std::string& body :
           route.method == "GET" || route.method == "DELETE" ? std::vector<std::string>{""} : bodies) {
        for (const char* query : {"", "?tenant=other", "?q=4711&with_closed=1&format=json"}) {
          const Answer answer = ask(route.method, path + query, nora, body);
          ++asked;
          EXPECT_EQ(answer.body.find("4711-of"), std::string::npos)
              << route.method << path << query << body << answer.status << answer.body.substr(0, 600);
          EXPECT_LT(answer.status, 500) << route.method << path << body << answer.body;
          if (is_foreign) {
            EXPECT_EQ(answer.status, 404) << route.method << path << query << body << answer.body;
          }
        }
      }
    }
  }
  EXPECT_GT(asked, 200u);
  const std::string asset = std::string("/api/v1/assets/host/") + kForeign;
  EXPECT_EQ(ask("PUT", asset, nora, R"({"tenant":"other","criticality":1})").at("/field"), "tenant");
  EXPECT_EQ(get("/api/v1/incidents/3", boss).body + get("/api/v1/incidents/3/tasks", boss).body +
                get("/api/v1/incidents/3/findings", boss).body,
            before);
  EXPECT_EQ(get("/api/v1/assets?q=4711", boss).at("/items/0/criticality"), "3");
  EXPECT_EQ(get("/api/v1/assets?q=4711", boss).at("/total"), "1");
  EXPECT_EQ(get("/api/v1/incidents/3/evidence", boss).count("/items"), 1u);
  EXPECT_EQ(get("/api/v1/incidents/3/evidence/1/custody", boss).count("/items"), 1u);
}

}  // namespace
}  // namespace tocsin::api

TOCSIN_API_TEST_MAIN()
