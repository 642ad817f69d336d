#include "cli/rules/package_files.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "cli/content.h"
#include "cli/rules/sha256.h"
#include "core/unicode.h"
#include "source/file_input.h"

namespace tocsin::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxVersionBytes = 40;

core::Error refused(std::string text) { return {core::ErrorCode::kInvalid, std::move(text)}; }
core::Error too_much(std::string text) { return {core::ErrorCode::kLimit, std::move(text)}; }

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool has_key(std::string_view text, std::string_view key) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    if (at == 0 || text[at - 1] == '\n') return true;
  }
  return false;
}

bool is_rule_text(std::string_view text) {
  return has_key(text, "title:") &&
         (has_key(text, "detection:") || has_key(text, "correlation:") || has_key(text, "filter:"));
}

// Parts that are no rules, though they may hold YAML that looks like some.
bool is_left_out(std::string_view path) {
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part.starts_with('.') || part == "regression_data" || part == "tests" || part == "deprecated" ||
        part == "unsupported" || part == "rules-placeholder") {
      return true;
    }
    at = end + 1;
  }
  return false;
}

bool is_licence(std::string_view name) { return name.starts_with("LICENSE") || name.starts_with("LICENCE"); }
bool is_version(std::string_view name) { return name == "version.txt" || name == "VERSION"; }
bool is_wanted_name(std::string_view path) {
  return !is_left_out(path) && (is_rule_file(path) || is_licence(name_of(path)) || is_version(name_of(path)));
}

// Collects what both kinds of package hold, under one set of limits.
class Collector {
 public:
  core::Result<void> look_at() {
    if (++looked_at_ > kMaxPackageFiles)
      return too_much("the package holds more than " + std::to_string(kMaxPackageFiles) + " files");
    return {};
  }

  void skip() { ++out_.skipped_files; }

  core::Result<void> take(const std::string& path, std::string text) {
    bytes_ += text.size();
    if (bytes_ > kMaxPackageUnpackedBytes)
      return too_much("the package is larger than " + std::to_string(kMaxPackageUnpackedBytes) + " bytes");
    const bool is_rule = is_rule_file(path);
    if (is_rule && !is_rule_text(text)) {
      skip();
      return {};
    }
    if (is_version(name_of(path)) && out_.version.empty()) out_.version = version_in(text);
    if (!out_.files.emplace(path, std::move(text)).second) return refused("the package holds " + path + " twice");
    if (is_rule) ++out_.rule_files;
    return {};
  }

  core::Result<PackageFiles> finish() {
    if (out_.rule_files == 0) return refused("the package holds no rule");
    // A name that is also a folder of another could not be written.
    for (const auto& [path, text] : out_.files) {
      const auto below = out_.files.lower_bound(path + "/");
      if (below != out_.files.end() && below->first.starts_with(path + "/"))
        return refused("the package has " + path + " both as a file and as a folder");
    }
    return std::move(out_);
  }

 private:
  PackageFiles out_;
  std::size_t looked_at_ = 0;
  std::size_t bytes_ = 0;
};

core::Result<std::string> read_whole(source::Stream& stream) {
  std::string text;
  std::array<char, 16 * 1024> buffer;
  while (const std::size_t size = stream.read(buffer)) {
    text.append(buffer.data(), size);
    if (text.size() > kMaxPackageFileBytes)
      return too_much(stream.name() + " is larger than " + std::to_string(kMaxPackageFileBytes) + " bytes");
  }
  return text;
}

}  // namespace

std::string path_problem(std::string_view path) {
  if (path.empty() || path.size() > kMaxPackagePathBytes) return "is empty or too long";
  if (path.front() == '/') return "is absolute";
  if (path.find('\\') != std::string_view::npos || path.find(':') != std::string_view::npos)
    return "has a backslash or a colon";
  if (!core::is_valid_utf8(path)) return "is no UTF-8";
  if (std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return "has a control character";
  std::size_t parts = 0;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part == "..") return "climbs out of its folder";
    if (part.empty() || part == ".") return "has an empty part";
    if (++parts > kMaxPackagePathParts) return "is nested too deep";
    at = end + 1;
  }
  return {};
}

core::Result<PackageFiles> read_package_archive(const std::string& name, std::string_view bytes) {
  Collector collector;
  source::ReadOptions options;
  options.max_archive_depth = 1;  // An archive in a package is a file like any other, and not a rule.
  options.max_expanded_bytes = kMaxPackageUnpackedBytes;
  source::InputReader reader(name, bytes, options);
  while (source::Stream* stream = reader.next()) {
    if (!stream->name().starts_with(name + "!")) return refused(name + " is no archive");
    const std::string path = stream->name().substr(name.size() + 1);
    TOCSIN_TRY(collector.look_at());
    if (const std::string problem = path_problem(path); !problem.empty()) {
      return refused("the package is refused: the name of its entry '" + path + "' " + problem);
    }
    if (!is_wanted_name(path)) {
      collector.skip();
      continue;
    }
    std::string text = TOCSIN_TRY(read_whole(*stream));
    if (stream->broken()) return refused(name + ": " + path + " is damaged");
    TOCSIN_TRY(collector.take(path, std::move(text)));
  }
  for (const source::Problem& problem : reader.problems().kept()) {
    if (problem.cause != "archive-nesting")
      return refused("the package is refused: " + problem.name + ": " + problem.detail);
  }
  return collector.finish();
}

core::Result<PackageFiles> read_package_folder(const std::string& folder) {
  Collector collector;
  std::error_code status;
  fs::recursive_directory_iterator at(folder, status);
  if (status) return core::Error{core::ErrorCode::kNotFound, "cannot read the folder " + folder + ": " + status.message()};
  for (; !status && at != fs::recursive_directory_iterator(); at.increment(status)) {
    std::error_code ignored;
    const std::string path = at->path().lexically_relative(folder).generic_string();
    if (at->is_directory(ignored)) {
      if (is_left_out(path)) at.disable_recursion_pending();
      continue;
    }
    TOCSIN_TRY(collector.look_at());
    // Links are left alone: they may lead anywhere.
    if (at->is_symlink(ignored) || !at->is_regular_file(ignored) || !is_wanted_name(path) || !path_problem(path).empty()) {
      collector.skip();
      continue;
    }
    std::string text = TOCSIN_TRY(read_text_file(at->path().string(), kMaxPackageFileBytes));
    TOCSIN_TRY(collector.take(path, std::move(text)));
  }
  // An iterator that fails is at its end.
  if (status)
    return core::Error{core::ErrorCode::kIo, "cannot read the folder " + folder + " to its end: " + status.message()};
  return collector.finish();
}

std::string checksum_of(const PackageFiles& package) {
  Sha256 hash;
  for (const auto& [path, text] : package.files) {
    hash.add(path + '\0' + std::to_string(text.size()) + '\0');
    hash.add(text);
  }
  return hash.finish();
}

std::string version_in(std::string_view text) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-+_";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = text.find_first_of(kAllowed, at);
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_not_of(kAllowed, begin), text.size());
    std::string_view word = text.substr(begin, end - begin);
    at = end;
    const bool leads = word[0] >= '0' && word[0] <= '9';
    const bool named = word.size() > 1 && (word[0] == 'r' || word[0] == 'v') && word[1] >= '0' && word[1] <= '9';
    const bool separated = word.find_first_of(".-") != std::string_view::npos;
    if ((leads || named) && separated && word.size() <= kMaxVersionBytes) return std::string(word);
  }
  return {};
}

}  // namespace tocsin::cli
