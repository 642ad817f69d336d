#include "detect/match/router.h"

#include <algorithm>
#include <set>

#include "core/unicode.h"

namespace tocsin::detect {
namespace {

constexpr std::size_t kMaxKnownValues = 60'000;  // Fits the 16-bit numbers of a Kind.
constexpr std::size_t kMaxFoldShrink = 3;        // The Kelvin sign has 3 bytes, its folded form one.
constexpr const char* kAlways[] = {"EventID", "Channel", "Provider_Name", "product", "category", "service"};

std::string kind_key(const Kind& kind) {
  return {reinterpret_cast<const char*>(kind.data()), kind.size() * sizeof(std::uint16_t)};
}

// Whether a rule of `wanted` applies to an event that is of these products, categories and services.
bool applies(const model::LogSource& wanted, const std::set<std::string>& products, const std::set<std::string>& categories,
             const std::set<std::string>& services) {
  const auto held = [](const std::string& name, const std::set<std::string>& names) {
    return name.empty() || names.contains(name);
  };
  return held(wanted.product, products) && held(wanted.category, categories) && held(wanted.service, services);
}

// Whether a rule belongs to the mapped view that `row` gives.
bool belongs(const model::LogSource& wanted, const model::LogSource& row) {
  const bool named = row.category.empty() ? wanted.service == row.service : wanted.category == row.category;
  if (!named || (wanted.category.empty() && wanted.service.empty())) return false;
  return (wanted.product.empty() || wanted.product == row.product) &&
         (wanted.service.empty() || wanted.service == row.service) &&
         (wanted.category.empty() || wanted.category == row.category);
}

}  // namespace

Router::Router(const RuleSet& rules, const LogSourceMap& sources, const CompileOptions& options)
    : rules_(rules), sources_(sources), options_(options) {
  if (!options_.any_source) collect_fields();
}

std::uint16_t KindField::number_of(std::string_view folded) const {
  if (!known.empty()) {
    if (const auto found = known.find(folded); found != known.end()) return found->second;
  }
  for (const auto& [prefix, number] : prefixes) {
    if (prefix.empty() || (!folded.empty() && folded[0] == prefix[0] && folded.starts_with(prefix))) return number;
  }
  return kKindOther;
}

void Router::add_known(const std::string& field, const std::string& value) {
  const auto [place, fresh] = field_numbers_.try_emplace(field, static_cast<std::uint32_t>(fields_.size()));
  if (fresh) {
    fields_.emplace_back();
    fields_.back().name = field;
  }
  if (value.empty()) return;
  KindField& known = fields_[place->second];
  const std::string folded = core::fold_utf8(value);
  if (known.values.size() >= kMaxKnownValues) {
    known.full = known.full || !known.known.contains(folded);
    return;
  }
  if (known.known.try_emplace(folded, static_cast<std::uint16_t>(kFirstKnown + known.values.size())).second) {
    known.values.push_back(folded);
    known.is_prefix.push_back(false);
    max_known_bytes_ = std::max(max_known_bytes_, kMaxFoldShrink * folded.size());
  }
}

void Router::add_prefix(const std::string& field, const std::string& prefix) {
  KindField& known = fields_[field_numbers_.at(field)];
  const auto same = [&](const auto& entry) { return entry.first == prefix; };
  if (known.values.size() >= kMaxKnownValues || std::ranges::any_of(known.prefixes, same)) return;
  const auto longer = [&](const auto& entry) { return entry.first.size() >= prefix.size(); };
  const auto place = std::ranges::find_if_not(known.prefixes, longer);
  known.prefixes.emplace(place, prefix, static_cast<std::uint16_t>(kFirstKnown + known.values.size()));
  known.values.push_back(prefix);
  known.longest_prefix = std::max(known.longest_prefix, prefix.size());
  max_known_bytes_ = std::max(max_known_bytes_, kMaxFoldShrink * prefix.size());
  known.is_prefix.push_back(true);
}

void Router::collect_fields() {
  for (const char* name : kAlways) add_known(name, {});
  const std::size_t always_count = fields_.size();
  for (const SourceRow& row : sources_.rows) {
    for (const SourceCondition& condition : row.when) {
      add_known(condition.field, {});
      for (const std::string& value : condition.values) add_known(condition.field, value);
      for (const std::string& prefix : condition.prefixes) add_prefix(condition.field, prefix);
    }
    std::vector<std::uint32_t>& numbers = condition_fields_.emplace_back();
    for (const SourceCondition& condition : row.when) numbers.push_back(field_numbers_.at(condition.field));
  }
  for (std::size_t i = always_count; i < fields_.size(); ++i) fields_[i].coarse = fields_[i].known.empty();
  const auto add_source = [&](const model::LogSource& source) {
    add_known("product", source.product);
    add_known("category", source.category);
    add_known("service", source.service);
    products_.emplace(source.product, true);
    categories_.emplace(source.category, true);
  };
  for (const SourceRow& row : sources_.rows) add_source(row.source);
  for (const sigma::Rule& rule : rules_.rules) add_source(rule.info.logsource);
  add_rule_values();
}

// The exact values that rules ask for in discriminating fields, under their own name or a view's: "other" then means
// that no rule asks for it.
void Router::add_rule_values() {
  std::unordered_map<std::string, std::set<std::string>> mapped;  // Rule field -> event fields.
  for (const SourceRow& row : sources_.rows) {
    for (const FieldRule& field : row.fields) {
      if (field_numbers_.contains(field.event_field)) mapped[field.rule_field].insert(field.event_field);
    }
  }
  const auto add = [&](const std::string& field, const std::string& value) {
    const auto found = field_numbers_.find(field);
    if (found != field_numbers_.end() && !fields_[found->second].coarse) add_known(field, value);
  };
  for (const sigma::Rule& rule : rules_.rules) {
    for (const sigma::Leaf& leaf : rule.leaves) {
      if (leaf.keyword || leaf.op != sigma::Op::kPattern) continue;
      if (leaf.pattern.size() != 1 || leaf.pattern[0].kind != sigma::PatternPart::Kind::kLiteral) continue;
      add(leaf.field, leaf.pattern[0].text);
      if (const auto others = mapped.find(leaf.field); others != mapped.end()) {
        for (const std::string& field : others->second) add(field, leaf.pattern[0].text);
      }
    }
  }
}

model::LogSource Router::named_source(const Kind& kind) const {
  if (!(options_.input_source == model::LogSource{})) return options_.input_source;
  const auto value = [&](const char* field) -> std::string {
    const std::uint32_t number = field_numbers_.at(field);
    if (kind[number] < kFirstKnown || fields_[number].is_prefix[kind[number] - kFirstKnown]) return {};
    return fields_[number].values[kind[number] - kFirstKnown];
  };
  model::LogSource out{value("product"), value("category"), value("service")};
  if (!products_.contains(out.product)) out.product.clear();
  if (!categories_.contains(out.category)) out.category.clear();
  // A field called "service" alone means too many other things (Zeek conn has one).
  if (out.product.empty() && out.category.empty()) return {};
  return out;
}

bool Router::holds(const SourceCondition& condition, std::uint32_t number, const Kind& kind,
                   const model::Event& event) const {
  const std::uint16_t state = kind[number];
  if (condition.absent) return state == kKindAbsent || state == kKindNull;
  if (state == kKindAbsent || state == kKindNull) return false;
  if (condition.present) return true;
  const auto fits = [&](const std::string& folded) {
    return std::ranges::find(condition.values, folded) != condition.values.end() ||
           std::ranges::any_of(condition.prefixes, [&](const std::string& prefix) { return folded.starts_with(prefix); });
  };
  bool held = false;
  if (state == kKindSeveral) {
    for (const model::Field& field : event.fields()) {
      if (event.name(field) == condition.field && field.type != model::ValueType::kNull)
        held |= fits(core::fold_utf8(field.text));
    }
  } else if (state >= kFirstKnown) {
    // The longest prefix that a value has begins with all the shorter ones that it has.
    const std::size_t known = state - kFirstKnown;
    const std::string& value = fields_[number].values[known];
    held =
        fields_[number].is_prefix[known]
            ? std::ranges::any_of(condition.prefixes, [&](const std::string& prefix) { return value.starts_with(prefix); })
            : fits(value);
  }
  return held != condition.negated;
}

std::vector<std::uint32_t> Router::rows_of(const Kind& kind, const model::LogSource& named,
                                           const model::Event& event) const {
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < sources_.rows.size(); ++i) {
    const SourceRow& row = sources_.rows[i];
    // A source that is named rules out rows of others.
    const auto differ = [](const std::string& one, const std::string& other) {
      return !one.empty() && !other.empty() && one != other;
    };
    if (differ(named.product, row.source.product)) continue;
    if (differ(named.category, row.source.category) || differ(named.service, row.source.service)) continue;
    bool held = true;
    for (std::size_t c = 0; held && c < row.when.size(); ++c)
      held = holds(row.when[c], condition_fields_[i][c], kind, event);
    if (held) out.push_back(i);
  }
  return out;
}

