#include "detect/sigma/modifiers.h"

#include <algorithm>

namespace tocsin::detect::sigma {
namespace {

// More than any sensible chain; each `base64` makes its value a third longer.
constexpr std::size_t kMaxChain = 8;

struct Known {
  std::string_view name;
  Modifier modifier;
};
constexpr Known kKnown[] = {
    {"contains", Modifier::kContains},
    {"endswith", Modifier::kEndsWith},
    {"startswith", Modifier::kStartsWith},
    {"all", Modifier::kAll},
    {"re", Modifier::kRe},
    {"windash", Modifier::kWindash},
    {"cidr", Modifier::kCidr},
    {"base64offset", Modifier::kBase64Offset},
    {"base64", Modifier::kBase64},
    {"fieldref", Modifier::kFieldRef},
    {"i", Modifier::kFlagI},
    {"m", Modifier::kFlagM},
    {"s", Modifier::kFlagS},
    {"expand", Modifier::kExpand},
    {"wide", Modifier::kUtf16Le},
    {"utf16le", Modifier::kUtf16Le},
    {"utf16be", Modifier::kUtf16Be},
    {"utf16", Modifier::kUtf16},
    {"cased", Modifier::kCased},
    {"exists", Modifier::kExists},
    {"neq", Modifier::kNeq},
    {"lt", Modifier::kLess},
    {"lte", Modifier::kLessEqual},
    {"gt", Modifier::kGreater},
    {"gte", Modifier::kGreaterEqual},
    {"minute", Modifier::kMinute},
    {"hour", Modifier::kHour},
    {"day", Modifier::kDay},
    {"week", Modifier::kWeek},
    {"month", Modifier::kMonth},
    {"year", Modifier::kYear},
};

struct Step {
  Modifier modifier;
  std::string_view name;
  std::size_t offset;
};

bool between(Modifier m, Modifier first, Modifier last) { return m >= first && m <= last; }
bool is_item_wide(Modifier m) { return m <= Modifier::kExpand; }
bool is_place(Modifier m) { return between(m, Modifier::kContains, Modifier::kEndsWith); }
bool is_compare(Modifier m) { return between(m, Modifier::kLess, Modifier::kGreaterEqual); }
bool is_time(Modifier m) { return between(m, Modifier::kMinute, Modifier::kYear); }
bool is_flag(Modifier m) { return m >= Modifier::kFlagI; }
bool is_type(Modifier m) { return between(m, Modifier::kRe, Modifier::kYear); }

Compare to_compare(Modifier m) {
  switch (m) {
    case Modifier::kLess: return Compare::kLess;
    case Modifier::kLessEqual: return Compare::kLessEqual;
    case Modifier::kGreater: return Compare::kGreater;
    default: return Compare::kGreaterEqual;
  }
}

Chain::Type to_type(Modifier m) {
  if (is_time(m)) return Chain::Type::kTimePart;
  if (is_compare(m)) return Chain::Type::kCompare;
  switch (m) {
    case Modifier::kRe: return Chain::Type::kRegex;
    case Modifier::kCidr: return Chain::Type::kCidr;
    case Modifier::kExists: return Chain::Type::kExists;
    default: return Chain::Type::kFieldRef;
  }
}

class ChainParser {
 public:
  ChainParser(const YamlNode& key, Report& report) : key_(key), report_(report) {}

  bool split(std::string_view text, std::size_t offset) {
    bool good = true;
    while (!text.empty()) {  // At '|'.
      const std::size_t end = std::min(text.find('|', 1), text.size());
      const std::string_view name = text.substr(1, end - 1);
      if (steps_.size() >= kMaxChain) {
        report_.error(place_in(key_, offset), "limit", "more than " + std::to_string(kMaxChain) + " modifiers", "use fewer");
        return false;
      }
      const auto* known = std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Known& k) { return k.name == name; });
      if (known == std::end(kKnown)) {
        unknown(name, offset + 1);
        good = false;
      } else {
        steps_.push_back({known->modifier, name, offset + 1});
      }
      offset += end;
      text.remove_prefix(end);
    }
    return good;
  }

  std::optional<Chain> check(bool keyword) {
    for (const Step& step : steps_) {
      if (is_item_wide(step.modifier))
        item_wide(step);
      else if (is_flag(step.modifier))
        flag(step);
      else if (is_type(step.modifier))
        type(step);
      else
        rewrite(step);
    }
    if (keyword) check_keyword();
    if (chain_.cased && chain_.type != Chain::Type::kText && chain_.type != Chain::Type::kFieldRef) {
      combination(steps_.front(), "cased goes with text and fieldref only; a regular expression is case-sensitive anyway");
    }
    if (!good_) return {};
    return chain_;
  }

