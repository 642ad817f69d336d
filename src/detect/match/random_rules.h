// For tests: random Sigma rules as YAML, and random events that come close to matching them.
//
// Values are made from few pieces, so that texts overlap; what rules look for is remembered, and events are made from it
// by changing case, adding wide characters, cutting and joining. Some rules are refused by the loader: that is fine.
#pragma once
#include <random>
#include <string>
#include <vector>

#include "detect/plain_evaluator.h"

namespace tocsin::detect {

class RandomRules {
 public:
  explicit RandomRules(std::uint64_t seed) : random_(seed) {}

  std::string rule(std::size_t number, const std::vector<std::string>& sources) {
    std::string out =
        "title: rule" + std::to_string(number) + "\nlogsource: " + sources[below(sources.size())] + "\ndetection:\n";
    const std::size_t selections = 1 + below(4);
    for (std::size_t i = 0; i < selections; ++i) out += "  sel" + std::to_string(i) + ":\n" + selection();
    out += "  condition: " + condition(selections, 0) + "\n";
    return out;
  }

  PlainEvent event() {
    PlainEvent out;
    for (std::size_t i = 1 + below(7); i > 0; --i) {
      const std::string field = event_field();
      for (std::size_t n = below(6) == 0 ? 1 + below(3) : 1; n > 0; --n) {
        if (below(12) == 0)
          out.fields.push_back({field, model::ValueType::kNull, ""});
        else
          out.fields.push_back({field, model::ValueType::kText, event_value(field)});
      }
    }
    return out;
  }

  void forget() { literals_.clear(); }
  std::size_t below(std::size_t limit) { return random_() % limit; }

 private:
  static std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
    return out + "'";
  }
  template <std::size_t kSize>
  std::string one_of(const char* const (&list)[kSize]) {
    return list[below(kSize)];
  }

