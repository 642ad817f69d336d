// Evidence: its rows, its custody, its files.
#include "ledger/evidence.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "ledger/evidence_files.h"
#include "testing/paths.h"
#include "testing/temporary_folder.h"

namespace tocsin::ledger {
namespace {

namespace fs = std::filesystem;

// Of no bytes, and of "abc" (FIPS 180-4).
constexpr const char* kEmptySum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kAbcSum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class EvidenceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ledger_ = std::move(Ledger::open(path())).value();
    const auto done = ledger_->write([](Tables& all) {
      Incident one;
      one.id = 1;
      one.tenant = "default";
      one.title = "one";
      return IncidentTables(all).insert_incident(one);
    });
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  [[nodiscard]] std::string path() const { return (folder_.path() / "ledger.db").string(); }
  static Evidence evidence(std::int64_t size = 3) {
    Evidence out;
    out.incident = 1;
    out.name = "mail.eml";
    out.size_bytes = size;
    out.sha256 = kAbcSum;
    out.media_type = "message/rfc822";
    out.added_by = "ana";
    out.at = {1'000};
    return out;
  }
  core::Result<std::int64_t> add(const Evidence& one) {
    std::int64_t id = 0;
    const auto done = ledger_->write([&](Tables& all) -> core::Result<void> {
      id = TOCSIN_TRY(EvidenceTables(all).add(one));
      return {};
    });
    if (!done.ok()) return done.error();
    return id;
  }
  std::string raw(const std::string& statement) {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
    char* text = nullptr;
    sqlite3_exec(db, statement.c_str(), nullptr, nullptr, &text);
    std::string out = text == nullptr ? "" : text;
    sqlite3_free(text);
    sqlite3_close(db);
    return out;
  }

  testing::TemporaryFolder folder_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(EvidenceTest, IsListedWithItsCustodyWhichBeginsWithItsAdding) {
  const auto id = add(evidence());
  ASSERT_TRUE(id.ok()) << id.error().text;
  const auto done = ledger_->write([&](Tables& all) -> core::Result<void> {
    EvidenceTables tables(all);
    TOCSIN_TRY(tables.add_custody({0, *id, {2'000}, "ben", "read", kAbcSum, ""}));
    const auto list = TOCSIN_TRY(tables.of_incident(1));
    EXPECT_EQ(list.size(), 1u);
    EXPECT_EQ(list.front().name, "mail.eml");
    EXPECT_EQ(list.front().size_bytes, 3);
    EXPECT_TRUE(TOCSIN_TRY(tables.of_incident(2)).empty());
    EXPECT_FALSE(TOCSIN_TRY(tables.evidence(2, *id)).has_value());
    const auto custody = TOCSIN_TRY(tables.custody(*id));
    EXPECT_EQ(custody.size(), 2u);
    EXPECT_EQ(custody.front().action, "added");
    EXPECT_EQ(custody.front().actor, "ana");
    EXPECT_EQ(custody.back().actor, "ben");
    return {};
  });
  EXPECT_TRUE(done.ok()) << done.error().text;
}

TEST_F(EvidenceTest, NoRowOfItAndOfItsCustodyIsChangedOrRemoved) {
  ASSERT_TRUE(add(evidence()).ok());
  for (const char* statement : {"update evidence set sha256 = 'x'", "delete from evidence",
                                "update evidence_custody set actor = 'x'", "delete from evidence_custody"}) {
    EXPECT_NE(raw(statement).find("constraint failed"), std::string::npos) << statement;
  }
}

TEST_F(EvidenceTest, AnIncidentTakesSoManyBytesAndNotOneMore) {
  ASSERT_TRUE(add(evidence(kMaxEvidenceBytesPerIncident - 1)).ok());
  ASSERT_TRUE(add(evidence(1)).ok());
  const auto more = add(evidence(1));
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code, core::ErrorCode::kLimit);
  EXPECT_TRUE(add(evidence(0)).ok());
}

TEST_F(EvidenceTest, AnIncidentTakesSoManyFilesAndNotOneMore) {
  const auto filled = ledger_->write([](Tables& all) -> core::Result<void> {
    EvidenceTables tables(all);
    for (std::int64_t i = 0; i < kMaxEvidencePerIncident; ++i) TOCSIN_TRY(tables.add(evidence()));
    return {};
  });
  ASSERT_TRUE(filled.ok()) << filled.error().text;
  const auto more = add(evidence());
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code, core::ErrorCode::kLimit);
}

TEST_F(EvidenceTest, RefusesRowsThatSayNothing) {
  Evidence one = evidence();
  one.sha256 = "ABC";
  EXPECT_EQ(add(one).error().code, core::ErrorCode::kInvalid);
  one = evidence();
  one.name.clear();
  EXPECT_EQ(add(one).error().code, core::ErrorCode::kInvalid);
  one = evidence();
  one.incident = 7;  // There is none.
  EXPECT_EQ(add(one).error().code, core::ErrorCode::kInvalid);
  const auto wrong =
      ledger_->write([](Tables& all) { return EvidenceTables(all).add_custody({0, 1, {1}, "ana", "lost", kAbcSum, ""}); });
  EXPECT_EQ(wrong.error().code, core::ErrorCode::kInvalid);
}

class EvidenceFilesTest : public ::testing::Test {
 protected:
  void SetUp() override { files_ = std::move(EvidenceFiles::open(folder(), metrics_)).value(); }
  [[nodiscard]] std::string folder() const { return (folder_.path() / "evidence").string(); }
  [[nodiscard]] std::string place(const std::string& sum) const { return folder() + "/" + sum.substr(0, 2) + "/" + sum; }
  void damage(const std::string& sum, const std::string& bytes) const {
    std::ofstream(place(sum), std::ios::binary | std::ios::trunc) << bytes;
  }
  [[nodiscard]] bool counted(const std::string& line) const {
    return metrics_.prometheus_text().find(line) != std::string::npos;
  }
  testing::TemporaryFolder folder_;
  core::Metrics metrics_;
  std::unique_ptr<EvidenceFiles> files_;
};

TEST_F(EvidenceFilesTest, LieUnderTheirSumAndComeBackAsTheyWere) {
  EXPECT_EQ(files_->put("").value(), kEmptySum);
  EXPECT_EQ(files_->put("abc").value(), kAbcSum);
  EXPECT_EQ(files_->put("abc").value(), kAbcSum);
  const auto read = files_->read(kAbcSum);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->intact(kAbcSum));
  EXPECT_EQ(read->bytes, "abc");
  struct stat status{};
  ASSERT_EQ(::stat(place(kAbcSum).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  EXPECT_TRUE(fs::is_empty(folder() + ".incoming"));
}

TEST_F(EvidenceFilesTest, BytesOfSeveralBlocksAreWhole) {
  std::string bytes(700'001, 'x');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 % 251);
  const auto sum = files_->put(bytes);
  ASSERT_TRUE(sum.ok());
  EXPECT_EQ(files_->read(*sum)->bytes, bytes);
}

TEST_F(EvidenceFilesTest, WhatIsNotTheSameAnyMoreIsNotGivenAndIsCounted) {
  ASSERT_TRUE(files_->put("abc").ok());
  damage(kAbcSum, "abd");
  const auto read = files_->read(kAbcSum);
  ASSERT_TRUE(read.ok());
  EXPECT_FALSE(read->intact(kAbcSum));
  EXPECT_EQ(read->sha256.size(), 64u);
  EXPECT_TRUE(read->bytes.empty());
  fs::remove(place(kAbcSum));
  const auto gone = files_->read(kAbcSum);
  ASSERT_TRUE(gone.ok());
  EXPECT_EQ(gone->sha256, "");
  EXPECT_TRUE(counted("tocsin_evidence_mismatches_total 2"));
}

TEST_F(EvidenceFilesTest, PuttingTheSameAgainRepairsIt) {
  ASSERT_TRUE(files_->put("abc").ok());
  damage(kAbcSum, "");
  ASSERT_TRUE(files_->put("abc").ok());
  EXPECT_TRUE(files_->read(kAbcSum)->intact(kAbcSum));
}

TEST_F(EvidenceFilesTest, ALinkInAPlaceIsNotFollowed) {
  const std::string other = folder_.write("other", "abc");
  fs::create_directories(fs::path(place(kAbcSum)).parent_path());
  fs::create_symlink(other, place(kAbcSum));
  EXPECT_EQ(files_->read(kAbcSum)->sha256, "");
}

TEST_F(EvidenceFilesTest, TakesTheLongestAndNotOneByteMore) {
  std::string bytes(kMaxEvidenceFileBytes, 'x');
  EXPECT_TRUE(files_->put(bytes).ok());
  bytes += 'x';
  const auto more = files_->put(bytes);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code, core::ErrorCode::kLimit);
}

TEST_F(EvidenceFilesTest, WhatACrashLeftIsRemovedAtTheNextStart) {
  folder_.write("evidence.incoming/123-0", "half");
  files_.reset();
  files_ = std::move(EvidenceFiles::open(folder(), metrics_)).value();
  EXPECT_TRUE(fs::is_empty(folder() + ".incoming"));
}

TEST_F(EvidenceFilesTest, AFolderThatCannotBeWrittenIsSaid) {
  EXPECT_FALSE(EvidenceFiles::open((folder_.path() / "no/such").string(), metrics_).ok());
}

}  // namespace
}  // namespace tocsin::ledger
