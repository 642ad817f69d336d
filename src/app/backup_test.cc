#include "app/backup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>

#include "core/clock.h"
#include "ledger/evidence.h"
#include "ledger/evidence_files.h"
#include "store/store_test_support.h"
#include "testing/paths.h"
#include "testing/patience.h"
#include "testing/temporary_folder.h"

namespace tocsin::app {
namespace {

namespace fs = std::filesystem;

// The parts of a running program.
struct Running {
  explicit Running(const std::string& folder) : paths(data_paths(folder)) {
    fs::create_directories(folder);
    open();
  }
  void open() {
    stream::JournalOptions options;
    options.folder = paths.journal;
    options.min_free_bytes = 0;
    const core::Result<std::uint64_t> first = first_sequence_of(paths);
    ASSERT_TRUE(first.ok()) << first.error().text;
    options.first_sequence = *first;
    auto opened_journal = stream::Journal::open(options, clock, metrics);
    ASSERT_TRUE(opened_journal.ok()) << opened_journal.error().text;
    journal = std::move(*opened_journal);
    auto opened_ledger = ledger::Ledger::open(paths.ledger);
    ASSERT_TRUE(opened_ledger.ok()) << opened_ledger.error().text;
    ledger = std::move(*opened_ledger);
    auto opened_store = store::Store::open(store_options(), metrics);
    ASSERT_TRUE(opened_store.ok()) << opened_store.error().text;
    store = std::move(*opened_store);
  }
  [[nodiscard]] store::StoreOptions store_options() const {
    store::StoreOptions options;
    options.folder = paths.store;
    options.engine_library = store::engine_library();
    options.program = store::store_program();
    return options;
  }
  // Through the journal into the store. Answers the sequence.
  std::uint64_t take(const std::string& bytes) {
    std::promise<std::uint64_t> done;
    model::Delivery delivery;
    delivery.bytes = bytes;
    journal->append(delivery, [&](const core::Result<std::uint64_t>& result) { done.set_value(result.ok() ? *result : 0); });
    const std::uint64_t sequence = done.get_future().get();
    store::Block block;
    block.add(store::sample_event(sequence));
    const core::Result<void> inserted = store->insert(block, tocsin::testing::kPatience);
    EXPECT_TRUE(inserted.ok()) << inserted.error().text;
    return sequence;
  }
  core::Result<BackupSummary> backup(const std::string& folder) {
    return make_backup({paths, "", "0.1.0", clock.now()}, *ledger, *store, *journal, folder);
  }
  std::string ask(std::string_view sql) {
    auto result = store->query(sql, "TabSeparated", {});
    return result.ok() ? result->body : "error: " + result.error().text;
  }

  DataPaths paths;
  core::FakeClock clock{store::kNoon};
  core::Metrics metrics;
  std::unique_ptr<stream::Journal> journal;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<store::Store> store;
};

void set_setting(ledger::Ledger& ledger, const std::string& key, const std::string& value) {
  ledger::Setting setting;
  setting.key = key;
  setting.value = value;
  const core::Result<void> written = ledger.write([&](ledger::Tables& tables) { return tables.set_setting(setting); });
  ASSERT_TRUE(written.ok()) << written.error().text;
}

// One backup for all tests: it takes the engine seconds.
class BackupTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (store::engine_library().empty()) return;
    made_ = new testing::TemporaryFolder;
    Running running((made_->path() / "data").string());
    for (int i = 0; i < 20; ++i) running.take("record");
    set_setting(*running.ledger, "colour", "\"green\"");
    made_->write("data/keys/own-key.pem", "private");
    made_->write("data/rules/mine/a.yml", "title: a");
    add_evidence(running);
    const core::Result<BackupSummary> summary = running.backup(backup_folder());
    ASSERT_TRUE(summary.ok()) << summary.error().text;
    EXPECT_EQ(summary->first_sequence, 21u);
    EXPECT_GT(summary->files, 10u);
    running.take("after the backup");
  }
  static void TearDownTestSuite() {
    delete made_;
    made_ = nullptr;
  }
  void SetUp() override {
    if (store::engine_library().empty()) GTEST_SKIP() << "the engine is not installed: run tools/install_engine.sh";
  }

