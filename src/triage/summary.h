// What an incident is called and what is said of it, made of its evidence alone. Pure: the same evidence gives the same
// words.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"

namespace tocsin::triage {

struct Evidence {
  struct Rule {
    std::string title;
    std::uint8_t severity_id = 0;
    std::int64_t findings = 0;
    core::Timestamp first;
  };
  std::vector<Rule> rules;                // Each title once.
  std::vector<std::string> tactics;       // ATT&CK short names.
  std::vector<std::string> hosts, users;  // Labels, those with the most findings first; may be fewer than the counts.
  std::int64_t host_count = 0, user_count = 0, finding_count = 0;
  core::Timestamp first_event, last_event;
  std::string strongest_reason;  // Why findings are together: the text of a join; may be empty.
};

std::string incident_title(
    const Evidence& evidence);  // "Credential access and lateral movement from WS-042 (3 hosts, ...)".
std::string incident_summary(const Evidence& evidence);  // A few sentences.

}  // namespace tocsin::triage
