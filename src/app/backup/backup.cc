#include "app/backup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <map>
#include <string_view>

#include "app/backup/files.h"

namespace tocsin::app {
namespace {

namespace fs = std::filesystem;
using backup::io_error;
using core::Error;
using core::ErrorCode;

constexpr std::string_view kSums = "SHA256SUMS", kAbout = "backup.txt", kLedger = "ledger.sqlite",
                           kHeading = "tocsin-backup 1";
constexpr std::size_t kMaxAboutBytes = 4'096;
constexpr std::size_t kHexBytes = 64;

std::string in(const std::string& folder, std::string_view name) { return folder + "/" + std::string(name); }

// Of the files next to what it holds: one tells that a restore is under way, one where sequences begin.
std::string unfinished_path(const DataPaths& paths) { return in(paths.folder, "restore-unfinished"); }
std::string first_sequence_path(const DataPaths& paths) { return in(paths.folder, "first-sequence"); }

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

template <class Number>
bool read_number(std::string_view text, Number& out) {
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && at == text.data() + text.size() && !text.empty();
}

struct About {
  BackupSummary summary;
  int ledger_schema = 0;
  unsigned store_schema = 0;
};

std::string to_text(const About& about) {
  return std::string(kHeading) + "\nversion " + about.summary.version + "\nmade " +
         core::format_iso_time(about.summary.made_at) + "\nfirst_sequence " + std::to_string(about.summary.first_sequence) +
         "\nledger_schema " + std::to_string(about.ledger_schema) + "\nstore_schema " + std::to_string(about.store_schema) +
         "\n";
}

core::Result<About> read_about(const std::string& folder) {
  const std::string path = in(folder, kAbout);
  const core::Result<std::string> text = backup::read_text(path, kMaxAboutBytes);
  if (!text.ok()) return Error{ErrorCode::kInvalid, folder + " is no backup: " + text.error().text};
  std::map<std::string, std::string, std::less<>> values;
  std::string heading;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (heading.empty()) heading = line;
    const std::size_t space = line.find(' ');
    if (space != std::string_view::npos) values.emplace(line.substr(0, space), line.substr(space + 1));
  }
  if (heading.starts_with("tocsin-backup ") && heading != kHeading) {
    return Error{ErrorCode::kUnsupported, path + ": made by a later version of Tocsin ('" + heading + "', this one reads '" +
                                              std::string(kHeading) + "')"};
  }
  About about;
  about.summary.version = values["version"];
  about.summary.made_at = core::parse_iso_time(values["made"]).value_or(core::kNoTime);
  if (heading != kHeading || !read_number(values["first_sequence"], about.summary.first_sequence) ||
      !read_number(values["ledger_schema"], about.ledger_schema) ||
      !read_number(values["store_schema"], about.store_schema)) {
    return Error{ErrorCode::kInvalid, path + " is damaged"};
  }
  if (about.ledger_schema > ledger::Ledger::schema_version() || about.store_schema > store::schema_version()) {
    return Error{ErrorCode::kUnsupported, folder + " was made by a later version of Tocsin (" + about.summary.version +
                                              "); install that one or a later one to restore it"};
  }
  return about;
}

// Above every sequence given out before the store was copied: ids of stored events and findings are made of them.
core::Result<std::uint64_t> next_sequence(const DataPaths& paths, store::Store& store, const stream::Journal& journal) {
  std::uint64_t next = TOCSIN_TRY(first_sequence_of(paths));
  next = std::max(next, journal.health().last_sequence + 1);
  return std::max(next, TOCSIN_TRY(last_stored_sequence(store)) + 1);
}

core::Result<BackupSummary> write_sums(const std::string& folder, BackupSummary summary) {
  std::string sums;
  for (const auto& [name, bytes] : TOCSIN_TRY(backup::list_files(folder))) {
    sums += TOCSIN_TRY(backup::sha256_of(in(folder, name))) + "  " + name + "\n";
    summary.bytes += bytes;
    ++summary.files;
  }
  TOCSIN_TRY(backup::sync_file_system(folder));  // All it names is on disk before it is.
  TOCSIN_TRY(backup::write_text(in(folder, kSums), sums));
  TOCSIN_TRY(backup::sync_file_system(folder));
  return summary;
}

core::Result<BackupSummary> fill_backup(const BackupInput& input, ledger::Ledger& ledger, store::Store& store,
                                        const stream::Journal& journal, const std::string& folder) {
  TOCSIN_TRY(store.backup(in(folder, "store")));
  // After the store: what a stored finding or event names in the ledger is there.
  TOCSIN_TRY(ledger.backup(in(folder, kLedger)));
  if (::chmod(in(folder, kLedger).c_str(), 0600) != 0) return io_error("write", in(folder, kLedger), errno);
  TOCSIN_TRY(backup::copy_folder(input.paths.keys, in(folder, "keys")));
  TOCSIN_TRY(backup::copy_folder(input.paths.rules, in(folder, "rules")));
  // After the ledger: what its rows name is there, as bytes are on disk before their row.
  TOCSIN_TRY(backup::copy_folder(input.paths.evidence, in(folder, "evidence"), backup::kMaxFiles));
  if (!input.config_path.empty())
    TOCSIN_TRY(backup::copy_file(fs::weakly_canonical(input.config_path).string(), in(folder, "tocsin.yaml")));
  About about;
  about.summary.version = input.version;
  about.summary.made_at = input.now;
  about.summary.first_sequence = TOCSIN_TRY(next_sequence(input.paths, store, journal));
  about.ledger_schema = ledger::Ledger::schema_version();
  about.store_schema = store::schema_version();
  TOCSIN_TRY(backup::write_text(in(folder, kAbout), to_text(about)));
  return write_sums(folder, about.summary);
}

// Every file with its sum, by path.
core::Result<std::map<std::string, std::string>> read_sums(const std::string& folder) {
  const std::string path = in(folder, kSums);
  const core::Result<std::string> text = backup::read_text(path, backup::kMaxTextBytes);
  if (!text.ok() && text.error().code == ErrorCode::kNotFound) {
    return Error{ErrorCode::kInvalid,
                 folder + " is no whole backup: it has no " + std::string(kSums) + ", which is written last"};
  }
  if (!text.ok()) return text.error();
  std::map<std::string, std::string> out;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    const bool whole = end != std::string_view::npos && line.size() > kHexBytes + 2 && line.substr(kHexBytes, 2) == "  ";
    if (!whole) return Error{ErrorCode::kInvalid, path + " is damaged"};
    out.emplace(line.substr(kHexBytes + 2), line.substr(0, kHexBytes));
    rest.remove_prefix(end + 1);
  }
  return out;
}

