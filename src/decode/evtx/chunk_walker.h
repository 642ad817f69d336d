// Walks the records of one EVTX chunk into a batch.
//
// One thread; one walker per decoder, for the reader in it keeps the templates. Nothing is trusted: every size and offset
// is checked, and what cannot be read is a BadRecord with one of these causes:
//   evtx-chunk-magic, evtx-chunk-checksum (the chunk is still read), evtx-chunk-torn (shorter than 64 KB; read as far as
//   it goes), evtx-record-magic, evtx-record-size, and the faults of binxml.h.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "decode/evtx/record_reader.h"
#include "model/event.h"

namespace tocsin::decode::evtx {

inline constexpr std::size_t kFileHeaderBytes = 4'096;
inline constexpr std::size_t kChunkBytes = 65'536;

class ChunkWalker {
 public:
  explicit ChunkWalker(bool recover_deleted) : recover_deleted_(recover_deleted) {}

  void begin_block(const model::Batch& out);
  // `bytes` is one chunk, or less at the end of a file; `offset` is its place in the block, for messages.
  void walk(std::string_view bytes, std::size_t offset, model::Batch& out);
  [[nodiscard]] const RecordReader& reader() const { return reader_; }

 private:
  struct Header {
    std::size_t free_at = 0;  // Where the live records end.
    bool has_checksums = true;
    std::uint32_t records_crc = 0, header_crc = 0;
  };
  struct Record {
    std::size_t at = 0;
    std::size_t size_bytes = 0;
    std::uint64_t id = 0;
    std::uint64_t written = 0;  // FILETIME.
  };

  bool read_header(Header& out);
  void check_sums(const Header& header);
  std::size_t walk_live(std::size_t free_at);
  void walk_slack(std::size_t from);
  std::size_t report_gap(std::size_t at, std::size_t end);
  // Whether a record begins at `at`: magic and a size that fits.
  bool header_at(std::size_t at, Record& out) const;
  // And whether it is whole: the size is repeated at its end.
  bool record_at(std::size_t at, Record& out) const;
  // The next place from `at` on, before `end`, where record_at() holds; `end` where there is none.
  std::size_t next_record(std::size_t at, std::size_t end) const;
  Fault emit(const Record& record, bool recovered);
  void bad(std::size_t at, const char* cause, std::string detail, bool is_record);

  bool recover_deleted_;
  RecordReader reader_;
  std::string_view bytes_;
  std::size_t offset_ = 0;
  model::Batch* out_ = nullptr;
  std::uint64_t first_record_ = 0;  // batch.record_count when the block began.
  model::NameId recovered_name_ = model::kNoName;
};

}  // namespace tocsin::decode::evtx
