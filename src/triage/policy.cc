// joining.yml: read strictly. What is not known, missing or out of range is refused with its place.
#include "triage/policy.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/text.h"
#include "core/yaml.h"

namespace tocsin::triage {
namespace {

using core::YamlNode;

constexpr std::array<const char*, kLinkKindCount> kNames{
    "process", "process_pid",      "process_bare", "session_near", "session", "hash",          "file", "connection",
    "address", "internal_address", "domain",       "user_on_host", "user",    "cloud_account", "host"};
constexpr std::array<const char*, kLinkKindCount> kReasons{
    "process_tree", "process_tree", "process_tree", "session", "session", "hash",          "file", "connection",
    "address",      "address",      "domain",       "user",    "user",    "cloud_account", "host"};
constexpr std::size_t kMaxListed = 10'000;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kMaxWindowSeconds = 90 * 86'400;

class Reader {
 public:
  explicit Reader(std::string_view path) : path_(path) {}

  [[nodiscard]] core::Error error(const YamlNode& at, const std::string& text) const {
    return {core::ErrorCode::kInvalid,
            std::string(path_) + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + text};
  }

  core::Result<void> need_map(const YamlNode& node, const std::string& what) const {
    if (node.kind != YamlNode::Kind::kMap) return error(node, what + ": expected a map, not " + core::describe(node));
    return {};
  }

  core::Result<double> number(const YamlNode& node, const std::string& what, double least, double most) const {
    double value = 0;
    const auto [end, status] = std::from_chars(node.text.data(), node.text.data() + node.text.size(), value);
    if (!node.is_scalar() || node.text.empty() || status != std::errc() || end != node.text.data() + node.text.size() ||
        !(value >= least && value <= most)) {
      return error(
          node, what + ": expected a number from " + shown(least) + " to " + shown(most) + ", not " + core::describe(node));
    }
    return value;
  }

  core::Result<std::uint32_t> count(const YamlNode& node, const std::string& what, std::uint32_t least,
                                    std::uint32_t most) const {
    const double value = TOCSIN_TRY(number(node, what, least, most));
    if (value != static_cast<double>(static_cast<std::uint32_t>(value)))
      return error(node, what + ": expected a whole number");
    return static_cast<std::uint32_t>(value);
  }

  core::Result<std::int64_t> window_ns(const YamlNode& node, const std::string& what) const {
    std::int64_t value = 0;
    const std::string& text = node.text;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view unit =
        status == std::errc() ? std::string_view(end, text.data() + text.size()) : std::string_view();
    const std::int64_t seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3'600 : unit == "d" ? 86'400 : 0;
    if (!node.is_scalar() || seconds == 0 || value < 0 || value > kMaxWindowSeconds / seconds) {
      return error(node, what + ": expected a time such as 15m, 24h or 7d (at most 90d), not " + core::describe(node));
    }
    return value * seconds * kNsPerSecond;
  }

  core::Result<std::vector<std::string>> texts(const YamlNode& node, const std::string& what) const {
    if (node.kind != YamlNode::Kind::kList) return error(node, what + ": expected a list, not " + core::describe(node));
    if (node.items.size() > kMaxListed) return error(node, what + ": more than 10,000 entries");
    std::vector<std::string> out;
    for (const YamlNode* item : node.items) {
      if (!item->is_scalar() || item->text.empty())
        return error(*item, what + ": expected text, not " + core::describe(*item));
      out.push_back(core::ascii_lower(item->text));
    }
    return out;
  }

  core::Result<JoinPolicy::Names> names(const YamlNode& node, const std::string& what) const {
    const auto list = TOCSIN_TRY(texts(node, what));
    return JoinPolicy::Names(list.begin(), list.end());
  }

  core::Result<std::vector<Network>> networks(const YamlNode& node, const std::string& what) const {
    std::vector<Network> out;
    const auto list = TOCSIN_TRY(texts(node, what));
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto network = parse_network(list[i]);
      if (!network) return error(*node.items[i], what + ": '" + core::clip(list[i]) + "' is no network such as 10.0.0.0/8");
      out.push_back(*network);
    }
    return out;
  }

  [[nodiscard]] core::Error unknown(const YamlNode& key, const std::string& where) const {
    return error(key, "'" + core::clip(key.text) + "' is not known in " + where);
  }

