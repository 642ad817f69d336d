#include "store/store.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <random>
#include <thread>

#include "store/block.h"
#include "store/client.h"
#include "store/store_test_support.h"
#include "testing/patience.h"

namespace tocsin::store {
namespace {

class StoreOnEngine : public ::testing::Test, protected TestStore {
 protected:
  void SetUp() override {
    TOCSIN_NEEDS_ENGINE();
    open();
  }
  void insert(const Block& block) {
    const auto done = store->insert(block, tocsin::testing::kPatience);
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  void insert_events(std::uint64_t first, std::uint64_t count, std::int64_t shift_ns = 0) {
    Block block;
    for (std::uint64_t i = 0; i < count; ++i) {
      auto event = sample_event(first + i);
      event.time.ns += shift_ns;
      event.received_at.ns += shift_ns;
      block.add(event);
    }
    insert(block);
  }
};

// A statement that the public face does not let through, on a folder that no store has open. The answer, or the error.
std::string as_owner(const std::string& folder, const std::string& sql) {
  core::Metrics metrics;
  Child child({.folder = folder,
               .engine_library = engine_library(),
               .program = store_program().empty() ? "/proc/self/exe" : store_program()},
              metrics);
  if (const auto started = child.start(); !started.ok()) return started.error().text;
  std::string body;
  Exchange what;
  what.request.sql = sql;
  what.request.format = "TabSeparated";
  what.time = std::chrono::seconds(20);
  what.take = [&](std::string_view piece) {
    body += piece;
    return true;
  };
  const auto result = exchange(child, what);
  return result.failed ? result.failure.error.text : body;
}

// The rows of `table` where `keep` is true, into a folder that no store has open. Empty, or the error.
std::string insert_kept(const StoreOptions& options, const TableRows& table, const std::vector<bool>& keep) {
  core::Metrics metrics;
  StoreOptions own = options;
  if (own.program.empty()) own.program = "/proc/self/exe";
  Child child(own, metrics);
  if (const auto started = child.start(); !started.ok()) return started.error().text;
  std::string bytes, columns;
  table.encode(keep, bytes);
  for (const Column& column : table.columns)
    columns += (columns.empty() ? "`" : ", `") + std::string(column.definition().name) + "`";
  const Fd file(::memfd_create("rows", MFD_CLOEXEC));
  if (::write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return "memory file";
  Exchange what;
  what.request.kind = RequestKind::kInsert;
  what.request.sql = "INSERT INTO tocsin." + std::string(table_definition(table.id).name) + " (" + columns + ")";
  what.input = file.get();
  what.time = std::chrono::seconds(20);
  const auto result = exchange(child, what);
  return result.failed ? result.failure.error.text : "";
}

const std::string kOdd = std::string("a\0b", 3) + "'\"\\`\n\n;DROP TABLE events;\r\t\xff\xfe\xc3(" + std::string(1, '\x80');

TEST_F(StoreOnEngine, GivesBackEveryColumnByteForByte) {
  Block block;
  model::EventRow event = sample_event(7, 3);
  std::vector<std::pair<std::string, std::string_view*>> texts = {{"tenant", &event.tenant},
                                                                  {"site", &event.site},
                                                                  {"source", &event.source},
                                                                  {"format", &event.format},
                                                                  {"product", &event.product},
                                                                  {"service", &event.service},
                                                                  {"status", &event.status},
                                                                  {"event_code", &event.event_code},
                                                                  {"host", &event.host},
                                                                  {"user", &event.user},
                                                                  {"actor_user", &event.actor_user},
                                                                  {"process_name", &event.process_name},
                                                                  {"process_cmd_line", &event.process_cmd_line},
                                                                  {"parent_name", &event.parent_name},
                                                                  {"parent_cmd_line", &event.parent_cmd_line},
                                                                  {"file_path", &event.file_path},
                                                                  {"hashes", &event.hashes},
                                                                  {"registry_key", &event.registry_key},
                                                                  {"src_ip", &event.src_ip},
                                                                  {"dst_ip", &event.dst_ip},
                                                                  {"domain", &event.domain},
                                                                  {"url", &event.url},
                                                                  {"http_user_agent", &event.http_user_agent},
                                                                  {"message", &event.message},
                                                                  {"raw", &event.raw}};
  std::vector<std::string> values;
  for (const auto& [name, text] : texts) values.push_back(name + kOdd);
  for (std::size_t i = 0; i < texts.size(); ++i) *texts[i].second = values[i];
  event.class_uid = 4'000'000'001;
  event.activity_id = 255;
  event.severity_id = 6;
  event.process_pid = 4'294'967'295;
  event.src_port = 65'535;
  event.dst_port = 1;
  event.time_known = false;
  event.attributes = {{kOdd, "1"}, {"empty", ""}, {kOdd, kOdd}};
  block.add(event);
  block.add(sample_event(8));  // No attributes, most columns empty.
  insert(block);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(ask("SELECT " + texts[i].first + " FROM events WHERE class_uid != 0", "RawBLOB"), values[i]) << texts[i].first;
  }
  EXPECT_EQ(ask("SELECT id, toUnixTimestamp(time), ts, time_known, received_at, day, class_uid, activity_id, severity_id,"
                " process_pid, src_port, dst_port FROM events WHERE class_uid != 0"),
            "117440515\t1795521600\t1795521600007000021\t0\t1795521600012000021\t2026-11-"
            "24\t4000000001\t255\t6\t4294967295\t65535\t1\n");
  EXPECT_EQ(ask("SELECT attr.name[1] FROM events WHERE class_uid != 0", "RawBLOB"), kOdd);
  EXPECT_EQ(ask("SELECT attr.value[3] FROM events WHERE class_uid != 0", "RawBLOB"), kOdd);
  EXPECT_EQ(ask("SELECT length(attr.name), length(attr.value), attr.value[2] = '' FROM events ORDER BY id"),
            "3\t3\t1\n0\t0\t1\n");
}

TEST_F(StoreOnEngine, KeepsFindingsAndDeadLetters) {
  Block block;
  FindingRow finding;
  finding.id = "f" + kOdd;
  finding.event_ids = {1, 2, ~std::uint64_t{0}};
  finding.sequence = 9;
  finding.event_time = finding.received_at = finding.detected_at = kNoon;
  finding.tenant = "t1";
  finding.rule_title = kOdd;
  finding.tactics = {"execution", "impact"};
  finding.reason = kOdd;
  finding.finding = "{}";
  finding.severity_id = 4;
  block.add(finding);
  finding.id = "second";
  finding.event_ids.clear();
  finding.tactics.clear();
  block.add(finding);
  DeadLetterRow letter;
  letter.sequence = 9;
  letter.offset = 77;
  letter.received_at = kNoon;
  letter.bytes = kOdd;
  block.add(letter);
  EXPECT_EQ(block.finding_count(), 2u);
  insert(block);
  insert(block);  // The same again adds nothing.
  EXPECT_EQ(ask("SELECT reason FROM findings WHERE id != 'second'", "RawBLOB"), kOdd);
  EXPECT_EQ(ask("SELECT event_ids, tactics, techniques, severity_id FROM findings ORDER BY id = 'second'"),
            "[1,2,18446744073709551615]\t['execution','impact']\t[]\t4\n[]\t[]\t[]\t4\n");
  EXPECT_EQ(ask("SELECT bytes FROM dead_letters", "RawBLOB"), kOdd);
  const auto known = store->known_after(8);
  ASSERT_TRUE(known.ok()) << known.error().text;
  EXPECT_EQ(known->findings, (std::vector<std::string>{"f" + kOdd, "second"}));
  EXPECT_EQ(known->dead_letters, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{9, 77}}));
  EXPECT_TRUE(store->known_after(9)->findings.empty());
}

TEST_F(StoreOnEngine, EncodesManyWordsAndManyRows) {
  Block block;
  std::vector<std::string> hosts;
  for (unsigned i = 0; i < 70'000; ++i) hosts.push_back("h" + std::to_string(i));
  for (unsigned i = 0; i < hosts.size(); ++i) {
    auto event = sample_event(1, i);
    event.host = hosts[i];                                 // 4-byte indexes
    event.user = hosts[i % 300];                           // 2-byte
    event.site = std::string_view("ab").substr(i % 2, 1);  // 1-byte
    const std::vector<model::NamedValue> attributes(i % 3, model::NamedValue{hosts[i % 7], hosts[i]});
    event.attributes = attributes;
    block.add(event);
  }
  insert(block);
  EXPECT_EQ(ask("SELECT count(), uniqExact(host), uniqExact(user), uniqExact(site), countIf(host = concat('h', toString(id "
                "% 16777216))),"
                " countIf(user = concat('h', toString(id % 16777216 % 300))), sum(length(attr.name)), "
                "countIf(length(attr.value) = id % 16777216 % 3)"
                " FROM events"),
            "70000\t70000\t300\t2\t70000\t70000\t69999\t70000\n");
}

TEST_F(StoreOnEngine, EncodesOnlyTheRowsThatAreKept) {
  Block block;
  std::vector<bool> keep, first_only(20);
  first_only[0] = true;
  for (unsigned i = 0; i < 20; ++i) {
    const std::string word = "w" + std::to_string(i);
    const std::vector<model::NamedValue> attributes(i % 4, model::NamedValue{word, word});
    auto event = sample_event(1, i);
    event.host = word;
    event.message = word;
    event.process_pid = i;
    event.attributes = attributes;
    block.add(event);
    FindingRow finding;
    finding.id = word;
    finding.sequence = 1;
    finding.event_time = finding.received_at = kNoon;
    finding.event_ids.assign(i % 3, i);
    finding.tactics.assign(i % 2, word);
    block.add(finding);
    keep.push_back(i % 3 != 0);
  }
  store.reset();
  const auto& tables = block.impl().tables;
  EXPECT_EQ(insert_kept(options, tables[0], keep), "");
  EXPECT_EQ(insert_kept(options, tables[1], keep), "");
  EXPECT_EQ(insert_kept(options, tables[1], first_only), "");  // No element in any array.
  open();
  EXPECT_EQ(ask("SELECT count(), countIf(host = concat('w', toString(process_pid)) AND message = host AND id = 16777216 + "
                "process_pid"
                " AND length(attr.name) = process_pid % 4 AND arrayAll(x -> x = host, attr.name) AND arrayAll(x -> x = "
                "host, attr.value)"
                " AND process_pid % 3 != 0) FROM events"),
            "13\t13\n");
  EXPECT_EQ(
      ask("SELECT count(), countIf(length(event_ids) = n % 3 AND arrayAll(x -> x = n, event_ids) AND length(tactics) = n % 2"
          " AND arrayAll(x -> x = id, tactics)) FROM (SELECT *, toUInt64(substring(id, 2)) AS n FROM findings)"),
      "14\t14\n");
}

TEST_F(StoreOnEngine, KeepsARowSentTwiceOnce) {
  insert_events(1, 100);
  insert_events(1, 100);
  EXPECT_EQ(ask("SELECT count(), uniqExact(id) FROM events"), "100\t100\n");
}

TEST_F(StoreOnEngine, KnowsTheIdsAboveASequence) {
  insert_events(10, 5);
  auto known = store->known_after(11);
  ASSERT_TRUE(known.ok()) << known.error().text;
  EXPECT_EQ(known->events, (std::vector<model::EventId>{12u << 24, 13u << 24, 14u << 24}));
  EXPECT_TRUE(store->known_after(14)->events.empty());
  EXPECT_TRUE(store->known_after(~std::uint64_t{0})->events.empty());
}

TEST_F(StoreOnEngine, KeepsRowsOverARestartOfTheStore) {
  insert_events(1, 3);
  store.reset();
  open();
  EXPECT_EQ(ask("SELECT count() FROM events"), "3\n");
}

TEST_F(StoreOnEngine, RefusesAFolderOfALaterVersion) {
  store.reset();
  EXPECT_EQ(as_owner(options.folder, "INSERT INTO tocsin.schema_version (version) SELECT 99"), "");
  const auto opened = Store::open(options, metrics);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, core::ErrorCode::kUnsupported);
  EXPECT_NE(opened.error().text.find("schema 99"), std::string::npos) << opened.error().text;
}

TEST_F(StoreOnEngine, RepeatsAMigrationThatWasCutShort) {
  insert_events(1, 3);
  store.reset();
  EXPECT_EQ(as_owner(options.folder, "TRUNCATE TABLE tocsin.schema_version"), "");
  EXPECT_EQ(as_owner(options.folder, "DROP TABLE tocsin.dead_letters SYNC"), "");
  open();
  EXPECT_EQ(ask("SELECT (SELECT count() FROM events), (SELECT count() FROM dead_letters), (SELECT max(version) FROM "
                "schema_version)"),
            "3\t0\t1\n");
}

TEST_F(StoreOnEngine, RefusesAFolderThatAnotherStoreHolds) {
  const auto second = Store::open(options, metrics);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().text.find("another process may hold it"), std::string::npos) << second.error().text;
  EXPECT_EQ(ask("SELECT 1"), "1\n");
}

