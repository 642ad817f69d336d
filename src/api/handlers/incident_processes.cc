// The process trees of an incident, made of what the store knows of its hosts around its findings: process creations, each
// with its parent by GUID, else by pid and time, since a pid is given again. Shown are those that a finding speaks of, what
// started them and what they started.
#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "api/handlers/handlers.h"
#include "api/parts/events.h"
#include "api/parts/incident_call.h"

namespace tocsin::api {
namespace {

using store::SqlText;

constexpr std::size_t kMaxHosts = 20, kMaxFindingIds = 1'000, kMaxEventIds = 2'000;
constexpr std::int64_t kMaxCreations = 5'000;
constexpr std::size_t kMaxShownPerHost = 500;
constexpr std::int64_t kBeforeNs = 3'600'000'000'000, kAfterNs = 600'000'000'000;
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

struct Seen {  // A finding and the events it is made of.
  std::string id, title, host;
  std::int64_t severity_id = 0;
  core::Timestamp time;
  std::vector<std::uint64_t> events;
};
struct Process {
  std::string id, host, guid, parent_guid, name, cmd_line, user, hashes, parent_name, parent_cmd_line;
  std::uint64_t event = 0, pid = 0, parent_pid = 0;
  core::Timestamp time;
  std::size_t parent = kNone;
  std::vector<std::size_t> children;
  std::set<std::size_t> findings;
  bool shown = false;
};

// "4312" or "0x10d8".
std::uint64_t pid_of(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, hex ? 16 : 10);
  return error == std::errc() && end == text.data() + text.size() ? out : 0;
}
void add_attribute(SqlText& sql, std::string_view name) { sql << ", " << *value_of_field("attr." + std::string(name)); }

class Trees {
 public:
  Trees(Call& call, const ledger::Incident& incident) : call_(call), incident_(incident) {}

  core::Result<void> read(const std::vector<ledger::IncidentMember>& members) {
    TOCSIN_TRY(read_findings(members));
    if (hosts_.empty()) return {};
    TOCSIN_TRY(read_creations());
    for (std::size_t i = 0; i < processes_.size(); ++i) find_parent(i);
    TOCSIN_TRY(place_findings());
    choose();
    return {};
  }
  std::string json() const;

 private:
  core::Result<void> read_findings(const std::vector<ledger::IncidentMember>& members);
  core::Result<void> read_creations();
  core::Result<void> place_findings();
  void add_creation(Row row);
  void find_parent(std::size_t index);
  [[nodiscard]] std::size_t by_guid(const std::string& host, const std::string& guid) const;
  [[nodiscard]] std::size_t by_pid(const std::string& host, std::uint64_t pid, core::Timestamp time) const;
  void choose();
  void write_process(core::JsonWriter& out, const Process& process) const;
  void write_unseen_parents(core::JsonWriter& out, const std::string& host) const;
  // Of a parent whose start was not seen.
  static std::string unseen_key(const Process& process) {
    if (process.parent_name.empty() && process.parent_pid == 0) return "";
    return process.parent_guid.empty() ? std::to_string(process.parent_pid) + "|" + process.parent_name
                                       : process.parent_guid;
  }
  [[nodiscard]] std::string parent_id(const Process& process) const {
    if (process.parent != kNone) return processes_[process.parent].shown ? processes_[process.parent].id : "";
    const std::string key = unseen_key(process);
    return key.empty() ? "" : "unseen:" + process.host + "|" + key;
  }

  Call& call_;
  const ledger::Incident& incident_;
  std::vector<Seen> findings_;
  std::vector<std::string> hosts_;  // With the most findings first.
  core::Timestamp from_, to_;
  std::vector<Process> processes_;  // By time.
  std::map<std::pair<std::string, std::string>, std::size_t> guids_;
  std::map<std::pair<std::string, std::uint64_t>, std::vector<std::size_t>> pids_;
  bool complete_ = true;
};

core::Result<void> Trees::read_findings(const std::vector<ledger::IncidentMember>& members) {
  if (members.empty()) return {};
  std::vector<std::string> ids;
  for (const auto& member : members) ids.push_back(member.finding);
  if (ids.size() > kMaxFindingIds) {
    ids.resize(kMaxFindingIds);
    complete_ = false;
  }
  SqlText sql("SELECT id, rule_title, host, severity_id, event_time, event_ids FROM findings WHERE tenant = ");
  sql.text(incident_.tenant) << " AND id IN (";
  sql.texts(ids) << ") ORDER BY event_time, id";
  const Rows rows = TOCSIN_TRY(call_.ask(sql));
  std::map<std::string, std::size_t> counts;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row = rows.row(i);
    Seen one;
    one.id = row.text();
    one.title = row.text();
    one.host = row.text();
    one.severity_id = row.integer();
    one.time = row.time();
    one.events = row.wholes();
    if (!from_.known() || one.time < from_) from_ = one.time;
    to_ = std::max(to_, one.time);
    if (!one.host.empty()) ++counts[one.host];
    findings_.push_back(std::move(one));
  }
  for (const auto& [host, count] : counts) hosts_.push_back(host);
  std::ranges::stable_sort(hosts_, std::greater(), [&](const std::string& host) { return counts[host]; });
  if (hosts_.size() > kMaxHosts) {
    hosts_.resize(kMaxHosts);
    complete_ = false;
  }
  return {};
}

