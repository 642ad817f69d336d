// Rows of the store: what becomes of fields, by mappings, by generic names, and under limits.
#include "normalise/rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <functional>
#include <map>

#include "core/yaml.h"
#include "normalise/ocsf/test_event.h"
#include "normalise/rows/address.h"
#include "normalise/rows/row_check.h"
#include "testing/paths.h"

namespace tocsin::normalise {
namespace {

namespace fs = std::filesystem;

std::vector<MappingText> project_texts() {
  std::vector<MappingText> texts;
  const fs::path folder = testing::project_root() / "content/mappings";
  for (const auto& entry : fs::directory_iterator(folder / "ocsf")) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".test.yml")) texts.push_back({name, testing::read_file(entry.path())});
  }
  texts.push_back({"columns.yml", testing::read_file(folder / "columns.yml")});
  return texts;
}

const Mapper& project_mapper() {
  static const Mapper mapper(project_texts());
  return mapper;
}

constexpr core::Timestamp kReceived{1'800'000'000'000'000'000};

// One event and its row.
struct Made {
  TestEvent event;
  core::Arena arena;
  model::EventRow row;
  RowStats stats;

  [[nodiscard]] std::string operator[](std::string_view column) const { return column_text(row, column); }
  [[nodiscard]] std::vector<std::string> attributes(std::string_view name) const {
    std::vector<std::string> out;
    for (const model::NamedValue& value : row.attributes) {
      if (value.name == name) out.emplace_back(value.value);
    }
    return out;
  }
};

using Change = std::function<void(model::EventSlot&)>;

std::unique_ptr<Made> make_row(const Mapper& mapper, std::string_view yaml, const Change& change = {}) {
  auto made = std::make_unique<Made>();
  const core::YamlFile file = core::parse_yaml(yaml);
  if (!file.documents.empty() && file.documents.front().root != nullptr) made->event.add(*file.documents.front().root);
  model::EventSlot& slot = made->event.end();
  slot.format = model::Format::kJson;
  slot.raw = made->event.keep(yaml);
  if (change) change(slot);
  RowMaker maker(mapper, made->event.event().batch->names());
  maker.make(made->event.event(), {7, kReceived, "acme", "north", "feed"}, made->arena, made->row);
  for (const std::string& problem : check_row(made->row, made->event.event())) ADD_FAILURE() << problem << "\n" << yaml;
  EXPECT_EQ(made->row.host, mapper.host(made->event.event())) << yaml;
  made->stats = maker.stats();
  return made;
}
std::unique_ptr<Made> project_row(std::string_view yaml, const Change& change = {}) {
  return make_row(project_mapper(), yaml, change);
}

// make_row() compares each with Mapper::host(), of which findings are made.
TEST(RowHostTest, IsTheOneOfTheMappingThenOfTheGenericNames) {
  EXPECT_EQ(project_row("{'_path': conn, id.orig_h: 10.20.4.42, id.resp_h: 192.0.2.20, host: web.example}")->row.host,
            "10.20.4.42");
  EXPECT_EQ(project_row("{'_path': http, host: web.example, uri: /}")->row.host, "web.example");
  EXPECT_EQ(project_row("{event_type: dns, flow_id: 1, src_ip: 10.20.4.42, dest_ip: 192.0.2.1, host: sensor1}")->row.host,
            "10.20.4.42");
  EXPECT_EQ(project_row("{cs-method: GET, sc-status: '200', s-ip: 10.0.0.1}")->row.host, "10.0.0.1");
  EXPECT_EQ(project_row("{some: thing, host: {name: h1}, hostname: h2}")->row.host, "h1");
  EXPECT_EQ(project_row("{some: thing}")->row.host, "");
  EXPECT_EQ(project_row("{hostname: [h1, h2]}")->row.host, "h1");
}

