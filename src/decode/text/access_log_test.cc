#include <gtest/gtest.h>

#include "decode/text/decode_test_support.h"

namespace tocsin::decode::text {
namespace {

std::string decode(std::string_view line, std::string* time = nullptr) {
  const auto decoder = make_access_log_decoder({});
  const auto decoded = decode_all(*decoder, line);
  if (decoded->size() != 1) return "not one event";
  if (time != nullptr) *time = core::format_iso_time(decoded->event(0).slot->time);
  return dump(decoded->event(0));
}

TEST(AccessLogDecoder, ReadsCommonAndCombined) {
  std::string time;
  EXPECT_EQ(decode("127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif?a=b?c HTTP/1.0\" 200 2326", &time),
            "c-ip=127.0.0.1 cs-username=frank cs-method=GET cs-uri=/apache_pb.gif?a=b?c c-uri=/apache_pb.gif?a=b?c "
            "cs-uri-stem=/apache_pb.gif "
            "cs-uri-query=a=b?c cs-version=HTTP/1.0 sc-status=200 sc-bytes=2326");
  EXPECT_EQ(time, "2000-10-10T20:55:36Z");
  EXPECT_EQ(decode("::1 - - [10/Oct/2000:13:55:36 +0000] \"POST / HTTP/1.1\" 404 - \"-\" \"a \\\"b\\\" c\" \"10.0.0.9\""),
            "c-ip=::1 cs-method=POST cs-uri=/ c-uri=/ cs-uri-stem=/ cs-version=HTTP/1.1 sc-status=404 c-useragent=a \"b\" c "
            "cs-user-agent=a \"b\" c extra=\"10.0.0.9\"");
}

TEST(AccessLogDecoder, ReadsAVirtualHostInFront) {
  EXPECT_EQ(
      decode("www.example.com:443 10.0.0.1 - - [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.1\" 200 1 \"http://r/\" \"ua\""),
      "c-ip=10.0.0.1 cs-method=GET cs-uri=/ c-uri=/ cs-uri-stem=/ cs-version=HTTP/1.1 sc-status=200 sc-bytes=1 "
      "cs-referer=http://r/ "
      "c-useragent=ua cs-user-agent=ua cs-host=www.example.com");
}

TEST(AccessLogDecoder, KeepsMalformedRequestsWhole) {
  EXPECT_EQ(decode("1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] \"\\x16\\x03\\x01\\x00\" 400 226"),
            "c-ip=1.2.3.4 request=\\x16\\x03\\x01\\x00 cs-uri=\\x16\\x03\\x01\\x00 sc-status=400 sc-bytes=226");
  EXPECT_EQ(decode("1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] \"-\" 408 -"), "c-ip=1.2.3.4 request=- cs-uri=- sc-status=408");
  EXPECT_EQ(decode("1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] \"GET /a b c\" 400 -"),
            "c-ip=1.2.3.4 cs-method=GET cs-uri=/a b c c-uri=/a b c cs-uri-stem=/a b c sc-status=400");
}

TEST(AccessLogDecoder, ReadsForwardedListsAndUsersWithSpaces) {
  EXPECT_EQ(
      decode("1.2.3.4, 5.6.7.8 - ann lee [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.1\" 200 -"),
      "c-ip=1.2.3.4 cs-username=ann lee cs-method=GET cs-uri=/ c-uri=/ cs-uri-stem=/ cs-version=HTTP/1.1 sc-status=200");
}

TEST(AccessLogDecoder, OtherLinesAreText) {
  EXPECT_EQ(decode("[Sun Dec 04 04:47:44 2005] [error] x"), "message=[Sun Dec 04 04:47:44 2005] [error] x");
  EXPECT_EQ(decode("1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] no quotes"),
            "message=1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] no quotes");
}

}  // namespace
}  // namespace tocsin::decode::text
