// Service levels: the policy, and the clocks of one incident.
#include "triage/sla.h"

#include "api/handlers/handlers.h"
#include "api/parts/incident_call.h"

namespace tocsin::api {
namespace {

constexpr const char* kDays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

const char* calendar_name(bool business_hours) { return business_hours ? "business hours" : "24/7"; }
std::string time_of_day(std::int64_t second) {
  const std::string hour = std::to_string(second / 3'600), minute = std::to_string(second % 3'600 / 60);
  return (hour.size() < 2 ? "0" : "") + hour + ":" + (minute.size() < 2 ? "0" : "") + minute;
}
Reply no_policy() { return Reply::problem(404, "there are no service levels"); }

Reply get_clocks(Call& call) {
  const auto incident = TOCSIN_TRY(read_incident(call));
  const auto policy = call.context.options.sla;
  if (!policy) return no_policy();
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const triage::SlaClock& clock : triage::sla_clocks(*policy, incident, call.now())) {
    json.begin_object().member("name", triage::to_string(clock.goal));
    json.key("target_s").number(std::int64_t{clock.target.count()});
    write_time(json, "due", clock.due);
    write_time(json, "done_at", clock.done_at);
    json.member("state", triage::to_string(clock.state)).member("calendar", calendar_name(clock.business_hours));
    json.end_object();
  }
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

Reply get_policy(Call& call) {
  const auto policy = call.context.options.sla;
  if (!policy) return no_policy();
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("business_hours").begin_object();
  json.member("timezone", policy->hours.zone.name()).member("from", time_of_day(policy->hours.from_second));
  json.member("to", time_of_day(policy->hours.to_second)).key("days").begin_array();
  for (const std::size_t day : {1u, 2u, 3u, 4u, 5u, 6u, 0u}) {
    if (policy->hours.days[day]) json.text(kDays[day]);
  }
  json.end_array().key("holidays").begin_array();
  for (const std::int64_t day : policy->hours.holidays) {
    json.text(core::format_iso_time({day * 86'400 * std::int64_t{1'000'000'000}}).substr(0, 10));
  }
  json.end_array().end_object().key("priorities").begin_array();
  for (std::size_t i = 0; i < triage::kSlaPriorities; ++i) {
    const triage::SlaPolicy::Priority& row = policy->priorities[i];
    json.begin_object().member("priority", "p" + std::to_string(i + 1));
    json.member("calendar", calendar_name(row.business_hours));
    for (std::size_t goal = 0; goal < triage::kSlaGoals; ++goal) {
      json.key(std::string(triage::to_string(static_cast<triage::SlaGoal>(goal))) + "_s");
      json.number(std::int64_t{row.targets[goal].count()});
    }
    json.end_object();
  }
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

}  // namespace

void add_sla_routes(Routes& routes) {
  routes.push_back({"GET", "/api/v1/incidents/{number}/sla", "findings.read", "incidents",
                    "Until when it is to be acknowledged, contained and closed", "", "",
                    "{items:[{name:acknowledge|contain|close target_s:int due:time done_at:time "
                    "state:running|met|breached calendar:text}]}",
                    get_clocks});
  routes.push_back({"GET", "/api/v1/sla", "findings.read", "incidents", "The service levels", "", "",
                    "{business_hours:{timezone:text from:text to:text days:[text] holidays:[text]} "
                    "priorities:[{priority:text calendar:text acknowledge_s:int contain_s:int close_s:int}]}",
                    get_policy});
}

}  // namespace tocsin::api
