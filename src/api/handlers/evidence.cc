// Evidence: files that people put to an incident, and the chain of custody of each.
//
// Whoever gets bytes gets those that were added: their SHA-256 is computed each time, and where it differs, nothing is sent.
// A file is never shown in the browser: it comes from attackers.
#include "ledger/evidence.h"

#include "api/handlers/handlers.h"
#include "api/parts/file_name.h"
#include "api/parts/incident_call.h"
#include "ledger/evidence_files.h"
#include "triage/export.h"

namespace tocsin::api {
namespace {

using ledger::Custody;
using ledger::Evidence;
using ledger::EvidenceFiles;
using ledger::EvidenceTables;

constexpr const char* kMedia = "application/octet-stream";  // Whatever it is said to be.
constexpr const char* kNoFiles = "this program keeps no evidence";
constexpr std::size_t kMaxRecipientBytes = 256;

void write_evidence(core::JsonWriter& json, const Evidence& evidence) {
  json.begin_object().key("id").number(evidence.id).member("name", evidence.name);
  json.key("size").number(evidence.size_bytes).member("sha256", evidence.sha256);
  json.member("media_type", evidence.media_type).member("note", evidence.note).member("added_by", evidence.added_by);
  write_time(json, "at", evidence.at);
  json.end_object();
}

core::Result<void> write_tables(const Call& call, const std::function<core::Result<void>(ledger::Tables&)>& work) {
  return call.context.options.ledger->write(work);
}
core::Result<void> append_audit(const Call& call, ledger::Tables& tables, const char* action, const std::string& object,
                                const std::string& detail) {
  TOCSIN_TRY(tables.append_audit({call.now(), call.who.name, action, object, call.peer(), detail}));
  return {};
}
std::string detail_of(const Evidence& evidence) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("evidence").number(evidence.id).member("name", evidence.name);
  json.key("size").number(evidence.size_bytes).member("sha256", evidence.sha256).end_object();
  return out;
}

// The evidence of the path.
struct Found {
  ledger::Incident incident;
  Evidence evidence;
};
core::Result<Found> find(const Call& call) {
  Found out;
  out.incident = TOCSIN_TRY(read_incident(call));
  const auto id = parse_incident_number(call.captured("id"));
  std::optional<Evidence> found;
  const auto done = call.context.options.ledger->read([&](ledger::Tables& tables) -> core::Result<void> {
    if (id) found = TOCSIN_TRY(EvidenceTables(tables).evidence(out.incident.id, *id));
    return {};
  });
  if (!done.ok()) return done.error();
  if (!found) {
    return core::Error{core::ErrorCode::kNotFound,
                       triage::incident_label(out.incident.id) + " has no evidence of that number"};
  }
  out.evidence = std::move(*found);
  return out;
}

Reply add_evidence(Call& call) {
  EvidenceFiles* files = call.context.options.evidence;
  Query query = call.query();
  Evidence evidence;
  evidence.name = clean_file_name(query.text("name"));
  if (evidence.name.empty()) query.refuse("name", "must be the name of the file");
  evidence.note = query.text("note");
  if (evidence.note.size() > ledger::kMaxEvidenceNoteBytes) query.refuse("note", "must have at most 2,048 bytes");
  const auto incident = TOCSIN_TRY(read_incident(call));
  if (files == nullptr) return Reply::problem(503, kNoFiles);
  if (query.problem()) return *query.problem();
  const std::string& bytes = call.request().body;
  if (bytes.empty()) return InputProblem{"", "the body is empty; it must be the bytes of the file"};
  if (bytes.size() > ledger::kMaxEvidenceFileBytes) return Reply::problem(413, "a file may have at most 32 MiB");
  evidence.incident = incident.id;
  evidence.size_bytes = static_cast<std::int64_t>(bytes.size());
  evidence.media_type = clean_media_type(call.request().header("content-type"));
  evidence.added_by = call.who.name;
  evidence.at = call.now();
  // First the bytes, then what names them: a crash between the two leaves a file that nobody names.
  evidence.sha256 = TOCSIN_TRY(files->put(bytes));
  const auto done = write_tables(call, [&](ledger::Tables& tables) -> core::Result<void> {
    evidence.id = TOCSIN_TRY(EvidenceTables(tables).add(evidence));
    TOCSIN_TRY(ledger::IncidentTables(tables).add_history(
        {0, incident.id, evidence.at, call.who.name, "evidence", "evidence added: " + evidence.name, detail_of(evidence)}));
    return append_audit(call, tables, "evidence.add", triage::incident_label(incident.id), detail_of(evidence));
  });
  if (!done.ok()) return done.error();
  std::string out;
  core::JsonWriter json(out);
  write_evidence(json, evidence);
  return Reply::json(std::move(out), 201);
}

Reply list_evidence(Call& call) {
  const auto incident = TOCSIN_TRY(read_incident(call));
  std::vector<Evidence> all;
  const auto done = call.context.options.ledger->read([&](ledger::Tables& tables) -> core::Result<void> {
    all = TOCSIN_TRY(EvidenceTables(tables).of_incident(incident.id));
    return {};
  });
  if (!done.ok()) return done.error();
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const Evidence& evidence : all) write_evidence(json, evidence);
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

Reply list_custody(Call& call) {
  const auto found = TOCSIN_TRY(find(call));
  std::vector<Custody> all;
  const auto done = call.context.options.ledger->read([&](ledger::Tables& tables) -> core::Result<void> {
    all = TOCSIN_TRY(EvidenceTables(tables).custody(found.evidence.id));
    return {};
  });
  if (!done.ok()) return done.error();
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const Custody& entry : all) {
    json.begin_object();
    write_time(json, "at", entry.at);
    json.member("actor", entry.actor).member("action", entry.action).member("sha256", entry.sha256);
    json.member("text", entry.text).end_object();
  }
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

std::string mismatch_text(const Evidence& evidence, const EvidenceFiles::Read& read) {
  if (read.sha256.empty()) return "the file of " + evidence.name + " is gone";
  return "the file of " + evidence.name + " is not the one that was added: its SHA-256 is " + read.sha256 + ", not " +
         evidence.sha256;
}

// Reads it and writes down what was found: `action` where it is what was added, else "verified" with what is wrong.
core::Result<EvidenceFiles::Read> read_with_custody(const Call& call, const Found& found, const char* action,
                                                    const std::string& text) {
  const Evidence& evidence = found.evidence;
  auto read = TOCSIN_TRY(call.context.options.evidence->read(evidence.sha256));
  const bool intact = read.intact(evidence.sha256);
  const std::string object = triage::incident_label(found.incident.id);
  const auto done = write_tables(call, [&](ledger::Tables& tables) -> core::Result<void> {
    TOCSIN_TRY(EvidenceTables(tables).add_custody({0, evidence.id, call.now(), call.who.name, intact ? action : "verified",
                                                   read.sha256, intact ? text : mismatch_text(evidence, read)}));
    const std::string kind = intact ? std::string("evidence.") + action : "evidence.mismatch";
    return append_audit(call, tables, kind.c_str(), object, detail_of(evidence));
  });
  if (!done.ok()) return done.error();
  return read;
}

Reply download_evidence(Call& call) {
  Query query = call.query();
  const std::string to = query.text("to");
  if (to.size() > kMaxRecipientBytes) query.refuse("to", "must have at most 256 bytes");
  const Found found = TOCSIN_TRY(find(call));
  if (call.context.options.evidence == nullptr) return Reply::problem(503, kNoFiles);
  if (query.problem()) return *query.problem();
  auto read =
      TOCSIN_TRY(read_with_custody(call, found, to.empty() ? "read" : "exported", to.empty() ? "" : "handed over to " + to));
  if (!read.intact(found.evidence.sha256)) {
    return Reply::problem(409, mismatch_text(found.evidence, read) + "; it was not sent. Restore it from a backup");
  }
  http::Response response;
  response.content_type = kMedia;
  response.headers.emplace_back("Content-Disposition", attachment_header(found.evidence.name));
  response.body = std::move(read.bytes);
  return response;
}

Reply verify_evidence(Call& call) {
  const Found found = TOCSIN_TRY(find(call));
  if (call.context.options.evidence == nullptr) return Reply::problem(503, kNoFiles);
  const auto read = TOCSIN_TRY(read_with_custody(call, found, "verified", ""));
  const bool intact = read.intact(found.evidence.sha256);
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("intact").boolean(intact).member("sha256", read.sha256);
  json.member("problem", intact ? "" : mismatch_text(found.evidence, read)).end_object();
  return Reply::json(std::move(out));
}

}  // namespace

