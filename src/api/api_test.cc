#include "api/api.h"

#include <cstdio>
#include <set>

#include "api/api_test_support.h"
#include "core/text.h"

namespace tocsin::api {
namespace {

class ApiTest : public ApiFixture {
 protected:
  void change(ApiOptions& api_options) override {
    api_options.static_files = [](std::string_view path) -> std::optional<StaticFile> {
      if (path == "/index.html") return StaticFile{"<html>", "", "text/html; charset=utf-8", false, "\"t1\""};
      if (path == "/assets/a-1234.js") return StaticFile{"plain", "gzipped", "text/javascript", true, ""};
      return std::nullopt;
    };
    api_options.extra_routes.push_back({"POST", "/api/v1/ingest/{source}", "Takes logs", "public", "sources",
                                        [](std::shared_ptr<http::Exchange> exchange, const http::Captures& captures) {
                                          http::Response response;
                                          response.body = "\"" + captures.at("source") + "\"";
                                          exchange->respond(std::move(response));
                                        }});
  }
  // A path of the pattern.
  static std::string path_of(std::string pattern) {
    for (std::size_t at = pattern.find('{'); at != std::string::npos; at = pattern.find('{')) {
      pattern.replace(at, pattern.find('}', at) - at + 1, "1");
    }
    return pattern;
  }
};

TEST_F(ApiTest, SetsUpOnceAndLogsIn) {
  EXPECT_EQ(get("/api/v1/setup", {}).at("/needed"), "true");
  EXPECT_EQ(get("/api/v1/setup", {}).at("/version"), "9.9");
  const auto token = auth->new_setup_token();
  const std::string rest = R"(","name":"Ada","display_name":"Ada L","password":"correct horse battery"})";
  EXPECT_EQ(post("/api/v1/setup", {}, R"({"token":"wrong)" + rest).status, 403);
  const Answer done = post("/api/v1/setup", {}, R"({"token":")" + std::string(token->reveal()) + rest);
  EXPECT_EQ(done.status, 204) << done.body;
  const Identity session{cookie_of(done), "", ""};
  const Answer me = get("/api/v1/me", session);
  EXPECT_EQ(me.at("/user/name"), "ada");
  EXPECT_EQ(me.at("/user/role"), "admin");
  EXPECT_EQ(me.at("/session"), "true");
  EXPECT_EQ(get("/api/v1/setup", {}).at("/needed"), "false");
  EXPECT_EQ(post("/api/v1/setup", {}, R"({"token":"x)" + rest).status, 403);
}

TEST_F(ApiTest, LoginGivesAStrictCookieAndSaysWhyNot) {
  admin();
  const Answer good = post("/api/v1/login", {}, R"({"name":"admin","password":"correct horse battery"})");
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.at("/user/display_name"), "Ada");
  const std::string cookie = good.header("Set-Cookie");
  for (const char* part : {"tocsin_session=", "; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"}) {
    EXPECT_NE(cookie.find(part), std::string::npos) << part;
  }
  const Answer denied = post("/api/v1/login", {}, R"({"name":"admin","password":"wrong"})");
  EXPECT_EQ(denied.status, 401);
  EXPECT_EQ(denied.at("/outcome"), "denied");
  EXPECT_EQ(denied.header("Content-Type"), "application/problem+json");
  for (int i = 0; i < 3; ++i) post("/api/v1/login", {}, R"({"name":"admin","password":"wrong"})");
  const Answer slow = post("/api/v1/login", {}, R"({"name":"admin","password":"correct horse battery"})");
  EXPECT_EQ(slow.status, 429);
  EXPECT_FALSE(slow.header("Retry-After").empty());
  const Answer field = post("/api/v1/login", {}, R"({"name":"admin"})");
  EXPECT_EQ(field.status, 400);
  EXPECT_EQ(field.at("/field"), "password");
  for (const char* body : {"[]", "nonsense", R"({"name":1,"password":"x"})", "{\"name\":\"a\\u0000\",\"password\":\"x\"}"}) {
    EXPECT_EQ(post("/api/v1/login", {}, body).status, 400) << body;
  }
  EXPECT_EQ(ask("POST", "/api/v1/login", {}, "", "Content-Type: text/plain\r\n").status, 400);
}

TEST_F(ApiTest, FormsOfOtherSitesAreRefused) {
  const Identity boss = admin();
  const Identity no_csrf{boss.cookie, "", ""}, wrong{boss.cookie, "x" + boss.csrf.substr(1), ""};
  EXPECT_EQ(post("/api/v1/logout", no_csrf, "").status, 403);
  EXPECT_EQ(post("/api/v1/logout", wrong, "").status, 403);
  EXPECT_EQ(get("/api/v1/me", no_csrf).status, 200);
  EXPECT_EQ(get("/api/v1/me", no_csrf).at("/csrf"), boss.csrf);
  const HttpClient form(server->port());
  form.send(
      "POST /api/v1/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: "
      "2\r\n\r\n{}");
  EXPECT_EQ(parse(form.read_until("")).status, 415);
  EXPECT_EQ(post("/api/v1/logout", boss, "").status, 204);
  EXPECT_EQ(get("/api/v1/me", boss).status, 401);
}

TEST_F(ApiTest, EveryRouteNamesARightAndKeepsToIt) {
  const std::set<std::string> open = {"/healthz", "/readyz", "/metrics"};  // The last: on loopback.
  admin();
  const Identity viewer = user("vera", auth::Role::kViewer);
  std::size_t refused = 0;
  for (const http::Route& route : api->router().routes()) {
    if (route.right == "public") {
      const std::set<std::string> known = {"/api/v1/setup", "/api/v1/login", "/api/openapi.json",
                                           "/healthz",      "/readyz",       "/api/v1/ingest/{source}"};
      EXPECT_TRUE(known.contains(route.pattern)) << route.pattern << " is open to everybody";
      continue;
    }
    const auto right = auth::parse_right(route.right);
    EXPECT_TRUE(route.right == "session" || right) << route.method << " " << route.pattern << ": " << route.right;
    if (open.contains(route.pattern)) continue;
    const std::string path = path_of(route.pattern);
    EXPECT_EQ(ask(route.method, path, {}).status, 401) << route.method << " " << path;
    EXPECT_EQ(ask(route.method, path, {"", "", "tcs_0123456789012345678901234567890123456789012"}).status, 401) << path;
    EXPECT_EQ(ask(route.method, path, {viewer.csrf, "", ""}).status, 401) << path;
    if (route.method != "GET") {
      EXPECT_EQ(ask(route.method, path, {viewer.cookie, "", ""}).status, 403) << path;
    }
    if (!right || has(auth::rights_of(auth::Role::kViewer), *right)) continue;
    const Answer answer = ask(route.method, path, viewer);
    EXPECT_EQ(answer.status, 403) << route.method << " " << path;
    EXPECT_EQ(answer.at("/right"), route.right) << path << answer.body;
    ++refused;
  }
  EXPECT_GE(refused, 8u);
  EXPECT_EQ(post("/api/v1/ingest/web", {}, "x").body, "\"web\"");
}

TEST_F(ApiTest, ATokenHasItsScopesAndNeedsNoCsrf) {
  const Identity boss = admin();
  const Answer made =
      post("/api/v1/tokens", boss, R"({"name":"ci","scopes":["users.write"],"expires_at":"2027-01-01T00:00:00Z"})");
  ASSERT_EQ(made.status, 201) << made.body;
  const Identity token{"", "", made.at("/token")};
  EXPECT_EQ(get("/api/v1/users", token).count("/items"), 1u);
  EXPECT_EQ(get("/api/v1/findings", token).status, 403);
  EXPECT_EQ(get("/api/v1/me", token).at("/session"), "false");
  EXPECT_EQ(get("/api/v1/me", token).at("/user/rights"), R"(["users.write"])");
  EXPECT_EQ(
      post("/api/v1/tokens", token, R"({"name":"x","scopes":["users.write"],"expires_at":"2027-01-01T00:00:00Z"})").status,
      403);
  EXPECT_EQ(get("/api/v1/tokens", boss).at("/items/0/name"), "ci");
  EXPECT_EQ(get("/api/v1/tokens", boss).at("/items/0/token"), "<absent>");
  EXPECT_EQ(
      post("/api/v1/tokens", boss, R"({"name":"x","scopes":["nothing"],"expires_at":"2027-01-01T00:00:00Z"})").at("/field"),
      "scopes");
  EXPECT_EQ(
      post("/api/v1/tokens", boss, R"({"name":"x","scopes":["users.write"],"expires_at":"2020-01-01T00:00:00Z"})").status,
      400);
  EXPECT_EQ(ask("DELETE", "/api/v1/tokens/" + made.at("/id"), boss).status, 204);
  EXPECT_EQ(get("/api/v1/users", token).status, 401);
}

TEST_F(ApiTest, UsersAreMadeChangedAndReset) {
  const Identity boss = admin();
  const std::string bob = R"({"name":"Bob","password":"correct horse battery","role":"analyst","tenants":["a"]})";
  const Answer made = post("/api/v1/users", boss, bob);
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.at("/name"), "bob");
  EXPECT_EQ(made.at("/enabled"), "true");
  EXPECT_EQ(post("/api/v1/users", boss, bob).status, 409);
  EXPECT_EQ(post("/api/v1/users", boss, R"({"name":"x","password":"short","role":"viewer"})").status, 400);
  EXPECT_EQ(post("/api/v1/users", boss, R"({"name":"x","password":"correct horse battery","role":"king"})").at("/field"),
            "role");
  const Answer changed = ask("PATCH", "/api/v1/users/bob", boss, R"({"tenants":["b"],"display_name":"Robert"})");
  EXPECT_EQ(changed.at("/tenants"), R"(["b"])");
  EXPECT_EQ(changed.at("/role"), "analyst");
  const Identity session = log_in("bob");
  EXPECT_EQ(post("/api/v1/users/bob/reset", boss, R"({"password":"another long password"})").status, 204);
  EXPECT_EQ(get("/api/v1/me", session).status, 401);
  EXPECT_EQ(ask("PATCH", "/api/v1/users/nobody", boss, "{}").status, 404);
  EXPECT_EQ(ask("PATCH", "/api/v1/users/admin", boss, R"({"enabled":false})").status, 400);
}