TEST(RowHostTest, ALongOneIsCutAndKeptWhole) {
  const std::string name(300, 'h');
  const auto made = project_row("{hostname: " + name + "}");
  EXPECT_EQ(made->row.host, name.substr(0, kMaxHostBytes));
  EXPECT_EQ(made->attributes("hostname"), std::vector<std::string>{name});
}

void expect_columns(const Made& made, const std::map<std::string, std::string>& expected) {
  for (const auto& [column, text] : expected) EXPECT_EQ(made[column], text) << column;
}

TEST(Rows, TheProjectsColumnsLoadWithoutAProblem) {
  for (const MappingProblem& problem : project_mapper().problems())
    ADD_FAILURE() << problem.path << ":" << problem.line << ": " << problem.message;
}

TEST(Rows, CarryWhereTheyCameFrom) {
  const auto made = project_row("{a: 1}", [](model::EventSlot& slot) { slot.time = {5}; });
  EXPECT_EQ(made->row.id, 7U);
  EXPECT_EQ(made->row.tenant, "acme");
  EXPECT_EQ(made->row.site, "north");
  EXPECT_EQ(made->row.source, "feed");
  EXPECT_EQ(made->row.received_at, kReceived);
  EXPECT_EQ(made->row.time.ns, 5);
  EXPECT_TRUE(made->row.time_known);
  EXPECT_EQ(made->row.format, "json");
  EXPECT_EQ(made->row.raw, "{a: 1}");
}

TEST(Rows, TakeTheTimeOfArrivalWhereTheRecordHasNone) {
  const auto made = project_row("{a: 1}");
  EXPECT_EQ(made->row.time, kReceived);
  EXPECT_FALSE(made->row.time_known);
}

TEST(Rows, OfSysmonHaveTheProcessAndItsParent) {
  const auto made = project_row(R"({Channel: Microsoft-Windows-Sysmon/Operational, EventID: 1, Computer: ws1,
      Image: 'C:\Windows\cmd.exe', CommandLine: cmd /c dir, ProcessId: 4120, ParentImage: 'C:\a\excel.exe',
      ParentCommandLine: excel, User: 'CORP\bob', Hashes: 'MD5=0123456789abcdef0123456789abcdef,IMPHASH=00'})");
  expect_columns(*made, {{"product", "Sysmon"},
                         {"service", "Microsoft-Windows-Sysmon/Operational"},
                         {"event_code", "1"},
                         {"class_uid", "1007"},
                         {"activity_id", "1"},
                         {"host", "ws1"},
                         {"process_name", "C:\\Windows\\cmd.exe"},
                         {"process_cmd_line", "cmd /c dir"},
                         {"process_pid", "4120"},
                         {"parent_name", "C:\\a\\excel.exe"},
                         {"parent_cmd_line", "excel"},
                         {"hashes", "MD5=0123456789abcdef0123456789abcdef,IMPHASH=00"},
                         {"actor_user", "bob"}});
  // What a column holds whole is not repeated; what it shortened is.
  EXPECT_EQ(made->attributes("Image"), std::vector<std::string>{});
  EXPECT_EQ(made->attributes("User"), std::vector<std::string>{"CORP\\bob"});
}

TEST(Rows, OfAnActingProcessNameThatOne) {
  const auto made =
      project_row(R"({Channel: Microsoft-Windows-Sysmon/Operational, EventID: 3, Image: 'C:\a.exe', ProcessId: 9,
      SourceIp: '::FFFF:10.0.0.5', SourcePort: 49152, DestinationIp: '2001:DB8:0::1', DestinationPort: 443})");
  expect_columns(*made, {{"process_name", "C:\\a.exe"},
                         {"process_pid", "9"},
                         {"src_ip", "10.0.0.5"},
                         {"dst_ip", "2001:db8::1"},
                         {"src_port", "49152"},
                         {"dst_port", "443"}});
  EXPECT_EQ(made->attributes("SourceIp"), std::vector<std::string>{"::FFFF:10.0.0.5"});
  EXPECT_EQ(made->attributes("DestinationPort"), std::vector<std::string>{});
}

