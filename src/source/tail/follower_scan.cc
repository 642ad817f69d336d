// Which files there are: patterns expanded on disk and compared with what is followed.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include "source/problem.h"
#include "source/tail/follower.h"

namespace tocsin::source::tail {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kUnreliablePoll{1'000};
constexpr int kMaxFirstScans = 20;  // A link that leads nowhere looks like a file that moves.
constexpr int kIdleShare = 200;     // A look at everything may take 1/200 of the time between two.
constexpr int kBusyShare = 20;      // And 1/20 while names change all the time.

std::chrono::nanoseconds thread_time() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

std::string advice(const std::string& path, int error) {
  const std::string shown = display_name(path);
  std::string text = shown + " cannot be read: " + std::strerror(error) + ".";
  if (error == EACCES || error == EPERM) {
    text += " Let the user that Tocsin runs as read it (and enter its folders): for example 'setfacl -m u:tocsin:r " +
            shown + "', or add that user to the file's group.";
  } else if (error == EMFILE || error == ENFILE) {
    text += " Raise the limit of open files (LimitNOFILE).";
  }
  return text;
}

}  // namespace

std::string Follower::key_of(const FileId& id) const {
  return "tail:" + std::to_string(static_cast<std::uint32_t>(source_.id)) + ":" + std::to_string(id.device) + ":" +
         std::to_string(id.inode);
}

std::optional<StoredMark> Follower::stored(const FileId& id) const {
  return parse_mark(context_.intake.checkpoint(key_of(id)));
}

FollowedFile& Follower::make(const struct stat& info, std::string path) {
  auto file = std::make_unique<FollowedFile>();
  file->number = ++last_number_;
  file->id = id_of(info);
  file->path = std::move(path);
  file->key = key_of(file->id);
  file->seen_size = static_cast<std::uint64_t>(info.st_size);
  file->seen_mtime_ns = mtime_ns(info);
  file->active_at = steady_clock::now();
  ids_[file->id] = file->number;
  FollowedFile& out = *file;
  files_[out.number] = std::move(file);
  return out;
}

// Opens without waiting, and no other thing than a file. A failure that people can mend becomes a problem.
Descriptor Follower::open_path(const std::string& path, bool by_pattern, struct stat& info) {
  const int links = by_pattern && !options_.follow_links ? O_NOFOLLOW : 0;
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | links));
  if (!descriptor.ok()) {
    if (errno != ENOENT && errno != ELOOP && errno != ENOTDIR) problems_[path] = advice(path, errno);
    return descriptor;
  }
  problems_.erase(path);
  if (::fstat(descriptor.get(), &info) != 0 || !S_ISREG(info.st_mode)) descriptor.reset();
  return descriptor;
}

void Follower::scan() {
  const auto cost_before = thread_time();
  need_scan_ = false;
  Expansion found = globs_.expand(options_.max_files);
  complete_ = found.complete;
  skipped_link_count_ = 0;
  std::erase_if(problems_, [](const auto& entry) { return !entry.first.empty(); });
  for (const auto& [path, error] : found.failed) problems_[path] = advice(path, error);
  resolve_links(found);
  // Before the files are looked at: what changes from here on makes a notice.
  reliable_ = watch_.watch(found.folders);
  std::set<FileId> seen;
  std::vector<Candidate> fresh;
  for (const GlobMatch& match : found.matches) look(match, seen, fresh);
  look_unmatched(seen);
  if (first_scan_) find_rotated(found.folders);
  std::ranges::stable_sort(fresh, {}, [](const Candidate& candidate) { return mtime_ns(candidate.info); });
  for (const Candidate& candidate : fresh) add(candidate);
  look_vacant();
  // What moved while it was looked for is looked for again.
  again_ = first_scan_ = first_scan_ && moving_ && ++first_scan_count_ < kMaxFirstScans;
  need_scan_ = need_scan_ || again_;
  moving_ = false;
  vacated_.clear();
  const auto cost = thread_time() - cost_before;
  const auto now = steady_clock::now();
  const auto poll = reliable_ ? options_.poll : std::min(options_.poll, kUnreliablePoll);
  scan_at_ = now + std::max<std::chrono::nanoseconds>(poll, cost * kIdleShare);
  scan_not_before_ = now + cost * kBusyShare;
}

