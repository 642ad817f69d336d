// Why a rule matched an event: walks the rule once more, slowly, and writes down what held.
//
// Called only for matches. One thread (keeps compiled forms of rules that fired).
#pragma once
#include <memory>

#include "detect/log_source_map.h"
#include "detect/sigma/ast.h"
#include "model/event.h"
#include "model/finding.h"

namespace tocsin::detect {

inline constexpr std::size_t kMaxShownPredicates = 64;

class Explainer {
 public:
  Explainer();
  ~Explainer();
  // REQUIRES: `rule` matches `event` seen through `row` (null: as it is); `rule` outlives the explainer.
  model::Explanation explain(const sigma::Rule& rule, const SourceRow* row, const model::Event& event) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::detect
