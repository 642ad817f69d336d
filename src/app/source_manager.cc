#include "app/source_manager.h"

#include <simdjson.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <future>
#include <utility>

#include "app/demo.h"
#include "app/private_file.h"
#include "app/self_test.h"
#include "auth/token.h"
#include "core/json_writer.h"
#include "core/log.h"
#include "decode/decoder.h"
#include "http/problem.h"
#include "http/router.h"
#include "source/drop_folder.h"
#include "source/http_inputs.h"
#include "source/journald.h"
#include "source/kafka.h"
#include "source/lumberjack.h"
#include "source/nats.h"
#include "source/syslog.h"
#include "source/tail.h"

namespace tocsin::app {
namespace {

constexpr std::string_view kTokenPrefix = "tsrc_";

// Kinds whose bytes come through a listener of the program itself, by token.
bool is_token_kind(std::string_view kind) { return kind == "http"; }
bool is_http_listener(std::string_view kind) { return kind == "elastic" || kind == "splunk-hec" || kind == "otlp"; }

http::TlsFiles tls_files(const TlsConfig& tls, const http::TlsFiles& own) {
  http::TlsFiles out = own;
  if (!tls.certificate.empty()) {
    out.certificate_chain_path = tls.certificate;
    out.private_key_path = tls.key;
  }
  out.client_ca_path = tls.client_ca;
  out.require_client_certificate = tls.require_client_certificate;
  return out;
}

core::Secret copy_of(const core::Secret& secret) { return core::Secret(std::string(secret.reveal())); }

source::KafkaOptions kafka_options(const SourceSettings& settings, const SourceEntry& entry) {
  source::KafkaOptions out;
  out.source = entry.ref;
  out.brokers = settings.brokers;
  out.topics = settings.topics;
  if (!settings.group.empty()) out.group = settings.group;
  out.from_beginning = settings.from_beginning;
  out.properties = settings.options;
  for (const auto& [name, secret] : settings.secrets) out.secrets[name] = copy_of(secret);
  if (settings.tls) {
    out.properties.try_emplace("security.protocol", "ssl");
    if (!settings.tls->client_ca.empty()) out.properties.try_emplace("ssl.ca.location", settings.tls->client_ca);
    if (!settings.tls->certificate.empty()) {
      out.properties.try_emplace("ssl.certificate.location", settings.tls->certificate);
      out.properties.try_emplace("ssl.key.location", settings.tls->key);
    }
  }
  return out;
}

// The client reads credentials from a file of its own.
core::Result<source::NatsOptions> nats_options(const SourceSettings& settings, const SourceEntry& entry,
                                               const std::string& keys_folder) {
  source::NatsOptions out;
  out.source = entry.ref;
  out.servers = settings.brokers;
  out.stream = settings.stream;
  if (!settings.consumer.empty()) out.consumer = settings.consumer;
  if (!settings.topics.empty()) out.subject = settings.topics.front();
  out.from_beginning = settings.from_beginning;
  if (settings.tls) out.tls = source::NatsTls{settings.tls->client_ca, settings.tls->certificate, settings.tls->key};
  if (const auto user = settings.options.find("user"); user != settings.options.end()) out.user = user->second;
  for (const auto& [name, secret] : settings.secrets) {
    if (name == "password") out.password = copy_of(secret);
    if (name == "token") out.token = copy_of(secret);
    if (name != "credentials") continue;
    out.credentials_path = keys_folder + "/nats-" + settings.name + ".creds";
    TOCSIN_TRY(write_private_file(out.credentials_path, secret.reveal()));
  }
  return out;
}

std::string config_json(const SourceSettings& settings) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object();
  if (settings.listen.port != 0) {
    json.member("address", settings.listen.address).key("port").number(static_cast<int>(settings.listen.port));
  }
  const auto list = [&](std::string_view key, const std::vector<std::string>& values) {
    if (values.empty()) return;
    json.key(key).begin_array();
    for (const std::string& value : values) json.text(value);
    json.end_array();
  };
  list("paths", settings.paths);
  list("exclude_paths", settings.exclude_paths);
  list("units", settings.units);
  list("brokers", settings.brokers);
  list("topics", settings.topics);
  list("client_certificates", settings.client_certificates);
  json.member_if("group", settings.group).member_if("stream", settings.stream).member_if("consumer", settings.consumer);
  if (settings.kind == "tail" || settings.kind == "journald") json.key("from_beginning").boolean(settings.from_beginning);
  json.end_object();
  return out;
}

core::Error bad_config(std::string_view member, std::string_view expected) {
  return {core::ErrorCode::kInvalid, "config." + std::string(member) + ": expected " + std::string(expected)};
}

core::Result<std::vector<std::string>> texts_of(simdjson::dom::object object, const char* name) {
  std::vector<std::string> out;
  simdjson::dom::element value;
  if (object[name].get(value) != simdjson::SUCCESS) return out;
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) return bad_config(name, "a list of texts");
  for (const simdjson::dom::element one : array) {
    std::string_view text;
    if (one.get(text) != simdjson::SUCCESS) return bad_config(name, "a list of texts");
    out.emplace_back(text);
  }
  return out;
}

}  // namespace

