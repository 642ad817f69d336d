// Reads content/triage/sla.yml: every key must be there once (but holidays), within its range; all else is refused with its
// place.
#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <optional>

#include "core/yaml.h"
#include "triage/sla.h"

namespace tocsin::triage {
namespace {

using core::YamlNode;
using Kind = core::YamlNode::Kind;

constexpr const char* kDays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || at != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

class Reader {
 public:
  Reader(std::string_view path, SlaPolicy& out) : path_(path), out_(out) {}

  core::Result<void> read(const YamlNode& root) {
    take_map(root, "the file", {"business_hours", "priorities"}, {});
    if (problem_.empty()) read_hours(*root.find("business_hours"));
    if (problem_.empty()) read_priorities(*root.find("priorities"));
    if (problem_.empty()) return {};
    return core::Error{core::ErrorCode::kInvalid, problem_};
  }

 private:
  // A map of these keys, each once (the reader of YAML refuses doubles).
  void take_map(const YamlNode& node, const std::string& what, const std::vector<std::string>& needed,
                const std::vector<std::string>& optional) {
    if (node.kind != Kind::kMap) return problem(node, what + " is " + core::describe(node) + "; expected a map");
    for (const auto& [key, value] : node.entries) {
      if (std::ranges::find(needed, key->text) != needed.end() || std::ranges::find(optional, key->text) != optional.end())
        continue;
      std::string all;
      for (const auto* list : {&needed, &optional}) {
        for (const std::string& name : *list) all += (all.empty() ? "" : ", ") + name;
      }
      return problem(*key, "there is no key " + core::clip(key->text) + " here; expected one of " + all);
    }
    for (const std::string& name : needed) {
      if (node.find(name) == nullptr) return problem(node, what + " has no " + name);
    }
  }

  void read_hours(const YamlNode& node) {
    take_map(node, "business_hours", {"timezone", "days", "from", "to"}, {"holidays"});
    if (!problem_.empty()) return;
    const YamlNode& zone = *node.find("timezone");
    auto loaded = core::TimeZone::load(zone.is_scalar() ? zone.text : "");
    if (!loaded.ok()) return problem(zone, "business_hours.timezone: " + loaded.error().text);
    out_.hours.zone = *loaded;
    read_days(*node.find("days"));
    out_.hours.from_second = time_of_day(*node.find("from"), "business_hours.from");
    out_.hours.to_second = time_of_day(*node.find("to"), "business_hours.to");
    if (problem_.empty() && out_.hours.from_second >= out_.hours.to_second) {
      problem(*node.find("to"), "business_hours.to must be later than business_hours.from; at most 24:00");
    }
    if (const YamlNode* holidays = node.find("holidays")) read_holidays(*holidays);
  }
  void read_days(const YamlNode& node) {
    if (node.kind != Kind::kList || node.items.empty())
      return problem(node, "business_hours.days is " + core::describe(node) + "; expected a list as [mon, tue]");
    for (const YamlNode* item : node.items) {
      const auto* day = std::ranges::find(kDays, item->text);
      if (!item->is_scalar() || day == std::end(kDays))
        return problem(*item, "there is no day " + core::describe(*item) + "; expected mon, tue, wed, thu, fri, sat or sun");
      out_.hours.days[static_cast<std::size_t>(day - std::begin(kDays))] = true;
    }
  }
  std::int64_t time_of_day(const YamlNode& node, const std::string& name) {
    const std::string& text = node.text;
    if (node.is_scalar() && text.size() == 5 && text[2] == ':') {
      const auto hour = whole(text.substr(0, 2)), minute = whole(text.substr(3));
      if (hour && minute && *minute < 60 && *hour * 60 + *minute <= 24 * 60) return *hour * 3'600 + *minute * 60;
    }
    problem(node, name + " is " + core::describe(node) + "; expected a time as \"08:00\", at most \"24:00\"");
    return 0;
  }
  void read_holidays(const YamlNode& node) {
    if (node.kind == Kind::kNull) return;
    if (node.kind != Kind::kList || node.items.size() > kMaxHolidays)
      return problem(node, "business_hours.holidays is " + core::describe(node) + "; expected a list of at most 1000 dates");
    for (const YamlNode* item : node.items) {
      const auto day = item->is_scalar() && item->text.size() == 10 ? core::parse_iso_time(item->text) : std::nullopt;
      if (!day) return problem(*item, core::describe(*item) + " is no date; expected one as 2026-12-25");
      out_.hours.holidays.push_back(day->ns / (86'400 * std::int64_t{1'000'000'000}));
    }
    std::ranges::sort(out_.hours.holidays);
  }

