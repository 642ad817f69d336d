// Set-up, login, and what a user does with their own account.
#include <algorithm>

#include "api/handlers/handlers.h"
#include "auth/token.h"
#include "auth/totp.h"

namespace tocsin::api {
namespace {

constexpr const char* kCookieEnd = "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=";
constexpr const char* kCookieLife = "604800";  // Seven days, as the longest session.

std::string cookie(std::string_view token, const char* life) {
  return "tocsin_session=" + std::string(token) + kCookieEnd + life;
}

core::Result<ledger::User> user_of(Call& call, std::string_view name) {
  ledger::User out;
  const auto done = call.context.options.ledger->read([&](ledger::Tables& tables) -> core::Result<void> {
    auto user = TOCSIN_TRY(tables.user_named(name));
    if (!user) return core::Error{core::ErrorCode::kNotFound, "there is no such user"};
    out = std::move(*user);
    return {};
  });
  if (!done.ok()) return done.error();
  return out;
}

Reply setup_state(Call& call) {
  std::int64_t users = 0;
  const auto done = call.context.options.ledger->read([&](ledger::Tables& tables) -> core::Result<void> {
    users = TOCSIN_TRY(tables.user_count());
    return {};
  });
  if (!done.ok()) return done.error();
  std::string out;
  core::JsonWriter(out)
      .begin_object()
      .key("needed")
      .boolean(users == 0)
      .member("version", call.context.options.version)
      .end_object();
  return Reply::json(std::move(out));
}

std::string agent(const Call& call) { return std::string(call.request().header("user-agent")); }

Reply set_up(Call& call) {
  Body body(call.request().body);
  const core::Secret token = body.secret("token");
  const std::string name = body.text("name");
  const std::string shown = body.optional_text("display_name").value_or("");
  const core::Secret password = body.secret("password");
  if (body.problem()) return *body.problem();
  auth::Auth& auth = *call.context.options.auth;
  TOCSIN_TRY(auth.set_up(token.reveal(), {name, shown, core::Secret(std::string(password.reveal())), auth::Role::kAdmin, {}},
                         call.peer()));
  auto login = TOCSIN_TRY(auth.log_in({name, call.peer(), agent(call), core::Secret(std::string(password.reveal())), ""}));
  if (login.outcome != auth::Login::Outcome::kOk) return Reply::problem(503, "set up, but the login failed: log in");
  Reply reply = Reply::nothing();
  reply.response().headers.emplace_back("Set-Cookie", cookie(login.session_token.reveal(), kCookieLife));
  return reply;
}

Reply log_in(Call& call) {
  Body body(call.request().body);
  auth::LoginRequest request{body.text("name"), call.peer(), agent(call), body.secret("password"),
                             body.optional_text("code").value_or("")};
  if (body.problem()) return *body.problem();
  auto tried = call.context.options.auth->log_in(request);
  const auto wait = [](std::int64_t seconds) {
    Reply reply = Reply::problem(429, "too many tries; wait " + std::to_string(seconds) + " s");
    reply.response().headers.emplace_back("Retry-After", std::to_string(seconds));
    return reply;
  };
  if (!tried.ok()) return tried.error().code == core::ErrorCode::kLimit ? wait(1) : Reply(tried.error());
  switch (tried->outcome) {
    case auth::Login::Outcome::kWait: return wait(std::chrono::ceil<std::chrono::seconds>(tried->wait).count());
    case auth::Login::Outcome::kDenied:
      return Reply::problem(401, "the name or a secret is wrong", {{"outcome", "\"denied\""}});
    case auth::Login::Outcome::kCodeNeeded:
      return Reply::problem(401, "a one-time code is needed", {{"outcome", "\"code_needed\""}});
    case auth::Login::Outcome::kOk: break;
  }
  const auto who = TOCSIN_TRY(call.context.options.auth->from_session(tried->session_token.reveal()));
  const auto user = TOCSIN_TRY(user_of(call, who.name));
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().member("csrf", tried->csrf_token.reveal()).key("user");
  write_user(json, user, who.rights, false);
  json.end_object();
  Reply reply = Reply::json(std::move(out));
  reply.response().headers.emplace_back("Set-Cookie", cookie(tried->session_token.reveal(), kCookieLife));
  return reply;
}

Reply log_out(Call& call) {
  if (call.session_token.empty()) return Reply::problem(400, "an API token has no session to end");
  TOCSIN_TRY(call.context.options.auth->log_out(call.who, call.peer()));
  Reply reply = Reply::nothing();
  reply.response().headers.emplace_back("Set-Cookie", cookie("", "0"));
  return reply;
}

Reply me(Call& call) {
  const auto user = TOCSIN_TRY(user_of(call, call.who.name));
  std::vector<std::string> tenants = call.who.tenants;
  if (tenants.empty()) {
    tenants = {"default"};
    for (const SourceStatus& source : call.context.options.platform->sources()) tenants.push_back(source.tenant);
    std::sort(tenants.begin(), tenants.end());
    tenants.erase(std::unique(tenants.begin(), tenants.end()), tenants.end());
    std::erase(tenants, "");
  }
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("user");
  write_user(json, user, call.who.rights, false);
  if (!call.session_token.empty()) json.member("csrf", auth::csrf_token(call.session_token).reveal());
  json.member("version", call.context.options.version);
  write_texts(json, "tenants", tenants);
  json.key("session").boolean(!call.session_token.empty()).end_object();
  return Reply::json(std::move(out));
}

Reply change_password(Call& call) {
  Body body(call.request().body);
  const core::Secret before = body.secret("old"), after = body.secret("new");
  if (body.problem()) return *body.problem();
  TOCSIN_TRY(call.context.options.auth->change_password(call.who, before, after, call.peer()));
  return Reply::nothing();
}

Reply begin_totp(Call& call) {
  const auto secret = TOCSIN_TRY(call.context.options.auth->begin_totp(call.who));
  std::string out;
  core::JsonWriter(out)
      .begin_object()
      .member("secret", auth::base32(secret.reveal()))
      .member("uri", auth::totp_uri(secret.reveal(), call.who.name).reveal())
      .end_object();
  return Reply::json(std::move(out));
}

Reply confirm_totp(Call& call) {
  Body body(call.request().body);
  const std::string code = body.text("code");
  if (body.problem()) return *body.problem();
  const auto codes = TOCSIN_TRY(call.context.options.auth->confirm_totp(call.who, code, call.peer()));
  std::string out;
  core::JsonWriter json(out);
  json.begin_object();
  write_texts(json, "recovery_codes", codes);
  json.end_object();
  return Reply::json(std::move(out));
}

Reply end_totp(Call& call) {
  Body body(call.request().body);
  const core::Secret password = body.secret("password");
  if (body.problem()) return *body.problem();
  TOCSIN_TRY(call.context.options.auth->end_totp(call.who, password, call.peer()));
  return Reply::nothing();
}

Reply list_sessions(Call& call) {
  const auto sessions = TOCSIN_TRY(call.context.options.auth->sessions(call.who));
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const auth::OwnSession& one : sessions) {
    json.begin_object().member("id", one.id);
    write_time(json, "created_at", one.created_at);
    write_time(json, "seen_at", one.seen_at);
    json.member("address", one.address).member("agent", one.agent).key("current").boolean(one.current).end_object();
  }
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

Reply end_session(Call& call) {
  TOCSIN_TRY(call.context.options.auth->end_session(call.who, call.captured("id"), call.peer()));
  return Reply::nothing();
}

}  // namespace

void write_user(core::JsonWriter& json, const ledger::User& user, const auth::RightSet& rights, bool all) {
  json.begin_object().member("name", user.name).member("display_name", user.display_name).member("role", user.role);
  write_texts(json, "tenants", user.tenants);
  json.key("rights").begin_array();
  for (std::size_t i = 0; i < auth::kRightCount; ++i) {
    if (rights.test(i)) json.text(auth::to_string(static_cast<auth::Right>(i)));
  }
  json.end_array().key("totp").boolean(!user.totp_sealed.empty());
  if (all) {
    json.key("enabled").boolean(user.enabled);
    write_time(json, "last_login_at", user.last_login_at);
    write_time(json, "created_at", user.created_at);
  }
  json.end_object();
}

void add_session_routes(Routes& routes) {
  const char* tag = "session";
  const char* user = "{csrf:text user:User}";
  for (RouteSpec spec :
       Routes{{"GET", "/api/v1/setup", "public", tag, "Whether the first administrator is to be made", "", "",
               "{needed:bool version:text}", setup_state},
              {"POST", "/api/v1/setup", "public", tag, "Makes the first administrator and logs in", "",
               "{token:text name:text display_name?:text password:text}", "", set_up},
              {"POST", "/api/v1/login", "public", tag, "Logs in: the session cookie", "",
               "{name:text password:text code?:text}", user, log_in},
              {"POST", "/api/v1/logout", "session", tag, "Ends the session", "", "", "", log_out},
              {"GET", "/api/v1/me", "session", tag, "Who the caller is", "", "",
               "{user:User csrf?:text version:text tenants:[text] session:bool}", me},
              {"POST", "/api/v1/me/password", "session", tag, "Changes the own password; other sessions end", "",
               "{old:text new:text}", "", change_password},
              {"POST", "/api/v1/me/totp", "session", tag, "Begins a second factor", "", "", "{secret:text uri:text}",
               begin_totp},
              {"POST", "/api/v1/me/totp/confirm", "session", tag, "Ends its set-up with a code", "", "{code:text}",
               "{recovery_codes:[text]}", confirm_totp},
              {"DELETE", "/api/v1/me/totp", "session", tag, "Switches the second factor off", "", "{password:text}", "",
               end_totp},
              {"GET", "/api/v1/me/sessions", "session", tag, "Own sessions", "", "", "{items:[Session]}", list_sessions},
              {"DELETE", "/api/v1/me/sessions/{id}", "session", tag, "Ends one of them", "", "", "", end_session}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
