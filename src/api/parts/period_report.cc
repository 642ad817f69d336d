#include <simdjson.h>

#include "api/parts/report_page.h"
#include "api/parts/reports.h"

namespace tocsin::api {
namespace {

using Lines = std::vector<std::vector<std::string>>;
using simdjson::dom::element;

// Members that are not there, or null, are "-".
std::string number_at(const element& at, const char* pointer) {
  double value = 0;
  return at.at_pointer(pointer).get(value) == simdjson::SUCCESS ? report_number(value) : "-";
}
std::string duration_at(const element& at, const char* pointer) {
  double value = 0;
  return at.at_pointer(pointer).get(value) == simdjson::SUCCESS ? report_duration(value) : "-";
}
std::string percent_at(const element& at, const char* pointer) {
  double value = 0;
  return at.at_pointer(pointer).get(value) == simdjson::SUCCESS ? report_number(100 * value) + " %" : "-";
}
std::string text_at(const element& at, const char* pointer) {
  std::string_view value;
  return at.at_pointer(pointer).get(value) == simdjson::SUCCESS ? std::string(value) : "-";
}
std::string time_at(const element& at, const char* pointer) {
  return report_time(core::parse_iso_time(text_at(at, pointer)).value_or(core::kNoTime));
}
template <class Take>
void for_each(const element& at, const char* pointer, Take take) {
  simdjson::dom::array list;
  if (at.at_pointer(pointer).get(list) != simdjson::SUCCESS) return;
  for (const element one : list) take(one);
}
bool is_false(const element& at, const char* pointer) {
  bool value = true;
  return at.at_pointer(pointer).get(value) == simdjson::SUCCESS && !value;
}

void write_times(ReportPage& page, const element& measures) {
  Lines rows;
  for (const auto& [name, title] : {std::pair("detect", "To detect"), std::pair("acknowledge", "To acknowledge"),
                                    std::pair("contain", "To contain"), std::pair("recover", "To recover")}) {
    element spread;
    if (measures[name].get(spread) != simdjson::SUCCESS) continue;
    rows.push_back({title, number_at(spread, "/count"), duration_at(spread, "/mean_s"), duration_at(spread, "/p50_s"),
                    duration_at(spread, "/p90_s"), duration_at(spread, "/p95_s"), duration_at(spread, "/p99_s")});
  }
  page.section("Times");
  page.table({"Time", "Cases", "Mean", "50 %", "90 %", "95 %", "99 %"}, rows, "There are no times.");
  page.note(
      "To detect: from the first event to the opening of the incident. The others: from its opening. Cases whose "
      "moments are not known are left out.");
}

void write_verdicts(ReportPage& page, const element& measures, const element& reviews) {
  page.section("Verdicts");
  page.facts({{"True positive", number_at(measures, "/verdicts/true_positive")},
              {"Benign", number_at(measures, "/verdicts/benign")},
              {"False positive", number_at(measures, "/verdicts/false_positive")},
              {"Duplicate", number_at(measures, "/verdicts/duplicate")}});
  page.section("Accuracy of triage");
  page.paragraph("Of " + number_at(reviews, "/closed") + " incidents closed in the period, " +
                 number_at(reviews, "/sampled") + " are in the sample of " + number_at(reviews, "/share_percent") +
                 " % that another person judges again " + "without seeing the first verdict; " +
                 number_at(reviews, "/reviewed") + " were.");
  page.facts(
      {{"Same verdict", number_at(reviews, "/agreed") + " of " + number_at(reviews, "/reviewed")},
       {"Agreement", percent_at(reviews, "/agreement/mean")},
       {"90 % interval (Wilson)", percent_at(reviews, "/agreement/low") + " to " + percent_at(reviews, "/agreement/high")}});
}

void write_rules(ReportPage& page, const element& measures) {
  constexpr std::size_t kShown = 50;
  Lines rows;
  std::size_t all = 0;
  for_each(measures, "/rules", [&](const element& rule) {
    if (++all > kShown) return;
    rows.push_back({text_at(rule, "/title"), number_at(rule, "/true_positive"), number_at(rule, "/benign"),
                    number_at(rule, "/false_positive"), percent_at(rule, "/precision/mean"),
                    percent_at(rule, "/precision/low") + " to " + percent_at(rule, "/precision/high")});
  });
  page.section("Rules");
  page.table({"Rule", "True", "Benign", "False", "Precision", "90 % interval"}, rows,
             "No incident of the period was closed with a verdict.");
  if (all > kShown) page.note(std::to_string(all - kShown) + " rules with fewer decisions are left out.");
}

void write_backlog(ReportPage& page, const element& measures) {
  page.section("Backlog, now");
  page.facts({{"Open", number_at(measures, "/backlog/open")},
              {"Oldest", duration_at(measures, "/backlog/oldest_s")},
              {"P1", number_at(measures, "/backlog/by_priority/p1")},
              {"P2", number_at(measures, "/backlog/by_priority/p2")},
              {"P3", number_at(measures, "/backlog/by_priority/p3")},
              {"P4", number_at(measures, "/backlog/by_priority/p4")}});
  Lines rows;
  for_each(measures, "/per_owner", [&](const element& owner) {
    const std::string name = text_at(owner, "/owner");
    rows.push_back({name.empty() ? "(nobody)" : name, number_at(owner, "/open"), number_at(owner, "/closed")});
  });
  page.section("Work by person");
  page.table({"Who", "Open", "Closed in the period"}, rows, "There are no incidents.");
}

void write_basis(ReportPage& page, const element& measures, const element& reviews) {
  page.section("What this rests on");
  std::string losses;
  for_each(measures, "/rests_on/losses", [&](const element& loss) {
    losses += (losses.empty() ? "" : "\n") + text_at(loss, "/what") + ": " + number_at(loss, "/count");
  });
  page.facts({{"Incidents", number_at(measures, "/rests_on/incidents")},
              {"Sources that are silent now", number_at(measures, "/rests_on/silent_sources")},
              {"Lost since the start of the program", losses.empty() ? "nothing known" : losses}});
  page.note("Silent sources and losses make these figures look better than things are.");
  if (is_false(measures, "/rests_on/complete") || is_false(reviews, "/complete")) {
    page.note("There were more incidents than are looked at: the figures are of a part of them.");
  }
}

}  // namespace

std::string period_report(const PeriodReport& data) {
  simdjson::dom::parser first, second;
  element measures, reviews;
  ReportPage page({"Security operation, report of a period", data.tlp, data.made});
  if (first.parse(data.measures).get(measures) != simdjson::SUCCESS ||
      second.parse(data.reviews).get(reviews) != simdjson::SUCCESS) {
    page.paragraph("The figures could not be read.");  // They are our own.
    return std::move(page).finish();
  }
  page.facts({{"From", time_at(measures, "/from")},
              {"To", time_at(measures, "/to")},
              {"Tenants", data.tenants},
              {"Incidents opened", number_at(measures, "/incidents")},
              {"Of these closed", number_at(measures, "/closed")}});
  write_times(page, measures);
  write_verdicts(page, measures, reviews);
  write_rules(page, measures);
  write_backlog(page, measures);
  write_basis(page, measures, reviews);
  return std::move(page).finish();
}

}  // namespace tocsin::api
