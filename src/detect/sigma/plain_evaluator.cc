#include "detect/plain_evaluator.h"

#include <arpa/inet.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>

#include "core/time.h"
#include "core/unicode.h"
#include "detect/sigma/regex.h"

namespace tocsin::detect {
namespace {

using sigma::Expr;
using sigma::Leaf;
using sigma::Op;

std::vector<char32_t> code_points(std::string_view text, bool cased) {
  std::vector<char32_t> out;
  for (std::size_t pos = 0; pos < text.size();) {
    const char32_t code = core::next_code_point(text, pos);
    out.push_back(cased ? code : core::fold_code_point(code));
  }
  return out;
}

// A number in decimal: digits, a fraction, an exponent, a minus sign. Nothing around it.
std::optional<double> decimal(const std::string& text) {
  std::size_t i = !text.empty() && text[0] == '-' ? 1 : 0;
  const std::size_t first = i;
  while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
  if (i == first) return {};
  if (i < text.size() && text[i] == '.') {
    const std::size_t fraction = ++i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    if (i == fraction) return {};
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    const std::size_t exponent = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    if (i == exponent) return {};
  }
  if (i != text.size()) return {};
  double value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{})
    return {};  // Out of a double's range.
  return value;
}

// ISO 8601: the week of the year's first Thursday is week 1. In UTC.
int iso_week(const core::CivilTime& civil) {
  const std::int64_t day = core::days_from_civil(civil.year, civil.month, civil.day);
  const std::int64_t monday_based = (civil.weekday + 6) % 7;
  const std::int64_t thursday = day - monday_based + 3;
  const core::CivilTime of_thursday = core::to_civil({thursday * 86'400 * 1'000'000'000});
  return static_cast<int>((thursday - core::days_from_civil(of_thursday.year, 1, 1)) / 7) + 1;
}

bool matches_time(const Leaf& leaf, std::string_view value) {
  const auto time = core::parse_any_time(value);
  if (!time) return false;
  const core::CivilTime civil = core::to_civil(*time);
  double part = 0;
  switch (leaf.time_part) {
    case sigma::TimePart::kMinute: part = civil.minute; break;
    case sigma::TimePart::kHour: part = civil.hour; break;
    case sigma::TimePart::kDay: part = civil.day; break;
    case sigma::TimePart::kWeek: part = iso_week(civil); break;
    case sigma::TimePart::kMonth: part = civil.month; break;
    case sigma::TimePart::kYear: part = civil.year; break;
  }
  switch (leaf.compare) {
    case sigma::Compare::kEqual: return part == leaf.number;
    case sigma::Compare::kLess: return part < leaf.number;
    case sigma::Compare::kLessEqual: return part <= leaf.number;
    case sigma::Compare::kGreater: return part > leaf.number;
    case sigma::Compare::kGreaterEqual: return part >= leaf.number;
  }
  return false;
}

bool compare_text(sigma::RefMode mode, const std::vector<char32_t>& value, const std::vector<char32_t>& other) {
  const auto starts_at = [&](std::size_t at) {
    return at + other.size() <= value.size() &&
           std::equal(other.begin(), other.end(), value.begin() + static_cast<std::ptrdiff_t>(at));
  };
  switch (mode) {
    case sigma::RefMode::kEquals: return value == other;
    case sigma::RefMode::kStartsWith: return starts_at(0);
    case sigma::RefMode::kEndsWith: return value.size() >= other.size() && starts_at(value.size() - other.size());
    case sigma::RefMode::kContains:
      for (std::size_t at = 0; at + other.size() <= value.size(); ++at) {
        if (starts_at(at)) return true;
      }
      return false;
  }
  return false;
}

bool matches_field_ref(const Leaf& leaf, const PlainEvent& event) {
  for (const PlainField& field : event.fields) {
    if (field.name != leaf.field || field.type == model::ValueType::kNull) continue;
    for (const PlainField& other : event.fields) {
      if (other.name != leaf.text || other.type == model::ValueType::kNull) continue;
      if (compare_text(leaf.ref_mode, code_points(field.value, leaf.cased), code_points(other.value, leaf.cased)))
        return true;
    }
  }
  return false;
}

}  // namespace

struct PlainEvaluator::Regexes {
  std::map<std::string, std::unique_ptr<re2::RE2>> compiled;  // By flags and text.
};

PlainEvaluator::PlainEvaluator() : regexes_(std::make_unique<Regexes>()) {}
PlainEvaluator::~PlainEvaluator() = default;

PlainEvent to_plain_event(const model::Event& event) {
  PlainEvent out;
  for (const model::Field& field : event.fields()) {
    out.fields.push_back({std::string(event.name(field)), field.type, std::string(field.text)});
  }
  return out;
}

