#include "app/formats.h"

#include <algorithm>

namespace tocsin::app {
namespace {

constexpr std::int64_t kDayNs = 86'400'000'000'000;
constexpr std::size_t kHeadBytes = 64u << 10;

std::int64_t day_of(core::Timestamp time) { return time.known() ? time.ns / kDayNs : 0; }

// "audit(1364481363.243:24287)" of a line, or "".
std::string_view audit_stamp(std::string_view line) {
  const std::size_t at = line.find("audit(");
  if (at == std::string_view::npos) return {};
  const std::size_t end = line.find(')', at);
  return end == std::string_view::npos ? std::string_view() : line.substr(at, end - at);
}

// Behind the last audit event that is known to be whole: one whose EOE is there, or that another event follows.
std::size_t cut_audit(std::string_view buffer) {
  const std::size_t feed = buffer.rfind('\n');
  if (feed == std::string_view::npos) return 0;
  std::size_t begin = buffer.rfind('\n', feed == 0 ? 0 : feed - 1);
  begin = begin == std::string_view::npos || begin == feed ? 0 : begin + 1;
  const std::string_view last = buffer.substr(begin, feed - begin);
  const std::string_view stamp = audit_stamp(last);
  if (stamp.empty() || last.find("type=EOE") != std::string_view::npos) return feed + 1;
  // Back to the first line of the same event; lines of others may stand between, within a stated number of lines.
  constexpr int kMaxLinesBack = 256;
  std::size_t cut = begin, at = begin;
  for (int line = 0; line < kMaxLinesBack && at > 0; ++line) {
    std::size_t from = at < 2 ? std::string_view::npos : buffer.rfind('\n', at - 2);
    from = from == std::string_view::npos ? 0 : from + 1;
    if (audit_stamp(buffer.substr(from, at - from)) == stamp) cut = from;
    at = from;
  }
  return cut;
}

std::size_t csv_header_bytes(std::string_view head) {
  bool quoted = false;
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '"') quoted = !quoted;
    if (head[i] == '\n' && !quoted) return i + 1;
  }
  return 0;
}

std::size_t zeek_header_bytes(std::string_view head) {
  std::size_t at = 0;
  while (at < head.size() && head[at] == '#') {
    const std::size_t feed = head.find('\n', at);
    if (feed == std::string_view::npos) break;
    at = feed + 1;
  }
  return at;
}

class FormatCutter final : public source::Cutter {
 public:
  FormatCutter(model::Format format, std::string_view head)
      : format_(format), decoder_(decode::make_decoder_for(format, head, {})) {
    header_ = header_of(format, head);
  }

  std::size_t cut(std::string_view buffer, bool last) override {
    if (last) return buffer.size();
    if (format_ == model::Format::kAuditd) {
      const std::size_t end = cut_audit(buffer);
      // An event that never ends is cut at a line.
      return end != 0 || buffer.size() < kMaxAuditBytes ? end : decoder_->cut(buffer, false);
    }
    // A document that is not made of lines has one unit: all of it.
    if (format_ == model::Format::kJson && !decoder_->splittable()) return 0;
    return decoder_->cut(buffer, false);
  }
  [[nodiscard]] std::string_view header() const override { return header_; }
  [[nodiscard]] model::Format format() const override { return format_; }

 private:
  static constexpr std::size_t kMaxAuditBytes = 2u << 20;
  model::Format format_;
  std::unique_ptr<decode::Decoder> decoder_;
  std::string header_;
};

}  // namespace

std::unique_ptr<source::Cutter> DecoderFormats::cutter(model::Format format, std::string_view head) const {
  const model::Format kind = format == model::Format::kUnknown ? decode::sniff(head) : format;
  if (kind == model::Format::kUnknown) return nullptr;
  return std::make_unique<FormatCutter>(kind, head);
}

std::string_view header_of(model::Format format, std::string_view head) {
  if (format == model::Format::kCsv) return head.substr(0, csv_header_bytes(head));
  if (format == model::Format::kZeekTsv) return head.substr(0, zeek_header_bytes(head));
  return {};
}

core::Timestamp reference_time(core::Timestamp received_at) { return {(day_of(received_at) + 2) * kDayNs - 1'000'000'000}; }

DeliveryDecoder::DeliveryDecoder() = default;
DeliveryDecoder::~DeliveryDecoder() = default;

decode::Decoder& DeliveryDecoder::decoder(model::Format format, std::string_view head, core::Timestamp received_at) {
  decode::DecodeOptions options;
  options.reference_time = reference_time(received_at);
  Kept& kept = kept_[format];
  // Whether JSON is lines, its head says: only those decoders are kept.
  const bool may_keep = format != model::Format::kJson || decode::json_is_lines(head);
  if (may_keep && kept.decoder && kept.day == day_of(received_at)) return *kept.decoder;
  auto made = decode::make_decoder_for(format, head, options);
  if (may_keep && made->splittable()) {
    kept.day = day_of(received_at);
    kept.decoder = std::move(made);
    return *kept.decoder;
  }
  other_ = std::move(made);
  return *other_;
}

bool DeliveryDecoder::decode(model::Delivery& delivery, model::Batch& out) {
  const bool with_header = !delivery.header.empty() && !delivery.bytes.starts_with(delivery.header);
  const std::size_t header_bytes = with_header ? delivery.header.size() : 0;
  auto owner = std::make_shared<std::string>();
  if (with_header) {
    owner->reserve(header_bytes + delivery.bytes.size() + decode::kPaddingBytes);
    owner->append(delivery.header).append(delivery.bytes);
  } else {
    *owner = std::move(delivery.bytes);
  }
  const std::size_t size = owner->size();
  owner->append(decode::kPaddingBytes, '\0');
  const std::string_view bytes = std::string_view(*owner).substr(0, size);
  const std::string_view head = bytes.substr(0, kHeadBytes);
  format_ = delivery.format == model::Format::kUnknown ? decode::sniff(head) : delivery.format;
  bool known = format_ != model::Format::kUnknown;
  if (known) {
    decode::Decoder& chosen = decoder(format_, head, delivery.received_at);
    out.set_owner(owner);
    chosen.decode(bytes, out);
    chosen.finish(out);
    out.shift_bad_offsets(header_bytes);
  }
  delivery.bytes.assign(bytes.substr(header_bytes));
  return known;
}

}  // namespace tocsin::app
