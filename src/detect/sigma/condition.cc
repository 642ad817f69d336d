#include "detect/sigma/condition.h"

#include <algorithm>
#include <unordered_map>

#include "detect/sigma/report.h"

namespace tocsin::detect::sigma {
namespace {

struct Token {
  enum class Kind : std::uint8_t { kWord, kOpen, kClose, kEnd } kind = Kind::kEnd;
  std::string_view text;
  std::size_t offset = 0;
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::vector<Token> split(std::string_view text) {
  std::vector<Token> out;
  for (std::size_t i = 0; i < text.size();) {
    if (is_space(text[i])) {
      ++i;
    } else if (text[i] == '(' || text[i] == ')') {
      out.push_back({text[i] == '(' ? Token::Kind::kOpen : Token::Kind::kClose, text.substr(i, 1), i});
      ++i;
    } else {
      const std::size_t start = i;
      while (i < text.size() && !is_space(text[i]) && text[i] != '(' && text[i] != ')') ++i;
      out.push_back({Token::Kind::kWord, text.substr(start, i - start), start});
    }
  }
  out.push_back({Token::Kind::kEnd, "", text.size()});
  return out;
}

bool same_word(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b;
         });
}

// `*` stands for any run. Greedy with one point to return to.
bool name_matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, star_n = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_n = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_n;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

class Parser {
 public:
  Parser(std::string_view text, const std::vector<std::string_view>& names, std::vector<bool>& used)
      : tokens_(split(text)), names_(names), used_(used) {
    for (std::size_t i = 0; i < names.size(); ++i) by_name_.emplace(names[i], static_cast<std::uint32_t>(i));
  }

  ParsedCondition run() {
    ParsedCondition out;
    out.expr = parse_or(0);
    if (!problem_ && peek().kind != Token::Kind::kEnd) unexpected(peek());
    out.problem = std::move(problem_);
    return out;
  }