std::string where_of(const SourceSettings& settings) {
  const std::string listen = settings.listen.address + ":" + std::to_string(settings.listen.port);
  const std::string& kind = settings.kind;
  if (kind == "syslog-udp") return "udp " + listen;
  if (kind == "syslog-tcp") return "tcp " + listen;
  if (kind == "syslog-tls" || kind == "lumberjack") return "tls " + listen;
  if (is_http_listener(kind)) return (settings.tls ? "https " : "http ") + listen;
  if (kind == "http") return "POST /api/v1/ingest/" + settings.name;
  if (kind == "journald") return settings.paths.empty() ? "this host's journal" : settings.paths.front();
  std::string out;
  for (const std::string& path : settings.paths.empty() ? settings.brokers : settings.paths)
    out += (out.empty() ? "" : ", ") + path;
  return out;
}

core::Result<SourceSettings> settings_from_json(const api::SourceChange& source) {
  SourceSettings out;
  out.name = source.name;
  out.kind = source.kind;
  if (!source.tenant.empty()) out.tenant = source.tenant;
  if (!source.site.empty()) out.site = source.site;
  out.format = source.format;
  if (!out.format.empty() && !decode::format_from_name(out.format))
    return core::Error{core::ErrorCode::kInvalid,
                       "format '" + out.format + "' is not known; expected e.g. json, syslog, evtx"};
  constexpr std::string_view kKinds[] = {"http", "syslog-udp", "syslog-tcp", "syslog-tls", "lumberjack",
                                         "tail", "drop",       "journald",   "kafka",      "nats"};
  if (std::find(std::begin(kKinds), std::end(kKinds), out.kind) == std::end(kKinds)) {
    return core::Error{core::ErrorCode::kInvalid,
                       "kind '" + out.kind +
                           "' is not known; expected http, syslog-udp, syslog-tcp, syslog-tls, lumberjack, "
                           "tail, drop, journald, kafka or nats"};
  }
  if (source.config.empty()) return out;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(source.config).get(object) != simdjson::SUCCESS)
    return core::Error{core::ErrorCode::kInvalid, "config: expected a JSON object"};
  std::string_view text;
  std::int64_t number = 0;
  if (object["address"].get(text) == simdjson::SUCCESS) out.listen.address = text;
  if (simdjson::dom::element port; object["port"].get(port) == simdjson::SUCCESS) {
    if (port.get(number) != simdjson::SUCCESS || number < 1 || number > 65'535)
      return bad_config("port", "a number from 1 to 65535");
    out.listen.port = static_cast<std::uint16_t>(number);
  }
  out.paths = TOCSIN_TRY(texts_of(object, "paths"));
  out.exclude_paths = TOCSIN_TRY(texts_of(object, "exclude_paths"));
  out.units = TOCSIN_TRY(texts_of(object, "units"));
  out.brokers = TOCSIN_TRY(texts_of(object, "brokers"));
  out.topics = TOCSIN_TRY(texts_of(object, "topics"));
  out.client_certificates = TOCSIN_TRY(texts_of(object, "client_certificates"));
  if (object["group"].get(text) == simdjson::SUCCESS) out.group = text;
  if (object["stream"].get(text) == simdjson::SUCCESS) out.stream = text;
  if (object["consumer"].get(text) == simdjson::SUCCESS) out.consumer = text;
  bool flag = false;
  if (object["from_beginning"].get(flag) == simdjson::SUCCESS) out.from_beginning = flag;
  const bool listens = out.kind.starts_with("syslog-") || out.kind == "lumberjack";
  if (listens && out.listen.port == 0) return bad_config("port", "the port to listen on");
  if ((out.kind == "tail" || out.kind == "drop") && out.paths.empty())
    return bad_config("paths", "at least one absolute path");
  if ((out.kind == "kafka" || out.kind == "nats") && (out.brokers.empty() || out.topics.empty()))
    return bad_config("brokers", "brokers and topics");
  return out;
}

