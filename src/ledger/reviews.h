// Closed incidents that a second person judges without knowing the first verdict: rows and their table.
//
// A review is of one closing: an incident that is opened and closed again has another. Used within a transaction, as
// IncidentTables is. An answered review is final (a trigger of the database); nothing is removed.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "ledger/incidents.h"

namespace tocsin::ledger {

inline constexpr std::int64_t kMaxReviewPage = 10'000;

// A closed incident with a verdict other than duplicate, that is not part of another.
struct Closed {
  IncidentNumber incident = 0;
  std::string tenant;
  model::Verdict verdict = model::Verdict::kNone;
  core::Timestamp closed_at;
  std::int64_t closing = 0;  // The sequence of its last entry "closed" in the history; 0: there is none.
  std::string by;            // Who did that.
};

struct Review {
  std::int64_t id = 0;
  IncidentNumber incident = 0;
  std::int64_t closing = 0;
  core::Timestamp closed_at;
  model::Verdict first = model::Verdict::kNone;
  std::string first_by;
  std::string shown_to;  // The one who answers.
  core::Timestamp shown_at;
  model::Verdict verdict = model::Verdict::kNone;  // The second; kNone: not answered.
  std::string why;
  core::Timestamp answered_at;
};

class ReviewTables {
 public:
  // REQUIRES: used no longer than `tables`.
  explicit ReviewTables(Tables& tables) : tables_(tables) {}

  struct ClosedQuery {
    std::vector<std::string> tenants;  // Empty: all.
    core::Timestamp from, to;          // Of closed_at, `to` not included; not known: open.
    core::Timestamp after_time;        // Pages: behind this place ...
    IncidentNumber after = 0;
    std::int64_t limit = kMaxReviewPage;  // At most kMaxReviewPage.
  };
  core::Result<std::vector<Closed>> closed(const ClosedQuery& query);  // By closed_at, id.
  core::Result<std::optional<Closed>> closed_incident(IncidentNumber incident);

  core::Result<std::int64_t> insert(const Review& review);  // Not answered.
  core::Result<std::optional<Review>> review(std::int64_t id);
  core::Result<std::optional<Review>> review_of(IncidentNumber incident, std::int64_t closing);
  core::Result<std::vector<Review>> open_of(const std::string& user);  // Shown to them and not answered, by id.
  core::Result<void> show_to(std::int64_t id, const std::string& user, core::Timestamp at);  // kNotFound: answered.
  core::Result<void> answer(const Review& review);                                           // kNotFound: answered already.
  // Answered ones by closed_at, the newest first, with the tenant of their incidents.
  core::Result<std::vector<Review>> answered(const ClosedQuery& query);

 private:
  Connection& connection();
  Tables& tables_;
};

}  // namespace tocsin::ledger
