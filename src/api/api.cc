// Each request: find the route, see who asks, check the right and the anti-forgery token, run the handler, add the headers
// that every answer carries. What is no route and not under /api is a file of the console.
#include "api/api.h"

#include <algorithm>

#include "api/handlers/handlers.h"
#include "api/parts/call.h"
#include "api/parts/exports.h"
#include "api/parts/live.h"
#include "api/parts/openapi.h"
#include "auth/token.h"
#include "core/text.h"

namespace tocsin::api {
namespace {

constexpr const char* kConsolePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
constexpr const char* kApiPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

bool is_safe(std::string_view method) { return method == "GET" || method == "HEAD"; }
bool is_loopback(std::string_view peer) { return peer == "::1" || peer.starts_with("127."); }

void add_headers(const http::Request& request, http::Response& response, const char* policy, const char* caching) {
  const auto add = [&](const char* name, std::string value) { response.headers.emplace_back(name, std::move(value)); };
  add("Content-Security-Policy", policy);
  add("X-Content-Type-Options", "nosniff");
  add("Referrer-Policy", "no-referrer");
  add("Cross-Origin-Opener-Policy", "same-origin");
  add("Cross-Origin-Embedder-Policy", "require-corp");
  add("Cross-Origin-Resource-Policy", "same-origin");
  add("Cache-Control", caching);
  if (request.tls) add("Strict-Transport-Security", "max-age=31536000");
}

// Whether `header` (If-None-Match) names `etag`, weak or not: the same file, zipped or plain.
bool names_tag(std::string_view header, std::string_view etag) {
  if (etag.empty()) return false;
  while (!header.empty()) {
    std::string_view one = header.substr(0, header.find(','));
    header.remove_prefix(std::min(one.size() + 1, header.size()));
    while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '\t')) one.remove_suffix(1);
    if (one == "*") return true;
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag) return true;
  }
  return false;
}

// An answer of a handler passes through here whether it comes at once or as a stream.
class ApiExchange final : public http::Exchange {
 public:
  explicit ApiExchange(std::shared_ptr<http::Exchange> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] const http::Request& request() const override { return inner_->request(); }
  [[nodiscard]] http::Request& request() override { return inner_->request(); }
  void respond(http::Response response) override {
    add_headers(inner_->request(), response, kApiPolicy, "no-store");
    inner_->respond(std::move(response));
  }
  std::shared_ptr<http::Stream> stream(http::Response head) override {
    add_headers(inner_->request(), head, kApiPolicy, "no-store");
    return inner_->stream(std::move(head));
  }
  void on_client_gone(std::function<void()> gone) override { inner_->on_client_gone(std::move(gone)); }

 private:
  std::shared_ptr<http::Exchange> inner_;
};

}  // namespace

struct Api::Impl {
  Context context;
  std::unique_ptr<LiveHub> live;
  std::unique_ptr<Exports> exports;
  Routes specs;
  std::vector<http::Route> extra;  // As given, for the OpenAPI text.
  std::optional<http::Router> router;
  std::string openapi;

  core::Result<void> build();
  void handle(const std::shared_ptr<http::Exchange>& exchange);
  void run(const RouteSpec& spec, std::shared_ptr<http::Exchange> exchange, const http::Captures& captures);
  void serve_file(const std::shared_ptr<http::Exchange>& exchange);

  struct Caller {
    auth::Principal who;
    std::string token;  // Of the session or the API token.
    bool session = false;
  };
  core::Result<Caller> identify(const http::Request& request);
  // What keeps the request from its handler.
  std::optional<Reply> refuse(const char* right, const http::Request& request, Caller& caller);
  std::function<bool()> still_allowed(const Caller& caller);
};

core::Result<Api::Impl::Caller> Api::Impl::identify(const http::Request& request) {
  if (const auto token = auth::bearer_token(request.header("authorization"))) {
    return Caller{TOCSIN_TRY(context.options.auth->from_api_token(*token)), std::string(*token), false};
  }
  const std::string cookie = request.cookie("tocsin_session");
  return Caller{TOCSIN_TRY(context.options.auth->from_session(cookie)), cookie, true};
}

