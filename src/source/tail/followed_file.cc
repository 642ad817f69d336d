#include "source/tail/followed_file.h"

#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "source/file/content_kind.h"
#include "source/file_input.h"
#include "source/tail.h"

namespace tocsin::source::tail {
namespace {

using Kind = Piece::Kind;

// Reads behind file.read into `bytes`, with the tail again before it in the same call, then the head: only where both are
// as they were do the bytes belong to what was read before.
Kind read_behind(const FollowedFile& file, std::string& bytes, std::size_t want, int& error) {
  const Mark& mark = file.read;
  std::array<char, kTailMarkBytes> tail{};
  ssize_t got = 0;
  bytes.resize_and_overwrite(want, [&](char* data, std::size_t size) {
    std::array<iovec, 2> parts{{{tail.data(), mark.tail.size()}, {data, size}}};
    got = ::preadv(file.file.get(), parts.data(), parts.size(), static_cast<off_t>(mark.offset - mark.tail.size()));
    if (got < 0) error = errno;
    const std::size_t total = got < 0 ? 0 : static_cast<std::size_t>(got);
    return total > mark.tail.size() ? total - mark.tail.size() : 0;
  });
  if (got < 0) return Kind::kFailed;
  if (static_cast<std::size_t>(got) < mark.tail.size()) return Kind::kChanged;
  if (std::string_view(tail.data(), mark.tail.size()) != mark.tail) return Kind::kChanged;
  std::array<char, kHeadMarkBytes> head{};
  const ssize_t head_got = mark.head.empty() ? 0 : ::pread(file.file.get(), head.data(), mark.head.size(), 0);
  if (head_got < 0) return Kind::kFailed;
  if (std::string_view(head.data(), static_cast<std::size_t>(head_got)) != mark.head) return Kind::kChanged;
  return bytes.empty() ? Kind::kEnd : Kind::kUnits;
}

// A cutter that goes on in the middle has to see the beginning, for the header.
void prime(FollowedFile& file) {
  const std::uint64_t before = file.read.offset;
  for (std::size_t size = kHeadBytes;; size *= 4) {
    const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(size, before));
    const std::string bytes = read_at(file.file.get(), 0, part);
    if (bytes.empty() || file.cutter->cut(bytes, false) > 0) return;
    if (part == before || size >= kMaxTailLineBytes) return;
  }
}

// kUnits: there is a cutter.
Kind make_cutter(FollowedFile& file, const Formats& formats, model::Format format, bool last, bool& compressed) {
  const std::string head = read_at(file.file.get(), 0, kHeadBytes);
  compressed = content_kind(head) != ContentKind::kPlain;
  if (compressed) return Kind::kNoLog;
  // The format is not told from half a line, but what is binary may never have one.
  if (!last && head.size() < kHeadBytes && head.find_first_of(std::string_view("\n\0", 2)) == std::string::npos) {
    return Kind::kWait;
  }
  file.cutter = formats.cutter(format, head);
  if (file.cutter == nullptr && file.format != model::Format::kUnknown) file.cutter = formats.cutter(file.format, head);
  if (file.cutter == nullptr) return Kind::kNoLog;
  file.format = file.cutter->format();
  if (file.read.offset > 0) prime(file);
  return Kind::kUnits;
}

// Passes over the rest of a line that was cut. False: it does not end in `bytes`.
bool skip_line(FollowedFile& file, std::string& bytes) {
  const std::size_t newline = bytes.find('\n');
  const std::size_t size = newline == std::string::npos ? bytes.size() : newline + 1;
  file.read.advance(std::string_view(bytes).substr(0, size));
  file.read.skipping = newline == std::string::npos;
  bytes.erase(0, size);
  return !file.read.skipping;
}

Piece give(FollowedFile& file, std::string bytes, std::size_t size, bool at_end) {
  Piece piece;
  piece.kind = Kind::kUnits;
  piece.more = !at_end || size < bytes.size();
  bytes.resize(size);
  file.pending_bytes = 0;
  file.read.advance(bytes);
  piece.bytes = std::move(bytes);
  return piece;
}

}  // namespace

Piece read_piece(FollowedFile& file, const Formats& formats, model::Format format, bool last) {
  for (std::size_t want = kPieceBytes;; want = std::min(want * 2, kMaxTailLineBytes)) {
    Piece piece;
    std::string bytes;
    piece.kind = read_behind(file, bytes, want, piece.error);
    if (piece.kind == Kind::kEnd) file.pending_bytes = 0;
    if (piece.kind != Kind::kUnits) return piece;
    if (file.read.skipping) {
      skip_line(file, bytes);
      piece.kind = Kind::kSkipped;
      return piece;
    }
    if (file.cutter == nullptr) {
      piece.kind = make_cutter(file, formats, format, last, piece.compressed);
      if (piece.kind == Kind::kWait) file.pending_bytes = bytes.size();
      if (piece.kind != Kind::kUnits) return piece;
    }
    const bool at_end = bytes.size() < want;
    const bool whole = at_end && (file.frozen || (last && bytes.size() == file.pending_bytes));
    const std::size_t size = std::min(file.cutter->cut(bytes, whole), bytes.size());
    if (size > 0) return give(file, std::move(bytes), size, at_end);
    if (at_end) {
      file.pending_bytes = bytes.size();
      piece.kind = Kind::kWait;
      return piece;
    }
    if (want < kMaxTailLineBytes) continue;
    piece = give(file, std::move(bytes), want, false);
    piece.too_long = true;
    file.read.skipping = true;
    return piece;
  }
}

}  // namespace tocsin::source::tail
