#include "finding_stream.h"

#include <string>

namespace tocsin::bench {

using model::EntityKind;
using model::EntityRole;

FindingStream::FindingStream(int count, unsigned hosts, std::int64_t begin_ns, std::int64_t span_ns)
    : count_(count), hosts_(hosts), begin_ns_(begin_ns), span_ns_(span_ns) {}

triage::Finding FindingStream::make(int i) {
  const auto pick = [this](unsigned most) { return static_cast<unsigned>(random_()) % most; };
  triage::Finding out;
  out.id = "e8fba19a-f0e4-4a12-bd46-1aa7df788528:journal/2026-11-17:" + std::to_string(i);
  out.tenant = "default";
  out.event_time.ns = begin_ns_ + span_ns_ / count_ * i;
  const bool common = pick(10) < 7;
  out.rule_id = "rule-" + std::to_string(common ? pick(40) : 40 + pick(360));
  out.rule_title = "Title of " + out.rule_id;
  out.severity_id = static_cast<std::uint8_t>(1 + pick(5));
  const std::string host = "ws-" + std::to_string(pick(hosts_));
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

}  // namespace tocsin::bench
