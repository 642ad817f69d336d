#include "store/search_language.h"

#include <algorithm>
#include <cctype>

#include "core/text.h"
#include "store/search/search_value.h"

namespace tocsin::store {
namespace {

bool space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

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
  // A regular expression: a backslash stays, except before a quote.
  std::string pattern() {
    if (at_ == text_.size() || text_[at_] != '"') return fail("a regular expression in quotes");
    const std::size_t start = at_;
    std::string out;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        if (text_[++at_] != '"') out += '\\';
      }
      out += text_[at_];
    }
    if (at_ == text_.size()) return fail("'\"' that ends the regular expression");
    ++at_;
    if (const std::string problem = regex_problem(out); !problem.empty()) {
      at_ = start;
      return fail("a regular expression: " + problem);
    }
    return out;
  }
  std::string term() {
    if (++terms_ > kMaxSearchTerms) return fail("at most 256 terms");
    const std::size_t start = at_;
    bool quoted = false;
    const std::string name = value(true, quoted);
    if (failed_) return {};
    if (!quoted && (name == "AND" || name == "OR" || name == "NOT")) {
      at_ = start;
      return fail("a term");
    }
    if (at_ == text_.size() || text_[at_] != ':') return anywhere(name, quoted);
    ++at_;
    std::vector<const SearchField*> meant, native;
    for (const SearchField& field : fields_) {
      if (!quoted && !field.native && core::equal_ascii_case(field.name, name)) meant.push_back(&field);
      if (field.native && field.name == name) native.push_back(&field);
    }
    if (meant.empty()) {
      if (const std::string near = quoted || !native.empty() ? "" : nearest(name, fields_); !near.empty()) {
        at_ = start;
        return fail("'" + near + "', or the name in quotes if it is a field of the record's own");
      }
      const Value wanted = read_value(SearchKind::kText, true);
      return failed_ ? std::string() : own_field_condition(name, native, wanted);
    }
    const Value wanted = read_value(meant[0]->kind, false);
    if (failed_) return {};
    std::string sql;
    for (const SearchField* field : meant) {
      sql += (sql.empty() ? "" : " OR ") + column_condition(field->column, field->kind, wanted);
    }
    return meant.size() == 1 ? sql : "(" + sql + ")";
  }
  Value read_value(SearchKind kind, bool attribute) {
    Value out;
    if (at_ < text_.size() && text_[at_] == '~') {
      if (kind == SearchKind::kNumber) {
        fail("a number");
        return out;
      }
      ++at_;
      out.form = Value::kRegex;
      out.text = pattern();
      return out;
    }
    if (at_ < text_.size() && text_[at_] == '[') {
      if (kind != SearchKind::kNumber && !attribute) {
        fail("a value (one that begins with [ in quotes): only numbers have ranges");
        return out;
      }
      return range();
    }
    const std::size_t start = at_;
    out.text = value(false, out.quoted);
    if (failed_) return out;
    if (!out.quoted && out.text == "*") {
      out.form = Value::kPresent;
    } else if ((kind == SearchKind::kNumber || (attribute && !out.quoted && (out.text[0] == '<' || out.text[0] == '>')))) {
      if (!read_comparison(out) && kind == SearchKind::kNumber) {
        at_ = start;
        fail("a whole number, with >=, <=, > or < before it if wanted, or [1 TO 9]");
      }
    } else if (!out.quoted && (kind == SearchKind::kAddress || attribute)) {
      read_network(out);
      if (kind == SearchKind::kAddress && out.form != Value::kNetwork && out.text.find('/') != std::string::npos) {
        at_ = start;
        fail("an address or a network as 10.0.0.0/8 or 2001:db8::/32");
      }
    }
    return out;
  }
  // [1 TO 9]; * leaves an end open.
  Value range() {
    Value out;
    out.form = Value::kRange;
    ++at_;
    out.low = bound();
    if (!failed_ && !keyword("TO")) fail("TO");
    if (!failed_) out.high = bound();
    skip();
    if (!failed_ && (at_ == text_.size() || text_[at_] != ']')) fail("']'");
    if (!failed_) ++at_;
    return out;
  }
  std::string bound() {
    skip();
    const std::size_t start = at_;
    while (at_ < text_.size() && !space(text_[at_]) && text_[at_] != ']') ++at_;
    std::string out(text_.substr(start, at_ - start));
    if (out == "*") return "";
    if (is_whole_number(out)) return out;
    at_ = start;
    return fail("a whole number or *");
  }

  std::string_view text_;
  const std::vector<SearchField>& fields_;
  std::size_t at_ = 0, terms_ = 0;
  bool failed_ = false;
  SearchError error_;
};

}  // namespace

std::vector<SearchField> event_search_fields(const std::vector<NativeName>& natives) {
  std::vector<SearchField> out;
  for (const char* name : {"tenant",     "site",         "source",           "format",      "product",
                           "service",    "status",       "event_code",       "host",        "user",
                           "actor_user", "process_name", "process_cmd_line", "parent_name", "parent_cmd_line",
                           "file_path",  "registry_key", "domain",           "url",         "http_user_agent",
                           "message",    "raw"}) {
    out.push_back({name, name, SearchKind::kText});
  }
  for (const char* name : {"id", "class_uid", "activity_id", "severity_id", "process_pid", "src_port", "dst_port"}) {
    out.push_back({name, name, SearchKind::kNumber});
  }
  out.push_back({"port", "src_port", SearchKind::kNumber});
  out.push_back({"port", "dst_port", SearchKind::kNumber});
  for (const char* name : {"src_ip", "dst_ip"}) {
    out.push_back({name, name, SearchKind::kAddress});
    out.push_back({"ip", name, SearchKind::kAddress});
  }
  out.push_back({"hashes", "hashes", SearchKind::kHashes});
  out.push_back({"hash", "hashes", SearchKind::kHashes});
  out.push_back({"command", "process_cmd_line", SearchKind::kText});
  const std::size_t own = out.size();
  out.reserve(own + natives.size());
  for (const NativeName& native : natives) {
    const auto column = std::find_if(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(own),
                                     [&](const SearchField& field) { return field.name == native.column; });
    if (column == out.begin() + static_cast<std::ptrdiff_t>(own)) continue;
    const SearchKind kind = column->kind;
    out.push_back({native.name, native.column, kind, true});
  }
  return out;
}

std::expected<std::string, SearchError> search_condition(std::string_view text, const std::vector<SearchField>& fields) {
  if (text.size() > kMaxSearchBytes) return std::unexpected(SearchError{kMaxSearchBytes, "at most 4096 bytes"});
  if (const std::size_t bad = first_bad_byte(text); bad < text.size()) {
    return std::unexpected(SearchError{bad, "text in UTF-8 without NUL"});
  }
  return Reader(text, fields).run();
}

}  // namespace tocsin::store