core::Result<About> check(const std::string& folder) {
  About about = TOCSIN_TRY(read_about(folder));
  std::map<std::string, std::string> sums = TOCSIN_TRY(read_sums(folder));
  for (const auto& [name, bytes] : TOCSIN_TRY(backup::list_files(folder))) {
    if (name == kSums) continue;
    const auto sum = sums.find(name);
    if (sum == sums.end())
      return Error{ErrorCode::kInvalid,
                   in(folder, name) + " is not part of the backup: " + std::string(kSums) + " does not name it"};
    if (TOCSIN_TRY(backup::sha256_of(in(folder, name))) != sum->second) {
      return Error{ErrorCode::kInvalid,
                   in(folder, name) + " is damaged: its SHA-256 is not the one in " + std::string(kSums)};
    }
    sums.erase(sum);
    about.summary.bytes += bytes;
    ++about.summary.files;
  }
  if (!sums.empty()) return Error{ErrorCode::kInvalid, in(folder, sums.begin()->first) + " is missing"};
  return about;
}

core::Result<void> fill_data_folder(const std::string& folder, const DataPaths& paths, store::StoreOptions options,
                                    core::Metrics& metrics, const About& about) {
  TOCSIN_TRY(backup::write_text(unfinished_path(paths), "A restore from " + folder + " did not come to its end.\n"));
  TOCSIN_TRY(backup::copy_file(in(folder, kLedger), paths.ledger));
  TOCSIN_TRY(ledger::Ledger::open(paths.ledger));  // Brought to this version.
  TOCSIN_TRY(backup::copy_folder(in(folder, "keys"), paths.keys));
  TOCSIN_TRY(backup::copy_folder(in(folder, "rules"), paths.rules));
  TOCSIN_TRY(backup::copy_folder(in(folder, "evidence"), paths.evidence, backup::kMaxFiles));
  options.folder = paths.store;
  TOCSIN_TRY(store::restore_store(std::move(options), in(folder, "store"), metrics));
  TOCSIN_TRY(backup::write_text(first_sequence_path(paths), std::to_string(about.summary.first_sequence) + "\n"));
  TOCSIN_TRY(backup::sync_file_system(paths.folder));
  if (::unlink(unfinished_path(paths).c_str()) != 0) return io_error("remove", unfinished_path(paths), errno);
  return backup::sync_file_system(paths.folder);
}

