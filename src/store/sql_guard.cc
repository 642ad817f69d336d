#include "store/sql_guard.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

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
          tokens.push_back({lower(*text), true});
        else
          tokens.push_back({"'", true});
      } else if (is_word(c)) {
        const std::size_t begin = at_;
        while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
        tokens.push_back({lower(sql_.substr(begin, at_ - begin))});
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
  static std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return out;
  }
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
    if (next != "(" || (token.quoted && token.text == "'")) continue;
    for (const std::string_view name : kOutside) {
      if (token.text.starts_with(name)) {
        return Error{ErrorCode::kDenied, "sql: " + token.text + "() reaches out of the database and is not allowed"};
      }
    }
  }
  return {};
}

}  // namespace

core::Result<std::string> check_read_sql(std::string_view sql) {
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
  return std::string(sql);
}

bool is_format_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_word(c) && c != '_'; });
}

}  // namespace tocsin::store
