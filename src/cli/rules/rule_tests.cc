#include "cli/rules/rule_tests.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "cli/rule_runner.h"
#include "cli/rules/test_file.h"
#include "core/unicode.h"

namespace tocsin::cli {
namespace {

constexpr std::size_t kMaxEventsShown = 5;  // In why a rule did not fire.
constexpr std::size_t kMaxPredicatesShown = 8;
constexpr std::size_t kMaxParents = 64;  // Looked at for regression_data.

std::string folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return "";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

std::string join(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder.ends_with('/') ? folder + name : folder + "/" + name;
}

// A rule or a correlation: an index < rules.size() is a rule, the others are correlations, as in CorrelationRule::rules.
using Target = std::uint32_t;

class Tester {
 public:
  Tester(const detect::RuleSet& rules, const detect::LogSourceMap& sources, const RuleTestOptions& options)
      : rules_(rules), sources_(sources), options_(options) {
    for (Target i = 0; i < rules.rules.size() + rules.correlations.size(); ++i) by_path_[info(i).path].push_back(i);
    for (const detect::sigma::Diagnostic& problem : rules.diagnostics) {
      if (problem.severity == detect::sigma::Diagnostic::Severity::kError) refusals_[problem.path].push_back(&problem);
    }
  }

  RuleTestReport run() {
    for (const std::string& path : options_.under_test) test_file(path);
    for (const std::string& path : options_.orphans)
      fail({path, "", "a rule file " + rule_path_of(path), "there is none", {}});
    return std::move(report_);
  }

 private:
  [[nodiscard]] const model::RuleInfo& info(Target target) const {
    return target < rules_.rules.size() ? rules_.rules[target].info : rules_.correlations[target - rules_.rules.size()].info;
  }

  void fail(TestFailure failure) {
    ++report_.tests;
    ++report_.failed;
    if (options_.each) options_.each(failure.file, failure.name, false);
    report_.failures.push_back(std::move(failure));
  }

  void pass(const std::string& file, const std::string& name) {
    ++report_.tests;
    if (options_.each) options_.each(file, name, true);
  }

  void test_file(const std::string& path) {
    ++report_.rules;
    runners_.clear();
    bool tested = false;
    const std::string own = test_path_of(path);
    if (const auto text = options_.read(own, kMaxTestFileBytes); text.ok()) {
      tested = true;
      const auto tests = parse_tests(text.value());
      if (!tests.ok())
        fail({own, "", "a readable test file", tests.error().text, {}});
      else
        run_tests(path, own, folder_of(path), tests.value());
    } else if (text.error().code != core::ErrorCode::kNotFound) {
      fail({own, "", "a readable test file", text.error().text, {}});
    }
    tested |= test_regression(path);
    if (!tested) ++report_.untested_rules;
  }

  bool test_regression(const std::string& path) {
    const auto rule_text = options_.read(path, detect::kMaxRuleFileBytes);
    if (!rule_text.ok()) return false;
    const std::string wanted = regression_path_of(rule_text.value());
    if (wanted.empty()) return false;
    if (!stays_below(wanted)) {
      fail({path, "", "regression_tests_path below the repository's folder", wanted, {}});
      return true;
    }
    std::string folder = folder_of(path);
    for (std::size_t i = 0; i < kMaxParents; ++i) {
      const std::string info_path = join(folder, wanted);
      const auto text = options_.read(info_path, kMaxTestFileBytes);
      if (text.ok()) {
        const auto tests = parse_regression_info(text.value());
        if (!tests.ok())
          fail({info_path, "", "a readable info.yml", tests.error().text, {}});
        else
          run_tests(path, info_path, folder, tests.value());
        return true;
      }
      if (folder == "/") break;
      // Above the working folder, where the rules were given relative to it.
      std::error_code ignored;
      folder = folder_of(folder.empty() ? std::filesystem::current_path(ignored).string() : folder);
      if (folder.empty()) break;
    }
    ++report_.missing_samples;
    return false;
  }

  void run_tests(const std::string& rule_path, const std::string& file, const std::string& folder,
                 const std::vector<RuleTest>& tests) {
    for (const RuleTest& test : tests) {
      const auto target = find_target(rule_path, test.rule);
      if (!target) {
        fail({file, test.name, test.rule.empty() ? "a rule in " + rule_path : "a rule '" + test.rule + "'",
              "none that could be loaded", refusals_of(rule_path)});
        continue;
      }
      run_test(*target, file, folder, test);
    }
  }

