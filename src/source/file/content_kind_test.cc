#include "source/file/content_kind.h"

#include <gtest/gtest.h>

#include <string>

namespace tocsin::source {
namespace {

using namespace std::string_view_literals;

std::string tar_header(std::string_view name) {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  char octal[16];
  std::snprintf(octal, sizeof octal, "%06o", sum);
  header.replace(148, 6, octal, 6);
  header[154] = '\0';
  return header;
}

TEST(ContentKind, TellsByMagic) {
  EXPECT_EQ(content_kind("\x1f\x8b\x08\0"sv), ContentKind::kCompressed);
  EXPECT_EQ(content_kind("\x28\xb5\x2f\xfd"sv), ContentKind::kCompressed);
  EXPECT_EQ(content_kind("\xfd\x37zXZ\0"sv), ContentKind::kCompressed);
  EXPECT_EQ(content_kind("BZh9\x31\x41\x59\x26\x53\x59"sv), ContentKind::kCompressed);
  EXPECT_EQ(content_kind("PK\x03\x04"sv), ContentKind::kZip);
  EXPECT_EQ(content_kind("PK\x05\x06"sv), ContentKind::kZip);
  EXPECT_EQ(content_kind("7z\xbc\xaf\x27\x1c"sv), ContentKind::kSevenZip);
  EXPECT_EQ(content_kind("Rar!\x1a\x07\x01\0"sv), ContentKind::kRefused);
}

TEST(ContentKind, TextThatResemblesAnArchiveIsPlain) {
  for (const std::string_view text :
       {""sv, "P"sv, "PK-7 rolled"sv, "BZh9 is a word"sv, "BZh0\x31\x41\x59\x26\x53\x59"sv, "Rar!"sv, "\x1f\x8b"sv}) {
    EXPECT_EQ(content_kind(text), ContentKind::kPlain) << text;
  }
}

TEST(ContentKind, TarIsToldByItsHeaderSumWithoutUstar) {
  std::string header = tar_header("var/log/messages");
  EXPECT_EQ(content_kind(header), ContentKind::kTar);
  EXPECT_EQ(content_kind(std::string_view(header).substr(0, 511)), ContentKind::kPlain);
  header[0] = 'w';
  EXPECT_EQ(content_kind(header), ContentKind::kPlain);
}

TEST(ContentKind, ZerosAreNoEmptyTar) { EXPECT_EQ(content_kind(std::string(1024, '\0')), ContentKind::kPlain); }

}  // namespace
}  // namespace tocsin::source