// Else a program that does not answer to `store` would start itself without end.
TEST_F(StoreOnEngine, AProcessOfAStoreOpensNone) {
  store.reset();
  ::setenv("TOCSIN_STORE_PROCESS", "1", 1);
  core::Metrics other;
  const auto opened = Store::open(options, other);
  ::unsetenv("TOCSIN_STORE_PROCESS");
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, core::ErrorCode::kUnsupported);
}

TEST_F(StoreOnEngine, TheChildDiesWithItsParent) {
  store.reset();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const pid_t parent = ::fork();
  if (parent == 0) {
    ::dup2(ends[1], 1);
    ::execl(self.c_str(), self.c_str(), "hold", options.folder.c_str(), options.engine_library.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  char byte = 0;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'R');
  const std::vector<int> children = children_of(parent);
  ASSERT_EQ(children.size(), 1u);
  const Fd child(static_cast<int>(::syscall(SYS_pidfd_open, children[0], 0)));
  ASSERT_TRUE(child.valid());
  ::kill(parent, SIGKILL);
  pollfd watched{child.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&watched, 1, 5'000), 1);
  ::waitpid(parent, nullptr, 0);
  ::close(ends[0]);
}

TEST_F(StoreOnEngine, StartsTheChildAgainAfterItIsKilled) {
  insert_events(1, 3);
  ASSERT_EQ(kill_children(), 1u);
  insert_events(100, 3);
  EXPECT_EQ(ask("SELECT count() FROM events"), "6\n");
  EXPECT_GE(store->health().restarts, 1u);
  EXPECT_EQ(store->health().events, 6u);
}

TEST_F(StoreOnEngine, WritesEachRowOnceWhileTheChildIsKilledAtRandom) {
  std::random_device device;
  const unsigned seed = device();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::atomic<bool> done{false};
  std::thread killer([&] {
    // Few enough that the back-off stays short.
    for (unsigned kills = 0; kills < 4 && !done;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 700));
      kills += static_cast<unsigned>(kill_children());
    }
  });
  constexpr unsigned kBatches = 20, kRows = 500;
  for (unsigned batch = 0; batch < kBatches; ++batch) {
    Block block;
    for (unsigned i = 0; i < kRows; ++i) {
      auto event = sample_event(batch + 1, i);
      if (i % 2 == 1) event.time.ns -= kDayNs;  // Two partitions: an insert may be there by half.
      block.add(event);
    }
    const auto ok = store->insert(block, std::chrono::seconds(30));
    EXPECT_TRUE(ok.ok()) << ok.error().text;
  }
  done = true;
  killer.join();
  std::string answer;
  for (int i = 0; i < 10 && !answer.ends_with('\n'); ++i) answer = ask("SELECT count(), uniqExact(id) FROM events");
  EXPECT_EQ(answer, "10000\t10000\n");
  EXPECT_GE(store->health().restarts, 1u);
}

