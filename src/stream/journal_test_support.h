// What the journal's tests share. Used by tests only.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "stream/journal.h"
#include "testing/paths.h"
#include "testing/patience.h"
#include "testing/temporary_folder.h"

namespace tocsin::stream {

// In memory where the system offers it: these tests sync thousands of times.
class QuickFolder : public testing::TemporaryFolder {
 public:
  QuickFolder()
      : TemporaryFolder(::access("/dev/shm", W_OK) == 0 ? std::filesystem::path("/dev/shm")
                                                        : std::filesystem::temp_directory_path()) {}
  [[nodiscard]] std::string path() const { return TemporaryFolder::path().string(); }
};

inline JournalOptions quick_options(const std::string& folder) {
  JournalOptions options;
  options.folder = folder;
  options.min_free_bytes = 0;
  options.commit_delay = std::chrono::microseconds(0);
  return options;
}

// A journal with its clock and metrics; open() again is a restart.
struct Rig {
  explicit Rig(JournalOptions with) : options(std::move(with)) { open(); }
  void open() {
    journal.reset();
    core::Result<std::unique_ptr<Journal>> opened = Journal::open(options, clock, metrics);
    ASSERT_TRUE(opened.ok()) << opened.error().text;
    journal = std::move(opened).value();
  }
  Journal* operator->() const { return journal.get(); }

  JournalOptions options;
  core::FakeClock clock{core::Timestamp{1'000}};
  core::Metrics metrics;
  std::unique_ptr<Journal> journal;
};

inline model::Delivery delivery_of(std::string bytes, std::string once_key = {}) {
  model::Delivery delivery;
  delivery.source = model::SourceId{7};
  delivery.received_at = core::Timestamp{1'000};
  delivery.peer = "192.0.2.1";
  delivery.bytes = std::move(bytes);
  delivery.once_key = std::move(once_key);
  return delivery;
}

inline std::future<core::Result<std::uint64_t>> append_later(Journal& journal, model::Delivery delivery) {
  auto promise = std::make_shared<std::promise<core::Result<std::uint64_t>>>();
  std::future<core::Result<std::uint64_t>> future = promise->get_future();
  journal.append(std::move(delivery),
                 [promise](core::Result<std::uint64_t> result) { promise->set_value(std::move(result)); });
  return future;
}

// The sequence; 0 where it failed.
inline std::uint64_t append_now(Journal& journal, model::Delivery delivery) {
  const core::Result<std::uint64_t> result = append_later(journal, std::move(delivery)).get();
  EXPECT_TRUE(result.ok()) << result.error().text;
  return result.ok() ? result.value() : 0;
}

inline std::vector<StoredDelivery> read_all(Journal& journal, std::uint64_t from = 1) {
  std::vector<StoredDelivery> out;
  const std::unique_ptr<Journal::Reader> reader = journal.read(from);
  while (true) {
    core::Result<std::optional<StoredDelivery>> next = reader->next(std::chrono::milliseconds(0));
    EXPECT_TRUE(next.ok()) << next.error().text;
    if (!next.ok() || !next.value()) return out;
    out.push_back(std::move(**next));
  }
}

inline std::vector<std::string> segment_files(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".segment") out.push_back(entry.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// Until the journal says it has a problem, while patience lasts.
inline std::string wait_for_problem(const Journal& journal) {
  const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
  while (std::chrono::steady_clock::now() < until) {
    if (std::string problem = journal.health().problem; !problem.empty()) return problem;
    std::this_thread::yield();
  }
  return {};
}

}  // namespace tocsin::stream
