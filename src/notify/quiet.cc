#include "notify/quiet.h"

#include <simdjson.h>

#include <algorithm>
#include <optional>

#include "core/json_writer.h"

namespace tocsin::notify {
namespace {

constexpr const char* kDays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr int kMaxSteps = 32;  // A week of quiet days and nights.

std::optional<std::int64_t> second_of_day(std::string_view text) {
  const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) return std::nullopt;
  const int hour = (text[0] - '0') * 10 + (text[1] - '0'), minute = (text[3] - '0') * 10 + (text[4] - '0');
  if (hour > 23 || minute > 59) return std::nullopt;
  return hour * 3'600 + minute * 60;
}

core::Error invalid(std::string text) { return {core::ErrorCode::kInvalid, std::move(text)}; }

}  // namespace

core::Result<QuietHours> make_quiet(const QuietInput& input) {
  QuietHours out;
  out.from = input.from;
  out.to = input.to;
  if (!second_of_day(input.from) || !second_of_day(input.to)) return invalid("from and to are times as 22:00");
  auto zone = core::TimeZone::load(input.timezone);
  if (!zone.ok()) return zone.error();
  out.zone = *zone;
  for (const std::string& day : input.days) {
    if (std::ranges::find(kDays, day) == std::end(kDays)) return invalid("days are mon, tue, wed, thu, fri, sat and sun");
    if (std::ranges::find(out.days, day) == out.days.end()) out.days.push_back(day);
  }
  if (out.days.size() == std::size(kDays)) return invalid("with all days quiet nothing is ever sent: disable the channel");
  if (out.days.empty() && input.from == input.to) return invalid("from and to are the same, and no day is quiet");
  const std::string& except = input.except_priority;
  if (!except.empty() && except != "p1" && except != "p2" && except != "p3" && except != "p4")
    return invalid("except_priority is p1, p2, p3, p4 or empty");
  out.except_priority = except;
  return out;
}

std::string quiet_json(const QuietHours& quiet) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().member("from", quiet.from).member("to", quiet.to).member("timezone", quiet.zone.name());
  json.key("days").begin_array();
  for (const std::string& day : quiet.days) json.text(day);
  json.end_array().member("except_priority", quiet.except_priority).end_object();
  return out;
}

core::Result<QuietHours> read_quiet(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const simdjson::padded_string padded(text);
  if (parser.parse(padded).get(root) != simdjson::SUCCESS) return invalid("quiet hours cannot be read");
  const auto word = [&](const char* name) {
    std::string_view value;
    return root[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
  };
  QuietInput input{word("from"), word("to"), word("timezone"), {}, word("except_priority")};
  simdjson::dom::array days;
  if (root["days"].get(days) == simdjson::SUCCESS) {
    for (const simdjson::dom::element day : days) {
      std::string_view name;
      if (day.get(name) == simdjson::SUCCESS) input.days.emplace_back(name);
    }
  }
  return make_quiet(input);
}

core::Timestamp quiet_until(const QuietHours& quiet, core::Timestamp now) {
  const std::int64_t from = second_of_day(quiet.from).value_or(0), to = second_of_day(quiet.to).value_or(0);
  core::Timestamp at = now;
  for (int step = 0; step < kMaxSteps; ++step) {
    const core::CivilTime local = quiet.zone.local(at);
    const std::int64_t second = local.hour * 3'600 + local.minute * 60 + local.second;
    core::Timestamp end = at;
    if (std::ranges::find(quiet.days, kDays[local.weekday]) != quiet.days.end()) {
      end = quiet.zone.at(local.year, local.month, local.day, 86'400);
    } else if (from < to && second >= from && second < to) {
      end = quiet.zone.at(local.year, local.month, local.day, to);
    } else if (from > to && second >= from) {
      end = quiet.zone.at(local.year, local.month, local.day, 86'400 + to);
    } else if (from > to && second < to) {
      end = quiet.zone.at(local.year, local.month, local.day, to);
    }
    if (end <= at) break;  // Also where a change of the clock leaves nothing of it.
    at = end;
  }
  return at;
}

}  // namespace tocsin::notify
