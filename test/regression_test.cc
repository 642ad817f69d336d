// The public regression samples: every rule finds its sample, in EVTX and JSON alike, and nothing fires through a wrong
// log source. Skipped where the shared data is absent.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "core/unicode.h"
#include "detect/correlator.h"
#include "detect/engine.h"
#include "sample_events.h"

namespace tocsin {
namespace {

// Of a line "key: value" anywhere in the text.
std::string value_of(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t at = line.find_first_not_of(" -");
    if (at == std::string::npos || line.compare(at, key.size() + 1, key + ":") != 0) continue;
    const std::size_t begin = line.find_first_not_of(' ', at + key.size() + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return {};
}

std::set<std::string> split(const std::string& text, char separator) {
  std::set<std::string> out;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, separator);) out.insert(core::fold_utf8(part));
  return out;
}

struct Sample {
  std::string name, rule_id;
  std::size_t least = 1;
  fs::path evtx, json;
};

struct SourceLine {
  std::string kind, name;
  std::set<std::string> channels, event_ids;
};

class Regression : public ::testing::Test {
 protected:
  struct Shared {
    std::vector<Sample> samples;
    detect::RuleSet rules;
    detect::LogSourceMap sources;
    std::vector<SourceLine> lines;
  };

  static void SetUpTestSuite() {
    const fs::path data = testing::shared_data();
    if (data.empty()) return;
    shared_ = new Shared{{}, load_public_rules(data / "sigma"), windows_sources(), {}};
    for (const fs::path& info : files_under(data / "sigma/regression_data", "info.yml")) {
      const std::string text = testing::read_file(info);
      const fs::path evtx = data / "sigma" / value_of(text, "path");
      if (evtx.extension() != ".evtx" || !fs::exists(evtx)) continue;
      const std::string count = value_of(text, "match_count");
      shared_->samples.push_back({info.parent_path().filename(), evtx.stem(), count.empty() ? 1 : std::stoul(count), evtx,
                                  fs::path(evtx).replace_extension(".json")});
    }
    const fs::path table = data.parent_path() / "reference/sigma_logsources.tsv";
    if (!fs::exists(table)) return;
    std::istringstream lines(testing::read_file(table));
    for (std::string line; std::getline(lines, line);) {
      std::vector<std::string> cells;
      std::istringstream parts(line);
      for (std::string cell; std::getline(parts, cell, '\t');) cells.push_back(cell);
      if (cells.size() > 4) shared_->lines.push_back({cells[0], cells[1], split(cells[3], '|'), split(cells[4], '|')});
    }
  }
  static void TearDownTestSuite() {
    delete shared_;
    shared_ = nullptr;
  }
  void SetUp() override {
    if (shared_ == nullptr || shared_->samples.empty())
      GTEST_SKIP() << "no shared data: the regression samples are not here";
  }

  // Per event of the file: the ids of the rules that match.
  static std::vector<std::set<std::string>> findings(const fs::path& path) {
    const detect::CompiledRules& compiled = *compiled_;
    model::NameTable names;
    detect::Engine engine(compiled, names);
    std::vector<std::set<std::string>> out;
    read_events(path, names, [&](const model::Event& event) {
      std::vector<detect::Match> matches;
      engine.match(event, matches);
      auto& ids = out.emplace_back();
      for (const detect::Match& match : matches) ids.insert(shared_->rules.rules[match.rule_index].info.id);
    });
    return out;
  }

  static bool fits(const std::string& kind, const std::string& name, const std::string& channel,
                   const std::string& event_id) {
    return std::any_of(shared_->lines.begin(), shared_->lines.end(), [&](const SourceLine& line) {
      return line.kind.starts_with(kind) && line.name == name && line.channels.contains(core::fold_utf8(channel)) &&
             (line.event_ids.empty() || line.event_ids.contains(event_id));
    });
  }

