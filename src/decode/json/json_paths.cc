#include "decode/json/json_paths.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "decode/json/json_text.h"
#include "decode/json/wrapper.h"
#include "decode/windows_names.h"

namespace tocsin::decode::json {
namespace {

constexpr std::size_t kFirstPlaces = 128;
// A key that finds no place within so many steps is not kept: colliding keys cannot make look-ups slow.
constexpr std::size_t kMaxProbes = 24;

// When an event happened, the most telling name first. Windows' own TimeCreated and the shipper's @timestamp (the same
// instant in winlogbeat) come before Sysmon's UtcTime; times in an unknown zone (EventTime) and times of receipt come late.
constexpr auto kTimeNames = std::to_array<std::string_view>({"TimeCreated",
                                                             "@timestamp",
                                                             "UtcTime",
                                                             "eventTime",
                                                             "activityDateTime",
                                                             "createdDateTime",
                                                             "CreationTime",
                                                             "published",
                                                             "requestReceivedTimestamp",
                                                             "stageTimestamp",
                                                             "timestamp",
                                                             "ts",
                                                             "time",
                                                             "_time",
                                                             "TimeGenerated",
                                                             "__REALTIME_TIMESTAMP",
                                                             "_SOURCE_REALTIME_TIMESTAMP",
                                                             "event.created",
                                                             "EventTime",
                                                             "eventTimestamp",
                                                             "id.time",
                                                             "created_at",
                                                             "ActivityDateTime",
                                                             "properties.createdDateTime",
                                                             "properties.activityDateTime",
                                                             "datetime",
                                                             "date",
                                                             "Timestamp",
                                                             "receiveTimestamp",
                                                             "protoPayload.timestamp",
                                                             "EventReceivedTime",
                                                             "timeCreated"});
static_assert(kTimeNames.size() <= 32);

constexpr auto kFlatNames =
    std::to_array<std::pair<std::string_view, Flat>>({{"EventID", Flat::kEventId},
                                                      {"Channel", Flat::kChannel},
                                                      {"Provider_Name", Flat::kProvider},
                                                      {"Computer", Flat::kComputer},
                                                      {"EventRecordID", Flat::kRecordId},
                                                      {"Provider_Guid", Flat::kProviderGuid},
                                                      {"ProcessID", Flat::kProcessId},
                                                      {"EventCode", Flat::kEventCode},
                                                      {"Id", Flat::kId},
                                                      {"LogName", Flat::kLogName},
                                                      {"SourceName", Flat::kSourceName},
                                                      {"ProviderName", Flat::kProviderName},
                                                      {"Hostname", Flat::kHostname},
                                                      {"ComputerName", Flat::kComputerName},
                                                      {"MachineName", Flat::kMachineName},
                                                      {"RecordNumber", Flat::kRecordNumber},
                                                      {"RecordId", Flat::kRecordIdWord},
                                                      {"ProviderGuid", Flat::kProviderGuidWord},
                                                      {"ExecutionProcessID", Flat::kExecutionProcessId}});

std::uint64_t hash_key(std::uint32_t parent, std::string_view key) {
  std::uint64_t hash = (parent + 1) * 0x9E37'79B9'7F4A'7C15ull ^ key.size();
  const char* at = key.data();
  std::size_t left = key.size();
  const auto mix = [&hash](std::uint64_t word) {
    hash = (hash ^ word) * 0xD6E8'FEB8'6659'FD93ull;
    hash ^= hash >> 32;
  };
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    mix(word);
  }
  std::uint64_t word = 0;
  std::memcpy(&word, at, left);
  mix(word);
  return hash;
}

Special special_of(std::uint32_t parent, std::string_view path, std::string_view name) {
  if (name == "_raw") return Special::kRaw;
  if (name == "message" || name == "Message" || name == "event.original") return Special::kMessage;
  if (parent != Paths::kRoot) return Special::kNone;
  if (path == "_source") return Special::kSource;
  if (path == "result") return Special::kResult;
  if (path == "preview") return Special::kPreview;
  if (path == "sourcetype") return Special::kSourcetype;
  if (path == "event") return Special::kEvent;
  if (path == "fields") return Special::kFields;
  return may_begin_wrapper(path) ? Special::kMaybeWrapper : Special::kNone;
}

void classify(Path& path) {
  const auto time = std::find(kTimeNames.begin(), kTimeNames.end(), path.name_text);
  if (time != kTimeNames.end()) path.time_rank = static_cast<std::uint8_t>(time - kTimeNames.begin());
  const auto flat =
      std::find_if(kFlatNames.begin(), kFlatNames.end(), [&path](const auto& pair) { return pair.first == path.name_text; });
  if (flat != kFlatNames.end()) path.flat = flat->second;
  path.special = special_of(path.parent, path.path, path.name_text);
  path.noted = path.time_rank != kNoTimeRank || path.flat != Flat::kNone || path.special != Special::kNone;
}

std::string_view copy_padded(std::string_view text, core::Arena& arena) {
  char* out = arena.allocate(text.size() + 16);
  std::memcpy(out, text.data(), text.size());
  std::memset(out + text.size(), 0, 16);
  return {out, text.size()};
}

}  // namespace

