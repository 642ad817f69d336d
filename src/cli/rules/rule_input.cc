#include "cli/rules/rule_input.h"

#include <algorithm>
#include <filesystem>
#include <unordered_set>

#include "decode/windows_names.h"

namespace tocsin::cli {
namespace {

namespace fs = std::filesystem;

void add_test_files(const std::string& folder, std::vector<std::string>& out) {
  std::error_code status;
  std::vector<std::string> found;
  for (fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, status), end;
       !status && at != end; at.increment(status)) {
    std::error_code ignored;
    if (at->path().filename().string().starts_with(".") && at->is_directory(ignored)) at.disable_recursion_pending();
    if (is_test_path(at->path().native()) && at->is_regular_file(ignored)) found.push_back(at->path().string());
  }
  std::sort(found.begin(), found.end());
  out.insert(out.end(), found.begin(), found.end());
}

RuleInput built_in(const Content& content) {
  RuleInput out;
  out.files = content.rules();
  for (const auto& [path, text] : content.files()) {
    if (path.starts_with("rules/") && is_test_path(path)) out.test_files.push_back(path);
  }
  out.read = [&content](const std::string& path, std::size_t max_bytes) -> core::Result<std::string> {
    const auto found = content.files().find(path);
    if (found == content.files().end())
      return core::Error{core::ErrorCode::kNotFound, "there is no " + path + " in the content"};
    if (found->second.size() > max_bytes) return core::Error{core::ErrorCode::kLimit, path + " is too large"};
    return found->second;
  };
  return out;
}

}  // namespace

core::Result<RuleInput> find_rules(const std::vector<std::string>& paths, const std::vector<std::string>& more,
                                   const Content& content) {
  RuleInput out;
  if (paths.empty()) {
    out = built_in(content);
  } else {
    std::vector<std::string> rule_paths;
    for (const std::string& path : paths) {
      std::error_code status;
      if (is_test_path(path))
        out.test_files.push_back(path);
      else if (fs::is_directory(path, status))
        add_test_files(path, out.test_files);
      rule_paths.push_back(is_test_path(path) ? rule_path_of(path) : path);
    }
    out.files = TOCSIN_TRY(read_rule_files(rule_paths));
    out.read = read_text_file;
  }
  std::unordered_set<std::string> known;
  for (const detect::SourceText& file : out.files) {
    if (known.insert(file.path).second) out.under_test.push_back(file.path);
  }
  for (detect::SourceText& file : TOCSIN_TRY(read_rule_files(more))) {
    if (known.insert(file.path).second) out.files.push_back(std::move(file));
  }
  return out;
}

core::Result<detect::RuleSet> load_rule_files(const RuleInput& input, const std::string& variables_path) {
  detect::LoadOptions options;
  options.canonical_name = [](std::string_view name) { return decode::canonical_name(name); };
  if (!variables_path.empty()) {
    const std::string text = TOCSIN_TRY(read_text_file(variables_path, detect::kMaxRuleFileBytes));
    options.variables = TOCSIN_TRY(detect::load_variables({variables_path, text}));
  }
  return detect::load_rules(input.files, options);
}

core::Result<detect::LogSourceMap> load_source_table(const Content& content, const std::vector<std::string>& files) {
  std::vector<detect::SourceText> texts = content.log_sources();
  for (detect::SourceText& text : TOCSIN_TRY(read_rule_files(files))) {
    if (!text.unreadable.empty()) return core::Error{core::ErrorCode::kIo, text.path + ": " + text.unreadable};
    texts.push_back(std::move(text));
  }
  detect::LogSourceMap out = detect::load_log_sources(texts);
  if (!out.diagnostics.empty()) return core::Error{core::ErrorCode::kInvalid, detect::format_diagnostic(out.diagnostics[0])};
  return out;
}

}  // namespace tocsin::cli