TEST_F(ApiTest, OwnAccountHasASecondFactorAndSessions) {
  const Identity boss = admin();
  const Answer begun = post("/api/v1/me/totp", boss, "");
  EXPECT_TRUE(begun.at("/uri").starts_with("otpauth://totp/Tocsin:admin?secret=" + begun.at("/secret")));
  EXPECT_EQ(post("/api/v1/me/totp/confirm", boss, R"({"code":"000000"})").status, 403);
  EXPECT_EQ(ask("DELETE", "/api/v1/me/totp", boss, R"({"password":"wrong"})").status, 403);
  EXPECT_EQ(ask("DELETE", "/api/v1/me/totp", boss, R"({"password":"correct horse battery"})").status, 204);
  clock->advance(std::chrono::minutes(2));
  const Identity second = log_in("admin");
  const Answer sessions = get("/api/v1/me/sessions", boss);
  ASSERT_EQ(sessions.count("/items"), 2u);
  const std::string current = sessions.at("/items/0/current") == "true" ? "/items/0" : "/items/1";
  const std::string another = current == "/items/0" ? "/items/1" : "/items/0";
  EXPECT_EQ(sessions.at(current + "/current") + sessions.at(another + "/current"), "truefalse") << sessions.body;
  EXPECT_EQ(ask("DELETE", "/api/v1/me/sessions/" + sessions.at(another + "/id"), boss).status, 204);
  EXPECT_EQ(get("/api/v1/me", second).status, 401);
  EXPECT_EQ(post("/api/v1/me/password", boss, R"({"old":"wrong","new":"another long password"})").status, 403);
  EXPECT_EQ(post("/api/v1/me/password", boss, R"({"old":"correct horse battery","new":"another long password"})").status,
            204);
}

