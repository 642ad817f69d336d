// Assets, and what was decided about findings of rules.
#include "ledger/connection.h"
#include "ledger/incident_columns.h"
#include "ledger/incidents.h"

namespace tocsin::ledger {
namespace {

struct AssetColumns {
  Asset row;
  std::string kind, aliases, addresses, tags;
  long long id = 0, criticality = 0, declared = 0, seen_first = 0, seen_last = 0, changed = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.tenant, &row.site, &kind, &row.key, &row.label, &aliases, &addresses, &row.owner,
                              &row.zone, &row.exposure, &row.os, &tags, &row.changed_by}) {
      s.exchange(soci::into(*text));
    }
    for (long long* value : {&id, &criticality, &declared, &seen_first, &seen_last, &changed})
      s.exchange(soci::into(*value));
  }
  Asset take() {
    row.id = id;
    row.kind = model::parse_entity_kind(kind).value_or(model::EntityKind::kHost);
    row.aliases = split_lines(aliases);
    row.addresses = split_lines(addresses);
    row.tags = split_lines(tags);
    row.criticality = static_cast<int>(criticality);
    row.declared = declared != 0;
    row.first_seen.ns = seen_first;
    row.last_seen.ns = seen_last;
    row.changed_at.ns = changed;
    return row;
  }
};
const std::string kSelectAsset =
    "select tenant, site, kind, key, label, aliases, addresses, owner, zone, exposure, os, tags, changed_by, id, "
    "criticality, "
    "declared, first_seen, last_seen, changed_at from assets ";

struct DecisionColumns {
  Decisions row;
  long long right = 0, benign = 0, wrong = 0;
  void exchange(soci::statement& s) {
    s.exchange(soci::into(row.tenant));
    s.exchange(soci::into(row.key));
    for (long long* value : {&right, &benign, &wrong}) s.exchange(soci::into(*value));
  }
  Decisions take() {
    row.true_positive = right;
    row.benign = benign;
    row.false_positive = wrong;
    return row;
  }
};

core::Result<void> check_asset(const Asset& asset) {
  if (asset.key.empty()) return core::Error{core::ErrorCode::kInvalid, "ledger: an asset needs a key"};
  if (asset.criticality < 1 || asset.criticality > 5) {
    return core::Error{core::ErrorCode::kInvalid, "ledger: an asset's criticality is 1 to 5"};
  }
  for (const std::string* text :
       {&asset.tenant, &asset.site, &asset.owner, &asset.zone, &asset.exposure, &asset.os, &asset.changed_by}) {
    if (auto fits = check_text("an asset's text", *text, kMaxNameBytes); !fits.ok()) return fits;
  }
  for (const std::string* text : {&asset.key, &asset.label}) {
    if (auto fits = check_text("an asset's key or label", *text, kMaxEntityBytes); !fits.ok()) return fits;
  }
  constexpr std::size_t kMaxItems = 256;
  for (const auto* list : {&asset.aliases, &asset.addresses, &asset.tags}) {
    if (list->size() > kMaxItems) return core::Error{core::ErrorCode::kInvalid, "ledger: a list of an asset is too long"};
    for (const std::string& item : *list) {
      if (auto fits = check_text("an asset's alias, address or tag", item, kMaxEntityBytes); !fits.ok()) return fits;
      if (item.empty() || item.find('\n') != std::string::npos) {
        return core::Error{core::ErrorCode::kInvalid, "ledger: an alias, address or tag is empty or has an end of line"};
      }
    }
  }
  return {};
}

std::string asset_filter(const std::vector<std::string>& tenants, std::string_view text, Parameters& parameters) {
  std::string where = " where 1";
  std::string list;
  for (const std::string& tenant : tenants) list += (list.empty() ? "" : ", ") + parameters.add(tenant);
  if (!list.empty()) where += " and tenant in (" + list + ")";
  if (text.empty()) return where;
  where += " and (";
  for (const char* column : {"key", "label", "owner", "tags", "aliases", "addresses"}) {
    where += std::string(where.ends_with('(') ? "" : " or ") + "instr(lower(" + column + "), lower(" + parameters.add(text) +
             ")) > 0";
  }
  return where + ")";
}

}  // namespace

