// Incidents, their findings, history and work; assets; what is learned of rules: rows and their tables.
//
// Used within a transaction of Ledger::write or read, as Tables is. Nothing is ever removed: members are marked out,
// incidents that became part of another keep their row and say so, history only grows.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "ledger/ledger.h"
#include "model/incident.h"

namespace tocsin::ledger {

inline constexpr std::size_t kMaxCommentBytes = 32 * 1024;
inline constexpr std::size_t kMaxTitleBytes = 512;
inline constexpr std::size_t kMaxEntityBytes = 1'024;       // A key or a label.
inline constexpr std::size_t kMaxSentenceBytes = 4 * 1024;  // A reason, a cause, a text of the history.
inline constexpr std::int64_t kMaxTasksPerIncident = 500;
inline constexpr std::int64_t kMaxAssets = 1'000'000;

using IncidentNumber = std::int64_t;  // From 1; people say "INC-17".

struct Incident {
  IncidentNumber id = 0;
  std::string tenant, site, title, summary;
  bool title_by_hand = false;  // Then the engine leaves it.
  model::IncidentState state = model::IncidentState::kNew;
  model::Verdict verdict = model::Verdict::kNone;
  std::string cause;  // Of the closing, free text.
  std::uint8_t severity_id = 0;
  double score = 0;
  std::string score_parts;  // JSON: [{"name","points","why"}].
  std::string priority;     // "p1".."p4"; by score, or by hand.
  bool priority_by_hand = false;
  std::string owner;                         // A user's name; empty: nobody.
  std::string tlp = "amber", pap = "amber";  // "red", "amber", "amber+strict", "green", "clear"; PAP without amber+strict.
  std::vector<std::string> tags, tactics, techniques;
  std::int64_t finding_count = 0, host_count = 0, user_count = 0, rule_count = 0;
  std::string main_host, main_user;  // For lists.
  std::string opened_by;             // "engine" or a user.
  IncidentNumber merged_into = 0;
  std::int64_t version = 0;  // Grows with each change: for If-Match of the API.
  // Of the events: first and last; of the work: created .. closed. kNoTime where not.
  core::Timestamp first_event, last_event, created_at, changed_at, acknowledged_at, contained_at, recovered_at, closed_at;
};

struct IncidentMember {
  IncidentNumber incident = 0;
  std::string finding;  // Its id; of one incident at a time.
  core::Timestamp event_time, detected_at, joined_at;
  std::string rule_id, rule_title, host, user, source;
  std::uint8_t severity_id = 0;
  std::vector<std::string> tactics;
  std::string reasons;      // JSON: [{"kind","text","entity":{...},"finding","gap_ms","weight"}], the strongest first.
  std::string added_by;     // "engine" or a user.
  std::int64_t folded = 1;  // Findings of the same rule and entities that this one stands for.
};

// A finding that says again what a member of the incident said.
struct FoldedFinding {
  std::string finding, member;  // Ids.
  core::Timestamp event_time, detected_at;
};
struct RuleCount {
  std::string rule_id, rule_title, source;
  std::uint8_t severity_id = 0;  // The worst.
  std::int64_t findings = 0;
  core::Timestamp first, last;
};

struct IncidentEntity {
  IncidentNumber incident = 0;
  model::Entity entity;
  core::Timestamp first, last;
  std::int64_t findings = 0;
};

struct IncidentHistory {
  std::int64_t sequence = 0;
  IncidentNumber incident = 0;
  core::Timestamp at;
  std::string actor;  // A user, "engine" or "rule:<id>".
  std::string
      action;  // "opened", "joined", "merged", "split", "moved", "state", "assigned", "closed", "reopened", "comment",
               // "task", "score", "title", "priority", "tags", "marking", "annotated", "linked", "automatic", "reverted".
  std::string text;    // One sentence.
  std::string detail;  // JSON.
};

struct IncidentComment {
  std::int64_t id = 0;
  IncidentNumber incident = 0;
  core::Timestamp at;
  std::string author, text;  // Markdown.
};
struct IncidentTask {
  std::int64_t id = 0;
  IncidentNumber incident = 0;
  std::string title, phase, assignee;  // phase: "investigate", "contain", "eradicate", "recover", "learn".
  bool done = false;
  core::Timestamp due, done_at;
  std::string done_by;
  std::int64_t position = 0;
};
// An event or a note that people put on the timeline.
struct IncidentNote {
  std::int64_t id = 0;
  IncidentNumber incident = 0;
  core::Timestamp event_time, at;
  std::string author, text, lane, event_id;  // lane: "host", "user", "network", "response"; event_id may be empty.
};
struct IncidentLink {
  IncidentNumber one = 0, other = 0;
  std::string kind, reason, by;  // kind: "similar", "duplicate", "split", "related".
  core::Timestamp at;
};

struct Asset {
  std::int64_t id = 0;
  std::string tenant, site;
  model::EntityKind kind = model::EntityKind::kHost;
  std::string key, label;              // Of the entity.
  std::vector<std::string> aliases;    // Keys that mean the same thing, sorted.
  std::vector<std::string> addresses;  // Seen, newest first, at most 32.
  int criticality = 3;                 // 1 (least) - 5.
  std::string owner, zone, exposure,
      os;  // zone: "office", "server", "dmz", "ot", "cloud", ""; exposure: "internet", "internal", "".
  std::vector<std::string> tags;
  bool declared = false;  // By a person or an import; else learned.
  core::Timestamp first_seen, last_seen, changed_at;
  std::string changed_by;
};

// Closing decisions of one rule, or of one rule and entity ("rule|host:ws-042").
struct Decisions {
  std::string tenant, key;
  std::int64_t true_positive = 0, benign = 0, false_positive = 0;
};

struct IncidentQuery {
  std::vector<std::string> tenants;          // Empty: all.
  std::vector<model::IncidentState> states;  // Empty: all but closed.
  bool with_closed = false;
  std::string owner;  // Exact; "-": nobody; empty: any.
  std::string text;   // In title, hosts and users.
  std::optional<std::uint8_t> min_severity;
  std::string tag, entity_kind, entity_key;
  core::Timestamp from, to;  // Of last_event.
  enum class Order : std::uint8_t { kScore, kNewest, kOldest } order = Order::kScore;
  std::int64_t limit = 100, offset = 0;
};

class IncidentTables {
 public:
  // REQUIRES: used no longer than `tables`.
  explicit IncidentTables(Tables& tables);