TEST_F(ApiTest, TheTrailIsReadAndVerified) {
  const Identity boss = admin();
  const Answer trail = get("/api/v1/audit?action=login&limit=1", boss);
  EXPECT_EQ(trail.at("/items/0/action"), "login.ok");
  EXPECT_EQ(get("/api/v1/audit/verify", boss).at("/first_broken"), "0");
  EXPECT_EQ(get("/api/v1/audit?limit=1001", boss).at("/field"), "limit");
  const Identity narrow = user("nora", auth::Role::kAdmin, {"a"});
  EXPECT_EQ(get("/api/v1/audit", narrow).status, 403);
}

TEST_F(ApiTest, FilesOfTheConsoleAndTheirPolicy) {
  const Answer page = get("/findings/some/page", {});
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body, "<html>");
  EXPECT_EQ(page.header("Cache-Control"), "no-cache");
  EXPECT_NE(page.header("Content-Security-Policy").find("script-src 'self';"), std::string::npos);
  const Answer script = ask("GET", "/assets/a-1234.js", {}, "", "Accept-Encoding: br, gzip\r\n");
  EXPECT_EQ(script.body, "gzipped");
  EXPECT_EQ(script.header("Content-Encoding"), "gzip");
  EXPECT_NE(script.header("Cache-Control").find("immutable"), std::string::npos);
  EXPECT_EQ(get("/assets/a-1234.js", {}).body, "plain");
  EXPECT_EQ(get("/assets/gone.js", {}).status, 404);
  EXPECT_EQ(get("/api/v1/nothing", {}).status, 404);
  EXPECT_EQ(get("/api", {}).status, 404);
  EXPECT_EQ(post("/findings", {}, "").status, 404);
  EXPECT_EQ(ask("PUT", "/api/v1/login", {}).header("Allow"), "POST");
  const Answer api_answer = get("/api/v1/setup", {});
  EXPECT_EQ(api_answer.header("Cache-Control"), "no-store");
  EXPECT_EQ(api_answer.header("X-Content-Type-Options"), "nosniff");
  EXPECT_TRUE(api_answer.header("Content-Security-Policy").starts_with("default-src 'none'"));
  EXPECT_TRUE(api_answer.header("Strict-Transport-Security").empty());  // No TLS here.
}

