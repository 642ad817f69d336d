// The register of assets: read, changed, taken in and given out as CSV or JSON.
//
// An import is all or nothing: a row that is wrong refuses the whole, with the line of each problem.
#include <algorithm>
#include <charconv>

#include "api/handlers/handlers.h"
#include "api/incident_json.h"
#include "api/parts/incident_call.h"
#include "core/csv.h"
#include "core/text.h"

namespace tocsin::api {
namespace {

using ledger::Asset;
using ledger::IncidentTables;

// Each row is a transaction of the ledger: some seconds.
constexpr std::size_t kMaxImportRows = 5'000, kMaxImportBytes = 4u << 20, kMaxShownProblems = 100;
constexpr std::int64_t kMaxExportedAssets = 100'000;
constexpr std::size_t kMaxAssetKeyBytes = 1'024, kMaxWords = 64;
constexpr const char* kColumns[] = {"tenant",      "site",  "kind", "key",      "label", "aliases",
                                    "criticality", "owner", "zone", "exposure", "os",    "tags"};

// What is said of an asset; what is not set stays.
struct AssetChange {
  std::string tenant, kind, key;
  std::optional<std::string> site, label, owner, zone, exposure, os;
  std::optional<std::vector<std::string>> aliases, tags;
  std::optional<int> criticality;
};
using Refuse = std::function<void(std::string field, std::string text)>;

void check_words(const char* name, const std::optional<std::vector<std::string>>& words, const Refuse& refuse) {
  if (!words) return;
  if (words->size() > kMaxWords) refuse(name, "must be at most 64");
  for (const std::string& word : *words) {
    if (word.empty() || word.size() > ledger::kMaxNameBytes) refuse(name, "must be of 1 to 256 bytes each");
  }
}
void check_one_of(const char* name, const std::optional<std::string>& value, std::initializer_list<std::string_view> allowed,
                  const char* help, const Refuse& refuse) {
  if (value && std::ranges::find(allowed, *value) == allowed.end()) refuse(name, help);
}
// Fills in the tenant where the caller has one only.
void check(const Call& call, AssetChange& change, const Refuse& refuse) {
  change.tenant = tenant_of(call, change.tenant, [&](std::string text) { refuse("tenant", std::move(text)); });
  if (!model::parse_entity_kind(change.kind)) refuse("kind", "must be a kind of entity, as host or user");
  if (change.key.empty() || change.key.size() > kMaxAssetKeyBytes) refuse("key", "must be of 1 to 1024 bytes");
  if (change.kind == "host" || change.kind == "user" || change.kind == "domain") change.key = core::ascii_lower(change.key);
  if (change.criticality && (*change.criticality < 1 || *change.criticality > 5)) refuse("criticality", "must be 1 to 5");
  check_one_of("zone", change.zone, {"", "office", "server", "dmz", "ot", "cloud"},
               "must be office, server, dmz, ot, cloud or empty", refuse);
  check_one_of("exposure", change.exposure, {"", "internet", "internal"}, "must be internet, internal or empty", refuse);
  check_words("aliases", change.aliases, refuse);
  check_words("tags", change.tags, refuse);
  for (const auto& [name, value] : {std::pair("site", &change.site), std::pair("label", &change.label),
                                    std::pair("owner", &change.owner), std::pair("os", &change.os)}) {
    if (*value && (*value)->size() > ledger::kMaxNameBytes) refuse(name, "must be at most 256 bytes");
  }
}

core::Result<Asset> put(const Call& call, const AssetChange& change) {
  Asset asset;
  asset.tenant = change.tenant;
  asset.kind = *model::parse_entity_kind(change.kind);
  asset.key = asset.label = change.key;
  asset.first_seen = asset.last_seen = core::kNoTime;
  const auto done = read_tables(call, [&](IncidentTables& tables) -> core::Result<void> {
    auto found = TOCSIN_TRY(tables.asset(asset.tenant, asset.kind, asset.key));
    if (found) asset = std::move(*found);
    return {};
  });
  if (!done.ok()) return done.error();
  const auto take = [](auto& to, const auto& from) {
    if (from) to = *from;
  };
  take(asset.site, change.site);
  take(asset.label, change.label);
  take(asset.owner, change.owner);
  take(asset.zone, change.zone);
  take(asset.exposure, change.exposure);
  take(asset.os, change.os);
  take(asset.aliases, change.aliases);
  take(asset.tags, change.tags);
  take(asset.criticality, change.criticality);
  std::ranges::sort(asset.aliases);
  asset.declared = true;
  asset.changed_at = call.now();
  asset.changed_by = call.who.name;
  return call.context.options.desk->put_asset(std::move(asset), call.who.name);
}

AssetChange read_asset(Body& body) {
  AssetChange out;
  out.tenant = body.optional_text("tenant").value_or("");
  out.site = body.optional_text("site");
  out.label = body.optional_text("label");
  out.owner = body.optional_text("owner");
  out.zone = body.optional_text("zone");
  out.exposure = body.optional_text("exposure");
  out.os = body.optional_text("os");
  if (body.has("aliases")) out.aliases = body.texts("aliases");
  if (body.has("tags")) out.tags = body.texts("tags");
  if (body.has("criticality")) out.criticality = static_cast<int>(body.number("criticality", 3, 1, 5));
  return out;
}

Reply list_assets(Call& call) {
  Query query = call.query();
  const TablePage page = read_page(query, "assets");
  const std::string text = query.text("q");
  if (query.problem()) return *query.problem();
  std::vector<Asset> assets;
  std::int64_t total = 0;
  const auto done = read_tables(call, [&](IncidentTables& tables) -> core::Result<void> {
    assets = TOCSIN_TRY(tables.assets(call.who.tenants, text, page.limit, page.offset));
    total = TOCSIN_TRY(tables.asset_count(call.who.tenants, text));
    return {};
  });
  if (!done.ok()) return done.error();
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const Asset& asset : assets) write_asset(json, asset);
  json.end_array().key("total").number(total);
  write_cursor(json, page.next("assets", assets.size(), total));
  json.end_object();
  return Reply::json(std::move(out));
}

Reply put_asset(Call& call) {
  if (call.context.options.desk == nullptr) return Reply::problem(503, "incidents are not kept by this program");
  Body body(call.request().body);
  AssetChange change = read_asset(body);
  change.kind = call.captured("kind");
  change.key = call.captured("key");
  check(call, change, [&](std::string field, std::string text) { body.refuse(std::move(field), std::move(text)); });
  if (body.problem()) return *body.problem();
  const Asset asset = TOCSIN_TRY(put(call, change));
  TOCSIN_TRY(call.audit("asset.change", change.tenant + ":" + change.kind + ":" + change.key, call.request().body));
  std::string out;
  core::JsonWriter json(out);
  write_asset(json, asset);
  return Reply::json(std::move(out));
}

struct ImportProblem {
  std::uint64_t line = 0;
  std::string field, text;
};
struct Import {
  std::vector<AssetChange> changes;
  std::vector<ImportProblem> problems;
  void refuse(std::uint64_t line, std::string field, std::string text) {
    if (problems.size() < kMaxShownProblems) problems.push_back({line, std::move(field), std::move(text)});
  }
};

std::vector<std::string> words_of(std::string_view cell) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < cell.size();) {
    const std::size_t end = std::min(cell.find(';', at), cell.size());
    if (end > at) out.emplace_back(cell.substr(at, end - at));
    at = end + 1;
  }
  return out;
}
void take_cell(AssetChange& change, std::string_view column, const std::string& cell, const Refuse& refuse) {
  if (column == "tenant") change.tenant = cell;
  if (column == "kind") change.kind = cell;
  if (column == "key") change.key = cell;
  if (cell.empty()) return;  // Of the others, says nothing.
  if (column == "site") change.site = cell;
  if (column == "label") change.label = cell;
  if (column == "owner") change.owner = cell;
  if (column == "zone") change.zone = cell;
  if (column == "exposure") change.exposure = cell;
  if (column == "os") change.os = cell;
  if (column == "aliases") change.aliases = words_of(cell);
  if (column == "tags") change.tags = words_of(cell);
  if (column == "criticality") {
    int value = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc() || end != cell.data() + cell.size()) refuse("criticality", "must be 1 to 5");
    change.criticality = error == std::errc() ? value : 3;
  }
}

