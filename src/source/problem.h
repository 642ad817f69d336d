// What could not be read, and why: collected for the summary, never a reason to stop.
//
// Plain data, one thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::source {

struct Problem {
  std::string name;  // Of the file or member, as shown.
  // One of: not-found, no-permission, special-file, loop, walk-limit, io, archive-broken, archive-encrypted,
  // archive-unsupported, archive-ratio, archive-size, archive-members, archive-nesting, record-too-long.
  std::string cause;
  std::string detail;  // One sentence.
};

// Kept in full; more are only counted. A hostile archive has a million broken members.
inline constexpr std::size_t kMaxProblemsKept = 1'000;

class ProblemLog {
 public:
  void add(Problem problem) {
    ++count_;
    if (kept_.size() < kMaxProblemsKept) kept_.push_back(std::move(problem));
  }
  [[nodiscard]] const std::vector<Problem>& kept() const { return kept_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  std::vector<Problem> kept_;
  std::uint64_t count_ = 0;
};

// A file name as shown to people and written to reports: always valid UTF-8 on one line. Bytes that are not UTF-8,
// control characters and characters that turn the direction of writing become \xNN, byte by byte; the rest is as given.
std::string display_name(std::string_view bytes);

}  // namespace tocsin::source
