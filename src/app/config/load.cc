#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "app/config.h"
#include "app/config/keys.h"
#include "core/text.h"

namespace tocsin::app {
namespace {

using config::Origins;
using config::Reader;
using config::Walker;
using core::YamlNode;

// Variables that are no keys of the configuration.
constexpr std::string_view kOtherVariables[] = {"TOCSIN_ADMIN_PASSWORD", "TOCSIN_ENGINE_FOLDER", "TOCSIN_SKIP_SETUP"};
constexpr const char* kPackagedFile = "/etc/tocsin/tocsin.yaml";
constexpr const char* kPackagedFolder = "/var/lib/tocsin";

bool exists(const char* path) { return ::access(path, F_OK) == 0 || errno == EACCES; }

// Of a packaged program: data lies where the package says, whatever folder it was started in.
std::string default_folder() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error && program.parent_path() == "/usr/bin") return kPackagedFolder;
  const std::filesystem::path folder = std::filesystem::absolute("var", error);
  return error ? "var" : folder.string();
}

core::Result<std::string> read_text(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return core::Error{core::ErrorCode::kIo, std::string("cannot read it: ") + std::strerror(errno)};
  std::string text;
  char block[65'536];
  ssize_t got = 0;
  while (text.size() <= core::kMaxYamlBytes && (got = ::read(fd, block, sizeof block)) > 0) {
    text.append(block, static_cast<std::size_t>(got));
  }
  const int why = errno;
  ::close(fd);
  if (got < 0) return core::Error{core::ErrorCode::kIo, std::string("cannot read it: ") + std::strerror(why)};
  return text;
}

class Loader {
 public:
  explicit Loader(LoadedConfig& out) : out_(out), reader_(out.problems), walker_(make_walker(reader_, origins_)) {}

  void load(const std::string& path, const std::vector<std::string>& overrides) {
    out_.config.folder = default_folder();
    find_file(path);
    if (!out_.config.path.empty()) load_file();
    load_environment();
    for (const std::string& text : overrides) load_override(text);
    reader_.set_origin({out_.config.path, "", true});
    if (out_.config.folder.empty()) reader_.problem_at(place("data.folder"), "data.folder is empty; expected a path");
    if (!origins_.contains("rules.folders")) out_.config.rules.folders = {out_.config.folder + "/rules"};
    if (!origins_.contains("triage.folder")) out_.config.triage.folder = out_.config.folder + "/triage";
    config::check_sources(reader_, out_.config, origins_);
    config::check_notify(reader_, out_.config, origins_);
    config::check_files(reader_, out_.config, origins_);
    if (reader_.full()) out_.problems.push_back({out_.config.path, 0, 0, "there may be more; these are the first"});
    list_values();
  }

 private:
  static Walker<Config> make_walker(Reader& reader, Origins& origins) {
    Walker<Config> walker(reader, origins, config::config_keys(), "", "the configuration");
    walker.skip("sources");
    return walker;
  }
  [[nodiscard]] config::Place place(const std::string& key) const {
    return config::place_of_key(origins_, key, {out_.config.path, 0, 0});
  }

  void find_file(const std::string& path) {
    if (!path.empty()) {
      out_.config.path = path;
      return;
    }
    for (const char* place : {"tocsin.yaml", kPackagedFile}) {
      if (!exists(place)) continue;
      out_.config.path = place;
      return;
    }
  }

  void load_file() {
    const std::string& path = out_.config.path;
    std::error_code error;
    const std::filesystem::path full = std::filesystem::absolute(path, error);
    reader_.set_origin({path, error ? "" : full.parent_path().string(), true});
    const core::Result<std::string> text = read_text(path);
    if (!text.ok()) return reader_.problem_at({path, 0, 0}, text.error().text);
    const core::YamlFile file = core::parse_yaml(*text);
    note_issues(file.issues);
    const YamlNode* root = nullptr;
    for (const core::YamlDocument& document : file.documents) {
      note_issues(document.issues);
      if (document.root == nullptr || document.root->kind == YamlNode::Kind::kNull) continue;
      if (root != nullptr) return reader_.problem(*document.root, "a second document; there is one, so remove the line ---");
      root = document.root;
    }
    if (root == nullptr) return;
    if (root->kind != YamlNode::Kind::kMap) {
      return reader_.problem(*root,
                             "expected keys and values such as 'listen: 127.0.0.1:8443', found " + core::describe(*root));
    }
    walker_.read(*root, out_.config);
    if (const YamlNode* sources = root->find("sources"); sources != nullptr) {
      config::read_sources(reader_, origins_, *sources, out_.config.sources);
      origins_["sources"] = reader_.place_of(*sources);
    }
  }
  void note_issues(const std::vector<core::YamlIssue>& issues) {
    for (const core::YamlIssue& issue : issues) {
      const config::Place at{reader_.origin().path, issue.line, issue.column};
      reader_.problem_at(at, issue.message + (issue.hint.empty() ? "" : "; " + issue.hint));
    }
  }

  static std::string variable_of(std::string_view key) {
    std::string out = "TOCSIN_";
    for (const char c : key) out += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return out;
  }

  void load_environment() {
    std::map<std::string, std::string_view> keys;  // Variable to key.
    std::vector<std::string> names;
    for (const config::Key<Config>& key : config::config_keys()) {
      if (key.name == "sources" || key.name == "rules.variables") continue;  // No single values.
      keys.emplace(variable_of(key.name), key.name);
      names.push_back(variable_of(key.name));
    }
    for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
      const std::string_view entry = *at;
      const std::size_t equals = entry.find('=');
      if (!entry.starts_with("TOCSIN_") || equals == std::string_view::npos) continue;
      const std::string name(entry.substr(0, equals));
      if (std::find(std::begin(kOtherVariables), std::end(kOtherVariables), name) != std::end(kOtherVariables)) continue;
      reader_.set_origin({"environment " + core::clip(name), "", false});
      const auto key = keys.find(name);
      if (key != keys.end()) {
        walker_.set(key->second, config::scalar(std::string(entry.substr(equals + 1))), out_.config);
        continue;
      }
      const std::string near = config::nearest(name, names);
      reader_.problem_at({reader_.origin().path, 0, 0},
                         "no key is set by this variable" + (near.empty() ? "" : "; did you mean " + near + "?"), false);
    }
  }

  void load_override(const std::string& text) {
    reader_.set_origin({"command line", "", false});
    const std::size_t equals = text.find('=');
    const config::Place at{"command line", 0, 0};
    if (equals == std::string::npos || equals == 0) {
      return reader_.problem_at(at, "'" + core::clip(text) + "': expected key=value, such as listen=0.0.0.0:8443");
    }
    const std::string key = text.substr(0, equals);
    const YamlNode value = config::scalar(text.substr(equals + 1));
    if (key.starts_with("sources.")) return override_source(key.substr(8), value);
    if (key.starts_with("rules.variables.")) return override_variable(key, value);
    if (key != "sources" && key != "rules.variables" && walker_.set(key, value, out_.config)) return;
    std::vector<std::string> names;
    for (const config::Key<Config>& each : config::config_keys()) names.emplace_back(each.name);
    const std::string near = config::nearest(key, names);
    reader_.problem_at(at, "there is no key '" + core::clip(key) + "'" +
                               (near.empty() ? "; 'tocsin config show' lists all" : "; did you mean '" + near + "'?"));
  }
  void override_source(const std::string& rest, const YamlNode& value) {
    const std::string name = rest.substr(0, rest.find('.'));
    const std::string key = rest.substr(std::min(rest.size(), name.size() + 1));
    const config::Place at{"command line", 0, 0};
    const auto source = std::find_if(out_.config.sources.begin(), out_.config.sources.end(),
                                     [&](const SourceSettings& each) { return each.name == name; });
    if (source == out_.config.sources.end())
      return reader_.problem_at(at, "the file has no source '" + core::clip(name) + "'");
    Walker<SourceSettings> walker(reader_, origins_, config::source_keys(), "sources." + name + ".",
                                  "a " + source->kind + " source", config::kind_bit(source->kind));
    if (key != "name" && key != "kind" && key != "options" && walker.set(key, value, *source)) return;
    reader_.problem_at(at, "'" + core::clip(key) + "' of a " + source->kind + " source cannot be set here");
  }
  void override_variable(const std::string& key, const YamlNode& value) {
    reader_.set_key(key);
    std::vector<std::string> values;
    if (!reader_.list(value, values)) return;
    out_.config.rules.variables[key.substr(std::string_view("rules.variables.").size())] = std::move(values);
    origins_["rules.variables"] = reader_.place_of(value);
  }

  void list_values() {
    for (const config::Key<Config>& key : config::config_keys()) {
      if (key.name == "sources") continue;
      out_.values.push_back({std::string(key.name), key.show(out_.config), origin_of(std::string(key.name))});
    }
    for (const SourceSettings& source : out_.config.sources) {
      const std::uint32_t bit = config::kind_bit(source.kind);
      for (const config::Key<SourceSettings>& key : config::source_keys()) {
        const std::string name = "sources." + source.name + "." + std::string(key.name);
        const bool given = origins_.contains(name);
        if ((key.kinds & bit) == 0 || (key.show == nullptr && !given)) continue;
        std::string value = key.show == nullptr ? "(set)" : key.show(source);
        if (given || !value.empty()) out_.values.push_back({name, std::move(value), origin_of(name)});
      }
    }
  }
  [[nodiscard]] std::string origin_of(const std::string& key) const {
    const auto at = origins_.find(key);
    if (at == origins_.end()) return "default";
    config::Place place = at->second;
    if (place.line != 0) place.path = std::filesystem::path(place.path).filename().string();
    return place.shown();
  }

  LoadedConfig& out_;
  Reader reader_;
  Origins origins_;
  Walker<Config> walker_;
};

}  // namespace

bool LoadedConfig::usable() const {
  return std::none_of(problems.begin(), problems.end(), [](const ConfigProblem& problem) { return problem.fatal; });
}

LoadedConfig load_config(const std::string& path, const std::vector<std::string>& overrides) {
  LoadedConfig out;
  Loader(out).load(path, overrides);
  return out;
}

std::string base_url(const Config& config, std::uint16_t port) {
  if (!config.public_url.empty()) return config.public_url;
  std::string host = config.listen.address;
  if (host == "0.0.0.0" || host == "::") host = "localhost";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return "https://" + host + ":" + std::to_string(port);
}

}  // namespace tocsin::app
