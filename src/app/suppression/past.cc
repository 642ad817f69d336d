#include "app/suppression/past.h"

#include <algorithm>
#include <unordered_map>

#include "app/formats.h"
#include "app/pipeline/row_binary.h"
#include "app/processor.h"
#include "store/sql_text.h"

namespace tocsin::app {
namespace {

constexpr std::size_t kAskedRecords = 250;  // In one statement.
constexpr std::int64_t kSecondNs = 1'000'000'000;

core::Result<std::vector<PastFinding>> findings_of(const PastQuery& query, store::Store& store) {
  store::SqlText sql("SELECT id, tenant, host, user, event_time, event_ids[1] FROM findings WHERE rule_id = ");
  sql.text(query.rule_id) << " AND event_time >= ";
  sql.number(query.from.ns);
  if (!query.finding.empty()) (sql << " AND id = ").text(query.finding);
  if (!query.tenants.empty()) {
    sql << " AND tenant IN (";
    sql.texts(query.tenants) << ")";
  }
  (sql << " ORDER BY event_time DESC, id DESC LIMIT ").number(kMaxPastFindings + 1);
  store::QueryLimits limits;
  limits.time = kPastTime;
  limits.result_rows = kMaxPastFindings + 1;
  limits.tenants = query.tenants;
  const auto answer = TOCSIN_TRY(store.query(sql.str(), "RowBinary", limits));
  std::vector<PastFinding> out;
  std::string_view rest = answer.body, id, tenant, host, user;
  std::uint64_t time = 0;
  PastFinding one;
  while (take_string(rest, id) && take_string(rest, tenant) && take_string(rest, host) && take_string(rest, user) &&
         take_u64(rest, time) && take_u64(rest, one.event)) {
    one.id = id;
    one.tenant = tenant;
    one.host = host;
    one.user = user;
    one.time.ns = static_cast<std::int64_t>(time);
    out.push_back(one);
  }
  return out;
}

class Looker {
 public:
  Looker(const Detection& detection, const DetectionContent& content, std::size_t rule, const LookAt& look)
      : rule_(static_cast<std::uint32_t>(rule)),
        look_(look),
        compiled_(*detection.rules, content.log_sources, only(detection, rule)),
        engine_(compiled_, names_),
        batch_(names_) {}

  // True: the rule matched an event of the record.
  bool record(const PastFinding& finding, std::int64_t received_at, std::string_view format, std::string_view header,
              std::string_view raw) {
    model::Delivery delivery;
    // Raw of EVTX is its fields as JSON (normalise/rows.h).
    delivery.format =
        format == "evtx" ? model::Format::kJson : decode::format_from_name(format).value_or(model::Format::kUnknown);
    delivery.received_at.ns = received_at;
    delivery.header = header;
    delivery.bytes = raw;
    if (!delivery.bytes.ends_with('\n')) delivery.bytes += '\n';
    batch_.clear();
    if (!decoder_.decode(delivery, batch_)) return false;
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      const model::Event event = batch_.event(i);
      matches_.clear();
      engine_.match(event, matches_);
      for (const detect::Match& match : matches_) {
        if (match.rule_index != rule_) continue;
        look_(finding, engine_, event, match);
        return true;
      }
    }
    return false;
  }

 private:
  static detect::CompileOptions only(const Detection& detection, std::size_t rule) {
    detect::CompileOptions out;
    out.enabled.assign(detection.rules->rules.size(), false);
    out.enabled[rule] = true;
    return out;
  }
  const std::uint32_t rule_;
  const LookAt& look_;
  model::NameTable names_;
  detect::CompiledRules compiled_;
  detect::Engine engine_;
  model::Batch batch_;
  DeliveryDecoder decoder_;
  std::vector<detect::Match> matches_;
};

using Page = std::vector<PastFinding>;
core::Result<std::uint64_t> look_at_page(Page::const_iterator begin, Page::const_iterator end, store::Store& store,
                                         const PastQuery& query, Looker& looker) {
  std::unordered_multimap<std::uint64_t, const PastFinding*> by_event;
  std::int64_t first = begin->time.ns, last = begin->time.ns;
  store::SqlText ids;
  for (auto one = begin; one != end; ++one) {
    by_event.emplace(one->event, &*one);
    first = std::min(first, one->time.ns);
    last = std::max(last, one->time.ns);
    if (one != begin) ids << ", ";
    ids.number(one->event);
  }
  store::SqlText sql("SELECT id, received_at, toString(format), attr.value[indexOf(attr.name, ");
  sql.text(kHeaderAttribute) << ")], raw FROM events WHERE ts >= ";
  sql.number(first) << " AND ts <= ";
  sql.number(last) << " AND time >= toDateTime(";
  sql.number(first / kSecondNs) << ", 'UTC') AND time <= toDateTime(";
  sql.number(last / kSecondNs + 1) << ", 'UTC') AND id IN (" << ids << ")";
  store::QueryLimits limits;
  limits.time = kPastTime;
  limits.tenants = query.tenants;
  const auto answer = TOCSIN_TRY(store.query(sql.str(), "RowBinary", limits));
  std::uint64_t looked_at = 0, id = 0, received = 0;
  std::string_view rest = answer.body, format, header, raw;
  while (take_u64(rest, id) && take_u64(rest, received) && take_string(rest, format) && take_string(rest, header) &&
         take_string(rest, raw)) {
    const auto [from, to] = by_event.equal_range(id);
    for (auto one = from; one != to; ++one) {
      if (looker.record(*one->second, static_cast<std::int64_t>(received), format, header, raw)) ++looked_at;
    }
  }
  return looked_at;
}

}  // namespace

core::Result<PastLook> look_back(const PastQuery& query, const Detection& detection, const DetectionContent& content,
                                 store::Store& store, const LookAt& look) {
  const auto rule = detection.by_id.find(query.rule_id);
  if (rule == detection.by_id.end() || rule->second >= detection.rules->rules.size())
    return core::Error{core::ErrorCode::kNotFound, "no rule '" + query.rule_id + "' of single events is loaded"};
  const auto until = std::chrono::steady_clock::now() + kPastTime;
  auto findings = TOCSIN_TRY(findings_of(query, store));
  PastLook out;
  if (findings.size() > kMaxPastFindings) {
    out.complete = false;
    findings.resize(kMaxPastFindings);
  }
  Looker looker(detection, content, rule->second, look);
  for (std::size_t at = 0; at < findings.size(); at += kAskedRecords) {
    if (std::chrono::steady_clock::now() >= until) {
      out.complete = false;
      break;
    }
    const std::size_t end = std::min(findings.size(), at + kAskedRecords);
    const auto looked = TOCSIN_TRY(look_at_page(findings.begin() + static_cast<std::ptrdiff_t>(at),
                                                findings.begin() + static_cast<std::ptrdiff_t>(end), store, query, looker));
    out.looked_at += looked;
    out.passed_over += end - at - std::min<std::uint64_t>(end - at, looked);
  }
  return out;
}

}  // namespace tocsin::app
