#include <gtest/gtest.h>

#include "decode/text/decode_test_support.h"

namespace tocsin::decode::text {
namespace {

std::unique_ptr<Decoded> decode(std::string_view input, std::size_t step = 1u << 20) {
  const auto decoder = make_zeek_decoder({});
  return decode_all(*decoder, input, step);
}

constexpr std::string_view kDns =
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#open\t2020-05-01-00-00-00\n"
    "#fields\tts\tid.orig_h\tid.orig_p\tquery\trejected\tanswers\tTTLs\tAA\n#types\ttime\taddr\tport\tstring\tbool\tvector["
    "string]\tvector[interval]\tbool\n"
    "1588316544.441272\t10.0.1.5\t64801\ta\\x09b\\\\.com\tF\t1.2.3.4,x\\x2cy\t758.0,3.0\tT\n"
    "1588316545.000000\t10.0.1.6\t1\t(empty)\t-\t(empty)\t-\t-\n#close\t2020-05-01-00-00-01\n";

TEST(ZeekDecoder, TypesFieldsAndMakesLists) {
  for (const std::size_t step : {1u, 50u, 10'000u}) {
    const auto decoded = decode(kDns, step);
    ASSERT_EQ(decoded->size(), 2u);
    EXPECT_EQ(dump(decoded->event(0)),
              "_path=dns ts=1588316544.441272 id.orig_h=10.0.1.5 id.orig_p=64801 query=a\tb\\.com rejected=false "
              "answers=[1.2.3.4|x,y] TTLs=[758.0|3.0] AA=true");
    EXPECT_EQ(dump(decoded->event(1)), "_path=dns ts=1588316545.000000 id.orig_h=10.0.1.6 id.orig_p=1 query=");
    EXPECT_EQ(core::format_iso_time(decoded->event(0).slot->time), "2020-05-01T07:02:24.441272Z");
    EXPECT_EQ(decoded->event(1).slot->record, 2u);
    EXPECT_EQ(decoded->event(0).fields()[3].type, model::ValueType::kNumber);
    EXPECT_EQ(decoded->bad_count, 0u);
  }
}

TEST(ZeekDecoder, TakesANewHeaderWhereOneComes) {
  const auto decoded = decode(std::string(kDns) + "#separator \\x7c\n#path|conn\n#fields|ts|x\n#types|time|string\n1.5|v\n");
  EXPECT_EQ(dump(decoded->event(2)), "_path=conn ts=1.5 x=v");
}

TEST(ZeekDecoder, CountsRowsThatDoNotFitAndKeepsTheirText) {
  const auto decoded = decode("#fields\ta\tb\n1\t2\n1\t2\t3\n1\nx\ty\n");
  EXPECT_EQ(dump_all(*decoded), (std::vector<std::string>{"a=1 b=2", "message=1\t2\t3", "message=1", "a=x b=y"}));
  EXPECT_EQ(decoded->bad_count, 2u);
  EXPECT_EQ(decoded->bad().front().cause, "zeek-row");
  EXPECT_EQ(decoded->bad().front().record, 2u);
}

TEST(ZeekDecoder, ReadsW3cExtendedLogs) {
  const auto decoded = decode(
      "#Software: Microsoft Internet Information Services 10.0\r\n#Fields: date time cs-method cs-uri-stem cs-uri-query "
      "c-ip cs(User-Agent) "
      "cs(Referer) sc-status\r\n2026-01-02 03:04:05 GET /a.aspx q=1+2 10.0.0.1 Mozilla/5.0+(x) - 200\r\n"
      "2026-01-02 03:04:06 GET /b - 10.0.0.1 - - 404\r\n2026-01-02 03:04:06 GET\r\n");
  ASSERT_EQ(decoded->size(), 3u);
  EXPECT_EQ(
      dump(decoded->event(0)),
      "date=2026-01-02 time=03:04:05 cs-method=GET cs-uri-stem=/a.aspx cs-uri-query=q=1+2 c-ip=10.0.0.1 "
      "cs-user-agent=Mozilla/5.0+(x) c-useragent=Mozilla/5.0+(x) sc-status=200 cs-uri=/a.aspx?q=1+2 c-uri=/a.aspx?q=1+2");
  EXPECT_EQ(dump(decoded->event(1)),
            "date=2026-01-02 time=03:04:06 cs-method=GET cs-uri-stem=/b c-ip=10.0.0.1 sc-status=404 cs-uri=/b c-uri=/b");
  EXPECT_EQ(core::format_iso_time(decoded->event(0).slot->time), "2026-01-02T03:04:05Z");
  EXPECT_EQ(decoded->event(0).slot->format, model::Format::kAccessLog);
  EXPECT_EQ(decoded->bad().front().cause, "w3c-row");
}

TEST(ZeekDecoder, ReadsQuotedW3cCells) {
  const auto decoded = decode("#Fields: c-ip cs(User-Agent) cs-host cs-uri\n1.1.1.1 \"a b\" h http://h/x\n");
  EXPECT_EQ(dump(decoded->event(0)),
            "c-ip=1.1.1.1 cs-user-agent=a b c-useragent=a b cs-host=h cs-uri=http://h/x c-uri=http://h/x");
}

}  // namespace
}  // namespace tocsin::decode::text