  core::Result<IncidentNumber> next_incident_number();
  core::Result<void> insert_incident(const Incident& incident);
  core::Result<void> update_incident(
      const Incident& incident);  // By id; version must be the stored one plus 1: else kInvalid.
  core::Result<std::optional<Incident>> incident(IncidentNumber id);
  struct Page {
    std::vector<Incident> items;
    std::int64_t total = 0;
  };
  core::Result<Page> incidents(const IncidentQuery& query);
  core::Result<std::int64_t> open_count();
  core::Result<std::vector<Incident>> open_incidents();  // Not closed, not merged into another.

  core::Result<bool> add_member(const IncidentMember& member);  // False: that finding is in an incident already.
  core::Result<void> move_member(std::string_view finding, IncidentNumber to, std::string_view reasons, std::string_view by);
  core::Result<std::int64_t> move_members(IncidentNumber from, IncidentNumber to);  // A merge; answers how many.
  core::Result<std::vector<IncidentMember>> members(IncidentNumber incident, std::int64_t limit, std::int64_t offset);
  core::Result<std::vector<IncidentMember>> members_after(core::Timestamp event_time);  // Of open incidents: for a restart.
  core::Result<std::optional<IncidentMember>> member(std::string_view finding);
  core::Result<void> fold_into(std::string_view finding, std::int64_t more);
  // A finding that `fold_into` counted: its id stays, in the incident of `member`. False: it is there already.
  core::Result<bool> add_folded(const FoldedFinding& finding);
  core::Result<std::vector<FoldedFinding>> folded(std::string_view member, std::int64_t limit);  // By event time.
  core::Result<std::vector<FoldedFinding>> folded_after(core::Timestamp event_time);             // Of open incidents.
  // The incident that it is in, as a member or folded. Merges count.
  core::Result<std::optional<IncidentNumber>> incident_with(std::string_view finding);
  core::Result<std::vector<RuleCount>> rule_counts(IncidentNumber incident);  // A row for each rule and source.