core::Result<void> Trees::read_creations() {
  SqlText sql("SELECT id, host, ts, toString(process_name), process_cmd_line, process_pid, ");
  sql << "if(toString(user) != '', toString(user), toString(actor_user)), hashes, toString(parent_name), parent_cmd_line, "
         "toString(event_code)";
  for (const char* name : {"ProcessGuid", "ParentProcessGuid", "ParentProcessId", "ppid", "ProcessId"}) {
    add_attribute(sql, name);
  }
  sql << " FROM events WHERE tenant = ";
  sql.text(incident_.tenant) << " AND class_uid = 1007 AND activity_id = 1 AND ";
  sql << time_condition("ts", {from_.ns - kBeforeNs}, {to_.ns + kAfterNs}) << " AND host IN (";
  sql.texts(hosts_) << ") ORDER BY ts, id LIMIT ";
  sql.number(kMaxCreations + 1);
  const Rows rows = TOCSIN_TRY(call_.ask(sql));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == static_cast<std::size_t>(kMaxCreations)) {
      complete_ = false;
      break;
    }
    add_creation(rows.row(i));
  }
  return {};
}

void Trees::add_creation(Row row) {
  Process one;
  one.event = row.whole();
  one.id = std::to_string(one.event);
  one.host = row.text();
  one.time = row.time();
  one.name = row.text();
  one.cmd_line = row.text();
  one.pid = row.whole();
  one.user = row.text();
  one.hashes = row.text();
  one.parent_name = row.text();
  one.parent_cmd_line = row.text();
  const std::string_view code = row.text();
  one.guid = row.text();
  one.parent_guid = row.text();
  const std::string_view parent_pid = row.text(), ppid = row.text(), creator = row.text();
  // 4688 calls the creator ProcessId and the new one NewProcessId.
  one.parent_pid = pid_of(!parent_pid.empty() ? parent_pid : !ppid.empty() ? ppid : code == "4688" ? creator : "");
  const std::size_t index = processes_.size();
  if (!one.guid.empty()) guids_.try_emplace({one.host, one.guid}, index);
  if (one.pid != 0) pids_[{one.host, one.pid}].push_back(index);
  processes_.push_back(std::move(one));
}

std::size_t Trees::by_guid(const std::string& host, const std::string& guid) const {
  const auto found = guid.empty() ? guids_.end() : guids_.find({host, guid});
  return found == guids_.end() ? kNone : found->second;
}
// The last one of that pid that had started by then.
std::size_t Trees::by_pid(const std::string& host, std::uint64_t pid, core::Timestamp time) const {
  const auto found = pid == 0 ? pids_.end() : pids_.find({host, pid});
  if (found == pids_.end()) return kNone;
  const auto behind = std::ranges::upper_bound(found->second, time, {}, [&](std::size_t i) { return processes_[i].time; });
  return behind == found->second.begin() ? kNone : *(behind - 1);
}

void Trees::find_parent(std::size_t index) {
  Process& process = processes_[index];
  std::size_t parent = by_guid(process.host, process.parent_guid);
  if (parent == kNone && process.parent_guid.empty()) parent = by_pid(process.host, process.parent_pid, process.time);
  // Made-up events may say that a process is its own ancestor: a parent comes before its child.
  if (parent == kNone || parent >= index) return;
  process.parent = parent;
  processes_[parent].children.push_back(index);
}

core::Result<void> Trees::place_findings() {
  std::map<std::uint64_t, std::vector<std::size_t>> wanted;
  for (std::size_t i = 0; i < findings_.size(); ++i) {
    for (const std::uint64_t event : findings_[i].events) {
      if (wanted.size() < kMaxEventIds || wanted.contains(event)) {
        wanted[event].push_back(i);
      } else {
        complete_ = false;
      }
    }
  }
  const auto put = [&](std::size_t process, std::uint64_t event) {
    if (process != kNone) processes_[process].findings.insert(wanted[event].begin(), wanted[event].end());
  };
  if (wanted.empty()) return {};
  SqlText sql("SELECT id, host, ts, process_pid");
  add_attribute(sql, "ProcessGuid");
  sql << " FROM events WHERE tenant = ";
  sql.text(incident_.tenant) << " AND " << time_condition("ts", {from_.ns - 24 * kBeforeNs}, {to_.ns + kAfterNs});
  sql << " AND id IN (";
  bool first = true;
  for (const auto& [event, indexes] : wanted) {
    if (!first) sql << ", ";
    first = false;
    sql.number(event);
  }
  sql << ")";
  std::map<std::uint64_t, std::size_t> by_event;
  for (std::size_t i = 0; i < processes_.size(); ++i) by_event[processes_[i].event] = i;
  const Rows rows = TOCSIN_TRY(call_.ask(sql));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row = rows.row(i);
    const std::uint64_t event = row.whole();
    const std::string host(row.text());
    const core::Timestamp time = row.time();
    const std::uint64_t pid = row.whole();
    const std::string guid(row.text());
    const auto own = by_event.find(event);
    if (own != by_event.end()) {
      put(own->second, event);
    } else if (!guid.empty()) {
      put(by_guid(host, guid), event);
    } else {
      put(by_pid(host, pid, time), event);
    }
  }
  return {};
}

