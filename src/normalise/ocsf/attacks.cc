#include "normalise/ocsf/attacks.h"

#include <algorithm>
#include <string_view>

#include "model/attack.h"

namespace tocsin::normalise::ocsf {
namespace {

using Kind = model::AttackTag::Kind;

// The release of ATT&CK that content/attack/techniques.tsv was made of.
constexpr std::string_view kAttackVersion = "18.1";

void write_tactic(std::string_view shortname, core::JsonWriter& out) {
  out.begin_object();
  const std::string_view name = model::tactic_name(shortname);
  out.member("name", name.empty() ? shortname : name);
  out.member_if("uid", model::tactic_uid(shortname));
  out.end_object();
}

void write_technique(std::string_view key, std::string_view id, core::JsonWriter& out) {
  out.key(key).begin_object();
  if (const model::Technique* known = model::find_technique(id)) out.member("name", known->name);
  out.member("uid", id);
  out.end_object();
}

void write_one(const model::AttackTag& tag, const std::vector<std::string_view>& its_tactics, core::JsonWriter& out) {
  out.begin_object();
  out.member("version", kAttackVersion);
  if (its_tactics.size() == 1) {
    out.key("tactic");
    write_tactic(its_tactics.front(), out);
  } else if (!its_tactics.empty()) {
    out.key("tactics").begin_array();
    for (const std::string_view tactic : its_tactics) write_tactic(tactic, out);
    out.end_array();
  }
  if (tag.kind == Kind::kTechnique) {
    const std::string_view parent = model::parent_technique(tag.id);
    write_technique("technique", parent, out);
    if (parent != tag.id) write_technique("sub_technique", tag.id, out);
  }
  out.end_object();
}

}  // namespace

void write_attacks(const std::vector<std::string>& tags, core::JsonWriter& out) {
  const std::vector<model::AttackTag> found = model::parse_attack_tags(tags);
  std::vector<std::string_view> tactics;
  std::size_t technique_count = 0;
  for (const model::AttackTag& tag : found) {
    if (tag.kind == Kind::kTactic) tactics.push_back(tag.id);
    if (tag.kind == Kind::kTechnique) ++technique_count;
  }
  if (tactics.empty() && technique_count == 0) return;
  std::vector<std::string_view> used;
  out.key("attacks").begin_array();
  for (const model::AttackTag& tag : found) {
    if (tag.kind != Kind::kTechnique) continue;
    const model::Technique* known = model::find_technique(tag.id);
    std::vector<std::string_view> its_tactics;
    for (const std::string_view tactic : tactics) {
      // A technique that is not known could belong to any tactic of the rule: then all of them are named.
      if (known != nullptr && std::ranges::find(known->tactics, tactic) == known->tactics.end()) continue;
      its_tactics.push_back(tactic);
      used.push_back(tactic);
    }
    if (its_tactics.empty() && known != nullptr) its_tactics = known->tactics;
    write_one(tag, its_tactics, out);
  }
  for (const model::AttackTag& tag : found) {
    if (tag.kind != Kind::kTactic || std::ranges::find(used, std::string_view(tag.id)) != used.end()) continue;
    write_one(tag, {tag.id}, out);
  }
  out.end_array();
}

}  // namespace tocsin::normalise::ocsf
