// What a text must have for a regular expression to match in it, read from the expression without running it.
//
// The expression is a concatenation: what stands outside groups, classes and alternatives must all be there. Where the
// reader is not sure it says less, never more.
#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/unicode.h"
#include "detect/match/text_match.h"

namespace tocsin::detect {
namespace {

// The end of the bracket expression that begins at `at` ('['), one past ']'.
std::size_t skip_class(std::string_view text, std::size_t at) {
  ++at;
  if (at < text.size() && text[at] == '^') ++at;
  if (at < text.size() && text[at] == ']') ++at;
  while (at < text.size() && text[at] != ']') {
    if (text[at] == '\\')
      ++at;
    else if (text.substr(at, 2) == "[:") {
      const std::size_t end = text.find(":]", at);
      if (end != std::string_view::npos) at = end + 1;
    }
    ++at;
  }
  return at + 1;
}

std::size_t skip_group(std::string_view text, std::size_t at) {
  int depth = 0;
  while (at < text.size()) {
    if (text[at] == '\\')
      at += 2;
    else if (text[at] == '[')
      at = skip_class(text, at);
    else {
      if (text[at] == '(') ++depth;
      if (text[at] == ')' && --depth == 0) return at + 1;
      ++at;
    }
  }
  return at;
}

struct Quantifier {
  std::size_t least = 1;  // The item occurs at least so often.
  bool exactly_once = true;
};

// Whether {n}, {n,} or {n,m} begins at `at`; anything else in braces is plain text.
bool is_count(std::string_view text, std::size_t at) {
  const auto digits = [&] {
    const std::size_t first = ++at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at > first;
  };
  if (text[at] != '{' || !digits() || at >= text.size()) return false;
  if (text[at] == ',') digits();
  return at < text.size() && text[at] == '}';
}

// Reads the quantifier that may stand at `at`; moves behind it.
Quantifier read_quantifier(std::string_view text, std::size_t& at) {
  if (at >= text.size()) return {};
  Quantifier out{1, false};
  if (text[at] == '*' || text[at] == '?')
    out.least = 0;
  else if (is_count(text, at)) {
    const std::size_t end = text.find('}', at);
    std::from_chars(text.data() + at + 1, text.data() + end, out.least);
    at = end;
  } else if (text[at] != '+') {
    return {};
  }
  ++at;
  if (at < text.size() && text[at] == '?') ++at;
  return out;
}

// Reads a concatenation: what it meets outside groups, classes and alternatives is needed.
class NeedsReader {
 public:
  explicit NeedsReader(std::string_view text) : text_(text) {}

  RegexNeeds read() {
    while (at_ < text_.size()) {
      if (!item()) break;
    }
    if (alternatives_) return {};
    close();
    out_.literal = core::fold_utf8(out_.literal);
    return std::move(out_);
  }

 private:
  void close() {
    if (run_.size() > out_.literal.size()) out_.literal = run_;
    run_.clear();
  }

  // One item of the concatenation; false where nothing more can be said.
  bool item() {
    const char c = text_[at_];
    switch (c) {
      case '|': alternatives_ = true; return false;
      case '(': group(); return true;
      case '[':
        close();
        at_ = skip_class(text_, at_);
        out_.min_length += read_quantifier(text_, at_).least;
        return true;
      case '.':
        close();
        ++at_;
        out_.min_length += read_quantifier(text_, at_).least;
        return true;
      case '^':
      case '$':
      case ')':
        close();
        ++at_;
        read_quantifier(text_, at_);
        return true;
      case '\\': return escape();
      default: {
        // A whole code point, so that a quantifier behind it takes all of its bytes.
        std::size_t next = at_;
        core::next_code_point(text_, next);
        const std::string_view plain = text_.substr(at_, next - at_);
        at_ = next;
        literal(plain);
        return true;
      }
    }
  }

  void group() {
    close();
    const std::size_t flags_end =
        text_.substr(at_, 2) == "(?" ? text_.find_first_not_of("imsU-", at_ + 2) : std::string_view::npos;
    if (flags_end != std::string_view::npos && text_[flags_end] == ')') {
      at_ = flags_end + 1;  // Flags for the rest, as (?i): none of them makes a plain character optional.
      // A quantifier behind flags is about the item before them, which was taken as needed already.
      std::size_t next = at_;
      read_quantifier(text_, next);
      if (next != at_) {
        alternatives_ = true;
        at_ = text_.size();
      }
      return;
    }
    at_ = skip_group(text_, at_);
    read_quantifier(text_, at_);
  }

  bool escape() {
    const char escaped = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (escaped != '\0' && std::strchr("\\.+*?()|[]{}^$/-\"' :;,@#%&=!<>~`_", escaped) != nullptr) {
      const std::string_view plain = text_.substr(at_ + 1, 1);
      at_ += 2;
      literal(plain);
      return true;
    }
    // A quoted or numeric escape ends what we read; what was read so far is still needed, unless an alternative follows.
    if (escaped == 'Q' || escaped == 'x' || escaped == 'p' || escaped == 'P' || (escaped >= '0' && escaped <= '9')) {
      alternatives_ = text_.find('|', at_) != std::string_view::npos;
      return false;
    }
    close();
    at_ += 2;
    const std::size_t least = read_quantifier(text_, at_).least;
    if (escaped == 'd' || escaped == 'D' || escaped == 's' || escaped == 'S' || escaped == 'w' || escaped == 'W')
      out_.min_length += least;
    return true;
  }

  void literal(std::string_view plain) {
    const Quantifier quantifier = read_quantifier(text_, at_);
    if (quantifier.least == 0) {
      close();
      return;
    }
    // Folding may shorten a wide character, so only ASCII counts towards the length and the set.
    if (core::is_ascii(plain)) {
      out_.min_length += quantifier.least;
      const auto byte = static_cast<unsigned char>(core::fold_utf8(plain)[0]);
      out_.bytes[byte / 64] |= std::uint64_t{1} << (byte % 64);
    }
    run_ += plain;
    if (!quantifier.exactly_once) close();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string run_;
  bool alternatives_ = false;
  RegexNeeds out_;
};

}  // namespace

std::size_t line_length_asked(const sigma::Leaf& leaf) {
  std::string_view text = leaf.text;
  if (leaf.flag_s || !text.starts_with(".{") || !text.ends_with(",}")) return 0;
  text.remove_prefix(2);
  text.remove_suffix(2);
  std::size_t length = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), length);
  return status == std::errc{} && end == text.data() + text.size() ? length : 0;
}

std::optional<Span> find_long_line(std::string_view text, std::size_t length) {
  std::size_t begin = 0;
  while (begin + length <= text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    const auto is_first_byte = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
    if (line.size() >= length && static_cast<std::size_t>(std::count_if(line.begin(), line.end(), is_first_byte)) >= length)
      return Span{begin, line.size()};
    begin = end + 1;
  }
  return {};
}

RegexNeeds regex_needs(std::string_view expression) { return NeedsReader(expression).read(); }

}  // namespace tocsin::detect
