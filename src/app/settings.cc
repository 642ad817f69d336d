#include "app/settings.h"

#include <charconv>
#include <limits>

namespace tocsin::app {
namespace {

constexpr std::string_view kPrefix = "setting.";

}  // namespace

Settings::Settings(const Config& config, ledger::Ledger& ledger, const core::Clock& clock) : ledger_(ledger), clock_(clock) {
  const Config defaults;
  const auto number = [&](const char* key, std::uint64_t value, std::uint64_t usual, const char* help, std::uint64_t low,
                          std::uint64_t high) {
    entries_[key] = {std::to_string(value), value == usual ? "default" : "file", help, Entry::Kind::kNumber, low, high};
  };
  number("retention.days", config.retention_days, defaults.retention_days,
         "Days that events, findings and dead letters are kept; 0: no limit by age.", 0, 36'500);
  number("retention.max_bytes", config.retention_max_bytes, defaults.retention_max_bytes,
         "Bytes that the store may take; 0: the share of the disk counts.", 0, std::numeric_limits<std::int64_t>::max());
  number("retention.disk_percent", config.retention_disk_percent, defaults.retention_disk_percent,
         "Share of the disk that the store may take; the oldest days go first.", 1, 95);
  number("reviews.share_percent", 10, 10,
         "Share of closed incidents that another person judges again without seeing the first verdict; 0: none.", 0, 100);
  number("self_test.every_minutes", 60, 60, "Minutes between two tests of the pipeline by events of its own; 0: none.", 0,
         10'080);
  entries_["silence.enabled"] = {"true", "default", "Whether a source that falls silent is a finding.", Entry::Kind::kFlag,
                                 0,      1};
}

core::Result<void> Settings::load() {
  std::vector<ledger::Setting> rows;
  const auto read = ledger_.read([&](ledger::Tables& tables) -> core::Result<void> {
    auto found = tables.settings();
    if (!found.ok()) return found.error();
    rows = std::move(*found);
    return {};
  });
  if (!read.ok()) return read.error();
  const core::Lock lock(mutex_);
  for (const ledger::Setting& row : rows) {
    if (!row.key.starts_with(kPrefix)) continue;
    const auto found = entries_.find(row.key.substr(kPrefix.size()));
    if (found == entries_.end()) continue;
    found->second.value = row.value;
    found->second.origin = "ledger";
  }
  return {};
}

std::vector<api::SettingView> Settings::all() const {
  std::vector<api::SettingView> out;
  const core::Lock lock(mutex_);
  for (const auto& [key, entry] : entries_) out.push_back({key, entry.value, entry.origin, entry.help, true});
  return out;
}

core::Result<void> Settings::set(std::string_view key, std::string_view value, std::string_view by) {
  {
    const core::Lock lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end())
      return core::Error{core::ErrorCode::kNotFound, "there is no setting '" + std::string(key) + "'"};
    const Entry& entry = found->second;
    if (entry.kind == Entry::Kind::kFlag && value != "true" && value != "false")
      return core::Error{core::ErrorCode::kInvalid, std::string(key) + ": expected true or false"};
    if (entry.kind == Entry::Kind::kNumber) {
      std::uint64_t number = 0;
      const auto end = std::from_chars(value.data(), value.data() + value.size(), number);
      if (end.ec != std::errc() || end.ptr != value.data() + value.size() || number < entry.low || number > entry.high) {
        return core::Error{core::ErrorCode::kInvalid, std::string(key) + ": expected a number from " +
                                                          std::to_string(entry.low) + " to " + std::to_string(entry.high)};
      }
    }
  }
  const auto written = ledger_.write([&](ledger::Tables& tables) {
    return tables.set_setting({std::string(kPrefix) + std::string(key), std::string(value), std::string(by), clock_.now()});
  });
  if (!written.ok()) return written.error();
  const core::Lock lock(mutex_);
  Entry& entry = entries_.find(key)->second;
  entry.value = value;
  entry.origin = "ledger";
  return {};
}

std::uint64_t Settings::number(std::string_view key) const {
  const core::Lock lock(mutex_);
  const std::string& text = entries_.find(key)->second.value;
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool Settings::flag(std::string_view key) const {
  const core::Lock lock(mutex_);
  return entries_.find(key)->second.value == "true";
}

}  // namespace tocsin::app
