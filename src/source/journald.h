// Reads the journal of systemd, from where it was read before, as journald's export format.
//
// The cursor of the last entry of a delivery is its checkpoint: a start goes on behind what is safe; where that entry has
// been removed by rotation, with the next one. One thread, one delivery under way. Memory: a batch (256 KB, or one entry of
// up to 16 MB). Causes of refusal: "damaged" (what libsystemd says that it cannot give; it
// passes over some damage without a word), "too-long".
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "source/live.h"

namespace tocsin::source {

inline constexpr std::size_t kJournaldBatchBytes = 256u << 10;
inline constexpr std::size_t kMaxJournaldEntryBytes = 16u << 20;  // The longest record a decoder takes.

struct JournaldOptions {
  std::string folder;              // Where journals of another place are; empty: this host's.
  std::string name_space;          // Of this host's journals ("LogNamespace="); empty: the default one.
  std::vector<std::string> units;  // Only these ("ssh.service"; ".service" may be left out); empty: all.
  // Where to begin where nothing was read before: the first entry kept, the first one of this boot, what comes from now on,
  // or behind `cursor`.
  enum class From { kBeginning, kBoot, kNow, kCursor } from = From::kBoot;
  std::string cursor;
};

// This host has a journal that this process may read.
bool journald_available();

// An error: the journal cannot be opened, or the options contradict each other.
core::Result<std::unique_ptr<LiveSource>> start_journald(JournaldOptions options, SourceRef source,
                                                         const SourceContext& context);

}  // namespace tocsin::source