  std::string rule_field() { return one_of({"A", "A", "B", "B", "C", "D E", "EventID", "Channel"}); }
  std::string event_field() {
    return one_of({"A", "A", "B", "B", "C", "DE", "EventID", "Channel", "MA", "MB", "MC", "Other"});
  }
  std::string piece() {
    return one_of({"cmd", ".exe", "\\", " ", " -", "/",  "é",       "É",    "\xE2\x84\xAA",
                   "k",   "ſ",    "s",  "ß", "x",  "ab", "Windows", "mimi", "katz",
                   "0",   "1",    "İ",  "𝒳", "Σ",  "ς",  "a",       "aa",   "aab",
                   "\n",  "--",   "%",  "–"});
  }
  std::string plain_text() {
    std::string out;
    for (std::size_t i = 1 + below(4); i > 0; --i) out += piece();
    return out;
  }
  // With wildcards and escapes at times.
  std::string pattern() {
    std::string out;
    std::string held;
    for (std::size_t i = 1 + below(4); i > 0; --i) {
      const std::string text = piece() == "\n" ? "a" : plain_text().substr(0, 1 + below(12));
      std::string clean;
      for (const char c : text) clean += c == '\n' ? ' ' : c;
      clean = whole(clean);
      out += clean;
      held += clean;
      const std::size_t kind = below(9);
      if (kind == 0) out += "*", held += plain_text();
      if (kind == 1) out += "?", held += one_of({"x", "é", "\n", "𝒳"});
      if (kind == 2) out += one_of({"\\*", "\\?", "\\\\"});
      if (kind == 2) held += one_of({"*", "?", "\\"});
      if (below(2) == 0) break;
    }
    literals_.push_back(held);
    return out;
  }
  // Without the torn character at the end.
  static std::string whole(std::string text) {
    std::size_t at = text.size();
    while (at > 0 && (static_cast<unsigned char>(text[at - 1]) & 0xC0) == 0x80) --at;
    if (at == 0) return text;
    const auto lead = static_cast<unsigned char>(text[at - 1]);
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (at - 1 + length != text.size()) text.resize(at - 1);
    return text;
  }
  std::string list(const std::vector<std::string>& values) {
    if (values.size() == 1 && below(2) == 0) return values[0];
    std::string out = "[";
    for (std::size_t i = 0; i < values.size(); ++i) out += (i == 0 ? "" : ", ") + values[i];
    return out + "]";
  }
  std::string patterns(std::size_t most) {
    std::vector<std::string> values;
    for (std::size_t i = 1 + below(most); i > 0; --i) values.push_back(quoted(pattern()));
    return list(values);
  }
  std::string regex() {
    std::string out = below(5) == 0 ? "(?i)" : "";
    std::string held;
    for (std::size_t i = 1 + below(5); i > 0; --i) {
      const std::string atom =
          one_of({"a",       "ab",  "k",   "x",   "s", "\\.",  "\\\\", ".",      "[a-k]", "[^x]", "(ab|x)",
                  "(?:cmd)", "\\d", "\\w", "\\s", "é", "mimi", "a{2}", "(a|b)?", "\\x41", "\\b"});
      out += atom + one_of({"", "", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,}", "+?", "??"});
      held += one_of({"a", "ab", "k", "x", "aa", "cmd", ".", "\\", "1", " ", "é", "mimi", "A", "K"});
    }
    if (below(8) == 0) out += "|" + piece();
    if (below(8) == 0) out = "^" + out;
    if (below(8) == 0) out += "$";
    literals_.push_back(held);
    std::string clean;
    for (const char c : out) clean += c == '\n' ? ' ' : c;
    return clean;
  }

  std::string special_value(const std::string& field, std::string& modifiers) {
    switch (below(12)) {
      case 0: modifiers = "|re" + one_of({"", "|i", "|m", "|s", "|i|s"}); return quoted(regex());
      case 1: modifiers = "|re|all"; return list({quoted(regex()), quoted(regex())});
      case 2:
        modifiers = "|cidr";
        literals_.insert(literals_.end(),
                         {"10.1.2.3", "::ffff:10.1.2.3", "fe80::1%eth0", "10.1.2.3%eth0", "2001:db8::7", "10.1.2.3:80"});
        return quoted(one_of({"10.0.0.0/8", "10.1.2.3", "fe80::/10", "::/0", "2001:db8::/32", "0.0.0.0/0", "10.1.2.0/30"}));
      case 3: modifiers = "|exists"; return one_of({"true", "false"});
      case 4: return "null";
      case 5:
        modifiers = one_of({"|gt", "|gte", "|lt", "|lte"});
        literals_.insert(literals_.end(), {"5", "-1.5", "5.", ".5", "1e3", "0x10", "+5", "inf", " 5", "1e999", "007"});
        return one_of({"5", "-1.5", "0", "1000", "4.5"});
      case 6:
        modifiers = "|fieldref" + one_of({"", "|contains", "|startswith", "|endswith", "|cased", "|neq"});
        return quoted(field == "A" ? "B" : "A");
      case 7:
        modifiers = one_of({"|base64", "|base64offset|contains", "|wide|base64offset|contains", "|utf16be|base64|contains"});
        literals_.insert(literals_.end(), {"Y21k", "Y21kLmV4ZQ==", "xxY21kyy", "YwBtAGQA", "AGMAbQBk"});
        return quoted(one_of({"cmd", "cmd.exe", "mimikatz"}));
      case 8:
        modifiers = one_of({"|hour", "|day", "|week", "|month", "|minute|gt", "|year|lte"});
        literals_.insert(literals_.end(), {"2021-01-03T05:04:05Z", "2020-12-31", "1609459200", "1970-01-01T00:00:00Z",
                                           "1969-12-29 05:00:00"});
        return one_of({"1", "5", "53", "3", "12"});
      case 9: return one_of({"1", "2", "4624", "true", "''", "'*'", "1.5"});
      case 10: modifiers = "|neq"; return one_of({"null", "''", "1"});
      default:
        modifiers = one_of({"|windash", "|contains|windash", "|contains|all|windash", "|endswith|windash"});
        literals_.insert(literals_.end(), {" /ab x", " –ab x", "a -ab", "—ab x", " ―ab"});
        return quoted(one_of({" -ab x", "-ab", " /ab x", "a -ab"}));
    }
  }

  std::string item() {
    const std::string field = rule_field();
    if (field == "EventID" && below(2) == 0) return "EventID: " + list({one_of({"1", "2", "3"}), one_of({"2", "4"})});
    if (field == "Channel" && below(2) == 0)
      return "Channel" + one_of({"", "|contains", "|endswith", "|cased"}) + ": " + one_of({"Sec", "sys", "'S*'", "c"});
    std::string modifiers;
    std::string value;
    if (below(3) == 0) {
      value = special_value(field, modifiers);
    } else {
      modifiers = one_of({"", "", "|contains", "|contains", "|contains", "|startswith", "|endswith"});
      if (below(5) == 0) modifiers += "|all";
      if (below(6) == 0) modifiers += "|cased";
      if (below(10) == 0) modifiers += "|neq";
      value = patterns(below(5) == 0 ? 9 : 3);
    }
    return quoted(field + modifiers) + ": " + value;
  }

  // A map, a list of maps or keywords.
  std::string selection() {
    std::string out;
    const std::size_t kind = below(10);
    if (kind == 0) {
      for (std::size_t i = 1 + below(6); i > 0; --i) out += "    - " + quoted(pattern()) + "\n";
      return out;
    }
    if (kind == 1) return "    '|all': [" + quoted(pattern()) + ", " + quoted(pattern()) + "]\n";
    const std::size_t maps = kind < 4 ? 1 + below(3) : 1;
    for (std::size_t m = 0; m < maps; ++m) {
      std::string lead = kind < 4 ? "    - " : "    ";
      for (std::size_t i = 1 + below(3); i > 0; --i) {
        out += lead + item() + "\n";
        if (kind < 4) lead = "      ";
      }
    }
    return out;
  }

  std::string condition(std::size_t selections, int depth) {
    const auto name = [&] { return "sel" + std::to_string(below(selections)); };
    switch (below(depth > 2 ? 4 : 8)) {
      case 0: return "1 of sel*";
      case 1: return "all of them";
      case 2:
      case 3: return name();
      case 4: return "not " + name();
      case 5: return "(" + condition(selections, depth + 1) + " and " + condition(selections, depth + 1) + ")";
      case 6: return "(" + condition(selections, depth + 1) + " or " + condition(selections, depth + 1) + ")";
      default: return name() + " and not (" + condition(selections, depth + 1) + ")";
    }
  }

  std::string event_value(const std::string& field) {
    if (field == "EventID" && below(4) != 0) return one_of({"1", "2", "3", "4", "5", "01"});
    if (field == "Channel" && below(4) != 0) return one_of({"Sec", "SEC", "sys", "Other", ""});
    if (below(16) == 0) return "";
    if (field == "MB" && below(2) == 0)
      return one_of({"0x1", "0X10", "0x", "0xg", "1", "0xFFFFFFFFFFFFFFFF", "0x10000000000000000"});
    std::string out = literals_.empty() || below(6) == 0 ? plain_text() : literals_[below(literals_.size())];
    for (std::size_t i = below(3); i > 0; --i) mutate(out);
    return out;
  }

  void mutate(std::string& text) {
    const std::size_t at = text.empty() ? 0 : below(text.size() + 1);
    switch (below(9)) {
      case 0: text = piece() + text; break;
      case 1: text += piece(); break;
      case 2: text.insert(at, piece()); break;
      case 3:
        if (at < text.size()) text.erase(at, 1);
        break;
      case 4:
        for (char& c : text)
          if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
        break;
      case 5:
        for (char& c : text)
          if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
        break;
      case 6:
        if (!literals_.empty()) text += literals_[below(literals_.size())];
        break;
      case 7:
        if (const std::size_t k = text.find('k'); k != std::string::npos) text.replace(k, 1, "\xE2\x84\xAA");
        if (const std::size_t s = text.find('s'); s != std::string::npos) text.replace(s, 1, "ſ");
        break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ 0x20);
        break;
    }
    if (text.size() > 400) text.resize(400);
  }

  std::mt19937_64 random_;
  std::vector<std::string> literals_;
};

}  // namespace tocsin::detect
