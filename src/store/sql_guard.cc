#include "store/sql_guard.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "core/text.h"

namespace tocsin::store {
namespace {

using core::Error;
using core::ErrorCode;

constexpr std::array<std::string_view, 9> kFirstWords = {"select",  "with",   "show",   "describe", "desc",
                                                         "explain", "exists", "values", "("};
// Functions and table functions that reach out of the database, whatever readonly says of them; matched as the start of a
// name.
constexpr std::array<std::string_view, 30> kOutside = {
    "file",       "url",         "s3",       "gcs",         "oss",        "cosn",      "hdfs",    "remote",
    "cluster",    "mysql",       "postgre",  "sqlite",      "odbc",       "jdbc",      "mongodb", "redis",
    "executable", "azure",       "iceberg",  "delta",       "hudi",       "paimon",    "python",  "input",
    "catboost",   "arrowstream", "ytsaurus", "arrowflight", "prometheus", "dictionary"};

// What else is refused to one who may not see all tenants. Words: of statements and databases that tell of others.
constexpr std::array<std::string_view, 8> kTenantWords = {
    "system",  "information_schema", "explain", "show", "processlist", "_temporary_and_external_tables", "default",
    "settings"};
// Functions that read tables, or parts of them, on their own; matched as the start of a name.
constexpr std::array<std::string_view, 8> kTenantFunctions = {"merge", "loop",       "view", "joinget",
                                                              "dict",  "timeseries", "fuzz", "structure"};

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

struct Token {
  std::string text;  // Lower case; of a quoted name, what is within.
  bool quoted = false;
};

// Cuts the text as the engine does, or says why it would not.
class Tokens {
 public:
  explicit Tokens(std::string_view sql) : sql_(sql) {}
  core::Result<std::vector<Token>> all() {
    std::vector<Token> tokens;
    while (at_ < sql_.size()) {
      const char c = sql_[at_];
      if (is_space(c)) {
        ++at_;
      } else if (starts("--") || starts("#!") || starts("# ")) {
        while (at_ < sql_.size() && sql_[at_] != '\n') ++at_;
      } else if (starts("/*")) {
        const std::size_t end = sql_.find("*/", at_ + 2);
        if (end == std::string_view::npos || sql_.substr(at_ + 2, end - at_ - 2).find("/*") != std::string_view::npos) {
          return Error{ErrorCode::kInvalid, "sql: a comment is not closed"};
        }
        at_ = end + 2;
      } else if (c == '\'' || c == '"' || c == '`') {
        auto text = quoted(c);
        if (!text) return Error{ErrorCode::kInvalid, "sql: a quoted text is not closed"};
        if (c != '\'')
          tokens.push_back({core::ascii_lower(*text), true});
        else
          tokens.push_back({"'", true});
      } else if (is_word(c)) {
        const std::size_t begin = at_;
        while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
        tokens.push_back({core::ascii_lower(sql_.substr(begin, at_ - begin))});
      } else if (c == '$' || c == '\0' || c == '#' || c == '\\' || static_cast<unsigned char>(c) >= 0x80) {
        return Error{ErrorCode::kInvalid, "sql: outside quotes, character " + std::to_string(at_ + 1) + " is not allowed"};
      } else {
        tokens.push_back({std::string(1, c)});
        ++at_;
      }
    }
    return tokens;
  }

