#include "detect/sigma/correlation.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "detect/sigma/metadata.h"

namespace tocsin::detect::sigma {
namespace {

constexpr std::int64_t kMaxTimespanSeconds = 3'650ll * 86'400;  // Ten years.
constexpr std::size_t kMaxGroupFields = 32;

struct TypeName {
  std::string_view name;
  CorrelationType type;
};
constexpr TypeName kTypes[] = {
    {"event_count", CorrelationType::kEventCount},
    {"value_count", CorrelationType::kValueCount},
    {"temporal", CorrelationType::kTemporal},
    {"temporal_ordered", CorrelationType::kTemporalOrdered},
    {"value_sum", CorrelationType::kValueSum},
    {"value_avg", CorrelationType::kValueAvg},
    {"value_percentile", CorrelationType::kValuePercentile},
};
struct OpName {
  std::string_view name;
  CountOp op;
};
constexpr OpName kOps[] = {{"gt", CountOp::kGreater},    {"gte", CountOp::kGreaterEqual}, {"lt", CountOp::kLess},
                           {"lte", CountOp::kLessEqual}, {"eq", CountOp::kEqual},         {"neq", CountOp::kNotEqual}};

template <class Table>
std::vector<std::string_view> names_of(const Table& table) {
  std::vector<std::string_view> out;
  for (const auto& entry : table) out.push_back(entry.name);
  return out;
}

class CorrelationParser {
 public:
  CorrelationParser(const YamlNode& map, const LoadContext& context, Report& report, PendingCorrelation& out)
      : map_(map), context_(context), report_(report), out_(out), rule_(out.rule) {}

  void run() {
    static const std::vector<std::string_view> kKeys{"type",     "rules",     "aliases",  "group-by",
                                                     "timespan", "condition", "generate", "field"};
    for (const auto& [key, value] : map_.entries) {
      if (std::find(kKeys.begin(), kKeys.end(), key->text) != kKeys.end()) continue;
      report_.error(place_of(*key), "unknown-key", "a correlation has no '" + clip(key->text) + "'",
                    key->text == "timeframe" ? "write timespan" : did_you_mean(key->text, kKeys));
    }
    type();
    if (const YamlNode* rules = required("rules")) {
      out_.references = parse_references(*rules, "rules", report_);
      if (out_.references.empty())
        report_.error(place_of(*rules), "missing-rules", "the correlation refers to no rule", "list ids or names");
    }
    aliases();
    group_by();
    if (const YamlNode* timespan = required("timespan")) parse_timespan(*timespan);
    condition();
    if (const YamlNode* generate = map_.find("generate")) parse_generate(*generate);
  }

  void parse_generate(const YamlNode& node) {
    if (node.kind != YamlNode::Kind::kBool) {
      report_.error(place_of(node), "wrong-type", "generate: expected true or false, found " + describe(node),
                    "write it without quotes");
      return;
    }
    rule_.generate = node.text[0] == 't' || node.text[0] == 'T';
  }

 private:
  const YamlNode* required(std::string_view key) {
    const YamlNode* node = map_.find(key);
    if (node == nullptr)
      report_.error(place_of(map_), "missing-" + std::string(key), "the correlation has no " + std::string(key),
                    "add '" + std::string(key) + ":'");
    return node;
  }

  void type() {
    const YamlNode* node = required("type");
    if (node == nullptr) return;
    const std::string word = text_of(*node, "type", report_);
    const auto* found =
        std::find_if(std::begin(kTypes), std::end(kTypes), [&](const TypeName& t) { return t.name == word; });
    if (found == std::end(kTypes)) {
      std::string hint = did_you_mean(word, names_of(kTypes));
      if (hint.empty())
        hint = "use event_count, value_count, temporal, temporal_ordered, value_sum, value_avg or value_percentile";
      report_.error(place_of(*node), "correlation-type", "there is no correlation type '" + clip(word) + "'",
                    std::move(hint));
      return;
    }
    rule_.type = found->type;
    rule_.info.type = found->name;
  }

