// Findings per second through the desk into a ledger on disk, in transactions as the server has them; one thread.
//
//     desk_bench LEDGER FINDINGS [LARGE]
//
// LEDGER is made. FINDINGS findings of 10,000 hosts in the last ten days (finding_stream.h), in pages of 2,000; then, with
// LARGE, an incident of so many of them by hand (at most 10,000). Prints one line of JSON; bench/triage_bench.py serves the
// ledger.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <type_traits>
#include <vector>

#include "finding_stream.h"
#include "triage/desk.h"

namespace {

using namespace tocsin;  // NOLINT(google-build-using-namespace)
using Seconds = std::chrono::duration<double>;

constexpr unsigned kHosts = 10'000;
constexpr int kPage = 2'000;
constexpr std::int64_t kDayNs = 86'400'000'000'000, kSpanNs = 10 * kDayNs;

std::string read(const char* path) {
  std::ifstream in(path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

template <class T>
T or_exit(core::Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "desk_bench: %s\n", result.error().text.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: desk_bench LEDGER FINDINGS [LARGE], from the project's folder\n");
    return 2;
  }
  const int count = std::atoi(argv[2]), large = argc > 3 ? std::atoi(argv[3]) : 0;
  core::SystemClock clock;
  core::Metrics metrics;
  const auto ledger = or_exit(ledger::Ledger::open(argv[1]));
  triage::DeskOptions options;
  options.joining = or_exit(triage::read_join_policy(read("content/triage/joining.yml"), "content/triage/joining.yml"));
  options.scoring = or_exit(triage::read_score_policy(read("content/triage/scoring.yml"), "content/triage/scoring.yml"));
  const auto desk = or_exit(triage::Desk::open(*ledger, options, clock, metrics, {}));
  bench::FindingStream stream(count, kHosts, clock.now().ns - kSpanNs, kSpanNs);
  Seconds took{}, worst{}, fastest{1e9};
  double cpu_s = 0;
  std::vector<std::string> ids;
  for (int at = 0; at < count; at += kPage) {
    std::vector<triage::Finding> page;
    for (int i = at; i < std::min(count, at + kPage); ++i) {
      page.push_back(stream.make(i));
      page.back().sequence = static_cast<std::uint64_t>(i);
      page.back().received_at = page.back().detected_at = page.back().event_time;
    }
    const double cpu_begin = cpu_seconds();
    const auto begin = std::chrono::steady_clock::now();
    const auto done = desk->take(page, {page.back().sequence, {page.back().id}});
    const Seconds one = std::chrono::steady_clock::now() - begin;
    if (!done.ok()) {
      std::fprintf(stderr, "desk_bench: %s\n", done.error().text.c_str());
      return 1;
    }
    took += one;
    cpu_s += cpu_seconds() - cpu_begin;
    worst = std::max(worst, one);
    fastest = std::min(fastest, one);
  }
  ledger::IncidentNumber number = 0;
  if (large > 0) {
    triage::NewIncident wanted;
    wanted.tenant = "default";
    wanted.title = "Large";
    or_exit(ledger->read([&](ledger::Tables& all) -> core::Result<void> {
      ledger::IncidentTables tables(all);
      for (ledger::IncidentNumber id = TOCSIN_TRY(tables.next_incident_number()) - 1; id > 0; --id) {
        const auto row = TOCSIN_TRY(tables.incident(id));
        if (!row || row->merged_into != 0) continue;
        for (const auto& member : TOCSIN_TRY(tables.members(id, large, 0))) {
          if (static_cast<int>(wanted.findings.size()) < large) wanted.findings.push_back(member.finding);
        }
        if (static_cast<int>(wanted.findings.size()) == large) break;
      }
      return {};
    }));
    number = or_exit(desk->create(wanted, "bench")).id;
  }
  const auto reopening = std::chrono::steady_clock::now();
  const auto again = or_exit(triage::Desk::open(*ledger, options, clock, metrics, {}));
  or_exit(again->prepare());
  const Seconds reopened = std::chrono::steady_clock::now() - reopening;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto stats = desk->stats();
  std::printf(
      "{\"findings\":%d,\"findings_per_s\":%.0f,\"findings_per_cpu_s\":%.0f,\"restored_s\":%.2f,\"worst_page_s\":%.3f,"
      "\"best_page_s\":%.3f,\"peak_mib\":%ld,"
      "\"opened\":%llu,\"joined\":%llu,\"large\":%lld}\n",
      count, count / took.count(), count / cpu_s, reopened.count(), worst.count(), fastest.count(), usage.ru_maxrss / 1024,
      static_cast<unsigned long long>(stats.opened), static_cast<unsigned long long>(stats.joined),
      static_cast<long long>(number));
  return 0;
}
