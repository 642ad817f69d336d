// Rules of automatic triage and task templates, read strictly: a key that is not known is a problem, not a rule that
// silently says less.
#include "triage/auto_rules.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "core/text.h"
#include "core/yaml.h"

namespace tocsin::triage {
namespace {

using core::YamlNode;

constexpr std::size_t kMaxTextBytes = 512, kMaxIdBytes = 64, kMaxEntityConditions = 16;
constexpr std::array kPriorities{"p1", "p2", "p3", "p4"};
constexpr std::array kPhases{"investigate", "contain", "eradicate", "recover", "learn"};
constexpr std::array kLevels{"informational", "low", "medium", "high", "critical"};
constexpr std::array kDays{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr std::array kZones{"office", "server", "dmz", "ot", "cloud"};
constexpr std::array kExposures{"internet", "internal"};

template <std::size_t kCount>
bool among(const std::array<const char*, kCount>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
template <std::size_t kCount>
std::string listed(const std::array<const char*, kCount>& names) {
  std::string out;
  for (const char* name : names) out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}
std::string listed(const std::vector<std::string>& list) {
  std::string out;
  for (std::size_t i = 0; i < list.size() && i < 8; ++i) out += (i == 0 ? "" : ", ") + core::clip(list[i], 60);
  if (list.size() > 8) out += " and " + std::to_string(list.size() - 8) + " more";
  return out;
}
std::string shown(double value) {
  std::array<char, 32> buffer{};
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
}

// Reads one document; the first thing wrong is kept.
class Reader {
 public:
  explicit Reader(std::string_view path) : path_(path) {}
  [[nodiscard]] const std::string& problem() const { return problem_; }

  void refuse(const YamlNode& at, const std::string& text) {
    if (problem_.empty()) problem_ = path_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + text;
  }
  bool is_map(const YamlNode& node, const std::string& what) {
    if (node.kind == YamlNode::Kind::kMap) return true;
    refuse(node, what + ": expected a map, not " + core::describe(node));
    return false;
  }
  void unknown(const YamlNode& key, const std::string& where, const char* known) {
    refuse(key, "'" + core::clip(key.text) + "' is not known in " + where + "; expected one of " + known);
  }
  std::string text(const YamlNode& node, const std::string& what, std::size_t most = kMaxTextBytes) {
    if (!node.is_scalar() || node.kind == YamlNode::Kind::kNull || node.text.empty() || node.text.size() > most ||
        node.text.find('\0') != std::string::npos) {
      refuse(node, what + ": expected text of 1 to " + std::to_string(most) + " bytes, not " + core::describe(node));
      return {};
    }
    return node.text;
  }
  bool boolean(const YamlNode& node, const std::string& what) {
    if (node.kind != YamlNode::Kind::kBool) refuse(node, what + ": expected true or false, not " + core::describe(node));
    return node.text == "true" || node.text == "True" || node.text == "TRUE";
  }
  double number(const YamlNode& node, const std::string& what, double least, double most) {
    double value = 0;
    const char* end = node.text.data() + node.text.size();
    const auto [at, status] = std::from_chars(node.text.data(), end, value);
    if (node.kind != YamlNode::Kind::kNumber || status != std::errc() || at != end || !(value >= least && value <= most)) {
      refuse(node,
             what + ": expected a number from " + shown(least) + " to " + shown(most) + ", not " + core::describe(node));
    }
    return value;
  }
  // One text or a list of them.
  std::vector<std::string> texts(const YamlNode& node, const std::string& what) {
    std::vector<std::string> out;
    if (node.kind != YamlNode::Kind::kList) {
      out.push_back(text(node, what));
      return out;
    }
    if (node.items.empty() || node.items.size() > kMaxConditionValues)
      refuse(node, what + ": expected 1 to " + std::to_string(kMaxConditionValues) + " texts");
    for (const YamlNode* item : node.items) {
      if (!problem_.empty()) break;
      out.push_back(text(*item, what));
    }
    return out;
  }
  template <std::size_t kCount>
  std::vector<std::string> names(const YamlNode& node, const std::string& what,
                                 const std::array<const char*, kCount>& known) {
    auto out = texts(node, what);
    for (std::string& one : out) {
      one = core::ascii_lower(one);
      if (!one.empty() && !among(known, one))
        refuse(node, what + ": expected of " + listed(known) + ", not '" + core::clip(one) + "'");
    }
    return out;
  }

 private:
  const std::string path_;
  std::string problem_;
};

void add(std::string& text, const std::string& more) { text += (text.empty() ? "" : "; ") + more; }

class ConditionReader {
 public:
  ConditionReader(Reader& reader, Conditions& out) : reader_(reader), out_(out) {}

  void read(const YamlNode& node) {
    if (!reader_.is_map(node, "when")) return;
    if (node.entries.empty()) reader_.refuse(node, "when: expected at least one condition: this would be every incident");
    for (const auto& [key, value] : node.entries) {
      if (!reader_.problem().empty()) return;
      one(*key, *value);
    }
  }

 private:
  void one(const YamlNode& key, const YamlNode& value) {
    const std::string& name = key.text;
    for (const auto& [known, to, most, what] :
         {std::tuple{"score", &out_.score, 100.0, "score"}, std::tuple{"findings", &out_.findings, 1e9, "findings"},
          std::tuple{"hosts", &out_.hosts, 1e9, "hosts"}, std::tuple{"users", &out_.users, 1e9, "users"},
          std::tuple{"rule_count", &out_.rule_count, 1e9, "rules that fired"}}) {
      if (name == known) return bounds(name, value, *to, most, what);
    }
    for (const auto& [known, to] :
         {std::pair{"tactics", &out_.tactics}, std::pair{"techniques", &out_.techniques}, std::pair{"tags", &out_.tags},
          std::pair{"states", &out_.states}, std::pair{"tenants", &out_.tenants}, std::pair{"rules", &out_.rules},
          std::pair{"sources", &out_.sources}, std::pair{"titles", &out_.titles}}) {
      if (name == known) return texts(name, value, *to);
    }
    if (name == "severity") return severity(value);
    if (name == "entities") return entities(value);
    if (name == "days") return days(value);
    if (name == "hours") return hours(value);
    reader_.unknown(
        key, "when",
        "severity, score, findings, hosts, users, rule_count, tactics, techniques, tags, states, tenants, rules, "
        "sources, titles, entities, days, hours");
  }
  void bounds(const std::string& name, const YamlNode& node, std::optional<Bounds>& to, double most, const char* what) {
    const std::string where = "when." + name;
    if (!reader_.is_map(node, where)) return;
    to.emplace();
    for (const auto& [key, value] : node.entries) {
      if (key->text == "at_least") {
        to->at_least = reader_.number(*value, where + ".at_least", 0, most);
      } else if (key->text == "at_most") {
        to->at_most = reader_.number(*value, where + ".at_most", 0, most);
      } else {
        reader_.unknown(*key, where, "at_least, at_most");
      }
    }
    finish(node, where, *to, what, shown);
  }
  template <class Show>
  void finish(const YamlNode& node, const std::string& where, const Bounds& bounds, const char* what, const Show& show) {
    if (!bounds.at_least && !bounds.at_most) reader_.refuse(node, where + ": expected at_least or at_most");
    if (bounds.at_least && bounds.at_most && *bounds.at_least > *bounds.at_most)
      reader_.refuse(node, where + ": at_least is above at_most");
    if (bounds.at_least) add(out_.text, std::string(what) + " at least " + show(*bounds.at_least));
    if (bounds.at_most) add(out_.text, std::string(what) + " at most " + show(*bounds.at_most));
  }
  void severity(const YamlNode& node) {
    if (!reader_.is_map(node, "when.severity")) return;
    out_.severity.emplace();
    for (const auto& [key, value] : node.entries) {
      const std::string where = "when.severity." + core::clip(key->text);
      const auto level = reader_.names(*value, where, kLevels);
      const auto found = level.empty() ? kLevels.end() : std::find(kLevels.begin(), kLevels.end(), level.front());
      const auto id = static_cast<double>(found - kLevels.begin()) + 1;
      if (key->text == "at_least") {
        out_.severity->at_least = id;
      } else if (key->text == "at_most") {
        out_.severity->at_most = id;
      } else {
        reader_.unknown(*key, "when.severity", "at_least, at_most");
      }
    }
    if (!reader_.problem().empty()) return;
    finish(node, "when.severity", *out_.severity, "severity",
           [](double id) { return std::string(kLevels[static_cast<std::size_t>(id) - 1]); });
  }
  void texts(const std::string& name, const YamlNode& node, TextCondition& to) {
    const std::string where = "when." + name;
    if (node.kind != YamlNode::Kind::kMap) {
      to.any = reader_.texts(node, where);
    } else {
      for (const auto& [key, value] : node.entries) {
        std::vector<std::string>* list = key->text == "any"    ? &to.any
                                         : key->text == "all"  ? &to.all
                                         : key->text == "none" ? &to.none
                                                               : nullptr;
        if (list == nullptr) return reader_.unknown(*key, where, "any, all, none");
        *list = reader_.texts(*value, where + "." + key->text);
      }
      if (to.empty()) reader_.refuse(node, where + ": expected any, all or none");
    }
    if (name == "states") check_states(node, to);
    if (!to.any.empty()) add(out_.text, name + ": any of " + listed(to.any));
    if (!to.all.empty()) add(out_.text, name + ": all of " + listed(to.all));
    if (!to.none.empty()) add(out_.text, name + ": none of " + listed(to.none));
  }
  void check_states(const YamlNode& node, const TextCondition& to) {
    for (const auto* list : {&to.any, &to.all, &to.none}) {
      for (const std::string& one : *list) {
        if (!one.empty() && !model::parse_incident_state(one)) {
          reader_.refuse(node,
                         "when.states: expected new, acknowledged, investigating, contained, eradicated, recovered or "
                         "closed, not '" +
                             core::clip(one) + "'");
        }
      }
    }
  }
  void entities(const YamlNode& node) {
    if (node.kind != YamlNode::Kind::kList) return entity(node);
    if (node.items.empty() || node.items.size() > kMaxEntityConditions)
      return reader_.refuse(node, "when.entities: expected 1 to " + std::to_string(kMaxEntityConditions) + " maps");
    for (const YamlNode* item : node.items) entity(*item);
  }
  void entity(const YamlNode& node) {
    if (!reader_.is_map(node, "when.entities")) return;
    if (node.entries.empty()) return reader_.refuse(node, "when.entities: expected at least one condition");
    EntityCondition out;
    std::string text;
    const std::string before = out_.text;
    for (const auto& [key, value] : node.entries) {
      const std::string where = "when.entities." + core::clip(key->text);
      if (key->text == "kind") {
        out.kinds = reader_.texts(*value, where);
        for (const std::string& kind : out.kinds) {
          if (!kind.empty() && !model::parse_entity_kind(kind))
            reader_.refuse(*value,
                           where + ": '" + core::clip(kind) + "' is no kind such as host, user, address, file, hash");
        }
        add(text, "kind " + listed(out.kinds));
      } else if (key->text == "key") {
        out.keys = reader_.texts(*value, where);
        add(text, "called " + listed(out.keys));
      } else if (key->text == "zone") {
        out.zones = reader_.names(*value, where, kZones);
        add(text, "zone " + listed(out.zones));
      } else if (key->text == "exposure") {
        out.exposures = reader_.names(*value, where, kExposures);
        add(text, "exposure " + listed(out.exposures));
      } else if (key->text == "tags") {
        out.tags = reader_.texts(*value, where);
        add(text, "tags " + listed(out.tags));
      } else if (key->text == "criticality") {
        out_.text.clear();
        bounds("entities.criticality", *value, out.criticality, 5, "criticality");
        add(text, out_.text);
      } else {
        reader_.unknown(*key, "when.entities", "kind, key, criticality, zone, exposure, tags");
      }
    }
    out_.text = before;
    add(out_.text, "an entity (" + text + ")");
    out_.entities.push_back(std::move(out));
  }
  void days(const YamlNode& node) {
    const auto list = reader_.names(node, "when.days", kDays);
    for (const std::string& day : list)
      out_.days.push_back(static_cast<int>(std::find(kDays.begin(), kDays.end(), day) - kDays.begin()));
    add(out_.text, "opened on " + listed(list));
  }
  std::optional<int> minute(const YamlNode& node, const std::string& where) {
    const std::string& t = node.text;
    const auto digit = [&](std::size_t i) { return t[i] >= '0' && t[i] <= '9'; };
    if (node.is_scalar() && t.size() == 5 && t[2] == ':' && digit(0) && digit(1) && digit(3) && digit(4)) {
      const int hour = (t[0] - '0') * 10 + t[1] - '0', min = (t[3] - '0') * 10 + t[4] - '0';
      if (hour < 24 && min < 60) return hour * 60 + min;
    }
    reader_.refuse(node, where + ": expected a time of the day, in UTC, such as '18:00'");
    return {};
  }
  void hours(const YamlNode& node) {
    if (!reader_.is_map(node, "when.hours")) return;
    for (const auto& [key, value] : node.entries) {
      if (key->text == "from") {
        out_.from_minute = minute(*value, "when.hours.from");
      } else if (key->text == "to") {
        out_.to_minute = minute(*value, "when.hours.to");
      } else {
        reader_.unknown(*key, "when.hours", "from, to");
      }
    }
    if (!out_.from_minute || !out_.to_minute || out_.from_minute == out_.to_minute)
      return reader_.refuse(node, "when.hours: expected from and to, which differ");
    add(out_.text, "opened between " + node.find("from")->text + " and " + node.find("to")->text + " UTC");
  }

  Reader& reader_;
  Conditions& out_;
};

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdBytes && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}
std::string read_id(Reader& reader, const YamlNode& node) {
  std::string out = reader.text(node, "id", kMaxIdBytes);
  if (!out.empty() && !is_id(out)) reader.refuse(node, "id: expected lower case letters, digits, - and _");
  return out;
}

Outcome read_outcome(Reader& reader, const YamlNode& node) {
  Outcome out;
  if (!reader.is_map(node, "then")) return out;
  if (node.entries.size() != 1) {
    reader.refuse(node, "then: expected one outcome for each entry of the list");
    return out;
  }
  const auto& [key, value] = node.entries.front();
  const std::string where = "then." + core::clip(key->text);
  if (key->text == "raise" || key->text == "lower") {
    out.kind = key->text == "raise" ? Outcome::Kind::kRaise : Outcome::Kind::kLower;
    const double steps = reader.number(*value, where, 1, 3);
    out.steps = static_cast<int>(steps);
    if (steps != out.steps) reader.refuse(*value, where + ": expected a whole number");
    out.text = key->text + " the priority by " + std::to_string(out.steps);
  } else if (key->text == "priority") {
    out.kind = Outcome::Kind::kPriority;
    const auto names = reader.names(*value, where, kPriorities);
    if (value->is_scalar() && !names.empty()) out.value = names.front();
    if (!value->is_scalar()) reader.refuse(*value, where + ": expected one of " + listed(kPriorities));
    out.text = "priority " + out.value;
  } else if (key->text == "tag") {
    out.kind = Outcome::Kind::kTag;
    out.value = reader.text(*value, where, 64);
    if (out.value.find(',') != std::string::npos) reader.refuse(*value, where + ": a tag has no comma in it");
    out.text = "tag " + out.value;
  } else if (key->text == "assign") {
    out.kind = Outcome::Kind::kAssign;
    out.value = reader.text(*value, where, ledger::kMaxNameBytes);
    out.text = "assign to " + out.value;
  } else if (key->text == "close_as_benign") {
    out.kind = Outcome::Kind::kClose;
    out.value = reader.text(*value, where, kMaxTextBytes);
    out.text = "close as benign: " + out.value;
  } else {
    reader.unknown(*key, "then", "raise, lower, priority, tag, assign, close_as_benign");
  }
  return out;
}

AutoRule read_rule(Reader& reader, const YamlNode& root) {
  AutoRule out;
  if (!reader.is_map(root, "a rule")) return out;
  for (const auto& [key, value] : root.entries) {
    if (key->text == "id") {
      out.id = read_id(reader, *value);
    } else if (key->text == "title") {
      out.title = reader.text(*value, "title");
    } else if (key->text == "description") {
      out.description = reader.text(*value, "description", 4'096);
    } else if (key->text == "enabled") {
      out.enabled = reader.boolean(*value, "enabled");
    } else if (key->text == "when") {
      ConditionReader(reader, out.when).read(*value);
    } else if (key->text == "then") {
      if (value->kind != YamlNode::Kind::kList || value->items.empty() || value->items.size() > kMaxOutcomes) {
        reader.refuse(*value, "then: expected a list of 1 to " + std::to_string(kMaxOutcomes) + " outcomes");
        continue;
      }
      for (const YamlNode* item : value->items) out.outcomes.push_back(read_outcome(reader, *item));
    } else {
      reader.unknown(*key, "a rule", "id, title, description, enabled, when, then");
    }
  }
  for (const char* name : {"id", "title", "when", "then"}) {
    if (root.find(name) == nullptr) reader.refuse(root, "a rule needs '" + std::string(name) + "'");
  }
  return out;
}

// Calls `take` with each document that can be used; the others are problems.
template <class Take>
void each_document(const RuleText& file, std::vector<AutoRuleProblem>& problems, const Take& take) {
  const core::YamlFile yaml = core::parse_yaml(file.text);
  const auto problem = [&](const core::YamlIssue& issue) {
    problems.push_back({file.path, file.path + ":" + std::to_string(issue.line) + ":" + std::to_string(issue.column) + ": " +
                                       issue.message});
  };
  for (const core::YamlIssue& issue : yaml.issues) problem(issue);
  if (yaml.refused) return;
  for (const core::YamlDocument& document : yaml.documents) {
    for (const core::YamlIssue& issue : document.issues) problem(issue);
    if (document.root == nullptr || !document.issues.empty()) continue;
    Reader reader(file.path);
    take(reader, *document.root);
    if (!reader.problem().empty()) problems.push_back({file.path, reader.problem()});
  }
}

TaskTemplate read_template(Reader& reader, const YamlNode& root) {
  TaskTemplate out;
  if (!reader.is_map(root, "a template")) return out;
  for (const auto& [key, value] : root.entries) {
    if (key->text == "id") {
      out.id = read_id(reader, *value);
    } else if (key->text == "title") {
      out.title = reader.text(*value, "title");
    } else if (key->text == "when") {
      ConditionReader(reader, out.when).read(*value);
    } else if (key->text == "tasks") {
      if (value->kind != YamlNode::Kind::kList || value->items.empty() || value->items.size() > kMaxTemplateTasks) {
        reader.refuse(*value, "tasks: expected a list of 1 to " + std::to_string(kMaxTemplateTasks));
        continue;
      }
      for (const YamlNode* item : value->items) {
        const auto phases =
            item->kind == YamlNode::Kind::kMap && item->entries.size() == 1 ? &item->entries.front() : nullptr;
        if (phases == nullptr || !among(kPhases, phases->first->text)) {
          reader.refuse(*item, "tasks: expected 'phase: what to do', the phase one of " + listed(kPhases));
          continue;
        }
        out.tasks.push_back({reader.text(*phases->second, "tasks"), phases->first->text});
      }
    } else {
      reader.unknown(*key, "a template", "id, title, when, tasks");
    }
  }
  for (const char* name : {"id", "title", "when", "tasks"}) {
    if (root.find(name) == nullptr) reader.refuse(root, "a template needs '" + std::string(name) + "'");
  }
  return out;
}

}  // namespace

std::shared_ptr<const AutoRules> read_auto_rules(const std::vector<RuleText>& files) {
  auto out = std::make_shared<AutoRules>();
  for (const RuleText& file : files) {
    each_document(file, out->problems, [&](Reader& reader, const YamlNode& root) {
      AutoRule rule = read_rule(reader, root);
      rule.path = file.path;
      if (!reader.problem().empty()) return;
      const auto same =
          std::find_if(out->rules.begin(), out->rules.end(), [&](const auto& one) { return one.id == rule.id; });
      if (same != out->rules.end() && same->path == file.path) {
        reader.refuse(root, "a second rule of the id '" + rule.id + "' in this file");
      } else if (same != out->rules.end()) {
        *same = std::move(rule);
      } else if (out->rules.size() >= kMaxAutoRules) {
        reader.refuse(root, "more than " + std::to_string(kMaxAutoRules) + " rules");
      } else {
        out->rules.push_back(std::move(rule));
      }
    });
  }
  return out;
}

std::shared_ptr<const TaskTemplates> read_task_templates(std::string_view yaml, std::string_view path) {
  auto out = std::make_shared<TaskTemplates>();
  std::set<std::string> ids;
  each_document({std::string(path), std::string(yaml)}, out->problems, [&](Reader& reader, const YamlNode& root) {
    TaskTemplate one = read_template(reader, root);
    if (!reader.problem().empty()) return;
    if (!ids.insert(one.id).second) return reader.refuse(root, "a second template of the id '" + one.id + "'");
    if (out->templates.size() >= kMaxAutoRules)
      return reader.refuse(root, "more than " + std::to_string(kMaxAutoRules) + " templates");
    out->templates.push_back(std::move(one));
  });
  return out;
}

}  // namespace tocsin::triage
