#include "cli/rules/test_file.h"

#include <array>
#include <charconv>

#include "cli/rules/yaml_json.h"
#include "core/unicode.h"
#include "core/yaml.h"
#include "decode/decoder.h"

namespace tocsin::cli {
namespace {

using core::YamlNode;
using Kind = YamlNode::Kind;
struct Done {};

core::Error error_at(const YamlNode& value, const std::string& text) {
  return {core::ErrorCode::kInvalid, "line " + std::to_string(value.line) + ": " + text};
}

core::Error error_of(const core::YamlIssue& issue) {
  return {core::ErrorCode::kInvalid, "line " + std::to_string(issue.line) + ": " + issue.message};
}

core::Result<std::string> scalar(const YamlNode& value, std::string_view key) {
  if (!value.is_scalar()) return error_at(value, std::string(key) + ": expected text");
  return value.text;
}

core::Result<std::uint64_t> whole_number(const YamlNode& value, std::string_view key) {
  std::uint64_t out = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [at, status] = std::from_chars(value.text.data(), end, out);
  if (!value.is_scalar() || status != std::errc() || at != end) {
    return error_at(value, std::string(key) + ": expected a whole number");
  }
  return out;
}

core::Result<model::LogSource> logsource_of(const YamlNode& value) {
  model::LogSource out;
  if (value.kind != Kind::kMap) return error_at(value, "logsource: expected a map");
  for (const auto& [name, node] : value.entries) {
    const std::string& key = name->text;
    const YamlNode& item = *node;
    const std::string text = core::fold_utf8(TOCSIN_TRY(scalar(item, key)));
    if (key == "product")
      out.product = text;
    else if (key == "category")
      out.category = text;
    else if (key == "service")
      out.service = text;
    else
      return error_at(item, "logsource: unknown key '" + key + "'; expected product, category or service");
  }
  return out;
}

core::Result<std::string> events_as_lines(const YamlNode& value) {
  if (value.kind != Kind::kList) return error_at(value, "events: expected a list of maps");
  std::string out;
  for (const YamlNode* item : value.items) {
    const YamlNode& event = *item;
    if (event.kind != Kind::kMap) return error_at(event, "events: expected a map");
    core::JsonWriter json(out);
    write_json(event, json);
    out += '\n';
  }
  return out;
}

core::Result<Done> take_key(const std::string& key, const YamlNode& value, RuleTest& out, int& inputs) {
  if (key == "name")
    out.name = TOCSIN_TRY(scalar(value, key));
  else if (key == "rule")
    out.rule = TOCSIN_TRY(scalar(value, key));
  else if (key == "expect")
    out.expect = TOCSIN_TRY(whole_number(value, key));
  else if (key == "logsource")
    out.logsource = TOCSIN_TRY(logsource_of(value));
  else if (key == "format") {
    out.format = decode::format_from_name(TOCSIN_TRY(scalar(value, key)));
    if (!out.format) return error_at(value, "format: '" + value.text + "' is not known; see tocsin decode --help");
  } else if (key == "events") {
    out.bytes = TOCSIN_TRY(events_as_lines(value));
    ++inputs;
  } else if (key == "lines") {
    out.bytes = TOCSIN_TRY(scalar(value, key));
    ++inputs;
  } else if (key == "file") {
    out.file = TOCSIN_TRY(scalar(value, key));
    if (!stays_below(out.file)) return error_at(value, "file: expected a path below the test's folder");
    ++inputs;
  } else {
    return error_at(value,
                    "unknown key '" + key + "'; expected name, rule, expect, logsource, format, events, lines or file");
  }
  return Done{};
}

core::Result<RuleTest> test_of(const YamlNode& value) {
  RuleTest out;
  if (value.kind != Kind::kMap) return error_at(value, "expected a map with name, expect and events, lines or file");
  int inputs = 0;
  for (const auto& [key, item] : value.entries) TOCSIN_TRY(take_key(key->text, *item, out, inputs));
  if (value.find("expect") == nullptr) return error_at(value, "'expect' is missing: how many findings?");
  if (inputs != 1) return error_at(value, "expected exactly one of events, lines and file");
  if (value.find("events") != nullptr && !out.format) out.format = model::Format::kJson;
  if (out.name.empty()) out.name = "test at line " + std::to_string(value.line);
  return out;
}

core::Result<RuleTest> regression_of(const YamlNode& value) {
  RuleTest out;
  out.expect = 1;
  out.at_least = true;
  if (value.kind != Kind::kMap) return error_at(value, "expected a map with name, type and path");
  for (const auto& [name, node] : value.entries) {
    const std::string& key = name->text;
    const YamlNode& item = *node;
    if (key == "name")
      out.name = TOCSIN_TRY(scalar(item, key));
    else if (key == "path")
      out.file = TOCSIN_TRY(scalar(item, key));
    else if (key == "match_count")
      out.expect = TOCSIN_TRY(whole_number(item, key));
  }
  if (!stays_below(out.file)) return error_at(value, "path: expected a path below the repository's folder");
  return out;
}

core::Result<std::vector<RuleTest>> list_of(std::string_view text, std::string_view key,
                                            core::Result<RuleTest> (*parse)(const YamlNode&)) {
  const core::YamlFile file = core::parse_yaml(text);
  if (!file.issues.empty()) return error_of(file.issues[0]);
  if (file.documents.empty() || file.documents[0].root == nullptr)
    return core::Error{core::ErrorCode::kInvalid, "the file is empty"};
  if (!file.documents[0].issues.empty()) return error_of(file.documents[0].issues[0]);
  const YamlNode& root = *file.documents[0].root;
  const YamlNode* list = root.find(key);
  if (list == nullptr || list->kind != Kind::kList) {
    return error_at(root, "expected a map with a list '" + std::string(key) + "'");
  }
  if (list->items.size() > kMaxTestsPerFile)
    return error_at(*list, "more than " + std::to_string(kMaxTestsPerFile) + " tests");
  std::vector<RuleTest> out;
  for (const YamlNode* item : list->items) out.push_back(TOCSIN_TRY(parse(*item)));
  return out;
}

}  // namespace

core::Result<std::vector<RuleTest>> parse_tests(std::string_view text) { return list_of(text, "tests", test_of); }
core::Result<std::vector<RuleTest>> parse_regression_info(std::string_view text) {
  return list_of(text, "regression_tests_info", regression_of);
}

std::string regression_path_of(std::string_view rule_text) {
  constexpr std::string_view kKey = "regression_tests_path:";
  std::size_t at = rule_text.starts_with(kKey) ? 0 : rule_text.find("\nregression_tests_path:");
  if (at == std::string_view::npos) return {};
  if (rule_text[at] == '\n') ++at;
  std::string_view value = rule_text.substr(at + kKey.size());
  value = value.substr(0, value.find('\n'));
  value = value.substr(0, value.find(" #"));
  constexpr std::string_view kTrimmed = " \t\r'\"";
  const std::size_t begin = value.find_first_not_of(kTrimmed);
  if (begin == std::string_view::npos) return {};
  return std::string(value.substr(begin, value.find_last_not_of(kTrimmed) - begin + 1));
}

bool stays_below(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\0') != std::string_view::npos) return false;
  std::size_t at = 0;
  while (at <= path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (path.substr(at, end - at) == "..") return false;
    at = end + 1;
  }
  return true;
}

}  // namespace tocsin::cli
