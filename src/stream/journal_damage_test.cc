// What truncation and flipped bits cost, at every byte of small segments.
#include <gtest/gtest.h>

#include "stream/journal/format.h"
#include "stream/journal_test_support.h"

namespace tocsin::stream {
namespace {

constexpr std::size_t kEntryCount = 5;

model::Delivery entry(std::size_t i) { return delivery_of("entry " + std::string(i, 'x')); }

// The ends of the entries in the first segment.
std::vector<std::size_t> entry_ends() {
  std::vector<std::size_t> ends{kSegmentHeadBytes};
  for (std::size_t i = 1; i <= kEntryCount; ++i) ends.push_back(ends.back() + encoded_bytes(entry(i)));
  return ends;
}

void fill(Rig& rig) {
  for (std::size_t i = 1; i <= kEntryCount; ++i) ASSERT_EQ(append_now(*rig.journal, entry(i)), i);
}

// Checks that exactly the entries 1 to kEntryCount but `lost` are there.
void expect_all_but(Journal& journal, std::size_t lost) {
  std::vector<std::uint64_t> wanted, got;
  for (std::size_t i = 1; i <= kEntryCount; ++i) {
    if (i != lost) wanted.push_back(i);
  }
  for (const StoredDelivery& stored : read_all(journal)) {
    if (stored.sequence > kEntryCount) continue;
    got.push_back(stored.sequence);
    EXPECT_EQ(stored.delivery.bytes, entry(stored.sequence).bytes);
  }
  EXPECT_EQ(got, wanted);
}

TEST(JournalDamage, ATruncatedTailCostsOnlyWhatWasCut) {
  const QuickFolder folder;
  Rig rig(quick_options(folder.path()));
  fill(rig);
  rig.journal.reset();
  const std::string path = segment_files(folder.path()).at(0);
  const std::string bytes = testing::read_file(path);
  const std::vector<std::size_t> ends = entry_ends();
  ASSERT_EQ(bytes.size(), ends.back());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    SCOPED_TRACE(cut);
    rig.journal.reset();
    for (const std::string& file : segment_files(folder.path())) std::filesystem::remove(file);
    std::filesystem::remove(folder.path() + "/checkpoints");
    write_file(path, bytes.substr(0, cut));
    std::size_t kept = 0;
    while (kept < kEntryCount && ends[kept + 1] <= cut) ++kept;
    rig.open();
    ASSERT_EQ(read_all(*rig.journal).size(), kept);
    EXPECT_EQ(rig->health().damaged_entries, 0u);
    EXPECT_EQ(rig->health().truncated_bytes, cut - (cut < kSegmentHeadBytes ? 0 : ends[kept]));
    EXPECT_GT(append_now(*rig.journal, delivery_of("new")), kept);
    for (int restart = 0; restart < 2; ++restart) {
      const std::vector<StoredDelivery> all = read_all(*rig.journal);
      ASSERT_EQ(all.size(), kept + 1);
      for (std::size_t i = 0; i < kept; ++i) EXPECT_EQ(all[i].delivery.bytes, entry(i + 1).bytes);
      EXPECT_EQ(all.back().delivery.bytes, "new");
      EXPECT_EQ(rig->health().damaged_entries, 0u);
      rig.open();
    }
  }
}

TEST(JournalDamage, AFlippedBitInTheLastSegmentCostsOnlyItsEntry) {
  const QuickFolder folder;
  Rig rig(quick_options(folder.path()));
  fill(rig);
  rig.journal.reset();
  const std::string path = segment_files(folder.path()).at(0);
  const std::string bytes = testing::read_file(path);
  const std::vector<std::size_t> ends = entry_ends();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    SCOPED_TRACE(at);
    rig.journal.reset();
    for (const std::string& file : segment_files(folder.path())) std::filesystem::remove(file);
    std::filesystem::remove(folder.path() + "/checkpoints");
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    write_file(path, damaged);
    std::size_t hit = 0;  // 0: the head of the segment, which is there twice.
    while (ends[hit] <= at) ++hit;
    rig.open();
    expect_all_but(*rig.journal, hit);
    const JournalHealth health = rig->health();
    EXPECT_EQ(health.damaged_entries + health.truncated_bytes > 0, hit > 0);
    if (hit < kEntryCount) {
      EXPECT_EQ(health.damaged_entries, hit > 0 ? 1u : 0u);
    }
    EXPECT_GT(append_now(*rig.journal, delivery_of("new")), kEntryCount) << "a sequence was given out twice";
    rig.open();
    expect_all_but(*rig.journal, hit);
  }
}

