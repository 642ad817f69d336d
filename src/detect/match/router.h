// From an event to the programs that can match it.
//
// Discriminating fields are those the log source table tests, plus EventID, Channel, Provider_Name, product, category and
// service. An event's values in them, reduced to "absent", "null", one of the values that rules or rows name, one of the
// prefixes that rows name, "other" or "several", are its kind; for each kind the programs are built once. A field is coarse
// where rows ask for no exact value of it: then only its being there and its prefix count, however many values it has.
// Kinds are bounded by kMaxRoutes: past it (hostile
// input can only combine known values, but many) programs that decide nothing are used, one set per list of rows; and
// past kMaxRowRoutes of those, one program of all rules, whose matches are sifted, and one per row with fields.
// Thread-safe: a mutex is taken only for kinds that the caller has not seen yet.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "detect/engine.h"
#include "detect/match/program.h"

namespace tocsin::detect {

inline constexpr std::size_t kMaxRoutes = 4'096;
inline constexpr std::size_t kMaxRowRoutes = 512;  // Lists of rows with programs of their own.

struct Route {
  bool told = false;  // The source is known.
  std::vector<std::shared_ptr<const Program>> programs;
  std::vector<bool> base_rules;  // Where not empty: of the base view, only matches of these rules count.
};

// Value numbers of a discriminating field in a kind: these, then 4 + the number of the known value.
enum KindValue : std::uint16_t { kKindAbsent = 0, kKindNull = 1, kKindOther = 2, kKindSeveral = 3, kFirstKnown = 4 };
using Kind = std::vector<std::uint16_t>;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

struct KindField {
  std::string name;
  bool coarse = false;
  std::size_t longest_prefix = 0;
  std::unordered_map<std::string, std::uint16_t, TextHash, std::equal_to<>> known;  // Folded value -> number.
  // Longest first: a value that is not known takes the number of the first it begins with.
  std::vector<std::pair<std::string, std::uint16_t>> prefixes;
  std::vector<std::string> values;  // By number - kFirstKnown: a value or, so marked, a prefix.
  std::vector<bool> is_prefix;

  // The number of a value, given folded.
  [[nodiscard]] std::uint16_t number_of(std::string_view folded) const;
  bool full = false;  // More values are named than are numbered.
};

class Router {
 public:
  Router(const RuleSet& rules, const LogSourceMap& sources, const CompileOptions& options);

  [[nodiscard]] const std::vector<KindField>& fields() const { return fields_; }
  [[nodiscard]] const LogSourceMap& sources() const { return sources_; }
  [[nodiscard]] const RuleSet& rules() const { return rules_; }
  // No text of more bytes folds to a known value.
  [[nodiscard]] std::size_t max_known_bytes() const { return max_known_bytes_; }
  [[nodiscard]] bool any_source() const { return options_.any_source; }

  // The route of a kind; built on first demand. REQUIRES: the router outlives it. `event` is looked at where a field has
  // several values.
  std::shared_ptr<const Route> route(const Kind& kind, const model::Event& event);

  // What an event of that kind is taken for: what it or the options name, then the rows that hold, in their order.
  [[nodiscard]] std::vector<model::LogSource> sources_of(const Kind& kind, const model::Event& event) const;

 private:
  void add_known(const std::string& field, const std::string& value);
  void add_prefix(const std::string& field, const std::string& prefix);
  void add_rule_values();
  void collect_fields();
  [[nodiscard]] bool holds(const SourceCondition& condition, std::uint32_t field, const Kind& kind,
                           const model::Event& event) const;
  [[nodiscard]] std::vector<std::uint32_t> rows_of(const Kind& kind, const model::LogSource& named,
                                                   const model::Event& event) const;
  [[nodiscard]] model::LogSource named_source(const Kind& kind) const;
  // Which rules apply to events of these rows and that name.
  struct Plan {
    bool told = false;
    std::vector<std::uint32_t> base;
    std::vector<std::uint32_t> rows;  // Those with fields.
  };
  [[nodiscard]] Plan plan(const std::vector<std::uint32_t>& rows, const model::LogSource& named) const;
  [[nodiscard]] bool enabled(std::uint32_t rule) const;
  [[nodiscard]] std::vector<std::uint32_t> rules_of_row(const SourceRow& row) const;
  std::shared_ptr<const Route> build(const Plan& plan, const std::vector<KnownField>& known);
  std::shared_ptr<const Route> sifted(const Plan& plan);
  [[nodiscard]] std::vector<KnownField> known_of(const Kind& kind) const;

  const RuleSet& rules_;
  const LogSourceMap& sources_;
  const CompileOptions options_;
  std::vector<KindField> fields_;
  std::unordered_map<std::string, std::uint32_t> field_numbers_;
  std::vector<std::vector<std::uint32_t>> condition_fields_;  // Per row, per condition: the number of its field.
  std::unordered_map<std::string, bool> products_, categories_;
  std::size_t max_known_bytes_ = 0;

  std::mutex mutex_;
  RegexCache regexes_;
  std::unordered_map<std::string, std::shared_ptr<const Route>> by_kind_;
  std::unordered_map<std::string, std::shared_ptr<const Route>> by_rows_;
  std::shared_ptr<const Program> all_rules_;                                        // For sifted().
  std::unordered_map<std::uint32_t, std::shared_ptr<const Program>> row_programs_;  // Likewise, by row.
};

}  // namespace tocsin::detect
