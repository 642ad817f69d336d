#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "source/file_input.h"
#include "testing/temporary_folder.h"

namespace tocsin::source {
namespace {

using testing::TemporaryFolder;

Input input_of(const std::string& path) {
  const std::vector<std::string> paths{path};
  const InputList found = list_inputs(paths);
  return found.inputs.empty() ? Input{path, path, 0, false} : found.inputs[0];
}

std::string read_all(Stream& stream, std::size_t step = 10'000) {
  std::string out, part(step, '\0');
  while (const std::size_t size = stream.read(part)) out.append(part, 0, size);
  return out;
}

std::string counted_bytes(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>('!' + i * 7 % 90);
  return out;
}

TEST(InputReader, APlainFileIsOneStreamAndItsHeadIsReadAgain) {
  const TemporaryFolder folder;
  const std::string bytes = counted_bytes(3 * kHeadBytes + 5);
  InputReader reader(input_of(folder.write("x.gz", bytes)));  // The name does not matter.
  Stream* stream = reader.next();
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(stream->head(), std::string_view(bytes).substr(0, kHeadBytes));
  EXPECT_EQ(read_all(*stream, 777), bytes);
  EXPECT_EQ(stream->read(std::span<char>{}), 0U);
  EXPECT_FALSE(stream->broken());
  EXPECT_EQ(reader.consumed_bytes(), bytes.size());
  EXPECT_EQ(reader.next(), nullptr);
  EXPECT_EQ(reader.next(), nullptr);
  EXPECT_EQ(reader.problems().count(), 0U);
}

TEST(InputReader, AnEmptyFileIsAnEmptyStream) {
  const TemporaryFolder folder;
  InputReader reader(input_of(folder.write("empty", "")));
  Stream* stream = reader.next();
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(stream->head(), "");
  EXPECT_EQ(read_all(*stream), "");
  auto file = stream->map();
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->bytes(), "");
}

// Sizes around pages and around the limit below which files are copied.
TEST(InputReader, MappedBytesHaveReadableZerosBehindThem) {
  const TemporaryFolder folder;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  for (const std::size_t size :
       {std::size_t{1}, page - 1, page, page + 1, kMaxCopiedBytes, kMaxCopiedBytes + 1, kMaxCopiedBytes + page - 1,
        kMaxCopiedBytes + page - 64, kMaxCopiedBytes + page - 63, kMaxCopiedBytes + page}) {
    const std::string bytes = counted_bytes(size);
    std::shared_ptr<const MappedFile> kept;
    {
      InputReader reader(input_of(folder.write("file", bytes)));
      Stream* stream = reader.next();
      ASSERT_NE(stream, nullptr);
      ASSERT_TRUE(stream->can_map());
      auto file = stream->map();
      ASSERT_TRUE(file.ok()) << file.error().text;
      kept = *file;
      EXPECT_EQ(reader.consumed_bytes(), size);
    }
    ASSERT_EQ(kept->bytes(), bytes) << size << ": lives on without its reader";
    const std::string_view behind(kept->bytes().data() + size, kReadableBytesPastEnd);
    ASSERT_EQ(behind, std::string(kReadableBytesPastEnd, '\0')) << size;
    kept->drop_before(size);
    ASSERT_EQ(kept->bytes(), bytes) << size << ": dropped pages come back";
  }
}

TEST(InputReader, MapShowsTheWholeFileWhateverWasRead) {
  const TemporaryFolder folder;
  const std::string bytes = counted_bytes(100'000);
  InputReader reader(input_of(folder.write("file", bytes)));
  Stream* stream = reader.next();
  std::string part(70'000, '\0');
  ASSERT_GT(stream->read(part), 0U);
  auto file = stream->map();
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->bytes(), bytes);
}

TEST(InputReader, AFileThatVanishedOrBecameAPipeIsAProblemNotAHang) {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", "x");
  const Input input = input_of(path);
  std::filesystem::remove(path);
  InputReader vanished(input);
  EXPECT_EQ(vanished.next(), nullptr);
  ASSERT_EQ(vanished.problems().kept().size(), 1U);
  EXPECT_EQ(vanished.problems().kept()[0].cause, "not-found");
  EXPECT_EQ(vanished.consumed_bytes(), 0U);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  InputReader pipe(input);
  EXPECT_EQ(pipe.next(), nullptr);
  ASSERT_EQ(pipe.problems().kept().size(), 1U);
  EXPECT_EQ(pipe.problems().kept()[0].cause, "special-file");
}

TEST(InputReader, AFileTruncatedWhileItIsReadJustEnds) {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", counted_bytes(500'000));
  InputReader reader(input_of(path));
  Stream* stream = reader.next();
  ASSERT_EQ(stream->head().size(), kHeadBytes);
  std::filesystem::resize_file(path, 10);
  EXPECT_EQ(read_all(*stream).size(), kHeadBytes);
  EXPECT_FALSE(stream->broken());
}

// Puts a pipe in the place of standard input, fed by a thread.
class PipedInput {
 public:
  explicit PipedInput(std::string bytes, int flags = 0) : saved_(::dup(STDIN_FILENO)) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    ::fcntl(ends[0], F_SETFL, flags);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    writer_ = std::thread([end = ends[1], bytes = std::move(bytes)] {
      for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t size = ::write(end, bytes.data() + done, std::min<std::size_t>(bytes.size() - done, 4'099));
        if (size <= 0) break;
        done += static_cast<std::size_t>(size);
      }
      ::close(end);
    });
  }
  ~PipedInput() {
    writer_.join();
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }

 private:
  int saved_;
  std::thread writer_;
};

TEST(InputReader, StandardInputIsReadThroughAPipe) {
  const std::string bytes = counted_bytes(1'000'003);
  const PipedInput piped(bytes);
  InputReader reader(Input{"-", "-", 0, true});
  Stream* stream = reader.next();
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(stream->name(), "-");
  EXPECT_FALSE(stream->can_map());
  EXPECT_FALSE(stream->map().ok());
  EXPECT_EQ(read_all(*stream), bytes);
  EXPECT_EQ(reader.consumed_bytes(), bytes.size());
}

TEST(InputReader, ANonBlockingPipeIsWaitedFor) {
  const std::string bytes = counted_bytes(1'000'003);
  const PipedInput piped(bytes, O_NONBLOCK);
  InputReader reader(Input{"-", "-", 0, true});
  Stream* stream = reader.next();
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(read_all(*stream), bytes);
  EXPECT_FALSE(stream->broken());
}

TEST(InputReader, AClosedStandardInputIsAProblem) {
  const int saved = ::dup(STDIN_FILENO);
  ::close(STDIN_FILENO);
  InputReader reader(Input{"-", "-", 0, true});
  EXPECT_EQ(reader.next(), nullptr);
  EXPECT_EQ(reader.problems().count(), 1U);
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
}

}  // namespace
}  // namespace tocsin::source
