#include <algorithm>

#include "core/text.h"
#include "model/attack.h"
#include "triage/auto_rules.h"

namespace tocsin::triage {
namespace {

constexpr std::int64_t kMinuteNs = 60'000'000'000, kDayMinutes = 1'440;

bool same(char a, char b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return lower(a) == lower(b);
}

// `meets(pattern)` is whether any of the incident's values is meant by it.
template <class Meets>
bool text_holds(const TextCondition& condition, const Meets& meets) {
  if (!condition.any.empty() && std::none_of(condition.any.begin(), condition.any.end(), meets)) return false;
  return std::all_of(condition.all.begin(), condition.all.end(), meets) &&
         std::none_of(condition.none.begin(), condition.none.end(), meets);
}
auto any_of_texts(const std::vector<std::string>& texts) {
  return [&texts](const std::string& pattern) {
    return std::any_of(texts.begin(), texts.end(), [&](const auto& text) { return matches_pattern(pattern, text); });
  };
}
bool any_matches(const std::vector<std::string>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& one) { return matches_pattern(one, text); });
}

bool time_holds(const Conditions& when, core::Timestamp opened) {
  if (when.days.empty() && !when.from_minute) return true;
  if (!opened.known()) return false;
  std::int64_t minutes = opened.ns / kMinuteNs;
  if (opened.ns < 0 && opened.ns % kMinuteNs != 0) --minutes;
  const std::int64_t minute = ((minutes % kDayMinutes) + kDayMinutes) % kDayMinutes;
  const std::int64_t day = (minutes - minute) / kDayMinutes;
  const auto weekday = static_cast<int>((((day + 4) % 7) + 7) % 7);  // 1970-01-01 was a Thursday.
  if (!when.days.empty() && std::find(when.days.begin(), when.days.end(), weekday) == when.days.end()) return false;
  if (!when.from_minute) return true;
  const int from = *when.from_minute, to = *when.to_minute;
  return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}

bool entity_holds(const EntityCondition& condition, const IncidentFacts::EntityFact& fact) {
  const auto among = [](const std::vector<std::string>& list, std::string_view text) {
    return list.empty() || std::find(list.begin(), list.end(), text) != list.end();
  };
  if (!among(condition.kinds, model::to_string(fact.entity.kind))) return false;
  if (!condition.keys.empty() && !any_matches(condition.keys, fact.entity.key) &&
      !any_matches(condition.keys, fact.entity.label)) {
    return false;
  }
  if (!condition.asks_asset()) return true;
  if (!fact.asset) return false;
  if (condition.criticality && !condition.criticality->hold(fact.asset->criticality)) return false;
  if (!among(condition.zones, fact.asset->zone) || !among(condition.exposures, fact.asset->exposure)) return false;
  return condition.tags.empty() || std::any_of(fact.asset->tags.begin(), fact.asset->tags.end(),
                                               [&](const auto& tag) { return any_matches(condition.tags, tag); });
}

bool bounds_hold(const std::optional<Bounds>& bounds, double value) { return !bounds || bounds->hold(value); }

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, tried = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      tried = t;
    } else if (p < pattern.size() && same(pattern[p], text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++tried;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool needs_rules(const Conditions& conditions) { return !conditions.rules.empty() || !conditions.sources.empty(); }
bool needs_entities(const Conditions& conditions) { return !conditions.entities.empty(); }

bool row_holds(const Conditions& when, const ledger::Incident& row) {
  if (!bounds_hold(when.severity, row.severity_id) || !bounds_hold(when.score, row.score) ||
      !bounds_hold(when.findings, static_cast<double>(row.finding_count)) ||
      !bounds_hold(when.hosts, static_cast<double>(row.host_count)) ||
      !bounds_hold(when.users, static_cast<double>(row.user_count)) ||
      !bounds_hold(when.rule_count, static_cast<double>(row.rule_count))) {
    return false;
  }
  const auto technique = [&](const std::string& pattern) {
    return std::any_of(row.techniques.begin(), row.techniques.end(), [&](const std::string& one) {
      return matches_pattern(pattern, one) || matches_pattern(pattern, model::parent_technique(one));
    });
  };
  return text_holds(when.tactics, any_of_texts(row.tactics)) && text_holds(when.techniques, technique) &&
         text_holds(when.tags, any_of_texts(row.tags)) &&
         text_holds(when.states, [&](const auto& one) { return matches_pattern(one, model::to_string(row.state)); }) &&
         text_holds(when.tenants, [&](const auto& one) { return matches_pattern(one, row.tenant); }) &&
         text_holds(when.titles, [&](const auto& one) { return matches_pattern(one, row.title); }) &&
         time_holds(when, row.created_at);
}

bool hold(const Conditions& when, const IncidentFacts& facts) {
  if (!row_holds(when, facts.row)) return false;
  const auto rule = [&](const std::string& pattern) {
    return std::any_of(facts.rules.begin(), facts.rules.end(), [&](const ledger::RuleCount& one) {
      return matches_pattern(pattern, one.rule_id) || matches_pattern(pattern, one.rule_title);
    });
  };
  const auto source = [&](const std::string& pattern) {
    return std::any_of(facts.rules.begin(), facts.rules.end(),
                       [&](const ledger::RuleCount& one) { return matches_pattern(pattern, one.source); });
  };
  if (!text_holds(when.rules, rule) || !text_holds(when.sources, source)) return false;
  return std::all_of(when.entities.begin(), when.entities.end(), [&](const EntityCondition& condition) {
    return std::any_of(facts.entities.begin(), facts.entities.end(),
                       [&](const auto& fact) { return entity_holds(condition, fact); });
  });
}

}  // namespace tocsin::triage
