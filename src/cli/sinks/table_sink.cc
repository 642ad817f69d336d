// Findings for a person at a terminal: one row for each rule and host, worst first, then the summary.
//
//   LEVEL     COUNT  RULE                              HOST    FIRST (UTC)          LAST
//   critical      3  Credential dump of LSASS          WS01    2026-11-24 08:30:12  09:01:44
//                    T1003.001  TargetImage endswith '\lsass.exe'
//
// The line below a row says why, by the group's first finding: what a responder asks next. Wide terminals have the
// techniques in a column of their own.
#include <algorithm>
#include <ostream>
#include <unordered_map>

#include "cli/finding_sink.h"
#include "cli/sinks/shown_text.h"
#include "cli/sinks/style.h"
#include "cli/sinks/tally.h"

namespace tocsin::cli {
namespace {

// Groups kept of each level, so that a flood of low ones cannot crowd out a critical one; findings of further groups are
// counted and shown as a number.
constexpr std::size_t kMaxTableGroupsPerLevel = 2'000;
constexpr std::size_t kMaxTableGroups = 5 * kMaxTableGroupsPerLevel;
constexpr std::size_t kMaxKeptText = 512;  // Of a host or reason: more than any terminal is wide.

constexpr std::uint32_t kMinWidth = 40;
constexpr std::uint32_t kMaxWidth = 1'000;
constexpr std::uint32_t kTimesFrom = 84;        // Narrower: no times.
constexpr std::uint32_t kTechniquesFrom = 140;  // Narrower: techniques stand in the line below.
constexpr std::size_t kLevelColumns = 8, kCountColumns = 5, kMaxCountColumns = 13, kTimeColumns = 19, kLastColumns = 12,
                      kTechniqueColumns = 20;

struct Group {
  const model::RuleInfo* rule = nullptr;
  std::string host, reason;
  std::uint64_t count = 0;
  core::Timestamp first, last;
};

struct Key {
  const model::RuleInfo* rule;
  std::string host;
  bool operator==(const Key&) const = default;
};
struct KeyHash {
  std::size_t operator()(const Key& key) const {
    return std::hash<std::string>()(key.host) * 31 + std::hash<const void*>()(key.rule);
  }
};

struct Layout {
  std::size_t width = 0, count = kCountColumns, rule = 0, host = 0, techniques = 0;
  bool times = false;
};

// `longest_host` in columns.
Layout layout_for(std::uint32_t wanted, std::size_t longest_host, std::uint64_t highest_count) {
  Layout out;
  out.width = std::clamp(wanted, kMinWidth, kMaxWidth);
  out.count = std::clamp(grouped(highest_count).size(), kCountColumns, kMaxCountColumns);
  out.times = out.width >= kTimesFrom;
  out.techniques = out.width >= kTechniquesFrom ? kTechniqueColumns : 0;
  std::size_t taken = kLevelColumns + 1 + out.count + 2 + 2;
  if (out.times) taken += kTimeColumns + 2 + kLastColumns + 2;
  if (out.techniques > 0) taken += out.techniques + 2;
  const std::size_t left = out.width - taken;
  out.host = std::min(longest_host, std::max<std::size_t>(left * 2 / 5, 4));
  out.rule = left - out.host;
  return out;
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& one : list) out += (out.empty() ? "" : " ") + one;
  return out;
}

std::string right(const std::string& text, std::size_t columns) {
  return std::string(columns - std::min(columns, text.size()), ' ') + text;
}

// The last time, said shortly: "09:01:44" on the day of the first, "+2d 09:01:44" later, nothing where it is the same.
std::string last_of(const Group& group) {
  if (!group.last.known() || group.last == group.first) return {};
  constexpr std::int64_t kDay = 86'400LL * 1'000'000'000;
  const auto day = [](core::Timestamp time) { return time.ns / kDay - (time.ns % kDay < 0 ? 1 : 0); };
  const std::int64_t days = day(group.last) - day(group.first);
  const std::string text = shown_time(group.last);
  if (days == 0) return text.substr(11);
  return days < 100 ? "+" + std::to_string(days) + "d " + text.substr(11) : text.substr(0, 10);
}

class TableSink : public FindingSink {
 public:
  TableSink(std::ostream& out, const SinkOptions& options) : out_(out), options_(options), style_(options.colour) {}

  [[nodiscard]] bool needs_json() const override { return false; }