SourceManager::SourceManager(Context context, Config& config)
    : context_(std::move(context)),
      watch_host_(config.watch_host),
      demo_token_(auth::new_token(kTokenPrefix)),
      self_test_token_(auth::new_token(kTokenPrefix)) {
  for (SourceSettings& settings : config.sources)
    configured_.push_back(std::make_shared<const SourceSettings>(std::move(settings)));
  config.sources.clear();
}

SourceManager::~SourceManager() { stop(std::chrono::milliseconds(0)); }

// This host's own logs, where there are some.
std::vector<SourceSettings> SourceManager::host_sources() const {
  std::vector<SourceSettings> out;
  const auto add = [&](const char* name, const char* kind, std::vector<std::string> paths, const char* format) {
    SourceSettings settings;
    settings.name = name;
    settings.kind = kind;
    settings.paths = std::move(paths);
    settings.format = format;
    settings.from_beginning = true;
    out.push_back(std::move(settings));
  };
  std::error_code ignored;
  const bool journal = source::journald_available();
  if (journal) add("host-journal", "journald", {}, "");
  if (!journal) add("host-syslog", "tail", {"/var/log/syslog", "/var/log/messages"}, "syslog");
  if (!journal) add("host-auth", "tail", {"/var/log/auth.log", "/var/log/secure"}, "syslog");
  add("host-audit", "tail", {"/var/log/audit/audit.log"}, "auditd");
  add("host-web", "tail",
      {"/var/log/nginx/*access.log", "/var/log/apache2/*access.log", "/var/log/httpd/*access_log",
       "/var/log/caddy/access.log"},
      "");
  return out;
}

core::Result<std::shared_ptr<SourceEntry>> SourceManager::enter(const SourceSettings& settings, const char* origin) {
  ledger::Source row;
  const std::string config = config_json(settings);
  const auto written = context_.ledger.write([&](ledger::Tables& tables) -> core::Result<void> {
    auto found = tables.source_named(settings.name);
    if (!found.ok()) return found.error();
    const core::Timestamp now = context_.clock.now();
    if (found->has_value()) {
      row = **found;
      if (row.kind == settings.kind && row.tenant == settings.tenant && row.site == settings.site && row.config == config)
        return {};
      row.kind = settings.kind;
      row.tenant = settings.tenant;
      row.site = settings.site;
      row.config = config;
      row.changed_at = now;
      return tables.update_source(row);
    }
    row.name = settings.name;
    row.kind = settings.kind;
    row.tenant = settings.tenant;
    row.site = settings.site;
    row.config = config;
    row.enabled = settings.enabled;
    row.created_at = row.changed_at = now;
    auto id = tables.insert_source(row);
    if (!id.ok()) return id.error();
    row.id = *id;
    return {};
  });
  if (!written.ok()) return written.error();
  source::SourceRef ref;
  ref.id = row.id;
  ref.name = settings.name;
  ref.tenant = settings.tenant;
  ref.site = settings.site;
  ref.format = decode::format_from_name(settings.format).value_or(model::Format::kUnknown);
  ref.meter = context_.board.meter(settings.name);
  auto entry = std::make_shared<SourceEntry>(std::move(ref), settings.kind, origin);
  entry->where = where_of(settings);
  entry->config = config;
  entry->token_hash = row.token_hash;
  entry->certificates = settings.client_certificates;
  entry->enabled = settings.enabled && row.enabled;
  return context_.board.put(std::move(entry));
}

// Sources made through the API, from the ledger.
core::Result<void> SourceManager::enter_rows() NO_THREAD_CHECK {
  std::vector<ledger::Source> rows;
  const auto read = context_.ledger.read([&](ledger::Tables& tables) -> core::Result<void> {
    auto found = tables.sources();
    if (!found.ok()) return found.error();
    rows = std::move(*found);
    return {};
  });
  if (!read.ok()) return read.error();
  for (const ledger::Source& row : rows) {
    if (settings_.count(row.name) != 0) continue;
    auto settings = settings_from_json({row.name, row.kind, row.tenant, row.site, "", row.config});
    if (!settings.ok()) continue;  // Of a tocsin.yaml that no longer has it.
    settings->enabled = row.enabled;
    TOCSIN_TRY(enter(*settings, "api"));
    settings_.emplace(row.name, std::make_shared<const SourceSettings>(std::move(*settings)));
  }
  return {};
}

