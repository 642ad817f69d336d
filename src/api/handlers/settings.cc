// Settings and certificates: of the whole program, so for those only who see all tenants.
#include <algorithm>

#include "api/handlers/handlers.h"

namespace tocsin::api {
namespace {

void write_setting(core::JsonWriter& json, const SettingView& setting) {
  json.begin_object().member("key", setting.key).member("value", setting.value).member("origin", setting.origin);
  json.member("help", setting.help).key("editable").boolean(setting.editable).end_object();
}

Reply list(Call& call) {
  if (auto refused = refuse_some_tenants(call)) return std::move(*refused);
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const SettingView& setting : call.context.options.platform->settings()) write_setting(json, setting);
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

Reply change(Call& call) {
  if (auto refused = refuse_some_tenants(call)) return std::move(*refused);
  Body body(call.request().body);
  const std::string value = body.text("value", {true, 4'096});
  if (body.problem()) return *body.problem();
  const std::string& key = call.captured("key");
  for (const SettingView& setting : call.context.options.platform->settings()) {
    if (setting.key == key && !setting.editable) return Reply::problem(403, "this setting is changed in the file only");
  }
  std::string detail;
  core::JsonWriter(detail).begin_object().member("value", value).end_object();
  TOCSIN_TRY(call.audit("setting.change", key, detail));
  TOCSIN_TRY(call.context.options.platform->set_setting(key, value, call.who.name));
  for (const SettingView& setting : call.context.options.platform->settings()) {
    if (setting.key != key) continue;
    std::string out;
    core::JsonWriter json(out);
    write_setting(json, setting);
    return Reply::json(std::move(out));
  }
  return Reply::problem(404, "there is no such setting");
}

Reply certificates(Call& call) {
  if (auto refused = refuse_some_tenants(call)) return std::move(*refused);
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const Certificate& one : call.context.options.platform->certificates()) {
    json.begin_object().member("name", one.name).member("subject", one.subject).member("issuer", one.issuer);
    write_time(json, "not_before", one.not_before);
    write_time(json, "not_after", one.not_after);
    json.member("sha256", one.sha256);
    write_texts(json, "names", one.names);
    json.key("self_signed").boolean(one.self_signed).end_object();
  }
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

Reply reload(Call& call) {
  if (auto refused = refuse_some_tenants(call)) return std::move(*refused);
  TOCSIN_TRY(call.audit("certificates.reload", ""));
  TOCSIN_TRY(call.context.options.platform->reload_certificates());
  return Reply::nothing();
}

// Never a path: it stays among the backups of the data folder, and the answer holds nothing of what is in it.
bool is_backup_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name[0] != '.' && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

Reply backup(Call& call) {
  if (auto refused = refuse_some_tenants(call)) return std::move(*refused);
  Body body(call.request().body);
  const std::string name = body.text("name");
  if (!body.problem() && !is_backup_name(name)) {
    body.refuse("name", "must be 1 to 64 letters, digits, '.', '_' and '-', and not begin with '.'");
  }
  if (body.problem()) return *body.problem();
  TOCSIN_TRY(call.audit("backup", name));
  const Platform::Backup made = TOCSIN_TRY(call.context.options.platform->backup(name));
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().member("path", made.path).key("files").number(made.files).key("bytes").number(made.bytes);
  json.end_object();
  return Reply::json(std::move(out), 201);
}

}  // namespace

void add_setting_routes(Routes& routes) {
  const char* tag = "settings";
  for (RouteSpec spec :
       Routes{{"GET", "/api/v1/settings", "settings.read", tag, "Settings and where they come from", "", "",
               "{items:[Setting]}", list},
              {"PUT", "/api/v1/settings/{key}", "settings.write", tag, "Changes one", "", "{value:text}", "Setting", change},
              {"GET", "/api/v1/certificates", "settings.read", tag, "Certificates in use", "", "", "{items:[Certificate]}",
               certificates},
              {"POST", "/api/v1/certificates/reload", "settings.write", tag, "Reads them again", "", "", "", reload},
              {"POST", "/api/v1/backup", "settings.write", tag, "Makes a backup on the server's disk", "", "{name:text}",
               "{path:text files:int bytes:int}", backup, 201}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