TEST(Rows, OfAFailedLogonSayFailure) {
  const auto made = project_row(R"({Channel: Security, EventID: 4625, TargetUserName: eve, SubjectUserName: '-',
      IpAddress: '-', IpPort: '0', WorkstationName: WS9, LogonType: 3})");
  expect_columns(*made, {{"status", "Failure"}, {"user", "eve"}, {"actor_user", ""}, {"src_ip", ""}, {"src_port", ""}});
  EXPECT_EQ(made->attributes("IpPort"), std::vector<std::string>{"0"});
  EXPECT_EQ(made->attributes("SubjectUserName"), std::vector<std::string>{"-"});
}

TEST(Rows, KeepAsAttributesWhatIsNoAddressPortOrProcessId) {
  const auto made = project_row("{src_ip: LOCAL, dst_ip: 010.1.1.1, src_port: http, dst_port: 65536, pid: 4294967296}");
  expect_columns(*made, {{"src_ip", ""}, {"dst_ip", ""}, {"src_port", ""}, {"dst_port", ""}, {"process_pid", ""}});
  EXPECT_EQ(made->row.attributes.size(), 5U);
  const auto edge = project_row("{dst_port: 65535, pid: 4294967295}");
  expect_columns(*edge, {{"dst_port", "65535"}, {"process_pid", "4294967295"}});
}

TEST(Rows, OfSyslogHaveTheProgramAsService) {
  const auto made = project_row("{facility: auth, appname: cron, hostname: srv1, message: hello, msgid: X1}",
                                [](model::EventSlot& slot) { slot.format = model::Format::kSyslog; });
  expect_columns(*made, {{"service", "cron"}, {"host", "srv1"}, {"message", "hello"}, {"event_code", "X1"}});
  EXPECT_EQ(made->attributes("facility"), std::vector<std::string>{"auth"});
}

TEST(Rows, OfCiscoHaveTheWholeCode) {
  const auto made = project_row("{severity: [info, informational], facility: [local4, ASA], mnemonic: '302013', message: x}",
                                [](model::EventSlot& slot) { slot.payload = model::Payload::kCisco; });
  EXPECT_EQ((*made)["event_code"], "%ASA-6-302013");
  EXPECT_EQ(made->attributes("mnemonic"), std::vector<std::string>{"302013"});
}

TEST(Rows, OfAuditAndZeekHaveTheirKinds) {
  const auto audit = project_row("{type: USER_LOGIN, node: srv1, res: success, acct: root}",
                                 [](model::EventSlot& slot) { slot.format = model::Format::kAuditd; });
  expect_columns(*audit, {{"event_code", "USER_LOGIN"}, {"service", "audit"}, {"host", "srv1"}});
  const auto zeek = project_row("{_path: dns, id.orig_h: 10.0.0.1, id.orig_p: 5353, query: example.com}");
  expect_columns(*zeek, {{"event_code", "dns"}, {"service", "dns"}, {"src_ip", "10.0.0.1"}, {"domain", "example.com"}});
}

TEST(Rows, OfServicesNameTheService) {
  const auto aws = project_row(
      "{eventVersion: '1.11', eventSource: sts.amazonaws.com, eventName: GetCallerIdentity, "
      "eventType: AwsApiCall, awsRegion: eu-central-1}");
  expect_columns(*aws, {{"service", "sts.amazonaws.com"}, {"event_code", "GetCallerIdentity"}});
  const auto web = project_row("{cs-method: GET, sc-status: '200', cs-host: www1, c-ip: 10.0.0.9, cs-uri: '/x?y'}",
                               [](model::EventSlot& slot) { slot.format = model::Format::kAccessLog; });
  expect_columns(*web, {{"host", "www1"}, {"src_ip", "10.0.0.9"}, {"url", "/x?y"}, {"status", "Success"}});
}