void empty_folder(const std::string& folder) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (!backup::stays(at->path().filename().string())) fs::remove_all(at->path(), ignored);
  }
}

}  // namespace

DataPaths data_paths(const std::string& folder) {
  const std::string at = without_slash(folder);
  return {at, in(at, "journal"), in(at, "store"), in(at, kLedger), in(at, "keys"), in(at, "rules"), in(at, "evidence")};
}

core::Result<BackupSummary> make_backup(const BackupInput& input, ledger::Ledger& ledger, store::Store& store,
                                        const stream::Journal& journal, const std::string& folder) {
  const std::string path = without_slash(folder);
  if (path.empty()) return Error{ErrorCode::kInvalid, "the backup has no folder"};
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return Error{ErrorCode::kDenied, path + " is there already; a backup goes into a new folder"};
    return io_error("make", path, errno);
  }
  core::Result<BackupSummary> made = fill_backup(input, ledger, store, journal, path);
  std::error_code ignored;
  if (!made.ok()) fs::remove_all(path, ignored);
  return made;
}

core::Result<BackupSummary> check_backup(const std::string& folder) {
  return TOCSIN_TRY(check(without_slash(folder))).summary;
}

core::Result<BackupSummary> restore_backup(const std::string& folder, const DataPaths& paths, store::StoreOptions store,
                                           core::Metrics& metrics) {
  const std::string from = without_slash(folder);
  if (!TOCSIN_TRY(backup::is_empty(paths.folder))) {
    return Error{ErrorCode::kDenied,
                 paths.folder + " is not empty; a backup is restored into an empty data folder, so move it away first"};
  }
  const About about = TOCSIN_TRY(check(from));
  std::error_code error;
  fs::create_directories(paths.folder, error);
  if (error) return io_error("make", paths.folder, error.value());
  if (::chmod(paths.folder.c_str(), 0700) != 0) return io_error("make", paths.folder, errno);
  const core::Result<void> filled = fill_data_folder(from, paths, std::move(store), metrics, about);
  if (filled.ok()) return about.summary;
  empty_folder(paths.folder);
  return filled.error();
}

core::Result<std::uint64_t> last_stored_sequence(store::Store& store) {
  store::QueryLimits limits;
  limits.time = std::chrono::minutes(10);
  const store::QueryResult stored = TOCSIN_TRY(
      store.query("SELECT greatest((SELECT max(bitShiftRight(id, " + std::to_string(model::kEventIndexBits) +
                      ")) FROM events), (SELECT max(sequence) FROM findings), (SELECT max(sequence) FROM dead_letters))",
                  "TabSeparated", limits));
  std::uint64_t last = 0;
  if (!read_number(std::string_view(stored.body).substr(0, stored.body.find('\n')), last)) {
    return Error{ErrorCode::kIo, "the store does not tell its last sequence: " + stored.body};
  }
  return last;
}

core::Result<std::uint64_t> first_sequence_of(const DataPaths& paths) {
  std::error_code error;
  if (fs::exists(unfinished_path(paths), error)) {
    return Error{ErrorCode::kInvalid,
                 "a restore into " + paths.folder + " did not come to its end; empty that folder and restore again"};
  }
  const core::Result<std::string> text = backup::read_text(first_sequence_path(paths), 64);
  if (!text.ok() && text.error().code == ErrorCode::kNotFound) return std::uint64_t{1};
  if (!text.ok()) return text.error();
  std::uint64_t value = 0;
  if (!read_number(std::string_view(*text).substr(0, text->find('\n')), value) || value == 0) {
    return Error{
        ErrorCode::kInvalid,
        first_sequence_path(paths) + " is damaged: expected a number; it is in backup.txt of the backup that was restored"};
  }
  return value;
}

}  // namespace tocsin::app
