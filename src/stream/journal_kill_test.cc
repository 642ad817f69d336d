// A writer is killed at random points, again and again; what it was told is safe must be there, once.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <map>
#include <random>

#include "stream/journal_test_support.h"
#include "testing/temporary_folder.h"

namespace tocsin::stream {
namespace {

struct Acknowledged {
  std::uint64_t sequence = 0, number = 0;
};

// Appends numbers from `first` on, for ever, and writes each acknowledged one to the pipe.
[[noreturn]] void write_until_killed(const JournalOptions& options, std::uint64_t first, int pipe) {
  const core::SystemClock clock;
  core::Metrics metrics;
  core::Result<std::unique_ptr<Journal>> journal = Journal::open(options, clock, metrics);
  if (!journal.ok()) ::_exit(1);
  std::mt19937 random(static_cast<unsigned>(first));
  for (std::uint64_t number = first;; ++number) {
    model::Delivery delivery = delivery_of(std::to_string(number) + " " + std::string(random() % 3'000, 'x'));
    delivery.once_key = std::to_string(number);
    delivery.checkpoint_key = "last";
    delivery.checkpoint_value = std::to_string(number);
    const auto done = [pipe, number](const core::Result<std::uint64_t>& result) {
      const Acknowledged acknowledged{result.ok() ? result.value() : 0, number};
      if (!result.ok() || ::write(pipe, &acknowledged, sizeof acknowledged) != sizeof acknowledged) ::_exit(2);
    };
    if (number % 16 == 0) {  // Waits now and then, so that groups are of many sizes and the queue stays short.
      std::promise<void> written;
      (*journal)->append(std::move(delivery), [&](const core::Result<std::uint64_t>& result) {
        done(result);
        written.set_value();
      });
      written.get_future().wait();
    } else {
      (*journal)->append(std::move(delivery), done);
    }
  }
}

// Runs the writer until it has acknowledged `count` entries, kills it, and answers all that it acknowledged.
std::vector<Acknowledged> run_and_kill(const JournalOptions& options, std::uint64_t first, std::size_t count) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    write_until_killed(options, first, ends[1]);
  }
  ::close(ends[1]);
  std::vector<Acknowledged> out;
  Acknowledged one;
  while (out.size() < count && ::read(ends[0], &one, sizeof one) == sizeof one) out.push_back(one);
  ::kill(child, SIGKILL);
  while (::read(ends[0], &one, sizeof one) == sizeof one) out.push_back(one);
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself with " << WEXITSTATUS(status);
  return out;
}

TEST(JournalKill, WhatWasAcknowledgedIsThereExactlyOnce) {
  const testing::TemporaryFolder folder;
  JournalOptions options = quick_options(folder.path().string());
  options.segment_bytes = 200'000;
  options.commit_delay = std::chrono::milliseconds(1);
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::map<std::uint64_t, std::uint64_t> acknowledged;  // Number to sequence.
  for (std::uint64_t round = 1; round <= 20; ++round) {
    for (const Acknowledged& one : run_and_kill(options, round * 1'000'000, random() % 300)) {
      ASSERT_TRUE(acknowledged.emplace(one.number, one.sequence).second);
    }
    Rig rig(options);
    std::map<std::uint64_t, std::uint64_t> found;
    for (const StoredDelivery& stored : read_all(*rig.journal)) {
      const std::uint64_t number = std::stoull(stored.delivery.bytes);
      EXPECT_TRUE(found.emplace(number, stored.sequence).second) << number << " is there twice";
    }
    for (const auto& [number, sequence] : acknowledged) {
      const auto at = found.find(number);
      ASSERT_NE(at, found.end()) << number << " is lost";
      EXPECT_EQ(at->second, sequence);
    }
    EXPECT_EQ(rig->health().damaged_entries, 0u);
    if (!found.empty()) {  // A sender that sends the last one again is told the same sequence.
      EXPECT_EQ(rig->checkpoint("last"), std::to_string(found.rbegin()->first));
      EXPECT_EQ(append_now(*rig.journal, delivery_of("again", std::to_string(found.rbegin()->first))),
                found.rbegin()->second);
    }
  }
  EXPECT_FALSE(acknowledged.empty());
}

}  // namespace
}  // namespace tocsin::stream
