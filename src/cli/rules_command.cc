#include "cli/rules_command.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <unordered_set>

#include "cli/cli.h"
#include "cli/content.h"
#include "cli/rules/install.h"
#include "cli/rules/rule_check.h"
#include "cli/rules/rule_input.h"
#include "cli/rules/rule_lists.h"
#include "cli/rules/rule_tests.h"
#include "core/json_writer.h"

namespace tocsin::cli {
namespace {

using detect::sigma::Diagnostic;
constexpr std::size_t kMaxRefusedShown = 10;  // After an installation.

// What all verbs but install work on.
struct Loaded {
  Content content;
  RuleInput input;
  detect::RuleSet rules;
  detect::LogSourceMap sources;
};

core::Result<std::unique_ptr<Loaded>> load(const RulesArguments& arguments) {
  auto out = std::make_unique<Loaded>();
  out->content = TOCSIN_TRY(Content::load(arguments.content));
  out->input = TOCSIN_TRY(find_rules(arguments.paths, arguments.more_rules, out->content));
  out->rules = TOCSIN_TRY(load_rule_files(out->input, arguments.variables));
  out->sources = TOCSIN_TRY(load_source_table(out->content, arguments.log_source_files));
  return out;
}

core::Error usage(std::string text) { return {core::ErrorCode::kInvalid, std::move(text)}; }

core::Result<void> expect_format(const RulesArguments& arguments, const char* first, const char* second) {
  if (arguments.format == first || arguments.format == second) return {};
  return usage("--format '" + arguments.format + "': expected " + first + " or " + second);
}

void write_diagnostic_json(const Diagnostic& problem, std::ostream& out) {
  std::string line;
  core::JsonWriter json(line);
  json.begin_object().member("severity", problem.severity == Diagnostic::Severity::kError ? "error" : "warning");
  json.member("path", problem.path).key("line").number(problem.line).key("column").number(problem.column);
  json.member("code", problem.code).member("message", problem.message).member_if("hint", problem.hint);
  json.member_if("rule_id", problem.rule_id).member_if("rule_title", problem.rule_title).end_object();
  out << line << '\n';
}

core::Result<int> check_verb(const RulesArguments& arguments) {
  TOCSIN_TRY(expect_format(arguments, "text", "json"));
  const auto loaded = TOCSIN_TRY(load(arguments));
  const std::vector<Diagnostic> problems = check_rules(loaded->rules, loaded->sources);
  std::uint64_t errors = 0, warnings = 0;
  for (const Diagnostic& problem : problems) {
    ++(problem.severity == Diagnostic::Severity::kError ? errors : warnings);
    if (arguments.format == "json")
      write_diagnostic_json(problem, std::cout);
    else
      std::cout << detect::format_diagnostic(problem) << '\n';
  }
  const bool failed = errors > 0 || (arguments.strict && warnings > 0);
  // Beside JSON lines for a program, the count is for the person who looks on.
  (arguments.format == "json" ? std::cerr : std::cout)
      << loaded->input.files.size() << " files, " << loaded->rules.rules.size() << " rules, "
      << loaded->rules.correlations.size() << " correlations, " << loaded->rules.filter_count << " filters: " << errors
      << " errors, " << warnings << " warnings\n";
  return failed ? kExitFound : kExitDone;
}

core::Result<ListFilter> list_filter(const RulesArguments& arguments) {
  ListFilter out;
  for (const std::string& text : arguments.levels) {
    const auto level = model::level_from_string(text);
    if (!level) return usage("--level '" + text + "': expected informational, low, medium, high or critical");
    out.levels.push_back(*level);
  }
  out.statuses = arguments.statuses;
  out.tags = arguments.tags;
  for (const std::string& text : arguments.log_sources) {
    model::LogSource source;
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find(',', at), text.size());
      const std::string part = CLI::detail::to_lower(text.substr(at, end - at));
      const std::size_t equals = part.find('=');
      const std::string key = part.substr(0, equals);
      const std::string value = equals == std::string::npos ? "" : part.substr(equals + 1);
      if (key == "product" && !value.empty())
        source.product = value;
      else if (key == "category" && !value.empty())
        source.category = value;
      else if (key == "service" && !value.empty())
        source.service = value;
      else
        return usage("--logsource '" + text + "': expected product=..,category=..,service=..");
      at = end + 1;
    }
    out.log_sources.push_back(std::move(source));
  }
  return out;
}

