#include "store/search_language.h"

#include <algorithm>
#include <cctype>

namespace tocsin::store {
namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }
bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}
bool space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// The only place where a text becomes SQL.
std::string literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\0') {
      out += "\\0";
      continue;
    }
    if (c == '\\' || c == '\'') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string like_pattern(std::string_view text, bool quoted) {
  std::string out;
  for (const char c : text) {
    if (!quoted && (c == '*' || c == '?')) {
      out += c == '*' ? '%' : '_';
      continue;
    }
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

class Reader {
 public:
  Reader(std::string_view text, const std::vector<SearchField>& fields) : text_(text), fields_(fields) {}

  std::expected<std::string, SearchError> run() {
    skip();
    if (at_ == text_.size()) return "1";
    std::string sql = any(0);
    if (!failed_ && at_ < text_.size()) fail("a term, AND, OR or the end");
    if (failed_) return std::unexpected(error_);
    return sql;
  }

 private:
  std::string fail(std::string expected) {
    if (!failed_) error_ = {at_, std::move(expected)};
    failed_ = true;
    return {};
  }
  void skip() {
    while (at_ < text_.size() && space(text_[at_])) ++at_;
  }
  bool keyword(std::string_view word) {
    skip();
    const std::size_t end = at_ + word.size();
    if (text_.substr(at_, word.size()) != word) return false;
    if (end < text_.size() && !space(text_[end]) && text_[end] != '(' && text_[end] != ')') return false;
    at_ = end;
    return true;
  }
  std::string any(std::size_t depth) {
    std::string sql = all(depth);
    while (!failed_ && keyword("OR")) sql += " OR " + all(depth);
    return "(" + sql + ")";
  }
  std::string all(std::size_t depth) {
    std::string sql = one(depth);
    while (!failed_) {
      const bool written = keyword("AND");
      skip();
      if (!written) {
        if (at_ == text_.size() || text_[at_] == ')') break;
        const std::size_t before = at_;
        const bool is_or = keyword("OR");
        at_ = before;
        if (is_or) break;
      }
      sql += " AND " + one(depth);
    }
    return sql;
  }
  std::string one(std::size_t depth) {
    if (depth >= kMaxSearchDepth) return fail("at most 32 levels of NOT and parentheses");
    if (keyword("NOT")) return "NOT (" + one(depth + 1) + ")";
    skip();
    if (at_ < text_.size() && text_[at_] == '(') {
      ++at_;
      std::string sql = any(depth + 1);
      skip();
      if (at_ == text_.size() || text_[at_] != ')') return fail("')'");
      ++at_;
      return sql;
    }
    return term();
  }
  // A word or a quoted text.
  std::string value(bool stop_at_colon, bool& quoted) {
    quoted = at_ < text_.size() && text_[at_] == '"';
    std::string out;
    if (quoted) {
      for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        out += text_[at_];
      }
      if (at_ == text_.size()) return fail("'\"' that ends the text");
      ++at_;
      return out;
    }
    while (at_ < text_.size() && !space(text_[at_]) && text_[at_] != '(' && text_[at_] != ')' && text_[at_] != '"' &&
           !(stop_at_colon && text_[at_] == ':')) {
      out += text_[at_++];
    }
    return out.empty() ? fail("a value") : out;
  }
  std::string term() {
    const std::size_t start = at_;
    bool quoted = false;
    const std::string name = value(true, quoted);
    if (failed_) return {};
    if (!quoted && (name == "AND" || name == "OR" || name == "NOT")) {
      at_ = start;
      return fail("a term");
    }
    if (quoted || at_ == text_.size() || text_[at_] != ':') {
      const std::string pattern = literal("%" + like_pattern(name, quoted) + "%");
      return "(message ILIKE " + pattern + " OR raw ILIKE " + pattern + ")";
    }
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '~' || text_[at_] == '[')) return fail("a value (one that begins with ~ or [ in quotes)");
    const auto field = std::ranges::find_if(fields_, [&](const SearchField& f) { return same(f.name, name); });
    if (field != fields_.end() && field->number) return number(field->column);
    const std::string wanted = value(false, quoted);
    if (failed_) return {};
    const std::size_t slash = wanted.find('/');
    if (!quoted && slash > 0 && slash != std::string::npos &&
        wanted.find_first_not_of("0123456789abcdefABCDEF.:") == slash && wanted.find_first_of(".:") < slash) {
      return fail("a single address; networks are not read (in quotes it is taken as text)");
    }
    const std::string pattern = literal(like_pattern(wanted, quoted));
    if (field == fields_.end()) {
      return "arrayExists((n, v) -> n ILIKE " + literal(like_pattern(name, true)) + " AND v ILIKE " + pattern +
             ", attributes.name, attributes.value)";
    }
    return !quoted && wanted == "*" ? field->column + " != ''" : field->column + " ILIKE " + pattern;
  }
  std::string number(const std::string& column) {
    const std::size_t start = at_;
    bool quoted = false;
    std::string wanted = value(false, quoted);
    if (failed_) return {};
    if (wanted == "*") return column + " != 0";
    std::string compare = "=";
    for (const char* sign : {">=", "<=", ">", "<"}) {
      if (!wanted.starts_with(sign)) continue;
      compare = sign;
      wanted.erase(0, compare.size());
      break;
    }
    if (wanted.empty() || wanted.size() > 18 || wanted.find_first_not_of("0123456789") != std::string::npos) {
      at_ = start;
      return fail("a whole number, with >=, <=, > or < before it if wanted");
    }
    return column + " " + compare + " " + wanted;
  }

  std::string_view text_;
  const std::vector<SearchField>& fields_;
  std::size_t at_ = 0;
  bool failed_ = false;
  SearchError error_;
};

}  // namespace

std::expected<std::string, SearchError> search_condition(std::string_view text, const std::vector<SearchField>& fields) {
  if (text.size() > kMaxSearchBytes) return std::unexpected(SearchError{kMaxSearchBytes, "at most 4096 bytes"});
  return Reader(text, fields).run();
}

}  // namespace tocsin::store
