// Which files a tail follows: patterns of absolute paths, expanded on disk. Immutable.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace tocsin::source::tail {

inline constexpr std::size_t kMaxGlobParts = 64;
inline constexpr std::size_t kMaxGlobDepth = 16;        // Of "**".
inline constexpr std::size_t kMaxGlobFolders = 10'000;  // Looked into at one expansion.

struct GlobMatch {
  std::string path;
  bool by_pattern = false;  // The name of the file was found, not given.
};

struct Expansion {
  std::vector<GlobMatch> matches;  // Each path once, in no order; not yet known to be files.
  // Whose entries matter; true: files in it may match, false: only folders on the way do.
  std::map<std::string, bool> folders;
  std::vector<std::pair<std::string, int>> failed;  // Folders that could not be looked into, with errno.
  bool complete = true;                             // False: a limit was reached.
};

class Globs {
 public:
  static core::Result<Globs> make(const std::vector<std::string>& globs, const std::vector<std::string>& exclude,
                                  bool follow_links);
  [[nodiscard]] Expansion expand(std::size_t max_matches) const;
  [[nodiscard]] bool matches(std::string_view path) const;
  // A folder of this path would be on the way to files that match.
  [[nodiscard]] bool on_the_way(std::string_view path) const;
  [[nodiscard]] bool excluded(std::string_view path) const;

 private:
  using Parts = std::vector<std::string>;
  std::vector<Parts> globs_;
  std::vector<Parts> exclude_;
  std::vector<std::string> exclude_names_;
  bool follow_links_ = false;
  struct Walk;
};

}  // namespace tocsin::source::tail
