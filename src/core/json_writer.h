// Writes JSON text into a string, compact, without building a tree.
//
// The caller opens and closes objects and arrays in the right order; commas are put by themselves. Text is escaped; bytes
// that are not valid UTF-8 become U+FFFD, so the output is always valid JSON. One thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::core {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& text(std::string_view value);
  JsonWriter& number(std::int64_t value);
  JsonWriter& number(std::uint64_t value);
  JsonWriter& number(std::uint32_t value) { return number(static_cast<std::uint64_t>(value)); }
  JsonWriter& number(int value) { return number(static_cast<std::int64_t>(value)); }
  // The shortest form that reads back the same; not finite: null.
  JsonWriter& number(double value);
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  // Text that is JSON already.
  JsonWriter& raw(std::string_view json);

  // key and value in one.
  JsonWriter& member(std::string_view name, std::string_view value) { return key(name).text(value); }
  // Only where `value` is not empty.
  JsonWriter& member_if(std::string_view name, std::string_view value) {
    return value.empty() ? *this : member(name, value);
  }

  [[nodiscard]] std::size_t size() const { return out_.size(); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string& out_;
  bool comma_ = false;  // A value stands before the next one at this level.
};

// Appends `text` with JSON escapes, without the quotes.
void append_json_escaped(std::string_view text, std::string& out);

}  // namespace tocsin::core