  void read_priorities(const YamlNode& node) {
    take_map(node, "priorities", {"p1", "p2", "p3", "p4"}, {});
    for (std::size_t i = 0; i < kSlaPriorities && problem_.empty(); ++i) {
      const std::string name = "p" + std::to_string(i + 1);
      read_priority(*node.find(name), "priorities." + name, out_.priorities[i]);
    }
  }
  void read_priority(const YamlNode& node, const std::string& name, SlaPolicy::Priority& out) {
    take_map(node, name, {"calendar", "acknowledge", "contain", "close"}, {});
    if (!problem_.empty()) return;
    const YamlNode& calendar = *node.find("calendar");
    out.business_hours = calendar.text == "business hours";
    if (!calendar.is_scalar() || (!out.business_hours && calendar.text != "24/7"))
      return problem(calendar, name + ".calendar is " + core::describe(calendar) + "; expected 24/7 or business hours");
    for (std::size_t i = 0; i < kSlaGoals; ++i) {
      const char* goal = to_string(static_cast<SlaGoal>(i));
      out.targets[i] = duration(*node.find(goal), name + "." + goal, out.business_hours);
    }
  }
  std::chrono::seconds duration(const YamlNode& node, const std::string& name, bool business) {
    const std::int64_t day = business ? out_.hours.day().count() : 86'400;
    const std::map<char, std::int64_t> units{{'s', 1}, {'m', 60}, {'h', 3'600}, {'d', day}};
    if (node.is_scalar() && node.text.size() >= 2 && node.text.size() <= 10) {
      const auto unit = units.find(node.text.back());
      const auto count = whole(std::string_view(node.text).substr(0, node.text.size() - 1));
      if (unit != units.end() && count && *count > 0 && *count * unit->second <= kMaxSlaTarget.count())
        return std::chrono::seconds(*count * unit->second);
    }
    problem(node,
            name + " is " + core::describe(node) + "; expected a whole number with s, m, h or d, as 15m, at most 366d");
    return std::chrono::seconds(1);
  }

  void problem(const YamlNode& node, const std::string& text) {
    if (!problem_.empty()) return;
    problem_ = path_ + ":" + std::to_string(node.line) + ":" + std::to_string(node.column) + ": " + text;
  }

  std::string path_;
  SlaPolicy& out_;
  std::string problem_;
};

core::Error issue_error(std::string_view path, const core::YamlIssue& issue) {
  return {core::ErrorCode::kInvalid, std::string(path) + ":" + std::to_string(issue.line) + ":" +
                                         std::to_string(issue.column) + ": " + issue.message + "; " + issue.hint};
}

}  // namespace

core::Result<std::shared_ptr<const SlaPolicy>> read_sla_policy(std::string_view yaml, std::string_view path) {
  const core::YamlFile file = core::parse_yaml(yaml);
  if (!file.issues.empty()) return issue_error(path, file.issues[0]);
  if (file.documents.size() != 1 || file.documents[0].root == nullptr) {
    return core::Error{core::ErrorCode::kInvalid, std::string(path) + ":1:1: expected one document"};
  }
  if (!file.documents[0].issues.empty()) return issue_error(path, file.documents[0].issues[0]);
  auto policy = std::make_shared<SlaPolicy>();
  TOCSIN_TRY(Reader(path, *policy).read(*file.documents[0].root));
  return std::shared_ptr<const SlaPolicy>(std::move(policy));
}

}  // namespace tocsin::triage