// Notices of a link's file bear the name it has in its own folder.
void Follower::resolve_links(Expansion& found) {
  link_targets_.clear();
  for (const GlobMatch& match : found.matches) {
    struct stat info{};
    if ((match.by_pattern && !options_.follow_links) || ::lstat(match.path.c_str(), &info) != 0) continue;
    if (!S_ISLNK(info.st_mode)) continue;
    const std::unique_ptr<char, void (*)(void*)> target(::realpath(match.path.c_str(), nullptr), ::free);
    if (target == nullptr) continue;
    found.folders[std::string(folder_of(target.get()))] = true;
    link_targets_[target.get()] = match.path;
  }
}

void Follower::look(const GlobMatch& match, std::set<FileId>& seen, std::vector<Candidate>& fresh) {
  struct stat info{};
  const bool follow = !match.by_pattern || options_.follow_links;
  if ((follow ? ::stat : ::lstat)(match.path.c_str(), &info) != 0) {
    moving_ = true;
    return;
  }
  if (S_ISLNK(info.st_mode)) ++skipped_link_count_;
  if (!S_ISREG(info.st_mode) || !seen.insert(id_of(info)).second) return;
  FollowedFile* const file = by_id(id_of(info));
  if (file == nullptr) {
    fresh.push_back({match, info});
    return;
  }
  if (file->path != match.path || !file->matched) moved(*file, match.path);
  paths_[match.path] = file->number;
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (file->ignored && size < file->seen_size) {  // Written anew.
    file->ignored = false;
    file->read = file->safe = {};
    file->cutter.reset();
    file->problem.clear();
  }
  if (!file->problem.empty()) problems_[file->path] = file->problem;
  if (size != file->seen_size || mtime_ns(info) != file->seen_mtime_ns) enqueue(*file);
  file->seen_size = size;
  file->seen_mtime_ns = mtime_ns(info);
}

void Follower::moved(FollowedFile& file, const std::string& path) {
  if (const auto at = paths_.find(file.path); at != paths_.end() && at->second == file.number) {
    vacated_[file.path] = file.number;
    paths_.erase(at);
  }
  file.path = path;
  file.matched = true;
  unmatched_.erase(file.number);
  enqueue(file);
}

// What was rotated more than once since we looked, and has no successor yet.
void Follower::look_vacant() {
  if (first_scan_) {
    for (const auto& [path, _] : rotated_) touched_.insert(path);
  }
  for (const std::string& path : std::exchange(touched_, {})) {
    const auto at = paths_.find(path);
    FollowedFile* const holder = at == paths_.end() ? nullptr : by_number(at->second);
    if (holder != nullptr && holder->matched) {
      const auto rotated = rotated_.find(path);
      if (again_ && rotated != rotated_.end()) finish_missed(path, holder, rotated->second);
      continue;
    }
    if (holder != nullptr) {
      if (settle_truncation(*holder)) finish_missed(path, nullptr, predecessor(*holder));
    } else if (const auto rotated = rotated_.find(path); rotated != rotated_.end()) {
      finish_missed(path, nullptr, rotated->second);
    }
  }
}

void Follower::look_unmatched(const std::set<FileId>& seen) {
  for (const auto& [number, file] : files_) {
    if (!file->matched || seen.contains(file->id)) continue;
    file->matched = false;
    file->active_at = steady_clock::now();
    unmatched_.insert(number);
    enqueue(*file);
  }
}