core::Result<void> SourceManager::load() {
  const core::Lock lock(change_mutex_);
  for (const auto& settings : configured_) {
    TOCSIN_TRY(enter(*settings, "config"));
    settings_.emplace(settings->name, settings);
  }
  if (watch_host_) {
    for (SourceSettings& settings : host_sources()) {
      if (settings_.count(settings.name) != 0) continue;
      TOCSIN_TRY(enter(settings, "built-in"));
      std::string name = settings.name;
      settings_.emplace(std::move(name), std::make_shared<const SourceSettings>(std::move(settings)));
    }
  }
  TOCSIN_TRY(enter_own(kDemoSource, demo_token_));
  TOCSIN_TRY(enter_own(kSelfTestSource, self_test_token_));
  return enter_rows();
}

core::Result<void> SourceManager::enter_own(const char* name, const core::Secret& token) NO_THREAD_CHECK {
  SourceSettings settings;
  settings.name = name;
  settings.kind = "http";
  settings.tenant = name;
  if (settings_.count(settings.name) != 0) return {};
  auto entry = TOCSIN_TRY(enter(settings, "built-in"));
  auto with_token = std::make_shared<SourceEntry>(entry->ref, entry->kind, entry->origin);
  with_token->where = entry->where;
  with_token->config = entry->config;
  with_token->enabled = entry->enabled;
  with_token->token_hash = auth::hash_token(token.reveal());
  context_.board.put(std::move(with_token));
  settings_.emplace(name, std::make_shared<const SourceSettings>(std::move(settings)));
  return {};
}

void SourceManager::start() {
  const core::Lock lock(change_mutex_);
  started_ = true;
  for (const auto& [name, settings] : settings_) start_one(*settings);
}

void SourceManager::start_one(const SourceSettings& settings) NO_THREAD_CHECK {
  const auto entry = context_.board.named(settings.name);
  if (!entry || !entry->enabled || is_token_kind(settings.kind)) return;
  auto running = open(settings, *entry);
  if (!running.ok()) {
    core::log(core::LogLevel::kError, "source", settings.name + ": " + running.error().text);
    entry->ref.meter->problem(running.error().text);
    return;
  }
  running_[settings.name] = std::move(*running);
}

core::Result<SourceManager::Running> SourceManager::open_http(const SourceSettings& settings,
                                                              std::vector<http::Route> routes) {
  auto router = http::Router::create(std::move(routes));
  if (!router.ok()) return router.error();
  auto shared = std::make_shared<http::Router>(std::move(*router));
  http::ServerOptions options;
  options.name = settings.name;
  options.address = settings.listen.address;
  options.port = settings.listen.port;
  if (settings.tls) options.tls = tls_files(*settings.tls, context_.own_tls);
  auto server = http::Server::start(
      std::move(options), [shared](const std::shared_ptr<http::Exchange>& exchange) { shared->serve(exchange); },
      context_.metrics);
  if (!server.ok()) return server.error();
  Running out;
  out.server = std::move(*server);
  if (settings.tls) out.reload = [running = out.server.get()] { return running->reload_certificates(); };
  return out;
}

