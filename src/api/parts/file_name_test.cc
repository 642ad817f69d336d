#include "api/parts/file_name.h"

#include <gtest/gtest.h>

#include "core/unicode.h"

namespace tocsin::api {
namespace {

TEST(FileName, HasNoPath) {
  EXPECT_EQ(clean_file_name("C:\\Users\\anna\\mail.eml"), "mail.eml");
  EXPECT_EQ(clean_file_name("../../etc/passwd"), "passwd");
  EXPECT_EQ(clean_file_name("mail.eml"), "mail.eml");
}

TEST(FileName, HasNothingThatIsNotSeen) {
  EXPECT_EQ(clean_file_name("a\r\nb\x7f.txt"), "ab.txt");
  EXPECT_EQ(clean_file_name("photo\xe2\x80\xaegpj.exe"), "photogpj.exe");  // U+202E turns what follows round.
  EXPECT_EQ(clean_file_name("a\xe2\x80\x8b\xef\xbb\xbf.txt"), "a.txt");
}

TEST(FileName, IsUtf8WhateverCame) {
  EXPECT_EQ(clean_file_name("Rechnung \xc3\xbc.pdf"), "Rechnung \xc3\xbc.pdf");
  EXPECT_EQ(clean_file_name("a\xff\xfe.txt"), "a__.txt");
}

TEST(FileName, DoesNotBeginOrEndWithDotsAndSpaces) {
  EXPECT_EQ(clean_file_name(" ..bashrc. "), "bashrc");
  EXPECT_EQ(clean_file_name(".."), "");
  EXPECT_EQ(clean_file_name("folder/"), "");
  EXPECT_EQ(clean_file_name(""), "");
}

TEST(FileName, IsCutAtACharacterAndKeepsItsEnding) {
  std::string name;
  for (int i = 0; i < 150; ++i) name += "\xc3\xbc";
  const std::string cut = clean_file_name(name + ".evtx");
  EXPECT_LE(cut.size(), kMaxFileNameBytes);
  EXPECT_TRUE(cut.ends_with("\xbc.evtx"));
  EXPECT_TRUE(core::is_valid_utf8(cut));
  EXPECT_EQ(clean_file_name(std::string(kMaxFileNameBytes, 'a')).size(), kMaxFileNameBytes);
  EXPECT_EQ(clean_file_name(std::string(kMaxFileNameBytes + 1, 'a')).size(), kMaxFileNameBytes);
}

TEST(FileName, InAHeaderCannotEndTheTextItIsIn) {
  EXPECT_EQ(attachment_header("a\"b;c%41.txt"),
            "attachment; filename=\"a_b;c_41.txt\"; filename*=UTF-8''a%22b%3Bc%2541.txt");
  EXPECT_EQ(attachment_header("\xc3\xbc.txt"), "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%BC.txt");
}

TEST(MediaType, IsTakenWhereItIsOne) {
  EXPECT_EQ(clean_media_type("Text/Plain; charset=utf-8"), "text/plain");
  EXPECT_EQ(clean_media_type("message/rfc822"), "message/rfc822");
  for (const char* wrong : {"", "text", "/plain", "text/", "a/b/c", "te xt/plain", "text/pl\nain", "<b>/x"}) {
    EXPECT_EQ(clean_media_type(wrong), "application/octet-stream") << wrong;
  }
}

}  // namespace
}  // namespace tocsin::api
