#include "decode/json/json_events.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

namespace tocsin::decode::json {
namespace {

std::string show(const model::Event& event, const Feed& feed) {
  std::string out;
  for (const model::Field& field : event.fields()) {
    if (!out.empty()) out += ' ';
    out += event.name(field);
    if (field.element) out += "[]";
    out += '=';
    if (field.type == model::ValueType::kNumber) out += '#';
    if (field.type == model::ValueType::kBool) out += '?';
    if (field.type == model::ValueType::kNull) out += '~';
    out += field.text;
  }
  if (feed.show_time) out += " @" + (event.slot->time.known() ? core::format_iso_time(event.slot->time) : std::string{"-"});
  if (feed.show_record) out += " " + std::to_string(event.slot->record) + ":" + std::string{event.slot->raw};
  return out + "\n";
}

struct Output {
  std::string events, bad;

  void take(const model::Batch& batch, const Feed& feed) {
    for (std::size_t i = 0; i < batch.size(); ++i) events += show(batch.event(i), feed);
    for (const model::BadRecord& record : batch.bad()) {
      bad += "!" + record.cause + (feed.show_record ? " " + std::to_string(record.record) + ":" + record.sample : "") + "\n";
    }
  }
};

}  // namespace

std::string decode_text(std::string_view bytes, const Feed& feed) {
  DecodeOptions options;
  options.max_record_bytes = feed.max_record_bytes;
  const auto decoder = feed.layout ? make_json_decoder(*feed.layout, options) : make_json_decoder_for(bytes, options);
  model::NameTable names;
  Output output;
  std::string carried;
  const auto decode = [&](std::size_t size) {
    model::Batch batch(names);
    const auto block = std::make_unique<char[]>(size + kPaddingBytes);
    if (size > 0) std::memcpy(block.get(), carried.data(), size);
    decoder->decode({block.get(), size}, batch);
    carried.erase(0, size);
    output.take(batch, feed);
  };
  const std::size_t step = feed.step_bytes == 0 ? bytes.size() : feed.step_bytes;
  while (!bytes.empty()) {
    const std::size_t take = std::min(step, bytes.size());
    carried.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    const std::size_t size = decoder->cut(carried, bytes.empty());
    if (size > 0) decode(size);
  }
  model::Batch batch(names);
  decoder->finish(batch);
  output.take(batch, feed);
  return output.events + output.bad;
}

}  // namespace tocsin::decode::json
