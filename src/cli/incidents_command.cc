#include "cli/incidents_command.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <set>

#include "cli/sinks/shown_text.h"
#include "cli/sinks/style.h"
#include "core/json_writer.h"
#include "triage/joiner.h"
#include "triage/prevalence.h"

namespace tocsin::cli {
namespace {

using triage::Finding;
using triage::IncidentId;

constexpr std::size_t kReasonsShown = 4;

struct Member {
  const Finding* finding = nullptr;
  std::vector<model::JoinReason> reasons;
};
using Incidents = std::map<IncidentId, std::vector<Member>>;

core::Error error(core::ErrorCode code, std::string text) { return {code, std::move(text)}; }

core::Result<void> read_lines(std::istream& in, const std::string& name, std::vector<Finding>& out,
                              IncidentsSummary& summary) {
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    if (line.size() > kMaxFindingLineBytes)
      return error(core::ErrorCode::kLimit, name + ": line " + std::to_string(number) + " is too long");
    Finding finding;
    if (!triage::read_finding(line, finding).ok() || finding.id.empty()) {
      if (summary.bad_lines++ == 0) summary.first_problem = name + ": line " + std::to_string(number) + " is no finding";
      continue;
    }
    if (out.size() == kMaxFindings) return error(core::ErrorCode::kLimit, "more than 5,000,000 findings");
    out.push_back(std::move(finding));
  }
  if (in.bad()) return error(core::ErrorCode::kIo, "cannot read " + name + " to its end");
  return {};
}

core::Result<std::vector<Finding>> read_findings(const std::vector<std::string>& paths, IncidentsSummary& summary) {
  std::vector<Finding> out;
  for (const std::string& path : paths) {
    if (path == "-") {
      TOCSIN_TRY(read_lines(std::cin, "standard input", out, summary));
      continue;
    }
    std::ifstream in(path, std::ios::binary);
    if (!in) return error(core::ErrorCode::kNotFound, "cannot read " + path + ": check that it exists and may be read");
    TOCSIN_TRY(read_lines(in, path, out, summary));
  }
  std::stable_sort(out.begin(), out.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.event_time, a.id) < std::tie(b.event_time, b.id);
  });
  return out;
}

core::Result<void> read_assets(const std::string& path, triage::CountedPrevalence& prevalence) {
  if (path.empty()) return {};
  std::ifstream in(path);
  if (!in) return error(core::ErrorCode::kNotFound, "cannot read " + path + ": check that it exists and may be read");
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || line.front() == '#' || line == "address,host") continue;
    const std::size_t comma = line.find(',');
    if (comma == std::string::npos) {
      return error(core::ErrorCode::kInvalid, path + ":" + std::to_string(number) + ": expected address,host");
    }
    prevalence.learn_address("", line.substr(0, comma), line.substr(comma + 1));
  }
  prevalence.refresh();
  return {};
}

Incidents join(const std::vector<Finding>& findings, triage::CountedPrevalence& prevalence,
               std::shared_ptr<const triage::JoinPolicy> policy, IncidentsSummary& summary) {
  Incidents out;
  IncidentId last = 0;
  triage::Joiner joiner(std::move(policy), prevalence.snapshot(), [&] { return ++last; });
  for (const Finding& finding : findings) {
    if (prevalence.add(finding)) joiner.set_prevalence(prevalence.snapshot());
    triage::Join joined = joiner.add(finding);
    std::vector<Member>& members = out[joined.incident];
    for (const IncidentId gone : joined.merged) {
      std::vector<Member> moved = std::move(out[gone]);
      out.erase(gone);
      members.insert(members.end(), std::make_move_iterator(moved.begin()), std::make_move_iterator(moved.end()));
    }
    members.push_back({&finding, std::move(joined.reasons)});
  }
  summary.merged = joiner.stats().merged;
  for (auto& [id, members] : out) {
    std::stable_sort(members.begin(), members.end(),
                     [](const Member& a, const Member& b) { return a.finding->event_time < b.finding->event_time; });
  }
  return out;
}

std::set<std::string> hosts_of(const Finding& finding) {
  std::set<std::string> out;
  for (const model::Entity& entity : finding.entities) {
    if (entity.kind == model::EntityKind::kHost && entity.role == model::EntityRole::kAffected) out.insert(entity.key);
  }
  return out;
}

struct Overview {
  IncidentId id = 0;
  const std::vector<Member>* members = nullptr;
  std::uint8_t severity_id = 0;
  std::string title;
  std::set<std::string> hosts, rules;
};

std::vector<Overview> overviews(const Incidents& incidents) {
  std::vector<Overview> out;
  for (const auto& [id, members] : incidents) {
    Overview one{id, &members, 0, "", {}, {}};
    for (const Member& member : members) {
      const Finding& finding = *member.finding;
      if (one.title.empty() || finding.severity_id > one.severity_id) one.title = finding.rule_title;
      one.severity_id = std::max(one.severity_id, finding.severity_id);
      one.hosts.merge(hosts_of(finding));
      one.rules.insert(finding.rule_id);
    }
    out.push_back(std::move(one));
  }
  // What needs eyes first: the worst, then what many different rules speak of.
  std::stable_sort(out.begin(), out.end(), [](const Overview& a, const Overview& b) {
    return std::tuple(-a.severity_id, -static_cast<std::int64_t>(a.rules.size())) <
           std::tuple(-b.severity_id, -static_cast<std::int64_t>(b.rules.size()));
  });
  return out;
}

