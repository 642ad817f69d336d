// Blind re-review: a sampled closed incident is judged by another person, who sees neither the verdict nor what points to
// it, and how far the two agree.
//
// What is shown is made of what the program found, not of what people wrote: owner, tags, priority, states, times of
// acknowledging and containing, comments, tasks, links and history of people all tell, or may tell, what the first one
// thought. A review never changes the incident.
#include "ledger/reviews.h"

#include <algorithm>

#include "api/handlers/handlers.h"
#include "api/incident_json.h"
#include "api/parts/incident_call.h"
#include "measure/agreement.h"
#include "measure/sample.h"
#include "triage/export.h"

namespace tocsin::api {
namespace {

using ledger::Closed;
using ledger::IncidentTables;
using ledger::Review;
using ledger::ReviewTables;

constexpr std::int64_t kDayNs = 86'400'000'000'000;
constexpr std::int64_t kReviewWindowNs = 30 * kDayNs;  // What was closed longer ago is not asked about any more.
constexpr std::int64_t kHoldNs = kDayNs;               // Shown to one person for so long, then to anybody.
constexpr std::int64_t kMaxLooked = 50'000;            // Closed incidents of one question.
constexpr std::int64_t kShownMembers = 200, kShownEntities = 200;
constexpr std::size_t kShownPairs = 500;
constexpr const char* kShareSetting = "reviews.share_percent";
constexpr double kUsualShare = 10;

double share_of(const Call& call) {
  for (const SettingView& setting : call.context.options.platform->settings()) {
    if (setting.key == kShareSetting) return std::clamp(std::strtod(setting.value.c_str(), nullptr), 0.0, 100.0);
  }
  return kUsualShare;
}
class Sample {
 public:
  explicit Sample(const Call& call) : key_(call.context.options.review_key), share_(share_of(call)) {}
  [[nodiscard]] bool has(const Closed& closed) const {
    return key_ != nullptr && closed.closing != 0 && measure::is_sampled(*key_, closed.incident, share_);
  }

