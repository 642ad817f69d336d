// One "field|modifiers: values" entry to leaves.
//
// Each value becomes a list of alternatives (more than one by windash, base64offset or a placeholder with several
// values); alternatives are joined by Or, values by Or, or And under `all`; `neq` negates the whole. For example
//   CommandLine|contains|windash|all: ['-a', 'b']
// becomes And(Or("*-a*", "*/a*", ...three more), "*b*").
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/unicode.h"
#include "detect/sigma/detection.h"
#include "detect/sigma/modifiers.h"
#include "detect/sigma/pattern.h"

namespace tocsin::detect::sigma {
namespace {

bool is_placeholder_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

// A piece of an `expand` value: text as written, or a placeholder's name.
struct Piece {
  bool placeholder = false;
  std::string text;
};

std::vector<Piece> split_placeholders(std::string_view text) {
  std::vector<Piece> out(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '%') {
      out.back().text.push_back(text[++i]);
    } else if (text[i] == '\\' && i + 1 < text.size()) {
      out.back().text.append(text.substr(i++, 2));
    } else if (text[i] == '%') {
      std::size_t end = i + 1;
      while (end < text.size() && is_placeholder_char(text[end])) ++end;
      if (end == text.size() || text[end] != '%' || end == i + 1) {
        out.back().text.push_back('%');
        continue;
      }
      out.push_back({true, std::string(text.substr(i + 1, end - i - 1))});
      out.push_back({});
      i = end;
    } else {
      out.back().text.push_back(text[i]);
    }
  }
  std::erase_if(out, [](const Piece& piece) { return piece.text.empty(); });
  return out;
}

class ItemParser {
 public:
  ItemParser(const YamlNode* key, LoadContext& context, Report& report, Detection& out)
      : key_(key), context_(context), report_(report), out_(out) {}

  Expr run(const YamlNode& value) {
    if (!read_key(value)) return {};
    std::vector<const YamlNode*> values;
    if (value.kind == YamlNode::Kind::kList)
      values = value.items;
    else
      values.push_back(&value);
    if (values.empty()) {
      report_.error(place_of(value), "empty-list", "the list of values is empty", "add a value; '' is the empty text");
      return {};
    }
    std::vector<Expr> parts;
    for (const YamlNode* one : values) {
      if (one->kind == YamlNode::Kind::kNull && !one->quoted && value.kind == YamlNode::Kind::kList) {
        report_.error(place_of(*one), "null-in-list", "null cannot be one of several values",
                      "make it a selection of its own and join it by 'or' in the condition");
        continue;
      }
      parts.push_back(parse_value(*one));
    }
    Expr all = join(chain_.all ? Expr::Kind::kAnd : Expr::Kind::kOr, std::move(parts));
    if (!chain_.neq) return all;
    Expr out;
    out.kind = Expr::Kind::kNot;
    out.children.push_back(std::move(all));
    return out;
  }

 private:
  bool read_key(const YamlNode& value) {
    if (key_ == nullptr) {
      leaf_.keyword = true;
      leaf_.shown_op = "keyword";
      place_ = place_of(value);
      return true;
    }
    place_ = place_of(*key_);
    if (key_->text.size() > kMaxNameBytes) {
      report_.error(place_, "limit",
                    "the field with its modifiers is longer than " + std::to_string(kMaxNameBytes) + " bytes", "");
      return false;
    }
    const std::string_view text = key_->text;
    const std::size_t pipe = std::min(text.find('|'), text.size());
    leaf_.shown_field = text.substr(0, pipe);
    leaf_.field = field_name(leaf_.shown_field, context_.options);
    leaf_.keyword = leaf_.field.empty();
    leaf_.shown_op = pipe < text.size() ? std::string(text.substr(pipe + 1)) : leaf_.keyword ? "keyword" : "equals";
    const auto chain = parse_chain(text.substr(pipe), *key_, pipe, leaf_.keyword, report_);
    if (!chain) return false;
    chain_ = *chain;
    return true;
  }

