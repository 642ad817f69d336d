// Findings per second through CountedPrevalence and Joiner, and the memory they hold; one thread.
//
// 1,000,000 findings over 10,000 hosts in 30 days of event time: 400 rules of which a tenth fires everywhere, three in four
// with a process and its parent, sessions, accounts (a tenth of them SYSTEM), addresses of which a fifth is a hub. Every
// hour of event time what ended before is forgotten, as the desk does.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <random>
#include <sstream>

#include "triage/joiner.h"
#include "triage/prevalence.h"

namespace {

using namespace tocsin;  // NOLINT(google-build-using-namespace)
using model::EntityKind;
using model::EntityRole;

constexpr int kFindings = 1'000'000, kHosts = 10'000;
constexpr std::int64_t kHourNs = 3'600'000'000'000, kStart = 1'794'900'000'000'000'000, kSpan = 30 * 24 * kHourNs;

triage::Finding make(std::mt19937& random, int i) {
  const auto pick = [&](unsigned most) { return static_cast<unsigned>(random()) % most; };
  triage::Finding out;
  out.id = "e8fba19a-f0e4-4a12-bd46-1aa7df788528:journal/2026-11-17:" + std::to_string(i);
  out.tenant = "default";
  out.event_time.ns = kStart + kSpan / kFindings * i;
  const bool common = pick(10) < 7;
  out.rule_id = "rule-" + std::to_string(common ? pick(40) : 40 + pick(360));
  out.rule_title = "Title of " + out.rule_id;
  out.severity_id = static_cast<std::uint8_t>(1 + pick(5));
  const std::string host = "ws-" + std::to_string(pick(kHosts));
  out.entities.push_back({EntityKind::kHost, EntityRole::kAffected, host, host});
  if (pick(4) > 0) {
    const std::string pid = std::to_string(1'000 + pick(30'000)), parent = std::to_string(1'000 + pick(400));
    out.entities.push_back(
        {EntityKind::kProcess, EntityRole::kAffected, host + "|{0000-" + pid + "}", "powershell.exe (" + pid + ")"});
    out.entities.push_back(
        {EntityKind::kProcess, EntityRole::kParent, host + "|{0000-" + parent + "}", "winword.exe (" + parent + ")"});
    out.relations.push_back({triage::Finding::Relation::Kind::kStarted, 2, 1});
  }
  out.entities.push_back(
      {EntityKind::kSession, EntityRole::kRelated, host + "|0x" + std::to_string(pick(3) == 0 ? 0x3e7 : pick(5'000)), "s"});
  const std::string user = pick(10) == 0 ? "system@" + host : "user" + std::to_string(pick(8'000)) + "@corp";
  out.entities.push_back({EntityKind::kUser, EntityRole::kActor, user, user});
  if (pick(3) == 0) {
    const std::string address = "203.0." + std::to_string(pick(5) == 0 ? 1 : pick(250)) + "." + std::to_string(pick(250));
    out.entities.push_back({EntityKind::kAddress, EntityRole::kDestination, address, address});
  }
  return out;
}

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
  std::mt19937 random(20261124);
  triage::CountedPrevalence prevalence;
  triage::IncidentId last = 0;
  triage::Joiner joiner(*policy, prevalence.snapshot(), [&] { return ++last; });
  std::chrono::duration<double> took{}, worst{};
  std::size_t most_keys = 0, most_incidents = 0;
  const long before = resident_mib();
  for (int i = 0; i < kFindings; ++i) {
    const triage::Finding finding = make(random, i);
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
