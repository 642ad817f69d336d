#include "ledger/ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ledger/connection.h"
#include "ledger/schema.h"

namespace tocsin::ledger {
namespace {

constexpr int kSqliteConstraint = 19;
// How long a statement waits for another process that holds the file (a backup, an administrator's sqlite3).
constexpr const char* kBusySeconds = "5";

// SQLite makes its other files (-wal, -shm) with the mode of the first one.
core::Result<void> make_private_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return core::Error{core::ErrorCode::kIo, "ledger: cannot open " + path + ": " + std::strerror(errno)};
  ::close(file);
  return {};
}

core::Result<void> migrate(Connection& connection) {
  const auto all = migrations();
  auto version = static_cast<std::size_t>(count(connection, "pragma user_version"));
  if (version > all.size()) {
    return core::Error{core::ErrorCode::kUnsupported, "ledger: the database has version " + std::to_string(version) +
                                                          ", this program knows up to " + std::to_string(all.size())};
  }
  for (; version < all.size(); ++version) {
    connection.sql.once << "begin immediate";
    try {
      for (const char* statement : all[version].statements) connection.sql.once << statement;
      connection.sql.once << "pragma user_version = " + std::to_string(version + 1);
      connection.sql.once << "commit";
    } catch (...) {
      connection.sql.once << "rollback";
      throw;
    }
  }
  return {};
}

void roll_back(Connection& connection) {
  try {
    connection.sql.once << "rollback";
  } catch (const std::exception&) {
    // SQLite has rolled back by itself, as it does where the disk is full.
  }
}

}  // namespace

core::Error current_error() {
  try {
    throw;
  } catch (const soci::sqlite3_soci_error& error) {
    const bool constraint = error.result() == kSqliteConstraint || std::strstr(error.what(), "constraint failed") != nullptr;
    return {constraint ? core::ErrorCode::kInvalid : core::ErrorCode::kIo, std::string("ledger: ") + error.what()};
  } catch (const std::exception& error) {
    const bool constraint = std::strstr(error.what(), "constraint failed") != nullptr;
    return {constraint ? core::ErrorCode::kInvalid : core::ErrorCode::kIo, std::string("ledger: ") + error.what()};
  }
}

Ledger::Ledger() = default;
Ledger::~Ledger() = default;

int Ledger::schema_version() { return static_cast<int>(migrations().size()); }

core::Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& path) {
  if (path.empty() || path.find_first_of(std::string_view("\"\0", 2)) != std::string::npos) {
    return core::Error{core::ErrorCode::kInvalid, "ledger: the path is empty or has a quote in it"};
  }
  if (auto made = make_private_file(path); !made.ok()) return made.error();
  std::unique_ptr<Ledger> ledger(new Ledger);
  auto opened = guarded([&]() -> core::Result<void> {
    const core::Lock lock(ledger->mutex_);
    ledger->connection_ = std::make_unique<Connection>();
    Connection& connection = *ledger->connection_;
    connection.sql.open(soci::sqlite3, "db=\"" + path + "\" timeout=" + kBusySeconds);
    connection.sql.once << "pragma journal_mode = wal";
    connection.sql.once << "pragma synchronous = full";
    connection.sql.once << "pragma foreign_keys = on";
    // Removed hashes are overwritten, not just unlinked.
    connection.sql.once << "pragma secure_delete = on";
    return migrate(connection);
  });
  if (!opened.ok()) return opened.error();
  return ledger;
}

core::Result<void> Ledger::run(const std::function<core::Result<void>(Tables&)>& work, bool commit) {
  const core::Lock lock(mutex_);
  return guarded([&]() NO_THREAD_CHECK -> core::Result<void> {
    connection_->sql.once << (commit ? "begin immediate" : "begin");
    try {
      Tables tables(*connection_);
      auto done = work(tables);
      if (!done.ok() || !commit) {
        roll_back(*connection_);
        return done;
      }
      connection_->sql.once << "commit";
      return {};
    } catch (...) {
      roll_back(*connection_);
      throw;
    }
  });
}

core::Result<void> Ledger::write(const std::function<core::Result<void>(Tables&)>& work) { return run(work, true); }
core::Result<void> Ledger::read(const std::function<core::Result<void>(Tables&)>& work) { return run(work, false); }

core::Result<void> Ledger::backup(const std::string& path) {
  // The target is made first, empty and private: VACUUM INTO accepts an empty file.
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return core::Error{core::ErrorCode::kIo, "ledger: cannot make " + path + ": " + std::strerror(errno)};
  ::close(file);
  const core::Lock lock(mutex_);
  return guarded([&]() NO_THREAD_CHECK -> core::Result<void> {
    change(*connection_, "vacuum into :path", path);
    return {};
  });
}

}  // namespace tocsin::ledger
