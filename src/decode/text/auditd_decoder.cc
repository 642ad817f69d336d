// Linux audit logs. One event of the kernel is several lines with one stamp (time and serial), lines of several events may
// be mixed, and "type=EOE" ends one (but is often filtered away). So events are held open and joined:
//
//   an event is closed by its EOE, when a record comes that is more than kMaxSpread younger, when more than
//   kMaxOpenEvents are open (the oldest goes), when it has kMaxEventBytes, and by finish().
//
// The text of an open event is kept here and copied to the batch at the end, for its lines may have come in earlier
// blocks. Lines that are no audit records are decoded as syslog or text in between; "----" and "time->" lines of
// ausearch are skipped. Record numbers count events in the order they are closed.
#include <list>
#include <string>

#include "decode/decoder.h"
#include "decode/text/audit_record.h"
#include "decode/text/fields.h"
#include "decode/text/lines.h"
#include "decode/text/syslog_line.h"

namespace tocsin::decode {
namespace {

using namespace text;

constexpr std::size_t kMaxOpenEvents = 64;          // The kernel mixes the events of a few processors.
constexpr std::int64_t kMaxSpread = 2'000'000'000;  // Nanoseconds; what the audit library itself waits.
constexpr std::size_t kMaxEventBytes = 1u << 20;

struct OpenEvent {
  std::string stamp;
  std::string node;
  std::uint64_t serial = 0;
  core::Timestamp time;
  std::string lines;
};

class AuditdDecoder final : public Decoder {
 public:
  explicit AuditdDecoder(const DecodeOptions& options) : options_(options), lines_(options.max_record_bytes) {}
  [[nodiscard]] bool splittable() const override { return false; }
  [[nodiscard]] std::size_t cut(std::string_view buffer, bool last) override {
    return cut_lines(buffer, last, options_.max_record_bytes);
  }

  void decode(std::string_view block, model::Batch& out) override {
    lines_.begin(block);
    std::string_view text;
    AuditHead head;
    const std::uint64_t before = out.record_count;  // Lines are not the records here.
    while (lines_.next(out, text)) {
      if (find_audit_record(text, head)) {
        add_line(text, head, out);
      } else if (text != "----" && !text.starts_with("time->")) {
        model::EventSlot& slot = decode_syslog_line(text, options_.reference_time, out);
        slot.record = ++record_count_;
        ++emitted_count_;
      }
    }
    out.record_count = before + emitted_count_;
    emitted_count_ = 0;
  }

  void finish(model::Batch& out) override {
    while (!open_.empty()) close(open_.begin(), out);
    out.record_count += emitted_count_;
    emitted_count_ = 0;
    lines_.end_of_stream();
  }

 private:
  using Place = std::list<OpenEvent>::iterator;

  void add_line(std::string_view line, const AuditHead& head, model::Batch& out) {
    while (!open_.empty() && head.time.known() && open_.front().time.known() &&
           head.time.ns - open_.front().time.ns > kMaxSpread) {
      close(open_.begin(), out);
    }
    Place place = find(head);
    if (place == open_.end()) {
      if (head.type == "EOE") return;  // Of an event that was closed before.
      if (open_.size() >= kMaxOpenEvents) close(open_.begin(), out);
      place = open_.insert(open_.end(), {std::string(head.stamp), std::string(head.node), head.serial, head.time, {}});
    }
    if (!place->lines.empty()) place->lines += '\n';
    place->lines += line;
    if (head.type == "EOE" || place->lines.size() > kMaxEventBytes) close(place, out);
  }

  Place find(const AuditHead& head) {
    for (Place place = open_.end(); place != open_.begin();) {
      --place;
      if (place->serial == head.serial && place->stamp == head.stamp && place->node == head.node) return place;
    }
    return open_.end();
  }

  void close(Place place, model::Batch& out) {
    const std::string_view raw = out.arena().copy(place->lines);
    std::string_view text = clean_utf8(raw, out.arena());
    out.begin_event();
    AuditHead head;
    AuditFields fields(out);
    bool first = true;
    while (!text.empty()) {
      if (!find_audit_record(take_until(text, '\n'), head)) continue;
      if (first) add_if(out, "node", head.node);
      if (first && !head.prefix.empty()) add_if(out, "hostname", syslog_host(head.prefix));
      first = false;
      fields.add_record(head);
    }
    fields.finish();
    model::EventSlot& slot = out.end_event();
    slot.raw = raw;
    slot.time = place->time;
    slot.record = ++record_count_;
    slot.format = model::Format::kAuditd;
    slot.payload = model::Payload::kAuditd;
    ++emitted_count_;
    open_.erase(place);
  }

  DecodeOptions options_;
  LineReader lines_;
  std::list<OpenEvent> open_;        // Oldest first.
  std::uint64_t record_count_ = 0;   // In the stream.
  std::uint64_t emitted_count_ = 0;  // In the current call.
};

}  // namespace

std::unique_ptr<Decoder> make_auditd_decoder(const DecodeOptions& options) {
  return std::make_unique<AuditdDecoder>(options);
}

}  // namespace tocsin::decode
