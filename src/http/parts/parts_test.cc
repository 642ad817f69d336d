#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "http/parts/content_coding.h"
#include "http/parts/head_text.h"
#include "http/parts/target.h"
#include "http/parts/token_buckets.h"

namespace tocsin::http {
namespace {

std::string deflated(const std::string& text, int window_bits) {
  z_stream zip{};
  deflateInit2(&zip, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&zip, text.size()) + 32, '\0');
  zip.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  zip.avail_in = static_cast<uInt>(text.size());
  zip.next_out = reinterpret_cast<Bytef*>(out.data());
  zip.avail_out = static_cast<uInt>(out.size());
  deflate(&zip, Z_FINISH);
  out.resize(zip.total_out);
  deflateEnd(&zip);
  return out;
}
std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

TEST(Target, DecodesPathAndQuery) {
  const auto target = parse_target("/a%2fb%20c+d?x=1+2&x=%33&y&=z");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->path, "/a/b c+d");
  EXPECT_EQ(target->query, (std::map<std::string, std::string>{{"", "z"}, {"x", "3"}, {"y", ""}}));
  EXPECT_EQ(parse_target("http://host:1?a=b").ok(), false);
  EXPECT_EQ(parse_target("https://host/p")->path, "/p");
}
TEST(Target, RefusesNulDotSegmentsAndBrokenEscapes) {
  for (const char* text :
       {"", "*", "a", "/%00", "/..", "/a/../b", "/%2e%2E/b", "/a%2f..", "/.", "/%", "/%4", "/%zz", "/?a=%4", "/#a"}) {
    EXPECT_FALSE(parse_target(text).ok()) << text;
  }
  EXPECT_TRUE(parse_target("/..a/b...").ok());
}
TEST(Target, TakesAsManyQueryNamesAsItsLimitAndNoMore) {
  std::string text = "/?";
  for (std::size_t i = 0; i < kMaxQueryNames; ++i) text += "n" + std::to_string(i) + "&";
  EXPECT_TRUE(parse_target(text).ok());
  EXPECT_FALSE(parse_target(text + "more").ok());
}
TEST(ContentCoding, DecodesEachCodingUpToTheLimit) {
  const std::string text(200'000, 'a');
  const std::pair<const char*, std::string> cases[] = {
      {"gzip", deflated(text, 31)},     {"GZIP", deflated(text, 31)}, {"deflate", deflated(text, 15)},
      {"deflate", deflated(text, -15)}, {"zstd", zstd(text)},         {"", text}};
  for (const auto& [coding, body] : cases) {
    const auto edge = decode_content(coding, body, text.size());
    ASSERT_TRUE(edge.ok()) << coding;
    EXPECT_EQ(*edge, text) << coding;
    EXPECT_EQ(decode_content(coding, body, text.size() - 1).error().code, core::ErrorCode::kLimit) << coding;
  }
}
TEST(ContentCoding, RefusesCutAndForeignBodies) {
  const std::string text = "hello hello hello";
  for (std::size_t cut = 1; cut < 8; ++cut) {
    std::string gzip = deflated(text, 31);
    gzip.resize(gzip.size() - cut);
    EXPECT_FALSE(decode_content("gzip", gzip, 1000).ok());
    std::string z = zstd(text);
    z.resize(z.size() - cut);
    EXPECT_FALSE(decode_content("zstd", z, 1000).ok());
  }
  EXPECT_EQ(decode_content("br", text, 1000).error().code, core::ErrorCode::kUnsupported);
  EXPECT_EQ(decode_content("gzip, gzip", text, 1000).error().code, core::ErrorCode::kUnsupported);
  EXPECT_EQ(*decode_content("gzip", deflated("a", 31) + deflated("b", 31), 2), "ab");
}
TEST(TokenBuckets, LetsASecondsWorthThroughThenSaysHowLongToWait) {
  TokenBuckets buckets(2);
  const std::chrono::seconds t(100);
  EXPECT_EQ(buckets.take("a", t).count(), 0);
  EXPECT_EQ(buckets.take("a", t).count(), 0);
  EXPECT_EQ(buckets.take("a", t).count(), 500);
  EXPECT_EQ(buckets.take("b", t).count(), 0);
  EXPECT_EQ(buckets.take("a", t + std::chrono::milliseconds(500)).count(), 0);
}
TEST(TokenBuckets, ForgetsFullBucketsAndSharesOneBeyondTheLimit) {
  TokenBuckets buckets(1);
  for (std::size_t i = 0; i < kMaxBucketAddresses + 10; ++i) buckets.take(std::to_string(i), std::chrono::seconds(1));
  EXPECT_LE(buckets.size(), kMaxBucketAddresses + 1);
  buckets.take("new", std::chrono::seconds(10));
  EXPECT_EQ(buckets.size(), 1u);
}
TEST(HeadText, LetsNoValueBeginAnotherHeader) {
  Response response;
  response.headers.emplace_back("X", "a\r\nSet-Cookie: b");
  EXPECT_EQ(head_text(response, Body::kLength, true).find("\nSet-Cookie"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::http
