#include "auth/auth.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "auth/token.h"
#include "auth/totp.h"
#include "testing/temporary_folder.h"

namespace tocsin::auth {
namespace {

using namespace std::chrono_literals;
using Outcome = Login::Outcome;
constexpr const char* kPassword = "correct horse battery";

class AuthTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ledger_ = std::move(ledger::Ledger::open((folder_.path() / "ledger.db").string())).value();
    AuthOptions options;
    options.cost = kTestPasswordCost;
    auto key = load_seal_key((folder_.path() / "key").string());
    ASSERT_TRUE(key.ok()) << key.error().text;
    auth_ = std::move(Auth::open(*ledger_, clock_, std::move(key).value(), options)).value();
  }
  static NewUser new_user(const std::string& name, Role role, std::vector<std::string> tenants = {}) {
    return {name, "", core::Secret(kPassword), role, std::move(tenants)};
  }
  Login log_in(const std::string& name, const std::string& password, const std::string& code = "",
               const std::string& address = "192.0.2.1") {
    auto login = auth_->log_in({name, address, "agent", core::Secret(password), code});
    EXPECT_TRUE(login.ok()) << login.error().text;
    return std::move(login).value();
  }
  Principal admin() {
    EXPECT_TRUE(auth_->create_first_admin(new_user("Admin", Role::kAdmin)).ok());
    return as("admin");
  }
  Principal as(const std::string& name) {
    const auto login = log_in(name, kPassword);
    auto who = auth_->from_session(login.session_token.reveal());
    EXPECT_TRUE(who.ok()) << who.error().text;
    return who.ok() ? *who : Principal{};
  }
  std::string all_bytes() {
    std::string bytes;
    for (const auto& file : std::filesystem::directory_iterator(folder_.path())) {
      if (file.path().filename() == "key") continue;
      std::ifstream in(file.path(), std::ios::binary);
      bytes.append(std::istreambuf_iterator<char>(in), {});
    }
    return bytes;
  }
  tocsin::testing::TemporaryFolder folder_;
  core::FakeClock clock_{core::Timestamp{1'800'000'000'000'000'000}};
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<Auth> auth_;
};

TEST_F(AuthTest, SetupTokenWorksOnceAndExpires) {
  const auto old = auth_->new_setup_token();
  const auto token = auth_->new_setup_token();
  ASSERT_TRUE(old.ok() && token.ok());
  EXPECT_FALSE(auth_->set_up(old->reveal(), new_user("a", Role::kAdmin), "").ok());
  clock_.advance(24h);
  EXPECT_FALSE(auth_->set_up(token->reveal(), new_user("a", Role::kAdmin), "").ok());
  const auto fresh = auth_->new_setup_token();
  ASSERT_TRUE(fresh.ok());
  EXPECT_TRUE(auth_->set_up(fresh->reveal(), new_user("a", Role::kViewer), "").ok());
  EXPECT_EQ(as("a").role, Role::kAdmin);
  EXPECT_FALSE(auth_->set_up(fresh->reveal(), new_user("b", Role::kAdmin), "").ok());
  EXPECT_FALSE(auth_->new_setup_token().ok());
  EXPECT_FALSE(auth_->create_first_admin(new_user("b", Role::kAdmin)).ok());
}

TEST_F(AuthTest, SessionEndsIdleAndAbsolutely) {
  admin();
  const auto login = log_in("ADMIN", kPassword);
  clock_.advance(12h - 1s);
  EXPECT_TRUE(auth_->from_session(login.session_token.reveal()).ok());
  clock_.advance(12h);
  EXPECT_FALSE(auth_->from_session(login.session_token.reveal()).ok());
  const auto busy = log_in("admin", kPassword);
  for (int hours = 0; hours < 160; hours += 8) {
    EXPECT_TRUE(auth_->from_session(busy.session_token.reveal()).ok()) << hours;
    clock_.advance(8h);
  }
  clock_.advance(8h);
  EXPECT_FALSE(auth_->from_session(busy.session_token.reveal()).ok());
  EXPECT_TRUE(busy.csrf_token.equals(csrf_token(busy.session_token.reveal()).reveal()));
}

