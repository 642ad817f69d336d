// Rotation, copies and truncation: where the unread rest of a file went.
//
// logrotate knows two ways. "create": app.log is renamed app.log.1, a new app.log is made; the old file is known by its
// inode, is read to its end under whatever name, and the new one waits for it. "copytruncate": app.log is copied to
// app.log.1 and truncated; what we had not read is only in the copy, which is known by saying what app.log said: up to where
// we read, it begins and ends the same. So
// - when a file turns out truncated, a file in its folder with a name made from its own is looked for that holds what was
//   read of it; the rest of that is read first;
// - a new file that says the same as a followed one with such a name is held back until that one is truncated or gone:
//   read at once, it would repeat everything.
// Where several rotations happened unseen, the files between have no mark of ours; they are those with a related name
// written since the last one that has.
#include <dirent.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "source/file/content_kind.h"
#include "source/tail/follower.h"

namespace tocsin::source::tail {

using std::chrono::steady_clock;

namespace {
constexpr std::size_t kMaxSiblings = 10'000;
constexpr int kMaxListings = 6;
constexpr std::chrono::milliseconds kCopyLate{20};  // So long a copy may hide that is just being renamed.
constexpr std::chrono::milliseconds kAskAgain{20};  // What to do with a copy, while its origin has a delivery under way.
bool is_separator(char c) { return c == '.' || c == '-' || c == '_' || c == '~'; }
}  // namespace

std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? std::string_view("/") : path.substr(0, slash);
}
std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_related(std::string_view original, std::string_view name) {
  if (name.size() <= original.size()) return false;
  if (name.starts_with(original)) return is_separator(name[original.size()]);
  const std::size_t dot = original.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  return name.starts_with(original.substr(0, dot)) && is_separator(name[dot]) && name.ends_with(original.substr(dot));
}

std::vector<Follower::Sibling> Follower::list_siblings(const std::string& path, bool related_only) const {
  std::vector<Sibling> out;
  const std::string folder(folder_of(path));
  const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(folder.c_str()), ::closedir);
  if (handle == nullptr) return out;
  while (const dirent* entry = ::readdir(handle.get())) {
    const std::string_view name = entry->d_name;
    if ((entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN) || (related_only && !is_related(name_of(path), name))) {
      continue;
    }
    Sibling sibling{(folder == "/" ? "" : folder) + "/" + std::string(name), {}};
    if (::lstat(sibling.path.c_str(), &sibling.info) != 0 || !S_ISREG(sibling.info.st_mode)) continue;
    out.push_back(std::move(sibling));
    if (out.size() >= kMaxSiblings) break;
  }
  std::ranges::sort(out, {}, [](const Sibling& sibling) { return mtime_ns(sibling.info); });
  return out;
}

// A rename while a folder is listed may hide a file: it is listed until it says the same twice.
std::vector<Follower::Sibling> Follower::siblings(const std::string& path, bool related_only) const {
  const auto names = [](const std::vector<Sibling>& all) {
    std::set<std::pair<FileId, std::string>> out;
    for (const Sibling& sibling : all) out.emplace(id_of(sibling.info), sibling.path);
    return out;
  };
  std::vector<Sibling> all = list_siblings(path, related_only);
  for (int round = 0; round < kMaxListings; ++round) {
    std::vector<Sibling> again = list_siblings(path, related_only);
    const bool same = names(again) == names(all);
    all = std::move(again);
    if (same) break;
  }
  return all;
}

FollowedFile* Follower::followed_at(const FileId& id, const std::string& path) {
  FollowedFile* const file = by_id(id);
  if (file == nullptr || file->file.ok() || file->under_way) return file;
  struct stat info{};
  Descriptor descriptor = open_path(path, true, info);
  if (descriptor.ok() && id_of(info) == id && holds(descriptor.get(), file->read)) return file;
  forget(*file);
  return nullptr;
}

void Follower::truncated(FollowedFile& file) {
  const Mark before = file.read;
  file.read = file.safe = {};
  file.cutter.reset();
  file.pending_bytes = 0;
  file.origin_checked = false;
  if (before.offset > 0) finish_copy(file, *parse_mark(to_text(before, file.path)));
  enqueue(file);
}

// True: there is one after all, and `origin` waits for it.
bool Follower::found_copy_late(FollowedFile& origin) {
  const StoredMark was = *std::exchange(origin.before, std::nullopt);
  finish_copy(origin, was);
  origin.before.reset();
  return !origin.waits_for.empty();
}

