// Store over the child: what open() makes. Split over store.cc (life, queries), insert.cc and upkeep.cc.
#pragma once
#include <atomic>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/mutex.h"
#include "store/block.h"
#include "store/child.h"
#include "store/client.h"
#include "store/store.h"

namespace tocsin::store {

// Takes the values of a RowBinary answer from its front; false where it is cut.
struct BinaryReader {
  std::string_view bytes;
  bool number(std::uint64_t* value);
  bool text(std::string* value);
};

class EmbeddedStore final : public Store {
 public:
  EmbeddedStore(StoreOptions options, core::Metrics& metrics);
  core::Result<void> start();
  core::Result<void> restore(const std::string& folder);  // REQUIRES: started.

  core::Result<void> insert(const Block& block, std::chrono::seconds patience) override;
  core::Result<Known> known_after(std::uint64_t sequence) override;
  core::Result<QueryResult> query(std::string_view sql, std::string_view format, const QueryLimits& limits,
                                  std::shared_ptr<CancelToken> cancel) override;
  core::Result<QueryResult> query_stream(std::string_view sql, std::string_view format, const QueryLimits& limits,
                                         const std::function<bool(std::string_view)>& take,
                                         std::shared_ptr<CancelToken> cancel) override;
  core::Result<std::vector<Dropped>> apply_retention(const Retention& retention, core::Timestamp now) override;
  core::Result<void> backup(const std::string& folder) override;
  [[nodiscard]] StoreHealth health() const override;

 private:
  // As the owner, for our own statements: no limits but time.
  core::Result<std::string> command(const std::string& sql, std::string_view format = "TabSeparated",
                                    std::chrono::milliseconds time = std::chrono::minutes(10)) const;
  core::Result<EndFrame> read(std::string_view sql, std::string_view format, const QueryLimits& limits,
                              const CancelToken* cancel, const std::function<bool(std::string_view)>& take);
  // The same for our own questions, which need not wait for a reader's place.
  core::Result<EndFrame> read_now(std::string_view sql, std::string_view format, const QueryLimits& limits,
                                  const CancelToken* cancel, const std::function<bool(std::string_view)>& take);
  core::Result<void> migrate();
  core::Result<void> insert_table(const TableRows& table, std::chrono::steady_clock::time_point until);
  ExchangeResult insert_once(const TableRows& table, const std::vector<bool>& keep, std::chrono::milliseconds connect_wait);
  void note_outcome(const std::string& fingerprint, bool well);
  core::Result<std::vector<bool>> missing(const TableRows& table);
  core::Result<std::string> known(std::string_view sql);
  core::Result<void> collect_keys(std::string_view table, const std::string& where, std::vector<std::string>* keys);

  // A reader's place; waits for one, at most the time of the query.
  class Place;

  const StoreOptions options_;
  mutable Child child_;
  core::Counter &inserted_, &insert_failures_, &queries_, &query_failures_;
  mutable core::Mutex mutex_;
  std::condition_variable place_free_;
  unsigned readers_ GUARDED_BY(mutex_) = 0;
  // Fingerprints of blocks whose insert ended with an error: the next try asks first. Bounded by kMaxSuspects; beyond, all
  // ask.
  std::set<std::string> suspects_ GUARDED_BY(mutex_);
  bool all_suspect_ GUARDED_BY(mutex_) = false;
};

}  // namespace tocsin::store
