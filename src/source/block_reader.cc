#include "source/block_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/assert.h"

namespace tocsin::source {

struct BlockReader::Buffer {
  explicit Buffer(std::size_t capacity)
      : memory(std::make_unique_for_overwrite<char[]>(capacity + kReadableBytesPastEnd)), capacity_bytes(capacity) {}
  std::unique_ptr<char[]> memory;
  std::size_t capacity_bytes;
  std::size_t size_bytes = 0;
  [[nodiscard]] std::string_view bytes() const { return {memory.get(), size_bytes}; }
};

BlockReader::BlockReader(Stream& stream, Cut cut, ProblemLog& problems, const BlockOptions& options)
    : stream_(stream), cut_(std::move(cut)), problems_(problems), options_(options) {
  TOCSIN_ASSERT(options.block_bytes > 0 && options.block_bytes <= options.max_block_bytes);
  buffer_ = std::make_shared<Buffer>(options.block_bytes);
}

BlockReader::~BlockReader() = default;

void BlockReader::fill() {
  Buffer& buffer = *buffer_;
  while (!ended_ && buffer.size_bytes < buffer.capacity_bytes) {
    const std::size_t got =
        stream_.read({buffer.memory.get() + buffer.size_bytes, buffer.capacity_bytes - buffer.size_bytes});
    buffer.size_bytes += got;
    ended_ = got == 0;
  }
}

void BlockReader::grow(std::size_t capacity_bytes) {
  auto larger = std::make_shared<Buffer>(capacity_bytes);
  std::memcpy(larger->memory.get(), buffer_->memory.get(), buffer_->size_bytes);
  larger->size_bytes = buffer_->size_bytes;
  buffer_ = std::move(larger);
}

// Throws the buffer away up to the next line end, reading on for it. False where the stream ends first.
bool BlockReader::drop_long_record() {
  ++dropped_record_count_;
  problems_.add({stream_.name(), "record-too-long",
                 "The record at byte " + std::to_string(offset_) + " does not end within " +
                     std::to_string(options_.max_block_bytes) + " bytes; it is dropped up to the next line end."});
  buffer_ = std::make_shared<Buffer>(options_.block_bytes);
  std::uint64_t dropped_bytes = options_.max_block_bytes;
  for (;;) {
    fill();
    const auto line_end = buffer_->bytes().find('\n');
    if (line_end == std::string_view::npos) {
      dropped_bytes += buffer_->size_bytes;
      buffer_->size_bytes = 0;
      if (!ended_) continue;
      offset_ += dropped_bytes;
      return false;
    }
    const std::size_t rest = buffer_->size_bytes - line_end - 1;
    std::memmove(buffer_->memory.get(), buffer_->memory.get() + line_end + 1, rest);
    buffer_->size_bytes = rest;
    offset_ += dropped_bytes + line_end + 1;
    return true;
  }
}

Block BlockReader::take(std::size_t size_bytes) {
  auto full = std::move(buffer_);
  const std::size_t rest = full->size_bytes - size_bytes;
  buffer_ = std::make_shared<Buffer>(std::max(options_.block_bytes, rest));
  std::memcpy(buffer_->memory.get(), full->memory.get() + size_bytes, rest);
  buffer_->size_bytes = rest;
  std::memset(full->memory.get() + size_bytes, 0, kReadableBytesPastEnd);
  full->size_bytes = size_bytes;
  Block block{.bytes = full->bytes(), .owner = full, .offset = offset_};
  offset_ += size_bytes;
  return block;
}

std::optional<Block> BlockReader::cut_next() {
  for (;;) {
    fill();
    if (buffer_->size_bytes == 0) return std::nullopt;
    const std::size_t size = std::min(cut_(buffer_->bytes(), ended_), buffer_->size_bytes);
    if (size > 0) return take(size);
    if (ended_) return take(buffer_->size_bytes);
    if (buffer_->capacity_bytes < options_.max_block_bytes) {
      grow(std::min(options_.max_block_bytes, buffer_->capacity_bytes * 2));
    } else if (!drop_long_record()) {
      return std::nullopt;
    }
  }
}

std::optional<Block> BlockReader::next() {
  auto block = std::exchange(ahead_, std::nullopt);
  if (!block) block = cut_next();
  if (!block) return std::nullopt;
  ahead_ = cut_next();
  block->last = !ahead_;
  return block;
}

}  // namespace tocsin::source
