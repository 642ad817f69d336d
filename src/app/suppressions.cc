#include "app/suppressions.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "app/pipeline/row_binary.h"
#include "app/suppression/draft.h"
#include "app/suppression/past.h"
#include "core/json_writer.h"
#include "core/log.h"
#include "core/yaml.h"
#include "store/sql_text.h"

namespace tocsin::app {
namespace {

constexpr std::int64_t kDayNs = 86'400'000'000'000;
constexpr int kCheckedDays = 30;
constexpr std::uint64_t kTellingFindings = 5;  // From so many on "all of them" means the rule, not the case.
constexpr std::chrono::hours kDraftLife{24 * 90};
constexpr std::int64_t kStillAskedNs = 7 * kDayNs;  // Expired ones: what arrived before may be read again.
constexpr std::size_t kAskedVerdicts = 500;         // In one transaction.

core::Error invalid(std::string text) { return {core::ErrorCode::kInvalid, std::move(text)}; }
core::Error not_found(std::string text) { return {core::ErrorCode::kNotFound, std::move(text)}; }

core::Result<std::size_t> plain_rule(const Detection& detection, const std::string& id) {
  const auto found = detection.by_id.find(id);
  if (found == detection.by_id.end()) return not_found("no rule '" + core::clip(id) + "' is loaded");
  if (found->second >= detection.rules->rules.size()) {
    return invalid("'" + detection.info(found->second).title +
                   "' counts matches of other rules; filters are of rules: suppress one of those that it refers to");
  }
  return found->second;
}
FilteredRule filtered(const Detection& detection, std::size_t rule) {
  return {detection.live[rule].id, detection.info(rule)};
}

std::vector<FilterField> fields_of(const std::vector<api::SuppressionField>& fields) {
  std::vector<FilterField> out;
  for (const api::SuppressionField& field : fields) {
    if (field.chosen) out.push_back({field.field, field.op, field.value});
  }
  return out;
}
std::string fields_json(const std::vector<api::SuppressionField>& fields) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_array();
  for (const api::SuppressionField& field : fields)
    json.begin_object().member("field", field.field).member("op", field.op).member("value", field.value).end_object();
  json.end_array();
  return out;
}

core::Result<void> check_expiry(core::Timestamp expires_at, core::Timestamp now) {
  if (!expires_at.known()) return invalid("expires_at: a suppression needs an end");
  if (expires_at <= now) return invalid("expires_at: must lie ahead");
  if (expires_at.ns - now.ns > std::chrono::nanoseconds(api::kMaxSuppressionLife).count())
    return invalid("expires_at: at most a year ahead; renew it then if it is still true");
  return {};
}
core::Result<void> check_reason(const std::string& reason) {
  const bool blank = reason.find_first_not_of(" \t\r\n") == std::string::npos;
  if (blank) return invalid("reason: say why this is to be silent, for those who come after");
  if (reason.size() > ledger::kMaxReasonBytes)
    return invalid("reason: at most " + std::to_string(ledger::kMaxReasonBytes) + " bytes");
  return {};
}

}  // namespace

core::Result<std::unique_ptr<LiveSuppressions>> LiveSuppressions::open(RuleManager& rules, ledger::Ledger& ledger,
                                                                       store::Store& store, const core::Clock& clock) {
  std::unique_ptr<LiveSuppressions> out(new LiveSuppressions(rules, ledger, store, clock));
  const core::Lock change(out->change_mutex_);
  TOCSIN_TRY(out->give_rules());
  return out;
}

core::Result<void> LiveSuppressions::give_rules() {
  std::vector<ledger::Suppression> rows;
  const auto read = ledger_.read([&](ledger::Tables& all) -> core::Result<void> {
    rows = TOCSIN_TRY(ledger::TuningTables(all).suppressions_after({clock_.now().ns - kStillAskedNs}));
    return {};
  });
  if (!read.ok()) return read.error();
  return rules_.set_suppressions(
      [this, rows = std::move(rows)](const Detection& detection) { return made(rows, detection); });
}

