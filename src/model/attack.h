// MITRE ATT&CK: the names of tactics and techniques by id, and the tags by which Sigma rules refer to them.
//
// The table is built in (content/attack/techniques.tsv, made by tools/make_attack_table.py). Immutable; any number of
// threads. Techniques that ATT&CK revoked are kept, with their successor, since rules live longer than ids.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::model {

struct Tactic {
  std::string_view uid, shortname, name;  // "TA0002", "execution", "Execution".
};
// In the order of the enterprise matrix. Release 19 split Defense Evasion into Stealth and Defense Impairment: rules
// use either, so both follow it here.
std::span<const Tactic> tactics();
const Tactic* find_tactic(std::string_view shortname);
// "" where not known.
std::string_view tactic_name(std::string_view shortname);
std::string_view tactic_uid(std::string_view shortname);

struct Technique {
  std::string_view id, name;              // "T1059.001", "PowerShell".
  std::vector<std::string_view> tactics;  // Short names.
  std::string_view replaced_by;           // Id of the successor of a revoked technique; else empty.
};
std::span<const Technique> techniques();  // By id.
// "T1059" or "T1059.001"; null where not known.
const Technique* find_technique(std::string_view id);
// "T1059" of "T1059.001"; the id itself where it is no sub-technique.
std::string_view parent_technique(std::string_view id);

// A tag of a rule that refers to ATT&CK: "attack.execution", "attack.t1059.001", "attack.g0016", "attack.s0002".
struct AttackTag {
  enum class Kind : std::uint8_t { kTactic, kTechnique, kGroup, kSoftware };
  Kind kind = Kind::kTechnique;
  std::string id;  // The short name of a tactic ("command-and-control"); else the id in upper case ("T1059.001").
  bool operator==(const AttackTag&) const = default;
};
// Those of `tags` that do, in their order, each once. Tactics are only those known, with - for _; ids need not be known.
std::vector<AttackTag> parse_attack_tags(std::span<const std::string> tags);

}  // namespace tocsin::model
