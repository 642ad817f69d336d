// BinXML tokens: a pull-free reader that walks one element tree or template body and calls a handler.
//
// Chunk gives bounded access to the bytes; all offsets are relative to the chunk. parse_element never recurses and never
// reads outside `end`. Pure.
#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

#include "decode/evtx/value.h"
#include "model/event.h"

namespace tocsin::decode::evtx {

// Why something could not be read; nullptr is success. The strings are the causes of BadRecords.
using Fault = const char*;
inline constexpr Fault kTornRecord = "evtx-record-torn";        // It ends before its content does.
inline constexpr Fault kBadToken = "evtx-binxml-token";         // A token that cannot stand there.
inline constexpr Fault kBadName = "evtx-name-missing";          // A name's offset leads nowhere.
inline constexpr Fault kBadTemplate = "evtx-template-missing";  // A template's offset leads nowhere, or to another one.
inline constexpr Fault kTooDeep = "evtx-nesting-limit";         // Deeper than model::kMaxDepth.
inline constexpr Fault kTooMuch = "evtx-output-limit";          // Templates that multiply their input.

struct Chunk {
  const char* bytes = nullptr;
  std::size_t size_bytes = 0;
};

// Longer names are refused: nobody has them, and names are shared by offset, so a long one would multiply the work.
inline constexpr std::size_t kMaxNameUnits = 512;

// A name as it lies in the chunk: UTF-16LE units, at `at` of the chunk.
struct RawName {
  std::size_t at = 0;
  std::size_t unit_count = 0;
};

// Reads forward from `at` up to `end`; a failed read says false and leaves the position.
struct Cursor {
  const Chunk& chunk;
  std::size_t at;
  std::size_t end;

  [[nodiscard]] std::size_t left() const { return end - at; }
  [[nodiscard]] const char* here() const { return chunk.bytes + at; }
  bool skip(std::size_t count) {
    if (left() < count) return false;
    at += count;
    return true;
  }
  bool u8(std::uint8_t& out) {
    if (left() < 1) return false;
    out = static_cast<std::uint8_t>(chunk.bytes[at++]);
    return true;
  }
  bool u16(std::uint16_t& out) {
    if (left() < 2) return false;
    out = load_u16(here());
    at += 2;
    return true;
  }
  bool u32(std::uint32_t& out) {
    if (left() < 4) return false;
    out = load_u32(here());
    at += 4;
    return true;
  }
  // A name: by offset, inline where that is the reading position.
  Fault name(RawName& out);
  // u16 count, then that many UTF-16 units.
  Fault counted_text(RawName& out);
};

struct Substitution {
  std::uint16_t slot = 0;
  std::uint8_t type = 0;
  bool optional = false;
};

// Token values without the "more follows" flag.
enum class Token : std::uint8_t {
  kEnd = 0x00,
  kOpen = 0x01,
  kCloseStart = 0x02,
  kCloseEmpty = 0x03,
  kClose = 0x04,
  kText = 0x05,
  kAttribute = 0x06,
  kCData = 0x07,
  kCharRef = 0x08,
  kEntityRef = 0x09,
  kPiTarget = 0x0A,
  kPiData = 0x0B,
  kTemplate = 0x0C,
  kSubstitution = 0x0D,
  kOptional = 0x0E,
  kFragment = 0x0F,
};
inline constexpr std::uint8_t kMoreFlag = 0x40;
inline constexpr std::size_t kFragmentHeaderBytes = 4;

// What stands between tags. Outside of any element (`inside` false) it is skipped, but for slots, which cannot be there.
template <class Handler>
Fault parse_content(Token token, Cursor& in, bool inside, Handler& handler) {
  RawName text;
  std::uint8_t type = 0;
  std::uint16_t unit = 0;
  Fault fault = nullptr;
  switch (token) {
    case Token::kText:
      if (!in.u8(type)) return kTornRecord;
      [[fallthrough]];
    case Token::kCData:
      fault = in.counted_text(text);
      if (fault == nullptr && inside) handler.text(text);
      return fault;
    case Token::kCharRef:
      if (!in.u16(unit)) return kTornRecord;
      if (inside) handler.code_point(unit);
      return nullptr;
    case Token::kEntityRef:
      fault = in.name(text);
      if (fault == nullptr && inside) handler.entity(text);
      return fault;
    case Token::kPiTarget: return in.name(text);
    case Token::kPiData: return in.counted_text(text);
    case Token::kSubstitution:
    case Token::kOptional: {
      Substitution slot;
      slot.optional = token == Token::kOptional;
      if (!in.u16(slot.slot) || !in.u8(slot.type)) return kTornRecord;
      if (!inside) return kBadToken;
      handler.substitution(slot);
      return nullptr;
    }
    default: return kBadToken;
  }
}

// Walks elements from in.at until the end token, or, where `one_element`, until the first element is closed. Handler:
//   void open(RawName), attribute(RawName), start_closed(), close()   close() also for <x/>
//   void text(RawName units), code_point(unit), entity(RawName), substitution(Substitution)
struct ParseOptions {
  bool in_template = false;  // Elements then carry a dependency id.
  bool one_element = false;
};
template <class Handler>
Fault parse_elements(Cursor& in, ParseOptions options, Handler& handler) {
  std::size_t depth = 0;
  while (true) {
    std::uint8_t byte = 0;
    if (!in.u8(byte)) return depth == 0 && options.in_template ? nullptr : kTornRecord;
    const auto token = static_cast<Token>(byte & ~kMoreFlag);
    RawName name;
    Fault fault = nullptr;
    switch (token) {
      case Token::kEnd: return depth == 0 ? nullptr : kBadToken;
      case Token::kFragment:
        if (!in.skip(kFragmentHeaderBytes - 1)) return kTornRecord;
        break;
      case Token::kOpen:
        if (depth >= model::kMaxDepth) return kTooDeep;
        if (!in.skip(options.in_template ? 6 : 4)) return kTornRecord;  // [dependency id] and the element's size.
        fault = in.name(name);
        if (fault != nullptr) return fault;
        if ((byte & kMoreFlag) != 0 && !in.skip(4)) return kTornRecord;  // The size of the attributes.
        ++depth;
        handler.open(name);
        break;
      case Token::kCloseStart: handler.start_closed(); break;
      case Token::kCloseEmpty:
      case Token::kClose:
        if (depth == 0) return kBadToken;
        handler.close();
        if (--depth == 0 && options.one_element) return nullptr;
        break;
      case Token::kAttribute:
        if (depth == 0) return kBadToken;
        fault = in.name(name);
        if (fault != nullptr) return fault;
        handler.attribute(name);
        break;
      default:
        fault = parse_content(token, in, depth > 0, handler);
        if (fault != nullptr) return fault;
    }
  }
}

// The structure of a template body as a number: equal for equal templates wherever their names are stored.
Fault fingerprint(Cursor in, std::uint64_t& out);

// UTF-8 of a raw name or text, NUL-free.
std::string to_utf8(const Chunk& chunk, RawName name);

}  // namespace tocsin::decode::evtx
