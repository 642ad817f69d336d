#include <gtest/gtest.h>

#include <random>

#include "decode/text/csv_row.h"
#include "decode/text/decode_test_support.h"
#include "testing/paths.h"

namespace tocsin::decode::text {
namespace {

std::unique_ptr<Decoded> decode(std::string_view input, std::size_t step = 1u << 20, std::size_t limit = 16u << 20) {
  DecodeOptions options;
  options.max_record_bytes = limit;
  const auto decoder = make_csv_decoder(options);
  return decode_all(*decoder, input, step);
}

TEST(CsvDecoder, ReadsQuotesNewlinesAndBom) {
  for (const std::size_t step : {1u, 5u, 1'000u}) {
    const auto decoded = decode(
        "\xEF\xBB\xBF"
        "a,b,\"c d\"\r\n1,\"x \"\"y\"\"\nz\",\"\"\r\n,2,\"3\"",
        step);
    EXPECT_EQ(dump_all(*decoded), (std::vector<std::string>{"a=1 b=x \"y\"\nz", "b=2 c d=3"})) << step;
    EXPECT_EQ(decoded->bad_count, 0u);
  }
}

TEST(CsvDecoder, RecognisesTheDelimiter) {
  for (const char d : {',', ';', '\t', '|'}) {
    std::string input = "a;b;c\n1;2;3\n";
    for (char& c : input) c = c == ';' ? d : c;
    EXPECT_EQ(dump(decode(input)->event(0)), "a=1 b=2 c=3") << d;
  }
}

TEST(CsvDecoder, KeepsShortRowsAndOnlyTheTextOfLongOnes) {
  const auto decoded = decode("a,b\n1\n1,2,3\n1,2,,\n");
  EXPECT_EQ(dump_all(*decoded), (std::vector<std::string>{"a=1", "message=1,2,3", "a=1 b=2"}));
  ASSERT_EQ(decoded->bad_count, 2u);
  EXPECT_EQ(decoded->bad()[0].cause, "csv-row-short");
  EXPECT_EQ(decoded->bad()[1].cause, "csv-row-long");
  EXPECT_EQ(decoded->bad()[1].record, 2u);
}

TEST(CsvDecoder, TakesTheBestTimeColumn) {
  const auto decoded = decode("date,Event Time,x\n2020-01-01,2021-01-01T00:00:00Z,1\n");
  EXPECT_EQ(core::format_iso_time(decoded->event(0).slot->time), "2021-01-01T00:00:00Z");
}

TEST(CsvDecoder, AnOpenQuoteDoesNotSwallowTheRest) {
  const auto decoded = decode("a,b\n1,\"open\n2,x\n3,y\n");
  ASSERT_EQ(decoded->size(), 3u);
  EXPECT_EQ(decoded->text(1, "a"), "2");
  EXPECT_EQ(decoded->text(2, "b"), "y");
  EXPECT_EQ(decoded->bad_count, 1u);
  EXPECT_EQ(decoded->bad().front().cause, "csv-quote-open");
}

TEST(CsvDecoder, AnOpenQuoteHoldsUpABoundedPartOfTheStream) {
  std::string input = "a,b\n1,\"open\n";
  for (int i = 0; i < 1'000; ++i) input += "2,x\n";
  for (const std::size_t step : {10u, 64u, 100'000u}) {
    const auto decoded = decode(input, step, 200);
    EXPECT_EQ(decoded->size(), 1'001u) << step;
  }
}

TEST(CsvDecoder, SkipsBlankLinesBeforeTheHeaderInLinearTime) {
  const auto decoded = decode(std::string(1u << 20, '\n') + "a;b\n1;2\n");
  EXPECT_EQ(dump_all(*decoded), std::vector<std::string>{"a=1 b=2"});
}

TEST(CsvDecoder, SkipsATooLongRow) {
  for (const std::size_t step : {1u, 64u, 10'000u}) {
    const auto decoded = decode("a,b\n" + std::string(500, 'x') + ",1\n3,4\n", step, 100);
    ASSERT_EQ(decoded->size(), 1u) << step;
    EXPECT_EQ(decoded->bad_count, 1u);
    EXPECT_EQ(dump(decoded->event(0)), "a=3 b=4");
  }
}

TEST(CsvRow, AgreesWithAPlainReaderOnRandomText) {
  const std::uint32_t seed = 7;
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::size_t i = random() % 24; i > 0; --i) text += ",\"\n a\r"[random() % 6];
    // The slow reader: one character at a time.
    std::vector<std::string> cells(1);
    bool quoted = false, closed = false, fresh = true;
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
      const char c = text[end];
      if (quoted) {
        if (c != '"') {
          cells.back() += c;
        } else if (end + 1 < text.size() && text[end + 1] == '"') {
          cells.back() += "\"\"";
          ++end;
        } else {
          quoted = false;
          closed = true;
        }
      } else if (c == '\n') {
        ++end;
        break;
      } else if (c == ',') {
        cells.emplace_back();
        fresh = true;
        closed = false;
        continue;
      } else if (c == '"' && fresh) {
        quoted = true;
      } else if (!closed) {
        cells.back() += c;
      }
      fresh = false;
    }
    if (!closed && cells.back().ends_with('\r')) cells.back().pop_back();
    CsvRow row;
    const std::size_t length = read_csv_row(text, row);
    std::vector<std::string> got;
    for (const CsvCell& cell : row.cells) got.emplace_back(cell.text);
    if (row.cells.back().quoted) got.back() = cells.back();  // '\r' inside quotes at the text's end: either is right.
    ASSERT_EQ(got, cells) << "seed " << seed << " text " << ::testing::PrintToString(text);
    ASSERT_EQ(length, end) << ::testing::PrintToString(text);
    ASSERT_EQ(row.open, quoted) << ::testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace tocsin::decode::text
