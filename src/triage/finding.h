// A finding as triage sees it: read from its OCSF document and its row. Plain data.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "model/entity.h"

namespace tocsin::triage {

struct Finding {
  std::string id;
  std::uint64_t sequence = 0;  // Of the delivery that completed it: the order in which triage takes findings.
  core::Timestamp event_time, received_at, detected_at;
  std::string tenant, site, source, rule_id, rule_title, reason;
  std::uint8_t severity_id = 0;                  // OCSF: 1 informational - 5 critical.
  std::vector<std::string> tactics, techniques;  // "TA0002"-style or short names as in the store; see entities.h.
  std::vector<model::Entity> entities;
  // Links between two entities of `entities`, by index: a process and its parent, a source and a destination.
  struct Relation {
    enum class Kind : std::uint8_t { kStarted, kConnected, kLoggedOn, kRanAs, kWrote } kind = Kind::kStarted;
    std::uint32_t from = 0, to = 0;
  };
  std::vector<Relation> relations;
};

// Entities and relations of an OCSF Detection Finding (class_uid 2004, our own documents: docs/ocsf.md), from `evidences`.
// Pure. What the document does not say is left out; kInvalid where it is no JSON object. Fields beside entities and
// relations (id, times, rule ...) are filled from the document where `out` has none.
core::Result<void> read_finding(std::string_view ocsf, Finding& out);

}  // namespace tocsin::triage
