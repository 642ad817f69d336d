// The recording: its times move, and nothing else; what it is sent as decodes to the events of the files.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "app/demo/ingest_client.h"
#include "app/demo/recording.h"
#include "app/formats.h"
#include "testing/temporary_folder.h"

namespace tocsin::app {
namespace {

using model::Format;
using namespace std::chrono_literals;

constexpr std::chrono::seconds kWeek{7 * 86'400};

TEST(MoveTimes, OfEachFormatOnlyTheSecondsAndUp) {
  const auto moved = [](std::string_view text, Format format) { return move_times(text, format, kWeek + 61s); };
  EXPECT_EQ(moved(R"({"@timestamp":"2026-11-17T07:14:03.135Z","UtcTime":"2026-11-17 07:14:03.135","id":"1794898970.515"})",
                  Format::kJson),
            R"({"@timestamp":"2026-11-24T07:15:04.135Z","UtcTime":"2026-11-24 07:15:04.135","id":"1794898970.515"})");
  EXPECT_EQ(moved(R"(<TimeCreated SystemTime="2026-11-17T23:59:59.6080100Z"/><EventRecordID>880078</EventRecordID>)",
                  Format::kWindowsXml),
            R"(<TimeCreated SystemTime="2026-11-25T00:01:00.6080100Z"/><EventRecordID>880078</EventRecordID>)");
  EXPECT_EQ(moved("2026-11-17T07:00:01.000000+00:00 srv CRON[20791]: 1794898970", Format::kSyslog),
            "2026-11-24T07:01:02.000000+00:00 srv CRON[20791]: 1794898970");
  EXPECT_EQ(moved(R"(h 198.51.100.1 - - [17/Nov/2026:07:00:05 +0000] "GET /2026-11-17T07:00:05 HTTP/1.1" 200 5743)",
                  Format::kAccessLog),
            R"(h 198.51.100.1 - - [24/Nov/2026:07:01:06 +0000] "GET /2026-11-17T07:00:05 HTTP/1.1" 200 5743)");
  EXPECT_EQ(moved("type=CWD msg=audit(1794898970.515:21418): cwd=\"/1794898970.5\"", Format::kAuditd),
            "type=CWD msg=audit(1795503831.515:21418): cwd=\"/1794898970.5\"");
  EXPECT_EQ(moved("1794899082.082965\tC1\t1794899082.5", Format::kZeekTsv), "1795503943.082965\tC1\t1794899082.5");
}

TEST(MoveTimes, OverTheEndOfAYear) {
  EXPECT_EQ(move_times("a - - [31/Dec/2026:23:59:59 +0000] x", Format::kAccessLog, 1s),
            "a - - [01/Jan/2027:00:00:00 +0000] x");
  EXPECT_EQ(move_times("2027-01-01T00:00:00Z a", Format::kSyslog, -1s), "2026-12-31T23:59:59Z a");
}

TEST(MoveTimes, LeavesWhatIsNoTimeOfTheRecord) {
  // A day away, or no time at all.
  const std::string_view text =
      R"({"UtcTime":"2026-11-17 10:00:00.1","CreationUtcTime":"2024-02-03 04:05:06.7","file":"2026-11-17.tar","n":"12026-11-17 10:00:00"})";
  EXPECT_EQ(
      move_times(text, Format::kJson, 1s),
      R"({"UtcTime":"2026-11-17 10:00:01.1","CreationUtcTime":"2024-02-03 04:05:06.7","file":"2026-11-17.tar","n":"12026-11-17 10:00:00"})");
  for (const char* none : {"", "-", "2026-11-1", "2026-13-41T99:99:99Z"})
    EXPECT_EQ(move_times(none, Format::kSyslog, 1s), none);
  EXPECT_EQ(move_times("[17/Foo/2026:07:00:05 +0000]", Format::kAccessLog, 1s), "[17/Foo/2026:07:00:05 +0000]");
}

TEST(RecordTime, HasTheFraction) {
  EXPECT_EQ(record_time("1794899082.082965\tC1", Format::kZeekTsv)->ns, 1'794'899'082'082'965'000);
  EXPECT_EQ(record_time("audit(1794898970.515:1)", Format::kAuditd)->ns, 1'794'898'970'515'000'000);
  EXPECT_EQ(record_time("1970-01-01T00:00:01.5Z x", Format::kSyslog)->ns, 1'500'000'000);
  EXPECT_FALSE(record_time("no time", Format::kSyslog));
}

TEST(Recording, FreesDocumentsFromTheArrayAroundThem) {
  Recording recording;
  ASSERT_TRUE(add_to_recording("a.json",
                               "{\"Records\":[\n{\"eventTime\":\"2026-11-17T08:00:01Z\"},\n"
                               "{\"eventTime\":\"2026-11-17T08:00:00Z\"}\n]}\n",
                               recording)
                  .ok());
  sort_recording(recording);
  ASSERT_EQ(recording.entries.size(), 2u);
  EXPECT_EQ(recording.entries[0].text, "{\"eventTime\":\"2026-11-17T08:00:00Z\"}\n");
  EXPECT_EQ(recording.entries[1].text, "{\"eventTime\":\"2026-11-17T08:00:01Z\"}\n");
}

TEST(Recording, KeepsTheLinesOfAnAuditEventTogether) {
  Recording recording;
  const std::string lines =
      "type=SYSCALL msg=audit(1794898970.515:1): a\ntype=CWD msg=audit(1794898970.515:1): cwd=\"/\"\n"
      "type=SYSCALL msg=audit(1794898970.515:2): a\n";
  ASSERT_TRUE(add_to_recording("audit.log", lines, recording).ok());
  ASSERT_EQ(recording.entries.size(), 2u);
  EXPECT_EQ(recording.entries[0].text, lines.substr(0, lines.rfind("type=SYSCALL")));
}

TEST(Recording, RefusesWhatItCannotPlay) {
  Recording recording;
  EXPECT_FALSE(add_to_recording("a.bin", std::string(100, '\0'), recording).ok());
  EXPECT_FALSE(add_to_recording("a.log", "2026-11-17T07:00:01Z h p: a\nno time at all\n", recording).ok());
  EXPECT_FALSE(read_recording("no archive").ok());
}

// Adds the times of its events; whether all bytes were events.
bool decode_times(const RecordingPart& part, Format format, std::vector<core::Timestamp>& times) {
  model::NameTable names;
  model::Batch batch(names);
  DeliveryDecoder decoder;
  model::Delivery delivery;
  delivery.format = format;
  delivery.bytes = part.bytes;
  if (!decoder.decode(delivery, batch) || batch.bad_count() > 0) return false;
  for (std::size_t i = 0; i < batch.size(); ++i) times.push_back(batch.event(i).slot->time);
  return true;
}

TEST(Recording, MovedThereAndBackItIsTheSame) {
  const auto recording = read_recording(built_in_recording());
  ASSERT_TRUE(recording.ok()) << recording.error().text;
  for (const RecordingEntry& entry : recording->entries) {
    const Format format = recording->streams[entry.stream].format;
    const std::string moved = move_times(entry.text, format, kWeek + 12'345s);
    ASSERT_EQ(record_time(moved, format)->ns - entry.time.ns, std::chrono::nanoseconds(kWeek + 12'345s).count());
    ASSERT_EQ(move_times(moved, format, -kWeek - 12'345s), entry.text);
  }
}

TEST(Recording, WhatIsBuiltInIsSentWholeInOrderAndDecodes) {
  auto recording = read_recording(built_in_recording());
  ASSERT_TRUE(recording.ok()) << recording.error().text;
  EXPECT_EQ(recording->file_count, 11u);
  const auto parts = cut_recording(*recording, 5min, kWeek);
  EXPECT_LT(parts.size(), 1'200u);  // Requests: an address may make a hundred a second.
  std::vector<core::Timestamp> moved;
  std::size_t records = 0;
  core::Timestamp newest{recording->entries.front().time.ns + std::chrono::nanoseconds(kWeek).count()};
  for (const RecordingPart& part : parts) {
    const std::size_t before = moved.size();
    ASSERT_TRUE(decode_times(part, recording->streams[part.stream].format, moved)) << part.bytes;
    EXPECT_EQ(moved.size() - before, part.records);
    records += part.records;
    for (std::size_t i = before; i < moved.size(); ++i) {
      EXPECT_GE(moved[i].ns, newest.ns - std::chrono::nanoseconds(5min).count());
      newest = std::max(newest, moved[i]);
    }
  }
  EXPECT_EQ(records, recording->entries.size());
  std::vector<core::Timestamp> wanted;
  for (const RecordingEntry& entry : recording->entries)
    wanted.push_back({entry.time.ns + std::chrono::nanoseconds(kWeek).count()});
  std::sort(moved.begin(), moved.end());
  EXPECT_EQ(moved, wanted);
}

TEST(IngestClient, SaysWhatIsMissing) {
  const tocsin::testing::TemporaryFolder folder;
  IngestTarget target;
  target.certificate_path = (folder.path() / "none.pem").string();
  const auto client = IngestClient::create(std::move(target));
  ASSERT_FALSE(client.ok());
  EXPECT_NE(client.error().text.find("none.pem"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::app
