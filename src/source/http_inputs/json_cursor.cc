#include "source/http_inputs/json_cursor.h"

#include <algorithm>
#include <bitset>

namespace tocsin::source {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_number(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at > begin;
  };
  if (at < text.size() && text[at] == '-') ++at;
  if (at < text.size() && text[at] == '0') {
    ++at;
  } else if (!digits()) {
    return false;
  }
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits()) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digits()) return false;
  }
  return at == text.size();
}

void append_utf8(std::uint32_t code, std::string& out) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

std::optional<std::uint32_t> hex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  std::uint32_t out = 0;
  for (const char c : text.substr(0, 4)) {
    const char lower = static_cast<char>(c | 0x20);
    if (!is_digit(c) && (lower < 'a' || lower > 'f')) return std::nullopt;
    out = out << 4 | static_cast<std::uint32_t>(is_digit(c) ? c - '0' : lower - 'a' + 10);
  }
  return out;
}

}  // namespace

std::optional<std::string> unescape_json(std::string_view inside) {
  std::string out;
  out.reserve(inside.size());
  while (true) {
    const std::size_t escape = inside.find('\\');
    out += inside.substr(0, escape);
    if (escape == std::string_view::npos) return out;
    inside.remove_prefix(escape + 1);
    if (inside.empty()) return std::nullopt;
    const char c = inside.front();
    inside.remove_prefix(1);
    if (c == 'u') {
      auto code = hex4(inside);
      if (!code) return std::nullopt;
      inside.remove_prefix(4);
      if (*code >= 0xD800 && *code < 0xE000) {
        const auto low = inside.starts_with("\\u") ? hex4(inside.substr(2)) : std::nullopt;
        if (*code < 0xDC00 && low && *low >= 0xDC00 && *low < 0xE000) {
          code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
          inside.remove_prefix(6);
        } else {
          code = 0xFFFD;
        }
      }
      append_utf8(*code, out);
      continue;
    }
    constexpr std::string_view kNames = "\"\\/bfnrt", kBytes = "\"\\/\b\f\n\r\t";
    const std::size_t which = kNames.find(c);
    if (which == std::string_view::npos) return std::nullopt;
    out += kBytes[which];
  }
}

void append_as_line(std::string_view json, std::string& out) {
  const std::size_t begin = out.size();
  out += json;
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

char JsonCursor::peek() {
  if (failed_) return '\0';
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) ++at_;
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonCursor::begin(char bracket) {
  if (peek() != bracket || depth_ >= max_depth_) return fail();
  ++at_;
  ++depth_;
  deepest_ = std::max(deepest_, depth_);
  fresh_ = true;
  return true;
}

// Whether there is one more in the open container; behind its comma then, else behind its end.
bool JsonCursor::next(char bracket) {
  if (failed_ || depth_ == 0) return fail();
  const char c = peek();
  const bool fresh = fresh_;
  fresh_ = false;
  if (c == bracket) {
    ++at_;
    --depth_;
    return false;
  }
  if (fresh) return true;
  if (c != ',') return fail();
  ++at_;
  return true;
}

bool JsonCursor::next_member(std::string& key) {
  if (!next('}')) return false;
  auto name = string();
  if (!name || peek() != ':') return fail();
  ++at_;
  key = std::move(*name);
  return true;
}

bool JsonCursor::next_element() {
  if (!next(']')) return false;
  const char c = peek();
  if (c == ']' || c == '\0') return fail();
  return true;
}

std::string_view JsonCursor::raw_string() {
  if (peek() != '"') {
    fail();
    return {};
  }
  const std::size_t begin = ++at_;
  while (at_ < text_.size() && text_[at_] != '"') {
    const char c = text_[at_];
    if (c == '\n') break;
    if (c != '\\') {
      ++at_;
      continue;
    }
    const char escaped = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (escaped == 'u' ? !hex4(text_.substr(at_ + 2))
                       : escaped == '\0' || std::string_view("\"\\/bfnrt").find(escaped) == std::string_view::npos) {
      break;
    }
    at_ += escaped == 'u' ? 6 : 2;
  }
  if (at_ >= text_.size() || text_[at_] != '"') {
    fail();
    return {};
  }
  return text_.substr(begin, at_++ - begin);
}

std::optional<std::string> JsonCursor::string() {
  const std::string_view inside = raw_string();
  if (failed_) return std::nullopt;
  return unescape_json(inside);
}

std::string_view JsonCursor::scalar() {
  peek();
  if (failed_) return {};
  const std::size_t end = std::min(text_.find_first_of(" \t\r\n,:]}[{\"", at_), text_.size());
  const std::string_view word = text_.substr(at_, end - at_);
  if (word != "true" && word != "false" && word != "null" && !is_number(word)) {
    fail();
    return {};
  }
  at_ = end;
  return word;
}

std::string_view JsonCursor::skip() {
  peek();
  const std::size_t first = at_;
  const std::size_t outer = depth_;
  std::bitset<kMaxSkippedJsonDepth + 1> arrays;  // Bit d: the container at depth d is a list.
  while (!failed_) {
    const char c = peek();
    if (c == '{' || c == '[') {
      if (!begin(c)) break;
      arrays[depth_] = c == '[';
    } else if (c == '"') {
      raw_string();
    } else {
      scalar();
    }
    // Behind a value or an opening bracket: to the next value, or out of the containers that end here.
    while (!failed_ && depth_ > outer) {
      const bool array = arrays[depth_];
      if (next(array ? ']' : '}')) {
        if (array) break;
        raw_string();
        if (peek() == ':') {
          ++at_;
        } else {
          fail();
        }
        break;
      }
    }
    if (depth_ == outer) break;
  }
  return failed_ ? std::string_view() : text_.substr(first, at_ - first);
}

}  // namespace tocsin::source