TEST_F(StoreOnEngine, RefusesWhatIsNotReading) {
  insert_events(1, 1);
  const std::string out = (folder.path() / "out").string();
  for (const std::string& sql :
       {std::string("DROP TABLE events"), std::string("INSERT INTO events (id) VALUES (1)"), std::string("SYSTEM SHUTDOWN"),
        std::string("CREATE TABLE x (a Int8) ENGINE = Memory"), std::string("SET readonly = 0"),
        std::string("KILL QUERY WHERE 1"), std::string("SELECT 1 SETTINGS readonly = 0"),
        std::string("SELECT file('/etc/hostname')"), std::string("SELECT `file`('/etc/hostname')"),
        std::string("SELECT * FROM file('/etc/passwd', 'LineAsString')"),
        std::string("DESCRIBE TABLE file('/etc/passwd', 'CSVWithNames')"),
        std::string("SELECT * FROM url('http://127.0.0.1:1/', 'CSV')"),
        std::string("SELECT * FROM executable('/bin/ls', 'TSV', 'x String')"), "SELECT 1 INTO OUTFILE '" + out + "'",
        "SELECT 1 INTO/**/OUTFILE '" + out + "'", "SELECT 1 -- \nINTO OUTFILE '" + out + "'",
        std::string("SELECT 1; DROP TABLE events")}) {
    const auto result = store->query(sql, "TabSeparated", {});
    EXPECT_FALSE(result.ok()) << sql;
  }
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_EQ(ask("SELECT count() FROM events;"), "1\n");
  EXPECT_EQ(ask("SELECT 'INTO OUTFILE; file(' -- ; INTO OUTFILE"), "INTO OUTFILE; file(\n");
}

