// An ATT&CK Navigator layer (format 4.5): one score for each technique, the number of findings of rules tagged with it.
#include <algorithm>
#include <map>
#include <ostream>
#include <set>
#include <unordered_map>

#include "cli/finding_sink.h"
#include "cli/sinks/shown_text.h"
#include "core/json_writer.h"
#include "model/attack.h"

namespace tocsin::cli {
namespace {

constexpr std::size_t kMaxCommentTitles = 20;  // Rule titles in the comment of a technique.

// The layer speaks ATT&CK 18, whose one tactic became two in 19.
std::string_view tactic_in_layer(std::string_view shortname) {
  return shortname == "stealth" || shortname == "defense-impairment" ? "defense-evasion" : shortname;
}

struct RuleTags {
  std::vector<std::string> techniques;
  std::set<std::string, std::less<>> tactics;
};

RuleTags tags_of(const model::RuleInfo& rule) {
  RuleTags out;
  for (model::AttackTag& tag : model::parse_attack_tags(rule.tags)) {
    if (tag.kind == model::AttackTag::Kind::kTactic) out.tactics.emplace(tactic_in_layer(tag.id));
    if (tag.kind != model::AttackTag::Kind::kTechnique) continue;
    const model::Technique* technique = model::find_technique(tag.id);
    std::string id =
        technique != nullptr && !technique->replaced_by.empty() ? std::string(technique->replaced_by) : std::move(tag.id);
    if (std::find(out.techniques.begin(), out.techniques.end(), id) == out.techniques.end())
      out.techniques.push_back(std::move(id));
  }
  return out;
}

struct Cell {
  std::uint64_t count = 0;
  std::map<std::string, std::uint64_t> titles;
  model::Level worst = model::Level::kInformational;
  core::Timestamp first, last;
};

void widen(Cell& cell, core::Timestamp time) {
  if (!time.known()) return;
  if (!cell.first.known() || time < cell.first) cell.first = time;
  if (!cell.last.known() || cell.last < time) cell.last = time;
}

// The findings of one rule, for one technique: under the tactics that the rule names, or all where it names none of it.
struct Part {
  const model::RuleInfo* rule = nullptr;
  const Cell* counted = nullptr;
  std::vector<std::string_view> tactics;
};

void merge(const Part& part, Cell& to) {
  to.count += part.counted->count;
  to.titles[part.rule->title] += part.counted->count;
  to.worst = std::max(to.worst, part.rule->level);
  widen(to, part.counted->first);
  widen(to, part.counted->last);
}

// By tactic; "" says all tactics of the technique. One entry for all is clearer than it beside several, so a rule
// without a tactic puts everything there.
std::map<std::string_view, Cell> cells_of(const std::vector<Part>& parts) {
  const bool everywhere = std::any_of(parts.begin(), parts.end(), [](const Part& part) { return part.tactics.empty(); });
  std::map<std::string_view, Cell> out;
  for (const Part& part : parts) {
    if (everywhere) {
      merge(part, out[""]);
      continue;
    }
    for (const std::string_view tactic : part.tactics) merge(part, out[tactic]);
  }
  return out;
}

std::string comment_of(const Cell& cell) {
  std::string out;
  std::size_t count = 0;
  for (const auto& [title, findings] : cell.titles) {
    if (++count > kMaxCommentTitles)
      return out + "\nand " + std::to_string(cell.titles.size() - kMaxCommentTitles) + " more rules";
    out += (out.empty() ? "" : "\n") + shown_text(title) + " (" + grouped(findings) + ")";
  }
  return out;
}

void write_metadata(std::string_view name, std::string_view value, core::JsonWriter& json) {
  json.begin_object().member("name", name).member("value", value).end_object();
}

void write_cell(const std::string& id, std::string_view tactic, const Cell& cell, core::JsonWriter& json) {
  json.begin_object().member("techniqueID", id).member_if("tactic", tactic);
  json.key("score").number(cell.count).member("comment", comment_of(cell)).key("enabled").boolean(true);
  json.member("color", "").key("metadata").begin_array();
  write_metadata("worst level", model::to_string(cell.worst), json);
  if (cell.first.known()) write_metadata("first", shown_time(cell.first) + " UTC", json);
  if (cell.last.known()) write_metadata("last", shown_time(cell.last) + " UTC", json);
  json.end_array().key("links").begin_array().end_array().key("showSubtechniques").boolean(true).end_object();
}

// A sub-technique is only seen where its parent is opened, so a parent without findings is named as well.
void write_parent(std::string_view id, core::JsonWriter& json) {
  json.begin_object()
      .member("techniqueID", id)
      .key("enabled")
      .boolean(true)
      .key("showSubtechniques")
      .boolean(true)
      .end_object();
}

class NavigatorSink : public FindingSink {
 public:
  explicit NavigatorSink(std::ostream& out) : out_(out) {}