  void aliases() {
    const YamlNode* node = map_.find("aliases");
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kMap) return wrong(*node, "aliases", "a map of alias to rules");
    for (const auto& [key, value] : node->entries) {
      if (value->kind != YamlNode::Kind::kMap || value->entries.empty()) {
        wrong(*value, "aliases", "a map of rule to field");
        continue;
      }
      if (too_many(*key, out_.aliases.size())) return;
      PendingAlias& alias = out_.aliases.emplace_back();
      alias.name = key->text;
      for (const auto& [rule, field] : value->entries) {
        alias.fields.emplace_back(Reference{rule->text, place_of(*rule)}, name_of(*field, "aliases"));
      }
    }
  }

  void wrong(const YamlNode& node, std::string_view what, std::string_view expected) {
    report_.error(place_of(node), "wrong-type",
                  std::string(what) + ": expected " + std::string(expected) + ", found " + describe(node),
                  "see docs/sigma.md");
  }

  bool too_many(const YamlNode& node, std::size_t count) {
    if (count < kMaxGroupFields) return false;
    report_.error(place_of(node), "limit", "at most " + std::to_string(kMaxGroupFields) + " fields or aliases", "use fewer");
    return true;
  }

  std::string name_of(const YamlNode& node, std::string_view what) {
    const std::string written = text_of(node, what, report_);
    if (written.size() > kMaxNameBytes) {
      report_.error(place_of(node), "limit", "a field's name is longer than " + std::to_string(kMaxNameBytes) + " bytes",
                    "");
      return {};
    }
    return field_name(written, context_.options);
  }

  void group_by() {
    const YamlNode* node = map_.find("group-by");
    if (node == nullptr) return;
    for (const YamlNode* item : text_or_list(*node, "group-by", report_)) {
      if (too_many(*item, rule_.group_by.size())) return;
      const bool alias =
          std::any_of(out_.aliases.begin(), out_.aliases.end(), [&](const PendingAlias& a) { return a.name == item->text; });
      std::string name = alias ? item->text : name_of(*item, "group-by");
      if (std::find(rule_.group_by.begin(), rule_.group_by.end(), name) == rule_.group_by.end())
        rule_.group_by.push_back(std::move(name));
    }
  }

  void parse_timespan(const YamlNode& node) {
    const std::string text = text_of(node, "timespan", report_);
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    std::int64_t seconds = 0;
    if (unit == "s") seconds = 1;
    if (unit == "m") seconds = 60;
    if (unit == "h") seconds = 3'600;
    if (unit == "d") seconds = 86'400;
    if (unit == "w") seconds = 7 * 86'400;
    if (error != std::errc{} || seconds == 0 || count <= 0 || count > kMaxTimespanSeconds / seconds) {
      const bool calendar = unit == "M" || unit == "y";
      report_.error(
          place_of(node), "timespan-format", "'" + clip(text) + "' is no time span of 1s to 3650d",
          calendar ? "months and years differ in length: write days" : "write a number and s, m, h, d or w, such as 90m");
      return;
    }
    rule_.timespan_ns = count * seconds * 1'000'000'000;
  }

  [[nodiscard]] bool temporal() const {
    return rule_.type == CorrelationType::kTemporal || rule_.type == CorrelationType::kTemporalOrdered;
  }
  [[nodiscard]] bool takes_field() const { return !temporal() && rule_.type != CorrelationType::kEventCount; }

  void condition() {
    const YamlNode* node = temporal() ? map_.find("condition") : required("condition");
    if (const YamlNode* outside = map_.find("field")) {
      report_.error(place_of(*outside), "unknown-key", "field belongs into the condition", "move it below 'condition:'");
    }
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kMap) {
      report_.error(place_of(*node), "wrong-type", "condition: expected a map such as 'gte: 10', found " + describe(*node),
                    "a condition over rule names is not part of the specification; chain correlations instead");
      return;
    }
    for (const auto& [key, value] : node->entries) condition_entry(*key, *value);
    if (operator_count_ == 0 && !temporal()) {
      report_.error(place_of(*node), "missing-operator", "the condition compares with nothing",
                    "add gt, gte, lt, lte, eq or neq");
    }
    if (operator_count_ > 2) {
      report_.error(place_of(*node), "condition-operators", "the condition has more than two operators",
                    "a range has two, such as gt and lte");
    }
    if (takes_field() && rule_.fields.empty() && !report_.failed()) {
      report_.error(place_of(*node), "missing-field", rule_.info.type + " needs a field",
                    "add 'field: name' below 'condition:'");
    }
  }

