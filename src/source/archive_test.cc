#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "source/file_input.h"
#include "testing/temporary_folder.h"

namespace tocsin::source {
namespace {

struct Packed {
  std::string name;
  std::string bytes;
  unsigned type = AE_IFREG;
};

la_ssize_t append(archive*, void* out, const void* data, std::size_t size) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(data), size);
  return static_cast<la_ssize_t>(size);
}

// An archive as a string. An empty `password` leaves it open.
std::string pack(int format, int filter, const std::vector<Packed>& members, const char* password = "") {
  std::string out;
  archive* handle = archive_write_new();
  archive_write_set_format(handle, format);
  archive_write_add_filter(handle, filter);
  archive_write_set_bytes_per_block(handle, 0);
  if (*password != '\0') {
    archive_write_set_options(handle, "zip:encryption=traditional");
    archive_write_set_passphrase(handle, password);
  }
  EXPECT_EQ(archive_write_open(handle, &out, nullptr, append, nullptr), ARCHIVE_OK) << archive_error_string(handle);
  for (const Packed& member : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, member.name.c_str());
    archive_entry_set_filetype(entry, member.type);
    archive_entry_set_perm(entry, 0644);
    if (member.type == AE_IFLNK) archive_entry_set_symlink(entry, "/etc/passwd");
    archive_entry_set_size(entry, static_cast<la_int64_t>(member.bytes.size()));
    EXPECT_GE(archive_write_header(handle, entry), ARCHIVE_WARN) << archive_error_string(handle);
    archive_write_data(handle, member.bytes.data(), member.bytes.size());
    archive_entry_free(entry);
  }
  EXPECT_EQ(archive_write_close(handle), ARCHIVE_OK) << archive_error_string(handle);
  archive_write_free(handle);
  return out;
}

std::string compress(std::string_view bytes, int filter = ARCHIVE_FILTER_GZIP) {
  return pack(ARCHIVE_FORMAT_RAW, filter, {{"data", std::string(bytes)}});
}

std::string zip(const std::vector<Packed>& members) { return pack(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, members); }
std::string tar(const std::vector<Packed>& members) {
  return pack(ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_NONE, members);
}

struct Contents {
  std::vector<std::pair<std::string, std::string>> streams;
  std::vector<std::string> broken;
  std::vector<Problem> problems;
  std::vector<std::string> causes() const {
    std::vector<std::string> out;
    for (const Problem& problem : problems) out.push_back(problem.cause);
    return out;
  }
};