  static Shared* shared_;
  static detect::CompiledRules* compiled_;
};
Regression::Shared* Regression::shared_ = nullptr;
detect::CompiledRules* Regression::compiled_ = nullptr;

class RegressionSamples : public Regression {
 protected:
  static void SetUpTestSuite() {
    Regression::SetUpTestSuite();
    if (shared_ != nullptr) compiled_ = new detect::CompiledRules(shared_->rules, shared_->sources, {});
  }
  static void TearDownTestSuite() {
    delete compiled_;
    compiled_ = nullptr;
    Regression::TearDownTestSuite();
  }
};

// How many events of these samples their rule matches, where it is more than match_count says.
const std::map<std::string, std::size_t> kKnownCounts{{"anydesk_artefact", 3},
                                                      {"cred_dump_tools_dropped_files", 3},
                                                      {"change_security_zones", 3},
                                                      {"disable_administrative_share", 2}};
constexpr std::size_t kAllSamples = 202;
constexpr std::size_t kAllPairs = 352;

TEST_F(RegressionSamples, EveryRuleFindsItsSampleInBothForms) {
  for (const Sample& sample : shared_->samples) {
    for (const fs::path& path : {sample.evtx, sample.json}) {
      std::size_t count = 0;
      for (const auto& ids : findings(path)) count += ids.contains(sample.rule_id) ? 1 : 0;
      EXPECT_GE(count, sample.least) << path;
      const auto known = std::find_if(kKnownCounts.begin(), kKnownCounts.end(),
                                      [&](const auto& entry) { return sample.name.find(entry.first) != std::string::npos; });
      if (known == kKnownCounts.end()) continue;
      EXPECT_EQ(count, known->second) << path;
    }
  }
}

TEST_F(RegressionSamples, EvtxAndJsonGiveTheSameFindingsOfAllRules) {
  std::size_t pairs = 0;
  for (const Sample& sample : shared_->samples) {
    const auto from_evtx = findings(sample.evtx);
    EXPECT_EQ(from_evtx, findings(sample.json)) << sample.evtx;
    for (const auto& ids : from_evtx) pairs += ids.size();
  }
  std::printf("%zu samples, %zu (rule, event) pairs\n", shared_->samples.size(), pairs);
  EXPECT_GE(pairs, shared_->samples.size());
  EXPECT_TRUE(shared_->samples.size() != kAllSamples || pairs == kAllPairs) << pairs;
}

TEST_F(RegressionSamples, NoRuleFiresThroughAWrongLogSource) {
  if (shared_->lines.empty()) GTEST_SKIP() << "no shared reference: the table of log sources is not here";
  model::NameTable names;
  detect::Engine engine(*compiled_, names);
  for (const Sample& sample : shared_->samples) {
    read_events(sample.evtx, names, [&](const model::Event& event) {
      std::vector<detect::Match> matches;
      engine.match(event, matches);
      const std::string channel(event.text("Channel"));
      const std::string event_id(event.text("EventID"));
      for (const detect::Match& match : matches) {
        const model::RuleInfo& info = shared_->rules.rules[match.rule_index].info;
        const model::LogSource& source = info.logsource;
        EXPECT_TRUE(source.product.empty() || source.product == "windows") << info.title;
        EXPECT_TRUE(source.category.empty() || fits("category", source.category, channel, event_id))
            << info.title << " on " << channel << " " << event_id;
        EXPECT_TRUE(source.service.empty() || fits("service", source.service, channel, event_id))
            << info.title << " on " << channel << " " << event_id;
      }
    });
  }
}

// What hayabusa publishes for this recording: 3,558 wrong passwords from one address. It holds three more failed logons,
// of an unknown user and of a disabled account, which are no wrong passwords.
TEST(PublishedValues, PasswordGuessingIs3558Events) {
  const fs::path data = testing::shared_data();
  const fs::path path = data / "evtx/attack-samples/DeepBlueCLI/smb-password-guessing-security.evtx";
  if (data.empty() || !fs::exists(path)) GTEST_SKIP() << "no shared data: the recording is not here";
  const detect::RuleSet rules = detect::load_rules({{"rules.yml", R"(title: Failed logon
name: failed_logon
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4625, SubStatus: '0xc000006a'}
  condition: selection
---
title: Password guessing
correlation:
  type: event_count
  rules: failed_logon
  group-by: IpAddress
  timespan: 5m
  condition: {gte: 5}
)"}},
                                                   {});
  ASSERT_EQ(rules.correlations.size(), 1u);
  const detect::LogSourceMap sources = windows_sources();
  const detect::CompiledRules compiled(rules, sources, {});
  model::NameTable names;
  detect::Engine engine(compiled, names);
  detect::CorrelatorOptions options;
  options.lateness_ns = 86'400'000'000'000;
  detect::Correlator correlator(rules, options);
  std::vector<detect::CorrelationFinding> found;
  std::uint64_t order = 0;
  read_events(path, names, [&](const model::Event& event) {
    std::vector<detect::Match> matches;
    engine.match(event, matches);
    for (const detect::Match& match : matches) {
      detect::Occurrence occurrence;
      occurrence.rule_index = match.rule_index;
      occurrence.event_time = event.slot->time;
      occurrence.order = order++;
      for (const std::string& field : correlator.needed_fields(match.rule_index))
        occurrence.values.push_back(engine.values(event, match, field));
      correlator.add(std::move(occurrence), found);
    }
  });
  correlator.finish(found);
  std::uint64_t events = 0;
  for (const detect::CorrelationFinding& finding : found) {
    ASSERT_EQ(finding.group.size(), 1u);
    if (finding.group[0].second == "192.168.198.149") events += finding.event_count;
  }
  EXPECT_EQ(events, 3'558u);
  EXPECT_EQ(found.size(), 1u);
}

}  // namespace
}  // namespace tocsin
