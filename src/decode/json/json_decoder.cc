// Scan state kept between cut() calls: the document and UTF-16 decoders expect that the buffer given to cut() begins where
// the last answer ended, so that a growing buffer is not looked at again from its begin. Both work on a stream in order.
#include "decode/json/json_decoder.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "decode/json/document_scanner.h"
#include "decode/json/json_reader.h"
#include "decode/json/json_text.h"
#include "decode/json/wrapper.h"

namespace tocsin::decode {
namespace json {
namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
constexpr std::string_view kLittleMark = "\xFF\xFE";
constexpr std::string_view kBigMark = "\xFE\xFF";

// Without spaces, NULs and record separators around it, and without byte order marks before it: files put one after
// another have them anywhere.
std::string_view trimmed(std::string_view line) {
  while (!line.empty()) {
    if (line.starts_with(kUtf8Mark)) {
      line.remove_prefix(kUtf8Mark.size());
    } else if (is_space(line.front()) || line.front() == '\0' || line.front() == '\x1E') {
      line.remove_prefix(1);
    } else {
      break;
    }
  }
  while (!line.empty() && (is_space(line.back()) || line.back() == '\0')) line.remove_suffix(1);
  return line;
}

// Keeps no state between blocks but the key paths. A line longer than max_record_bytes is cut into blocks that each hold a
// bad record; decoding goes on behind its line feed.
class LineDecoder final : public Decoder {
 public:
  LineDecoder(const DecodeOptions& options, bool in_order)
      : max_record_bytes_(options.max_record_bytes), in_order_(in_order), reader_(options) {}

  [[nodiscard]] bool splittable() const override { return !in_order_; }

  std::size_t cut(std::string_view buffer, bool last) override {
    if (last) return buffer.size();
    const void* feed = memrchr(buffer.data(), '\n', buffer.size());
    if (feed != nullptr) return static_cast<std::size_t>(static_cast<const char*>(feed) - buffer.data()) + 1;
    return buffer.size() > max_record_bytes_ ? buffer.size() : 0;
  }

  void decode(std::string_view block, model::Batch& out) override {
    BlockPosition position{.block = block, .record = in_order_ ? record_ : 0};
    reader_.begin(out);
    while (!block.empty()) {
      const std::size_t length = std::min(block.find('\n'), block.size());
      const std::string_view line = trimmed(block.substr(0, length));
      if (!line.empty()) reader_.read(line, position, out);
      block.remove_prefix(std::min(length + 1, block.size()));
    }
    record_ = position.record;
  }

 private:
  std::size_t max_record_bytes_;
  bool in_order_;  // It gets all blocks of the stream, and numbers records through it.
  std::uint64_t record_ = 0;
  JsonReader reader_;
};

class DocumentDecoder final : public Decoder {
 public:
  explicit DocumentDecoder(const DecodeOptions& options)
      : cutter_(options.max_record_bytes), scanner_(options.max_record_bytes), reader_(options) {}

  [[nodiscard]] bool splittable() const override { return false; }

  // Behind the last whole element where decode() will tell wrapping objects from others as was done here: it sees the
  // block only, so a cut is neither just behind the '[' of a wrapper's list nor inside the bytes that spoke against one.
  std::size_t cut(std::string_view buffer, bool last) override {
    if (last) return buffer.size();
    std::size_t position = 0, safe_position = 0;
    DocumentScanner safe = cutter_;
    while (true) {
      const std::size_t wrapper_count = cutter_.wrapper_count();
      const bool more = cutter_.next(buffer, position, false).kind == DocumentScanner::Kind::kMore;
      const bool at_list_begin = more && cutter_.in_wrapper() && cutter_.wrapper_count() != wrapper_count;
      if (!at_list_begin && cutter_.settled()) {
        safe_position = position;
        safe = cutter_;
      }
      if (!more) continue;
      cutter_ = safe;
      return safe_position;
    }
  }

  void decode(std::string_view block, model::Batch& out) override {
    BlockPosition position{.block = block, .record = record_};
    reader_.begin(out);
    std::size_t at = 0;
    while (true) {
      const DocumentScanner::Item item = scanner_.next(block, at, true);
      if (item.kind == DocumentScanner::Kind::kMore) break;
      reader_.read(block.substr(item.begin, item.end - item.begin), position, out);
    }
    record_ = position.record;
  }

 private:
  DocumentScanner cutter_, scanner_;
  JsonReader reader_;
  std::uint64_t record_ = 0;
};

// Turns each block to UTF-8 and gives it to a document decoder. The records' raw bytes are the UTF-8 ones.
class Utf16Decoder final : public Decoder {
 public:
  explicit Utf16Decoder(const DecodeOptions& options) : inner_(options) {}

  [[nodiscard]] bool splittable() const override { return false; }

  // Whole units, and no surrogate without its other half; the inner decoder finds the records.
  std::size_t cut(std::string_view buffer, bool last) override {
    if (last) return buffer.size();
    return buffer.size() < 4 ? 0 : (buffer.size() - 2) / 2 * 2;
  }

