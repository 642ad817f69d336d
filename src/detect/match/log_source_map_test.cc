#include "detect/log_source_map.h"

#include <gtest/gtest.h>

namespace tocsin::detect {
namespace {

LogSourceMap load(const std::string& rows) { return load_log_sources({{"t.yml", "product: p\nrows:\n" + rows}}); }

TEST(LogSourceMap, AConditionAsksForValuesPrefixesPresenceAbsenceOrTheContrary) {
  const LogSourceMap map = load("- {service: s, when: {a: [X, y*], b: '*', c: null, d: {not: [z, W*]}}}\n");
  ASSERT_EQ(map.rows.size(), 1U);
  EXPECT_TRUE(map.diagnostics.empty());
  const auto& when = map.rows[0].when;
  ASSERT_EQ(when.size(), 4U);
  EXPECT_EQ(when[0].values, std::vector<std::string>{"x"});
  EXPECT_EQ(when[0].prefixes, std::vector<std::string>{"y"});
  EXPECT_TRUE(when[1].present);
  EXPECT_TRUE(when[2].absent);
  EXPECT_TRUE(when[3].negated);
  EXPECT_EQ(when[3].values, std::vector<std::string>{"z"});
  EXPECT_EQ(when[3].prefixes, std::vector<std::string>{"w"});
}

TEST(LogSourceMap, EachOfSeveralMapsBecomesARow) {
  const LogSourceMap map = load("- {service: s, when: [{a: 1}, {b: 2, c: 3}], fields: {X: y}}\n");
  ASSERT_EQ(map.rows.size(), 2U);
  EXPECT_EQ(map.rows[0].when.size(), 1U);
  EXPECT_EQ(map.rows[1].when.size(), 2U);
  EXPECT_EQ(map.rows[1].fields.size(), 1U);
  EXPECT_EQ(map.rows[1].source.product, "p");
}

TEST(LogSourceMap, RefusesWhatItCannotMeanWithItsLine) {
  for (const char* row : {"- {service: s}\n", "- {service: s, when: []}\n", "- {service: s, when: {}}\n", "- {service: s, when: 1}\n",
                          "- {service: s, when: {a: []}}\n", "- {service: s, when: {a: [null]}}\n", "- {service: s, when: {a: ['*']}}\n",
                          "- {service: s, when: {a: {is: b}}}\n", "- {service: s, when: {a: {not: b, or: c}}}\n",
                          "- {service: s, when: {a: 1}, fields: {X: 'y*'}}\n", "- {service: s, when: {a: 1}, field: {X: y}}\n", "- 1\n"}) {
    const LogSourceMap map = load(row);
    EXPECT_TRUE(map.rows.empty()) << row;
    ASSERT_FALSE(map.diagnostics.empty()) << row;
    EXPECT_EQ(map.diagnostics[0].line, 3U) << row;
  }
}

}  // namespace
}  // namespace tocsin::detect
