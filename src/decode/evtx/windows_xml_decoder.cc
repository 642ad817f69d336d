// Files of Windows event XML: one <Event> or many, bare or in <Events>, as Event Viewer, wevtutil and PowerShell save them.
//
// UTF-8 or UTF-16 in either byte order, told by the byte order mark or by how '<' is stored at the start of the stream.
// The stream is cut at "</Event>", in its own encoding; each record is then converted by itself, so memory is bounded by
// the longest record. Between records only blanks, declarations, comments and the <Events> tags are expected; the rest
// is counted. "</Event>" inside CDATA or a comment would end a record early: Windows writes neither.
#include <algorithm>
#include <string>

#include "decode/decoder.h"
#include "decode/evtx/utf16.h"
#include "decode/evtx/xml_pull.h"
#include "decode/windows_xml.h"

namespace tocsin::decode {
namespace {

enum class Encoding : std::uint8_t { kUnknown, kUtf8, kUtf16Little, kUtf16Big };

constexpr std::string_view kOpening = "<Event";
constexpr std::string_view kClosing = "</Event>";

// `ascii` as the encoding stores it.
std::string stored(std::string_view ascii, Encoding encoding) {
  if (encoding == Encoding::kUtf8 || encoding == Encoding::kUnknown) return std::string(ascii);
  std::string out;
  for (const char c : ascii) {
    if (encoding == Encoding::kUtf16Big) out += '\0';
    out += c;
    if (encoding == Encoding::kUtf16Little) out += '\0';
  }
  return out;
}

Encoding detect(std::string_view head) {
  const auto starts = [&](std::string_view bytes) { return head.starts_with(bytes); };
  if (starts("\xFF\xFE") || starts(std::string_view("<\0", 2))) return Encoding::kUtf16Little;
  if (starts("\xFE\xFF") || starts(std::string_view("\0<", 2))) return Encoding::kUtf16Big;
  return Encoding::kUtf8;
}

// Removes "<!--...-->", "<?...?>", "<Events ...>" and "</Events>"; what is left should be blank.
bool is_wrapping(std::string_view text) {
  while (true) {
    const std::size_t start = text.find_first_not_of(" \t\r\n");
    if (start == std::string_view::npos) return true;
    text.remove_prefix(start);
    const std::string_view end = text.starts_with("<!--") ? "-->" : text.starts_with("<?") ? "?>" : ">";
    if (end == ">" && !text.starts_with("<Events>") && !text.starts_with("<Events ") && !text.starts_with("</Events>"))
      return false;
    const std::size_t at = text.find(end);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + end.size());
  }
}

class WindowsXmlDecoder final : public Decoder {
 public:
  explicit WindowsXmlDecoder(const DecodeOptions& options) : max_record_bytes_(options.max_record_bytes) {}

  [[nodiscard]] bool splittable() const override { return false; }

  [[nodiscard]] std::size_t cut(std::string_view buffer, bool last) override {
    if (last) return buffer.size();
    start(buffer);
    std::size_t at = buffer.rfind(closing_);
    while (at != std::string_view::npos && at % unit_bytes() != 0)
      at = at == 0 ? std::string_view::npos : buffer.rfind(closing_, at - 1);
    if (at != std::string_view::npos) return at + closing_.size();
    // A record that never ends: give it up, so that the buffer need not hold it.
    return buffer.size() > max_record_bytes_ ? buffer.size() / unit_bytes() * unit_bytes() : 0;
  }

  void decode(std::string_view block, model::Batch& out) override {
    start(block);
    std::size_t at = at_start_ ? mark_bytes(block) : 0;
    at_start_ = at_start_ && block.empty();
    while (at < block.size()) {
      const std::size_t from = find_opening(block, at);
      check_gap(block, at, std::min(from, block.size()), out);
      if (from == std::string_view::npos) return;
      const std::size_t end = find(block, closing_, from);
      if (end == std::string_view::npos) {
        const bool too_long = block.size() - from > max_record_bytes_;
        bad(block, from, too_long ? "record-too-long" : "xml-record-torn",
            too_long ? "an <Event> is longer than the limit of " + std::to_string(max_record_bytes_) + " bytes"
                     : "an <Event> without its </Event>",
            out);
        return;
      }
      at = end + closing_.size();
      take(block, from, at, out);
    }
  }

 private:
  void start(std::string_view head) {
    if (encoding_ != Encoding::kUnknown || head.empty()) return;
    encoding_ = detect(head);
    opening_ = stored(kOpening, encoding_);
    closing_ = stored(kClosing, encoding_);
  }

