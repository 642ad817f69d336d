// What people do with incidents: history, comments, tasks, notes, links, watchers.
#include "ledger/connection.h"
#include "ledger/incident_columns.h"
#include "ledger/incidents.h"

namespace tocsin::ledger {
namespace {

struct CommentColumns {
  IncidentComment row;
  long long id = 0, incident = 0, at = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.author, &row.text}) s.exchange(soci::into(*text));
    for (long long* value : {&id, &incident, &at}) s.exchange(soci::into(*value));
  }
  IncidentComment take() {
    row.id = id;
    row.incident = incident;
    row.at.ns = at;
    return row;
  }
};

struct TaskColumns {
  IncidentTask row;
  long long id = 0, incident = 0, done = 0, due = 0, done_at = 0, position = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.title, &row.phase, &row.assignee, &row.done_by}) s.exchange(soci::into(*text));
    for (long long* value : {&id, &incident, &done, &due, &done_at, &position}) s.exchange(soci::into(*value));
  }
  IncidentTask take() {
    row.id = id;
    row.incident = incident;
    row.done = done != 0;
    row.due.ns = due;
    row.done_at.ns = done_at;
    row.position = position;
    return row;
  }
};

struct NoteColumns {
  IncidentNote row;
  long long id = 0, incident = 0, event = 0, at = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.author, &row.text, &row.lane, &row.event_id}) s.exchange(soci::into(*text));
    for (long long* value : {&id, &incident, &event, &at}) s.exchange(soci::into(*value));
  }
  IncidentNote take() {
    row.id = id;
    row.incident = incident;
    row.event_time.ns = event;
    row.at.ns = at;
    return row;
  }
};

struct LinkColumns {
  IncidentLink row;
  long long one = 0, other = 0, at = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.kind, &row.reason, &row.by}) s.exchange(soci::into(*text));
    for (long long* value : {&one, &other, &at}) s.exchange(soci::into(*value));
  }
  IncidentLink take() {
    row.one = one;
    row.other = other;
    row.at.ns = at;
    return row;
  }
};
const std::string kSelectLink = "select kind, reason, added_by, one, other, at from incident_links ";

core::Result<void> check_task(const IncidentTask& task) {
  for (const std::string* text : {&task.phase, &task.assignee, &task.done_by}) {
    if (auto fits = check_text("a task's text", *text, kMaxNameBytes); !fits.ok()) return fits;
  }
  if (task.title.empty()) return core::Error{core::ErrorCode::kInvalid, "ledger: a task needs a title"};
  return check_text("a task's title", task.title, kMaxTitleBytes);
}

}  // namespace

core::Result<void> IncidentTables::add_history(const IncidentHistory& entry) {
  if (auto fits = check_text("an actor", entry.actor, kMaxNameBytes); !fits.ok()) return fits;
  if (auto fits = check_text("an action", entry.action, kMaxNameBytes); !fits.ok()) return fits;
  if (auto fits = check_text("a text of the history", entry.text, kMaxSentenceBytes); !fits.ok()) return fits;
  if (auto fits = check_text("a detail of the history", entry.detail, kMaxJsonBytes); !fits.ok()) return fits;
  return guarded([&]() -> core::Result<void> {
    change(connection(),
           "insert into incident_history (incident, at, actor, action, text, detail) values (:a, :b, :c, :d, :e, :f)",
           number(entry.incident), number(entry.at.ns), entry.actor, entry.action, entry.text, entry.detail);
    return {};
  });
}

core::Result<std::vector<IncidentHistory>> IncidentTables::history(IncidentNumber incident, std::int64_t limit) {
  return guarded([&]() -> core::Result<std::vector<IncidentHistory>> {
    return select<HistoryColumns>(connection(),
                                  "select actor, action, text, detail, sequence, incident, at from (select * from "
                                  "incident_history where incident = :a order by sequence desc limit :b) order by sequence",
                                  number(incident), number(limit));
  });
}

core::Result<std::int64_t> IncidentTables::add_comment(const IncidentComment& comment) {
  if (comment.text.empty()) return core::Error{core::ErrorCode::kInvalid, "ledger: the comment is empty"};
  if (auto fits = check_text("a comment", comment.text, kMaxCommentBytes); !fits.ok()) return fits.error();
  return guarded([&]() -> core::Result<std::int64_t> {
    change(connection(), "insert into incident_comments (incident, at, author, text) values (:a, :b, :c, :d)",
           number(comment.incident), number(comment.at.ns), comment.author, comment.text);
    return last_id(connection());
  });
}

core::Result<std::vector<IncidentComment>> IncidentTables::comments(IncidentNumber incident) {
  return guarded([&]() -> core::Result<std::vector<IncidentComment>> {
    return select<CommentColumns>(
        connection(), "select author, text, id, incident, at from incident_comments where incident = :a order by id",
        number(incident));
  });
}