  // What the desk needs of a member to join further findings to it; in a form of its own.
  core::Result<void> put_joining(std::string_view finding, core::Timestamp event_time, std::string_view body);
  core::Result<std::optional<std::string>> joining(std::string_view finding);
  // In the order in which they were put: pages that begin behind `after` (0: the first).
  struct Joining {
    std::int64_t place = 0;
    std::string tenant;
    bool open = true;  // Its incident is.
    IncidentMember member;
    std::string body;
  };
  core::Result<std::vector<Joining>> joining_page(std::int64_t after, std::int64_t limit);
  core::Result<std::int64_t> forget_joining(core::Timestamp before, std::int64_t limit);

  // Where the next findings are read from; saved in the transaction that took those before it.
  struct Position {
    std::uint64_t sequence = 0;
    std::vector<std::string> ids;
  };
  core::Result<std::optional<Position>> position();
  core::Result<void> set_position(const Position& position);

  // Adds to counts and times where it is there; may take away (findings below 0): with none left it is gone.
  core::Result<void> put_entity(const IncidentEntity& entity);
  core::Result<void> add_entities(IncidentNumber to, IncidentNumber from);  // A merge: `from` keeps its own.
  core::Result<std::int64_t> entity_count(IncidentNumber incident, model::EntityKind kind);
  core::Result<std::vector<IncidentEntity>> entities(IncidentNumber incident, std::int64_t limit);
  core::Result<std::vector<IncidentNumber>> incidents_of(std::string_view tenant, model::EntityKind kind,
                                                         std::string_view key,
                                                         std::int64_t limit);  // Newest first.

  core::Result<void> add_history(const IncidentHistory& entry);
  core::Result<std::vector<IncidentHistory>> history(IncidentNumber incident, std::int64_t limit);
  core::Result<std::int64_t> add_comment(const IncidentComment& comment);
  core::Result<std::vector<IncidentComment>> comments(IncidentNumber incident);
  core::Result<std::int64_t> add_task(const IncidentTask& task);
  core::Result<void> update_task(const IncidentTask& task);
  core::Result<std::vector<IncidentTask>> tasks(IncidentNumber incident);
  core::Result<std::int64_t> add_note(const IncidentNote& note);
  core::Result<std::vector<IncidentNote>> notes(IncidentNumber incident);
  core::Result<void> add_link(const IncidentLink& link);
  core::Result<std::vector<IncidentLink>> links(IncidentNumber incident);  // Both directions.
  core::Result<std::vector<IncidentLink>> links_of_kind(std::string_view kind);
  core::Result<void> watch(IncidentNumber incident, std::string_view user, bool on);
  core::Result<std::vector<std::string>> watchers(IncidentNumber incident);

  core::Result<std::int64_t> put_asset(const Asset& asset);  // By tenant, kind and key; answers its id.
  core::Result<std::optional<Asset>> asset(std::string_view tenant, model::EntityKind kind, std::string_view key);
  core::Result<std::vector<Asset>> assets(const std::vector<std::string>& tenants, std::string_view text, std::int64_t limit,
                                          std::int64_t offset);
  core::Result<std::vector<Asset>> assets_with_addresses(std::int64_t limit);  // Those seen last first.
  core::Result<std::int64_t> asset_count(const std::vector<std::string>& tenants, std::string_view text);

  core::Result<void> add_decisions(const Decisions& more);  // Adds to what is there.
  core::Result<std::vector<Decisions>> decisions();

 private:
  Connection& connection();
  Tables& tables_;
};

}  // namespace tocsin::ledger