TEST_F(StoreOnEngine, EndsAQueryAtItsLimits) {
  QueryLimits limits;
  limits.time = std::chrono::milliseconds(300);
  auto result = store->query("SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1", "CSV", limits);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, core::ErrorCode::kLimit) << result.error().text;
  limits = {};
  limits.result_rows = 10;
  EXPECT_TRUE(store->query("SELECT number FROM numbers(10)", "CSV", limits).ok());
  result = store->query("SELECT number FROM numbers(11)", "CSV", limits);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, core::ErrorCode::kLimit) << result.error().text;
  limits = {};
  limits.read_rows = 1'000;
  result = store->query("SELECT sum(number) FROM numbers(1001)", "CSV", limits);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, core::ErrorCode::kLimit) << result.error().text;
  limits = {};
  limits.memory_bytes = 20u << 20;
  result = store->query("SELECT uniqExact(number) FROM numbers(10000000)", "CSV", limits);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, core::ErrorCode::kLimit) << result.error().text;
}

TEST_F(StoreOnEngine, EndsAQueryThatIsCancelled) {
  auto token = make_cancel_token();
  std::thread canceller([&] {
    while (ask("SELECT count() FROM system.processes WHERE query LIKE '%sipHash64%' AND query NOT LIKE '%processes%'") !=
           "1\n") {
    }
    cancel(*token);
  });
  const auto result =
      store->query("SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1", "CSV", {}, token);
  canceller.join();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, core::ErrorCode::kDenied);
  EXPECT_EQ(result.error().text, "cancelled");
  // It also ends in the child, which has seen the hang-up.
  std::string left = "1\n";
  for (int i = 0; i < 1'000 && left != "0\n"; ++i) {
    left = ask("SELECT count() FROM system.processes WHERE query LIKE '%sipHash64%' AND query NOT LIKE '%processes%'");
  }
  EXPECT_EQ(left, "0\n");
}

