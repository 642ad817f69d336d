#include <gtest/gtest.h>
#include <simdjson.h>
#include <sys/resource.h>

#include <chrono>
#include <sstream>

#include "cli/sinks/gzip.h"
#include "cli/sinks/sample_findings.h"
#include "core/unicode.h"

namespace tocsin::cli {
namespace {

std::string page_of(const testing::Samples& samples) {
  std::ostringstream out;
  const auto sink = make_html_sink(out);
  for (const Found& found : samples.found) sink->add(found);
  sink->finish(samples.summary);
  return out.str();
}

// The text of the data element with that id.
std::string data_of(const std::string& page, const std::string& id) {
  const std::size_t name = page.find(" id=\"" + id + "\">");
  if (name == std::string::npos) return {};
  const std::size_t begin = page.find('>', name) + 1;
  return page.substr(begin, page.find("</script>", begin) - begin);
}

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t out = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++out;
  return out;
}

// Takes a counted number of bytes and keeps none.
class Counter : public std::streambuf {
 public:
  std::size_t bytes = 0;

 protected:
  std::streamsize xsputn(const char*, std::streamsize size) override {
    bytes += static_cast<std::size_t>(size);
    return size;
  }
  int overflow(int c) override {
    ++bytes;
    return c == EOF ? 0 : c;
  }
};

TEST(HtmlSink, DataIsValidJson) {
  const std::string page = page_of(testing::intrusion());
  simdjson::dom::parser parser;
  const std::string report = data_of(page, "report"), rows = data_of(page, "f0");
  simdjson::dom::element facts = parser.parse(report);
  EXPECT_EQ(facts["listed"].get_uint64().value(), 9u);
  EXPECT_EQ(facts["rules"].get_array().size(), 5u) << "each rule once";
  EXPECT_EQ(facts["blocks"].get_uint64().value(), 1u);
  EXPECT_EQ(simdjson::dom::element(parser.parse(rows)).get_array().size(), 9u);
}

TEST(HtmlSink, NothingFromEventsOrRulesCanEndItsScriptElement) {
  testing::Samples samples = testing::intrusion();
  samples.rules[0].title = "</script><script>alert(1)</script>";
  samples.rules[0].description = "<!--<script>";
  samples.summary.command_line = "</SCRIPT>";
  samples.summary.notes = {"</script>"};
  const std::string page = page_of(samples);
  EXPECT_EQ(count_of(page, "<script"), 4u) << "one block of two, the report, the page's own";
  EXPECT_EQ(count_of(page, "</script"), 4u);
  EXPECT_EQ(count_of(page, "</SCRIPT"), 0u);
  EXPECT_EQ(count_of(page, "<!--"), 0u);
}

TEST(HtmlSink, IsValidUtf8WhateverTheEventsHold) {
  testing::Samples samples = testing::intrusion();
  samples.found[0].host = "\xff\xfe";
  samples.found[0].reason = std::string(2'000, '\xe2');
  EXPECT_TRUE(core::is_valid_utf8(page_of(samples)));
}

TEST(HtmlSink, RefersToNothingElsewhere) {
  const std::string page = page_of(testing::Samples());
  for (const char* reference :
       {" src=", "url(", "@import", "<link", "<img", "<iframe", "fetch(", "XMLHttpRequest", "import("}) {
    EXPECT_EQ(count_of(page, reference), 0u) << reference;
  }
  EXPECT_EQ(count_of(page, "http://"), count_of(page, "http://www.w3.org/2000/svg"));
  EXPECT_EQ(count_of(page, "default-src 'none'; script-src 'sha256-"), 1u);
  EXPECT_EQ(count_of(page, "{{"), 0u);
}

TEST(HtmlSink, FindingsPastTheLimitAreLeftOutLowerLevelsFirst) {
  testing::Samples samples = testing::intrusion();
  Counter counter;
  std::ostream out(&counter);
  std::ostringstream kept;
  const auto sink = make_html_sink(kept);
  Found low = samples.found[4], high = samples.found[0];
  low.json = high.json = "{}";
  for (int i = 0; i < 80'001; ++i) sink->add(low);
  for (int i = 0; i < 20'001; ++i) sink->add(high);
  samples.summary.findings = 100'002;
  sink->finish(samples.summary);
  const std::string report = data_of(kept.str(), "report");
  EXPECT_NE(report.find("\"findings\":100002,\"listed\":100000,"), std::string::npos);
}

TEST(HtmlSink, HostNamesPastTheLimitShareOne) {
  testing::Samples samples = testing::intrusion();
  std::ostringstream out;
  const auto sink = make_html_sink(out);
  Found found = samples.found[0];
  found.json = "{}";
  for (int i = 0; i < 20'003; ++i) {
    found.host = "h" + std::to_string(i);
    sink->add(found);
  }
  sink->finish(samples.summary);
  const std::string report = data_of(out.str(), "report");
  EXPECT_NE(report.find("\"h19999\",\"(further names)\"]"), std::string::npos);
}

TEST(HtmlSink, AFindingTooLargeKeepsItsRowWithoutTheEvent) {
  testing::Samples samples = testing::intrusion();
  samples.found.resize(1);
  samples.found[0].json = '"' + std::string(3u << 20, 'x') + '"';
  const std::string page = page_of(samples);
  EXPECT_NE(data_of(page, "report").find("\"withoutDetail\":1"), std::string::npos);
  EXPECT_LT(page.size(), 200'000u);
}

TEST(HtmlSink, FiftyThousandFindingsAreWrittenInSecondsAndBounded) {
  const testing::Samples samples = testing::many(50'000);
  Counter counter;
  std::ostream out(&counter);
  const auto begin = std::chrono::steady_clock::now();
  const auto sink = make_html_sink(out);
  for (const Found& found : samples.found) sink->add(found);
  sink->finish(samples.summary);
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_LT(counter.bytes, 20'000'000u);
  EXPECT_LT(seconds, 60) << "about one where nothing else runs";
}

TEST(HtmlSink, DetailsThatDoNotCompressStopAtTheirLimit) {
  testing::Samples samples = testing::intrusion();
  Counter counter;
  std::ostream out(&counter);
  const auto sink = make_html_sink(out);
  std::uint64_t state = 1;
  std::string noise(1u << 20, ' ');
  for (char& c : noise) {
    state = state * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    c = static_cast<char>('!' + (state >> 33) % 90);
  }
  Found found = samples.found[0];
  for (int i = 0; i < 160; ++i) {
    noise[static_cast<std::size_t>(i)] = '\'';
    found.json = noise;
    sink->add(found);
  }
  sink->finish(samples.summary);
  EXPECT_LT(counter.bytes, (128u << 20) + (4u << 20));
  EXPECT_GT(counter.bytes, 120u << 20);
}

TEST(Gzip, IsReproducibleAndBase64FollowsRfc4648) {
  EXPECT_EQ(gzip("hello"), gzip("hello"));
  EXPECT_TRUE(gzip("").starts_with("\x1f\x8b"));
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

}  // namespace
}  // namespace tocsin::cli
