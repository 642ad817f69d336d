// What the reader keeps of one event besides its fields: its time, its messages, the names of a flat Windows export.
//
// Plain state of one event, cleared for each; one thread. Only paths marked `noted` come here.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/time.h"
#include "decode/json/json_paths.h"
#include "model/event.h"

namespace tocsin::decode::json {

class EventNotes {
 public:
  struct Message {
    std::string_view text;
    bool raw = false;       // The whole record: Splunk's _raw or event.
    bool text_too = false;  // May be CEF, LEEF, key=value ...
  };
  static constexpr std::size_t kMaxMessages = 4;

  void clear() {
    time_ranks_ = 0;
    flat_ = 0;
    message_count_ = 0;
    saw_preview = saw_sourcetype = false;
    payload = model::Payload::kNone;
    xml_time = payload_time = core::kNoTime;
  }

  // A field with a noted path is about to become field number `field_index` of the open event.
  void note(const Path& path, model::ValueType type, std::string_view text, bool element, std::size_t field_index);

  // The time by the best candidate that can be read; TimeCreated of XML inside goes first.
  [[nodiscard]] core::Timestamp time() const;

  // Where the event is a flat export of a Windows event (NXLog, Security-Datasets, Splunk, Get-WinEvent): adds what it
  // calls otherwise under Sigma's names too. The exporter's own fields stay.
  void add_flat_windows(model::Batch& out) const;

  [[nodiscard]] std::size_t message_count() const { return message_count_; }
  [[nodiscard]] Message message(std::size_t number) const { return messages_[number]; }

  bool saw_preview = false, saw_sourcetype = false;
  model::Payload payload = model::Payload::kNone;
  core::Timestamp xml_time;
  core::Timestamp payload_time;  // Of CEF and the like inside: for events that have no other.

 private:
  [[nodiscard]] bool has(Flat name) const { return (flat_ >> static_cast<unsigned>(name) & 1) != 0; }

  std::uint32_t time_ranks_ = 0;  // Bit r: times_[r] is set.
  std::uint32_t flat_ = 0;
  std::size_t message_count_ = 0;
  std::array<std::string_view, 32> times_;
  std::array<std::uint32_t, static_cast<std::size_t>(Flat::kCount)> flat_fields_{};
  std::array<Message, kMaxMessages> messages_;
};

}  // namespace tocsin::decode::json