// Refused rules are no part of a list; that there are some is said.
void tell_refused(const detect::RuleSet& rules) {
  if (rules.refused_count > 0)
    std::cerr << "tocsin: " << rules.refused_count << " rules could not be loaded; tocsin rules check says why\n";
}

core::Result<int> list_verb(const RulesArguments& arguments) {
  TOCSIN_TRY(expect_format(arguments, "table", "jsonl"));
  const ListFilter filter = TOCSIN_TRY(list_filter(arguments));
  const auto loaded = TOCSIN_TRY(load(arguments));
  if (arguments.format == "jsonl")
    write_rule_lines(loaded->rules, filter, std::cout);
  else
    write_rule_table(loaded->rules, filter, std::cout);
  tell_refused(loaded->rules);
  return kExitDone;
}

core::Result<int> stats_verb(const RulesArguments& arguments) {
  const auto loaded = TOCSIN_TRY(load(arguments));
  write_rule_stats(loaded->rules, std::cout);
  tell_refused(loaded->rules);
  return kExitDone;
}

void write_failure(const TestFailure& failure, std::ostream& out) {
  out << "FAILED " << failure.file << (failure.name.empty() ? "" : ": " + failure.name) << "\n  expected "
      << failure.expected << ", got " << failure.got << '\n';
  for (const std::string& line : failure.why) out << "    " << line << '\n';
}

core::Result<int> test_verb(const RulesArguments& arguments) {
  const auto loaded = TOCSIN_TRY(load(arguments));
  RuleTestOptions options;
  options.under_test = loaded->input.under_test;
  options.read = loaded->input.read;
  options.twins = !arguments.no_twin;
  const std::unordered_set<std::string> rule_files(options.under_test.begin(), options.under_test.end());
  for (const std::string& path : loaded->input.test_files) {
    if (!rule_files.contains(rule_path_of(path))) options.orphans.push_back(path);
  }
  if (arguments.verbose) {
    options.each = [](const std::string& file, const std::string& name, bool passed) {
      if (passed) std::cout << "ok " << file << ": " << name << '\n';
    };
  }
  const RuleTestReport report = run_rule_tests(loaded->rules, loaded->sources, options);
  for (const TestFailure& failure : report.failures) write_failure(failure, std::cout);
  std::cout << report.tests << " tests, " << report.failed << " failed";
  if (report.untested_rules > 0)
    std::cout << "; " << report.untested_rules << " of " << report.rules << " rule files have no test";
  if (report.missing_samples > 0) std::cout << " (the samples of " << report.missing_samples << " are not here)";
  std::cout << '\n';
  return report.failed > 0 ? kExitFound : kExitDone;
}

std::string lower(std::string text) { return CLI::detail::to_lower(std::move(text)); }

void tell_check(const std::string& folder) {
  const auto files = read_rule_files({folder});
  if (!files.ok()) return;
  RuleInput input;
  input.files = files.value();
  const auto rules = load_rule_files(input, "");
  if (!rules.ok()) return;
  std::cout << "loaded   " << rules->rules.size() << " rules, " << rules->correlations.size() << " correlations, "
            << rules->filter_count << " filters; " << rules->refused_count << " refused\n";
  std::size_t shown = 0;
  for (const Diagnostic& problem : rules->diagnostics) {
    if (problem.severity != Diagnostic::Severity::kError) continue;
    if (++shown > kMaxRefusedShown) break;
    std::cout << "         " << detect::format_diagnostic(problem) << '\n';
  }
}

core::Result<int> install_verb(const RulesArguments& arguments) {
  if (arguments.package != "sigmahq") return usage("there is no package '" + arguments.package + "'; expected sigmahq");
  InstallOptions options;
  options.from = arguments.from;
  options.to = arguments.to.empty() ? TOCSIN_TRY(default_rules_folder()) : arguments.to;
  options.expected_sha256 = lower(arguments.sha256);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  options.now.ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  std::cout << "source   " << (options.from.empty() ? kSigmaHqPackage : options.from) << '\n' << std::flush;
  const Installed installed = TOCSIN_TRY(install_sigmahq(options));
  std::cout << "sha256   " << installed.sha256 << '\n'
            << "version  " << installed.version << (installed.was_there ? " (was here already)" : "") << '\n'
            << "folder   " << installed.folder << '\n'
            << "files    " << installed.rule_files << " of rules; " << installed.skipped_files << " others left out\n";
  tell_check(installed.folder);
  std::cout << "use      tocsin detect -r " << installed.current << " PATH...\n"
            << "check    tocsin rules check " << installed.current << '\n';
  return kExitDone;
}

