// Deliveries through journal, processor and store, on the real engine: what goes in is there once, whatever happens between.
#include <gtest/gtest.h>

#include <future>

#include "app/backup.h"
#include "app/board.h"
#include "app/detection.h"
#include "app/housekeeper.h"
#include "app/intake.h"
#include "app/processor.h"
#include "app/rule_manager.h"
#include "app/store_writer.h"
#include "ledger/ledger.h"
#include "store/store_test_support.h"
#include "stream/journal.h"
#include "testing/temporary_folder.h"

namespace tocsin::app {
namespace {

using store::engine_library;

constexpr const char* kRule = R"(title: Whoami
id: 11111111-1111-4111-8111-111111111111
status: test
level: high
logsource: {product: windows, category: process_creation}
detection:
  selection: {CommandLine|contains: whoami}
  condition: selection
tags: [attack.discovery, attack.t1033]
---
title: Three whoamis
id: 22222222-2222-4222-8222-222222222222
status: test
level: critical
correlation:
  type: event_count
  rules: [11111111-1111-4111-8111-111111111111]
  group-by: [Computer]
  timespan: 5m
  condition: {gte: 3}
  generate: true
)";

std::string process_event(const std::string& command, int second, const std::string& host = "ws1") {
  char time[64];
  std::snprintf(time, sizeof time, "2026-11-24T12:%02d:%02d.000Z", second / 60 % 60, second % 60);
  return std::string(R"({"@timestamp":")") + time + R"(","winlog":{"channel":"Microsoft-Windows-Sysmon/Operational",)" +
         R"("provider_name":"Microsoft-Windows-Sysmon","event_id":"1","computer_name":")" + host +
         R"(","event_data":{"CommandLine":")" + command + R"(","Image":"C:\\Windows\\System32\\cmd.exe"}}})" + "\n";
}