 private:
  void fail(const Step& step, std::string code, std::string message, std::string hint) {
    report_.error(place_in(key_, step.offset), std::move(code), std::move(message), std::move(hint));
    good_ = false;
  }
  void combination(const Step& step, std::string hint) {
    fail(step, "modifier-combination",
         "the modifier '" + std::string(step.name) + "' cannot stand in '" + clip(key_.text) + "'", std::move(hint));
  }

  void unknown(std::string_view name, std::size_t offset) {
    std::vector<std::string_view> names;
    for (const Known& known : kKnown) names.push_back(known.name);
    std::string hint = did_you_mean(name, names);
    if (name == "ignorecase" || name == "multiline" || name == "dotall")
      hint = "the specification calls it '" +
             std::string(name == "ignorecase"  ? "i"
                         : name == "multiline" ? "m"
                                               : "s") +
             "'";
    if (name == "not" || name == "ne") hint = "use 'neq', or a selection with 'not' in the condition";
    if (hint.empty()) hint = "see the list of modifiers in docs/sigma.md";
    report_.error(place_in(key_, offset), "unknown-modifier", "there is no modifier '" + clip(name) + "'", std::move(hint));
  }

  void item_wide(const Step& step) {
    switch (step.modifier) {
      case Modifier::kAll: chain_.all = true; break;
      case Modifier::kNeq: chain_.neq = true; break;
      case Modifier::kCased: chain_.cased = true; break;
      default: chain_.expand = true;
    }
  }

  void flag(const Step& step) {
    if (chain_.type != Chain::Type::kRegex) {
      fail(step, "modifier-order", "'" + std::string(step.name) + "' must stand behind 're'",
           "write '|re|" + std::string(step.name) + "'");
    }
    chain_.flag_i |= step.modifier == Modifier::kFlagI;
    chain_.flag_m |= step.modifier == Modifier::kFlagM;
    chain_.flag_s |= step.modifier == Modifier::kFlagS;
  }

  void type(const Step& step) {
    const bool had_compare = chain_.type == Chain::Type::kCompare;
    const bool had_time = chain_.type == Chain::Type::kTimePart;
    const bool pair = (had_time && is_compare(step.modifier) && !chain_.compare) || (had_compare && is_time(step.modifier));
    if (!chain_.rewrites.empty()) {
      fail(step, "modifier-order", "'" + std::string(step.name) + "' must be the first modifier", "move it to the front");
    } else if (chain_.type != Chain::Type::kText && !pair) {
      combination(step,
                  "a value has one type: re, cidr, exists, fieldref, a comparison, or a part of time with a comparison");
    }
    if (is_compare(step.modifier)) chain_.compare = to_compare(step.modifier);
    if (is_time(step.modifier)) {
      chain_.time_part = static_cast<TimePart>(static_cast<int>(step.modifier) - static_cast<int>(Modifier::kMinute));
    }
    if (!(pair && had_time)) chain_.type = to_type(step.modifier);
  }

  void rewrite(const Step& step) {
    if (chain_.type == Chain::Type::kFieldRef && is_place(step.modifier)) {
      if (chain_.ref_mode != RefMode::kEquals) combination(step, "use one of contains, startswith, endswith");
      chain_.ref_mode = step.modifier == Modifier::kContains     ? RefMode::kContains
                        : step.modifier == Modifier::kStartsWith ? RefMode::kStartsWith
                                                                 : RefMode::kEndsWith;
      return;
    }
    if (chain_.type == Chain::Type::kRegex && is_place(step.modifier)) {
      combination(step, "a regular expression is searched anywhere in the value; anchor it with ^ and $");
    } else if (chain_.type != Chain::Type::kText) {
      combination(step, "it rewrites text, and the value is not text here");
    } else if (is_place(step.modifier) && std::any_of(chain_.rewrites.begin(), chain_.rewrites.end(), is_place)) {
      combination(step, "use one of contains, startswith, endswith");
    }
    chain_.rewrites.push_back(step.modifier);
  }

  void check_keyword() {
    for (const Step& step : steps_) {
      const bool needs_field = step.modifier == Modifier::kExists || step.modifier == Modifier::kFieldRef ||
                               is_compare(step.modifier) || is_time(step.modifier);
      if (needs_field || step.modifier == Modifier::kStartsWith || step.modifier == Modifier::kEndsWith) {
        fail(step, "modifier-combination", "'" + std::string(step.name) + "' needs a field name before the '|'",
             "a keyword is searched anywhere in the values of an event");
      }
    }
  }

  const YamlNode& key_;
  Report& report_;
  std::vector<Step> steps_;
  Chain chain_;
  bool good_ = true;
};

}  // namespace

std::optional<Chain> parse_chain(std::string_view text, const YamlNode& key, std::size_t offset, bool keyword,
                                 Report& report) {
  if (text.empty()) return Chain{};
  ChainParser parser(key, report);
  if (!parser.split(text, offset)) return {};
  return parser.check(keyword);
}

}  // namespace tocsin::detect::sigma
