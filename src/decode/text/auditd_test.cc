#include <gtest/gtest.h>

#include "decode/text/audit_record.h"
#include "decode/text/decode_test_support.h"

namespace tocsin::decode::text {
namespace {

std::unique_ptr<Decoded> decode(std::string_view input, std::size_t step = 1u << 20) {
  const auto decoder = make_auditd_decoder({});
  return decode_all(*decoder, input, step);
}

constexpr std::string_view kExec =
    "type=SYSCALL msg=audit(1364481363.243:24287): arch=c000003e syscall=59 success=yes exit=0 a0=7f a1=1b items=2 "
    "auid=1000 "
    "comm=\"sh\" exe=\"/bin/dash\" key=\"exec\"\x1d"
    "ARCH=x86_64 SYSCALL=execve AUID=\"ann\"\n"
    "type=EXECVE msg=audit(1364481363.243:24287): argc=3 a0=\"sh\" a1=\"-c\" a2=6C73202F\n"
    "type=CWD msg=audit(1364481363.243:24287): cwd=\"/home/ann\"\n"
    "type=PATH msg=audit(1364481363.243:24287): item=0 name=\"/bin/sh\" inode=1 nametype=NORMAL\n"
    "type=PATH msg=audit(1364481363.243:24287): item=1 name=2F6120622F nametype=(null)\n"
    "type=PROCTITLE msg=audit(1364481363.243:24287): proctitle=7368002D63006C73\n";

constexpr std::string_view kExecFields =
    "type=[SYSCALL|EXECVE|CWD|PATH|PATH|PROCTITLE] arch=c000003e syscall=[59|execve] success=yes exit=0 a0=[7f|sh] "
    "a1=[1b|-c] items=2 "
    "auid=1000 comm=sh exe=/bin/dash key=exec ARCH=x86_64 SYSCALL=execve AUID=ann argc=3 a2=ls / cwd=/home/ann item=[0|1] "
    "name=[/bin/sh|/a b/] inode=1 nametype=[NORMAL|null] proctitle=sh -c ls CommandLine=sh -c ls /";

TEST(AuditdDecoder, JoinsTheRecordsOfOneSerial) {
  const auto decoded = decode(kExec);
  ASSERT_EQ(decoded->size(), 1u);
  EXPECT_EQ(dump(decoded->event(0)), kExecFields);
  EXPECT_EQ(core::format_iso_time(decoded->event(0).slot->time), "2013-03-28T14:36:03.243Z");
  EXPECT_EQ(decoded->event(0).slot->raw, kExec.substr(0, kExec.size() - 1));
  EXPECT_EQ(decoded->event(0).slot->record, 1u);
}

TEST(AuditdDecoder, GivesTheSameForEveryWayTheInputIsCut) {
  for (const std::size_t step : {1u, 100u, 333u}) EXPECT_EQ(dump(decode(kExec, step)->event(0)), kExecFields) << step;
}

TEST(AuditdDecoder, KeepsInterleavedSerialsApartAndEoeCloses) {
  const auto decoded = decode(
      "type=SYSCALL msg=audit(1.1:1): syscall=1\ntype=SYSCALL msg=audit(1.1:2): syscall=2\ntype=CWD msg=audit(1.1:1): "
      "cwd=\"/a\"\n"
      "type=EOE msg=audit(1.1:2): \ntype=CWD msg=audit(1.1:2): cwd=\"/late\"\n");
  EXPECT_EQ(dump_all(*decoded), (std::vector<std::string>{"type=[SYSCALL|EOE] syscall=2",
                                                          "type=[SYSCALL|CWD] syscall=1 cwd=/a", "type=CWD cwd=/late"}));
}

TEST(AuditdDecoder, OneSerialOnTwoNodesIsTwoEvents) {
  const auto decoded = decode("node=a type=CWD msg=audit(1.1:1): cwd=\"/\"\nnode=b type=CWD msg=audit(1.1:1): cwd=\"/\"\n");
  EXPECT_EQ(dump_all(*decoded), (std::vector<std::string>{"node=a type=CWD cwd=/", "node=b type=CWD cwd=/"}));
}

TEST(AuditdDecoder, ClosesEventsThatAreTwoSecondsOldAndBoundsTheirNumber) {
  std::string input = "type=A msg=audit(100.0:1): x=1\ntype=B msg=audit(102.1:2): x=2\ntype=C msg=audit(100.0:1): x=3\n";
  EXPECT_EQ(decode(input)->size(), 3u);
  input.clear();
  for (int i = 0; i < 1'000; ++i) input += "type=A msg=audit(100.0:" + std::to_string(i) + "): x=1\n";
  const auto decoded = decode(input);
  ASSERT_EQ(decoded->size(), 1'000u);
  EXPECT_EQ(decoded->event(999).slot->record, 1'000u);
  EXPECT_EQ(decoded->batches.front()->record_count, 1'000u - 64);
}

TEST(AuditdDecoder, ReadsUserRecordsInnerPairs) {
  const auto decoded = decode(
      "type=USER_LOGIN msg=audit(1.1:1): pid=7 uid=0 msg='op=login acct=28756E6B6E6F776E207573657229 exe=\"/usr/sbin/sshd\" "
      "hostname=? "
      "addr=10.0.0.1 terminal=ssh res=failed'\n"
      "type=SERVICE_STOP msg=audit(9.1:2): pid=1 msg='unit=auditd comm=\"systemd\" res=success'\n"
      "type=USER_AUTH msg=audit(19.1:3): user pid=1 msg='PAM: authentication acct=\"root\" : exe=\"/bin/su\" (hostname=?, "
      "addr=?, terminal=pts/0 res=success)'\n");
  EXPECT_EQ(decoded->text(0, "acct"), "(unknown user)");
  EXPECT_EQ(decoded->text(0, "res"), "failed");
  EXPECT_EQ(decoded->text(1, "unit"), "auditd");
  EXPECT_EQ(decoded->text(2, "acct"), "root");
  EXPECT_EQ(decoded->text(2, "addr"), "?");
  EXPECT_EQ(decoded->text(2, "res"), "success");
}

TEST(AuditdDecoder, JoinsThePiecesOfLongArguments) {
  const auto decoded = decode(
      "type=EXECVE msg=audit(1.1:1): argc=3 a0=\"x\" a1_len=6 a1[0]=6162\ntype=EXECVE msg=audit(1.1:1): a1[1]=6364 a1[2]=65 "
      "a2=\"y\"\n");
  EXPECT_EQ(dump(decoded->event(0)), "type=[EXECVE|EXECVE] argc=3 a0=x a1=abcde a2=y CommandLine=x abcde y");
}

TEST(AuditdDecoder, DecodesHexOnlyWhereAuditWritesIt) {
  const auto decoded = decode(
      "type=SYSCALL msg=audit(1.1:1): arch=c000003e syscall=319 a0=41 comm=636 exe=\"6363\" key=6B31016B32 cwd=(null) "
      "tty=4141\n");
  EXPECT_EQ(dump(decoded->event(0)),
            "type=SYSCALL arch=c000003e syscall=[319|memfd_create] a0=41 comm=636 exe=6363 key=[k1|k2] cwd=null tty=4141 "
            "SYSCALL=memfd_create");
}

TEST(AuditdDecoder, NamesSystemCallsOfBothArchitectures) {
  EXPECT_EQ(syscall_name("c000003e", 59), "execve");
  EXPECT_EQ(syscall_name("c000003e", 322), "execveat");
  EXPECT_EQ(syscall_name("c000003e", 435), "clone3");
  EXPECT_EQ(syscall_name("c00000b7", 221), "execve");
  EXPECT_EQ(syscall_name("c00000b7", 116), "syslog");
  EXPECT_EQ(syscall_name("aarch64", 279), "memfd_create");
  EXPECT_EQ(syscall_name("c000003e", 9'999), "");
  EXPECT_EQ(syscall_name("40000003", 11), "");
}

TEST(AuditdDecoder, ReadsSocketAddresses) {
  const auto decoded = decode(
      "type=SOCKADDR msg=audit(1.1:1): saddr=020001BB0A000001000000000000\n"
      "type=SOCKADDR msg=audit(9.1:2): saddr=0A0000350000000020010DB800000000000000000000000100000000\n");
  EXPECT_EQ(decoded->text(0, "laddr"), "10.0.0.1");
  EXPECT_EQ(decoded->text(0, "lport"), "443");
  EXPECT_EQ(decoded->text(1, "laddr"), "2001:db8:0:0:0:0:0:1");
}

TEST(AuditdDecoder, ReadsAusearchOutputAndSyslogPrefixes) {
  const auto decoded = decode(
      "----\ntime->Thu Mar 28 14:36:03 2013\ntype=CWD msg=audit(03/28/2013 14:36:03.243:7) : cwd=/abcd\n"
      "<30>Mar 28 14:36:03 web1 audispd: node=n1 type=CWD msg=audit(1364481363.243:8): cwd=\"/\"\nMar 28 14:36:04 web1 "
      "cron[1]: x\n");
  ASSERT_EQ(decoded->size(), 3u);
  EXPECT_EQ(dump(decoded->event(0)), "hostname=web1 appname=cron procid=1 message=x");
  EXPECT_EQ(dump(decoded->event(1)), "type=CWD cwd=/abcd");
  EXPECT_EQ(core::format_iso_time(decoded->event(1).slot->time), "2013-03-28T14:36:03.243Z");
  EXPECT_EQ(dump(decoded->event(2)), "node=n1 hostname=web1 type=CWD cwd=/");
}

TEST(AuditdDecoder, KeepsFreeTextAsMessage) {
  const auto decoded = decode("type=AVC msg=audit(1.1:1): avc:  denied  { read } for  pid=1 comm=\"x\"\n");
  EXPECT_EQ(dump(decoded->event(0)), "type=AVC pid=1 comm=x message=avc:  denied  { read } for  pid=1 comm=\"x\"");
}

TEST(AuditdDecoder, ClosesAnEventThatGrowsTooLarge) {
  std::string input;
  for (int i = 0; i < 3'000; ++i) input += "type=PATH msg=audit(1.1:1): name=\"" + std::string(500, 'n') + "\"\n";
  EXPECT_EQ(decode(input)->size(), 2u);
}

}  // namespace
}  // namespace tocsin::decode::text
