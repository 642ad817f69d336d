#include <gtest/gtest.h>

#include "auth/password.h"
#include "auth/rights.h"
#include "auth/token.h"
#include "auth/totp.h"

namespace tocsin::auth {
namespace {

TEST(Totp, GivesTheCodesOfRfc6238AppendixB) {
  constexpr std::string_view kSecret = "12345678901234567890";
  constexpr std::pair<std::int64_t, const char*> kCases[] = {{59, "94287082"},         {1111111109, "07081804"},
                                                             {1111111111, "14050471"}, {1234567890, "89005924"},
                                                             {2000000000, "69279037"}, {20000000000, "65353130"}};
  for (const auto& [seconds, code] : kCases) EXPECT_EQ(totp_code(kSecret, seconds / kTotpStepSeconds, 8), code);
}

TEST(Totp, AcceptsOneStepEitherSideOnceOnly) {
  const std::string secret = "12345678901234567890";
  const std::int64_t present = 1'000'000;
  const core::Timestamp now{present * kTotpStepSeconds * 1'000'000'000};
  for (std::int64_t step = present - 3; step <= present + 3; ++step) {
    const auto code = totp_code(secret, step, kTotpDigits);
    EXPECT_EQ(match_totp(secret, code, now, 0).has_value(), step >= present - 1 && step <= present + 1);
    EXPECT_FALSE(match_totp(secret, code, now, step).has_value());
  }
  EXPECT_FALSE(match_totp(secret, "", now, 0).has_value());
  EXPECT_FALSE(match_totp(secret, totp_code(secret, present, 8), now, 0).has_value());
}

TEST(Password, PolicyHoldsAtItsEdges) {
  EXPECT_FALSE(check_password_policy("a", std::string(11, 'x')).ok());
  EXPECT_TRUE(check_password_policy("a", std::string(12, 'x')).ok());
  EXPECT_TRUE(check_password_policy("a", std::string(1024, 'x')).ok());
  EXPECT_FALSE(check_password_policy("a", std::string(1025, 'x')).ok());
  EXPECT_FALSE(check_password_policy("administrator", "Administrator").ok());
}

TEST(Password, HashIsArgon2idAndMatchesOnlyItsPassword) {
  const auto hash = hash_password("correct horse battery", kTestPasswordCost);
  ASSERT_TRUE(hash.ok());
  EXPECT_TRUE(hash->starts_with("$argon2id$"));
  EXPECT_TRUE(password_matches(*hash, "correct horse battery"));
  EXPECT_FALSE(password_matches(*hash, "correct horse batterz"));
  EXPECT_FALSE(password_matches("", "correct horse battery"));
  EXPECT_FALSE(password_matches(std::string(500, 'x'), "correct horse battery"));
}

TEST(Password, NormalCostIsNamedInTheHash) {
  const auto hash = hash_password("correct horse battery", kPasswordCost);
  ASSERT_TRUE(hash.ok());
  EXPECT_NE(hash->find("m=65536,t=3"), std::string::npos);
}

TEST(Token, IsRandomAndWellFormed) {
  const auto a = new_token(kApiTokenPrefix), b = new_token(kApiTokenPrefix);
  EXPECT_TRUE(is_token(a.reveal(), kApiTokenPrefix));
  EXPECT_FALSE(a.equals(b.reveal()));
  EXPECT_FALSE(is_token(a.reveal(), ""));
  EXPECT_FALSE(is_token(std::string(a.reveal()) + "A", kApiTokenPrefix));
  EXPECT_FALSE(is_token("tcs_" + std::string(43, '='), kApiTokenPrefix));
  EXPECT_EQ(hash_token("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_TRUE(csrf_token("s").equals(csrf_token("s").reveal()));
  EXPECT_FALSE(csrf_token("s").equals(csrf_token("t").reveal()));
}

TEST(Token, CookieAndBearerAreFound) {
  EXPECT_EQ(find_cookie("a=1; s=2;s=3", "s"), "2");
  EXPECT_EQ(find_cookie("xs=1; sx=2", "s"), std::nullopt);
  EXPECT_EQ(find_cookie(";;=; s", "s"), std::nullopt);
  EXPECT_EQ(find_cookie("s=", "s"), "");
  EXPECT_EQ(find_cookie("s=1;" + std::string(kMaxCookieBytes, 'a'), "s"), std::nullopt);
  EXPECT_EQ(bearer_token("bEARER  x "), "x");
  EXPECT_EQ(bearer_token("Bearer "), std::nullopt);
  EXPECT_EQ(bearer_token("Basic x"), std::nullopt);
}

TEST(Rights, NamesReadBackAndRolesGrow) {
  for (std::size_t i = 0; i < kRightCount; ++i)
    EXPECT_EQ(parse_right(to_string(static_cast<Right>(i))), static_cast<Right>(i));
  for (std::size_t i = 0; i < kRoleCount; ++i) {
    const auto role = static_cast<Role>(i);
    EXPECT_EQ(parse_role(to_string(role)), role);
    EXPECT_EQ(rights_of(role) & rights_of(Role::kViewer), rights_of(Role::kViewer));
    EXPECT_EQ(has(rights_of(role), Right::kUsersWrite), role == Role::kAdmin);
  }
  EXPECT_TRUE(rights_of(Role::kAdmin).all());
  EXPECT_TRUE(has(rights_of(Role::kHunter), Right::kSearchSql) && !has(rights_of(Role::kAnalyst), Right::kSearchSql));
  EXPECT_EQ(parse_role("root"), std::nullopt);
}

TEST(Totp, SecretsAreShownInBase32) {
  EXPECT_EQ(base32(""), "");
  EXPECT_EQ(base32("f"), "MY");
  EXPECT_EQ(base32("fo"), "MZXQ");
  EXPECT_EQ(base32("foo"), "MZXW6");
  EXPECT_EQ(base32("foob"), "MZXW6YQ");
  EXPECT_EQ(base32("fooba"), "MZXW6YTB");
  EXPECT_EQ(base32("foobar"), "MZXW6YTBOI");
  EXPECT_EQ(totp_uri("foobar", "ada@x").reveal(), "otpauth://totp/Tocsin:ada%40x?secret=MZXW6YTBOI&issuer=Tocsin");
}

TEST(Token, SourceTokensHaveTheirOwnPrefix) {
  const core::Secret token = new_source_token();
  EXPECT_TRUE(is_token(token.reveal(), kSourceTokenPrefix));
  EXPECT_FALSE(is_token(token.reveal(), kApiTokenPrefix));
}

}  // namespace
}  // namespace tocsin::auth
