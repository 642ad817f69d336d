#include <algorithm>
#include <array>
#include <initializer_list>

#include "app/config/keys.h"
#include "decode/decoder.h"

namespace tocsin::app::config {
namespace {

using core::YamlNode;

constexpr std::uint32_t bits(std::initializer_list<std::string_view> kinds) {
  std::uint32_t out = 0;
  for (const std::string_view kind : kinds) {
    std::uint32_t index = 0;
    while (kSourceKinds[index] != kind) ++index;
    out |= 1u << index;
  }
  return out;
}
constexpr std::uint32_t kListens =
    bits({"syslog-udp", "syslog-tcp", "syslog-tls", "elastic", "splunk-hec", "otlp", "lumberjack"});
constexpr std::uint32_t kTls = bits({"syslog-tls", "elastic", "splunk-hec", "otlp", "lumberjack"});
constexpr std::uint32_t kTail = bits({"tail"}), kDrop = bits({"drop"}), kJournald = bits({"journald"}),
                        kKafka = bits({"kafka"}), kNats = bits({"nats"});

void read_format(Reader& reader, const YamlNode& node, SourceSettings& source) {
  std::string name;
  if (!reader.text(node, name)) return;
  if (name.empty() || decode::format_from_name(name)) {
    source.format = name;
    return;
  }
  const std::vector<std::string> formats{"evtx", "windows-xml", "json",       "syslog", "auditd", "journald-export",
                                         "zeek", "csv",         "access-log", "text"};
  const std::string near = nearest(name, formats);
  reader.problem(node, reader.key() + ": there is no format '" + core::clip(name) + "'; " +
                           (near.empty() ? "expected one of " + joined(formats) : "did you mean '" + near + "'?") +
                           " Left out, it is told from the content");
}

// tls: true is tls: {}: with the program's own certificate.
void read_tls(Reader& reader, const YamlNode& node, SourceSettings& source) {
  bool wanted = false;
  if (!reader.boolean(node, wanted)) return;
  if (!wanted && source.kind == "syslog-tls") {
    return reader.problem(node, reader.key() + ": a syslog-tls source has TLS; kind: syslog-tcp is the one without");
  }
  if (wanted && !source.tls) source.tls.emplace();
  if (!wanted) source.tls.reset();
}
TlsConfig& tls_of(SourceSettings& source) { return source.tls ? *source.tls : source.tls.emplace(); }

void read_folder(Reader& reader, const YamlNode& node, SourceSettings& source) {
  std::string folder;
  if (reader.path(node, folder)) source.paths = {folder};
}

void read_urls(Reader& reader, const YamlNode& node, SourceSettings& source) {
  std::vector<std::string> urls;
  if (!reader.list(node, urls)) return;
  for (const std::string& url : urls) {
    if (url.starts_with("nats://") || url.starts_with("tls://")) continue;
    return reader.problem(node, reader.key() +
                                    ": expected addresses such as nats://broker.example.org:4222 or tls://..., found '" +
                                    core::clip(url) + "'");
  }
  if (std::any_of(urls.begin(), urls.end(), [](const std::string& url) { return url.find('@') != std::string::npos; })) {
    return reader.problem(
        node, reader.key() + ": secrets are not written in this file; use user and password_file instead of user:password@");
  }
  source.brokers = std::move(urls);
}

// Options of librdkafka that hold secrets: by file or environment only.
bool is_secret_option(std::string_view option) {
  constexpr std::string_view kSecrets[] = {
      "sasl.password",          "ssl.key.password", "ssl.key.pem", "ssl.keystore.password", "sasl.oauthbearer.client.secret",
      "sasl.oauthbearer.config"};
  return std::find(std::begin(kSecrets), std::end(kSecrets), option) != std::end(kSecrets);
}

void read_option(Reader& reader, const YamlNode& key, const YamlNode& value, SourceSettings& source) {
  const std::string& name = key.text;
  core::Secret secret;
  if (name.ends_with("_file")) {
    if (reader.secret_file(value, secret)) source.secrets[name.substr(0, name.size() - 5)] = std::move(secret);
  } else if (name.ends_with("_env")) {
    if (reader.secret_environment(value, secret)) source.secrets[name.substr(0, name.size() - 4)] = std::move(secret);
  } else if (is_secret_option(name)) {
    reader.problem(key, reader.key() + ": secrets are not written in this file; use " + name + "_file: <path> or " + name +
                            "_env: <NAME>");
  } else if (std::string text; reader.text(value, text)) {
    source.options[name] = std::move(text);
  }
}

void read_options(Reader& reader, const YamlNode& node, SourceSettings& source) {
  if (node.kind != YamlNode::Kind::kMap) {
    return reader.problem(node, reader.key() +
                                    ": expected a map of librdkafka's options, such as {security.protocol: ssl}, found " +
                                    core::describe(node));
  }
  const std::string key = reader.key();
  for (const auto& [name, value] : node.entries) {
    reader.set_key(key + "." + core::clip(name->text));
    read_option(reader, *name, *value, source);
  }
  reader.set_key(key);
}
std::string show_options(const SourceSettings& source) {
  std::vector<std::string> items;
  for (const auto& [name, value] : source.options) items.push_back(name + ": " + value);
  for (const auto& [name, value] : source.secrets) items.push_back(name + ": (set)");
  return joined(items);
}

template <bool kFromFile>
void read_secret(Reader& reader, const YamlNode& node, SourceSettings& source) {
  const std::string& key = reader.key();
  std::string name = key.substr(key.rfind('.') + 1);
  name.erase(name.rfind('_'));
  core::Secret secret;
  if (kFromFile ? reader.secret_file(node, secret) : reader.secret_environment(node, secret))
    source.secrets[name] = std::move(secret);
}

#define SHOW(expression) [](const SourceSettings& s) -> std::string { return expression; }
#define READ(expression) [](Reader& r, const YamlNode& n, SourceSettings& s) { static_cast<void>(expression); }

const std::array<Key<SourceSettings>, 34> kKeys{{
    {"name", READ(r.name(n, s.name)), SHOW(s.name)},
    {"kind", READ(r.text(n, s.kind)), SHOW(s.kind)},
    {"tenant", READ(r.name(n, s.tenant)), SHOW(s.tenant)},
    {"site", READ(r.name(n, s.site)), SHOW(s.site)},
    {"format", read_format, SHOW(s.format)},
    {"enabled", READ(r.boolean(n, s.enabled)), SHOW(shown_bool(s.enabled))},
    {"listen", READ(r.listen(n, s.listen)), SHOW(shown_listen(s.listen)), kListens},
    {"tls", read_tls, SHOW(shown_bool(s.tls.has_value())), kTls},
    {"tls.certificate", READ(r.path(n, tls_of(s).certificate)), SHOW(s.tls ? s.tls->certificate : ""), kTls | kNats},
    {"tls.key", READ(r.path(n, tls_of(s).key)), SHOW(s.tls ? s.tls->key : ""), kTls | kNats},
    {"tls.client_ca", READ(r.path(n, tls_of(s).client_ca)), SHOW(s.tls ? s.tls->client_ca : ""), kTls},
    {"tls.require_client_certificate", READ(r.boolean(n, tls_of(s).require_client_certificate)),
     SHOW(shown_bool(s.tls&& s.tls->require_client_certificate)), kTls},
    {"tls.ca", READ(r.path(n, tls_of(s).client_ca)), SHOW(s.tls ? s.tls->client_ca : ""), kNats},
    {"client_certificates", READ(r.list(n, s.client_certificates)), SHOW(joined(s.client_certificates, "; ")), kTls},
    {"paths", READ(r.paths(n, s.paths)), SHOW(joined(s.paths)), kTail},
    {"exclude_paths", READ(r.paths(n, s.exclude_paths)), SHOW(joined(s.exclude_paths)), kTail},
    {"folder", read_folder, SHOW(joined(s.paths)), kDrop},
    {"from_beginning", READ(r.boolean(n, s.from_beginning)), SHOW(shown_bool(s.from_beginning)), kTail | kJournald},
    {"units", READ(r.list(n, s.units)), SHOW(joined(s.units)), kJournald},
    {"brokers", READ(r.list(n, s.brokers)), SHOW(joined(s.brokers)), kKafka},
    {"topics", READ(r.list(n, s.topics)), SHOW(joined(s.topics)), kKafka},
    {"group", READ(r.text(n, s.group)), SHOW(s.group), kKafka},
    {"options", read_options, show_options, kKafka},
    {"urls", read_urls, SHOW(joined(s.brokers)), kNats},
    {"subjects", READ(r.list(n, s.topics)), SHOW(joined(s.topics)), kNats},
    {"stream", READ(r.text(n, s.stream)), SHOW(s.stream), kNats},
    {"consumer", READ(r.text(n, s.consumer)), SHOW(s.consumer), kNats},
    {"user",
     [](Reader& r, const YamlNode& n, SourceSettings& s) {
       if (std::string user; r.text(n, user)) s.options["user"] = user;
     },
     SHOW(s.options.contains("user") ? s.options.at("user") : ""), kNats},
    {"credentials_file", read_secret<true>, nullptr, kNats},
    {"credentials_env", read_secret<false>, nullptr, kNats},
    {"token_file", read_secret<true>, nullptr, kNats},
    {"token_env", read_secret<false>, nullptr, kNats},
    {"password_file", read_secret<true>, nullptr, kNats},
    {"password_env", read_secret<false>, nullptr, kNats},
}};
#undef SHOW
#undef READ

// The kind decides which keys there are, so it comes first, wherever it stands.
bool read_kind(Reader& reader, const YamlNode& node, SourceSettings& source) {
  const YamlNode* kind = node.find("kind");
  std::vector<std::string> kinds(std::begin(kSourceKinds), std::end(kSourceKinds));
  reader.set_key("sources.kind");
  if (kind == nullptr) {
    reader.problem(node, "this source has no kind; expected kind: and one of " + joined(kinds));
    return false;
  }
  if (!reader.text(*kind, source.kind)) return false;
  if (kind_bit(source.kind) != 0) return true;
  const std::string near = nearest(source.kind, kinds);
  reader.problem(*kind, "there is no kind of source '" + core::clip(source.kind) + "'; " +
                            (near.empty() ? "expected one of " + joined(kinds) : "did you mean '" + near + "'?"));
  return false;
}

void read_source(Reader& reader, Origins& origins, const YamlNode& node, std::map<std::string, std::uint32_t>& names,
                 std::vector<SourceSettings>& sources) {
  if (node.kind != YamlNode::Kind::kMap) {
    return reader.problem(node, "sources: expected a map with name and kind, found " + core::describe(node));
  }
  SourceSettings source;
  source.line = node.line;
  if (!read_kind(reader, node, source)) return;
  const YamlNode* name = node.find("name");
  if (name == nullptr)
    return reader.problem(node, "this " + source.kind + " source has no name; expected name: and a word of your choice");
  reader.set_key("sources.name");
  if (!reader.name(*name, source.name)) return;
  if (const auto [other, is_new] = names.emplace(source.name, name->line); !is_new) {
    return reader.problem(*name, "there is a source '" + source.name + "' already, in line " +
                                     std::to_string(other->second) + "; each needs a name of its own");
  }
  if (source.kind == "kafka") source.group = "tocsin";
  if (source.kind == "nats") source.consumer = "tocsin";
  const bool tls_map = node.find("tls") != nullptr && node.find("tls")->kind == YamlNode::Kind::kMap;
  const bool may = (kind_bit(source.kind) & (kTls | kNats)) != 0;
  if ((tls_map && may) || source.kind == "syslog-tls") source.tls.emplace();
  Walker<SourceSettings>(reader, origins, kKeys, "sources." + source.name + ".", "a " + source.kind + " source",
                         kind_bit(source.kind))
      .read(node, source);
  sources.push_back(std::move(source));
}

}  // namespace

std::span<const Key<SourceSettings>> source_keys() { return kKeys; }

std::uint32_t kind_bit(std::string_view kind) {
  const auto* const at = std::find(std::begin(kSourceKinds), std::end(kSourceKinds), kind);
  return at == std::end(kSourceKinds) ? 0 : 1u << (at - std::begin(kSourceKinds));
}
bool takes(std::string_view kind, std::string_view key) {
  return std::any_of(kKeys.begin(), kKeys.end(), [&](const Key<SourceSettings>& each) {
    return each.name == key && (each.kinds & kind_bit(kind)) != 0;
  });
}

void read_sources(Reader& reader, Origins& origins, const YamlNode& node, std::vector<SourceSettings>& sources) {
  if (node.kind == YamlNode::Kind::kNull) return;
  if (node.kind != YamlNode::Kind::kList) {
    return reader.problem(node,
                          "sources: expected a list, each item beginning with '- name:', found " + core::describe(node));
  }
  if (node.items.size() > kMaxListItems)
    return reader.problem(node, "sources: more than " + std::to_string(kMaxListItems) + " of them");
  std::map<std::string, std::uint32_t> names;
  for (const YamlNode* item : node.items) read_source(reader, origins, *item, names, sources);
}

}  // namespace tocsin::app::config
