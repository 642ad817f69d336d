#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "source/file_input.h"

namespace tocsin::source {
namespace {

const char* kind_of(mode_t mode) {
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode)) return "a character device";
  if (S_ISBLK(mode)) return "a block device";
  return "not a regular file";
}

class Walk {
 public:
  Walk(const ListOptions& options, InputList& out) : options_(options), out_(out) {}

  void add_given(const std::string& path) {
    if (path == "-") {
      if (!std::exchange(standard_input_listed_, true)) add_input({"-", "-", 0, true});
      return;
    }
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) return add_system_problem(path, errno);
    add_found(path, info, 0);
  }

 private:
  using FolderId = std::pair<dev_t, ino_t>;

  void add_found(const std::string& path, const struct stat& info, std::uint32_t depth) {
    if (S_ISDIR(info.st_mode)) return walk_folder(path, {info.st_dev, info.st_ino}, depth);
    if (!S_ISREG(info.st_mode)) {
      out_.problems.add({display_name(path), "special-file",
                         std::string("This is ") + kind_of(info.st_mode) +
                             "; only regular files are read. Use \"-\" to read from a pipe."});
      return;
    }
    add_input({path, display_name(path), static_cast<std::uint64_t>(info.st_size), false});
  }

  void add_input(Input input) {
    if (out_.inputs.size() >= options_.max_files) {
      if (!std::exchange(full_, true)) {
        out_.problems.add(
            {input.name, "walk-limit",
             "More than " + std::to_string(options_.max_files) + " files; this one and all after it are left out."});
      }
      return;
    }
    out_.total_bytes += input.size_bytes;
    out_.inputs.push_back(std::move(input));
  }

  // Recursion is bounded by max_folder_depth.
  void walk_folder(const std::string& path, FolderId id, std::uint32_t depth) {
    if (full_) return;
    if (depth >= options_.max_folder_depth) {
      out_.problems.add({display_name(path), "walk-limit",
                         "Folders are nested deeper than " + std::to_string(options_.max_folder_depth) + " levels."});
      return;
    }
    if (std::ranges::find(open_, id) != open_.end()) {
      out_.problems.add({display_name(path), "loop", "A link leads back to a folder that contains it; not read again."});
      return;
    }
    // Only links lead to a folder twice; a folder that is given twice is read twice.
    if (options_.follow_links && !walked_.insert(id).second) return;
    open_.push_back(id);
    const std::string prefix = path.ends_with('/') ? path : path + "/";
    for (const std::string& name : names_in(path)) {
      if (full_) break;
      add_entry(prefix + name, depth);
    }
    open_.pop_back();
  }

  void add_entry(const std::string& path, std::uint32_t depth) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) return add_system_problem(path, errno);
    if (S_ISLNK(info.st_mode)) {
      if (!options_.follow_links) {
        ++out_.skipped_link_count;
        return;
      }
      if (::stat(path.c_str(), &info) != 0) return add_system_problem(path, errno);
    }
    add_found(path, info, depth + 1);
  }

  std::vector<std::string> names_in(const std::string& path) {
    std::vector<std::string> names;
    DIR* folder = ::opendir(path.c_str());
    if (folder == nullptr) {
      add_system_problem(path, errno);
      return names;
    }
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(folder);
      if (entry == nullptr) {
        if (errno != 0) add_system_problem(path, errno);
        break;
      }
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (names.size() > options_.max_files) break;  // add_input says so.
      names.emplace_back(name);
    }
    ::closedir(folder);
    std::ranges::sort(names);
    return names;
  }

  void add_system_problem(const std::string& path, int error) {
    const char* cause = error == ENOENT || error == ENOTDIR ? "not-found"
                        : error == EACCES || error == EPERM ? "no-permission"
                        : error == ELOOP                    ? "loop"
                                                            : "io";
    out_.problems.add({display_name(path), cause, std::string("Cannot be read: ") + std::strerror(error) + "."});
  }

  const ListOptions& options_;
  InputList& out_;
  std::vector<FolderId> open_;
  std::set<FolderId> walked_;
  bool standard_input_listed_ = false;
  bool full_ = false;
};

}  // namespace

InputList list_inputs(std::span<const std::string> paths, const ListOptions& options) {
  InputList out;
  Walk walk(options, out);
  for (const std::string& path : paths) walk.add_given(path);
  return out;
}

}  // namespace tocsin::source
