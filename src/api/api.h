// The API and the console's files over one http::Handler: who asks, what they may, one part asked, one answer.
//
// Any number of threads. The parts given must outlive it. Shapes: docs/api.md; the table of routes is the one that serves,
// that the rights are checked by and that /api/openapi.json is made of. The destructor ends live streams, searches and
// exports; the server must be stopped before.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/platform.h"
#include "api/suppressions.h"
#include "auth/auth.h"
#include "core/clock.h"
#include "core/metrics.h"
#include "core/result.h"
#include "core/secret.h"
#include "http/router.h"
#include "http/server.h"
#include "ledger/evidence_files.h"
#include "ledger/ledger.h"
#include "notify/service.h"
#include "store/search_language.h"
#include "store/store.h"
#include "triage/desk.h"
#include "triage/sla.h"

namespace tocsin::api {

class SelfTester;  // api/self_test.h

inline constexpr std::size_t kMaxBodyBytes = 1u << 20;  // Of JSON; ingest routes have the server's limit.
inline constexpr std::size_t kMaxLiveStreams = 256;     // More are refused (503), counted.
inline constexpr std::size_t kMaxExports = 4;           // At once; more are refused (503), counted.
inline constexpr std::size_t kMaxSearchIds = 1'024;     // Searches under way that can be ended by their id.
inline constexpr std::size_t kDefaultLimit = 100, kMaxLimit = 1'000;
inline constexpr std::uint64_t kMaxExportRows = 1'000'000;

// A file of the console. The bytes outlive the API.
struct StaticFile {
  std::string_view bytes, gzip_bytes;  // gzip_bytes may be empty.
  std::string_view content_type;
  bool immutable = false;  // Its name changes with its content.
  std::string_view etag;   // With its quotes; empty: none.
};

struct ApiOptions {
  auth::Auth* auth = nullptr;
  ledger::Ledger* ledger = nullptr;
  store::Store* store = nullptr;
  Platform* platform = nullptr;
  triage::Desk* desk = nullptr;                    // Null: no incidents (a test of other parts).
  std::shared_ptr<const triage::SlaPolicy> sla;    // Null: no service levels (a test of other parts).
  notify::Service* notify = nullptr;               // Null: nothing is sent.
  Suppressions* suppressions = nullptr;            // Null: none are kept.
  ledger::EvidenceFiles* evidence = nullptr;       // Null: no files are taken.
  std::shared_ptr<const core::Secret> review_key;  // Of measure::sample_key; null: nothing is reviewed.
  SelfTester* self_test = nullptr;                 // Null: the program does not test itself.
  // A page as PDF; not set: there is nothing here that makes one. Its error is for people. Long.
  std::function<core::Result<std::string>(std::string_view html)> make_pdf;
  core::Metrics* metrics = nullptr;
  const core::Clock* clock = nullptr;
  std::string version;
  bool metrics_public = false;  // /metrics for everybody; else from loopback, or with health.read.
  // "/index.html", "/assets/x.js" ...; empty: there is none. Not set: no console.
  std::function<std::optional<StaticFile>(std::string_view path)> static_files;
  // What searches find by the names that records themselves use.
  std::vector<store::NativeName> native_names;
  // Routes of others on the same port (ingest). "public" ones check for themselves who asks.
  std::vector<http::Route> extra_routes;
  std::chrono::milliseconds live_rates{2'000}, live_heartbeat{15'000};
  std::chrono::milliseconds search_time{30'000}, export_time{600'000};
};

class Api {
 public:
  // kInvalid: the table of routes is wrong (two for one path, a right that is none).
  static core::Result<std::unique_ptr<Api>> create(ApiOptions options);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // Valid as long as the Api.
  [[nodiscard]] http::Handler handler();
  [[nodiscard]] const http::Router& router() const;
  [[nodiscard]] const std::string& openapi() const;  // JSON.

 private:
  Api();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::api
