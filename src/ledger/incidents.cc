// Incidents themselves: rows, the queue, the position of what was taken.
#include "ledger/incidents.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "ledger/connection.h"
#include "ledger/incident_columns.h"

namespace tocsin::ledger {
namespace {

constexpr const char* kColumns =
    "tenant, site, title, summary, state, verdict, cause, score_parts, priority, owner, tlp, pap, tags, tactics, "
    "techniques, "
    "main_host, main_user, opened_by, title_by_hand, severity_id, priority_by_hand, finding_count, host_count, user_count, "
    "rule_count, merged_into, version, first_event, last_event, created_at, changed_at, acknowledged_at, contained_at, "
    "recovered_at, closed_at, score, id";

struct IncidentColumns {
  Incident row;
  std::string state, verdict, tags, tactics, techniques;
  long long title_by_hand = 0, severity = 0, priority_by_hand = 0, merged = 0, id = 0;
  std::array<long long, 5> counts{};
  std::array<long long, 8> times{};
  void exchange(soci::statement& s) {
    for (std::string* text :
         {&row.tenant, &row.site, &row.title, &row.summary, &state, &verdict, &row.cause, &row.score_parts, &row.priority,
          &row.owner, &row.tlp, &row.pap, &tags, &tactics, &techniques, &row.main_host, &row.main_user, &row.opened_by}) {
      s.exchange(soci::into(*text));
    }
    for (long long* value : {&title_by_hand, &severity, &priority_by_hand, &counts[0], &counts[1], &counts[2], &counts[3],
                             &merged, &counts[4]}) {
      s.exchange(soci::into(*value));
    }
    for (long long& value : times) s.exchange(soci::into(value));
    s.exchange(soci::into(row.score));
    s.exchange(soci::into(id));
  }
  Incident take() {
    row.id = id;
    row.state = model::parse_incident_state(state).value_or(model::IncidentState::kNew);
    row.verdict = model::parse_verdict(verdict).value_or(model::Verdict::kNone);
    row.tags = split_list(tags);
    row.tactics = split_list(tactics);
    row.techniques = split_list(techniques);
    row.title_by_hand = title_by_hand != 0;
    row.priority_by_hand = priority_by_hand != 0;
    row.severity_id = static_cast<std::uint8_t>(severity);
    row.merged_into = merged;
    row.finding_count = counts[0];
    row.host_count = counts[1];
    row.user_count = counts[2];
    row.rule_count = counts[3];
    row.version = counts[4];
    std::size_t next = 0;
    for (core::Timestamp* time : {&row.first_event, &row.last_event, &row.created_at, &row.changed_at, &row.acknowledged_at,
                                  &row.contained_at, &row.recovered_at, &row.closed_at}) {
      time->ns = times[next++];
    }
    return row;
  }
};

core::Result<void> check_incident(const Incident& incident) {
  for (const std::string* text : {&incident.tenant, &incident.site, &incident.owner, &incident.opened_by, &incident.priority,
                                  &incident.tlp, &incident.pap}) {
    if (auto fits = check_text("an incident's text", *text, kMaxNameBytes); !fits.ok()) return fits;
  }
  for (const std::string* text : {&incident.main_host, &incident.main_user}) {
    if (auto fits = check_text("an incident's host or user", *text, kMaxEntityBytes); !fits.ok()) return fits;
  }
  if (incident.id <= 0) return core::Error{core::ErrorCode::kInvalid, "ledger: an incident needs a number above 0"};
  if (auto fits = check_text("an incident's title", incident.title, kMaxTitleBytes); !fits.ok()) return fits;
  if (auto fits = check_text("an incident's summary", incident.summary, kMaxJsonBytes); !fits.ok()) return fits;
  if (auto fits = check_text("an incident's cause", incident.cause, kMaxSentenceBytes); !fits.ok()) return fits;
  if (auto fits = check_text("an incident's score", incident.score_parts, kMaxJsonBytes); !fits.ok()) return fits;
  if (auto fits = check_list("an incident's tags", incident.tags); !fits.ok()) return fits;
  if (auto fits = check_list("an incident's tactics", incident.tactics); !fits.ok()) return fits;
  return check_list("an incident's techniques", incident.techniques);
}

// The columns but the id, in the order of kColumns, as parameters.
std::vector<std::string> places(const Incident& row, Parameters& parameters) {
  std::vector<std::string> out;
  for (const std::string& text : {row.tenant, row.site, row.title, row.summary, std::string(model::to_string(row.state)),
                                  std::string(model::to_string(row.verdict)), row.cause, row.score_parts, row.priority,
                                  row.owner, row.tlp, row.pap, join_list(row.tags), join_list(row.tactics),
                                  join_list(row.techniques), row.main_host, row.main_user, row.opened_by}) {
    out.push_back(parameters.add(text));
  }
  for (const long long value :
       {number(row.title_by_hand), number(std::int64_t{row.severity_id}), number(row.priority_by_hand),
        number(row.finding_count), number(row.host_count), number(row.user_count), number(row.rule_count),
        number(row.merged_into), number(row.version), number(row.first_event.ns), number(row.last_event.ns),
        number(row.created_at.ns), number(row.changed_at.ns), number(row.acknowledged_at.ns), number(row.contained_at.ns),
        number(row.recovered_at.ns), number(row.closed_at.ns)}) {
    out.push_back(parameters.add(value));
  }
  out.push_back(parameters.add(row.score));
  return out;
}

struct PreparedRun final : KeptStatement {
  PreparedRun(Connection& connection, const std::string& text, const Parameters& of)
      : parameters(of), statement(connection.sql) {
    parameters.bind(statement);
    statement.alloc();
    statement.prepare(text);
    statement.define_and_bind();
  }
  Parameters parameters;
  soci::statement statement;
};
// REQUIRES: parameters of one text are always of the same kinds.
long long run(Connection& connection, const std::string& text, const Parameters& parameters) {
  return with_kept<PreparedRun>(
      connection, text, [&] { return std::make_unique<PreparedRun>(connection, text, parameters); },
      [&](PreparedRun& kept) -> long long {
        if (!kept.parameters.assign(parameters)) throw std::logic_error("parameters of other kinds than before");
        kept.statement.execute(true);
        return kept.statement.get_affected_rows();
      });
}

std::string escaped_like(std::string_view text) {
  std::string out = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out + "%";
}

// What comes behind every text that begins with `text`, or empty where there is none.
std::string after_prefix(std::string text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) == 0xff) text.pop_back();
  if (!text.empty()) text.back() = static_cast<char>(static_cast<unsigned char>(text.back()) + 1);
  return text;
}