TEST_F(ApiTest, AFileThatTheClientHasIsNotSentAgain) {
  EXPECT_EQ(get("/findings", {}).header("ETag"), "W/\"t1\"");
  for (const char* tags : {"\"t1\"", "W/\"t1\"", "*", "\"old\",  W/\"t1\" , \"other\""}) {
    const Answer same = ask("GET", "/", {}, "", "If-None-Match: " + std::string(tags) + "\r\n");
    EXPECT_EQ(same.status, 304) << tags;
    EXPECT_EQ(same.body, "");
    EXPECT_EQ(same.header("ETag"), "W/\"t1\"");
    EXPECT_EQ(same.header("Cache-Control"), "no-cache");
  }
  for (const char* tags : {"\"t2\"", "t1", "", "W/", ",", "\"t1"}) {
    EXPECT_EQ(ask("GET", "/", {}, "", "If-None-Match: " + std::string(tags) + "\r\n").status, 200) << tags;
  }
  const Answer untagged = ask("GET", "/assets/a-1234.js", {}, "", "If-None-Match: *\r\n");
  EXPECT_EQ(untagged.status, 200);  // It has no tag.
  EXPECT_EQ(untagged.header("ETag"), "");
}

// A request as from another machine.
class FarExchange final : public http::Exchange {
 public:
  FarExchange(std::string path, std::string peer) {
    request_.method = "GET";
    request_.path = std::move(path);
    request_.peer = std::move(peer);
  }
  [[nodiscard]] const http::Request& request() const override { return request_; }
  [[nodiscard]] http::Request& request() override { return request_; }
  void respond(http::Response response) override { status = response.status; }
  std::shared_ptr<http::Stream> stream(http::Response) override { return nullptr; }
  int status = 0;

 private:
  http::Request request_;
};
int status_for(Api& api, const std::string& path, const std::string& peer) {
  const auto exchange = std::make_shared<FarExchange>(path, peer);
  api.handler()(exchange);
  return exchange->status;
}