  [[nodiscard]] bool needs_json() const override { return false; }

  void add(const Found& found) override {
    Cell& cell = by_rule_[found.rule];
    ++cell.count;
    widen(cell, found.first.known() ? found.first : found.time);
    widen(cell, found.time);
  }

  void finish(const RunSummary& summary) override {
    std::map<std::string, std::vector<Part>, std::less<>> parts;
    for (const auto& [rule, counted] : by_rule_) {
      const RuleTags tags = tags_of(*rule);
      for (const std::string& id : tags.techniques) {
        Part part{rule, &counted, {}};
        if (const model::Technique* technique = model::find_technique(id)) {
          for (const std::string_view tactic : technique->tactics) {
            if (tags.tactics.contains(tactic)) part.tactics.push_back(tactic);
          }
        }
        parts[id].push_back(std::move(part));
      }
    }
    write(summary, parts);
  }

 private:
  void write(const RunSummary& summary, const std::map<std::string, std::vector<Part>, std::less<>>& parts) {
    std::string text;
    core::JsonWriter json(text);
    json.begin_object().member("name", "Tocsin findings");
    json.key("versions")
        .begin_object()
        .member("attack", "18")
        .member("navigator", "5.2.0")
        .member("layer", "4.5")
        .end_object();
    json.member("domain", "enterprise-attack").member("description", description_of(summary));
    json.key("sorting").number(3).key("hideDisabled").boolean(false).key("techniques").begin_array();
    std::uint64_t highest = 1;
    for (const auto& [id, list] : parts) {
      const std::string_view parent = model::parent_technique(id);
      const auto before = parts.lower_bound(parent);
      if (parent != id && !parts.contains(parent) && before->first == id) write_parent(parent, json);
      for (const auto& [tactic, cell] : cells_of(list)) {
        highest = std::max(highest, cell.count);
        write_cell(id, tactic, cell, json);
      }
    }
    json.end_array().key("gradient").begin_object();
    json.key("colors").begin_array().text("#ffe8d6").text("#f4a261").text("#c1121f").end_array();
    json.key("minValue").number(0).key("maxValue").number(highest).end_object();
    json.key("legendItems").begin_array().end_array().key("showTacticRowBackground").boolean(false);
    json.member("tacticRowBackground", "#dddddd").key("selectTechniquesAcrossTactics").boolean(true);
    json.key("selectSubtechniquesWithParent").boolean(false).key("metadata").begin_array();
    write_metadata("tocsin version", summary.version, json);
    json.end_array().end_object();
    out_ << text << '\n';
  }

  static std::string description_of(const RunSummary& summary) {
    std::string out = grouped(summary.findings) + " findings in " + grouped(summary.input.events) + " events";
    if (summary.first_event.known())
      out += ", " + shown_time(summary.first_event) + " to " + shown_time(summary.last_event) + " UTC";
    return out;
  }

  std::ostream& out_;
  std::unordered_map<const model::RuleInfo*, Cell> by_rule_;
};

}  // namespace

std::unique_ptr<FindingSink> make_navigator_sink(std::ostream& out) { return std::make_unique<NavigatorSink>(out); }

}  // namespace tocsin::cli