  Expr wrong_type(const YamlNode& value, std::string_view expected, std::string hint) {
    report_.error(place_of(value), "wrong-type", "expected " + std::string(expected) + ", found " + describe(value),
                  std::move(hint));
    return {};
  }

  Expr parse_value(const YamlNode& value) {
    if (!value.is_scalar())
      return wrong_type(value, "text, a number, true, false or null", "values are scalars or one list of them");
    shown_ = clip(value.text, kMaxShownBytes);
    const bool null = value.kind == YamlNode::Kind::kNull && !value.quoted;
    if (null) return null_value(value);
    switch (chain_.type) {
      case Chain::Type::kExists: return exists(value);
      case Chain::Type::kCompare:
      case Chain::Type::kTimePart: return number(value);
      default: break;
    }
    const bool needs_text =
        chain_.type != Chain::Type::kText || chain_.expand ||
        std::any_of(chain_.rewrites.begin(), chain_.rewrites.end(), [](Modifier m) { return m > Modifier::kEndsWith; });
    if (needs_text && value.kind != YamlNode::Kind::kText) return wrong_type(value, "text", "put the value in quotes");
    switch (chain_.type) {
      case Chain::Type::kRegex:
        return raw_alternatives(value, [this](const YamlNode& v, std::string text) { return regex(v, std::move(text)); });
      case Chain::Type::kCidr:
        return raw_alternatives(value, [this](const YamlNode& v, std::string text) { return cidr(v, std::move(text)); });
      case Chain::Type::kFieldRef:
        return raw_alternatives(value,
                                [this](const YamlNode& v, std::string text) { return field_ref(v, std::move(text)); });
      default: return text(value);
    }
  }

  Expr null_value(const YamlNode& value) {
    if (leaf_.keyword) return wrong_type(value, "a keyword", "null needs a field");
    if (chain_.type != Chain::Type::kText || !chain_.rewrites.empty() || chain_.expand) {
      return wrong_type(value, "a value that the modifiers can work on",
                        "null goes with 'neq' only; write '' for the empty text");
    }
    leaf_.shown_value = "null";
    return add(Op::kNull);
  }

  Expr exists(const YamlNode& value) {
    if (value.kind != YamlNode::Kind::kBool)
      return wrong_type(value, "true or false", "write 'exists: true' without quotes");
    leaf_.exists = value.text[0] == 't' || value.text[0] == 'T';
    leaf_.shown_value = shown_;
    return add(Op::kExists);
  }

  Expr number(const YamlNode& value) {
    if (value.kind != YamlNode::Kind::kNumber) return wrong_type(value, "a number", "write it without quotes, in decimal");
    std::string_view digits = value.text;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    double parsed = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed);
    if (error != std::errc{} || end != digits.data() + digits.size() || !std::isfinite(parsed)) {
      return wrong_type(value, "a number within the range of a double", "");
    }
    leaf_.number = parsed;
    leaf_.shown_value = shown_;
    if (chain_.type == Chain::Type::kTimePart) return time_part(value);
    switch (*chain_.compare) {
      case Compare::kLess: return add(Op::kLess);
      case Compare::kLessEqual: return add(Op::kLessEqual);
      case Compare::kGreater: return add(Op::kGreater);
      default: return add(Op::kGreaterEqual);
    }
  }

  Expr time_part(const YamlNode& value) {
    static constexpr struct {
      double low, high;
    } kRanges[] = {{0, 59}, {0, 23}, {1, 31}, {1, 53}, {1, 12}, {1677, 2262}};
    const auto& range = kRanges[static_cast<std::size_t>(chain_.time_part)];
    leaf_.time_part = chain_.time_part;
    leaf_.compare = chain_.compare.value_or(Compare::kEqual);
    if (leaf_.compare == Compare::kEqual &&
        (leaf_.number < range.low || leaf_.number > range.high || leaf_.number != std::floor(leaf_.number))) {
      report_.error(place_of(value), "value-range",
                    "expected a whole number from " + std::to_string(static_cast<int>(range.low)) + " to " +
                        std::to_string(static_cast<int>(range.high)) + ", found " + clip(value.text),
                    "no time has that part");
      return {};
    }
    return add(Op::kTimePart);
  }

