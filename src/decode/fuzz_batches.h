// For the fuzz targets of the decoders: batches that live from one execution to the next, what must hold of each, and a
// caller that feeds a decoder as the program does. One thread.
#pragma once
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "core/unicode.h"
#include "decode/decoder.h"
#include "model/event.h"

namespace tocsin::decode {

inline void fuzz_require(bool truth) {
  if (!truth) std::abort();
}

// Two batches over one table of names, and the blocks they point into. Making them anew each time would cost more than
// decoding a small input does; the arena is poisoned by clear(), so old views are still found out.
class FuzzBatches {
 public:
  // Both empty. A large table of names or arena is not kept, so that each execution finds nearly the same.
  static FuzzBatches& clean() {
    static std::unique_ptr<FuzzBatches> kept;
    constexpr std::size_t kNamesKept = 1'000, kArenaBytesKept = 1u << 20;
    if (kept != nullptr && kept->names_.size() < kNamesKept && kept->first.arena().reserved_bytes() <= kArenaBytesKept &&
        kept->second.arena().reserved_bytes() <= kArenaBytesKept) {
      kept->first.clear();
      kept->second.clear();
      kept->blocks_.clear();
    } else {
      kept = std::make_unique<FuzzBatches>();
    }
    return *kept;
  }

  // A copy in memory of its own with just the padding behind it, so that a read past that is found. Lives until clean().
  std::string_view block(std::string_view bytes) {
    char* copy = blocks_.emplace_back(std::make_unique_for_overwrite<char[]>(bytes.size() + kPaddingBytes)).get();
    if (!bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
    std::memset(copy + bytes.size(), 0, kPaddingBytes);
    return {copy, bytes.size()};
  }

  // As a caller does: a buffer that grows by `step_bytes`, cut at records' ends.
  void feed(Decoder& decoder, std::string_view input, std::size_t step_bytes, model::Batch& out) {
    std::size_t start = 0, end = 0;
    while (start < input.size()) {
      end = end + step_bytes < input.size() ? end + step_bytes : input.size();
      const bool last = end == input.size();
      const std::size_t length = decoder.cut(input.substr(start, end - start), last);
      fuzz_require(length <= end - start && (!last || length == end - start));
      if (length > 0) decoder.decode(block(input.substr(start, length)), out);
      start += length;
    }
    decoder.finish(out);
  }

 private:
  model::NameTable names_;
  std::vector<std::unique_ptr<char[]>> blocks_;

 public:
  model::Batch first{names_}, second{names_};
};

// What every batch promises, and that every byte of it can be read.
inline void check_batch(const model::Batch& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const model::Event event = batch.event(i);
    fuzz_require(event.slot->record > 0);
    fuzz_require(event.fields().size() <= model::kMaxFieldsPerEvent);
    for (const model::Field& field : event.fields()) {
      fuzz_require(event.name(field).size() <= model::kMaxNameBytes);
      fuzz_require(core::is_valid_utf8(field.text));
    }
  }
  fuzz_require(batch.bad_count() >= batch.bad().size());
}

inline bool same_events(const model::Batch& a, const model::Batch& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const model::Event left = a.event(i), right = b.event(i);
    if (left.fields().size() != right.fields().size()) return false;
    for (std::size_t f = 0; f < left.fields().size(); ++f) {
      const model::Field &x = left.fields()[f], &y = right.fields()[f];
      if (x.type != y.type || x.element != y.element || x.text != y.text || left.name(x) != right.name(y)) return false;
    }
  }
  return true;
}

}  // namespace tocsin::decode
