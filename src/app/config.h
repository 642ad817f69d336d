// What an operator may say in tocsin.yaml, with defaults: read once at the start. Plain data.
//
// Secrets are never in the file: a key that takes one is `<key>_file: path` or `<key>_env: NAME`. Everything is optional.
// Reference with an example: docs/configuration.md.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/secret.h"

namespace tocsin::app {

struct TlsConfig {
  std::string certificate, key, client_ca;  // PEM files; certificate empty: the program's own self-signed one.
  bool require_client_certificate = false;
};
struct ListenConfig {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
};
// sources: a list; which keys a kind takes is checked (docs/configuration.md).
struct SourceSettings {
  std::string name, kind;  // kind: syslog-udp, syslog-tcp, syslog-tls, elastic, splunk-hec, otlp, lumberjack, tail, drop,
                           // journald, kafka, nats.
  std::string tenant = "default", site = "main", format;  // format empty: told from the content.
  bool enabled = true;
  ListenConfig listen;
  std::optional<TlsConfig> tls;
  std::vector<std::string> client_certificates;   // Subjects (RFC 2253) that are this source.
  std::vector<std::string> paths, exclude_paths;  // tail, drop: globs; the folder.
  bool from_beginning = true;                     // tail, journald: of what is there when it is first seen.
  std::vector<std::string> units;                 // journald: only these.
  std::vector<std::string> brokers, topics;       // kafka; nats: brokers are its URLs, topics its subjects.
  std::string group, stream, consumer;            // kafka; nats.
  std::map<std::string, std::string> options;     // kafka: passed to the client.
  std::map<std::string, core::Secret> secrets;    // kafka: option -> value; nats: "credentials", "token" ...
  std::uint32_t line = 0;                         // In the file; 0: not from there.
};
struct RulesConfig {
  bool builtin = true;
  std::vector<std::string>
      folders;  // The user's own and packages; the first is where the API writes. Default: <data>/rules.
  std::map<std::string, std::vector<std::string>> variables;  // For |expand.
  // Of the program itself: path and text. Not from the file.
  std::vector<std::pair<std::string, std::string>> own;
};
// How notifications leave: notify.
struct NotifyConfig {
  std::string server;  // Of mail; empty: none.
  std::uint16_t port = 587;
  std::string from, user;
  core::Secret password;
  std::string tls = "starttls";  // "tls": from the first byte; "none".
  std::string ca;                // PEM file of authorities, instead of the system's.
  bool allow_loopback = false;   // Webhooks to this host itself, with http too.
};
struct TriageConfig {
  std::string folder;  // The user's rules/*.yml and tasks.yml. Default: <data>/triage; need not be there.
  bool automatic_close = false;
};
struct Config {
  std::string path;    // Of the file; empty: none.
  std::string folder;  // data.folder: journal, store, ledger, keys. Default: ./var, or /var/lib/tocsin where packaged.
  ListenConfig listen{"127.0.0.1", 8443};
  TlsConfig tls;
  std::string public_url;  // For links in messages; empty: of `listen`.
  std::uint64_t journal_max_bytes = 4ull << 30, journal_min_free_bytes = 256u << 20;
  std::chrono::milliseconds journal_commit_delay{5};
  std::string engine_library;
  std::uint64_t store_memory_bytes = 600u << 20;
  unsigned retention_days = 90;
  std::uint64_t retention_max_bytes = 0;                     // 0: retention_disk_percent.
  unsigned retention_disk_percent = 70;                      // Of the file system, used by the store.
  std::chrono::seconds lateness{5};                          // How long correlations wait for late events.
  double finding_burst = 10'000, findings_per_second = 100;  // Of one rule about one source, that are stored.
  bool watch_host = true;                                    // This host's own logs, and Tocsin's audit trail.
  RulesConfig rules;
  NotifyConfig notify;
  TriageConfig triage;
  std::vector<SourceSettings> sources;
  std::chrono::minutes session_idle{720};
  double api_requests_per_second = 100;  // An address.
  bool metrics_public = false;           // Else only from loopback, or with health.read.
};

struct ConfigProblem {
  std::string path;
  std::uint32_t line = 0, column = 0;
  std::string message;  // What is there, what was expected, what to do; a near name where one is.
  bool fatal = true;    // Else a warning (a file others may read ...).
};
// One value as it counts, for `config show`.
struct ConfigValue {
  std::string key, value;  // Secrets show as "(set)".
  std::string origin;      // "default", "tocsin.yaml:12", "environment TOCSIN_LISTEN", "command line".
};
struct LoadedConfig {
  Config config;
  std::vector<ConfigProblem> problems;
  std::vector<ConfigValue> values;
  [[nodiscard]] bool usable() const;
};

// Reads the file at `path`; empty: tocsin.yaml in the current folder, else /etc/tocsin/tocsin.yaml, else defaults.
// `overrides`: "key=value" of the command line, by the dotted names that `config show` prints; they win over TOCSIN_<KEY> in
// the environment (dots as _), which wins over the file.
LoadedConfig load_config(const std::string& path, const std::vector<std::string>& overrides);

// Where people find the server, without a slash at its end: public_url, else of `listen` with this port.
std::string base_url(const Config& config, std::uint16_t port);

// "tocsin.yaml:12:3: message", on one line.
std::string format_problem(const ConfigProblem& problem);

// The `config check` and `config show` commands: 0, or 1 where there is a problem.
int run_config_command(const std::vector<std::string>& arguments);

}  // namespace tocsin::app
