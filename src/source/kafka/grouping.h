// Which messages of a partition go to the Intake together: pure functions, so that they decide the same whenever asked.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/delivery.h"

namespace tocsin::source::kafka {

inline constexpr std::size_t kGroupBytes = 1u << 20;
inline constexpr std::size_t kMaxMessageBytes = 16u << 20;  // The longest record a decoder takes.
inline constexpr std::size_t kMaxGroupMessages = 10'000;
inline constexpr std::size_t kMaxSingles = 64;

struct MessageView {
  std::int64_t offset = 0;
  std::string_view value;
};

// What a message is to its neighbours: only lines of the same kind are joined, for a Delivery is of one format.
enum class MessageKind : std::uint8_t { kNothing, kTooLong, kSingle, kJsonLine, kMarkupLine, kTextLine };
MessageKind kind_of(std::string_view value, model::Format format);

// The first messages that go together: lines of one kind, or singles; nothings and too long ones go along with both.
struct Group {
  std::size_t message_count = 0;
  bool joined = false;
  std::size_t bytes = 0;  // Of the deliveries.
  std::size_t record_count = 0, too_long_count = 0;
};
// REQUIRES: offsets rise.
Group first_group(const std::vector<MessageView>& messages, model::Format format);

// Where the messages are from, and what marks them.
struct Origin {
  model::SourceId source{};
  core::Timestamp received_at;
  model::Format format = model::Format::kUnknown;
  std::string peer;         // "topic/partition"
  std::string once_prefix;  // Up to and with the last '/'.
  std::string checkpoint_key;
};
// Deliveries of the group at the front of `messages`, in order; none where it holds nothing.
std::vector<model::Delivery> deliveries_of(const Group& group, const std::vector<MessageView>& messages,
                                           const Origin& origin);

}  // namespace tocsin::source::kafka
