// Users, API tokens and the audit trail.
#include <algorithm>
#include <charconv>
#include <map>

#include "api/handlers/handlers.h"
#include "core/text.h"

namespace tocsin::api {
namespace {

using ledger::Tables;

bool within(const Call& call, const ledger::User& user) {
  if (call.sees_all()) return true;
  return !user.tenants.empty() &&
         std::all_of(user.tenants.begin(), user.tenants.end(), [&](const auto& t) { return call.who.may_see(t); });
}
auth::RightSet rights_of(const ledger::User& user) {
  const auto role = auth::parse_role(user.role);
  return role ? auth::rights_of(*role) : auth::RightSet();
}
std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}
core::Result<std::vector<ledger::User>> all_users(Call& call) {
  std::vector<ledger::User> out;
  const auto done = call.context.options.ledger->read([&](Tables& tables) -> core::Result<void> {
    out = TOCSIN_TRY(tables.users());
    return {};
  });
  if (!done.ok()) return done.error();
  return out;
}
core::Result<ledger::User> user_named(Call& call, const std::string& name) {
  for (auto& user : TOCSIN_TRY(all_users(call))) {
    if (user.name == name && within(call, user)) return std::move(user);
  }
  return core::Error{core::ErrorCode::kNotFound, "there is no such user"};
}
Reply answer_user(const ledger::User& user, int status) {
  std::string out;
  core::JsonWriter json(out);
  write_user(json, user, rights_of(user), true);
  return Reply::json(std::move(out), status);
}
std::optional<auth::Role> read_role(Body& body, const std::string& name) {
  const auto role = auth::parse_role(name);
  if (!role) body.refuse("role", "must be viewer, analyst, responder, hunter, engineer or admin");
  return role;
}

Reply list_users(Call& call) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const auto& user : TOCSIN_TRY(all_users(call))) {
    if (within(call, user)) write_user(json, user, rights_of(user), true);
  }
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

Reply create_user(Call& call) {
  Body body(call.request().body);
  auth::NewUser user{body.text("name"), body.optional_text("display_name").value_or(""), body.secret("password"),
                     auth::Role::kViewer, body.texts("tenants")};
  const auto role = read_role(body, body.text("role"));
  if (body.problem()) return *body.problem();
  user.role = *role;
  const std::string name = core::ascii_lower(user.name);
  for (const auto& other : TOCSIN_TRY(all_users(call))) {
    if (other.name == name) return Reply::problem(409, "there is a user of this name", {{"field", "\"name\""}});
  }
  TOCSIN_TRY(call.context.options.auth->create_user(call.who, std::move(user), call.peer()));
  return answer_user(TOCSIN_TRY(user_named(call, name)), 201);
}

Reply change_user(Call& call) {
  Body body(call.request().body);
  auth::UserChange change;
  if (const auto role = body.optional_text("role")) change.role = read_role(body, *role);
  change.enabled = body.optional_boolean("enabled");
  if (body.has("tenants")) change.tenants = body.texts("tenants");
  change.display_name = body.optional_text("display_name");
  if (body.problem()) return *body.problem();
  TOCSIN_TRY(call.context.options.auth->change_user(call.who, call.captured("name"), change, call.peer()));
  return answer_user(TOCSIN_TRY(user_named(call, call.captured("name"))), 200);
}

Reply reset_user(Call& call) {
  Body body(call.request().body);
  const core::Secret password = body.secret("password");
  if (body.problem()) return *body.problem();
  TOCSIN_TRY(call.context.options.auth->reset_user(call.who, call.captured("name"), password, call.peer()));
  return Reply::nothing();
}

void write_token(core::JsonWriter& json, const ledger::ApiToken& token, const std::string& user, std::string_view secret) {
  json.begin_object().member("id", std::to_string(token.id.value)).member("user", user).member("name", token.name);
  write_texts(json, "scopes", token.scopes);
  write_time(json, "created_at", token.created_at);
  write_time(json, "expires_at", token.expires_at);
  write_time(json, "used_at", token.used_at);
  json.member_if("token", secret).end_object();
}

Reply list_tokens(Call& call) {
  const bool all = call.query().text("all") == "1";
  if (all && !call.who.may(auth::Right::kUsersWrite)) {
    return Reply::problem(403, "you see your own tokens only", {{"right", "\"users.write\""}});
  }
  std::vector<ledger::ApiToken> tokens;
  std::map<ledger::UserId, std::string> names;
  const auto done = call.context.options.ledger->read([&](Tables& tables) -> core::Result<void> {
    tokens = TOCSIN_TRY(tables.tokens(all ? std::nullopt : std::optional(call.who.user)));
    for (const auto& user : TOCSIN_TRY(tables.users())) {
      if (user.id == call.who.user || within(call, user)) names[user.id] = user.name;
    }
    return {};
  });
  if (!done.ok()) return done.error();
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const auto& token : tokens) {
    if (const auto owner = names.find(token.user); owner != names.end()) write_token(json, token, owner->second, "");
  }
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

