// Entities of our OCSF Detection Findings.
//
// One event is one member of `evidences`; it holds what OCSF has for evidence at its top, and the whole event in `data`.
// What is looked for lies in either. A correlation has one evidence with `data.group` (field names of the rule and their
// values) and `data.hosts`.
#include <simdjson.h>

#include <array>
#include <string>

#include "core/text.h"
#include "triage/entity_list.h"
#include "triage/entity_names.h"
#include "triage/finding.h"

namespace tocsin::triage {
namespace {

namespace dom = simdjson::dom;
using model::EntityKind;
using model::EntityRole;
using Kind = Finding::Relation::Kind;
using Index = EntityList::Index;

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::size_t kMaxEvidences = 64, kMaxListed = 64, kMaxUrlsOfCommand = 4;
constexpr std::size_t kMaxAffectedHosts = 16;  // Of a correlation over more hosts, none is what it is about.

// A value that may not be there; every question of what is not there answers nothing.
class Node {
 public:
  Node() = default;
  explicit Node(dom::element element) : element_(element), there_(true) {}

  Node operator[](std::string_view name) const {
    dom::element found;
    dom::object object;
    if (!there_ || element_.get(object) || object.at_key(name).get(found)) return {};
    return Node(found);
  }
  [[nodiscard]] std::string_view text() const {
    std::string_view out;
    if (!there_ || element_.get(out)) return {};
    return out;
  }
  // Also of a number.
  [[nodiscard]] std::string scalar() const {
    if (const auto value = number()) return std::to_string(*value);
    return std::string(text());
  }
  [[nodiscard]] std::optional<std::int64_t> number() const {
    std::int64_t out = 0;
    if (!there_ || element_.get(out)) return std::nullopt;
    return out;
  }
  template <class Visit>
  void each(std::size_t most, const Visit& visit) const {
    dom::array list;
    if (!there_ || element_.get(list)) return;
    for (const dom::element one : list) {
      if (most-- == 0) return;
      visit(Node(one));
    }
  }
  template <class Visit>
  void each_member(std::size_t most, const Visit& visit) const {
    dom::object object;
    if (!there_ || element_.get(object)) return;
    for (const auto& [name, value] : object) {
      if (most-- == 0) return;
      visit(name, Node(value));
    }
  }
  explicit operator bool() const { return there_; }

