// Cutting at newlines and walking a block line by line, for all decoders whose record is a line.
//
// A line longer than max_record_bytes is one BadRecord "record-too-long". Where it does not even fit the caller's buffer,
// cut() lets go of the buffer in parts: it returns buffer.size() once the buffer holds more than max_record_bytes
// without a newline. A block that long and without a newline at its end is the front (or middle) of such a line; the
// LineReader remembers it and skips the rest of the line in the next blocks. So the block after such a part must go to
// the same decoder, also where the decoder is splittable.
#pragma once
#include <string_view>

#include "decode/decoder.h"

namespace tocsin::decode::text {

std::size_t cut_lines(std::string_view buffer, bool last, std::size_t max_record_bytes);

class LineReader {
 public:
  explicit LineReader(std::size_t max_record_bytes) : max_record_bytes_(max_record_bytes) {}

  void begin(std::string_view block);
  // The next line that is not blank, without its line end. Too long ones are added to `out` as bad and skipped; each
  // line given or skipped counts one in out.record_count.
  bool next(model::Batch& out, std::string_view& line);
  [[nodiscard]] std::size_t offset(std::string_view line) const {
    return static_cast<std::size_t>(line.data() - block_.data());
  }
  void end_of_stream() { in_long_line_ = false; }

 private:
  std::size_t max_record_bytes_;
  std::string_view block_;
  std::string_view rest_;
  bool in_long_line_ = false;
};

// A BadRecord with its sample, offset 0.
model::BadRecord bad_record(std::string_view cause, std::string_view detail, std::string_view bytes);

}  // namespace tocsin::decode::text