TEST(JournalDamage, AFlippedBitInAnEarlierSegmentCostsOnlyItsEntryAndIsCountedOnce) {
  const QuickFolder folder;
  Rig rig(quick_options(folder.path()));
  fill(rig);
  rig.options.segment_bytes = 100;
  rig.open();
  append_now(*rig.journal, delivery_of("in the second segment"));
  rig.journal.reset();
  ASSERT_EQ(segment_files(folder.path()).size(), 2u);
  const std::string path = segment_files(folder.path()).at(0);
  const std::string bytes = testing::read_file(path);
  const std::vector<std::size_t> ends = entry_ends();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    SCOPED_TRACE(at);
    rig.journal.reset();
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    write_file(path, damaged);
    std::size_t hit = 0;
    while (ends[hit] <= at) ++hit;
    rig.open();
    expect_all_but(*rig.journal, hit);
    EXPECT_EQ(read_all(*rig.journal).back().delivery.bytes, "in the second segment");
    EXPECT_EQ(rig->health().damaged_entries, hit > 0 ? 1u : 0u);
    EXPECT_EQ(rig->health().truncated_bytes, 0u);
  }
}

TEST(JournalDamage, ASegmentWithoutAReadableHeadCostsItselfOnly) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.segment_bytes = 300;
  Rig rig(options);
  for (int i = 0; i < 9; ++i) append_now(*rig.journal, delivery_of(std::string(100, 'x')));
  rig.journal.reset();
  const std::vector<std::string> files = segment_files(folder.path());
  ASSERT_GT(files.size(), 3u);
  std::string bytes = testing::read_file(files[1]);
  std::fill_n(bytes.begin(), kSegmentHeadBytes, '\0');
  write_file(files[1], bytes);
  rig.open();
  const std::size_t kept = read_all(*rig.journal).size();
  EXPECT_LT(kept, 9u);
  EXPECT_EQ(kept + rig->health().damaged_entries, 9u);
  // The last one too: its sequences are not given out again.
  rig.journal.reset();
  bytes = testing::read_file(files.back());
  std::fill_n(bytes.begin(), kSegmentHeadBytes, '\0');
  write_file(files.back(), bytes);
  rig.open();
  EXPECT_GT(append_now(*rig.journal, delivery_of("new")), 9u);
  rig.open();
  EXPECT_EQ(read_all(*rig.journal).back().delivery.bytes, "new");
}

TEST(JournalDamage, ZerosAfterTheTailAreCutOff) {
  const QuickFolder folder;
  Rig rig(quick_options(folder.path()));
  fill(rig);
  rig.journal.reset();
  const std::string path = segment_files(folder.path()).at(0);
  write_file(path, testing::read_file(path) + std::string(10'000, '\0'));
  rig.open();
  EXPECT_EQ(rig->health().truncated_bytes, 10'000u);
  expect_all_but(*rig.journal, 0);
  append_now(*rig.journal, delivery_of("new"));
  EXPECT_EQ(std::filesystem::file_size(path), entry_ends().back());
}

TEST(JournalDamage, AnEntryInsideAPayloadIsNotTakenForOne) {
  const QuickFolder folder;
  Rig rig(quick_options(folder.path()));
  fill(rig);
  rig.journal.reset();
  const std::string path = segment_files(folder.path()).at(0);
  const std::string stolen = testing::read_file(path).substr(kSegmentHeadBytes);
  std::filesystem::remove(path);
  rig.open();
  append_now(*rig.journal, delivery_of(stolen));
  append_now(*rig.journal, delivery_of("after"));
  rig.journal.reset();
  std::string bytes = testing::read_file(path);
  bytes[kSegmentHeadBytes] = static_cast<char>(bytes[kSegmentHeadBytes] ^ 1);
  write_file(path, bytes);
  rig.open();
  const std::vector<StoredDelivery> all = read_all(*rig.journal);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].delivery.bytes, "after");
}

}  // namespace
}  // namespace tocsin::stream