// reachable[j]: the pattern so far can end behind j code points of the value.
bool plain_glob(const sigma::Pattern& pattern, std::string_view value, bool cased) {
  const std::vector<char32_t> text = code_points(value, cased);
  std::vector<bool> reachable(text.size() + 1, false);
  reachable[0] = true;
  for (const sigma::PatternPart& part : pattern) {
    std::vector<bool> next(text.size() + 1, false);
    switch (part.kind) {
      case sigma::PatternPart::Kind::kAnyRun: {
        bool any = false;
        for (std::size_t j = 0; j <= text.size(); ++j) next[j] = any = any || reachable[j];
        break;
      }
      case sigma::PatternPart::Kind::kAnyOne:
        for (std::size_t j = 0; j < text.size(); ++j) next[j + 1] = reachable[j];
        break;
      case sigma::PatternPart::Kind::kLiteral: {
        const std::vector<char32_t> literal = code_points(part.text, cased);
        for (std::size_t j = 0; j + literal.size() <= text.size(); ++j) {
          if (reachable[j] && std::equal(literal.begin(), literal.end(), text.begin() + static_cast<std::ptrdiff_t>(j)))
            next[j + literal.size()] = true;
        }
      }
    }
    reachable = std::move(next);
  }
  return reachable[text.size()];
}

bool plain_in_network(const sigma::Cidr& cidr, std::string_view value) {
  const std::string text(value.substr(0, value.find('%')));  // Without a zone: fe80::1%eth0.
  std::uint8_t bytes[16] = {};
  bool v6 = text.find(':') != std::string::npos;
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string::npos || (!v6 && text.size() != value.size()))
    return false;
  if (inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes) != 1) return false;
  static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (v6 && !cidr.v6 && std::memcmp(bytes, kMapped, sizeof kMapped) == 0) {
    std::memmove(bytes, bytes + 12, 4);  // ::ffff:10.0.0.1 is 10.0.0.1.
    v6 = false;
  }
  if (v6 != cidr.v6) return false;
  for (unsigned bit = 0; bit < cidr.prefix_bits; ++bit) {
    if ((bytes[bit / 8] >> (7 - bit % 8) & 1) != (cidr.bytes[bit / 8] >> (7 - bit % 8) & 1)) return false;
  }
  return true;
}

bool PlainEvaluator::matches_regex(const Leaf& leaf, std::string_view value) {
  std::string key{leaf.flag_i ? 'i' : '-', leaf.flag_m ? 'm' : '-', leaf.flag_s ? 's' : '-'};
  auto& regex = regexes_->compiled[key + leaf.text];
  if (regex == nullptr) regex = sigma::compile_regex(leaf.text, {leaf.flag_i, leaf.flag_m, leaf.flag_s});
  return regex->ok() && re2::RE2::PartialMatch(re2::StringPiece(value.data(), value.size()), *regex);
}

bool PlainEvaluator::matches_value(const Leaf& leaf, const PlainField& field) {
  const auto number = decimal(field.value);
  switch (leaf.op) {
    case Op::kPattern: return plain_glob(leaf.pattern, field.value, leaf.cased);
    case Op::kRegex: return matches_regex(leaf, field.value);
    case Op::kCidr: return plain_in_network(leaf.cidr, field.value);
    case Op::kLess: return number && *number < leaf.number;
    case Op::kLessEqual: return number && *number <= leaf.number;
    case Op::kGreater: return number && *number > leaf.number;
    case Op::kGreaterEqual: return number && *number >= leaf.number;
    case Op::kTimePart: return matches_time(leaf, field.value);
    case Op::kFieldRef:
    case Op::kExists:
    case Op::kNull: return false;  // Not about one value: see match_leaf.
  }
  return false;
}

bool PlainEvaluator::match_leaf(const Leaf& leaf, const PlainEvent& event) {
  bool present = false, has_value = false;
  for (const PlainField& field : event.fields) {
    if (field.name != leaf.field) continue;
    present = true;
    if (field.type != model::ValueType::kNull) has_value = true;
  }
  if (leaf.op == Op::kExists) return present == leaf.exists;
  if (leaf.op == Op::kNull) return !has_value;
  if (leaf.op == Op::kFieldRef) return matches_field_ref(leaf, event);
  for (const PlainField& field : event.fields) {
    if (field.type == model::ValueType::kNull || (!leaf.keyword && field.name != leaf.field)) continue;
    if (matches_value(leaf, field)) return true;
  }
  return false;
}

bool PlainEvaluator::holds(const sigma::Rule& rule, const Expr& expr, const PlainEvent& event) {
  const auto child_holds = [&](const Expr& child) { return holds(rule, child, event); };
  switch (expr.kind) {
    case Expr::Kind::kTrue: return true;
    case Expr::Kind::kFalse: return false;
    case Expr::Kind::kAnd: return std::all_of(expr.children.begin(), expr.children.end(), child_holds);
    case Expr::Kind::kOr: return std::any_of(expr.children.begin(), expr.children.end(), child_holds);
    case Expr::Kind::kNot: return !child_holds(expr.children[0]);
    case Expr::Kind::kLeaf: return match_leaf(rule.leaves[expr.index], event);
    case Expr::Kind::kSelection: return child_holds(rule.selections[expr.index].expr);
  }
  return false;
}

bool PlainEvaluator::match(const sigma::Rule& rule, const PlainEvent& event) { return holds(rule, rule.condition, event); }

}  // namespace tocsin::detect