LiveSuppressionList LiveSuppressions::made(const std::vector<ledger::Suppression>& rows, const Detection& detection) {
  LiveSuppressionList list;
  for (const ledger::Suppression& row : rows) {
    if (!row.enabled) continue;
    const auto rule = plain_rule(detection, row.rule_id);
    if (!rule.ok()) continue;  // The rule is gone, and has no findings.
    auto filter = SuppressionFilter::read(row.yaml, filtered(detection, *rule));
    if (!filter.ok()) {
      core::log(core::LogLevel::kError, "suppressions",
                "suppression " + std::to_string(row.id) + " is not in force: " + filter.error().text);
      continue;
    }
    const core::Lock lock(mutex_);
    auto& count = counts_[row.id];
    if (!count) count = std::make_shared<SuppressionCount>();
    list.push_back(std::make_shared<const LiveSuppression>(
        LiveSuppression{row.rule_id, row.tenant, row.created_at, row.expires_at, std::move(*filter), count}));
  }
  return list;
}

core::Result<std::string> LiveSuppressions::yaml_of(const api::SuppressionFilterText& filter,
                                                    const Detection& detection) const {
  const std::size_t rule = TOCSIN_TRY(plain_rule(detection, filter.rule_id));
  if (!filter.yaml.empty()) return filter.yaml;
  const std::string title = filter.title.empty() ? "Suppression of " + detection.info(rule).title : filter.title;
  return write_filter(filtered(detection, rule), title, filter.author, fields_of(filter.fields));
}

core::Result<api::SuppressionDraft> LiveSuppressions::draft(std::string_view finding,
                                                            const std::vector<std::string>& tenants, std::string_view by) {
  store::SqlText sql("SELECT rule_id, tenant, rule_title, finding FROM findings WHERE id = ");
  sql.text(finding) << " LIMIT 1";
  store::QueryLimits limits;
  limits.tenants = tenants;
  const auto answer = TOCSIN_TRY(store_.query(sql.str(), "RowBinary", limits));
  std::string_view rest = answer.body, rule_id, tenant, rule_title, document;
  if (!take_string(rest, rule_id) || !take_string(rest, tenant) || !take_string(rest, rule_title) ||
      !take_string(rest, document))
    return not_found("there is no such finding");
  api::SuppressionDraft out;
  out.rule_id = rule_id;
  out.tenant = tenant;
  out.rule_title = rule_title;
  const auto detection = rules_.detection();
  const std::size_t rule = TOCSIN_TRY(plain_rule(*detection, out.rule_id));
  PastQuery query{out.rule_id, {out.tenant}, {std::numeric_limits<std::int64_t>::min() + 1}, std::string(finding)};
  Drafter drafter;
  TOCSIN_TRY(look_back(query, *detection, rules_.content(), store_,
                       [&](const PastFinding&, const detect::Engine& engine, const model::Event& event,
                           const detect::Match& match) { drafter.take(engine, event, match); }));
  if (!drafter.taken() && !drafter.take_document(document)) {
    return invalid(
        "the event of this finding is not stored any more, or the rule does not match it today: write the filter "
        "yourself");
  }
  query.finding.clear();
  query.from = {clock_.now().ns - kCheckedDays * kDayNs};
  TOCSIN_TRY(look_back(
      query, *detection, rules_.content(), store_,
      [&](const PastFinding& one, const detect::Engine& engine, const model::Event& event, const detect::Match& match) {
        if (one.id != finding) drafter.other(engine, event, match);
      }));
  out.fields = drafter.fields();
  out.title = core::clip(out.rule_title, 120);
  for (const api::SuppressionField& field : out.fields) {
    if (field.chosen && out.title.size() < 300) out.title += ", " + field.field + " " + core::clip(field.value, 60);
  }
  out.expires_at.ns = clock_.now().ns + std::chrono::nanoseconds(kDraftLife).count();
  const auto chosen = fields_of(out.fields);
  if (!chosen.empty()) out.yaml = TOCSIN_TRY(write_filter(filtered(*detection, rule), out.title, by, chosen));
  return out;
}