core::Result<std::int64_t> IncidentTables::put_asset(const Asset& asset) {
  if (auto good = check_asset(asset); !good.ok()) return good.error();
  return guarded([&]() -> core::Result<std::int64_t> {
    const std::string kind = model::to_string(asset.kind);
    const auto there = select<NumberColumn>(
        connection(), "select id from assets where tenant = :a and kind = :b and key = :c", asset.tenant, kind, asset.key);
    if (!there.empty()) {
      change(
          connection(),
          "update assets set site = :a, label = :b, aliases = :c, addresses = :d, criticality = :e, owner = :f, zone = :g, "
          "exposure = :h, os = :i, tags = :j, declared = :k, first_seen = :l, last_seen = :m, changed_at = :n, changed_by "
          "= :o where id = :p",
          asset.site, asset.label, join_lines(asset.aliases), join_lines(asset.addresses),
          number(std::int64_t{asset.criticality}), asset.owner, asset.zone, asset.exposure, asset.os, join_lines(asset.tags),
          number(asset.declared), number(asset.first_seen.ns), number(asset.last_seen.ns), number(asset.changed_at.ns),
          asset.changed_by, number(there.front()));
      return there.front();
    }
    if (count(connection(), "select coalesce(max(id), 0) from assets") >= kMaxAssets &&
        count(connection(), "select count(*) from assets") >= kMaxAssets) {
      return core::Error{core::ErrorCode::kLimit, "ledger: there are " + std::to_string(kMaxAssets) + " assets already"};
    }
    change(connection(),
           "insert into assets (tenant, site, kind, key, label, aliases, addresses, criticality, owner, zone, exposure, os, "
           "tags, declared, first_seen, last_seen, changed_at, changed_by) values (:a, :b, :c, :d, :e, :f, :g, :h, :i, :j, "
           ":k, :l, :m, :n, :o, :p, :q, :r)",
           asset.tenant, asset.site, kind, asset.key, asset.label, join_lines(asset.aliases), join_lines(asset.addresses),
           number(std::int64_t{asset.criticality}), asset.owner, asset.zone, asset.exposure, asset.os,
           join_lines(asset.tags), number(asset.declared), number(asset.first_seen.ns), number(asset.last_seen.ns),
           number(asset.changed_at.ns), asset.changed_by);
    return last_id(connection());
  });
}

core::Result<std::optional<Asset>> IncidentTables::asset(std::string_view tenant, model::EntityKind kind,
                                                         std::string_view key) {
  return guarded([&] {
    return first<AssetColumns>(connection(), kSelectAsset + "where tenant = :a and kind = :b and key = :c",
                               std::string(tenant), std::string(model::to_string(kind)), std::string(key));
  });
}

core::Result<std::vector<Asset>> IncidentTables::assets(const std::vector<std::string>& tenants, std::string_view text,
                                                        std::int64_t limit, std::int64_t offset) {
  return guarded([&]() -> core::Result<std::vector<Asset>> {
    Parameters parameters;
    std::string sql = kSelectAsset + asset_filter(tenants, text, parameters) + " order by tenant, kind, key limit ";
    sql += parameters.add(limit);
    sql += " offset " + parameters.add(offset);
    return select_with<AssetColumns>(connection(), sql, parameters);
  });
}

core::Result<std::vector<Asset>> IncidentTables::assets_with_addresses(std::int64_t limit) {
  return guarded([&]() -> core::Result<std::vector<Asset>> {
    return select<AssetColumns>(connection(),
                                kSelectAsset + "where kind = 'host' and addresses <> '' order by last_seen desc limit :a",
                                number(limit));
  });
}

core::Result<std::int64_t> IncidentTables::asset_count(const std::vector<std::string>& tenants, std::string_view text) {
  return guarded([&]() -> core::Result<std::int64_t> {
    Parameters parameters;
    const std::string where = asset_filter(tenants, text, parameters);
    return select_with<NumberColumn>(connection(), "select count(*) from assets" + where, parameters).at(0);
  });
}

core::Result<void> IncidentTables::add_decisions(const Decisions& more) {
  if (auto fits = check_text("a decision's key", more.key, 2 * kMaxEntityBytes); !fits.ok()) return fits;
  return guarded([&]() -> core::Result<void> {
    change(
        connection(),
        "insert into decisions (tenant, key, true_positive, benign, false_positive) values (:a, :b, :c, :d, :e) on conflict "
        "(tenant, key) do update set true_positive = max(0, true_positive + excluded.true_positive), benign = max(0, benign "
        "+ excluded.benign), false_positive = max(0, false_positive + excluded.false_positive)",
        more.tenant, more.key, number(more.true_positive), number(more.benign), number(more.false_positive));
    return {};
  });
}

core::Result<std::vector<Decisions>> IncidentTables::decisions() {
  return guarded([&]() -> core::Result<std::vector<Decisions>> {
    return select<DecisionColumns>(
        connection(), "select tenant, key, true_positive, benign, false_positive from decisions order by tenant, key");
  });
}

}  // namespace tocsin::ledger
