// An API over a real server, store, ledger and auth, with a made-up program behind it, and a small client. Used by tests
// only.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <simdjson.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "api/api.h"
#include "auth/token.h"
#include "store/store_test_support.h"
#include "testing/patience.h"

namespace tocsin::api {

inline constexpr const char* kPassword = "correct horse battery";

class FakePlatform final : public Platform {
 public:
  std::vector<SourceStatus> source_list;
  std::vector<RuleDetail> rule_list;
  std::vector<RefusedRule> refused_list;
  std::vector<PartHealth> health_list{{"store", true, "", {{"events", "7"}}}};
  std::vector<Loss> loss_list{{"udp datagrams dropped by the kernel", 3}};
  std::vector<Certificate> certificate_list;
  std::vector<SettingView> setting_list{{"retention.days", "90", "default", "Days that events are kept", true}};
  RuleTestRequest tested;
  std::string ocsf;

  [[nodiscard]] std::vector<SourceStatus> sources() const override { return source_list; }
  core::Result<SourceStatus> add_source(const SourceChange& source, core::Secret& token) override {
    SourceStatus added;
    added.id = model::SourceId{static_cast<std::uint32_t>(source_list.size() + 1)};
    added.name = source.name;
    added.kind = source.kind;
    added.tenant = source.tenant;
    added.site = source.site;
    added.format = source.format;
    added.config = source.config;
    added.origin = "api";
    added.state = "waiting";
    if (source.kind == "http") token = auth::new_source_token();
    source_list.push_back(added);
    return added;
  }
  core::Result<SourceStatus> change_source(std::string_view name, const SourcePatch& patch) override {
    SourceStatus* found = find(name);
    if (found == nullptr) return missing();
    if (patch.enabled) found->enabled = *patch.enabled;
    if (patch.tenant) found->tenant = *patch.tenant;
    return *found;
  }
  core::Result<core::Secret> new_source_token(std::string_view name) override {
    if (find(name) == nullptr) return missing();
    return auth::new_source_token();
  }
  core::Result<void> remove_source(std::string_view name) override {
    if (find(name) == nullptr) return missing();
    std::erase_if(source_list, [&](const SourceStatus& source) { return source.name == name; });
    return {};
  }
  [[nodiscard]] std::vector<RuleStatus> rules() const override {
    std::vector<RuleStatus> out;
    for (const RuleDetail& rule : rule_list) out.push_back(rule.status);
    return out;
  }
  [[nodiscard]] std::optional<RuleDetail> rule(std::string_view id) const override {
    for (const RuleDetail& rule : rule_list) {
      if (rule.status.id == id) return rule;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::vector<RefusedRule> refused_rules() const override { return refused_list; }
  core::Result<void> set_rule_mode(const std::vector<std::string>& ids, ledger::RuleMode mode,
                                   std::string_view by) override {
    for (const std::string& id : ids) {
      if (!rule(id)) return core::Error{core::ErrorCode::kNotFound, "there is no rule " + id};
    }
    for (RuleDetail& one : rule_list) {
      if (std::find(ids.begin(), ids.end(), one.status.id) == ids.end()) continue;
      one.status.mode = mode;
      one.status.changed_by = by;
    }
    return {};
  }
  core::Result<Reload> reload_rules() override { return Reload{12, 1, std::chrono::milliseconds(34)}; }
  core::Result<std::string> save_rule(std::string_view name, std::string_view text) override {
    RuleDetail added;
    added.status.id = name;
    added.text = text;
    rule_list.push_back(added);
    return std::string(name);
  }
  core::Result<void> remove_rule(std::string_view id) override {
    if (!rule(id)) return missing();
    std::erase_if(rule_list, [&](const RuleDetail& one) { return one.status.id == id; });
    return {};
  }
  core::Result<RuleTestResult> test_rule(const RuleTestRequest& request) override {
    tested = request;
    RuleTestResult out;
    out.matches = 1;
    out.events_read = 10;
    out.hits.push_back({test_hit, R"({"condition":"selection"})"});
    return out;
  }
  model::EventId test_hit = 0;
  core::Result<Rerun> rerun_dead_letters(std::string_view, std::string_view) override { return Rerun{5, 4}; }
  [[nodiscard]] std::string ocsf_event(std::string_view, std::string_view) const override { return ocsf; }
  [[nodiscard]] std::vector<PartHealth> health() const override { return health_list; }
  [[nodiscard]] std::vector<Loss> losses() const override { return loss_list; }
  [[nodiscard]] Rates rates() const override { return {123, 4567, 8, 9}; }
  [[nodiscard]] std::vector<Certificate> certificates() const override { return certificate_list; }
  core::Result<void> reload_certificates() override { return {}; }
  [[nodiscard]] std::vector<SettingView> settings() const override { return setting_list; }
  core::Result<void> set_setting(std::string_view key, std::string_view value, std::string_view) override {
    for (SettingView& setting : setting_list) {
      if (setting.key != key) continue;
      setting.value = value;
      return {};
    }
    return missing();
  }
  core::Result<Backup> backup(std::string_view name) override {
    if (name == "second") return core::Error{core::ErrorCode::kLimit, "a backup is being made"};
    return Backup{"/data/backups/" + std::string(name), 5, 700};
  }
  std::shared_ptr<void> subscribe(std::function<void(const LiveEvent&)> take) override {
    const std::lock_guard lock(mutex_);
    take_ = std::move(take);
    return {this, [](FakePlatform* self) {
              const std::lock_guard inner(self->mutex_);
              self->take_ = nullptr;
            }};
  }
  void tell(const LiveEvent& event) {
    const std::lock_guard lock(mutex_);
    if (take_) take_(event);
  }

 private:
  static core::Error missing() { return {core::ErrorCode::kNotFound, "there is no such thing"}; }
  SourceStatus* find(std::string_view name) {
    for (SourceStatus& source : source_list) {
      if (source.name == name) return &source;
    }
    return nullptr;
  }
  std::mutex mutex_;
  std::function<void(const LiveEvent&)> take_;
};

struct Answer {
  int status = 0;
  std::string head, body;
  // The value of a header of the head, "" where absent. Name as sent.
  [[nodiscard]] std::string header(const std::string& name) const {
    const std::size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const std::size_t begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
  // The JSON at a pointer, as compact text; "<absent>".
  [[nodiscard]] std::string at(const std::string& pointer) const {
    simdjson::dom::parser parser;
    simdjson::dom::element root, value;
    if (parser.parse(body).get(root) != simdjson::SUCCESS) return "<no JSON: " + body.substr(0, 200) + ">";
    if (pointer.empty()) return simdjson::minify(root);
    if (root.at_pointer(pointer).get(value) != simdjson::SUCCESS) return "<absent>";
    std::string_view text;
    return value.get(text) == simdjson::SUCCESS ? std::string(text) : std::string(simdjson::minify(value));
  }
  [[nodiscard]] std::size_t count(const std::string& pointer) const {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    simdjson::dom::array array;
    if (parser.parse(body).get(root) != simdjson::SUCCESS) return 0;
    return root.at_pointer(pointer).get(array) == simdjson::SUCCESS ? array.size() : 0;
  }
};

// One connection for one request. Waits for at most 20 s.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{tocsin::testing::kPatience.count(), 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~HttpClient() { ::close(fd_); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  void send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // What came until `end` is in it, or the server closed.
  std::string read_until(std::string_view end) const {
    std::string out;
    char piece[16'384];
    while (end.empty() || out.find(end) == std::string::npos) {
      const ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
      if (got <= 0) break;
      out.append(piece, static_cast<std::size_t>(got));
    }
    return out;
  }

 private:
  int fd_;
};

struct Identity {
  std::string cookie, csrf, token;  // A session's two, or an API token.
};

class ApiFixture : public ::testing::Test, protected store::TestStore {
 protected:
  void SetUp() override {
    if (store::engine_library().empty()) GTEST_SKIP() << "the engine is not installed: run tools/install_engine.sh";
    open();
    clock = std::make_unique<core::FakeClock>(core::Timestamp{store::kNoon.ns + 3'600'000'000'000});
    start();
  }
  void TearDown() override {
    if (server) server->stop(std::chrono::milliseconds(500));
    server.reset();
    api.reset();
  }
  virtual void change(ApiOptions&) {}
  virtual void change(auth::AuthOptions&) {}
  void start() {
    ledger = std::move(ledger::Ledger::open((folder.path() / "ledger.db").string())).value();
    auth::AuthOptions auth_options;
    auth_options.cost = auth::kTestPasswordCost;
    change(auth_options);
    auth =
        std::move(auth::Auth::open(*ledger, *clock, std::move(auth::load_seal_key((folder.path() / "key").string())).value(),
                                   auth_options))
            .value();
    ApiOptions api_options;
    api_options.auth = auth.get();
    api_options.ledger = ledger.get();
    api_options.store = store.get();
    api_options.platform = &platform;
    api_options.metrics = &metrics;
    api_options.clock = clock.get();
    api_options.version = "9.9";
    change(api_options);
    auto made = Api::create(std::move(api_options));
    ASSERT_TRUE(made.ok()) << made.error().text;
    api = std::move(*made);
    http::ServerOptions server_options;
    server_options.name = "api";
    server_options.worker_threads = 4;
    auto started = http::Server::start(server_options, api->handler(), metrics);
    ASSERT_TRUE(started.ok()) << started.error().text;
    server = std::move(*started);
  }
  std::string request_text(const std::string& method, const std::string& path, const Identity& who, const std::string& body,
                           const std::string& more = "") {
    std::string out = method + " " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + more;
    if (!who.cookie.empty()) out += "Cookie: tocsin_session=" + who.cookie + "\r\n";
    if (!who.csrf.empty()) out += "X-CSRF-Token: " + who.csrf + "\r\n";
    if (!who.token.empty()) out += "Authorization: Bearer " + who.token + "\r\n";
    if (!body.empty()) out += "Content-Type: application/json\r\n";
    if (!body.empty() || method != "GET") out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return out + "\r\n" + body;
  }
  Answer ask(const std::string& method, const std::string& path, const Identity& who = {}, const std::string& body = "",
             const std::string& more = "") {
    const HttpClient client(server->port());
    client.send(request_text(method, path, who, body, more));
    return parse(client.read_until(""));
  }
  static Answer parse(const std::string& text) {
    Answer out;
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos || text.size() < 12) return out;
    out.head = text.substr(0, end + 2);
    out.status = std::atoi(text.c_str() + 9);
    out.body = text.substr(end + 4);
    if (out.header("Transfer-Encoding") == "chunked") out.body = unchunked(out.body);
    return out;
  }
  static std::string unchunked(const std::string& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = std::strtoul(text.c_str() + at, nullptr, 16);
      at = text.find("\r\n", at) + 2;
      if (size == 0 || at == 1) break;
      out += text.substr(at, size);
      at += size + 2;
    }
    return out;
  }
  Answer get(const std::string& path, const Identity& who) { return ask("GET", path, who); }
  Answer post(const std::string& path, const Identity& who, const std::string& body = "{}") {
    return ask("POST", path, who, body);
  }
  Identity log_in(const std::string& name) {
    const Answer answer = post("/api/v1/login", {}, R"({"name":")" + name + R"(","password":")" + kPassword + "\"}");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return {cookie_of(answer), answer.at("/csrf"), ""};
  }
  static std::string cookie_of(const Answer& answer) {
    const std::string set = answer.header("Set-Cookie");
    const std::size_t begin = set.find('=') + 1;
    return set.substr(begin, set.find(';') - begin);
  }
  // The first user; all tenants.
  Identity admin() {
    if (admin_.cookie.empty()) {
      EXPECT_TRUE(auth->create_first_admin({"admin", "Ada", core::Secret(kPassword), auth::Role::kAdmin, {}}).ok());
      admin_ = log_in("admin");
    }
    return admin_;
  }
  Identity user(const std::string& name, auth::Role role, const std::vector<std::string>& tenants = {}) {
    admin();
    const auto by = auth->from_session(admin_.cookie);
    EXPECT_TRUE(auth->create_user(*by, {name, "", core::Secret(kPassword), role, tenants}, "").ok());
    return log_in(name);
  }
  void insert(const store::Block& block) {
    const auto done = store->insert(block, tocsin::testing::kPatience);
    ASSERT_TRUE(done.ok()) << done.error().text;
  }

  std::unique_ptr<core::FakeClock> clock;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<auth::Auth> auth;
  FakePlatform platform;
  std::unique_ptr<Api> api;
  std::unique_ptr<http::Server> server;
  Identity admin_;
};

// The program is its own child: `<test> store ...` is what `tocsin store ...` is.
#define TOCSIN_API_TEST_MAIN()                                                                                 \
  int main(int argc, char** argv) {                                                                            \
    if (argc > 1 && std::string_view(argv[1]) == "store") return tocsin::store::run_store_process(argc, argv); \
    ::testing::InitGoogleTest(&argc, argv);                                                                    \
    return RUN_ALL_TESTS();                                                                                    \
  }

}  // namespace tocsin::api
