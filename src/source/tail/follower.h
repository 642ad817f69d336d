// All files of one tail: which there are, whose turn it is, what became of those that were moved. One thread of its own.
//
// Read follower.cc first (turns), then follower_scan.cc (which files there are), then follower_origin.cc (rotation, copies,
// truncation).
#pragma once
#include <sys/stat.h>

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "source/live/folder_watch.h"
#include "source/live/worker.h"
#include "source/tail.h"
#include "source/tail/followed_file.h"
#include "source/tail/globs.h"

namespace tocsin::source::tail {

class Follower final : public Worker {
 public:
  Follower(TailOptions options, SourceRef source, const SourceContext& context, Globs globs);
  ~Follower() override { stop(std::chrono::milliseconds(0)); }

 private:
  // follower.cc
  void run() override;
  void work();
  void turn(FollowedFile& file);
  void act(FollowedFile& file, Piece piece);
  void hand_in(FollowedFile& file, std::string bytes, bool too_long);
  void mark_only(FollowedFile& file);  // A checkpoint without bytes.
  void answers();
  void release_waiting(FollowedFile& file);
  void caught_up(FollowedFile& file);
  void rest(FollowedFile& file);
  void forget(FollowedFile& file);
  void enqueue(FollowedFile& file);
  void set_timer(FollowedFile& file, SteadyTime at);
  void run_timers();
  void notices();
  bool is_waiting(FollowedFile& file);
  bool open(FollowedFile& file);
  void adopt(FollowedFile& file, Descriptor descriptor);
  void close_idle_files();
  SteadyTime next_wake() const;
  void show_problem();

  // follower_scan.cc
  struct Candidate {
    GlobMatch match;
    struct stat info{};
  };
  void scan();
  void look(const GlobMatch& match, std::set<FileId>& seen, std::vector<Candidate>& fresh);
  void resolve_links(Expansion& found);
  void moved(FollowedFile& file, const std::string& path);
  void look_vacant();
  void look_unmatched(const std::set<FileId>& seen);
  void add(const Candidate& candidate);
  void start_unknown(FollowedFile& file, FollowedFile* holder, const struct stat& info);
  void remember_rotated(const std::string& path, Predecessor before);
  void find_rotated(const std::map<std::string, bool>& folders);
  FollowedFile& make(const struct stat& info, std::string path);
  Descriptor open_path(const std::string& path, bool by_pattern, struct stat& info);
  [[nodiscard]] std::string key_of(const FileId& id) const;
  std::optional<StoredMark> stored(const FileId& id) const;

  // follower_origin.cc
  struct Sibling {
    std::string path;
    struct stat info{};
  };
  [[nodiscard]] std::vector<Sibling> list_siblings(const std::string& path, bool related_only) const;
  [[nodiscard]] std::vector<Sibling> siblings(const std::string& path, bool related_only) const;
  void truncated(FollowedFile& file);
  // Looks for a copy of what `origin` was, finishes it first, then those rotated since.
  void finish_copy(FollowedFile& origin, const StoredMark& was);
  bool found_copy_late(FollowedFile& origin);
  // `successor`, where there is one, waits for them.
  void finish_missed(const std::string& path, FollowedFile* successor, const Predecessor& since);
  bool missed_more(FollowedFile& file);
  bool check_origin(FollowedFile& file);
  [[nodiscard]] std::vector<std::uint64_t> possible_origins(const FollowedFile& file) const;
  bool is_copy_of_rotated(FollowedFile& file, const struct stat& info);
  static Predecessor predecessor(const FollowedFile& file);
  bool settle_truncation(FollowedFile& holder);
  bool is_copy(int file, FollowedFile& origin);
  void release_copy(FollowedFile& file, const Mark& mark);

  // The followed file of this id, which is now at `path`; one that was deleted while closed, and whose inode another has
  // got, is let go.
  FollowedFile* followed_at(const FileId& id, const std::string& path);
  FollowedFile* by_number(std::uint64_t number);
  FollowedFile* by_id(const FileId& id);

  const TailOptions options_;
  const SourceRef source_;
  const SourceContext context_;
  const Globs globs_;
  FolderWatch watch_;
  std::uint64_t last_number_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<FollowedFile>> files_;
  std::map<FileId, std::uint64_t> ids_;
  std::map<std::string, std::uint64_t> paths_;       // Of those that match.
  std::set<std::string> touched_;                    // Since the last scan: paths whose names came or went.
  std::map<std::string, std::uint64_t> vacated_;     // In this scan: paths that a file moved away from.
  std::map<std::string, std::string> link_targets_;  // Where links that are followed lead, to the path that matches.
  std::set<std::uint64_t> unmatched_, waiting_, held_;
  std::deque<std::uint64_t> ready_;
  std::set<std::pair<SteadyTime, std::uint64_t>> timers_;
  std::list<std::uint64_t> open_;  // The least recently used first.
  std::uint64_t turning_ = 0;      // Whose turn it is: stays open.
  std::size_t under_way_bytes_ = 0;
  std::map<std::string, Predecessor> rotated_;  // By paths whose last file is gone from there and no longer followed.
  bool first_scan_ = true, again_ = false, moving_ = false, need_scan_ = true, reliable_ = true;
  int first_scan_count_ = 0;
  SteadyTime scan_at_{}, scan_not_before_{}, notices_at_{};
  std::map<std::string, std::string> problems_;  // By path, of the last scan; "": of the intake.
  std::string shown_problem_;
  std::uint64_t skipped_link_count_ = 0;
  bool complete_ = true;
};

inline std::int64_t mtime_ns(const struct stat& info) {
  return static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
}
inline FileId id_of(const struct stat& info) {
  return {static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino)};
}
// "/a/b/c.log": "/a/b", "c.log".
std::string_view folder_of(std::string_view path);
std::string_view name_of(std::string_view path);
// Whether a rotation may have given `name` to what was `original`: app.log.1, app.log-2026, app-2026.log.
bool is_related(std::string_view original, std::string_view name);

}  // namespace tocsin::source::tail