core::Result<std::int64_t> IncidentTables::add_task(const IncidentTask& task) {
  if (auto good = check_task(task); !good.ok()) return good.error();
  return guarded([&]() -> core::Result<std::int64_t> {
    if (count(connection(), "select count(*) from incident_tasks where incident = :a", number(task.incident)) >=
        kMaxTasksPerIncident) {
      return core::Error{core::ErrorCode::kLimit,
                         "ledger: the incident has " + std::to_string(kMaxTasksPerIncident) + " tasks already, the most"};
    }
    change(
        connection(),
        "insert into incident_tasks (incident, title, phase, assignee, done, due, done_at, done_by, position) values (:a, "
        ":b, :c, :d, :e, :f, :g, :h, :i)",
        number(task.incident), task.title, task.phase, task.assignee, number(task.done), number(task.due.ns),
        number(task.done_at.ns), task.done_by, number(task.position));
    return last_id(connection());
  });
}

core::Result<void> IncidentTables::update_task(const IncidentTask& task) {
  if (auto good = check_task(task); !good.ok()) return good;
  return guarded([&]() -> core::Result<void> {
    const long long changed = change(
        connection(),
        "update incident_tasks set title = :a, phase = :b, assignee = :c, done = :d, due = :e, done_at = :f, done_by = "
        ":g, position = :h where id = :i and incident = :j",
        task.title, task.phase, task.assignee, number(task.done), number(task.due.ns), number(task.done_at.ns), task.done_by,
        number(task.position), number(task.id), number(task.incident));
    if (changed == 0) return core::Error{core::ErrorCode::kNotFound, "ledger: the incident has no such task"};
    return {};
  });
}

core::Result<std::vector<IncidentTask>> IncidentTables::tasks(IncidentNumber incident) {
  return guarded([&]() -> core::Result<std::vector<IncidentTask>> {
    return select<TaskColumns>(connection(),
                               "select title, phase, assignee, done_by, id, incident, done, due, done_at, position from "
                               "incident_tasks where incident = :a order by position, id",
                               number(incident));
  });
}

core::Result<std::int64_t> IncidentTables::add_note(const IncidentNote& note) {
  if (auto fits = check_text("a note", note.text, kMaxCommentBytes); !fits.ok()) return fits.error();
  for (const std::string* text : {&note.author, &note.lane, &note.event_id}) {
    if (auto fits = check_text("a note's text", *text, kMaxNameBytes); !fits.ok()) return fits.error();
  }
  return guarded([&]() -> core::Result<std::int64_t> {
    change(connection(),
           "insert into incident_notes (incident, event_time, at, author, text, lane, event_id) values (:a, :b, :c, :d, :e, "
           ":f, :g)",
           number(note.incident), number(note.event_time.ns), number(note.at.ns), note.author, note.text, note.lane,
           note.event_id);
    return last_id(connection());
  });
}

core::Result<std::vector<IncidentNote>> IncidentTables::notes(IncidentNumber incident) {
  return guarded([&]() -> core::Result<std::vector<IncidentNote>> {
    return select<NoteColumns>(connection(),
                               "select author, text, lane, event_id, id, incident, event_time, at from incident_notes where "
                               "incident = :a order by event_time, id",
                               number(incident));
  });
}

core::Result<void> IncidentTables::add_link(const IncidentLink& link) {
  if (auto fits = check_text("a link's kind", link.kind, kMaxNameBytes); !fits.ok()) return fits;
  if (auto fits = check_text("a link's reason", link.reason, kMaxSentenceBytes); !fits.ok()) return fits;
  return guarded([&]() -> core::Result<void> {
    change(connection(),
           "insert into incident_links (one, other, kind, reason, added_by, at) values (:a, :b, :c, :d, :e, :f) on conflict "
           "(one, other, kind) do update set reason = excluded.reason, added_by = excluded.added_by, at = excluded.at",
           number(link.one), number(link.other), link.kind, link.reason, link.by, number(link.at.ns));
    return {};
  });
}

core::Result<std::vector<IncidentLink>> IncidentTables::links(IncidentNumber incident) {
  return guarded([&]() -> core::Result<std::vector<IncidentLink>> {
    return select<LinkColumns>(connection(), kSelectLink + "where one = :a or other = :b order by at, one, other",
                               number(incident), number(incident));
  });
}

core::Result<std::vector<IncidentLink>> IncidentTables::links_of_kind(std::string_view kind) {
  return guarded([&]() -> core::Result<std::vector<IncidentLink>> {
    return select<LinkColumns>(connection(), kSelectLink + "where kind = :a order by at, one, other", std::string(kind));
  });
}

core::Result<void> IncidentTables::watch(IncidentNumber incident, std::string_view user, bool on) {
  return guarded([&]() -> core::Result<void> {
    change(connection(),
           on ? "insert or ignore into incident_watchers (incident, user) values (:a, :b)"
              : "delete from incident_watchers where incident = :a and user = :b",
           number(incident), std::string(user));
    return {};
  });
}

core::Result<std::vector<std::string>> IncidentTables::watchers(IncidentNumber incident) {
  return guarded([&]() -> core::Result<std::vector<std::string>> {
    return select<TextColumn>(connection(), "select user from incident_watchers where incident = :a order by user",
                              number(incident));
  });
}

}  // namespace tocsin::ledger
