#include "cli/content.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "source/file_input.h"

extern "C" {
extern const char tocsin_content_begin[];
extern const char tocsin_content_end[];
}

namespace tocsin::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxContentFileBytes = 16u << 20;
constexpr std::size_t kMaxRuleFiles = 200'000;
constexpr std::size_t kMaxFolderDepth = 64;

core::Error error(core::ErrorCode code, std::string text) { return {code, std::move(text)}; }

core::Result<std::map<std::string, std::string>> read_folder(const std::string& folder) {
  std::error_code status;
  std::map<std::string, std::string> out;
  fs::recursive_directory_iterator at(folder, status);
  if (status) return error(core::ErrorCode::kNotFound, "cannot read the content folder " + folder + ": " + status.message());
  for (; !status && at != fs::recursive_directory_iterator(); at.increment(status)) {
    std::error_code ignored;
    const fs::path extension = at->path().extension();
    if (!at->is_regular_file(ignored) || (extension != ".yml" && extension != ".yaml")) continue;
    auto text = TOCSIN_TRY(read_text_file(at->path().string(), kMaxContentFileBytes));
    out.emplace(at->path().lexically_relative(folder).generic_string(), std::move(text));
  }
  if (status)
    return error(core::ErrorCode::kIo, "cannot read all of the content folder " + folder + ": " + status.message());
  return out;
}

// Recursion is bounded by kMaxFolderDepth.
core::Result<void> add_rule_folder(const fs::path& folder, std::size_t depth, std::vector<detect::SourceText>& out) {
  std::error_code status;
  fs::directory_iterator at(folder, status);
  for (; !status && at != fs::directory_iterator(); at.increment(status)) {
    std::error_code ignored;
    const std::string path = at->path().string();
    if (at->is_directory(ignored) && !at->is_symlink(ignored)) {
      if (at->path().filename().string().starts_with(".")) continue;
      if (depth == kMaxFolderDepth)
        out.push_back({path, "", "folders are nested too deeply here"});
      else
        TOCSIN_TRY(add_rule_folder(at->path(), depth + 1, out));
    } else if (is_rule_file(at->path().generic_string()) && at->is_regular_file(ignored)) {
      auto text = read_text_file(path, detect::kMaxRuleFileBytes);
      if (text.ok())
        out.push_back({path, std::move(text).value()});
      else
        out.push_back({path, "", text.error().text});
    }
    if (out.size() > kMaxRuleFiles)
      return error(core::ErrorCode::kLimit, "more than 200,000 rule files under " + folder.string());
  }
  if (status) out.push_back({folder.string(), "", "the folder cannot be read: " + status.message()});
  return {};
}

// The content is built in as a tar archive, read as any other.
std::map<std::string, std::string> read_built_in() {
  std::map<std::string, std::string> out;
  source::InputReader reader("content",
                             {tocsin_content_begin, static_cast<std::size_t>(tocsin_content_end - tocsin_content_begin)});
  while (source::Stream* stream = reader.next()) {
    std::string text;
    char buffer[16 * 1024];
    while (const std::size_t size = stream->read(buffer)) text.append(buffer, size);
    std::string_view name = stream->name();
    name.remove_prefix(std::min(name.size(), name.find('!') + 1));
    out.emplace(name, std::move(text));
  }
  return out;
}

}  // namespace

core::Result<std::string> read_text_file(const std::string& path, std::size_t max_bytes) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return error(core::ErrorCode::kNotFound, "cannot read " + path + ": check that it exists and may be read");
  std::string out;
  char buffer[16 * 1024];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    out.append(buffer, static_cast<std::size_t>(in.gcount()));
    if (out.size() > max_bytes) {
      return error(core::ErrorCode::kLimit, path + " is larger than " + std::to_string(max_bytes) + " bytes");
    }
  }
  if (in.bad()) return error(core::ErrorCode::kIo, "cannot read " + path + " to its end");
  return out;
}

core::Result<Content> Content::load(const std::string& folder) {
  Content out;
  if (folder.empty())
    out.files_ = read_built_in();
  else
    out.files_ = TOCSIN_TRY(read_folder(folder));
  return out;
}

std::vector<detect::SourceText> Content::under(std::string_view prefix) const {
  std::vector<detect::SourceText> out;
  for (auto at = files_.lower_bound(std::string(prefix)); at != files_.end() && at->first.starts_with(prefix); ++at) {
    if (is_rule_file(at->first)) out.push_back({at->first, at->second});
  }
  return out;
}

std::vector<detect::SourceText> Content::rules() const { return under("rules/"); }
std::vector<detect::SourceText> Content::log_sources() const { return under("mappings/logsources/"); }

std::vector<normalise::MappingText> Content::ocsf_mappings() const {
  std::vector<normalise::MappingText> out;
  for (detect::SourceText& file : under("mappings/ocsf/")) out.push_back({std::move(file.path), std::move(file.text)});
  // Names of many logs, for the columns of the store (normalise/rows.h).
  for (detect::SourceText& file : under("mappings/columns.yml")) out.push_back({std::move(file.path), std::move(file.text)});
  return out;
}

bool is_rule_file(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (!name.ends_with(".yml") && !name.ends_with(".yaml")) return false;
  if (name.ends_with(".test.yml") || name.ends_with(".test.yaml") || name.starts_with(".")) return false;
  return !(name == "info.yml" && path.find("regression_data/") != std::string_view::npos);
}

core::Result<std::vector<detect::SourceText>> read_rule_files(const std::vector<std::string>& paths) {
  std::vector<detect::SourceText> out;
  for (const std::string& path : paths) {
    std::error_code status;
    if (fs::is_regular_file(path, status)) {
      out.push_back({path, TOCSIN_TRY(read_text_file(path, detect::kMaxRuleFileBytes))});
      continue;
    }
    if (!fs::is_directory(path, status)) {
      return error(core::ErrorCode::kNotFound, "no rules at " + path + ": no such file or folder");
    }
    const fs::directory_iterator opened(path, status);
    if (status) return error(core::ErrorCode::kNotFound, "cannot read the folder " + path + ": " + status.message());
    const std::size_t first = out.size();
    TOCSIN_TRY(add_rule_folder(path, 0, out));
    std::sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
              [](const detect::SourceText& a, const detect::SourceText& b) { return a.path < b.path; });
  }
  return out;
}

}  // namespace tocsin::cli
