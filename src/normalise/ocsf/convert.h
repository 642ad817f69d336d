// Texts of events as OCSF values and objects: paths, accounts, hashes, addresses, times.
//
// Pure functions; they write through a Place, which opens the objects around a value only when one is written.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/json_writer.h"
#include "model/event.h"
#include "normalise/ocsf/mapping.h"
#include "normalise/ocsf/value.h"

namespace tocsin::normalise::ocsf {

// Where in the output the writer stands: objects that are opened once something is written into them.
class Place {
 public:
  Place(core::JsonWriter& out, Budget& budget) : out_(out), budget_(budget) {}
  // `key` and all names given to key() must outlive the place.
  void enter(std::string_view key, bool array) { open_.push_back({key, array, false, names_.size()}); }
  void leave();
  [[nodiscard]] bool opened() const { return open_.empty() || open_.back().written; }
  // Whether the current object has that member.
  [[nodiscard]] bool has(std::string_view name) const;
  // Opens what is still closed and writes the key.
  core::JsonWriter& key(std::string_view name);
  void text(std::string_view name, std::string_view value) { write_text(value, key(name), budget_); }
  [[nodiscard]] Budget& budget() { return budget_; }
  [[nodiscard]] core::JsonWriter& out() { return out_; }

 private:
  struct Level {
    std::string_view key;
    bool array, written;
    std::size_t first_name;  // In names_.
  };
  core::JsonWriter& out_;
  Budget& budget_;
  std::vector<Level> open_;
  std::vector<std::string_view> names_;  // Written into the open objects, one after the other.
};

// Writes one value under `key`. False, with nothing written, where the text is not of that kind.
bool write_converted(Convert convert, const model::Field& field, std::string_view key, Place& place);
// Writes members into the current object. False likewise.
bool write_members(Convert convert, std::string_view text, Place& place);

// OCSF fingerprints in a text: "SHA256=..,MD5=..", or one bare hash told by its length.
struct Fingerprint {
  std::string_view algorithm;
  int algorithm_id = 0;
  std::string_view value;
};
void find_fingerprints(std::string_view text, std::vector<Fingerprint>& out);

// Decimal, 0x hexadecimal, or a number with a fraction of zero.
std::optional<std::int64_t> to_integer(std::string_view text);

// DOMAIN\name, name@domain.tld, or a name.
struct AccountParts {
  std::string_view name, domain, email;
};
AccountParts split_account(std::string_view text);

// An address or a name, with a port or without: "10.0.0.1", "[::1]:443", "host:443", "::ffff:10.0.0.1". The port is a
// text that to_integer() takes, or empty.
struct EndpointParts {
  std::string_view host, port;
  bool is_ip = false;
};
EndpointParts split_endpoint(std::string_view text);

// scheme://user@host:port/path?query, or a path.
struct UrlParts {
  std::string_view scheme, hostname, path, query;
  std::optional<std::int64_t> port;
  bool has_scheme = false;
};
UrlParts split_url(std::string_view text);

// HKLM\...\Run\Name: the key and the value in it.
struct RegistryParts {
  std::string_view path, name;
};
RegistryParts split_registry_value(std::string_view text);

std::string_view base_name(std::string_view path);
bool is_ip(std::string_view text);

}  // namespace tocsin::normalise::ocsf