  // "abc" as evidence of incident 1.
  static void add_evidence(Running& running) {
    auto files = ledger::EvidenceFiles::open(running.paths.evidence, running.metrics);
    ASSERT_TRUE(files.ok()) << files.error().text;
    const auto sum = (*files)->put("abc");
    ASSERT_TRUE(sum.ok()) << sum.error().text;
    const auto written = running.ledger->write([&](ledger::Tables& all) -> core::Result<void> {
      ledger::Incident incident;
      incident.id = 1;
      incident.title = incident.tenant = "a";
      TOCSIN_TRY(ledger::IncidentTables(all).insert_incident(incident));
      ledger::Evidence evidence;
      evidence.incident = 1;
      evidence.name = "a.txt";
      evidence.sha256 = *sum;
      evidence.size_bytes = 3;
      TOCSIN_TRY(ledger::EvidenceTables(all).add(evidence));
      return {};
    });
    ASSERT_TRUE(written.ok()) << written.error().text;
  }
  static std::string backup_folder() { return (made_->path() / "backup").string(); }
  // A copy to break.
  [[nodiscard]] std::string copy() const {
    const std::string to = (folder_.path() / "backup").string();
    fs::copy(backup_folder(), to, fs::copy_options::recursive);
    return to;
  }
  [[nodiscard]] std::string data_folder() const { return (folder_.path() / "data").string(); }
  static void append(const std::string& path, const std::string& bytes) {
    fs::permissions(path, fs::perms::owner_all);
    std::ofstream(path, std::ios::app | std::ios::binary) << bytes;
  }
  static std::string text_of(const core::Result<BackupSummary>& result) {
    return result.ok() ? "well" : result.error().text;
  }

  static testing::TemporaryFolder* made_;
  testing::TemporaryFolder folder_;
};
testing::TemporaryFolder* BackupTest::made_ = nullptr;