  void run_test(Target target, const std::string& file, const std::string& folder, const RuleTest& test) {
    std::string bytes;
    if (!test.file.empty()) {
      auto read = options_.read(join(folder, test.file), kMaxSampleFileBytes);
      if (!read.ok()) {
        fail({file, test.name, "the sample " + test.file, read.error().text, {}});
        return;
      }
      bytes = std::move(read).value();
    }
    const std::uint64_t count = judge(target, file, test, test.name, test.file.empty() ? test.bytes : bytes, {});
    if (!test.at_least || !options_.twins || !test.file.ends_with(".evtx")) return;
    const std::string twin = join(folder, test.file.substr(0, test.file.size() - 4) + "json");
    const auto read = options_.read(twin, kMaxSampleFileBytes);
    if (read.ok()) judge(target, file, test, test.name + " (JSON twin)", read.value(), count);
  }

  // Runs and records one test. `exactly` replaces what the test expects.
  std::uint64_t judge(Target target, const std::string& file, const RuleTest& test, const std::string& name,
                      std::string_view bytes, std::optional<std::uint64_t> exactly) {
    RuleRunner& runner = runner_for(target, test.logsource);
    const RunOutcome outcome =
        test.file.empty() ? runner.run(name, bytes, test.format) : runner.run_file_bytes(name, bytes, test.format);
    const bool is_rule = target < rules_.rules.size();
    const std::uint64_t count =
        is_rule ? outcome.rule_counts[target] : outcome.correlation_counts[target - rules_.rules.size()];
    const std::uint64_t expected = exactly.value_or(test.expect);
    const bool good = !exactly && test.at_least ? count >= expected : count == expected;
    // A negative test whose events were not read proves nothing.
    if (good && outcome.events > 0) {
      pass(file, name);
      return count;
    }
    TestFailure failure{
        file, name, (!exactly && test.at_least ? "at least " : "") + std::to_string(expected), std::to_string(count), {}};
    if (outcome.events == 0)
      failure.why.emplace_back("no event could be read from the sample");
    else if (count < expected)
      explain_silence(target, test, bytes, outcome, failure.why);
    else
      explain_noise(target, outcome, failure.why);
    for (const std::string& problem : outcome.problems) failure.why.push_back("unreadable: " + problem);
    fail(std::move(failure));
    return count;
  }

  void explain_silence(Target target, const RuleTest& test, std::string_view bytes, const RunOutcome& outcome,
                       std::vector<std::string>& why) {
    why.push_back(std::to_string(outcome.events) + " events read");
    if (target >= rules_.rules.size()) {
      for (const Target part : rules_.correlations[target - rules_.rules.size()].rules) {
        const std::uint64_t count =
            part < rules_.rules.size() ? outcome.rule_counts[part] : outcome.correlation_counts[part - rules_.rules.size()];
        why.push_back("'" + info(part).title + "': " + std::to_string(count) + " matches");
      }
      if (outcome.events_without_time > 0)
        why.push_back(std::to_string(outcome.events_without_time) + " events have no time: they cannot be correlated");
      return;
    }
    RunnerOptions anywhere;
    anywhere.enabled = enabled_for(target);
    anywhere.any_source = true;
    RuleRunner runner(rules_, sources_, anywhere);
    const RunOutcome free =
        test.file.empty() ? runner.run(test.name, bytes, test.format) : runner.run_file_bytes(test.name, bytes, test.format);
    if (free.rule_counts[target] > outcome.rule_counts[target]) {
      why.push_back("without routing by logsource it matches " + std::to_string(free.rule_counts[target]) +
                    ": the events are not recognised as " + shown_logsource(info(target).logsource));
    }
    why.push_back("condition: " + rules_.rules[target].condition_text);
    for (std::string& line : selections_that_hold(rules_.rules[target], bytes, test.format, kMaxEventsShown))
      why.push_back(std::move(line));
  }

  void explain_noise(Target target, const RunOutcome& outcome, std::vector<std::string>& why) const {
    if (target >= rules_.rules.size()) {
      why.insert(why.end(), outcome.reasons.begin(), outcome.reasons.end());
      return;
    }
    for (const RuleHit& hit : outcome.hits) {
      if (hit.rule_index != target) continue;
      std::string line = "record " + std::to_string(hit.record) + ":";
      for (std::size_t i = 0; i < std::min(hit.why.predicates.size(), kMaxPredicatesShown); ++i) {
        const model::PredicateMatch& match = hit.why.predicates[i];
        line += (i == 0 ? " " : "; ") + match.selection + ": " + (match.field.empty() ? "any value" : match.field) + " " +
                match.op + " '" + match.pattern + "'";
      }
      if (hit.why.predicates.empty()) line += " the condition held without any predicate";
      why.push_back(std::move(line));
    }
  }

