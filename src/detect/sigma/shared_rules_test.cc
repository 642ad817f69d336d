// All public rules under the shared data load; skipped where those are absent.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>

#include "detect/sigma/test_rules.h"
#include "testing/paths.h"

namespace tocsin::detect::sigma {
namespace {

std::vector<SourceText> shared_rules() {
  std::vector<SourceText> out;
  const auto root = tocsin::testing::shared_data() / "sigma";
  for (const char* folder : {"rules", "rules-emerging-threats", "rules-threat-hunting"}) {
    if (tocsin::testing::shared_data().empty() || !std::filesystem::is_directory(root / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      if (entry.path().extension() == ".yml")
        out.push_back({entry.path().string(), tocsin::testing::read_file(entry.path())});
    }
  }
  std::sort(out.begin(), out.end(), [](const SourceText& a, const SourceText& b) { return a.path < b.path; });
  return out;
}

TEST(SharedRules, AllLoadExceptThoseWithUnresolvedPlaceholders) {
  const auto sources = shared_rules();
  if (sources.empty()) GTEST_SKIP() << "no shared data: the public rules are not here";
  const RuleSet set = load_rules(sources, {});
  EXPECT_EQ(set.rules.size() + 2, sources.size());
  EXPECT_EQ(set.refused_count, 2u);
  EXPECT_EQ(set.diagnostics.size(), 2u) << show(set.diagnostics);
  for (const Diagnostic& d : set.diagnostics) {
    EXPECT_EQ(d.code, "placeholder-unresolved");
    EXPECT_NE(d.message.find("%known_cdcs%"), std::string::npos);
    EXPECT_GT(d.line, 1u);
  }
}

TEST(SharedRules, AllLoadWithTheVariables) {
  const auto sources = shared_rules();
  if (sources.empty()) GTEST_SKIP() << "no shared data: the public rules are not here";
  LoadOptions options;
  options.variables["known_cdcs"] = {"dc01", "dc02*"};
  const RuleSet set = load_rules(sources, options);
  EXPECT_EQ(set.rules.size(), sources.size());
  EXPECT_TRUE(set.diagnostics.empty()) << show(set.diagnostics);
}

TEST(SharedRules, TheWholeSetGivenTwiceIsTakenOnce) {
  auto sources = shared_rules();
  if (sources.empty()) GTEST_SKIP() << "no shared data: the public rules are not here";
  const std::size_t count = sources.size();
  for (std::size_t i = 0; i < count; ++i) sources.push_back({"copy/" + sources[i].path, sources[i].text});
  const RuleSet set = load_rules(sources, {});
  EXPECT_EQ(set.rules.size() + 2, count);
}

// An event without fields matches only rules that ask for what is absent; every rule can be evaluated.
TEST(SharedRules, AllCanBeEvaluated) {
  const auto sources = shared_rules();
  if (sources.empty()) GTEST_SKIP() << "no shared data: the public rules are not here";
  const RuleSet set = load_rules(sources, {});
  PlainEvaluator evaluator;
  const PlainEvent event = event_of({{"Image", R"(C:\Windows\System32\whoami.exe)"},
                                     {"OriginalFileName", "whoami.exe"},
                                     {"CommandLine", "whoami /priv"},
                                     {"User", "NT AUTHORITY\\SYSTEM"},
                                     {"EventID", "1"}});
  std::size_t match_count = 0, whoami_count = 0;
  for (const Rule& rule : set.rules) {
    if (!evaluator.match(rule, event)) continue;
    ++match_count;
    whoami_count += rule.info.title.find("hoami") != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(whoami_count, 0u);
  EXPECT_LT(match_count, 60u);
}

TEST(SharedRules, LoadQuickly) {
  const auto sources = shared_rules();
  if (sources.empty()) GTEST_SKIP() << "no shared data: the public rules are not here";
  double best = std::numeric_limits<double>::max();
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const RuleSet set = load_rules(sources, {});
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  RecordProperty("load_ms", static_cast<int>(best * 1'000));
  EXPECT_LT(best, 5.0);  // About 0.1 s; wide, for busy machines and sanitizers.
}

}  // namespace
}  // namespace tocsin::detect::sigma
