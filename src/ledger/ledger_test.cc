#include "ledger/ledger.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <thread>

#include "testing/temporary_folder.h"

namespace tocsin::ledger {
namespace {

class LedgerTest : public ::testing::Test {
 protected:
  std::string path() const { return (folder_.path() / "the ledger.db").string(); }
  void open() {
    auto opened = Ledger::open(path());
    ASSERT_TRUE(opened.ok()) << opened.error().text;
    ledger_ = std::move(opened).value();
  }
  void raw(const std::string& statements) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(db, statements.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
    sqlite3_close(db);
  }
  UserId add_user(const std::string& name) {
    UserId id;
    auto done = ledger_->write([&](Tables& t) -> core::Result<void> {
      User user;
      user.name = name;
      user.role = "viewer";
      user.tenants = {"b", "a"};
      user.created_at = {5};
      id = TOCSIN_TRY(t.insert_user(user));
      return {};
    });
    EXPECT_TRUE(done.ok()) << done.error().text;
    return id;
  }
  tocsin::testing::TemporaryFolder folder_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(LedgerTest, KeepsUsersOverReopening) {
  open();
  const UserId id = add_user("alice");
  ledger_.reset();
  open();
  auto read = ledger_->read([&](Tables& t) -> core::Result<void> {
    const auto user = TOCSIN_TRY(t.user_named("alice"));
    if (!user) return core::Error{core::ErrorCode::kNotFound, "gone"};
    EXPECT_EQ(user->id, id);
    EXPECT_EQ(user->tenants, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(user->created_at.ns, 5);
    EXPECT_FALSE(user->last_login_at.known());
    return {};
  });
  EXPECT_TRUE(read.ok()) << read.error().text;
}

TEST_F(LedgerTest, FileIsForItsOwnerOnlyAndInWalMode) {
  open();
  add_user("a");
  struct stat s{};
  ASSERT_EQ(::stat(path().c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat((path() + "-wal").c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0600u);
}

TEST_F(LedgerTest, ErrorUndoesTheWholeTransaction) {
  open();
  auto done = ledger_->write([&](Tables& t) -> core::Result<void> {
    if (auto set = t.set_setting({"k", "v", "me", {1}}); !set.ok()) return set;
    return core::Error{core::ErrorCode::kDenied, "no"};
  });
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, core::ErrorCode::kDenied);
  ledger_
      ->read([&](Tables& t) -> core::Result<void> {
        EXPECT_FALSE(TOCSIN_TRY(t.setting("k")).has_value());
        return {};
      })
      .ignore("expectations inside");
}

TEST_F(LedgerTest, ReadNeverWrites) {
  open();
  ASSERT_TRUE(ledger_->read([&](Tables& t) { return t.set_setting({"k", "v", "me", {1}}); }).ok());
  bool there = true;
  ASSERT_TRUE(ledger_
                  ->read([&](Tables& t) -> core::Result<void> {
                    there = TOCSIN_TRY(t.setting("k")).has_value();
                    return {};
                  })
                  .ok());
  EXPECT_FALSE(there);
}

TEST_F(LedgerTest, NameTakenIsInvalid) {
  open();
  add_user("alice");
  auto again = ledger_->write([&](Tables& t) -> core::Result<void> {
    User user;
    user.name = "alice";
    TOCSIN_TRY(t.insert_user(user));
    return {};
  });
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, core::ErrorCode::kInvalid) << again.error().text;
}

TEST_F(LedgerTest, RefusesTextsThatAreTooLongOrHaveNul) {
  open();
  EXPECT_TRUE(ledger_->write([](Tables& t) { return t.set_setting({std::string(kMaxNameBytes, 'k'), "", "", {1}}); }).ok());
  EXPECT_FALSE(
      ledger_->write([](Tables& t) { return t.set_setting({std::string(kMaxNameBytes + 1, 'k'), "", "", {1}}); }).ok());
  EXPECT_FALSE(ledger_->write([](Tables& t) { return t.set_setting({std::string("a\0b", 3), "", "", {1}}); }).ok());
}

TEST_F(LedgerTest, SourceIdIsNeverGivenAgain) {
  open();
  SourceId first, second;
  auto done = ledger_->write([&](Tables& t) -> core::Result<void> {
    Source source;
    source.name = "dc1";
    source.kind = "syslog";
    source.config = "{\"port\":514}";
    source.token_hash = "h1";
    first = TOCSIN_TRY(t.insert_source(source));
    const auto found = TOCSIN_TRY(t.source_with_token("h1"));
    EXPECT_TRUE(found && found->id == first && found->config == source.config);
    EXPECT_FALSE(TOCSIN_TRY(t.source_with_token("")).has_value());
    source.id = first;
    source.site = "north";
    if (auto updated = t.update_source(source); !updated.ok()) return updated;
    EXPECT_EQ(TOCSIN_TRY(t.source(first))->site, "north");
    EXPECT_TRUE(TOCSIN_TRY(t.delete_source(first)));
    EXPECT_FALSE(TOCSIN_TRY(t.delete_source(first)));
    EXPECT_EQ(t.update_source(source).error().code, core::ErrorCode::kNotFound);
    second = TOCSIN_TRY(t.insert_source(source));
    EXPECT_EQ(TOCSIN_TRY(t.source_named("dc1"))->id, second);
    source.name = "other";
    source.token_hash.clear();
    TOCSIN_TRY(t.insert_source(source));
    source.name = "third";  // Two without a token do not collide.
    TOCSIN_TRY(t.insert_source(source));
    EXPECT_EQ(TOCSIN_TRY(t.sources()).size(), 3u);
    return {};
  });
  ASSERT_TRUE(done.ok()) << done.error().text;
  EXPECT_LT(first.value, second.value);
}

TEST_F(LedgerTest, KeepsRuleStatesSearchesAndSettings) {
  open();
  const UserId alice = add_user("alice"), bob = add_user("bob");
  auto done = ledger_->write([&](Tables& t) -> core::Result<void> {
    for (const RuleMode mode : {RuleMode::kOff, RuleMode::kDraft}) {
      if (auto set = t.set_rule_state({"r1", mode, "alice", {7}}); !set.ok()) return set;
    }
    const auto states = TOCSIN_TRY(t.rule_states());
    EXPECT_TRUE(states.size() == 1 && states[0].mode == RuleMode::kDraft && states[0].changed_at.ns == 7);
    const SearchId id = TOCSIN_TRY(t.insert_search({{}, alice, "mine", "{}", false, {1}}));
    EXPECT_TRUE(TOCSIN_TRY(t.searches(bob)).empty());
    EXPECT_EQ(t.update_search({id, bob, "mine", "{}", true, {2}}).error().code, core::ErrorCode::kNotFound);
    EXPECT_TRUE(t.update_search({id, alice, "mine", "{}", true, {2}}).ok());
    EXPECT_EQ(TOCSIN_TRY(t.searches(bob)).size(), 1u);
    EXPECT_FALSE(TOCSIN_TRY(t.delete_search(id, bob)));
    EXPECT_TRUE(TOCSIN_TRY(t.delete_search(id, alice)));
    if (auto set = t.set_setting({"k", "v", "alice", {1}}); !set.ok()) return set;
    EXPECT_EQ(TOCSIN_TRY(t.setting("k"))->value, "v");
    EXPECT_EQ(TOCSIN_TRY(t.settings()).size(), 1u);
    EXPECT_TRUE(TOCSIN_TRY(t.delete_setting("k")));
    return {};
  });
  EXPECT_TRUE(done.ok()) << done.error().text;
}

TEST_F(LedgerTest, OldestSessionAndAddressGoForANewOne) {
  open();
  const UserId user = add_user("alice");
  auto done = ledger_->write([&](Tables& t) -> core::Result<void> {
    for (int i = 0; i <= kMaxSessionsPerUser; ++i) {
      const std::string text = std::to_string(i);
      if (auto put = t.insert_session({"s" + text, user, {i}, {i}, {1000}, text, "agent"}); !put.ok()) return put;
      if (auto put = t.remember_address(user, text, {i}); !put.ok()) return put;
    }
    EXPECT_EQ(TOCSIN_TRY(t.sessions(user)).size(), static_cast<std::size_t>(kMaxSessionsPerUser));
    EXPECT_FALSE(TOCSIN_TRY(t.session("s0")).has_value());
    EXPECT_TRUE(TOCSIN_TRY(t.session("s1")).has_value());
    EXPECT_FALSE(TOCSIN_TRY(t.knows_address(user, "0")));
    EXPECT_TRUE(TOCSIN_TRY(t.knows_address(user, "1")));
    EXPECT_EQ(TOCSIN_TRY(t.delete_sessions(user, "s5")), kMaxSessionsPerUser - 1);
    EXPECT_EQ(TOCSIN_TRY(t.delete_old_sessions({1000}, {0})), 1);
    return {};
  });
  EXPECT_TRUE(done.ok()) << done.error().text;
}

// As version 1 was made, with a row in each table that version 2 changes. Never edit.
constexpr const char* kVersion1 =
    "create table users (id integer primary key autoincrement, name text not null unique, display_name text not null, "
    "password_hash text not null, role text not null, tenants text not null, enabled bigint not null, "
    "totp_sealed text not null, totp_pending text not null, created_at bigint not null, "
    "password_changed_at bigint not null, last_login_at bigint not null);"
    "create table sessions (token_hash text primary key, user_id bigint not null references users(id), "
    "created_at bigint not null, seen_at bigint not null, expires_at bigint not null, address text not null, "
    "agent text not null) without rowid;"
    "create table api_tokens (id integer primary key autoincrement, user_id bigint not null references users(id), "
    "name text not null, token_hash text not null unique, scopes text not null, created_at bigint not null, "
    "expires_at bigint not null, used_at bigint not null);"
    "create table sources (id integer primary key autoincrement, name text not null unique, kind text not null, "
    "tenant text not null, site text not null, config text not null, token_hash text not null, enabled bigint not null, "
    "created_at bigint not null, changed_at bigint not null);"
    "create table rule_states (rule_id text primary key, mode text not null, changed_by text not null, "
    "changed_at bigint not null) without rowid;"
    "create table saved_searches (id integer primary key autoincrement, owner bigint not null references users(id), "
    "name text not null, query text not null, shared bigint not null, changed_at bigint not null, unique (owner, name));"
    "create table settings (key text primary key, value text not null, changed_by text not null, "
    "changed_at bigint not null) without rowid;"
    "create table audit (sequence integer primary key, time bigint not null, actor text not null, action text not null, "
    "object text not null, address text not null, detail text not null, previous_hash text not null, hash text not null);"
    "insert into users values (7, 'alice', 'Alice', 'hash', 'admin', '', 1, '', '', 11, 12, 13);"
    "insert into settings values ('k', 'v', 'alice', 14);"
    "pragma user_version = 1;";

TEST_F(LedgerTest, OpensADatabaseOfTheFirstVersion) {
  raw(kVersion1);
  open();
  auto read = ledger_->write([&](Tables& t) -> core::Result<void> {
    const auto user = TOCSIN_TRY(t.user({7}));
    EXPECT_TRUE(user && user->name == "alice" && user->last_login_at.ns == 13 && user->totp_last_step == 0);
    EXPECT_EQ(TOCSIN_TRY(t.setting("k"))->value, "v");
    TOCSIN_TRY(t.append_audit({{1}, "alice", "test", "", "", ""}));
    return t.set_recovery_codes({7}, {"h"});
  });
  EXPECT_TRUE(read.ok()) << read.error().text;
  EXPECT_TRUE(ledger_->verify_audit()->intact());
}

TEST_F(LedgerTest, RefusesADatabaseOfANewerVersion) {
  raw("pragma user_version = " + std::to_string(Ledger::schema_version() + 1));
  auto opened = Ledger::open(path());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, core::ErrorCode::kUnsupported);
}

TEST_F(LedgerTest, RefusesAFileThatIsNoDatabase) {
  FILE* file = std::fopen(path().c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs(
      "This is a text of more than a hundred bytes, so that it is longer than the header of a database file has to be.",
      file);
  std::fclose(file);
  auto opened = Ledger::open(path());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, core::ErrorCode::kIo);
  EXPECT_FALSE(Ledger::open("").ok());
  EXPECT_FALSE(Ledger::open(folder_.path().string()).ok());
}

TEST_F(LedgerTest, BackupIsACopyThatOpens) {
  open();
  add_user("alice");
  const std::string copy = (folder_.path() / "it's a copy.db").string();
  auto done = ledger_->backup(copy);
  ASSERT_TRUE(done.ok()) << done.error().text;
  EXPECT_FALSE(ledger_->backup(copy).ok());
  auto opened = Ledger::open(copy);
  ASSERT_TRUE(opened.ok());
  std::int64_t users = 0;
  ASSERT_TRUE((*opened)
                  ->read([&](Tables& t) -> core::Result<void> {
                    users = TOCSIN_TRY(t.user_count());
                    return {};
                  })
                  .ok());
  EXPECT_EQ(users, 1);
}

TEST_F(LedgerTest, ThreadsSeeWholeTransactions) {
  open();
  ASSERT_TRUE(ledger_->write([](Tables& t) { return t.set_setting({"n", "0", "", {0}}); }).ok());
  constexpr int kThreads = 4, kRounds = 25;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this] {
      for (int round = 0; round < kRounds; ++round) {
        auto done = ledger_->write([](Tables& t) -> core::Result<void> {
          const int n = std::stoi(TOCSIN_TRY(t.setting("n"))->value);
          TOCSIN_TRY(t.append_audit({{n}, "thread", "count", "", "", ""}));
          return t.set_setting({"n", std::to_string(n + 1), "", {0}});
        });
        EXPECT_TRUE(done.ok()) << done.error().text;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::string value;
  ASSERT_TRUE(ledger_
                  ->read([&](Tables& t) -> core::Result<void> {
                    value = TOCSIN_TRY(t.setting("n"))->value;
                    return {};
                  })
                  .ok());
  EXPECT_EQ(value, std::to_string(kThreads * kRounds));
  const auto verdict = ledger_->verify_audit();
  ASSERT_TRUE(verdict.ok());
  EXPECT_TRUE(verdict->intact()) << verdict->reason;
  EXPECT_EQ(verdict->checked, kThreads * kRounds);
}

}  // namespace
}  // namespace tocsin::ledger
