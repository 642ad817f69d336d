// The joiner against a plain version: all pairs compared, connected parts of the graph.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "triage/joiner_keys.h"
#include "triage/joiner_test_support.h"

namespace tocsin::triage {
namespace {

using model::EntityKind;
using model::EntityRole;

class Nothing final : public Prevalence {
 public:
  [[nodiscard]] Count rule(std::string_view, std::string_view id) const override {
    return id.ends_with('0') ? Count{100, 1'000, 20} : Count{};
  }
  [[nodiscard]] Count entity(std::string_view, EntityKind, std::string_view key) const override {
    return key.ends_with('0') ? Count{100, 1'000, 20} : Count{};
  }
  [[nodiscard]] std::uint32_t host_count(std::string_view) const override { return 100; }
};

Finding random_finding(std::mt19937& random, int index) {
  const auto pick = [&](int most) { return static_cast<int>(random() % static_cast<unsigned>(most)); };
  FindingBuilder out("f" + std::to_string(index), pick(4 * 24 * 60) + pick(60) / 60.0);
  out.rule("r" + std::to_string(pick(30))).severity(static_cast<std::uint8_t>(1 + pick(5)));
  const std::string host = "h" + std::to_string(pick(25));
  if (pick(5) > 0) out.on(host);
  if (pick(2) == 0) {
    const int pid = 1'000 + pick(60);
    out.with(EntityKind::kProcess, host + "|" + std::to_string(pid), EntityRole::kAffected,
             "p.exe (" + std::to_string(pid) + ")");
  }
  if (pick(3) == 0)
    out.with(EntityKind::kProcess, host + "|{0000-" + std::to_string(pick(40)) + "}", EntityRole::kParent, "q.exe");
  if (pick(3) == 0) out.with(EntityKind::kSession, host + "|0x" + std::to_string(pick(9)), EntityRole::kRelated);
  if (pick(4) == 0) out.with(EntityKind::kAddress, "203.0.113." + std::to_string(1 + pick(90)), EntityRole::kSource);
  if (pick(4) == 0) out.with(EntityKind::kHost, "h" + std::to_string(pick(25)), EntityRole::kDestination);
  if (pick(4) == 0) out.with(EntityKind::kUser, "u" + std::to_string(pick(40)) + "@corp", EntityRole::kActor);
  return out;
}

using Partition = std::set<std::set<std::string>>;

Partition plain(const std::vector<Finding>& findings, const JoinPolicy& policy, const Prevalence& prevalence) {
  std::vector<std::size_t> parent(findings.size());
  std::iota(parent.begin(), parent.end(), 0U);
  const auto find = [&](std::size_t i) {
    while (parent[i] != i) i = parent[i];
    return i;
  };
  std::vector<std::vector<LinkKey>> keys;
  for (const Finding& finding : findings) keys.push_back(link_keys(finding, policy, prevalence));
  for (std::size_t i = 0; i < findings.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const std::int64_t gap = std::abs(findings[i].event_time.ns - findings[j].event_time.ns);
      const bool linked = std::any_of(keys[i].begin(), keys[i].end(), [&](const LinkKey& a) {
        return gap <= policy.kind(a.kind).window_ns &&
               std::any_of(keys[j].begin(), keys[j].end(), [&](const LinkKey& b) { return a.hash == b.hash; });
      });
      if (linked) parent[find(i)] = find(j);
    }
  }
  std::map<std::size_t, std::set<std::string>> parts;
  for (std::size_t i = 0; i < findings.size(); ++i) parts[find(i)].insert(findings[i].id);
  Partition out;
  for (auto& [root, ids] : parts) out.insert(std::move(ids));
  return out;
}

struct Joined {
  std::map<std::string, IncidentId> of;
  void apply(const std::string& id, const Join& join) {
    for (auto& [finding, incident] : of) {
      if (std::find(join.merged.begin(), join.merged.end(), incident) != join.merged.end()) incident = join.incident;
    }
    of[id] = join.incident;
  }
  [[nodiscard]] Partition partition() const {
    std::map<IncidentId, std::set<std::string>> parts;
    for (const auto& [finding, incident] : of) parts[incident].insert(finding);
    Partition out;
    for (auto& [id, ids] : parts) out.insert(std::move(ids));
    return out;
  }
};

TEST(JoinerRandom, AnyOrderOfArrivalGivesThePartsOfThePlainVersion) {
  const auto policy = own_policy();
  const auto prevalence = std::make_shared<Nothing>();
  for (unsigned seed = 1; seed <= 25; ++seed) {
    std::mt19937 random(seed);
    std::vector<Finding> findings;
    const int count = 20 + static_cast<int>(random() % 500);
    for (int i = 0; i < count; ++i) findings.push_back(random_finding(random, i));
    const Partition expected = plain(findings, *policy, *prevalence);
    for (int order = 0; order < 3; ++order) {
      std::shuffle(findings.begin(), findings.end(), random);
      IncidentId last = 0;
      Joiner joiner(policy, prevalence, [&] { return ++last; });
      Joined joined;
      for (const Finding& finding : findings) joined.apply(finding.id, joiner.add(finding));
      ASSERT_EQ(joined.partition(), expected) << "seed " << seed;
      ASSERT_EQ(joiner.stats().incidents, expected.size()) << "seed " << seed;
    }
  }
}

TEST(JoinerRandom, RestoredJoinerGoesOnAsTheOneBefore) {
  const auto policy = own_policy();
  const auto prevalence = std::make_shared<Nothing>();
  for (unsigned seed = 1; seed <= 10; ++seed) {
    std::mt19937 random(seed);
    std::vector<Finding> findings;
    for (int i = 0; i < 400; ++i) findings.push_back(random_finding(random, i));
    IncidentId last = 0;
    Joiner before(policy, prevalence, [&] { return ++last; });
    Joined joined;
    for (std::size_t i = 0; i < 200; ++i) joined.apply(findings[i].id, before.add(findings[i]));
    std::vector<Finding> taken(findings.begin(), findings.begin() + 200);
    std::shuffle(taken.begin(), taken.end(), random);
    IncidentId last_after = last;
    Joiner after(policy, prevalence, [&] { return ++last_after; });
    for (const Finding& finding : taken) after.restore(finding, joined.of.at(finding.id));
    for (std::size_t i = 200; i < findings.size(); ++i) {
      const Join one = before.add(findings[i]), other = after.add(findings[i]);
      ASSERT_EQ(one.incident, other.incident) << "seed " << seed;
      ASSERT_EQ(one.merged, other.merged) << "seed " << seed;
    }
  }
}

TEST(JoinerRandom, WhatWasKeptApartIsNeverMergedAgain) {
  const auto policy = own_policy();
  const auto prevalence = std::make_shared<Nothing>();
  for (unsigned seed = 1; seed <= 10; ++seed) {
    std::mt19937 random(seed);
    IncidentId last = 0;
    Joiner joiner(policy, prevalence, [&] { return ++last; });
    Joined joined;
    std::vector<std::pair<std::string, std::string>> apart;
    std::vector<Finding> taken;
    for (int i = 0; i < 500; ++i) {
      const Finding finding = random_finding(random, i);
      joined.apply(finding.id, joiner.add(finding));
      taken.push_back(finding);
      if (i % 20 != 19) continue;
      const Finding& one = taken[random() % taken.size()];
      const Finding& other = taken[random() % taken.size()];
      const IncidentId from = joined.of.at(one.id);
      if (one.id == other.id) continue;
      if (from == joined.of.at(other.id)) {
        joiner.move(one, from, ++last);
        joined.of[one.id] = last;
      } else {
        joiner.keep_apart(from, joined.of.at(other.id));
      }
      apart.emplace_back(one.id, other.id);
    }
    for (const auto& [one, other] : apart) EXPECT_NE(joined.of.at(one), joined.of.at(other)) << "seed " << seed;
  }
}

// A scanner, a proxy and a rule that fires everywhere, unknown to prevalence: the worst first day.
TEST(JoinerRandom, NoisyCorpusMakesNoGiantIncident) {
  std::mt19937 random(7);
  IncidentId last = 0;
  JoinerLimits limits;
  limits.max_incident_hosts = 50;
  Joiner joiner(own_policy(), nullptr, [&] { return ++last; }, limits);
  Joined joined;
  std::map<IncidentId, std::set<std::string>> hosts;
  std::map<std::string, std::string> host_of;
  for (int i = 0; i < 4'000; ++i) {
    const std::string host = "h" + std::to_string(random() % 1'000);
    const Finding finding = FindingBuilder(std::to_string(i), i * 0.2)
                                .on(host)
                                .rule("scan")
                                .with(EntityKind::kAddress, "203.0.113.9", EntityRole::kSource);
    joined.apply(finding.id, joiner.add(finding));
    host_of[finding.id] = host;
  }
  for (const auto& [finding, incident] : joined.of) hosts[incident].insert(host_of.at(finding));
  for (const auto& [incident, names] : hosts) EXPECT_LE(names.size(), 50U);
  EXPECT_GT(joiner.stats().bounded_by_hosts, 0U);
}

}  // namespace
}  // namespace tocsin::triage