void add_evidence_routes(Routes& routes) {
  const char* tag = "incidents";
  for (RouteSpec spec :
       Routes{{"GET", "/api/v1/incidents/{number}/evidence", "findings.read", tag, "Its files of evidence", "", "",
               "{items:[Evidence]}", list_evidence},
              {"POST", "/api/v1/incidents/{number}/evidence", "findings.write", tag,
               "A file of evidence, at most 32 MiB; the body is its bytes", "{name:text note?:text}",
               "!application/octet-stream", "Evidence", add_evidence, 201},
              {"GET", "/api/v1/incidents/{number}/evidence/{id}", "findings.read", tag,
               "Its bytes, for download only; in the chain of custody. 409: it is not what was added", "{to?:text}", "",
               "!application/octet-stream", download_evidence},
              {"POST", "/api/v1/incidents/{number}/evidence/{id}/verify", "findings.write", tag,
               "Whether it is still what was added; in the chain of custody", "", "",
               "{intact:bool sha256:text problem:text}", verify_evidence},
              {"GET", "/api/v1/incidents/{number}/evidence/{id}/custody", "findings.read", tag,
               "Who did what with it, in order", "", "",
               "{items:[{at:time actor:text action:added|read|verified|exported sha256:text text:text}]}", list_custody}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