TEST_F(AuthTest, LogoutDisablingAndGarbageEndInDenied) {
  const auto boss = admin();
  ASSERT_TRUE(auth_->create_user(boss, new_user("bob", Role::kAnalyst), "").ok());
  auto login = log_in("bob", kPassword);
  const auto who = auth_->from_session(login.session_token.reveal());
  ASSERT_TRUE(who.ok());
  EXPECT_TRUE(auth_->log_out(*who, "").ok());
  EXPECT_FALSE(auth_->from_session(login.session_token.reveal()).ok());
  login = log_in("bob", kPassword);
  EXPECT_TRUE(auth_->set_access(boss, "bob", Role::kAnalyst, false, "").ok());
  EXPECT_FALSE(auth_->from_session(login.session_token.reveal()).ok());
  EXPECT_EQ(log_in("bob", kPassword).outcome, Outcome::kDenied);
  EXPECT_EQ(log_in("nobody", kPassword).outcome, Outcome::kDenied);
  EXPECT_FALSE(auth_->from_session("x").ok());
  EXPECT_FALSE(auth_->from_session(std::string(43, 'A')).ok());
}

TEST_F(AuthTest, RightsAndTenantsBoundWhatAnAdminMayDo) {
  const auto boss = admin();
  ASSERT_TRUE(auth_->create_user(boss, new_user("north", Role::kAdmin, {"n"}), "").ok());
  ASSERT_TRUE(auth_->create_user(boss, new_user("eve", Role::kEngineer), "").ok());
  const auto north = as("north"), eve = as("eve");
  EXPECT_TRUE(north.may_see("n") && !north.may_see("s") && boss.may_see("s"));
  EXPECT_FALSE(auth_->create_user(eve, new_user("x", Role::kViewer), "").ok());
  EXPECT_FALSE(auth_->create_user(north, new_user("x", Role::kViewer), "").ok());
  EXPECT_FALSE(auth_->create_user(north, new_user("x", Role::kViewer, {"n", "s"}), "").ok());
  EXPECT_TRUE(auth_->create_user(north, new_user("x", Role::kViewer, {"n"}), "").ok());
  EXPECT_FALSE(auth_->set_access(north, "eve", Role::kAdmin, true, "").ok());
  EXPECT_FALSE(auth_->set_access(boss, "admin", Role::kViewer, true, "").ok());
  EXPECT_FALSE(auth_->set_access(boss, "admin", Role::kAdmin, false, "").ok());
  EXPECT_FALSE(auth_->create_user(boss, new_user("a b", Role::kViewer), "").ok());
}

TEST_F(AuthTest, PasswordChangeEndsOtherSessions) {
  admin();
  const auto other = log_in("admin", kPassword), mine = log_in("admin", kPassword);
  const auto who = auth_->from_session(mine.session_token.reveal());
  ASSERT_TRUE(who.ok());
  const core::Secret old(kPassword), fresh("another long password");
  EXPECT_FALSE(auth_->change_password(*who, fresh, fresh, "").ok());
  EXPECT_TRUE(auth_->change_password(*who, old, fresh, "").ok());
  EXPECT_TRUE(auth_->from_session(mine.session_token.reveal()).ok());
  EXPECT_FALSE(auth_->from_session(other.session_token.reveal()).ok());
  EXPECT_EQ(log_in("admin", kPassword).outcome, Outcome::kDenied);
  EXPECT_EQ(log_in("admin", "another long password").outcome, Outcome::kOk);
}

