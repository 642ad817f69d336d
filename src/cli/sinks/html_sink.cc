// The report: one HTML file that opens offline and stays quick with 100,000 findings.
//
// Written as a stream; only rules, hosts and file names (each once) wait for the end. Findings come in blocks of two
// script elements that no browser runs:
//   f<N>  JSON rows: [time in us, rule, host, file, record, event count, reason, first time], for the list;
//   d<N>  the OCSF findings of the same rows, a line each (empty: left out), gzip, base64: unpacked when one is opened.
// Compressed, an event costs about 300 bytes instead of 4,000, and the browser unpacks a block in a millisecond. All is
// data: "<" is always written \u003c, the page sets text only, and its policy allows no script but its own (by hash).
#include <array>
#include <ostream>
#include <unordered_map>

#include "cli/finding_sink.h"
#include "cli/sinks/gzip.h"
#include "cli/sinks/shown_text.h"
#include "core/json_writer.h"
#include "model/attack.h"

extern "C" {
extern const char tocsin_report_html_begin[], tocsin_report_html_end[];
extern const char tocsin_report_css_begin[], tocsin_report_css_end[];
extern const char tocsin_report_js_begin[], tocsin_report_js_end[];
}

namespace tocsin::cli {
namespace {

// What a browser lists and searches without delay. Levels below high get a part of it only, so that a flood of them
// cannot keep out a critical finding that comes late.
constexpr std::uint64_t kMaxHtmlFindings = 100'000;
constexpr std::uint64_t kMaxHtmlLowerFindings = 80'000;
// Of all details as they stand in the file: past it findings have none. A file of this size opens in some seconds.
constexpr std::uint64_t kMaxHtmlDetailBytes = 128u << 20;
constexpr std::uint64_t kMaxHtmlLowerDetailBytes = 96u << 20;
// Of the OCSF text of one finding: more is left out, and the page says so.
constexpr std::size_t kMaxFindingBytes = 2u << 20;
// A block is closed at whichever comes first.
constexpr std::size_t kBlockFindings = 100;
constexpr std::size_t kBlockBytes = 512u << 10;
// Of one text of a rule, a host, a file name, a reason.
constexpr std::size_t kMaxText = 8'192;
constexpr std::size_t kMaxName = 512;
// Host and file names each; findings past it have the last one, "(further names)". Attackers may choose them.
constexpr std::size_t kMaxNames = 20'000;
constexpr std::size_t kMaxListed = 50;  // References, tags and so on of a rule; refused rules; unreadable inputs.

std::string_view view(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

std::string_view cut(std::string_view text, std::size_t size) {
  if (text.size() <= size) return text;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

// JSON that may stand inside a script element: "<" only occurs within strings.
void write_data(std::string_view id, std::string_view json, std::ostream& out) {
  out << "<script type=\"application/json\" id=\"" << id << "\">";
  for (std::size_t at = 0; at < json.size();) {
    const std::size_t next = std::min(json.find('<', at), json.size());
    out << json.substr(at, next - at);
    if (next < json.size()) out << "\\u003c";
    at = next + 1;
  }
  out << "</script>\n";
}

std::int64_t microseconds(core::Timestamp time) { return time.ns / 1'000 - (time.ns % 1'000 < 0 ? 1 : 0); }

void write_time(core::Timestamp time, core::JsonWriter& json) {
  if (time.known())
    json.number(microseconds(time));
  else
    json.null();
}

void write_list(std::string_view name, const std::vector<std::string>& list, core::JsonWriter& json) {
  json.key(name).begin_array();
  for (std::size_t i = 0; i < std::min(list.size(), kMaxListed); ++i) json.text(cut(list[i], kMaxName));
  json.end_array();
}

void write_rule(const model::RuleInfo& rule, core::JsonWriter& json) {
  json.begin_object()
      .member("id", cut(rule.id, kMaxName))
      .member("title", cut(rule.title.empty() ? rule.id : rule.title, kMaxName));
  json.key("level").number(static_cast<std::uint32_t>(rule.level)).member_if("status", cut(rule.status, kMaxName));
  json.member("type", rule.type)
      .member_if("description", cut(rule.description, kMaxText))
      .member_if("author", cut(rule.author, kMaxName));
  json.member_if("date", cut(rule.modified.empty() ? rule.date : rule.modified, kMaxName))
      .member_if("license", cut(rule.license, kMaxName));
  json.member_if("path", cut(rule.path, kMaxName));
  write_list("references", rule.references, json);
  write_list("falsepositives", rule.falsepositives, json);
  write_list("tags", rule.tags, json);
  json.key("tactics").begin_array();
  const std::vector<model::AttackTag> tags = model::parse_attack_tags(rule.tags);
  for (const model::AttackTag& tag : tags) {
    if (tag.kind == model::AttackTag::Kind::kTactic) json.text(tag.id);
  }
  json.end_array().key("techniques").begin_array();
  for (const model::AttackTag& tag : tags) {
    if (tag.kind == model::AttackTag::Kind::kTechnique) json.text(tag.id);
  }
  json.end_array().end_object();
}

// Texts that occur often: each is written once and then named by its number.
class Interned {
 public:
  std::size_t index(std::string_view text) {
    std::string name(cut(text, kMaxName));
    if (index_.size() >= kMaxNames && !index_.contains(name)) name = "(further names)";
    const auto [at, added] = index_.try_emplace(std::move(name), index_.size());
    if (added) texts_.push_back(&at->first);
    return at->second;
  }
  void write(std::string_view name, core::JsonWriter& json) const {
    json.key(name).begin_array();
    for (const std::string* text : texts_) json.text(*text);
    json.end_array();
  }

 private:
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<const std::string*> texts_;
};

class HtmlSink : public FindingSink {
 public:
  explicit HtmlSink(std::ostream& out) : out_(out) {
    const std::string_view page = view(tocsin_report_html_begin, tocsin_report_html_end);
    constexpr std::string_view kPolicyMark = "{{policy}}", kStyleMark = "{{style}}";
    const std::size_t policy = page.find(kPolicyMark), style = page.find(kStyleMark);
    out_ << page.substr(0, policy)
         << "default-src 'none'; script-src '" TOCSIN_REPORT_JS_HASH "'; style-src '" TOCSIN_REPORT_CSS_HASH
            "'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
         << page.substr(policy + kPolicyMark.size(), style - policy - kPolicyMark.size()) << "<style>"
         << view(tocsin_report_css_begin, tocsin_report_css_end) << "</style>" << page.substr(style + kStyleMark.size());
  }

  void add(const Found& found) override {
    const bool lower = found.rule->level < model::Level::kHigh;
    if (listed_ == kMaxHtmlFindings || (lower && lower_listed_ == kMaxHtmlLowerFindings)) return;
    ++listed_;
    if (lower) ++lower_listed_;
    const auto [rule, added] = rule_index_.try_emplace(found.rule, rules_.size());
    if (added) rules_.push_back(found.rule);
    core::JsonWriter json(rows_);
    if (block_count_ > 0) rows_ += ',';
    json.begin_array();
    write_time(found.time, json);
    json.number(std::uint64_t{rule->second})
        .number(std::uint64_t{hosts_.index(found.host)})
        .number(std::uint64_t{files_.index(found.file)});
    json.number(found.record).number(found.event_count).text(cut(found.reason, kMaxName));
    if (found.first.known() && found.first != found.time) json.number(microseconds(found.first));
    json.end_array();
    add_detail(found.json, lower);
    if (++block_count_ == kBlockFindings || details_.size() >= kBlockBytes) end_block();
  }

  void finish(const RunSummary& summary) override {
    end_block();
    std::string text;
    core::JsonWriter json(text);
    json.begin_object();
    write_facts(summary, json);
    json.key("rules").begin_array();
    for (const model::RuleInfo* rule : rules_) write_rule(*rule, json);
    json.end_array();
    hosts_.write("hosts", json);
    files_.write("files", json);
    write_attack(json);
    json.end_object();
    write_data("report", text, out_);
    out_ << "<script>" << view(tocsin_report_js_begin, tocsin_report_js_end) << "</script>\n</body>\n</html>\n";
  }

 private:
  void add_detail(const std::string& json, bool lower) {
    const bool fits =
        json.size() <= kMaxFindingBytes && detail_bytes_ < (lower ? kMaxHtmlLowerDetailBytes : kMaxHtmlDetailBytes);
    if (fits && json.find('\n') == std::string::npos)
      details_ += json;
    else
      ++without_detail_;
    details_ += '\n';
  }

  void end_block() {
    if (block_count_ == 0) return;
    const std::string number = std::to_string(blocks_++);
    write_data("f" + number, "[" + rows_ + "]", out_);
    const std::string packed = base64(gzip(details_));
    out_ << "<script type=\"application/gzip\" id=\"d" << number << "\">" << packed << "</script>\n";
    detail_bytes_ += packed.size();
    rows_.clear();
    details_.clear();
    block_count_ = 0;
  }

  void write_facts(const RunSummary& summary, core::JsonWriter& json) const {
    json.member("version", summary.version).member("command", cut(summary.command_line, kMaxText));
    json.key("blocks").number(std::uint64_t{blocks_}).key("findings").number(summary.findings).key("listed").number(listed_);
    json.key("withoutDetail").number(without_detail_);
    json.key("levels").begin_array();
    for (const model::Level level : {model::Level::kInformational, model::Level::kLow, model::Level::kMedium,
                                     model::Level::kHigh, model::Level::kCritical}) {
      const auto at = summary.findings_by_level.find(level);
      json.number(at == summary.findings_by_level.end() ? std::uint64_t{0} : at->second);
    }
    json.end_array().key("events").number(summary.input.events).key("bytes").number(summary.input.bytes);
    json.key("streams")
        .number(summary.input.streams)
        .key("seconds")
        .number(summary.seconds)
        .key("threads")
        .number(summary.threads);
    json.key("ruleCount").number(summary.rule_count).key("correlationCount").number(summary.correlation_count);
    json.key("filterCount").number(summary.filter_count).key("skippedRules").number(summary.skipped_rule_count);
    json.key("unrouted").number(summary.unrouted_events).key("outsideTime").number(summary.events_outside_time);
    json.key("firstEvent");
    write_time(summary.first_event, json);
    json.key("lastEvent");
    write_time(summary.last_event, json);
    write_list("notes", summary.notes, json);
    write_problems(summary, json);
  }

  static void write_problems(const RunSummary& summary, core::JsonWriter& json) {
    json.key("refusedCount").number(std::uint64_t{summary.refused.size()}).key("refused").begin_array();
    for (std::size_t i = 0; i < std::min(summary.refused.size(), kMaxListed); ++i) {
      const auto& problem = summary.refused[i];
      json.text(cut(problem.path + (problem.line > 0 ? ":" + std::to_string(problem.line) : "") + ": " + problem.message,
                    kMaxText));
    }
    json.end_array().key("bad").begin_array();
    for (const auto& [cause, count] : summary.bad_by_cause)
      json.begin_array().text(cut(cause, kMaxName)).number(count).end_array();
    json.end_array().key("unreadableCount").number(summary.input.problem_count).key("unreadable").begin_array();
    for (std::size_t i = 0; i < std::min(summary.input.problems.size(), kMaxListed); ++i) {
      const InputProblem& problem = summary.input.problems[i];
      json.text(cut(problem.name + ": " + (problem.detail.empty() ? problem.cause : problem.detail), kMaxText));
    }
    json.end_array();
  }

  // Names of the tactics, and of the techniques that occur.
  void write_attack(core::JsonWriter& json) const {
    json.key("tactics").begin_array();
    for (const model::Tactic& tactic : model::tactics())
      json.begin_array().text(tactic.shortname).text(tactic.name).text(tactic.uid).end_array();
    json.end_array().key("techniques").begin_object();
    std::unordered_map<std::string, bool> written;
    for (const model::RuleInfo* rule : rules_) {
      for (const model::AttackTag& tag : model::parse_attack_tags(rule->tags)) {
        if (tag.kind != model::AttackTag::Kind::kTechnique || !written.emplace(tag.id, true).second) continue;
        const model::Technique* technique = model::find_technique(tag.id);
        if (technique == nullptr) continue;
        const model::Technique* parent = model::find_technique(model::parent_technique(tag.id));
        json.key(tag.id).begin_object().member("name", technique->name);
        if (parent != nullptr && parent != technique) json.member("parent", parent->name);
        json.key("tactics").begin_array();
        for (const std::string_view tactic : technique->tactics) json.text(tactic);
        json.end_array().end_object();
      }
    }
    json.end_object();
  }

  std::ostream& out_;
  std::string rows_, details_;  // Of the open block.
  std::size_t block_count_ = 0, blocks_ = 0;
  std::uint64_t listed_ = 0, lower_listed_ = 0, without_detail_ = 0, detail_bytes_ = 0;
  std::unordered_map<const model::RuleInfo*, std::size_t> rule_index_;
  std::vector<const model::RuleInfo*> rules_;
  Interned hosts_, files_;
};

}  // namespace

std::unique_ptr<FindingSink> make_html_sink(std::ostream& out) { return std::make_unique<HtmlSink>(out); }

}  // namespace tocsin::cli
