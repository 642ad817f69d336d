// Reads JSON piece by piece: what the HTTP inputs need to find members in a text and to take them over as written.
//
// Strict, but for bytes that are not UTF-8 and control characters in strings: the JSON decoder mends those. A line feed in
// a string is an error, so that damage ends at its line. Pure; one thread; no recursion; bounded depth.
// After an error failed() stays true and everything answers "nothing".
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::source {

// What may become an event: the JSON decoder takes 64 containers in each other, and our own lines add up to 3.
inline constexpr std::size_t kMaxJsonDepth = 60;
// What may be passed over, so that one value that is too deep does not stop its neighbours.
inline constexpr std::size_t kMaxSkippedJsonDepth = 1'000;

class JsonCursor {
 public:
  // REQUIRES: max_depth <= kMaxSkippedJsonDepth.
  explicit JsonCursor(std::string_view text, std::size_t max_depth = kMaxJsonDepth) : text_(text), max_depth_(max_depth) {}

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::size_t offset() const { return at_; }
  [[nodiscard]] std::size_t deepest() const { return deepest_; }  // Containers in each other, so far.
  // The first byte of what comes next, spaces skipped; '\0' at the end.
  char peek();
  bool at_end() { return peek() == '\0' && at_ >= text_.size() && !failed_; }

  // An object: begin_object(), then while next_member() exactly one value. A list likewise.
  bool begin_object() { return begin('{'); }
  bool next_member(std::string& key);
  bool begin_array() { return begin('['); }
  bool next_element();
  // Whole values. `skip` gives the text of one, checked; `scalar` that of a number, true, false or null.
  std::string_view skip();
  std::optional<std::string> string();
  std::string_view scalar();

 private:
  bool begin(char bracket);
  bool next(char bracket);
  std::string_view raw_string();  // Without the quotes.
  bool fail() {
    failed_ = true;
    at_ = at_ < text_.size() ? at_ : text_.size();
    return false;
  }

  std::string_view text_;
  std::size_t max_depth_;
  std::size_t at_ = 0, depth_ = 0, deepest_ = 0;
  bool fresh_ = false;  // Nothing was read yet in the open container.
  bool failed_ = false;
};

// The inside of a JSON string; empty where an escape is malformed. A lone surrogate becomes U+FFFD.
std::optional<std::string> unescape_json(std::string_view inside);
// A JSON value as part of a line: line feeds and carriage returns, which can only stand between tokens, become spaces.
void append_as_line(std::string_view json, std::string& out);

}  // namespace tocsin::source
