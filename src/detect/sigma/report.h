// Collects the diagnostics of one document; knows whether it must be refused.
//
// One thread. At most kMaxPerDocument are kept: further ones repeat the first.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "detect/sigma/ast.h"
#include "detect/sigma/yaml_tree.h"

namespace tocsin::detect::sigma {

struct Place {
  std::uint32_t line = 0, column = 0;
};
inline Place place_of(const YamlNode& node) { return {node.line, node.column}; }
// Of the character at `offset` bytes into a scalar's text, where the file shows it there; else of the scalar.
Place place_in(const YamlNode& node, std::size_t offset);

class Report {
 public:
  static constexpr std::size_t kMaxPerDocument = 50;
  Report(std::string path, std::vector<Diagnostic>& out) : path_(std::move(path)), out_(out) {}

  void error(Place place, std::string code, std::string message, std::string hint = {}) {
    failed_ = true;
    add(Diagnostic::Severity::kError, place, std::move(code), std::move(message), std::move(hint));
  }
  void warning(Place place, std::string code, std::string message, std::string hint = {}) {
    add(Diagnostic::Severity::kWarning, place, std::move(code), std::move(message), std::move(hint));
  }
  // What later diagnostics say of the rule.
  void name_rule(std::string id, std::string title) {
    id_ = std::move(id);
    title_ = std::move(title);
  }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  void add(Diagnostic::Severity severity, Place place, std::string code, std::string message, std::string hint);

  std::string path_;
  std::vector<Diagnostic>& out_;
  std::string id_, title_;
  std::size_t count_ = 0;
  bool failed_ = false;
};

// "did you mean 'contains'?" for the candidate nearest to `word`, or "" where none is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace tocsin::detect::sigma
