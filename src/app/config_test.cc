#include "app/config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "app/certificate.h"
#include "testing/paths.h"
#include "testing/temporary_folder.h"

namespace tocsin::app {
namespace {

using namespace std::chrono_literals;

class ConfigTest : public ::testing::Test {
 protected:
  // Whatever the environment of the tests sets is not what they are about.
  static void SetUpTestSuite() {
    std::vector<std::string> names;
    for (char** at = environ; *at != nullptr; ++at) {
      const std::string entry = *at;
      if (entry.starts_with("TOCSIN_")) names.push_back(entry.substr(0, entry.find('=')));
    }
    for (const std::string& name : names) ::unsetenv(name.c_str());
  }
  LoadedConfig load(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return load_config(folder_.write("tocsin.yaml", text), overrides);
  }
  // All problems of `text`, a line each, without the path.
  std::string problems(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return shown(load(text, overrides));
  }
  std::string shown(const LoadedConfig& loaded) {
    std::string out;
    const std::string folder = folder_.path().string() + "/";
    for (const ConfigProblem& problem : loaded.problems) {
      std::string line = format_problem(problem);
      for (std::size_t at = 0; (at = line.find(folder, at)) != std::string::npos;) line.erase(at, folder.size());
      out += (out.empty() ? "" : "\n") + line;
    }
    return out;
  }
  static std::string origin(const LoadedConfig& loaded, const std::string& key) {
    for (const ConfigValue& value : loaded.values) {
      if (value.key == key) return value.value + " # " + value.origin;
    }
    return "absent";
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_.path() / name).string(); }

