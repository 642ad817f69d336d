#include "detect/sigma/resolve.h"

#include <algorithm>
#include <functional>
#include <queue>

#include "core/unicode.h"

namespace tocsin::detect::sigma {
namespace {

constexpr std::size_t kMaxUnresolvedShown = 10;

Report report_for(const model::RuleInfo& info, std::vector<Diagnostic>& out) {
  Report report(info.path, out);
  report.name_rule(info.id, info.title);
  return report;
}

// Whether the filter's logsource is the rule's or a wider one.
bool contains(const model::LogSource& filter, const model::LogSource& rule) {
  return (filter.product.empty() || filter.product == rule.product) &&
         (filter.category.empty() || filter.category == rule.category) &&
         (filter.service.empty() || filter.service == rule.service);
}

void shift(Expr& expr, std::uint32_t leaves, std::uint32_t selections) {
  if (expr.kind == Expr::Kind::kLeaf) expr.index += leaves;
  if (expr.kind == Expr::Kind::kSelection) expr.index += selections;
  for (Expr& child : expr.children) shift(child, leaves, selections);
}

void apply(const PendingFilter& filter, Rule& rule) {
  const auto leaves = static_cast<std::uint32_t>(rule.leaves.size());
  const auto selections = static_cast<std::uint32_t>(rule.selections.size());
  rule.leaves.insert(rule.leaves.end(), filter.detection.leaves.begin(), filter.detection.leaves.end());
  for (const Selection& selection : filter.detection.selections) {
    Selection& copy = rule.selections.emplace_back(selection);
    copy.name = filter.info.title + ": " + selection.name;
    shift(copy.expr, leaves, selections);
  }
  Expr both;
  both.kind = Expr::Kind::kAnd;
  both.children.push_back(std::move(rule.condition));
  both.children.push_back(filter.detection.condition);
  shift(both.children.back(), 0, selections);
  // Filters one after the other stay one flat And.
  if (both.children.front().kind == Expr::Kind::kAnd) {
    Expr flat = std::move(both.children.front());
    flat.children.push_back(std::move(both.children.back()));
    both = std::move(flat);
  }
  rule.condition = std::move(both);
  rule.condition_text = "(" + rule.condition_text + ") and (" + filter.detection.condition_text + ")";
}

// What a correlation refers to: a rule's index, or a pending correlation's.
struct Target {
  bool correlation = false;
  std::uint32_t index = 0;
};

class Resolver {
 public:
  Resolver(std::vector<PendingCorrelation>& pending, References& references, RuleSet& set)
      : pending_(pending),
        references_(references),
        set_(set),
        targets_(pending.size()),
        refused_(pending.size()),
        users_(pending.size()),
        waits_(pending.size()) {}

  void run() {
    for (std::uint32_t i = 0; i < pending_.size(); ++i) find_targets(i);
    // Those without open dependencies, in the order given.
    std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> ready;
    for (std::uint32_t i = 0; i < pending_.size(); ++i) {
      if (waits_[i] == 0) ready.push(i);
    }
    std::vector<bool> done(pending_.size());
    while (!ready.empty()) {
      const std::uint32_t i = ready.top();
      ready.pop();
      done[i] = true;
      finish(i);
      for (const std::uint32_t user : users_[i]) {
        if (--waits_[user] == 0) ready.push(user);
      }
    }
    for (std::uint32_t i = 0; i < pending_.size(); ++i) {
      if (!done[i])
        refuse(i, {}, "correlation-cycle", "the correlation refers to itself, perhaps through others", "break the cycle");
    }
    silence();
  }

 private:
  void refuse(std::uint32_t i, Place place, std::string code, std::string message, std::string hint) {
    const model::RuleInfo& info = pending_[i].rule.info;
    report_for(info, set_.diagnostics)
        .error(place.line == 0 ? Place{info.line, 1} : place, std::move(code), std::move(message), std::move(hint));
    if (!refused_[i]) ++set_.refused_count;
    refused_[i] = true;
  }

