// STIX 2.1 (OASIS). Observables get the ids the standard demands: UUIDv5 in its namespace of the canonical JSON of the
// properties that tell one from another (section 2.9), so that two programs that saw one address say the same id. All else
// is ours: UUIDv5 in our own namespace of the incident and what it is about, so that a second export replaces the first.
//
// Example: 198.51.100.3 is ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4, of {"value":"198.51.100.3"}.
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

#include "core/json_writer.h"
#include "model/attack.h"
#include "triage/export.h"

namespace tocsin::triage {
namespace {

using ledger::IncidentEntity;
using model::EntityKind;

constexpr std::string_view kStixNamespace = "00abedb4-aa42-466c-9c01-fed23315a9b7";
constexpr std::string_view kOwnNamespace = "5d0f2a86-3c1b-4b7e-8a55-90d1c2f7e64b";
constexpr std::int64_t kMaxObserved = 999'999'999;  // Of the standard.

// OASIS, TLP 2.0 for STIX 2.1: the published objects.
constexpr const char* kTlpExtension = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";
struct Tlp {
  std::string_view name, id, title;
};
constexpr Tlp kTlp[] = {{"clear", "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", "TLP:CLEAR"},
                        {"green", "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "TLP:GREEN"},
                        {"amber", "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", "TLP:AMBER"},
                        {"amber+strict", "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", "TLP:AMBER+STRICT"},
                        {"red", "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", "TLP:RED"}};
// What is not known is kept closest.
const Tlp& tlp_of(std::string_view name) {
  const auto found = std::ranges::find(kTlp, name, &Tlp::name);
  return found == std::end(kTlp) ? kTlp[4] : *found;
}

// With exactly three digits of a second, as `created` and `modified` must have.
std::string stix_time(core::Timestamp time) {
  std::string out = core::format_iso_time({time.known() ? time.ns / 1'000'000 * 1'000'000 : 0});
  if (out.find('.') == std::string::npos) out.insert(out.size() - 1, ".000");
  return out;
}

// An observable: its properties beside type, id and the like, and those of them that make its id. Both as members of JSON,
// sorted by name.
struct Observable {
  std::string type;
  std::string properties, identity;  // identity empty: the standard has none for it.
};
std::string member(std::string_view name, std::string_view value) {
  std::string out;
  core::JsonWriter json(out);
  json.key(name).text(value);
  return out;
}
std::string number_member(std::string_view name, std::int64_t value) {
  std::string out;
  core::JsonWriter json(out);
  json.key(name).number(value);
  return out;
}
std::string observable_id(const Observable& object, const std::string& otherwise) {
  return object.type + "--" +
         (object.identity.empty() ? uuid_of_name(kOwnNamespace, otherwise)
                                  : uuid_of_name(kStixNamespace, "{" + object.identity + "}"));
}
Observable simple(std::string type, std::string members) { return {std::move(type), members, members}; }

std::string_view after_host(std::string_view key) { return key.substr(key.find('|') + 1); }

std::optional<Observable> of_hash(std::string_view key) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kNames{
      {{"md5", "MD5"}, {"sha1", "SHA-1"}, {"sha256", "SHA-256"}, {"sha512", "SHA-512"}}};
  const std::size_t colon = key.find(':');
  const auto found = std::ranges::find(kNames, key.substr(0, colon), [](const auto& name) { return name.first; });
  if (colon == std::string_view::npos || found == kNames.end()) return std::nullopt;
  return simple("file", "\"hashes\":{" + member(found->second, key.substr(colon + 1)) + "}");
}
std::optional<Observable> of_process(const IncidentEntity& entity) {
  // "powershell.exe (5120)", or "ws-042|5120|1794915690000".
  const std::string& label = entity.entity.label;
  const std::string_view rest = after_host(entity.entity.key);
  const std::size_t open = label.rfind('(');
  for (const std::string_view text :
       {open == std::string::npos ? std::string_view() : std::string_view(label).substr(open + 1), rest}) {
    std::int64_t pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    const bool whole = end != text.data() && end != text.data() + text.size() && (*end == ')' || *end == '|');
    if (error == std::errc{} && whole && pid >= 0) return Observable{"process", number_member("pid", pid), ""};
  }
  return std::nullopt;
}

class Bundle {
 public:
  explicit Bundle(const IncidentExport& data) : data_(data), tlp_(tlp_of(data.incident.tlp)), json_(out_) {
    base_ =
        data.incident.tenant + "|" + std::to_string(data.incident.id) + "|" + std::to_string(data.incident.created_at.ns);
    producer_ = own_id("identity", "tocsin");
    created_ = stix_time(data.incident.created_at);
    modified_ = stix_time(std::max(data.incident.changed_at, data.incident.created_at));
  }
  std::string run() {
    json_.begin_object().member("type", "bundle").member("id", own_id("bundle", "bundle")).key("objects").begin_array();
    write_marking();
    write_identity(producer_, "Tocsin");
    for (const IncidentEntity& entity : data_.entities) write_entity(entity);
    write_techniques();
    write_report();
    json_.end_array().end_object();
    return std::move(out_);
  }

