// One file after the other: wait until it is complete, hand in its units one delivery at a time, move it.
//
// The checkpoint of a file ("drop:<source>:<device>:<inode>") is "<stream> <offset> <hash of its first bytes>": all before
// is safe. BlockReader cuts the same stream the same way each time, so a start passes over blocks up to there. When the file
// has been moved its checkpoint is emptied: the same file put in again is read again.
#include "source/drop_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <deque>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "source/block_reader.h"
#include "source/live/folder_watch.h"
#include "source/live/worker.h"
#include "source/tail/mark.h"

namespace tocsin::source {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr milliseconds kUnreliablePoll{1'000};
constexpr std::size_t kMaxReasons = 100;  // In the text beside a file that failed.
constexpr int kMaxDepth = 16;

struct Place {
  std::uint64_t stream = 0, offset = 0;
};

struct Outcome {
  std::uint64_t stream_count = 0, unit_bytes = 0, refused_stream_count = 0;
  std::vector<std::string> reasons;
  bool stopped = false;  // Not read to its end: the source stops.
  bool changed = false;  // Written to meanwhile.
  bool opened = true;
};

bool is_temporary(const std::string& name) {
  if (name.starts_with('.')) return true;
  return std::ranges::any_of(std::initializer_list<std::string_view>{".part", ".tmp", ".filepart", ".crdownload"},
                             [&](std::string_view end) { return name.ends_with(end); });
}

std::uint64_t records_in(std::string_view bytes, model::Format format) {
  if (format == model::Format::kEvtx || bytes.empty()) return 0;
  return static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n')) + (bytes.back() == '\n' ? 0 : 1);
}

class DropFolder final : public Worker {
 public:
  DropFolder(DropFolderOptions options, SourceRef source, const SourceContext& context)
      : options_(std::move(options)), root_(options_.folder), source_(std::move(source)), context_(context) {}
  ~DropFolder() override { stop(milliseconds(0)); }
  // Before start(): what is dropped after this is noticed.
  void prepare() { scan(); }

 private:
  struct Seen {
    struct stat info{};
    SteadyTime since{};
    bool complete = false;
  };

  void run() override;
  void scan();
  void list(const fs::path& folder, int depth, std::map<std::string, bool>& folders, std::map<std::string, Seen>& found);
  void notices();
  SteadyTime take_complete();
  bool process(const std::string& path);
  Outcome read(const std::string& path, Descriptor file);
  void read_stream(Stream& stream, std::uint64_t index, Place place, Outcome& out, ProblemLog& problems);
  // Until it is safe; false: the source stops.
  bool hand_in(const model::Delivery& delivery);
  void finish(const std::string& path, Outcome outcome);
  bool move(const std::string& path, const fs::path& to, std::string& moved);
  Descriptor open_file(const std::string& path) const;
  Place load_place(const struct stat& info) const;
  [[nodiscard]] std::string key_of(const struct stat& info) const;
  void trouble(std::string text);

