#include "normalise/ocsf/convert.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "core/time.h"

namespace tocsin::normalise::ocsf {
namespace {

constexpr std::size_t kMaxFingerprints = 16;  // Sysmon knows four; a list of thousands is no hash list.

struct Algorithm {
  std::string_view prefix, caption;
  int id;
  std::size_t digits;
};
constexpr std::array<Algorithm, 7> kAlgorithms{{{"MD5", "MD5", 1, 32},
                                                {"SHA1", "SHA-1", 2, 40},
                                                {"SHA-1", "SHA-1", 2, 40},
                                                {"SHA256", "SHA-256", 3, 64},
                                                {"SHA-256", "SHA-256", 3, 64},
                                                {"SHA512", "SHA-512", 4, 128},
                                                {"IMPHASH", "Imphash", 18, 0}}};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; }
bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return upper(x) == upper(y); });
}
bool hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<double> to_double(std::string_view text) {
  double value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || status != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

std::optional<bool> to_bool(std::string_view text) {
  for (const std::string_view yes : {"true", "1", "yes", "t", "%%1842"}) {
    if (same(text, yes)) return true;
  }
  for (const std::string_view no : {"false", "0", "no", "f", "%%1843"}) {
    if (same(text, no)) return false;
  }
  return {};
}

bool write_time(std::string_view text, std::string_view key, Place& place) {
  const auto time = core::parse_any_time(text);
  if (!time) return false;
  std::int64_t ms = time->ns / 1'000'000;
  if (time->ns % 1'000'000 < 0) --ms;
  place.key(key).number(ms);
  return true;
}

bool write_seconds(std::string_view text, std::string_view key, Place& place) {
  const auto seconds = to_double(text);
  if (!seconds || std::abs(*seconds) > 1e12) return false;
  place.key(key).number(static_cast<std::int64_t>(std::llround(*seconds * 1000)));
  return true;
}

bool write_file(std::string_view text, Place& place) {
  const std::string_view name = base_name(text);
  place.text("name", name);
  if (name.size() != text.size()) place.text("path", text);
  place.key("type_id").number(1);
  return true;
}

bool write_user(std::string_view text, Place& place) {
  const AccountParts parts = split_account(text);
  place.text("name", parts.name);
  if (!parts.domain.empty()) place.text("domain", parts.domain);
  if (!parts.email.empty()) place.text("email_addr", parts.email);
  return true;
}

bool write_endpoint(std::string_view text, Place& place) {
  const EndpointParts parts = split_endpoint(text);
  if (parts.host.empty()) return false;
  place.text(parts.is_ip ? "ip" : "hostname", parts.host);
  if (!parts.port.empty()) place.key("port").number(*to_integer(parts.port));
  return true;
}

bool write_url(std::string_view text, Place& place) {
  place.text("url_string", text);
  const UrlParts parts = split_url(text);
  if (parts.has_scheme) place.text("scheme", parts.scheme);
  if (parts.port) place.key("port").number(*parts.port);
  if (!parts.hostname.empty()) place.text("hostname", parts.hostname);
  if (!parts.query.empty()) place.text("query_string", parts.query);
  if (!parts.path.empty()) place.text("path", parts.path);
  return true;
}

bool write_registry_value(std::string_view text, Place& place) {
  const RegistryParts parts = split_registry_value(text);
  if (!parts.name.empty()) place.text("name", parts.name);
  place.text("path", parts.path);
  return true;
}

}  // namespace