TEST_F(ApiTest, MetricsAreForTheSameMachineOnly) {
  EXPECT_EQ(status_for(*api, "/metrics", "127.0.0.1"), 200);
  EXPECT_EQ(status_for(*api, "/metrics", "::1"), 200);
  EXPECT_EQ(status_for(*api, "/metrics", "192.0.2.7"), 401);
  EXPECT_EQ(status_for(*api, "/metrics", "2001:db8::1"), 401);
}

class PublicMetricsTest : public ApiFixture {
 protected:
  void change(ApiOptions& api_options) override { api_options.metrics_public = true; }
};
TEST_F(PublicMetricsTest, AreForEverybodyAndNothingElseIs) {
  EXPECT_EQ(status_for(*api, "/metrics", "192.0.2.7"), 200);
  EXPECT_EQ(status_for(*api, "/api/v1/health", "192.0.2.7"), 401);
}

// A session of 90 minutes ends after 90, not after whole hours.
class IdleTest : public ApiFixture {
 protected:
  void change(auth::AuthOptions& auth_options) override { auth_options.session_idle = std::chrono::minutes(90); }
};
TEST_F(IdleTest, SessionsEndAfterTheirMinutes) {
  const Identity boss = admin();
  clock->advance(std::chrono::minutes(89));
  EXPECT_EQ(get("/api/v1/me", boss).status, 200);
  clock->advance(std::chrono::minutes(89));
  EXPECT_EQ(get("/api/v1/me", boss).status, 200);  // Its use began the time anew.
  clock->advance(std::chrono::minutes(91));
  EXPECT_EQ(get("/api/v1/me", boss).status, 401);
}

TEST_F(ApiTest, OpenApiTellsEveryRoute) {
  const Answer text = get("/api/openapi.json", {});
  EXPECT_EQ(text.at("/openapi"), "3.1.0");
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.parse(text.body).get(root), simdjson::SUCCESS);
  std::set<std::string> operations;
  for (const http::Route& route : api->router().routes()) {
    std::string path = route.pattern;
    std::erase(path, '*');
    simdjson::dom::element operation;
    ASSERT_EQ(root["paths"][path][core::ascii_lower(route.method)].get(operation), simdjson::SUCCESS) << path;
    std::string_view right, id;
    EXPECT_EQ(operation["x-right"].get(right), simdjson::SUCCESS);
    EXPECT_EQ(right, route.right);
    EXPECT_EQ(operation["operationId"].get(id), simdjson::SUCCESS);
    EXPECT_TRUE(operations.emplace(id).second) << id;
    for (const char* member : {"summary", "tags", "parameters", "responses"}) {
      EXPECT_EQ(operation[member].error(), simdjson::SUCCESS) << path << member;
    }
  }
  std::string_view rest = text.body;
  for (std::size_t at = rest.find("\"$ref\":\"#/"); at != std::string_view::npos; at = rest.find("\"$ref\":\"#/")) {
    rest.remove_prefix(at + 9);
    EXPECT_EQ(root.at_pointer(rest.substr(0, rest.find('"'))).error(), simdjson::SUCCESS) << rest.substr(0, rest.find('"'));
  }
}

TEST_F(ApiTest, OpenApiPleasesAnotherValidator) {
  if (std::system("python3 -c 'import openapi_spec_validator' 2>/dev/null") != 0) {
    GTEST_SKIP() << "openapi-spec-validator is not installed: pip install openapi-spec-validator";
  }
  const std::string path = folder.write("openapi.json", api->openapi());
  const std::string command =
      "python3 -W ignore -c 'import json,sys; from openapi_spec_validator import validate; "
      "validate(json.load(open(sys.argv[1])))' " +
      path + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  std::string said;
  char piece[4096];
  while (const std::size_t got = fread(piece, 1, sizeof piece, pipe)) said.append(piece, got);
  EXPECT_EQ(pclose(pipe), 0) << said.substr(0, 3000);
}

TEST(Api, RefusesARouteWithoutARightOfOurs) {
  ApiOptions options;
  core::Metrics metrics;
  options.metrics = &metrics;
  options.extra_routes.push_back({"GET", "/x", "", "no.right", "x", [](auto, const auto&) {}});
  const auto made = Api::create(std::move(options));
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().text.find("unknown right"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::api

TOCSIN_API_TEST_MAIN()