TEST(Rows, OfUnknownLogsAreFilledByCommonNames) {
  const auto ecs =
      project_row(R"({host: {name: h1}, user: {name: bob}, source: {ip: 10.0.0.1, port: 5}, event: {outcome: success,
      code: '17', dataset: app.log}, process: {executable: /bin/sh, pid: 12}, url: {full: 'http://x/'}, message: hi})");
  expect_columns(*ecs, {{"class_uid", "0"},
                        {"host", "h1"},
                        {"user", "bob"},
                        {"src_ip", "10.0.0.1"},
                        {"src_port", "5"},
                        {"status", "Success"},
                        {"event_code", "17"},
                        {"service", "app.log"},
                        {"process_name", "/bin/sh"},
                        {"process_pid", "12"},
                        {"url", "http://x/"},
                        {"message", "hi"}});
  EXPECT_EQ(ecs->attributes("event.outcome"), std::vector<std::string>{"success"});
  EXPECT_EQ(ecs->stats.unmapped_event_count, 1U);
  const auto cim =
      project_row("{dvc: fw1, src: 10.0.0.1, dest: 10.0.0.2, dest_port: 22, action: blocked, user: eve, app: ssh}");
  expect_columns(*cim, {{"host", "fw1"},
                        {"dst_ip", "10.0.0.2"},
                        {"dst_port", "22"},
                        {"status", "Failure"},
                        {"user", "eve"},
                        {"service", "ssh"},
                        {"event_code", ""}});
}

TEST(Rows, GiveAFieldToOneGenericColumnOnly) {
  const auto made = project_row("{action: login, dest: web.example, src: not an address}");
  expect_columns(*made, {{"status", ""}, {"event_code", "login"}, {"dst_ip", ""}, {"src_ip", ""}});
}

