#include "source/kafka/grouping.h"

#include <algorithm>

namespace tocsin::source::kafka {
namespace {

std::string_view without_line_end(std::string_view value) {
  if (!value.empty() && value.back() == '\n') value.remove_suffix(1);
  if (!value.empty() && value.back() == '\r') value.remove_suffix(1);
  return value;
}
bool is_text(char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\t'; }

}  // namespace

MessageKind kind_of(std::string_view value, model::Format format) {
  if (value.size() > kMaxMessageBytes) return MessageKind::kTooLong;
  const std::string_view line = without_line_end(value);
  if (line.empty()) return MessageKind::kNothing;
  if (format == model::Format::kEvtx || !std::ranges::all_of(line, is_text)) return MessageKind::kSingle;
  const std::size_t at = line.find_first_not_of(" \t");
  if (at == std::string_view::npos) return MessageKind::kTextLine;
  return line[at] == '{' || line[at] == '[' ? MessageKind::kJsonLine
         : line[at] == '<'                  ? MessageKind::kMarkupLine
                                            : MessageKind::kTextLine;
}

Group first_group(const std::vector<MessageView>& messages, model::Format format) {
  Group group;
  MessageKind of_group = MessageKind::kNothing;
  for (const MessageView& message : messages) {
    if (group.message_count >= kMaxGroupMessages) break;
    const MessageKind kind = kind_of(message.value, format);
    if (kind == MessageKind::kNothing || kind == MessageKind::kTooLong) {
      ++group.message_count;
      group.too_long_count += kind == MessageKind::kTooLong;
      continue;
    }
    const bool joined = kind != MessageKind::kSingle;
    const std::size_t bytes = joined ? without_line_end(message.value).size() + 1 : message.value.size();
    if (group.record_count > 0) {
      if (kind != of_group || group.bytes + bytes > kGroupBytes) break;
      if (!joined && group.record_count >= kMaxSingles) break;
    }
    of_group = kind;
    group.joined = joined;
    group.bytes += bytes;
    ++group.record_count;
    ++group.message_count;
  }
  return group;
}

std::vector<model::Delivery> deliveries_of(const Group& group, const std::vector<MessageView>& messages,
                                           const Origin& origin) {
  std::vector<model::Delivery> out;
  if (group.record_count == 0) return out;
  const auto add = [&out, &origin] {
    model::Delivery& delivery = out.emplace_back();
    delivery.source = origin.source;
    delivery.received_at = origin.received_at;
    delivery.format = origin.format;
    delivery.peer = origin.peer;
  };
  if (group.joined) {
    add();
    out[0].bytes.reserve(group.bytes);
    const std::int64_t last = messages[group.message_count - 1].offset;
    out[0].once_key = origin.once_prefix + std::to_string(messages[0].offset) + "-" + std::to_string(last);
    out[0].checkpoint_key = origin.checkpoint_key;
    out[0].checkpoint_value = std::to_string(last + 1);
  }
  for (std::size_t i = 0; i < group.message_count; ++i) {
    const MessageKind kind = kind_of(messages[i].value, origin.format);
    if (kind == MessageKind::kNothing || kind == MessageKind::kTooLong) continue;
    if (group.joined) {
      out[0].bytes += without_line_end(messages[i].value);
      out[0].bytes += '\n';
    } else {
      add();
      out.back().bytes = messages[i].value;
      out.back().once_key = origin.once_prefix + std::to_string(messages[i].offset);
    }
  }
  return out;
}

}  // namespace tocsin::source::kafka
