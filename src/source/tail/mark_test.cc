#include "source/tail/mark.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "source/live/descriptor.h"
#include "source/tail/follower.h"
#include "testing/temporary_folder.h"

namespace tocsin::source::tail {
namespace {

struct OpenFile {
  tocsin::testing::TemporaryFolder folder;
  Descriptor file;
  explicit OpenFile(std::string_view bytes) : file(::open(folder.write("a", bytes).c_str(), O_RDONLY)) {}
};

TEST(Mark, AdvancingIsTheSameAsReadingItFromTheFile) {
  std::string bytes;
  for (int i = 0; i < 1'000; ++i) bytes += std::to_string(i * 7'919);
  const OpenFile open(bytes);
  for (const std::size_t step : {1u, 7u, 63u, 64u, 65u, 255u, 256u, 257u, 1'000u}) {
    Mark mark;
    while (mark.offset + step <= bytes.size()) {
      mark.advance(std::string_view(bytes).substr(mark.offset, step));
      const auto read = mark_at(open.file.get(), mark.offset);
      ASSERT_TRUE(read);
      ASSERT_EQ(read->head, mark.head);
      ASSERT_EQ(read->tail, mark.tail);
    }
  }
}

TEST(Mark, TextFormComesBackAndIsRecognisedInTheFileOnly) {
  const OpenFile open("first line\nsecond line\n"), other("first line\nsecond lime\n"), shorter("first line\n");
  Mark mark = *mark_at(open.file.get(), 23);
  mark.skipping = true;
  const auto stored = parse_mark(to_text(mark, "/var/log/with space\nand newline"));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->path, "/var/log/with space\nand newline");
  const auto loaded = load_mark(open.file.get(), *stored);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->offset, 23u);
  EXPECT_TRUE(loaded->skipping);
  EXPECT_FALSE(load_mark(other.file.get(), *stored));
  EXPECT_FALSE(load_mark(shorter.file.get(), *stored));
}

TEST(Mark, RefusesTextThatIsNone) {
  for (const char* wrong :
       {"", "x", "12", "12 ", "12 1.", "12 1.2", "-1 1.2 a", "99999999999999999999 1.2 a", "1+ +1.2 a"}) {
    EXPECT_FALSE(parse_mark(wrong)) << wrong;
  }
  EXPECT_FALSE(mark_at(0, UINT64_MAX));
}

TEST(Related, NamesThatRotationsGive) {
  for (const char* name : {"app.log.1", "app.log-20261124", "app.log.2026-11-24_10", "app-2026.log", "app.1.log"}) {
    EXPECT_TRUE(is_related("app.log", name)) << name;
  }
  for (const char* name : {"app.log", "app.logs", "apple.log", "app.txt", "application-1.log", "my-app.log"}) {
    EXPECT_FALSE(is_related("app.log", name)) << name;
  }
  EXPECT_TRUE(is_related("syslog", "syslog.1"));
  EXPECT_FALSE(is_related("syslog", "syslog2"));
}

}  // namespace
}  // namespace tocsin::source::tail