// A whole pipeline over a folder; made again over the same folder it is a restart.
struct Pipeline {
  explicit Pipeline(const std::string& folder, std::vector<std::string> rule_folders, std::uint64_t first_sequence = 1) {
    auto opened_ledger = ledger::Ledger::open(folder + "/ledger.db");
    EXPECT_TRUE(opened_ledger.ok());
    ledger = std::move(*opened_ledger);
    RulesConfig config;
    config.builtin = false;
    config.folders = std::move(rule_folders);
    auto opened_rules = RuleManager::open(config, "", *ledger, clock);
    EXPECT_TRUE(opened_rules.ok()) << opened_rules.error().text;
    rules = std::move(*opened_rules);
    stream::JournalOptions journal_options;
    journal_options.folder = folder + "/journal";
    journal_options.min_free_bytes = 0;
    journal_options.first_sequence = first_sequence;
    auto opened_journal = stream::Journal::open(journal_options, clock, metrics);
    EXPECT_TRUE(opened_journal.ok()) << opened_journal.error().text;
    journal = std::move(*opened_journal);
    store::StoreOptions store_options;
    store_options.folder = folder + "/store";
    store_options.engine_library = store::engine_library();
    store_options.program = store::store_program();
    auto opened_store = store::Store::open(store_options, metrics);
    EXPECT_TRUE(opened_store.ok()) << opened_store.error().text;
    store = std::move(*opened_store);
    board = std::make_unique<SourceBoard>(clock, metrics);
    board->put(std::make_shared<SourceEntry>(
        source::SourceRef{model::SourceId{1}, "test", "default", "main", model::Format::kUnknown, board->meter("test")},
        "http", "api"));
    start();
  }
  ~Pipeline() { end(std::chrono::milliseconds(2'000)); }

  void start() {
    writer = std::make_unique<StoreWriter>(*store, *journal, clock, metrics, [this](const api::LiveEvent& event) {
      const core::Lock lock(mutex);
      live.push_back(event.json);
    });
    ProcessorOptions options;
    options.lateness = std::chrono::seconds(1);
    processor =
        std::make_unique<Processor>(Processor::Context{*journal, *store, *writer, *board, rules->content(), clock, metrics},
                                    options, rules->detection());
    rules->on_change([this](std::shared_ptr<const Detection> detection) {
      if (processor) processor->set_detection(std::move(detection));
    });
    const auto started = processor->start();
    ASSERT_TRUE(started.ok()) << started.error().text;
  }
  // 0: as if it had been killed, but for what the store's child still writes.
  void end(std::chrono::milliseconds grace) {
    if (!processor) return;
    processor->stop(grace);
    writer->stop();
    processor.reset();
    writer.reset();
  }

  std::uint64_t submit(std::string bytes, model::Format format = model::Format::kUnknown, std::string header = {}) {
    model::Delivery delivery;
    delivery.source = model::SourceId{1};
    delivery.received_at = clock.now();
    delivery.format = format;
    delivery.peer = "192.0.2.1";
    delivery.header = std::move(header);
    delivery.bytes = std::move(bytes);
    std::promise<core::Result<std::uint64_t>> safe;
    journal->append(std::move(delivery), [&](core::Result<std::uint64_t> outcome) { safe.set_value(std::move(outcome)); });
    auto outcome = safe.get_future().get();
    EXPECT_TRUE(outcome.ok());
    last = outcome.ok() ? *outcome : 0;
    return last;
  }
  std::string ask(const std::string& sql) {
    auto result = store->query(sql, "TabSeparated", {});
    return result.ok() ? result->body : "error: " + result.error().text;
  }
  // Waits until the answer is this; gives the last one where it never is.
  std::string wait_for(const std::string& sql, const std::string& wanted) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(15);
    std::string answer = ask(sql);
    while (answer != wanted && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // Between questions, not for order.
      answer = ask(sql);
    }
    return answer;
  }

  // The system's time, that a test may set.
  struct JumpingClock final : core::Clock {
    std::atomic<std::int64_t> ahead_ns{0};
    core::SystemClock system;
    [[nodiscard]] core::Timestamp now() const override { return {system.now().ns + ahead_ns}; }
    [[nodiscard]] std::chrono::nanoseconds steady_now() const override { return system.steady_now(); }
  };
  JumpingClock clock;
  core::Metrics metrics;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<RuleManager> rules;
  std::unique_ptr<stream::Journal> journal;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<SourceBoard> board;
  std::unique_ptr<StoreWriter> writer;
  std::unique_ptr<Processor> processor;
  core::Mutex mutex;
  std::vector<std::string> live;
  std::uint64_t last = 0;
};

class PipelineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    TOCSIN_NEEDS_ENGINE();
    folder.write("rules/rule.yml", kRule);
    open();
  }
  void open(std::uint64_t first_sequence = 1) {
    pipeline = std::make_unique<Pipeline>(folder.path().string(),
                                          std::vector<std::string>{(folder.path() / "rules").string()}, first_sequence);
  }
  testing::TemporaryFolder folder;
  std::unique_ptr<Pipeline> pipeline;
};

TEST_F(PipelineTest, EventsBecomeRowsAndMatchesBecomeFindings) {
  pipeline->submit(process_event("whoami /all", 1) + process_event("dir", 2));
  EXPECT_EQ(
      pipeline->wait_for("SELECT count(), countIf(process_cmd_line = 'whoami /all'), any(host), any(source) FROM events",
                         "2\t1\tws1\ttest\n"),
      "2\t1\tws1\ttest\n");
  EXPECT_EQ(pipeline->wait_for(
                "SELECT rule_title, level, host, source, length(event_ids), position(reason, 'whoami') > 0 FROM findings",
                "Whoami\thigh\tws1\ttest\t1\t1\n"),
            "Whoami\thigh\tws1\ttest\t1\t1\n");
  EXPECT_EQ(pipeline->ask("SELECT count() FROM findings WHERE event_ids[1] IN (SELECT id FROM events WHERE process_cmd_line "
                          "LIKE 'whoami%')"),
            "1\n");
  const core::Lock lock(pipeline->mutex);
  ASSERT_EQ(pipeline->live.size(), 1u);
  EXPECT_NE(pipeline->live[0].find("\"rule_title\":\"Whoami\""), std::string::npos);
}

TEST_F(PipelineTest, CorrelationsFireWhereNothingElseComes) {
  for (int i = 0; i < 3; ++i) pipeline->submit(process_event("whoami", i));
  // The newest event is not followed by another: time passes by the journal.
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM findings WHERE rule_title = 'Three whoamis'", "1\n"), "1\n");
  EXPECT_EQ(pipeline->ask("SELECT length(event_ids), host FROM findings WHERE rule_title = 'Three whoamis'"), "3\tws1\n");
  // More that joins it is no finding more, and it says that its count is of its beginning.
  for (int i = 3; i < 6; ++i) pipeline->submit(process_event("whoami", i));
  pipeline->submit(process_event("whoami", 900));
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM findings WHERE rule_title = 'Whoami'", "7\n"), "7\n");
  EXPECT_EQ(pipeline->ask("SELECT count(), endsWith(any(reason), '; counts as of its beginning'), "
                          "position(any(finding), '\"ongoing\":true') > 0 FROM findings WHERE rule_title = 'Three whoamis'"),
            "1\t1\t1\n");
}

