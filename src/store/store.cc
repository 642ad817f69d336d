#include "store/store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "store/embedded_store.h"
#include "store/schema.h"
#include "store/sql_guard.h"

namespace tocsin::store {
namespace {

using core::Error;
using core::ErrorCode;

constexpr std::size_t kMaxAnswerBytes = 64u << 20;  // Larger answers are for query_stream.
constexpr auto kGrace = std::chrono::seconds(5);    // Beyond the engine's own limit of time.

bool is_file(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

core::Result<std::string> find_library(const std::string& asked) {
  std::vector<std::string> places;
  if (!asked.empty()) {
    places = {asked};
  } else {
    if (const char* folder = std::getenv("TOCSIN_ENGINE_FOLDER")) places.push_back(std::string(folder) + "/libchdb.so");
    for (const char* place : {"var/engine/libchdb.so", "/var/lib/tocsin/engine/libchdb.so", "/usr/lib/tocsin/libchdb.so"}) {
      places.emplace_back(place);
    }
  }
  std::string looked;
  for (const std::string& place : places) {
    std::error_code error;
    if (is_file(place)) return std::filesystem::absolute(place, error).string();
    looked += (looked.empty() ? "" : ", ") + place;
  }
  return Error{ErrorCode::kNotFound,
               "store: the engine's library is not there (looked for " + looked +
                   "); install it with: tools/install_engine.sh, or tocsin-install-engine of the package"};
}

std::vector<std::string> limit_settings(const QueryLimits& limits) {
  const double seconds = std::chrono::duration<double>(std::max(limits.time, std::chrono::milliseconds(1))).count();
  std::vector<std::string> settings{
      "max_execution_time=" + std::to_string(seconds), "timeout_before_checking_execution_speed=0",
      "max_memory_usage=" + std::to_string(limits.memory_bytes), "max_result_rows=" + std::to_string(limits.result_rows),
      "result_overflow_mode='throw'", "max_rows_to_read=" + std::to_string(limits.read_rows), "read_overflow_mode='throw'",
      // There are none; looking for them in every part costs 10 ms and more a query.
      "use_statistics=0"};
  if (!limits.tenants.empty()) settings.push_back(tenant_setting(limits.tenants));
  return settings;
}
core::Result<std::string> checked_sql(std::string_view sql, const QueryLimits& limits) {
  return limits.tenants.empty() ? check_read_sql(sql) : check_tenant_sql(sql);
}
QueryResult result_of(const EndFrame& end) {
  QueryResult out;
  out.rows = end.rows;
  out.rows_read = end.rows_read;
  out.bytes_read = end.bytes_read;
  out.elapsed = std::chrono::microseconds(end.elapsed_us);
  return out;
}

}  // namespace

bool BinaryReader::number(std::uint64_t* value) {
  if (bytes.size() < sizeof *value) return false;
  std::memcpy(value, bytes.data(), sizeof *value);
  bytes.remove_prefix(sizeof *value);
  return true;
}
bool BinaryReader::text(std::string* value) {
  std::uint64_t size = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (bytes.empty()) return false;
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    size |= std::uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) {
      if (bytes.size() < size) return false;
      *value = bytes.substr(0, size);
      bytes.remove_prefix(size);
      return true;
    }
  }
  return false;
}

class EmbeddedStore::Place {
 public:
  Place(EmbeddedStore& store, std::chrono::milliseconds time) : store_(store) {
    const auto until = std::chrono::steady_clock::now() + time;
    core::Lock lock(store_.mutex_);
    while (store_.readers_ >= std::max(store_.options_.readers, 1u)) {
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= std::chrono::steady_clock::duration::zero()) return;
      lock.wait_for(store_.place_free_, left);
    }
    ++store_.readers_;
    got_ = true;
  }
  ~Place() {
    if (!got_) return;
    const core::Lock lock(store_.mutex_);
    --store_.readers_;
    store_.place_free_.notify_one();
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  [[nodiscard]] bool got() const { return got_; }

 private:
  EmbeddedStore& store_;
  bool got_ = false;
};

namespace {
core::Result<std::unique_ptr<EmbeddedStore>> open_embedded(StoreOptions options, core::Metrics& metrics) {
  if (std::getenv(kProcessMark) != nullptr) {
    return Error{ErrorCode::kUnsupported,
                 "store: this process was started to be a store's own process, and is none: a program "
                 "that opens a store must call run_store_process for the argument 'store'"};
  }
  options.engine_library = TOCSIN_TRY(find_library(options.engine_library));
  if (options.program.empty()) {
    std::error_code error;
    options.program = std::filesystem::read_symlink("/proc/self/exe", error).string();
    if (error) return Error{ErrorCode::kIo, "store: cannot tell which program this is: " + error.message()};
  }
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  if (error) return Error{ErrorCode::kIo, "store: cannot make " + options.folder + ": " + error.message()};
  options.folder = std::filesystem::canonical(options.folder, error).string();
  if (error || ::chmod(options.folder.c_str(), 0700) != 0) {
    return Error{ErrorCode::kDenied, "store: cannot make " + options.folder + " private: " + ::strerror(errno)};
  }
  auto store = std::make_unique<EmbeddedStore>(std::move(options), metrics);
  TOCSIN_TRY(store->start());
  return store;
}
}  // namespace

core::Result<std::unique_ptr<Store>> Store::open(StoreOptions options, core::Metrics& metrics) {
  return std::unique_ptr<Store>(TOCSIN_TRY(open_embedded(std::move(options), metrics)));
}

core::Result<void> restore_store(StoreOptions options, const std::string& backup_folder, core::Metrics& metrics) {
  const std::unique_ptr<EmbeddedStore> store = TOCSIN_TRY(open_embedded(std::move(options), metrics));
  return store->restore(backup_folder);
}