void Follower::finish_copy(FollowedFile& origin, const StoredMark& was) {
  for (const Sibling& sibling : siblings(origin.path, true)) {
    const FileId id = id_of(sibling.info);
    FollowedFile* copy = followed_at(id, sibling.path);
    if (copy != nullptr) {
      if (copy == &origin || !open(*copy)) continue;
      const auto mark = load_mark(copy->file.get(), was);
      if (!mark) continue;
      if (copy->read.offset == 0) release_copy(*copy, *mark);
      enqueue(*copy);  // Begun already, where it was followed before a restart.
    } else {
      struct stat info{};
      Descriptor descriptor = open_path(sibling.path, true, info);
      if (!descriptor.ok() || id_of(info) != id) continue;
      auto mark = load_mark(descriptor.get(), was);
      if (!mark) continue;
      if (const auto own = stored(id)) {  // Begun before a restart.
        if (auto own_mark = load_mark(descriptor.get(), *own); own_mark && own_mark->offset >= mark->offset) {
          mark = std::move(own_mark);
        }
      }
      copy = &make(info, origin.path);
      copy->matched = false;
      copy->frozen = copy->origin_checked = true;
      unmatched_.insert(copy->number);
      adopt(*copy, std::move(descriptor));
      copy->read = copy->safe = std::move(*mark);
      mark_only(*copy);
    }
    origin.waits_for.insert(copy->number);
    origin.missed_since = {mtime_ns(sibling.info)};
    finish_missed(origin.path, &origin, origin.missed_since);
    return;
  }
  origin.before = was;
  origin.try_at = steady_clock::now() + kCopyLate;
}

// While a truncated file waited for its copy it may have been copied and truncated once more: what it held in between is in
// a copy that nothing was known of. Asked after each read until one finds something, and
// then undone.
bool Follower::missed_more(FollowedFile& file) {
  finish_missed(file.path, &file, Predecessor(file.missed_since));
  if (file.waits_for.empty()) {
    if (file.read.offset > 0) file.missed_since = {};
    return false;
  }
  file.read = file.safe = {};
  file.cutter.reset();
  return true;
}

void Follower::finish_missed(const std::string& path, FollowedFile* successor, const Predecessor& since) {
  std::set<std::uint64_t> before;
  if (successor != nullptr) before = successor->waits_for;
  for (const Sibling& sibling : siblings(path, true)) {
    const FileId id = id_of(sibling.info);
    if (mtime_ns(sibling.info) < since.mtime_ns || sibling.info.st_size == 0) continue;
    if (globs_.matches(sibling.path) || globs_.excluded(sibling.path)) continue;  // The one is found anyway.
    if (followed_at(id, sibling.path) != nullptr) continue;
    struct stat info{};
    Descriptor descriptor = open_path(sibling.path, true, info);
    if (!descriptor.ok() || id_of(info) != id) {  // Renamed just now.
      if (problems_.contains(sibling.path)) continue;
      if (successor != nullptr && successor->read.offset == 0) successor->missed_since = since;
      if (successor == nullptr) touched_.insert(path);
      need_scan_ = true;
      continue;
    }
    // Of what the successor still says; once that is truncated it is found by what was read.
    if (successor != nullptr && is_copy(descriptor.get(), *successor)) continue;
    // Or said when it was read and no longer does: its own turn will find that out, and this.
    if (successor != nullptr && successor->read.offset > 0 && holds(descriptor.get(), successor->read)) continue;
    if (successor != nullptr && successor->before && load_mark(descriptor.get(), *successor->before)) continue;
    std::optional<Mark> mark;
    if (const auto own = stored(id)) mark = load_mark(descriptor.get(), *own);
    if (mark && mark->offset >= static_cast<std::uint64_t>(info.st_size)) continue;
    const bool copied = !mark && since.read.offset > 0 && holds(descriptor.get(), since.read);
    if (copied) mark = since.read;
    if (content_kind(read_at(descriptor.get(), 0, kContentHeadBytes)) != ContentKind::kPlain) continue;
    FollowedFile& missed = make(info, path);
    missed.matched = false;
    missed.origin_checked = true;
    unmatched_.insert(missed.number);
    adopt(missed, std::move(descriptor));
    if (mark) missed.read = missed.safe = std::move(*mark);
    missed.waits_for = before;  // The older first.
    before.insert(missed.number);
    if (successor != nullptr) successor->waits_for.insert(missed.number);
    copied ? mark_only(missed) : enqueue(missed);
  }
}

Predecessor Follower::predecessor(const FollowedFile& file) {
  struct stat info{};
  if (!file.file.ok() || ::fstat(file.file.get(), &info) != 0) return {file.seen_mtime_ns, file.read};
  if (holds(file.file.get(), file.read)) return {mtime_ns(info)};
  return {mtime_ns(info), file.read};
}

// The file that was at a path may have been copied and truncated before it went. False: its own turn will see to that.
bool Follower::settle_truncation(FollowedFile& holder) {
  if (!holder.file.ok() || holds(holder.file.get(), holder.read)) return !holder.before;
  if (!holder.under_way) truncated(holder);
  return !holder.under_way && !holder.before;
}

