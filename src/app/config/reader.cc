#include "app/config/reader.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>

#include "core/text.h"

namespace tocsin::app::config {
namespace {

using core::YamlNode;
using std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array<Unit, 5> kByteUnits{
    {{"b", 1}, {"kb", 1ull << 10}, {"mb", 1ull << 20}, {"gb", 1ull << 30}, {"tb", 1ull << 40}}};
constexpr std::array<Unit, 6> kTimeUnits{
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}, {"w", 604'800'000}}};

// A whole number with a unit ("4 GB" too). 0 needs none.
template <std::size_t kCount>
std::optional<std::uint64_t> with_unit(std::string_view text, const std::array<Unit, kCount>& units) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  while (text.starts_with(' ')) text.remove_prefix(1);
  if (text.empty() && value == 0) return 0;
  std::string unit = core::ascii_lower(text);
  if (unit.size() == 3 && unit.ends_with("ib")) unit.erase(1, 1);  // GiB is what GB is here.
  for (const Unit& known : units) {
    if (unit != known.name) continue;
    if (value > std::numeric_limits<std::uint64_t>::max() / known.factor) return std::nullopt;
    return value * known.factor;
  }
  return std::nullopt;
}

template <std::size_t kCount>
std::string in_largest_unit(std::uint64_t value, const std::array<Unit, kCount>& units) {
  if (value == 0) return "0";
  for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
    if (value % unit->factor == 0) return std::to_string(value / unit->factor) + std::string(unit->name);
  }
  return std::to_string(value);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_address(const std::string& text) {
  in_addr four{};
  in6_addr six{};
  return ::inet_pton(AF_INET, text.c_str(), &four) == 1 || ::inet_pton(AF_INET6, text.c_str(), &six) == 1;
}

core::Result<std::string> read_secret(const std::string& path, mode_t& mode) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // A pipe must not hold the start up.
  if (fd < 0) return core::Error{core::ErrorCode::kIo, "cannot read " + path + ": " + std::strerror(errno)};
  struct stat status{};
  std::string bytes(kMaxSecretBytes + 1, '\0');
  ssize_t got = -1;
  const bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  if (regular) got = ::read(fd, bytes.data(), bytes.size());
  ::close(fd);
  if (got < 0) return core::Error{core::ErrorCode::kInvalid, path + " is not a file that can be read"};
  mode = status.st_mode;
  bytes.resize(static_cast<std::size_t>(got));
  if (bytes.size() > kMaxSecretBytes) {
    return core::Error{core::ErrorCode::kLimit, path + " has more than " + std::to_string(kMaxSecretBytes) + " bytes"};
  }
  return bytes;
}

}  // namespace

YamlNode scalar(std::string text) {
  YamlNode node;
  node.kind = YamlNode::Kind::kText;
  node.text = std::move(text);
  return node;
}

std::string nearest(std::string_view word, const std::vector<std::string>& names) {
  if (word.empty() || word.size() > core::kMaxComparedBytes) return {};
  const std::string folded = core::ascii_lower(word);
  std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::string found;
  for (const std::string& name : names) {
    if (name.size() > core::kMaxComparedBytes) continue;
    const std::size_t far = core::edit_distance(folded, core::ascii_lower(name));
    if (far < best) {
      best = far;
      found = name;
    }
  }
  return found;
}

std::string joined(const std::vector<std::string>& items, std::string_view by) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : std::string(by)) + item;
  return out;
}

std::string shown_bytes(std::uint64_t bytes) {
  std::string out = in_largest_unit(bytes, kByteUnits);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return out;
}
std::string shown_duration(milliseconds duration) {
  // Weeks are read, but nobody thinks of 12w when 84d was written.
  const std::uint64_t ms = static_cast<std::uint64_t>(duration.count());
  return in_largest_unit(ms,
                         std::to_array<Unit>({kTimeUnits[0], kTimeUnits[1], kTimeUnits[2], kTimeUnits[3], kTimeUnits[4]}));
}
std::string shown_listen(const ListenConfig& listen) {
  const bool six = listen.address.find(':') != std::string::npos;
  return (six ? "[" + listen.address + "]" : listen.address) + ":" + std::to_string(listen.port);
}
std::string shown_bool(bool value) { return value ? "true" : "false"; }

