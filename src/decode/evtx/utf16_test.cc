// UTF-16 to UTF-8 and CRC-32 against plain, slow versions on random input.
#include "decode/evtx/utf16.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "decode/evtx/crc32.h"
#include "decode/evtx/xml_pull.h"
#include "testing/evtx_writer.h"

namespace tocsin::decode::evtx {
namespace {

constexpr std::uint32_t kSeed = 20260102;

void append(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  const int tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  out += static_cast<char>((0xFF00 >> (tail + 1) & 0xFF) | (code >> (6 * tail)));
  for (int i = tail - 1; i >= 0; --i) out += static_cast<char>(0x80 | (code >> (6 * i) & 0x3F));
}

std::string slow_utf8(const std::vector<std::uint16_t>& units) {
  std::string out;
  for (std::size_t i = 0; i < units.size() && units[i] != 0; ++i) {
    const bool high = units[i] >= 0xD800 && units[i] < 0xDC00;
    const bool low = units[i] >= 0xDC00 && units[i] < 0xE000;
    if (high && i + 1 < units.size() && units[i + 1] >= 0xDC00 && units[i + 1] < 0xE000) {
      append(0x10000U + ((units[i] - 0xD800U) << 10U) + (units[i + 1] - 0xDC00U), out);
      ++i;
    } else {
      append(high || low ? 0xFFFD : units[i], out);
    }
  }
  return out;
}

TEST(Utf16, EqualsAPlainConversionOnRandomUnits) {
  std::mt19937 random(kSeed);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::uint16_t> units(random() % 40);
    for (auto& unit : units) {
      const auto kind = random() % 20;
      unit = static_cast<std::uint16_t>(kind == 0   ? random()
                                        : kind == 1 ? 0xD800 + random() % 0x800
                                        : kind == 2 ? random() % 0x800
                                        : kind == 3 ? random() % 3
                                                    : 0x20 + random() % 0x5F);
    }
    std::string bytes;
    for (const std::uint16_t unit : units) bytes += {static_cast<char>(unit & 0xFF), static_cast<char>(unit >> 8)};
    std::string out(units.size() * kMaxUtf8PerUnit + 8, '#');
    out.resize(utf16_to_utf8(bytes.data(), units.size(), out.data()).bytes_written);
    ASSERT_EQ(out, slow_utf8(units)) << "seed " << kSeed << " round " << round;
    ASSERT_TRUE(is_utf8(out));
  }
}

TEST(Utf16, KeepsNulsAndMarksAnOddByteInTextFiles) {
  std::string out;
  append_utf16("a\0\0\0b", 5, ByteOrder::kLittle, out);
  EXPECT_EQ(out, std::string("a\0\xEF\xBF\xBD", 5));
}

TEST(Crc32, EqualsTheBitwiseOneAtEveryLength) {
  std::mt19937 random(kSeed);
  std::string bytes;
  for (int length = 0; length < 200; ++length) {
    EXPECT_EQ(crc32(0, bytes.data(), bytes.size()), testing::evtx_crc32(bytes)) << length;
    bytes += static_cast<char>(random());
  }
  EXPECT_EQ(crc32(0, "123456789", 9), 0xCBF4'3926U);
  EXPECT_EQ(crc32(crc32(0, "1234", 4), "56789", 5), 0xCBF4'3926U);
}

}  // namespace
}  // namespace tocsin::decode::evtx