void filter_text(const IncidentQuery& query, std::string& where, Parameters& parameters) {
  const std::string like = escaped_like(query.text);
  where += " and (title like " + parameters.add(like) + " escape '\\' or main_host like " + parameters.add(like) +
           " escape '\\' or main_user like " + parameters.add(like) + " escape '\\'";
  std::string prefix = query.text;
  std::transform(prefix.begin(), prefix.end(), prefix.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const std::string end = after_prefix(prefix);
  where += " or id in (select incident from incident_entities where kind in ('host', 'user') and key >= " +
           parameters.add(prefix) + " and key < " + parameters.add(end) + "))";
}

template <class List, class Text>
std::string one_of(const List& list, Parameters& parameters, Text&& text) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "(" : ", ") + parameters.add(text(item));
  return out + ")";
}

std::string filters(const IncidentQuery& query, Parameters& parameters) {
  // These two are written out, so that the partial indexes fit.
  std::string where = " where merged_into = 0";
  const bool closed = query.states.empty() ? query.with_closed
                                           : std::find(query.states.begin(), query.states.end(),
                                                       model::IncidentState::kClosed) != query.states.end();
  if (!closed) where += " and state <> 'closed'";
  if (!query.states.empty()) {
    where += " and state in " +
             one_of(query.states, parameters, [](model::IncidentState state) { return model::to_string(state); });
  }
  if (!query.tenants.empty()) {
    where += " and tenant in " + one_of(query.tenants, parameters, [](const std::string& name) { return name; });
  }
  if (query.owner == "-") {
    where += " and owner = ''";
  } else if (!query.owner.empty()) {
    where += " and owner = " + parameters.add(query.owner);
  }
  if (query.min_severity) where += " and severity_id >= " + parameters.add(std::int64_t{*query.min_severity});
  if (!query.tag.empty()) where += " and instr(',' || tags || ',', " + parameters.add("," + query.tag + ",") + ") > 0";
  if (!query.entity_key.empty()) {
    where += " and id in (select incident from incident_entities where kind = " + parameters.add(query.entity_kind) +
             " and key = " + parameters.add(query.entity_key) + ")";
  }
  if (query.from.known()) where += " and last_event >= " + parameters.add(query.from.ns);
  if (query.to.known()) where += " and last_event <= " + parameters.add(query.to.ns);
  if (!query.text.empty()) filter_text(query, where, parameters);
  return where;
}

