#include "app/suppression/draft.h"

#include <simdjson.h>

#include <algorithm>

#include "app/suppression/filter.h"
#include "core/text.h"

namespace tocsin::app {
namespace {

constexpr std::uint64_t kTelling = 5;  // From so many others on, what all have says nothing.
constexpr std::size_t kMaxValueBytes = 512;
constexpr std::size_t kMaxCandidates = 24;

struct Known {
  std::string_view field, what;
  int rank;
};
// Names of fields as rules write them, over the log sources that have them. Of those of one meaning the first that is there
// is taken.
constexpr Known kKnown[] = {
    {"Image", "the program", 1},
    {"ParentImage", "what started it", 1},
    {"SourceImage", "the program that acted", 1},
    {"TargetImage", "the program acted upon", 1},
    {"exe", "the program", 1},
    {"ServiceName", "the service", 1},
    {"ImagePath", "the program of the service", 1},
    {"TaskName", "the scheduled task", 1},
    {"eventName", "the call", 1},
    {"User", "who ran it", 2},
    {"SubjectUserName", "who did it", 2},
    {"TargetUserName", "the account it was done to", 2},
    {"user", "who did it", 2},
    {"userIdentity.arn", "who did it", 2},
    {"sourceIPAddress", "where it came from", 2},
    {"IpAddress", "where it came from", 2},
    {"id.orig_h", "where it came from", 2},
    {"src_ip", "where it came from", 2},
    {"c-ip", "where it came from", 2},
    {"id.resp_h", "where it went", 2},
    {"dst_ip", "where it went", 2},
    {"DestinationIp", "where it went", 2},
    {"DestinationHostname", "where it went", 2},
    {"query", "the name that was asked for", 2},
    {"TargetFilename", "the file", 2},
    {"TargetObject", "the registry key", 2},
    {"Computer", "the host", 3},
    {"hostname", "the host", 3},
    {"CommandLine", "the command line as a whole", 4},
    {"ParentCommandLine", "the command line of what started it, as a whole", 4},
};

// The value where there is one, and it is short enough to be compared.
std::string value_of(const detect::Engine& engine, const model::Event& event, const detect::Match& match,
                     std::string_view field) {
  auto values = engine.values(event, match, field);
  if (values.size() != 1 || values[0].empty() || values[0] == "-" || values[0].size() > kMaxValueBytes) return {};
  return std::move(values[0]);
}

std::string counted(std::uint64_t same, std::uint64_t others) {
  if (others == 0) return "the rule has no other finding to compare with";
  return std::to_string(same) + " of " + std::to_string(others) + " other findings of the rule have it too";
}

}  // namespace

void Drafter::take(const detect::Engine& engine, const model::Event& event, const detect::Match& match) {
  if (taken_) return;
  taken_ = true;
  const auto has = [&](std::string_view field) {
    return std::any_of(candidates_.begin(), candidates_.end(), [&](const Candidate& one) { return one.field == field; });
  };
  for (const Known& known : kKnown) {
    std::string value = value_of(engine, event, match, known.field);
    if (!value.empty()) candidates_.push_back({std::string(known.field), std::move(value), known.what, known.rank});
  }
  for (const model::PredicateMatch& predicate : engine.explain(event, match).predicates) {
    if (predicate.field.empty() || candidates_.size() >= kMaxCandidates || has(predicate.field)) continue;
    if (predicate.field.find_first_of("| \n\r") != std::string::npos) continue;
    std::string value = value_of(engine, event, match, predicate.field);
    if (!value.empty()) candidates_.push_back({predicate.field, std::move(value), "what the rule looked at", 4});
  }
}

bool Drafter::take_document(std::string_view ocsf) {
  simdjson::dom::parser parser;
  simdjson::dom::array predicates;
  const simdjson::padded_string bytes(ocsf);
  if (parser.parse(bytes)["unmapped"]["tocsin"]["matches"]["predicates"].get(predicates) != simdjson::SUCCESS) return false;
  for (const simdjson::dom::element one : predicates) {
    std::string_view field, value;
    if (one["field"].get(field) != simdjson::SUCCESS || one["value"].get(value) != simdjson::SUCCESS) continue;
    if (field.empty() || field.find_first_of("| \n\r") != std::string_view::npos) continue;
    if (value.empty() || value.size() > kMaxValueBytes || candidates_.size() >= kMaxCandidates) continue;
    const auto same = [&](const Candidate& candidate) { return candidate.field == field; };
    if (std::any_of(candidates_.begin(), candidates_.end(), same)) continue;
    const auto* known = std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Known& k) { return k.field == field; });
    const bool told = known != std::end(kKnown);
    candidates_.push_back(
        {std::string(field), std::string(value), told ? known->what : "what the rule looked at", told ? known->rank : 4});
  }
  taken_ = !candidates_.empty();
  return taken_;
}

void Drafter::other(const detect::Engine& engine, const model::Event& event, const detect::Match& match) {
  ++others_;
  for (Candidate& one : candidates_) {
    const auto values = engine.values(event, match, one.field);
    if (std::any_of(values.begin(), values.end(), [&](const auto& v) { return core::equal_ascii_case(v, one.value); }))
      ++one.same;
  }
}

std::vector<api::SuppressionField> Drafter::fields() const {
  const auto common = [&](const Candidate& one) { return others_ >= kTelling && one.same == others_; };
  // Causes and people name a case; a host alone, or a whole command line, only where nothing else does.
  int least = 5;
  for (const Candidate& one : candidates_) {
    if (!common(one)) least = std::min(least, one.rank);
  }
  const int most = std::max(least, 2);
  auto ranked = candidates_;
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.rank < b.rank; });
  std::vector<api::SuppressionField> out;
  for (const Candidate& one : ranked) {
    api::SuppressionField field{one.field, "equals", one.value, one.rank <= most && !common(one), std::string(one.what)};
    if (common(one)) {
      field.why += "; all " + std::to_string(others_) + " other findings of the rule have it, so it tells nothing apart";
    } else {
      field.why += "; " + counted(one.same, others_);
      if (!field.chosen && one.rank == 3) field.why += "; choose it to silence this host alone";
      if (!field.chosen && one.rank == 4) field.why += "; choose it to silence nothing but this value";
    }
    out.push_back(std::move(field));
  }
  return out;
}

}  // namespace tocsin::app
