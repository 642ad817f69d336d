#include "api/parts/openapi.h"

#include <algorithm>
#include <map>

#include "core/text.h"

namespace tocsin::api {
namespace {

constexpr int kMaxDepth = 16;

struct Member {
  std::string name, schema;
  bool optional = false;
};

class ShapeReader {
 public:
  explicit ShapeReader(std::string_view text) : text_(text) {}
  core::Result<std::string> whole() {
    auto out = TOCSIN_TRY(one(0));
    if (at_ < text_.size()) return fail("the end");
    return out;
  }
  core::Result<std::vector<Member>> members(int depth) {
    std::vector<Member> out;
    if (!take('{')) return fail("{");
    while (!take('}')) {
      Member member;
      while (at_ < text_.size() && (word(text_[at_]) || text_[at_] == '*')) member.name += text_[at_++];
      member.optional = take('?');
      if (member.name.empty() || !take(':')) return fail("a name and :");
      member.schema = TOCSIN_TRY(one(depth + 1));
      out.push_back(std::move(member));
      while (take(' ')) continue;
    }
    return out;
  }

 private:
  static bool word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  core::Error fail(const char* expected) const {
    return {core::ErrorCode::kInvalid,
            "shape \"" + std::string(text_) + "\" at " + std::to_string(at_) + ": expected " + expected};
  }
  core::Result<std::string> one(int depth) {
    if (depth > kMaxDepth) return fail("less depth");
    std::string out;
    core::JsonWriter json(out);
    if (take('[')) {
      const auto item = TOCSIN_TRY(one(depth + 1));
      if (!take(']')) return fail("]");
      json.begin_object().member("type", "array").key("items").raw(item).end_object();
      return out;
    }
    if (at_ < text_.size() && text_[at_] == '{') return object(depth);
    std::string name;
    while (at_ < text_.size() && (word(text_[at_]) || text_[at_] == '|' || text_[at_] == '-')) name += text_[at_++];
    return named(name);
  }
  core::Result<std::string> object(int depth) {
    std::string out, required;
    core::JsonWriter json(out);
    json.begin_object().member("type", "object");
    const auto all = TOCSIN_TRY(members(depth));
    if (all.size() == 1 && all[0].name == "*") {
      json.key("additionalProperties").raw(all[0].schema).end_object();
      return out;
    }
    json.key("properties").begin_object();
    for (const Member& member : all) json.key(member.name).raw(member.schema);
    json.end_object();
    if (std::any_of(all.begin(), all.end(), [](const Member& m) { return !m.optional; })) {
      json.key("required").begin_array();
      for (const Member& member : all) {
        if (!member.optional) json.text(member.name);
      }
      json.end_array();
    }
    json.end_object();
    return out;
  }
  core::Result<std::string> named(const std::string& name) const {
    static const std::map<std::string, const char*> kWords = {{"text", R"({"type":"string"})"},
                                                              {"int", R"({"type":"integer"})"},
                                                              {"number", R"({"type":"number"})"},
                                                              {"bool", R"({"type":"boolean"})"},
                                                              {"time", R"({"type":["string","null"],"format":"date-time"})"},
                                                              {"cursor", R"({"type":["string","null"]})"},
                                                              {"any", "{}"}};
    if (const auto found = kWords.find(name); found != kWords.end()) return std::string(found->second);
    std::string out;
    core::JsonWriter json(out);
    if (name.find('|') != std::string::npos) {
      json.begin_object().member("type", "string").key("enum").begin_array();
      for (std::size_t at = 0; at < name.size();) {
        const std::size_t end = std::min(name.find('|', at), name.size());
        json.text(std::string_view(name).substr(at, end - at));
        at = end + 1;
      }
      json.end_array().end_object();
      return out;
    }
    const auto& shapes = named_shapes();
    if (std::none_of(shapes.begin(), shapes.end(), [&](const auto& shape) { return name == shape.first; })) {
      return fail("a type");
    }
    json.begin_object().member("$ref", "#/components/schemas/" + name).end_object();
    return out;
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

// "/a/{b*}" -> "/a/{b}" and its names.
std::string path_of(std::string_view pattern, std::vector<std::string>& names) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '*') continue;
    out += pattern[at];
    if (pattern[at] != '{') continue;
    const std::size_t end = std::min(pattern.find_first_of("*}", at), pattern.size());
    names.emplace_back(pattern.substr(at + 1, end - at - 1));
  }
  return out;
}

void write_parameter(core::JsonWriter& json, const char* in, const Member& member) {
  json.begin_object().member("name", member.name).member("in", in);
  json.key("required").boolean(!member.optional);
  json.key("schema").raw(member.schema).end_object();
}

struct Operation {
  std::string method, pattern, summary, right, tag;
  const char *parameters = "", *takes = "", *gives = "";
  int status = 200;
};

core::Result<void> write_content(core::JsonWriter& json, std::string_view shape) {
  std::string_view type = "application/json";
  json.key("content").begin_object();
  if (shape.starts_with('!')) {
    type = shape.substr(1);
    json.key(type).begin_object().key("schema").raw(R"({"type":"string"})").end_object();
  } else {
    json.key(type).begin_object().key("schema").raw(TOCSIN_TRY(schema_of_shape(shape))).end_object();
  }
  json.end_object();
  return {};
}

core::Result<void> write_operation(core::JsonWriter& json, const Operation& operation,
                                   const std::vector<std::string>& names) {
  json.key(core::ascii_lower(operation.method)).begin_object();
  json.member("summary", operation.summary).key("tags").begin_array().text(operation.tag).end_array();
  std::string id = core::ascii_lower(operation.method);
  for (const char c : operation.pattern) id += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_';
  json.member("operationId", id);
  json.member("x-right", operation.right);
  if (operation.right == "public") json.key("security").begin_array().end_array();
  json.key("parameters").begin_array();
  for (const std::string& name : names) write_parameter(json, "path", {name, R"({"type":"string"})", false});
  if (*operation.parameters != '\0') {
    ShapeReader reader(operation.parameters);
    for (const Member& member : TOCSIN_TRY(reader.members(0))) write_parameter(json, "query", member);
  }
  json.end_array();
  if (*operation.takes != '\0') {
    json.key("requestBody").begin_object().key("required").boolean(true);
    TOCSIN_TRY(write_content(json, operation.takes));
    json.end_object();
  }
  json.key("responses").begin_object();
  json.key(std::to_string(*operation.gives == '\0' ? 204 : operation.status)).begin_object().member("description", "Well.");
  if (*operation.gives != '\0') TOCSIN_TRY(write_content(json, operation.gives));
  json.end_object();
  json.key("default").raw(R"({"$ref":"#/components/responses/Problem"})");
  json.end_object().end_object();
  return {};
}

void write_security(core::JsonWriter& json) {
  json.key("securitySchemes")
      .raw(
          R"({"session":{"type":"apiKey","in":"cookie","name":"tocsin_session"},"token":{"type":"http","scheme":"bearer"}})");
  json.key("responses")
      .raw(R"({"Problem":{"description":"What went wrong (RFC 9457).","content":{"application/problem+json":{"schema":)"
           R"({"$ref":"#/components/schemas/Problem"}}}}})");
}

}  // namespace

core::Result<std::string> schema_of_shape(std::string_view shape) { return ShapeReader(shape).whole(); }

core::Result<std::string> openapi_text(const Routes& routes, const std::vector<http::Route>& others,
                                       std::string_view version) {
  std::map<std::string, std::vector<std::pair<Operation, std::vector<std::string>>>> paths;
  const auto add = [&](Operation operation) {
    std::vector<std::string> names;
    const std::string path = path_of(operation.pattern, names);
    paths[path].emplace_back(std::move(operation), std::move(names));
  };
  for (const RouteSpec& route : routes) {
    add({route.method, route.pattern, route.summary, route.right, route.tag, route.parameters, route.takes, route.gives,
         route.status});
  }
  for (const http::Route& route : others) {
    add({route.method, route.pattern, route.summary, route.right, route.tag, "", "", "any", 200});
  }
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().member("openapi", "3.1.0");
  json.key("info").begin_object().member("title", "Tocsin").member("version", version);
  json.key("license").raw(R"({"name":"Apache-2.0","identifier":"Apache-2.0"})").end_object();
  json.key("security").raw(R"([{"session":[]},{"token":[]}])");
  json.key("paths").begin_object();
  for (const auto& [path, operations] : paths) {
    json.key(path).begin_object();
    for (const auto& [operation, names] : operations) TOCSIN_TRY(write_operation(json, operation, names));
    json.end_object();
  }
  json.end_object().key("components").begin_object();
  write_security(json);
  json.key("schemas").begin_object();
  for (const auto& [name, shape] : named_shapes()) json.key(name).raw(TOCSIN_TRY(schema_of_shape(shape)));
  json.end_object().end_object().end_object();
  return out;
}

const std::vector<std::pair<const char*, const char*>>& named_shapes() {
  static const std::vector<std::pair<const char*, const char*>> kShapes = {
      {"Problem",
       "{type:text title:text status:int detail?:text field?:text right?:text position?:int hint?:text outcome?:text}"},
      {"User",
       "{name:text display_name:text role:Role tenants:[text] rights:[text] totp:bool enabled?:bool "
       "last_login_at?:time created_at?:time}"},
      {"Role", "viewer|analyst|responder|hunter|engineer|admin"},
      {"Level", "informational|low|medium|high|critical"},
      {"Mode", "on|draft|off"},
      {"Session", "{id:text created_at:time seen_at:time address:text agent:text current:bool}"},
      {"Token", "{id:text user:text name:text scopes:[text] created_at:time expires_at:time used_at:time token?:text}"},
      {"AuditRecord", "{sequence:int time:time actor:text action:text object:text address:text detail:any hash:text}"},
      {"Finding",
       "{id:text time:time received_at:time detected_at:time tenant:text site:text source:text rule_id:text "
       "rule_title:text level:text severity_id:int host:text user:text tactics:[text] techniques:[text] "
       "event_count:int reason:text incident?:any}"},
      {"Incident",
       "{id:text number:int tenant:text site:text title:text summary:text state:text verdict:text severity_id:int "
       "score:number priority:text owner:text tags:[text] tactics:[text] techniques:[text] finding_count:int "
       "host_count:int user_count:int rule_count:int main_host:text main_user:text tlp:text pap:text opened_by:text "
       "merged_into:any version:int first_event:time last_event:time created_at:time changed_at:time "
       "acknowledged_at:time contained_at:time recovered_at:time closed_at:time sla_due?:time sla_breached?:bool}"},
      {"NotifyChannel",
       "{id:int name:text kind:text enabled:bool tenant:text target:any has_secret:bool events:[text] min_priority:text "
       "quiet:any escalate_after_s:any created_by:text created_at:time changed_at:time}"},
      {"NotifyDelivery",
       "{id:int channel:int channel_name:text event:text incident:text state:pending|sent|dead attempts:int next_at:time "
       "problem:text created_at:time sent_at:time}"},
      {"IncidentDetail", "{*:any}"},
      {"IncidentFinding",
       "{id:text time:time detected_at:time joined_at:time rule_id:text rule_title:text severity_id:int host:text "
       "user:text source:text tactics:[text] reasons:[{*:any}] added_by:text folded:int}"},
      {"IncidentComment", "{id:int at:time author:text text:text}"},
      {"IncidentTask",
       "{id:int title:text phase:text assignee:text done:bool due:time done_at:time done_by:text position:int}"},
      {"IncidentNote", "{id:int event_time:time at:time author:text text:text lane:text event_id:text}"},
      {"IncidentChange",
       "{title?:text owner?:text priority?:text tlp?:text pap?:text tags?:[text] state?:text version?:int}"},
      {"Closing", "{verdict:true_positive|benign|false_positive|duplicate cause?:text duplicate_of?:any}"},
      {"Asset",
       "{tenant:text site:text kind:text key:text label:text aliases:[text] addresses:[text] criticality:int owner:text "
       "zone:text exposure:text os:text tags:[text] declared:bool first_seen:time last_seen:time changed_at:time "
       "changed_by:text}"},
      {"AssetChange",
       "{tenant?:text site?:text label?:text aliases?:[text] criticality?:int owner?:text zone?:text exposure?:text "
       "os?:text tags?:[text]}"},
      {"SuppressionField", "{field:text op:text value:text}"},
      {"Suppression",
       "{id:int tenant:text title:text rule_id:text rule_title:text fields:[SuppressionField] yaml:text reason:text "
       "author:text created_at:time expires_at:time enabled:bool state:active|expired|off ended_at:time ended_by:text "
       "changed_at:time changed_by:text silenced:int last_silenced_at:time}"},
      {"Evidence", "{id:int name:text size:int sha256:text media_type:text note:text added_by:text at:time}"},
      {"ReviewPair", "{incident:text first:text second:text first_by:text second_by:text why:text at:time agreed:bool}"},
      {"EntityName", "{kind:text key:text label:text}"},
      {"Times", "{detect_s:any acknowledge_s:any contain_s:any recover_s:any}"},
      {"Spread", "{count:int mean_s:any p50_s:any p90_s:any p95_s:any p99_s:any}"},
      {"Series", "{name:text values:[number]}"},
      {"Histogram", "{from:time to:time step_seconds:number series:[Series] total?:int}"},
      {"Counted", "{value:text count:int label?:text severity_id?:int}"},
      {"Event", "{*:any}"},
      {"Explanation", "{*:any}"},
      {"SearchBody", "{query?:text from?:text to?:text tenant?:[text] search_id?:text}"},
      {"Search", "{id:text name:text owner:text shared:bool query:any changed_at:time}"},
      {"SourceStatus",
       "{id:text name:text kind:text tenant:text site:text format:text enabled:bool origin:text where:text state:text "
       "problem:text config:any has_token:bool records:int bytes:int events:int bad_records:int refused:{*:int} "
       "records_per_s:number bytes_per_s:number lag_ms:any last_received_at:time expected:any silent_since:time rules:int "
       "rates:[number] token?:text}"},
      {"DeadLetter",
       "{sequence:text offset:int received_at:time tenant:text source:text peer:text cause:text detail:text "
       "sample:text bytes:int}"},
      {"RuleStatus",
       "{id:text title:text kind:text level:text status:text mode:Mode path:text origin:text "
       "logsource:{product:text category:text service:text} tactics:[text] techniques:[text] tags:[text] hits:int "
       "hits_24h:int last_hit_at:time cost_ns:any cost_samples:int blind:text changed_by:text changed_at:time}"},
      {"Part", "{name:text ok:bool problem:text facts:{*:text}}"},
      {"Setting", "{key:text value:text origin:text help:text editable:bool}"},
      {"Certificate",
       "{name:text subject:text issuer:text not_before:time not_after:time sha256:text names:[text] "
       "self_signed:bool}"}};
  return kShapes;
}

}  // namespace tocsin::api