std::vector<KnownField> Router::known_of(const Kind& kind) const {
  std::vector<KnownField> out;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    FieldState state;
    switch (kind[i]) {
      case kKindAbsent: state.kind = FieldState::Kind::kAbsent; break;
      case kKindNull: state.kind = FieldState::Kind::kNull; break;
      case kKindOther:
        state.kind = fields_[i].coarse || fields_[i].full ? FieldState::Kind::kUnknown : FieldState::Kind::kOther;
        break;
      case kKindSeveral: state.kind = FieldState::Kind::kUnknown; break;
      default:
        if (fields_[i].coarse)
          state.kind = FieldState::Kind::kUnknown;
        else if (fields_[i].is_prefix[kind[i] - kFirstKnown])
          state.kind = FieldState::Kind::kOther;
        else
          state = {FieldState::Kind::kKnown, fields_[i].values[kind[i] - kFirstKnown]};
    }
    out.push_back({fields_[i].name, std::move(state)});
  }
  return out;
}

Router::Plan Router::plan(const std::vector<std::uint32_t>& rows, const model::LogSource& named) const {
  Plan out;
  std::set<std::string> products;
  std::set<std::string> categories;
  std::set<std::string> services;
  const auto add = [](std::set<std::string>& names, const std::string& name) {
    if (!name.empty()) names.insert(name);
  };
  add(products, named.product);
  add(categories, named.category);
  add(services, named.service);
  for (const std::uint32_t i : rows) {
    const SourceRow& row = sources_.rows[i];
    add(products, row.source.product);
    if (!row.fields.empty()) continue;
    add(categories, row.source.category);
    add(services, row.source.service);
  }
  out.told = !rows.empty() || !products.empty() || !categories.empty() || options_.any_source;
  for (std::uint32_t i = 0; i < rules_.rules.size(); ++i) {
    if (!enabled(i)) continue;
    const model::LogSource& source = rules_.rules[i].info.logsource;
    const bool taken =
        options_.any_source || (out.told ? applies(source, products, categories, services) : source.product.empty());
    if (taken) out.base.push_back(i);
  }
  for (const std::uint32_t number : rows) {
    if (!sources_.rows[number].fields.empty()) out.rows.push_back(number);
  }
  return out;
}

