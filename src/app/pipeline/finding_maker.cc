#include "app/pipeline/finding_maker.h"

#include <sodium.h>

#include <algorithm>

#include "core/text.h"

namespace tocsin::app {
namespace {

constexpr std::string_view kUserFields[] = {"user",      "targetusername", "subjectusername", "username",
                                            "user.name", "src_user",       "account"};

bool is_user_field(std::string_view name) {
  return std::any_of(std::begin(kUserFields), std::end(kUserFields),
                     [&](std::string_view known) { return core::equal_ascii_case(name, known); });
}

}  // namespace

std::string finding_id(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all.append(std::to_string(part.size())).append(":").append(part);
  unsigned char hash[16];
  crypto_generichash(hash, sizeof hash, reinterpret_cast<const unsigned char*>(all.data()), all.size(), nullptr, 0);
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : hash) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

void FindingMaker::fill(std::size_t index, store::FindingRow& row) const {
  const LiveRule& live = detection.live[index];
  const model::RuleInfo& info = detection.info(index);
  row.detected_at = detected_at;
  row.rule_id = live.id;
  row.rule_title = info.title;
  row.level = model::to_string(info.level);
  row.severity_id = static_cast<std::uint8_t>(normalise::severity_id(info.level));
  row.tactics = live.tactics;
  row.techniques = live.techniques;
}

store::FindingRow FindingMaker::match(const model::Event& event, const model::EventRow& row_event, std::uint32_t rule_index,
                                      const model::Explanation& why, std::string& reason, std::string& ocsf) const {
  store::FindingRow row;
  fill(rule_index, row);
  const model::RuleInfo& info = detection.info(rule_index);
  reason = normalise::reason_of(why);
  ocsf.clear();
  normalise::write_finding(mapper, event, info, why, {row_event.source, row_event.id, event.text("EventRecordID")}, ocsf);
  row.id = finding_id({row.rule_id, std::to_string(row_event.id)});
  row.event_ids = {row_event.id};
  row.sequence = model::event_sequence(row_event.id);
  row.event_time = row_event.time;
  row.received_at = row_event.received_at;
  row.tenant = row_event.tenant;
  row.site = row_event.site;
  row.source = row_event.source;
  row.host = row_event.host;
  row.user = row_event.user.empty() ? row_event.actor_user : row_event.user;
  row.reason = reason;
  row.finding = ocsf;
  return row;
}

store::FindingRow FindingMaker::correlation(const detect::CorrelationFinding& found, std::string_view tenant,
                                            std::uint64_t sequence, core::Timestamp received_at, std::string& user,
                                            std::string& reason, std::string& ocsf) const {
  const detect::RuleSet& rules = *detection.rules;
  const std::size_t index = rules.rules.size() + found.correlation_index;
  store::FindingRow row;
  fill(index, row);
  const model::RuleInfo& info = detection.info(index);
  normalise::CorrelationView view{&info,        found.first, found.last,  found.group,  found.value,  found.event_count,
                                  found.events, {},          found.hosts, found.reason, found.ongoing};
  // Given out as it begins, and stored once: what joins it later is in no count.
  reason = found.reason + (found.ongoing ? "; counts as of its beginning" : "");
  view.reason = reason;
  std::string group;
  user.clear();
  for (const auto& [name, value] : found.group) {
    group.append(std::to_string(value.size())).append(":").append(value);
    if (user.empty() && is_user_field(name)) user = value;
  }
  for (const model::Contribution& event : found.events) {
    view.event_rules.push_back(&detection.info(event.rule_index));
    row.event_ids.push_back(event.record);
  }
  ocsf.clear();
  normalise::write_correlation_finding(view, ocsf);
  const std::string first_event = row.event_ids.empty() ? std::string() : std::to_string(row.event_ids.front());
  row.id = finding_id({row.rule_id, tenant, group, std::to_string(found.first.ns), first_event});
  row.sequence = sequence;
  row.event_time = found.last;
  row.received_at = received_at;
  row.tenant = tenant;
  const bool one_source = !found.events.empty() && std::all_of(found.events.begin(), found.events.end(), [&](const auto& e) {
    return e.file == found.events.front().file;
  });
  if (one_source) row.source = found.events.front().file;
  if (!found.hosts.empty()) row.host = found.hosts.front();
  row.user = user;
  row.reason = reason;
  row.finding = ocsf;
  return row;
}

}  // namespace tocsin::app