  void find_targets(std::uint32_t i) {
    std::size_t shown = 0;
    std::unordered_set<std::uint64_t> seen;
    for (const Reference& reference : pending_[i].references) {
      if (shown >= kMaxUnresolvedShown) break;
      const auto found = references_.find(reference.name);
      const std::size_t count = found.rules.size() + found.correlations.size();
      const std::string shown_name = "'" + clip(reference.name) + "'";
      if (count == 0) {
        ++shown;
        if (found.refused) {
          refuse(i, reference.place, "refers-to-refused", shown_name + " was refused, so this correlation cannot work",
                 "repair that rule first");
        } else {
          refuse(i, reference.place, "unknown-rule", "no rule has the id or name " + shown_name,
                 references_.suggest(reference.name));
        }
        continue;
      }
      if (count > 1) {
        ++shown;
        refuse(i, reference.place, "ambiguous-rule", "several rules are called " + shown_name, "refer to it by id");
        continue;
      }
      const bool correlation = found.rules.empty();
      const Target target{correlation, correlation ? found.correlations[0] : found.rules[0]};
      if (!seen.insert(std::uint64_t{target.correlation} << 32 | target.index).second) {
        ++shown;
        refuse(i, reference.place, "duplicate-reference", shown_name + " is referred to twice",
               "remove one; count events with event_count");
        continue;
      }
      targets_[i].push_back(target);
      pending_[i].rule.rule_names.push_back(reference.name);
      if (correlation) {
        users_[target.index].push_back(i);
        ++waits_[i];
      }
    }
    if (!refused_[i]) resolve_aliases(i);
  }

  void resolve_aliases(std::uint32_t i) {
    for (PendingAlias& pending : pending_[i].aliases) {
      Alias alias;
      alias.name = pending.name;
      for (auto& [reference, field] : pending.fields) {
        const auto found = references_.find(reference.name);
        const auto& mine = targets_[i];
        const auto at = std::find_if(mine.begin(), mine.end(), [&found](const Target& t) {
          const auto& list = t.correlation ? found.correlations : found.rules;
          return std::find(list.begin(), list.end(), t.index) != list.end();
        });
        if (at == mine.end()) {
          refuse(i, reference.place, "unknown-rule",
                 "the alias names '" + clip(reference.name) + "', which is not under 'rules'",
                 "use a name or id that the correlation refers to");
          return;
        }
        alias.fields.emplace_back(static_cast<std::uint32_t>(at - mine.begin()), std::move(field));
      }
      pending_[i].rule.aliases.push_back(std::move(alias));
    }
  }

  // Everything that `i` refers to is settled.
  void finish(std::uint32_t i) {
    for (std::size_t k = 0; k < targets_[i].size() && !refused_[i]; ++k) {
      const Target& target = targets_[i][k];
      if (target.correlation && refused_[target.index]) {
        refuse(i, pending_[i].references[k].place, "refers-to-refused",
               "'" + clip(pending_[i].rule.rule_names[k]) + "' was refused, so this correlation cannot work",
               "repair that correlation first");
      }
    }
    if (refused_[i]) return;
    const auto rule_count = static_cast<std::uint32_t>(set_.rules.size());
    for (const Target& target : targets_[i]) {
      pending_[i].rule.rules.push_back(target.correlation ? rule_count + final_index_[target.index] : target.index);
    }
    final_index_.resize(pending_.size());
    final_index_[i] = static_cast<std::uint32_t>(set_.correlations.size());
    set_.correlations.push_back(std::move(pending_[i].rule));
  }

  // A correlation that says generate: true keeps its rules' findings, whatever another one's default says.
  void silence() {
    set_.silenced.assign(set_.rules.size() + set_.correlations.size(), false);
    for (const bool generate : {false, true}) {
      for (const CorrelationRule& correlation : set_.correlations) {
        if (correlation.generate != generate) continue;
        for (const std::uint32_t index : correlation.rules) set_.silenced[index] = !generate;
      }
    }
  }