bool Router::enabled(std::uint32_t rule) const { return options_.enabled.empty() || options_.enabled[rule]; }

std::vector<std::uint32_t> Router::rules_of_row(const SourceRow& row) const {
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < rules_.rules.size(); ++i) {
    if (enabled(i) && belongs(rules_.rules[i].info.logsource, row.source)) out.push_back(i);
  }
  return out;
}

std::shared_ptr<const Route> Router::build(const Plan& plan, const std::vector<KnownField>& known) {
  auto route = std::make_shared<Route>();
  route->told = plan.told;
  const auto add = [&](const std::vector<std::uint32_t>& indexes, const SourceRow* row, std::uint32_t view) {
    if (indexes.empty()) return;
    auto program = build_program(rules_.rules, indexes, row, view, known, regexes_);
    if (!program->rules.empty()) route->programs.push_back(std::move(program));
  };
  add(plan.base, nullptr, kBaseView);
  for (const std::uint32_t number : plan.rows) add(rules_of_row(sources_.rows[number]), &sources_.rows[number], number + 1);
  return route;
}

std::shared_ptr<const Route> Router::sifted(const Plan& plan) {
  auto route = std::make_shared<Route>();
  route->told = plan.told;
  if (all_rules_ == nullptr) {
    std::vector<std::uint32_t> all;
    for (std::uint32_t i = 0; i < rules_.rules.size(); ++i) {
      if (enabled(i)) all.push_back(i);
    }
    all_rules_ = build_program(rules_.rules, all, nullptr, kBaseView, {}, regexes_);
  }
  route->programs.push_back(all_rules_);
  route->base_rules.resize(rules_.rules.size());
  for (const std::uint32_t rule : plan.base) route->base_rules[rule] = true;
  for (const std::uint32_t number : plan.rows) {
    auto& program = row_programs_[number];
    const SourceRow& row = sources_.rows[number];
    if (program == nullptr) program = build_program(rules_.rules, rules_of_row(row), &row, number + 1, {}, regexes_);
    route->programs.push_back(program);
  }
  return route;
}

std::shared_ptr<const Route> Router::route(const Kind& kind, const model::Event& event) {
  const std::lock_guard lock(mutex_);
  const bool several = std::find(kind.begin(), kind.end(), static_cast<std::uint16_t>(kKindSeveral)) != kind.end();
  const std::string key = kind_key(kind);
  if (!several) {
    const auto found = by_kind_.find(key);
    if (found != by_kind_.end()) return found->second;
  }
  const model::LogSource named = options_.any_source ? model::LogSource{} : named_source(kind);
  const std::vector<std::uint32_t> rows = options_.any_source ? std::vector<std::uint32_t>{} : rows_of(kind, named, event);
  if (!several && by_kind_.size() < kMaxRoutes) {
    return by_kind_.emplace(key, build(plan(rows, named), known_of(kind))).first->second;
  }
  std::string rows_key = named.product + '\n' + named.category + '\n' + named.service + '\n';
  for (const std::uint32_t row : rows) rows_key += std::to_string(row) + ',';
  const auto found = by_rows_.find(rows_key);
  if (found != by_rows_.end()) return found->second;
  if (by_rows_.size() >= kMaxRowRoutes) return sifted(plan(rows, named));
  return by_rows_.emplace(rows_key, build(plan(rows, named), {})).first->second;
}

std::vector<model::LogSource> Router::sources_of(const Kind& kind, const model::Event& event) const {
  std::vector<model::LogSource> out;
  if (options_.any_source) return out;
  const model::LogSource named = named_source(kind);
  if (!(named == model::LogSource{})) out.push_back(named);
  for (const std::uint32_t row : rows_of(kind, named, event)) {
    const model::LogSource& source = sources_.rows[row].source;
    if (std::ranges::find(out, source) == out.end()) out.push_back(source);
  }
  return out;
}

}  // namespace tocsin::detect