TEST_F(PipelineTest, TheHostOfRowFindingAndCorrelationIsOne) {
  folder.write("rules/zeek.yml", R"(title: Odd port
id: 55555555-5555-4555-8555-555555555555
logsource: {product: zeek, service: conn}
detection: {selection: {id.resp_p: 4444}, condition: selection}
level: high
---
title: Odd ports
id: 66666666-6666-4666-8666-666666666666
level: high
correlation:
  type: event_count
  rules: [55555555-5555-4555-8555-555555555555]
  group-by: [id.orig_h]
  timespan: 5m
  condition: {gte: 2}
  generate: true
)");
  ASSERT_TRUE(pipeline->rules->reload().ok());
  for (int i = 0; i < 2; ++i) {
    pipeline->submit(
        R"({"_path":"conn","ts":179489908)" + std::to_string(i) +
        R"(.5,"uid":"C1","id.orig_h":"10.20.4.42","id.orig_p":50675,"id.resp_h":"192.0.2.20","id.resp_p":4444})" + "\n");
  }
  const std::string wanted = "Odd port\t10.20.4.42\t2\nOdd ports\t10.20.4.42\t1\n";
  const std::string ask = "SELECT rule_title, host, count() FROM findings GROUP BY rule_title, host ORDER BY rule_title";
  EXPECT_EQ(pipeline->wait_for(ask, wanted), wanted);
  EXPECT_EQ(pipeline->ask("SELECT DISTINCT host, src_ip FROM events"), "10.20.4.42\t10.20.4.42\n");
  // As `tocsin detect` writes it.
  EXPECT_EQ(pipeline->ask("SELECT DISTINCT position(finding, '\"ip\":\"10.20.4.42\"') > 0 FROM findings"), "1\n");
}

TEST_F(PipelineTest, BadRecordsAreKeptAsDeadLetters) {
  pipeline->submit("{\"a\":1}\n{\"b\":\n{\"c\":3}\n", model::Format::kJson);
  pipeline->submit(std::string("\x00\x01\x02\x03\xff\xfe\x00\x01", 8));
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM dead_letters", "2\n"), "2\n");
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM events", "2\n"), "2\n");
  EXPECT_EQ(pipeline->ask("SELECT cause, bytes FROM dead_letters WHERE sequence = 1"), "json-syntax\t{\"b\":\n");
  EXPECT_EQ(pipeline->ask("SELECT cause, length(bytes) FROM dead_letters WHERE sequence = 2"), "unknown-format\t8\n");
  EXPECT_EQ(pipeline->board->named("test")->bad_records.load(), 2u);
}

TEST_F(PipelineTest, HeaderOfCsvIsKeptForDecodingAgain) {
  pipeline->submit("time,user,action\n2026-11-24T12:00:00Z,bob,login\n", model::Format::kCsv);
  pipeline->submit("2026-11-24T12:00:01Z,eve,logout\n", model::Format::kCsv, "time,user,action\n");
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM events", "2\n"), "2\n");
  EXPECT_EQ(pipeline->ask("SELECT DISTINCT attr.value[indexOf(attr.name, '_header')] FROM events"), "time,user,action\\n\n");
  EXPECT_EQ(pipeline->ask("SELECT raw FROM events ORDER BY ts"),
            "2026-11-24T12:00:00Z,bob,login\n2026-11-24T12:00:01Z,eve,logout\n");
}

