#include "source/file/content_kind.h"

namespace tocsin::source {
namespace {

using namespace std::string_view_literals;

// The sum of all header bytes, its own field counted as spaces, in octal: tars from before "ustar" have no other sign.
bool is_tar_header(std::string_view head) {
  constexpr std::size_t kSumAt = 148, kSumBytes = 8;
  if (head.size() < kContentHeadBytes || head[0] == '\0') return false;
  unsigned sum = 0;
  for (std::size_t i = 0; i < kContentHeadBytes; ++i) {
    const bool own_field = i >= kSumAt && i < kSumAt + kSumBytes;
    sum += own_field ? static_cast<unsigned>(' ') : static_cast<unsigned char>(head[i]);
  }
  std::string_view field = head.substr(kSumAt, kSumBytes);
  while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
  unsigned written = 0;
  std::size_t digit_count = 0;
  for (; digit_count < field.size() && field[digit_count] >= '0' && field[digit_count] <= '7'; ++digit_count) {
    written = written * 8 + static_cast<unsigned>(field[digit_count] - '0');
  }
  return digit_count > 0 && written == sum;
}

bool is_bzip2(std::string_view head) {
  if (head.size() < 10 || !head.starts_with("BZh") || head[3] < '1' || head[3] > '9') return false;
  const std::string_view block = head.substr(4, 6);
  return block == "\x31\x41\x59\x26\x53\x59"sv || block == "\x17\x72\x45\x38\x50\x90"sv;
}

}  // namespace

ContentKind content_kind(std::string_view head) {
  for (const std::string_view magic :
       {"\x1f\x8b\x08"sv, "\x28\xb5\x2f\xfd"sv, "\xfd\x37\x7a\x58\x5a\x00"sv, "\x04\x22\x4d\x18"sv, "LZIP\x01"sv}) {
    if (head.starts_with(magic)) return ContentKind::kCompressed;
  }
  if (is_bzip2(head)) return ContentKind::kCompressed;
  for (const std::string_view magic : {"PK\x03\x04"sv, "PK\x05\x06"sv, "PK\x07\x08"sv}) {
    if (head.starts_with(magic)) return ContentKind::kZip;
  }
  if (head.starts_with("7z\xbc\xaf\x27\x1c"sv)) return ContentKind::kSevenZip;
  if (head.starts_with("Rar!\x1a\x07"sv) || head.starts_with("MSCF\0\0\0\0"sv)) return ContentKind::kRefused;
  if (is_tar_header(head)) return ContentKind::kTar;
  return ContentKind::kPlain;
}

}  // namespace tocsin::source
