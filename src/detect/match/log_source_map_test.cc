#include "detect/log_source_map.h"

#include <gtest/gtest.h>

namespace tocsin::detect {
namespace {

LogSourceMap load(const std::string& text) { return load_log_sources({{"table.yml", text}}); }

// "line:column message; hint" of the only problem.
std::string problem(const std::string& text) {
  const LogSourceMap map = load(text);
  if (map.diagnostics.size() != 1) return std::to_string(map.diagnostics.size()) + " problems";
  const sigma::Diagnostic& of = map.diagnostics[0];
  EXPECT_EQ(of.path, "table.yml");
  EXPECT_EQ(of.severity, sigma::Diagnostic::Severity::kError);
  EXPECT_FALSE(of.code.empty());
  EXPECT_FALSE(of.hint.empty());
  return std::to_string(of.line) + ":" + std::to_string(of.column) + " " + of.message;
}

TEST(LogSourceMap, ReadsRowsWithConditionsAndFields) {
  const LogSourceMap map = load(
      "product: Windows\nrows:\n  - {category: C, when: {Channel: [A, B], EventID: 1, X: '*', Y: null}}\n"
      "  - product: other\n    service: S\n    when: {Channel: A}\n"
      "    fields: {F: G, H: {from: I, values: {a: b}, prefixes: {c: d}}, J: {from: K, as: decimal}, L: {from: M, as: "
      "device-path}}\n");
  ASSERT_TRUE(map.diagnostics.empty());
  ASSERT_EQ(map.rows.size(), 2u);
  EXPECT_EQ(map.rows[0].source, (model::LogSource{"windows", "c", ""}));
  EXPECT_EQ(map.rows[0].line, 3u);
  ASSERT_EQ(map.rows[0].when.size(), 4u);
  EXPECT_EQ(map.rows[0].when[0].values.size(), 2u);
  EXPECT_EQ(map.rows[0].when[1].values, std::vector<std::string>{"1"});
  EXPECT_TRUE(map.rows[0].when[2].present);
  EXPECT_TRUE(map.rows[0].when[3].absent);
  EXPECT_EQ(map.rows[1].source, (model::LogSource{"other", "", "s"}));
  ASSERT_EQ(map.rows[1].fields.size(), 4u);
  EXPECT_EQ(map.rows[1].fields[0].event_field, "G");
  ASSERT_EQ(map.rows[1].fields[1].values.size(), 2u);
  EXPECT_EQ(map.rows[1].fields[1].values[1].kind, ValueRule::Kind::kPrefix);
  EXPECT_EQ(map.rows[1].fields[2].values[0].kind, ValueRule::Kind::kHexToDecimal);
  EXPECT_EQ(map.rows[1].fields[3].values[0].kind, ValueRule::Kind::kDevicePath);
}

TEST(LogSourceMap, SaysWhereATableIsWrong) {
  const std::string head = "product: windows\nrows:\n";
  EXPECT_TRUE(problem("- a\n").starts_with("1:1 the file")) << problem("- a\n");
  EXPECT_TRUE(problem("product: x\n").starts_with("1:1 rows"));
  EXPECT_TRUE(problem("product: x\nrows: {a: b}\n").starts_with("2:7 rows"));
  EXPECT_TRUE(problem(head + "  - text\n").starts_with("3:5 a row"));
  EXPECT_TRUE(problem(head + "  - {category: c, wenn: {A: x}}\n").starts_with("3:19 the key"));
  EXPECT_TRUE(problem(head + "  - {category: c}\n").starts_with("3:5 a row without `when`"));
  EXPECT_TRUE(problem("rows:\n  - {when: {A: x}}\n").starts_with("2:5 a row without a source"));
  EXPECT_TRUE(problem(head + "  - {category: [c], when: {A: x}}\n").starts_with("3:16 a log source name"));
  EXPECT_TRUE(problem(head + "  - {category: c, when: x}\n").starts_with("3:25 when"));
  EXPECT_TRUE(problem(head + "  - {category: c, when: {A: {b: c}}}\n").starts_with("3:29 a condition"));
  EXPECT_TRUE(problem(head + "  - {category: c, when: {A: [[b]]}}\n").starts_with("3:30 a value of when"));
  EXPECT_TRUE(problem(head + "  - {category: c, when: {A: x}, fields: x}\n").starts_with("3:41 fields"));
  EXPECT_TRUE(problem(head + "  - {category: c, when: {A: x}, fields: {B: [c]}}\n").starts_with("3:45 a field"));
  EXPECT_TRUE(problem(head + "  - {category: c, when: {A: x}, fields: {B: {values: {a: b}}}}\n")
                  .starts_with("3:45 a field without `from`"));
  EXPECT_TRUE(
      problem(head + "  - {category: c, when: {A: x}, fields: {B: {from: C, as: octal}}}\n").starts_with("3:55 the key"));
  EXPECT_TRUE(
      problem(head + "  - {category: c, when: {A: x}, fields: {B: {from: C, values: x}}}\n").starts_with("3:63 values"));
}

TEST(LogSourceMap, ASyntaxErrorSaysItsLine) {
  const LogSourceMap map = load("product: windows\nrows:\n  - {category: c\n");
  ASSERT_FALSE(map.diagnostics.empty());
  EXPECT_GE(map.diagnostics[0].line, 3u);
  EXPECT_TRUE(map.rows.empty());
}

TEST(LogSourceMap, ABadRowCostsOnlyItself) {
  const LogSourceMap map = load("product: windows\nrows:\n  - {category: c}\n  - {category: d, when: {A: x}}\n");
  EXPECT_EQ(map.diagnostics.size(), 1u);
  ASSERT_EQ(map.rows.size(), 1u);
  EXPECT_EQ(map.rows[0].source.category, "d");
}

TEST(LogSourceMap, SeveralFilesAddUp) {
  const std::string row = "rows: [{category: c, product: p, when: {A: x}}]\n";
  EXPECT_EQ(load_log_sources({{"a.yml", row}, {"b.yml", row}}).rows.size(), 2u);
}

}  // namespace
}  // namespace tocsin::detect