std::vector<std::uint64_t> Follower::possible_origins(const FollowedFile& file) const {
  std::vector<std::uint64_t> out;
  if (file.copy_of) out.push_back(*file.copy_of);  // It may have left its path.
  const std::string folder(folder_of(file.path));
  for (auto at = paths_.lower_bound(folder); at != paths_.end() && at->first.starts_with(folder); ++at) {
    if (folder_of(at->first) == folder && is_related(name_of(at->first), name_of(file.path))) out.push_back(at->second);
  }
  for (const std::uint64_t number : unmatched_) {  // Copied, truncated and deleted.
    const std::string& path = files_.at(number)->path;
    if (folder_of(path) == folder && is_related(name_of(path), name_of(file.path))) out.push_back(number);
  }
  return out;
}

// True: it begins with what was read of one that is gone, and is read from there.
bool Follower::is_copy_of_rotated(FollowedFile& file, const struct stat& info) {
  const std::string folder(folder_of(file.path));
  for (auto at = rotated_.lower_bound(folder); at != rotated_.end() && at->first.starts_with(folder); ++at) {
    const Predecessor& gone = at->second;
    if (gone.read.offset == 0 || mtime_ns(info) < gone.mtime_ns || folder_of(at->first) != folder) continue;
    if (!is_related(name_of(at->first), name_of(file.path)) || !holds(file.file.get(), gone.read)) continue;
    file.origin_checked = true;
    file.read = file.safe = gone.read;
    mark_only(file);
    return true;
  }
  return false;
}

// True: `file` may be read from its beginning.
bool Follower::check_origin(FollowedFile& file) {
  struct stat info{};
  if (::fstat(file.file.get(), &info) != 0 || info.st_size == 0) {
    if (file.missed_since.mtime_ns != 0 && missed_more(file)) {
      enqueue(file);
    } else {
      caught_up(file);
    }
    return false;
  }
  for (const std::uint64_t number : possible_origins(file)) {
    FollowedFile* const origin = by_number(number);
    if (origin == nullptr || origin == &file || !open(*origin)) continue;
    if (origin->before) {
      if (const auto mark = load_mark(file.file.get(), *origin->before)) {
        origin->before.reset();
        origin->missed_since = {mtime_ns(info)};
        origin->waits_for.insert(file.number);
        release_copy(file, *mark);
        enqueue(*origin);
        return false;
      }
    }
    if (!holds(origin->file.get(), origin->read)) {
      if (origin->under_way) {
        set_timer(file, steady_clock::now() + kAskAgain);
        return false;
      }
      truncated(*origin);
      if (file.read.offset > 0) return false;  // It was that one's copy; it is queued again.
      continue;
    }
    if (!is_copy(file.file.get(), *origin)) continue;
    file.copy_of = number;
    held_.insert(file.number);
    // Nothing will tell when what was never read of it is truncated.
    if (origin->read.offset == 0) set_timer(file, steady_clock::now() + kAskAgain);
    caught_up(file);
    return false;
  }
  file.copy_of.reset();
  held_.erase(file.number);
  if (is_copy_of_rotated(file, info)) return false;
  file.origin_checked = true;
  return true;
}

// As far as `file` goes, or `origin` was read (or, not read yet, goes), both begin and end the same.
bool Follower::is_copy(int file, FollowedFile& origin) {
  struct stat info{}, origin_info{};
  if (!open(origin) || ::fstat(file, &info) != 0 || ::fstat(origin.file.get(), &origin_info) != 0) return false;
  const auto limit = origin.read.offset > 0 ? origin.read.offset : static_cast<std::uint64_t>(origin_info.st_size);
  const std::uint64_t size = std::min(static_cast<std::uint64_t>(info.st_size), limit);
  if (size == 0) return false;
  const auto ours = mark_at(file, size);
  const auto theirs = mark_at(origin.file.get(), size);
  return ours && theirs && ours->head == theirs->head && ours->tail == theirs->tail;
}

// The file that `file` was held for is gone or truncated; `mark`: up to where it was read.
void Follower::release_copy(FollowedFile& file, const Mark& mark) {
  file.copy_of.reset();
  held_.erase(file.number);
  file.origin_checked = true;
  struct stat info{};
  if (!file.file.ok() || ::fstat(file.file.get(), &info) != 0) return enqueue(file);
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (holds(file.file.get(), mark)) {
    file.read = file.safe = mark;
  } else if (auto all = mark_at(file.file.get(), size); size < mark.offset && all && mark.head.starts_with(all->head)) {
    file.read = file.safe = std::move(*all);  // A copy of what was read and no more.
  }
  if (file.read.offset > 0) {
    mark_only(file);
  } else {
    enqueue(file);
  }
}

}  // namespace tocsin::source::tail