Contents read_contents(InputReader& reader) {
  Contents out;
  std::string part(10'007, '\0');
  while (Stream* stream = reader.next()) {
    out.streams.emplace_back(stream->name(), "");
    while (const std::size_t size = stream->read(part)) out.streams.back().second.append(part, 0, size);
    if (stream->broken()) out.broken.push_back(stream->name());
  }
  out.problems = reader.problems().kept();
  return out;
}

Contents read_contents(std::string_view bytes, const ReadOptions& options = {}) {
  InputReader reader("in", bytes, options);
  return read_contents(reader);
}

using Streams = std::vector<std::pair<std::string, std::string>>;
using Strings = std::vector<std::string>;

std::string random_text(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>('a' + random() % 26);
  return out;
}

TEST(Archive, ACompressedFileIsOneStreamOfItsOwnName) {
  const std::string text = random_text(300'000, 1);
  for (const int filter : {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_BZIP2, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD,
                           ARCHIVE_FILTER_LZ4, ARCHIVE_FILTER_LZIP}) {
    const Contents out = read_contents(compress(text, filter));
    EXPECT_EQ(out.streams, (Streams{{"in", text}})) << filter;
    EXPECT_TRUE(out.problems.empty()) << filter;
  }
  EXPECT_EQ(read_contents(compress(text) + compress("more")).streams, (Streams{{"in", text + "more"}}))
      << "gzip members joined by cat";
  EXPECT_EQ(read_contents(compress(compress("twice"))).streams, (Streams{{"in", "twice"}}));
}

TEST(Archive, AnArchiveIsOneStreamAMember) {
  const std::string big = random_text(200'000, 2);
  const std::vector<Packed> members{{"a.log", "one"}, {"dir/", "", AE_IFDIR}, {"dir/b.json", big}, {"empty", ""}};
  const Streams want{{"in!a.log", "one"}, {"in!dir/b.json", big}, {"in!empty", ""}};
  for (const int format :
       {ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FORMAT_ZIP}) {
    const Contents out = read_contents(pack(format, ARCHIVE_FILTER_NONE, members));
    EXPECT_EQ(out.streams, want) << format;
    EXPECT_TRUE(out.problems.empty()) << format;
  }
  for (const int filter : {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD}) {
    EXPECT_EQ(read_contents(pack(ARCHIVE_FORMAT_TAR_USTAR, filter, members)).streams, want) << filter;
  }
  const Contents seven = read_contents(pack(ARCHIVE_FORMAT_7ZIP, ARCHIVE_FILTER_NONE, members));
  EXPECT_EQ((std::map<std::string, std::string>(seven.streams.begin(), seven.streams.end())),
            (std::map<std::string, std::string>(want.begin(), want.end())));
}

TEST(Archive, ArchivesInArchivesAreOpened) {
  const std::string inner = compress(tar({{"auth.log", "x"}, {"auth.log.1.gz", compress("y")}}));
  const std::string outer =
      zip({{"first", "1"}, {"host.tar.gz", inner}, {"deep.zip", zip({{"z.json", "z"}})}, {"last", "2"}});
  const Contents out = read_contents(outer);
  EXPECT_EQ(out.streams, (Streams{{"in!first", "1"},
                                  {"in!host.tar.gz!auth.log", "x"},
                                  {"in!host.tar.gz!auth.log.1.gz", "y"},
                                  {"in!deep.zip!z.json", "z"},
                                  {"in!last", "2"}}));
  EXPECT_TRUE(out.problems.empty());
}

TEST(Archive, NestingPastTheLimitIsRefusedAndTheRestGoesOn) {
  const std::string two = tar({{"inner.tar", tar({{"x", "x"}})}, {"after", "y"}});
  EXPECT_EQ(read_contents(two, {.max_archive_depth = 2}).streams.size(), 2U);
  const Contents out = read_contents(two, {.max_archive_depth = 1});
  EXPECT_EQ(out.streams, (Streams{{"in!after", "y"}}));
  EXPECT_EQ(out.causes(), Strings{"archive-nesting"});
}

TEST(Archive, AZipInsideAnArchiveMustFitIntoMemory) {
  const std::string inner = zip({{"x", random_text(1'000, 3)}});
  const std::string outer = tar({{"big.zip", inner}, {"after", "y"}});
  EXPECT_EQ(read_contents(outer, {.max_nested_bytes = inner.size()}).streams.size(), 2U);
  const Contents out = read_contents(outer, {.max_nested_bytes = inner.size() - 1});
  EXPECT_EQ(out.streams, (Streams{{"in!after", "y"}}));
  EXPECT_EQ(out.causes(), Strings{"archive-nesting"});
}

TEST(Archive, MembersMayBeLeftUnread) {
  const std::string big = random_text(500'000, 4);
  for (const std::string& bytes :
       {zip({{"1", big}, {"2", big}, {"3", "end"}}), compress(tar({{"1", big}, {"2", big}, {"3", "end"}}))}) {
    InputReader reader("in", bytes);
    Strings names;
    while (Stream* stream = reader.next()) names.push_back(stream->name());
    EXPECT_EQ(names, (Strings{"in!1", "in!2", "in!3"}));
    EXPECT_EQ(reader.problems().count(), 0U);
  }
}

TEST(Archive, LinksAndFoldersInsideAreNoStreams) {
  const Contents out = read_contents(tar({{"link", "", AE_IFLNK}, {"pipe", "", AE_IFIFO}, {"real", "x"}}));
  EXPECT_EQ(out.streams, (Streams{{"in!real", "x"}}));
}

TEST(Archive, HostileMemberNamesAreShownOnOneLine) {
  const std::string name_of_limit(kMaxMemberNameBytes, 'n');
  const Contents out = read_contents(tar({{"../../etc/x", "1"},
                                          {"new\nline", "2"},
                                          {"bad\xff", "3"},
                                          {name_of_limit, "4"},
                                          {name_of_limit + "n", "5"},
                                          {"ünï", "6"}}));
  ASSERT_EQ(out.streams.size(), 6U);
  EXPECT_EQ(out.streams[0].first, "in!../../etc/x") << "only shown: nothing is written to disk";
  EXPECT_EQ(out.streams[1].first, "in!new\\x0aline");
  EXPECT_EQ(out.streams[2].first, "in!bad\\xff");
  EXPECT_EQ(out.streams[3].first, "in!" + name_of_limit);
  EXPECT_EQ(out.streams[4].first, "in!" + name_of_limit + "...");
  EXPECT_EQ(out.streams[5].first, "in!ünï");
}

TEST(Archive, ABombIsRefusedAfterTheUncheckedBytes) {
  const ReadOptions options{.unchecked_expanded_bytes = 1 << 20};
  const std::string zeros(64 << 20, '\0');
  const Contents out = read_contents(compress(zeros), options);
  ASSERT_EQ(out.streams.size(), 1U);
  EXPECT_GE(out.streams[0].second.size(), 900'000U);
  EXPECT_LT(out.streams[0].second.size(), 40U << 20) << "200 times the first block, which is read ahead";
  EXPECT_EQ(out.causes(), Strings{"archive-ratio"});
  EXPECT_EQ(out.broken, Strings{"in"});
  EXPECT_TRUE(read_contents(compress(std::string(1 << 20, '\0')), options).problems.empty()) << "small things may be empty";
}

TEST(Archive, ABombInAZipIsPassedOverAndTheRestGoesOn) {
  // Enough honest bytes that the whole stays below the ratio.
  const std::string honest = random_text(3 << 20, 5);
  const std::string bytes = zip({{"before", honest}, {"bomb", std::string(60 << 20, '\0')}, {"after", "x"}});
  const Contents out = read_contents(bytes, {.unchecked_expanded_bytes = 1 << 20});
  ASSERT_EQ(out.streams.size(), 3U);
  EXPECT_EQ(out.broken, Strings{"in!bomb"});
  EXPECT_EQ(out.streams[2].second, "x");
  EXPECT_EQ(out.causes(), Strings{"archive-ratio"});
}

TEST(Archive, ABombPackedTwiceIsMeasuredAgainstTheFile) {
  const std::string bomb = compress(compress(std::string(200 << 20, '\0')));
  const Contents out = read_contents(tar({{"b.gz", bomb}}), {.unchecked_expanded_bytes = 1 << 20});
  ASSERT_EQ(out.causes(), Strings{"archive-ratio"});
  EXPECT_LT(out.streams.at(0).second.size(), 30U << 20);
}

TEST(Archive, ASkippedBombCostsNoMoreThanARefusedOne) {
  const std::string bytes = compress(tar({{"bomb", std::string(100 << 20, '\0')}, {"after", "x"}}));
  InputReader reader("in", bytes, {.unchecked_expanded_bytes = 1 << 20});
  const Stream* stream = reader.next();
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(reader.next(), nullptr) << "what lies behind cannot be reached without expanding it";
  ASSERT_EQ(reader.problems().kept().size(), 1U);
  EXPECT_EQ(reader.problems().kept()[0].cause, "archive-ratio");
}

TEST(Archive, TheTotalOfExpandedBytesIsLimited) {
  const std::string bytes = zip({{"1", random_text(100'000, 6)}, {"2", random_text(100'000, 7)}, {"3", "x"}});
  EXPECT_TRUE(read_contents(bytes, {.max_expanded_bytes = 200'001}).problems.empty());
  const Contents out = read_contents(bytes, {.max_expanded_bytes = 150'000});
  EXPECT_EQ(out.streams.size(), 2U);
  EXPECT_EQ(out.causes(), Strings{"archive-size"});
}

TEST(Archive, TheNumberOfMembersIsLimitedOverAllLevels) {
  const std::string bytes = zip({{"1", "x"}, {"2.tar", tar({{"3", "x"}, {"4", "x"}})}});
  EXPECT_EQ(read_contents(bytes, {.max_members = 4}).streams.size(), 3U);
  const Contents out = read_contents(bytes, {.max_members = 3});
  EXPECT_EQ(out.streams.size(), 2U);
  EXPECT_EQ(out.causes(), Strings{"archive-members"});
}

TEST(Archive, ATruncatedFileGivesWhatIsThere) {
  const std::string text = random_text(1 << 20, 8);
  const std::string whole = compress(text);
  const Contents out = read_contents(std::string_view(whole).substr(0, whole.size() / 2));
  ASSERT_EQ(out.streams.size(), 1U);
  EXPECT_GT(out.streams[0].second.size(), text.size() / 4);
  EXPECT_TRUE(text.starts_with(out.streams[0].second));
  EXPECT_EQ(out.broken, Strings{"in"});
  EXPECT_EQ(out.causes(), Strings{"archive-broken"});
}

TEST(Archive, ABrokenMemberInAZipLeavesTheOthers) {
  const std::string text = random_text(50'000, 9);
  std::string bytes = zip({{"1", text}, {"2", text}, {"3", "x"}});
  bytes.replace(bytes.size() / 2 + 5'000, 200, 200, '\xff');
  const Contents out = read_contents(bytes);
  ASSERT_EQ(out.streams.size(), 3U);
  EXPECT_EQ(out.streams[0].second, text);
  EXPECT_EQ(out.streams[2].second, "x");
  EXPECT_EQ(out.broken, Strings{"in!2"});
  EXPECT_EQ(out.causes(), Strings{"archive-broken"});
}

TEST(Archive, ABreakInTheOuterArchiveIsReportedOnce) {
  const std::string whole = compress(tar({{"x.gz", compress(random_text(1 << 20, 10))}}));
  const Contents out = read_contents(std::string_view(whole).substr(0, whole.size() / 2));
  EXPECT_EQ(out.causes(), Strings{"archive-broken"});
  EXPECT_EQ(out.problems.at(0).name, "in");
}

TEST(Archive, EncryptedMembersAreNamed) {
  const Contents out = read_contents(
      pack(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, {{"1", "secret"}, {"2", random_text(200'000, 11)}}, "password"));
  EXPECT_TRUE(out.streams.empty());
  EXPECT_EQ(out.causes(), (Strings{"archive-encrypted", "archive-encrypted"}));
  EXPECT_EQ(out.problems.at(1).name, "in!2");
}

TEST(Archive, UnreadFormatsAreNamed) {
  const Contents out = read_contents(std::string_view("Rar!\x1a\x07\x01\0rest", 12));
  EXPECT_TRUE(out.streams.empty());
  EXPECT_EQ(out.causes(), Strings{"archive-unsupported"});
}

TEST(Archive, ALogThatBeginsWithZerosIsNotTakenForAnEmptyTar) {
  const std::string text = std::string(5'000, '\0') + "line after a rotation\n";
  EXPECT_EQ(read_contents(compress(text)).streams, (Streams{{"in", text}}));
}

TEST(Archive, FilesOnDiskAreReadLikeMemory) {
  const testing::TemporaryFolder folder;
  const std::string big = random_text(300'000, 12);
  const std::string path = folder.write("a", zip({{"1", big}, {"2", compress(big)}}));
  InputReader reader(Input{path, "a", 0, false});
  const Contents out = read_contents(reader);
  EXPECT_EQ(out.streams, (Streams{{"a!1", big}, {"a!2", big}}));
  EXPECT_EQ(reader.consumed_bytes(), std::filesystem::file_size(path));
}

TEST(Archive, DamagedBytesNeverStopAnything) {
  std::mt19937 random(20261124);
  const std::vector<Packed> members{
      {"a", random_text(3'000, 13)}, {"b.gz", compress("inner")}, {"c", std::string(5'000, 'c')}};
  const Strings originals{zip(members),
                          tar(members),
                          compress(tar(members)),
                          pack(ARCHIVE_FORMAT_7ZIP, ARCHIVE_FILTER_NONE, members),
                          compress(tar(members), ARCHIVE_FILTER_ZSTD),
                          compress(tar(members), ARCHIVE_FILTER_XZ)};
  for (int round = 0; round < 1'200; ++round) {
    std::string bytes = originals[static_cast<std::size_t>(round) % originals.size()];
    for (int changes = static_cast<int>(random() % 8); changes >= 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    const Contents out = read_contents(bytes, {.max_expanded_bytes = 1 << 20, .max_members = 100});
    std::size_t total = 0;
    for (const auto& stream : out.streams) total += stream.second.size();
    ASSERT_LE(total, (1U << 20) + bytes.size());
  }
}

}  // namespace
}  // namespace tocsin::source
