#include <gtest/gtest.h>

#include "decode/text/decode_test_support.h"

namespace tocsin::decode::text {
namespace {

std::unique_ptr<Decoded> decode(std::string_view input, std::size_t step = 1u << 20, std::size_t limit = 16u << 20) {
  DecodeOptions options;
  options.max_record_bytes = limit;
  const auto decoder = make_journald_export_decoder(options);
  return decode_all(*decoder, input, step);
}

std::string binary(std::string_view key, std::string_view data, std::size_t size) {
  std::string text(key);
  text += '\n';
  for (int i = 0; i < 8; ++i) text += static_cast<char>(size >> (8 * i) & 0xFF);
  return text.append(data) + '\n';
}

const std::string kEntry =
    "__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1700000000000001\n_HOSTNAME=web1\nPRIORITY=6\nSYSLOG_FACILITY=10\nSYSLOG_"
    "IDENTIFIER=sshd\n"
    "_PID=77\nMESSAGE=Accepted password for ann from 10.0.0.1 port 22 ssh2\n\n";

TEST(JournaldDecoder, AddsSyslogNamesAndReadsTheMessage) {
  const auto decoded = decode(kEntry);
  ASSERT_EQ(decoded->size(), 1u);
  EXPECT_EQ(
      dump(decoded->event(0)),
      "__CURSOR=s=1;i=2 __REALTIME_TIMESTAMP=1700000000000001 _HOSTNAME=web1 PRIORITY=6 SYSLOG_FACILITY=10 "
      "SYSLOG_IDENTIFIER=sshd "
      "_PID=77 MESSAGE=Accepted password for ann from 10.0.0.1 port 22 ssh2 message=Accepted password for ann from 10.0.0.1 "
      "port 22 "
      "ssh2 hostname=web1 appname=sshd procid=77 severity=informational facility=authpriv auth_method=password user=ann "
      "src_ip=10.0.0.1 src_port=22 outcome=success");
  EXPECT_EQ(core::format_iso_time(decoded->event(0).slot->time), "2023-11-14T22:13:20.000001Z");
}

TEST(JournaldDecoder, ReadsBinaryFieldsWithBlankLinesWhereverItIsCut) {
  const std::string data("a\n\n__CURSOR=x\n\0b", 16);
  const std::string input =
      "__CURSOR=1\n" + binary("MESSAGE", data, data.size()) + "A=1\nA=2\n\n" + kEntry + "\n\n" + kEntry;
  for (const std::size_t step : {1u, 13u, 1'000u}) {
    const auto decoded = decode(input, step);
    ASSERT_EQ(decoded->size(), 3u) << step;
    EXPECT_EQ(dump(decoded->event(0)), "__CURSOR=1 MESSAGE=" + data + " A=[1|2] message=" + data);
    EXPECT_EQ(decoded->bad_count, 0u);
  }
}

TEST(JournaldDecoder, TakesALastEntryWithoutItsEnd) {
  const auto decoded = decode("__CURSOR=1\nMESSAGE=torn");
  EXPECT_EQ(dump(decoded->event(0)), "__CURSOR=1 MESSAGE=torn message=torn");
  EXPECT_EQ(decoded->bad_count, 0u);
}

TEST(JournaldDecoder, CountsLinesThatAreNoFieldsAndKeepsTheRest) {
  const auto decoded = decode("__CURSOR=1\nbad line\nMESSAGE=x\n\n" + kEntry);
  ASSERT_EQ(decoded->size(), 2u);
  EXPECT_EQ(decoded->bad_count, 1u);
  EXPECT_EQ(decoded->bad().front().cause, "journald-field");
  EXPECT_EQ(decoded->bad().front().offset, 11u);
}

TEST(JournaldDecoder, FindsTheNextEntryBehindALyingSize) {
  const std::string input = "__CURSOR=1\n" + binary("MESSAGE", "abc", 1u << 30) + "\n" + kEntry + kEntry + kEntry;
  for (const std::size_t step : {1u, 100u, 10'000u}) {
    const auto decoded = decode(input, step, 300);
    ASSERT_EQ(decoded->size(), 4u) << step;
    EXPECT_EQ(decoded->text(1, "appname"), "sshd");
    EXPECT_EQ(decoded->bad_count, 1u);
  }
}

TEST(JournaldDecoder, RefusesAnEntryAboveTheLimit) {
  const std::string data(1'000, 'x');
  const std::string input = kEntry + "__CURSOR=1\n" + binary("DATA", data, data.size()) + "MESSAGE=m\n\n" + kEntry;
  for (const std::size_t step : {1u, 100u, 10'000u}) {
    const auto decoded = decode(input, step, 300);
    EXPECT_EQ(decoded->bad_count, 1u) << step;
    EXPECT_EQ(decoded->bad().front().cause, "record-too-long");
    std::size_t whole_count = 0;
    for (std::size_t i = 0; i < decoded->size(); ++i) whole_count += decoded->text(i, "appname") == "sshd";
    EXPECT_EQ(whole_count, 2u) << step;
  }
}

}  // namespace
}  // namespace tocsin::decode::text
