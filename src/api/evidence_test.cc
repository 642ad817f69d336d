// Evidence over HTTP: put, listed, got back, and what is written down of it.
#include "ledger/evidence.h"

#include <fstream>

#include "api/incident_test_support.h"
#include "ledger/evidence_files.h"
#include "testing/temporary_folder.h"

namespace tocsin::api {
namespace {

constexpr const char* kAbcSum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kEvidence = "/api/v1/incidents/INC-1/evidence";

class EvidenceApiTest : public IncidentFixture {
 protected:
  void change(ApiOptions& changed) override {
    IncidentFixture::change(changed);
    files = std::move(ledger::EvidenceFiles::open(folder_name(), metrics)).value();
    changed.evidence = files.get();
  }
  void TearDown() override {
    IncidentFixture::TearDown();
    files.reset();
  }
  [[nodiscard]] std::string folder_name() const { return (place_.path() / "evidence").string(); }
  [[nodiscard]] std::string file_of(const std::string& sum) const {
    return folder_name() + "/" + sum.substr(0, 2) + "/" + sum;
  }
  Answer put(const std::string& path, const Identity& who, const std::string& bytes,
             const std::string& type = "application/octet-stream") {
    const HttpClient client(server->port());
    std::string text = request_text("POST", path, who, "", "Content-Type: " + type + "\r\n");
    text.replace(text.find("Content-Length: 0"), 17, "Content-Length: " + std::to_string(bytes.size()));
    client.send(text);
    client.send(bytes);
    return parse(client.read_until(""));
  }

  testing::TemporaryFolder place_;
  std::unique_ptr<ledger::EvidenceFiles> files;
};

TEST_F(EvidenceApiTest, WhatIsPutComesBackByteForByteAndAsADownloadOnly) {
  const std::string bytes("<script>alert(1)</script>\0\r\n\xff", 29);
  const Answer made =
      put(std::string(kEvidence) + "?name=C%3A%5Cmail%20%C3%BC.html&note=from%20anna", ana, bytes, "text/html");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.at("/name"), "mail \xc3\xbc.html");
  EXPECT_EQ(made.at("/size"), "29");
  EXPECT_EQ(made.at("/media_type"), "text/html");
  EXPECT_EQ(made.at("/note"), "from anna");
  EXPECT_EQ(made.at("/added_by"), "ana");
  EXPECT_EQ(made.at("/sha256").size(), 64u);
  const Answer list = get(kEvidence, viewer);
  EXPECT_EQ(list.count("/items"), 1u);
  EXPECT_EQ(list.at("/items/0/sha256"), made.at("/sha256"));
  const Answer back = get(std::string(kEvidence) + "/1", viewer);
  EXPECT_EQ(back.status, 200);
  EXPECT_EQ(back.body, bytes);
  EXPECT_EQ(back.header("Content-Type"), "application/octet-stream");
  EXPECT_EQ(back.header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(back.header("Content-Disposition"), "attachment; filename=\"mail _.html\"; filename*=UTF-8''mail%20%C3%BC.html");
}

TEST_F(EvidenceApiTest, WhoeverTouchesItIsInItsCustodyAndInTheTrail) {
  ASSERT_EQ(put(std::string(kEvidence) + "?name=a.txt", ana, "abc").status, 201);
  ASSERT_EQ(get(std::string(kEvidence) + "/1", viewer).status, 200);
  ASSERT_EQ(get(std::string(kEvidence) + "/1?to=Police%20Berlin", nora).status, 200);
  const Answer verified = post(std::string(kEvidence) + "/1/verify", ana);
  EXPECT_EQ(verified.at("/intact"), "true") << verified.body;
  EXPECT_EQ(verified.at("/sha256"), kAbcSum);
  const Answer custody = get(std::string(kEvidence) + "/1/custody", viewer);
  ASSERT_EQ(custody.count("/items"), 4u) << custody.body;
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"ana", "added"}, {"vera", "read"}, {"nora", "exported"}, {"ana", "verified"}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::string item = "/items/" + std::to_string(i);
    EXPECT_EQ(custody.at(item + "/actor"), expected[i].first);
    EXPECT_EQ(custody.at(item + "/action"), expected[i].second);
    EXPECT_EQ(custody.at(item + "/sha256"), kAbcSum);
  }
  EXPECT_EQ(custody.at("/items/2/text"), "handed over to Police Berlin");
  const Answer trail = get("/api/v1/audit?action=evidence", boss);
  EXPECT_EQ(trail.count("/items"), 4u) << trail.body;
  EXPECT_EQ(trail.at("/items/0/object"), "INC-1");
  EXPECT_NE(get("/api/v1/incidents/1/history", viewer).body.find("evidence added: a.txt"), std::string::npos);
}

