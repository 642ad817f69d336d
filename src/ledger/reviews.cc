#include "ledger/reviews.h"

#include <algorithm>

#include "ledger/connection.h"
#include "ledger/incident_columns.h"

namespace tocsin::ledger {
namespace {

struct ClosedColumns {
  Closed row;
  std::string verdict;
  long long incident = 0, at = 0, closing = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.tenant, &verdict, &row.by}) s.exchange(soci::into(*text));
    for (long long* value : {&incident, &at, &closing}) s.exchange(soci::into(*value));
  }
  Closed take() {
    row.incident = incident;
    row.verdict = model::parse_verdict(verdict).value_or(model::Verdict::kNone);
    row.closed_at.ns = at;
    row.closing = closing;
    return row;
  }
};
// "i" is the incident, "h" its last closing.
const std::string kClosed =
    "select i.tenant, i.verdict, coalesce(h.actor, ''), i.id, i.closed_at, coalesce(h.sequence, 0) from incidents i left "
    "join "
    "incident_history h on h.sequence = (select max(sequence) from incident_history where incident = i.id and action = "
    "'closed') where i.state = 'closed' and i.merged_into = 0 and i.verdict not in ('', 'duplicate')";

struct ReviewColumns {
  Review row;
  std::string first, verdict;
  long long id = 0, incident = 0, closing = 0, closed = 0, shown = 0, answered = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&first, &row.first_by, &row.shown_to, &verdict, &row.why}) s.exchange(soci::into(*text));
    for (long long* value : {&id, &incident, &closing, &closed, &shown, &answered}) s.exchange(soci::into(*value));
  }
  Review take() {
    row.id = id;
    row.incident = incident;
    row.closing = closing;
    row.closed_at.ns = closed;
    row.first = model::parse_verdict(first).value_or(model::Verdict::kNone);
    row.shown_at.ns = shown;
    row.verdict = model::parse_verdict(verdict).value_or(model::Verdict::kNone);
    row.answered_at.ns = answered;
    return row;
  }
};
const std::string kReview =
    "select r.first_verdict, r.first_by, r.shown_to, r.verdict, r.why, r.id, r.incident, r.closing, r.closed_at, "
    "r.shown_at, r.answered_at from reviews r ";

void add_tenants(std::string& where, const std::vector<std::string>& tenants, Parameters& parameters) {
  if (tenants.empty()) return;
  std::string list;
  for (const std::string& tenant : tenants) list += (list.empty() ? "" : ", ") + parameters.add(tenant);
  where += " and i.tenant in (" + list + ")";
}
std::string limit_of(const ReviewTables::ClosedQuery& query, Parameters& parameters) {
  return " limit " + parameters.add(std::clamp<std::int64_t>(query.limit, 0, kMaxReviewPage));
}

core::Error answered_already() { return {core::ErrorCode::kNotFound, "this review is not there, or is answered already"}; }

}  // namespace

Connection& ReviewTables::connection() { return tables_.connection_; }

core::Result<std::vector<Closed>> ReviewTables::closed(const ClosedQuery& query) {
  return guarded([&]() -> core::Result<std::vector<Closed>> {
    Parameters parameters;
    std::string text = kClosed;
    add_tenants(text, query.tenants, parameters);
    if (query.from.known()) text += " and i.closed_at >= " + parameters.add(query.from.ns);
    if (query.to.known()) text += " and i.closed_at < " + parameters.add(query.to.ns);
    if (query.after_time.known()) {
      const std::string time = parameters.add(query.after_time.ns), id = parameters.add(query.after);
      text += " and (i.closed_at, i.id) > (" + time + ", " + id + ")";
    }
    text += " order by i.closed_at, i.id" + limit_of(query, parameters);
    return select_with<ClosedColumns>(connection(), text, parameters);
  });
}

core::Result<std::optional<Closed>> ReviewTables::closed_incident(IncidentNumber incident) {
  return guarded([&] { return first<ClosedColumns>(connection(), kClosed + " and i.id = :a", number(incident)); });
}

core::Result<std::int64_t> ReviewTables::insert(const Review& review) {
  for (const std::string* text : {&review.first_by, &review.shown_to}) {
    if (auto fits = check_text("a name of a review", *text, kMaxNameBytes); !fits.ok()) return fits.error();
  }
  return guarded([&]() -> core::Result<std::int64_t> {
    change(connection(),
           "insert into reviews (incident, closing, closed_at, first_verdict, first_by, shown_to, shown_at, verdict, why, "
           "answered_at) values (:a, :b, :c, :d, :e, :f, :g, '', '', :h)",
           number(review.incident), number(review.closing), number(review.closed_at.ns),
           std::string(model::to_string(review.first)), review.first_by, review.shown_to, number(review.shown_at.ns),
           number(core::kNoTime.ns));
    return last_id(connection());
  });
}

core::Result<std::optional<Review>> ReviewTables::review(std::int64_t id) {
  return guarded([&] { return first<ReviewColumns>(connection(), kReview + "where r.id = :a", number(id)); });
}
core::Result<std::optional<Review>> ReviewTables::review_of(IncidentNumber incident, std::int64_t closing) {
  return guarded([&] {
    return first<ReviewColumns>(connection(), kReview + "where r.incident = :a and r.closing = :b", number(incident),
                                number(closing));
  });
}
core::Result<std::vector<Review>> ReviewTables::open_of(const std::string& user) {
  return guarded([&]() -> core::Result<std::vector<Review>> {
    return select<ReviewColumns>(connection(), kReview + "where r.verdict = '' and r.shown_to = :a order by r.id", user);
  });
}

core::Result<void> ReviewTables::show_to(std::int64_t id, const std::string& user, core::Timestamp at) {
  if (auto fits = check_text("a reviewer", user, kMaxNameBytes); !fits.ok()) return fits;
  return guarded([&]() -> core::Result<void> {
    if (change(connection(), "update reviews set shown_to = :a, shown_at = :b where id = :c and verdict = ''", user,
               number(at.ns), number(id)) == 0) {
      return answered_already();
    }
    return {};
  });
}

core::Result<void> ReviewTables::answer(const Review& review) {
  if (review.verdict == model::Verdict::kNone || review.verdict == model::Verdict::kDuplicate)
    return core::Error{core::ErrorCode::kInvalid, "ledger: a review ends with true_positive, benign or false_positive"};
  if (auto fits = check_text("the reason of a review", review.why, kMaxSentenceBytes); !fits.ok()) return fits;
  return guarded([&]() -> core::Result<void> {
    if (change(
            connection(),
            "update reviews set verdict = :a, why = :b, answered_at = :c, first_verdict = :d, first_by = :e where id = :f "
            "and verdict = ''",
            std::string(model::to_string(review.verdict)), review.why, number(review.answered_at.ns),
            std::string(model::to_string(review.first)), review.first_by, number(review.id)) == 0) {
      return answered_already();
    }
    return {};
  });
}

core::Result<std::vector<Review>> ReviewTables::answered(const ClosedQuery& query) {
  return guarded([&]() -> core::Result<std::vector<Review>> {
    Parameters parameters;
    std::string text = kReview + "join incidents i on i.id = r.incident where r.verdict <> ''";
    add_tenants(text, query.tenants, parameters);
    if (query.from.known()) text += " and r.closed_at >= " + parameters.add(query.from.ns);
    if (query.to.known()) text += " and r.closed_at < " + parameters.add(query.to.ns);
    text += " order by r.closed_at desc, r.id desc" + limit_of(query, parameters);
    return select_with<ReviewColumns>(connection(), text, parameters);
  });
}

}  // namespace tocsin::ledger
