#include "cli/pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "testing/temporary_folder.h"

namespace tocsin::cli {
namespace {

struct Texts : BlockResult {
  std::vector<std::pair<std::uint64_t, std::string>> events;  // Record within the block or stream, text.
};

// Gives each event's field "n", or its message.
class Collector : public BlockWorker {
 public:
  explicit Collector(std::size_t events_per_part) : events_per_part_(events_per_part) {}
  model::NameTable& names() override { return names_; }
  std::unique_ptr<BlockResult> work(const model::Batch& batch, const StreamInfo&, std::size_t& next) override {
    auto out = std::make_unique<Texts>();
    for (; next < batch.size() && out->events.size() < events_per_part_; ++next) {
      const model::Event event = batch.event(next);
      out->events.emplace_back(event.slot->record,
                               std::string(event.find("n") != nullptr ? event.text("n") : event.text("message")));
      out->kept_bytes += 1'000'000;  // So that workers have to wait for each other.
    }
    return out;
  }

 private:
  model::NameTable names_;
  std::size_t events_per_part_;
};

struct Outcome {
  PipelineStats stats;
  std::vector<std::string> lines;  // "file record text"
  std::vector<model::BadRecord> bad;
};

Outcome run(const PipelineOptions& options, std::size_t events_per_part = 1'000'000) {
  Outcome out;
  out.stats = Pipeline(options).run(
      [&] { return std::make_unique<Collector>(events_per_part); },
      [&](BlockResult& result) {
        for (const auto& [record, text] : static_cast<Texts&>(result).events) {
          out.lines.push_back(result.stream->name + ' ' + std::to_string(result.first_record + record) + ' ' + text);
        }
        out.bad.insert(out.bad.end(), result.bad.begin(), result.bad.end());
      },
      {});
  return out;
}

std::string json_lines(int count) {
  std::string out;
  for (int i = 1; i <= count; ++i) out += "{\"n\":" + std::to_string(i) + "}\n";
  return out;
}

std::string json_array(int count) {
  std::string out = json_lines(count);
  std::replace(out.begin(), out.end() - 1, '\n', ',');
  return "[" + out + "]";
}

std::vector<std::string> expected_lines(const std::string& file, int count) {
  std::vector<std::string> out;
  for (int i = 1; i <= count; ++i) out.push_back(file + ' ' + std::to_string(i) + ' ' + std::to_string(i));
  return out;
}

TEST(Pipeline, OrderAndRecordNumbersHoldWhateverTheThreadsBlocksAndParts) {
  const testing::TemporaryFolder folder;
  PipelineOptions options;
  std::vector<std::string> expected;
  for (int i = 0; i < 6; ++i) {
    options.paths.push_back(folder.write("f" + std::to_string(i), i % 2 == 0 ? json_lines(200) : json_array(200)));
    const auto lines = expected_lines(options.paths.back(), 200);
    expected.insert(expected.end(), lines.begin(), lines.end());
  }
  for (const std::uint32_t threads : {1U, 2U, 4U, 7U}) {
    for (const std::size_t block : {1U, 64U, 700U, 1U << 20U}) {
      for (const std::size_t part : {1U, 3U, 1'000U}) {
        options.threads = threads;
        options.block_bytes = block;
        const Outcome out = run(options, part);
        EXPECT_EQ(out.lines, expected) << threads << " threads, blocks of " << block << ", parts of " << part;
        EXPECT_EQ(out.stats.events, 1'200U);
        EXPECT_EQ(out.stats.records, 1'200U);
        EXPECT_EQ(out.stats.streams, 6U);
        EXPECT_EQ(out.stats.problem_count, 0U);
      }
    }
  }
}

TEST(Pipeline, BadRecordsHaveTheirNumberAndPlaceInTheStream) {
  const testing::TemporaryFolder folder;
  const std::string text = "{\"n\":1}\n{bad\n{\"n\":3}\n{worse\n";
  PipelineOptions options;
  options.paths = {folder.write("a", text)};
  for (const std::size_t block : {1U, 8U, 1'000U}) {
    options.block_bytes = block;
    const Outcome out = run(options);
    ASSERT_EQ(out.bad.size(), 2U);
    EXPECT_EQ(out.bad[0].record, 2U);
    EXPECT_EQ(out.bad[0].offset, 8U);
    EXPECT_EQ(out.bad[1].record, 4U);
    EXPECT_EQ(out.bad[1].offset, text.find("{worse"));
    EXPECT_EQ(out.stats.bad_records, 2U);
  }
}

TEST(Pipeline, TheRestOfALineThatIsTooLongIsNoEventWhicheverWorkerIsFree) {
  const testing::TemporaryFolder folder;
  PipelineOptions options;
  options.format = model::Format::kText;
  options.decode.max_record_bytes = 1'000;
  options.block_bytes = 500;
  std::string text;
  for (int i = 0; i < 20; ++i) text += "short\n" + std::string(5'000, 'x') + '\n';
  const std::string path = folder.write("a", text);
  options.paths = {path, path};
  for (const std::uint32_t threads : {1U, 4U}) {
    options.threads = threads;
    const Outcome out = run(options);
    ASSERT_EQ(out.lines.size(), 40U);
    EXPECT_EQ(out.stats.bad_records, 40U);
    for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(out.lines[i], path + ' ' + std::to_string(i % 20 * 2 + 1) + " short");
  }
}

TEST(Pipeline, StopEndsItBetweenBlocksAndKeepsWhatWasDone) {
  const testing::TemporaryFolder folder;
  PipelineOptions options;
  options.paths = {folder.write("a", json_lines(10'000)), folder.write("b", json_lines(10))};
  options.block_bytes = 1'000;
  for (const std::uint32_t threads : {1U, 3U}) {
    options.threads = threads;
    int asked = 0;
    options.stop = [&] { return ++asked > 10; };
    const Outcome out = run(options);
    EXPECT_TRUE(out.stats.stopped);
    EXPECT_GT(out.lines.size(), 0U);
    EXPECT_LT(out.lines.size(), 5'000U);
    const auto expected = expected_lines(options.paths[0], static_cast<int>(out.lines.size()));
    EXPECT_EQ(out.lines, expected);
  }
}

TEST(Pipeline, CountsPathsOfWhichNothingCouldBeRead) {
  const testing::TemporaryFolder folder;
  PipelineOptions options;
  options.paths = {folder.write("binary", std::string(1'000, '\0')), (folder.path() / "missing").string(),
                   folder.write("empty", ""), folder.write("good", json_lines(1))};
  const Outcome out = run(options);
  EXPECT_EQ(out.stats.unreadable_paths, 2U);
  EXPECT_EQ(out.stats.unrecognised_streams, 1U);
  EXPECT_EQ(out.stats.problem_count, 2U);
  EXPECT_EQ(out.stats.streams, 1U);
  EXPECT_FALSE(out.stats.stopped);
}

TEST(Pipeline, DoesNotReadWhatTheRunWrites) {
  const testing::TemporaryFolder folder;
  folder.write("logs/a", json_lines(2));
  PipelineOptions options;
  options.paths = {(folder.path() / "logs").string()};
  options.outputs = {folder.write("logs/out", json_lines(5))};
  const Outcome out = run(options);
  EXPECT_EQ(out.stats.events, 2U);
  EXPECT_EQ(out.stats.skipped_outputs, 1U);
}

TEST(Pipeline, ProgressMovesWithinAFile) {
  const testing::TemporaryFolder folder;
  PipelineOptions options;
  const std::string text = json_lines(50'000);
  options.paths = {folder.write("a", text)};
  options.block_bytes = 10'000;
  std::vector<std::uint64_t> seen;
  Pipeline(options).run([] { return std::make_unique<Collector>(1'000'000); }, [](BlockResult&) {},
                        [&](const Progress& at) {
                          EXPECT_EQ(at.total_bytes, text.size());
                          seen.push_back(at.read_bytes);
                        });
  ASSERT_GT(seen.size(), 10U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_LT(seen.front(), text.size());
  EXPECT_EQ(seen.back(), text.size());
}

}  // namespace
}  // namespace tocsin::cli
