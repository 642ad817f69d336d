#include "app/config/keys.h"

#include <array>

#include "notify/message.h"

namespace tocsin::app::config {
namespace {

using core::YamlNode;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr std::uint64_t kMega = 1ull << 20, kTera = 1ull << 40;
constexpr milliseconds kDay = 24h;

template <class Duration>
void read_duration(Reader& reader, const YamlNode& node, Duration min, Duration max, Duration& out) {
  milliseconds value{};
  if (!reader.duration(node, min, max, value)) return;
  if (value % Duration(1) != 0ms) {
    return reader.problem(node, reader.key() + ": expected whole units of " + shown_duration(Duration(1)));
  }
  out = std::chrono::duration_cast<Duration>(value);
}

void read_public_url(Reader& reader, const YamlNode& node, Config& config) {
  std::string url;
  if (!reader.text(node, url)) return;
  const bool well = url.starts_with("https://") || url.starts_with("http://");
  if (!url.empty() && (!well || url.find_first_of(" \t\r\n\"<>") != std::string::npos)) {
    return reader.problem(node, reader.key() + ": expected an address such as https://tocsin.example.org:8443, found '" +
                                    core::clip(url) + "'");
  }
  while (url.ends_with('/')) url.pop_back();
  config.public_url = url;
}

void read_mail_server(Reader& reader, const YamlNode& node, Config& config) {
  std::string host;
  if (!reader.text(node, host)) return;
  const bool well = host.size() <= 253 && host.find_first_not_of(
                                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789.-:") == std::string::npos;
  if (!well) return reader.problem(node, reader.key() + ": expected the name or address of a mail server, without its port");
  config.notify.server = std::move(host);
}
void read_mail_port(Reader& reader, const YamlNode& node, Config& config) {
  std::uint64_t port = 0;
  if (reader.number(node, {1, 65'535}, port)) config.notify.port = static_cast<std::uint16_t>(port);
}
void read_mail_from(Reader& reader, const YamlNode& node, Config& config) {
  std::string from;
  if (!reader.text(node, from)) return;
  if (const auto good = notify::check_address(from); !from.empty() && !good.ok())
    return reader.problem(node, reader.key() + ": " + good.error().text);
  config.notify.from = std::move(from);
}
void read_mail_tls(Reader& reader, const YamlNode& node, Config& config) {
  std::string tls;
  if (!reader.text(node, tls)) return;
  if (tls != "starttls" && tls != "tls" && tls != "none")
    return reader.problem(
        node, reader.key() + ": expected starttls, tls (from the first byte on) or none, found '" + core::clip(tls) + "'");
  config.notify.tls = std::move(tls);
}
std::string show_mail_password(const Config& config) { return config.notify.password.empty() ? "" : "(set)"; }

void read_retention(Reader& reader, const YamlNode& node, Config& config) {
  milliseconds value{};
  if (!reader.duration(node, 0ms, kDay * 36'500, value)) return;
  if (value % kDay != 0ms) return reader.problem(node, reader.key() + ": expected whole days, such as 90d (0: for ever)");
  config.retention_days = static_cast<unsigned>(value / kDay);
}

void read_variables(Reader& reader, const YamlNode& node, Config& config) {
  if (node.kind != YamlNode::Kind::kMap) {
    return reader.problem(node, reader.key() +
                                    ": expected a map of names and values, such as {admins: [root, alice]}, found " +
                                    core::describe(node));
  }
  const std::string key = reader.key();
  for (const auto& [name, value] : node.entries) {
    reader.set_key(key + "." + core::clip(name->text));
    if (std::vector<std::string> values; reader.list(*value, values)) config.rules.variables[name->text] = std::move(values);
  }
  reader.set_key(key);
}
std::string show_variables(const Config& config) {
  std::vector<std::string> items;
  for (const auto& [name, values] : config.rules.variables) items.push_back(name + ": [" + joined(values) + "]");
  return joined(items);
}

std::string shown_decimal(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

#define SHOW(expression) [](const Config& c) -> std::string { return expression; }
#define READ(expression) [](Reader& r, const YamlNode& n, Config& c) { static_cast<void>(expression); }

// In the order of `config show`. Keys of one map stand together.
const auto kKeys = std::to_array<Key<Config>>({
    {"data.folder", READ(r.path(n, c.folder)), SHOW(c.folder)},
    {"listen", READ(r.listen(n, c.listen)), SHOW(shown_listen(c.listen))},
    {"public_url", read_public_url, SHOW(c.public_url)},
    {"tls.certificate", READ(r.path(n, c.tls.certificate)), SHOW(c.tls.certificate)},
    {"tls.key", READ(r.path(n, c.tls.key)), SHOW(c.tls.key)},
    {"tls.client_ca", READ(r.path(n, c.tls.client_ca)), SHOW(c.tls.client_ca)},
    {"tls.require_client_certificate", READ(r.boolean(n, c.tls.require_client_certificate)),
     SHOW(shown_bool(c.tls.require_client_certificate))},
    {"session.idle", READ(read_duration(r, n, std::chrono::minutes(1), std::chrono::minutes(30 * 24 * 60), c.session_idle)),
     SHOW(shown_duration(c.session_idle))},
    {"api.requests_per_second", READ(r.decimal(n, 1e6, c.api_requests_per_second)),
     SHOW(shown_decimal(c.api_requests_per_second))},
    {"metrics.public", READ(r.boolean(n, c.metrics_public)), SHOW(shown_bool(c.metrics_public))},
    {"journal.max_size", READ(r.bytes(n, {64 * kMega, 1'024 * kTera}, c.journal_max_bytes)),
     SHOW(shown_bytes(c.journal_max_bytes))},
    {"journal.min_free", READ(r.bytes(n, {0, 1'024 * kTera}, c.journal_min_free_bytes)),
     SHOW(shown_bytes(c.journal_min_free_bytes))},
    {"journal.commit_delay", READ(r.duration(n, 0ms, 1'000ms, c.journal_commit_delay)),
     SHOW(shown_duration(c.journal_commit_delay))},
    {"store.engine_library", READ(r.path(n, c.engine_library)), SHOW(c.engine_library)},
    {"store.memory", READ(r.bytes(n, {256 * kMega, 4 * kTera}, c.store_memory_bytes)),
     SHOW(shown_bytes(c.store_memory_bytes))},
    {"retention.age", read_retention, SHOW(c.retention_days == 0 ? "0" : std::to_string(c.retention_days) + "d")},
    {"retention.max_size", READ(r.bytes(n, {0, 1'024 * kTera}, c.retention_max_bytes)),
     SHOW(shown_bytes(c.retention_max_bytes))},
    {"retention.disk_percent", READ(r.percent(n, {1, 95}, c.retention_disk_percent)),
     SHOW(std::to_string(c.retention_disk_percent))},
    {"detect.lateness", READ(read_duration(r, n, std::chrono::seconds(0), std::chrono::seconds(3'600), c.lateness)),
     SHOW(shown_duration(c.lateness))},
    {"detect.finding_burst", READ(r.decimal(n, 1e9, c.finding_burst)), SHOW(shown_decimal(c.finding_burst))},
    {"detect.findings_per_second", READ(r.decimal(n, 1e6, c.findings_per_second)),
     SHOW(shown_decimal(c.findings_per_second))},
    {"rules.builtin", READ(r.boolean(n, c.rules.builtin)), SHOW(shown_bool(c.rules.builtin))},
    {"rules.folders", READ(r.paths(n, c.rules.folders)), SHOW(joined(c.rules.folders))},
    {"rules.variables", read_variables, show_variables},
    {"notify.smtp.server", read_mail_server, SHOW(c.notify.server)},
    {"notify.smtp.port", read_mail_port, SHOW(std::to_string(c.notify.port))},
    {"notify.smtp.tls", read_mail_tls, SHOW(c.notify.tls)},
    {"notify.smtp.from", read_mail_from, SHOW(c.notify.from)},
    {"notify.smtp.user", READ(r.text(n, c.notify.user)), SHOW(c.notify.user)},
    {"notify.smtp.password_file", READ(r.secret_file(n, c.notify.password)), show_mail_password},
    {"notify.smtp.password_env", READ(r.secret_environment(n, c.notify.password)), show_mail_password},
    {"notify.webhook.allow_loopback", READ(r.boolean(n, c.notify.allow_loopback)),
     SHOW(shown_bool(c.notify.allow_loopback))},
    {"notify.ca", READ(r.path(n, c.notify.ca)), SHOW(c.notify.ca)},
    {"triage.folder", READ(r.path(n, c.triage.folder)), SHOW(c.triage.folder)},
    {"triage.automatic_close", READ(r.boolean(n, c.triage.automatic_close)), SHOW(shown_bool(c.triage.automatic_close))},
    {"watch_host", READ(r.boolean(n, c.watch_host)), SHOW(shown_bool(c.watch_host))},
    {"sources", [](Reader&, const YamlNode&, Config&) {}, SHOW(std::to_string(c.sources.size()))},  // Read by read_sources.
});
#undef SHOW
#undef READ

}  // namespace

std::span<const Key<Config>> config_keys() { return kKeys; }

}  // namespace tocsin::app::config
