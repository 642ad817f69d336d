#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "app/certificate.h"
#include "app/config/keys.h"

namespace tocsin::app::config {
namespace {

// Who listens where, in the order of the file.
struct Listener {
  const ListenConfig* at = nullptr;
  bool udp = false;
  std::string who;
  Place place;
};

bool any_address(const std::string& address) { return address == "0.0.0.0" || address == "::"; }
bool clash(const Listener& a, const Listener& b) {
  return a.udp == b.udp && a.at->port == b.at->port &&
         (a.at->address == b.at->address || any_address(a.at->address) || any_address(b.at->address));
}

void check_listeners(Reader& reader, const std::vector<Listener>& listeners) {
  std::map<std::uint16_t, std::vector<const Listener*>> by_port;
  for (const Listener& listener : listeners) {
    if (listener.at->port == 0) continue;
    std::vector<const Listener*>& others = by_port[listener.at->port];
    bool clashes = false;
    for (const Listener* other : others) {
      clashes = clash(listener, *other);
      if (!clashes) continue;
      reader.problem_at(listener.place, listener.who + " cannot listen on " + shown_listen(*listener.at) +
                                            (listener.udp ? " (udp)" : " (tcp)") + ": " + other->who + " does, on " +
                                            shown_listen(*other->at) + " (" + other->place.shown() +
                                            "); give one of them another port");
      break;
    }
    if (!clashes) others.push_back(&listener);  // At most one for each address and kind.
  }
}

std::string usual_listen(std::string_view kind) {
  if (kind == "syslog-tls") return "0.0.0.0:6514";
  if (kind == "elastic") return "0.0.0.0:9200";
  if (kind == "splunk-hec") return "0.0.0.0:8088";
  if (kind == "otlp") return "0.0.0.0:4318";
  if (kind == "lumberjack") return "0.0.0.0:5044";
  return "0.0.0.0:514";
}

struct SourceCheck {
  Reader& reader;
  const Origins& origins;
  const SourceSettings& source;
  Place whole;