 private:
  [[nodiscard]] bool starts(std::string_view text) const { return sql_.substr(at_).starts_with(text); }
  std::optional<std::string> quoted(char quote) {
    std::string text;
    for (++at_; at_ < sql_.size(); ++at_) {
      if (sql_[at_] == '\\' && at_ + 1 < sql_.size()) {
        text += sql_[at_++];
      } else if (sql_[at_] == quote) {
        if (at_ + 1 >= sql_.size() || sql_[at_ + 1] != quote) {
          ++at_;
          return text;
        }
        ++at_;
      }
      text += sql_[at_];
    }
    return std::nullopt;
  }
  std::string_view sql_;
  std::size_t at_ = 0;
};

core::Result<void> check_tokens(const std::vector<Token>& tokens) {
  if (tokens.empty()) return Error{ErrorCode::kInvalid, "sql: there is no statement"};
  if (tokens[0].quoted || std::find(kFirstWords.begin(), kFirstWords.end(), tokens[0].text) == kFirstWords.end()) {
    return Error{ErrorCode::kDenied, "sql: only SELECT, WITH, SHOW, DESCRIBE, EXPLAIN and EXISTS are allowed"};
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    const std::string_view next = i + 1 < tokens.size() ? std::string_view(tokens[i + 1].text) : std::string_view();
    if (token.quoted && token.text.find('\\') != std::string::npos && next == "(") {
      return Error{ErrorCode::kDenied, "sql: a function's name may hold no backslash"};
    }
    if (!token.quoted && token.text == ";") return Error{ErrorCode::kDenied, "sql: only one statement is allowed"};
    if (!token.quoted && (token.text == "outfile" || (token.text == "into" && next == "outfile"))) {
      return Error{ErrorCode::kDenied, "sql: INTO OUTFILE is not allowed"};
    }
    // The engine takes them in a subquery, readonly or not: they could take a limit or a filter away.
    if (!token.quoted && token.text == "settings" && i + 2 < tokens.size() && tokens[i + 2].text == "=") {
      return Error{ErrorCode::kDenied, "sql: SETTINGS is not allowed"};
    }
    if (next != "(" || (token.quoted && token.text == "'")) continue;
    for (const std::string_view name : kOutside) {
      if (token.text.starts_with(name)) {
        return Error{ErrorCode::kDenied, "sql: " + token.text + "() reaches out of the database and is not allowed"};
      }
    }
  }
  return {};
}

core::Result<void> check_tenant_tokens(const std::vector<Token>& tokens) {
  constexpr std::array<std::string_view, 5> kFirst = {"select", "with", "describe", "desc", "("};
  if (std::find(kFirst.begin(), kFirst.end(), tokens[0].text) == kFirst.end()) {
    return Error{ErrorCode::kDenied, "sql: you see some tenants only: SELECT, WITH and DESCRIBE are allowed"};
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.quoted && token.text == "'") continue;
    if (token.text.find('\\') != std::string::npos) {
      return Error{ErrorCode::kDenied, "sql: you see some tenants only: a name may hold no backslash"};
    }
    bool refused = std::find(kTenantWords.begin(), kTenantWords.end(), token.text) != kTenantWords.end();
    if (i + 1 < tokens.size() && tokens[i + 1].text == "(") {
      refused = refused || std::any_of(kTenantFunctions.begin(), kTenantFunctions.end(),
                                       [&](std::string_view name) { return token.text.starts_with(name); });
    }
    if (refused) {
      return Error{ErrorCode::kDenied, "sql: you see some tenants only: " + token.text + " is not allowed"};
    }
  }
  return {};
}

// The statement without its final semicolons.
core::Result<std::string> check(std::string_view sql, bool some_tenants) {
  if (sql.size() > kMaxSqlBytes) return Error{ErrorCode::kLimit, "sql: longer than 256 KB"};
  auto tokens = TOCSIN_TRY(Tokens(sql).all());
  // Only the text's own end can hold the semicolons that are cut: a comment behind them would keep them in.
  while (!tokens.empty() && !tokens.back().quoted && tokens.back().text == ";") {
    while (!sql.empty() && is_space(sql.back())) sql.remove_suffix(1);
    if (!sql.ends_with(';')) break;
    sql.remove_suffix(1);
    tokens.pop_back();
  }
  TOCSIN_TRY(check_tokens(tokens));
  if (some_tenants) TOCSIN_TRY(check_tenant_tokens(tokens));
  return std::string(sql);
}

}  // namespace

core::Result<std::string> check_read_sql(std::string_view sql) { return check(sql, false); }
core::Result<std::string> check_tenant_sql(std::string_view sql) { return check(sql, true); }

std::string tenant_setting(const std::vector<std::string>& tenants) {
  std::string list;
  for (const std::string& tenant : tenants) list += (list.empty() ? "" : ", ") + sql_quoted(tenant);
  const std::string filter = sql_quoted("tenant IN (" + list + ")");
  std::string out;
  for (const char* table : {"tocsin.events", "tocsin.findings", "tocsin.dead_letters"}) {
    out += (out.empty() ? "additional_table_filters={" : ", ") + sql_quoted(table) + ": " + filter;
  }
  return out + "}";
}

std::string sql_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

bool is_format_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_word(c) && c != '_'; });
}

}  // namespace tocsin::store
