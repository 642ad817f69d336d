// Cuts a stream into blocks that end where a record ends, each in memory of its own, for any thread to decode.
//
// What a record is, the caller's `cut` says; see decode::Decoder::cut, whose shape it has. A block is kept alive by its
// shared_ptr. One block is read ahead, so that the last is known as such. Memory: the blocks that are alive, and at most 2 *
// max_block_bytes while a long record is looked for. One thread; the blocks themselves are immutable.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "source/file_input.h"

namespace tocsin::source {

struct Block {
  // kReadableBytesPastEnd zero bytes may be read behind it. Never empty. Lives as long as `owner`.
  std::string_view bytes;
  std::shared_ptr<const void> owner;
  std::uint64_t offset = 0;  // Of the first byte, in the stream.
  bool last = false;         // Set on the last block that next() gives, and on no other.
};

struct BlockOptions {
  std::size_t block_bytes = 1u << 20;       // Aimed at; the caller's cache and batch size decide.
  std::size_t max_block_bytes = 32u << 20;  // A record that does not end within this is dropped to its next line end.
};

class BlockReader {
 public:
  // The length of the longest prefix that ends at the end of a record, 0 where none does; `last`: nothing follows.
  using Cut = std::function<std::size_t(std::string_view buffer, bool last)>;

  // `stream` and `problems` must outlive the reader. REQUIRES: 0 < block_bytes <= max_block_bytes.
  BlockReader(Stream& stream, Cut cut, ProblemLog& problems, const BlockOptions& options = {});
  ~BlockReader();
  BlockReader(const BlockReader&) = delete;
  BlockReader& operator=(const BlockReader&) = delete;

  // The next block, or nothing at the end of the stream.
  std::optional<Block> next();
  // Records dropped because they were longer than max_block_bytes, each also a problem "record-too-long".
  [[nodiscard]] std::uint64_t dropped_record_count() const { return dropped_record_count_; }

 private:
  struct Buffer;
  std::optional<Block> cut_next();
  void fill();
  void grow(std::size_t capacity_bytes);
  bool drop_long_record();
  Block take(std::size_t size_bytes);

  Stream& stream_;
  Cut cut_;
  ProblemLog& problems_;
  BlockOptions options_;
  std::shared_ptr<Buffer> buffer_;
  std::optional<Block> ahead_;
  std::uint64_t offset_ = 0;  // In the stream, of the buffer's first byte.
  std::uint64_t dropped_record_count_ = 0;
  bool ended_ = false;
};

}  // namespace tocsin::source
