#include "api/parts/call.h"

#include <algorithm>

namespace tocsin::api {
namespace {

constexpr std::size_t kMaxAuditDetailBytes = 900;  // The trail cuts at 1,024; cut JSON would be none.

int status_of(core::ErrorCode code) {
  switch (code) {
    case core::ErrorCode::kInvalid: return 400;
    case core::ErrorCode::kNotFound: return 404;
    case core::ErrorCode::kUnsupported: return 422;
    case core::ErrorCode::kLimit: return 422;
    case core::ErrorCode::kDenied: return 403;
    case core::ErrorCode::kIo: return 503;
  }
  return 500;
}
// As the store says it.
bool was_cancelled(const core::Error& error) { return error.code == core::ErrorCode::kDenied && error.text == "cancelled"; }

}  // namespace

bool Searches::add(ledger::UserId user, const std::string& id, std::shared_ptr<store::CancelToken> token) {
  const core::Lock lock(mutex_);
  if (running_.size() >= kMaxSearchIds) return false;
  return running_.try_emplace({user.value, id}, std::move(token)).second;
}
void Searches::remove(ledger::UserId user, const std::string& id) {
  const core::Lock lock(mutex_);
  running_.erase({user.value, id});
}
bool Searches::end(ledger::UserId user, const std::string& id) {
  const core::Lock lock(mutex_);
  const auto found = running_.find({user.value, id});
  if (found == running_.end()) return false;
  store::cancel(*found->second);
  return true;
}
void Searches::end_all() {
  const core::Lock lock(mutex_);
  for (const auto& [key, token] : running_) store::cancel(*token);
}

Reply::Reply(const core::Error& error) {
  *this = was_cancelled(error) ? problem(409, "the search was ended") : problem(status_of(error.code), error.text);
}
Reply::Reply(const InputProblem& input) {
  std::string field;
  core::JsonWriter(field).text(input.field);
  *this = problem(400, input.field.empty() ? input.text : input.field + " " + input.text, {{"field", field}});
}
Reply Reply::json(std::string body, int status) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}
Reply Reply::nothing() {
  http::Response response;
  response.status = 204;
  return response;
}
Reply Reply::problem(int status, std::string_view detail, const std::vector<std::pair<std::string, std::string>>& members) {
  http::Response response = http::problem_response(status, detail);
  response.body.pop_back();
  for (const auto& [name, value] : members) response.body += ",\"" + name + "\":" + value;
  response.body += '}';
  return response;
}

store::QueryLimits Call::limits() const {
  store::QueryLimits out;
  out.time = context.options.search_time;
  out.tenants = who.tenants;
  return out;
}
core::Result<Rows> Call::ask(const store::SqlText& sql, std::shared_ptr<store::CancelToken> cancel) const {
  return Rows::read(TOCSIN_TRY(context.options.store->query(sql.str(), Rows::kFormat, limits(), std::move(cancel))));
}

store::SqlText Call::tenant_condition(const std::vector<std::string>& asked) const {
  std::vector<std::string> tenants = asked.empty() ? who.tenants : asked;
  std::erase_if(tenants, [&](const std::string& tenant) { return !who.may_see(tenant); });
  if (tenants.empty()) return asked.empty() && who.tenants.empty() ? store::SqlText("1") : store::SqlText("0");
  store::SqlText out("tenant IN (");
  out.texts(tenants) << ")";
  return out;
}

core::Result<void> Call::audit(const char* action, std::string_view object, std::string_view detail) const {
  std::string kept(detail);
  if (kept.size() > kMaxAuditDetailBytes) {
    kept = "{\"cut\":true,\"begins\":";
    core::JsonWriter(kept).text(detail.substr(0, kMaxAuditDetailBytes / 3));
    kept += '}';
  }
  return context.options.ledger->write([&](ledger::Tables& tables) -> core::Result<void> {
    TOCSIN_TRY(tables.append_audit({now(), who.name, action, std::string(object), peer(), kept}));
    return {};
  });
}

std::optional<Reply> refuse_some_tenants(const Call& call) {
  if (call.sees_all()) return std::nullopt;
  return Reply::problem(403, "this is shared by all tenants, and you see some");
}

Running::Running(const Call& call, std::string id)
    : context_(call.context), user_(call.who.user), id_(std::move(id)), token_(store::make_cancel_token()) {
  if (!id_.empty()) refused_ = !context_.searches.add(user_, id_, token_);
  call.exchange->on_client_gone([token = token_] { store::cancel(*token); });
}
Running::~Running() {
  if (!id_.empty() && !refused_) context_.searches.remove(user_, id_);
}

void write_texts(core::JsonWriter& json, const char* name, const std::vector<std::string>& values) {
  json.key(name).begin_array();
  for (const std::string& value : values) json.text(value);
  json.end_array();
}
void write_texts(core::JsonWriter& json, const char* name, const std::vector<std::string_view>& values) {
  json.key(name).begin_array();
  for (const std::string_view value : values) json.text(value);
  json.end_array();
}
void write_time(core::JsonWriter& json, const char* name, core::Timestamp time) {
  json.key(name);
  if (time.known()) {
    json.text(core::format_iso_time(time));
  } else {
    json.null();
  }
}
void write_numbers(core::JsonWriter& json, const store::QueryResult& result) {
  json.key("rows_read").number(result.rows_read);
  json.key("bytes_read").number(result.bytes_read);
  json.key("elapsed_ms").number(static_cast<double>(result.elapsed.count()) / 1e3);
}
void write_cursor(core::JsonWriter& json, const std::string& cursor) {
  json.key("next_cursor");
  if (cursor.empty()) {
    json.null();
  } else {
    json.text(cursor);
  }
}

// Column `time` has the whole seconds of `column`, within what 32 bits hold, and is cheap to read. So a bound at a whole
// second asks `time` alone; for another one `time` only says which parts and granules to read.
store::SqlText time_condition(store::SqlText::Fixed column, core::Timestamp from, core::Timestamp to) {
  static constexpr std::int64_t kSecond = 1'000'000'000, kLast = 0xffffffff;
  const auto whole = [](core::Timestamp time) {
    return time.ns % kSecond == 0 && time.ns / kSecond >= 1 && time.ns / kSecond <= kLast;
  };
  const auto seconds = [](core::Timestamp time) { return std::clamp<std::int64_t>(time.ns / kSecond, 0, kLast); };
  store::SqlText out("1");
  if (from.known() && whole(from)) {
    out << " AND time >= toDateTime(";
    out.number(seconds(from)) << ", 'UTC')";
  } else if (from.known()) {
    out << " AND indexHint(time >= toDateTime(";
    out.number(seconds(from)) << ", 'UTC')) AND " << column << " >= ";
    out.number(from.ns);
  }
  if (to.known() && whole(to)) {
    out << " AND time < toDateTime(";
    out.number(seconds(to)) << ", 'UTC')";
  } else if (to.known()) {
    out << " AND indexHint(time <= toDateTime(";
    out.number(seconds(to)) << ", 'UTC')) AND " << column << " < ";
    out.number(to.ns);
  }
  return out;
}

}  // namespace tocsin::api