TEST_F(PipelineTest, RestartRepeatsNothingAndLosesNothing) {
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 50; ++i)
      pipeline->submit(process_event(i % 10 == 0 ? "whoami" : "dir", round * 50 + i, "ws" + std::to_string(round)));
    // Without saving where it is: all since the last saved position is read again.
    if (round % 2 == 0) pipeline->end(std::chrono::milliseconds(0));
    pipeline.reset();
    open();
  }
  EXPECT_EQ(pipeline->wait_for("SELECT count(), uniqExact(id) FROM events", "200\t200\n"), "200\t200\n");
  EXPECT_EQ(pipeline->wait_for("SELECT count(), uniqExact(id) FROM findings WHERE rule_title = 'Whoami'", "20\t20\n"),
            "20\t20\n");
  EXPECT_EQ(pipeline->wait_for("SELECT count(), uniqExact(host) FROM findings WHERE rule_title = 'Three whoamis'", "4\t4\n"),
            "4\t4\n");
}

// It stops at once, however much is under way; what is not stored yet comes out of the journal again.
TEST_F(PipelineTest, StopsInTheMidstOfMuchAndLosesNothing) {
  std::string many;
  for (int i = 0; i < 4'000; ++i) many += process_event(i % 400 == 0 ? "whoami" : "dir", i / 100, "h" + std::to_string(i));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10; ++i) pipeline->submit(many);
    pipeline->end(std::chrono::milliseconds(round == 1 ? 0 : 150));
    pipeline.reset();
    open();
  }
  EXPECT_EQ(pipeline->wait_for("SELECT count(), uniqExact(id) FROM events", "120000\t120000\n"), "120000\t120000\n");
  EXPECT_EQ(pipeline->wait_for("SELECT count(), uniqExact(id) FROM findings WHERE rule_title = 'Whoami'", "300\t300\n"),
            "300\t300\n");
}

TEST_F(PipelineTest, ANewJournalBesideAStoreBeginsAboveWhatIsStored) {
  for (int i = 0; i < 3; ++i) pipeline->submit(process_event("whoami", i));
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM findings", "4\n"), "4\n");
  const auto last = last_stored_sequence(*pipeline->store);
  ASSERT_TRUE(last.ok()) << last.error().text;
  EXPECT_GE(*last, 3u);
  pipeline.reset();
  std::filesystem::remove_all(folder.path() / "journal");
  open(*last + 1);
  EXPECT_EQ(pipeline->processor->done_sequence(), *last);  // So nothing of the store is read to know it again.
  EXPECT_EQ(pipeline->submit(process_event("whoami", 4)), *last + 1);
  EXPECT_EQ(pipeline->wait_for("SELECT count(), uniqExact(id) FROM events", "4\t4\n"), "4\t4\n");
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM findings WHERE rule_title = 'Whoami'", "4\n"), "4\n");
}

TEST_F(PipelineTest, WithoutAPositionTheJournalIsReadAgainAndNothingIsThereTwice) {
  for (const bool damaged : {true, false}) {
    for (int i = 0; i < 3; ++i) pipeline->submit(process_event("whoami", i, damaged ? "ws1" : "ws2"));
    EXPECT_EQ(pipeline->wait_for("SELECT count() FROM findings", damaged ? "4\n" : "8\n"), damaged ? "4\n" : "8\n");
    pipeline.reset();
    const auto position = folder.path() / "journal/position-store";
    ASSERT_TRUE(std::filesystem::exists(position));
    if (damaged) {
      folder.write("journal/position-store", "no position");
    } else {
      std::filesystem::remove(position);
    }
    open();
    EXPECT_EQ(pipeline->processor->counts().correlation_state_dropped, damaged ? 1u : 0u);
    pipeline->submit("{\"a\":1}\n", model::Format::kJson);
    const std::string count = damaged ? "4\t4\n" : "8\t8\n";
    EXPECT_EQ(pipeline->wait_for("SELECT count(), uniqExact(id) FROM events", count), count);
    EXPECT_EQ(pipeline->wait_for("SELECT count(), uniqExact(id) FROM findings", count), count);
  }
}

TEST_F(PipelineTest, CorrelationStateOutlivesARestart) {
  pipeline->submit(process_event("whoami", 1));
  pipeline->submit(process_event("whoami", 2));
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM findings", "2\n"), "2\n");
  pipeline.reset();
  open();
  pipeline->submit(process_event("whoami", 3));
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM findings WHERE rule_title = 'Three whoamis'", "1\n"), "1\n");
}