  // How many alternatives of `bytes` each may still be made.
  [[nodiscard]] std::size_t room(std::size_t bytes) const {
    const std::size_t leaves = kMaxLeavesPerRule - std::min(kMaxLeavesPerRule, out_.leaves.size());
    return std::min(leaves, (kMaxLeafBytes - std::min(kMaxLeafBytes, out_.leaf_bytes)) / (bytes + 1));
  }

  // Each is an expression of its own to compile: thousands from a few placeholders would hold up the start.
  bool too_many_expressions(std::size_t more) const {
    const auto have =
        std::count_if(out_.leaves.begin(), out_.leaves.end(), [](const auto& l) { return l.op == Op::kRegex; });
    return static_cast<std::size_t>(have) + more > kMaxExpandedRegexesPerRule;
  }

  bool too_many(Place place) {
    report_.error(place, "limit",
                  "the modifiers give more than " + std::to_string(kMaxLeavesPerRule) + " patterns, or too much text",
                  "write fewer dashes under windash, fewer values or shorter ones");
    return false;
  }

  const std::vector<std::string>* variable(const YamlNode& value, const std::string& name) {
    const auto found = context_.options.variables.find(name);
    if (found != context_.options.variables.end() && !found->second.empty()) return &found->second;
    report_.error(place_of(value), "placeholder-unresolved", "there is no value for the placeholder %" + clip(name) + "%",
                  "give its values with --vars FILE");
    return nullptr;
  }

  // The value with its placeholders replaced, one T for each combination; `literal` and `given` make the pieces.
  template <class T, class Literal, class Given, class Append>
  bool expand(const YamlNode& value, std::vector<T>& out, Literal literal, Given given, Append append) {
    out.assign(1, T{});
    std::size_t bytes = 0;
    for (const Piece& piece : split_placeholders(value.text)) {
      if (!piece.placeholder) {
        bytes += piece.text.size();
        for (T& one : out) append(one, literal(piece.text));
        continue;
      }
      const auto* values = variable(value, piece.text);
      if (values == nullptr) return false;
      std::size_t longest = 0;
      for (const std::string& text : *values) longest = std::max(longest, text.size());
      bytes += longest;
      if (out.size() * values->size() > room(bytes)) return too_many(place_of(value));
      std::vector<T> next;
      for (const T& one : out) {
        for (const std::string& text : *values) {
          next.push_back(one);
          append(next.back(), given(text));
        }
      }
      out = std::move(next);
    }
    return true;
  }

  template <class Make>
  Expr raw_alternatives(const YamlNode& value, Make make) {
    if (!chain_.expand) return make(value, value.text);
    std::vector<std::string> texts;
    const bool quote = chain_.type == Chain::Type::kRegex;
    const bool good = expand(
        value, texts, [](const std::string& text) { return text; },
        [quote](const std::string& text) { return quote ? re2::RE2::QuoteMeta(text) : text; },
        [](std::string& to, const std::string& more) { to += more; });
    if (!good) return {};
    if (quote && texts.size() > 1 && too_many_expressions(texts.size())) {
      report_.error(place_of(value), "limit",
                    "the placeholders give more than " + std::to_string(kMaxExpandedRegexesPerRule) +
                        " regular expressions in one rule",
                    "use fewer placeholders a value, or write the alternatives as one expression: (a|b)");
      return {};
    }
    std::vector<Expr> parts;
    for (std::string& text : texts) parts.push_back(make(value, std::move(text)));
    return join(Expr::Kind::kOr, std::move(parts));
  }

