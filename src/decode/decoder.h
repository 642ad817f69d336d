// Bytes to named fields: the one interface of all decoders, and the list of them.
//
// A Decoder reads one input stream, on one thread, purely: no I/O, no clock, no globals. The caller holds the bytes,
// cuts them into blocks with cut(), and hands each block to decode(). Where splittable() is true, blocks of one stream
// may go to different decoders of the same kind, in any order (records are then numbered within the block). Otherwise
// one decoder gets all blocks of the stream in order, for it remembers (a header line, an open audit event).
// Bad bytes become BadRecords, never an error and never an exception.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"
#include "model/event.h"

namespace tocsin::decode {

struct DecodeOptions {
  bool recover_deleted = false;  // EVTX: also what lies behind the free-space offset.
  // RFC 3164 has no year: the one that puts the record closest before this instant is taken. kNoTime: year 1970 is
  // never guessed; the event has no time.
  core::Timestamp reference_time;
  std::size_t max_record_bytes = 16u << 20;  // A longer record (a 1 GB line) is bad, cause "record-too-long".
};

class Decoder {
 public:
  virtual ~Decoder() = default;

  [[nodiscard]] virtual bool splittable() const = 0;

  // The length of the longest prefix of `buffer` that ends at the end of a record. 0: no record ends in here, offer
  // more. `last`: the stream ends with this buffer; then the answer is always buffer.size(). May keep scan state
  // between calls on a growing buffer only if documented in its .cc; the default callers pass at most 32 MB.
  [[nodiscard]] virtual std::size_t cut(std::string_view buffer, bool last) = 0;

  // Decodes a block as cut by cut(), appending to `out`. `block` must have kPaddingBytes readable bytes after it and
  // must stay alive and unchanged as long as the batch's content (out.set_owner is the caller's).
  virtual void decode(std::string_view block, model::Batch& out) = 0;

  // After the last block: emits what is still open (a non-splittable decoder's last event).
  virtual void finish(model::Batch& /*out*/) {}
};
inline constexpr std::size_t kPaddingBytes = 64;

// "evtx", "windows-xml", "json", "syslog", "auditd", "journald-export", "zeek", "csv", "access-log", "text".
std::string_view format_name(model::Format format);
std::optional<model::Format> format_from_name(std::string_view name);

// Tells the format from the first bytes of a stream (up to some 64 KB; `head` may be the whole stream). Never from a
// name. kText where nothing is recognised; kUnknown where the bytes are no log at all (binary).
model::Format sniff(std::string_view head);

std::unique_ptr<Decoder> make_decoder(model::Format format, const DecodeOptions& options);
// The same, where the first bytes of the stream are at hand (as for sniff): JSON lines then get a splittable decoder.
std::unique_ptr<Decoder> make_decoder_for(model::Format format, std::string_view head, const DecodeOptions& options);

// Whether JSON that begins like this is lines, each for itself; else make_decoder_for gives a decoder of documents.
bool json_is_lines(std::string_view head);

// One factory a decoder family, each in its own .cc.
std::unique_ptr<Decoder> make_evtx_decoder(const DecodeOptions& options);
std::unique_ptr<Decoder> make_windows_xml_decoder(const DecodeOptions& options);
std::unique_ptr<Decoder> make_json_decoder(const DecodeOptions& options);
std::unique_ptr<Decoder> make_syslog_decoder(const DecodeOptions& options);  // Also plain text lines (kText).
std::unique_ptr<Decoder> make_auditd_decoder(const DecodeOptions& options);
std::unique_ptr<Decoder> make_journald_export_decoder(const DecodeOptions& options);
std::unique_ptr<Decoder> make_zeek_decoder(const DecodeOptions& options);
std::unique_ptr<Decoder> make_csv_decoder(const DecodeOptions& options);
std::unique_ptr<Decoder> make_access_log_decoder(const DecodeOptions& options);

}  // namespace tocsin::decode