core::Result<SourceManager::Running> SourceManager::open(const SourceSettings& settings, const SourceEntry& entry) {
  const source::SourceContext& context = context_.sources;
  const std::string& kind = settings.kind;
  Running out;
  if (is_http_listener(kind)) {
    source::HttpInputOptions options;
    options.default_source = entry.ref;
    if (kind == "elastic") return open_http(settings, source::elastic_routes(context, options));
    if (kind == "splunk-hec") return open_http(settings, source::splunk_hec_routes(context, options));
    return open_http(settings, source::otlp_routes(context, options));
  }
  if (kind.starts_with("syslog-")) {
    source::SyslogOptions options;
    options.transport = kind == "syslog-udp"   ? source::SyslogTransport::kUdp
                        : kind == "syslog-tcp" ? source::SyslogTransport::kTcp
                                               : source::SyslogTransport::kTls;
    options.address = settings.listen.address;
    options.port = settings.listen.port;
    if (options.transport == source::SyslogTransport::kTls)
      options.tls = tls_files(settings.tls.value_or(TlsConfig{}), context_.own_tls);
    auto started = source::start_syslog(std::move(options), entry.ref, context);
    if (!started.ok()) return started.error();
    out.reload = [running = started->get()] { return running->reload_certificates(); };
    out.live = std::move(*started);
  } else if (kind == "lumberjack") {
    source::LumberjackOptions options;
    options.name = settings.name;
    options.address = settings.listen.address;
    options.port = settings.listen.port;
    options.tls = tls_files(settings.tls.value_or(TlsConfig{}), context_.own_tls);
    options.source = entry.ref;
    auto started = source::LumberjackSource::start(std::move(options), context);
    if (!started.ok()) return started.error();
    out.reload = [running = started->get()] { return running->reload_certificates(); };
    out.live = std::move(*started);
  } else if (kind == "tail") {
    source::TailOptions options;
    options.globs = settings.paths;
    options.exclude = settings.exclude_paths;
    options.first_seen = settings.from_beginning ? source::TailOptions::Start::kBeginning : source::TailOptions::Start::kEnd;
    auto started = source::start_tail(std::move(options), entry.ref, context);
    if (!started.ok()) return started.error();
    out.live = std::move(*started);
  } else if (kind == "drop") {
    source::DropFolderOptions options;
    options.folder = settings.paths.empty() ? std::string() : settings.paths.front();
    auto started = source::start_drop_folder(std::move(options), entry.ref, context);
    if (!started.ok()) return started.error();
    out.live = std::move(*started);
  } else if (kind == "journald") {
    source::JournaldOptions options;
    if (!settings.paths.empty()) options.folder = settings.paths.front();
    options.units = settings.units;
    options.from = settings.from_beginning ? source::JournaldOptions::From::kBoot : source::JournaldOptions::From::kNow;
    auto started = source::start_journald(std::move(options), entry.ref, context);
    if (!started.ok()) return started.error();
    out.live = std::move(*started);
  } else if (kind == "kafka") {
    auto started = source::start_kafka(kafka_options(settings, entry), context);
    if (!started.ok()) return started.error();
    out.live = std::move(*started);
  } else if (kind == "nats") {
    auto started = source::start_nats(TOCSIN_TRY(nats_options(settings, entry, context_.keys_folder)), context);
    if (!started.ok()) return started.error();
    out.live = std::move(*started);
  } else {
    return core::Error{core::ErrorCode::kUnsupported, "sources of kind '" + kind + "' are not known"};
  }
  return out;
}

void SourceManager::stop_one(const std::string& name, std::chrono::milliseconds grace) NO_THREAD_CHECK {
  const auto found = running_.find(name);
  if (found == running_.end()) return;
  if (found->second.server) found->second.server->stop(grace);
  if (found->second.live) found->second.live->stop(grace);
  running_.erase(found);
}

void SourceManager::stop(std::chrono::milliseconds grace) {
  const core::Lock lock(change_mutex_);
  started_ = false;
  std::vector<std::future<void>> ends;
  for (auto& [name, running] : running_) {
    ends.push_back(std::async(std::launch::async, [&one = running, grace] {
      if (one.server) one.server->stop(grace);
      if (one.live) one.live->stop(grace);
    }));
  }
  for (auto& end : ends) end.get();
  running_.clear();
}

core::Result<api::SourceStatus> SourceManager::add(const api::SourceChange& source, core::Secret& token) {
  if (source.name.empty() || source.name.size() > ledger::kMaxNameBytes ||
      !std::all_of(source.name.begin(), source.name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
      }))
    return core::Error{core::ErrorCode::kInvalid, "name: expected 1 to 256 of a-z 0-9 - _ ."};
  const auto made = std::make_shared<const SourceSettings>(TOCSIN_TRY(settings_from_json(source)));
  const SourceSettings& settings = *made;
  const core::Lock lock(change_mutex_);
  if (settings_.count(settings.name) != 0)
    return core::Error{core::ErrorCode::kInvalid, "there is a source '" + settings.name + "' already"};
  TOCSIN_TRY(enter(settings, "api"));
  settings_.emplace(settings.name, made);
  if (is_token_kind(settings.kind)) {
    token = TOCSIN_TRY(give_token(settings.name));
  } else if (started_) {
    start_one(settings);
  }
  return context_.board.status(*context_.board.named(settings.name));
}