  std::vector<PendingCorrelation>& pending_;
  References& references_;
  RuleSet& set_;
  std::vector<std::vector<Target>> targets_;
  std::vector<bool> refused_;
  std::vector<std::vector<std::uint32_t>> users_;  // Those that refer to it.
  std::vector<std::uint32_t> waits_;               // Correlations it refers to that are not settled.
  std::vector<std::uint32_t> final_index_;
};

}  // namespace

void References::add(const model::RuleInfo& info, Map& map, std::uint32_t index) {
  if (!info.id.empty()) map[info.id].push_back(index);
  if (!info.name.empty() && info.name != info.id) map[info.name].push_back(index);
}

void References::add_refused(const model::RuleInfo& info) {
  if (!info.id.empty()) refused_.insert(info.id);
  if (!info.name.empty()) refused_.insert(info.name);
}

References::Found References::find(const std::string& name) const {
  Found out;
  const std::string folded = core::fold_utf8(name);
  for (const std::string& key : {name, folded}) {
    if (!out.rules.empty() || !out.correlations.empty()) break;
    if (const auto at = rules_.find(key); at != rules_.end()) out.rules = at->second;
    if (const auto at = correlations_.find(key); at != correlations_.end()) out.correlations = at->second;
    out.refused |= refused_.contains(key);
  }
  return out;
}

std::string References::suggest(const std::string& name) {
  if (suggestions_left_ == 0) return "give the rule's file too, or check the id";
  --suggestions_left_;
  std::vector<std::string_view> names;
  for (const Map* map : {&rules_, &correlations_}) {
    for (const auto& entry : *map) names.push_back(entry.first);
  }
  std::sort(names.begin(), names.end());
  std::string hint = did_you_mean(name, names);
  return hint.empty() ? "give the rule's file too, or check the id" : hint;
}

void apply_filters(std::vector<PendingFilter>& filters, References& references, RuleSet& set, LoadContext& context) {
  for (const PendingFilter& filter : filters) {
    Report report = report_for(filter.info, set.diagnostics);
    std::vector<std::uint32_t> targets;
    if (filter.any) {
      for (std::uint32_t i = 0; i < set.rules.size(); ++i) {
        if (contains(filter.info.logsource, set.rules[i].info.logsource)) targets.push_back(i);
      }
    }
    std::size_t unknown_count = 0;
    for (const Reference& reference : filter.references) {
      const auto found = references.find(reference.name);
      const std::string shown = "'" + clip(reference.name) + "'";
      if (found.rules.empty() && !found.correlations.empty()) {
        report.warning(reference.place, "filter-correlation", shown + " is a correlation; filters apply to rules only",
                       "filter the rules that it refers to");
      } else if (found.rules.empty() && ++unknown_count <= kMaxUnresolvedShown) {
        report.warning(reference.place, "unknown-rule",
                       found.refused ? shown + " was refused" : "no rule has the id or name " + shown,
                       found.refused ? "" : references.suggest(reference.name));
      }
      for (const std::uint32_t index : found.rules) {
        if (!contains(filter.info.logsource, set.rules[index].info.logsource)) {
          report.warning(reference.place, "filter-logsource", "the logsource of " + shown + " is not within the filter's",
                         "the filter is not applied to it");
        } else if (std::find(targets.begin(), targets.end(), index) == targets.end()) {
          targets.push_back(index);
        }
      }
    }
    for (const std::uint32_t index : targets) {
      Rule& rule = set.rules[index];
      const std::size_t added = filter.detection.leaves.size();
      if (rule.leaves.size() + added > kMaxLeavesPerRule || context.leaf_total + added > kMaxLeavesPerSet ||
          rule.selections.size() + filter.detection.selections.size() > 2 * kMaxSelections) {
        report.error({filter.info.line, 1}, "limit",
                     "with this filter the rule '" + clip(rule.info.title) + "' becomes too large",
                     "write a smaller filter");
        ++set.refused_count;
        break;
      }
      context.leaf_total += added;
      apply(filter, rule);
    }
    ++set.filter_count;
  }
}

void resolve_correlations(std::vector<PendingCorrelation>& pending, References& references, RuleSet& set) {
  Resolver(pending, references, set).run();
}

}  // namespace tocsin::detect::sigma