TEST_F(BackupTest, ARestoredFolderHoldsAllAndItsJournalGoesOnAboveEveryStoredId) {
  core::Metrics metrics;
  store::StoreOptions options;
  options.engine_library = store::engine_library();
  options.program = store::store_program();
  const DataPaths paths = data_paths(data_folder() + "/");
  const core::Result<BackupSummary> restored = restore_backup(backup_folder() + "/", paths, options, metrics);
  ASSERT_TRUE(restored.ok()) << restored.error().text;
  EXPECT_EQ(restored->version, "0.1.0");
  EXPECT_EQ(restored->made_at, store::kNoon);
  EXPECT_EQ(testing::read_file(paths.keys + "/own-key.pem"), "private");
  EXPECT_EQ(testing::read_file(paths.rules + "/mine/a.yml"), "title: a");
  struct stat status{};
  ASSERT_EQ(::stat((paths.keys + "/own-key.pem").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);

  Running running(data_folder());
  EXPECT_EQ(running.ask("SELECT count(), uniqExact(id) FROM events"), "20\t20\n");
  EXPECT_TRUE(running.ledger
                  ->read([](ledger::Tables& tables) -> core::Result<void> {
                    const auto setting = TOCSIN_TRY(tables.setting("colour"));
                    EXPECT_TRUE(setting.has_value());
                    return {};
                  })
                  .ok());
  EXPECT_EQ(running.take("new"), 21u);
  EXPECT_EQ(running.ask("SELECT count(), uniqExact(id) FROM events"), "21\t21\n");
  // Of what was restored a backup can be made, though its journal has nothing but the new.
  const core::Result<BackupSummary> again = running.backup((folder_.path() / "again").string());
  ASSERT_TRUE(again.ok()) << again.error().text;
  EXPECT_EQ(again->first_sequence, 22u);
}

TEST_F(BackupTest, EvidenceComesBackWithItsRowsAndIsWhatItWas) {
  core::Metrics metrics;
  store::StoreOptions options;
  options.engine_library = store::engine_library();
  options.program = store::store_program();
  const DataPaths paths = data_paths(data_folder());
  const core::Result<BackupSummary> restored = restore_backup(backup_folder(), paths, options, metrics);
  ASSERT_TRUE(restored.ok()) << restored.error().text;
  auto files = ledger::EvidenceFiles::open(paths.evidence, metrics);
  ASSERT_TRUE(files.ok()) << files.error().text;
  auto ledger = ledger::Ledger::open(paths.ledger);
  ASSERT_TRUE(ledger.ok()) << ledger.error().text;
  const auto read = (*ledger)->read([&](ledger::Tables& all) -> core::Result<void> {
    ledger::EvidenceTables tables(all);
    const auto list = TOCSIN_TRY(tables.of_incident(1));
    EXPECT_EQ(list.size(), 1u);
    EXPECT_EQ(TOCSIN_TRY((*files)->read(list.front().sha256)).bytes, "abc");
    EXPECT_EQ(TOCSIN_TRY(tables.custody(list.front().id)).size(), 1u);
    return {};
  });
  EXPECT_TRUE(read.ok()) << read.error().text;
  EXPECT_NE(testing::read_file(backup_folder() + "/SHA256SUMS").find("  evidence/ba/ba7816bf"), std::string::npos);
}

TEST_F(BackupTest, IsCheckedByAnyonesSha256sum) {
  const std::string sums = testing::read_file(backup_folder() + "/SHA256SUMS");
  EXPECT_NE(sums.find("  ledger.sqlite\n"), std::string::npos);
  EXPECT_NE(sums.find("  keys/own-key.pem\n"), std::string::npos);
  const std::string command = "cd '" + backup_folder() + "' && sha256sum --quiet -c SHA256SUMS";
  EXPECT_EQ(std::system(command.c_str()), 0);
  struct stat status{};
  ASSERT_EQ(::stat(backup_folder().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0700u);
}

TEST_F(BackupTest, GoesIntoANewFolderOnly) {
  Running running(data_folder());
  const core::Result<BackupSummary> taken = running.backup(folder_.path().string());
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code, core::ErrorCode::kDenied);
  EXPECT_NE(taken.error().text.find("is there already"), std::string::npos);
  EXPECT_FALSE(running.backup((folder_.path() / "no/such").string()).ok());
}

TEST_F(BackupTest, LeavesNothingBehindWhereItFails) {
  Running running(data_folder());
  fs::create_directories(running.paths.keys);
  fs::create_symlink("/etc/passwd", running.paths.keys + "/link");
  const core::Result<BackupSummary> made = running.backup((folder_.path() / "backup").string());
  EXPECT_NE(text_of(made).find("keys/link is no plain file"), std::string::npos) << text_of(made);
  EXPECT_FALSE(fs::exists(folder_.path() / "backup"));
}

TEST_F(BackupTest, NamesTheFileThatIsDamagedMissingOrForeign) {
  const std::string to = copy();
  EXPECT_EQ(text_of(check_backup(to)), "well");
  append(to + "/keys/own-key.pem", "x");
  EXPECT_NE(text_of(check_backup(to)).find(to + "/keys/own-key.pem is damaged"), std::string::npos)
      << text_of(check_backup(to));
  fs::remove(to + "/keys/own-key.pem");
  EXPECT_NE(text_of(check_backup(to)).find(to + "/keys/own-key.pem is missing"), std::string::npos)
      << text_of(check_backup(to));
  std::ofstream(to + "/keys/own-key.pem") << "private";
  std::ofstream(to + "/keys/other.pem") << "x";
  EXPECT_NE(text_of(check_backup(to)).find(to + "/keys/other.pem is not part of the backup"), std::string::npos);
  fs::remove(to + "/keys/other.pem");
  EXPECT_EQ(text_of(check_backup(to)), "well");
  append(to + "/SHA256SUMS", "half a li");
  EXPECT_NE(text_of(check_backup(to)).find("SHA256SUMS is damaged"), std::string::npos);
  fs::remove(to + "/SHA256SUMS");
  EXPECT_NE(text_of(check_backup(to)).find("is no whole backup"), std::string::npos);
  EXPECT_NE(text_of(check_backup(folder_.path().string())).find("is no backup"), std::string::npos);
}

TEST_F(BackupTest, RefusesWhatALaterVersionMade) {
  const std::string to = copy();
  std::string about = testing::read_file(to + "/backup.txt");
  const auto with = [&](const std::string& from, const std::string& by) {
    std::string changed = about;
    changed.replace(changed.find(from), from.size(), by);
    std::ofstream(to + "/backup.txt", std::ios::trunc) << changed;
    return check_backup(to);
  };
  for (const auto& [from, by] :
       {std::pair("tocsin-backup 1", "tocsin-backup 2"), std::pair("ledger_schema ", "ledger_schema 9"),
        std::pair("store_schema ", "store_schema 9")}) {
    const core::Result<BackupSummary> refused = with(from, by);
    ASSERT_FALSE(refused.ok()) << by;
    EXPECT_EQ(refused.error().code, core::ErrorCode::kUnsupported) << refused.error().text;
  }
  EXPECT_NE(text_of(with("first_sequence ", "first_sequence x")).find("backup.txt is damaged"), std::string::npos);
}

TEST_F(BackupTest, IsNotRestoredIntoAFolderThatHoldsSomething) {
  core::Metrics metrics;
  fs::create_directories(data_folder());
  std::ofstream(data_folder() + "/mine") << "x";
  const core::Result<BackupSummary> refused = restore_backup(backup_folder(), data_paths(data_folder()), {}, metrics);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, core::ErrorCode::kDenied);
  EXPECT_EQ(testing::read_file(data_folder() + "/mine"), "x");
}

