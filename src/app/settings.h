// Settings that people change while the program runs: defaults, then tocsin.yaml, then the ledger. Any thread.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/platform.h"
#include "app/config.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "ledger/ledger.h"

namespace tocsin::app {

class Settings {
 public:
  Settings(const Config& config, ledger::Ledger& ledger, const core::Clock& clock);
  core::Result<void> load();
  [[nodiscard]] std::vector<api::SettingView> all() const;
  // kNotFound, kInvalid (says what was expected), kDenied (not editable).
  core::Result<void> set(std::string_view key, std::string_view value, std::string_view by);
  // REQUIRES: a number by that key.
  [[nodiscard]] std::uint64_t number(std::string_view key) const;
  [[nodiscard]] bool flag(std::string_view key) const;

 private:
  struct Entry {
    std::string value, origin, help;
    enum class Kind : std::uint8_t { kNumber, kFlag } kind = Kind::kNumber;
    std::uint64_t low = 0, high = 0;
  };
  ledger::Ledger& ledger_;
  const core::Clock& clock_;
  mutable core::Mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_ GUARDED_BY(mutex_);
};

}  // namespace tocsin::app
