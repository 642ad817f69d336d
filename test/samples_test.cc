// All public rules on recorded events: the engine finds what the plain evaluator finds. Skipped where the shared data is
// absent. TOCSIN_LONG_TESTS=<factor> looks at so many times more events.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/arena.h"
#include "core/unicode.h"
#include "detect/engine.h"
#include "detect/match/value_rule.h"
#include "detect/plain_evaluator.h"
#include "sample_events.h"

namespace tocsin::detect {
namespace {

// Which rules may see an event, and how: the log source table read a second time, condition by condition.
class PlainRouter {
 public:
  PlainRouter(const RuleSet& rules, const LogSourceMap& map) : map_(map) {
    const auto add = [&](const model::LogSource& source) {
      products_.insert(source.product);
      categories_.insert(source.category);
    };
    for (const sigma::Rule& rule : rules.rules) add(rule.info.logsource);
    for (const SourceRow& row : map.rows) add(row.source);
  }

  void look(const model::Event& event) {
    event_ = to_plain_event(event);
    format_ = model::to_string(event.slot->format);
    payload_ = model::to_string(event.slot->payload);
    is_.clear();
    views_.clear();
    told_ = false;
    const model::LogSource named = named_source();
    const auto add = [&](const char* kind, const std::string& name) {
      if (!name.empty()) is_.insert(kind + name);
    };
    add("p:", named.product);
    add("c:", named.category);
    add("s:", named.service);
    for (const SourceRow& row : map_.rows) {
      if (!named.product.empty() && !row.source.product.empty() && named.product != row.source.product) continue;
      if (!std::all_of(row.when.begin(), row.when.end(), [&](const SourceCondition& c) { return holds(c); })) continue;
      told_ = true;
      add("p:", row.source.product);
      if (!row.fields.empty()) {
        views_.push_back(&row);
        continue;
      }
      add("c:", row.source.category);
      add("s:", row.source.service);
    }
    told_ = told_ || !is_.empty();
  }

  bool match(PlainEvaluator& plain, const sigma::Rule& rule) {
    const model::LogSource& source = rule.info.logsource;
    const auto is = [&](const char* kind, const std::string& name) { return name.empty() || is_.contains(kind + name); };
    const bool base =
        told_ ? is("p:", source.product) && is("c:", source.category) && is("s:", source.service) : source.product.empty();
    if (base && plain.match(rule, event_)) return true;
    for (const SourceRow* row : views_) {
      const model::LogSource& of = row->source;
      const bool named = of.category.empty() ? source.service == of.service : source.category == of.category;
      if (!named || (source.category.empty() && source.service.empty())) continue;
      if (!source.product.empty() && source.product != of.product) continue;
      if (!source.service.empty() && source.service != of.service) continue;
      if (plain.match(rule, view(*row))) return true;
    }
    return false;
  }

 private:
  std::string one_value(const char* name) const {
    std::set<std::string> values;
    for (const PlainField& field : event_.fields) {
      if (field.name == name) values.insert(core::fold_utf8(field.value));
    }
    return values.size() == 1 ? *values.begin() : "";
  }
  model::LogSource named_source() const {
    model::LogSource out{one_value("product"), one_value("category"), one_value("service")};
    if (!products_.contains(out.product)) out.product.clear();
    if (!categories_.contains(out.category)) out.category.clear();
    return out.product.empty() && out.category.empty() ? model::LogSource{} : out;
  }
  bool holds(const SourceCondition& condition) const {
    std::vector<std::string> held;
    if (condition.field == "_format") held.push_back(format_);
    if (condition.field == "_payload") held.push_back(payload_);
    for (const PlainField& field : event_.fields) {
      if (field.name == condition.field && field.type != model::ValueType::kNull)
        held.push_back(core::fold_utf8(field.value));
    }
    if (condition.absent || condition.present) return held.empty() == condition.absent;
    return std::any_of(condition.values.begin(), condition.values.end(), [&](const std::string& value) {
      return std::find(held.begin(), held.end(), core::fold_utf8(value)) != held.end();
    });
  }
  // The event as rules of the row's category see it. Keywords are not asked of mapped views here.
  PlainEvent view(const SourceRow& row) const {
    PlainEvent out;
    core::Arena arena(4096);
    for (const PlainField& field : event_.fields) {
      const auto hidden = [&](const FieldRule& rule) { return rule.rule_field == field.name; };
      if (std::none_of(row.fields.begin(), row.fields.end(), hidden)) out.fields.push_back(field);
      for (const FieldRule& rule : row.fields) {
        if (rule.event_field != field.name) continue;
        const bool null = field.type == model::ValueType::kNull;
        out.fields.push_back({rule.rule_field, field.type, null ? "" : std::string(map_value(rule, field.value, arena))});
      }
    }
    return out;
  }

