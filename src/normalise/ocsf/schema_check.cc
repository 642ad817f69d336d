#include "normalise/ocsf/schema_check.h"

#include <simdjson.h>

#include <algorithm>
#include <string_view>

namespace tocsin::normalise {
namespace {

namespace dom = simdjson::dom;

struct ClassFacts {
  int uid;
  std::string_view required, own, one_of;
  bool just_one, network;
};
struct ObjectFacts {
  std::string_view name, required, one_of, known;
};
// clang-format off
#include "normalise/ocsf/schema_facts.inc"
// clang-format on

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    if (space != 0) out.push_back(text.substr(0, space));
    if (space == std::string_view::npos) break;
    text.remove_prefix(space + 1);
  }
  return out;
}

bool knows(std::string_view list, std::string_view name) {
  const auto all = words(list);
  return std::ranges::find(all, name) != all.end();
}

std::size_t count_of(std::string_view list, const dom::object& object) {
  return static_cast<std::size_t>(
      std::ranges::count_if(words(list), [&](std::string_view name) { return object[name].error() == simdjson::SUCCESS; }));
}

class Checker {
 public:
  std::vector<std::string> problems;

  void check_event(const dom::object& event) {
    std::int64_t uid = 0, type = 0, activity = 0, category = 0;
    if (event["class_uid"].get(uid) || event["type_uid"].get(type) || event["activity_id"].get(activity) ||
        event["category_uid"].get(category)) {
      problems.emplace_back("class_uid, type_uid, activity_id or category_uid is missing");
      return;
    }
    if (type != uid * 100 + activity) problems.emplace_back("type_uid is not class_uid * 100 + activity_id");
    if (category != uid / 1000 % 100) problems.emplace_back("category_uid does not fit class_uid");
    for (const std::string_view name : {"severity_id", "time", "metadata"}) need(event, name, "event");
    const auto* facts = std::ranges::find(kClassFacts, static_cast<int>(uid), &ClassFacts::uid);
    if (facts == std::end(kClassFacts)) {
      problems.push_back("unknown class " + std::to_string(uid));
      return;
    }
    for (const std::string_view name : words(facts->required)) need(event, name, "event");
    const std::size_t found = count_of(facts->one_of, event);
    if (!facts->one_of.empty() && (found == 0 || (facts->just_one && found > 1))) {
      problems.push_back("wants one of: " + std::string(facts->one_of));
    }
    for (const dom::key_value_pair member : event) {
      const bool known = knows(kBaseAttributes, member.key) || knows(facts->own, member.key) ||
                         (facts->network && knows(kNetworkAttributes, member.key));
      if (!known) problems.push_back("class " + std::to_string(uid) + " has no attribute " + std::string(member.key));
      if (member.key != "unmapped") check_value(member.key, member.value, std::string(member.key));
    }
    check_unique(event, "event");
  }

 private:
  void need(const dom::object& object, std::string_view name, const std::string& where) {
    if (object[name].error() != simdjson::SUCCESS) problems.push_back(where + " wants " + std::string(name));
  }

  void check_unique(const dom::object& object, const std::string& where) {
    std::vector<std::string_view> names;
    for (const dom::key_value_pair member : object) names.push_back(member.key);
    std::ranges::sort(names);
    if (const auto twice = std::ranges::adjacent_find(names); twice != names.end()) {
      problems.push_back(where + " has " + std::string(*twice) + " twice");
    }
  }

  void check_value(std::string_view name, const dom::element& value, const std::string& where) {
    if (value.is_array()) {
      for (const dom::element item : dom::array(value)) check_value(name, item, where + "[]");
      return;
    }
    if (name.ends_with("_id") && !value.is_int64() && !value.is_uint64()) problems.push_back(where + " is no integer");
    if (!value.is_object() || name == "data") return;
    const dom::object object(value);
    check_unique(object, where);
    for (const auto& pair : kObjectOfAttribute) {
      if (pair[0] == name) check_object(pair[1], object, where);
    }
  }

  void check_object(std::string_view type, const dom::object& object, const std::string& where) {
    const auto* facts = std::ranges::find(kObjectFacts, type, &ObjectFacts::name);
    for (const std::string_view name : words(facts->required)) need(object, name, where);
    if (!facts->one_of.empty() && count_of(facts->one_of, object) == 0)
      problems.push_back(where + " wants one of: " + std::string(facts->one_of));
    for (const dom::key_value_pair member : object) {
      if (!knows(facts->known, member.key)) problems.push_back(where + " has no member " + std::string(member.key));
      check_value(member.key, member.value, where + "." + std::string(member.key));
    }
  }
};

}  // namespace

std::vector<std::string> check_schema(const std::string& json) {
  dom::parser parser;
  dom::object event;
  if (const auto error = parser.parse(json).get(event)) return {std::string("not JSON: ") + simdjson::error_message(error)};
  Checker checker;
  checker.check_event(event);
  return checker.problems;
}

}  // namespace tocsin::normalise
