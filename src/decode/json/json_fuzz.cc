// The JSON decoders on any bytes: both layouts, cut into blocks of a size that the input chooses. Checks what must hold of
// every batch, and that blocks give the events that the whole gives.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "decode/json/json_decoder.h"

namespace {

using tocsin::decode::DecodeOptions;
using tocsin::decode::Decoder;
namespace json = tocsin::decode::json;
namespace model = tocsin::model;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_batch(const model::Batch& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const model::Event event = batch.event(i);
    check(event.slot->field_count <= model::kMaxFieldsPerEvent);
    check(event.slot->record > 0);
    for (const model::Field& field : event.fields()) {
      check(batch.name(field.name).size() <= model::kMaxNameBytes);
      for (const char c : field.text) (void)*const_cast<const volatile char*>(&c);
    }
  }
  check(batch.bad_count() >= batch.bad().size());
}

// Feeds as a caller does: a buffer that grows by `step`, cut, the rest carried over. Events found.
std::uint64_t run(Decoder& decoder, std::string_view bytes, std::size_t step, model::NameTable& names) {
  std::string carried;
  std::uint64_t event_count = 0;
  const auto decode = [&](std::size_t size) {
    model::Batch batch(names);
    const auto block = std::make_unique<char[]>(size + tocsin::decode::kPaddingBytes);
    if (size > 0) std::memcpy(block.get(), carried.data(), size);
    decoder.decode({block.get(), size}, batch);
    carried.erase(0, size);
    check_batch(batch);
    event_count += batch.size();
  };
  while (!bytes.empty()) {
    const std::size_t take = std::min(step, bytes.size());
    carried.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    const std::size_t size = decoder.cut(carried, false);
    check(size <= carried.size());
    if (size > 0) decode(size);
  }
  check(decoder.cut(carried, true) == carried.size());
  decode(carried.size());
  model::Batch batch(names);
  decoder.finish(batch);
  check_batch(batch);
  return event_count + batch.size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] + 1u;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  DecodeOptions options;
  if (data[0] % 4 == 3) options.max_record_bytes = 48;
  model::NameTable names;
  const auto both = [&](json::Layout layout) {
    const auto whole = run(*json::make_json_decoder(layout, options), bytes, bytes.size() + 1, names);
    const auto parts = run(*json::make_json_decoder(layout, options), bytes, step, names);
    if (options.max_record_bytes > bytes.size()) check(whole == parts);
  };
  const bool marked = bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
  if (marked) {
    both(json::Layout::kUtf16);
  } else {
    both(json::Layout::kDocuments);
    both(json::Layout::kLines);
  }
  if (data[0] % 16 == 0) run(*tocsin::decode::make_json_decoder(options), bytes, step, names);
  return 0;
}