core::Result<int> run_verb(const RulesArguments& arguments) {
  if (arguments.verb == "check") return check_verb(arguments);
  if (arguments.verb == "list") return list_verb(arguments);
  if (arguments.verb == "stats") return stats_verb(arguments);
  if (arguments.verb == "install") return install_verb(arguments);
  return test_verb(arguments);
}

CLI::App& add_verb(CLI::App& rules, RulesArguments& arguments, const char* name, const char* text) {
  CLI::App& verb = *rules.add_subcommand(name, text);
  verb.callback([&arguments, name] { arguments.verb = name; });
  return verb;
}

void add_input(CLI::App& verb, RulesArguments& arguments) {
  verb.add_option("--vars", arguments.variables, "YAML file with values for rule placeholders (|expand)");
  verb.add_option("--content", arguments.content, "Use this content folder instead of what is built in");
}

void add_source_map(CLI::App& verb, RulesArguments& arguments) {
  verb.add_option("--logsource-map", arguments.log_source_files, "More log source tables (see content/mappings/logsources)")
      ->allow_extra_args(false);
}

}  // namespace

void add_rules(CLI::App& app, RulesArguments& arguments) {
  CLI::App& rules = *app.add_subcommand("rules", "Check, list and test Sigma rules");
  rules.require_subcommand(1);
  constexpr const char* kPaths = "Rule files and folders (default: the rules that come with tocsin)";

  CLI::App& check =
      add_verb(rules, arguments, "check", "Tell every problem of every rule; exit code 1 where one cannot be loaded");
  check.add_option("path", arguments.paths, kPaths);
  check.add_option("-f,--format", arguments.format, "text (default) or json: one object a line");
  check.add_flag("--strict", arguments.strict, "Warnings count as errors");
  add_input(check, arguments);
  add_source_map(check, arguments);

  CLI::App& list = add_verb(rules, arguments, "list", "List rules");
  list.add_option("-r,--rules,path", arguments.paths, kPaths);
  list.add_option("-f,--format", arguments.format, "table (default) or jsonl");
  list.add_option("--level", arguments.levels, "Only this level (may be repeated)")->allow_extra_args(false);
  list.add_option("--status", arguments.statuses, "Only this status (may be repeated)")->allow_extra_args(false);
  list.add_option("--tag", arguments.tags, "Only with this tag, e.g. attack.t1059 (may be repeated)")
      ->allow_extra_args(false);
  list.add_option("--logsource", arguments.log_sources, "Only product=windows,category=process_creation (may be repeated)")
      ->allow_extra_args(false);
  add_input(list, arguments);

  CLI::App& stats = add_verb(rules, arguments, "stats", "Count rules by level, source, tactic, operator, field");
  stats.add_option("-r,--rules,path", arguments.paths, kPaths);
  add_input(stats, arguments);

  CLI::App& test = add_verb(rules, arguments, "test", "Run the samples beside rules; exit code 1 where one fails");
  test.add_option("path", arguments.paths,
                  "Rule files, their .test.yml, and folders (default: the rules that come with tocsin)");
  test.add_option("-r,--rules", arguments.more_rules, "Load these as well, for rules that refer to them")
      ->allow_extra_args(false);
  test.add_flag("--no-twin", arguments.no_twin, "Regression samples: leave out the JSON beside each .evtx");
  test.add_flag("-v,--verbose", arguments.verbose, "Also name the tests that pass");
  add_input(test, arguments);
  add_source_map(test, arguments);

  CLI::App& install =
      add_verb(rules, arguments, "install", "Install SigmaHQ's rules into a folder of their own, by version");
  install.add_option("package", arguments.package, "sigmahq")->required();
  install.add_option("--from", arguments.from,
                     std::string("https:// address, zip file or folder (default: ") + kSigmaHqPackage + ")");
  install.add_option("--to", arguments.to,
                     "Folder for packages (default: below XDG_DATA_HOME or ~/.local/share; /var/lib/tocsin/rules for root)");
  install.add_option("--sha256", arguments.sha256, "Install only a package with this checksum");
}

int rules_main(const RulesArguments& given) {
  RulesArguments arguments = given;
  if (arguments.verb == "list" && arguments.format == "text") arguments.format = "table";
  std::ios::sync_with_stdio(false);
  const auto code = run_verb(arguments);
  std::cout.flush();
  if (!code.ok()) {
    std::cerr << "tocsin: " << code.error().text << '\n';
    return kExitUsage;
  }
  return code.value();
}

}  // namespace tocsin::cli