TEST(Rows, KeepListsWholeInTheAttributes) {
  const auto made = project_row("{host: [a, b], user: [bob], x: [1, null, 2]}");
  expect_columns(*made, {{"host", "a"}, {"user", "bob"}});
  EXPECT_EQ(made->attributes("host"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(made->attributes("user"), std::vector<std::string>{});
  EXPECT_EQ(made->attributes("x"), (std::vector<std::string>{"1", "2"}));
}

TEST(Rows, HoldAtMostTheLimitOfAttributes) {
  for (const std::size_t count : {kMaxAttributes, kMaxAttributes + 1}) {
    std::string yaml;
    for (std::size_t i = 0; i < count; ++i) yaml += "f" + std::to_string(i) + ": v\n";
    const auto made = project_row(yaml);
    EXPECT_EQ(made->row.attributes.size(), kMaxAttributes);
    EXPECT_EQ(made->stats.dropped_attribute_count, count - kMaxAttributes);
  }
}

TEST(Rows, CutLongValuesBetweenCharactersAndCountThem) {
  const auto fits = project_row("message: " + std::string(kMaxValueBytes, 'a'));
  EXPECT_EQ(fits->stats.cut_value_count, 0U);
  EXPECT_EQ(fits->row.message.size(), kMaxValueBytes);
  const auto made = project_row("{odd: " + std::string(kMaxValueBytes - 1, 'a') +
                                "\u00e9, message: " + std::string(kMaxValueBytes + 10, 'b') + "}");
  EXPECT_EQ(made->attributes("odd").front().size(), kMaxValueBytes - 1);
  EXPECT_EQ(made->row.message.size(), kMaxValueBytes);
  EXPECT_EQ(made->stats.cut_value_count, 2U);
  EXPECT_EQ(made->stats.cut_bytes, 12U);
}

TEST(Rows, OfEvtxHaveTheirFieldsAsJsonForRaw) {
  const auto made = project_row("{Channel: System, EventID: 7, Data: [a, b], Empty: null}",
                                [](model::EventSlot& slot) { slot.format = model::Format::kEvtx; });
  EXPECT_EQ(made->row.raw, R"({"Channel":"System","EventID":7,"Data":["a","b"],"Empty":null})");
}

TEST(Rows, OfOneMakerDoNotMix) {
  TestEvent ignored;
  model::NameTable names;
  model::Batch batch(names);
  RowMaker maker(project_mapper(), names);
  core::Arena arena;
  model::EventRow row;
  for (int i = 0; i < 3; ++i) {
    batch.clear();
    batch.begin_event();
    batch.add(batch.intern(i == 1 ? "other" : "host"), model::ValueType::kText, "h");
    batch.end_event();
    maker.make(batch.event(0), {}, arena, row);
    EXPECT_EQ(row.host, i == 1 ? "" : "h");
    EXPECT_EQ(row.attributes.size(), i == 1 ? 1U : 0U);
  }
  EXPECT_EQ(maker.stats().row_count, 3U);
  EXPECT_EQ(maker.stats().slow_lookup_count, 1U);  // Conditions ask neither name: one kind.
}

TEST(Rows, StayRightWhenKindsAreMoreThanAreRemembered) {
  constexpr unsigned kBits = 13;  // 8,192 kinds by which names are there.
  std::string yaml = "rows:\n";
  for (unsigned i = 0; i < kBits; ++i)
    yaml += "  - {when: {f" + std::to_string(i) +
            ": '*'}, class: process_activity, severity: {value: " + std::to_string(i % 7) + "}}\n";
  const Mapper mapper(std::vector<MappingText>{{"m.yml", yaml}});
  ASSERT_TRUE(mapper.problems().empty());
  model::NameTable names;
  model::Batch batch(names);
  RowMaker maker(mapper, names);
  core::Arena arena;
  model::EventRow row;
  for (unsigned bits = 1; bits < 1u << kBits; ++bits) {
    batch.clear();
    batch.begin_event();
    for (unsigned i = 0; i < kBits; ++i) {
      if ((bits >> i & 1u) != 0) batch.add(batch.intern("f" + std::to_string(i)), model::ValueType::kText, "v");
    }
    batch.end_event();
    maker.make(batch.event(0), {}, arena, row);
    ASSERT_EQ(row.severity_id, static_cast<unsigned>(std::countr_zero(bits)) % 7) << bits;
  }
}

TEST(Rows, KnowNamesThatTheTableHasNoRoomFor) {
  model::NameTable names;
  for (std::size_t i = 0; names.size() < model::kMaxNames; ++i) names.intern("n" + std::to_string(i));
  model::Batch batch(names);
  RowMaker maker(project_mapper(), names);
  core::Arena arena;
  model::EventRow row;
  batch.begin_event();
  batch.add(batch.intern("dvc"), model::ValueType::kText, "fw1");
  batch.add(batch.intern("odd"), model::ValueType::kText, "x");
  batch.end_event();
  maker.make(batch.event(0), {}, arena, row);
  EXPECT_EQ(row.host, "fw1");
  ASSERT_EQ(row.attributes.size(), 1U);
  EXPECT_EQ(row.attributes.front().name, "odd");
}

TEST(Rows, JoinHashesOfSeveralFields) {
  const std::string sha(64, 'a'), md5(32, 'b');
  const auto made = project_row("{category: process_creation, sha256: " + sha + ", md5: " + md5 + ", Image: /bin/x}");
  EXPECT_EQ((*made)["hashes"], sha + "," + md5);
}

TEST(Columns, SayWhatIsWrongByLine) {
  const auto problem = [](std::string_view text) {
    const Mapper mapper(std::vector<MappingText>{{"c.yml", std::string(text)}});
    return mapper.problems().empty()
               ? std::string("none")
               : std::to_string(mapper.problems().front().line) + ": " + mapper.problems().front().message;
  };
  EXPECT_EQ(problem("columns:\n  host: [a, b]\n"), "none");
  EXPECT_TRUE(problem("columns:\n  hostname: a\n").starts_with("2: the column is ")) << problem("columns:\n  hostname: a\n");
  EXPECT_TRUE(problem("columns:\n  host: {a: b}\n").starts_with("2: the source of an attribute is "));
  EXPECT_TRUE(problem("columns: [host]\n").starts_with("1: columns is "));
  EXPECT_TRUE(problem("columns: {host: a}\nrows: [{when: {x: '*'}}]\n").starts_with("1: the host is "));
  EXPECT_TRUE(problem("columns: {host: a}\nfields: {message: b}\n").starts_with("1: rows is "));
}

TEST(Columns, OfAMappingGoBeforeTheAttribute) {
  const Mapper mapper(std::vector<MappingText>{
      {"m.yml", "columns: {user: [b], dst_ip: c}\nfields: {user.name: a}\nrows: [{when: {x: '*'}}]"}});
  ASSERT_TRUE(mapper.problems().empty());
  EXPECT_EQ((*make_row(mapper, "{x: 1, a: A, b: B}"))["user"], "B");
  EXPECT_EQ((*make_row(mapper, "{x: 1, a: A, c: 1.2.3.4}"))["user"], "A");
  EXPECT_EQ((*make_row(mapper, "{x: 1, a: A, c: 1.2.3.4}"))["dst_ip"], "1.2.3.4");
  EXPECT_EQ((*make_row(mapper, "{a: A, b: B}"))["user"], "");
}

TEST(Address, IsCanonicalOrNone) {
  char buffer[rows::kMaxAddressBytes];
  const std::map<std::string, std::string> cases{
      {"10.0.0.1", "10.0.0.1"},
      {"255.255.255.255", "255.255.255.255"},
      {"256.0.0.1", ""},
      {"1.2.3", ""},
      {"1.2.3.4.5", ""},
      {"01.2.3.4", ""},
      {"1.2.3.4 ", ""},
      {"1..2.3", ""},
      {"2001:DB8::0:1", "2001:db8::1"},
      {"::ffff:10.1.2.3", "10.1.2.3"},
      {"fe80::1%eth0", "fe80::1"},
      {"::", "::"},
      {":", ""},
      {"", ""},
      {"12:30", ""},
      {std::string("::1\0", 4), ""},
      {std::string(46, ':'), ""},
      {"1.2.3.4%eth0", ""},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(rows::canonical_address(text, buffer), expected) << text;
}

std::vector<std::string> columns_of(std::string_view name) {
  std::vector<std::string> out;
  for (const NativeColumn& one : native_columns(project_mapper())) {
    if (one.name == name) out.emplace_back(one.column);
  }
  return out;
}

TEST(NativeColumns, SayWhereTheValueOfAFieldWent) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(columns_of("EventID"), Names{"event_code"});
  EXPECT_EQ(columns_of("Computer"), (Names{"domain", "host"}));  // Where host comes from another field first.
  EXPECT_EQ(columns_of("Channel"), Names{"service"});
  EXPECT_EQ(columns_of("CommandLine"), Names{"process_cmd_line"});
  EXPECT_EQ(columns_of("SourceIp"), (Names{"src_ip", "src_port"}));  // Some write address and port in one.
  EXPECT_EQ(columns_of("NoSuchName"), Names{});
  for (const auto& [name, column] : {std::pair("Image", "process_name"), {"TargetUserName", "user"}, {"LogonId", ""}}) {
    const Names all = columns_of(name);
    EXPECT_EQ(std::ranges::find(all, column) != all.end(), *column != 0) << name;
  }
}
TEST(NativeColumns, AreInOrderAndEachOnce) {
  const auto all = native_columns(project_mapper());
  EXPECT_GT(all.size(), 300u);
  for (std::size_t i = 1; i < all.size(); ++i) {
    EXPECT_LT(std::pair(all[i - 1].name, all[i - 1].column), std::pair(all[i].name, all[i].column));
  }
}

}  // namespace
}  // namespace tocsin::normalise
