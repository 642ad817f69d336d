// Offline input: which files a command line names, and the byte streams inside each.
//
//   for (const Input& input : list_inputs(paths).inputs) {
//     InputReader reader(input);
//     while (Stream* stream = reader.next()) { ... stream->head(), stream->read() or stream->map() ... }
//   }
//
// A plain file is one stream; a compressed file is one stream of its expanded bytes; an archive is one stream a member,
// named "archive.zip!dir/member.json", also through archives in archives. What a file is, its content says, never its
// name. Nothing is unpacked to disk. What cannot be read becomes a Problem and the rest goes on: nothing here fails.
// A reader and its streams belong to one thread; several readers may work at once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "source/problem.h"

namespace tocsin::source {

// ---- Which files.

inline constexpr std::size_t kMaxFiles = 1'000'000;    // Some 200 bytes of memory each.
inline constexpr std::uint32_t kMaxFolderDepth = 128;  // PATH_MAX ends real trees before this.

struct Input {
  std::string path;              // As the operating system knows it; any bytes.
  std::string name;              // As shown: as given, or found under the folder given; see display_name().
  std::uint64_t size_bytes = 0;  // When it was listed; 0 for standard input.
  bool standard_input = false;
};

struct ListOptions {
  std::size_t max_files = kMaxFiles;
  std::uint32_t max_folder_depth = kMaxFolderDepth;
  // Symbolic links found inside a folder. Off: a folder of evidence must not reach into the reader's own disk. A path
  // that is given and is itself a link is always followed.
  bool follow_links = false;
};

struct InputList {
  std::vector<Input> inputs;  // In the order of the paths given; inside a folder by name, byte for byte.
  ProblemLog problems;
  std::uint64_t skipped_link_count = 0;  // Links found and, without follow_links, left alone.
  std::uint64_t total_bytes = 0;         // Sum of size_bytes: for a progress bar.
};

// Walks folders; "-" is standard input, once. Pipes, sockets and devices are refused: they would block or never end.
InputList list_inputs(std::span<const std::string> paths, const ListOptions& options = {});

// ---- What is inside.

// Readable, and zero unless more of the file is there, behind the bytes of a MappedFile: vector code may look ahead.
inline constexpr std::size_t kReadableBytesPastEnd = 64;
// What head() looks at: enough to tell every format.
inline constexpr std::size_t kHeadBytes = 64 * 1024;
// Smaller files are read instead of mapped by map(): cheaper than page faults, and safe from truncation.
inline constexpr std::size_t kMaxCopiedBytes = 4u << 20;

inline constexpr std::uint64_t kMaxExpansion = 200;                  // Logs compress 10 to 100 times; bombs 1,000 and more.
inline constexpr std::uint64_t kUncheckedExpandedBytes = 64u << 20;  // Expansion is not looked at before this many bytes.
inline constexpr std::uint64_t kMaxExpandedBytes = 256ULL << 30;
inline constexpr std::uint32_t kMaxMembers = 1'000'000;
inline constexpr std::uint32_t kMaxArchiveDepth = 6;  // evidence.zip!host.tar.gz!auth.log.1.gz is 4.
inline constexpr std::uint64_t kMaxNestedBytes = 64u << 20;
inline constexpr std::size_t kMaxMemberNameBytes = 1'024;  // A longer name is cut, with "..." at the end.

struct ReadOptions {
  // A member that expands to more than this many times its compressed bytes is refused ("archive-ratio"), and so is
  // all the rest of an archive that does so as a whole.
  std::uint64_t max_expansion = kMaxExpansion;
  std::uint64_t unchecked_expanded_bytes = kUncheckedExpandedBytes;
  std::uint64_t max_expanded_bytes = kMaxExpandedBytes;  // From one input, all levels together: "archive-size".
  std::uint32_t max_members = kMaxMembers;               // In one input: "archive-members".
  std::uint32_t max_archive_depth = kMaxArchiveDepth;    // "archive-nesting".
  // A .zip or .7z inside an archive is read into memory, for its index is at its end: "archive-nesting" past this.
  std::uint64_t max_nested_bytes = kMaxNestedBytes;
  // Asked some times a second while a pipe has nothing to read: true ends it there. May be empty.
  std::function<bool()> stop = {};
};

// The bytes of a whole file, in memory or mapped. Immutable, for any thread.
//
// Mapped bytes (files above kMaxCopiedBytes) are the file itself: where it is changed in place meanwhile, so are they,
// and where it is truncated, touching the lost part ends the process (SIGBUS). Map evidence, not logs that a running
// system rotates: those are better read().
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  // kReadableBytesPastEnd more bytes may be read behind it.
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  // Tells the kernel that [0, offset) will not be needed soon, so that it no longer counts as this process's memory.
  // The bytes stay valid; touching them again costs time only.
  virtual void drop_before(std::size_t /*offset*/) const {}

 protected:
  std::string_view bytes_;
};

class Stream {
 public:
  virtual ~Stream() = default;
  [[nodiscard]] const std::string& name() const { return name_; }
  // The first kHeadBytes bytes, fewer where the stream is shorter. read() gives them again. Valid as long as the stream.
  std::string_view head();
  // At least 1 byte unless the stream has ended (0) or `out` is empty. A stream that breaks off ends; see broken().
  std::size_t read(std::span<char> out);
  // Bytes were lost: a problem says which. What came before is good.
  [[nodiscard]] bool broken() const { return broken_; }
  // A plain file, so that map() is worth trying.
  [[nodiscard]] virtual bool can_map() const { return false; }
  // The whole file, whatever was read before.
  virtual core::Result<std::shared_ptr<const MappedFile>> map();

 protected:
  Stream(std::string name, ProblemLog& problems) : name_(std::move(name)), problems_(&problems) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  // As read(), behind the head. Calls fail() and answers 0 where it cannot go on.
  virtual std::size_t fetch(std::span<char> out) = 0;
  void fail(std::string cause, std::string detail);
  void break_off() { broken_ = true; }
  ProblemLog& problems() { return *problems_; }

 private:
  std::string name_;
  ProblemLog* problems_;
  std::string head_;
  std::size_t head_given_bytes_ = 0;
  bool head_read_ = false;
  bool broken_ = false;
  bool ended_ = false;
};

class InputReader {
 public:
  explicit InputReader(const Input& input, const ReadOptions& options = {});
  // Reads `bytes` as if it were a file. `bytes` must outlive the reader.
  InputReader(std::string name, std::string_view bytes, const ReadOptions& options = {});
  ~InputReader();
  InputReader(const InputReader&) = delete;
  InputReader& operator=(const InputReader&) = delete;

  // The next stream, or null after the last. Valid until the next call; need not be read to its end.
  Stream* next();
  // Complete once next() has answered null.
  [[nodiscard]] const ProblemLog& problems() const;
  // Bytes taken from the file itself so far (compressed where it is); map() counts as all.
  [[nodiscard]] std::uint64_t consumed_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::source
