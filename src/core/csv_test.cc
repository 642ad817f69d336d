#include "core/csv.h"

#include <gtest/gtest.h>

#include <random>

namespace tocsin::core {
namespace {

std::string written(const std::vector<std::string>& cells) {
  std::string out;
  append_csv_row(cells, out);
  return out;
}
std::string error_of(std::string_view text, const CsvLimits& limits = {}) {
  const auto rows = read_csv(text, limits);
  return rows.ok() ? "" : rows.error().text;
}

TEST(Csv, QuotesWhatMustBeAndGuardsWhatLooksLikeAFormula) {
  EXPECT_EQ(written({"plain", "a,b", "say \"x\"", "", "two\nlines"}), "plain,\"a,b\",\"say \"\"x\"\"\",,\"two\nlines\"\r\n");
  for (const std::string active : {"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "'=1", "''@x"}) {
    EXPECT_EQ(written({active}), "\"'" + active + "\"\r\n");
  }
  EXPECT_EQ(written({"'quoted'", "a=b"}), "'quoted',a=b\r\n");
}
TEST(Csv, ReadsRowsWithTheirLines) {
  const auto rows = read_csv(
      "\xEF\xBB\xBF"
      "a,b\r\n\n\"1\n2\",\"x\"\"y\"\nlast,",
      {});
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_EQ((*rows)[1].cells, (std::vector<std::string>{"1\n2", "x\"y"}));
  EXPECT_EQ((*rows)[1].line, 3u);
  EXPECT_EQ((*rows)[2].line, 5u);
  EXPECT_EQ((*rows)[2].cells, (std::vector<std::string>{"last", ""}));
}
TEST(Csv, RefusesWhatIsBrokenWithTheLine) {
  EXPECT_EQ(error_of("a\n\"b"), "line 2: a quote does not end");
  EXPECT_EQ(error_of("a\nb\"c"), "line 2: a quote stands inside a cell that is not quoted");
  EXPECT_EQ(error_of("\"b\"c"), "line 1: text follows the closing quote of a cell");
  EXPECT_EQ(error_of("a\nb\nc", {2, 9, 9}), "line 3: more than 2 rows");
  EXPECT_EQ(error_of("a,b,c", {2, 2, 9}), "line 1: more than 2 cells");
  EXPECT_EQ(error_of("a\nbcd", {9, 2, 2}), "line 2: a cell of more than 2 bytes");
  EXPECT_EQ(error_of(""), "");
}
TEST(Csv, WhatIsWrittenReadsBackTheSame) {
  std::mt19937 random(5);
  constexpr std::string_view kLetters = "ab=+-@'\",\r\n\t ";
  for (int i = 0; i < 3'000; ++i) {
    std::vector<std::string> cells(1 + random() % 4);
    for (auto& cell : cells) {
      for (std::size_t n = random() % 6; n > 0; --n) cell += kLetters[random() % kLetters.size()];
    }
    if (cells.size() == 1 && cells[0].empty()) continue;  // An empty line is none.
    const auto rows = read_csv(written(cells), {});
    ASSERT_TRUE(rows.ok()) << rows.error().text << written(cells);
    ASSERT_EQ(rows->size(), 1u);
    ASSERT_EQ((*rows)[0].cells, cells);
  }
}

}  // namespace
}  // namespace tocsin::core
