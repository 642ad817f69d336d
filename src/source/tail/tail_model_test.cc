// Random writes, rotations, truncations and crashes, against the plain statement: each line comes once.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <utility>

#include "source/tail/tail_test_support.h"

namespace tocsin::source {
namespace {

using namespace std::chrono_literals;
using testing::append;
using testing::copy_truncate;
using testing::TailWorld;

// A program that logs and a rotation that keeps 30 old files.
class Writer {
 public:
  Writer(TailWorld& world, std::string name, std::mt19937& random, bool copies)
      : world_(world), name_(std::move(name)), random_(random), copies_(copies) {}

  void write() {
    std::string bytes;
    for (auto count = random_() % 20 + 1; count > 0; --count) {
      std::string line = name_ + " " + std::to_string(++line_count_) + " " + std::string(random_() % 300, 'x') + "\n";
      lines_.push_back(line);
      bytes += line;
    }
    const std::size_t half = random_() % 4 == 0 ? random_() % bytes.size() : 0;  // In two writes, seen in between perhaps.
    append(path(), std::string_view(bytes).substr(0, half));
    append(path(), std::string_view(bytes).substr(half));
  }
  // One way or the other: nobody sets up both for one file.
  void rotate() { copies_ ? copy() : rename(); }
  void rename() {
    if (!std::filesystem::exists(path())) return;
    shift();
    std::filesystem::rename(path(), path(1));
    if (random_() % 2 == 0) write();
  }
  void copy() {
    if (!std::filesystem::exists(path())) return;
    shift();
    copy_truncate(path(), path(1));
    if (random_() % 2 == 0) write();
  }
  // Without a copy: what was not read is lost, so only after all was.
  void truncate() {
    if (std::filesystem::exists(path()) && ::truncate(path().c_str(), 0) != 0) std::abort();
  }
  void remove() { std::filesystem::remove(path()); }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  [[nodiscard]] std::filesystem::path path(int age = 0) const {
    return world_.at(age == 0 ? name_ : name_ + "." + std::to_string(age));
  }
  void shift() {
    for (int age = 30; age > 0; --age) {
      if (std::filesystem::exists(path(age))) std::filesystem::rename(path(age), path(age + 1));
    }
  }
  TailWorld& world_;
  const std::string name_;
  std::mt19937& random_;
  const bool copies_;
  std::vector<std::string> lines_;
  int line_count_ = 0;
};

std::vector<std::string> lines_of(const std::vector<model::Delivery>& all) {
  std::vector<std::string> lines;
  for (const model::Delivery& delivery : all) {
    std::string_view rest = delivery.bytes;
    while (!rest.empty()) {
      const std::size_t size = std::min(rest.find('\n'), rest.size() - 1) + 1;
      lines.emplace_back(rest.substr(0, size));
      rest.remove_prefix(size);
    }
  }
  return lines;
}

void expect_each_once(const TailWorld& world, const std::vector<Writer>& writers, const std::string& context) {
  std::vector<std::string> expected;
  for (const Writer& writer : writers) expected.insert(expected.end(), writer.lines().begin(), writer.lines().end());
  std::ranges::sort(expected);
  world.intake.wait([&](const auto& all) {
    std::size_t count = 0;
    for (const model::Delivery& delivery : all) count += static_cast<std::size_t>(std::ranges::count(delivery.bytes, '\n'));
    return count >= expected.size();
  });
  std::vector<std::string> got = lines_of(world.intake.deliveries());
  std::ranges::sort(got);
  std::vector<std::string> lost, extra;
  std::ranges::set_difference(expected, got, std::back_inserter(lost));
  std::ranges::set_difference(got, expected, std::back_inserter(extra));
  ASSERT_TRUE(lost.empty() && extra.empty())
      << context << ": " << lost.size() << " lost, first " << (lost.empty() ? "" : lost.front()) << "; " << extra.size()
      << " twice, first " << (extra.empty() ? "" : extra.front());
}

enum class Rotations { kRenames, kRenamesAndCopies };

// A file that nobody ever saw before it was rotated away is lost to any reader: so each new beginning is waited for.
void begin(TailWorld& world, Writer& writer, const std::vector<Writer>& writers, const std::string& context) {
  writer.write();
  expect_each_once(world, writers, context);
}

void run(std::uint32_t seed, const std::string& glob, Rotations rotations) {
  std::mt19937 random(seed);
  // Disks use inodes again at once, memory never; but here each truncation of a file on disk waits for it.
  const std::filesystem::path memory = "/dev/shm";
  const bool in_memory = seed % 3 != 0 && std::filesystem::is_directory(memory);
  TailWorld world(glob, in_memory ? memory : std::filesystem::temp_directory_path());
  world.options.rotated = random() % 2 == 0 ? 20ms : 5'000ms;
  world.options.max_open_files = random() % 2 == 0 ? 2 : 100;
  std::vector<Writer> writers;
  for (const char* name : {"a.log", "b.log", "c.log"}) {
    writers.emplace_back(world, name, random, rotations == Rotations::kRenamesAndCopies && random() % 2 == 0);
  }
  world.start();
  const std::string context = "seed " + std::to_string(seed) + " glob " + glob;
  for (Writer& writer : writers) ASSERT_NO_FATAL_FAILURE(begin(world, writer, writers, context));
  bool just_started = false;
  for (int step = 0; step < 60; ++step) {
    Writer& writer = writers[random() % writers.size()];
    const auto what = random() % 20;
    if (what < 11) writer.write();
    if (what < 14 && what >= 11) writer.rotate();
    just_started = just_started || what == 15 || what == 16;
    if (what == 15) world.restart();
    if (what == 16) world.tail.reset();
    if (what == 16 || what == 17) {
      for (auto count = random() % 6; count > 0; --count) {
        Writer& other = writers[random() % writers.size()];
        random() % 3 != 0 ? other.write() : other.rotate();
      }
    }
    if (what == 16) world.start();
    if (what == 18 || what == 19) {
      ASSERT_NO_FATAL_FAILURE(expect_each_once(world, writers, context));
      // Copied, truncated and deleted before a started tail looked: its inode is gone, and so is the way to its checkpoint.
      if (what == 19 && just_started) {
        ASSERT_NO_FATAL_FAILURE(begin(world, writer, writers, context));
      }
      what == 18 ? writer.truncate() : writer.remove();
      ASSERT_NO_FATAL_FAILURE(begin(world, writer, writers, context));
    }
  }
  ASSERT_NO_FATAL_FAILURE(expect_each_once(world, writers, context));
  world.tail->stop(1s);
  ASSERT_NO_FATAL_FAILURE(expect_each_once(world, writers, context + " at the end"));
}

class TailModel : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(TailModel, EachLineComesOnceOverRandomRotationsAndCrashes) { run(GetParam(), "?.log", Rotations::kRenamesAndCopies); }
TEST_P(TailModel, AlsoWhereThePatternMatchesRotatedFiles) { run(GetParam(), "?.log*", Rotations::kRenamesAndCopies); }
TEST_P(TailModel, AlsoWithRenamesAlone) { run(GetParam(), "?.log", Rotations::kRenames); }

// TOCSIN_TAIL_SEEDS=100-199 tries others.
std::pair<std::uint32_t, std::uint32_t> seeds() {
  std::pair<unsigned, unsigned> out{1, 6};
  if (const char* text = std::getenv("TOCSIN_TAIL_SEEDS")) std::sscanf(text, "%u-%u", &out.first, &out.second);
  return out;
}
INSTANTIATE_TEST_SUITE_P(Seeds, TailModel, ::testing::Range(seeds().first, seeds().second + 1));

}  // namespace
}  // namespace tocsin::source