 private:
  dom::element element_;
  bool there_ = false;
};

core::Timestamp time_of(Node node) {
  const auto ms = node.number();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / kNsPerMs;
  if (!ms || *ms > kMost || *ms < -kMost) return core::kNoTime;
  return {*ms * kNsPerMs};
}

// One evidence: what stands at its top, else what the whole event has.
struct Evidence {
  Node top, data;
  Node operator[](std::string_view name) const {
    const Node found = top[name];
    return found ? found : data[name];
  }
};

Index read_user(EntityList& list, Node user, EntityRole role) {
  if (!user) return std::nullopt;
  const std::string uid = user["uid"].scalar();
  const std::string_view email = user["email_addr"].text();
  return list.user({user["name"].text(), user["domain"].text(), uid, email}, role);
}

void read_hashes(EntityList& list, Node file, EntityRole role) {
  file["hashes"].each(kMaxListed, [&](Node hash) { list.hash(hash["algorithm"].text(), hash["value"].text(), role); });
}

Index read_process(EntityList& list, Node process, EntityRole role, std::optional<std::int64_t> started_ms) {
  if (!process) return std::nullopt;
  const std::string uid = process["uid"].scalar();
  auto created = process["created_time"].number();
  if (!created) created = started_ms;
  const Index index =
      list.process({uid, process["name"].text(), process["file"]["path"].text(), process["pid"].number(), created}, role);
  for (const std::string& host : url_hosts(process["cmd_line"].text(), kMaxUrlsOfCommand)) {
    list.relate(Kind::kConnected, index, list.name(host, EntityRole::kDestination));
  }
  read_hashes(list, process["file"], role);
  return index;
}

constexpr std::int64_t kProcessActivity = 1007, kLaunch = 1;

void read_processes(EntityList& list, const Evidence& event, Index user) {
  const bool about_process = event.data["class_uid"].number() == kProcessActivity;
  const bool launch = about_process && event.data["activity_id"].number() == kLaunch;
  const Node process = event["process"], actor = event["actor"]["process"];
  const EntityRole role = about_process && !launch ? EntityRole::kTarget : EntityRole::kAffected;
  const Index started = read_process(list, process, role, launch ? event.data["time"].number() : std::nullopt);
  const Index by = read_process(list, actor, launch ? EntityRole::kParent : EntityRole::kActor, std::nullopt);
  if (launch) list.relate(Kind::kStarted, by, started);
  const Index parent = read_process(list, process["parent_process"], EntityRole::kParent, std::nullopt);
  list.relate(Kind::kStarted, parent, started);
  // Where the actor is the parent, its own parent is one step further up.
  const Index above = read_process(list, actor["parent_process"], EntityRole::kParent, std::nullopt);
  list.relate(Kind::kStarted, above, by);
  const Index runs_as =
      read_user(list, process["user"], role == EntityRole::kTarget ? EntityRole::kTarget : EntityRole::kActor);
  list.relate(Kind::kRanAs, started, runs_as);
  list.relate(Kind::kRanAs, by, user);
  // What a launched program is on disk; of other events, the file that was touched.
  if (launch) list.file(process["file"]["path"].text(), EntityRole::kAffected);
  const Node file = event["file"];
  const Index touched = list.file(file["path"].text(), EntityRole::kTarget);
  read_hashes(list, file, EntityRole::kTarget);
  list.relate(Kind::kWrote, by, touched);
}

Index read_endpoint(EntityList& list, Node endpoint, EntityRole role) {
  const Index address = list.address(endpoint["ip"].text(), role);
  Index name = list.name(endpoint["hostname"].text(), role);
  if (!name) name = list.name(endpoint["name"].text(), role);
  return name ? name : address;
}

void read_network(EntityList& list, const Evidence& event, Index device) {
  const Index source = read_endpoint(list, event["src_endpoint"], EntityRole::kSource);
  const Index destination = read_endpoint(list, event["dst_endpoint"], EntityRole::kDestination);
  if (source && destination)
    list.relate(Kind::kConnected, source, destination);
  else if (source && device)
    list.relate(Kind::kConnected, source, device);
  else if (destination && device)
    list.relate(Kind::kConnected, device, destination);
  const Node query = event["query"];
  list.name(query["hostname"].text(), EntityRole::kDestination);
  for (const Node url : {event["url"], event["http_request"]["url"]}) {
    const std::string_view host = url["hostname"].text();
    if (!host.empty()) list.name(core::ascii_lower(host), EntityRole::kDestination);
  }
  event["tls"]["sni"] ? void(list.name(event["tls"]["sni"].text(), EntityRole::kDestination)) : void();
}

void read_cloud(EntityList& list, const Evidence& event) {
  const Node cloud = event["cloud"];
  const std::string account = cloud["account"]["uid"].scalar();
  if (!account.empty()) {
    list.plain(EntityKind::kCloudResource, "account:" + core::ascii_lower(account), account, EntityRole::kAffected);
  }
  event["resources"].each(kMaxListed, [&](Node resource) {
    const std::string_view uid = resource["uid"].text();
    const std::string_view name = resource["name"].text();
    if (uid.starts_with("arn:") || uid.starts_with('/') || uid.find("://") != std::string_view::npos)
      list.plain(EntityKind::kCloudResource, uid, name.empty() ? uid : name, EntityRole::kTarget);
  });
}

// Names of fields that correlations group by, and what their values are. Rules of others use the names of their logs.
struct GroupField {
  std::string_view name;  // In lower case.
  EntityKind kind;
  EntityRole role;
};
constexpr std::array kGroupFields{
    GroupField{"computer", EntityKind::kHost, EntityRole::kAffected},
    GroupField{"computername", EntityKind::kHost, EntityRole::kAffected},
    GroupField{"hostname", EntityKind::kHost, EntityRole::kAffected},
    GroupField{"host", EntityKind::kHost, EntityRole::kAffected},
    GroupField{"host.name", EntityKind::kHost, EntityRole::kAffected},
    GroupField{"workstationname", EntityKind::kHost, EntityRole::kSource},
    GroupField{"workstation", EntityKind::kHost, EntityRole::kSource},
    GroupField{"ipaddress", EntityKind::kAddress, EntityRole::kSource},
    GroupField{"c-ip", EntityKind::kAddress, EntityRole::kSource},
    GroupField{"src_ip", EntityKind::kAddress, EntityRole::kSource},
    GroupField{"srcip", EntityKind::kAddress, EntityRole::kSource},
    GroupField{"source.ip", EntityKind::kAddress, EntityRole::kSource},
    GroupField{"sourceip", EntityKind::kAddress, EntityRole::kSource},
    GroupField{"sourceipaddress", EntityKind::kAddress, EntityRole::kSource},
    GroupField{"id.orig_h", EntityKind::kAddress, EntityRole::kSource},
    GroupField{"client.ipaddress", EntityKind::kAddress, EntityRole::kSource},
    GroupField{"clientip", EntityKind::kAddress, EntityRole::kSource},
    GroupField{"id.resp_h", EntityKind::kAddress, EntityRole::kDestination},
    GroupField{"dst_ip", EntityKind::kAddress, EntityRole::kDestination},
    GroupField{"dstip", EntityKind::kAddress, EntityRole::kDestination},
    GroupField{"dest_ip", EntityKind::kAddress, EntityRole::kDestination},
    GroupField{"destination.ip", EntityKind::kAddress, EntityRole::kDestination},
    GroupField{"destinationip", EntityKind::kAddress, EntityRole::kDestination},
    GroupField{"useridentity.arn", EntityKind::kUser, EntityRole::kActor},
    GroupField{"user", EntityKind::kUser, EntityRole::kActor},
    GroupField{"username", EntityKind::kUser, EntityRole::kActor},
    GroupField{"user.name", EntityKind::kUser, EntityRole::kActor},
    GroupField{"userid", EntityKind::kUser, EntityRole::kActor},
    GroupField{"userprincipalname", EntityKind::kUser, EntityRole::kActor},
    GroupField{"actor.alternateid", EntityKind::kUser, EntityRole::kActor},
    GroupField{"subjectusersid", EntityKind::kUser, EntityRole::kActor},
    GroupField{"subjectusername", EntityKind::kUser, EntityRole::kActor},
    GroupField{"targetusername", EntityKind::kUser, EntityRole::kTarget},
    GroupField{"targetusersid", EntityKind::kUser, EntityRole::kTarget},
    GroupField{"recipientaccountid", EntityKind::kCloudResource, EntityRole::kAffected},
    GroupField{"image", EntityKind::kFile, EntityRole::kAffected},
    GroupField{"query", EntityKind::kDomain, EntityRole::kDestination},
    GroupField{"destinationhostname", EntityKind::kDomain, EntityRole::kDestination},
};

void read_group_field(EntityList& list, const GroupField& field, std::string_view value) {
  switch (field.kind) {
    case EntityKind::kHost:
    case EntityKind::kAddress: list.host_or_address(value, field.role); return;
    case EntityKind::kUser:
      if (value.starts_with("arn:") || value.starts_with("S-1-"))
        list.user({.name = value.starts_with("arn:") ? value.substr(value.rfind('/') + 1) : std::string_view(),
                   .domain = {},
                   .uid = value,
                   .email = {}},
                  field.role);
      else
        list.user({.name = value, .domain = {}, .uid = {}, .email = {}}, field.role);
      return;
    case EntityKind::kFile: list.file(value, field.role); return;
    case EntityKind::kDomain: list.name(value, field.role); return;
    default: list.plain(field.kind, "account:" + core::ascii_lower(value), value, field.role);
  }
}

void read_correlation(EntityList& list, Node data) {
  std::size_t hosts = 0;
  data["hosts"].each(kMaxListed, [&](Node) { ++hosts; });
  const EntityRole role = hosts <= kMaxAffectedHosts ? EntityRole::kAffected : EntityRole::kRelated;
  data["hosts"].each(kMaxListed, [&](Node host) { list.host_or_address(host.text(), role); });
  data["group"].each_member(kMaxListed, [&](std::string_view name, Node value) {
    const std::string lower = core::ascii_lower(name);
    for (const GroupField& field : kGroupFields) {
      if (field.name == lower) read_group_field(list, field, value.text());
    }
  });
}

void read_evidence(EntityList& list, Node evidence, Node device_of_finding, Finding& out) {
  const Evidence event{evidence, evidence["data"]};
  Node device = event["device"];
  if (!device) device = device_of_finding;
  std::string_view name = device["hostname"].text();
  if (name.empty()) name = device["name"].text();
  if (host_key(name).empty() && name.empty()) name = device["uid"].text();
  list.set_device(name);
  Index on = list.host_or_address(name, EntityRole::kAffected);
  const Index address = list.address(device["ip"].text(), EntityRole::kAffected);
  if (!on) on = address;
  if (event.data["group"]) read_correlation(list, event.data);
  const Index user = read_user(list, event["actor"]["user"], EntityRole::kActor);
  const Index target = read_user(list, event["user"], EntityRole::kTarget);
  const std::string session = event["actor"]["session"]["uid"].scalar();
  const Index logon = list.session(session.empty() ? event["session"]["uid"].scalar() : session);
  // auditd: who logged in, which sudo does not change.
  const std::string login_uid = event["actor"]["session"]["uid_alt"].scalar();
  if (!login_uid.empty()) list.user({.name = {}, .domain = {}, .uid = login_uid, .email = {}}, EntityRole::kActor);
  list.relate(Kind::kLoggedOn, user ? user : target, logon ? logon : on);
  read_processes(list, event, user);
  read_network(list, event, on);
  read_cloud(list, event);
  for (const std::string_view service : {event["service"]["name"].text(), event["win_service"]["name"].text()}) {
    list.of_host(EntityKind::kService, service, EntityRole::kTarget);
  }
  for (const std::string& host : url_hosts(event["script"]["script_content"]["value"].text().empty()
                                               ? event["script"]["script_content"].text()
                                               : event["script"]["script_content"]["value"].text(),
                                           kMaxUrlsOfCommand)) {
    list.name(host, EntityRole::kDestination);
  }
  if (out.source.empty()) out.source = event.data["metadata"]["product"]["name"].text();
}

void add_once(std::vector<std::string>& to, std::string_view value) {
  if (value.empty() || to.size() >= kMaxListed) return;
  for (const std::string& one : to) {
    if (one == value) return;
  }
  to.emplace_back(value);
}

void read_attacks(Node info, Finding& out) {
  const bool tactics = out.tactics.empty(), techniques = out.techniques.empty();
  info["attacks"].each(kMaxListed, [&](Node attack) {
    if (tactics) {
      add_once(out.tactics, attack["tactic"]["uid"].text());
      attack["tactics"].each(kMaxListed, [&](Node tactic) { add_once(out.tactics, tactic["uid"].text()); });
    }
    if (techniques) {
      const std::string_view exact = attack["sub_technique"]["uid"].text();
      add_once(out.techniques, exact.empty() ? attack["technique"]["uid"].text() : exact);
    }
  });
}

void fill(std::string& to, std::string_view value) {
  if (to.empty()) to = value;
}

void read_head(Node root, Finding& out) {
  const Node info = root["finding_info"];
  fill(out.id, info["uid"].text());
  fill(out.rule_id, info["analytic"]["uid"].text());
  fill(out.rule_title, info["title"].text());
  fill(out.reason, root["unmapped"]["tocsin"]["correlation"]["reason"].text());
  if (out.severity_id == 0) {
    const auto severity = root["severity_id"].number();
    out.severity_id = static_cast<std::uint8_t>(severity && *severity >= 0 && *severity <= 6 ? *severity : 0);
  }
  if (!out.event_time.known()) out.event_time = time_of(root["time"]);
  read_attacks(info, out);
}

}  // namespace

core::Result<void> read_finding(std::string_view ocsf, Finding& out) {
  dom::parser parser;
  dom::element element;
  dom::object object;
  if (parser.parse(ocsf.data(), ocsf.size()).get(element) || element.get(object))
    return core::Error{core::ErrorCode::kInvalid, "a finding is no JSON object"};
  const Node root(element);
  read_head(root, out);
  EntityList list(out);
  bool any = false;
  root["evidences"].each(kMaxEvidences, [&](Node evidence) {
    any = true;
    read_evidence(list, evidence, root["device"], out);
  });
  if (!any) {
    list.host_or_address(root["device"]["hostname"].text(), EntityRole::kAffected);
    list.address(root["device"]["ip"].text(), EntityRole::kAffected);
  }
  return {};
}

}  // namespace tocsin::triage
