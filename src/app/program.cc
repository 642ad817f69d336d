#include "app/program.h"

#include <sodium.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <future>
#include <map>
#include <utility>

#include "api/api.h"
#include "app/backup.h"
#include "app/board.h"
#include "app/certificate.h"
#include "app/demo.h"
#include "app/formats.h"
#include "app/housekeeper.h"
#include "app/intake.h"
#include "app/own_server.h"
#include "app/pdf_printer.h"
#include "app/platform.h"
#include "app/private_file.h"
#include "app/processor.h"
#include "app/rule_manager.h"
#include "app/self_test.h"
#include "app/settings.h"
#include "app/source_manager.h"
#include "app/store_writer.h"
#include "app/suppressions.h"
#include "app/triage_runner.h"
#include "auth/auth.h"
#include "auth/token.h"
#include "console/console_files.h"
#include "core/log.h"
#include "http/problem.h"
#include "http/server.h"
#include "ledger/evidence_files.h"
#include "ledger/ledger.h"
#include "measure/sample.h"
#include "normalise/rows.h"
#include "notify/service.h"
#include "source/http_inputs.h"
#include "store/store.h"
#include "stream/journal.h"

namespace tocsin::app {
namespace {

namespace fs = std::filesystem;

// From the seal key, so that it is secret and the same after a restart.
std::uint64_t hash_seed(const core::Secret& key) {
  constexpr std::string_view kUse = "tocsin correlation hash seed";
  unsigned char out[16];
  const std::string_view bytes = key.reveal();
  crypto_generichash(out, sizeof out, reinterpret_cast<const unsigned char*>(kUse.data()), kUse.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  std::uint64_t seed = 0;
  std::memcpy(&seed, out, sizeof seed);
  return seed;
}

// REQUIRES: whole and well formed, as built in.
std::string unzipped(std::string_view bytes) {
  std::string out;
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return out;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  int state = Z_OK;
  while (state == Z_OK) {
    char buffer[16 * 1024];
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    state = inflate(&stream, Z_NO_FLUSH);
    out.append(buffer, sizeof buffer - stream.avail_out);
  }
  inflateEnd(&stream);
  return out;
}

constexpr std::ptrdiff_t kMaxBackups = 10;  // Made through the API, that nobody moved away.

class LiveProgram final : public Program {
 public:
  LiveProgram(Config config, ProgramOptions options) : config_(std::move(config)), options_(std::move(options)) {}
  ~LiveProgram() override { stop(std::chrono::milliseconds(1'500)); }

  core::Result<void> start();
  void stop(std::chrono::milliseconds grace) override;
  void reload() override;
  [[nodiscard]] std::uint16_t port() const override { return server_ ? server_->port() : 0; }
  [[nodiscard]] std::string address() const override;
  [[nodiscard]] std::string setup_link() const override { return setup_link_; }
  [[nodiscard]] std::string fingerprint() const override { return fingerprint_; }
  [[nodiscard]] std::string summary() const override;
  [[nodiscard]] bool healthy() const override;

 private:
  core::Result<void> open_ledger();
  core::Result<void> open_stores();
  core::Result<void> start_pipeline();
  void make_notify();
  core::Result<void> start_api();
  http::Route backup_route();
  core::Result<BackupSummary> back_up(const std::string& folder);
  core::Result<api::Platform::Backup> back_up_by_name(std::string_view name);
  void add_audit_source();
  std::vector<SelfTestWay> self_test_ways();

  Config config_;
  const ProgramOptions options_;
  core::SystemClock clock_;
  core::Metrics metrics_;
  LiveHub hub_;
  DecoderFormats formats_;
  const std::shared_ptr<source::SharedBacklog> all_backlogs_ =
      std::make_shared<source::SharedBacklog>(source::kAllBacklogBytes);
  std::uint64_t seed_ = 0;
  core::Secret seal_key_;
  http::TlsFiles tls_;
  std::string setup_link_, setup_token_, fingerprint_;
  core::Secret control_token_ = auth::new_token("tctl_");
  std::atomic<bool> backing_up_ = false;
  // In the order they are made; ended the other way round.
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<ledger::EvidenceFiles> evidence_;
  std::shared_ptr<const core::Secret> review_key_;
  std::unique_ptr<auth::Auth> auth_;
  std::unique_ptr<Settings> settings_;
  std::unique_ptr<stream::Journal> journal_;
  std::unique_ptr<JournalIntake> intake_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<RuleManager> rules_;
  std::unique_ptr<LiveSuppressions> suppressions_;
  std::unique_ptr<SourceBoard> board_;
  std::shared_ptr<const triage::SlaPolicy> sla_;
  std::unique_ptr<notify::Service> notify_;
  std::unique_ptr<triage::Desk> desk_;
  std::unique_ptr<SelfTest> self_test_;
  std::unique_ptr<TriageRunner> triage_;
  std::unique_ptr<StoreWriter> writer_;
  std::unique_ptr<Processor> processor_;
  std::unique_ptr<SourceManager> sources_;
  std::unique_ptr<LivePlatform> platform_;
  std::unique_ptr<Housekeeper> housekeeper_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Server> server_;
  bool stopped_ = false;
};

core::Result<void> LiveProgram::open_ledger() {
  const std::string keys = config_.folder + "/keys";
  TOCSIN_TRY(make_private_folder(config_.folder));
  TOCSIN_TRY(make_private_folder(keys));
  ledger_ = TOCSIN_TRY(ledger::Ledger::open(data_paths(config_.folder).ledger));
  core::Secret key = TOCSIN_TRY(auth::load_seal_key(keys + "/seal.key"));
  seal_key_ = core::Secret(std::string(key.reveal()));
  seed_ = hash_seed(key);
  review_key_ = std::make_shared<const core::Secret>(measure::sample_key(key));
  auth::AuthOptions auth_options;
  auth_options.session_idle = config_.session_idle;
  auth_ = TOCSIN_TRY(auth::Auth::open(*ledger_, clock_, std::move(key), auth_options));
  settings_ = std::make_unique<Settings>(config_, *ledger_, clock_);
  TOCSIN_TRY(settings_->load());
  std::int64_t users = 0;
  const auto counted = ledger_->read([&](ledger::Tables& tables) -> core::Result<void> {
    const auto count = tables.user_count();
    if (!count.ok()) return count.error();
    users = *count;
    return {};
  });
  if (!counted.ok()) return counted.error();
  if (users > 0) return {};
  if (!options_.admin_password.empty()) {
    auth::NewUser admin;
    admin.name = "admin";
    admin.display_name = "Administrator";
    admin.password = core::Secret(options_.admin_password);
    admin.role = auth::Role::kAdmin;
    return auth_->create_first_admin(std::move(admin));
  }
  setup_token_ = std::string(TOCSIN_TRY(auth_->new_setup_token()).reveal());
  return {};
}

core::Result<void> LiveProgram::open_stores() {
  const DataPaths paths = data_paths(config_.folder);
  store::StoreOptions store;
  store.folder = paths.store;
  store.engine_library = config_.engine_library;
  store.engine_memory_bytes = config_.store_memory_bytes;
  store.program = options_.store_program;
  store_ = TOCSIN_TRY(store::Store::open(store, metrics_));

  stream::JournalOptions journal;
  journal.folder = paths.journal;
  journal.first_sequence = TOCSIN_TRY(first_sequence_of(paths));
  journal.max_bytes = config_.journal_max_bytes;
  journal.min_free_bytes = config_.journal_min_free_bytes;
  journal.commit_delay = config_.journal_commit_delay;
  // Whatever became of the journal (removed, its end lost), ids of stored events must not be given to new ones: those would
  // pass for stored already.
  const std::uint64_t stored = TOCSIN_TRY(last_stored_sequence(*store_));
  std::error_code status;
  const bool removed = stored >= journal.first_sequence && !fs::exists(paths.journal, status);
  journal.first_sequence = std::max(journal.first_sequence, stored + 1);
  journal_ = TOCSIN_TRY(stream::Journal::open(journal, clock_, metrics_));
  const std::uint64_t last = journal_->health().last_sequence;
  if (removed || (last > 0 && last < stored)) {
    core::log(core::LogLevel::kWarning, "journal",
              paths.journal + (removed ? " was removed" : " has lost its end") +
                  ": it ends before what is stored; what had not been stored of it is gone");
  }
  intake_ = std::make_unique<JournalIntake>(*journal_);
  // Behind the journal, whose lock keeps a second program out: this removes files that are half written.
  evidence_ = TOCSIN_TRY(ledger::EvidenceFiles::open(paths.evidence, metrics_));
  return {};
}

void LiveProgram::add_audit_source() {
  const std::string name = "tocsin-audit";
  source::SourceRef ref{model::SourceId{0}, name, "default", "main", model::Format::kJson, board_->meter(name)};
  auto entry = std::make_shared<SourceEntry>(std::move(ref), "audit", "built-in");
  entry->where = "this program";
  board_->put(std::move(entry));
}

core::Result<void> LiveProgram::start_pipeline() {
  config_.rules.own = {{kSelfTestRulePath, kSelfTestRule}};
  rules_ = TOCSIN_TRY(RuleManager::open(config_.rules, options_.content_folder, *ledger_, clock_));
  suppressions_ = TOCSIN_TRY(LiveSuppressions::open(*rules_, *ledger_, *store_, clock_));
  board_ = std::make_unique<SourceBoard>(clock_, metrics_);
  add_audit_source();
  sla_ = TOCSIN_TRY(load_sla_policy(options_.content_folder));
  const auto publish = [this](const api::LiveEvent& event) {
    hub_.publish(event);
    notify_->wake();
  };
  make_notify();
  desk_ = TOCSIN_TRY(open_desk(*ledger_, options_.content_folder, clock_, metrics_, publish, config_.triage, sla_));
  self_test_ = std::make_unique<SelfTest>(
      SelfTest::Parts{*ledger_, *store_, clock_, metrics_, [this] { return self_test_ways(); },
                      [this] { return std::chrono::minutes(settings_->number("self_test.every_minutes")); }});
  triage_ = std::make_unique<TriageRunner>(*store_, *desk_, *ledger_, clock_, metrics_);
  triage_->leave_out([this](std::string_view rule, std::string_view id, std::string_view document) {
    return self_test_->marks(rule, id, document);
  });
  writer_ = std::make_unique<StoreWriter>(*store_, *journal_, clock_, metrics_, [this](const api::LiveEvent& event) {
    hub_.publish(event);
    triage_->wake();
  });
  ProcessorOptions processing;
  processing.lateness = config_.lateness;
  processing.findings = {config_.finding_burst, config_.findings_per_second};
  processing.hash_seed = seed_;
  processing.recording_tenant = kDemoSource;
  processing.recording_lateness = 2 * kDemoWindow;
  processor_ = std::make_unique<Processor>(
      Processor::Context{*journal_, *store_, *writer_, *board_, rules_->content(), clock_, metrics_}, processing,
      rules_->detection());
  rules_->on_change([this](std::shared_ptr<const Detection> detection) { processor_->set_detection(std::move(detection)); });
  SourceManager::Context context{*ledger_,
                                 *board_,
                                 source::SourceContext{*intake_, clock_, metrics_, *board_, formats_, all_backlogs_},
                                 clock_,
                                 metrics_,
                                 tls_,
                                 config_.folder + "/keys"};
  sources_ = std::make_unique<SourceManager>(std::move(context), config_);
  TOCSIN_TRY(sources_->load());
  TOCSIN_TRY(write_private_file(config_.folder + "/keys/demo.token", sources_->demo_token().reveal()));
  TOCSIN_TRY(write_private_file(config_.folder + "/keys/" + kControlTokenFile, control_token_.reveal()));
  return processor_->start();
}

// Our own ingest route, over HTTPS; and each plain syslog listener over TCP.
std::vector<SelfTestWay> LiveProgram::self_test_ways() {
  std::vector<SelfTestWay> out;
  out.push_back({kSelfTestSource, "http", [this](const std::string& line) -> core::Result<void> {
                   IngestTarget target =
                       own_server(config_, core::Secret(std::string(sources_->self_test_token().reveal())));
                   target.port = port();
                   target.source = kSelfTestSource;
                   target.timeout = std::chrono::seconds(5);
                   const auto client = TOCSIN_TRY(IngestClient::create(std::move(target)));
                   const auto answer = TOCSIN_TRY(client->post("json", "", line + "\n"));
                   if (answer.status / 100 == 2) return {};
                   return core::Error{core::ErrorCode::kIo, "the server answered " + std::to_string(answer.status)};
                 }});
  for (const auto& entry : board_->all()) {
    static constexpr std::string_view kTcp = "tcp ";
    if (entry->kind != "syslog-tcp" || !entry->enabled || !entry->where.starts_with(kTcp)) continue;
    out.push_back({entry->ref.name, entry->kind, [this, entry](const std::string& line) {
                     ++entry->test_records;
                     auto sent = send_syslog_tcp(entry->where.substr(kTcp.size()), line, clock_.now());
                     if (!sent.ok()) --entry->test_records;
                     return sent;
                   }});
  }
  return out;
}

// `tocsin backup` of this data folder: by the token that only its owner can read.
core::Result<BackupSummary> LiveProgram::back_up(const std::string& folder) {
  if (backing_up_.exchange(true)) return core::Error{core::ErrorCode::kLimit, "a backup is being made; try again after it"};
  auto made = make_backup({data_paths(config_.folder), config_.path, options_.version, clock_.now()}, *ledger_, *store_,
                          *journal_, folder);
  backing_up_ = false;
  return made;
}

core::Result<api::Platform::Backup> LiveProgram::back_up_by_name(std::string_view name) {
  const std::string all = config_.folder + "/backups";
  TOCSIN_TRY(make_private_folder(all));
  std::error_code error;
  const auto lie_there =
      std::distance(std::filesystem::directory_iterator(all, error), std::filesystem::directory_iterator());
  if (error || lie_there >= kMaxBackups) {
    return core::Error{core::ErrorCode::kLimit, "there are " + std::to_string(lie_there) + " backups in " + all +
                                                    ", as many as may lie there; move some away"};
  }
  const std::string folder = all + "/" + std::string(name);
  const BackupSummary made = TOCSIN_TRY(back_up(folder));
  return api::Platform::Backup{folder, made.files, made.bytes};
}

http::Route LiveProgram::backup_route() {
  http::Route route;
  route.method = "POST";
  route.pattern = kBackupPath;
  route.summary = "Backup by the program's own command";
  route.right = "public";
  route.tag = "health";
  route.handler = [this](const std::shared_ptr<http::Exchange>& exchange, const http::Captures&) {
    const auto token = auth::bearer_token(exchange->request().header("authorization"));
    if (!token || !control_token_.equals(*token)) {
      exchange->respond(http::problem_response(401, "this takes the control token of the data folder"));
      return;
    }
    const std::string folder = exchange->request().body;
    const auto made = back_up(folder);
    const auto noted = ledger_->write([&](ledger::Tables& tables) -> core::Result<void> {
      const auto done =
          tables.append_audit({clock_.now(), "system", made.ok() ? "backup.ok" : "backup.failed", folder, "", ""});
      return done.ok() ? core::Result<void>() : done.error();
    });
    noted.ignore("the backup is what was asked for");
    if (!made.ok()) {
      exchange->respond(http::problem_response(made.error()));
      return;
    }
    http::Response response;
    response.content_type = "text/plain";
    response.body = std::to_string(made->files) + " files, " + std::to_string(made->bytes) + " bytes";
    exchange->respond(std::move(response));
  };
  return route;
}

void LiveProgram::make_notify() {
  NotifyConfig& from = config_.notify;
  notify::ServiceOptions options;
  notify::SmtpServer& smtp = options.transport.smtp;
  smtp.tls = from.tls == "tls"    ? notify::SmtpServer::Tls::kTls
             : from.tls == "none" ? notify::SmtpServer::Tls::kNone
                                  : notify::SmtpServer::Tls::kStartTls;
  smtp.server = from.server;
  smtp.port = from.port;
  smtp.from = from.from;
  smtp.user = from.user;
  smtp.password = std::move(from.password);
  options.transport.allow_loopback = from.allow_loopback;
  options.transport.ca = from.ca;
  options.console_url = base_url(config_, config_.listen.port);
  options.seal = [this](std::string_view plain) { return auth::seal_secret(plain, seal_key_); };
  options.unseal = [this](std::string_view sealed) { return auth::unseal_secret(sealed, seal_key_); };
  options.breaches = [sla = sla_](const ledger::Incident& incident, core::Timestamp now) {
    std::vector<notify::Breach> out;
    for (const triage::SlaClock& clock : triage::sla_clocks(*sla, incident, now)) {
      if (clock.state != triage::SlaClock::State::kBreached) continue;
      const std::string goal = triage::to_string(clock.goal);
      out.push_back({goal, "not in time: " + goal + " was due " + core::format_iso_time(clock.due)});
    }
    return out;
  };
  notify_ = std::make_unique<notify::Service>(*ledger_, clock_, metrics_, std::move(options));
}

core::Result<void> LiveProgram::start_api() {
  LivePlatform::Parts parts{*board_,
                            *sources_,
                            *rules_,
                            *processor_,
                            *writer_,
                            *journal_,
                            *store_,
                            *triage_,
                            *notify_,
                            *settings_,
                            *intake_,
                            hub_,
                            clock_,
                            {{"api", tls_.certificate_chain_path}},
                            [this] { return server_ ? server_->reload_certificates() : core::Result<void>(); },
                            [this](std::string_view name) { return back_up_by_name(name); },
                            [this] { return self_test_->health(); }};
  platform_ = std::make_unique<LivePlatform>(std::move(parts));
  api::ApiOptions options;
  options.auth = auth_.get();
  options.ledger = ledger_.get();
  options.store = store_.get();
  options.platform = platform_.get();
  options.desk = desk_.get();
  options.sla = sla_;
  options.notify = notify_.get();
  options.suppressions = suppressions_.get();
  options.evidence = evidence_.get();
  options.review_key = review_key_;
  options.self_test = self_test_.get();
  if (const auto browser = find_browser("/usr/local/bin:/usr/bin:/bin")) {
    std::error_code status;
    auto printer = std::make_shared<PdfPrinter>(PdfPrinterOptions{*browser, fs::temp_directory_path(status).string()});
    options.make_pdf = [printer](std::string_view html) { return printer->print(html); };
  }
  options.metrics = &metrics_;
  options.clock = &clock_;
  options.version = options_.version;
  options.metrics_public = config_.metrics_public;
  // For clients that do not take gzip; the files live as long as the program.
  auto plain = std::make_shared<std::map<std::string_view, std::string>>();
  for (const console::ConsoleFile& file : console::console_files()) {
    if (file.encoding == "gzip") plain->emplace(file.path, unzipped(file.bytes));
  }
  options.static_files = [plain](std::string_view path) -> std::optional<api::StaticFile> {
    const console::ConsoleFile* file = console::find_console_file(path);
    if (file == nullptr) return {};
    if (file->encoding == "gzip")
      return api::StaticFile{plain->at(file->path), file->bytes, file->content_type, file->immutable, file->etag};
    return api::StaticFile{file->bytes, {}, file->content_type, file->immutable, file->etag};
  };
  for (normalise::NativeColumn& native : normalise::native_columns(*rules_->content().mapper)) {
    options.native_names.push_back({std::move(native.name), std::string(native.column)});
  }
  options.extra_routes =
      source::ingest_routes(source::SourceContext{*intake_, clock_, metrics_, *board_, formats_, all_backlogs_});
  options.extra_routes.push_back(backup_route());
  api_ = TOCSIN_TRY(api::Api::create(std::move(options)));
  http::ServerOptions server;
  server.name = "api";
  server.address = config_.listen.address;
  server.port = config_.listen.port;
  server.tls = tls_;
  server.worker_threads = 4;
  server.limits.max_requests_per_second_per_address = config_.api_requests_per_second;
  server_ = TOCSIN_TRY(http::Server::start(std::move(server), api_->handler(), metrics_));
  return {};
}

core::Result<void> LiveProgram::start() {
  TOCSIN_TRY(open_ledger());
  if (config_.tls.certificate.empty()) {
    const CertificateFiles own = TOCSIN_TRY(own_certificate(config_.folder + "/keys", host_names(), clock_.now()));
    tls_.certificate_chain_path = own.certificate;
    tls_.private_key_path = own.key;
  } else {
    tls_.certificate_chain_path = config_.tls.certificate;
    tls_.private_key_path = config_.tls.key;
  }
  tls_.client_ca_path = config_.tls.client_ca;
  tls_.require_client_certificate = config_.tls.require_client_certificate;
  fingerprint_ = TOCSIN_TRY(describe_certificate("api", tls_.certificate_chain_path)).sha256;
  TOCSIN_TRY(open_stores());
  TOCSIN_TRY(start_pipeline());
  TOCSIN_TRY(start_api());
  housekeeper_ = std::make_unique<Housekeeper>(Housekeeper::Parts{*board_, *writer_, *store_, *ledger_, *settings_, hub_,
                                                                  *intake_, *processor_, clock_, config_.folder, [this] {
                                                                    if (options_.beat && healthy()) options_.beat();
                                                                  }});
  TOCSIN_TRY(housekeeper_->load());
  housekeeper_->start();
  triage_->start();
  notify_->start();
  sources_->start();
  self_test_->start();
  if (!setup_token_.empty()) setup_link_ = address() + "/setup#" + setup_token_;
  return {};
}

void LiveProgram::stop(std::chrono::milliseconds grace) {
  if (stopped_) return;
  stopped_ = true;
  // While sources and connections end: what they still hand in comes out of the journal at the next start.
  if (self_test_) self_test_->stop();
  std::future<void> processor;
  if (processor_) processor = std::async(std::launch::async, [&] { processor_->stop(grace / 8); });
  if (sources_) sources_->stop(grace / 3);
  if (server_) server_->stop(grace / 6);
  if (housekeeper_) housekeeper_->stop();
  if (triage_) triage_->stop();
  if (notify_) notify_->stop();
  if (processor.valid()) processor.get();
  if (writer_) writer_->stop();
  server_.reset();
  api_.reset();
  housekeeper_.reset();
  platform_.reset();
  sources_.reset();
  processor_.reset();
  writer_.reset();
  triage_.reset();
  self_test_.reset();
  desk_.reset();
  notify_.reset();
  store_.reset();
  journal_.reset();
}

void LiveProgram::reload() {
  if (const auto done = rules_->reload(); !done.ok()) core::log(core::LogLevel::kError, "rules", done.error().text);
  const auto triage_rules = read_triage_rules(options_.content_folder, config_.triage.folder);
  if (triage_rules.ok()) {
    desk_->automatic()->set_rules(*triage_rules);
    for (const triage::AutoRuleProblem& problem : (*triage_rules)->problems)
      core::log(core::LogLevel::kError, "triage", problem.text);
  } else {
    core::log(core::LogLevel::kError, "triage", triage_rules.error().text);
  }
  if (const auto done = platform_->reload_certificates(); !done.ok())
    core::log(core::LogLevel::kError, "api", done.error().text);
}

std::string LiveProgram::address() const { return base_url(config_, port()); }

std::string LiveProgram::summary() const {
  const auto rules = rules_->detection();
  std::string out = "rules: " + std::to_string(rules->live.size()) + " loaded, " +
                    std::to_string(rules->rules->refused_count) + " refused\n";
  out += "sources:";
  for (const auto& entry : board_->all()) {
    if (entry->enabled && entry->ref.name != "demo") out += "\n  " + entry->ref.name + "  (" + entry->where + ")";
  }
  return out + "\n";
}

bool LiveProgram::healthy() const {
  return journal_ && journal_->health().problem.empty() && writer_->problem().empty() && processor_->problem().empty();
}

}  // namespace

core::Result<std::unique_ptr<Program>> Program::start(Config config, ProgramOptions options) {
  auto out = std::make_unique<LiveProgram>(std::move(config), std::move(options));
  TOCSIN_TRY(out->start());
  return std::unique_ptr<Program>(std::move(out));
}

}  // namespace tocsin::app
