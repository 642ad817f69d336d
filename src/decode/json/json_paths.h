// Key paths seen so far: from (object, key bytes as written) to a field name, without building or hashing names again.
//
// One decoder's memory of its stream; one thread. Bounded by kMaxPaths and kMaxPathBytes: past them, and where too many
// keys fall on one place of the table, a path lives until end_event() only. The key that followed last time is tried first.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "model/event.h"

namespace tocsin::decode::json {

// What the reader must do beyond adding the field; found once per path by its name.
enum class Special : std::uint8_t {
  kNone,
  kMessage,  // May hold Windows event XML.
  kRaw,      // May hold XML or a JSON object.
  kSource,   // Elasticsearch: its members are the event.
  kPreview,  // Splunk: says that "result" is an envelope.
  kResult,
  kSourcetype,    // Splunk's event collector: says that "event" and "fields" are envelopes,
  kEvent,         // one that may hold text instead,
  kFields,        // and one that may also stand in a wrapping object.
  kMaybeWrapper,  // A key that a wrapping object may begin with.
};

// Names of a flat Windows export (flat_windows.h); the first ones are Sigma's, the others are exporters' words for them.
enum class Flat : std::uint8_t {
  kNone,
  kEventId,
  kChannel,
  kProvider,
  kComputer,
  kRecordId,
  kProviderGuid,
  kProcessId,
  kEventCode,
  kId,
  kLogName,
  kSourceName,
  kProviderName,
  kHostname,
  kComputerName,
  kMachineName,
  kRecordNumber,
  kRecordIdWord,
  kProviderGuidWord,
  kExecutionProcessId,
  kCount,
};

inline constexpr std::uint8_t kNoTimeRank = 0xFF;

struct Path {
  const char* key = nullptr;  // As written, escapes and all; padded to whole 16 bytes.
  std::uint32_t key_bytes = 0;
  std::uint32_t parent = 0;
  std::uint32_t first = 0;  // The child that came first, and the sibling that came next, last time; 0: none.
  std::uint32_t next = 0;
  model::NameId name = model::kNoName;  // kNoName: the table was full; Batch::intern(name_text) each time.
  bool noted = false;                   // Any of the three below is set.
  Special special = Special::kNone;
  Flat flat = Flat::kNone;
  std::uint8_t time_rank = kNoTimeRank;
  std::string_view path;       // Unescaped keys joined by dots, at most model::kMaxNameBytes.
  std::string_view name_text;  // canonical_name(path).
};

class Paths {
 public:
  static constexpr std::uint32_t kRoot = 0;
  static constexpr std::uint32_t kSink = 1;  // Stands for whatever an event has beyond its field limit.
  static constexpr std::uint32_t kBadKey = 0xFFFF'FFFF;
  static constexpr std::size_t kMaxPaths = 50'000;
  static constexpr std::size_t kMaxPathBytes = 8u << 20;

  Paths();
  // To be called before the paths are used for a batch: a batch with another name table empties the memory.
  void bind(const model::Batch& batch);

  // The path of member `key` of `parent`, which came after member `previous` (0: it is the first). kBadKey where the key
  // holds an invalid escape.
  std::uint32_t child(std::uint32_t parent, std::uint32_t previous, std::string_view key, model::Batch& batch) {
    const std::uint32_t guess = previous == 0 ? paths_[parent].first : paths_[previous].next;
    if (guess != 0 && same(paths_[guess], key)) return guess;
    return look_up(parent, previous, key, batch);
  }
  [[nodiscard]] const Path& operator[](std::uint32_t id) const { return paths_[id]; }
  // Drops the paths that could not be kept.
  void end_event() {
    if (paths_.size() == kept_count_) return;
    paths_.resize(kept_count_);
    dropped_.reset();
  }
  [[nodiscard]] std::size_t size() const { return paths_.size(); }

 private:
  static bool same(const Path& path, std::string_view key) {
    return path.key_bytes == key.size() && __builtin_memcmp(path.key, key.data(), key.size()) == 0;
  }
  std::uint32_t look_up(std::uint32_t parent, std::uint32_t previous, std::string_view key, model::Batch& batch);
  std::uint32_t make(std::uint32_t parent, std::string_view key, bool keep, model::Batch& batch);
  void grow();
  void clear();

  std::vector<Path> paths_;
  std::vector<std::uint32_t> places_;  // Open addressing; 0 is free.
  std::vector<std::uint64_t> hashes_;  // Of each kept path.
  std::size_t kept_count_ = 0;
  std::size_t kept_bytes_ = 0;
  core::Arena bytes_{64 * 1024};
  core::Arena dropped_{64 * 1024};  // Of paths that are not kept.
  core::Arena scratch_{16 * 1024};
  const model::NameTable* names_ = nullptr;
};

}  // namespace tocsin::decode::json
