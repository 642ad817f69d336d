#include "api/parts/report_page.h"

#include <gtest/gtest.h>

namespace tocsin::api {
namespace {

std::string html(std::string_view text) {
  std::string out;
  append_html(text, out);
  return out;
}

TEST(ReportPage, TextIsOnlyText) {
  EXPECT_EQ(html("<script>\"a\" & 'b'</script>"), "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;");
  EXPECT_EQ(html("a\nb\tc"), "a\nb\tc");
}

TEST(ReportPage, WhatIsNotSeenIsNamed) {
  EXPECT_EQ(html(std::string_view("a\0b", 3)), "a[U+0000]b");
  EXPECT_EQ(html("photo\xe2\x80\xaegpj.exe"), "photo[U+202E]gpj.exe");
}

TEST(ReportPage, BytesThatAreNoTextAreMarked) { EXPECT_EQ(html("a\xff z"), "a\xef\xbf\xbd z"); }

TEST(ReportPage, TimesNumbersAndDurationsAreForPeople) {
  EXPECT_EQ(report_time({}), "-");
  EXPECT_EQ(report_time(*core::parse_iso_time("2026-11-24T10:00:05.9Z")), "2026-11-24 10:00:05 UTC");
  EXPECT_EQ(report_number(45), "45");
  EXPECT_EQ(report_number(4.54), "4.5");
  EXPECT_EQ(report_duration(89), "89 s");
  EXPECT_EQ(report_duration(90), "1.5 min");
  EXPECT_EQ(report_duration(7'200), "2.0 h");
  EXPECT_EQ(report_duration(172'800), "2.0 d");
}

TEST(ReportPage, AnUnknownMarkingIsNotALooserOne) {
  EXPECT_EQ(tlp_label("red"), "TLP:RED");
  EXPECT_EQ(tlp_label("amber+strict"), "TLP:AMBER+STRICT");
  EXPECT_EQ(tlp_label("clear"), "TLP:CLEAR");
  EXPECT_EQ(tlp_label("<b>"), "TLP:AMBER");
}

TEST(ReportPage, HasNoScriptNothingFromElsewhereAndItsMarkingAboveAndBelow) {
  ReportPage page({"<i>Title</i>", "red", "made by <b>ana</b>"});
  page.section("<s>");
  page.paragraph("<p>");
  page.note("<n>");
  page.facts({{"<k>", "<v>"}, {"empty", ""}});
  page.table({"<c>"}, {{"<d>"}}, "none");
  page.table({"c"}, {}, "<none>");
  const std::string out = std::move(page).finish();
  for (const char* tag :
       {"<i>", "<b>", "<s>", "<n>", "<k>", "<v>", "<c>", "<d>", "<none>", "<script", "src=", "href=", "url("}) {
    EXPECT_EQ(out.find(tag), std::string::npos) << tag;
  }
  const std::size_t first = out.find("TLP:RED"), second = out.find("TLP:RED", first + 1);
  EXPECT_LT(first, out.find("<tfoot>"));
  EXPECT_GT(second, out.find("<tfoot>"));
  EXPECT_NE(out.find("default-src 'none'"), std::string::npos);
  EXPECT_TRUE(out.ends_with("</html>\n"));
}

TEST(ReportPage, ALongCellIsCutAndSaysSo) {
  ReportPage page({"t", "red", ""});
  page.table({"c"}, {{std::string(kMaxReportCellBytes + 7, 'x')}}, "none");
  EXPECT_NE(std::move(page).finish().find("(7 bytes more)"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::api