TEST_F(EvidenceApiTest, WhatIsNotWhatWasAddedIsNotSentAndThatIsWrittenDown) {
  ASSERT_EQ(put(std::string(kEvidence) + "?name=a.txt", ana, "abc").status, 201);
  std::ofstream(file_of(kAbcSum), std::ios::trunc) << "evil";
  const Answer answer = get(std::string(kEvidence) + "/1", viewer);
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.body.find("evil"), std::string::npos);
  EXPECT_NE(answer.at("/detail").find("is not the one that was added"), std::string::npos) << answer.body;
  EXPECT_EQ(post(std::string(kEvidence) + "/1/verify", ana).at("/intact"), "false");
  const Answer custody = get(std::string(kEvidence) + "/1/custody", viewer);
  ASSERT_EQ(custody.count("/items"), 3u);
  EXPECT_EQ(custody.at("/items/1/action"), "verified");
  EXPECT_NE(custody.at("/items/1/sha256"), kAbcSum);
  EXPECT_NE(custody.at("/items/1/text").find("is not the one that was added"), std::string::npos);
  std::filesystem::remove(file_of(kAbcSum));
  EXPECT_NE(get(std::string(kEvidence) + "/1", viewer).at("/detail").find("is gone"), std::string::npos);
  EXPECT_EQ(get("/api/v1/audit?action=evidence.mismatch", boss).count("/items"), 3u);
  EXPECT_NE(metrics.prometheus_text().find("tocsin_evidence_mismatches_total 3"), std::string::npos);
}

TEST_F(EvidenceApiTest, WhoMayNotWriteAddsNothing) {
  EXPECT_EQ(put(std::string(kEvidence) + "?name=a.txt", viewer, "abc").status, 403);
  EXPECT_EQ(put(std::string(kEvidence) + "?name=a.txt", {}, "abc").status, 401);
  const Identity forged{ana.cookie, "", ""};  // A page of another site has the cookie, not the token.
  EXPECT_EQ(put(std::string(kEvidence) + "?name=a.txt", forged, "abc").status, 403);
  EXPECT_EQ(put("/api/v1/incidents/1/comments", ana, "{\"text\":\"x\"}").status, 415);  // Other routes take JSON as before.
  EXPECT_EQ(get(kEvidence, ana).count("/items"), 0u);
}

TEST_F(EvidenceApiTest, OneWithoutNameOrBytesIsRefusedAndSoIsOneTooLong) {
  EXPECT_EQ(put(kEvidence, ana, "abc").at("/field"), "name");
  EXPECT_EQ(put(std::string(kEvidence) + "?name=..%2F", ana, "abc").at("/field"), "name");
  EXPECT_EQ(put(std::string(kEvidence) + "?name=a", ana, "").status, 400);
  EXPECT_EQ(put(std::string(kEvidence) + "?name=a&note=" + std::string(2'049, 'n'), ana, "abc").at("/field"), "note");
  std::string bytes(ledger::kMaxEvidenceFileBytes, 'x');
  EXPECT_EQ(put(std::string(kEvidence) + "?name=a", ana, bytes).status, 201);
  bytes += 'x';
  EXPECT_EQ(put(std::string(kEvidence) + "?name=a", ana, bytes).status, 413);
  EXPECT_EQ(get(kEvidence, ana).count("/items"), 1u);
}

TEST_F(EvidenceApiTest, EvidenceOfAnotherTenantOrIncidentIsNotThere) {
  ASSERT_EQ(put("/api/v1/incidents/3/evidence?name=4711-of-the-other", boss, "abc").status, 201);
  for (const char* path :
       {"/api/v1/incidents/3/evidence", "/api/v1/incidents/3/evidence/1", "/api/v1/incidents/3/evidence/1/custody",
        "/api/v1/incidents/1/evidence/1", "/api/v1/incidents/1/evidence/1/custody", "/api/v1/incidents/1/evidence/x"}) {
    EXPECT_EQ(get(path, nora).status, 404) << path;
  }
  EXPECT_EQ(put("/api/v1/incidents/3/evidence?name=a", nora, "abc").status, 404);
  EXPECT_EQ(post("/api/v1/incidents/3/evidence/1/verify", nora).status, 404);
  EXPECT_EQ(get("/api/v1/incidents/3/evidence/1/custody", boss).count("/items"), 1u);
}

TEST_F(EvidenceApiTest, AnIncidentThatIsFullSaysSo) {
  const auto filled = ledger->write([](ledger::Tables& all) -> core::Result<void> {
    ledger::Evidence one;
    one.incident = 1;
    one.name = "a";
    one.sha256 = kAbcSum;
    one.size_bytes = ledger::kMaxEvidenceBytesPerIncident;
    TOCSIN_TRY(ledger::EvidenceTables(all).add(one));
    return {};
  });
  ASSERT_TRUE(filled.ok()) << filled.error().text;
  const Answer answer = put(std::string(kEvidence) + "?name=a.txt", ana, "abc");
  EXPECT_EQ(answer.status, 422);
  EXPECT_NE(answer.at("/detail").find("the most"), std::string::npos) << answer.body;
}

}  // namespace
}  // namespace tocsin::api

TOCSIN_API_TEST_MAIN()