 private:
  std::string own_id(const std::string& type, const std::string& what) const {
    return type + "--" + uuid_of_name(kOwnNamespace, type + "|" + base_ + "|" + what);
  }
  // False: it is there already.
  bool begin(std::string_view type, const std::string& id) {
    if (!ids_.insert(id).second) return false;
    json_.begin_object().member("type", type).member("spec_version", "2.1").member("id", id);
    return true;
  }
  void end() { json_.key("object_marking_refs").begin_array().text(tlp_.id).end_array().end_object(); }
  void write_dates() { json_.member("created_by_ref", producer_).member("created", created_).member("modified", modified_); }

  void write_marking() {
    begin("marking-definition", std::string(tlp_.id));
    json_.member("created", "2022-10-01T00:00:00.000Z").member("name", tlp_.title).key("extensions").begin_object();
    json_.key(kTlpExtension).begin_object().member("extension_type", "property-extension");
    json_.member("tlp_2_0", tlp_.name).end_object().end_object().end_object();
  }
  void write_identity(const std::string& id, const std::string& name) {
    if (!begin("identity", id)) return;
    if (id == producer_) {
      json_.member("created", created_).member("modified", modified_);
    } else {
      write_dates();
    }
    json_.member("name", name).member("identity_class", "system");
    end();
  }

  std::string write_observable(const Observable& object, const std::string& otherwise) {
    std::string id = observable_id(object, kind_base(otherwise));
    if (!begin(object.type, id)) return id;
    // A member after others: the writer puts the comma.
    const std::size_t colon = object.properties.find(':');
    json_.key(std::string_view(object.properties).substr(1, colon - 2));
    json_.raw(std::string_view(object.properties).substr(colon + 1));
    end();
    return id;
  }
  std::string kind_base(const std::string& otherwise) const { return base_ + "|" + otherwise; }

  std::optional<Observable> observable_of(const IncidentEntity& entity) {
    const std::string& key = entity.entity.key;
    switch (entity.entity.kind) {
      case EntityKind::kUser: return simple("user-account", member("user_id", key));
      case EntityKind::kAddress:
        return simple(key.find(':') == std::string::npos ? "ipv4-addr" : "ipv6-addr", member("value", key));
      case EntityKind::kDomain: return simple("domain-name", member("value", key));
      case EntityKind::kUrl: return simple("url", member("value", key));
      case EntityKind::kFileHash: return of_hash(key);
      case EntityKind::kFile: return of_file(after_host(key));
      case EntityKind::kProcess: return of_process(entity);
      default: return std::nullopt;
    }
  }
  std::optional<Observable> of_file(std::string_view path) {
    const std::size_t slash = path.find_last_of("/\\");
    const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    if (name.empty()) return std::nullopt;
    std::string members = member("name", name);
    if (slash != std::string_view::npos && slash > 0) {
      const std::string folder =
          write_observable(simple("directory", member("path", path.substr(0, slash))), "directory|" + std::string(path));
      members += "," + member("parent_directory_ref", folder);
    }
    return simple("file", members);
  }