void Follower::add(const Candidate& candidate) {
  if (by_id(id_of(candidate.info)) != nullptr) return;  // Found meanwhile, as another's copy.
  if (files_.size() >= options_.max_files) {
    complete_ = false;
    return;
  }
  struct stat info{};
  Descriptor descriptor = open_path(candidate.match.path, candidate.match.by_pattern, info);
  if (!descriptor.ok()) {
    moving_ = moving_ || !problems_.contains(candidate.match.path);
    return;
  }
  if (id_of(info) != id_of(candidate.info)) {
    need_scan_ = moving_ = true;
    return;
  }
  FollowedFile* holder = nullptr;
  if (const auto at = paths_.find(candidate.match.path); at != paths_.end()) holder = by_number(at->second);
  if (const auto at = vacated_.find(candidate.match.path); at != vacated_.end()) holder = by_number(at->second);
  FollowedFile& file = make(info, candidate.match.path);
  file.by_pattern = candidate.match.by_pattern;
  paths_[file.path] = file.number;
  adopt(file, std::move(descriptor));
  const auto known = stored(file.id);
  auto mark = known ? load_mark(file.file.get(), *known) : std::nullopt;
  if (mark) {
    file.read = file.safe = std::move(*mark);
  } else {
    if (known && known->offset > 0 && known->path == file.path) {
      finish_copy(file, *known);
    }
    start_unknown(file, holder, info);
  }
  enqueue(file);
}

// A file of which nothing is known: what was at its path before is finished first.
void Follower::start_unknown(FollowedFile& file, FollowedFile* holder, const struct stat& info) {
  if (holder != nullptr) {
    file.waits_for.insert(holder->number);
    if (settle_truncation(*holder)) {
      finish_missed(file.path, &file, predecessor(*holder));
    } else {
      file.missed_since.mtime_ns = predecessor(*holder).mtime_ns;
    }
  } else if (const auto at = rotated_.find(file.path); at != rotated_.end()) {
    for (const std::uint64_t number : unmatched_) {
      if (by_number(number)->path == file.path) file.waits_for.insert(number);
    }
    finish_missed(file.path, &file, at->second);
    rotated_.erase(at);
  } else if (first_scan_ && options_.first_seen == TailOptions::Start::kEnd && file.waits_for.empty() && !stored(file.id)) {
    auto end = mark_at(file.file.get(), static_cast<std::uint64_t>(info.st_size));
    if (!end || end->offset == 0) return;
    end->skipping = end->tail.back() != '\n';
    file.read = file.safe = std::move(*end);
    mark_only(file);  // So that a restart knows it from one that came later.
  }
}

void Follower::remember_rotated(const std::string& path, Predecessor before) {
  if (rotated_.size() >= options_.max_files && !rotated_.contains(path)) return;
  Predecessor& at = rotated_[path];
  if (before.mtime_ns >= at.mtime_ns) at = std::move(before);
}

// Files that were followed under a name that matches, and now have one that does not.
void Follower::find_rotated(const std::map<std::string, bool>& folders) {
  std::map<std::string, std::int64_t> unfinished;  // Siblings come the oldest first.
  for (const auto& [folder, leaf] : folders) {
    if (!leaf) continue;
    for (const Sibling& sibling : siblings(folder + "/.", false)) {
      if (globs_.matches(sibling.path)) continue;
      const auto known = stored(id_of(sibling.info));
      if (!known || !globs_.matches(known->path) || by_id(id_of(sibling.info)) != nullptr) continue;
      struct stat info{};
      Descriptor descriptor = open_path(sibling.path, true, info);
      if (!descriptor.ok() || id_of(info) != id_of(sibling.info)) {
        moving_ = moving_ || !problems_.contains(sibling.path);
        continue;
      }
      auto mark = load_mark(descriptor.get(), *known);
      if (!mark) continue;
      remember_rotated(known->path, {mtime_ns(info)});
      const bool complete = mark->offset >= static_cast<std::uint64_t>(info.st_size);
      // Behind one that was not finished all are new.
      if (!complete) unfinished.try_emplace(known->path, mtime_ns(info));
      if (complete) continue;
      FollowedFile& file = make(info, known->path);
      file.matched = false;
      file.origin_checked = true;
      unmatched_.insert(file.number);
      adopt(file, std::move(descriptor));
      file.read = file.safe = std::move(*mark);
      enqueue(file);
    }
  }
  for (const auto& [path, mtime] : unfinished) {
    std::int64_t& at = rotated_[path].mtime_ns;
    at = std::min(at, mtime);
  }
}

}  // namespace tocsin::source::tail
