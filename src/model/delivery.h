// What a source hands to the stream: bytes as received, with what only the receiver knows. Plain data.
//
// The bytes hold whole records of one format: the source cuts (a syslog frame, lines, a document), so that a delivery is
// decoded without its neighbours. It is the unit of acknowledgement and of the journal.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"
#include "model/event.h"

namespace tocsin::model {

enum class SourceId : std::uint32_t {};  // Given by the ledger, stable over restarts; 0 is Tocsin itself.

inline constexpr std::size_t kMaxDeliveryBytes = 32u << 20;  // The longest record a decoder takes is 16 MB.
inline constexpr std::size_t kMaxRecordsPerDelivery = 1u << 24;

struct Delivery {
  SourceId source{};
  core::Timestamp received_at;
  Format format = Format::kUnknown;  // kUnknown: told from the content.
  std::string peer;                  // Address, file path, topic: where exactly it came from.
  // Bytes that come before `bytes` for the decoder but hold no new record: the header of a CSV or Zeek file.
  std::string header;
  std::string bytes;
  // How far its origin has been read with this delivery ("file:/var/log/x:inode" -> "offset"); kept by the journal with
  // the bytes in one write, so that after a crash the source goes on behind what is safe. Empty key: none.
  std::string checkpoint_key, checkpoint_value;
  // Tells a delivery sent again from a new one (Idempotency-Key, partition and offset). Empty: cannot be told.
  std::string once_key;
};

// The id of an event: the sequence number its delivery has in the journal and the event's place in it, from 0. Decoding is
// pure, so the same delivery gives the same ids however often it is read.
using EventId = std::uint64_t;
constexpr EventId make_event_id(std::uint64_t sequence, std::uint64_t index) { return (sequence << 24) | index; }
constexpr std::uint64_t event_sequence(EventId id) { return id >> 24; }
inline constexpr unsigned kEventIndexBits = 24;

// Where sources put what they received. Implemented by app over the stream.
class Intake {
 public:
  virtual ~Intake() = default;
  // Called once, on a thread of the stream: ok where the bytes are on disk (the sender may be told so). An error: nothing
  // was kept, the sender must not be told that it was. Must not block.
  using Done = std::function<void(core::Result<void>)>;
  // Never blocks. While there is no room, `done` simply comes late: a source bounds what it has under way and then stops
  // reading its sender. Any thread.
  virtual void submit(Delivery delivery, Done done) = 0;
  // The value last kept for this key; empty where there is none.
  [[nodiscard]] virtual std::string checkpoint(std::string_view key) const = 0;
};

}  // namespace tocsin::model