Reply create_token(Call& call) {
  Body body(call.request().body);
  auth::NewToken wanted;
  wanted.name = body.text("name");
  wanted.expires_at = body.when("expires_at", {}, call.now());
  if (!body.has("expires_at")) body.refuse("expires_at", "must be given");
  for (const std::string& scope : body.texts("scopes")) {
    const auto right = auth::parse_right(scope);
    if (!right) {
      body.refuse("scopes", "must be names of rights");
    } else {
      wanted.scopes.set(static_cast<std::size_t>(*right));
    }
  }
  if (body.problem()) return *body.problem();
  const core::Secret secret = TOCSIN_TRY(call.context.options.auth->create_token(call.who, wanted, call.peer()));
  std::vector<ledger::ApiToken> tokens;
  const auto done = call.context.options.ledger->read([&](Tables& tables) -> core::Result<void> {
    tokens = TOCSIN_TRY(tables.tokens(call.who.user));
    return {};
  });
  if (!done.ok()) return done.error();
  const auto newest =
      std::max_element(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  if (newest == tokens.end()) return Reply::problem(503, "the token is gone already");
  std::string out;
  core::JsonWriter json(out);
  write_token(json, *newest, call.who.name, secret.reveal());
  return Reply::json(std::move(out), 201);
}

Reply revoke_token(Call& call) {
  const auto id = number_of(call.captured("id"));
  if (!id) return Reply::problem(404, "there is no such token");
  TOCSIN_TRY(call.context.options.auth->revoke_token(call.who, {*id}, call.peer()));
  return Reply::nothing();
}

Reply list_audit(Call& call) {
  if (auto refused = refuse_some_tenants(call)) return std::move(*refused);
  Query query = call.query();
  Tables::AuditQuery asked;
  asked.before = query.number("before", 0, 0, std::int64_t{1} << 62);
  asked.limit = query.number("limit", kDefaultLimit, 1, kMaxLimit);
  asked.actor = query.text("actor");
  asked.action = query.text("action");
  if (query.problem()) return *query.problem();
  std::vector<ledger::AuditRecord> records;
  const auto done = call.context.options.ledger->read([&](Tables& tables) -> core::Result<void> {
    records = TOCSIN_TRY(tables.audit(asked));
    return {};
  });
  if (!done.ok()) return done.error();
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const auto& record : records) {
    json.begin_object().key("sequence").number(record.sequence);
    write_time(json, "time", record.entry.time);
    json.member("actor", record.entry.actor).member("action", record.entry.action).member("object", record.entry.object);
    json.member("address", record.entry.address).member("detail", record.entry.detail).member("hash", record.hash);
    json.end_object();
  }
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

Reply verify_audit(Call& call) {
  if (auto refused = refuse_some_tenants(call)) return std::move(*refused);
  const auto verdict = TOCSIN_TRY(call.context.options.ledger->verify_audit());
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("checked").number(verdict.checked).key("first_broken").number(verdict.first_broken);
  json.member("reason", verdict.reason).key("head").begin_object();
  json.key("sequence").number(verdict.head.sequence).member("hash", verdict.head.hash).end_object().end_object();
  return Reply::json(std::move(out));
}

}  // namespace

void add_user_routes(Routes& routes) {
  const char* tag = "users";
  for (RouteSpec spec :
       Routes{{"GET", "/api/v1/users", "users.write", tag, "Users", "", "", "{items:[User]}", list_users},
              {"POST", "/api/v1/users", "users.write", tag, "A new user", "",
               "{name:text display_name?:text password:text role:Role tenants?:[text]}", "User", create_user, 201},
              {"PATCH", "/api/v1/users/{name}", "users.write", tag, "Changes a user; what is absent stays", "",
               "{role?:Role enabled?:bool tenants?:[text] display_name?:text}", "User", change_user},
              {"POST", "/api/v1/users/{name}/reset", "users.write", tag,
               "Sets a password; second factor, sessions and tokens end", "", "{password:text}", "", reset_user},
              {"GET", "/api/v1/tokens", "session", tag, "Own API tokens; all=1: everyone's", "{all?:text}", "",
               "{items:[Token]}", list_tokens},
              {"POST", "/api/v1/tokens", "session", tag, "A new API token; its text is shown once", "",
               "{name:text scopes:[text] expires_at:text}", "Token", create_token, 201},
              {"DELETE", "/api/v1/tokens/{id}", "session", tag, "Ends an API token", "", "", "", revoke_token},
              {"GET", "/api/v1/audit", "audit.read", tag, "The audit trail, newest first",
               "{actor?:text action?:text before?:int limit?:int}", "", "{items:[AuditRecord]}", list_audit},
              {"GET", "/api/v1/audit/verify", "audit.read", tag, "Recomputes the trail's chain", "", "",
               "{checked:int first_broken:int reason:text head:{sequence:int hash:text}}", verify_audit}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
