#include "cli/cli.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "cli/content.h"
#include "cli/decode_command.h"
#include "cli/detect_command.h"
#include "cli/finding_sink.h"
#include "cli/incidents_command.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/rules/rule_input.h"
#include "cli/rules_command.h"
#include "cli/sinks/shown_text.h"
#include "core/json_writer.h"

#ifndef TOCSIN_VERSION
#define TOCSIN_VERSION "0"
#endif

namespace tocsin::cli {
namespace {

struct Failure {
  std::string text;
};

// Options of the commands that read events.
struct InputArguments {
  std::vector<std::string> paths;
  std::string format, from, to, errors_path;
  std::uint32_t threads = std::max(1U, std::thread::hardware_concurrency());
  std::size_t block_bytes = kBlockBytes;
  bool recover = false;
  bool quiet = false;

  void add_to(CLI::App& command) {
    command.add_option("path", paths, "Files, folders, archives; - for standard input")->required();
    command.add_option(
        "--input-format", format,
        "Do not guess the format: evtx windows-xml json syslog auditd journald-export zeek csv access-log text");
    command.add_option("--from", from, "Skip events before this time (ISO 8601, UTC unless it has a zone, or epoch)");
    command.add_option("--to", to, "Skip events after this time");
    command.add_option("--errors", errors_path, "Write each record that could not be read to this file, as JSON lines");
    command.add_option("--threads", threads, "Worker threads (default: all cores)")->check(CLI::Range(1, 256));
    // For tests: how input is cut must not show in what comes out. An empty group hides it from --help.
    command.add_option("--block-bytes", block_bytes)->check(CLI::Range(1, 16 << 20))->group("");
    command.add_flag("--recover", recover, "EVTX: also deleted records behind the free-space offset");
    command.add_flag("-q,--quiet", quiet, "No progress, no summary");
  }
};

core::Timestamp time_argument(const std::string& text, const char* option) {
  if (text.empty()) return core::kNoTime;
  const auto time = core::parse_any_time(text);
  if (!time) throw Failure{std::string(option) + " '" + text + "' is no time; expected e.g. 2026-11-24T08:30:00Z"};
  return *time;
}

void set_time_range(const InputArguments& arguments, core::Timestamp& from, core::Timestamp& to) {
  from = time_argument(arguments.from, "--from");
  to = time_argument(arguments.to, "--to");
  if (from.known() && to.known() && to < from) throw Failure{"--to " + arguments.to + " is before --from " + arguments.from};
}

PipelineOptions pipeline_options(const InputArguments& arguments) {
  PipelineOptions out;
  out.threads = arguments.threads;
  out.block_bytes = arguments.block_bytes;
  out.decode.recover_deleted = arguments.recover;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  out.decode.reference_time.ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  if (!arguments.format.empty()) {
    out.format = decode::format_from_name(arguments.format);
    if (!out.format) throw Failure{"--input-format '" + arguments.format + "' is not known; see tocsin decode --help"};
  }
  return out;
}

bool is_terminal(int descriptor) { return isatty(descriptor) == 1; }

SinkOptions sink_options(bool to_terminal) {
  SinkOptions out;
  const char* no_colour = std::getenv("NO_COLOR");
  out.colour = to_terminal && (no_colour == nullptr || *no_colour == '\0');
  winsize size{};
  if (to_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) out.width = size.ws_col;
  return out;
}

model::Level level_argument(const std::string& text, const char* option) {
  const auto level = model::level_from_string(text);
  if (!level) throw Failure{std::string(option) + " '" + text + "': expected informational, low, medium, high or critical"};
  return *level;
}

// "any", or "product=windows,category=process_creation,service=..".
void logsource_argument(const std::string& text, DetectOptions& options) {
  if (text.empty()) return;
  if (text == "any") {
    options.any_source = true;
    return;
  }
  std::size_t at = 0;
  while (at <= text.size()) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    const std::size_t equals = part.find('=');
    const std::string key = part.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : CLI::detail::to_lower(part.substr(equals + 1));
    if (key == "product" && !value.empty())
      options.input_source.product = value;
    else if (key == "category" && !value.empty())
      options.input_source.category = value;
    else if (key == "service" && !value.empty())
      options.input_source.service = value;
    else
      throw Failure{"--logsource '" + text + "': expected any, or product=..,category=..,service=.."};
    at = end + 1;
  }
}

struct DetectArguments {
  InputArguments input;
  std::vector<std::string> rules;
  std::vector<std::string> statuses, tags, excluded, log_source_files;
  std::string output, format = "table", report, min_level, fail_on, logsource, variables, stats_path, content;
};

template <class T>
T check(core::Result<T> result) {
  if (!result.ok()) throw Failure{result.error().text};
  return std::move(result).value();
}

detect::RuleSet load_rule_set(const std::vector<std::string>& paths, const Content& content, const std::string& variables) {
  RuleInput input;
  input.files = paths.empty() ? content.rules() : check(read_rule_files(paths));
  return check(load_rule_files(input, variables));
}

std::unique_ptr<FindingSink> make_sink(const std::string& format, std::ostream& out, const SinkOptions& options) {
  if (format == "table") return make_table_sink(out, options);
  if (format == "jsonl") return make_jsonl_sink(out);
  if (format == "csv") return make_csv_sink(out);
  if (format == "html") return make_html_sink(out);
  if (format == "navigator") return make_navigator_sink(out);
  throw Failure{"--format '" + format + "': expected table, jsonl, csv, html or navigator"};
}

// The files a command writes. Opened before anything is read: a run of an hour does not end with "cannot write".
class Outputs {
 public:
  explicit Outputs(const std::vector<std::string>& inputs) : inputs_(inputs) {}