 private:
  std::shared_ptr<const core::Secret> key_;
  double share_;
};

// All closed incidents that the question is about, in pages; false: there are more than kMaxLooked.
using Transaction = core::Result<void> (ledger::Ledger::*)(const std::function<core::Result<void>(ledger::Tables&)>&);
core::Result<bool> for_each_closed(const Call& call, Transaction transaction, ReviewTables::ClosedQuery query,
                                   const std::function<core::Result<bool>(ReviewTables&, const Closed&)>& take) {
  query.limit = ledger::kMaxReviewPage / 10;
  bool more = true;
  for (std::int64_t looked = 0; looked < kMaxLooked && more; looked += query.limit) {
    const auto done = (call.context.options.ledger->*transaction)([&](ledger::Tables& all) -> core::Result<void> {
      ReviewTables tables(all);
      const auto page = TOCSIN_TRY(tables.closed(query));
      more = page.size() == static_cast<std::size_t>(query.limit);
      for (const Closed& closed : page) {
        query.after_time = closed.closed_at;
        query.after = closed.incident;
        if (!TOCSIN_TRY(take(tables, closed))) {
          more = false;
          return {};
        }
      }
      return {};
    });
    if (!done.ok()) return done.error();
  }
  return !more;
}

// Whether the review is still about the last closing of its incident.
core::Result<std::optional<Closed>> still_closed(ReviewTables& tables, const Review& review) {
  auto closed = TOCSIN_TRY(tables.closed_incident(review.incident));
  if (closed && closed->closing != review.closing) closed.reset();
  return closed;
}

// The one shown to the caller before, where it can still be answered.
core::Result<std::optional<Review>> begun_review(const Call& call) {
  std::optional<Review> out;
  const auto done = call.context.options.ledger->read([&](ledger::Tables& all) -> core::Result<void> {
    ReviewTables tables(all);
    for (const Review& review : TOCSIN_TRY(tables.open_of(call.who.name))) {
      const auto closed = TOCSIN_TRY(still_closed(tables, review));
      if (!closed || !call.who.may_see(closed->tenant) || closed->by == call.who.name) continue;
      out = review;
      return {};
    }
    return {};
  });
  if (!done.ok()) return done.error();
  return out;
}

// The review of a closing for the caller: a new one, or one that another was shown and left. None: it is not for them.
core::Result<std::optional<Review>> claim(const Call& call, ReviewTables& tables, const Closed& closed) {
  auto review = TOCSIN_TRY(tables.review_of(closed.incident, closed.closing));
  if (review) {
    const bool left = review->verdict == model::Verdict::kNone && review->shown_at.ns <= call.now().ns - kHoldNs;
    if (!left) return std::optional<Review>();
    TOCSIN_TRY(tables.show_to(review->id, call.who.name, call.now()));
    return review;
  }
  Review fresh;
  fresh.incident = closed.incident;
  fresh.closing = closed.closing;
  fresh.closed_at = closed.closed_at;
  fresh.first = closed.verdict;
  fresh.first_by = closed.by;
  fresh.shown_to = call.who.name;
  fresh.shown_at = call.now();
  fresh.id = TOCSIN_TRY(tables.insert(fresh));
  return std::optional(std::move(fresh));
}

// The oldest first, so that none is forgotten.
core::Result<std::optional<Review>> next_review(const Call& call) {
  auto out = TOCSIN_TRY(begun_review(call));
  if (out) return out;
  const Sample sample(call);
  ReviewTables::ClosedQuery query;
  query.tenants = call.who.tenants;
  query.from = {call.now().ns - kReviewWindowNs};
  const auto done = for_each_closed(call, &ledger::Ledger::write, query,
                                    [&](ReviewTables& tables, const Closed& closed) -> core::Result<bool> {
                                      if (!sample.has(closed) || closed.by == call.who.name) return true;
                                      out = TOCSIN_TRY(claim(call, tables, closed));
                                      return !out.has_value();
                                    });
  if (!done.ok()) return done.error();
  return out;
}

// What the program found. Nothing here may depend on what was decided.
struct Blind {
  ledger::Incident incident;
  std::vector<ledger::IncidentMember> members;
  std::vector<ledger::IncidentEntity> entities;
  std::vector<ledger::IncidentHistory> history;
};
core::Result<Blind> read_blind(const Call& call, const Review& review) {
  Blind out;
  const auto done = read_tables(call, [&](IncidentTables& tables) -> core::Result<void> {
    out.incident = TOCSIN_TRY(visible_incident(call, tables, review.incident));
    out.members = TOCSIN_TRY(tables.members(review.incident, kShownMembers, 0));
    out.entities = TOCSIN_TRY(tables.entities(review.incident, kShownEntities));
    for (auto& entry : TOCSIN_TRY(tables.history(review.incident, ledger::kMaxReviewPage))) {
      const bool of_engine =
          entry.actor == "engine" && (entry.action == "opened" || entry.action == "joined" || entry.action == "merged");
      if (of_engine && entry.sequence < review.closing) out.history.push_back(std::move(entry));
    }
    return {};
  });
  if (!done.ok()) return done.error();
  // What people wrote on findings and as the title is theirs too.
  for (auto& member : out.members) {
    if (member.added_by != "engine") member.added_by = member.reasons = "";
  }
  if (out.incident.title_by_hand && out.incident.opened_by == "engine" && !out.members.empty()) {
    out.incident.title = out.members.front().rule_title;
  }
  return out;
}

void write_blind(core::JsonWriter& json, const Blind& blind) {
  const ledger::Incident& incident = blind.incident;
  json.begin_object().member("id", triage::incident_label(incident.id)).key("number").number(incident.id);
  json.member("tenant", incident.tenant).member("site", incident.site).member("title", incident.title);
  json.member("summary", incident.summary).key("severity_id").number(int{incident.severity_id});
  write_texts(json, "tactics", incident.tactics);
  write_texts(json, "techniques", incident.techniques);
  json.key("finding_count").number(incident.finding_count).key("host_count").number(incident.host_count);
  json.key("user_count").number(incident.user_count).key("rule_count").number(incident.rule_count);
  json.member("main_host", incident.main_host).member("main_user", incident.main_user).member("tlp", incident.tlp);
  write_time(json, "first_event", incident.first_event);
  write_time(json, "last_event", incident.last_event);
  write_time(json, "created_at", incident.created_at);
  json.key("entities").begin_array();
  for (const auto& entity : blind.entities) {
    json.begin_object().member("kind", model::to_string(entity.entity.kind));
    json.member("role", model::to_string(entity.entity.role)).member("key", entity.entity.key);
    json.member("label", entity.entity.label).key("findings").number(entity.findings).end_object();
  }
  json.end_array().key("findings").begin_array();
  for (const auto& member : blind.members) write_member(json, member);
  json.end_array().key("history").begin_array();
  for (const auto& entry : blind.history) write_history(json, entry);
  json.end_array().end_object();
}

Reply show_next(Call& call) {
  if (call.context.options.review_key == nullptr) return Reply::json(R"({"review":null})");
  const auto review = TOCSIN_TRY(next_review(call));
  if (!review) return Reply::json(R"({"review":null})");
  const Blind blind = TOCSIN_TRY(read_blind(call, *review));
  TOCSIN_TRY(call.audit("review.show", triage::incident_label(review->incident)));
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("review").begin_object().key("id").number(review->id).key("incident");
  write_blind(json, blind);
  json.end_object().end_object();
  return Reply::json(std::move(out));
}

void write_pair(core::JsonWriter& json, const Review& review) {
  json.begin_object().member("incident", triage::incident_label(review.incident));
  json.member("first", model::to_string(review.first)).member("second", model::to_string(review.verdict));
  json.member("first_by", review.first_by).member("second_by", review.shown_to).member("why", review.why);
  write_time(json, "at", review.answered_at);
  json.key("agreed").boolean(review.first == review.verdict).end_object();
}

// One that is not theirs, or is answered, is not there: nobody learns from the number alone what is reviewed.
core::Result<Review> answer(const Call& call, std::int64_t id, model::Verdict verdict, const std::string& why) {
  Review out;
  const auto done = call.context.options.ledger->write([&](ledger::Tables& all) -> core::Result<void> {
    ReviewTables tables(all);
    auto review = TOCSIN_TRY(tables.review(id));
    if (!review || review->shown_to != call.who.name || review->verdict != model::Verdict::kNone) {
      return core::Error{core::ErrorCode::kNotFound, "there is no review of that number for you to answer"};
    }
    const auto closed = TOCSIN_TRY(still_closed(tables, *review));
    if (!closed || !call.who.may_see(closed->tenant)) {
      return core::Error{core::ErrorCode::kNotFound, "the incident was opened again meanwhile; its review is void"};
    }
    out = std::move(*review);
    out.first = closed->verdict;
    out.first_by = closed->by;
    out.verdict = verdict;
    out.why = why;
    out.answered_at = call.now();
    TOCSIN_TRY(tables.answer(out));
    TOCSIN_TRY(all.append_audit({call.now(), call.who.name, "review.answer", triage::incident_label(out.incident),
                                 call.peer(), std::string("{\"verdict\":\"") + model::to_string(verdict) + "\"}"}));
    return {};
  });
  if (!done.ok()) return done.error();
  return out;
}

Reply answer_review(Call& call) {
  Body body(call.request().body);
  const auto verdict = model::parse_verdict(body.text("verdict"));
  if (!verdict || *verdict == model::Verdict::kNone || *verdict == model::Verdict::kDuplicate) {
    body.refuse("verdict", "must be true_positive, benign or false_positive");
  }
  const std::string why = body.text("why", {true, 2'048});
  if (why.empty()) body.refuse("why", "must not be empty");
  const auto id = parse_incident_number(call.captured("id"));
  if (!id) return Reply::problem(404, "there is no such review");
  if (body.problem()) return *body.problem();
  const Review review = TOCSIN_TRY(answer(call, *id, *verdict, why));
  std::string out;
  core::JsonWriter json(out);
  write_pair(json, review);
  return Reply::json(std::move(out));
}

void write_share(core::JsonWriter& json, const char* name, const std::optional<measure::Share>& share) {
  json.key(name);
  if (!share) {
    json.null();
    return;
  }
  json.begin_object().key("mean").number(share->mean).key("low").number(share->low).key("high").number(share->high);
  json.end_object();
}

}  // namespace

Reply review_measure(Call& call) {
  Query query = call.query();
  ReviewTables::ClosedQuery asked;
  asked.to = query.when("to", {call.now().ns + 1});
  asked.from = query.when("from", {asked.to.ns - 30 * kDayNs});
  if (asked.from >= asked.to) query.refuse("from", "must be before to");
  asked.tenants = call.who.tenants;
  if (const std::string tenant = query.text("tenant"); !tenant.empty()) {
    if (!call.who.may_see(tenant)) query.refuse("tenant", "is none of yours");
    asked.tenants = {tenant};
  }
  if (query.problem()) return *query.problem();
  const Sample sample(call);
  std::int64_t closed = 0, sampled = 0;
  const auto looked =
      for_each_closed(call, &ledger::Ledger::read, asked, [&](ReviewTables&, const Closed& one) -> core::Result<bool> {
        ++closed;
        sampled += sample.has(one) ? 1 : 0;
        return true;
      });
  if (!looked.ok()) return looked.error();
  const bool complete = *looked;
  std::vector<Review> reviews;
  const auto done = call.context.options.ledger->read([&](ledger::Tables& all) -> core::Result<void> {
    ReviewTables tables(all);
    reviews = TOCSIN_TRY(tables.answered(asked));
    // Of what the caller is judging now, nothing that was thought of it before.
    for (const Review& open : TOCSIN_TRY(tables.open_of(call.who.name))) {
      std::erase_if(reviews, [&](const Review& review) { return review.incident == open.incident; });
    }
    return {};
  });
  if (!done.ok()) return done.error();
  std::vector<measure::VerdictPair> pairs;
  for (const Review& review : reviews) pairs.emplace_back(review.first, review.verdict);
  const auto agreed = std::ranges::count_if(pairs, [](const auto& pair) { return pair.first == pair.second; });
  std::string out;
  core::JsonWriter json(out);
  json.begin_object();
  write_time(json, "from", asked.from);
  write_time(json, "to", asked.to);
  json.key("share_percent").number(share_of(call)).key("closed").number(closed).key("sampled").number(sampled);
  json.key("reviewed").number(static_cast<std::uint64_t>(reviews.size())).key("agreed").number(std::int64_t{agreed});
  write_share(json, "agreement", measure::wilson_share(agreed, static_cast<std::int64_t>(reviews.size())));
  json.key("kappa");
  const auto kappa = measure::cohen_kappa(pairs);
  if (kappa) {
    json.number(*kappa);
  } else {
    json.null();
  }
  json.key("pairs").begin_array();
  for (std::size_t i = 0; i < std::min(reviews.size(), kShownPairs); ++i) write_pair(json, reviews[i]);
  json.end_array().key("complete").boolean(complete).end_object();
  return Reply::json(std::move(out));
}

void add_review_routes(Routes& routes) {
  const char* tag = "reviews";
  for (RouteSpec spec :
       Routes{{"GET", "/api/v1/reviews/next", "findings.write", tag,
               "A closed incident to judge again, without the first verdict; null: there is none", "", "", "{review:any}",
               show_next},
              {"POST", "/api/v1/reviews/{id}", "findings.write", tag, "The second verdict; answers both", "",
               "{verdict:true_positive|benign|false_positive why:text}", "ReviewPair", answer_review},
              {"GET", "/api/v1/reviews/measure", "findings.read", tag, "How far first and second verdicts agree",
               "{from?:text to?:text tenant?:text}", "",
               "{from:time to:time share_percent:number closed:int sampled:int reviewed:int agreed:int agreement:any "
               "kappa:any pairs:[ReviewPair] complete:bool}",
               review_measure}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
