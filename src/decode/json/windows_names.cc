// Shape first, then a table: attribute marks of the exporters are brought to one form ("#attributes.", "_attributes.",
// "@" and "-" before a name; "#text" after one), the prefix tells the part of the event, and System's names are looked up.
//
//   Event.System.Provider.#attributes.Name -> [Event.System] Provider.Name -> Provider_Name
//   winlog.event_data.Threat Name          -> [event data]   ThreatName
#include "decode/windows_names.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tocsin::decode {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr auto kSystem = std::to_array<Pair>({
    {"Provider.Name", "Provider_Name"},
    {"Provider.Guid", "Provider_Guid"},
    {"Provider.EventSourceName", "EventSourceName"},
    {"EventID", "EventID"},
    {"EventID.Qualifiers", "Qualifiers"},
    {"Version", "Version"},
    {"Level", "Level"},
    {"Task", "Task"},
    {"Opcode", "Opcode"},
    {"Keywords", "Keywords"},
    {"TimeCreated", "TimeCreated"},
    {"TimeCreated.SystemTime", "TimeCreated"},
    {"EventRecordID", "EventRecordID"},
    {"Correlation.ActivityID", "ActivityID"},
    {"Correlation.RelatedActivityID", "RelatedActivityID"},
    {"Execution.ProcessID", "ProcessID"},
    {"Execution.ThreadID", "ThreadID"},
    {"Channel", "Channel"},
    {"Computer", "Computer"},
    {"Security.UserID", "UserID"},
});

// Winlogbeat 7 and 8. Its opcode, task, keywords and level are rendered texts, not System's numbers: they keep their path.
constexpr auto kWinlog = std::to_array<Pair>({
    {"channel", "Channel"},
    {"provider_name", "Provider_Name"},
    {"provider_guid", "Provider_Guid"},
    {"event_id", "EventID"},
    {"version", "Version"},
    {"record_id", "EventRecordID"},
    {"computer_name", "Computer"},
    {"activity_id", "ActivityID"},
    {"related_activity_id", "RelatedActivityID"},
    {"process.pid", "ProcessID"},
    {"process.thread.id", "ThreadID"},
    {"user.identifier", "UserID"},
});

// Wazuh: data.win.system.X, event data under data.win.eventdata with a small first letter.
constexpr auto kWazuh = std::to_array<Pair>({
    {"providerName", "Provider_Name"},
    {"providerGuid", "Provider_Guid"},
    {"eventSourceName", "EventSourceName"},
    {"eventID", "EventID"},
    {"version", "Version"},
    {"level", "Level"},
    {"task", "Task"},
    {"opcode", "Opcode"},
    {"keywords", "Keywords"},
    {"systemTime", "TimeCreated"},
    {"eventRecordID", "EventRecordID"},
    {"processID", "ProcessID"},
    {"threadID", "ThreadID"},
    {"channel", "Channel"},
    {"computer", "Computer"},
});

template <std::size_t kSize>
std::string_view look_up(const std::array<Pair, kSize>& table, std::string_view name) {
  const auto at = std::find_if(table.begin(), table.end(), [name](const Pair& pair) { return pair.first == name; });
  return at == table.end() ? std::string_view{} : at->second;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

std::string without_spaces(std::string_view text) {
  std::string out{text};
  std::erase(out, ' ');
  return out;
}

// Namespaces say nothing of the event.
bool is_namespace(std::string_view rest) {
  return rest.starts_with("xmlns") || rest.ends_with(".xmlns") || rest.ends_with("@xmlns") ||
         rest.find("xmlns:") != std::string_view::npos;
}

// Where an exporter wrote "Element.#attributes.Name", "Element_attributes.Name" or "Element.@Name": "Element.Name".
std::string plain_attributes(std::string_view rest) {
  std::string name{rest};
  replace_all(name, ".#attributes.", ".");
  replace_all(name, "_attributes.", ".");
  replace_all(name, ".@", ".");
  replace_all(name, ".-", ".");
  if (name.starts_with("#attributes.")) name.erase(0, 12);
  if (name.ends_with(".#text")) name.resize(name.size() - 6);
  return name;
}

// System's elements and, by their own name, their attributes.
std::string system_name(std::string_view path, std::string_view rest) {
  const std::string name = plain_attributes(rest);
  const std::string_view known = look_up(kSystem, name);
  if (!known.empty()) return std::string{known};
  if (name.empty()) return std::string{path};
  return name.substr(name.find('.') + 1);
}

// A member of EventData, UserData's element or winlog.event_data: its own name is what Sigma uses.
std::string data_name(std::string_view path, std::string_view rest) {
  if (rest.empty() || is_namespace(rest)) return std::string{path};
  if (rest.starts_with("#attributes.")) return "EventData." + without_spaces(rest.substr(12));
  return without_spaces(plain_attributes(rest));
}

std::string upper_first(std::string name) {
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

std::string user_data_name(std::string_view path, std::string_view rest) {
  if (rest.empty() || is_namespace(rest)) return std::string{path};
  const std::size_t dot = rest.find('.');  // The element's name; its attributes keep it.
  if (rest.substr(dot == std::string_view::npos ? rest.size() : dot).starts_with(".#attributes.")) {
    return without_spaces(plain_attributes(rest));
  }
  if (dot == std::string_view::npos) return std::string{rest};
  return data_name(path, rest.substr(dot + 1));
}

// Elsewhere in an event: the path below Event; the rendered message is what any other source calls Message.
std::string other_name(std::string_view path, std::string_view rest) {
  if (rest.empty() || is_namespace(rest)) return std::string{path};
  const std::string name = plain_attributes(rest);
  return name == "RenderingInfo.Message" ? "Message" : name;
}

std::string known_or_path(std::string_view known, std::string_view path) {
  return std::string{known.empty() ? path : known};
}

}  // namespace

std::string canonical_name(std::string_view path) {
  std::string_view rest = path;
  if (take_prefix(rest, "Event.") || take_prefix(rest, "Events.Event.")) {
    if (take_prefix(rest, "System.")) return system_name(path, rest);
    if (take_prefix(rest, "EventData.")) return data_name(path, rest);
    if (take_prefix(rest, "UserData.")) return user_data_name(path, rest);
    return other_name(path, rest);
  }
  if (take_prefix(rest, "winlog.")) {
    if (take_prefix(rest, "event_data.") || take_prefix(rest, "user_data.")) return data_name(path, rest);
    return known_or_path(look_up(kWinlog, rest), path);
  }
  if (take_prefix(rest, "data.win.") || take_prefix(rest, "win.")) {
    if (take_prefix(rest, "system.")) return known_or_path(look_up(kWazuh, rest), path);
    if (take_prefix(rest, "eventdata.")) return upper_first(data_name(path, rest));
    return std::string{path};
  }
  if (take_prefix(rest, "event_data.")) return data_name(path, rest);  // Winlogbeat 6 and Logstash.
  return std::string{path};
}

}  // namespace tocsin::decode
