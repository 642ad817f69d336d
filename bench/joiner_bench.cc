// Findings per second through CountedPrevalence and Joiner, and the memory they hold; one thread.
//
// 1,000,000 findings over 10,000 hosts in 30 days of event time (finding_stream.h). Every hour of event time what ended
// before is forgotten, as the desk does.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "finding_stream.h"
#include "triage/joiner.h"
#include "triage/prevalence.h"

namespace {

using namespace tocsin;  // NOLINT(google-build-using-namespace)

constexpr int kFindings = 1'000'000, kHosts = 10'000;
constexpr std::int64_t kHourNs = 3'600'000'000'000, kStart = 1'794'900'000'000'000'000, kSpan = 30 * 24 * kHourNs;

long resident_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

}  // namespace

int main(int argc, char** argv) {
  const char* path = argc > 1 ? argv[1] : "content/triage/joining.yml";
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  const auto policy = triage::read_join_policy(text.str(), path);
  if (!policy.ok()) {
    std::fprintf(stderr, "%s\n", policy.error().text.c_str());
    return 2;
  }
  bench::FindingStream findings(kFindings, kHosts, kStart, kSpan);
  triage::CountedPrevalence prevalence;
  triage::IncidentId last = 0;
  triage::Joiner joiner(*policy, prevalence.snapshot(), [&] { return ++last; });
  std::chrono::duration<double> took{}, worst{};
  std::size_t most_keys = 0, most_incidents = 0;
  const long before = resident_mib();
  for (int i = 0; i < kFindings; ++i) {
    const triage::Finding finding = findings.make(i);
    const auto begin = std::chrono::steady_clock::now();
    if (prevalence.add(finding)) joiner.set_prevalence(prevalence.snapshot());
    joiner.add(finding);
    if (i % (kFindings / 720) == 0) joiner.forget_before({finding.event_time.ns - kHourNs});
    const std::chrono::duration<double> one = std::chrono::steady_clock::now() - begin;
    took += one;
    worst = std::max(worst, one);
    most_keys = std::max(most_keys, joiner.stats().keys);
    most_incidents = std::max(most_incidents, joiner.stats().incidents);
  }
  const auto stats = joiner.stats();
  std::printf("%d findings, %d hosts: %.0f findings/s, worst call %.1f ms\n", kFindings, kHosts, kFindings / took.count(),
              worst.count() * 1e3);
  std::printf("at most %zu keys, %zu incidents held; %ld MiB more resident than before\n", most_keys, most_incidents,
              resident_mib() - before);
  std::printf("%llu opened, %llu joined, %llu merged, %llu bounded, %llu forgotten at the limit\n",
              static_cast<unsigned long long>(stats.opened), static_cast<unsigned long long>(stats.joined),
              static_cast<unsigned long long>(stats.merged), static_cast<unsigned long long>(stats.bounded_by_hosts),
              static_cast<unsigned long long>(stats.forgotten_keys));
  return 0;
}
