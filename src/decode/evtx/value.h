// BinXML values to the text Sigma compares: one scalar of any type. Pure; bounded by the size of the value.
//
// Numbers are decimal, HexInt32/64 and SIZE_T "0x1f" (lower case, no padding), GUIDs upper case without braces, SIDs
// "S-1-5-18", FILETIME "2026-01-02T03:04:05.1234567Z" with all its digits, SYSTEMTIME with milliseconds, booleans
// true/false, binary upper hex, text up to its first NUL, ANSI text as code page 1252 without its NULs. A value too
// short for its type is null.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/arena.h"
#include "model/event.h"

namespace tocsin::decode::evtx {

enum class BinType : std::uint8_t {
  kNull = 0x00,
  kString = 0x01,
  kAnsi = 0x02,
  kInt8 = 0x03,
  kUInt8 = 0x04,
  kInt16 = 0x05,
  kUInt16 = 0x06,
  kInt32 = 0x07,
  kUInt32 = 0x08,
  kInt64 = 0x09,
  kUInt64 = 0x0A,
  kFloat = 0x0B,
  kDouble = 0x0C,
  kBool = 0x0D,
  kBinary = 0x0E,
  kGuid = 0x0F,
  kSizeT = 0x10,
  kFiletime = 0x11,
  kSystemTime = 0x12,
  kSid = 0x13,
  kHex32 = 0x14,
  kHex64 = 0x15,
  kEvtHandle = 0x20,
  kBinXml = 0x21,
  kEvtXml = 0x23,
};
inline constexpr std::uint8_t kArrayFlag = 0x80;

struct Text {
  model::ValueType type = model::ValueType::kNull;
  std::string_view text;
};

// Renders `size_bytes` bytes at `at` as `type` (without the array flag) into `arena`. BinXML renders as null: it is not
// a scalar. An empty string is text, not null.
Text render_value(BinType type, const char* at, std::size_t size_bytes, core::Arena& arena);

// The bytes one element of an array of `type` takes; 0 for strings (they end in NUL) and for what cannot be in arrays.
std::size_t element_bytes(BinType type);

std::uint64_t load_u64(const char* at);
std::uint32_t load_u32(const char* at);
std::uint16_t load_u16(const char* at);

}  // namespace tocsin::decode::evtx