void Reader::problem(const YamlNode& node, std::string_view message, bool fatal) {
  problem_at(place_of(node), message, fatal);
}
void Reader::problem_at(const Place& place, std::string_view message, bool fatal) {
  if (!full()) problems_.push_back({place.path, place.line, place.column, std::string(message), fatal});
}

bool Reader::expected(const YamlNode& node, std::string_view what) {
  std::string found = core::describe(node);
  if (!origin_.from_file) found = node.text.empty() ? "nothing" : "'" + core::clip(node.text) + "'";
  problem(node, key_ + ": expected " + std::string(what) + ", found " + found);
  return false;
}

bool Reader::text(const YamlNode& node, std::string& out) {
  if (!node.is_scalar() || node.kind == YamlNode::Kind::kNull || node.text.find('\0') != std::string::npos) {
    return expected(node, "text");
  }
  out = node.text;
  return true;
}

bool Reader::name(const YamlNode& node, std::string& out) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (!node.is_scalar() || node.text.empty() || node.text.size() > 64 ||
      !std::all_of(node.text.begin(), node.text.end(), fits)) {
    return expected(node, "a name of letters, digits, - and _, at most 64");
  }
  out = node.text;
  return true;
}

bool Reader::boolean(const YamlNode& node, bool& out) {
  const std::string word = node.is_scalar() && !node.quoted ? core::ascii_lower(node.text) : "";
  if (word == "true" || word == "yes" || word == "on") return out = true;
  if (word != "false" && word != "no" && word != "off") return expected(node, "true or false");
  out = false;
  return true;
}

bool Reader::number(const YamlNode& node, Range range, std::uint64_t& out) {
  std::uint64_t value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [at, error] = std::from_chars(node.text.data(), end, value);
  if (!node.is_scalar() || node.text.empty() || error != std::errc() || at != end || value < range.min ||
      value > range.max) {
    return expected(node, "a whole number from " + std::to_string(range.min) + " to " + std::to_string(range.max));
  }
  out = value;
  return true;
}

bool Reader::decimal(const YamlNode& node, double max, double& out) {
  double value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [at, error] = std::from_chars(node.text.data(), end, value);
  if (!node.is_scalar() || node.text.empty() || error != std::errc() || at != end || !(value >= 0 && value <= max)) {
    return expected(node, "a number from 0 to " + std::to_string(static_cast<std::uint64_t>(max)));
  }
  out = value;
  return true;
}

bool Reader::percent(const YamlNode& node, Range range, unsigned& out) {
  YamlNode bare = node;
  if (bare.is_scalar() && bare.text.ends_with('%')) bare.text.pop_back();
  std::uint64_t value = 0;
  if (!number(bare, range, value)) return false;
  out = static_cast<unsigned>(value);
  return true;
}

bool Reader::bytes(const YamlNode& node, Range range, std::uint64_t& out) {
  const std::optional<std::uint64_t> value = node.is_scalar() ? with_unit(node.text, kByteUnits) : std::nullopt;
  if (!value) return expected(node, "a size with its unit (B, KB, MB, GB, TB), such as 500MB or 4GB");
  if (*value < range.min || *value > range.max) {
    return expected(node, "a size from " + shown_bytes(range.min) + " to " + shown_bytes(range.max));
  }
  out = *value;
  return true;
}

bool Reader::duration(const YamlNode& node, milliseconds min, milliseconds max, milliseconds& out) {
  const std::optional<std::uint64_t> value = node.is_scalar() ? with_unit(node.text, kTimeUnits) : std::nullopt;
  if (!value) return expected(node, "a duration with its unit (ms, s, m, h, d, w), such as 5s, 12h or 90d");
  if (*value < static_cast<std::uint64_t>(min.count()) || *value > static_cast<std::uint64_t>(max.count())) {
    return expected(node, "a duration from " + shown_duration(min) + " to " + shown_duration(max));
  }
  out = milliseconds(*value);
  return true;
}

