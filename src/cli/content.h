// The project's own content (rules, mappings) and the rule files a user names.
//
// The content is built into the program, so one file is all it needs; a folder given with --content takes its place.
// Immutable after loading.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "detect/log_source_map.h"
#include "detect/rule_set.h"
#include "normalise/ocsf.h"

namespace tocsin::cli {

class Content {
 public:
  // From the folder, or what is built in where `folder` is empty.
  static core::Result<Content> load(const std::string& folder);

  // Files under "rules/" that hold rules (no *.test.yml), by path.
  [[nodiscard]] std::vector<detect::SourceText> rules() const;
  // Files under "mappings/logsources/", then the user's own.
  [[nodiscard]] std::vector<detect::SourceText> log_sources() const;
  [[nodiscard]] std::vector<normalise::MappingText> ocsf_mappings() const;
  [[nodiscard]] const std::map<std::string, std::string>& files() const { return files_; }

 private:
  [[nodiscard]] std::vector<detect::SourceText> under(std::string_view prefix) const;
  std::map<std::string, std::string> files_;  // Path inside the content folder -> bytes.
};

// Whether a file by that path is to be read as rules: *.yml and *.yaml, but no *.test.yml, no info.yml of SigmaHQ's
// regression data, no hidden folders.
bool is_rule_file(std::string_view path);

// All rule files under the given files and folders, sorted by path within each. A path that cannot be read is an error:
// the operator named it. A file or folder below it that cannot be read has SourceText::unreadable set.
core::Result<std::vector<detect::SourceText>> read_rule_files(const std::vector<std::string>& paths);

core::Result<std::string> read_text_file(const std::string& path, std::size_t max_bytes);

}  // namespace tocsin::cli
