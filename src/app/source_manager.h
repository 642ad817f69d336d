// Starts and stops live sources: those of tocsin.yaml, those made through the API, and this host's own logs. Each has a row
// in the ledger, which gives its id, tenant and site for good, and an entry on the board.
//
// Any thread; changes go one after the other. A source that cannot start is a problem on the board, not of the program.
#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/platform.h"
#include "app/board.h"
#include "app/config.h"
#include "core/clock.h"
#include "core/metrics.h"
#include "core/mutex.h"
#include "http/router.h"
#include "http/server.h"
#include "ledger/ledger.h"
#include "source/live.h"

namespace tocsin::app {

class SourceManager {
 public:
  struct Context {
    ledger::Ledger& ledger;
    SourceBoard& board;
    source::SourceContext sources;
    const core::Clock& clock;
    core::Metrics& metrics;
    http::TlsFiles own_tls;  // For listeners without a certificate of their own.
    std::string keys_folder;
  };
  // Takes the sources out of `config`.
  SourceManager(Context context, Config& config);
  ~SourceManager();

  // Rows and entries for all sources; nothing is received yet. An error is of the ledger.
  core::Result<void> load();
  void start();
  // All at once, within `grace`.
  void stop(std::chrono::milliseconds grace);

  core::Result<api::SourceStatus> add(const api::SourceChange& source, core::Secret& token);
  core::Result<api::SourceStatus> change(std::string_view name, const api::SourcePatch& patch);
  core::Result<core::Secret> new_token(std::string_view name);
  core::Result<void> remove(std::string_view name);
  void reload_certificates();

  // A token, made anew at each start, for the built-in source "demo"; who can read the data folder may play the demo.
  [[nodiscard]] const core::Secret& demo_token() const { return demo_token_; }
  // The same for the program's test of itself, source "self-test".
  [[nodiscard]] const core::Secret& self_test_token() const { return self_test_token_; }

 private:
  struct Running {
    std::unique_ptr<source::LiveSource> live;
    std::unique_ptr<http::Server> server;
    std::function<core::Result<void>()> reload;
  };
  core::Result<std::shared_ptr<SourceEntry>> enter(const SourceSettings& settings, const char* origin);
  core::Result<void> enter_rows();
  core::Result<void> enter_own(const char* name, const core::Secret& token);
  void start_one(const SourceSettings& settings);
  core::Result<Running> open(const SourceSettings& settings, const SourceEntry& entry);
  core::Result<Running> open_http(const SourceSettings& settings, std::vector<http::Route> routes);
  void stop_one(const std::string& name, std::chrono::milliseconds grace);
  core::Result<core::Secret> give_token(const std::string& name);
  std::vector<SourceSettings> host_sources() const;

  const Context context_;
  std::vector<std::shared_ptr<const SourceSettings>> configured_;
  const bool watch_host_;
  core::Secret demo_token_, self_test_token_;
  core::Mutex change_mutex_;
  std::map<std::string, std::shared_ptr<const SourceSettings>> settings_ GUARDED_BY(change_mutex_);
  std::map<std::string, Running> running_ GUARDED_BY(change_mutex_);
  bool started_ GUARDED_BY(change_mutex_) = false;
};

// What the kind listens to or reads, for people: "tcp 0.0.0.0:6514", "/var/log/auth.log".
std::string where_of(const SourceSettings& settings);
// The settings of a source made through the API, from its kind and its config (JSON). kInvalid names the member.
core::Result<SourceSettings> settings_from_json(const api::SourceChange& source);

}  // namespace tocsin::app
