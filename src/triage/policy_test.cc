#include "triage/policy.h"

#include <gtest/gtest.h>

#include "testing/paths.h"
#include "triage/joiner_test_support.h"

namespace tocsin::triage {
namespace {

std::string own_text() { return testing::read_file(testing::project_root() / "content/triage/joining.yml"); }

std::string error_with(const std::string& from, const std::string& to) {
  std::string text = own_text();
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const auto result = read_join_policy(text, "j.yml");
  return result.ok() ? "accepted" : result.error().text;
}

TEST(JoinPolicy, OwnFileIsRead) {
  const auto policy = own_policy();
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->kind(LinkKind::kConnection).window_ns, 900'000'000'000);
  EXPECT_TRUE(policy->never_users.contains("local service"));
  EXPECT_EQ(policy->kind(LinkKind::kHost).min_severity, 3);
}

TEST(JoinPolicy, UnknownKeysAreRefusedWithTheirPlace) {
  EXPECT_NE(error_with("max_reasons: 6", "max_reason: 6").find("'max_reason' is not known in this file"), std::string::npos);
  EXPECT_EQ(error_with("max_reasons: 6", "max_reason: 6").find("j.yml:"), 0U);
  EXPECT_NE(error_with("  hash: {window: 7d", "  hush: {window: 7d").find("'hush' is not known in kinds"),
            std::string::npos);
  EXPECT_NE(error_with("{days: 4, hosts: 5,", "{day: 4, hosts: 5,").find("not known in common_rule"), std::string::npos);
  EXPECT_NE(error_with("  domains: [", "  domain: [").find("not known in never"), std::string::npos);
  EXPECT_NE(error_with("  user: {hosts: 4, days: 22}", "  user: {host: 4, days: 22}").find("not known in rare.user"),
            std::string::npos);
}

TEST(JoinPolicy, ValuesOutOfRangeAreRefused) {
  EXPECT_NE(error_with("window: 48h", "window: 91d").find("at most 90d"), std::string::npos);
  EXPECT_NE(error_with("window: 48h", "window: 48").find("expected a time"), std::string::npos);
  EXPECT_NE(error_with("weight: 1.0", "weight: 1.1").find("from 0 to 1"), std::string::npos);
  EXPECT_NE(error_with("max_reasons: 6", "max_reasons: 0").find("from 1 to 32"), std::string::npos);
  EXPECT_NE(error_with("10.0.0.0/8", "10.0.0.0/40").find("is no network"), std::string::npos);
}

TEST(JoinPolicy, MissingPartsAreRefused) {
  EXPECT_NE(error_with("max_reasons: 6", "").find("'max_reasons' is missing"), std::string::npos);
  EXPECT_FALSE(read_join_policy("", "j.yml").ok());
  EXPECT_FALSE(read_join_policy("[1]", "j.yml").ok());
  EXPECT_FALSE(read_join_policy("kinds: {", "j.yml").ok());
}

}  // namespace
}  // namespace tocsin::triage