 private:
  static std::string shown(double value) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    return {buffer.data(), end};
  }
  std::string_view path_;
};

std::optional<LinkKind> kind_from(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<LinkKind>(found - kNames.begin());
}

core::Result<JoinPolicy::Kind> read_kind(const Reader& reader, const YamlNode& node, const std::string& what) {
  TOCSIN_TRY(reader.need_map(node, what));
  JoinPolicy::Kind out;
  if (node.find("window") == nullptr || node.find("weight") == nullptr)
    return reader.error(node, what + ": needs window and weight");
  for (const auto& [key, value] : node.entries) {
    if (key->text == "window")
      out.window_ns = TOCSIN_TRY(reader.window_ns(*value, what + ".window"));
    else if (key->text == "weight")
      out.weight = TOCSIN_TRY(reader.number(*value, what + ".weight", 0, 1));
    else if (key->text == "min_severity")
      out.min_severity = static_cast<std::uint8_t>(TOCSIN_TRY(reader.count(*value, what + ".min_severity", 1, 6)));
    else if (key->text == "common_rules" && value->kind == YamlNode::Kind::kBool)
      out.common_rules = value->text == "true";
    else
      return reader.unknown(*key, what);
  }
  return out;
}

core::Result<void> read_kinds(const Reader& reader, const YamlNode& node, JoinPolicy& out) {
  TOCSIN_TRY(reader.need_map(node, "kinds"));
  for (const auto& [key, value] : node.entries) {
    const auto kind = kind_from(key->text);
    if (!kind) return reader.unknown(*key, "kinds");
    out.kinds[static_cast<std::size_t>(*kind)] = TOCSIN_TRY(read_kind(reader, *value, "kinds." + key->text));
  }
  for (const char* name : kNames) {
    if (node.find(name) == nullptr) return reader.error(node, "kinds: '" + std::string(name) + "' is missing");
  }
  return {};
}

constexpr std::array kAskRare{
    LinkKind::kAddress, LinkKind::kInternalAddress, LinkKind::kDomain,    LinkKind::kHash, LinkKind::kFile,
    LinkKind::kUser,    LinkKind::kUserOnHost,      LinkKind::kConnection};

core::Result<void> read_rare(const Reader& reader, const YamlNode& node, JoinPolicy& out) {
  TOCSIN_TRY(reader.need_map(node, "rare"));
  for (const auto& [key, value] : node.entries) {
    const auto kind = kind_from(key->text);
    if (!kind || std::find(kAskRare.begin(), kAskRare.end(), *kind) == kAskRare.end()) return reader.unknown(*key, "rare");
    const std::string what = "rare." + key->text;
    TOCSIN_TRY(reader.need_map(*value, what));
    JoinPolicy::Rare& rare = out.rare[static_cast<std::size_t>(*kind)];
    for (const auto& [name, number] : value->entries) {
      if (name->text != "hosts" && name->text != "days") return reader.unknown(*name, what);
      (name->text == "hosts" ? rare.hosts : rare.days) =
          TOCSIN_TRY(reader.count(*number, what + "." + name->text, 1, 1'000'000));
    }
    if (rare.hosts == 0 || rare.days == 0) return reader.error(*value, what + ": needs hosts and days");
  }
  for (const LinkKind kind : kAskRare) {
    if (node.find(name_of(kind)) == nullptr)
      return reader.error(node, "rare: '" + std::string(name_of(kind)) + "' is missing");
  }
  return {};
}