  void write_entity(const IncidentEntity& entity) {
    const std::string what = std::string(model::to_string(entity.entity.kind)) + "|" + entity.entity.key;
    if (entity.entity.kind == EntityKind::kHost) {
      const std::string id = own_id("identity", what);
      if (ids_.contains(id)) return;
      write_identity(id, entity.entity.label.empty() ? entity.entity.key : entity.entity.label);
      refs_.push_back(id);
      return;
    }
    const auto object = observable_of(entity);
    if (!object) return;
    const std::string observed = own_id("observed-data", what);
    if (ids_.contains(observed)) return;
    const std::string id = write_observable(*object, what);
    begin("observed-data", observed);
    write_dates();
    const core::Timestamp first = entity.first.known() ? entity.first : data_.incident.created_at;
    json_.member("first_observed", stix_time(first)).member("last_observed", stix_time(std::max(first, entity.last)));
    json_.key("number_observed").number(std::clamp<std::int64_t>(entity.findings, 1, kMaxObserved));
    json_.key("object_refs").begin_array().text(id).end_array();
    end();
    refs_.push_back(observed);
  }

  void write_techniques() {
    for (const std::string& technique : data_.incident.techniques) {
      const std::string id = own_id("attack-pattern", technique);
      if (!begin("attack-pattern", id)) continue;
      const model::Technique* known = model::find_technique(technique);
      write_dates();
      json_.member("name", known == nullptr ? std::string_view(technique) : known->name);
      json_.key("external_references").begin_array().begin_object().member("source_name", "mitre-attack");
      json_.member("external_id", technique).end_object().end_array();
      end();
      refs_.push_back(id);
    }
  }
  void write_report() {
    const ledger::Incident& incident = data_.incident;
    begin("report", own_id("report", "report"));
    write_dates();
    json_.member("name", incident.title.empty() ? incident_label(incident.id) : incident.title);
    json_.member_if("description", incident.summary);
    json_.key("report_types").begin_array().text("observed-data").end_array();
    json_.member("published", modified_);
    if (!incident.tags.empty()) {
      json_.key("labels").begin_array();
      for (const std::string& tag : incident.tags) json_.text(tag);
      json_.end_array();
    }
    json_.key("external_references").begin_array().begin_object().member("source_name", "tocsin");
    json_.member("external_id", incident_label(incident.id)).end_object().end_array();
    json_.key("object_refs").begin_array();
    for (const std::string& ref : refs_) json_.text(ref);
    if (refs_.empty()) json_.text(producer_);  // The standard demands one.
    json_.end_array();
    end();
  }

  const IncidentExport& data_;
  const Tlp& tlp_;
  std::string out_, base_, producer_, created_, modified_;
  core::JsonWriter json_;
  std::set<std::string> ids_;
  std::vector<std::string> refs_;
};

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::string uuid_of_name(std::string_view name_space, std::string_view name) {
  std::string bytes;
  int high = -1;
  for (const char c : name_space) {
    if (c == '-') continue;
    const int value = hex_value(c);
    if (value < 0) return "";
    if (high < 0) {
      high = value;
    } else {
      bytes += static_cast<char>(high * 16 + value);
      high = -1;
    }
  }
  if (bytes.size() != 16 || high >= 0) return "";
  bytes += name;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) return "";
  digest[6] = static_cast<unsigned char>((digest[6] & 0x0F) | 0x50);
  digest[8] = static_cast<unsigned char>((digest[8] & 0x3F) | 0x80);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kDigits[digest[i] >> 4];
    out += kDigits[digest[i] & 15];
  }
  return out;
}

std::string stix_bundle(const IncidentExport& data) { return Bundle(data).run(); }

}  // namespace tocsin::triage
