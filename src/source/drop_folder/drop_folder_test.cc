#include "source/drop_folder.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "source/live_test_support.h"
#include "testing/paths.h"
#include "testing/temporary_folder.h"

namespace tocsin::source {
namespace {

using namespace std::chrono_literals;

struct DropWorld : testing::World {
  tocsin::testing::TemporaryFolder folder;
  DropFolderOptions options;
  SourceRef source = ref(9, "drop");
  std::unique_ptr<LiveSource> live;

  DropWorld() {
    options.folder = (folder.path() / "in").string();
    options.poll = 200ms;
  }
  void start() {
    auto started = start_drop_folder(options, source, context());
    if (!started.ok()) std::abort();
    live = std::move(started).value();
  }
  [[nodiscard]] std::filesystem::path at(const std::string& name) const {
    return std::filesystem::path(options.folder) / name;
  }
  // Written elsewhere and moved in, as it should be.
  void drop(const std::string& name, std::string_view bytes) const {
    const std::string made = folder.write("made", bytes);
    std::filesystem::create_directories(at(name).parent_path());
    std::filesystem::rename(made, at(name));
  }
  template <class Condition>
  static bool eventually(const Condition& condition) {
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }
  [[nodiscard]] bool wait_file(const std::string& name) const {
    return eventually([&] { return std::filesystem::exists(at(name)); });
  }
};

std::string tar_of(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string out(1u << 20, '\0');
  std::size_t used = 0;
  archive* const writer = archive_write_new();
  archive_write_set_format_pax_restricted(writer);
  archive_write_add_filter_gzip(writer);
  archive_write_open_memory(writer, out.data(), out.size(), &used);
  for (const auto& [name, bytes] : members) {
    archive_entry* const entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_write_header(writer, entry);
    archive_write_data(writer, bytes.data(), bytes.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  out.resize(used);
  return out;
}

TEST(DropFolder, ReadsAFileOnceAndMovesItToDone) {
  DropWorld world;
  world.start();
  world.drop("a.log", "one\ntwo\n");
  ASSERT_TRUE(world.wait_file("done/a.log"));
  EXPECT_EQ(world.intake.bytes(), "one\ntwo\n");
  EXPECT_FALSE(std::filesystem::exists(world.at("a.log")));
  EXPECT_EQ(world.intake.deliveries().front().peer, "a.log");
  EXPECT_EQ(world.source.meter->snapshot().records, 2u);
}

TEST(DropFolder, TakesWhatWasThereBeforeItStartedAndInFoldersBelow) {
  DropWorld world;
  world.options.settle = 50ms;
  world.drop("x/y/a.log", "one\n");
  world.start();
  ASSERT_TRUE(world.wait_file("done/x/y/a.log"));
  world.drop("z/b.log", "two\n");
  ASSERT_TRUE(world.wait_file("done/z/b.log"));
  EXPECT_EQ(world.intake.bytes(), "one\ntwo\n");
}

TEST(DropFolder, WaitsUntilTheWriterHasClosed) {
  DropWorld world;
  world.options.settle = 60s;
  world.start();
  const int file = ::open(world.at("a.log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  ASSERT_EQ(::write(file, "one\n", 4), 4);
  world.drop("b.log", "other\n");
  ASSERT_TRUE(world.wait_file("done/b.log"));
  EXPECT_EQ(world.intake.bytes(), "other\n");
  ASSERT_EQ(::write(file, "two\n", 4), 4);
  ::close(file);
  ASSERT_TRUE(world.wait_file("done/a.log"));
  EXPECT_EQ(world.intake.bytes(), "other\none\ntwo\n");
}

TEST(DropFolder, LeavesFilesWithNamesOfPartsAndLinksAlone) {
  DropWorld world;
  world.options.settle = 0ms;
  const std::string secret = world.folder.write("secret", "secret\n");
  world.start();
  world.drop("a.log.part", "no\n");
  world.drop(".b.log", "no\n");
  std::filesystem::create_symlink(secret, world.at("c.log"));
  world.drop("d.log", "yes\n");
  ASSERT_TRUE(world.wait_file("done/d.log"));
  std::filesystem::rename(world.at("a.log.part"), world.at("a.log"));
  ASSERT_TRUE(world.wait_file("done/a.log"));
  EXPECT_EQ(world.intake.bytes(), "yes\nno\n");
}

TEST(DropFolder, ReadsTheMembersOfArchives) {
  DropWorld world;
  world.start();
  world.drop("a.tar.gz", tar_of({{"x.log", "one\n"}, {"picture", std::string(10, '\0')}, {"y.log", "two\n"}}));
  ASSERT_TRUE(world.wait_file("done/a.tar.gz"));
  EXPECT_EQ(world.intake.bytes(), "one\ntwo\n");
  EXPECT_EQ(world.intake.deliveries()[1].peer, "a.tar.gz!y.log");
  EXPECT_EQ(world.source.meter->snapshot().refused.at("not-a-log"), 1u);
}

TEST(DropFolder, MovesWhatCannotBeReadToFailedWithTheReason) {
  DropWorld world;
  world.start();
  world.drop("a.bin", std::string(10, '\0'));
  ASSERT_TRUE(world.wait_file("failed/a.bin.txt"));
  const auto whole = [&](const std::string& name) {
    return DropWorld::eventually([&] { return std::filesystem::file_size(world.at(name)) > 0; });
  };
  ASSERT_TRUE(whole("failed/a.bin.txt"));
  EXPECT_NE(tocsin::testing::read_file(world.at("failed/a.bin.txt")).find("no log"), std::string::npos);
  std::string torn = tar_of({{"x.log", "one\n"}, {"y.log", std::string(100'000, 'y')}});
  torn.resize(torn.size() / 2);
  world.drop("b.tar.gz", torn);
  ASSERT_TRUE(world.wait_file("failed/b.tar.gz.txt"));
  EXPECT_GE(world.source.meter->snapshot().refused.at("unreadable"), 1u);
  EXPECT_TRUE(std::filesystem::exists(world.at("failed/b.tar.gz")));
}

TEST(DropFolder, KeepsBothOfTwoFilesOfOneName) {
  DropWorld world;
  world.start();
  world.drop("a.log", "one\n");
  ASSERT_TRUE(world.wait_file("done/a.log"));
  world.drop("a.log", "two\n");
  ASSERT_TRUE(world.wait_file("done/a.log.1"));
  EXPECT_EQ(world.intake.bytes(), "one\ntwo\n");
}

TEST(DropFolder, ReadsAFileAgainThatIsPutInAgain) {
  DropWorld world;
  world.start();
  world.drop("a.log", "one\n");
  ASSERT_TRUE(world.wait_file("done/a.log"));
  const auto key = world.intake.deliveries().front().checkpoint_key;
  ASSERT_TRUE(DropWorld::eventually([&] { return world.intake.checkpoint(key).empty(); }));
  std::filesystem::rename(world.at("done/a.log"), world.at("a.log"));
  ASSERT_TRUE(world.intake.wait([](const auto& all) {
    return std::ranges::count_if(all, [](const model::Delivery& one) { return one.bytes == "one\n"; }) == 2;
  }));
}

TEST(DropFolder, DeletesWhatWasReadWhereToldTo) {
  DropWorld world;
  world.options.delete_done = true;
  world.start();
  world.drop("a.log", "one\n");
  ASSERT_TRUE(
      DropWorld::eventually([&] { return !world.intake.bytes().empty() && !std::filesystem::exists(world.at("a.log")); }));
  EXPECT_FALSE(std::filesystem::exists(world.at("done/a.log")));
}

TEST(DropFolder, CutsLargeFilesAndGoesOnInTheMiddleAfterACrash) {
  DropWorld world;
  world.options.settle = 0ms;
  std::string bytes;
  for (int i = 0; bytes.size() < 5u << 20; ++i) bytes += "line " + std::to_string(i) + std::string(200, 'x') + "\n";
  world.drop("a.log", bytes);
  for (int round = 1; round < 100 && !std::filesystem::exists(world.at("done/a.log")); ++round) {
    world.intake.hold();  // One delivery each time, then it is killed.
    const std::size_t before = world.intake.deliveries().size();
    world.start();
    ASSERT_TRUE(DropWorld::eventually(
        [&] { return world.intake.deliveries().size() > before || std::filesystem::exists(world.at("done/a.log")); }));
    world.live.reset();
    world.intake.release();
  }
  EXPECT_EQ(world.intake.bytes(), bytes);
  for (const model::Delivery& delivery : world.intake.deliveries()) EXPECT_LE(delivery.bytes.size(), 1u << 20);
}

TEST(DropFolder, TriesAgainWhatTheIntakeRefused) {
  DropWorld world;
  world.intake.refuse(core::Error{core::ErrorCode::kIo, "The disk is full."});
  world.start();
  world.drop("a.log", "one\n");
  EXPECT_TRUE(DropWorld::eventually(
      [&] { return world.source.meter->snapshot().problem.find("The disk is full.") != std::string::npos; }));
  world.intake.refuse(std::nullopt);
  ASSERT_TRUE(world.wait_file("done/a.log"));
  EXPECT_EQ(world.intake.bytes(), "one\n");
}

TEST(DropFolder, RefusesAFolderThatIsNone) {
  DropWorld world;
  for (const std::string& wrong : {std::string("relative"), std::string("/"), world.folder.write("file", "")}) {
    world.options.folder = wrong;
    EXPECT_FALSE(start_drop_folder(world.options, world.source, world.context()).ok()) << wrong;
  }
}

}  // namespace
}  // namespace tocsin::source
