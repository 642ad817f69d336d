// Findings as RFC 4180 CSV with a header, for spreadsheets and grep.
//
// Two things differ from the plain text, because the cells hold what attackers wrote: control characters, bidirectional
// overrides and stray bytes are escaped as in shown_text (so a record is one line), and a cell that a spreadsheet would
// take for a formula (it begins with = + - @) gets a leading apostrophe. -f jsonl has everything unchanged.
#include <ostream>

#include "cli/finding_sink.h"
#include "cli/sinks/shown_text.h"
#include "model/attack.h"

namespace tocsin::cli {
namespace {

std::string cell(std::string_view text) {
  std::string shown = shown_text(text);
  if (!shown.empty() && std::string_view("=+-@").find(shown[0]) != std::string_view::npos) shown.insert(0, "'");
  if (shown.find_first_of(",\"") == std::string::npos && !shown.starts_with(' ') && !shown.ends_with(' ')) return shown;
  std::string out = "\"";
  for (const char c : shown) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

class CsvSink : public FindingSink {
 public:
  explicit CsvSink(std::ostream& out) : out_(out) {
    out_ << "time,level,rule id,title,type,host,file,record,event_record_id,tactics,techniques,event_count,reason\r\n";
  }

  [[nodiscard]] bool needs_json() const override { return false; }

  void add(const Found& found) override {
    const model::RuleInfo& rule = *found.rule;
    std::string tactics, techniques;
    for (const model::AttackTag& tag : model::parse_attack_tags(rule.tags)) {
      if (tag.kind == model::AttackTag::Kind::kTactic) tactics += (tactics.empty() ? "" : " ") + tag.id;
      if (tag.kind == model::AttackTag::Kind::kTechnique) techniques += (techniques.empty() ? "" : " ") + tag.id;
    }
    out_ << (found.time.known() ? core::format_iso_time(found.time) : "") << ',' << model::to_string(rule.level) << ','
         << cell(rule.id) << ',' << cell(rule.title) << ',' << cell(rule.type) << ',' << cell(found.host) << ','
         << cell(found.file) << ',' << (found.record > 0 ? std::to_string(found.record) : "") << ','
         << cell(found.event_record_id) << ',' << tactics << ',' << techniques << ',' << found.event_count << ','
         << cell(found.reason) << "\r\n";
  }

  void finish(const RunSummary&) override {}

 private:
  std::ostream& out_;
};

}  // namespace

std::unique_ptr<FindingSink> make_csv_sink(std::ostream& out) { return std::make_unique<CsvSink>(out); }

}  // namespace tocsin::cli
