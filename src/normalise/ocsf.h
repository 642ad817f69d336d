// The OCSF 1.8 view of an event, and findings as OCSF Detection Findings (class 2004).
//
// Mappings are data: content/mappings/ocsf/*.yml, one per log source (format in content/mappings/README.md). Pure: the
// caller reads the files. Mapper is immutable after loading and shared by threads. Built only for events that somebody
// looks at: nothing here is on the way of an event that matches no rule.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_writer.h"
#include "core/time.h"
#include "model/event.h"
#include "model/finding.h"
#include "model/rule_info.h"

namespace tocsin::normalise {

struct MappingText {
  std::string path, text;  // YAML.
};
struct MappingProblem {
  std::string path;
  std::uint32_t line = 0, column = 0;
  std::string message;  // What is wrong, what was expected, how to fix it.
};

// Output is bounded whatever an event holds: values are cut to kMaxValueBytes with a mark that says how long they were,
// and past kMaxEventBytes the fields without a place in OCSF are left out; metadata.is_truncated then says so, and
// unmapped.tocsin how much it was.
inline constexpr std::size_t kMaxValueBytes = 32u << 10;  // The longest PowerShell script block, in UTF-16 units.
inline constexpr std::size_t kMaxHostBytes = 256;         // A longer name of a host is cut.
inline constexpr std::size_t kMaxEventBytes = 128u << 10;
inline constexpr std::size_t kMaxRawDataBytes = 8u << 10;  // raw_data, of formats that are lines of text.
// One finding holds an event, its artifacts once more, and the explanation.
inline constexpr std::size_t kMaxEvidenceBytes = 4 * kMaxEventBytes;
inline constexpr std::size_t kMaxListElements = 1'000;  // Of one list; the rest is left out and counted.
inline constexpr std::size_t kMaxMappingRows = 10'000;
inline constexpr std::size_t kMaxMappedNames = 20'000;  // Names of event fields that all mappings together refer to.

namespace ocsf {
struct Mappings;
}

class Mapper {
 public:
  explicit Mapper(const std::vector<MappingText>& sources);
  ~Mapper();
  [[nodiscard]] const std::vector<MappingProblem>& problems() const;

  // Appends one OCSF event object: class_uid, class_name, category_uid, activity_id, type_uid, time (ms), severity_id,
  // metadata, and what the mapping of the event's log source gives (device, actor, process, file, src_endpoint,
  // dst_endpoint, user, query ...); every native field that went nowhere is under "unmapped". An event no mapping
  // knows is a Base Event (class 0) with all its fields unmapped.
  void write_event(const model::Event& event, core::JsonWriter& out) const;

  // Appends one OCSF evidence object: the artifacts of the event that OCSF has a place for (actor, process, file, device,
  // src_endpoint, query ...), and the whole event as above under "data".
  void write_evidence(const model::Event& event, core::JsonWriter& out) const;

  // The name of the host the event is about: of the fields that the mapping names, else of those that columns.yml names, the
  // first with something in it; empty where none has. The `host` of a stored row and of its findings is the same. A few
  // microseconds.
  [[nodiscard]] std::string host(const model::Event& event) const;

  // The compiled mappings: for RowMaker.
  [[nodiscard]] const ocsf::Mappings& mappings() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What write_event() appends, as a text of its own.
std::string ocsf_json(const Mapper& mapper, const model::Event& event);

// Where an event came from.
struct Origin {
  std::string_view file;
  std::uint64_t record = 0;          // 0: written as kRecordMark, for the caller to replace once it is known.
  std::string_view event_record_id;  // Windows; empty elsewhere.
};
// Stands in the JSON text for a record number not known yet; it cannot occur in JSON otherwise.
inline constexpr char kRecordMark = '\x01';

// Appends one Detection Finding for a match of a plain rule, as one line without the newline: finding_info (uid, title,
// analytic.uid/.name/.type/.type_id, created_time, first/last seen, attacks[] with tactic and technique, desc),
// severity_id, evidences[] with the event, unmapped.tocsin.matches (the Explanation), unmapped.tocsin.source.
void write_finding(const Mapper& mapper, const model::Event& event, const model::RuleInfo& rule,
                   const model::Explanation& why, const Origin& origin, std::string& out);

// The same for a correlation: the contributing events instead of one.
struct CorrelationView {
  const model::RuleInfo* rule = nullptr;
  core::Timestamp first, last;
  std::vector<std::pair<std::string, std::string>> group;
  double value = 0;
  std::uint64_t event_count = 0;
  std::vector<model::Contribution> events;
  std::vector<const model::RuleInfo*> event_rules;  // Parallel to `events`: the rule each one matched.
  std::vector<std::string> hosts;
  std::string reason;
  bool ongoing = false;  // Its counts are of its beginning; it goes on.
};
void write_correlation_finding(const CorrelationView& view, std::string& out);

// One line for people: "CommandLine contains '-enc'; ParentImage endswith '\winword.exe'", cut at some 200 bytes.
std::string reason_of(const model::Explanation& why);

// As it stands in a finding under unmapped.tocsin.matches.
std::string explanation_json(const model::Explanation& why);

// OCSF severity_id of a Sigma level: informational 1, low 2, medium 3, high 4, critical 5.
int severity_id(model::Level level);

}  // namespace tocsin::normalise
