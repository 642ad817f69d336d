// How the filter alone is got out of the loader: it is applied to a carrier, a rule of the same id and logsource. The loader
// makes the carrier's condition `(carrier) and (filter)`; the second half is the filter, its leaves are among the carrier's.
#include "app/suppression/filter.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/json_writer.h"
#include "core/unicode.h"
#include "core/yaml.h"
#include "decode/windows_names.h"
#include "detect/rule_set.h"

namespace tocsin::app {
namespace {

constexpr std::array kOps{"equals", "contains", "startswith", "endswith", "cidr", "re"};

core::Error invalid(std::string text) { return {core::ErrorCode::kInvalid, std::move(text)}; }

// In single quotes where that can say it, which people read most easily; else as JSON, which is YAML too.
std::string quoted(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20; }) &&
                     text.find('\x7f') == std::string_view::npos;
  std::string out;
  if (!plain) {
    core::JsonWriter(out).text(text);
    return out;
  }
  out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

// So that `*`, `?` and `\` stand for themselves.
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '*' || c == '?') out += '\\';
    out += c;
  }
  return out;
}

std::string log_source(const model::LogSource& source) {
  std::string out;
  for (const auto& [name, value] : {std::pair{"product", &source.product}, std::pair{"category", &source.category},
                                    std::pair{"service", &source.service}}) {
    if (!value->empty()) out += (out.empty() ? "" : ", ") + std::string(name) + ": " + quoted(*value);
  }
  return "logsource: {" + out + "}\n";
}

core::Result<void> check_field(const FilterField& field) {
  if (field.field.empty() || field.field.size() > 256 || field.field.find_first_of("|\n\r") != std::string::npos)
    return invalid("fields: '" + core::clip(field.field) + "' is no name of a field");
  if (std::find(kOps.begin(), kOps.end(), field.op) == kOps.end()) {
    return invalid("fields: op of " + core::clip(field.field) +
                   " must be equals, contains, startswith, endswith, cidr or re, not '" + core::clip(field.op) + "'");
  }
  if (field.value.empty() || field.value.size() > kMaxFilterValueBytes) {
    return invalid("fields: the value of " + core::clip(field.field) + " must have 1 to " +
                   std::to_string(kMaxFilterValueBytes) + " bytes: an empty one would silence everything");
  }
  return {};
}

// That the text is one filter, of that rule alone.
core::Result<void> check_document(std::string_view yaml, const FilteredRule& rule) {
  const core::YamlFile file = core::parse_yaml(yaml);
  const auto at = [](const core::YamlIssue& issue) {
    return invalid("line " + std::to_string(issue.line) + ", column " + std::to_string(issue.column) + ": " + issue.message);
  };
  if (!file.issues.empty()) return at(file.issues.front());
  if (file.documents.size() != 1 || file.documents.front().root == nullptr)
    return invalid("expected one YAML document, a Sigma filter; there are " + std::to_string(file.documents.size()));
  if (!file.documents.front().issues.empty()) return at(file.documents.front().issues.front());
  const core::YamlNode& root = *file.documents.front().root;
  const core::YamlNode* filter = root.kind == core::YamlNode::Kind::kMap ? root.find("filter") : nullptr;
  if (filter == nullptr || filter->kind != core::YamlNode::Kind::kMap)
    return invalid("line 1: expected a Sigma filter: a document with 'filter:'");
  const core::YamlNode* rules = filter->find("rules");
  const core::YamlNode* one = rules != nullptr && rules->items.size() == 1 ? rules->items.front() : rules;
  const bool named = one != nullptr && one->is_scalar() && !one->text.empty() &&
                     (core::fold_utf8(one->text) == core::fold_utf8(rule.id) || one->text == rule.info.name);
  if (named) return {};
  return invalid("line " + std::to_string(rules == nullptr ? filter->line : rules->line) + ": 'rules:' must name the rule " +
                 std::string(rule.id) + " and no other");
}

void add_once(std::vector<std::string>& list, const std::string& text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
}

}  // namespace