struct PositionColumns {
  IncidentTables::Position row;
  std::string ids;
  long long sequence = 0;
  void exchange(soci::statement& s) {
    s.exchange(soci::into(sequence));
    s.exchange(soci::into(ids));
  }
  IncidentTables::Position take() {
    row.sequence = static_cast<std::uint64_t>(sequence);
    row.ids = split_lines(ids);
    return row;
  }
};

}  // namespace

std::string join_lines(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& item : list) out.append(out.empty() ? "" : "\n").append(item);
  return out;
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> list;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    list.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return list;
}

IncidentTables::IncidentTables(Tables& tables) : tables_(tables) {}
Connection& IncidentTables::connection() { return tables_.connection_; }

core::Result<IncidentNumber> IncidentTables::next_incident_number() {
  return guarded([&]() -> core::Result<IncidentNumber> {
    return count(connection(), "select coalesce(max(id), 0) + 1 from incidents");
  });
}

core::Result<void> IncidentTables::insert_incident(const Incident& incident) {
  if (auto good = check_incident(incident); !good.ok()) return good;
  return guarded([&]() -> core::Result<void> {
    Parameters parameters;
    std::string values;
    for (const std::string& place : places(incident, parameters)) values += place + ", ";
    values += parameters.add(incident.id);
    run(connection(), std::string("insert into incidents (") + kColumns + ") values (" + values + ")", parameters);
    return {};
  });
}

core::Result<void> IncidentTables::update_incident(const Incident& incident) {
  if (auto good = check_incident(incident); !good.ok()) return good;
  return guarded([&]() -> core::Result<void> {
    Parameters parameters;
    std::string columns = kColumns;
    columns.erase(columns.rfind(", id"));
    std::string values;
    for (const std::string& place : places(incident, parameters)) values += (values.empty() ? "" : ", ") + place;
    const std::string text = "update incidents set (" + columns + ") = (" + values +
                             ") where id = " + parameters.add(incident.id) +
                             " and version = " + parameters.add(incident.version - 1);
    if (run(connection(), text, parameters) == 0) {
      return core::Error{core::ErrorCode::kInvalid,
                         "ledger: incident " + std::to_string(incident.id) + " was changed meanwhile, or is not there"};
    }
    return {};
  });
}

core::Result<std::optional<Incident>> IncidentTables::incident(IncidentNumber id) {
  return guarded([&] {
    return first<IncidentColumns>(connection(), std::string("select ") + kColumns + " from incidents where id = :a",
                                  number(id));
  });
}

core::Result<IncidentTables::Page> IncidentTables::incidents(const IncidentQuery& query) {
  return guarded([&]() -> core::Result<Page> {
    Page page;
    Parameters counted;
    const std::string where = filters(query, counted);
    page.total = select_with<NumberColumn>(connection(), "select count(*) from incidents" + where, counted).at(0);
    Parameters asked;
    std::string text = std::string("select ") + kColumns + " from incidents" + filters(query, asked);
    switch (query.order) {
      case IncidentQuery::Order::kScore: text += " order by score desc, id desc"; break;
      case IncidentQuery::Order::kNewest: text += " order by last_event desc, id desc"; break;
      case IncidentQuery::Order::kOldest: text += " order by last_event, id"; break;
    }
    text += " limit " + asked.add(query.limit) + " offset " + asked.add(query.offset);
    page.items = select_with<IncidentColumns>(connection(), text, asked);
    return page;
  });
}

core::Result<std::int64_t> IncidentTables::open_count() {
  return guarded([&]() -> core::Result<std::int64_t> {
    return count(connection(), "select count(*) from incidents where state <> 'closed' and merged_into = 0");
  });
}

core::Result<std::vector<Incident>> IncidentTables::open_incidents() {
  return guarded([&]() -> core::Result<std::vector<Incident>> {
    return select<IncidentColumns>(
        connection(),
        std::string("select ") + kColumns + " from incidents where state <> 'closed' and merged_into = 0 order by id");
  });
}

core::Result<std::optional<IncidentTables::Position>> IncidentTables::position() {
  return guarded([&] { return first<PositionColumns>(connection(), "select sequence, ids from triage_position"); });
}

core::Result<void> IncidentTables::set_position(const Position& position) {
  return guarded([&]() -> core::Result<void> {
    change(connection(), "insert or replace into triage_position (only_row, sequence, ids) values (1, :a, :b)",
           number(static_cast<std::int64_t>(position.sequence)), join_lines(position.ids));
    return {};
  });
}

}  // namespace tocsin::ledger