 private:
  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(next_ + ahead, tokens_.size() - 1)];
  }
  [[nodiscard]] bool at_word(std::string_view lower) const {
    return peek().kind == Token::Kind::kWord && same_word(peek().text, lower);
  }

  Expr fail(std::size_t offset, std::string code, std::string message, std::string hint) {
    if (!problem_) problem_ = ConditionProblem{offset, std::move(code), std::move(message), std::move(hint)};
    next_ = tokens_.size() - 1;
    return {};
  }

  Expr unexpected(const Token& token) {
    const std::string shown = token.kind == Token::Kind::kEnd ? "the end" : "'" + clip(token.text) + "'";
    if (token.text.find('|') != std::string_view::npos) return pipe(token);
    if (token.kind == Token::Kind::kClose) {
      return fail(token.offset, "condition-syntax", "a ')' that closes nothing, or stands where a name was expected",
                  "check the parentheses");
    }
    return fail(token.offset, "condition-syntax", "expected 'and', 'or' or the end, found " + shown,
                "names are joined by 'and' or 'or'");
  }

  Expr pipe(const Token& token) {
    return fail(token.offset + token.text.find('|'), "condition-aggregation",
                "aggregations behind '|' were removed from Sigma",
                "write a correlation rule (type event_count, value_count or temporal) that refers to this rule");
  }

  Expr join(Expr::Kind kind, std::vector<Expr> parts) {
    if (parts.size() == 1) return std::move(parts.front());
    if ((node_count_ += 1) > kMaxConditionNodes) return too_large();
    Expr out;
    out.kind = kind;
    out.children = std::move(parts);
    return out;
  }

  Expr too_large() {
    return fail(peek().offset, "limit", "the condition has more than " + std::to_string(kMaxConditionNodes) + " parts",
                "use fewer selections");
  }

  Expr parse_or(std::size_t depth) {
    std::vector<Expr> parts;
    parts.push_back(parse_and(depth));
    while (!problem_ && at_word("or")) {
      ++next_;
      parts.push_back(parse_and(depth));
    }
    return problem_ ? Expr{} : join(Expr::Kind::kOr, std::move(parts));
  }

  Expr parse_and(std::size_t depth) {
    std::vector<Expr> parts;
    parts.push_back(parse_not(depth));
    while (!problem_ && at_word("and")) {
      ++next_;
      parts.push_back(parse_not(depth));
    }
    return problem_ ? Expr{} : join(Expr::Kind::kAnd, std::move(parts));
  }

  Expr parse_not(std::size_t depth) {
    if (depth > kMaxConditionDepth) {
      return fail(peek().offset, "limit",
                  "the condition nests deeper than " + std::to_string(kMaxConditionDepth) + " levels",
                  "use fewer parentheses");
    }
    if (!at_word("not")) return parse_primary(depth);
    ++next_;
    Expr inner = parse_not(depth + 1);
    if (problem_) return {};
    if ((node_count_ += 1) > kMaxConditionNodes) return too_large();
    Expr out;
    out.kind = Expr::Kind::kNot;
    out.children.push_back(std::move(inner));
    return out;
  }

  Expr parse_primary(std::size_t depth) {
    const Token token = peek();
    if (token.kind == Token::Kind::kOpen) {
      ++next_;
      Expr inner = parse_or(depth + 1);
      if (problem_) return {};
      if (peek().kind != Token::Kind::kClose) {
        if (peek().kind == Token::Kind::kWord) return unexpected(peek());
        return fail(token.offset, "condition-syntax", "this '(' is not closed", "add ')'");
      }
      ++next_;
      return inner;
    }
    if (token.kind != Token::Kind::kWord || at_word("and") || at_word("or")) {
      const std::string shown = token.kind == Token::Kind::kEnd ? "the end" : "'" + clip(token.text) + "'";
      return fail(token.offset, "condition-syntax", "expected a selection's name, found " + shown,
                  "write a name, '1 of name*', 'all of name*' or a part in parentheses");
    }
    if (peek(1).kind == Token::Kind::kWord && same_word(peek(1).text, "of")) return parse_of();
    ++next_;
    return name(token);
  }

  Expr selection(std::uint32_t index) {
    if ((node_count_ += 1) > kMaxConditionNodes) return too_large();
    used_[index] = true;
    Expr out;
    out.kind = Expr::Kind::kSelection;
    out.index = index;
    return out;
  }

  Expr name(const Token& token) {
    const auto found = by_name_.find(token.text);
    if (found != by_name_.end()) return selection(found->second);
    if (token.text.find('|') != std::string_view::npos) return pipe(token);
    if (token.text.find('*') != std::string_view::npos) {
      return fail(token.offset, "condition-syntax",
                  "the pattern '" + clip(token.text) + "' needs '1 of' or 'all of' before it",
                  "write '1 of " + clip(token.text) + "'");
    }
    std::string hint = did_you_mean(token.text, names_);
    if (hint.empty()) hint = available();
    return fail(token.offset, "unknown-selection", "there is no selection '" + clip(token.text) + "'", std::move(hint));
  }

  [[nodiscard]] std::string available() const {
    std::string out = "the detection has: ";
    for (std::size_t i = 0; i < names_.size() && i < 8; ++i) out += (i == 0 ? "" : ", ") + clip(names_[i], 40);
    return out + (names_.size() > 8 ? ", ..." : "");
  }

  Expr parse_of() {
    const Token how = peek();
    const bool any = at_word("1") || at_word("any");
    const bool all = at_word("all");
    if (!any && !all) {
      return fail(how.offset, "condition-quantifier", "'" + clip(how.text) + " of' is not in Sigma",
                  "only '1 of', 'any of' and 'all of' exist; count events with a correlation rule");
    }
    next_ += 2;
    const Token pattern = peek();
    if (pattern.kind != Token::Kind::kWord) {
      return fail(pattern.offset, "condition-syntax", "expected a name pattern or 'them' behind 'of'",
                  "write '1 of selection*'");
    }
    ++next_;
    const bool them = same_word(pattern.text, "them");
    std::vector<Expr> parts;
    for (std::size_t i = 0; i < names_.size() && !problem_; ++i) {
      const bool hidden = names_[i].starts_with('_') && (them || !pattern.text.starts_with('_'));
      if (!hidden && (them || name_matches(pattern.text, names_[i])))
        parts.push_back(selection(static_cast<std::uint32_t>(i)));
    }
    if (problem_) return {};
    if (parts.empty()) {
      if (pattern.text.find('|') != std::string_view::npos) return pipe(pattern);
      return fail(pattern.offset, "unknown-selection", "no selection matches '" + clip(pattern.text) + "'", available());
    }
    return join(all ? Expr::Kind::kAnd : Expr::Kind::kOr, std::move(parts));
  }

  std::vector<Token> tokens_;
  const std::vector<std::string_view>& names_;
  std::vector<bool>& used_;
  std::unordered_map<std::string_view, std::uint32_t> by_name_;
  std::size_t next_ = 0;
  std::size_t node_count_ = 0;
  std::optional<ConditionProblem> problem_;
};

}  // namespace

ParsedCondition parse_condition(std::string_view text, const std::vector<std::string_view>& names, std::vector<bool>& used) {
  if (text.size() > kMaxConditionBytes) {
    ParsedCondition out;
    out.problem =
        ConditionProblem{0, "limit", "the condition is longer than " + std::to_string(kMaxConditionBytes) + " bytes",
                         "use '1 of' and 'all of' with patterns"};
    return out;
  }
  return Parser(text, names, used).run();
}

bool is_reserved_name(std::string_view name) {
  return same_word(name, "and") || same_word(name, "or") || same_word(name, "not");
}

}  // namespace tocsin::detect::sigma