  // An empty path: a stream that nobody writes to.
  std::ofstream open(const std::string& path) {
    if (path.empty()) return {};
    refuse_twice(path);
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    if (!out) throw Failure{"cannot write " + path + ": check that the folder exists and may be written"};
    return out;
  }
  // Of a file that is opened elsewhere.
  void add(const std::string& path) {
    if (!path.empty()) refuse_twice(path);
  }
  [[nodiscard]] const std::vector<std::string>& paths() const { return paths_; }

 private:
  void refuse_twice(const std::string& path) {
    std::error_code status;
    for (const std::string& input : inputs_) {
      if (input != "-" && std::filesystem::is_regular_file(input, status) &&
          std::filesystem::equivalent(path, input, status)) {
        throw Failure{path + " is an input; writing there would destroy it"};
      }
    }
    for (const std::string& other : paths_) {
      if (path == other && !std::filesystem::is_character_file(path, status))
        throw Failure{path + " is given for two outputs"};
    }
    paths_.push_back(path);
  }

  const std::vector<std::string>& inputs_;
  std::vector<std::string> paths_;
};

void write_stats(const RunSummary& summary, std::ostream& out);

constexpr std::size_t kProblemsPrinted = 20;
// For runs without a summary: what could not be loaded or read is said all the same.
void print_refused(const std::vector<detect::sigma::Diagnostic>& refused) {
  for (std::size_t i = 0; i < std::min(refused.size(), kProblemsPrinted); ++i) {
    std::cerr << "tocsin: " << shown_text(detect::format_diagnostic(refused[i])) << '\n';
  }
  if (refused.size() > kProblemsPrinted) std::cerr << "tocsin: ... `tocsin rules check` lists all\n";
}

void print_problems(const PipelineStats& stats) {
  for (std::size_t i = 0; i < std::min(stats.problems.size(), kProblemsPrinted); ++i) {
    const InputProblem& problem = stats.problems[i];
    std::cerr << "tocsin: " << shown_text(problem.name + ": " + (problem.detail.empty() ? problem.cause : problem.detail))
              << '\n';
  }
  if (stats.problem_count > kProblemsPrinted) {
    std::cerr << "tocsin: ... and " << stats.problem_count - kProblemsPrinted << " more that could not be read\n";
  }
}

// 0, or what a run that did not come to its end exits with. `out`: standard output or the file that stands for it.
int exit_code_of_end(const std::ostream& out, bool to_file, const Interrupt& interrupt) {
  if (!out && !to_file && reader_gone(STDOUT_FILENO)) return kExitDone;  // `| head` has seen enough.
  if (!out) throw Failure{"the output could not be written to its end (disk full?)"};
  if (interrupt.signal() == 0) return kExitDone;
  std::cerr << "tocsin: interrupted; the output covers what was read until then\n";
  return interrupt.exit_code();
}

DetectOptions detect_options(const DetectArguments& arguments, const std::string& command_line) {
  DetectOptions options;
  options.paths = arguments.input.paths;
  options.pipeline = pipeline_options(arguments.input);
  set_time_range(arguments.input, options.from, options.to);
  options.errors_path = arguments.input.errors_path;
  options.command_line = command_line;
  options.version = TOCSIN_VERSION;
  options.filter = {{}, arguments.statuses, arguments.tags, arguments.excluded};
  if (!arguments.min_level.empty()) options.filter.min_level = level_argument(arguments.min_level, "--min-level");
  logsource_argument(arguments.logsource, options);
  return options;
}

int detect_main(const DetectArguments& arguments, const std::string& command_line) {
  DetectOptions options = detect_options(arguments, command_line);
  std::optional<model::Level> fail_on;
  if (!arguments.fail_on.empty()) fail_on = level_argument(arguments.fail_on, "--fail-on");
  const bool quiet = arguments.input.quiet;

  const Content content = check(Content::load(arguments.content));
  const detect::RuleSet rules = load_rule_set(arguments.rules, content, arguments.variables);
  const detect::LogSourceMap sources = check(load_source_table(content, arguments.log_source_files));
  const normalise::Mapper mapper(content.ocsf_mappings());
  if (rules.rules.empty() && rules.correlations.empty()) {
    print_refused(rules.diagnostics);
    throw Failure{"no rule could be loaded"};
  }

  const bool to_file = !arguments.output.empty() && arguments.output != "-";
  Outputs outputs(options.paths);
  std::ofstream none;
  SinkOptions shown = sink_options(!to_file && is_terminal(STDOUT_FILENO));
  shown.summary = !quiet;
  make_sink(arguments.format, none, shown);  // An unknown format is told before a file is touched.
  std::ofstream file = outputs.open(to_file ? arguments.output : "");
  std::ofstream report_file = outputs.open(arguments.report);
  std::ofstream stats_file = outputs.open(arguments.stats_path);
  outputs.add(options.errors_path);
  std::ostream& out = to_file ? static_cast<std::ostream&>(file) : std::cout;
  const auto sink = make_sink(arguments.format, out, shown);
  std::vector<FindingSink*> sinks{sink.get()};
  const auto report = arguments.report.empty() ? nullptr : make_html_sink(report_file);
  if (report != nullptr) sinks.push_back(report.get());

  const Interrupt interrupt;
  options.pipeline.outputs = outputs.paths();
  options.pipeline.stop = [&] { return interrupt.signal() != 0 || !out || !report_file; };
  ProgressBar progress(!quiet && is_terminal(STDERR_FILENO));
  const RunSummary summary =
      check(run_detect(rules, sources, mapper, options, sinks, [&](const Progress& at) { progress.show(at); }));
  progress.clear();
  out.flush();
  report_file.flush();
  if (!arguments.stats_path.empty()) write_stats(summary, stats_file);
  if (!report_file || !stats_file) throw Failure{"the output could not be written to its end (disk full?)"};
  if (quiet) {
    print_refused(summary.refused);
    print_problems(summary.input);
  } else if (arguments.format != "table") {
    write_summary(summary, std::cerr, sink_options(is_terminal(STDERR_FILENO)));
  }
  if (const int code = exit_code_of_end(out, to_file, interrupt); code != kExitDone) return code;
  if (fail_on) {
    for (const auto& [level, count] : summary.findings_by_level) {
      if (count > 0 && level >= *fail_on) return kExitFound;
    }
  }
  return summary.input.unreadable_paths > 0 ? kExitUsage : kExitDone;
}

void write_stats(const RunSummary& summary, std::ostream& out) {
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().key("seconds").number(summary.seconds).key("threads").number(summary.threads);
  json.key("streams").number(summary.input.streams).key("records").number(summary.input.records);
  json.key("events").number(summary.input.events).key("bytes").number(summary.input.bytes);
  json.key("bad_records").number(summary.input.bad_records).key("dropped_fields").number(summary.input.dropped_fields);
  json.key("unrouted_events").number(summary.unrouted_events).key("events_outside_time").number(summary.events_outside_time);
  json.key("rules").number(summary.rule_count).key("correlations").number(summary.correlation_count);
  json.key("filters")
      .number(summary.filter_count)
      .key("refused_rules")
      .number(static_cast<std::uint64_t>(summary.refused.size()));
  json.key("findings").number(summary.findings).key("findings_by_level").begin_object();
  for (const auto& [level, count] : summary.findings_by_level) json.key(model::to_string(level)).number(count);
  json.end_object().key("bad_by_cause").begin_object();
  for (const auto& [cause, count] : summary.bad_by_cause) json.key(cause).number(count);
  json.end_object().key("notes").begin_array();
  for (const std::string& note : summary.notes) json.text(note);
  json.end_array().key("unreadable_inputs").number(summary.input.problem_count);
  json.key("stopped").boolean(summary.input.stopped).end_object();
  out << text << '\n' << std::flush;
}

struct DecodeArguments {
  InputArguments input;
  std::vector<std::string> fields;
  bool time = false, source = false;
};

int decode_main(const DecodeArguments& arguments) {
  DecodeCommandOptions options;
  options.paths = arguments.input.paths;
  options.pipeline = pipeline_options(arguments.input);
  set_time_range(arguments.input, options.from, options.to);
  options.errors_path = arguments.input.errors_path;
  options.fields = arguments.fields;
  options.add_time = arguments.time;
  options.add_source = arguments.source;
  Outputs outputs(options.paths);
  outputs.add(options.errors_path);
  options.pipeline.outputs = outputs.paths();
  const Interrupt interrupt;
  options.pipeline.stop = [&] { return interrupt.signal() != 0 || !std::cout; };
  const PipelineStats stats = check(run_decode(options, std::cout, {}));
  std::cout.flush();
  print_problems(stats);
  if (!arguments.input.quiet && stats.bad_records > 0) {
    std::cerr << "tocsin: " << stats.bad_records << " records could not be read"
              << (options.errors_path.empty() ? "; --errors FILE lists them" : "") << '\n';
  }
  if (const int code = exit_code_of_end(std::cout, false, interrupt); code != kExitDone) return code;
  return stats.unreadable_paths > 0 ? kExitUsage : kExitDone;
}

void add_detect(CLI::App& app, DetectArguments& arguments) {
  CLI::App& command = *app.add_subcommand("detect", "Find attacks in log files with Sigma rules");
  arguments.input.add_to(command);
  command.add_option("-r,--rules", arguments.rules, "Rule files and folders (default: the rules that come with tocsin)")
      ->allow_extra_args(false);
  command.add_option("-f,--format", arguments.format, "table, jsonl (OCSF Detection Findings), csv, html or navigator");
  command.add_option("-o,--output", arguments.output, "Write there instead of standard output");
  command.add_option("--report", arguments.report, "Write an HTML report as well");
  command.add_option("--min-level", arguments.min_level, "Only rules of this level or above");
  command.add_option("--status", arguments.statuses, "Only rules of this status (may be repeated)")->allow_extra_args(false);
  command.add_option("--include-tag", arguments.tags, "Only rules with this tag, e.g. attack.t1059 (may be repeated)")
      ->allow_extra_args(false);
  command.add_option("--exclude-rule", arguments.excluded, "Leave out a rule by id, name or title (may be repeated)")
      ->allow_extra_args(false);
  command.add_option("--logsource", arguments.logsource,
                     "What the whole input is: product=windows,category=process_creation; or any");
  command
      .add_option("--logsource-map", arguments.log_source_files, "More log source tables (see content/mappings/logsources)")
      ->allow_extra_args(false);
  command.add_option("--vars", arguments.variables, "YAML file with values for rule placeholders (|expand)");
  command.add_option("--stats", arguments.stats_path, "Write the figures of the run to this file, as JSON");
  command.add_option("--fail-on", arguments.fail_on, "Exit with 1 where a finding has this level or above");
  command.add_option("--content", arguments.content, "Use this content folder instead of what is built in");
}

void add_decode(CLI::App& app, DecodeArguments& arguments) {
  CLI::App& command = *app.add_subcommand("decode", "Print the events of log files as JSON lines");
  arguments.input.add_to(command);
  command
      .add_option("--fields", arguments.fields, "Only these fields, in this order; a trailing * takes all with that prefix")
      ->allow_extra_args(false)
      ->delimiter(',');
  command.add_flag("--time", arguments.time, "Add _time: when it happened, UTC");
  command.add_flag("--source", arguments.source, "Add _file, _record and _format");
}

struct IncidentsArguments {
  IncidentsOptions options;
  std::string content;
  bool quiet = false;
};

void add_incidents(CLI::App& app, IncidentsArguments& arguments) {
  CLI::App& command = *app.add_subcommand("incidents", "Join findings of `tocsin detect --format jsonl` to incidents");
  command.add_option("path", arguments.options.paths, "Files of findings, JSON lines; - for standard input")->required();
  command.add_option("--format", arguments.options.format, "table, json (a line for each incident)")
      ->check(CLI::IsMember({"table", "json"}));
  command.add_option("--assets", arguments.options.assets_path, "CSV of address,host: which host has which address");
  command.add_option("--max", arguments.options.max_shown, "Incidents shown in the table (default 50)");
  command.add_option("--content", arguments.content, "Use this content folder instead of what is built in");
  command.add_flag("-q,--quiet", arguments.quiet, "No summary");
}

int incidents_main(IncidentsArguments& arguments) {
  const Content content = check(Content::load(arguments.content));
  const SinkOptions shown = sink_options(is_terminal(STDOUT_FILENO));
  arguments.options.colour = shown.colour;
  arguments.options.width = shown.width;
  const Interrupt interrupt;
  const IncidentsSummary summary = check(run_incidents(arguments.options, content, std::cout));
  std::cout.flush();
  if (summary.bad_lines > 0)
    std::cerr << "tocsin: " << summary.bad_lines
              << " lines are no findings; the first: " << shown_text(summary.first_problem) << '\n';
  if (!arguments.quiet)
    std::cerr << grouped(summary.findings) << " findings, " << grouped(summary.incidents) << " incidents\n";
  return exit_code_of_end(std::cout, false, interrupt);
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App app("tocsin: finds attacks in logs, and says why", "tocsin");
  std::ios::sync_with_stdio(false);
  app.require_subcommand(1);
  app.footer("Also: serve, demo, config check, config show, backup, restore; each explains itself with --help");
  app.set_version_flag("--version", std::string("tocsin ") + TOCSIN_VERSION);
  DetectArguments detect_arguments;
  DecodeArguments decode_arguments;
  RulesArguments rules_arguments;
  IncidentsArguments incidents_arguments;
  add_detect(app, detect_arguments);
  add_decode(app, decode_arguments);
  add_rules(app, rules_arguments);
  add_incidents(app, incidents_arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  std::string command_line;
  for (int i = 0; i < argc; ++i) command_line += (i == 0 ? "" : " ") + std::string(i == 0 ? "tocsin" : argv[i]);
  try {
    if (app.got_subcommand("detect")) return detect_main(detect_arguments, command_line);
    if (app.got_subcommand("decode")) return decode_main(decode_arguments);
    if (app.got_subcommand("incidents")) return incidents_main(incidents_arguments);
    return rules_main(rules_arguments);
  } catch (const Failure& failure) {
    std::cerr << "tocsin: " << failure.text << '\n';
    return kExitUsage;
  }
}

}  // namespace tocsin::cli