core::Result<core::Secret> SourceManager::give_token(const std::string& name) NO_THREAD_CHECK {
  core::Secret token = auth::new_token(kTokenPrefix);
  const auto written = context_.ledger.write([&](ledger::Tables& tables) -> core::Result<void> {
    auto row = tables.source_named(name);
    if (!row.ok()) return row.error();
    if (!row->has_value()) return core::Error{core::ErrorCode::kNotFound, "there is no source '" + name + "'"};
    (*row)->token_hash = auth::hash_token(token.reveal());
    (*row)->changed_at = context_.clock.now();
    return tables.update_source(**row);
  });
  if (!written.ok()) return written.error();
  const auto settings = settings_.find(name);
  const auto entry = context_.board.named(name);
  if (settings != settings_.end() && entry) TOCSIN_TRY(enter(*settings->second, entry->origin.c_str()));
  return token;
}

core::Result<core::Secret> SourceManager::new_token(std::string_view name) {
  const core::Lock lock(change_mutex_);
  const auto entry = context_.board.named(name);
  if (!entry) return core::Error{core::ErrorCode::kNotFound, "there is no source '" + std::string(name) + "'"};
  if (name == kDemoSource || name == kSelfTestSource)
    return core::Error{core::ErrorCode::kDenied, "the token of '" + std::string(name) + "' is made at each start"};
  return give_token(std::string(name));
}

core::Result<api::SourceStatus> SourceManager::change(std::string_view name, const api::SourcePatch& patch) {
  const core::Lock lock(change_mutex_);
  const std::string key(name);
  const auto found = settings_.find(key);
  const auto entry = context_.board.named(name);
  if (found == settings_.end() || !entry) return core::Error{core::ErrorCode::kNotFound, "there is no source '" + key + "'"};
  if (entry->origin != "api" && (patch.tenant || patch.site || patch.format || patch.config))
    return core::Error{core::ErrorCode::kDenied, "'" + key + "' comes from " +
                                                     (entry->origin == "config" ? "tocsin.yaml" : "the program") +
                                                     ": only whether it is enabled can be changed here"};
  api::SourceChange wanted{key,
                           found->second->kind,
                           patch.tenant.value_or(found->second->tenant),
                           patch.site.value_or(found->second->site),
                           patch.format.value_or(found->second->format),
                           patch.config.value_or(config_json(*found->second))};
  std::shared_ptr<const SourceSettings> settings = found->second;
  if (entry->origin == "api") settings = std::make_shared<const SourceSettings>(TOCSIN_TRY(settings_from_json(wanted)));
  const auto written = context_.ledger.write([&](ledger::Tables& tables) -> core::Result<void> {
    auto row = tables.source_named(key);
    if (!row.ok()) return row.error();
    if (!row->has_value()) return core::Error{core::ErrorCode::kNotFound, "there is no source '" + key + "'"};
    if (patch.enabled) (*row)->enabled = *patch.enabled;
    return tables.update_source(**row);
  });
  if (!written.ok()) return written.error();
  stop_one(key, std::chrono::milliseconds(1'000));
  entry->ref.meter->problem({});
  found->second = settings;
  TOCSIN_TRY(enter(*settings, entry->origin.c_str()));
  if (started_) start_one(*settings);
  return context_.board.status(*context_.board.named(name));
}

core::Result<void> SourceManager::remove(std::string_view name) {
  const core::Lock lock(change_mutex_);
  const std::string key(name);
  const auto entry = context_.board.named(name);
  if (!entry) return core::Error{core::ErrorCode::kNotFound, "there is no source '" + key + "'"};
  if (entry->origin != "api")
    return core::Error{core::ErrorCode::kDenied, "'" + key + "' can only be switched off: it comes from " +
                                                     (entry->origin == "config" ? "tocsin.yaml" : "the program")};
  stop_one(key, std::chrono::milliseconds(1'000));
  const auto written = context_.ledger.write([&](ledger::Tables& tables) -> core::Result<void> {
    const auto gone = tables.delete_source(entry->ref.id);
    return gone.ok() ? core::Result<void>() : gone.error();
  });
  if (!written.ok()) return written.error();
  settings_.erase(key);
  context_.board.remove(name);
  return {};
}

void SourceManager::reload_certificates() {
  const core::Lock lock(change_mutex_);
  for (const auto& [name, running] : running_) {
    if (!running.reload) continue;
    if (const auto done = running.reload(); !done.ok())
      core::log(core::LogLevel::kError, "source", name + ": " + done.error().text);
  }
}

}  // namespace tocsin::app
