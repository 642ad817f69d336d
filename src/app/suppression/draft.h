// Which fields of an event tell its case apart from the other findings of its rule. Pure.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/suppressions.h"
#include "detect/engine.h"

namespace tocsin::app {

// Gathers values of the fields that could be chosen, of one finding and then of others of its rule.
class Drafter {
 public:
  // The finding that is to be silenced. REQUIRES: once, before others().
  void take(const detect::Engine& engine, const model::Event& event, const detect::Match& match);
  // The same of its document, where the record is gone: what the rule looked at alone. False: it says nothing of use.
  bool take_document(std::string_view ocsf);
  void other(const detect::Engine& engine, const model::Event& event, const detect::Match& match);
  // The most telling first. Of each: how many of the others have the same value, and whether it is proposed.
  [[nodiscard]] std::vector<api::SuppressionField> fields() const;
  [[nodiscard]] bool taken() const { return taken_; }

 private:
  struct Candidate {
    std::string field, value;
    std::string_view what;  // "the program", "who ran it" ...
    int rank = 0;           // 1: a cause; 2: who; 3: where; 4: what the rule looked at.
    std::uint64_t same = 0;
  };
  std::vector<Candidate> candidates_;
  std::uint64_t others_ = 0;
  bool taken_ = false;
};

}  // namespace tocsin::app