TEST_F(StoreOnEngine, StreamsAnAnswerInPiecesAsOneDocument) {
  std::string all;
  unsigned pieces = 0;
  QueryLimits limits;
  limits.result_rows = 0;
  const auto done =
      store->query_stream("SELECT number FROM numbers(300000)", "CSVWithNames", limits, [&](std::string_view piece) {
        ++pieces;
        all += piece;
        return true;
      });
  ASSERT_TRUE(done.ok()) << done.error().text;
  EXPECT_GT(pieces, 1u);
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 300'001);
  EXPECT_TRUE(all.starts_with("\"number\"\n0\n1\n"));
  EXPECT_TRUE(all.ends_with("\n299999\n"));
  pieces = 0;
  const auto stopped = store->query_stream("SELECT number FROM system.numbers", "CSV", limits,
                                           [&](std::string_view) { return ++pieces < 3; });
  EXPECT_TRUE(stopped.ok());
  EXPECT_EQ(pieces, 3u);
  EXPECT_EQ(ask("SELECT 1"), "1\n");
  all.clear();
  ASSERT_TRUE(store
                  ->query_stream("SELECT number FROM numbers(10)", "Parquet", limits,
                                 [&](std::string_view piece) {
                                   all += piece;
                                   return true;
                                 })
                  .ok());
  EXPECT_TRUE(all.starts_with("PAR1") && all.ends_with("PAR1"));
}