std::optional<std::int64_t> to_integer(std::string_view text) {
  text = trim(text);
  std::int64_t value = 0;
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  if (base == 10) {
    const std::size_t dot = text.find('.');
    if (dot != std::string_view::npos && text.find_first_not_of('0', dot + 1) == std::string_view::npos)
      text = text.substr(0, dot);
  }
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || status != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

AccountParts split_account(std::string_view text) {
  const std::size_t slash = text.find('\\');
  if (slash != std::string_view::npos && slash + 1 < text.size()) return {text.substr(slash + 1), text.substr(0, slash), {}};
  const std::size_t at = text.find('@');
  const bool is_address = at != std::string_view::npos && at > 0 && text.find('.', at) != std::string_view::npos &&
                          text.find(' ') == std::string_view::npos;
  return {text, {}, is_address ? text : std::string_view()};
}

EndpointParts split_endpoint(std::string_view text) {
  EndpointParts out;
  out.host = trim(text);
  out.is_ip = is_ip(out.host);
  if (out.is_ip || out.host.empty()) return out;
  const std::size_t colon = out.host.rfind(':');
  if (colon != std::string_view::npos && colon > 0 && to_integer(out.host.substr(colon + 1))) {
    out.port = out.host.substr(colon + 1);
    out.host = out.host.substr(0, colon);
  }
  if (out.host.size() > 2 && out.host.front() == '[' && out.host.back() == ']')
    out.host = out.host.substr(1, out.host.size() - 2);
  out.is_ip = is_ip(out.host);
  return out;
}

UrlParts split_url(std::string_view text) {
  UrlParts out;
  std::string_view rest = text;
  if (const std::size_t scheme = rest.find("://"); scheme != std::string_view::npos && scheme < 16) {
    out.has_scheme = true;
    out.scheme = rest.substr(0, scheme);
    rest.remove_prefix(scheme + 3);
    std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
    rest.remove_prefix(host.size());
    if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
    const std::size_t colon = host.rfind(':');
    if (colon != std::string_view::npos && !host.ends_with(']')) {
      if (const auto port = to_integer(host.substr(colon + 1)); port && *port >= 0 && *port <= 65'535) out.port = port;
      host = host.substr(0, colon);
    }
    out.hostname = host;
  }
  rest = rest.substr(0, rest.find('#'));
  const std::size_t query = rest.find('?');
  if (query != std::string_view::npos) out.query = rest.substr(query + 1);
  out.path = rest.substr(0, query);
  return out;
}

RegistryParts split_registry_value(std::string_view text) {
  const std::size_t slash = text.rfind('\\');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size()) return {text, {}};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

core::JsonWriter& Place::key(std::string_view name) {
  for (Level& level : open_) {
    if (level.written) continue;
    level.written = true;
    names_.push_back(level.key);  // Of the object around it.
    level.first_name = names_.size();
    out_.key(level.key);
    if (level.array) out_.begin_array();
    out_.begin_object();
  }
  names_.push_back(name);
  return out_.key(name);
}

bool Place::has(std::string_view name) const {
  const std::size_t first = open_.empty() ? 0 : open_.back().first_name;
  return std::find(names_.begin() + static_cast<std::ptrdiff_t>(first), names_.end(), name) != names_.end();
}

void Place::leave() {
  if (open_.back().written) {
    out_.end_object();
    if (open_.back().array) out_.end_array();
  }
  names_.resize(open_.back().first_name);
  open_.pop_back();
}

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.find_last_of("\\/");
  return slash == std::string_view::npos || slash + 1 == path.size() ? path : path.substr(slash + 1);
}

bool is_ip(std::string_view text) {
  if (text.size() < 2 || text.size() > 64) return false;
  if (text.find(':') != std::string_view::npos) {
    const std::size_t zone = text.find('%');
    const std::string_view address = text.substr(0, zone);
    return std::ranges::count(address, ':') >= 2 &&
           std::ranges::all_of(address, [](char c) { return hex_digit(c) || c == ':' || c == '.'; });
  }
  int parts = 0;
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    const auto value = to_integer(part);
    if (part.empty() || part.size() > 3 || !std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; }) ||
        !value || *value > 255) {
      return false;
    }
    ++parts;
    if (dot == std::string_view::npos) return parts == 4;
    text.remove_prefix(dot + 1);
  }
}

void find_fingerprints(std::string_view text, std::vector<Fingerprint>& out) {
  while (!text.empty() && out.size() < kMaxFingerprints) {
    const std::size_t comma = text.find(',');
    const std::string_view part = trim(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const std::size_t equals = part.find('=');
    const std::string_view value = equals == std::string_view::npos ? part : part.substr(equals + 1);
    if (value.empty() || !std::ranges::all_of(value, hex_digit)) continue;
    if (std::ranges::all_of(value, [](char c) { return c == '0'; })) continue;  // Sysmon: no import hash.
    for (const Algorithm& known : kAlgorithms) {
      if (equals == std::string_view::npos ? known.digits != value.size() : !same(known.prefix, part.substr(0, equals)))
        continue;
      out.push_back({known.caption, known.id, value});
      break;
    }
  }
}

bool write_converted(Convert convert, const model::Field& field, std::string_view key, Place& place) {
  switch (convert) {
    case Convert::kInteger: {
      const auto value = to_integer(field.text);
      if (value) place.key(key).number(*value);
      return value.has_value();
    }
    case Convert::kFloat: {
      const auto value = to_double(field.text);
      if (value) place.key(key).number(*value);
      return value.has_value();
    }
    case Convert::kBoolean: {
      const auto value = to_bool(field.text);
      if (value) place.key(key).boolean(*value);
      return value.has_value();
    }
    case Convert::kTime: return write_time(field.text, key, place);
    case Convert::kSeconds: return write_seconds(field.text, key, place);
    case Convert::kBasename: place.text(key, base_name(field.text)); return true;
    case Convert::kNative: write_value(field, place.key(key), place.budget()); return true;
    default: place.text(key, field.text); return true;
  }
}

bool write_members(Convert convert, std::string_view text, Place& place) {
  switch (convert) {
    case Convert::kFile: return write_file(text, place);
    case Convert::kUser: return write_user(text, place);
    case Convert::kEndpoint: return write_endpoint(text, place);
    case Convert::kUrl: return write_url(text, place);
    case Convert::kRegistryValue: return write_registry_value(text, place);
    case Convert::kRegistryKey: place.text("path", text); return true;
    default: return false;
  }
}

}  // namespace tocsin::normalise::ocsf
