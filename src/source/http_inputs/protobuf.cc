#include "source/http_inputs/protobuf.h"

namespace tocsin::source {

bool ProtobufReader::varint(std::uint64_t& out) {
  out = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    if (left_.empty()) return fail();
    const auto byte = static_cast<unsigned char>(left_.front());
    left_.remove_prefix(1);
    if (shift == 63 && byte > 1) return fail();
    out |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return fail();
}

bool ProtobufReader::fixed(std::size_t size) {
  if (left_.size() < size) return fail();
  number_ = 0;
  for (std::size_t i = size; i > 0; --i) number_ = number_ << 8 | static_cast<unsigned char>(left_[i - 1]);
  left_.remove_prefix(size);
  return true;
}

bool ProtobufReader::next() {
  if (failed_ || left_.empty()) return false;
  std::uint64_t tag = 0;
  if (!varint(tag)) return false;
  constexpr std::uint64_t kMaxField = (1u << 29) - 1;
  if (tag >> 3 == 0 || tag >> 3 > kMaxField) return fail();
  field_ = static_cast<std::uint32_t>(tag >> 3);
  wire_ = static_cast<Wire>(tag & 7);
  switch (wire_) {
    case Wire::kVarint: return varint(number_);
    case Wire::kFixed64: return fixed(8);
    case Wire::kFixed32: return fixed(4);
    case Wire::kBytes: {
      std::uint64_t size = 0;
      if (!varint(size)) return false;
      if (size > left_.size()) return fail();
      bytes_ = left_.substr(0, static_cast<std::size_t>(size));
      left_.remove_prefix(static_cast<std::size_t>(size));
      return true;
    }
    default: return fail();
  }
}

void append_varint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(static_cast<unsigned char>(value | 0x80));
  out += static_cast<char>(static_cast<unsigned char>(value));
}

void append_number_field(std::uint32_t field, std::uint64_t value, std::string& out) {
  append_varint(std::uint64_t{field} << 3, out);
  append_varint(value, out);
}

void append_bytes_field(std::uint32_t field, std::string_view value, std::string& out) {
  append_varint((std::uint64_t{field} << 3) | 2, out);
  append_varint(value.size(), out);
  out += value;
}

}  // namespace tocsin::source
