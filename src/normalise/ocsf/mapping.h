// Mappings, read from YAML and compiled: which row an event is of, and the tree of OCSF attributes the row fills.
//
// Format: content/mappings/README.md. Plain data, immutable once read. Names of event fields are numbers ("slots") over
// all mappings together, so that an event's fields are looked up once and each rule then reads an array.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "normalise/ocsf.h"
#include "normalise/ocsf/classes.h"
#include "normalise/rows/columns.h"

namespace tocsin::normalise::ocsf {

using Slot = std::uint32_t;
inline constexpr std::size_t kMaxPathDepth = 10;  // Of an OCSF attribute: "actor.process.parent_process.file.name" has 5.

struct Condition {
  enum class What : std::uint8_t { kField, kFormat, kPayload } what = What::kField;
  Slot slot = 0;
  std::vector<std::string> values;    // Folded; any of them.
  std::vector<std::string> prefixes;  // Folded; written as "text*".
  bool present = false, absent = false;
};

// Any of the sets, all conditions of it; no set at all always holds.
using Conditions = std::vector<std::vector<Condition>>;

// How a value becomes JSON. kFile ... kRegistryValue write members into the object the path names; the others one value.
enum class Convert : std::uint8_t {
  kText,
  kInteger,
  kFloat,
  kBoolean,
  kTime,
  kSeconds,
  kBasename,
  kList,
  kObjects,
  kHashes,
  kNative,
  kFile,
  kUser,
  kEndpoint,
  kUrl,
  kRegistryValue,
  kRegistryKey,
};
bool writes_members(Convert convert);

// What a value of the event means: an OCSF number with its caption, or another text.
struct Meaning {
  bool is_number = false;
  int number = 0;
  std::string text;  // The caption of a number (may be empty), or the text itself.
};

// Where the value of an attribute comes from.
struct Source {
  std::vector<Slot> from;  // The first of them that is present.
  Convert convert = Convert::kText;
  std::string key;                                               // kObjects: the member that each element becomes.
  std::map<std::string, Meaning> meanings;                       // By folded value; "*": any other.
  std::vector<std::pair<std::string, Meaning>> prefix_meanings;  // Written as "text*", in their order; asked second.
  bool has_constant = false;                                     // `value`: written whatever the event holds.
  bool has_default = false;   // `default`: where no field is present; does not open an object by itself.
  bool is_otherwise = false;  // `otherwise`: where nothing else of its object is there.
  Meaning constant;           // Of all three.
  std::string constant_json;
};

struct Node {
  std::string key;
  bool array = false;  // key[]: the object is the only element of a list.
  bool has_source = false;
  Source source;
  std::string caption_key;     // Of x_id: x.
  std::vector<Node> children;  // Those that open an object by themselves, then `otherwise`, then `default`.
};

struct Row {
  Conditions when;
  const EventClass* event_class = nullptr;
  Source activity, severity, status;
  bool has_status = false;
  Node root;  // Without metadata.
  Node metadata;
  std::vector<Slot> host;  // `host`, or what device.hostname comes from.
  std::uint32_t line = 0;
};

// The fields that fill a column of stored rows, whatever OCSF says.
struct ColumnSource {
  rows::Column column{};
  Source source;
};

struct MappingFile {
  std::string path;
  int priority = 50;  // Lower ones are asked first; then by path, then as they were given.
  std::size_t order = 0;
  Conditions when;
  std::vector<Row> rows;
  std::vector<ColumnSource> columns;  // Asked before the attributes of its rows.
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

struct Mappings {
  std::vector<MappingFile> files;  // In the order they are asked.
  std::unordered_map<std::string, Slot, TextHash, std::equal_to<>> slots;
  std::vector<ColumnSource> aliases;  // Of all events, for columns that are empty otherwise; in their order.
  std::vector<Slot> hosts;            // Those of them that name the host.
  std::vector<MappingProblem> problems;
};

Mappings read_mappings(const std::vector<MappingText>& sources);

}  // namespace tocsin::normalise::ocsf
