// load_rules: files to documents, documents to rules, filters and correlations, then their references.
#include <algorithm>
#include <unordered_map>

#include "core/unicode.h"
#include "detect/rule_set.h"
#include "detect/sigma/correlation.h"
#include "detect/sigma/detection.h"
#include "detect/sigma/metadata.h"
#include "detect/sigma/resolve.h"
#include "detect/sigma/yaml_tree.h"

namespace tocsin::detect {
namespace sigma {
namespace {

// The lines of a document, without markers, comments behind the last line and spaces at the ends.
std::string_view lines_of(std::string_view text, const YamlDocument& document) {
  std::size_t begin = 0;
  for (std::uint32_t line = 1; line < document.first_line && begin != std::string_view::npos; ++line) {
    begin = text.find('\n', begin);
    if (begin != std::string_view::npos) ++begin;
  }
  if (begin == std::string_view::npos) return {};
  std::size_t end = begin;
  for (std::uint32_t line = document.first_line; line <= document.last_line && end < text.size(); ++line) {
    end = text.find('\n', end);
    end = end == std::string_view::npos ? text.size() : end + 1;
  }
  std::string_view out = text.substr(begin, end - begin);
  while (out.starts_with("---") || out.starts_with('\n') || out.starts_with('\r'))
    out.remove_prefix(out.starts_with("---") ? 3 : 1);
  while (!out.empty() && (out.back() == '\n' || out.back() == '\r' || out.back() == ' ' || out.back() == '-'))
    out.remove_suffix(1);
  return out;
}

class Loader {
 public:
  Loader(const std::vector<SourceText>& sources, const LoadOptions& options) : sources_(sources), context_{options, {}, 0} {}

  RuleSet run() {
    for (const SourceText& source : sources_) load_file(source);
    for (std::uint32_t i = 0; i < set_.rules.size(); ++i) references_.add_rule(set_.rules[i].info, i);
    for (std::uint32_t i = 0; i < correlations_.size(); ++i) references_.add_correlation(correlations_[i].rule.info, i);
    apply_filters(filters_, references_, set_, context_);
    resolve_correlations(correlations_, references_, set_);
    return std::move(set_);
  }

 private:
  void load_file(const SourceText& source) {
    if (!source.unreadable.empty()) {
      Report(source.path, set_.diagnostics).error({}, "unreadable", source.unreadable);
      ++set_.refused_count;
      return;
    }
    const YamlFile file = parse_yaml(source.text);
    for (const YamlIssue& issue : file.issues) {
      Report(source.path, set_.diagnostics).error({issue.line, issue.column}, issue.code, issue.message, issue.hint);
      ++set_.refused_count;
    }
    bool empty = file.issues.empty();
    for (const YamlDocument& document : file.documents) {
      if (document.root == nullptr || (document.root->kind == YamlNode::Kind::kNull && document.issues.empty())) continue;
      empty = false;
      Report report(source.path, set_.diagnostics);
      load_document(source, document, report);
      if (report.failed()) ++set_.refused_count;
    }
    if (empty) Report(source.path, set_.diagnostics).warning({1, 1}, "empty-file", "the file holds no rule", "");
  }

  void load_document(const SourceText& source, const YamlDocument& document, Report& report) {
    const YamlNode& root = *document.root;
    if (root.kind == YamlNode::Kind::kMap) {
      const YamlNode* id = root.find("id");
      const YamlNode* title = root.find("title");
      if (id != nullptr && title != nullptr) report.name_rule(core::fold_utf8(id->text), title->text);
    }
    for (const YamlIssue& issue : document.issues)
      report.error({issue.line, issue.column}, issue.code, issue.message, issue.hint);
    if (report.failed()) {
      refused(root);
      return;
    }
    if (root.kind != YamlNode::Kind::kMap) {
      report.error(place_of(root), "not-a-rule", "expected a map with title and detection, found " + describe(root),
                   "is this a Sigma rule?");
      return;
    }
    if (const YamlNode* action = root.find("action")) {
      report.error(place_of(*action), "rule-collection",
                   "'action: " + clip(action->text) + "' is the old form of rule collections, which Sigma 2 removed",
                   "write each rule out as a document of its own");
      refused(root);
      return;
    }
    const int kinds =
        (root.find("detection") != nullptr) + (root.find("correlation") != nullptr) + (root.find("filter") != nullptr);
    if (kinds != 1) {
      report.error(place_of(root), "not-a-rule",
                   kinds == 0 ? "there is no detection, correlation or filter"
                              : "a document is one of detection, correlation and filter",
                   kinds == 0 ? "is this a Sigma rule?" : "split it by '---'");
      refused(root);
    } else if (is_duplicate(source, document, report)) {
      return;
    } else if (root.find("detection") != nullptr) {
      load_rule(root, report);
    } else if (root.find("correlation") != nullptr) {
      load_correlation(root, report);
    } else {
      load_filter(root, report);
    }
    if (report.failed()) {
      refused(root);
    } else if (const std::string id = id_of(root); !id.empty()) {
      seen_.try_emplace(id, std::pair{&source, lines_of(source.text, document)});
    }
  }