std::optional<Reply> Api::Impl::refuse(const char* right, const http::Request& request, Caller& caller) {
  auto found = identify(request);
  if (!found.ok()) {
    if (found.error().code != core::ErrorCode::kDenied) return Reply(found.error());
    Reply reply = Reply::problem(401, "log in, or give an API token");
    reply.response().headers.emplace_back("WWW-Authenticate", "Bearer");
    return reply;
  }
  caller = std::move(*found);
  if (caller.session && !is_safe(request.method) && !auth::csrf_token(caller.token).equals(request.header("x-csrf-token"))) {
    return Reply::problem(403, "the header X-CSRF-Token is missing or wrong; GET /api/v1/me gives it");
  }
  const std::string_view name(right);
  if (name == "session") return std::nullopt;
  const auto needed = auth::parse_right(name);
  if (needed && caller.who.may(*needed)) return std::nullopt;
  std::string quoted;
  core::JsonWriter(quoted).text(name);
  return Reply::problem(403, "you may not do this: it needs the right " + std::string(name), {{"right", quoted}});
}

std::function<bool()> Api::Impl::still_allowed(const Caller& caller) {
  if (!caller.session) {
    return [this, token = caller.token] { return context.options.auth->from_api_token(token).ok(); };
  }
  // Not from_session: looking at a page must not keep a session alive for ever.
  return [this, hash = caller.who.session_hash] {
    bool allowed = false;
    context.options.ledger
        ->read([&](ledger::Tables& tables) -> core::Result<void> {
          const auto session = TOCSIN_TRY(tables.session(hash));
          if (!session || session->expires_at <= context.now()) return {};
          const auto user = TOCSIN_TRY(tables.user(session->user));
          allowed = user && user->enabled;
          return {};
        })
        .ignore("where the ledger cannot say, it is not allowed");
    return allowed;
  };
}

void Api::Impl::run(const RouteSpec& spec, std::shared_ptr<http::Exchange> plain, const http::Captures& captures) {
  auto exchange = std::make_shared<ApiExchange>(std::move(plain));
  const http::Request& request = exchange->request();
  Caller caller;
  const std::string_view right(spec.right), pattern(spec.pattern);
  if (right != "public" && !(pattern == "/metrics" && (context.options.metrics_public || is_loopback(request.peer)))) {
    if (auto refused = refuse(spec.right, request, caller)) return exchange->respond(std::move(refused->response()));
  }
  // A form of another site can send neither JSON nor CSV. A route that takes any bytes relies on X-CSRF-Token, which no form
  // can send.
  if (caller.token.empty() || caller.session) {
    const std::string_view type = request.header("content-type");
    const std::string_view plain_type = type.substr(0, type.find(';'));
    const bool csv = std::string_view(spec.takes) == "!text/csv" && core::equal_ascii_case(plain_type, "text/csv");
    const bool bytes = caller.session && std::string_view(spec.takes) == "!application/octet-stream";
    if (!is_safe(request.method) && !request.body.empty() && !csv && !bytes &&
        !core::equal_ascii_case(plain_type, "application/json")) {
      return exchange->respond(std::move(Reply::problem(415, "the body must be application/json").response()));
    }
  }
  Call call{context, exchange, captures, caller.who, caller.session ? std::string_view(caller.token) : std::string_view(),
            {}};
  call.still_allowed = still_allowed(caller);
  Reply reply = spec.work(call);
  if (reply.has_response()) exchange->respond(std::move(reply.response()));
}

