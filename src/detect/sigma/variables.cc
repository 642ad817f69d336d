#include "detect/rule_set.h"
#include "detect/sigma/yaml_tree.h"

namespace tocsin::detect {
namespace {

core::Error wrong(const std::string& path, const sigma::YamlNode& node, const std::string& what) {
  return {core::ErrorCode::kInvalid, path + ":" + std::to_string(node.line) + ":" + std::to_string(node.column) + ": " +
                                         what + ", not " + sigma::describe(node)};
}

}  // namespace

core::Result<std::map<std::string, std::vector<std::string>>> load_variables(const SourceText& source) {
  const sigma::YamlFile file = sigma::parse_yaml(source.text);
  std::map<std::string, std::vector<std::string>> out;
  for (const sigma::YamlIssue& issue : file.issues) {
    return core::Error{core::ErrorCode::kInvalid, source.path + ":" + std::to_string(issue.line) + ": " + issue.message};
  }
  for (const sigma::YamlDocument& document : file.documents) {
    if (!document.issues.empty()) {
      return core::Error{core::ErrorCode::kInvalid,
                         source.path + ":" + std::to_string(document.issues[0].line) + ": " + document.issues[0].message};
    }
    if (document.root == nullptr) continue;
    if (document.root->kind != sigma::YamlNode::Kind::kMap) {
      return wrong(source.path, *document.root, "expected a map of placeholder name to values");
    }
    for (const auto& [key, value] : document.root->entries) {
      std::vector<std::string>& values = out[key->text];
      if (value->is_scalar()) {
        values.push_back(value->text);
      } else if (value->kind == sigma::YamlNode::Kind::kList) {
        for (const sigma::YamlNode* item : value->items) {
          if (!item->is_scalar())
            return wrong(source.path, *item, "a value of '" + key->text + "' must be text or a number");
          values.push_back(item->text);
        }
      } else {
        return wrong(source.path, *value, "'" + key->text + "' must be a value or a list of values");
      }
    }
  }
  return out;
}

std::string format_diagnostic(const sigma::Diagnostic& diagnostic) {
  std::string out = diagnostic.path;
  if (diagnostic.line > 0) out += ':' + std::to_string(diagnostic.line);
  if (diagnostic.line > 0 && diagnostic.column > 0) out += ':' + std::to_string(diagnostic.column);
  out += diagnostic.severity == sigma::Diagnostic::Severity::kError ? ": error: " : ": warning: ";
  out += diagnostic.message;
  if (!diagnostic.hint.empty()) out += "; " + diagnostic.hint;
  out += " [" + diagnostic.code + ']';
  if (!diagnostic.rule_title.empty()) out += " (" + diagnostic.rule_title + ')';
  return out;
}

}  // namespace tocsin::detect
