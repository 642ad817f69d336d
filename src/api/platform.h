// What the API asks of the running program beside store, ledger and auth: implemented by app, or by a test.
//
// Any thread; calls may take a few milliseconds, those said to be long up to their limits. Views are copies.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/secret.h"
#include "core/time.h"
#include "ledger/ledger.h"
#include "model/delivery.h"
#include "store/store.h"

namespace tocsin::api {

struct SourceStatus {
  model::SourceId id{};
  std::string name, kind, tenant, site;
  std::string format;  // "" : told from the content.
  bool enabled = true;
  std::string origin;  // "config", "api", "built-in".
  std::string where;   // "tcp 0.0.0.0:6514", "/var/log/auth.log" ...
  std::string state;   // "ok", "waiting" (nothing yet), "silent", "problem", "off".
  std::string problem;
  std::string config;  // JSON, without secrets.
  bool has_token = false;
  std::uint64_t records = 0, bytes = 0, events = 0, bad_records = 0;
  std::map<std::string, std::uint64_t> refused;
  double records_per_s = 0, bytes_per_s = 0;    // Over the last minute.
  std::optional<double> lag_ms;                 // From the event's time to its arrival, of the last minute; median.
  core::Timestamp last_received, silent_since;  // kNoTime: never; not silent.
  std::optional<double> expected_per_hour;      // Learned for this hour of the week.
  std::uint32_t learned_hours = 0;
  std::uint32_t rule_count = 0;  // Rules that need it.
  std::vector<double> rates;     // Events a minute, the last 60, newest last.
};

struct SourceChange {
  std::string name, kind, tenant, site, format, config;  // For a new one.
};
struct SourcePatch {
  std::optional<bool> enabled;
  std::optional<std::string> tenant, site, format, config;
};

struct RuleStatus {
  std::string id, title, kind, level, status, path, origin;
  ledger::RuleMode mode = ledger::RuleMode::kOn;
  std::string product, category, service;
  std::vector<std::string> tactics, techniques, tags;
  std::uint64_t hits = 0;  // Since the program started; in draft too.
  core::Timestamp last_hit;
  // What it takes where it is evaluated: for events that hold a text it looks for, or any where it looks for none. Sampled,
  // since the program started; none: not yet, or a correlation.
  std::optional<double> cost_ns;
  std::uint64_t cost_samples = 0;  // Evaluations that this is the mean of.
  std::string blind;               // Why it cannot fire; empty: it can.
  bool has_test = false;           // A sample that it fires on is part of the content, and of its tests.
  std::string changed_by;
  core::Timestamp changed_at;
};
struct RuleDetail {
  RuleStatus status;
  std::string text;  // YAML.
  std::string description, author, date;
  std::vector<std::string> references, false_positives;
};
struct RefusedRule {
  std::string path, message, hint, code, title;
  std::uint32_t line = 0, column = 0;
};
struct RuleTestRequest {
  std::string text;  // YAML; empty: the loaded rule `id`.
  std::string id;
  core::Timestamp from, to;
  std::vector<std::string> tenants;  // Empty: all.
  std::uint64_t limit = 100;         // Matches shown.
  std::chrono::seconds time{30};
};
struct RuleTestResult {
  struct Hit {
    model::EventId event = 0;
    std::string why;  // JSON of the explanation.
  };
  std::uint64_t matches = 0, events_read = 0;
  bool complete = true;  // False: time or a limit ended it.
  std::vector<Hit> hits;
  std::vector<std::string> problems;
};

struct PartHealth {
  std::string name;
  bool ok = true;
  std::string problem;
  std::vector<std::pair<std::string, std::string>> facts;
};
struct Loss {
  std::string what;
  std::uint64_t count = 0;
};
struct Rates {
  double events_per_s = 0, bytes_per_s = 0, findings_per_min = 0;
  double lag_ms = 0;  // From arrival to stored and detected, of the last seconds; median.
};
struct Certificate {
  std::string name, subject, issuer, sha256;
  core::Timestamp not_before, not_after;
  std::vector<std::string> names;
  bool self_signed = false;
};
struct SettingView {
  std::string key, value, origin, help;  // origin: "default", "file", "ledger".
  bool editable = false;
};

// What happens, as it happens. Called on threads of the program: must not block.
struct LiveEvent {
  enum class Topic : std::uint8_t { kFinding, kSource, kHealth, kIncident } topic = Topic::kFinding;
  std::string tenant;
  std::string json;  // In the shape of docs/api.md.
};

class Platform {
 public:
  virtual ~Platform() = default;
  [[nodiscard]] virtual std::vector<SourceStatus> sources() const = 0;
  virtual core::Result<SourceStatus> add_source(const SourceChange& source, core::Secret& token) = 0;  // Empty: has none.
  virtual core::Result<SourceStatus> change_source(std::string_view name, const SourcePatch& patch) = 0;
  virtual core::Result<core::Secret> new_source_token(std::string_view name) = 0;
  virtual core::Result<void> remove_source(std::string_view name) = 0;

  [[nodiscard]] virtual std::vector<RuleStatus> rules() const = 0;
  [[nodiscard]] virtual std::optional<RuleDetail> rule(std::string_view id) const = 0;
  [[nodiscard]] virtual std::vector<RefusedRule> refused_rules() const = 0;
  // kNotFound names the first id that is not loaded; then nothing is changed.
  virtual core::Result<void> set_rule_mode(const std::vector<std::string>& ids, ledger::RuleMode mode,
                                           std::string_view by) = 0;
  struct Reload {
    std::uint64_t loaded = 0, refused = 0;
    std::chrono::milliseconds took{0};
  };
  virtual core::Result<Reload> reload_rules() = 0;                                                // Long.
  virtual core::Result<std::string> save_rule(std::string_view name, std::string_view text) = 0;  // Answers its id.
  virtual core::Result<void> remove_rule(std::string_view id) = 0;                                // Of the user's folder.
  virtual core::Result<RuleTestResult> test_rule(const RuleTestRequest& request) = 0;             // Long.

  struct Rerun {
    std::uint64_t tried = 0, recovered = 0;
  };
  virtual core::Result<Rerun> rerun_dead_letters(std::string_view source, std::string_view cause) = 0;  // Long.
  // The OCSF event of a stored record; empty where it cannot be decoded again.
  [[nodiscard]] virtual std::string ocsf_event(std::string_view format, std::string_view raw) const = 0;

  [[nodiscard]] virtual std::vector<PartHealth> health() const = 0;
  [[nodiscard]] virtual std::vector<Loss> losses() const = 0;
  [[nodiscard]] virtual Rates rates() const = 0;
  [[nodiscard]] virtual std::vector<Certificate> certificates() const = 0;
  virtual core::Result<void> reload_certificates() = 0;
  [[nodiscard]] virtual std::vector<SettingView> settings() const = 0;
  virtual core::Result<void> set_setting(std::string_view key, std::string_view value, std::string_view by) = 0;

  struct Backup {
    std::string path;
    std::uint64_t files = 0, bytes = 0;
  };
  // A new folder `name` beside the data. kLimit: one is being made, or there are as many as may lie there. Long.
  virtual core::Result<Backup> backup(std::string_view name) = 0;

  // The subscription ends with the handle.
  virtual std::shared_ptr<void> subscribe(std::function<void(const LiveEvent&)> take) = 0;
};

}  // namespace tocsin::api
