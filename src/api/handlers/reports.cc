// Reports as files: an incident, a period; as HTML, or as PDF where something here makes one.
#include "api/parts/reports.h"

#include <algorithm>

#include "api/handlers/handlers.h"
#include "api/parts/incident_call.h"
#include "api/parts/report_page.h"
#include "triage/export.h"

namespace tocsin::api {
namespace {

using ledger::IncidentTables;

constexpr const char* kNoPdf =
    "there is no Chromium here, which makes PDF of reports: install the package chromium (apt install chromium) and start "
    "the server again, or take format=html and print it";
constexpr const char* kTlp[] = {"amber", "red", "amber+strict", "green", "clear"};

std::string made_by(const Call& call) {
  return "Made " + report_time(call.now()) + " by " + call.who.name + ", Tocsin " + call.context.options.version;
}

// `name`: without its ending.
Reply as_file(const Call& call, std::string html, const std::string& format, const std::string& name) {
  http::Response response;
  response.content_type = "text/html; charset=utf-8";
  if (format == "pdf") {
    auto pdf = call.context.options.make_pdf(html);
    if (!pdf.ok()) return Reply::problem(pdf.error().code == core::ErrorCode::kLimit ? 503 : 409, pdf.error().text);
    html = std::move(*pdf);
    response.content_type = "application/pdf";
  }
  response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + name + "." + format + "\"");
  response.body = std::move(html);
  return response;
}

// Why findings fired, as the store says.
core::Result<std::map<std::string, std::string>> reasons_of(const Call& call, const ledger::Incident& incident,
                                                            const std::vector<ledger::IncidentMember>& members) {
  std::map<std::string, std::string> out;
  std::vector<std::string> ids;
  for (const auto& member : members) ids.push_back(member.finding);
  if (ids.empty()) return out;
  store::SqlText sql("SELECT id, reason FROM findings WHERE tenant = ");
  sql.text(incident.tenant) << " AND id IN (";
  sql.texts(ids) << ")";
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row = rows.row(i);
    std::string id(row.text());
    out[std::move(id)] = row.text();
  }
  return out;
}

core::Result<IncidentReport> read_report(const Call& call) {
  IncidentReport out;
  const auto incident = TOCSIN_TRY(read_incident(call));
  const auto done = call.context.options.ledger->read([&](ledger::Tables& all) -> core::Result<void> {
    IncidentTables tables(all);
    ledger::EvidenceTables evidence(all);
    out.incident = TOCSIN_TRY(visible_incident(call, tables, incident.id));
    out.members = TOCSIN_TRY(all_members(tables, incident.id, kMaxReportMembers + 1));
    out.entities = TOCSIN_TRY(tables.entities(incident.id, kMaxReportEntities + 1));
    out.notes = TOCSIN_TRY(tables.notes(incident.id));
    out.tasks = TOCSIN_TRY(tables.tasks(incident.id));
    out.history = TOCSIN_TRY(tables.history(incident.id, kMaxReportHistory + 1));
    std::size_t custody_left = kMaxReportCustody;
    for (auto& one : TOCSIN_TRY(evidence.of_incident(incident.id))) {
      std::vector<ledger::Custody> custody;
      if (custody_left > 0) custody = TOCSIN_TRY(evidence.custody(one.id));
      if (custody.empty() || custody.size() > custody_left) out.complete = false;
      custody.resize(std::min(custody.size(), custody_left));
      custody_left -= custody.size();
      out.evidence.emplace_back(std::move(one), std::move(custody));
    }
    return {};
  });
  if (!done.ok()) return done.error();
  const auto bound = [&](auto& list, std::int64_t most) {
    if (list.size() <= static_cast<std::size_t>(most)) return;
    list.resize(static_cast<std::size_t>(most));
    out.complete = false;
  };
  bound(out.members, kMaxReportMembers);
  bound(out.entities, kMaxReportEntities);
  if (out.history.size() > static_cast<std::size_t>(kMaxReportHistory)) {
    out.history.erase(out.history.begin());  // The oldest.
    out.complete = false;
  }
  out.why = TOCSIN_TRY(reasons_of(call, out.incident, out.members));
  out.made = made_by(call);
  return out;
}

Reply report_incident(Call& call) {
  const IncidentReport report = TOCSIN_TRY(read_report(call));  // What is not there goes before what is wrong.
  Query query = call.query();
  const std::string format = query.choice("format", {"html", "pdf"});
  if (query.problem()) return *query.problem();
  if (format == "pdf" && !call.context.options.make_pdf) return Reply::problem(409, kNoPdf);
  const std::string label = triage::incident_label(report.incident.id);
  TOCSIN_TRY(
      call.audit("report.incident", label, "{\"format\":\"" + format + "\",\"tlp\":\"" + report.incident.tlp + "\"}"));
  return as_file(call, incident_report(report), format, label);
}

std::string tenants_of(const Call& call, const std::string& asked) {
  if (!asked.empty()) return asked;
  if (call.who.tenants.empty()) return "all";
  std::string out;
  for (const std::string& tenant : call.who.tenants) out += (out.empty() ? "" : ", ") + tenant;
  return out;
}

Reply report_period(Call& call) {
  Query query = call.query();
  const std::string format = query.choice("format", {"html", "pdf"});
  PeriodReport report;
  report.tlp = query.text("tlp").empty() ? "amber" : query.text("tlp");
  if (std::ranges::find(kTlp, report.tlp) == std::end(kTlp)) {
    query.refuse("tlp", "must be red, amber, amber+strict, green or clear");
  }
  if (query.problem()) return *query.problem();
  Reply measures = get_measures(call), reviews = review_measure(call);
  for (Reply* reply : {&measures, &reviews}) {
    if (reply->response().status != 200) return std::move(*reply);
  }
  if (format == "pdf" && !call.context.options.make_pdf) return Reply::problem(409, kNoPdf);
  report.measures = std::move(measures.response().body);
  report.reviews = std::move(reviews.response().body);
  report.tenants = tenants_of(call, query.text("tenant"));
  report.made = made_by(call);
  std::string detail;
  core::JsonWriter json(detail);
  json.begin_object().member("format", format).member("tlp", report.tlp).member("from", query.text("from"));
  json.member("to", query.text("to")).end_object();
  TOCSIN_TRY(call.audit("report.period", report.tenants.substr(0, kMaxNameBytes), detail));
  return as_file(call, period_report(report), format, "tocsin-period");
}

}  // namespace

void add_report_routes(Routes& routes) {
  routes.push_back({"GET", "/api/v1/incidents/{number}/report", "findings.read", "incidents",
                    "The incident as a report for people; in the audit trail. 409: PDF cannot be made here",
                    "{format?:html|pdf}", "", "!text/html", report_incident});
  routes.push_back({"GET", "/api/v1/reports/period", "findings.read", "measures",
                    "How the work of a period went, as a report; in the audit trail. 409: PDF cannot be made here",
                    "{from?:text to?:text tenant?:text tlp?:text format?:html|pdf}", "", "!text/html", report_period});
}

}  // namespace tocsin::api
