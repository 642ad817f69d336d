// One request being answered: who asks, what is asked, and the helpers every handler uses. One thread.
#pragma once
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/api.h"
#include "api/parts/input.h"
#include "api/parts/rows.h"
#include "core/json_writer.h"
#include "http/problem.h"
#include "store/sql_text.h"

namespace tocsin::api {

class LiveHub;
class Exports;

// Searches under way that their user may end by the id the client chose. Locks inside.
class Searches {
 public:
  // False where the user has one of this id, or there are kMaxSearchIds.
  bool add(ledger::UserId user, const std::string& id, std::shared_ptr<store::CancelToken> token);
  void remove(ledger::UserId user, const std::string& id);
  bool end(ledger::UserId user, const std::string& id);
  void end_all();

 private:
  core::Mutex mutex_;
  std::map<std::pair<std::int64_t, std::string>, std::shared_ptr<store::CancelToken>> running_ GUARDED_BY(mutex_);
};

// What handlers may use. Lives as long as the Api.
struct Context {
  ApiOptions options;
  std::vector<store::SearchField> search_fields;  // Columns, short names and native ones.
  Searches searches;
  LiveHub* live = nullptr;
  Exports* exports = nullptr;
  [[nodiscard]] core::Timestamp now() const { return options.clock->now(); }
};

// What a handler answers: a response, an error, a problem of the input, or nothing where it has answered by itself.
class Reply {
 public:
  Reply(http::Response response) : response_(std::move(response)) {}  // NOLINT(google-explicit-constructor)
  Reply(const core::Error& error);                                    // NOLINT(google-explicit-constructor)
  Reply(const InputProblem& problem);                                 // NOLINT(google-explicit-constructor)
  static Reply taken() { return Reply(); }
  static Reply json(std::string body, int status = 200);
  static Reply nothing();  // 204
  // `members`: name and JSON of further members.
  static Reply problem(int status, std::string_view detail,
                       const std::vector<std::pair<std::string, std::string>>& members = {});
  [[nodiscard]] bool has_response() const { return response_.has_value(); }
  [[nodiscard]] http::Response& response() { return *response_; }

 private:
  Reply() = default;
  std::optional<http::Response> response_;
};

struct Call {
  Context& context;
  std::shared_ptr<http::Exchange> exchange;
  const http::Captures& captures;
  auth::Principal who;             // Of a public route: nobody.
  std::string_view session_token;  // Empty: an API token, or nobody.
  // Whether the caller may still do so: asked by what goes on for long.
  std::function<bool()> still_allowed;

  [[nodiscard]] const http::Request& request() const { return exchange->request(); }
  [[nodiscard]] const std::string& captured(const char* name) const { return captures.at(name); }
  [[nodiscard]] Query query() const { return {request(), context.now()}; }
  [[nodiscard]] const std::string& peer() const { return request().peer; }
  [[nodiscard]] core::Timestamp now() const { return context.now(); }
  [[nodiscard]] bool sees_all() const { return who.tenants.empty(); }

  // Asks the store within the caller's tenants, which the engine itself keeps to: the one way to it for all handlers.
  core::Result<Rows> ask(const store::SqlText& sql, std::shared_ptr<store::CancelToken> cancel = nullptr) const;
  [[nodiscard]] store::QueryLimits limits() const;
  // "tenant IN (...)" of those asked for that the caller may see; "1": all; "0": none.
  [[nodiscard]] store::SqlText tenant_condition(const std::vector<std::string>& asked) const;
  // `detail`: JSON or empty.
  core::Result<void> audit(const char* action, std::string_view object, std::string_view detail = {}) const;
};

// For what is shared by all tenants: refused to one who sees some.
std::optional<Reply> refuse_some_tenants(const Call& call);

// A search that its id, the end of its client or the Api can end. One thread.
class Running {
 public:
  Running(const Call& call, std::string id);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  [[nodiscard]] bool refused() const { return refused_; }  // The id is taken.
  [[nodiscard]] const std::shared_ptr<store::CancelToken>& token() const { return token_; }

 private:
  Context& context_;
  ledger::UserId user_;
  std::string id_;
  std::shared_ptr<store::CancelToken> token_;
  bool refused_ = false;
};

using Work = std::function<Reply(Call&)>;

// A route with all that serving, the check of rights and the OpenAPI text need. Shapes are written as in
// "{name:text count?:int tags:[text] user:User?}"; see openapi.h.
struct RouteSpec {
  const char* method;
  const char* pattern;
  const char* right;
  const char* tag;
  const char* summary;
  const char* parameters;  // As a shape of query parameters; "" for none.
  const char* takes;       // Shape of the body; "" for none.
  const char* gives;       // Shape of the answer; "" for none (204). "!text/plain": that content type.
  Work work;
  int status = 200;
};
using Routes = std::vector<RouteSpec>;

// Members that many answers share.
void write_texts(core::JsonWriter& json, const char* name, const std::vector<std::string>& values);
void write_texts(core::JsonWriter& json, const char* name, const std::vector<std::string_view>& values);
void write_time(core::JsonWriter& json, const char* name, core::Timestamp time);  // null where not known.
void write_numbers(core::JsonWriter& json, const store::QueryResult& result);     // rows_read, bytes_read, elapsed_ms.
void write_cursor(core::JsonWriter& json, const std::string& cursor);             // next_cursor; empty: null.

// "column >= .. AND column < .." and the same of `time`, which prunes. Unknown ends are open.
store::SqlText time_condition(store::SqlText::Fixed column, core::Timestamp from, core::Timestamp to);

}  // namespace tocsin::api