TEST_F(PipelineTest, EventsOfAnotherDayAreCorrelatedAmongThemselves) {
  pipeline->submit(process_event("whoami", 3'000, "now"));
  // A backlog of the same sender: older than what is live by far; and then another one from its beginning.
  for (const char* host : {"old1", "old2"}) {
    for (int i = 0; i < 3; ++i) pipeline->submit(process_event("whoami", i, host));
  }
  EXPECT_EQ(pipeline->wait_for("SELECT count(), uniqExact(host) FROM findings WHERE rule_title = 'Three whoamis'", "2\t2\n"),
            "2\t2\n");
}

TEST_F(PipelineTest, AClockThatJumpsForwardsAndBackCostsNothing) {
  constexpr std::int64_t kDayNs = 86'400'000'000'000;
  int host = 0;
  for (const std::int64_t ahead : {std::int64_t{0}, kDayNs, std::int64_t{0}, -kDayNs, std::int64_t{0}}) {
    pipeline->clock.ahead_ns = ahead;
    // Events with the sender's own right time, and such without any, whose time is that of their arrival.
    const std::string now = core::format_iso_time(pipeline->clock.system.now());
    for (int i = 0; i < 3; ++i) {
      for (const bool timed : {false, true}) {
        std::string event = process_event("whoami", 0, (timed ? "own" : "none") + std::to_string(host));
        const std::size_t from = event.find("2026-11-24T"), to = event.find('"', from);
        event = timed ? event.replace(from, to - from, now) : "{" + event.substr(to + 2);
        pipeline->submit(event);
      }
    }
    ++host;
    const std::string hosts = std::to_string(2 * host) + "\n";
    EXPECT_EQ(pipeline->wait_for("SELECT uniqExact(host) FROM findings WHERE rule_title = 'Three whoamis'", hosts), hosts);
    if (host == 2) {
      pipeline.reset();
      open();
    }
  }
  EXPECT_EQ(pipeline->ask("SELECT count(), uniqExact(id) FROM events"), "30\t30\n");
  EXPECT_EQ(pipeline->ask("SELECT count(), uniqExact(id) FROM findings WHERE rule_title = 'Whoami'"), "30\t30\n");
  EXPECT_EQ(pipeline->ask("SELECT count() FROM findings WHERE rule_title = 'Three whoamis'"), "10\n");
}

// The sender's clock is right, ours jumps: its three events belong together, whatever ticks and other logs come between.
TEST_F(PipelineTest, AClockThatJumpsSplitsNoGroup) {
  const std::int64_t day_ns = 86'400'000'000'000;
  const core::Timestamp begin = pipeline->clock.system.now();
  const auto event = [&](const std::string& command, int second) {
    std::string out = process_event(command, 0);
    const std::size_t from = out.find("2026-11-24T"), to = out.find('"', from);
    return out.replace(from, to - from, core::format_iso_time({begin.ns + second * 1'000'000'000LL}));
  };
  pipeline->submit(event("whoami", 0));
  for (const std::int64_t ahead : {day_ns, std::int64_t{0}}) {
    pipeline->clock.ahead_ns = ahead;
    for (int i = 0; i < 3; ++i) {
      const std::string events = std::to_string(ahead != 0 ? 2 + i : 6 + i) + "\n";
      pipeline->submit(event("dir", 0));
      EXPECT_EQ(pipeline->wait_for("SELECT count() FROM events", events), events);
    }
    pipeline->submit(event("whoami", ahead != 0 ? 1 : 2));
  }
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM findings WHERE rule_title = 'Three whoamis'", "1\n"), "1\n");
  EXPECT_EQ(pipeline->ask("SELECT length(event_ids) FROM findings WHERE rule_title = 'Three whoamis'"), "3\n");
}

TEST_F(PipelineTest, TheBoundOfFindingsOutlivesReloadAndRestart) {
  constexpr int kOver = 50;
  std::string many;
  for (int i = 0; i < 10'000 + kOver; ++i) many += process_event("whoami", i / 1'000, "h" + std::to_string(i));
  pipeline->submit(many);
  const std::string found = "SELECT count() FROM findings WHERE rule_title = 'Whoami'";
  EXPECT_EQ(pipeline->wait_for(found, "10000\n"), "10000\n");
  for (const bool restart : {false, true}) {
    pipeline->clock.ahead_ns -= 60'000'000'000;  // No time passes that would let more in.
    if (restart) {
      const std::int64_t ahead = pipeline->clock.ahead_ns;
      pipeline.reset();
      open();
      pipeline->clock.ahead_ns = ahead;
    } else {
      ASSERT_TRUE(pipeline->rules->reload().ok());
    }
    pipeline->submit(process_event("whoami", 20, "again") + process_event("dir", 20));
    const std::string events = std::to_string(10'000 + kOver + (restart ? 4 : 2)) + "\n";
    EXPECT_EQ(pipeline->wait_for("SELECT count() FROM events", events), events);
  }
  EXPECT_EQ(pipeline->ask(found), "10000\n");
  EXPECT_EQ(pipeline->ask("SELECT count() FROM events"), "10054\n");
  pipeline->end(std::chrono::milliseconds(2'000));
  pipeline.reset();
  open();
  const Processor::Counts counts = pipeline->processor->counts();
  EXPECT_EQ(counts.suppressed, 52u);
  ASSERT_EQ(counts.folded.size(), 1u);
  EXPECT_EQ(counts.folded[0].rule_title, "Whoami");
  EXPECT_EQ(counts.folded[0].source, model::SourceId{1});
  EXPECT_EQ(counts.folded[0].count, 52u);
}

TEST_F(PipelineTest, StatesOfRulesCount) {
  const std::vector<std::string> whoami{"11111111-1111-4111-8111-111111111111"};
  ASSERT_TRUE(pipeline->rules->set_mode(whoami, ledger::RuleMode::kDraft, "ann").ok());
  pipeline->submit(process_event("whoami", 1));
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM events", "1\n"), "1\n");
  auto status = pipeline->rules->rule(whoami[0], *pipeline->board)->status;
  EXPECT_EQ(status.hits, 1u);
  EXPECT_EQ(status.changed_by, "ann");
  ASSERT_TRUE(pipeline->rules->set_mode(whoami, ledger::RuleMode::kOff, "ann").ok());
  pipeline->submit(process_event("whoami", 2));
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM events", "2\n"), "2\n");
  EXPECT_EQ(pipeline->rules->rule(whoami[0], *pipeline->board)->status.hits, 1u);
  ASSERT_TRUE(pipeline->rules->set_mode(whoami, ledger::RuleMode::kOn, "ann").ok());
  pipeline->submit(process_event("whoami", 3));
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM findings", "1\n"), "1\n");
  EXPECT_FALSE(pipeline->rules->set_mode({"no such rule"}, ledger::RuleMode::kOn, "ann").ok());
}

TEST_F(PipelineTest, RulesShowWhatTheyCost) {
  const std::string id = "11111111-1111-4111-8111-111111111111";
  EXPECT_FALSE(pipeline->rules->rule(id, *pipeline->board)->status.cost_ns.has_value());
  std::string many;
  for (int i = 0; i < 2'600; ++i) many += process_event("whoami " + std::to_string(i), 1);
  pipeline->submit(many);
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM events", "2600\n"), "2600\n");
  ASSERT_TRUE(pipeline->rules->reload().ok());
  pipeline->submit(process_event("dir", 1));
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM events", "2601\n"), "2601\n");
  const api::RuleStatus status = pipeline->rules->rule(id, *pipeline->board)->status;
  EXPECT_EQ(status.cost_samples, 10u);
  EXPECT_GT(status.cost_ns.value_or(-1), 0);
  EXPECT_LT(status.cost_ns.value_or(0), 1e8);
  const auto correlation = pipeline->rules->rule("22222222-2222-4222-8222-222222222222", *pipeline->board);
  EXPECT_FALSE(correlation->status.cost_ns.has_value());
}

TEST_F(PipelineTest, ReloadMissesNoEvent) {
  std::atomic<bool> done{false};
  std::thread reloader([&] {
    while (!done) EXPECT_TRUE(pipeline->rules->reload().ok());
  });
  for (int i = 0; i < 300; ++i) pipeline->submit(process_event("whoami", i % 60, "host" + std::to_string(i)));
  done = true;
  reloader.join();
  EXPECT_EQ(pipeline->wait_for("SELECT count(), uniqExact(id) FROM findings WHERE rule_title = 'Whoami'", "300\t300\n"),
            "300\t300\n");
}

TEST_F(PipelineTest, RulesAreTriedOnWhatIsStored) {
  pipeline->submit(process_event("whoami /priv", 1) + process_event("net user", 2) + process_event("net group", 3));
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM events", "3\n"), "3\n");
  api::RuleTestRequest request;
  request.text =
      "title: Net\nid: 33333333-3333-4333-8333-333333333333\nlogsource: {product: windows, category: process_creation}\n"
      "detection:\n  selection: {CommandLine|startswith: 'net '}\n  condition: selection\n";
  request.from = *core::parse_iso_time("2026-11-24T11:00:00Z");
  request.to = *core::parse_iso_time("2026-11-24T13:00:00Z");
  const auto tried = pipeline->rules->test(request, *pipeline->store);
  ASSERT_TRUE(tried.ok()) << tried.error().text;
  EXPECT_EQ(tried->matches, 2u);
  EXPECT_EQ(tried->events_read, 3u);
  EXPECT_TRUE(tried->complete);
  ASSERT_EQ(tried->hits.size(), 2u);
  EXPECT_NE(tried->hits[0].why.find("startswith"), std::string::npos);
  EXPECT_TRUE(tried->problems.empty());
  request.text = "title: broken\n";
  EXPECT_FALSE(pipeline->rules->test(request, *pipeline->store).ok());
}

TEST_F(PipelineTest, RulesAreWrittenAndRemoved) {
  const auto id =
      pipeline->rules->save("mine",
                            "title: Mine\nid: 44444444-4444-4444-8444-444444444444\nlogsource: {product: windows}\n"
                            "detection:\n  selection: {CommandLine|contains: mimikatz}\n  condition: selection\n");
  ASSERT_TRUE(id.ok()) << id.error().text;
  EXPECT_EQ(pipeline->rules->rule(*id, *pipeline->board)->status.origin, "user");
  EXPECT_FALSE(pipeline->rules->save("../evil", "title: x").ok());
  EXPECT_FALSE(pipeline->rules->save("broken", "title: [").ok());
  ASSERT_TRUE(pipeline->rules->remove(*id).ok());
  EXPECT_FALSE(pipeline->rules->rule(*id, *pipeline->board).has_value());
}

TEST_F(PipelineTest, ASilenceIsFoundOnceWhateverIsRestarted) {
  constexpr std::int64_t kHourNs = 3'600'000'000'000;
  const std::string found = "SELECT count() FROM findings WHERE rule_id = 'tocsin.source-silent'";
  const core::Timestamp begin = pipeline->clock.now();
  std::int64_t ahead = 0;
  // The second time nothing was noted of the finding: as if the program had been killed between the note and it.
  for (const int restart : {0, 1, 2}) {
    if (restart > 0) {
      pipeline.reset();
      open();
    }
    ahead += kHourNs;
    Baseline baseline;
    for (int hour = 0; hour < 200; ++hour) baseline.learn({begin.ns - hour * kHourNs}, 1'000);
    pipeline->board->set_baseline(model::SourceId{1}, baseline.to_text());
    Settings settings(Config{}, *pipeline->ledger, pipeline->clock);
    LiveHub hub;
    JournalIntake intake(*pipeline->journal);
    Housekeeper housekeeper({*pipeline->board, *pipeline->writer, *pipeline->store, *pipeline->ledger, settings, hub, intake,
                             *pipeline->processor, pipeline->clock, folder.path().string(), [] {}});
    ASSERT_TRUE(housekeeper.load().ok());
    pipeline->clock.ahead_ns = ahead;
    housekeeper.round();
    EXPECT_EQ(pipeline->board->status(*pipeline->board->named("test")).state, "silent");
    EXPECT_EQ(pipeline->wait_for(found, "1\n"), "1\n");
    housekeeper.round();
    if (restart == 2) {
      pipeline->board->named("test")->ref.meter->received(1, 10, pipeline->clock.now());
      housekeeper.round();
      EXPECT_EQ(pipeline->board->status(*pipeline->board->named("test")).state, "ok");
      pipeline->clock.ahead_ns = ahead + kHourNs;
      housekeeper.round();
      EXPECT_EQ(pipeline->wait_for(found, "2\n"), "2\n");
    }
  }
}

TEST_F(PipelineTest, ADeliveryWithoutBytesOnlyMovesItsCheckpoint) {
  pipeline->submit("");
  pipeline->submit(process_event("dir", 1));
  EXPECT_EQ(pipeline->wait_for("SELECT count() FROM events", "1\n"), "1\n");
  EXPECT_EQ(pipeline->ask("SELECT count() FROM dead_letters"), "0\n");
}

}  // namespace
}  // namespace tocsin::app

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "store") return tocsin::store::run_store_process(argc, argv);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
