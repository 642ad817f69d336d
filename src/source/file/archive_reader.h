// One compressed file or archive, member by member, through libarchive.
//
// One thread. Never fails: what cannot be read is added to the problems. Every byte that comes out is counted against
// the Budget of the input, whatever level it comes out at and whether anybody wanted it.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "source/file/byte_source.h"
#include "source/file/content_kind.h"
#include "source/file_input.h"

namespace tocsin::source {

// What one input may still expand to, over all levels of nesting.
struct Budget {
  const ReadOptions* options = nullptr;
  const ByteSource* file = nullptr;  // The outermost source: what was really given.
  std::uint64_t expanded_bytes = 0;
  std::uint32_t member_count = 0;
  bool spent = false;  // Said once; then everything of this input ends.
};

class ArchiveReader {
 public:
  // `name` as shown. `kind` is what the source's first bytes say. `source`, `budget` and `problems` must outlive the reader.
  // REQUIRES: kind is not kPlain or kRefused.
  ArchiveReader(ByteSource& source, ContentKind kind, std::string name, Budget& budget, ProblemLog& problems);
  ~ArchiveReader();
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  // The next regular file in it, or null after the last. Ends the one before.
  std::unique_ptr<Stream> next();

 private:
  struct Impl;
  class Member;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::source
