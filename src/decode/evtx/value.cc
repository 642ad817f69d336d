#include "decode/evtx/value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/time.h"
#include "decode/evtx/utf16.h"

namespace tocsin::decode::evtx {
namespace {

using model::ValueType;

constexpr std::array<char, 17> kUpperHex{"0123456789ABCDEF"};
constexpr std::array<char, 17> kLowerHex{"0123456789abcdef"};
constexpr std::size_t kMaxSidParts = 15;  // [MS-DTYP] 2.4.2.2

// Code page 1252 from 0x80 to 0x9F; the rest is Latin-1. Unassigned bytes map to themselves, as Windows does.
constexpr std::array<std::uint16_t, 32> kCp1252{0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                                0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
                                                0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                                0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

template <class T>
T load(const char* at) {
  T value{};
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Where a value is written: reserve the most, keep what was used.
class Writer {
 public:
  Writer(core::Arena& arena, std::size_t most_bytes)
      : arena_(arena), start_(arena.allocate(most_bytes)), end_(start_), most_(most_bytes) {}
  char*& at() { return end_; }
  Text finish(ValueType type) {
    const auto used = static_cast<std::size_t>(end_ - start_);
    arena_.give_back(most_ - used);
    return {type, {start_, used}};
  }

 private:
  core::Arena& arena_;
  char* start_;
  char* end_;
  std::size_t most_;
};

char* put_decimal(char* out, std::uint64_t value) {
  std::array<char, 20> digits;
  std::size_t first = digits.size();
  do {
    digits[--first] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  std::memcpy(out, digits.data() + first, digits.size() - first);
  return out + (digits.size() - first);
}

char* put_hex(char* out, std::uint64_t value) {
  *out++ = '0';
  *out++ = 'x';
  int shift = 60;
  while (shift > 0 && (value >> shift) == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) *out++ = kLowerHex[(value >> shift) & 15];
  return out;
}

char* put_hex_byte(char* out, char byte) {
  const auto value = static_cast<unsigned char>(byte);
  out[0] = kUpperHex[value >> 4];
  out[1] = kUpperHex[value & 15];
  return out + 2;
}

// `width` decimal digits of `value`, with leading zeros.
char* put_padded(char* out, std::uint64_t value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + width;
}

Text unsigned_number(std::uint64_t value, core::Arena& arena) {
  Writer out(arena, 20);
  out.at() = put_decimal(out.at(), value);
  return out.finish(ValueType::kNumber);
}

Text signed_number(std::int64_t value, core::Arena& arena) {
  Writer out(arena, 21);
  if (value < 0) *out.at()++ = '-';
  const auto magnitude = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  out.at() = put_decimal(out.at(), magnitude);
  return out.finish(ValueType::kNumber);
}

Text hex_number(std::uint64_t value, core::Arena& arena) {
  Writer out(arena, 18);
  out.at() = put_hex(out.at(), value);
  return out.finish(ValueType::kText);
}

// Shortest digits that read back the same; a whole number keeps ".0", as JSON exporters write it.
template <class T>
Text real_number(T value, core::Arena& arena) {
  constexpr std::size_t kMost = 400;
  Writer out(arena, kMost);
  const auto [end, status] = std::to_chars(out.at(), out.at() + kMost - 2, value);
  const std::string_view digits(out.at(), static_cast<std::size_t>(end - out.at()));
  const bool whole = digits.find_first_not_of("-0123456789") == std::string_view::npos;
  out.at() = end;
  if (whole) {
    *out.at()++ = '.';
    *out.at()++ = '0';
  }
  return out.finish(std::isfinite(value) ? ValueType::kNumber : ValueType::kText);
}

Text string_text(const char* at, std::size_t size_bytes, core::Arena& arena) {
  const std::size_t units = size_bytes / 2;
  Writer out(arena, units * kMaxUtf8PerUnit + 8);
  out.at() += utf16_to_utf8(at, units, out.at()).bytes_written;
  return out.finish(ValueType::kText);
}

Text ansi_text(const char* at, std::size_t size_bytes, core::Arena& arena) {
  Writer out(arena, size_bytes * 3);
  for (std::size_t i = 0; i < size_bytes; ++i) {
    const auto byte = static_cast<unsigned char>(at[i]);
    if (byte == 0) continue;
    if (byte < 0x80) {
      *out.at()++ = at[i];
      continue;
    }
    const unsigned code = byte < 0xA0 ? kCp1252[byte - 0x80U] : byte;
    if (code >= 0x800) {
      *out.at()++ = static_cast<char>(0xE0 | (code >> 12));
      *out.at()++ = static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    } else {
      *out.at()++ = static_cast<char>(0xC0 | (code >> 6));
    }
    *out.at()++ = static_cast<char>(0x80 | (code & 0x3F));
  }
  return out.finish(ValueType::kText);
}

Text binary_text(const char* at, std::size_t size_bytes, core::Arena& arena) {
  Writer out(arena, size_bytes * 2);
  for (std::size_t i = 0; i < size_bytes; ++i) out.at() = put_hex_byte(out.at(), at[i]);
  return out.finish(ValueType::kText);
}

// The first three groups are little-endian numbers, the last two are bytes.
Text guid_text(const char* at, core::Arena& arena) {
  static constexpr std::array<std::uint8_t, 16> kOrder{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  Writer out(arena, 36);
  for (std::size_t i = 0; i < kOrder.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out.at()++ = '-';
    out.at() = put_hex_byte(out.at(), at[kOrder[i]]);
  }
  return out.finish(ValueType::kText);
}

// u8 revision, u8 count, 48-bit big-endian authority, count x u32. One cut short is rendered as far as it goes.
Text sid_text(const char* at, std::size_t size_bytes, core::Arena& arena) {
  const std::size_t claimed = static_cast<unsigned char>(at[1]);
  const std::size_t parts = std::min({claimed, (size_bytes - 8) / 4, kMaxSidParts});
  Writer out(arena, 24 + parts * 11);
  *out.at()++ = 'S';
  *out.at()++ = '-';
  out.at() = put_decimal(out.at(), static_cast<unsigned char>(at[0]));
  std::uint64_t authority = 0;
  for (std::size_t i = 2; i < 8; ++i) authority = (authority << 8) | static_cast<unsigned char>(at[i]);
  *out.at()++ = '-';
  out.at() = put_decimal(out.at(), authority);
  for (std::size_t i = 0; i < parts; ++i) {
    *out.at()++ = '-';
    out.at() = put_decimal(out.at(), load<std::uint32_t>(at + 8 + 4 * i));
  }
  return out.finish(ValueType::kText);
}

char* put_date_and_time(char* out, std::uint64_t year, unsigned month, unsigned day, std::uint64_t second_of_day) {
  out = put_padded(out, year, year > 9999 ? 5 : 4);
  *out++ = '-';
  out = put_padded(out, month, 2);
  *out++ = '-';
  out = put_padded(out, day, 2);
  *out++ = 'T';
  out = put_padded(out, second_of_day / 3600, 2);
  *out++ = ':';
  out = put_padded(out, second_of_day / 60 % 60, 2);
  *out++ = ':';
  out = put_padded(out, second_of_day % 60, 2);
  *out++ = '.';
  return out;
}

// 100 ns since 1601. Not by way of Timestamp, whose range is smaller.
Text filetime_text(std::uint64_t filetime, core::Arena& arena) {
  constexpr std::uint64_t kUnitsPerSecond = 10'000'000;
  const std::uint64_t seconds = filetime / kUnitsPerSecond;
  // Civil date from days since 0000-03-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
  const std::uint64_t days = seconds / 86'400 + 584'694;
  const std::uint64_t era = days / 146'097;
  const std::uint64_t doe = days % 146'097;
  const std::uint64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const std::uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::uint64_t mp = (5 * doy + 2) / 153;
  const auto day = static_cast<unsigned>(doy - (153 * mp + 2) / 5 + 1);
  const auto month = static_cast<unsigned>(mp < 10 ? mp + 3 : mp - 9);
  const std::uint64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  Writer out(arena, 32);
  out.at() = put_date_and_time(out.at(), year, month, day, seconds % 86'400);
  out.at() = put_padded(out.at(), filetime % kUnitsPerSecond, 7);
  *out.at()++ = 'Z';
  return out.finish(ValueType::kText);
}

// Eight u16: year, month, weekday, day, hour, minute, second, millisecond. Shown as they are, right or wrong.
Text systemtime_text(const char* at, core::Arena& arena) {
  const auto part = [&](std::size_t i) { return static_cast<unsigned>(load<std::uint16_t>(at + 2 * i)); };
  const std::uint64_t second_of_day = (part(4) % 24) * 3600U + (part(5) % 60) * 60U + part(6) % 60;
  Writer out(arena, 32);
  out.at() = put_date_and_time(out.at(), part(0), part(1) % 100, part(3) % 100, second_of_day);
  out.at() = put_padded(out.at(), part(7) % 1000, 3);
  *out.at()++ = 'Z';
  return out.finish(ValueType::kText);
}

Text bool_text(const char* at, std::size_t size_bytes) {
  for (std::size_t i = 0; i < size_bytes; ++i) {
    if (at[i] != 0) return {ValueType::kBool, "true"};
  }
  return {ValueType::kBool, "false"};
}

std::uint64_t size_t_value(const char* at, std::size_t size_bytes) {
  return size_bytes >= 8 ? load<std::uint64_t>(at) : load<std::uint32_t>(at);
}

}  // namespace

std::uint64_t load_u64(const char* at) { return load<std::uint64_t>(at); }
std::uint32_t load_u32(const char* at) { return load<std::uint32_t>(at); }
std::uint16_t load_u16(const char* at) { return load<std::uint16_t>(at); }

std::size_t element_bytes(BinType type) {
  switch (type) {
    case BinType::kInt8:
    case BinType::kUInt8: return 1;
    case BinType::kInt16:
    case BinType::kUInt16: return 2;
    case BinType::kInt32:
    case BinType::kUInt32:
    case BinType::kFloat:
    case BinType::kBool:
    case BinType::kHex32: return 4;
    case BinType::kInt64:
    case BinType::kUInt64:
    case BinType::kDouble:
    case BinType::kFiletime:
    case BinType::kHex64: return 8;
    case BinType::kGuid:
    case BinType::kSystemTime: return 16;
    default: return 0;
  }
}

Text render_value(BinType type, const char* at, std::size_t size_bytes, core::Arena& arena) {
  if (type == BinType::kString) return string_text(at, size_bytes, arena);
  if (type != BinType::kBool && size_bytes < element_bytes(type)) return {};
  switch (type) {
    case BinType::kAnsi: return ansi_text(at, size_bytes, arena);
    case BinType::kInt8: return signed_number(load<std::int8_t>(at), arena);
    case BinType::kUInt8: return unsigned_number(load<std::uint8_t>(at), arena);
    case BinType::kInt16: return signed_number(load<std::int16_t>(at), arena);
    case BinType::kUInt16: return unsigned_number(load<std::uint16_t>(at), arena);
    case BinType::kInt32: return signed_number(load<std::int32_t>(at), arena);
    case BinType::kUInt32: return unsigned_number(load<std::uint32_t>(at), arena);
    case BinType::kInt64: return signed_number(load<std::int64_t>(at), arena);
    case BinType::kUInt64: return unsigned_number(load<std::uint64_t>(at), arena);
    case BinType::kFloat: return real_number(load<float>(at), arena);
    case BinType::kDouble: return real_number(load<double>(at), arena);
    case BinType::kBool: return size_bytes == 0 ? Text{} : bool_text(at, std::min<std::size_t>(size_bytes, 4));
    case BinType::kGuid: return guid_text(at, arena);
    case BinType::kSizeT: return size_bytes < 4 ? Text{} : hex_number(size_t_value(at, size_bytes), arena);
    case BinType::kFiletime: return filetime_text(load<std::uint64_t>(at), arena);
    case BinType::kSystemTime: return systemtime_text(at, arena);
    case BinType::kSid: return size_bytes < 8 ? Text{} : sid_text(at, size_bytes, arena);
    case BinType::kHex32: return hex_number(load<std::uint32_t>(at), arena);
    case BinType::kHex64: return hex_number(load<std::uint64_t>(at), arena);
    case BinType::kEvtXml: return string_text(at, size_bytes, arena);
    case BinType::kBinary:
    case BinType::kEvtHandle: return binary_text(at, size_bytes, arena);
    default: return {};
  }
}

}  // namespace tocsin::decode::evtx
