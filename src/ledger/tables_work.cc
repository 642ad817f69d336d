// Sources, rule states, saved searches and settings.
#include "ledger/connection.h"
#include "ledger/ledger.h"

namespace tocsin::ledger {
namespace {

struct SourceColumns {
  Source row;
  long long id = 0, enabled = 0, created = 0, changed = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.name, &row.kind, &row.tenant, &row.site, &row.config, &row.token_hash}) {
      s.exchange(soci::into(*text));
    }
    for (long long* value : {&id, &enabled, &created, &changed}) s.exchange(soci::into(*value));
  }
  Source take() {
    row.id = {id};
    row.enabled = enabled != 0;
    row.created_at.ns = created;
    row.changed_at.ns = changed;
    return row;
  }
};
const std::string kSelectSource =
    "select name, kind, tenant, site, config, token_hash, id, enabled, created_at, changed_at from sources ";

struct RuleColumns {
  RuleState row;
  std::string mode;
  long long changed = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.rule_id, &mode, &row.changed_by}) s.exchange(soci::into(*text));
    s.exchange(soci::into(changed));
  }
  RuleState take() {
    row.mode = mode == "off" ? RuleMode::kOff : mode == "draft" ? RuleMode::kDraft : RuleMode::kOn;
    row.changed_at.ns = changed;
    return row;
  }
};

struct SearchColumns {
  SavedSearch row;
  long long id = 0, owner = 0, shared = 0, changed = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.name, &row.query}) s.exchange(soci::into(*text));
    for (long long* value : {&id, &owner, &shared, &changed}) s.exchange(soci::into(*value));
  }
  SavedSearch take() {
    row.id = {id};
    row.owner = {owner};
    row.shared = shared != 0;
    row.changed_at.ns = changed;
    return row;
  }
};

struct SettingColumns {
  Setting row;
  long long changed = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.key, &row.value, &row.changed_by}) s.exchange(soci::into(*text));
    s.exchange(soci::into(changed));
  }
  Setting take() {
    row.changed_at.ns = changed;
    return row;
  }
};
const std::string kSelectSetting = "select key, value, changed_by, changed_at from settings ";

core::Result<void> check_source(const Source& source) {
  for (const std::string* text : {&source.name, &source.kind, &source.tenant, &source.site}) {
    if (auto fits = check_text("a source's text", *text, kMaxNameBytes); !fits.ok()) return fits;
  }
  if (source.name.empty()) return core::Error{core::ErrorCode::kInvalid, "ledger: a source needs a name"};
  return check_text("a source's config", source.config, kMaxJsonBytes);
}

core::Result<void> check_search(const SavedSearch& search) {
  if (search.name.empty()) return core::Error{core::ErrorCode::kInvalid, "ledger: a saved search needs a name"};
  if (auto fits = check_text("a saved search's name", search.name, kMaxNameBytes); !fits.ok()) return fits;
  return check_text("a saved search", search.query, kMaxJsonBytes);
}

}  // namespace

const char* to_string(RuleMode mode) {
  switch (mode) {
    case RuleMode::kOff: return "off";
    case RuleMode::kDraft: return "draft";
    case RuleMode::kOn: return "on";
  }
  return "on";
}

core::Result<SourceId> Tables::insert_source(const Source& source) {
  if (auto good = check_source(source); !good.ok()) return good.error();
  return guarded([&]() -> core::Result<SourceId> {
    if (count(connection_, "select count(*) from sources") >= kMaxSources) {
      return core::Error{core::ErrorCode::kLimit, "ledger: there are " + std::to_string(kMaxSources) + " sources already"};
    }
    change(connection_,
           "insert into sources (name, kind, tenant, site, config, token_hash, enabled, created_at, changed_at) values (:a, "
           ":b, :c, :d, :e, :f, :g, :h, :i)",
           source.name, source.kind, source.tenant, source.site, source.config, source.token_hash, number(source.enabled),
           number(source.created_at.ns), number(source.changed_at.ns));
    return SourceId{last_id(connection_)};
  });
}
core::Result<void> Tables::update_source(const Source& source) {
  if (auto good = check_source(source); !good.ok()) return good;
  return guarded([&]() -> core::Result<void> {
    const long long changed = change(
        connection_,
        "update sources set name = :a, kind = :b, tenant = :c, site = :d, config = :e, token_hash = :f, enabled = :g, "
        "changed_at = :h where id = :i",
        source.name, source.kind, source.tenant, source.site, source.config, source.token_hash, number(source.enabled),
        number(source.changed_at.ns), number(source.id.value));
    if (changed == 0) return core::Error{core::ErrorCode::kNotFound, "ledger: there is no such source"};
    return {};
  });
}
core::Result<std::optional<Source>> Tables::source(SourceId id) {
  return guarded([&] { return first<SourceColumns>(connection_, kSelectSource + "where id = :a", number(id.value)); });
}
core::Result<std::optional<Source>> Tables::source_named(std::string_view name) {
  return guarded([&] { return first<SourceColumns>(connection_, kSelectSource + "where name = :a", std::string(name)); });
}
core::Result<std::optional<Source>> Tables::source_with_token(std::string_view token_hash) {
  if (token_hash.empty()) return std::optional<Source>();
  return guarded(
      [&] { return first<SourceColumns>(connection_, kSelectSource + "where token_hash = :a", std::string(token_hash)); });
}
core::Result<std::vector<Source>> Tables::sources() {
  return guarded([&]() -> core::Result<std::vector<Source>> {
    return select<SourceColumns>(connection_, kSelectSource + "order by name");
  });
}
core::Result<bool> Tables::delete_source(SourceId id) {
  return guarded([&]() -> core::Result<bool> {
    return change(connection_, "delete from sources where id = :a", number(id.value)) > 0;
  });
}