  [[nodiscard]] bool wide() const { return encoding_ == Encoding::kUtf16Little || encoding_ == Encoding::kUtf16Big; }
  [[nodiscard]] std::size_t unit_bytes() const { return wide() ? 2 : 1; }

  [[nodiscard]] std::size_t mark_bytes(std::string_view block) const {
    if (block.starts_with("\xFF\xFE") || block.starts_with("\xFE\xFF")) return 2;
    return block.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  }

  // At whole units only: "\0<" could also be the end of one and the start of the next.
  [[nodiscard]] std::size_t find(std::string_view block, std::string_view what, std::size_t from) const {
    std::size_t at = block.find(what, from);
    while (at != std::string_view::npos && at % unit_bytes() != 0) at = block.find(what, at + 1);
    return at;
  }

  [[nodiscard]] std::size_t find_opening(std::string_view block, std::size_t from) const {
    while (true) {
      const std::size_t at = find(block, opening_, from);
      if (at == std::string_view::npos) return at;
      const std::string after = utf8(block.substr(at + opening_.size(), unit_bytes()));
      if (after.empty() || std::string_view(" >\t\r\n/").find(after[0]) != std::string_view::npos) return at;
      from = at + opening_.size();
    }
  }

  [[nodiscard]] std::string utf8(std::string_view bytes) const {
    if (!wide()) return std::string(bytes);
    std::string out;
    out.reserve(bytes.size());
    evtx::append_utf16(bytes.data(), bytes.size(),
                       encoding_ == Encoding::kUtf16Little ? evtx::ByteOrder::kLittle : evtx::ByteOrder::kBig, out);
    return out;
  }

  void check_gap(std::string_view block, std::size_t from, std::size_t to, model::Batch& out) {
    if (from >= to) return;
    const std::string_view gap = block.substr(from, to - from);
    const bool fine = wide() ? is_wrapping(utf8(gap)) : is_wrapping(gap);
    if (!fine) bad(block.substr(0, to), from, "xml-outside-event", "expected <Event>, found other text before it", out);
  }

  void take(std::string_view block, std::size_t from, std::size_t to, model::Batch& out) {
    std::string_view raw = block.substr(from, to - from);
    if (raw.size() > max_record_bytes_) {
      bad(block, from, "record-too-long", "an <Event> of " + std::to_string(raw.size()) + " bytes is longer than the limit",
          out);
      return;
    }
    const char* cause = emit(raw, out);
    if (cause == nullptr) return;
    // A torn record may have run into the next one, which is whole.
    const std::size_t inner = last_opening(raw);
    bad(block.substr(0, to), from, cause, "an <Event> that is not well-formed XML", out);
    if (inner == 0) return;
    raw.remove_prefix(inner);
    cause = emit(raw, out);
    if (cause != nullptr) bad(block.substr(0, to), from + inner, cause, "an <Event> that is not well-formed XML", out);
  }

  // Where the last <Event> in `raw` begins; 0 where that is the only one.
  [[nodiscard]] std::size_t last_opening(std::string_view raw) const {
    std::size_t last = 0;
    for (std::size_t at = 0; at != std::string_view::npos; at = find_opening(raw, at + opening_.size())) last = at;
    return last;
  }

  const char* emit(std::string_view raw, model::Batch& out) {
    const std::string_view xml = wide() ? out.arena().copy(utf8(raw)) : raw;
    core::Timestamp time;
    out.begin_event();
    const char* cause = reader_.read(xml, out, time);
    if (cause != nullptr) {
      out.abandon_event();
      return cause;
    }
    model::EventSlot& slot = out.end_event();
    slot.record = ++record_;
    slot.time = time;
    slot.raw = raw;
    slot.format = model::Format::kWindowsXml;
    ++out.record_count;
    return nullptr;
  }

  void bad(std::string_view block, std::size_t at, const char* cause, std::string detail, model::Batch& out) {
    model::BadRecord record;
    record.cause = cause;
    record.detail = std::move(detail);
    record.record = ++record_;
    record.offset = at;
    record.sample = block.substr(at, model::kMaxSampleBytes);
    ++out.record_count;
    out.add_bad(std::move(record));
  }

  std::size_t max_record_bytes_;
  Encoding encoding_ = Encoding::kUnknown;
  std::string opening_, closing_;
  bool at_start_ = true;
  std::uint64_t record_ = 0;
  EventXmlReader reader_;
};

}  // namespace

std::unique_ptr<Decoder> make_windows_xml_decoder(const DecodeOptions& options) {
  return std::make_unique<WindowsXmlDecoder>(options);
}

}  // namespace tocsin::decode
