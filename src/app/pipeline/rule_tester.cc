#include "app/pipeline/rule_tester.h"

#include <chrono>
#include <memory>
#include <string_view>

#include "app/formats.h"
#include "app/pipeline/row_binary.h"
#include "app/processor.h"
#include "core/json_writer.h"
#include "decode/windows_names.h"
#include "detect/correlator.h"
#include "store/sql_text.h"

namespace tocsin::app {
namespace {

constexpr std::size_t kMaxRowBytes = 64u << 20;

// Rows of RowBinary as they come in pieces: id, received_at, format, header, raw.
struct StoredRecord {
  std::uint64_t id = 0;
  std::int64_t received_at = 0;
  std::string_view format, header, raw;
};

bool take_record(std::string_view& in, StoredRecord& out) {
  std::string_view rest = in;
  std::uint64_t received = 0;
  if (!take_u64(rest, out.id) || !take_u64(rest, received) || !take_string(rest, out.format) ||
      !take_string(rest, out.header) || !take_string(rest, out.raw))
    return false;
  out.received_at = static_cast<std::int64_t>(received);
  in = rest;
  return true;
}

std::string records_query(const api::RuleTestRequest& request) {
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  store::SqlText sql("SELECT id, received_at, toString(format), attr.value[indexOf(attr.name, ");
  sql.text(kHeaderAttribute) << ")], raw FROM events WHERE ts >= ";
  sql.number(request.from.ns) << " AND ts <= ";
  sql.number(request.to.ns) << " AND time >= toDateTime(";
  sql.number(request.from.ns / kSecondNs) << ", 'UTC') AND time <= toDateTime(";
  sql.number(request.to.ns / kSecondNs + 1) << ", 'UTC')";
  if (!request.tenants.empty()) {
    sql << " AND tenant IN (";
    sql.texts(request.tenants) << ")";
  }
  sql << " LIMIT ";
  return sql.number(kMaxTestedEvents).str();
}

class Tester {
 public:
  Tester(const detect::RuleSet& rules, const DetectionContent& content, const api::RuleTestRequest& request)
      : rules_(rules),
        request_(request),
        compiled_(rules, content.log_sources, {}),
        engine_(compiled_, names_),
        batch_(names_),
        correlator_(rules, correlator_options()) {}

  // False: enough.
  bool take(std::string_view piece) {
    buffer_.append(piece);
    std::string_view rest = buffer_;
    StoredRecord record;
    while (take_record(rest, record)) one(record);
    buffer_.erase(0, buffer_.size() - rest.size());
    return buffer_.size() <= kMaxRowBytes && std::chrono::steady_clock::now() < until_;
  }

  api::RuleTestResult finish() {
    std::vector<detect::CorrelationFinding> found;
    correlator_.finish(found);
    for (const detect::CorrelationFinding& one : found) {
      if (one.update) continue;
      ++result_.matches;
      if (result_.hits.size() >= request_.limit || one.events.empty()) continue;
      std::string why;
      core::JsonWriter(why).begin_object().member("reason", one.reason).end_object();
      result_.hits.push_back({one.events.back().record, std::move(why)});
    }
    result_.complete = std::chrono::steady_clock::now() < until_ && result_.events_read < kMaxTestedEvents;
    if (unreadable_ > 0)
      result_.problems.push_back(std::to_string(unreadable_) +
                                 " stored records could not be decoded again and were passed over");
    return std::move(result_);
  }

 private:
  static detect::CorrelatorOptions correlator_options() {
    detect::CorrelatorOptions out;
    out.lateness_ns = std::numeric_limits<std::int64_t>::max() / 4;
    return out;
  }

  void one(const StoredRecord& record) {
    ++result_.events_read;
    model::Delivery delivery;
    // Raw of EVTX is its fields as JSON (normalise/rows.h).
    delivery.format = record.format == "evtx" ? model::Format::kJson
                                              : decode::format_from_name(record.format).value_or(model::Format::kUnknown);
    delivery.received_at.ns = record.received_at;
    delivery.header = record.header;
    delivery.bytes = record.raw;
    if (!delivery.bytes.ends_with('\n')) delivery.bytes += '\n';
    batch_.clear();
    if (!decoder_.decode(delivery, batch_) || batch_.size() == 0) {
      ++unreadable_;
      return;
    }
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      const model::Event event = batch_.event(i);
      matches_.clear();
      engine_.match(event, matches_);
      for (const detect::Match& match : matches_) hit(event, match, record.id);
    }
  }

  void hit(const model::Event& event, const detect::Match& match, std::uint64_t id) {
    if (correlator_.wants(match.rule_index)) {
      detect::Occurrence occurrence;
      occurrence.rule_index = match.rule_index;
      occurrence.event_time = event.slot->time;
      occurrence.order = occurrence.record = id;
      for (const std::string& field : correlator_.needed_fields(match.rule_index))
        occurrence.values.push_back(engine_.values(event, match, field));
      std::vector<detect::CorrelationFinding> none;
      correlator_.add(std::move(occurrence), none);
    }
    if (rules_.silenced[match.rule_index]) return;
    ++result_.matches;
    if (result_.hits.size() < request_.limit)
      result_.hits.push_back({id, normalise::explanation_json(engine_.explain(event, match))});
  }

  const detect::RuleSet& rules_;
  const api::RuleTestRequest& request_;
  const std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now() + request_.time;
  model::NameTable names_;
  detect::CompiledRules compiled_;
  detect::Engine engine_;
  model::Batch batch_;
  DeliveryDecoder decoder_;
  detect::Correlator correlator_;
  std::vector<detect::Match> matches_;
  std::string buffer_;
  std::uint64_t unreadable_ = 0;
  api::RuleTestResult result_;
};

}  // namespace

core::Result<api::RuleTestResult> test_rule(const api::RuleTestRequest& request,
                                            const std::vector<detect::SourceText>& files,
                                            const std::map<std::string, std::vector<std::string>>& variables,
                                            const DetectionContent& content, store::Store& store) {
  detect::LoadOptions options;
  options.variables = variables;
  options.canonical_name = [](std::string_view name) { return decode::canonical_name(name); };
  const detect::RuleSet rules = detect::load_rules(files, options);
  for (const detect::sigma::Diagnostic& diagnostic : rules.diagnostics) {
    if (diagnostic.severity == detect::sigma::Diagnostic::Severity::kError)
      return core::Error{core::ErrorCode::kInvalid, detect::format_diagnostic(diagnostic)};
  }
  if (rules.rules.empty()) return core::Error{core::ErrorCode::kInvalid, "there is no rule in the text"};
  Tester tester(rules, content, request);
  store::QueryLimits limits;
  limits.time = request.time + std::chrono::seconds(1);
  limits.result_rows = kMaxTestedEvents;
  TOCSIN_TRY(store.query_stream(records_query(request), "RowBinary", limits,
                                [&](std::string_view piece) { return tester.take(piece); }));
  return tester.finish();
}

}  // namespace tocsin::app