core::Result<void> LiveSuppressions::find_verdicts(api::SuppressionPreview& preview,
                                                   std::vector<api::SuppressionPreview::Finding>& found) {
  std::map<ledger::IncidentNumber, std::string> verdicts;
  for (std::size_t at = 0; at < found.size(); at += kAskedVerdicts) {
    const auto read = ledger_.read([&](ledger::Tables& all) -> core::Result<void> {
      ledger::IncidentTables tables(all);
      for (std::size_t i = at; i < std::min(found.size(), at + kAskedVerdicts); ++i) {
        const auto number = TOCSIN_TRY(tables.incident_with(found[i].id));
        if (!number) continue;
        found[i].incident = *number;
        const auto [verdict, fresh] = verdicts.try_emplace(*number);
        if (fresh) {
          const auto incident = TOCSIN_TRY(tables.incident(*number));
          if (incident) verdict->second = model::to_string(incident->verdict);
        }
        found[i].verdict = verdict->second;
      }
      return {};
    });
    if (!read.ok()) return read.error();
  }
  for (auto& one : found) {
    std::uint64_t* tally = one.verdict == "true_positive"    ? &preview.true_positive
                           : one.verdict == "benign"         ? &preview.benign
                           : one.verdict == "false_positive" ? &preview.false_positive
                                                             : &preview.undecided;
    ++*tally;
    if (tally == &preview.undecided) one.verdict = "undecided";
  }
  return {};
}

core::Result<api::SuppressionPreview> LiveSuppressions::preview(const api::SuppressionFilterText& filter,
                                                                const std::vector<std::string>& tenants, int days) {
  const auto detection = rules_.detection();
  const std::size_t rule = TOCSIN_TRY(plain_rule(*detection, filter.rule_id));
  const std::string yaml = TOCSIN_TRY(yaml_of(filter, *detection));
  const auto read = TOCSIN_TRY(SuppressionFilter::read(yaml, filtered(*detection, rule)));
  detect::PlainEvaluator evaluator;
  std::vector<api::SuppressionPreview::Finding> found;
  const PastQuery query{filter.rule_id, tenants, {clock_.now().ns - days * kDayNs}, {}};
  const PastLook look = TOCSIN_TRY(look_back(
      query, *detection, rules_.content(), store_,
      [&](const PastFinding& one, const detect::Engine& engine, const model::Event& event, const detect::Match& match) {
        if (read.silences(engine, event, match, evaluator)) found.push_back({one.id, one.host, one.user, one.time, {}, 0});
      }));
  api::SuppressionPreview out;
  out.looked_at = look.looked_at;
  out.passed_over = look.passed_over;
  out.complete = look.complete;
  out.total = found.size();
  out.silences_anything = read.silences_anything(evaluator);
  TOCSIN_TRY(find_verdicts(out, found));
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return std::pair(b.time, b.id) < std::pair(a.time, a.id); });
  if (found.size() > api::kMaxPreviewFindings) {
    out.complete = false;
    found.resize(api::kMaxPreviewFindings);
  }
  out.findings = std::move(found);
  return out;
}

