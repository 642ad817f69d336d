// Retention, backup and health.
#include <algorithm>
#include <charconv>
#include <filesystem>

#include "store/embedded_store.h"

namespace tocsin::store {
namespace {

using core::Error;
using core::ErrorCode;

struct Partition {
  std::string table, id, shown;
  std::uint64_t day = 0, rows = 0, bytes = 0;  // day: 20261124.
};

// All partitions, oldest first, as TabSeparated: table, id, day, rows, bytes. Names are the engine's own, never a tenant's.
constexpr const char* kPartitions =
    "SELECT table, partition_id, toUInt64OrZero(extract(any(partition), '([0-9]{8})[)]$')) AS day, sum(rows), "
    "sum(bytes_on_disk) "
    "FROM system.parts WHERE database = 'tocsin' AND active AND table IN ('events', 'findings', 'dead_letters') "
    "GROUP BY table, partition_id ORDER BY day, table, partition_id";

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(by), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}
std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}
std::string shown_day(std::uint64_t day) {
  std::string text = std::to_string(day);
  if (text.size() != 8) return text;
  return text.substr(0, 4) + "-" + text.substr(4, 2) + "-" + text.substr(6);
}
std::uint64_t day_number(core::Timestamp time) {
  const core::CivilTime civil = core::to_civil(time);
  return static_cast<std::uint64_t>(civil.year) * 10'000 + civil.month * 100 + civil.day;
}

}  // namespace

core::Result<std::vector<Store::Dropped>> EmbeddedStore::apply_retention(const Retention& retention, core::Timestamp now) {
  constexpr std::int64_t kNsPerDay = 86'400'000'000'000;
  std::vector<Partition> partitions;
  std::uint64_t total = 0;
  const std::string answer = TOCSIN_TRY(command(kPartitions));
  for (const std::string_view line : split(answer, '\n')) {
    const auto fields = split(line, '\t');
    if (fields.size() != 5) return Error{ErrorCode::kIo, "store: the engine's answer is cut"};
    partitions.push_back(
        {std::string(fields[0]), std::string(fields[1]), "", number(fields[2]), number(fields[3]), number(fields[4])});
    total += partitions.back().bytes;
  }
  const std::uint64_t first_kept =
      retention.max_age_days == 0 ? 0 : day_number({now.ns - std::int64_t{retention.max_age_days} * kNsPerDay});
  const std::uint64_t today = day_number(now);
  std::vector<Dropped> dropped;
  for (const Partition& partition : partitions) {
    std::string reason;
    if (partition.day < first_kept) {
      reason = "older than " + std::to_string(retention.max_age_days) + " days";
    } else if (retention.max_bytes != 0 && total > retention.max_bytes && partition.day < today &&
               partition.table != "findings") {
      reason = "more than " + std::to_string(retention.max_bytes) + " bytes on disk";
    }
    if (reason.empty()) continue;
    TOCSIN_TRY(command("ALTER TABLE tocsin." + partition.table + " DROP PARTITION ID " + sql_quoted(partition.id)));
    total -= partition.bytes;
    dropped.push_back({partition.table, shown_day(partition.day), partition.rows, partition.bytes, std::move(reason)});
  }
  return dropped;
}

core::Result<void> EmbeddedStore::backup(const std::string& folder) {
  std::error_code error;
  const std::string path = std::filesystem::absolute(folder, error).lexically_normal().string();
  if (error) return Error{ErrorCode::kInvalid, "store: " + folder + ": " + error.message()};
  if (std::filesystem::exists(path, error) || error)
    return Error{ErrorCode::kInvalid, "store: " + path + " is there already"};
  TOCSIN_TRY(command("BACKUP DATABASE tocsin TO File(" + sql_quoted(path) + ")", "TabSeparated", std::chrono::hours(6)));
  return {};
}

StoreHealth EmbeddedStore::health() const {
  StoreHealth out;
  out.ready = child_.ready();
  out.problem = child_.problem();
  out.restarts = child_.restarts();
  if (!out.ready) return out;
  const auto answer = command(
      "SELECT sumIf(rows, table = 'events'), sumIf(rows, table = 'findings'), sum(bytes_on_disk) FROM system.parts"
      " WHERE database = 'tocsin' AND active",
      "TabSeparated", std::chrono::seconds(5));
  if (!answer.ok()) {
    out.ready = child_.ready();
    out.problem = answer.error().text;
    return out;
  }
  const std::string_view line = std::string_view(*answer).substr(0, answer->find('\n'));
  const auto fields = split(line, '\t');
  if (fields.size() == 3) {
    out.events = number(fields[0]);
    out.findings = number(fields[1]);
    out.bytes_on_disk = number(fields[2]);
  }
  return out;
}

}  // namespace tocsin::store