bool Reader::listen(const YamlNode& node, ListenConfig& out) {
  constexpr std::string_view kWhat =
      "an address and a port, such as 0.0.0.0:6514 (every network), 127.0.0.1:6514 (this host only) or '[::1]:6514'";
  if (!node.is_scalar()) return expected(node, kWhat);
  const std::size_t colon = node.text.rfind(':');
  if (colon == std::string::npos) return expected(node, kWhat);
  std::string address = node.text.substr(0, colon);
  const std::string port = node.text.substr(colon + 1);
  const bool brackets = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (brackets) address = address.substr(1, address.size() - 2);
  if (address == "localhost") address = "127.0.0.1";
  std::uint64_t value = 0;
  const auto [at, error] = std::from_chars(port.data(), port.data() + port.size(), value);
  if (!is_address(address) || (address.find(':') != std::string::npos) != brackets) return expected(node, kWhat);
  if (port.empty() || error != std::errc() || at != port.data() + port.size() || value > 65'535) {
    return expected(node, "a port from 1 to 65535 behind the last colon (0: any that is free)");
  }
  out = {std::move(address), static_cast<std::uint16_t>(value)};
  return true;
}

bool Reader::list(const YamlNode& node, std::vector<std::string>& out) {
  std::vector<std::string> items;
  if (node.kind == YamlNode::Kind::kList) {
    if (node.items.size() > kMaxListItems) return expected(node, "at most " + std::to_string(kMaxListItems) + " items");
    for (const YamlNode* item : node.items) {
      if (std::string value; text(*item, value)) items.push_back(std::move(value));
    }
    if (items.size() != node.items.size()) return false;
  } else if (!node.is_scalar() || node.kind == YamlNode::Kind::kNull) {
    return expected(node, "a list of texts, such as [one, two]");
  } else if (origin_.from_file) {
    items.push_back(node.text);
  } else {
    for (std::string_view rest = node.text; !rest.empty();) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      if (const std::string_view item = trimmed(rest.substr(0, end)); !item.empty()) items.emplace_back(item);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  out = std::move(items);
  return true;
}

std::string Reader::resolve(std::string_view path) const {
  std::error_code error;
  std::filesystem::path full(path);
  if (full.is_relative() && !origin_.folder.empty()) full = std::filesystem::path(origin_.folder) / full;
  full = std::filesystem::absolute(full, error).lexically_normal();
  std::string out = error ? std::string(path) : full.string();
  if (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return out;
}

bool Reader::path(const YamlNode& node, std::string& out) {
  std::string value;
  if (!text(node, value)) return false;
  out = value.empty() ? value : resolve(value);
  return true;
}
bool Reader::paths(const YamlNode& node, std::vector<std::string>& out) {
  std::vector<std::string> values;
  if (!list(node, values)) return false;
  for (std::string& value : values) {
    if (value.empty()) return expected(node, "paths that are not empty");
    value = resolve(value);
  }
  out = std::move(values);
  return true;
}

bool Reader::secret_file(const YamlNode& node, core::Secret& out) {
  std::string file;
  if (!path(node, file)) return false;
  mode_t mode = 0;
  core::Result<std::string> bytes = read_secret(file, mode);
  if (!bytes.ok()) {
    problem(node, key_ + ": " + bytes.error().text + "; the secret is read from this file");
    return false;
  }
  while (bytes->ends_with('\n') || bytes->ends_with('\r')) bytes->pop_back();
  out = core::Secret(std::move(*bytes));
  if (out.empty()) {
    problem(node, key_ + ": " + file + " is empty; the secret is read from this file");
    return false;
  }
  if ((mode & S_IROTH) != 0)
    problem(node, key_ + ": everyone on this host may read " + file + "; run: chmod o= " + file, false);
  return true;
}

bool Reader::secret_environment(const YamlNode& node, core::Secret& out) {
  std::string variable;
  if (!text(node, variable)) return false;
  const char* value = std::getenv(variable.c_str());
  if (value == nullptr || *value == '\0') {
    problem(node, key_ + ": the environment has no " + core::clip(variable) + "; the secret is read from that variable");
    return false;
  }
  out = core::Secret(std::string(value));
  return true;
}

}  // namespace tocsin::app::config
