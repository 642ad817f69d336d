#include "ledger/tuning.h"

#include <gtest/gtest.h>

#include "testing/temporary_folder.h"

namespace tocsin::ledger {
namespace {

class TuningTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    ledger_.reset();
    auto opened = Ledger::open((folder_.path() / "ledger.db").string());
    ASSERT_TRUE(opened.ok()) << opened.error().text;
    ledger_ = std::move(*opened);
  }
  core::Result<void> write(const std::function<core::Result<void>(TuningTables&)>& work) {
    return ledger_->write([&](Tables& all) -> core::Result<void> {
      TuningTables tables(all);
      return work(tables);
    });
  }
  static Suppression sample(std::int64_t created, std::int64_t expires) {
    Suppression row;
    row.tenant = "own";
    row.title = "Backup is no attack";
    row.rule_id = "r1";
    row.rule_title = "A rule";
    row.fields = "[]";
    row.yaml = "title: x";
    row.reason = "the backup of each night";
    row.author = row.changed_by = "ana";
    row.created_at = row.changed_at = {created};
    row.expires_at = {expires};
    return row;
  }
  testing::TemporaryFolder folder_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(TuningTest, ASuppressionIsKeptEndedAndNeverRemoved) {
  SuppressionId id = 0;
  ASSERT_TRUE(write([&](TuningTables& tables) -> core::Result<void> {
                id = TOCSIN_TRY(tables.insert_suppression(sample(10, 100)));
                return {};
              }).ok());
  open();
  ASSERT_TRUE(write([&](TuningTables& tables) -> core::Result<void> {
                auto row = *TOCSIN_TRY(tables.suppression(id));
                EXPECT_EQ(row.reason, "the backup of each night");
                EXPECT_TRUE(row.enabled);
                EXPECT_FALSE(row.ended_at.known());
                EXPECT_EQ(TOCSIN_TRY(tables.suppressions_after({99})).size(), 1u);
                EXPECT_EQ(TOCSIN_TRY(tables.suppressions_after({100})).size(), 0u);
                row.ended_at = {50};
                row.ended_by = "eve";
                return tables.update_suppression(row);
              }).ok());
  ASSERT_TRUE(write([&](TuningTables& tables) -> core::Result<void> {
                EXPECT_EQ(TOCSIN_TRY(tables.suppressions_after({20})).size(), 0u);
                const auto all = TOCSIN_TRY(tables.suppressions());
                EXPECT_EQ(all.size(), 1u);
                EXPECT_EQ(all.at(0).ended_by, "eve");
                EXPECT_FALSE(TOCSIN_TRY(tables.suppression(id + 1)).has_value());
                return {};
              }).ok());
}

TEST_F(TuningTest, WhatIsTooLongOrNotThereIsRefused) {
  auto row = sample(1, 2);
  row.reason.assign(kMaxReasonBytes, 'a');
  EXPECT_TRUE(write([&](TuningTables& t) -> core::Result<void> {
                TOCSIN_TRY(t.insert_suppression(row));
                return {};
              }).ok());
  row.reason += 'a';
  EXPECT_FALSE(write([&](TuningTables& t) -> core::Result<void> {
                 TOCSIN_TRY(t.insert_suppression(row));
                 return {};
               }).ok());
  row = sample(1, 2);
  row.id = 99;
  const auto done = write([&](TuningTables& t) { return t.update_suppression(row); });
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, core::ErrorCode::kNotFound);
}

TEST_F(TuningTest, UsesOfRulesAreCountedForEachTenant) {
  ASSERT_TRUE(ledger_
                  ->write([&](Tables& all) -> core::Result<void> {
                    IncidentTables incidents(all);
                    TuningTables tables(all);
                    for (const char* tenant : {"one", "two"}) {
                      Incident row;
                      row.id = TOCSIN_TRY(incidents.next_incident_number());
                      row.tenant = tenant;
                      row.title = tenant;
                      row.score_parts = "[]";
                      row.priority = "p4";
                      TOCSIN_TRY(incidents.insert_incident(row));
                      TOCSIN_TRY(tables.put_use({row.id, "r", true, false, 1, {row.id}}));
                      TOCSIN_TRY(tables.put_use({row.id, "r", false, true, 2, {row.id + 10}}));
                    }
                    const auto hits = TOCSIN_TRY(tables.triage_rule_hits({}));
                    EXPECT_EQ(hits.size(), 1u);
                    EXPECT_EQ(hits.at(0).hits, 4);
                    EXPECT_EQ(hits.at(0).last_at.ns, 12);
                    EXPECT_EQ(TOCSIN_TRY(tables.triage_rule_hits({"one"})).at(0).hits, 2);
                    EXPECT_EQ(TOCSIN_TRY(tables.triage_rule_hits({"one", "two"})).at(0).hits, 4);
                    EXPECT_TRUE(TOCSIN_TRY(tables.triage_rule_hits({"three"})).empty());
                    const auto uses = TOCSIN_TRY(tables.uses(1));
                    EXPECT_EQ(uses.size(), 1u);
                    EXPECT_TRUE(uses.at(0).reverted);
                    EXPECT_FALSE(uses.at(0).holds);
                    return {};
                  })
                  .ok());
}

TEST_F(TuningTest, WhatWasUndoneIsKnownByItsPlaceInTheHistory) {
  ASSERT_TRUE(ledger_
                  ->write([&](Tables& all) -> core::Result<void> {
                    IncidentTables incidents(all);
                    TuningTables tables(all);
                    Incident row;
                    row.id = TOCSIN_TRY(incidents.next_incident_number());
                    row.tenant = row.title = "one";
                    row.score_parts = "[]";
                    row.priority = "p4";
                    TOCSIN_TRY(incidents.insert_incident(row));
                    TOCSIN_TRY(incidents.add_history({0, row.id, {1}, "rule:r", "automatic", "raised", "{}"}));
                    const auto entry = TOCSIN_TRY(incidents.history(row.id, 10)).at(0);
                    EXPECT_EQ(TOCSIN_TRY(tables.history_entry(entry.sequence))->actor, "rule:r");
                    EXPECT_FALSE(TOCSIN_TRY(tables.history_entry(entry.sequence + 1)).has_value());
                    TOCSIN_TRY(tables.set_reverted(entry.sequence, "ana", {2}));
                    EXPECT_EQ(TOCSIN_TRY(tables.reverted(row.id)), std::vector<std::int64_t>{entry.sequence});
                    return {};
                  })
                  .ok());
  EXPECT_FALSE(write([&](TuningTables& t) { return t.set_reverted(1, "eve", {3}); }).ok());  // Once.
}

TEST_F(TuningTest, StatesOfRulesAreTheLastGiven) {
  ASSERT_TRUE(write([&](TuningTables& t) -> core::Result<void> {
                TOCSIN_TRY(t.set_triage_rule_state({"r", false, "ana", {1}}));
                TOCSIN_TRY(t.set_triage_rule_state({"r", true, "eve", {2}}));
                const auto all = TOCSIN_TRY(t.triage_rule_states());
                EXPECT_EQ(all.size(), 1u);
                EXPECT_TRUE(all.at(0).enabled);
                EXPECT_EQ(all.at(0).changed_by, "eve");
                return {};
              }).ok());
}

}  // namespace
}  // namespace tocsin::ledger