  static std::string id_of(const YamlNode& root) {
    const YamlNode* id = root.find("id");
    return id == nullptr || !id->is_scalar() ? "" : core::fold_utf8(id->text);
  }

  void refused(const YamlNode& root) {
    model::RuleInfo info;
    if (root.kind == YamlNode::Kind::kMap) {
      info.id = id_of(root);
      const YamlNode* name = root.find("name");
      if (name != nullptr && name->is_scalar()) info.name = name->text;
    }
    references_.add_refused(info);
  }

  bool is_duplicate(const SourceText& source, const YamlDocument& document, Report& report) {
    const YamlNode* id = document.root->find("id");
    const auto found = id == nullptr ? seen_.end() : seen_.find(id_of(*document.root));
    if (found == seen_.end()) return false;
    const auto& [first, lines] = found->second;
    if (lines == lines_of(source.text, document)) {
      report.warning(place_of(*id), "duplicate-rule", "the same rule is in " + first->path, "it is loaded once");
    } else {
      report.error(place_of(*id), "duplicate-id", "another rule with this id is in " + first->path,
                   "give one of them a new id, or load only one");
    }
    return true;
  }

  void load_rule(const YamlNode& root, Report& report) {
    Rule rule;
    rule.info = parse_metadata(root, report);
    rule.info.type = "rule";
    rule.info.logsource = parse_logsource(root, report);
    const YamlNode& map = *root.find("detection");
    if (map.kind != YamlNode::Kind::kMap) {
      report.error(place_of(map), "wrong-type", "detection: expected a map, found " + describe(map),
                   "write selections and a condition below it");
      return;
    }
    Detection detection = parse_detection(map, "", context_, report);
    if (report.failed()) return;
    rule.leaves = std::move(detection.leaves);
    rule.selections = std::move(detection.selections);
    rule.condition = std::move(detection.condition);
    rule.condition_text = std::move(detection.condition_text);
    set_.rules.push_back(std::move(rule));
  }

  void load_correlation(const YamlNode& root, Report& report) {
    PendingCorrelation pending = parse_correlation(root, context_, report);
    if (!report.failed()) correlations_.push_back(std::move(pending));
  }

  void load_filter(const YamlNode& root, Report& report) {
    PendingFilter filter;
    filter.info = parse_metadata(root, report);
    filter.info.logsource = parse_logsource(root, report);
    const YamlNode& map = *root.find("filter");
    if (map.kind != YamlNode::Kind::kMap) {
      report.error(place_of(map), "wrong-type", "filter: expected a map, found " + describe(map),
                   "write rules, selections and a condition below it");
      return;
    }
    const YamlNode* rules = map.find("rules");
    if (rules == nullptr) {
      report.error(place_of(map), "missing-rules", "the filter does not say which rules it applies to",
                   "add 'rules:' with ids or names, or 'rules: any'");
    } else {
      filter.references = parse_references(*rules, "rules", report);
      filter.any = filter.references.empty() || (rules->is_scalar() && core::fold_utf8(rules->text) == "any");
      if (filter.any) filter.references.clear();
    }
    filter.detection = parse_detection(map, "rules", context_, report);
    if (report.failed()) return;
    if (!filter.detection.condition_has_not) {
      report.warning(place_of(map), "filter-without-not",
                     "the filter keeps only findings whose event matches it: rules become (rule) and (filter)",
                     "to suppress what matches, write 'condition: not selection'");
    }
    filters_.push_back(std::move(filter));
  }

  const std::vector<SourceText>& sources_;
  LoadContext context_;
  RuleSet set_;
  References references_;
  std::vector<PendingFilter> filters_;
  std::vector<PendingCorrelation> correlations_;
  std::unordered_map<std::string, std::pair<const SourceText*, std::string_view>> seen_;  // By id.
};

}  // namespace
}  // namespace sigma

RuleSet load_rules(const std::vector<SourceText>& sources, const LoadOptions& options) {
  return sigma::Loader(sources, options).run();
}

}  // namespace tocsin::detect
