// Objects that only wrap a list of events: {"Records":[{..}]}, {"@odata.context":"..","value":[{..}]},
// {"hits":{"hits":[{..}]}} ...
//
// Pure. An object is a wrapper where a list of known name holds objects (or nothing) and every other member has a name
// that such wrappers are known to have; of an object longer than kPeekBytes, the members up to the list decide. So an
// event that happens to hold "events":[{..}] beside its own members stays one event.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tocsin::decode::json {

inline constexpr std::size_t kPeekBytes = 64 * 1024;

enum class WrapperKind : std::uint8_t { kPlain, kWrapper, kNeedMore };
struct WrapperPeek {
  WrapperKind kind = WrapperKind::kPlain;
  std::size_t list_offset = 0;   // Just behind the list's '['.
  std::size_t object_depth = 0;  // How many objects are open around the list.
  std::size_t seen_bytes = 0;    // How much of the text decided.
};

// `text` begins with the object's '{'. kNeedMore only where !last and text is shorter than kPeekBytes.
WrapperPeek peek_wrapper(std::string_view text, bool last);

// Whether an object with this first key can be a wrapper at all.
bool may_begin_wrapper(std::string_view key);

}  // namespace tocsin::decode::json