core::Result<ledger::Suppression> LiveSuppressions::add(const api::NewSuppression& suppression, std::string_view by) {
  const core::Timestamp now = clock_.now();
  TOCSIN_TRY(check_reason(suppression.reason));
  TOCSIN_TRY(check_expiry(suppression.expires_at, now));
  const auto detection = rules_.detection();
  const std::size_t rule = TOCSIN_TRY(plain_rule(*detection, suppression.filter.rule_id));
  api::SuppressionFilterText text = suppression.filter;
  text.author = by;
  text.yaml = TOCSIN_TRY(yaml_of(text, *detection));
  const std::vector<std::string> tenants =
      suppression.tenant.empty() ? std::vector<std::string>{} : std::vector{suppression.tenant};
  const auto shown = TOCSIN_TRY(preview(text, tenants, kCheckedDays));
  if (!suppression.silence_all) {
    if (shown.silences_anything)
      return invalid(
          "this filter silences whatever the rule finds; if that is meant, say silence_all, or switch the rule off");
    if (shown.looked_at >= kTellingFindings && shown.total == shown.looked_at) {
      return invalid("this filter silences all " + std::to_string(shown.total) +
                     " findings that the rule had in 30 days; if that is meant, say silence_all, or switch the rule off");
    }
  }
  const auto filter = TOCSIN_TRY(SuppressionFilter::read(text.yaml, filtered(*detection, rule)));
  ledger::Suppression row;
  row.tenant = suppression.tenant;
  row.title = text.title.empty() ? filter.title() : text.title;
  row.title = core::clip(row.title, ledger::kMaxTitleBytes - 8);
  row.rule_id = text.rule_id;
  row.rule_title = core::clip(detection->info(rule).title, ledger::kMaxTitleBytes);
  row.fields = suppression.filter.yaml.empty() ? fields_json(text.fields) : "[]";
  row.yaml = text.yaml;
  row.reason = suppression.reason;
  row.author = row.changed_by = by;
  row.created_at = row.changed_at = now;
  row.expires_at = suppression.expires_at;
  const core::Lock change(change_mutex_);
  const auto written = ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
    row.id = TOCSIN_TRY(ledger::TuningTables(all).insert_suppression(row));
    return {};
  });
  if (!written.ok()) return written.error();
  TOCSIN_TRY(give_rules());
  return row;
}

core::Result<ledger::Suppression> LiveSuppressions::edit(ledger::SuppressionId id, std::string_view by, const Edit& edit) {
  const core::Lock change(change_mutex_);
  ledger::Suppression row;
  const auto written = ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
    ledger::TuningTables tables(all);
    auto found = TOCSIN_TRY(tables.suppression(id));
    if (!found) return not_found("there is no suppression " + std::to_string(id));
    if (found->ended_at.known()) return invalid("this suppression was ended: make a new one");
    TOCSIN_TRY(edit(*found));
    found->changed_at = clock_.now();
    found->changed_by = by;
    TOCSIN_TRY(tables.update_suppression(*found));
    row = std::move(*found);
    return {};
  });
  if (!written.ok()) return written.error();
  TOCSIN_TRY(give_rules());
  return row;
}

core::Result<ledger::Suppression> LiveSuppressions::change(ledger::SuppressionId id, const api::SuppressionPatch& patch,
                                                           std::string_view by) {
  const core::Timestamp now = clock_.now();
  return edit(id, by, [&](ledger::Suppression& row) -> core::Result<void> {
    if (patch.reason) {
      TOCSIN_TRY(check_reason(*patch.reason));
      row.reason = *patch.reason;
    }
    if (patch.expires_at) {
      TOCSIN_TRY(check_expiry(*patch.expires_at, now));
      row.expires_at = *patch.expires_at;
    }
    if (patch.enabled) row.enabled = *patch.enabled;
    if (patch.enabled && *patch.enabled && row.expires_at <= now)
      return invalid("expires_at: it has expired; give it a new end");
    return {};
  });
}

core::Result<ledger::Suppression> LiveSuppressions::end(ledger::SuppressionId id, std::string_view by) {
  return edit(id, by, [&](ledger::Suppression& row) -> core::Result<void> {
    row.ended_at = clock_.now();
    row.ended_by = by;
    return {};
  });
}

api::Suppressions::Count LiveSuppressions::count(ledger::SuppressionId id) const {
  const core::Lock lock(mutex_);
  const auto found = counts_.find(id);
  if (found == counts_.end()) return {};
  return {found->second->silenced.load(), {found->second->last_ns.load()}};
}

}  // namespace tocsin::app