  void decode(std::string_view block, model::Batch& out) override {
    if (!begun_) {
      big_endian_ = block.starts_with(kBigMark);
      if (big_endian_ || block.starts_with(kLittleMark)) block.remove_prefix(2);
      begun_ = true;
    }
    left_.append(block);
    // A high surrogate at the end waits for the next block.
    std::size_t size = left_.size() / 2 * 2;
    if (size >= 2) {
      const auto high = static_cast<unsigned char>(left_[big_endian_ ? size - 2 : size - 1]);
      if (high >= 0xD8 && high < 0xDC) size -= 2;
    }
    append_utf16(std::string_view{left_}.substr(0, size), big_endian_, text_);
    left_.erase(0, size);
    emit(inner_.cut(text_, false), out);
  }

  void finish(model::Batch& out) override {
    append_utf16(left_, big_endian_, text_);
    left_.clear();
    emit(text_.size(), out);
  }

 private:
  void emit(std::size_t size_bytes, model::Batch& out) {
    if (size_bytes == 0) return;
    char* copy = out.arena().allocate(size_bytes + kSlackBytes);
    std::memcpy(copy, text_.data(), size_bytes);
    std::memset(copy + size_bytes, 0, kSlackBytes);
    inner_.decode({copy, size_bytes}, out);
    text_.erase(0, size_bytes);
  }

  bool begun_ = false, big_endian_ = false;
  std::string left_, text_;
  DocumentDecoder inner_;
};

// Decides at the first bytes; for callers that have not looked at the stream.
class AutoDecoder final : public Decoder {
 public:
  explicit AutoDecoder(const DecodeOptions& options) : options_(options) {}

  [[nodiscard]] bool splittable() const override { return false; }

  std::size_t cut(std::string_view buffer, bool last) override {
    const bool undecided = buffer.size() < kPeekBytes && buffer.find('\n') == std::string_view::npos;
    if (inner_ == nullptr && undecided && !last) return 0;
    return inner(buffer).cut(buffer, last);
  }
  void decode(std::string_view block, model::Batch& out) override { inner(block).decode(block, out); }
  void finish(model::Batch& out) override {
    if (inner_ != nullptr) inner_->finish(out);
  }

 private:
  Decoder& inner(std::string_view head) {
    if (inner_ != nullptr) return *inner_;
    const Layout layout = find_layout(head);
    if (layout == Layout::kLines) {
      inner_ = std::make_unique<LineDecoder>(options_, true);
    } else {
      inner_ = make_json_decoder(layout, options_);
    }
    return *inner_;
  }

  DecodeOptions options_;
  std::unique_ptr<Decoder> inner_;
};

// Whether the line holds whole objects, and none that wraps others.
bool is_line_of_objects(std::string_view line) {
  DocumentScanner scanner{line.size()};
  std::size_t position = 0;
  DocumentScanner::Item item;
  while ((item = scanner.next(line, position, false)).kind != DocumentScanner::Kind::kMore) {
    if (item.kind != DocumentScanner::Kind::kElement) return false;
  }
  return position == line.size() && !scanner.in_wrapper() && peek_wrapper(line, true).kind != WrapperKind::kWrapper;
}

}  // namespace

Layout find_layout(std::string_view head) {
  if (head.starts_with(kLittleMark) || head.starts_with(kBigMark)) return Layout::kUtf16;
  head = head.substr(0, kPeekBytes);
  while (!head.empty()) {
    const std::size_t feed = head.find('\n');
    const std::string_view line = trimmed(head.substr(0, std::min(feed, head.size())));
    if (line.starts_with('[') || line.starts_with("Record ")) return Layout::kDocuments;
    if (line.starts_with('{')) {
      if (feed != std::string_view::npos || is_line_of_objects(line)) {
        return is_line_of_objects(line) ? Layout::kLines : Layout::kDocuments;
      }
      // No line feed in sight: one long line.
      return peek_wrapper(line, true).kind == WrapperKind::kWrapper ? Layout::kDocuments : Layout::kLines;
    }
    if (feed == std::string_view::npos) break;
    head.remove_prefix(feed + 1);
  }
  return Layout::kLines;
}

std::unique_ptr<Decoder> make_json_decoder(Layout layout, const DecodeOptions& options) {
  switch (layout) {
    case Layout::kLines: return std::make_unique<LineDecoder>(options, false);
    case Layout::kDocuments: return std::make_unique<DocumentDecoder>(options);
    case Layout::kUtf16: return std::make_unique<Utf16Decoder>(options);
  }
  return nullptr;
}

std::unique_ptr<Decoder> make_json_decoder_for(std::string_view head, const DecodeOptions& options) {
  return make_json_decoder(find_layout(head), options);
}

}  // namespace json

std::unique_ptr<Decoder> make_json_decoder(const DecodeOptions& options) {
  return std::make_unique<json::AutoDecoder>(options);
}

}  // namespace tocsin::decode
