#include "model/attack.h"

#include <algorithm>
#include <array>

extern "C" {
extern const char tocsin_attack_table_begin[];
extern const char tocsin_attack_table_end[];
}

namespace tocsin::model {
namespace {

constexpr std::array<Tactic, 16> kTactics{{
    {"TA0043", "reconnaissance", "Reconnaissance"},
    {"TA0042", "resource-development", "Resource Development"},
    {"TA0001", "initial-access", "Initial Access"},
    {"TA0002", "execution", "Execution"},
    {"TA0003", "persistence", "Persistence"},
    {"TA0004", "privilege-escalation", "Privilege Escalation"},
    {"TA0005", "defense-evasion", "Defense Evasion"},
    {"TA0005", "stealth", "Stealth"},
    {"TA0112", "defense-impairment", "Defense Impairment"},
    {"TA0006", "credential-access", "Credential Access"},
    {"TA0007", "discovery", "Discovery"},
    {"TA0008", "lateral-movement", "Lateral Movement"},
    {"TA0009", "collection", "Collection"},
    {"TA0011", "command-and-control", "Command and Control"},
    {"TA0010", "exfiltration", "Exfiltration"},
    {"TA0040", "impact", "Impact"},
}};

// Takes the text up to `separator` (or all of it) off the front.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view out = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return out;
}

std::vector<Technique> read_table() {
  std::vector<Technique> out;
  std::string_view text(tocsin_attack_table_begin,
                        static_cast<std::size_t>(tocsin_attack_table_end - tocsin_attack_table_begin));
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    if (line.empty() || line.starts_with('#')) continue;
    Technique technique;
    technique.id = take(line, '\t');
    technique.name = take(line, '\t');
    std::string_view shortnames = take(line, '\t');
    while (!shortnames.empty()) technique.tactics.push_back(take(shortnames, ','));
    technique.replaced_by = line;
    out.push_back(std::move(technique));
  }
  return out;
}

const std::vector<Technique>& table() {
  static const std::vector<Technique> kTable = read_table();
  return kTable;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// 'T' and four digits, for a technique perhaps with '.' and three more.
bool is_id(std::string_view text) {
  if (text.size() != 5 && !(text.size() == 9 && text[0] == 'T' && text[5] == '.')) return false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (i != 5 && !is_digit(text[i])) return false;
  }
  return text[0] == 'T' || text[0] == 'G' || text[0] == 'S';
}

}  // namespace

std::span<const Tactic> tactics() { return kTactics; }

const Tactic* find_tactic(std::string_view shortname) {
  const auto at =
      std::find_if(kTactics.begin(), kTactics.end(), [&](const Tactic& tactic) { return tactic.shortname == shortname; });
  return at == kTactics.end() ? nullptr : &*at;
}

std::string_view tactic_name(std::string_view shortname) {
  const Tactic* tactic = find_tactic(shortname);
  return tactic == nullptr ? std::string_view() : tactic->name;
}

std::string_view tactic_uid(std::string_view shortname) {
  const Tactic* tactic = find_tactic(shortname);
  return tactic == nullptr ? std::string_view() : tactic->uid;
}

std::span<const Technique> techniques() { return table(); }

const Technique* find_technique(std::string_view id) {
  const auto at = std::lower_bound(table().begin(), table().end(), id,
                                   [](const Technique& one, std::string_view wanted) { return one.id < wanted; });
  return at != table().end() && at->id == id ? &*at : nullptr;
}

std::string_view parent_technique(std::string_view id) { return id.substr(0, id.find('.')); }

std::vector<AttackTag> parse_attack_tags(std::span<const std::string> tags) {
  constexpr std::string_view kPrefix = "attack.";
  std::vector<AttackTag> out;
  for (const std::string& tag : tags) {
    std::string lower = tag;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c == '_' ? '-' : c;
    if (!lower.starts_with(kPrefix)) continue;
    AttackTag one{AttackTag::Kind::kTactic, lower.substr(kPrefix.size())};
    if (find_tactic(one.id) == nullptr) {
      for (char& c : one.id) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
      if (!is_id(one.id)) continue;
      one.kind = one.id[0] == 'T'   ? AttackTag::Kind::kTechnique
                 : one.id[0] == 'G' ? AttackTag::Kind::kGroup
                                    : AttackTag::Kind::kSoftware;
    }
    if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(std::move(one));
  }
  return out;
}

}  // namespace tocsin::model