  const LogSourceMap& map_;
  std::set<std::string> products_, categories_;
  PlainEvent event_;
  std::string format_, payload_;
  std::set<std::string> is_;
  std::vector<const SourceRow*> views_;
  bool told_ = false;
};

class SharedSamples : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (tocsin::testing::shared_data().empty()) return;
    rules_ = new RuleSet(load_public_rules(tocsin::testing::shared_data() / "sigma"));
    sources_ = new LogSourceMap(windows_sources());
  }
  static void TearDownTestSuite() {
    delete rules_;
    delete sources_;
    rules_ = nullptr;
    sources_ = nullptr;
  }
  void SetUp() override {
    if (rules_ == nullptr || rules_->rules.empty()) GTEST_SKIP() << "no shared data: rules and samples are not here";
  }

  // Which files, and how many events of each, so that it is about `most` in all.
  static std::vector<std::pair<fs::path, std::size_t>> plan(std::vector<fs::path> files, std::size_t most) {
    std::vector<std::pair<fs::path, std::size_t>> out;
    if (files.empty()) return out;
    most *= long_tests();
    const std::size_t step = std::max<std::size_t>(1, (files.size() + most - 1) / most);
    const std::size_t per_file = std::max<std::size_t>(1, most / files.size());
    for (std::size_t i = 0; i < files.size(); i += step) out.emplace_back(files[i], per_file);
    return out;
  }

  // All events go through the engine (what it remembers must not matter), those that are sampled through both.
  void compare(const std::vector<fs::path>& files, std::size_t most, bool any_source) {
    if (files.empty()) GTEST_SKIP() << "no shared data: these samples are not here";
    CompileOptions options;
    options.any_source = any_source;
    const CompiledRules compiled(*rules_, *sources_, options);
    PlainEvaluator plain;
    PlainRouter router(*rules_, *sources_);
    model::NameTable names;
    Engine engine(compiled, names);
    std::size_t seen = 0, matched = 0;
    for (const auto& [path, per_file] : plan(files, most)) {
      std::size_t number = 0, taken = 0, next = 0;
      read_events(path, names, [&](const model::Event& event) {
        std::vector<Match> matches;
        engine.match(event, matches);
        if (number++ < next || taken >= per_file) return;
        next = next * 5 / 4 + 1;
        ++taken;
        ++seen;
        std::set<std::uint32_t> found;
        for (const Match& match : matches) found.insert(match.rule_index);
        matched += found.size();
        const PlainEvent raw = to_plain_event(event);
        if (!any_source) router.look(event);
        for (std::uint32_t r = 0; r < rules_->rules.size(); ++r) {
          const sigma::Rule& rule = rules_->rules[r];
          const bool wanted = any_source ? plain.match(rule, raw) : router.match(plain, rule);
          EXPECT_EQ(found.contains(r), wanted) << rule.info.title << " on record " << event.slot->record << " of " << path;
        }
        // What was found can be explained.
        for (const Match& match : matches) EXPECT_FALSE(engine.explain(event, match).condition.empty());
      });
      if (HasFailure()) return;
    }
    std::printf("%zu events, %zu matches\n", seen, matched);
  }
  static fs::path data() { return tocsin::testing::shared_data(); }

  static RuleSet* rules_;
  static LogSourceMap* sources_;
};
RuleSet* SharedSamples::rules_ = nullptr;
LogSourceMap* SharedSamples::sources_ = nullptr;

TEST_F(SharedSamples, RegressionSamplesWithEveryRule) {
  compare(files_under(data() / "sigma/regression_data", ".evtx"), 50, true);
}
TEST_F(SharedSamples, RegressionSamplesRouted) {
  compare(files_under(data() / "sigma/regression_data", ".evtx"), 1'000, false);
}
TEST_F(SharedSamples, RegressionTwinsRouted) {
  compare(files_under(data() / "sigma/regression_data", ".json"), 1'000, false);
}
TEST_F(SharedSamples, AttackSamplesWithEveryRule) {
  compare(files_under(data() / "evtx/attack-samples", ".evtx"), 60, true);
}
TEST_F(SharedSamples, AttackSamplesRouted) { compare(files_under(data() / "evtx/attack-samples", ".evtx"), 300, false); }
TEST_F(SharedSamples, LanesWithEveryRule) { compare(files_under(data() / "ndjson/lanes", ".ndjson"), 40, true); }
TEST_F(SharedSamples, LanesRouted) { compare(files_under(data() / "ndjson/lanes", ".ndjson"), 160, false); }
TEST_F(SharedSamples, SecurityDatasetsWithEveryRule) {
  compare(files_under(data() / "ndjson/security-datasets", ".zip"), 40, true);
}
TEST_F(SharedSamples, SecurityDatasetsRouted) {
  compare(files_under(data() / "ndjson/security-datasets", ".zip"), 250, false);
}

}  // namespace
}  // namespace tocsin::detect