Paths::Paths() { clear(); }

void Paths::clear() {
  paths_.assign(2, Path{});
  hashes_.assign(2, 0);
  places_.assign(kFirstPlaces, 0);
  kept_count_ = 2;
  kept_bytes_ = 0;
  bytes_.reset();
}

void Paths::bind(const model::Batch& batch) {
  const model::NameTable* names = &batch.names();
  // The address may be a new table's in an old one's place: the last name tells.
  const Path& last = paths_[kept_count_ - 1];
  const bool stale = last.name != model::kNoName &&
                     (static_cast<std::size_t>(last.name) >= names->size() || names->text(last.name) != last.name_text);
  if (names != names_ || stale) clear();
  names_ = names;
}

std::uint32_t Paths::look_up(std::uint32_t parent, std::uint32_t previous, std::string_view key, model::Batch& batch) {
  const std::uint64_t hash = hash_key(parent, key);
  const std::size_t mask = places_.size() - 1;
  std::size_t place = hash & mask;
  std::uint32_t found = 0;
  bool full = true;
  for (std::size_t probe = 0; probe < kMaxProbes; ++probe, place = (place + 1) & mask) {
    const std::uint32_t id = places_[place];
    if (id == 0) {
      full = false;
      break;
    }
    if (hashes_[id] == hash && paths_[id].parent == parent && same(paths_[id], key)) {
      found = id;
      break;
    }
  }
  if (found == 0) {
    const bool keep = !full && parent < kept_count_ && paths_.size() == kept_count_ && kept_count_ < kMaxPaths &&
                      kept_bytes_ < kMaxPathBytes;
    found = make(parent, key, keep, batch);
    if (found == kBadKey || !keep) return found;
    hashes_.push_back(hash);
    places_[place] = found;
    ++kept_count_;
    if (kept_count_ * 2 > places_.size()) grow();
  }
  (previous == 0 ? paths_[parent].first : paths_[previous].next) = found;
  return found;
}

std::uint32_t Paths::make(std::uint32_t parent, std::string_view key, bool keep, model::Batch& batch) {
  core::Arena& arena = keep ? bytes_ : dropped_;
  scratch_.reset();
  const auto text = unescape(key, scratch_);
  if (!text) return kBadKey;
  Path path;
  path.parent = parent;
  std::string joined{paths_[parent].path};
  if (parent != kRoot) joined += '.';
  joined.append(*text, 0, model::kMaxNameBytes + 1);
  const std::string_view cut = cut_utf8(joined, model::kMaxNameBytes);
  path.path = arena.copy(cut);
  std::string name = canonical_name(cut);
  path.name_text = name == cut ? path.path : arena.copy(name);
  path.name = batch.names().intern(path.name_text);
  classify(path);
  if (keep) {
    const std::string_view copy = copy_padded(key, arena);
    path.key = copy.data();
    path.key_bytes = static_cast<std::uint32_t>(copy.size());
    kept_bytes_ += copy.size() + path.path.size() + path.name_text.size();
  }
  paths_.push_back(path);
  return static_cast<std::uint32_t>(paths_.size() - 1);
}

void Paths::grow() {
  places_.assign(places_.size() * 2, 0);
  const std::size_t mask = places_.size() - 1;
  for (std::uint32_t id = 2; id < kept_count_; ++id) {
    std::size_t place = hashes_[id] & mask;
    // Unlike a look-up this must place every path; one beyond kMaxProbes is only looked up in vain and then remade.
    while (places_[place] != 0) place = (place + 1) & mask;
    places_[place] = id;
  }
}

}  // namespace tocsin::decode::json
