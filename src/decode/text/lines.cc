#include "decode/text/lines.h"

#include "decode/text/scan.h"

namespace tocsin::decode::text {

std::size_t cut_lines(std::string_view buffer, bool last, std::size_t max_record_bytes) {
  if (last) return buffer.size();
  const std::size_t newline = buffer.rfind('\n');
  if (newline != std::string_view::npos) return newline + 1;
  return buffer.size() > max_record_bytes ? buffer.size() : 0;
}

model::BadRecord bad_record(std::string_view cause, std::string_view detail, std::string_view bytes) {
  model::BadRecord bad;
  bad.cause = cause;
  bad.detail = detail;
  bad.sample = bytes.substr(0, model::kMaxSampleBytes);
  return bad;
}

void LineReader::begin(std::string_view block) { block_ = rest_ = block; }

bool LineReader::next(model::Batch& out, std::string_view& line) {
  while (!rest_.empty()) {
    const std::size_t newline = rest_.find('\n');
    const bool ended = newline != std::string_view::npos;
    line = rest_.substr(0, newline);
    rest_.remove_prefix(ended ? newline + 1 : rest_.size());
    if (in_long_line_) {
      in_long_line_ = !ended;
      continue;
    }
    if (line.size() > max_record_bytes_) {
      in_long_line_ = !ended;
      model::BadRecord bad = bad_record("record-too-long", "a line is longer than the limit for one record", line);
      bad.record = ++out.record_count;
      bad.offset = offset(line);
      out.add_bad(std::move(bad));
      continue;
    }
    while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (trim(line).empty()) continue;
    ++out.record_count;
    return true;
  }
  return false;
}

}  // namespace tocsin::decode::text