core::Result<void> read_common_rule(const Reader& reader, const YamlNode& node, JoinPolicy& out) {
  TOCSIN_TRY(reader.need_map(node, "common_rule"));
  for (const auto& [key, value] : node.entries) {
    const std::string what = "common_rule." + key->text;
    if (key->text == "hosts")
      out.common_rule.hosts = TOCSIN_TRY(reader.count(*value, what, 1, 1'000'000));
    else if (key->text == "max_hosts")
      out.common_rule.max_hosts = TOCSIN_TRY(reader.count(*value, what, 1, 1'000'000));
    else if (key->text == "days")
      out.common_rule.days = TOCSIN_TRY(reader.count(*value, what, 1, 1'000));
    else if (key->text == "share")
      out.common_rule.share = TOCSIN_TRY(reader.number(*value, what, 0, 1));
    else
      return reader.unknown(*key, "common_rule");
  }
  if (out.common_rule.hosts == 0 || out.common_rule.days == 0 || out.common_rule.max_hosts < out.common_rule.hosts)
    return reader.error(node, "common_rule: needs days, hosts and max_hosts, the last not below hosts");
  return {};
}

core::Result<void> read_never(const Reader& reader, const YamlNode& node, JoinPolicy& out) {
  TOCSIN_TRY(reader.need_map(node, "never"));
  const std::array<std::pair<std::string_view, JoinPolicy::Names*>, 6> sets{{{"users", &out.never_users},
                                                                             {"processes", &out.never_processes},
                                                                             {"sessions", &out.never_sessions},
                                                                             {"hashes", &out.never_hashes},
                                                                             {"hosts", &out.never_hosts},
                                                                             {"domains", &out.never_domains}}};
  for (const auto& [key, value] : node.entries) {
    const std::string what = "never." + key->text;
    const auto set = std::find_if(sets.begin(), sets.end(), [&](const auto& one) { return one.first == key->text; });
    if (set != sets.end())
      *set->second = TOCSIN_TRY(reader.names(*value, what));
    else if (key->text == "user_suffixes")
      out.never_user_suffixes = TOCSIN_TRY(reader.texts(*value, what));
    else if (key->text == "user_prefixes")
      out.never_user_prefixes = TOCSIN_TRY(reader.texts(*value, what));
    else if (key->text == "installed")
      out.never_installed = TOCSIN_TRY(reader.texts(*value, what));
    else if (key->text == "networks")
      out.never_networks = TOCSIN_TRY(reader.networks(*value, what));
    else
      return reader.unknown(*key, "never");
  }
  return {};
}

core::Result<void> read_root(const Reader& reader, const YamlNode& root, JoinPolicy& out) {
  TOCSIN_TRY(reader.need_map(root, "joining"));
  for (const auto& [key, value] : root.entries) {
    if (key->text == "kinds")
      TOCSIN_TRY(read_kinds(reader, *value, out));
    else if (key->text == "common_rule")
      TOCSIN_TRY(read_common_rule(reader, *value, out));
    else if (key->text == "rare")
      TOCSIN_TRY(read_rare(reader, *value, out));
    else if (key->text == "never")
      TOCSIN_TRY(read_never(reader, *value, out));
    else if (key->text == "internal_networks")
      out.internal_networks = TOCSIN_TRY(reader.networks(*value, "internal_networks"));
    else if (key->text == "max_reasons")
      out.max_reasons = TOCSIN_TRY(reader.count(*value, "max_reasons", 1, 32));
    else
      return reader.unknown(*key, "this file");
  }
  for (const char* name : {"kinds", "common_rule", "rare", "never", "internal_networks", "max_reasons"}) {
    if (root.find(name) == nullptr) return reader.error(root, "'" + std::string(name) + "' is missing");
  }
  return {};
}

}  // namespace

const char* name_of(LinkKind kind) { return kNames[static_cast<std::size_t>(kind)]; }
const char* reason_of(LinkKind kind) { return kReasons[static_cast<std::size_t>(kind)]; }

core::Result<std::shared_ptr<const JoinPolicy>> read_join_policy(std::string_view yaml, std::string_view path) {
  const core::YamlFile file = core::parse_yaml(yaml);
  const std::string name(path);
  const auto refuse = [&](const core::YamlIssue& issue) {
    return core::Error{core::ErrorCode::kInvalid,
                       name + ":" + std::to_string(issue.line) + ":" + std::to_string(issue.column) + ": " + issue.message};
  };
  if (!file.issues.empty()) return refuse(file.issues.front());
  if (file.documents.size() != 1 || file.documents.front().root == nullptr)
    return core::Error{core::ErrorCode::kInvalid, name + ":1:1: expected one document"};
  const core::YamlDocument& document = file.documents.front();
  if (!document.issues.empty()) return refuse(document.issues.front());
  auto out = std::make_shared<JoinPolicy>();
  TOCSIN_TRY(read_root(Reader(path), *document.root, *out));
  return std::shared_ptr<const JoinPolicy>(std::move(out));
}

}  // namespace tocsin::triage