Import read_csv_import(const Call& call) {
  Import out;
  const auto rows = core::read_csv(call.request().body, {kMaxImportRows + 1, 64, 4'096});
  if (!rows.ok()) {
    out.refuse(0, "", rows.error().text);
    return out;
  }
  if (rows->empty()) {
    out.refuse(1, "", "there is no line of column names");
    return out;
  }
  const auto& names = rows->front().cells;
  for (const std::string& name : names) {
    if (std::ranges::find(kColumns, name) == std::end(kColumns)) out.refuse(1, name, "is no column of assets");
    if (std::ranges::count(names, name) > 1) out.refuse(1, name, "is there twice");
  }
  for (const char* needed : {"kind", "key"}) {
    if (std::ranges::find(names, needed) == names.end()) out.refuse(1, needed, "is not among the columns");
  }
  if (!out.problems.empty()) return out;
  for (std::size_t i = 1; i < rows->size(); ++i) {
    const core::CsvRow& row = (*rows)[i];
    const Refuse refuse = [&](std::string field, std::string text) {
      out.refuse(row.line, std::move(field), std::move(text));
    };
    if (row.cells.size() != names.size()) {
      refuse("", "has " + std::to_string(row.cells.size()) + " cells; expected " + std::to_string(names.size()));
      continue;
    }
    AssetChange change;
    for (std::size_t c = 0; c < names.size(); ++c) take_cell(change, names[c], row.cells[c], refuse);
    check(call, change, refuse);
    out.changes.push_back(std::move(change));
  }
  return out;
}

Import read_json_import(const Call& call) {
  Import out;
  Body body(call.request().body);
  if (!body.has("items")) body.refuse("items", "must be given");
  const auto items = body.objects("items", kMaxImportRows);
  if (body.problem()) out.refuse(0, body.problem()->field, body.problem()->text);
  for (std::size_t i = 0; i < items.size(); ++i) {
    Body inner(items[i]);
    AssetChange change = read_asset(inner);
    change.kind = inner.text("kind");
    change.key = inner.text("key", {true, kMaxAssetKeyBytes});
    const Refuse refuse = [&](std::string field, std::string text) { out.refuse(i + 1, std::move(field), std::move(text)); };
    if (inner.problem()) {
      refuse(inner.problem()->field, inner.problem()->text);
    } else {
      check(call, change, refuse);
    }
    out.changes.push_back(std::move(change));
  }
  return out;
}

Reply refuse_import(const Import& import) {
  std::string list;
  core::JsonWriter json(list);
  json.begin_array();
  for (const ImportProblem& problem : import.problems) {
    json.begin_object().key("line").number(problem.line).member("field", problem.field).member("text", problem.text);
    json.end_object();
  }
  json.end_array();
  const ImportProblem& first = import.problems.front();
  std::string text = "nothing was imported; ";
  if (first.line > 0) text += "line " + std::to_string(first.line) + ": ";
  return Reply::problem(400, text + (first.field.empty() ? "" : first.field + " ") + first.text, {{"problems", list}});
}

Reply import_assets(Call& call) {
  if (call.context.options.desk == nullptr) return Reply::problem(503, "incidents are not kept by this program");
  if (call.request().body.size() > kMaxImportBytes) return Reply::problem(413, "the body is longer than 4 MB");
  const std::string_view type = call.request().header("content-type");
  const bool csv = core::equal_ascii_case(type.substr(0, type.find(';')), "text/csv");
  const Import import = csv ? read_csv_import(call) : read_json_import(call);
  if (!import.problems.empty()) return refuse_import(import);
  // Before: where the ledger fails half way, the trail says that it was begun, and the same import does the rest.
  TOCSIN_TRY(call.audit("asset.import", std::to_string(import.changes.size()) + " assets"));
  for (const AssetChange& change : import.changes) TOCSIN_TRY(put(call, change));
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("imported").number(static_cast<std::uint64_t>(import.changes.size())).end_object();
  return Reply::json(std::move(out));
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ";") + word;
  return out;
}
Reply export_assets(Call& call) {
  Query query = call.query();
  const bool csv = query.choice("format", {"csv", "json"}) == "csv";
  if (query.problem()) return *query.problem();
  std::vector<Asset> assets;
  constexpr std::int64_t kPage = 1'000;
  for (std::int64_t offset = 0; offset < kMaxExportedAssets; offset += kPage) {  // Others get the ledger in between.
    std::vector<Asset> page;
    const auto done = read_tables(call, [&](IncidentTables& tables) -> core::Result<void> {
      page = TOCSIN_TRY(tables.assets(call.who.tenants, "", kPage, offset));
      return {};
    });
    if (!done.ok()) return done.error();
    const bool last = page.size() < static_cast<std::size_t>(kPage);
    std::ranges::move(page, std::back_inserter(assets));
    if (last) break;
  }
  TOCSIN_TRY(call.audit("asset.export", std::to_string(assets.size()) + " assets"));
  http::Response response;
  if (csv) {
    response.content_type = "text/csv; charset=utf-8";
    core::append_csv_row({std::begin(kColumns), std::end(kColumns)}, response.body);
    for (const Asset& asset : assets) {
      core::append_csv_row(
          {asset.tenant, asset.site, model::to_string(asset.kind), asset.key, asset.label, joined(asset.aliases),
           std::to_string(asset.criticality), asset.owner, asset.zone, asset.exposure, asset.os, joined(asset.tags)},
          response.body);
    }
  } else {
    core::JsonWriter json(response.body);
    json.begin_object().key("items").begin_array();
    for (const Asset& asset : assets) write_asset(json, asset);
    json.end_array().end_object();
  }
  response.headers.emplace_back("Content-Disposition",
                                std::string("attachment; filename=\"tocsin-assets.") + (csv ? "csv" : "json") + "\"");
  return response;
}

}  // namespace

void add_asset_routes(Routes& routes) {
  const char* tag = "assets";
  const char* change = "settings.write";
  for (RouteSpec spec : Routes{
           {"GET", "/api/v1/assets", "findings.read", tag, "Assets, by their key", "{q?:text limit?:int cursor?:text}", "",
            "{items:[Asset] total:int next_cursor:cursor}", list_assets},
           {"GET", "/api/v1/assets/export", "findings.read", tag, "All assets as a file; in the audit trail",
            "{format?:csv|json}", "", "!text/csv", export_assets},
           {"POST", "/api/v1/assets/import", change, tag, "Assets of a CSV file, or of JSON {items:[...]}; all or nothing",
            "", "!text/csv", "{imported:int}", import_assets},
           {"PUT", "/api/v1/assets/{kind}/{key*}", change, tag, "Declares an asset; what is absent stays", "", "AssetChange",
            "Asset", put_asset}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