TEST_F(AuthTest, SecondFactorIsNeededAndEachCodeWorksOnce) {
  const auto boss = admin();
  const auto secret = auth_->begin_totp(boss);
  ASSERT_TRUE(secret.ok());
  const auto code = [&] {
    return totp_code(secret->reveal(), clock_.now().ns / 1'000'000'000 / kTotpStepSeconds, kTotpDigits);
  };
  EXPECT_FALSE(auth_->confirm_totp(boss, "", "").ok());
  const auto recovery = auth_->confirm_totp(boss, code(), "");
  ASSERT_TRUE(recovery.ok());
  EXPECT_EQ(log_in("admin", kPassword).outcome, Outcome::kCodeNeeded);
  EXPECT_EQ(log_in("admin", kPassword, code()).outcome, Outcome::kDenied);  // Used to confirm.
  clock_.advance(30s);
  EXPECT_EQ(log_in("admin", kPassword, code()).outcome, Outcome::kOk);
  EXPECT_EQ(log_in("admin", kPassword, code()).outcome, Outcome::kDenied);
  EXPECT_EQ(log_in("admin", kPassword, recovery->front()).outcome, Outcome::kOk);
  EXPECT_EQ(log_in("admin", kPassword, recovery->front()).outcome, Outcome::kDenied);
  EXPECT_FALSE(auth_->begin_totp(boss).ok());
}

TEST_F(AuthTest, CodesCannotBeGuessedByRepeatingThePassword) {
  const auto boss = admin();
  const auto secret = auth_->begin_totp(boss);
  ASSERT_TRUE(
      auth_->confirm_totp(boss, totp_code(secret->reveal(), clock_.now().ns / 30'000'000'000, kTotpDigits), "").ok());
  for (unsigned i = 0; i < kFreePairFailures; ++i) {
    EXPECT_EQ(log_in("admin", kPassword, "wrong").outcome, Outcome::kDenied);
    if (i + 1 < kFreePairFailures) {
      EXPECT_EQ(log_in("admin", kPassword).outcome, Outcome::kCodeNeeded);
    }
  }
  EXPECT_EQ(log_in("admin", kPassword).outcome, Outcome::kWait);
}

TEST_F(AuthTest, FailuresSlowTheirOwnAddressOnly) {
  admin();
  for (unsigned i = 0; i < kFreePairFailures; ++i)
    EXPECT_EQ(log_in("admin", "wrong", "", "198.51.100.7").outcome, Outcome::kDenied);
  EXPECT_EQ(log_in("admin", kPassword, "", "198.51.100.7").outcome, Outcome::kWait);
  EXPECT_EQ(log_in("admin", kPassword, "", "192.0.2.1").outcome, Outcome::kOk);
  EXPECT_EQ(log_in("admin", kPassword, "", "192.0.2.99").outcome, Outcome::kOk);
  clock_.advance(1s);
  EXPECT_EQ(log_in("admin", "wrong", "", "198.51.100.7").outcome, Outcome::kDenied);
  clock_.advance(1s);
  EXPECT_EQ(log_in("admin", kPassword, "", "198.51.100.7").outcome, Outcome::kWait);  // 2 s now.
  clock_.advance(1s);
  EXPECT_EQ(log_in("admin", kPassword, "", "198.51.100.7").outcome, Outcome::kOk);
}

TEST_F(AuthTest, KnownUserIsNotHinderedByOthersAtTheSameAddress) {
  admin();  // Has logged in from 192.0.2.1.
  for (unsigned i = 0; i < kFreeAddressFailures; ++i) log_in("name" + std::to_string(i), "wrong");
  EXPECT_EQ(log_in("another", "wrong").outcome, Outcome::kWait);
  EXPECT_EQ(log_in("admin", kPassword).outcome, Outcome::kOk);
}

TEST_F(AuthTest, TokenHasItsScopesUntilItExpires) {
  const auto boss = admin();
  ASSERT_TRUE(auth_->create_user(boss, new_user("vera", Role::kViewer), "").ok());
  const auto vera = as("vera");
  NewToken wanted{"ci", {}, {clock_.now().ns + 3'600'000'000'000}};
  EXPECT_FALSE(auth_->create_token(vera, wanted, "").ok());
  wanted.scopes.set(static_cast<std::size_t>(Right::kRulesWrite));
  EXPECT_FALSE(auth_->create_token(vera, wanted, "").ok());
  const auto text = auth_->create_token(boss, wanted, "");
  ASSERT_TRUE(text.ok());
  const auto who = auth_->from_api_token(text->reveal());
  ASSERT_TRUE(who.ok());
  EXPECT_TRUE(who->may(Right::kRulesWrite) && !who->may(Right::kUsersWrite));
  EXPECT_FALSE(auth_->create_token(*who, wanted, "").ok());
  EXPECT_FALSE(auth_->revoke_token(vera, {1}, "").ok());
  EXPECT_TRUE(auth_->revoke_token(boss, {1}, "").ok());
  EXPECT_FALSE(auth_->from_api_token(text->reveal()).ok());
  const auto second = auth_->create_token(boss, wanted, "");
  clock_.advance(1h);
  EXPECT_FALSE(auth_->from_api_token(second->reveal()).ok());
}

TEST_F(AuthTest, ATokenForUsersAloneMakesNoAdminAndTakesNoneOver) {
  const auto boss = admin();
  ASSERT_TRUE(auth_->create_user(boss, new_user("bob", Role::kAnalyst), "").ok());
  NewToken wanted{"users", {}, {clock_.now().ns + 3'600'000'000'000}};
  wanted.scopes.set(static_cast<std::size_t>(Right::kUsersWrite));
  const auto narrow = auth_->from_api_token(auth_->create_token(boss, wanted, "")->reveal());
  ASSERT_TRUE(narrow.ok());
  EXPECT_FALSE(auth_->create_user(*narrow, new_user("mallory", Role::kAdmin), "").ok());
  EXPECT_FALSE(auth_->set_access(*narrow, "bob", Role::kAdmin, true, "").ok());
  EXPECT_FALSE(auth_->set_access(*narrow, "bob", Role::kAnalyst, false, "").ok());
  wanted.scopes = boss.rights;
  const auto whole = auth_->from_api_token(auth_->create_token(boss, wanted, "")->reveal());
  EXPECT_TRUE(auth_->set_access(*whole, "bob", Role::kEngineer, true, "").ok());
  EXPECT_FALSE(auth_->reset_user(*whole, "admin", core::Secret("another long password"), "").ok());
}

TEST_F(AuthTest, ResetGivesAPasswordAndEndsAllElse) {
  const auto boss = admin();
  ASSERT_TRUE(auth_->create_user(boss, new_user("bob", Role::kAnalyst), "").ok());
  const auto login = log_in("bob", kPassword);
  const auto bob = auth_->from_session(login.session_token.reveal());
  const auto totp = auth_->begin_totp(*bob);
  ASSERT_TRUE(auth_->confirm_totp(*bob, totp_code(totp->reveal(), clock_.now().ns / 30'000'000'000, kTotpDigits), "").ok());
  const auto token = auth_->create_token(*bob, {"t", rights_of(Role::kViewer), {clock_.now().ns + 1'000'000'000}}, "");
  const core::Secret fresh("another long password");
  EXPECT_FALSE(auth_->reset_user(*bob, "admin", fresh, "").ok());
  EXPECT_FALSE(auth_->reset_user(boss, "bob", core::Secret("short"), "").ok());
  EXPECT_FALSE(auth_->reset_user(boss, "nobody", fresh, "").ok());
  EXPECT_TRUE(auth_->reset_user(boss, "bob", fresh, "").ok());
  EXPECT_FALSE(auth_->from_session(login.session_token.reveal()).ok());
  EXPECT_FALSE(auth_->from_api_token(token->reveal()).ok());
  EXPECT_EQ(log_in("bob", "another long password").outcome, Outcome::kOk);
}

TEST_F(AuthTest, UserIsChangedOnlyInWhatIsGiven) {
  const auto boss = admin();
  ASSERT_TRUE(auth_->create_user(boss, new_user("bob", Role::kAnalyst, {"a"}), "").ok());
  ASSERT_TRUE(auth_->change_user(boss, "bob", {{}, {}, std::vector<std::string>{"b", "c"}, "Bob"}, "").ok());
  const auto bob = as("bob");
  EXPECT_EQ(bob.role, Role::kAnalyst);
  EXPECT_EQ(bob.tenants, (std::vector<std::string>{"b", "c"}));
  ASSERT_TRUE(auth_->create_user(boss, new_user("eve", Role::kAdmin, {"b"}), "").ok());
  const auto eve = as("eve");
  EXPECT_FALSE(auth_->change_user(eve, "bob", {{}, {}, std::vector<std::string>{"b"}, {}}, "").ok());  // c is not hers.
  ASSERT_TRUE(auth_->change_user(boss, "bob", {{}, {}, std::vector<std::string>{"b"}, {}}, "").ok());
  EXPECT_FALSE(auth_->change_user(eve, "bob", {{}, {}, std::vector<std::string>{}, {}}, "").ok());  // All is not hers.
  EXPECT_TRUE(auth_->change_user(eve, "bob", {{}, {}, {}, "Robert"}, "").ok());
  EXPECT_EQ(auth_->change_user(boss, "admin", {{}, {}, std::vector<std::string>{"b"}, {}}, "").error().code,
            core::ErrorCode::kInvalid);
}

TEST_F(AuthTest, SecondFactorGoesWithThePasswordOnly) {
  const auto boss = admin();
  const auto totp = auth_->begin_totp(boss);
  ASSERT_TRUE(auth_->confirm_totp(boss, totp_code(totp->reveal(), clock_.now().ns / 30'000'000'000, kTotpDigits), "").ok());
  EXPECT_FALSE(auth_->end_totp(boss, core::Secret("wrong"), "192.0.2.1").ok());
  EXPECT_EQ(log_in("admin", kPassword).outcome, Outcome::kCodeNeeded);
  EXPECT_TRUE(auth_->end_totp(boss, core::Secret(kPassword), "192.0.2.1").ok());
  EXPECT_EQ(log_in("admin", kPassword).outcome, Outcome::kOk);
  EXPECT_TRUE(auth_->begin_totp(boss).ok());
}

TEST_F(AuthTest, SessionsAreListedAndEnded) {
  const auto boss = admin();
  clock_.advance(1min);
  const auto second = log_in("admin", kPassword, "", "192.0.2.7");
  const auto list = auth_->sessions(boss);
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ((*list)[0].address, "192.0.2.7");
  EXPECT_FALSE((*list)[0].current);
  EXPECT_TRUE((*list)[1].current);
  EXPECT_EQ(auth_->end_session(boss, "0123456789abcdef", "").error().code, core::ErrorCode::kNotFound);
  EXPECT_EQ(auth_->end_session(boss, "", "").error().code, core::ErrorCode::kNotFound);
  EXPECT_TRUE(auth_->end_session(boss, (*list)[0].id, "").ok());
  EXPECT_FALSE(auth_->from_session(second.session_token.reveal()).ok());
  ASSERT_TRUE(auth_->create_user(boss, new_user("bob", Role::kAnalyst), "").ok());
  EXPECT_EQ(auth_->end_session(as("bob"), (*list)[1].id, "").error().code, core::ErrorCode::kNotFound);
}

TEST_F(AuthTest, NoSecretIsInTheFiles) {
  const auto boss = admin();
  const auto login = log_in("admin", kPassword);
  const auto totp = auth_->begin_totp(boss);
  const auto codes = auth_->confirm_totp(boss, totp_code(totp->reveal(), clock_.now().ns / 30'000'000'000, kTotpDigits), "");
  NewToken wanted{"ci", rights_of(Role::kViewer), {clock_.now().ns + 1'000'000'000}};
  const auto token = auth_->create_token(boss, wanted, "");
  ASSERT_TRUE(codes.ok() && token.ok());
  log_in("typed secret here", "wrong");
  const std::string bytes = all_bytes();
  ASSERT_NE(bytes.find("$argon2id$"), std::string::npos);
  for (const std::string_view secret :
       {std::string_view(kPassword), login.session_token.reveal(), login.csrf_token.reveal(), totp->reveal(),
        token->reveal(), std::string_view(codes->front()), std::string_view("typed secret here")}) {
    EXPECT_EQ(bytes.find(secret), std::string::npos);
  }
  EXPECT_TRUE(ledger_->verify_audit()->intact());
}

TEST_F(AuthTest, KeyFileMustBePrivateAndWhole) {
  const std::string path = (folder_.path() / "key").string();
  EXPECT_TRUE(load_seal_key(path).ok());
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  EXPECT_EQ(load_seal_key(path).error().code, core::ErrorCode::kDenied);
  const std::string bad = folder_.write("bad", "short");
  ASSERT_EQ(::chmod(bad.c_str(), 0600), 0);
  EXPECT_EQ(load_seal_key(bad).error().code, core::ErrorCode::kInvalid);
}

TEST_F(AuthTest, ThreadsLogInAndUseSessionsAtOnce) {
  admin();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      for (int round = 0; round < 5; ++round) {
        const auto login = log_in("admin", kPassword, "", "192.0.2." + std::to_string(10 + i));
        EXPECT_EQ(login.outcome, Outcome::kOk);
        EXPECT_TRUE(auth_->from_session(login.session_token.reveal()).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(ledger_->verify_audit()->intact());
}

}  // namespace
}  // namespace tocsin::auth
