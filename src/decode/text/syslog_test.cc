#include <gtest/gtest.h>

#include <random>

#include "decode/text/decode_test_support.h"
#include "testing/paths.h"

namespace tocsin::decode::text {
namespace {

DecodeOptions options_at(std::string_view iso) {
  DecodeOptions options;
  options.reference_time = *core::parse_iso_time(iso);
  return options;
}

struct Case {
  std::string_view line;
  std::string_view fields;
  std::string_view time = "";
};

void expect_lines(std::initializer_list<Case> cases) {
  for (const Case& c : cases) {
    const auto decoder = make_syslog_decoder(options_at("2026-03-01T00:00:00Z"));
    const auto decoded = decode_all(*decoder, c.line);
    ASSERT_EQ(decoded->size(), 1u) << c.line;
    EXPECT_EQ(dump(decoded->event(0)), c.fields) << c.line;
    const core::Timestamp time = decoded->event(0).slot->time;
    EXPECT_EQ(time.known() ? core::format_iso_time(time) : "", c.time) << c.line;
    EXPECT_EQ(decoded->event(0).slot->raw, c.line);
  }
}

TEST(SyslogDecoder, ReadsRfc5424) {
  expect_lines({
      {"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut=\"3\" "
       "eventSource=\"Appl\\\"ica\\]tion\"][x a=\"\"] \xEF\xBB\xBF"
       "An event",
       "priority=165 facility=local4 severity=notice version=1 hostname=mymachine.example.com appname=evntslog msgid=ID47 "
       "message=An event sd.exampleSDID@32473.iut=3 sd.exampleSDID@32473.eventSource=Appl\"ica]tion sd.x.a=",
       "2003-10-11T22:14:15.003Z"},
      {"<34>1 - - su 77 - - hello",
       "priority=34 facility=auth severity=critical version=1 appname=su procid=77 message=hello"},
      {"<34>1 - - - - - -", "priority=34 facility=auth severity=critical version=1 message="},
      {"1 2003-08-24T05:14:15.000003-07:00 h app 1 - - no priority",
       "version=1 hostname=h appname=app procid=1 message=no priority", "2003-08-24T12:14:15.000003Z"},
      {"83 <34>1 2003-10-11T22:14:15Z h a - - - counted",
       "priority=34 facility=auth severity=critical version=1 hostname=h appname=a message=counted", "2003-10-11T22:14:15Z"},
  });
}

TEST(SyslogDecoder, ReadsRfc3164WithItsDeviations) {
  expect_lines({
      {"<34>Oct 11 22:14:15 mymachine su[10]: 'su root' failed",
       "priority=34 facility=auth severity=critical hostname=mymachine appname=su procid=10 message='su root' failed",
       "2025-10-11T22:14:15Z"},
      {"Jun 14 15:16:01 combo sshd(pam_unix)[19939]: check pass; user unknown",
       "hostname=combo appname=sshd(pam_unix) procid=19939 message=check pass; user unknown", "2025-06-14T15:16:01Z"},
      {"Feb  3 01:02:03 h kernel: x", "hostname=h appname=kernel message=x", "2026-02-03T01:02:03Z"},
      {"Feb 3 01:02:03.5 h kernel: x", "hostname=h appname=kernel message=x", "2026-02-03T01:02:03.500Z"},
      {"Feb  3 01:02:03 sshd[5]: no host", "appname=sshd procid=5 message=no host", "2026-02-03T01:02:03Z"},
      {"Feb  3 01:02:03 combo last message repeated 2 times", "hostname=combo message=last message repeated 2 times",
       "2026-02-03T01:02:03Z"},
      {"2026-01-02T03:04:05.678901+01:00 web1 postfix/smtpd[7]: connect",
       "hostname=web1 appname=postfix/smtpd procid=7 message=connect", "2026-01-02T02:04:05.678901Z"},
      {"<13>app[3]: only a priority",
       "priority=13 facility=user severity=notice appname=app procid=3 message=only a priority"},
      {"<13>free text only", "priority=13 facility=user severity=notice message=free text only"},
      {"<0>", "priority=0 facility=kern severity=emergency message="},
  });
}

TEST(SyslogDecoder, TakesTheLatestYearThatIsNotMoreThanADayAhead) {
  const std::pair<std::string_view, std::string_view> cases[] = {{"Mar  1 12:00:00 h a: x", "2026-03-01T12:00:00Z"},
                                                                 {"Mar  2 00:00:00 h a: x", "2026-03-02T00:00:00Z"},
                                                                 {"Mar  2 00:00:01 h a: x", "2025-03-02T00:00:01Z"},
                                                                 {"Feb 29 00:00:00 h a: x", "2024-02-29T00:00:00Z"},
                                                                 {"Mar  2 2019 00:00:01 h a: x", "2019-03-02T00:00:01Z"}};
  for (const auto& [line, time] : cases) {
    const auto decoder = make_syslog_decoder(options_at("2026-03-01T00:00:00Z"));
    EXPECT_EQ(core::format_iso_time(decode_all(*decoder, line)->event(0).slot->time), time) << line;
  }
  const auto decoder = make_syslog_decoder({});
  EXPECT_FALSE(decode_all(*decoder, "Mar  1 12:00:00 h a: x")->event(0).slot->time.known());
}

TEST(SyslogDecoder, RejectsPriorityAbove191) {
  expect_lines({{"<191>a: x", "priority=191 facility=local7 severity=debug appname=a message=x"},
                {"<192>a: x", "message=<192>a: x"},
                {"<1234>a: x", "message=<1234>a: x"}});
}

TEST(SyslogDecoder, ReadsCiscoForms) {
  expect_lines({
      {"<189>29: *Mar  1 2026 00:00:36.123 UTC: %SYS-5-CONFIG_I: Configured from console",
       "priority=189 sequence=29 message=%SYS-5-CONFIG_I: Configured from console facility=SYS severity=notice "
       "mnemonic=CONFIG_I",
       "2026-03-01T00:00:36.123Z"},
      {"000123: .Feb 10 10:10:10: %LINK-SP-3-UPDOWN: down",
       "sequence=000123 message=%LINK-SP-3-UPDOWN: down facility=LINK-SP severity=error mnemonic=UPDOWN",
       "2026-02-10T10:10:10Z"},
      {"<166>Feb 10 2026 10:10:10 fw1 : %ASA-6-302013: Built outbound",
       "priority=166 hostname=fw1 message=%ASA-6-302013: Built outbound facility=ASA severity=informational mnemonic=302013",
       "2026-02-10T10:10:10Z"},
      {"Feb 10 10:10:10 10.0.0.1 4711: Feb 10 10:10:09.999: %SEC_LOGIN-4-LOGIN_FAILED: Login failed",
       "hostname=10.0.0.1 sequence=4711 message=%SEC_LOGIN-4-LOGIN_FAILED: Login failed facility=SEC_LOGIN severity=warning "
       "mnemonic=LOGIN_FAILED",
       "2026-02-10T10:10:10Z"},
      {"<189>45: rtr1: *Jan 18 2026 11:29:03.123: %PARSER-5-CFGLOG_LOGGEDCMD: User:ops",
       "priority=189 hostname=rtr1 message=%PARSER-5-CFGLOG_LOGGEDCMD: User:ops facility=PARSER severity=notice "
       "mnemonic=CFGLOG_LOGGEDCMD",
       "2026-01-18T11:29:03.123Z"},
  });
}

TEST(SyslogDecoder, KeepsTextLinesAsMessage) {
  expect_lines({
      {"just some words", "message=just some words"},
      {"[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok",
       "message=[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok", "2005-12-04T04:47:44Z"},
      {"2026-01-02 03:04:05,123 INFO main: started", "message=2026-01-02 03:04:05,123 INFO main: started",
       "2026-01-02T03:04:05.123Z"},
      {"2026-01-02 03:04:05 ERROR: disk full", "message=2026-01-02 03:04:05 ERROR: disk full", "2026-01-02T03:04:05Z"},
  });
  const auto decoder = make_syslog_decoder({});
  EXPECT_EQ(decode_all(*decoder, "words")->event(0).slot->format, model::Format::kText);
}

TEST(SyslogDecoder, ReplacesBadUtf8AndKeepsRaw) {
  const auto decoder = make_syslog_decoder({});
  const auto decoded = decode_all(*decoder, "a\xFFz\xC3\n");
  EXPECT_EQ(decoded->text(0, "message"),
            "a\xEF\xBF\xBD"
            "z\xEF\xBF\xBD");
  EXPECT_EQ(decoded->event(0).slot->raw, "a\xFFz\xC3");
}

TEST(SyslogDecoder, ReadsCefWithLabels) {
  expect_lines(
      {{"<134>Feb 19 08:26:10 host CEF:0|Sec\\|urity|threat|1.0|100|worm stopped|10|src=10.0.0.1 msg=a\\=b c\\nd "
        "cs1Label=Rule Name "
        "cs1=x y act=",
        "priority=134 facility=local0 severity=informational hostname=host message=CEF:0|Sec\\|urity|threat|1.0|100|worm "
        "stopped|10|src=10.0.0.1 msg=a\\=b c\\nd cs1Label=Rule Name cs1=x y act= CEFVersion=0 DeviceVendor=Sec|urity "
        "DeviceProduct=threat DeviceVersion=1.0 SignatureID=100 Name=worm stopped Severity=10 src=10.0.0.1 msg=a=b c\nd "
        "cs1Label=Rule Name cs1=x y act= Rule Name=x y",
        "2026-02-19T08:26:10Z"},
       {"CEF:0|v|p|1|2|n|3|rt=1700000000000",
        "message=CEF:0|v|p|1|2|n|3|rt=1700000000000 CEFVersion=0 DeviceVendor=v DeviceProduct=p DeviceVersion=1 "
        "SignatureID=2 Name=n "
        "Severity=3 rt=1700000000000",
        "2023-11-14T22:13:20Z"},
       {"CEF:0|too|few|bars", "message=CEF:0|too|few|bars"}});
}

TEST(SyslogDecoder, ReadsLeefWithItsDelimiters) {
  for (const std::string_view text :
       {"LEEF:1.0|V|P|1|E|src=1.2.3.4\tusr=a b", "LEEF:2.0|V|P|1|E|^|src=1.2.3.4^usr=a b",
        "LEEF:2.0|V|P|1|E|0x5e|src=1.2.3.4^usr=a b", "LEEF:2.0|V|P|1|E|x09|src=1.2.3.4\tusr=a b"}) {
    const auto decoder = make_syslog_decoder({});
    const auto decoded = decode_all(*decoder, text);
    EXPECT_EQ(decoded->text(0, "src"), "1.2.3.4") << text;
    EXPECT_EQ(decoded->text(0, "usr"), "a b") << text;
    EXPECT_EQ(decoded->text(0, "DeviceVendor"), "V") << text;
    EXPECT_EQ(decoded->event(0).slot->payload, model::Payload::kLeef) << text;
  }
}

TEST(SyslogDecoder, ReadsKeyValuesOnlyWhereTheWholeMessageIsThat) {
  expect_lines({
      {"<189>date=2026-01-02 time=03:04:05 devname=\"fw \\\"1\\\"\" dstport=443",
       "priority=189 facility=local7 severity=notice message=date=2026-01-02 time=03:04:05 devname=\"fw \\\"1\\\"\" "
       "dstport=443 "
       "date=2026-01-02 time=03:04:05 devname=fw \"1\" dstport=443",
       "2026-01-02T03:04:05Z"},
      {"the query a=1 b=2 c=3 was refused by the server", "message=the query a=1 b=2 c=3 was refused by the server"},
      {"a=1 b=2", "message=a=1 b=2"},
  });
  const auto decoder = make_syslog_decoder({});
  const auto decoded = decode_all(
      *decoder,
      "Feb  3 01:02:03 h kernel: [UFW BLOCK] IN=eth0 OUT= SRC=1.2.3.4 DST=10.0.0.1 PROTO=TCP SPT=1 DPT=22 SYN URGP=0");
  EXPECT_EQ(decoded->text(0, "SRC"), "1.2.3.4");
  EXPECT_EQ(decoded->event(0).slot->payload, model::Payload::kKeyValue);
}

TEST(SyslogDecoder, FlattensJsonMessages) {
  expect_lines({{"<13>Feb  3 01:02:03 h app: @cee: "
                 "{\"a\":{\"b\":[1,2.50,\"x\"]},\"l\":[{\"n\":1,\"m\":2},{\"n\":3}],\"t\":true,\"z\":null}",
                 "priority=13 facility=user severity=notice hostname=h appname=app message=@cee: "
                 "{\"a\":{\"b\":[1,2.50,\"x\"]},\"l\":[{\"n\":1,\"m\":2},{\"n\":3}],\"t\":true,\"z\":null} a.b=[1|2.50|x] "
                 "l.n=[1|3] l.m=[2] t=true z=null",
                 "2026-02-03T01:02:03Z"},
                {"{\"a\":1} tail", "message={\"a\":1} tail"},
                {"{\"a\":", "message={\"a\":"}});
}

TEST(SyslogDecoder, ReadsAuditRecords) {
  for (const std::string_view line :
       {"Feb  3 01:02:03 h audispd: type=EXECVE msg=audit(1364481363.243:24287): argc=2 a0=\"ls\" a1=2D6C",
        "Feb  3 01:02:03 h kernel: audit: type=1309 audit(1364481363.243:24287): argc=2 a0=\"ls\" a1=2D6C",
        "Feb  3 01:02:03 h audit[12]: EXECVE argc=2 a0=\"ls\" a1=2D6C"}) {
    const auto decoder = make_syslog_decoder({});
    const auto decoded = decode_all(*decoder, line);
    EXPECT_EQ(decoded->text(0, "type"), "EXECVE") << line;
    EXPECT_EQ(decoded->text(0, "CommandLine"), "ls -l") << line;
    EXPECT_EQ(decoded->event(0).slot->payload, model::Payload::kAuditd) << line;
  }
}

TEST(SyslogDecoder, ExtractsWhatCorrelationsNeed) {
  const auto tail = [](std::string_view line) {
    const auto decoder = make_syslog_decoder({});
    const auto decoded = decode_all(*decoder, std::string("Feb  3 01:02:03 h ") + std::string(line));
    const std::string all = dump(decoded->event(0));
    const std::string message = " message=" + std::string(line.substr(line.find(": ") + 2)) + " ";
    const std::size_t at = all.find(message);
    return at == std::string::npos ? std::string() : all.substr(at + message.size());
  };
  EXPECT_EQ(tail("sshd[1]: Failed password for invalid user admin from 10.0.0.1 port 22 ssh2"),
            "auth_method=password user=admin src_ip=10.0.0.1 src_port=22 outcome=failure");
  EXPECT_EQ(tail("sshd[1]: Failed password for a from 1.1.1.1 port 1 ssh2 from 10.0.0.1 port 22 ssh2"),
            "auth_method=password user=a from 1.1.1.1 port 1 ssh2 src_ip=10.0.0.1 src_port=22 outcome=failure");
  EXPECT_EQ(tail("sshd-session[1]: Accepted publickey for root from 2001:db8::1 port 5 ssh2: RSA SHA256:x"),
            "auth_method=publickey user=root src_ip=2001:db8::1 src_port=5 outcome=success");
  EXPECT_EQ(tail("sshd[1]: Invalid user webmaster from 173.234.31.186"), "user=webmaster src_ip=173.234.31.186");
  EXPECT_EQ(tail("sshd[1]: message repeated 5 times: [ Failed password for root from 1.2.3.4 port 9 ssh2]"),
            "auth_method=password user=root src_ip=1.2.3.4 src_port=9 outcome=failure");
  EXPECT_EQ(tail("sshd(pam_unix)[1]: authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=218.188.2.4  "
                 "user=root"),
            "user=root src_ip=218.188.2.4 tty=NODEVssh auth_method=pam outcome=failure");
  EXPECT_EQ(
      tail("sudo: alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/sh -c a ; b"),
      "user=alice TTY=pts/0 tty=pts/0 PWD=/home/alice pwd=/home/alice USER=root target_user=root COMMAND=/bin/sh -c a ; b "
      "command=/bin/sh -c a ; b outcome=success");
  EXPECT_EQ(tail("sudo: bob : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/su"),
            "user=bob reason=user NOT in sudoers TTY=pts/0 tty=pts/0 PWD=/ pwd=/ USER=root target_user=root COMMAND=/bin/su "
            "command=/bin/su outcome=failure");
  EXPECT_EQ(tail("su[3]: FAILED su for root by bob"), "target_user=root user=bob outcome=failure");
  EXPECT_EQ(tail("CRON[3]: (root) CMD (  run-parts /etc/cron.hourly)"), "user=root command=  run-parts /etc/cron.hourly");
  EXPECT_EQ(tail("sudo: pam_unix(sudo:session): session opened for user root(uid=0) by alice(uid=1000)"),
            "target_user=root user=alice");
  EXPECT_EQ(tail("useradd[4]: new user: name=eve, UID=0, GID=0"), "target_user=eve");
}

TEST(SyslogDecoder, SkipsATooLongLineToItsEndAcrossBlocks) {
  DecodeOptions options;
  options.max_record_bytes = 100;
  for (const std::size_t step : {1u, 7u, 64u, 150u, 10'000u}) {
    const auto decoder = make_syslog_decoder(options);
    const auto decoded =
        decode_all(*decoder, "first\n" + std::string(1'000, 'x') + "\nlast\n" + std::string(100, 'y'), step);
    ASSERT_EQ(decoded->size(), 3u) << step;
    EXPECT_EQ(decoded->text(1, "message"), "last");
    EXPECT_EQ(decoded->text(2, "message"), std::string(100, 'y'));
    EXPECT_EQ(decoded->bad_count, 1u) << step;
    EXPECT_EQ(decoded->bad().front().cause, "record-too-long");
  }
}

TEST(SyslogDecoder, ReadsTheSharedLogs) {
  if (testing::shared_data().empty()) GTEST_SKIP() << "no shared data";
  const auto folder = testing::shared_data() / "logs" / "loghub";
  for (const char* name : {"Linux_2k.log", "OpenSSH_2k.log"}) {
    const auto decoder = make_syslog_decoder(options_at("2026-03-01T00:00:00Z"));
    const auto decoded = decode_all(*decoder, testing::read_file(folder / name));
    EXPECT_EQ(decoded->bad_count, 0u);
    std::size_t syslog_count = 0, timed_count = 0, tagged_count = 0;
    for (std::size_t i = 0; i < decoded->size(); ++i) {
      const model::Event event = decoded->event(i);
      syslog_count += event.slot->format == model::Format::kSyslog;
      timed_count += event.slot->time.known();
      tagged_count += !event.text("appname").empty() && !event.text("hostname").empty();
    }
    EXPECT_EQ(decoded->size(), 2'000u) << name;
    EXPECT_EQ(syslog_count, 2'000u) << name;
    EXPECT_EQ(timed_count, 2'000u) << name;
    EXPECT_GE(tagged_count, 1'990u) << name;
  }
}

}  // namespace
}  // namespace tocsin::decode::text