  Expr regex(const YamlNode& value, std::string text) {
    const RegexCheck& check = context_.regexes.check(text, {chain_.flag_i, chain_.flag_m, chain_.flag_s});
    if (!check.ok) {
      report_.error(place_in(value, text == value.text ? check.offset : 0), check.code, check.message, check.hint);
      return {};
    }
    leaf_.flag_i = chain_.flag_i;
    leaf_.flag_m = chain_.flag_m;
    leaf_.flag_s = chain_.flag_s;
    leaf_.shown_value = shown_;
    leaf_.text = std::move(text);
    return add(Op::kRegex);
  }

  Expr cidr(const YamlNode& value, std::string text) {
    const auto parsed = parse_cidr(text);
    if (!parsed.ok()) {
      report_.error(place_of(value), "cidr-syntax", "'" + clip(text) + "': " + parsed.error().text,
                    "write the network's own address before the slash");
      return {};
    }
    leaf_.cidr = parsed.value();
    leaf_.shown_value = shown_;
    return add(Op::kCidr);
  }

  Expr field_ref(const YamlNode& value, std::string text) {
    const Pattern pattern = parse_pattern(text);
    const std::string name = plain_text(pattern);
    if (has_wildcard(pattern) || name.empty() || name.size() > kMaxNameBytes) {
      return wrong_type(value, "a field's name", "fieldref compares with one field; names hold no wildcards");
    }
    leaf_.text = field_name(name, context_.options);
    leaf_.ref_mode = chain_.ref_mode;
    leaf_.cased = chain_.cased;
    leaf_.shown_value = shown_;
    return add(Op::kFieldRef);
  }

  Expr text(const YamlNode& value) {
    std::vector<Pattern> patterns;
    if (chain_.expand) {
      const bool good = expand(value, patterns, parse_pattern, parse_pattern, [](Pattern& to, const Pattern& more) {
        for (const PatternPart& part : more) {
          if (part.kind == PatternPart::Kind::kAnyRun)
            add_trailing_run(to);
          else if (part.kind == PatternPart::Kind::kLiteral && !to.empty() && to.back().kind == part.kind)
            to.back().text += part.text;
          else
            to.push_back(part);
        }
      });
      if (!good) return {};
    } else {
      std::string_view written = value.text;
      if (value.kind == YamlNode::Kind::kNumber && written.starts_with('+')) written.remove_prefix(1);
      patterns.push_back(parse_pattern(written));
      if (value.kind == YamlNode::Kind::kBool) patterns.back() = literal_pattern(core::fold_utf8(value.text));
    }
    for (const Modifier modifier : chain_.rewrites) {
      if (!rewrite(modifier, value, patterns)) return {};
    }
    std::vector<Expr> parts;
    for (Pattern& pattern : patterns) {
      if (!finish(pattern, value)) return {};
      parts.push_back(add_pattern(std::move(pattern), value));
    }
    return join(Expr::Kind::kOr, std::move(parts));
  }

  bool rewrite(Modifier modifier, const YamlNode& value, std::vector<Pattern>& patterns) {
    switch (modifier) {
      case Modifier::kWindash: return apply_windash(value, patterns);
      case Modifier::kBase64:
      case Modifier::kBase64Offset: return apply_base64(modifier, value, patterns);
      default: break;
    }
    for (Pattern& pattern : patterns) {
      if (modifier == Modifier::kContains || modifier == Modifier::kEndsWith) add_leading_run(pattern);
      if (modifier == Modifier::kContains || modifier == Modifier::kStartsWith) add_trailing_run(pattern);
      if (modifier == Modifier::kUtf16Le) pattern = to_utf16(pattern, Utf16::kLittle);
      if (modifier == Modifier::kUtf16Be) pattern = to_utf16(pattern, Utf16::kBig);
      if (modifier == Modifier::kUtf16) pattern = to_utf16(pattern, Utf16::kLittleWithMark);
    }
    return true;
  }