  void condition_entry(const YamlNode& key, const YamlNode& value) {
    const auto* found = std::find_if(std::begin(kOps), std::end(kOps), [&](const OpName& o) { return o.name == key.text; });
    if (found != std::end(kOps)) {
      ++operator_count_;
      if (const auto number = number_of(value, key.text)) rule_.conditions.push_back({found->op, *number});
    } else if (key.text == "field") {
      fields(value);
    } else if (key.text == "percentile" && rule_.type == CorrelationType::kValuePercentile) {
      const auto number = number_of(value, key.text);
      if (number && (*number < 0 || *number > 100))
        report_.error(place_of(value), "value-range", "expected a percentile from 0 to 100", "");
      rule_.percentile = number.value_or(50);
    } else {
      std::vector<std::string_view> known = names_of(kOps);
      known.insert(known.end(), {"field", "percentile"});
      report_.error(place_of(key), "unknown-key",
                    "a condition of type " + rule_.info.type + " has no '" + clip(key.text) + "'",
                    did_you_mean(key.text, known));
    }
  }

  std::optional<double> number_of(const YamlNode& node, std::string_view what) {
    double out = 0;
    const char* begin = node.text.data() + (node.text.starts_with('+') ? 1 : 0);
    const char* last = node.text.data() + node.text.size();
    if (node.kind == YamlNode::Kind::kNumber) {
      const auto [end, error] = std::from_chars(begin, last, out);
      if (error == std::errc{} && end == last && std::isfinite(out)) return out;
    }
    report_.error(place_of(node), "wrong-type", std::string(what) + ": expected a number, found " + describe(node),
                  "write it without quotes");
    return {};
  }

  void fields(const YamlNode& node) {
    if (!takes_field()) {
      report_.warning(place_of(node), "field-ignored", "a correlation of type " + rule_.info.type + " reads no field",
                      "remove it, or use value_count");
      return;
    }
    const auto items = text_or_list(node, "field", report_);
    if (items.size() > 1 && rule_.type != CorrelationType::kValueCount) {
      report_.error(place_of(node), "wrong-type", rule_.info.type + " takes one field",
                    "several fields make a tuple in value_count only");
      return;
    }
    for (const YamlNode* item : items) {
      if (too_many(*item, rule_.fields.size())) return;
      const bool alias =
          std::any_of(out_.aliases.begin(), out_.aliases.end(), [&](const PendingAlias& a) { return a.name == item->text; });
      rule_.fields.push_back(alias ? item->text : name_of(*item, "field"));
    }
  }

  const YamlNode& map_;
  const LoadContext& context_;
  Report& report_;
  PendingCorrelation& out_;
  CorrelationRule& rule_;
  std::size_t operator_count_ = 0;
};

}  // namespace

std::vector<Reference> parse_references(const YamlNode& node, std::string_view what, Report& report) {
  std::vector<Reference> out;
  for (const YamlNode* item : text_or_list(node, what, report)) {
    if (out.size() >= kMaxReferences || item->text.size() > kMaxNameBytes) {
      report.error(
          place_of(*item), "limit",
          "at most " + std::to_string(kMaxReferences) + " references of at most " + std::to_string(kMaxNameBytes) + " bytes",
          "");
      break;
    }
    out.push_back({item->text, place_of(*item)});
  }
  return out;
}

PendingCorrelation parse_correlation(const YamlNode& document, const LoadContext& context, Report& report) {
  PendingCorrelation out;
  out.rule.info = parse_metadata(document, report);
  const YamlNode& map = *document.find("correlation");
  if (map.kind != YamlNode::Kind::kMap) {
    report.error(place_of(map), "wrong-type", "correlation: expected a map, found " + describe(map),
                 "write type, rules, timespan below it");
    return out;
  }
  CorrelationParser parser(map, context, report, out);
  parser.run();
  if (const YamlNode* generate = document.find("generate")) parser.parse_generate(*generate);
  return out;
}

}  // namespace tocsin::detect::sigma
