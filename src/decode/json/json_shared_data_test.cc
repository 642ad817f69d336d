// The decoder over the shared recordings: every file decodes without a bad record, under Sigma's names.
#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>

#include "decode/json/json_events.h"
#include "testing/paths.h"

namespace tocsin::decode::json {
namespace {

// Each file inside a zip.
void for_each_member(const std::filesystem::path& zip, const std::function<void(std::string)>& use) {
  archive* reader = archive_read_new();
  archive_read_support_format_zip(reader);
  ASSERT_EQ(archive_read_open_filename(reader, zip.c_str(), 1u << 16), ARCHIVE_OK) << zip;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
    const std::string name = archive_entry_pathname(entry);
    if (name.find("__MACOSX") != std::string::npos || !name.ends_with(".json")) continue;
    std::string bytes;
    char buffer[1u << 16];
    for (la_ssize_t size = 0; (size = archive_read_data(reader, buffer, sizeof buffer)) > 0;) {
      bytes.append(buffer, static_cast<std::size_t>(size));
    }
    if (!bytes.empty()) use(std::move(bytes));
  }
  archive_read_free(reader);
}

// Decodes in blocks of about 1 MB, as a caller does, and gives each batch away.
void decode_in_blocks(std::string bytes, const std::function<void(const model::Batch&)>& use) {
  const std::size_t size = bytes.size();
  bytes.append(kPaddingBytes, ' ');
  std::string_view left{bytes.data(), size};
  const auto decoder = make_json_decoder_for(left, {});
  model::NameTable names;
  model::Batch batch(names);
  while (!left.empty()) {
    const std::string_view window = left.substr(0, 1u << 20);
    const std::size_t length = decoder->cut(window, window.size() == left.size());
    ASSERT_GT(length, 0u);
    batch.clear();
    decoder->decode(left.substr(0, length), batch);
    left.remove_prefix(length);
    use(batch);
  }
}

TEST(JsonSharedData, EveryTwinHasSigmasNames) {
  if (testing::shared_data().empty()) GTEST_SKIP() << "no shared data beside the project";
  std::size_t twin_count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(testing::shared_data() / "sigma/regression_data")) {
    if (entry.path().extension() != ".json") continue;
    ++twin_count;
    const std::string out = decode_text(testing::read_file(entry.path()));
    EXPECT_EQ(out.find("\n!"), std::string::npos) << entry.path();
    for (const char* name : {"Provider_Name=", "Provider_Guid=", " EventID=#", " TimeCreated=", " EventRecordID=#",
                             " Channel=", " Computer=", " ProcessID=#"}) {
      EXPECT_NE(out.find(name), std::string::npos) << name << " in " << entry.path();
    }
    EXPECT_EQ(out.find("Event.EventData"), std::string::npos) << entry.path();
    EXPECT_EQ(out.find("Event.System"), std::string::npos) << entry.path();
  }
  EXPECT_GT(twin_count, 0u);
}

TEST(JsonSharedData, EveryLaneLineIsAnEvent) {
  if (testing::shared_data().empty()) GTEST_SKIP() << "no shared data beside the project";
  for (const auto& entry : std::filesystem::directory_iterator(testing::shared_data() / "ndjson/lanes")) {
    const std::string text = testing::read_file(entry.path());
    EXPECT_EQ(find_layout(text), Layout::kLines);
    std::size_t event_count = 0;
    decode_in_blocks(text, [&](const model::Batch& batch) {
      event_count += batch.size();
      EXPECT_EQ(batch.bad_count(), 0u) << entry.path();
    });
    EXPECT_EQ(event_count, static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
  }
}

TEST(JsonSharedData, EveryRecordingIsWindowsEventsWithTime) {
  if (testing::shared_data().empty()) GTEST_SKIP() << "no shared data beside the project";
  std::size_t event_count = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(testing::shared_data() / "ndjson/security-datasets")) {
    if (entry.path().extension() != ".zip") continue;
    for_each_member(entry.path(), [&](std::string bytes) {
      decode_in_blocks(std::move(bytes), [&](const model::Batch& batch) {
        EXPECT_EQ(batch.bad_count(), 0u) << entry.path() << ": " << (batch.bad().empty() ? "" : batch.bad()[0].sample);
        event_count += batch.size();
        for (std::size_t i = 0; i < batch.size(); ++i) {
          const model::Event event = batch.event(i);
          ASSERT_TRUE(event.slot->time.known()) << event.slot->raw;
          for (const char* name : {"EventID", "Channel", "Computer", "Provider_Name"}) {
            ASSERT_FALSE(event.text(name).empty()) << name << " in " << event.slot->raw;
          }
        }
      });
    });
  }
  EXPECT_GT(event_count, 1'000u);
}

}  // namespace
}  // namespace tocsin::decode::json