  const DropFolderOptions options_;
  const fs::path root_;
  const SourceRef source_;
  const SourceContext context_;
  FolderWatch watch_;
  std::map<std::string, Seen> seen_;
  std::map<std::string, bool> folders_;
  std::set<std::string> stuck_;  // Read, but cannot be moved; not read again while it stays.
  std::string key_, head_hash_;  // Of the file that is read.
  SteadyTime scan_at_{};
  bool need_scan_ = true;
  std::string problem_;
};

void DropFolder::trouble(std::string text) {
  if (text == problem_) return;
  problem_ = text;
  source_.meter->problem(std::move(text));
}

void DropFolder::run() {
  while (!stopping()) {
    notices();
    if (need_scan_ || steady_clock::now() >= scan_at_) scan();
    const SteadyTime next = take_complete();
    if (!stopping() && !need_scan_) sleep(watch_.descriptor(), std::min(next, scan_at_));
  }
}

void DropFolder::list(const fs::path& folder, int depth, std::map<std::string, bool>& folders,
                      std::map<std::string, Seen>& found) {
  folders[folder.string()] = true;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (is_temporary(name) || found.size() >= kMaxDroppedFiles) continue;
    struct stat info{};
    if (::lstat(it->path().c_str(), &info) != 0) continue;
    if (S_ISDIR(info.st_mode)) {
      if (depth == 0 && (name == "done" || name == "failed")) continue;
      if (depth < kMaxDepth) list(it->path(), depth + 1, folders, found);
    } else if (S_ISREG(info.st_mode)) {
      found[it->path().string()].info = info;
    }
  }
  if (error) trouble(display_name(folder.string()) + " cannot be looked into: " + error.message() + ".");
}

void DropFolder::scan() {
  need_scan_ = false;
  trouble({});
  const auto now = steady_clock::now();
  std::map<std::string, bool> folders;
  std::map<std::string, Seen> found;
  list(root_, 0, folders, found);
  for (auto& [path, seen] : found) {
    const auto before = seen_.find(path);
    const bool same = before != seen_.end() && before->second.info.st_ino == seen.info.st_ino &&
                      before->second.info.st_size == seen.info.st_size &&
                      before->second.info.st_mtim.tv_sec == seen.info.st_mtim.tv_sec &&
                      before->second.info.st_mtim.tv_nsec == seen.info.st_mtim.tv_nsec;
    seen.since = same ? before->second.since : now;
    seen.complete = before != seen_.end() && before->second.complete;
  }
  std::erase_if(stuck_, [&](const std::string& path) { return !found.contains(path); });
  seen_ = std::move(found);
  const bool reliable = watch_.watch(folders);
  need_scan_ = folders != folders_;  // What came into a new folder before it was watched.
  folders_ = std::move(folders);
  scan_at_ = now + (reliable ? options_.poll : std::min(options_.poll, kUnreliablePoll));
}

void DropFolder::notices() {
  std::vector<FolderWatch::Notice> notices;
  if (!watch_.read(notices)) need_scan_ = true;
  for (const FolderWatch::Notice& notice : notices) {
    const auto found = seen_.find(notice.folder + "/" + notice.name);
    if (notice.closed && !notice.name.empty() && !is_temporary(notice.name)) {
      Seen& seen = seen_[notice.folder + "/" + notice.name];
      seen.complete = true;
    } else if (notice.written && found != seen_.end()) {
      found->second.since = steady_clock::now();  // Still being written: complete again at its close.
      found->second.complete = false;
    }
    if (!notice.written || notice.closed) need_scan_ = true;
  }
}

// Reads what is complete; answers when the next may be.
SteadyTime DropFolder::take_complete() {
  SteadyTime next = SteadyTime::max();
  std::vector<std::pair<std::string, Seen>> ready;
  const auto now = steady_clock::now();
  for (auto& [path, seen] : seen_) {
    if (stuck_.contains(path)) continue;
    if (seen.complete || now - seen.since >= options_.settle) {
      ready.emplace_back(path, seen);
    } else {
      next = std::min(next, seen.since + options_.settle);
    }
  }
  std::ranges::stable_sort(ready, {}, [](const auto& one) { return one.second.info.st_mtim.tv_sec; });
  for (const auto& [path, seen] : ready) {
    if (stopping()) return next;
    struct stat info{};
    const bool unchanged = ::lstat(path.c_str(), &info) == 0 && info.st_size == seen.info.st_size &&
                           info.st_mtim.tv_nsec == seen.info.st_mtim.tv_nsec;
    seen_.erase(path);
    if (!seen.complete && !unchanged) {
      need_scan_ = true;  // It counts from now on again.
      next = now;
      continue;
    }
    if (!process(path)) return next;
    need_scan_ = true;
  }
  return next;
}

// Under the folder, and no link on the way: who may drop files must not choose others to be read.
Descriptor DropFolder::open_file(const std::string& path) const {
  const Descriptor root(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string below = path.substr(root_.string().size() + 1);
  struct {
    std::uint64_t flags, mode, resolve;
  } how{O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0, 0x08 | 0x04 | 0x02};  // BENEATH, NO_SYMLINKS, NO_MAGICLINKS.
  const long opened = ::syscall(SYS_openat2, root.get(), below.c_str(), &how, sizeof how);
  if (opened >= 0) return Descriptor(static_cast<int>(opened));
  if (errno != ENOSYS && errno != EPERM) return {};
  return Descriptor(::openat(root.get(), below.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
}

std::string DropFolder::key_of(const struct stat& info) const {
  return "drop:" + std::to_string(static_cast<std::uint32_t>(source_.id)) + ":" + std::to_string(info.st_dev) + ":" +
         std::to_string(info.st_ino);
}

Place DropFolder::load_place(const struct stat& info) const {
  const std::string value = context_.intake.checkpoint(key_of(info));
  Place place;
  const char* const end = value.data() + value.size();
  const auto stream = std::from_chars(value.data(), end, place.stream);
  if (stream.ec != std::errc() || stream.ptr == end || *stream.ptr != ' ') return {};
  const auto offset = std::from_chars(stream.ptr + 1, end, place.offset);
  if (offset.ec != std::errc() || std::string_view(offset.ptr, end) != " " + head_hash_) return {};
  return place;
}

bool DropFolder::hand_in(const model::Delivery& delivery) {
  return deliver(context_.intake, delivery, [this](const core::Error& error) {
    trouble("The intake takes nothing now and is asked again: " + error.text);
  });
}

void DropFolder::read_stream(Stream& stream, std::uint64_t index, Place place, Outcome& out, ProblemLog& problems) {
  const std::string_view head = stream.head();
  if (head.empty()) return;
  const auto cutter = context_.formats.cutter(source_.format, head);
  if (cutter == nullptr) {
    ++out.refused_stream_count;
    source_.meter->refused("not-a-log");
    problems.add({stream.name(), "not-a-log", "This is no log that can be read."});
    return;
  }
  BlockReader reader(stream, [&](std::string_view buffer, bool last) { return cutter->cut(buffer, last); }, problems);
  while (auto block = reader.next()) {
    const std::uint64_t end = block->offset + block->bytes.size();
    out.unit_bytes += block->bytes.size();
    if (index == place.stream && end <= place.offset) continue;
    std::string_view bytes = block->bytes;
    if (index == place.stream && block->offset < place.offset) bytes.remove_prefix(place.offset - block->offset);
    model::Delivery delivery;
    delivery.source = source_.id;
    delivery.received_at = context_.clock.now();
    delivery.format = cutter->format();
    delivery.peer = stream.name();
    delivery.header = cutter->header();
    delivery.bytes = bytes;
    delivery.checkpoint_key = key_;
    delivery.checkpoint_value = std::to_string(index) + " " + std::to_string(end) + " " + head_hash_;
    if (stopping() || !hand_in(delivery)) {
      out.stopped = true;
      return;
    }
    source_.meter->received(records_in(bytes, delivery.format), bytes.size(), context_.clock.now());
  }
  if (reader.dropped_record_count() > 0) source_.meter->refused("too-long", reader.dropped_record_count());
}

Outcome DropFolder::read(const std::string& path, Descriptor file) {
  Outcome out;
  struct stat before{}, after{};
  if (!file.ok() || ::fstat(file.get(), &before) != 0 || !S_ISREG(before.st_mode)) {
    out.opened = false;
    out.reasons.emplace_back("It cannot be opened as a file, or is a link.");
    return out;
  }
  key_ = key_of(before);
  tail::Mark head;
  head.advance(tail::read_at(file.get(), 0, tail::kHeadMarkBytes));
  const std::string text = tail::to_text(head, "");
  head_hash_ = text.substr(text.find(' ') + 1, 16);
  const Place place = load_place(before);
  const std::string shown = display_name(path.substr(root_.string().size() + 1));
  // Opened again by its descriptor: the name may be another file's by now.
  InputReader reader(
      Input{"/proc/self/fd/" + std::to_string(file.get()), shown, static_cast<std::uint64_t>(before.st_size), false},
      options_.read);
  ProblemLog problems;
  std::uint64_t index = 0;
  while (Stream* const stream = reader.next()) {
    if (index >= place.stream) read_stream(*stream, index, place, out, problems);
    ++index;
    if (out.stopped) return out;
  }
  out.stream_count = index;
  const auto keep = [&](const ProblemLog& log) {
    for (const Problem& problem : log.kept()) {
      if (out.reasons.size() < kMaxReasons) out.reasons.push_back(problem.name + ": " + problem.detail);
    }
    if (log.count() > log.kept().size()) out.reasons.push_back(std::to_string(log.count()) + " problems in all.");
  };
  if (reader.problems().count() > 0) source_.meter->refused("unreadable", reader.problems().count());
  keep(reader.problems());
  // In an archive of logs other things may lie; only alone they are a failure.
  if (out.refused_stream_count < index || problems.count() > out.refused_stream_count) {
    std::vector<std::string> reasons = std::move(out.reasons);
    out.reasons.clear();
    if (problems.count() > out.refused_stream_count) keep(problems);
    out.reasons.insert(out.reasons.begin(), reasons.begin(), reasons.end());
  } else {
    keep(problems);
  }
  out.changed = ::fstat(file.get(), &after) == 0 && after.st_size != before.st_size;
  return out;
}

// False: the source stops.
bool DropFolder::process(const std::string& path) {
  Outcome outcome = read(path, open_file(path));
  if (outcome.stopped) return false;
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return true;  // Taken away again.
  if (outcome.changed) return true;                    // It settles again and is read on behind its checkpoint.
  finish(path, std::move(outcome));
  return true;
}

bool DropFolder::move(const std::string& path, const fs::path& to, std::string& moved) {
  const fs::path target = to / path.substr(root_.string().size() + 1);
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  for (int copy = 0; copy < 10'000; ++copy) {
    moved = copy == 0 ? target.string() : target.string() + "." + std::to_string(copy);
    if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, moved.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno != EEXIST) break;
  }
  trouble(display_name(path) + " has been read but cannot be moved to " + display_name(to.string()) + ": " +
          std::strerror(errno) + ". Let the user that Tocsin runs as write to both folders.");
  return false;
}

void DropFolder::finish(const std::string& path, Outcome outcome) {
  const bool failed = !outcome.reasons.empty();
  std::string moved;
  if (!failed && options_.delete_done) {
    if (::unlink(path.c_str()) != 0) {
      trouble(display_name(path) + " has been read but cannot be deleted: " + std::strerror(errno) + ".");
      stuck_.insert(path);
      return;
    }
  } else if (!move(path, root_ / (failed ? "failed" : "done"), moved)) {
    stuck_.insert(path);
    return;
  }
  if (failed) {
    std::string text = "Read from this file: " + std::to_string(outcome.unit_bytes) + " bytes of logs. What failed:\n";
    for (const std::string& reason : outcome.reasons) text += reason + "\n";
    const Descriptor file(::open((moved + ".txt").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
    if (file.ok() && ::write(file.get(), text.data(), text.size()) < 0)
      trouble("The reason beside " + moved + " cannot be written.");
  }
  if (!outcome.opened || context_.intake.checkpoint(key_).empty()) return;
  model::Delivery forget;  // Without bytes.
  forget.source = source_.id;
  forget.received_at = context_.clock.now();
  forget.format = model::Format::kText;
  forget.checkpoint_key = key_;
  static_cast<void>(hand_in(forget));
}

}  // namespace

core::Result<std::unique_ptr<LiveSource>> start_drop_folder(DropFolderOptions options, SourceRef source,
                                                            const SourceContext& context) {
  while (options.folder.size() > 1 && options.folder.ends_with('/')) options.folder.pop_back();
  if (!options.folder.starts_with('/') || options.folder.size() < 2) {
    return core::Error{core::ErrorCode::kInvalid, "'" + options.folder + "' is no drop folder: expected an absolute path."};
  }
  std::error_code error;
  for (const char* part : {"done", "failed"}) {
    fs::create_directories(fs::path(options.folder) / part, error);
    if (error) {
      return core::Error{core::ErrorCode::kIo,
                         "The folder " + options.folder + "/" + part + " cannot be made: " + error.message() + "."};
    }
  }
  auto folder = std::make_unique<DropFolder>(std::move(options), std::move(source), context);
  folder->prepare();
  folder->start();
  return core::Result<std::unique_ptr<LiveSource>>(std::move(folder));
}

}  // namespace tocsin::source
