#include "api/parts/incident_call.h"

#include <algorithm>
#include <charconv>

namespace tocsin::api {

using ledger::IncidentTables;
using store::SqlText;

SlaView sla_view(const Call& call) { return {call.context.options.sla.get(), call.now()}; }

std::optional<ledger::IncidentNumber> parse_incident_number(std::string_view text) {
  if (text.starts_with("INC-")) text.remove_prefix(4);
  ledger::IncidentNumber number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1) return std::nullopt;
  return number;
}

core::Result<ledger::Incident> visible_incident(const Call& call, IncidentTables& tables, ledger::IncidentNumber number) {
  auto found = TOCSIN_TRY(tables.incident(number));
  if (!found || !call.who.may_see(found->tenant)) {
    return core::Error{core::ErrorCode::kNotFound, "there is no incident INC-" + std::to_string(number)};
  }
  return std::move(*found);
}

core::Result<void> read_tables(const Call& call, const std::function<core::Result<void>(IncidentTables&)>& read) {
  return call.context.options.ledger->read([&](ledger::Tables& tables) -> core::Result<void> {
    IncidentTables incidents(tables);
    return read(incidents);
  });
}

core::Result<ledger::Incident> read_incident(
    const Call& call, const std::function<core::Result<void>(IncidentTables&, const ledger::Incident&)>& more) {
  const auto number = parse_incident_number(call.captured("number"));
  if (!number) return core::Error{core::ErrorCode::kNotFound, "there is no such incident"};
  ledger::Incident out;
  const auto done = read_tables(call, [&](IncidentTables& tables) -> core::Result<void> {
    out = TOCSIN_TRY(visible_incident(call, tables, *number));
    return more ? more(tables, out) : core::Result<void>();
  });
  if (!done.ok()) return done.error();
  return out;
}

core::Result<std::vector<ledger::IncidentMember>> all_members(IncidentTables& tables, ledger::IncidentNumber number,
                                                              std::int64_t most) {
  constexpr std::int64_t kPage = 1'000;
  std::vector<ledger::IncidentMember> out;
  for (;;) {
    const auto have = static_cast<std::int64_t>(out.size());
    if (have >= most) return out;
    auto page = TOCSIN_TRY(tables.members(number, std::min(kPage, most - have), have));
    if (page.empty()) return out;
    std::ranges::move(page, std::back_inserter(out));
  }
}

std::string TablePage::next(const char* list, std::size_t shown, std::int64_t total) const {
  const std::int64_t behind = offset + static_cast<std::int64_t>(shown);
  if (shown == 0 || behind >= total || behind > kMaxTableOffset) return "";
  return make_cursor({list, std::to_string(behind)});
}
TablePage read_page(Query& query, const char* list) {
  TablePage out;
  out.limit = query.number("limit", kDefaultLimit, 1, kMaxLimit);
  const std::string cursor = query.text("cursor");
  if (cursor.empty()) return out;
  const auto parts = read_cursor(cursor, 2);
  const std::string text = parts && (*parts)[0] == list ? (*parts)[1] : "";
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.offset);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || out.offset < 0 ||
      out.offset > kMaxTableOffset) {
    query.refuse("cursor", "is not of this list");
    out.offset = 0;
  }
  return out;
}

std::string tenant_of(const Call& call, std::string_view asked, const std::function<void(std::string)>& refuse) {
  if (asked.empty() && call.who.tenants.size() == 1) return call.who.tenants.front();
  if (asked.empty()) {
    refuse("must be given");
  } else if (!call.who.may_see(asked)) {
    refuse("is none of yours");
  }
  return std::string(asked);
}

core::Result<bool> may_work(const Call& call, const std::string& user, const std::string& tenant) {
  if (user.empty()) return true;
  bool out = false;
  const auto done = call.context.options.ledger->read([&](ledger::Tables& tables) -> core::Result<void> {
    const auto found = TOCSIN_TRY(tables.user_named(user));
    if (!found || !found->enabled) return {};
    const auto role = auth::parse_role(found->role);
    const bool writes = role && auth::has(auth::rights_of(*role), auth::Right::kFindingsWrite);
    out = writes && (found->tenants.empty() || std::ranges::find(found->tenants, tenant) != found->tenants.end());
    return {};
  });
  if (!done.ok()) return done.error();
  return out;
}

SqlText finding_columns() {
  return SqlText("id, sequence, event_time, detected_at, tenant, site, source, rule_id, rule_title, severity_id, finding");
}
triage::Finding read_finding_row(Row& row) {
  triage::Finding out;
  out.id = row.text();
  out.sequence = row.whole();
  out.event_time = row.time();
  out.detected_at = row.time();
  out.tenant = row.text();
  out.site = row.text();
  out.source = row.text();
  out.rule_id = row.text();
  out.rule_title = row.text();
  out.severity_id = static_cast<std::uint8_t>(std::clamp<std::int64_t>(row.integer(), 0, 99));
  triage::read_finding(row.text(), out).ignore("a document that cannot be read speaks of nothing");
  return out;
}

core::Result<std::vector<triage::Finding>> findings_of(const Call& call, const std::string& tenant,
                                                       const std::vector<std::string>& ids) {
  std::vector<triage::Finding> out;
  if (ids.empty()) return out;
  SqlText sql("SELECT ");
  sql << finding_columns() << " FROM findings WHERE tenant = ";
  sql.text(tenant) << " AND id IN (";
  sql.texts({ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(std::min(ids.size(), kMaxDocuments))});
  sql << ") ORDER BY event_time, id";
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row = rows.row(i);
    out.push_back(read_finding_row(row));
  }
  return out;
}

}  // namespace tocsin::api
