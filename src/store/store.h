// Events and findings, written once and searched: the embedded engine in a child process, behind one interface.
//
// Any thread; each call uses a connection of its own from a bounded pool. The child (`tocsin store`) is started, watched and
// restarted here; a call during a restart waits for at most kRestartWait, then fails with kIo. SQL here is ClickHouse's.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/metrics.h"
#include "core/result.h"
#include "core/time.h"
#include "model/delivery.h"
#include "model/event_row.h"

namespace tocsin::store {

struct StoreOptions {
  std::string folder;          // Made where absent.
  std::string engine_library;  // Path of libchdb.so; empty: looked for in the usual places (docs/store.md).
  std::string program;         // The tocsin binary to start as `tocsin store`; empty: /proc/self/exe.
  std::uint64_t engine_memory_bytes = 600u << 20;
  unsigned readers = 4;
};

// A finding as a row. Texts are copied by FindingBlock.
struct FindingRow {
  std::string id;  // Deterministic: of the rule and the events, so that a replay gives the same.
  std::vector<model::EventId> event_ids;
  std::uint64_t sequence = 0;  // Of the delivery that completed it.
  core::Timestamp event_time, received_at, detected_at;
  std::string_view tenant, site, source, rule_id, rule_title, level, host, user;
  std::vector<std::string> tactics, techniques;
  std::string_view reason;   // One sentence.
  std::string_view finding;  // The OCSF Detection Finding, JSON.
  std::uint8_t severity_id = 0;
};
struct DeadLetterRow {
  std::uint64_t sequence = 0, offset = 0;
  core::Timestamp received_at;
  std::string_view tenant, source, peer, cause, detail, bytes;
};

// Rows in the making, column by column. One thread. Move only.
class Block {
 public:
  Block();
  ~Block();
  Block(Block&&) noexcept;
  Block& operator=(Block&&) noexcept;
  void add(const model::EventRow& row);
  void add(const FindingRow& row);
  void add(const DeadLetterRow& row);
  [[nodiscard]] std::size_t event_count() const;
  [[nodiscard]] std::size_t finding_count() const;
  [[nodiscard]] std::size_t bytes() const;
  void clear();  // Keeps memory.
  struct Impl;
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

struct QueryLimits {
  std::chrono::milliseconds time{30'000};
  std::uint64_t memory_bytes = 400u << 20;
  std::uint64_t result_rows = 10'000;
  std::uint64_t read_rows = 0;  // 0: no limit.
  // Not empty: only rows of these tenants exist for the statement, and it may name no other database (docs/store.md).
  std::vector<std::string> tenants;
};
struct QueryResult {
  std::string body;  // In the format asked for.
  std::uint64_t rows = 0, rows_read = 0, bytes_read = 0;
  std::chrono::microseconds elapsed{0};
};
// Set from any thread to end a query; the call then fails with kDenied "cancelled".
class CancelToken;
std::shared_ptr<CancelToken> make_cancel_token();
void cancel(CancelToken& token);

struct StoreHealth {
  bool ready = false;
  std::string problem;  // Empty: well.
  std::uint64_t events = 0, findings = 0, bytes_on_disk = 0, restarts = 0;
};

class Store {
 public:
  // Starts the child, migrates the schema. Fails, with the command that installs it, where the engine's library is absent.
  static core::Result<std::unique_ptr<Store>> open(StoreOptions options, core::Metrics& metrics);
  virtual ~Store() = default;  // Ends the child well, within 0.5 s; else kills it, which loses nothing.

  // Writes all rows of the block, each exactly once: where the outcome of an insert is unknown (the child died) it asks
  // which ids are there and inserts the others. Retries within `patience`; an error means: nothing is known, call again with
  // the same block.
  virtual core::Result<void> insert(const Block& block, std::chrono::seconds patience) = 0;
  // Ids of stored events and findings whose sequence is above `sequence`: what a replay from there must leave out.
  struct Known {
    std::vector<model::EventId> events;                                 // Sorted.
    std::vector<std::string> findings;                                  // Sorted.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> dead_letters;  // sequence, offset; sorted.
  };
  virtual core::Result<Known> known_after(std::uint64_t sequence) = 0;

  // Read-only SQL, one statement. `format`: ClickHouse's name ("JSONCompact", "CSVWithNames", "Parquet" ...).
  virtual core::Result<QueryResult> query(std::string_view sql, std::string_view format, const QueryLimits& limits,
                                          std::shared_ptr<CancelToken> cancel = nullptr) = 0;
  // The same in pieces, for exports; `take` answers false to stop. The answer has no body, and its numbers are 0 where
  // `take` stopped it.
  virtual core::Result<QueryResult> query_stream(std::string_view sql, std::string_view format, const QueryLimits& limits,
                                                 const std::function<bool(std::string_view)>& take,
                                                 std::shared_ptr<CancelToken> cancel = nullptr) = 0;

  // Retention. Days are UTC, "2026-11-24". Drops whole partitions, oldest first.
  struct Retention {
    unsigned max_age_days = 0;    // 0: no limit.
    std::uint64_t max_bytes = 0;  // 0: no limit.
  };
  struct Dropped {
    std::string table, partition;
    std::uint64_t rows = 0, bytes = 0;
    std::string reason;
  };
  virtual core::Result<std::vector<Dropped>> apply_retention(const Retention& retention, core::Timestamp now) = 0;
  // A consistent copy under `folder` (which must not exist), while running.
  virtual core::Result<void> backup(const std::string& folder) = 0;
  [[nodiscard]] virtual StoreHealth health() const = 0;
};

// Brings a backup of Store::backup into the store at options.folder, and migrates it. kDenied where that store has rows.
core::Result<void> restore_store(StoreOptions options, const std::string& backup_folder, core::Metrics& metrics);
unsigned schema_version();  // That this program writes; it reads all earlier ones.

// The child's main(), for a program started as `<program> store ...` (the first argument). Does not return to run exit
// handlers: see process.cc.
int run_store_process(int argc, char** argv);

}  // namespace tocsin::store
