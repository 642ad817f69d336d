// Backups: a folder with all that Tocsin knows, and how to begin anew from it.
//
//   <backup>/backup.txt   what made it, when, the versions of ledger and store, the first sequence to give out afterwards
//   <backup>/ledger.sqlite  <backup>/store/...  <backup>/keys/...  <backup>/rules/...  <backup>/evidence/...
//   <backup>/tocsin.yaml
//   <backup>/SHA256SUMS   of all these; written last: without it a backup is not complete. `sha256sum -c SHA256SUMS` checks
//   it
//
// It is made while the program runs. It holds what is in the store when that is copied; what the journal holds beyond is
// not part of it. The journal is not copied: a restored one is empty and goes on above every stored id (first_sequence_of).
// Keys are in it, readable for their owner only: keep it as safe as the data folder. Blocking; any thread, one at a time.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/metrics.h"
#include "core/result.h"
#include "core/time.h"
#include "ledger/ledger.h"
#include "store/store.h"
#include "stream/journal.h"

namespace tocsin::app {

// Where things lie in the data folder.
struct DataPaths {
  std::string folder, journal, store, ledger, keys, rules, evidence;
};
DataPaths data_paths(const std::string& folder);

struct BackupInput {
  DataPaths paths;
  std::string config_path;  // Copied too, for people; a restore does not put it anywhere. Empty: none.
  std::string version;      // Of the program.
  core::Timestamp now;
};
struct BackupSummary {
  std::string version;
  core::Timestamp made_at;
  std::uint64_t first_sequence = 1, files = 0, bytes = 0;
};
// `folder` must not exist; after an error it does not.
core::Result<BackupSummary> make_backup(const BackupInput& input, ledger::Ledger& ledger, store::Store& store,
                                        const stream::Journal& journal, const std::string& folder);

// Reads all of it. kInvalid names the first file that is damaged, missing or not part of it; kUnsupported: made by a later
// version.
core::Result<BackupSummary> check_backup(const std::string& folder);

// Into the data folder `paths.folder`, which must be absent or empty but for `engine` (kDenied). Checks the backup first.
// After an error the data folder is empty; after a crash first_sequence_of says that it is not whole. `store`: its folder is
// set here.
core::Result<BackupSummary> restore_backup(const std::string& folder, const DataPaths& paths, store::StoreOptions store,
                                           core::Metrics& metrics);

// The highest sequence in the store's ids; 0: it is empty.
core::Result<std::uint64_t> last_stored_sequence(store::Store& store);

// For JournalOptions: 1 where nothing was ever restored here. kInvalid: a restore did not come to its end.
core::Result<std::uint64_t> first_sequence_of(const DataPaths& paths);

// `tocsin backup <folder>` and `tocsin restore <folder>`: 0, or 1 with the reason on standard error. For a program that
// does not run; a running one makes backups through its API.
int run_backup_command(const std::vector<std::string>& arguments);
int run_restore_command(const std::vector<std::string>& arguments);

}  // namespace tocsin::app
