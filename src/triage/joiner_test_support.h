// Findings for tests, in few words. Used by tests and benchmarks only.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "testing/paths.h"
#include "triage/joiner.h"

namespace tocsin::triage {

inline constexpr std::int64_t kTestStart = 1'794'900'000'000'000'000;

struct FindingBuilder {
  Finding out;
  FindingBuilder(std::string id, double minutes) {
    out.id = std::move(id);
    out.rule_id = "rule-" + out.id;
    out.rule_title = "Title of " + out.rule_id;
    out.severity_id = 4;
    out.tenant = "t";
    out.event_time.ns = kTestStart + static_cast<std::int64_t>(minutes * 60e9);
  }
  FindingBuilder& with(model::EntityKind kind, std::string key, model::EntityRole role = model::EntityRole::kAffected,
                       std::string label = "") {
    if (label.empty()) label = key;
    out.entities.push_back({kind, role, std::move(key), std::move(label)});
    return *this;
  }
  FindingBuilder& on(const std::string& host) { return with(model::EntityKind::kHost, host); }
  FindingBuilder& rule(std::string id) {
    out.rule_id = std::move(id);
    return *this;
  }
  FindingBuilder& severity(std::uint8_t id) {
    out.severity_id = id;
    return *this;
  }
  operator Finding() const { return out; }  // NOLINT(google-explicit-constructor)
};

inline std::shared_ptr<const JoinPolicy> own_policy() {
  const auto path = testing::project_root() / "content/triage/joining.yml";
  auto policy = read_join_policy(testing::read_file(path), "joining.yml");
  return policy.ok() ? std::move(policy).value() : nullptr;
}

}  // namespace tocsin::triage