core::Result<void> Tables::set_rule_state(const RuleState& state) {
  if (state.rule_id.empty()) return core::Error{core::ErrorCode::kInvalid, "ledger: a rule state needs a rule id"};
  if (auto fits = check_text("a rule id", state.rule_id, kMaxNameBytes); !fits.ok()) return fits;
  return guarded([&]() -> core::Result<void> {
    change(connection_, "insert or replace into rule_states (rule_id, mode, changed_by, changed_at) values (:a, :b, :c, :d)",
           state.rule_id, std::string(to_string(state.mode)), state.changed_by, number(state.changed_at.ns));
    return {};
  });
}
core::Result<std::vector<RuleState>> Tables::rule_states() {
  return guarded([&]() -> core::Result<std::vector<RuleState>> {
    return select<RuleColumns>(connection_,
                               "select rule_id, mode, changed_by, changed_at from rule_states order by rule_id");
  });
}

core::Result<SearchId> Tables::insert_search(const SavedSearch& search) {
  if (auto good = check_search(search); !good.ok()) return good.error();
  return guarded([&]() -> core::Result<SearchId> {
    if (count(connection_, "select count(*) from saved_searches where owner = :a", number(search.owner.value)) >=
        kMaxSearchesPerUser) {
      return core::Error{core::ErrorCode::kLimit,
                         "ledger: the user has " + std::to_string(kMaxSearchesPerUser) + " saved searches already"};
    }
    change(connection_, "insert into saved_searches (owner, name, query, shared, changed_at) values (:a, :b, :c, :d, :e)",
           number(search.owner.value), search.name, search.query, number(search.shared), number(search.changed_at.ns));
    return SearchId{last_id(connection_)};
  });
}
core::Result<void> Tables::update_search(const SavedSearch& search) {
  if (auto good = check_search(search); !good.ok()) return good;
  return guarded([&]() -> core::Result<void> {
    const long long changed =
        change(connection_,
               "update saved_searches set name = :a, query = :b, shared = :c, changed_at = :d where id = :e and owner = :f",
               search.name, search.query, number(search.shared), number(search.changed_at.ns), number(search.id.value),
               number(search.owner.value));
    if (changed == 0) return core::Error{core::ErrorCode::kNotFound, "ledger: the user has no such saved search"};
    return {};
  });
}
core::Result<bool> Tables::delete_search(SearchId id, UserId owner) {
  return guarded([&]() -> core::Result<bool> {
    return change(connection_, "delete from saved_searches where id = :a and owner = :b", number(id.value),
                  number(owner.value)) > 0;
  });
}
core::Result<std::vector<SavedSearch>> Tables::searches(UserId reader) {
  return guarded([&]() -> core::Result<std::vector<SavedSearch>> {
    return select<SearchColumns>(connection_,
                                 "select name, query, id, owner, shared, changed_at from saved_searches where owner = :a or "
                                 "shared = 1 order by name, id",
                                 number(reader.value));
  });
}

core::Result<void> Tables::set_setting(const Setting& setting) {
  if (auto fits = check_text("a setting's key", setting.key, kMaxNameBytes); !fits.ok()) return fits;
  if (auto fits = check_text("a setting's value", setting.value, kMaxJsonBytes); !fits.ok()) return fits;
  return guarded([&]() -> core::Result<void> {
    change(connection_, "insert or replace into settings (key, value, changed_by, changed_at) values (:a, :b, :c, :d)",
           setting.key, setting.value, setting.changed_by, number(setting.changed_at.ns));
    return {};
  });
}
core::Result<std::optional<Setting>> Tables::setting(std::string_view key) {
  return guarded([&] { return first<SettingColumns>(connection_, kSelectSetting + "where key = :a", std::string(key)); });
}
core::Result<std::vector<Setting>> Tables::settings() {
  return guarded([&]() -> core::Result<std::vector<Setting>> {
    return select<SettingColumns>(connection_, kSelectSetting + "order by key");
  });
}
core::Result<bool> Tables::delete_setting(std::string_view key) {
  return guarded([&]() -> core::Result<bool> {
    return change(connection_, "delete from settings where key = :a", std::string(key)) > 0;
  });
}

}  // namespace tocsin::ledger