  testing::TemporaryFolder folder_;
};

class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Environment() { ::unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

TEST_F(ConfigTest, AnEmptyFileGivesTheDefaults) {
  for (const char* text : {"", "# only a comment\n", "---\n", "data:\nlisten:\n"}) {
    const LoadedConfig loaded = load(text);
    EXPECT_TRUE(loaded.usable()) << shown(loaded);
    EXPECT_EQ(loaded.config.listen.address, "127.0.0.1");
    EXPECT_EQ(loaded.config.listen.port, 8443);
    EXPECT_EQ(loaded.config.folder, std::filesystem::absolute("var").string());
    EXPECT_EQ(loaded.config.retention_days, 90u);
    EXPECT_EQ(loaded.config.rules.folders, std::vector<std::string>{loaded.config.folder + "/rules"});
    EXPECT_EQ(origin(loaded, "listen"), "127.0.0.1:8443 # default");
  }
}

TEST_F(ConfigTest, ReadsEveryKey) {
  const LoadedConfig loaded = load(
      "data: {folder: data}\n"
      "listen: '[::1]:9443'\n"
      "public_url: https://soc.example.org/\n"
      "session: {idle: 90m}\n"
      "api: {requests_per_second: 12.5}\n"
      "metrics: {public: yes}\n"
      "journal: {max_size: 2GB, min_free: 0, commit_delay: 20ms}\n"
      "store: {memory: 1 GiB}\n"
      "retention: {age: 4w, max_size: 1TB, disk_percent: 50%}\n"
      "detect: {lateness: 2m, finding_burst: 500, findings_per_second: 2.5}\n"
      "rules:\n"
      "  builtin: false\n"
      "  folders: [mine]\n"
      "  variables: {admins: [root, alice], one: x}\n"
      "watch_host: off\n");
  ASSERT_TRUE(loaded.usable()) << shown(loaded);
  const Config& config = loaded.config;
  EXPECT_EQ(config.folder, at("data"));
  EXPECT_EQ(config.listen.address, "::1");
  EXPECT_EQ(config.listen.port, 9443);
  EXPECT_EQ(config.public_url, "https://soc.example.org");
  EXPECT_EQ(config.session_idle, 90min);
  EXPECT_EQ(config.api_requests_per_second, 12.5);
  EXPECT_TRUE(config.metrics_public);
  EXPECT_EQ(config.journal_max_bytes, 2ull << 30);
  EXPECT_EQ(config.journal_min_free_bytes, 0u);
  EXPECT_EQ(config.journal_commit_delay, 20ms);
  EXPECT_EQ(config.store_memory_bytes, 1ull << 30);
  EXPECT_EQ(config.retention_days, 28u);
  EXPECT_EQ(config.retention_max_bytes, 1ull << 40);
  EXPECT_EQ(config.retention_disk_percent, 50u);
  EXPECT_EQ(config.lateness, 120s);
  EXPECT_EQ(config.finding_burst, 500);
  EXPECT_EQ(config.findings_per_second, 2.5);
  EXPECT_FALSE(config.rules.builtin);
  EXPECT_EQ(config.rules.folders, std::vector<std::string>{at("mine")});
  EXPECT_EQ(config.rules.variables.at("admins"), (std::vector<std::string>{"root", "alice"}));
  EXPECT_EQ(config.rules.variables.at("one"), std::vector<std::string>{"x"});
  EXPECT_FALSE(config.watch_host);
  EXPECT_EQ(origin(loaded, "listen"), "[::1]:9443 # tocsin.yaml:2");
  EXPECT_EQ(origin(loaded, "journal.max_size"), "2GB # tocsin.yaml:7");
  EXPECT_EQ(origin(loaded, "retention.age"), "28d # tocsin.yaml:9");
  EXPECT_EQ(origin(loaded, "api.requests_per_second"), "12.5 # tocsin.yaml:5");
}

TEST_F(ConfigTest, ReadsSourcesOfEveryKind) {
  folder_.write("kafka.password", "s3cret\n");
  ::chmod(at("kafka.password").c_str(), 0600);
  const Environment token("TEST_NATS_TOKEN", "abc");
  const LoadedConfig loaded = load(
      "sources:\n"
      "  - {name: fw, kind: syslog-udp, listen: '0.0.0.0:514', tenant: north, site: dc1, format: syslog}\n"
      "  - {name: tcp, kind: syslog-tcp, listen: '0.0.0.0:514'}\n"
      "  - {name: tls, kind: syslog-tls, listen: '0.0.0.0:6514', enabled: false}\n"
      "  - {name: es, kind: elastic, listen: 'localhost:9200', tls: true}\n"
      "  - {name: hec, kind: splunk-hec, listen: '127.0.0.1:8088', tls: {}}\n"
      "  - {name: otel, kind: otlp, listen: '127.0.0.1:4318', tls: no}\n"
      "  - {name: beats, kind: lumberjack, listen: '127.0.0.1:5044'}\n"
      "  - {name: web, kind: tail, paths: [/var/log/nginx/*.log, logs/*], exclude_paths: /var/log/nginx/old*, "
      "from_beginning: false}\n"
      "  - {name: in, kind: drop, folder: in}\n"
      "  - {name: host, kind: journald, units: [ssh.service]}\n"
      "  - name: bus\n"
      "    kind: kafka\n"
      "    brokers: ['b1:9092', 'b2:9092']\n"
      "    topics: logs\n"
      "    options: {security.protocol: SASL_SSL, sasl.username: tocsin, sasl.password_file: kafka.password}\n"
      "  - name: stream\n"
      "    kind: nats\n"
      "    urls: [tls://n1:4222]\n"
      "    subjects: [logs.>]\n"
      "    stream: LOGS\n"
      "    token_env: TEST_NATS_TOKEN\n");
  ASSERT_TRUE(loaded.usable()) << shown(loaded);
  EXPECT_TRUE(loaded.problems.empty()) << shown(loaded);
  const std::vector<SourceSettings>& sources = loaded.config.sources;
  ASSERT_EQ(sources.size(), 12u);
  EXPECT_EQ(sources[0].tenant, "north");
  EXPECT_EQ(sources[0].site, "dc1");
  EXPECT_EQ(sources[0].format, "syslog");
  EXPECT_EQ(sources[0].listen.port, 514);
  EXPECT_EQ(sources[0].line, 2u);
  EXPECT_FALSE(sources[2].enabled);
  EXPECT_TRUE(sources[2].tls.has_value());
  EXPECT_TRUE(sources[3].tls.has_value());
  EXPECT_EQ(sources[3].listen.address, "127.0.0.1");
  EXPECT_TRUE(sources[4].tls.has_value());
  EXPECT_FALSE(sources[5].tls.has_value());
  EXPECT_EQ(sources[7].paths, (std::vector<std::string>{"/var/log/nginx/*.log", at("logs/*")}));
  EXPECT_FALSE(sources[7].from_beginning);
  EXPECT_EQ(sources[8].paths, std::vector<std::string>{at("in")});
  EXPECT_EQ(sources[9].units, std::vector<std::string>{"ssh.service"});
  EXPECT_EQ(sources[10].group, "tocsin");
  EXPECT_EQ(sources[10].options.at("sasl.username"), "tocsin");
  EXPECT_FALSE(sources[10].options.contains("sasl.password_file"));
  EXPECT_EQ(sources[10].secrets.at("sasl.password").reveal(), "s3cret");
  EXPECT_EQ(sources[11].brokers, std::vector<std::string>{"tls://n1:4222"});
  EXPECT_EQ(sources[11].topics, std::vector<std::string>{"logs.>"});
  EXPECT_EQ(sources[11].secrets.at("token").reveal(), "abc");
  EXPECT_EQ(origin(loaded, "sources.stream.token_env"), "(set) # tocsin.yaml:22");
  for (const ConfigValue& value : loaded.values) EXPECT_EQ(value.value.find("s3cret"), std::string::npos) << value.key;
}

TEST_F(ConfigTest, NamesTheNearestKey) {
  EXPECT_EQ(problems("lisen: 127.0.0.1:1\n"),
            "tocsin.yaml:1:1: the configuration has no key 'lisen'; did you mean 'listen'?");
  EXPECT_EQ(problems("journal:\n  max_sise: 4GB\n"),
            "tocsin.yaml:2:3: the configuration has no key 'journal.max_sise'; did you mean 'journal.max_size'?");
  EXPECT_EQ(problems("folder: x\n"),
            "tocsin.yaml:1:1: the configuration has no key 'folder'; 'folder' belongs into the map 'data'");
  EXPECT_EQ(problems("store:\n  quite_other: 1\n"),
            "tocsin.yaml:2:3: the configuration has no key 'store.quite_other'; expected one of engine_library, memory");
}

TEST_F(ConfigTest, NamesWhatAKindOfSourceTakes) {
  EXPECT_EQ(problems("sources:\n- {name: a, kind: syslog-udb, listen: '0.0.0.0:1'}\n"),
            "tocsin.yaml:2:19: there is no kind of source 'syslog-udb'; did you mean 'syslog-udp'?");
  EXPECT_EQ(
      problems("sources:\n- {name: a, kind: tail, paths: [/a], listen: '0.0.0.0:1'}\n"),
      "tocsin.yaml:2:38: a tail source has no key 'listen'; it takes name, kind, tenant, site, format, enabled, paths, "
      "exclude_paths, from_beginning");
  EXPECT_EQ(problems("sources:\n- {name: a, kind: tail, path: [/a]}\n"),
            "tocsin.yaml:2:25: a tail source has no key 'path'; did you mean 'paths'?\n"
            "tocsin.yaml:2:1: the tail source 'a' has no paths; expected for example paths: [/var/log/*.log]");
  EXPECT_EQ(problems("sources:\n- {name: a, kind: journald, format: sislog}\n"),
            "tocsin.yaml:2:37: sources.a.format: there is no format 'sislog'; did you mean 'syslog'? Left out, it is told "
            "from the "
            "content");
}

TEST_F(ConfigTest, NamesWhatASourceLacks) {
  EXPECT_NE(
      problems("sources:\n- {name: a, kind: syslog-tls}\n").find("has no listen; expected for example listen: 0.0.0.0:6514"),
      std::string::npos);
  EXPECT_NE(problems("sources:\n- {kind: journald}\n").find("tocsin.yaml:2:3: this journald source has no name"),
            std::string::npos);
  EXPECT_NE(problems("sources:\n- {name: a}\n").find("this source has no kind; expected kind: and one of syslog-udp, "),
            std::string::npos);
  EXPECT_NE(problems("sources:\n- {name: a, kind: kafka}\n").find("no brokers"), std::string::npos);
  EXPECT_NE(problems("sources:\n- {name: a, kind: nats}\n").find("no stream"), std::string::npos);
  EXPECT_NE(problems("sources:\n- {name: a, kind: drop, folder: ''}\n").find("sources.a.folder is empty"),
            std::string::npos);
  EXPECT_NE(problems("sources: {a: b}\n").find("tocsin.yaml:1:10: sources: expected a list"), std::string::npos);
  EXPECT_NE(problems("sources: [a]\n").find("expected a map with name and kind, found the text 'a'"), std::string::npos);
}

TEST_F(ConfigTest, SaysTypeAndRangeThatWereExpected) {
  const std::pair<const char*, const char*> cases[] = {
      {"listen: 8443\n", "1:9: listen: expected an address and a port, such as 0.0.0.0:6514"},
      {"listen: 'example.org:1'\n", "1:9: listen: expected an address and a port"},
      {"listen: '::1:80'\n", "expected an address and a port"},
      {"listen: '0.0.0.0:65536'\n", "expected a port from 1 to 65535"},
      {"watch_host: maybe\n", "1:13: watch_host: expected true or false, found the text 'maybe'"},
      {"journal: {max_size: 4}\n",
       "expected a size with its unit (B, KB, MB, GB, TB), such as 500MB or 4GB, found the number 4"},
      {"journal: {max_size: 63MB}\n", "expected a size from 64MB to 1024TB, found the text '63MB'"},
      {"journal: {max_size: 99999999999TB}\n", "expected a size"},
      {"journal: {commit_delay: 2s}\n", "expected a duration from 0 to 1s"},
      {"session: {idle: 90}\n", "expected a duration with its unit (ms, s, m, h, d, w), such as 5s, 12h or 90d"},
      {"session: {idle: 61s}\n", "expected whole units of 1m"},
      {"retention: {age: 36h}\n", "expected whole days, such as 90d"},
      {"retention: {disk_percent: 96}\n", "expected a whole number from 1 to 95"},
      {"api: {requests_per_second: -1}\n", "expected a number from 0 to 1000000"},
      {"public_url: soc.example.org\n", "expected an address such as https://tocsin.example.org:8443"},
      {"data: x\n", "1:7: data: expected a map of folder, found the text 'x'"},
      {"rules: {folders: {a: b}}\n", "expected a list of texts"},
      {"rules: {variables: [a]}\n", "expected a map of names and values"},
      {"data: {folder: ''}\n", "data.folder is empty"},
      {"sources: [{name: a, kind: syslog-tls, listen: '0.0.0.0:1', tls: off}]\n", "kind: syslog-tcp is the one without"},
      {"[a]\n", "1:1: expected keys and values"},
      {"a: [\n", "tocsin.yaml:"},
      {"listen: 127.0.0.1:1\nlisten: 127.0.0.1:2\n", "2:1: the key 'listen' stands twice in one map"},
      {"watch_host: true\n---\nwatch_host: true\n", "3:1: a second document"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_NE(problems(text).find(expected), std::string::npos) << text << problems(text);
    EXPECT_FALSE(load(text).usable()) << text;
  }
}

TEST_F(ConfigTest, TellsAllProblemsAtOnceAndStopsAtALimit) {
  EXPECT_EQ(load("listen: x\nwatch_host: x\nlisne: x\n").problems.size(), 3u);
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += "unknown_key_" + std::to_string(i) + ": 1\n";
  const LoadedConfig loaded = load(text);
  EXPECT_EQ(loaded.problems.size(), 201u);
  EXPECT_EQ(loaded.problems.back().message, "there may be more; these are the first");
}

TEST_F(ConfigTest, RefusesTwoSourcesOfOneName) {
  EXPECT_EQ(problems("sources:\n- {name: a, kind: journald}\n- {name: a, kind: journald}\n"),
            "tocsin.yaml:3:10: there is a source 'a' already, in line 2; each needs a name of its own");
  EXPECT_NE(problems("sources:\n- {name: 'a b', kind: journald}\n").find("expected a name of letters, digits, - and _"),
            std::string::npos);
}

TEST_F(ConfigTest, RefusesTwoListenersOnOnePort) {
  const std::string two = "sources:\n- {name: a, kind: syslog-tcp, listen: '0.0.0.0:514'}\n";
  EXPECT_EQ(problems(two + "- {name: b, kind: elastic, listen: '127.0.0.1:514'}\n"),
            "tocsin.yaml:3:36: the source 'b' cannot listen on 127.0.0.1:514 (tcp): the source 'a' does, on 0.0.0.0:514 "
            "(tocsin.yaml:2); "
            "give one of them another port");
  EXPECT_EQ(problems(two + "- {name: b, kind: syslog-udp, listen: '0.0.0.0:514'}\n"), "");
  EXPECT_EQ(problems(two + "- {name: b, kind: otlp, listen: '0.0.0.0:514', enabled: false}\n"), "");
  EXPECT_EQ(
      problems("sources:\n- {name: a, kind: otlp, listen: '127.0.0.1:0'}\n- {name: b, kind: otlp, listen: '127.0.0.1:0'}\n"),
      "");
  EXPECT_EQ(
      problems("sources:\n- {name: a, kind: otlp, listen: '127.0.0.1:1'}\n- {name: b, kind: otlp, listen: '127.0.0.2:1'}\n"),
      "");
  EXPECT_NE(
      problems("sources:\n- {name: a, kind: otlp, listen: '127.0.0.1:8443'}\n").find("the console and API (listen) does"),
      std::string::npos);
}

TEST_F(ConfigTest, NamesFilesThatAreMissingUnreadableOrNoFiles) {
  EXPECT_NE(problems("tls: {certificate: a.pem, key: b.pem}\n").find("tls.certificate: cannot read a.pem: No such file"),
            std::string::npos);
  EXPECT_NE(problems("store: {engine_library: .}\n").find("is not a file"), std::string::npos);
  EXPECT_EQ(problems("rules: {folders: [new, absent]}\n"), "tocsin.yaml:1:18: rules.folders: there is no folder absent");
  EXPECT_NE(shown(load_config(at("absent.yaml"), {})).find("absent.yaml: cannot read it: No such file"), std::string::npos);
  folder_.write("file", "");
  EXPECT_NE(problems("data: {folder: file}\n").find("data.folder: file is not a folder"), std::string::npos);
}

TEST_F(ConfigTest, ChecksCertificatesWithTheirKeys) {
  const testing::TemporaryFolder other;
  const core::Timestamp now{1'795'521'600'000'000'000};
  ASSERT_TRUE(own_certificate(folder_.path(), {"localhost"}, now).ok());
  ASSERT_TRUE(own_certificate(other.path(), {"localhost"}, now).ok());
  EXPECT_EQ(problems("tls: {certificate: own-certificate.pem, key: own-key.pem}\n"), "");
  EXPECT_EQ(problems("tls: {certificate: own-certificate.pem}\n"),
            "tocsin.yaml:1:20: tls.certificate is given without its key; both or neither");
  EXPECT_NE(problems("tls: {certificate: own-certificate.pem, key: " + (other.path() / "own-key.pem").string() + "}\n")
                .find("is not that of the certificate"),
            std::string::npos);
  EXPECT_NE(problems("tls: {require_client_certificate: true}\n").find("needs tls.client_ca"), std::string::npos);
  EXPECT_NE(problems("sources:\n- {name: a, kind: lumberjack, listen: '0.0.0.0:1', client_certificates: ['CN=x']}\n")
                .find("sources.a.client_certificates needs tls.client_ca"),
            std::string::npos);
  ::chmod(at("own-key.pem").c_str(), 0644);
  const LoadedConfig open = load("tls: {certificate: own-certificate.pem, key: own-key.pem}\n");
  EXPECT_TRUE(open.usable());
  EXPECT_NE(shown(open).find("tocsin.yaml:1:46: warning: tls.key: everyone on this host may read own-key.pem"),
            std::string::npos)
      << shown(open);
}

TEST_F(ConfigTest, TakesSecretsFromFilesAndTheEnvironmentOnly) {
  const std::string head = "sources:\n- name: a\n  kind: nats\n  urls: nats://b:1\n  stream: S\n";
  folder_.write("open", "x");
  ::chmod(at("open").c_str(), 0644);
  folder_.write("empty", "\n");
  folder_.write("long", std::string(64 * 1024 + 1, 'x'));
  EXPECT_EQ(problems(head + "  token_file: open\n"),
            "tocsin.yaml:6:15: warning: sources.a.token_file: everyone on this host may read open; run: chmod o= open");
  EXPECT_NE(problems(head + "  token_file: empty\n").find("empty is empty"), std::string::npos);
  EXPECT_NE(problems(head + "  token_file: long\n").find("has more than 65536 bytes"), std::string::npos);
  EXPECT_NE(problems(head + "  token_file: absent\n").find("cannot read absent: No such file"), std::string::npos);
  EXPECT_NE(problems(head + "  token_file: .\n").find("is not a file that can be read"), std::string::npos);
  EXPECT_NE(problems(head + "  token_env: TEST_ABSENT\n").find("the environment has no TEST_ABSENT"), std::string::npos);
  EXPECT_NE(problems(head + "  token: abc\n")
                .find("sources.a.token: secrets are not written in this file; use token_file: <path> or token_env: <NAME>"),
            std::string::npos)
      << problems(head + "  token: abc\n");
  EXPECT_NE(problems("sources:\n- {name: a, kind: nats, stream: S, urls: 'nats://u:p@b:1'}\n")
                .find("secrets are not written in this file"),
            std::string::npos);
  EXPECT_NE(problems("sources:\n- {name: a, kind: kafka, brokers: b, topics: t, options: {sasl.password: x}}\n")
                .find("use sasl.password_file: <path> or sasl.password_env: <NAME>"),
            std::string::npos);
  const Environment token("TEST_NATS_TOKEN", "abc");
  EXPECT_NE(problems(head + "  token_env: TEST_NATS_TOKEN\n  token_file: open\n").find("are both given"), std::string::npos);
}

TEST_F(ConfigTest, TheEnvironmentWinsOverTheFileAndTheCommandLineOverBoth) {
  const Environment listen("TOCSIN_LISTEN", "127.0.0.1:3"), folders("TOCSIN_RULES_FOLDERS", "/tmp, /var");
  const LoadedConfig loaded = load("listen: 127.0.0.1:2\nwatch_host: true\n", {"watch_host=false"});
  ASSERT_TRUE(loaded.usable()) << shown(loaded);
  EXPECT_EQ(origin(loaded, "listen"), "127.0.0.1:3 # environment TOCSIN_LISTEN");
  EXPECT_EQ(origin(loaded, "watch_host"), "false # command line");
  EXPECT_EQ(loaded.config.rules.folders, (std::vector<std::string>{"/tmp", "/var"}));
  EXPECT_EQ(origin(load("", {"listen=127.0.0.1:4"}), "listen"), "127.0.0.1:4 # command line");
}

TEST_F(ConfigTest, OverridesReachSourcesAndVariables) {
  const LoadedConfig loaded =
      load("sources:\n- {name: fw, kind: syslog-udp, listen: '0.0.0.0:514'}\n",
           {"sources.fw.listen=127.0.0.1:5514", "sources.fw.enabled=false", "rules.variables.admins=a,b"});
  ASSERT_TRUE(loaded.usable()) << shown(loaded);
  EXPECT_EQ(loaded.config.sources[0].listen.port, 5514);
  EXPECT_FALSE(loaded.config.sources[0].enabled);
  EXPECT_EQ(loaded.config.rules.variables.at("admins"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(origin(loaded, "sources.fw.listen"), "127.0.0.1:5514 # command line");
  EXPECT_EQ(origin(loaded, "rules.variables"), "admins: [a, b] # command line");
}

TEST_F(ConfigTest, SaysWhatIsWrongWithAnOverride) {
  EXPECT_EQ(problems("", {"lisen=x"}), "command line: there is no key 'lisen'; did you mean 'listen'?");
  EXPECT_EQ(problems("", {"listen"}), "command line: 'listen': expected key=value, such as listen=0.0.0.0:8443");
  EXPECT_EQ(problems("", {"retention.disk_percent=many"}),
            "command line: retention.disk_percent: expected a whole number from 1 to 95, found 'many'");
  EXPECT_EQ(problems("", {"sources.fw.listen=x"}), "command line: the file has no source 'fw'");
  EXPECT_EQ(problems("sources: [{name: a, kind: journald}]\n", {"sources.a.paths=x"}),
            "command line: 'paths' of a journald source cannot be set here");
  EXPECT_NE(problems("", {"sources=x"}).find("there is no key 'sources'"), std::string::npos);
}

TEST_F(ConfigTest, WarnsOfVariablesThatSetNothing) {
  const Environment wrong("TOCSIN_LISTN", "127.0.0.1:3"), password("TOCSIN_ADMIN_PASSWORD", "x");
  const LoadedConfig loaded = load("");
  EXPECT_TRUE(loaded.usable());
  EXPECT_EQ(shown(loaded), "environment TOCSIN_LISTN: warning: no key is set by this variable; did you mean TOCSIN_LISTEN?");
}

TEST_F(ConfigTest, TakesTheFileOfTheCurrentFolderWhereNoneIsNamed) {
  const std::filesystem::path before = std::filesystem::current_path();
  folder_.write("tocsin.yaml", "listen: 127.0.0.1:77\n");
  std::filesystem::current_path(folder_.path());
  const LoadedConfig loaded = load_config("", {});
  std::filesystem::current_path(before);
  EXPECT_EQ(loaded.config.path, "tocsin.yaml");
  EXPECT_EQ(loaded.config.listen.port, 77);
}

// The example of docs/configuration.md is a file that loads, and the page names every key and every variable.
TEST_F(ConfigTest, TheDocumentedExampleLoadsAndEveryKeyIsDocumented) {
  const std::string page = testing::read_file(testing::project_root() / "docs/configuration.md");
  const std::string_view fence = "```yaml\n";
  const std::size_t begin = page.find(fence);
  ASSERT_NE(begin, std::string::npos);
  std::string example = page.substr(begin + fence.size());
  example.resize(example.find("```"));
  // What it names on the host is elsewhere here.
  ASSERT_TRUE(own_certificate(folder_.path(), {"localhost"}, core::Timestamp{1'795'521'600'000'000'000}).ok());
  for (const char* name : {"kafka.password", "nats.creds", "mail.password"}) {
    folder_.write(name, "secret\n");
    ::chmod(at(name).c_str(), 0600);
  }
  std::filesystem::create_directories(at("sigma"));
  const std::pair<const char*, const char*> places[] = {{"/etc/tocsin/server.pem", "own-certificate.pem"},
                                                        {"/etc/tocsin/server.key", "own-key.pem"},
                                                        {"/etc/tocsin/clients-ca.pem", "own-certificate.pem"},
                                                        {"/etc/tocsin/kafka.password", "kafka.password"},
                                                        {"/etc/tocsin/nats.creds", "nats.creds"},
                                                        {"/etc/tocsin/mail.password", "mail.password"},
                                                        {"/usr/share/sigma", "sigma"}};
  for (const auto& [from, to] : places) {
    for (std::size_t place = 0; (place = example.find(from, place)) != std::string::npos;) {
      example.replace(place, std::string_view(from).size(), at(to));
    }
  }
  const LoadedConfig loaded = load(example);
  EXPECT_EQ(shown(loaded), "");
  std::vector<std::string> kinds;
  for (const SourceSettings& source : loaded.config.sources) kinds.push_back(source.kind);
  std::sort(kinds.begin(), kinds.end());
  kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
  EXPECT_EQ(kinds.size(), 12u);
  for (const ConfigValue& value : loaded.values) {
    std::string key = value.key;
    if (key.starts_with("sources.")) key = key.substr(key.find('.', 8) + 1);
    EXPECT_NE(page.find("`" + key + "`"), std::string::npos) << key;
  }
}

TEST_F(ConfigTest, SaysWhatMailLacks) {
  folder_.write("mail.password", "s3cret\n");
  ::chmod(at("mail.password").c_str(), 0600);
  const auto problem = [&](const std::string& smtp) { return shown(load("notify: {smtp: {" + smtp + "}}\n")); };
  EXPECT_EQ(problem("server: mail.example.org, from: tocsin@example.org"), "");
  EXPECT_NE(problem("server: mail.example.org").find("notify.smtp.from is missing"), std::string::npos);
  EXPECT_NE(problem("server: 'mail:example/x', from: a@example.org").find("without its port"), std::string::npos);
  EXPECT_NE(problem("from: 'Tocsin <a@example.org>'").find("no plain address"), std::string::npos);
  EXPECT_NE(problem("port: 0").find("from 1 to 65535"), std::string::npos);
  EXPECT_NE(problem("tls: ssl").find("expected starttls, tls"), std::string::npos);
  EXPECT_NE(problem("user: tocsin").find("password_file or password_env is missing"), std::string::npos);
  EXPECT_NE(problem("password: x").find("password_file"), std::string::npos);
  const std::string with = "user: tocsin, password_file: mail.password";
  EXPECT_EQ(problem(with), "");
  EXPECT_NE(problem(with + ", tls: none").find("for all to read"), std::string::npos);
  EXPECT_NE(shown(load("notify: {ca: nowhere.pem}\n")).find("notify.ca: cannot read"), std::string::npos);
}

TEST_F(ConfigTest, SurvivesHostileText) {
  for (const std::string& text : {std::string("\0\xff\xfe", 3), std::string(100, '['), std::string("a: &x [*x]\n"),
                                  std::string("listen: \"127.0.0.1:1\\0x\"\n"), std::string("data: {folder: \"a\\0b\"}\n"),
                                  std::string("? [a]\n: b\n")}) {
    EXPECT_FALSE(load(text).usable()) << text;
  }
}

TEST(BaseUrl, IsWhatABrowserCanOpen) {
  Config config;
  EXPECT_EQ(base_url(config, 8443), "https://127.0.0.1:8443");
  config.listen.address = "0.0.0.0";
  EXPECT_EQ(base_url(config, 1), "https://localhost:1");
  config.listen.address = "fe80::1";
  EXPECT_EQ(base_url(config, 1), "https://[fe80::1]:1");
  config.public_url = "https://soc.example";
  EXPECT_EQ(base_url(config, 1), "https://soc.example");
}

}  // namespace
}  // namespace tocsin::app