  void add(const Found& found) override {
    tally_.add(found);
    Key key{found.rule, found.host.substr(0, kMaxKeptText)};
    auto at = index_.find(key);
    if (at == index_.end()) {
      std::size_t& kept = kept_[static_cast<std::size_t>(found.rule->level)];
      if (kept == kMaxTableGroupsPerLevel) {
        ++findings_not_shown_;
        return;
      }
      ++kept;
      groups_.push_back({found.rule, key.host, found.reason.substr(0, kMaxKeptText), 0, {}, {}});
      at = index_.emplace(std::move(key), groups_.size() - 1).first;
    }
    Group& group = groups_[at->second];
    ++group.count;
    const core::Timestamp first = found.first.known() ? found.first : found.time;
    if (first.known() && (!group.first.known() || first < group.first)) group.first = first;
    if (found.time.known() && (!group.last.known() || group.last < found.time)) group.last = found.time;
  }

  void finish(const RunSummary& summary) override {
    sort_groups();
    if (!groups_.empty()) {
      std::size_t longest_host = 4;
      std::uint64_t highest_count = 0;
      for (const Group& group : groups_) {
        longest_host = std::max(longest_host, column_count(shown_text(group.host)));
        highest_count = std::max(highest_count, group.count);
      }
      write_table(layout_for(options_.width, longest_host, highest_count));
    }
    if (options_.summary) write_summary(summary, &tally_, out_, options_);
  }

 private:
  void sort_groups() {
    std::sort(groups_.begin(), groups_.end(), [](const Group& a, const Group& b) {
      if (a.rule->level != b.rule->level) return a.rule->level > b.rule->level;
      if (a.count != b.count) return a.count > b.count;
      if (a.rule->title != b.rule->title) return a.rule->title < b.rule->title;
      if (a.host != b.host) return a.host < b.host;
      return a.rule->id < b.rule->id;
    });
    index_.clear();
  }

  void write_table(const Layout& layout) {
    std::string head = fit_to("LEVEL", kLevelColumns) + ' ' + right("COUNT", layout.count) + "  " +
                       fit_to("RULE", layout.rule) + "  " + fit_to("HOST", layout.host);
    if (layout.times) head += "  " + fit_to("FIRST (UTC)", kTimeColumns) + "  " + fit_to("LAST", kLastColumns);
    if (layout.techniques > 0) head += "  TECHNIQUES";
    while (head.ends_with(' ')) head.pop_back();
    out_ << style_.dim(cut_to(head, layout.width)) << '\n';
    for (const Group& group : groups_) write_group(group, layout);
    if (findings_not_shown_ > 0) {
      out_ << style_.warning(grouped(findings_not_shown_) + " more findings, of groups past the limit of " +
                             grouped(kMaxTableGroups) + " (2,000 of a level), are not shown here; -f jsonl has all.")
           << '\n';
    }
    out_ << '\n';
  }

  void write_group(const Group& group, const Layout& layout) {
    const model::RuleInfo& rule = *group.rule;
    const std::string techniques = joined(techniques_of(rule));
    const std::string title = shown_text(rule.title.empty() ? rule.id : rule.title);
    std::string row = style_.level(rule.level, fit_to(short_name(rule.level), kLevelColumns)) + ' ' +
                      right(cut_to(grouped(group.count), layout.count), layout.count) + "  " +
                      style_.bold(fit_to(title, layout.rule)) + "  " +
                      fit_to(group.host.empty() ? "-" : shown_text(group.host), layout.host);
    if (layout.times) {
      row += "  " + fit_to(shown_time(group.first), kTimeColumns) + "  " + fit_to(last_of(group), kLastColumns);
    }
    if (layout.techniques > 0) row += "  " + cut_to(techniques, layout.techniques);
    while (row.ends_with(' ')) row.pop_back();
    out_ << row << '\n';

    std::string why = shown_text(group.reason);
    if (layout.techniques == 0 && !techniques.empty()) why = techniques + (why.empty() ? "" : "  ") + why;
    if (why.empty()) return;
    const std::size_t indent = kLevelColumns + 1 + layout.count + 2;
    out_ << std::string(indent, ' ') << style_.dim(cut_to(why, layout.width - indent)) << '\n';
  }

  std::ostream& out_;
  const SinkOptions options_;
  const Style style_;
  std::vector<Group> groups_;
  std::unordered_map<Key, std::size_t, KeyHash> index_;
  std::size_t kept_[5] = {};
  std::uint64_t findings_not_shown_ = 0;
  Tally tally_;
};

}  // namespace

std::unique_ptr<FindingSink> make_table_sink(std::ostream& out, const SinkOptions& options) {
  return std::make_unique<TableSink>(out, options);
}

}  // namespace tocsin::cli