TEST_F(StoreOnEngine, RetentionDropsTheOldestDayFirst) {
  for (std::uint64_t day = 0; day < 4; ++day) insert_events(1 + day * 100, 50, -static_cast<std::int64_t>(day) * kDayNs);
  auto dropped = store->apply_retention({.max_age_days = 2}, kNoon);
  ASSERT_TRUE(dropped.ok()) << dropped.error().text;
  ASSERT_EQ(dropped->size(), 1u);
  EXPECT_EQ(dropped->front().partition, "2026-11-21");
  EXPECT_EQ(dropped->front().table, "events");
  EXPECT_EQ(dropped->front().rows, 50u);
  EXPECT_EQ(ask("SELECT min(day), count() FROM events"), "2026-11-22\t150\n");
  // By size: oldest first, never today.
  dropped = store->apply_retention({.max_bytes = 1}, kNoon);
  ASSERT_TRUE(dropped.ok()) << dropped.error().text;
  ASSERT_EQ(dropped->size(), 2u);
  EXPECT_EQ(dropped->front().partition, "2026-11-22");
  EXPECT_EQ(ask("SELECT min(day), count() FROM events"), "2026-11-24\t50\n");
  EXPECT_TRUE(store->apply_retention({}, kNoon)->empty());
}

TEST_F(StoreOnEngine, ASenderOfStrangeTimesMakesFewPartitions) {
  Block block;
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    auto event = sample_event(1, i);
    event.received_at = kNoon;
    event.time = {static_cast<std::int64_t>(i) * kDayNs * 20 - kNoon.ns};
    block.add(event);
  }
  insert(block);
  EXPECT_EQ(ask("SELECT count(), uniqExact(day) <= 9 FROM events"), "2000\t1\n");
}

// So that it runs where memory cannot be both written and executed (tools/package/tocsin.service).
TEST_F(StoreOnEngine, MakesNoMachineCodeAtRunTime) {
  const char* sql =
      "SELECT sum((number * 3 + number % 7) * (number + 2)), max(intDiv(number, 3) * 2 + number) FROM numbers(1000) "
      "WHERE (number * 5 + 3) % 11 > 4 AND number * 2 + 1 > 7 GROUP BY number % 3";
  for (int i = 0; i < 6; ++i) EXPECT_EQ(ask(sql).find("error"), std::string::npos) << ask(sql);
  EXPECT_EQ(ask("SELECT count() FROM system.events WHERE event = 'CompileFunction'"), "0\n");
  EXPECT_EQ(ask("SELECT count() FROM system.settings WHERE name LIKE 'compile%' AND value != '0'"), "0\n");
}

TEST_F(StoreOnEngine, BacksUpWhileRunning) {
  insert_events(1, 10);
  const std::string to = (folder.path() / "copy").string();
  const auto done = store->backup(to);
  ASSERT_TRUE(done.ok()) << done.error().text;
  EXPECT_TRUE(std::filesystem::exists(to + "/.backup"));
  EXPECT_FALSE(store->backup(to).ok());
  const std::string other = (folder.path() / "other").string();
  store.reset();
  options.folder = other;
  EXPECT_FALSE(restore_store(options, folder.path() / "absent", metrics).ok());
  const auto restored = restore_store(options, to, metrics);
  ASSERT_TRUE(restored.ok()) << restored.error().text;
  open();
  EXPECT_EQ(ask("SELECT count(), uniqExact(id) FROM events"), "10\t10\n");
  store.reset();
  const auto again = restore_store(options, to, metrics);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, core::ErrorCode::kDenied);
}

TEST(Store, TellsHowToInstallAMissingLibrary) {
  TestStore test;
  test.options.engine_library = (test.folder.path() / "absent.so").string();
  const auto opened = Store::open(test.options, test.metrics);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, core::ErrorCode::kNotFound);
  EXPECT_NE(opened.error().text.find("tools/install_engine.sh"), std::string::npos);
}

TEST(Store, TellsWhyALibraryCannotBeLoaded) {
  TestStore test;
  test.options.engine_library = test.folder.write("libchdb.so", "no library");
  const auto opened = Store::open(test.options, test.metrics);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().text.find("cannot be loaded"), std::string::npos) << opened.error().text;
}

}  // namespace

// A parent for a test to kill: says 'R' once its store is open.
int hold(const char* folder, const char* library) {
  core::Metrics metrics;
  auto store = Store::open({.folder = folder, .engine_library = library, .program = store_program()}, metrics);
  if (!store.ok() || std::fputs("R", stdout) < 0 || std::fflush(stdout) != 0) return 1;
  for (;;) ::pause();
}

}  // namespace tocsin::store

// The program is its own child: `<test> store ...` is what `tocsin store ...` is.
int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "store") return tocsin::store::run_store_process(argc, argv);
  if (argc > 3 && std::string_view(argv[1]) == "hold") return tocsin::store::hold(argv[2], argv[3]);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
