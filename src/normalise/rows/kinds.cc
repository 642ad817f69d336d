#include "normalise/rows/kinds.h"

#include <algorithm>

#include "core/text.h"
#include "core/unicode.h"

namespace tocsin::normalise::rows {

Watch::Watch(const ocsf::Mappings& mappings) : fields_(mappings.slots.size()) {
  for (const ocsf::MappingFile& file : mappings.files) {
    add(file.when);
    for (const ocsf::Row& row : file.rows) add(row.when);
  }
}

void Watch::add(const ocsf::Conditions& conditions) {
  for (const std::vector<ocsf::Condition>& set : conditions) {
    for (const ocsf::Condition& condition : set) {
      if (condition.what != ocsf::Condition::What::kField) continue;
      Asked& asked = fields_[condition.slot];
      asked.present = true;
      asked.by_value = asked.by_value || !condition.values.empty() || !condition.prefixes.empty();
      for (const std::string& value : condition.values) {
        asked.values.emplace(value, static_cast<std::uint32_t>(asked.values.size() + 1));
        asked.longest = std::max(asked.longest, value.size());
      }
      for (const std::string& prefix : condition.prefixes) {
        if (std::ranges::find(asked.prefixes, prefix) == asked.prefixes.end()) asked.prefixes.push_back(prefix);
      }
    }
  }
}

// As conditions compare: values by folding, beginnings by ASCII case.
Watch::Class Watch::classify(ocsf::Slot slot, std::string_view text, std::string& scratch) const {
  const Asked& asked = fields_[slot];
  Class out;
  if (asked.prefixes.size() > kMaxKeyPrefixes) {
    out.known = false;
    return out;
  }
  // Folding changes lengths at most from 1 byte to 3.
  if (!asked.values.empty() && text.size() <= 3 * asked.longest) {
    scratch.assign(text);
    for (char& c : scratch) c = core::ascii_lower(c);
    auto found = asked.values.find(scratch);
    if (found == asked.values.end() && !core::is_ascii(text)) {
      core::fold_utf8(text, scratch);
      found = asked.values.find(scratch);
      // A value in ASCII is met by ASCII alone.
      if (found != asked.values.end() && core::is_ascii(found->first)) found = asked.values.end();
    }
    if (found != asked.values.end()) out.value = found->second;
  }
  for (std::size_t i = 0; i < asked.prefixes.size(); ++i) {
    const std::string& prefix = asked.prefixes[i];
    const bool begins = text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(),
                                                                   [](char a, char b) { return a == core::ascii_lower(b); });
    if (begins) out.prefixes |= 1u << i;
  }
  return out;
}

}  // namespace tocsin::normalise::rows
