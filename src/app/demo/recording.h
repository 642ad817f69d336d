// A recording: log files of one day as records in the order of their times, and how their times move to another day.
//
// Pure functions over trusted bytes (what is built in). A record is what one event is made from: a line, an <Event>, the
// lines of one audit event, a document of JSON freed from the array around it.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "model/event.h"

namespace tocsin::app {

// Records that may stand in one body, in any order: one format, and the header of its file where it has one (Zeek).
struct RecordingStream {
  model::Format format = model::Format::kUnknown;
  std::string header;
};
struct RecordingEntry {
  core::Timestamp time;
  std::size_t stream = 0;
  std::string text;  // With its line feed.
};
struct Recording {
  std::vector<RecordingStream> streams;
  std::vector<RecordingEntry> entries;  // By time.
  std::size_t file_count = 0;
};
// Of a tar archive, which may be compressed. kInvalid: a file of no known format, or a record without a time.
core::Result<Recording> read_recording(std::string_view archive);
// One file of it.
core::Result<void> add_to_recording(std::string_view name, std::string_view bytes, Recording& out);
void sort_recording(Recording& recording);

// The recording built into the program.
std::string_view built_in_recording();

// The time that a record of this format carries.
std::optional<core::Timestamp> record_time(std::string_view text, model::Format format);
// The text with its times later by `by`; nothing else changes, so fractions and ids stay. Moved is the record's own time,
// and where times are written out in full also those within a day of it: a date that a command names stays.
std::string move_times(std::string_view text, model::Format format, std::chrono::seconds by);

// What is sent at once: records of one stream, of one window of time.
struct RecordingPart {
  std::size_t stream = 0, records = 0;
  std::size_t entries_before = 0;  // In the windows before.
  std::string bytes;
};
// In the order of windows: what comes later is at most one window older.
std::vector<RecordingPart> cut_recording(const Recording& recording, std::chrono::seconds window, std::chrono::seconds by);

}  // namespace tocsin::app