  [[nodiscard]] std::string prefix() const { return "sources." + source.name + "."; }
  [[nodiscard]] bool given(const std::string& key) const { return origins.contains(prefix() + key); }
  // `key` must have been given.
  void need(const std::string& key, bool there, const std::string& example) const {
    if (there) return;
    const std::string text =
        given(key) ? prefix() + key + " is empty" : "the " + source.kind + " source '" + source.name + "' has no " + key;
    reader.problem_at(place_of_key(origins, prefix() + key, whole), text + "; expected for example " + key + ": " + example);
  }
};

void check_source(const SourceCheck& check) {
  const SourceSettings& source = check.source;
  if (takes(source.kind, "listen")) check.need("listen", check.given("listen"), usual_listen(source.kind));
  if (source.kind == "tail") check.need("paths", !source.paths.empty(), "[/var/log/*.log]");
  if (source.kind == "drop") check.need("folder", !source.paths.empty() && !source.paths[0].empty(), "/var/lib/tocsin/drop");
  if (source.kind == "kafka") {
    check.need("brokers", !source.brokers.empty(), "[broker.example.org:9092]");
    check.need("topics", !source.topics.empty(), "[logs]");
    check.need("group", !source.group.empty(), "tocsin");
  }
  if (source.kind == "nats") {
    check.need("urls", !source.brokers.empty(), "[nats://broker.example.org:4222]");
    check.need("stream", !source.stream.empty(), "LOGS");
    check.need("consumer", !source.consumer.empty(), "tocsin");
    if (check.given("password_file") || check.given("password_env"))
      check.need("user", source.options.contains("user"), "tocsin");
  }
  for (const char* secret : {"credentials", "token", "password"}) {
    const std::string name = secret;
    if (!check.given(name + "_file") || !check.given(name + "_env")) continue;
    check.reader.problem_at(place_of_key(check.origins, check.prefix() + name + "_env", check.whole),
                            check.prefix() + name + "_file and " + name + "_env are both given; leave one out");
  }
  if (!source.client_certificates.empty() && (!source.tls || source.tls->client_ca.empty())) {
    check.reader.problem_at(
        place_of_key(check.origins, check.prefix() + "client_certificates", check.whole),
        check.prefix() +
            "client_certificates needs tls.client_ca: the authority that the certificates are verified against");
  }
}

bool listens(const SourceSettings& source) {
  return source.enabled && takes(source.kind, "listen") && !source.listen.address.empty();
}

// A file that is named must be there. Answers whether it is.
bool check_file(Reader& reader, const Place& place, const std::string& key, const std::string& path) {
  if (path.empty()) return true;
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || (S_ISREG(status.st_mode) && ::access(path.c_str(), R_OK) != 0)) {
    reader.problem_at(place, key + ": cannot read " + path + ": " + std::strerror(errno));
  } else if (!S_ISREG(status.st_mode)) {
    reader.problem_at(place, key + ": " + path + " is not a file");
  } else {
    return true;
  }
  return false;
}

void check_tls(Reader& reader, const Origins& origins, const TlsConfig& tls, const std::string& prefix, const Place& whole) {
  const auto place = [&](const char* key) { return place_of_key(origins, prefix + key, whole); };
  const bool certificate = check_file(reader, place("certificate"), prefix + "certificate", tls.certificate);
  const bool key = check_file(reader, place("key"), prefix + "key", tls.key);
  const bool server = !origins.contains(prefix + "ca");
  check_file(reader, place(server ? "client_ca" : "ca"), prefix + (server ? "client_ca" : "ca"), tls.client_ca);
  if (tls.certificate.empty() != tls.key.empty()) {
    const bool has_key = tls.certificate.empty();
    reader.problem_at(place(has_key ? "key" : "certificate"),
                      prefix + (has_key ? "key is given without its certificate" : "certificate is given without its key") +
                          "; both or neither");
  } else if (certificate && key && !tls.certificate.empty()) {
    if (const core::Result<void> pair = check_certificate_pair(tls.certificate, tls.key); !pair.ok()) {
      reader.problem_at(place("certificate"), prefix + "certificate: " + pair.error().text);
    }
    struct stat status{};
    if (::stat(tls.key.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0) {
      reader.problem_at(place("key"),
                        prefix + "key: everyone on this host may read " + tls.key + "; run: chmod o= " + tls.key, false);
    }
  }
  if (tls.require_client_certificate && tls.client_ca.empty()) {
    reader.problem_at(place("require_client_certificate"),
                      prefix + "require_client_certificate needs " + prefix +
                          "client_ca: the authority that client certificates are verified against");
  }
}

void check_folders(Reader& reader, const Config& config, const Origins& origins) {
  const Place place = place_of_key(origins, "rules.folders", {config.path, 0, 0});
  for (std::size_t i = 0; i < config.rules.folders.size(); ++i) {
    std::error_code error;
    const std::string& folder = config.rules.folders[i];
    if (std::filesystem::is_directory(folder, error)) continue;
    if (i == 0 && !std::filesystem::exists(folder, error)) continue;  // Made when the first rule is written there.
    reader.problem_at(place, "rules.folders: there is no folder " + folder);
  }
  std::error_code error;
  if (std::filesystem::exists(config.folder, error) && !std::filesystem::is_directory(config.folder, error)) {
    reader.problem_at(place_of_key(origins, "data.folder", {config.path, 0, 0}),
                      "data.folder: " + config.folder + " is not a folder");
  }
}

}  // namespace

Place place_of_key(const Origins& origins, const std::string& key, const Place& otherwise) {
  const auto at = origins.find(key);
  return at == origins.end() ? otherwise : at->second;
}

void check_sources(Reader& reader, const Config& config, const Origins& origins) {
  std::vector<Listener> listeners{
      {&config.listen, false, "the console and API (listen)", place_of_key(origins, "listen", {"default", 0, 0})}};
  for (const SourceSettings& source : config.sources) {
    const Place whole{config.path, source.line, 1};
    check_source({reader, origins, source, whole});
    if (!listens(source)) continue;
    listeners.push_back({&source.listen, source.kind == "syslog-udp", "the source '" + source.name + "'",
                         place_of_key(origins, "sources." + source.name + ".listen", whole)});
  }
  check_listeners(reader, listeners);
}

void check_notify(Reader& reader, const Config& config, const Origins& origins) {
  const NotifyConfig& notify = config.notify;
  const auto problem = [&](const char* key, const std::string& text) {
    reader.problem_at(place_of_key(origins, key, {config.path, 0, 0}), text);
  };
  if (!notify.server.empty() && notify.from.empty())
    problem("notify.smtp.server", "notify.smtp.from is missing: the address that mail comes from, as tocsin@example.org");
  if (notify.user.empty() != notify.password.empty()) {
    problem("notify.smtp.user", notify.user.empty()
                                    ? "notify.smtp.user is missing: a password is given"
                                    : "notify.smtp.password_file or password_env is missing: a user is given");
  }
  if (origins.contains("notify.smtp.password_file") && origins.contains("notify.smtp.password_env"))
    problem("notify.smtp.password_env", "notify.smtp.password_file and password_env are both given; leave one out");
  if (!notify.password.empty() && notify.tls == "none")
    problem("notify.smtp.tls", "notify.smtp.tls: none would send the password for all to read; use starttls or tls");
  check_file(reader, place_of_key(origins, "notify.ca", {config.path, 0, 0}), "notify.ca", notify.ca);
}

void check_files(Reader& reader, const Config& config, const Origins& origins) {
  check_tls(reader, origins, config.tls, "tls.", {config.path, 0, 0});
  for (const SourceSettings& source : config.sources) {
    if (source.tls)
      check_tls(reader, origins, *source.tls, "sources." + source.name + ".tls.", {config.path, source.line, 1});
  }
  check_file(reader, place_of_key(origins, "store.engine_library", {config.path, 0, 0}), "store.engine_library",
             config.engine_library);
  check_folders(reader, config, origins);
}

}  // namespace tocsin::app::config
