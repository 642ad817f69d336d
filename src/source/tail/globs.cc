#include "source/tail/globs.h"

#include <dirent.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>

namespace tocsin::source::tail {
namespace {

bool is_pattern(const std::string& part) { return part.find_first_of("*?[") != std::string::npos; }

bool matches_part(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0;
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

// "**" is to parts what "*" is to letters: on a mismatch the last one takes one part more.
bool matches_parts(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t p = 0, s = 0, star = kNone, star_s = 0;
  while (s < path.size()) {
    if (p < pattern.size() && pattern[p] == "**") {
      star = p++;
      star_s = s;
    } else if (p < pattern.size() && matches_part(pattern[p], path[s])) {
      ++p;
      ++s;
    } else if (star != kNone && path[star_s].front() != '.') {
      p = star + 1;
      s = ++star_s;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == "**") ++p;
  return p == pattern.size();
}

}  // namespace

struct Globs::Walk {
  const Globs& globs;
  std::size_t max_matches;
  Expansion out;
  std::set<std::string> found;

  void add(std::string path, bool by_pattern) {
    if (globs.excluded(path) || !found.insert(path).second) return;
    if (out.matches.size() >= max_matches) {
      out.complete = false;
      return;
    }
    out.matches.push_back({std::move(path), by_pattern});
  }

  // False: it is not to be looked into.
  bool enter(const std::string& folder, bool leaf) {
    if (out.folders.size() >= kMaxGlobFolders && !out.folders.contains(folder)) {
      out.complete = false;
      return false;
    }
    out.folders[folder] |= leaf;
    return true;
  }

  std::vector<std::pair<std::string, unsigned char>> list(const std::string& folder) {
    std::vector<std::pair<std::string, unsigned char>> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(folder.c_str()), ::closedir);
    if (handle == nullptr) {
      if (errno != ENOENT && errno != ENOTDIR) out.failed.emplace_back(folder, errno);
      return names;
    }
    while (const dirent* entry = ::readdir(handle.get())) {
      std::string name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(std::move(name), entry->d_type);
    }
    return names;
  }

  bool is_folder(const std::string& path, unsigned char type) const {
    if (type == DT_DIR) return true;
    if (type != DT_UNKNOWN && (type != DT_LNK || !globs.follow_links_)) return false;
    struct stat info{};
    return (globs.follow_links_ ? ::stat : ::lstat)(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
  }

  // Matches parts[at..] below `folder` ("" is the root). `depth`: folders taken by "**" so far.
  void walk(const std::string& folder, const Parts& parts, std::size_t at, std::size_t depth) {
    const std::string& part = parts[at];
    const bool last = at + 1 == parts.size();
    const std::string shown = folder.empty() ? "/" : folder;
    if (part == "**") {
      if (last || !enter(shown, false)) return;
      walk(folder, parts, at + 1, depth);
      if (depth >= kMaxGlobDepth) return;
      for (const auto& [name, type] : list(shown)) {
        const std::string path = folder + "/" + name;
        if (name.front() != '.' && type != DT_LNK && is_folder(path, type)) walk(path, parts, at, depth + 1);
      }
      return;
    }
    if (!enter(shown, last)) return;
    if (!is_pattern(part)) {
      const std::string path = folder + "/" + part;
      struct stat info{};
      if (::stat(path.c_str(), &info) != 0) {
        if (errno == EACCES) out.failed.emplace_back(path, errno);
      } else if (last) {
        add(path, false);
      } else if (S_ISDIR(info.st_mode)) {
        walk(path, parts, at + 1, depth);
      }
      return;
    }
    for (const auto& [name, type] : list(shown)) {
      if (!matches_part(part, name)) continue;
      const std::string path = folder + "/" + name;
      if (last) {
        if (type != DT_DIR) add(path, true);
      } else if (is_folder(path, type)) {
        walk(path, parts, at + 1, depth);
      }
    }
  }
};

core::Result<Globs> Globs::make(const std::vector<std::string>& globs, const std::vector<std::string>& exclude,
                                bool follow_links) {
  Globs out;
  out.follow_links_ = follow_links;
  for (const std::string& glob : globs) {
    Parts parts = split(glob);
    if (!glob.starts_with('/') || parts.empty() || parts.size() > kMaxGlobParts || glob.ends_with('/') ||
        parts.back() == "**") {
      return core::Error{core::ErrorCode::kInvalid, "'" + glob +
                                                        "' is no pattern of files: expected an absolute path of at most " +
                                                        std::to_string(kMaxGlobParts) + " parts that ends in a file name."};
    }
    out.globs_.push_back(std::move(parts));
  }
  if (out.globs_.empty()) return core::Error{core::ErrorCode::kInvalid, "There is no pattern of files to follow."};
  for (const std::string& pattern : exclude) {
    if (pattern.find('/') == std::string::npos) {
      out.exclude_names_.push_back(pattern);
    } else {
      out.exclude_.push_back(split(pattern));
    }
  }
  return out;
}

bool Globs::excluded(std::string_view path) const {
  if (exclude_.empty() && exclude_names_.empty()) return false;
  const std::string name(path.substr(path.rfind('/') + 1));
  if (std::ranges::any_of(exclude_names_,
                          [&](const std::string& p) { return ::fnmatch(p.c_str(), name.c_str(), 0) == 0; })) {
    return true;
  }
  const Parts parts = split(path);
  return std::ranges::any_of(exclude_, [&](const Parts& pattern) { return matches_parts(pattern, parts); });
}

bool Globs::matches(std::string_view path) const {
  const Parts parts = split(path);
  return std::ranges::any_of(globs_, [&](const Parts& pattern) { return matches_parts(pattern, parts); }) && !excluded(path);
}

bool Globs::on_the_way(std::string_view path) const {
  const Parts parts = split(path);
  return std::ranges::any_of(globs_, [&](const Parts& pattern) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i + 1 >= pattern.size()) return false;
      if (pattern[i] == "**") return true;
      if (!matches_part(pattern[i], parts[i])) return false;
    }
    return true;
  });
}

Expansion Globs::expand(std::size_t max_matches) const {
  Walk walk{*this, max_matches, {}, {}};
  for (const Parts& parts : globs_) walk.walk("", parts, 0, 0);
  return std::move(walk.out);
}

}  // namespace tocsin::source::tail