// Those with findings, their ancestors, then their descendants, the nearest first.
void Trees::choose() {
  std::map<std::string, std::size_t> counts;
  const auto show = [&](std::size_t index) {
    Process& process = processes_[index];
    if (process.shown) return true;
    if (counts[process.host] >= kMaxShownPerHost) {
      complete_ = false;
      return false;
    }
    ++counts[process.host];
    return process.shown = true;
  };
  std::vector<std::size_t> queue;
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    if (!processes_[i].findings.empty() && show(i)) queue.push_back(i);
  }
  const std::size_t with_findings = queue.size();
  for (std::size_t i = 0; i < with_findings; ++i) {
    for (std::size_t up = processes_[queue[i]].parent; up != kNone && !processes_[up].shown; up = processes_[up].parent) {
      if (!show(up)) break;
    }
  }
  std::set<std::size_t> taken(queue.begin(), queue.end());
  for (std::size_t i = 0; i < queue.size(); ++i) {
    for (const std::size_t child : processes_[queue[i]].children) {
      if (taken.insert(child).second && show(child)) queue.push_back(child);
    }
  }
}

void Trees::write_process(core::JsonWriter& out, const Process& process) const {
  const std::string parent = parent_id(process);
  out.begin_object().member("id", process.id).key("parent");
  if (parent.empty()) {
    out.null();
  } else {
    out.text(parent);
  }
  out.member("name", process.name).key("pid").number(process.pid).member("cmd_line", process.cmd_line);
  out.member("user", process.user).member("hashes", process.hashes);
  write_time(out, "time", process.time);
  out.key("findings").begin_array();
  for (const std::size_t index : process.findings) {
    out.begin_object().member("id", findings_[index].id).member("title", findings_[index].title);
    out.key("severity_id").number(findings_[index].severity_id).end_object();
  }
  out.end_array().end_object();
}

void Trees::write_unseen_parents(core::JsonWriter& out, const std::string& host) const {
  std::set<std::string> written;
  for (const Process& process : processes_) {
    if (!process.shown || process.host != host || process.parent != kNone) continue;
    const std::string id = parent_id(process);
    if (id.empty() || !written.insert(id).second) continue;
    out.begin_object().member("id", id).key("parent").null().member("name", process.parent_name);
    out.key("pid").number(process.parent_pid).member("cmd_line", process.parent_cmd_line).member("user", "");
    out.member("hashes", "").key("time").null().key("findings").begin_array().end_array().end_object();
  }
}

std::string Trees::json() const {
  std::string text;
  core::JsonWriter out(text);
  out.begin_object().key("hosts").begin_array();
  for (const std::string& host : hosts_) {
    out.begin_object().member("host", host).key("processes").begin_array();
    write_unseen_parents(out, host);
    for (const Process& process : processes_) {
      if (process.shown && process.host == host) write_process(out, process);
    }
    out.end_array().end_object();
  }
  out.end_array().key("complete").boolean(complete_).end_object();
  return text;
}

Reply show_processes(Call& call) {
  std::vector<ledger::IncidentMember> members;
  const auto incident_read =
      read_incident(call, [&](ledger::IncidentTables& tables, const ledger::Incident& one) -> core::Result<void> {
        members = TOCSIN_TRY(all_members(tables, one.id, static_cast<std::int64_t>(kMaxFindingIds) + 1));
        return {};
      });
  if (!incident_read.ok()) return incident_read.error();
  const ledger::Incident& incident = *incident_read;
  Trees trees(call, incident);
  TOCSIN_TRY(trees.read(members));
  return Reply::json(trees.json());
}

}  // namespace

void add_incident_process_routes(Routes& routes) {
  routes.push_back(
      {"GET", "/api/v1/incidents/{number}/processes", "findings.read", "incidents", "The process trees around its findings",
       "", "",
       "{hosts:[{host:text processes:[{id:text parent:any name:text pid:int cmd_line:text user:text hashes:text "
       "time:time findings:[{id:text title:text severity_id:int}]}]}] complete:bool}",
       show_processes});
}

}  // namespace tocsin::api