  bool apply_windash(const YamlNode& value, std::vector<Pattern>& patterns) {
    std::vector<Pattern> next;
    for (const Pattern& pattern : patterns) {
      const std::size_t left = room(length_bytes(pattern) * 2);
      auto variants = windash(pattern, left - std::min(left, next.size()));
      if (!variants) return too_many(place_of(value));
      std::move(variants->begin(), variants->end(), std::back_inserter(next));
    }
    patterns = std::move(next);
    return true;
  }

  bool apply_base64(Modifier modifier, const YamlNode& value, std::vector<Pattern>& patterns) {
    std::vector<Pattern> next;
    for (const Pattern& pattern : patterns) {
      if (has_wildcard(pattern)) {
        report_.error(place_of(value), "base64-wildcard", "a value with wildcards has no base64 form",
                      "escape it (\\*), and write contains behind base64offset, not before");
        return false;
      }
      if (length_bytes(pattern) * 2 > kMaxLeafBytes || patterns.size() * 3 > room(length_bytes(pattern) * 2))
        return too_many(place_of(value));
      const std::string bytes = plain_text(pattern);
      if (modifier == Modifier::kBase64) {
        next.push_back(literal_pattern(base64(bytes)));
        continue;
      }
      for (const std::string& variant : base64_offsets(bytes)) {
        if (variant.empty()) {
          report_.error(place_of(value), "base64-short",
                        "the value is too short: one of its three encodings has no fixed part",
                        "use a value of two bytes or more");
          return false;
        }
        next.push_back(literal_pattern(variant));
      }
    }
    patterns = std::move(next);
    return true;
  }

  bool finish(Pattern& pattern, const YamlNode& value) {
    for (const PatternPart& part : pattern) {
      if (!core::is_valid_utf8(part.text)) {
        report_.error(place_of(value), "not-text", "the modifiers give bytes that are not text, which no value can hold",
                      "write base64offset|contains behind the UTF-16 modifier");
        return false;
      }
    }
    if (!leaf_.keyword) return true;
    if (pattern.empty() || (pattern.size() == 1 && pattern[0].kind == PatternPart::Kind::kAnyRun)) {
      report_.error(place_of(value), "empty-keyword", "an empty keyword matches every event", "write the text to search");
      return false;
    }
    add_leading_run(pattern);
    add_trailing_run(pattern);
    return true;
  }

  Expr add_pattern(Pattern pattern, const YamlNode& value) {
    out_.leaf_bytes += length_bytes(pattern);
    if (out_.leaf_bytes > kMaxLeafBytes) {
      too_many(place_of(value));
      return {};
    }
    leaf_.cased = chain_.cased;
    leaf_.shown_value = shown_;
    leaf_.pattern = std::move(pattern);
    return add(Op::kPattern);
  }

  Expr add(Op op) {
    if (out_.leaves.size() >= kMaxLeavesPerRule || context_.leaf_total >= kMaxLeavesPerSet) {
      if (!report_.failed()) too_many(place_);
      return {};
    }
    ++context_.leaf_total;
    leaf_.op = op;
    if (out_.leaves.empty()) out_.leaves.reserve(8);
    Leaf& leaf = out_.leaves.emplace_back();
    Pattern pattern = std::move(leaf_.pattern);
    leaf = leaf_;
    leaf.pattern = std::move(pattern);
    return leaf_expr(out_.leaves.size() - 1);
  }

  const YamlNode* key_;
  LoadContext& context_;
  Report& report_;
  Detection& out_;
  Place place_;
  Chain chain_;
  Leaf leaf_;  // What all leaves of the item share.
  std::string shown_;
};

}  // namespace

Expr parse_item(const YamlNode* key, const YamlNode& value, LoadContext& context, Report& report, Detection& out) {
  return ItemParser(key, context, report, out).run(value);
}

}  // namespace tocsin::detect::sigma
