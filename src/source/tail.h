// Follows files that others write, by name patterns, through rotation, truncation and restarts.
//
// Each whole record is handed in once: a delivery carries how far its file has been read, and a start goes on there. A file
// is known by device, inode and what it begins with, so that it is followed under its new name when it is rotated; one that
// was rotated, or copied and truncated, while we were away is found in the same folder and finished first; one that was then
// deleted as well, before we were back, cannot be told from others: a copy that matches is read whole. One thread.
// Compressed files are left alone. Memory: some 2 KB a file, 16 MB under way, and twice the longest line (16 MB) while one
// is read. What cannot be read is the meter's problem, with what to do; its causes of refusal: "too-long", "not-a-log".
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "source/live.h"

namespace tocsin::source {

inline constexpr std::size_t kMaxTailFiles = 20'000;
inline constexpr std::size_t kMaxTailLineBytes = 16u << 20;  // The longest record a decoder takes.

struct TailOptions {
  // Absolute. In each part of a path: * ? [abc]; a part ** stands for any number of folders (up to 16 deep). Names that
  // begin with a dot are matched only by patterns that do.
  std::vector<std::string> globs;
  // As `globs`, against the whole path; without a slash: against the name of the file.
  std::vector<std::string> exclude;
  // Of a file never read before that is there at the start. Files that come later are read from their beginning.
  enum class Start { kBeginning, kEnd } first_seen = Start::kBeginning;
  // Links found by a pattern. Off: whoever may write to a folder would choose what we read. A name without a pattern that
  // is itself a link is always followed.
  bool follow_links = false;
  std::chrono::milliseconds idle{5'000};      // A last line without end counts as whole after this time without growth.
  std::chrono::milliseconds rotated{30'000};  // A rotated or deleted file without growth is let go after this time.
  // Everything is looked at this often, beside the kernel's notices; each second where there are none (network disks). Less
  // often where one look takes more than 1/200 of it.
  std::chrono::milliseconds poll{10'000};
  std::size_t max_files = kMaxTailFiles;  // More that match are named as a problem.
  std::size_t max_open_files = 500;       // Descriptors; files beyond are closed when they are idle, and opened again.
};

// An error: a pattern that is none (not absolute, or too many parts).
core::Result<std::unique_ptr<LiveSource>> start_tail(TailOptions options, SourceRef source, const SourceContext& context);

}  // namespace tocsin::source
