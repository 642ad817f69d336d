// The wire format of protocol buffers: the fields of one message, as views into it. Pure; bounded by the message.
//
// Groups (deprecated, in no message of ours) are an error. So is anything that does not end where it says.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::source {

class ProtobufReader {
 public:
  enum class Wire : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  explicit ProtobufReader(std::string_view message) : left_(message) {}
  // The next field; false at the end, or where the message is malformed: then failed().
  bool next();
  [[nodiscard]] bool failed() const { return failed_; }

  [[nodiscard]] std::uint32_t field() const { return field_; }
  [[nodiscard]] bool is(std::uint32_t field, Wire wire) const { return field_ == field && wire_ == wire; }
  [[nodiscard]] std::uint64_t number() const { return number_; }   // kVarint, kFixed64, kFixed32.
  [[nodiscard]] std::string_view bytes() const { return bytes_; }  // kBytes.

 private:
  bool varint(std::uint64_t& out);
  bool fixed(std::size_t size);
  bool fail() {
    failed_ = true;
    return false;
  }

  std::string_view left_, bytes_;
  std::uint64_t number_ = 0;
  std::uint32_t field_ = 0;
  Wire wire_ = Wire::kVarint;
  bool failed_ = false;
};

// For tests and for answers.
void append_varint(std::uint64_t value, std::string& out);
void append_number_field(std::uint32_t field, std::uint64_t value, std::string& out);
void append_bytes_field(std::uint32_t field, std::string_view value, std::string& out);

}  // namespace tocsin::source