core::Result<void> Api::Impl::build() {
  for (const auto add : {add_session_routes,
                         add_user_routes,
                         add_finding_routes,
                         add_search_routes,
                         add_export_routes,
                         add_saved_search_routes,
                         add_live_routes,
                         add_source_routes,
                         add_rule_routes,
                         add_health_routes,
                         add_setting_routes,
                         add_incident_routes,
                         add_incident_change_routes,
                         add_incident_view_routes,
                         add_incident_process_routes,
                         add_asset_routes,
                         add_entity_routes,
                         add_measure_routes,
                         add_sla_routes,
                         add_notification_routes,
                         add_suppression_routes,
                         add_triage_rule_routes,
                         add_evidence_routes,
                         add_review_routes,
                         add_report_routes,
                         add_coverage_routes,
                         add_self_test_routes}) {
    add(specs);
  }
  specs.push_back({"GET", "/api/openapi.json", "public", "meta", "This text", "", "", "any",
                   [this](Call&) { return Reply::json(openapi); }});
  std::vector<http::Route> routes;
  for (const RouteSpec& spec : specs) {
    const std::string_view right(spec.right);
    if (right != "public" && right != "session" && !auth::parse_right(right)) {
      return core::Error{core::ErrorCode::kInvalid, std::string("route ") + spec.pattern + " needs an unknown right"};
    }
    routes.push_back({spec.method, spec.pattern, spec.summary, spec.right, spec.tag,
                      [this, &spec](std::shared_ptr<http::Exchange> exchange, const http::Captures& captures) {
                        run(spec, std::move(exchange), captures);
                      }});
  }
  for (http::Route& route : context.options.extra_routes) {
    extra.push_back({route.method, route.pattern, route.summary, route.right, route.tag, {}});
    if (route.right != "public") {
      if (route.right != "session" && !auth::parse_right(route.right)) {
        return core::Error{core::ErrorCode::kInvalid, "route " + route.pattern + " needs an unknown right"};
      }
      route.handler = [this, right = route.right, inner = std::move(route.handler)](std::shared_ptr<http::Exchange> exchange,
                                                                                    const http::Captures& captures) {
        Caller caller;
        if (auto refused = refuse(right.c_str(), exchange->request(), caller)) {
          return exchange->respond(std::move(refused->response()));
        }
        inner(std::move(exchange), captures);
      };
    }
    routes.push_back(std::move(route));
  }
  router = TOCSIN_TRY(http::Router::create(std::move(routes)));
  openapi = TOCSIN_TRY(openapi_text(specs, extra, context.options.version));
  return {};
}

void Api::Impl::handle(const std::shared_ptr<http::Exchange>& exchange) {
  const http::Request& request = exchange->request();
  const http::RouteMatch match = router->find(request.method, request.path);
  if (match.route != nullptr) return match.route->handler(exchange, match.captures);
  if (match.allowed.empty() && is_safe(request.method) && context.options.static_files && request.path != "/api" &&
      !request.path.starts_with("/api/")) {
    return serve_file(exchange);
  }
  Reply reply = match.allowed.empty() ? Reply::problem(404, "there is nothing at this path")
                                      : Reply::problem(405, "this path does not take the method " + request.method);
  std::string allow;
  for (const std::string& method : match.allowed) allow += (allow.empty() ? "" : ", ") + method;
  if (!allow.empty()) reply.response().headers.emplace_back("Allow", allow);
  ApiExchange(exchange).respond(std::move(reply.response()));
}

void Api::Impl::serve_file(const std::shared_ptr<http::Exchange>& exchange) {
  const http::Request& request = exchange->request();
  auto file = context.options.static_files(request.path == "/" ? "/index.html" : request.path);
  if (!file && !request.path.starts_with("/assets/"))
    file = context.options.static_files("/index.html");  // A page's address.
  if (!file) return ApiExchange(exchange).respond(std::move(Reply::problem(404, "there is no such file").response()));
  http::Response response;
  response.content_type = file->content_type;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (!file->etag.empty()) response.headers.emplace_back("ETag", "W/" + std::string(file->etag));
  if (names_tag(request.header("if-none-match"), file->etag)) {
    response.status = 304;
    add_headers(request, response, kConsolePolicy, file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    return exchange->respond(std::move(response));
  }
  const bool gzip = !file->gzip_bytes.empty() && request.header("accept-encoding").find("gzip") != std::string_view::npos;
  if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  response.body = gzip ? file->gzip_bytes : file->bytes;
  add_headers(request, response, kConsolePolicy, file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
  exchange->respond(std::move(response));
}

Api::Api() : impl_(std::make_unique<Impl>()) {}
Api::~Api() {
  impl_->context.searches.end_all();
  impl_->exports.reset();
  impl_->live.reset();
}

core::Result<std::unique_ptr<Api>> Api::create(ApiOptions options) {
  std::unique_ptr<Api> api(new Api());
  Impl& impl = *api->impl_;
  impl.context.options = std::move(options);
  impl.context.search_fields = store::event_search_fields(impl.context.options.native_names);
  TOCSIN_TRY(impl.build());
  impl.live = std::make_unique<LiveHub>(impl.context.options);
  impl.exports = std::make_unique<Exports>();
  impl.context.live = impl.live.get();
  impl.context.exports = impl.exports.get();
  return api;
}

http::Handler Api::handler() {
  return [this](const std::shared_ptr<http::Exchange>& exchange) { impl_->handle(exchange); };
}
const http::Router& Api::router() const { return *impl_->router; }
const std::string& Api::openapi() const { return impl_->openapi; }

}  // namespace tocsin::api
