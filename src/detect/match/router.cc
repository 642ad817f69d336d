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
         (wanted.service.empty() || wanted.service == row.service) && (wanted.category.empty() || wanted.category == row.category);
}

}  // namespace

Router::Router(const RuleSet& rules, const LogSourceMap& sources, const CompileOptions& options)
    : rules_(rules), sources_(sources), options_(options) {
  if (!options_.any_source) collect_fields();
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
    max_known_bytes_ = std::max(max_known_bytes_, kMaxFoldShrink * folded.size());
  }
}

void Router::collect_fields() {
  for (const char* name : kAlways) add_known(name, {});
  for (const SourceRow& row : sources_.rows) {
    for (const SourceCondition& condition : row.when) {
      add_known(condition.field, {});
      for (const std::string& value : condition.values) add_known(condition.field, value);
    }
    add_known("product", row.source.product);
    add_known("category", row.source.category);
    add_known("service", row.source.service);
    products_.emplace(row.source.product, true);
    categories_.emplace(row.source.category, true);
  }
  for (const sigma::Rule& rule : rules_.rules) {
    const model::LogSource& source = rule.info.logsource;
    add_known("product", source.product);
    add_known("category", source.category);
    add_known("service", source.service);
    products_.emplace(source.product, true);
    categories_.emplace(source.category, true);
    for (const sigma::Leaf& leaf : rule.leaves) {
      if (leaf.keyword || leaf.op != sigma::Op::kPattern || !field_numbers_.contains(leaf.field)) continue;
      if (leaf.pattern.size() == 1 && leaf.pattern[0].kind == sigma::PatternPart::Kind::kLiteral) {
        add_known(leaf.field, leaf.pattern[0].text);
      }
    }
  }
}

model::LogSource Router::named_source(const Kind& kind) const {
  if (!(options_.input_source == model::LogSource{})) return options_.input_source;
  const auto value = [&](const char* field) -> std::string {
    const std::uint32_t number = field_numbers_.at(field);
    return kind[number] >= kFirstKnown ? fields_[number].values[kind[number] - kFirstKnown] : std::string{};
  };
  model::LogSource out{value("product"), value("category"), value("service")};
  if (!products_.contains(out.product)) out.product.clear();
  if (!categories_.contains(out.category)) out.category.clear();
  // A field called "service" alone means too many other things (Zeek conn has one).
  if (out.product.empty() && out.category.empty()) return {};
  return out;
}

bool Router::holds(const SourceCondition& condition, const Kind& kind, const model::Event& event) const {
  const std::uint32_t number = field_numbers_.at(condition.field);
  const std::uint16_t state = kind[number];
  if (condition.absent) return state == kKindAbsent || state == kKindNull;
  if (condition.present) return state != kKindAbsent && state != kKindNull;
  if (state == kKindSeveral) {
    for (const model::Field& field : event.fields()) {
      if (event.name(field) != condition.field) continue;
      const std::string folded = core::fold_utf8(field.text);
      for (const std::string& value : condition.values) {
        if (core::fold_utf8(value) == folded) return true;
      }
    }
    return false;
  }
  if (state < kFirstKnown) return false;
  const std::string& held = fields_[number].values[state - kFirstKnown];
  return std::any_of(condition.values.begin(), condition.values.end(),
                     [&](const std::string& value) { return core::fold_utf8(value) == held; });
}

std::vector<std::uint32_t> Router::rows_of(const Kind& kind, const model::LogSource& named, const model::Event& event) const {
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < sources_.rows.size(); ++i) {
    const SourceRow& row = sources_.rows[i];
    // A source that is named rules out rows of other products.
    if (!named.product.empty() && !row.source.product.empty() && row.source.product != named.product) continue;
    const bool held = std::all_of(row.when.begin(), row.when.end(),
                                  [&](const SourceCondition& condition) { return holds(condition, kind, event); });
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
      case kKindOther: state.kind = fields_[i].full ? FieldState::Kind::kUnknown : FieldState::Kind::kOther; break;
      case kKindSeveral: state.kind = FieldState::Kind::kUnknown; break;
      default: state = {FieldState::Kind::kKnown, fields_[i].values[kind[i] - kFirstKnown]};
    }
    out.push_back({fields_[i].name, std::move(state)});
  }
  return out;
}

std::unique_ptr<Route> Router::build(const std::vector<std::uint32_t>& rows, const model::LogSource& named,
                                     const std::vector<KnownField>& known) {
  auto route = std::make_unique<Route>();
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
  route->told = !rows.empty() || !products.empty() || !categories.empty() || options_.any_source;

  const auto enabled = [&](std::uint32_t rule) { return options_.enabled.empty() || options_.enabled[rule]; };
  const auto add_program = [&](const std::vector<std::uint32_t>& indexes, const SourceRow* row, std::uint32_t view) {
    if (indexes.empty()) return;
    auto program = build_program(rules_.rules, indexes, row, view, known, regexes_);
    if (!program->rules.empty()) route->programs.push_back(std::move(program));
  };
  std::vector<std::uint32_t> base;
  for (std::uint32_t i = 0; i < rules_.rules.size(); ++i) {
    if (!enabled(i)) continue;
    const model::LogSource& source = rules_.rules[i].info.logsource;
    const bool taken = options_.any_source || (route->told ? applies(source, products, categories, services) : source.product.empty());
    if (taken) base.push_back(i);
  }
  add_program(base, nullptr, kBaseView);
  for (const std::uint32_t number : rows) {
    const SourceRow& row = sources_.rows[number];
    if (row.fields.empty()) continue;
    std::vector<std::uint32_t> mapped;
    for (std::uint32_t i = 0; i < rules_.rules.size(); ++i) {
      if (enabled(i) && belongs(rules_.rules[i].info.logsource, row.source)) mapped.push_back(i);
    }
    add_program(mapped, &row, number + 1);
  }
  return route;
}

const Route* Router::route(const Kind& kind, const model::Event& event) {
  const std::lock_guard lock(mutex_);
  const bool several = std::find(kind.begin(), kind.end(), static_cast<std::uint16_t>(kKindSeveral)) != kind.end();
  const std::string key = kind_key(kind);
  if (!several) {
    const auto found = by_kind_.find(key);
    if (found != by_kind_.end()) return found->second.get();
  }
  const model::LogSource named = options_.any_source ? model::LogSource{} : named_source(kind);
  const std::vector<std::uint32_t> rows = options_.any_source ? std::vector<std::uint32_t>{} : rows_of(kind, named, event);
  if (!several && by_kind_.size() < kMaxRoutes) {
    return by_kind_.emplace(key, build(rows, named, known_of(kind))).first->second.get();
  }
  std::string rows_key = named.product + '\n' + named.category + '\n' + named.service + '\n';
  for (const std::uint32_t row : rows) rows_key += std::to_string(row) + ',';
  auto& place = by_rows_[rows_key];
  if (place == nullptr) place = build(rows, named, {});
  return place.get();
}

}  // namespace tocsin::detect
