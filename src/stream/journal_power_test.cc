// Power loss: what was written but not synced is gone, cut or garbage. And syncs that fail.
//
// This program has its own fdatasync and fsync (the linker takes them before those of the C library). They know how much of
// each file is synced, can fail, and call a hook before they work: the moment where most is at stake.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <mutex>
#include <random>

#include "stream/journal_test_support.h"

namespace {

struct Disk {
  std::mutex mutex;
  std::map<ino_t, std::uint64_t> synced_bytes;
  int data_syncs_to_fail = 0;
  std::function<void()> before_data_sync;  // On the commit thread.
};
Disk& disk() {
  static Disk the_disk;
  return the_disk;
}

int sync_file(int fd, long call) {
  struct stat status{};
  if (::fstat(fd, &status) != 0 || ::syscall(call, fd) != 0) return -1;
  const std::lock_guard lock(disk().mutex);
  disk().synced_bytes[status.st_ino] = static_cast<std::uint64_t>(status.st_size);
  return 0;
}

}  // namespace

extern "C" int fsync(int fd) { return sync_file(fd, SYS_fsync); }
extern "C" int fdatasync(int fd) {
  if (disk().before_data_sync) disk().before_data_sync();
  {
    const std::lock_guard lock(disk().mutex);
    if (disk().data_syncs_to_fail > 0) {
      --disk().data_syncs_to_fail;
      errno = EIO;
      return -1;
    }
  }
  return sync_file(fd, SYS_fdatasync);
}

namespace tocsin::stream {
namespace {

enum class Loss { kCut, kZeros, kGarbage, kPartly };

// Copies the folder as it may be after the power failed now.
void copy_after_loss(const std::string& from, const std::string& to, Loss loss, std::mt19937& random) {
  std::filesystem::remove_all(to);
  std::filesystem::create_directory(to);
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    if (entry.path().extension() == ".tmp") continue;
    std::string bytes = testing::read_file(entry.path());
    struct stat status{};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    std::size_t synced = 0;
    {
      const std::lock_guard lock(disk().mutex);
      synced = std::min<std::size_t>(static_cast<std::size_t>(disk().synced_bytes[status.st_ino]), bytes.size());
    }
    if (loss == Loss::kCut) bytes.resize(synced);
    if (loss == Loss::kPartly) bytes.resize(synced + random() % (bytes.size() - synced + 1));
    for (std::size_t i = synced; i < bytes.size() && (loss == Loss::kZeros || loss == Loss::kGarbage); ++i) {
      bytes[i] = loss == Loss::kZeros ? '\0' : static_cast<char>(random());
    }
    write_file(to + "/" + entry.path().filename().string(), bytes);
  }
}

TEST(JournalPower, WhatWasAcknowledgedSurvivesTheLossOfAllThatWasNotSynced) {
  const QuickFolder folder, crashed;
  JournalOptions options = quick_options(folder.path());
  options.segment_bytes = 3'000;
  Rig rig(options);
  // Of the commit thread.
  std::mt19937 loss_random(3);
  std::map<std::uint64_t, std::string> acknowledged;
  std::size_t losses = 0;
  const auto lose_power = [&] {
    const std::function<void()> hook = std::exchange(disk().before_data_sync, nullptr);  // Not for the journal opened here.
    const std::string copy = crashed.path() + "/copy";
    copy_after_loss(folder.path(), copy, static_cast<Loss>(losses++ % 4), loss_random);
    Rig after(quick_options(copy));
    std::map<std::uint64_t, std::string> found;
    for (const StoredDelivery& stored : read_all(*after.journal)) found[stored.sequence] = stored.delivery.bytes;
    for (const auto& [sequence, bytes] : acknowledged) EXPECT_EQ(found[sequence], bytes) << "of loss " << losses;
    const std::uint64_t fresh = append_now(*after.journal, delivery_of("after"));
    EXPECT_TRUE(acknowledged.empty() || fresh > acknowledged.rbegin()->first);
    after.journal.reset();
    disk().before_data_sync = hook;
  };
  disk().before_data_sync = lose_power;
  std::mt19937 random(4);
  for (int i = 0; i < 60; ++i) {
    std::vector<std::future<core::Result<std::uint64_t>>> group;
    for (std::size_t left = 1 + random() % 3; left > 0; --left) {
      const std::string bytes = std::to_string(i) + "/" + std::to_string(left) + std::string(random() % 300, 'x');
      auto promise = std::make_shared<std::promise<core::Result<std::uint64_t>>>();
      group.push_back(promise->get_future());
      rig->append(delivery_of(bytes), [&, bytes, promise](core::Result<std::uint64_t> result) {
        if (result.ok()) acknowledged[result.value()] = bytes;
        lose_power();
        promise->set_value(std::move(result));
      });
    }
    for (auto& done : group) ASSERT_TRUE(done.get().ok());
  }
  rig.journal.reset();
  disk().before_data_sync = nullptr;
  EXPECT_GT(losses, 50u);
}

TEST(JournalPower, AGroupWhoseSyncFailedGoesToANewSegmentWithTheSameSequences) {
  const QuickFolder folder;
  Rig rig(quick_options(folder.path()));
  EXPECT_EQ(append_now(*rig.journal, delivery_of("first")), 1u);
  {
    const std::lock_guard lock(disk().mutex);
    disk().data_syncs_to_fail = 2;
  }
  auto second = append_later(*rig.journal, delivery_of("second"));
  EXPECT_NE(wait_for_problem(*rig.journal).find("cannot sync"), std::string::npos);
  EXPECT_EQ(read_all(*rig.journal).size(), 1u);
  EXPECT_EQ(second.get().value(), 2u);
  EXPECT_EQ(rig->health().problem, "");
  EXPECT_EQ(rig.metrics.counter("tocsin_journal_failed_commits_total", "").value(), 2u);
  EXPECT_EQ(segment_files(folder.path()).size(), 2u);
  for (int restart = 0; restart < 2; ++restart) {
    const std::vector<StoredDelivery> all = read_all(*rig.journal);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[1].delivery.bytes, "second");
    EXPECT_EQ(rig->health().damaged_entries, 0u);
    rig.open();
  }
}

}  // namespace
}  // namespace tocsin::stream
