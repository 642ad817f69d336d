// What a run read, found and could not do, in a few labelled lines.
#include <algorithm>
#include <ostream>

#include "cli/progress.h"
#include "cli/sinks/shown_text.h"
#include "cli/sinks/style.h"
#include "cli/sinks/tally.h"
#include "model/attack.h"

namespace tocsin::cli {
namespace {

constexpr std::size_t kLabelColumns = 12;
constexpr std::size_t kTopShown = 8;       // Hosts, techniques.
constexpr std::size_t kProblemsShown = 5;  // Refused rules, unreadable inputs.
constexpr std::size_t kNotesShown = 20;

std::string plural(std::uint64_t count, const std::string& one) {
  return grouped(count) + ' ' + one + (count == 1 ? "" : "s");
}

class Writer {
 public:
  Writer(std::ostream& out, const SinkOptions& options)
      : out_(out), width_(std::clamp<std::size_t>(options.width, 40, 1'000)), style_(options.colour) {}

  // A labelled value, broken between words where it is too long for the line.
  void line(std::string_view label, std::string_view text, bool warn = false) {
    std::string left = fit_to(label, kLabelColumns);
    const std::size_t room = width_ - kLabelColumns;
    while (true) {
      std::string_view part = text;
      if (column_count(part) > room) {
        const std::string cut = cut_to(part, room + 1);
        std::size_t end = cut.size() - std::string_view("…").size();
        const std::size_t space = text.substr(0, end + 1).rfind(' ');
        if (space != std::string_view::npos && space > 0) end = space;
        part = text.substr(0, std::max<std::size_t>(end, 1));
      }
      out_ << (warn ? style_.warning(left) : style_.bold(left)) << part << '\n';
      text.remove_prefix(part.size());
      while (text.starts_with(' ')) text.remove_prefix(1);
      if (text.empty()) return;
      left.assign(kLabelColumns, ' ');
    }
  }
  // A detail below a line, cut to the width.
  void detail(std::string_view text) {
    out_ << std::string(kLabelColumns, ' ') << cut_to(text, width_ - kLabelColumns) << '\n';
  }
  const Style& style() const { return style_; }

 private:
  std::ostream& out_;
  const std::size_t width_;
  const Style style_;
};

// Two digits that say something: "0.034 s", "1.2 s", "75 s"; a clock says little below a millisecond.
std::string seconds_text(double seconds) {
  if (seconds < 0.001) return "under 0.001 s";
  char text[32];
  const int decimals = seconds >= 10 ? 0 : seconds >= 1 ? 1 : seconds >= 0.1 ? 2 : 3;
  std::snprintf(text, sizeof text, "%.*f s", decimals, seconds);
  return text;
}

std::string rates(const RunSummary& summary) {
  const double seconds = std::max(summary.seconds, 1e-6);
  std::string out = plural(summary.input.events, "event") + ", " + human_bytes(static_cast<double>(summary.input.bytes)) +
                    " in " + plural(summary.input.streams, "file");
  out += "; " + seconds_text(summary.seconds) + " with " + plural(summary.threads, "thread") + ": " +
         grouped(static_cast<std::uint64_t>(static_cast<double>(summary.input.events) / seconds)) + " events/s, " +
         human_bytes(static_cast<double>(summary.input.bytes) / seconds) + "/s";
  return out;
}

std::string rules_line(const RunSummary& summary) {
  std::string out = plural(summary.rule_count, "rule");
  if (summary.correlation_count > 0) out += ", " + plural(summary.correlation_count, "correlation");
  if (summary.filter_count > 0) out += ", " + plural(summary.filter_count, "filter");
  if (summary.skipped_rule_count > 0) out += "; " + grouped(summary.skipped_rule_count) + " left out by options";
  return out;
}

std::string findings_line(const RunSummary& summary) {
  std::string out = grouped(summary.findings);
  const char* joint = ": ";
  for (auto at = summary.findings_by_level.rbegin(); at != summary.findings_by_level.rend(); ++at) {
    if (at->second == 0) continue;
    out += joint + grouped(at->second) + ' ' + std::string(model::to_string(at->first));
    joint = ", ";
  }
  return out;
}

void write_tally(const Tally& tally, Writer& writer) {
  std::string text;
  for (const auto& [host, count] : tally.top_hosts(kTopShown)) {
    text += (text.empty() ? "" : ", ") + cut_to(shown_text(host), 40) + ' ' + grouped(count);
  }
  if (tally.host_count() > kTopShown)
    text += " and " + grouped(tally.host_count() - kTopShown) + (tally.hosts_full() ? " or more" : " more");
  if (!text.empty()) writer.line("Hosts", text);
  text.clear();
  for (const auto& [id, count] : tally.top_techniques(kTopShown)) {
    const model::Technique* technique = model::find_technique(id);
    text += (text.empty() ? "" : ", ") + id + (technique == nullptr ? "" : ' ' + std::string(technique->name)) + ' ' +
            grouped(count);
  }
  if (tally.technique_count() > kTopShown) text += " and " + grouped(tally.technique_count() - kTopShown) + " more";
  if (!text.empty()) writer.line("Techniques", text);
}

void write_refused(const RunSummary& summary, Writer& writer) {
  if (summary.refused.empty()) return;
  writer.line("Refused",
              plural(summary.refused.size(), "problem") + " in rules that could not be loaded and did not run:", true);
  for (std::size_t i = 0; i < std::min(summary.refused.size(), kProblemsShown); ++i) {
    const auto& problem = summary.refused[i];
    writer.detail(
        shown_text(problem.path + (problem.line > 0 ? ':' + std::to_string(problem.line) : "") + ": " + problem.message));
  }
  if (summary.refused.size() > kProblemsShown) writer.detail("... `tocsin rules check` lists all");
}

void write_input_problems(const RunSummary& summary, Writer& writer) {
  if (!summary.bad_by_cause.empty()) {
    std::uint64_t total = 0;
    std::vector<std::pair<std::string, std::uint64_t>> causes(summary.bad_by_cause.begin(), summary.bad_by_cause.end());
    std::stable_sort(causes.begin(), causes.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string text;
    for (const auto& [cause, count] : causes) {
      total += count;
      text += (text.empty() ? "" : ", ") + grouped(count) + ' ' + shown_text(cause);
    }
    writer.line("Bad records", grouped(total) + " could not be read: " + text + " (--errors FILE lists them)", true);
  }
  const std::uint64_t unreadable = std::max<std::uint64_t>(summary.input.problem_count, summary.input.problems.size());
  if (unreadable == 0) return;
  writer.line("Unreadable", plural(unreadable, "input") + ":", true);
  for (std::size_t i = 0; i < std::min(summary.input.problems.size(), kProblemsShown); ++i) {
    const InputProblem& problem = summary.input.problems[i];
    writer.detail(shown_text(problem.name + ": " + (problem.detail.empty() ? problem.cause : problem.detail)));
  }
  if (unreadable > kProblemsShown) writer.detail("... and " + grouped(unreadable - kProblemsShown) + " more");
}

}  // namespace

void write_summary(const RunSummary& summary, const Tally* tally, std::ostream& out, const SinkOptions& options) {
  Writer writer(out, options);
  writer.line("Findings", findings_line(summary));
  if (tally != nullptr) write_tally(*tally, writer);
  writer.line("Read", rates(summary));
  if (summary.first_event.known()) {
    std::string range = shown_time(summary.first_event) + " to " + shown_time(summary.last_event) + " UTC";
    if (summary.events_outside_time > 0)
      range += "; " + plural(summary.events_outside_time, "event") + " outside --from and --to left out";
    writer.line("Events", range);
  } else if (summary.events_outside_time > 0) {
    writer.line("Events", plural(summary.events_outside_time, "event") + " outside --from and --to left out");
  }
  writer.line("Rules", rules_line(summary));
  write_refused(summary, writer);
  write_input_problems(summary, writer);
  if (summary.unrouted_events > 0) {
    writer.line("Source",
                "source not told: " + plural(summary.unrouted_events, "event") +
                    "; only rules without product saw them; see --logsource",
                true);
  }
  for (std::size_t i = 0; i < std::min(summary.notes.size(), kNotesShown); ++i)
    writer.line(i == 0 ? "Notes" : "", shown_text(summary.notes[i]), true);
}

void write_summary(const RunSummary& summary, std::ostream& out, const SinkOptions& options) {
  write_summary(summary, nullptr, out, options);
}

}  // namespace tocsin::cli
