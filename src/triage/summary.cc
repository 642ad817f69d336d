#include "triage/summary.h"

#include <algorithm>

#include "core/text.h"
#include "model/attack.h"

namespace tocsin::triage {
namespace {

constexpr std::size_t kNamed = 5;
constexpr std::size_t kMaxNameBytes = 120;

std::string plural(std::int64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string cut(const std::string& text) {
  if (text.size() <= kMaxNameBytes) return text;
  std::size_t end = kMaxNameBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

// Those known, in the order of the matrix.
std::vector<std::string> stages(const std::vector<std::string>& tactics) {
  std::vector<std::string> out;
  for (const model::Tactic& tactic : model::tactics()) {
    if (std::find(tactics.begin(), tactics.end(), tactic.shortname) != tactics.end())
      out.push_back(core::ascii_lower(tactic.name));
  }
  return out;
}

std::string listed(const std::vector<std::string>& names, std::int64_t count) {
  std::string out;
  const std::size_t shown = std::min(names.size(), kNamed);
  const bool more = static_cast<std::size_t>(std::max<std::int64_t>(count, 0)) > shown;
  for (std::size_t i = 0; i < shown; ++i) {
    out += (i == 0 ? "" : !more && i + 1 == shown ? " and " : ", ") + cut(names[i]);
  }
  if (more) out += " and " + std::to_string(static_cast<std::size_t>(count) - shown) + " more";
  return out;
}

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string scope(const Evidence& evidence) {
  std::string out;
  if (evidence.host_count > 1) out = plural(evidence.host_count, "host", "hosts");
  if (evidence.user_count > 1) out += (out.empty() ? "" : ", ") + plural(evidence.user_count, "account", "accounts");
  return out.empty() ? "" : " (" + out + ")";
}

const Evidence::Rule* worst(const Evidence& evidence) {
  const auto found = std::max_element(evidence.rules.begin(), evidence.rules.end(), [](const auto& a, const auto& b) {
    return a.severity_id != b.severity_id ? a.severity_id < b.severity_id : a.first.ns > b.first.ns;
  });
  return found == evidence.rules.end() ? nullptr : &*found;
}

const char* level_name(std::uint8_t severity_id) {
  constexpr const char* kNames[] = {"unknown", "informational", "low", "medium", "high", "critical"};
  return kNames[std::min<std::size_t>(severity_id, 5)];
}

std::string minute(core::Timestamp time) {
  std::string text = core::format_iso_time(time);
  if (text.size() < 19) return text;
  text.resize(19);
  text[10] = ' ';
  return text + " UTC";
}

}  // namespace

std::string incident_title(const Evidence& evidence) {
  const std::vector<std::string> all = stages(evidence.tactics);
  std::string out;
  if (evidence.rules.size() == 1 || all.empty()) {
    const Evidence::Rule* rule = worst(evidence);
    out = rule == nullptr ? "Incident" : cut(rule->title);
  } else if (all.size() == 1) {
    out = capital(all[0]);
  } else {
    // How far it has come tells more than how it began.
    out = capital(all[all.size() - 2]) + " and " + all.back();
  }
  const bool many = evidence.host_count > 1;
  if (!evidence.hosts.empty()) {
    out += (many ? " from " : " on ") + cut(evidence.hosts[0]);
  } else if (!evidence.users.empty()) {
    out += " by " + cut(evidence.users[0]);
  }
  return out + scope(evidence);
}

std::string incident_summary(const Evidence& evidence) {
  std::string out;
  const auto first = std::min_element(evidence.rules.begin(), evidence.rules.end(),
                                      [](const auto& a, const auto& b) { return a.first.ns < b.first.ns; });
  if (evidence.first_event.known() && first != evidence.rules.end()) {
    out += "It began at " + minute(evidence.first_event) + " with \"" + cut(first->title) + "\"";
    out += evidence.last_event.ns > evidence.first_event.ns ? " and was last seen at " + minute(evidence.last_event) + ". "
                                                            : ". ";
  }
  out += plural(evidence.finding_count, "finding", "findings") + " of " +
         plural(static_cast<std::int64_t>(evidence.rules.size()), "rule", "rules");
  if (const Evidence::Rule* rule = worst(evidence)) {
    out += ", the worst of level " + std::string(level_name(rule->severity_id)) + ": \"" + cut(rule->title) + "\"";
  }
  out += ". ";
  if (!evidence.hosts.empty()) out += "Hosts: " + listed(evidence.hosts, evidence.host_count) + ". ";
  if (!evidence.users.empty()) out += "Accounts: " + listed(evidence.users, evidence.user_count) + ". ";
  if (const auto all = stages(evidence.tactics); !all.empty()) {
    out += "Stages: ";
    for (std::size_t i = 0; i < all.size(); ++i) out += (i == 0 ? "" : ", ") + all[i];
    out += ". ";
  }
  if (!evidence.strongest_reason.empty()) out += "Joined by: " + evidence.strongest_reason + ". ";
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace tocsin::triage
