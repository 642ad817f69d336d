// A pull parser for the XML that Windows writes: elements, attributes, text, CDATA, comments and processing instructions.
//
// No DTD (its "<!DOCTYPE" is a syntax error), no external anything, no recursion. Views point into the input; entities
// are left in place (see unescape()). Checks that every tag is closed by its own name.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::decode::evtx {

enum class XmlToken : std::uint8_t { kOpen, kAttribute, kTagEnd, kClose, kText, kCData, kEnd, kError, kTooDeep };

class XmlPull {
 public:
  explicit XmlPull(std::string_view input) : input_(input) {}

  // kOpen: name(). kAttribute: name(), value(), after their kOpen. kTagEnd: the attributes are over. kClose: an element
  // is over, also for <x/>. kText, kCData: value(). kEnd: the outermost element is closed; position() is behind it.
  XmlToken next();
  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] std::string_view value() const { return value_; }
  [[nodiscard]] std::size_t position() const { return at_; }

 private:
  XmlToken open_tag();
  XmlToken inside_tag();
  XmlToken close_tag();
  XmlToken markup();
  std::string_view take_name();
  void skip_blanks();
  bool skip_past(std::string_view text);
  [[nodiscard]] bool starts(std::string_view text) const { return input_.substr(at_, text.size()) == text; }

  std::string_view input_;
  std::size_t at_ = 0;
  std::vector<std::string_view> open_;
  std::string_view name_, value_;
  bool in_tag_ = false;
  bool close_next_ = false;  // After "<x/".
};

// Appends `text` with its entities replaced; an unknown one is kept as written.
void unescape(std::string_view text, std::string& out);

[[nodiscard]] bool is_blank(std::string_view text);
// Whether it is valid UTF-8 throughout; if not, replace_invalid_utf8() makes it so with U+FFFD.
[[nodiscard]] bool is_utf8(std::string_view text);
std::string replace_invalid_utf8(std::string_view text);

}  // namespace tocsin::decode::evtx
