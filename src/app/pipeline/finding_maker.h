// Findings as rows of the store, from matches and correlations.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "app/detection.h"
#include "core/time.h"
#include "detect/correlator.h"
#include "model/event.h"
#include "model/event_row.h"
#include "model/finding.h"
#include "store/store.h"

namespace tocsin::app {

// Of the parts that name a finding: 32 hex digits. The same parts give the same id.
std::string finding_id(std::initializer_list<std::string_view> parts);

struct FindingMaker {
  const Detection& detection;
  const normalise::Mapper& mapper;
  core::Timestamp detected_at;

  // Texts of the row are views into `row_event`, the detection and `ocsf`, which is written.
  store::FindingRow match(const model::Event& event, const model::EventRow& row_event, std::uint32_t rule_index,
                          const model::Explanation& why, std::string& reason, std::string& ocsf) const;
  store::FindingRow correlation(const detect::CorrelationFinding& found, std::string_view tenant, std::uint64_t sequence,
                                core::Timestamp received_at, std::string& user, std::string& reason,
                                std::string& ocsf) const;

 private:
  void fill(std::size_t index, store::FindingRow& row) const;
};

}  // namespace tocsin::app
