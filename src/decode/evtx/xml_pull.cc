#include "decode/evtx/xml_pull.h"

#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "model/event.h"

namespace tocsin::decode::evtx {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// What may stand in a name: all but blanks and the marks of the syntax.
bool ends_name(char c) {
  return blank(c) || c == '>' || c == '/' || c == '=' || c == '<' || c == '"' || c == '\'' || c == '&';
}

void append_code(std::uint32_t code, std::string& out) {
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
    out += kReplacement;
  } else if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    if (code < 0x10000) {
      out += static_cast<char>(0xE0 | (code >> 12));
    } else {
      out += static_cast<char>(0xF0 | (code >> 18));
      out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    }
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// `entity` is what stands between & and ;.
bool append_entity(std::string_view entity, std::string& out) {
  static constexpr std::array<std::pair<std::string_view, char>, 5> kNamed{
      {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};
  for (const auto& [name, c] : kNamed) {
    if (entity == name) {
      out += c;
      return true;
    }
  }
  if (!entity.starts_with('#')) return false;
  entity.remove_prefix(1);
  const bool hex = entity.starts_with('x') || entity.starts_with('X');
  if (hex) entity.remove_prefix(1);
  std::uint32_t code = 0;
  const auto [end, status] = std::from_chars(entity.data(), entity.data() + entity.size(), code, hex ? 16 : 10);
  if (entity.empty() || status != std::errc{} || end != entity.data() + entity.size()) return false;
  append_code(code, out);
  return true;
}

// The length of the valid UTF-8 sequence at the start of `text`, or 0.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, past U+10FFFF.
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) >= 0xA0) || (lead == 0xF0 && byte(1) < 0x90) ||
      (lead == 0xF4 && byte(1) >= 0x90)) {
    return 0;
  }
  return length;
}

}  // namespace

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

bool is_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t eight = 0;
    if (text.size() - at >= 8) {
      std::memcpy(&eight, text.data() + at, 8);
      if ((eight & 0x8080'8080'8080'8080ULL) == 0) {
        at += 8;
        continue;
      }
    }
    const std::size_t length = sequence_length(text.substr(at));
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = sequence_length(text.substr(at));
    if (length == 0)
      out += kReplacement;
    else
      out += text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return out;
}

void unescape(std::string_view text, std::string& out) {
  constexpr std::size_t kMaxEntityBytes = 12;
  while (true) {
    const std::size_t amp = text.find('&');
    out += text.substr(0, amp);
    if (amp == std::string_view::npos) return;
    text.remove_prefix(amp);
    const std::size_t end = text.substr(0, kMaxEntityBytes).find(';');
    if (end != std::string_view::npos && append_entity(text.substr(1, end - 1), out)) {
      text.remove_prefix(end + 1);
    } else {
      out += '&';
      text.remove_prefix(1);
    }
  }
}

XmlToken XmlPull::next() {
  if (in_tag_) return inside_tag();
  if (close_next_) {
    close_next_ = false;
    open_.pop_back();
    return XmlToken::kClose;
  }
  while (true) {
    if (open_.empty() && at_ > 0) return XmlToken::kEnd;
    if (at_ >= input_.size()) return XmlToken::kError;
    if (input_[at_] != '<') {
      const std::size_t end = input_.find('<', at_);
      if (end == std::string_view::npos || open_.empty()) return XmlToken::kError;
      value_ = input_.substr(at_, end - at_);
      at_ = end;
      return XmlToken::kText;
    }
    if (starts("</")) return close_tag();
    if (!starts("<!") && !starts("<?")) return open_tag();
    if (starts("<![CDATA[")) return markup();
    if (!(starts("<!--") ? skip_past("-->") : starts("<?") && skip_past("?>"))) return XmlToken::kError;
  }
}

XmlToken XmlPull::markup() {
  constexpr std::size_t kOpening = 9;
  const std::size_t end = input_.find("]]>", at_ + kOpening);
  if (end == std::string_view::npos || open_.empty()) return XmlToken::kError;
  value_ = input_.substr(at_ + kOpening, end - at_ - kOpening);
  at_ = end + 3;
  return XmlToken::kCData;
}

XmlToken XmlPull::open_tag() {
  if (open_.size() >= model::kMaxDepth) return XmlToken::kTooDeep;
  ++at_;
  name_ = take_name();
  if (name_.empty()) return XmlToken::kError;
  open_.push_back(name_);
  in_tag_ = true;
  return XmlToken::kOpen;
}

XmlToken XmlPull::inside_tag() {
  skip_blanks();
  if (at_ >= input_.size()) return XmlToken::kError;
  if (input_[at_] == '>' || starts("/>")) {
    close_next_ = input_[at_] == '/';
    at_ += close_next_ ? 2 : 1;
    in_tag_ = false;
    return XmlToken::kTagEnd;
  }
  name_ = take_name();
  skip_blanks();
  if (name_.empty() || at_ >= input_.size() || input_[at_] != '=') return XmlToken::kError;
  ++at_;
  skip_blanks();
  if (at_ >= input_.size() || (input_[at_] != '"' && input_[at_] != '\'')) return XmlToken::kError;
  const std::size_t end = input_.find(input_[at_], at_ + 1);
  if (end == std::string_view::npos) return XmlToken::kError;
  value_ = input_.substr(at_ + 1, end - at_ - 1);
  at_ = end + 1;
  return XmlToken::kAttribute;
}

XmlToken XmlPull::close_tag() {
  at_ += 2;
  name_ = take_name();
  skip_blanks();
  if (open_.empty() || name_ != open_.back() || at_ >= input_.size() || input_[at_] != '>') return XmlToken::kError;
  ++at_;
  open_.pop_back();
  return XmlToken::kClose;
}

std::string_view XmlPull::take_name() {
  const std::size_t start = at_;
  while (at_ < input_.size() && !ends_name(input_[at_])) ++at_;
  return input_.substr(start, at_ - start);
}

void XmlPull::skip_blanks() {
  while (at_ < input_.size() && blank(input_[at_])) ++at_;
}

bool XmlPull::skip_past(std::string_view text) {
  const std::size_t end = input_.find(text, at_ + 2);
  if (end == std::string_view::npos) return false;
  at_ = end + text.size();
  return true;
}

}  // namespace tocsin::decode::evtx
