#include "decode/evtx/binxml.h"

#include <string>

#include "decode/evtx/utf16.h"

namespace tocsin::decode::evtx {
namespace {

// u32 next, u16 hash, u16 length; then the units and a NUL.
constexpr std::size_t kNameHeaderBytes = 8;

// Mixes what tells templates apart. Not keyed: who forges a collision garbles only his own file's events.
class FingerprintHandler {
 public:
  explicit FingerprintHandler(const Chunk& chunk) : chunk_(chunk) {}
  void open(RawName name) { mix_name(1, name); }
  void attribute(RawName name) { mix_name(2, name); }
  void start_closed() { mix(3); }
  void close() { mix(4); }
  void text(RawName units) { mix_name(5, units); }
  void code_point(std::uint16_t unit) { mix(0x60000U + unit); }
  void entity(RawName name) { mix_name(7, name); }
  void substitution(Substitution slot) { mix((slot.optional ? 0x9000000ULL : 0x8000000ULL) + (slot.slot << 8) + slot.type); }
  [[nodiscard]] std::uint64_t value() const { return state_; }

 private:
  void mix(std::uint64_t value) {
    state_ = (state_ ^ value) * 0x9E37'79B9'7F4A'7C15ULL;
    state_ ^= state_ >> 29;
  }
  void mix_name(std::uint64_t kind, RawName name) {
    mix((kind << 32) + name.unit_count);
    const char* at = chunk_.bytes + name.at;
    std::size_t left = name.unit_count * 2;
    for (; left >= 8; left -= 8, at += 8) mix(load_u64(at));
    std::uint64_t rest = 0;
    std::memcpy(&rest, at, left);
    mix(rest);
  }

  const Chunk& chunk_;
  std::uint64_t state_ = 0x5851'F42D'4C95'7F2DULL;
};

}  // namespace

Fault Cursor::name(RawName& out) {
  std::uint32_t offset = 0;
  if (!u32(offset)) return kTornRecord;
  const std::size_t size = chunk.size_bytes;
  if (offset > size || size - offset < kNameHeaderBytes) return kBadName;
  const std::size_t units = load_u16(chunk.bytes + offset + 6);
  const std::size_t needed = kNameHeaderBytes + units * 2;
  if (units > kMaxNameUnits || size - offset < needed) return kBadName;
  out = {offset + kNameHeaderBytes, units};
  if (offset == at && !skip(needed + 2)) return kTornRecord;
  return nullptr;
}

Fault Cursor::counted_text(RawName& out) {
  std::uint16_t units = 0;
  if (!u16(units)) return kTornRecord;
  out = {at, units};
  return skip(std::size_t{units} * 2) ? nullptr : kTornRecord;
}

Fault fingerprint(Cursor in, std::uint64_t& out) {
  FingerprintHandler handler(in.chunk);
  const Fault fault = parse_elements(in, {.in_template = true}, handler);
  out = handler.value();
  return fault;
}

std::string to_utf8(const Chunk& chunk, RawName name) {
  std::string out(name.unit_count * kMaxUtf8PerUnit + 8, '\0');
  out.resize(utf16_to_utf8(chunk.bytes + name.at, name.unit_count, out.data()).bytes_written);
  return out;
}

}  // namespace tocsin::decode::evtx