unsigned schema_version() { return kSchemaVersion; }

EmbeddedStore::EmbeddedStore(StoreOptions options, core::Metrics& metrics)
    : options_(std::move(options)),
      child_(options_, metrics),
      inserted_(metrics.counter("tocsin_store_rows_total", "Rows written to the store, of all tables.")),
      insert_failures_(
          metrics.counter("tocsin_store_insert_failures_total", "Tries to insert that failed; each is repeated.")),
      queries_(metrics.counter("tocsin_store_queries_total", "Queries asked of the store.")),
      query_failures_(metrics.counter("tocsin_store_query_failures_total", "Queries that ended with an error.")) {}

core::Result<void> EmbeddedStore::start() {
  TOCSIN_TRY(child_.start());
  return migrate();
}

core::Result<void> EmbeddedStore::restore(const std::string& folder) {
  std::error_code error;
  const std::string path = std::filesystem::absolute(folder, error).lexically_normal().string();
  if (error || !std::filesystem::is_directory(path, error)) {
    return Error{ErrorCode::kNotFound, "store: there is no backup in " + folder};
  }
  const std::string rows =
      TOCSIN_TRY(command("SELECT (SELECT count() FROM tocsin.events) + (SELECT count() FROM tocsin.findings) + "
                         "(SELECT count() FROM tocsin.dead_letters)"));
  if (rows != "0\n")
    return Error{ErrorCode::kDenied, "store: " + options_.folder + " has rows; a backup goes into an empty one"};
  TOCSIN_TRY(command("DROP DATABASE tocsin SYNC"));
  TOCSIN_TRY(command("RESTORE DATABASE tocsin FROM File(" + sql_quoted(path) + ")", "TabSeparated", std::chrono::hours(6)));
  return migrate();
}

core::Result<void> EmbeddedStore::migrate() {
  for (const std::string& sql : schema_base()) TOCSIN_TRY(command(sql));
  const std::string answer = TOCSIN_TRY(command("SELECT max(version) FROM tocsin.schema_version"));
  unsigned version = 0;
  std::from_chars(answer.data(), answer.data() + answer.size(), version);
  if (version > kSchemaVersion) {
    return Error{ErrorCode::kUnsupported,
                 "store: " + options_.folder + " was written by a later version of Tocsin (schema " +
                     std::to_string(version) + ", this one knows " + std::to_string(kSchemaVersion) + ")"};
  }
  while (version < kSchemaVersion) {
    ++version;
    for (const std::string& sql : schema_migration(version)) TOCSIN_TRY(command(sql));
    TOCSIN_TRY(command("INSERT INTO tocsin.schema_version (version) SELECT " + std::to_string(version)));
  }
  return {};
}

core::Result<std::string> EmbeddedStore::command(const std::string& sql, std::string_view format,
                                                 std::chrono::milliseconds time) const {
  std::string body;
  Exchange what;
  what.request.sql = sql;
  what.request.format = format;
  what.time = time;
  what.take = [&](std::string_view piece) {
    body += piece;
    return true;
  };
  const ExchangeResult result = exchange(child_, what);
  if (result.failed) return result.failure.error;
  return body;
}

core::Result<EndFrame> EmbeddedStore::read(std::string_view sql, std::string_view format, const QueryLimits& limits,
                                           const CancelToken* cancel, const std::function<bool(std::string_view)>& take) {
  queries_.add();
  const Place place(*this, limits.time);
  auto result =
      place.got()
          ? read_now(sql, format, limits, cancel, take)
          : core::Result<EndFrame>(Error{ErrorCode::kLimit, "store: all its readers were busy for the time allowed"});
  if (!result.ok()) query_failures_.add();
  return result;
}

core::Result<EndFrame> EmbeddedStore::read_now(std::string_view sql, std::string_view format, const QueryLimits& limits,
                                               const CancelToken* cancel,
                                               const std::function<bool(std::string_view)>& take) {
  Exchange what;
  what.request.kind = RequestKind::kRead;
  what.request.sql = sql;
  what.request.format = format;
  what.request.settings = limit_settings(limits);
  what.time = limits.time + kGrace;
  what.cancel = cancel;
  what.take = take;
  const ExchangeResult result = exchange(child_, what);
  if (!result.failed) return result.end;
  return result.failure.error;
}

core::Result<QueryResult> EmbeddedStore::query(std::string_view sql, std::string_view format, const QueryLimits& limits,
                                               std::shared_ptr<CancelToken> cancel) {
  std::string body;
  bool too_long = false;
  if (!is_format_name(format)) return Error{ErrorCode::kInvalid, "store: that is no name of a format"};
  const std::string checked = TOCSIN_TRY(checked_sql(sql, limits));
  const EndFrame end = TOCSIN_TRY(read(checked, format, limits, cancel.get(), [&](std::string_view piece) {
    too_long = body.size() + piece.size() > kMaxAnswerBytes;
    if (!too_long) body += piece;
    return !too_long;
  }));
  if (too_long) return Error{ErrorCode::kLimit, "store: the answer is longer than 64 MB; ask for fewer rows or export it"};
  QueryResult out = result_of(end);
  out.body = std::move(body);
  return out;
}

core::Result<QueryResult> EmbeddedStore::query_stream(std::string_view sql, std::string_view format,
                                                      const QueryLimits& limits,
                                                      const std::function<bool(std::string_view)>& take,
                                                      std::shared_ptr<CancelToken> cancel) {
  if (!is_format_name(format)) return Error{ErrorCode::kInvalid, "store: that is no name of a format"};
  const std::string checked = TOCSIN_TRY(checked_sql(sql, limits));
  return result_of(TOCSIN_TRY(read(checked, format, limits, cancel.get(), take)));
}

}  // namespace tocsin::store
