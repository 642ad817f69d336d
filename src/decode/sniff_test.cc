#include <gtest/gtest.h>

#include <filesystem>

#include "decode/decoder.h"
#include "testing/paths.h"

namespace tocsin::decode {
namespace {

using model::Format;
using namespace std::string_view_literals;

TEST(Sniff, TellsEachFormat) {
  const std::pair<std::string_view, Format> cases[] = {
      {"ElfFile\0\0\0"sv, Format::kEvtx},
      {"<Event xmlns='x'><System/></Event>", Format::kWindowsXml},
      {"\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<Events><Event>", Format::kWindowsXml},
      {"\xFF\xFE<\0E\0v\0e\0n\0t\0>\0"sv, Format::kWindowsXml},
      {"\xFE\xFF\0<\0E\0v\0e\0n\0t\0>"sv, Format::kWindowsXml},
      {"\xFF\xFE<\0!\0-\0-\0\x2D\x4E-\0-\0>\0<\0E\0v\0e\0n\0t\0>\0"sv, Format::kWindowsXml},  // <!--中-->
      {"\xFF\xFE{\0\"\0a\0\"\0:\0001\0}\0"sv, Format::kJson},
      {"\xFE\xFF\0[\0{\0\"\0a\0\"\0:\0001\0}\0]"sv, Format::kJson},
      {"\xFF\xFEh\0e\0l\0l\0o\0"sv, Format::kUnknown},
      {"{\"a\":1}\n{\"a\":2}\n", Format::kJson},
      {"[\n  {\n    \"a\": 1\n  }\n]\n", Format::kJson},
      {"{\n  \"Records\": [\n", Format::kJson},
      {"garbage first\n{\"a\":1}\n{\"a\":2}\n", Format::kJson},
      {"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1\n", Format::kJournaldExport},
      {"type=SYSCALL msg=audit(1364481363.243:24287): arch=c000003e\n", Format::kAuditd},
      {"node=a type=CWD msg=audit(1364481363.243:24287): cwd=\"/\"\n", Format::kAuditd},
      {"Oct 11 22:14:15 h audispd: type=CWD msg=audit(1364481363.243:24287): cwd=\"/\"\n", Format::kAuditd},
      {"#separator \\x09\n#path\tdns\n", Format::kZeekTsv},
      {"#Software: IIS\n#Fields: date time\n2026-01-02 03:04:05\n", Format::kZeekTsv},
      {"1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1\n", Format::kAccessLog},
      {"<34>1 2003-10-11T22:14:15.003Z h su - - - x\n", Format::kSyslog},
      {"Oct 11 22:14:15 h su: x\nOct 11 22:14:15 h su: x\n", Format::kSyslog},
      {"a,b,c\n1,2,3\n", Format::kCsv},
      {"hello\nworld\n", Format::kText},
      {"", Format::kText},
      {"\x7F"
       "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0"sv,
       Format::kUnknown},
  };
  for (const auto& [text, format] : cases) EXPECT_EQ(sniff(text), format) << text;
}

TEST(Sniff, IsNotDeceivedByLookAlikes) {
  const std::pair<std::string_view, Format> cases[] = {
      {"time,name,data\n2026,x,\"{\"\"a\"\":1}\"\n2026,y,\"{\"\"a\"\":1}\"\n", Format::kCsv},  // JSON in CSV cells.
      {"time,name,data\n2026,x,\"two\nlines\"\n", Format::kCsv},
      {"[Sun Dec 04 04:47:44 2005] [notice] x\n[Sun Dec 04 04:47:44 2005] [error] y\n", Format::kText},
      {"[main] started\n[main] stopped\n", Format::kText},
      {"2026-01-02 03:04:05,1 INFO a, b, c: x\n2026-01-02 03:04:05,2 WARN d: y\n", Format::kText},
      {"Oct 11 22:14:15 h app: {\"a\":1}\nOct 11 22:14:15 h app: {\"a\":1}\n", Format::kSyslog},  // JSON in syslog.
      {"Oct 11 22:14:15 h nginx: 1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1\n", Format::kSyslog},
      {"<html><Event></html>", Format::kText},
      {"Hello, dear, reader\nthis text has, well, commas, here and there, and more\nand none\n", Format::kText},
      {"{not json\nat all\n", Format::kText},
  };
  for (const auto& [text, format] : cases) EXPECT_EQ(sniff(text), format) << text;
}

TEST(Sniff, TellsTheSharedLogs) {
  if (testing::shared_data().empty()) GTEST_SKIP() << "no shared data";
  const auto logs = testing::shared_data() / "logs";
  EXPECT_EQ(sniff(testing::read_file(logs / "loghub" / "Linux_2k.log")), Format::kSyslog);
  EXPECT_EQ(sniff(testing::read_file(logs / "loghub" / "OpenSSH_2k.log")), Format::kSyslog);
  EXPECT_EQ(sniff(testing::read_file(logs / "loghub" / "Apache_2k.log")), Format::kText);
  for (const auto& entry : std::filesystem::directory_iterator(logs / "zeek")) {
    const std::string bytes = testing::read_file(entry.path());
    EXPECT_EQ(sniff(bytes), bytes.starts_with("#") ? Format::kZeekTsv : Format::kJson) << entry.path();
  }
}

}  // namespace
}  // namespace tocsin::decode