core::Result<std::string> write_filter(const FilteredRule& rule, std::string_view title, std::string_view author,
                                       const std::vector<FilterField>& fields) {
  if (fields.empty()) return invalid("fields: choose at least one: without any the filter would silence the whole rule");
  if (fields.size() > kMaxFilterFields)
    return invalid("fields: at most " + std::to_string(kMaxFilterFields) + " are taken: write the YAML yourself");
  std::vector<std::pair<std::string, std::vector<std::string>>> items;
  for (const FilterField& field : fields) {
    TOCSIN_TRY(check_field(field));
    const bool raw = field.op == "cidr" || field.op == "re";
    const std::string key = field.field + (field.op == "equals" ? "" : "|" + field.op);
    auto found = std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.first == key; });
    if (found == items.end()) found = items.insert(items.end(), {key, {}});
    add_once(found->second, quoted(raw ? field.value : escaped(field.value)));
  }
  std::string out = "title: " + quoted(title) + "\n";
  if (!author.empty()) out += "author: " + quoted(author) + "\n";
  out += log_source(rule.info.logsource) + "filter:\n  rules:\n    - " + quoted(rule.id) + "\n  selection:\n";
  for (const auto& [key, values] : items) {
    out += "    " + quoted(key) + ":";
    if (values.size() == 1) {
      out += " " + values.front() + "\n";
      continue;
    }
    out += "\n";
    for (const std::string& value : values) out += "      - " + value + "\n";
  }
  return out + "  condition: not selection\n";
}

core::Result<SuppressionFilter> SuppressionFilter::read(std::string_view yaml, const FilteredRule& rule) {
  TOCSIN_TRY(check_document(yaml, rule));
  std::string id;
  core::JsonWriter(id).text(rule.id);
  std::string carrier = "title: carrier\nid: " + id + "\n";
  if (!rule.info.name.empty() && rule.info.name != rule.id) carrier += "name: " + quoted(rule.info.name) + "\n";
  carrier += log_source(rule.info.logsource) + "detection:\n  carrier: {carrier: carried}\n  condition: carrier\n";
  detect::LoadOptions options;
  options.canonical_name = [](std::string_view name) { return decode::canonical_name(name); };
  detect::RuleSet set = detect::load_rules({{"rule", carrier}, {"suppression", std::string(yaml)}}, options);
  for (const detect::sigma::Diagnostic& one : set.diagnostics) {
    if (one.path != "suppression") continue;
    if (one.severity == detect::sigma::Diagnostic::Severity::kError || one.code.starts_with("filter-")) {
      return invalid("line " + std::to_string(one.line) + ", column " + std::to_string(one.column) + ": " + one.message +
                     (one.hint.empty() ? "" : "; " + one.hint));
    }
  }
  if (set.rules.size() != 1 || set.filter_count != 1 || set.rules[0].selections.size() < 2 ||
      set.rules[0].condition.children.size() != 2) {
    return invalid("the filter does not apply to the rule " + std::string(rule.id));
  }
  SuppressionFilter out;
  out.rule_ = std::move(set.rules[0]);
  if (out.rule_.leaves.size() > kMaxFilterLeaves + 1)
    return invalid("the filter has more than " + std::to_string(kMaxFilterLeaves) + " values: write a smaller one");
  detect::sigma::Expr filter = std::move(out.rule_.condition.children.back());
  out.rule_.condition = std::move(filter);
  for (std::size_t i = 1; i < out.rule_.leaves.size(); ++i) {  // The first is the carrier's.
    const detect::sigma::Leaf& leaf = out.rule_.leaves[i];
    if (leaf.keyword) out.keywords_ = true;
    if (!leaf.field.empty()) add_once(out.fields_, leaf.field);
    if (leaf.op == detect::sigma::Op::kFieldRef) add_once(out.fields_, leaf.text);
  }
  const std::string& name = out.rule_.selections.back().name;  // "<title of the filter>: <selection>"
  out.title_ = name.substr(0, name.rfind(": "));
  return out;
}

bool SuppressionFilter::silences(const detect::Engine& engine, const model::Event& event, const detect::Match& match,
                                 detect::PlainEvaluator& evaluator) const {
  detect::PlainEvent plain;
  if (keywords_) plain = detect::to_plain_event(event);
  std::erase_if(plain.fields, [&](const detect::PlainField& field) {
    return std::find(fields_.begin(), fields_.end(), field.name) != fields_.end();
  });
  for (const std::string& name : fields_) {
    for (std::string& value : engine.values(event, match, name))
      plain.fields.push_back({name, model::ValueType::kText, std::move(value)});
  }
  return !evaluator.match(rule_, plain);
}

bool SuppressionFilter::silences_anything(detect::PlainEvaluator& evaluator) const {
  detect::PlainEvent event;
  for (const std::string& name : fields_)
    event.fields.push_back({name, model::ValueType::kText, "nobody has ever meant this \x01 value"});
  return !evaluator.match(rule_, event);
}

}  // namespace tocsin::app
