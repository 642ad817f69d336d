#include "stream/journal.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <thread>

#include "stream/journal_test_support.h"

namespace tocsin::stream {
namespace {

TEST(Journal, GivesBackEveryFieldOfADelivery) {
  const QuickFolder folder;
  Rig rig(quick_options(folder.path()));
  model::Delivery delivery;
  delivery.source = model::SourceId{0xFFFFFFFF};
  delivery.received_at = core::Timestamp{-5};
  delivery.format = model::Format::kText;
  delivery.peer = "peer";
  delivery.header = "a,b\n";
  delivery.bytes = std::string("1,2\n\0x", 6);
  delivery.checkpoint_key = "file:/var/log/x";
  delivery.checkpoint_value = "4711";
  delivery.once_key = "once";
  EXPECT_EQ(append_now(*rig.journal, delivery), 1u);
  const std::vector<StoredDelivery> all = read_all(*rig.journal);
  ASSERT_EQ(all.size(), 1u);
  const model::Delivery& got = all[0].delivery;
  EXPECT_EQ(got.source, delivery.source);
  EXPECT_EQ(got.received_at, delivery.received_at);
  EXPECT_EQ(got.format, delivery.format);
  EXPECT_EQ(got.peer, delivery.peer);
  EXPECT_EQ(got.header, delivery.header);
  EXPECT_EQ(got.bytes, delivery.bytes);
  EXPECT_EQ(got.checkpoint_key, delivery.checkpoint_key);
  EXPECT_EQ(got.checkpoint_value, delivery.checkpoint_value);
  EXPECT_EQ(got.once_key, delivery.once_key);
}

TEST(Journal, TakesTheEmptyAndTheLargestDeliveryAndRefusesOneMore) {
  const QuickFolder folder;
  Rig rig(quick_options(folder.path()));
  append_now(*rig.journal, {});
  model::Delivery delivery;
  delivery.bytes = std::string(model::kMaxDeliveryBytes, 'x');
  delivery.bytes.back() = 'y';
  append_now(*rig.journal, delivery);
  append_now(*rig.journal, delivery_of("after"));
  delivery.bytes += 'z';
  const core::Result<std::uint64_t> refused = append_later(*rig.journal, std::move(delivery)).get();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, core::ErrorCode::kLimit);
  const std::vector<StoredDelivery> all = read_all(*rig.journal);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_TRUE(all[0].delivery.bytes.empty());
  EXPECT_EQ(all[1].delivery.bytes.size(), model::kMaxDeliveryBytes);
  EXPECT_EQ(all[1].delivery.bytes.back(), 'y');
  EXPECT_EQ(all[2].delivery.bytes, "after");
}

TEST(Journal, BeginsAtTheFirstSequenceAskedFor) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.first_sequence = 4'712;
  Rig rig(options);
  EXPECT_EQ(rig->health().last_sequence, 0u);
  EXPECT_EQ(append_now(*rig.journal, delivery_of("a")), 4'712u);
  EXPECT_EQ(append_now(*rig.journal, delivery_of("b")), 4'713u);
  rig.open();  // Asked again, it is past that.
  EXPECT_EQ(append_now(*rig.journal, delivery_of("c")), 4'714u);
  const std::vector<StoredDelivery> all = read_all(*rig.journal);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].sequence, 4'712u);
  EXPECT_EQ(rig->health().first_sequence, 4'712u);
}

TEST(Journal, PassesOverSequencesBelowTheFirstAskedForWithoutCallingThemDamaged) {
  const QuickFolder folder;
  Rig rig(quick_options(folder.path()));
  for (const char* bytes : {"a", "b"}) append_now(*rig.journal, delivery_of(bytes));
  rig.options.first_sequence = 1'000;
  rig.open();
  EXPECT_EQ(append_now(*rig.journal, delivery_of("c")), 1'000u);
  rig.open();
  EXPECT_EQ(append_now(*rig.journal, delivery_of("d")), 1'001u);
  rig.options.first_sequence = 500;
  rig.open();
  EXPECT_EQ(append_now(*rig.journal, delivery_of("e")), 1'002u);
  std::vector<std::uint64_t> sequences;
  for (const StoredDelivery& stored : read_all(*rig.journal)) sequences.push_back(stored.sequence);
  EXPECT_EQ(sequences, (std::vector<std::uint64_t>{1, 2, 1'000, 1'001, 1'002}));
  EXPECT_EQ(rig->health().damaged_entries, 0u);
}

TEST(Journal, RefusesAFirstSequenceThatNoIdCanHold) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.first_sequence = std::uint64_t{1} << (64 - model::kEventIndexBits);
  core::FakeClock clock{core::Timestamp{0}};
  core::Metrics metrics;
  const auto opened = Journal::open(options, clock, metrics);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, core::ErrorCode::kInvalid);
}

TEST(Journal, CommitsInGroupsInTheOrderOfAppends) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.commit_delay = std::chrono::milliseconds(20);
  Rig rig(options);
  std::vector<std::uint64_t> order;  // Of the commit thread until the last future is there.
  for (int i = 0; i < 1'000; ++i) {
    rig->append(delivery_of(std::to_string(i)),
                [&](const core::Result<std::uint64_t>& result) { order.push_back(result.value()); });
  }
  EXPECT_EQ(append_now(*rig.journal, delivery_of("last")), 1'001u);
  ASSERT_EQ(order.size(), 1'000u);
  for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], i + 1);
  EXPECT_LT(rig.metrics.counter("tocsin_journal_commits_total", "").value(), 500u);
  EXPECT_EQ(rig.metrics.counter("tocsin_journal_appended_entries_total", "").value(), 1'001u);
  const std::vector<StoredDelivery> all = read_all(*rig.journal);
  ASSERT_EQ(all.size(), 1'001u);
  for (std::size_t i = 0; i < 1'000; ++i) EXPECT_EQ(all[i].delivery.bytes, std::to_string(i));
}

TEST(Journal, ShowsReadersOnlyWhatIsSyncedAndSyncsTheRestWhenClosed) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.commit_delay = std::chrono::hours(1);
  Rig rig(options);
  std::future<core::Result<std::uint64_t>> done = append_later(*rig.journal, delivery_of("x"));
  EXPECT_TRUE(read_all(*rig.journal).empty());
  EXPECT_EQ(done.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  EXPECT_GT(rig->health().queued_bytes, 0u);
  rig.open();
  EXPECT_EQ(done.get().value(), 1u);
  EXPECT_EQ(read_all(*rig.journal).size(), 1u);
}

TEST(Journal, WakesAReaderThatWaits) {
  const QuickFolder folder;
  Rig rig(quick_options(folder.path()));
  std::thread writer([&] { append_now(*rig.journal, delivery_of("x")); });
  const std::unique_ptr<Journal::Reader> reader = rig->read(1);
  const core::Result<std::optional<StoredDelivery>> next = reader->next(std::chrono::seconds(30));
  writer.join();
  ASSERT_TRUE(next.ok() && next.value());
  EXPECT_EQ((*next)->sequence, 1u);
}

TEST(Journal, GoesOnAfterARestartOverManySegments) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.segment_bytes = 1'000;
  Rig rig(options);
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 20; ++i) append_now(*rig.journal, delivery_of(std::string(100, 'x')));
    rig.open();
  }
  EXPECT_GT(segment_files(folder.path()).size(), 5u);
  const std::vector<StoredDelivery> all = read_all(*rig.journal);
  ASSERT_EQ(all.size(), 100u);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].sequence, i + 1);
  EXPECT_EQ(read_all(*rig.journal, 57).front().sequence, 57u);
  EXPECT_EQ(read_all(*rig.journal, 100).size(), 1u);
  EXPECT_TRUE(read_all(*rig.journal, 101).empty());
  EXPECT_EQ(rig->health().first_sequence, 1u);
  EXPECT_EQ(rig->health().last_sequence, 100u);
  EXPECT_EQ(rig->health().damaged_entries, 0u);
}

TEST(Journal, KeepsADeliveryWithAKnownOnceKeyOnceAlsoAfterARestart) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.segment_bytes = 500;
  Rig rig(options);
  EXPECT_EQ(append_now(*rig.journal, delivery_of("a", "key-a")), 1u);
  EXPECT_EQ(append_now(*rig.journal, delivery_of("a again", "key-a")), 1u);
  for (int i = 0; i < 10; ++i) append_now(*rig.journal, delivery_of(std::string(100, 'x')));
  EXPECT_EQ(append_now(*rig.journal, delivery_of("b", "key-b")), 12u);
  rig.open();
  EXPECT_EQ(append_now(*rig.journal, delivery_of("a again", "key-a")), 1u);
  EXPECT_EQ(append_now(*rig.journal, delivery_of("b again", "key-b")), 12u);
  EXPECT_EQ(append_now(*rig.journal, delivery_of("c", "key-c")), 13u);
  EXPECT_EQ(read_all(*rig.journal).size(), 13u);
  EXPECT_EQ(rig.metrics.counter("tocsin_journal_duplicates_total", "").value(), 3u);
}

TEST(Journal, KeepsCheckpointsOverARestart) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.segment_bytes = 500;
  Rig rig(options);
  for (int i = 0; i < 20; ++i) {
    model::Delivery delivery = delivery_of(std::string(100, 'x'));
    delivery.checkpoint_key = i % 2 == 0 ? "even" : "odd";
    delivery.checkpoint_value = std::to_string(i);
    append_now(*rig.journal, std::move(delivery));
  }
  EXPECT_EQ(rig->checkpoint("even"), "18");
  rig.open();
  EXPECT_EQ(rig->checkpoint("even"), "18");
  EXPECT_EQ(rig->checkpoint("odd"), "19");
  EXPECT_EQ(rig->checkpoint("none"), "");
  std::filesystem::remove(folder.path() + "/checkpoints");
  rig.open();
  EXPECT_EQ(rig->checkpoint("odd"), "19");
}

TEST(Journal, KeepsPositionsOverARestartUntilForgotten) {
  const QuickFolder folder;
  Rig rig(quick_options(folder.path()));
  EXPECT_FALSE(*rig->load_position("detect"));
  ASSERT_TRUE(rig->save_position("detect", {.done_sequence = 5, .state = std::string(100'000, 's')}).ok());
  ASSERT_TRUE(rig->save_position("detect", {.done_sequence = 6, .state = std::string("\0t", 2)}).ok());
  rig.open();
  const core::Result<std::optional<Journal::Position>> loaded = rig->load_position("detect");
  ASSERT_TRUE(loaded.ok() && loaded.value());
  EXPECT_EQ((*loaded)->done_sequence, 6u);
  EXPECT_EQ((*loaded)->state, std::string("\0t", 2));
  EXPECT_EQ(append_now(*rig.journal, delivery_of("x")), 7u) << "what a reader says it has done is not given out again";
  rig->forget_position("detect");
  EXPECT_FALSE(*rig->load_position("detect"));
  EXPECT_EQ(rig->save_position("../x", {}).error().code, core::ErrorCode::kInvalid);
  EXPECT_EQ(rig->save_position("", {}).error().code, core::ErrorCode::kInvalid);
}

TEST(Journal, SaysThatAPositionIsDamaged) {
  const QuickFolder folder;
  Rig rig(quick_options(folder.path()));
  ASSERT_TRUE(rig->save_position("p", {.done_sequence = 5, .state = "state"}).ok());
  const std::string path = folder.path() + "/position-p";
  const std::string bytes = testing::read_file(path);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    write_file(path, damaged);
    const core::Result<std::optional<Journal::Position>> loaded = rig->load_position("p");
    ASSERT_FALSE(loaded.ok()) << i;
    EXPECT_EQ(loaded.error().code, core::ErrorCode::kInvalid);
  }
  rig.open();
  EXPECT_FALSE(rig->load_position("p").ok());
}

TEST(Journal, FindsTheFirstSequenceReceivedAtATimeThoughTheClockWentBack) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.segment_bytes = 300;
  Rig rig(options);
  EXPECT_EQ(rig->sequence_at(core::Timestamp{0}), 1u);
  for (const std::int64_t at : {100, 50, 60, 200, 10, 150}) {
    rig.clock.set(core::Timestamp{at});
    model::Delivery delivery = delivery_of(std::string(100, 'x'));
    delivery.received_at = rig.clock.now();
    append_now(*rig.journal, std::move(delivery));
  }
  for (int round = 0; round < 2; ++round) {
    for (int again = 0; again < 2; ++again) {
      EXPECT_EQ(rig->sequence_at(core::Timestamp{0}), 1u);
      EXPECT_EQ(rig->sequence_at(core::Timestamp{100}), 1u);
      EXPECT_EQ(rig->sequence_at(core::Timestamp{101}), 4u);
      EXPECT_EQ(rig->sequence_at(core::Timestamp{200}), 4u);
      EXPECT_EQ(rig->sequence_at(core::Timestamp{201}), 7u);
    }
    rig.open();
  }
  EXPECT_EQ(read_all(*rig.journal).size(), 6u);
}

TEST(Journal, RefusesASecondOneOnItsFolderInThisAndAnotherProcess) {
  const QuickFolder folder;
  Rig rig(quick_options(folder.path()));
  core::Metrics metrics;
  const auto refused = [&] {
    const core::Result<std::unique_ptr<Journal>> second = Journal::open(rig.options, rig.clock, metrics);
    return !second.ok() && second.error().code == core::ErrorCode::kDenied;
  };
  EXPECT_TRUE(refused());
  const pid_t child = ::fork();
  if (child == 0) ::_exit(refused() ? 0 : 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Journal, SaysWhyItsFolderCannotBeUsed) {
  const QuickFolder folder;
  write_file(folder.path() + "/file", "x");
  core::FakeClock clock{core::Timestamp{0}};
  core::Metrics metrics;
  const core::Result<std::unique_ptr<Journal>> opened =
      Journal::open(quick_options(folder.path() + "/file/x"), clock, metrics);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().text.find("/file/x"), std::string::npos);
  EXPECT_EQ(Journal::open({}, clock, metrics).error().code, core::ErrorCode::kInvalid);
}

}  // namespace
}  // namespace tocsin::stream
