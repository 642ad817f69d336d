// Each row once.
//
// An insert is atomic for each partition. Its token is a hash of the rows' keys, so that the same rows sent twice are kept
// once while the engine remembers the token (the last 1,000 parts of a table). Where an insert ends without a clear yes, the
// next try first asks which of its keys are there and sends the others. That is right only if nothing of the earlier try can
// still arrive: an insert that takes too long therefore ends with the child's life, and its outcome is then settled.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <unordered_set>

#include "store/embedded_store.h"

namespace tocsin::store {
namespace {

using core::Error;
using core::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kHangs = std::chrono::seconds(120);  // No insert of a block takes this long.
constexpr auto kFirstPause = milliseconds(20);
constexpr auto kLongestPause = milliseconds(1'000);
constexpr std::size_t kMaxSuspects = 1'024;

core::Result<Fd> memory_file(std::string_view bytes) {
  Fd file(::memfd_create("tocsin-rows", MFD_CLOEXEC));
  if (!file.valid()) return Error{ErrorCode::kIo, std::string("store: no memory file: ") + ::strerror(errno)};
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Error{ErrorCode::kIo, std::string("store: memory file: ") + ::strerror(errno)};
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return file;
}

// Worth another try: the engine is short of something that may come back.
bool passes(const ExchangeFailure& failure) {
  return failure.unanswered || failure.engine_code == 0 || failure.engine_code == 241 || failure.engine_code == 242 ||
         failure.engine_code == 243 || failure.engine_code == 252 || failure.engine_code == 394;
}

}  // namespace

core::Result<void> EmbeddedStore::insert(const Block& block, std::chrono::seconds patience) {
  const auto until = steady_clock::now() + patience;
  for (const TableRows& table : block.impl().tables) {
    if (table.rows > 0) TOCSIN_TRY(insert_table(table, until));
  }
  return {};
}

core::Result<void> EmbeddedStore::insert_table(const TableRows& table, steady_clock::time_point until) {
  const std::string fingerprint = table.fingerprint({});
  bool ask = false;
  {
    const core::Lock lock(mutex_);
    ask = all_suspect_ || suspects_.contains(fingerprint);
  }
  std::vector<bool> keep;
  for (auto pause = kFirstPause;; pause = std::min<milliseconds>(pause * 2, kLongestPause)) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
    ExchangeResult result;
    if (ask) {
      auto missed = missing(table);
      result.failed = !missed.ok();
      if (missed.ok())
        keep = std::move(*missed);
      else
        result.failure = {missed.error(), 0, true};
    }
    const bool none_left = !keep.empty() && std::find(keep.begin(), keep.end(), true) == keep.end();
    if (!result.failed && !none_left) result = insert_once(table, keep, std::max(left, milliseconds(0)));
    note_outcome(fingerprint, !result.failed);
    if (!result.failed) {
      inserted_.add(table.rows);
      return {};
    }
    ask = true;
    if (!passes(result.failure) || steady_clock::now() + pause >= until) return result.failure.error;
    std::this_thread::sleep_for(pause);
  }
}

void EmbeddedStore::note_outcome(const std::string& fingerprint, bool well) {
  if (!well) insert_failures_.add();
  const core::Lock lock(mutex_);
  if (well) {
    suspects_.erase(fingerprint);
  } else if (suspects_.size() < kMaxSuspects) {
    suspects_.insert(fingerprint);
  } else {
    all_suspect_ = true;
  }
}

ExchangeResult EmbeddedStore::insert_once(const TableRows& table, const std::vector<bool>& keep, milliseconds connect_wait) {
  std::string rows;
  rows.reserve(table.bytes() + 4096);
  table.encode(keep, rows);
  auto file = memory_file(rows);
  if (!file.ok()) {
    ExchangeResult failed;
    failed.failed = true;
    failed.failure = {file.error(), 0, true};
    return failed;
  }
  Exchange what;
  what.request.kind = RequestKind::kInsert;
  what.request.sql = "INSERT INTO tocsin." + std::string(table_definition(table.id).name) + " (";
  for (const Column& column : table.columns) {
    if (what.request.sql.back() != '(') what.request.sql += ", ";
    what.request.sql += "`" + std::string(column.definition().name) + "`";
  }
  what.request.sql += ")";
  what.request.settings = {"insert_deduplication_token='" + table.fingerprint(keep) + "'", "max_execution_time=0"};
  what.input = file->get();
  what.time = kHangs;
  what.connect_wait = connect_wait;
  ExchangeResult result = exchange(child_, what);
  if (result.failed && result.failure.unanswered && result.failure.error.code == ErrorCode::kLimit) child_.kill();
  return result;
}

// Of each row, whether it is not in the table.
core::Result<std::vector<bool>> EmbeddedStore::missing(const TableRows& table) {
  const std::string low = std::to_string(table.lowest), high = std::to_string(table.highest);
  const std::string column = table.id == TableId::kEvents ? "id" : "sequence";
  std::vector<std::string> there;
  TOCSIN_TRY(collect_keys(table_definition(table.id).name, column + " BETWEEN " + low + " AND " + high, &there));
  const std::unordered_set<std::string> set(there.begin(), there.end());
  std::vector<bool> keep(table.rows);
  for (std::size_t i = 0; i < table.rows; ++i) keep[i] = !set.contains(table.keys[i]);
  return keep;
}

core::Result<void> EmbeddedStore::collect_keys(std::string_view table, const std::string& where,
                                               std::vector<std::string>* keys) {
  const bool findings = table == "findings", letters = table == "dead_letters";
  const std::string body = TOCSIN_TRY(known("SELECT " + std::string(letters ? "sequence, offset" : "id") + " FROM tocsin." +
                                            std::string(table) + " WHERE " + where));
  BinaryReader reader{body};
  while (!reader.bytes.empty()) {
    std::string key;
    std::uint64_t first = 0, second = 0;
    const bool whole = findings ? reader.text(&key) : reader.number(&first) && (!letters || reader.number(&second));
    if (!whole) return Error{ErrorCode::kIo, "store: the engine's answer is cut"};
    keys->push_back(findings ? key : letters ? dead_letter_key(first, second) : event_key(first));
  }
  return {};
}

// Our own question, answered in RowBinary; bounded by memory only: ids of a replay.
core::Result<std::string> EmbeddedStore::known(std::string_view sql) {
  std::string body;
  QueryLimits limits;
  limits.time = std::chrono::minutes(5);
  limits.result_rows = 0;
  TOCSIN_TRY(read_now(sql, "RowBinary", limits, nullptr, [&](std::string_view piece) {
    body += piece;
    return true;
  }));
  return body;
}

core::Result<Store::Known> EmbeddedStore::known_after(std::uint64_t sequence) {
  Known out;
  if (sequence < (~std::uint64_t{0} >> model::kEventIndexBits)) {
    std::vector<std::string> keys;
    TOCSIN_TRY(collect_keys("events", "id >= " + std::to_string(model::make_event_id(sequence + 1, 0)), &keys));
    for (const std::string& key : keys) {
      std::uint64_t id = 0;
      BinaryReader{key}.number(&id);
      out.events.push_back(id);
    }
  }
  const std::string above = "sequence > " + std::to_string(sequence);
  TOCSIN_TRY(collect_keys("findings", above, &out.findings));
  std::vector<std::string> letters;
  TOCSIN_TRY(collect_keys("dead_letters", above, &letters));
  for (const std::string& key : letters) {
    BinaryReader reader{key};
    std::pair<std::uint64_t, std::uint64_t> letter;
    reader.number(&letter.first);
    reader.number(&letter.second);
    out.dead_letters.push_back(letter);
  }
  std::sort(out.events.begin(), out.events.end());
  std::sort(out.findings.begin(), out.findings.end());
  std::sort(out.dead_letters.begin(), out.dead_letters.end());
  return out;
}

}  // namespace tocsin::store
