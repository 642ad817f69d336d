// Tables of keys: what may be written, how it is read, how it is shown. One table for the file, one for a source.
//
// A key's name is dotted: "journal.max_size" is max_size in the map journal. One thread.
#pragma once
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/reader.h"

namespace tocsin::app::config {

inline constexpr std::uint32_t kEveryKind = ~0u;

template <class Target>
struct Key {
  std::string_view name;
  void (*read)(Reader&, const core::YamlNode&, Target&);
  std::string (*show)(const Target&);  // Null: a secret.
  std::uint32_t kinds = kEveryKind;    // Bits of the kinds of sources that take it.
};

std::span<const Key<Config>> config_keys();
std::span<const Key<SourceSettings>> source_keys();

// Where each value that is no default comes from, by the full name of its key.
using Origins = std::map<std::string, Place, std::less<>>;

// Reads maps by a table.
template <class Target>
class Walker {
 public:
  // `prefix`: of full names, "" or "sources.fw.". `whose`: "a syslog-udp source", for messages.
  Walker(Reader& reader, Origins& origins, std::span<const Key<Target>> keys, std::string prefix, std::string whose,
         std::uint32_t kinds = kEveryKind)
      : reader_(reader),
        origins_(origins),
        keys_(keys),
        prefix_(std::move(prefix)),
        whose_(std::move(whose)),
        kinds_(kinds) {}

  // `section`: "" or "tls.".
  void read(const core::YamlNode& map, Target& target, const std::string& section = "") {
    for (const auto& [key, value] : map.entries) {
      const std::string name = section + key->text;
      if (skipped_ != nullptr && name == skipped_) continue;
      const bool is_section = has_section(name + ".");
      if (value->kind == core::YamlNode::Kind::kNull && (is_section || find(name) != nullptr)) continue;  // Left empty.
      if (is_section && value->kind == core::YamlNode::Kind::kMap) {
        read(*value, target, name + ".");
      } else if (find(name) != nullptr) {
        set(name, *value, target);
      } else if (is_section) {
        reader_.problem(*value, prefix_ + name + ": expected a map of " + joined(names_in(name + ".")) + ", found " +
                                    core::describe(*value));
      } else {
        unknown(*key, name, section);
      }
    }
  }

  // False: there is no such key.
  bool set(std::string_view name, const core::YamlNode& value, Target& target) {
    const Key<Target>* key = find(name);
    if (key == nullptr) return false;
    reader_.set_key(prefix_ + std::string(name));
    key->read(reader_, value, target);
    origins_[reader_.key()] = reader_.place_of(value);
    return true;
  }
  void skip(const char* name) { skipped_ = name; }

  // Full names without the prefix, of the kind.
  [[nodiscard]] std::vector<std::string> names_in(const std::string& section) const {
    std::vector<std::string> names;
    for (const Key<Target>& key : keys_) {
      if ((key.kinds & kinds_) == 0 || !key.name.starts_with(section)) continue;
      const std::string_view rest = key.name.substr(section.size());
      std::string name(rest.substr(0, rest.find('.')));
      if (names.empty() || names.back() != name) names.push_back(std::move(name));
    }
    return names;
  }

 private:
  [[nodiscard]] const Key<Target>* find(std::string_view name) const {
    for (const Key<Target>& key : keys_) {
      if (key.name == name && (key.kinds & kinds_) != 0) return &key;
    }
    return nullptr;
  }
  [[nodiscard]] bool has_section(std::string_view section) const {
    for (const Key<Target>& key : keys_) {
      if (key.name.starts_with(section) && (key.kinds & kinds_) != 0) return true;
    }
    return false;
  }
  void unknown(const core::YamlNode& key, const std::string& name, const std::string& section) {
    if (reader_.full()) return;
    std::string message = whose_ + " has no key '" + core::clip(name) + "'";
    for (const Key<Target>& other : keys_) {  // Of another kind, or in another section.
      if (other.name == name) return reader_.problem(key, message + "; it takes " + joined(names_in("")));
      if (section.empty() && other.name.size() > name.size() && other.name.ends_with("." + name) && !name.empty()) {
        const std::string_view place = other.name.substr(0, other.name.size() - name.size() - 1);
        return reader_.problem(key, message + "; '" + name + "' belongs into the map '" + std::string(place) + "'");
      }
    }
    if (find(name + "_file") != nullptr && find(name + "_env") != nullptr) {
      return reader_.problem(key, prefix_ + name + ": secrets are not written in this file; use " + name +
                                      "_file: <path> or " + name + "_env: <NAME>");
    }
    const std::vector<std::string> names = names_in(section);
    const std::string near = nearest(key.text, names);
    message += near.empty() ? "; expected one of " + joined(names) : "; did you mean '" + section + near + "'?";
    reader_.problem(key, message);
  }

  Reader& reader_;
  Origins& origins_;
  std::span<const Key<Target>> keys_;
  std::string prefix_, whose_;
  std::uint32_t kinds_;
  const char* skipped_ = nullptr;
};

// Kinds of sources: bit n is kind n.
inline constexpr std::string_view kSourceKinds[] = {"syslog-udp", "syslog-tcp", "syslog-tls", "elastic",
                                                    "splunk-hec", "otlp",       "lumberjack", "tail",
                                                    "drop",       "journald",   "kafka",      "nats"};
std::uint32_t kind_bit(std::string_view kind);  // 0: no kind.
bool takes(std::string_view kind, std::string_view key);

// The list of `sources`.
void read_sources(Reader& reader, Origins& origins, const core::YamlNode& node, std::vector<SourceSettings>& sources);
// What each source needs, and which of them cannot listen beside each other.
void check_sources(Reader& reader, const Config& config, const Origins& origins);
// What mail needs.
void check_notify(Reader& reader, const Config& config, const Origins& origins);
// Files and folders that are named: there, readable, secrets not for everyone.
void check_files(Reader& reader, const Config& config, const Origins& origins);
// Where the key was set; else `otherwise`.
Place place_of_key(const Origins& origins, const std::string& key, const Place& otherwise);

}  // namespace tocsin::app::config