void write_reason(const model::JoinReason& reason, core::JsonWriter& json) {
  json.begin_object().member("kind", reason.kind).member("text", reason.text);
  json.key("entity").begin_object().member("kind", model::to_string(reason.entity.kind));
  json.member("key", reason.entity.key).member("label", reason.entity.label).end_object();
  json.member("finding", reason.finding).key("gap_ms").number(reason.gap_ns / 1'000'000).key("weight").number(reason.weight);
  json.end_object();
}

void write_json(const Overview& one, std::ostream& out) {
  std::string text;
  core::JsonWriter json(text);
  json.begin_object()
      .key("number")
      .number(one.id)
      .member("title", one.title)
      .key("severity_id")
      .number(static_cast<int>(one.severity_id));
  json.member("first_event", core::format_iso_time(one.members->front().finding->event_time));
  json.member("last_event", core::format_iso_time(one.members->back().finding->event_time));
  json.key("hosts").begin_array();
  for (const std::string& host : one.hosts) json.text(host);
  json.end_array().key("findings").begin_array();
  for (const Member& member : *one.members) {
    json.begin_object().member("id", member.finding->id).member("time", core::format_iso_time(member.finding->event_time));
    json.member("rule_id", member.finding->rule_id).member("rule_title", member.finding->rule_title);
    json.key("severity_id").number(static_cast<int>(member.finding->severity_id)).key("reasons").begin_array();
    for (const model::JoinReason& reason : member.reasons) write_reason(reason, json);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  out << text << '\n';
}

// The joins that held this incident together, the most telling first, each kind and thing once.
std::vector<std::string> telling_reasons(const Overview& one) {
  std::vector<const model::JoinReason*> all;
  std::set<std::pair<std::string, std::string>> seen;
  for (const Member& member : *one.members) {
    for (const model::JoinReason& reason : member.reasons) {
      if (reason.kind != "first" && seen.emplace(reason.kind, reason.entity.key).second) all.push_back(&reason);
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const auto* a, const auto* b) { return a->weight > b->weight; });
  // One of each kind first: five processes say less than a process, a connection and an address.
  std::vector<std::string> out;
  std::set<std::string> kinds;
  for (const auto* reason : all) {
    if (out.size() < kReasonsShown && kinds.insert(reason->kind).second) out.push_back(reason->text);
  }
  return out;
}

void write_table(const std::vector<Overview>& all, const IncidentsOptions& options, std::ostream& out) {
  const Style style(options.colour);
  constexpr std::size_t kFixed = 8 + 9 + 9 + 6 + 6 + 20;
  const std::size_t rest = std::max<std::size_t>(20, options.width > kFixed ? options.width - kFixed : 0);
  out << style.bold("INCIDENT LEVEL    FINDINGS HOSTS RULES FIRST (UTC)          TITLE") << '\n';
  for (std::size_t i = 0; i < std::min<std::size_t>(all.size(), options.max_shown); ++i) {
    const Overview& one = all[i];
    const auto level = static_cast<model::Level>(std::clamp<int>(one.severity_id, 1, 5) - 1);
    out << fit_to("INC-" + std::to_string(one.id), 8) << ' ' << style.level(level, fit_to(short_name(level), 8)) << ' ';
    out << fit_to(grouped(one.members->size()), 8) << ' ' << fit_to(grouped(one.hosts.size()), 5) << ' '
        << fit_to(grouped(one.rules.size()), 5);
    out << ' ' << shown_time(one.members->front().finding->event_time) << "  " << cut_to(shown_text(one.title), rest)
        << '\n';
    for (const std::string& reason : telling_reasons(one)) {
      out << "         " << style.dim(cut_to(shown_text(reason), std::max<std::size_t>(40, options.width - 9))) << '\n';
    }
  }
  if (all.size() > options.max_shown)
    out << "... and " << grouped(all.size() - options.max_shown) << " more incidents (--max)\n";
}

}  // namespace

core::Result<IncidentsSummary> run_incidents(const IncidentsOptions& options, const Content& content, std::ostream& out) {
  constexpr std::string_view kPolicyPath = "triage/joining.yml";
  const auto policy_text = content.files().find(std::string(kPolicyPath));
  if (policy_text == content.files().end())
    return error(core::ErrorCode::kNotFound, "the content has no triage/joining.yml");
  auto policy = TOCSIN_TRY(triage::read_join_policy(policy_text->second, kPolicyPath));
  IncidentsSummary summary;
  const std::vector<Finding> findings = TOCSIN_TRY(read_findings(options.paths, summary));
  triage::CountedPrevalence prevalence;
  TOCSIN_TRY(read_assets(options.assets_path, prevalence));
  const Incidents incidents = join(findings, prevalence, std::move(policy), summary);
  const std::vector<Overview> all = overviews(incidents);
  summary.findings = findings.size();
  summary.incidents = incidents.size();
  if (options.format == "json") {
    for (const Overview& one : all) write_json(one, out);
  } else {
    write_table(all, options, out);
  }
  return summary;
}

}  // namespace tocsin::cli