  static std::string shown_logsource(const model::LogSource& source) {
    std::string out;
    const auto add = [&](const char* key, const std::string& value) {
      if (!value.empty()) out += std::string(out.empty() ? "" : ", ") + key + " " + value;
    };
    add("product", source.product);
    add("category", source.category);
    add("service", source.service);
    return out;
  }

  [[nodiscard]] std::optional<Target> find_target(const std::string& path, const std::string& wanted) const {
    const auto here = by_path_.find(path);
    if (wanted.empty()) {
      if (here == by_path_.end()) return {};
      return *std::max_element(here->second.begin(), here->second.end(),
                               [&](Target a, Target b) { return info(a).line < info(b).line; });
    }
    const std::string key = core::fold_utf8(wanted);
    const auto is_wanted = [&](Target i) {
      return info(i).id == key || core::fold_utf8(info(i).name) == key || core::fold_utf8(info(i).title) == key;
    };
    if (here != by_path_.end()) {
      const auto found = std::find_if(here->second.begin(), here->second.end(), is_wanted);
      if (found != here->second.end()) return *found;
    }
    for (Target i = 0; i < rules_.rules.size() + rules_.correlations.size(); ++i) {
      if (is_wanted(i)) return i;
    }
    return {};
  }

  [[nodiscard]] std::vector<std::string> refusals_of(const std::string& path) const {
    std::vector<std::string> out;
    const auto found = refusals_.find(path);
    if (found == refusals_.end()) return out;
    for (const auto* problem : found->second) out.push_back(detect::format_diagnostic(*problem));
    return out;
  }

  // The rule, or all that a correlation refers to, also through others. Referenced correlations come before it.
  [[nodiscard]] std::vector<bool> enabled_for(Target target) const {
    std::vector<bool> wanted(rules_.rules.size() + rules_.correlations.size());
    wanted[target] = true;
    for (Target i = static_cast<Target>(wanted.size()); i-- > rules_.rules.size();) {
      if (!wanted[i]) continue;
      for (const Target part : rules_.correlations[i - rules_.rules.size()].rules) wanted[part] = true;
    }
    wanted.resize(rules_.rules.size());
    return wanted;
  }

  RuleRunner& runner_for(Target target, const model::LogSource& source) {
    const std::string key = std::to_string(target) + "\n" + source.product + "\n" + source.category + "\n" + source.service;
    auto& place = runners_[key];
    if (place == nullptr) {
      RunnerOptions options;
      options.enabled = enabled_for(target);
      options.input_source = source;
      place = std::make_unique<RuleRunner>(rules_, sources_, std::move(options));
    }
    return *place;
  }

  const detect::RuleSet& rules_;
  const detect::LogSourceMap& sources_;
  const RuleTestOptions& options_;
  std::unordered_map<std::string, std::vector<Target>> by_path_;
  std::unordered_map<std::string, std::vector<const detect::sigma::Diagnostic*>> refusals_;
  std::map<std::string, std::unique_ptr<RuleRunner>> runners_;  // Of the rule file at hand.
  RuleTestReport report_;
};

}  // namespace

RuleTestReport run_rule_tests(const detect::RuleSet& rules, const detect::LogSourceMap& sources,
                              const RuleTestOptions& options) {
  return Tester(rules, sources, options).run();
}

std::string test_path_of(std::string_view rule_path) {
  const std::size_t dot = rule_path.rfind('.');
  return std::string(rule_path.substr(0, dot)) + ".test" + std::string(rule_path.substr(std::min(dot, rule_path.size())));
}

bool is_test_path(std::string_view path) { return path.ends_with(".test.yml") || path.ends_with(".test.yaml"); }

std::string rule_path_of(std::string_view test_path) {
  const std::size_t at = test_path.rfind(".test.");
  if (at == std::string_view::npos) return std::string(test_path);
  return std::string(test_path.substr(0, at)) + std::string(test_path.substr(at + 5));
}

}  // namespace tocsin::cli
