// How far a file has been read, and what those bytes begin and end with: what tells a file from another in its place.
//
// A checkpoint is the text "<offset>[+] <hash of the head>.<hash of the tail> <path>"; "+": within a line whose rest is to
// be skipped. The lengths that were hashed follow from the offset. Plain data; functions may be called by any thread.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::source::tail {

inline constexpr std::size_t kHeadMarkBytes = 256;
inline constexpr std::size_t kTailMarkBytes = 64;

struct FileId {
  std::uint64_t device = 0, inode = 0;
  auto operator<=>(const FileId&) const = default;
};

struct Mark {
  std::uint64_t offset = 0;
  bool skipping = false;
  std::string head;  // The first min(offset, kHeadMarkBytes) bytes.
  std::string tail;  // The last min(offset, kTailMarkBytes) bytes before `offset`.
  void advance(std::string_view bytes);
};

struct StoredMark {
  std::uint64_t offset = 0;
  bool skipping = false;
  std::uint64_t head_hash = 0, tail_hash = 0;
  std::string path;
};
std::string to_text(const Mark& mark, std::string_view path);
std::optional<StoredMark> parse_mark(std::string_view text);

// The mark of the open file at `offset`; nothing where it is shorter.
std::optional<Mark> mark_at(int descriptor, std::uint64_t offset);
// The mark in the open file, where it begins and ends as stored.
std::optional<Mark> load_mark(int descriptor, const StoredMark& stored);
bool holds(int descriptor, const Mark& mark);

// At `offset`, up to `size` bytes; fewer at the end of the file. Failures count as the end.
std::string read_at(int descriptor, std::uint64_t offset, std::size_t size);

}  // namespace tocsin::source::tail
