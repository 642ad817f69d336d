// Opens a journal's folder: locks it, finds its segments, decides where the tail ends, rebuilds what is remembered.
//
// Writes nothing: a torn tail is left where it is, its segment is closed before it and the next append starts a new one.
// So a crash while opening changes nothing, and a full or failing disk does not keep the journal from being read.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "stream/journal.h"
#include "stream/journal/cursor.h"
#include "stream/journal/files.h"

namespace tocsin::stream {

struct Segment final : SegmentBytes {
  std::string path;
  Descriptor file;
  SegmentHead head;      // first_sequence is right even where the head is not readable: it is the file's name.
  bool readable = true;  // False: both copies of the head are damaged.
  // Under the journal's lock once it is open.
  std::uint64_t last = 0;  // Synced; first_sequence - 1: none.
  std::uint64_t end_bytes = 0;
  bool sealed = false;              // Nothing more is written to it.
  core::Timestamp newest_received;  // Of the entries it has, where it was looked for.

  [[nodiscard]] std::uint64_t first() const { return head.first_sequence; }
  core::Result<void> read(std::uint64_t offset, char* out, std::size_t size_bytes) const override {
    return read_at(file, path, offset, out, size_bytes);
  }
};

// Names in the folder.
std::string segment_name(std::uint64_t first_sequence);  // "00000000000000000001.segment"
inline constexpr std::string_view kPositionPrefix = "position-";
inline constexpr std::string_view kCheckpointsName =
    "checkpoints";                                        // A KeptFile: up to which sequence, encoded Checkpoints.
inline constexpr std::size_t kMaxPositionNameBytes = 64;  // Of [a-z0-9_-].
bool is_position_name(std::string_view name);

struct OpenJournal {
  Descriptor folder, lock;
  std::vector<std::shared_ptr<Segment>> segments;  // In order. The last one is written on unless `need_segment`.
  bool need_segment = true;
  std::uint64_t next_sequence = 1;
  std::uint64_t once_key_count = 0;  // Ever.
  std::uint64_t truncated_bytes = 0;
  std::uint64_t snapshot_sequence = 0;  // The file of checkpoints covers all up to here.
  std::map<std::string, std::uint64_t, std::less<>> positions;
  Checkpoints checkpoints;
  OnceKeys once_keys{kOnceKeysKept};
  DamageLog damage;
};
core::Result<OpenJournal> open_folder(const std::string& folder);

}  // namespace tocsin::stream