TEST_F(BackupTest, ARestoreThatFailsLeavesTheFolderEmptyButForTheEngine) {
  core::Metrics metrics;
  fs::create_directories(data_folder() + "/engine");
  const auto only_engine = [&] {
    return fs::exists(data_folder() + "/engine") && std::distance(fs::directory_iterator(data_folder()), {}) == 1;
  };
  store::StoreOptions options;
  options.engine_library = (folder_.path() / "absent.so").string();
  const core::Result<BackupSummary> failed = restore_backup(backup_folder(), data_paths(data_folder()), options, metrics);
  EXPECT_NE(text_of(failed).find("the engine's library is not there"), std::string::npos) << text_of(failed);
  EXPECT_TRUE(only_engine());
  const std::string to = copy();
  append(to + "/ledger.sqlite", "x");
  EXPECT_FALSE(restore_backup(to, data_paths(data_folder()), options, metrics).ok());
  EXPECT_TRUE(only_engine());
}

TEST_F(BackupTest, TheCommandsBackUpAndRestoreWhileTheProgramDoesNotRun) {
  if (!store::store_program().empty()) GTEST_SKIP() << "under a sanitizer this program cannot be the store's child";
  const std::string config = folder_.write("tocsin.yaml", "store: {engine_library: " + store::engine_library() + "}\n");
  const std::string to = (folder_.path() / "to").string();
  const auto command = [&](auto run, const std::string& folder, const std::string& data) {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int code = run({folder, "--config", config, "--set", "data.folder=" + data});
    const std::string out = ::testing::internal::GetCapturedStdout();
    return std::to_string(code) + ": " + out + ::testing::internal::GetCapturedStderr();
  };
  const std::string data = data_folder();
  EXPECT_EQ(command(run_backup_command, to, data), "1: tocsin: there is nothing to back up in " + data + " (data.folder)\n");
  {
    Running running(data);
    running.take("record");
    EXPECT_NE(command(run_backup_command, to, data).find("the data folder is in use"), std::string::npos);
  }
  EXPECT_TRUE(command(run_backup_command, to, data).starts_with("0: backed up to " + to + ": "));
  EXPECT_TRUE(fs::exists(to + "/tocsin.yaml"));
  EXPECT_NE(command(run_restore_command, to, data).find(data + " is not empty"), std::string::npos);
  EXPECT_TRUE(command(run_restore_command, to, data + "2").starts_with("0: restored into " + data + "2: "));
  EXPECT_EQ(*first_sequence_of(data_paths(data + "2")), 2u);
  EXPECT_TRUE(command(run_restore_command, "", data).starts_with("1: ")) << "of the current folder";
}

TEST(FirstSequence, IsOneWhereNothingWasRestored) {
  const testing::TemporaryFolder folder;
  const core::Result<std::uint64_t> first = first_sequence_of(data_paths(folder.path()));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*first, 1u);
}

TEST(FirstSequence, SaysWhereARestoreDidNotEndOrTheNumberIsDamaged) {
  const testing::TemporaryFolder folder;
  for (const char* text : {"", "x\n", "0\n", "12x\n", "99999999999999999999999\n"}) {
    folder.write("first-sequence", text);
    const core::Result<std::uint64_t> damaged = first_sequence_of(data_paths(folder.path()));
    ASSERT_FALSE(damaged.ok()) << text;
    EXPECT_NE(damaged.error().text.find("first-sequence is damaged"), std::string::npos);
  }
  folder.write("first-sequence", "12\n");
  EXPECT_EQ(*first_sequence_of(data_paths(folder.path())), 12u);
  folder.write("restore-unfinished", "");
  const core::Result<std::uint64_t> unfinished = first_sequence_of(data_paths(folder.path()));
  ASSERT_FALSE(unfinished.ok());
  EXPECT_NE(unfinished.error().text.find("did not come to its end"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::app

// The program is its own child: `<test> store ...` is what `tocsin store ...` is.
int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "store") return tocsin::store::run_store_process(argc, argv);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
