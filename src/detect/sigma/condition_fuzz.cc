// Any text as a condition: it parses or has a problem whose place lies within it.
#include <cstdint>
#include <string_view>
#include <vector>

#include "detect/sigma/condition.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::detect::sigma;
  static const std::vector<std::string_view> names{"a",        "b",       "selection", "filter_x",
                                                   "filter_y", "_hidden", "nothing",   "a|b"};
  std::vector<bool> used(names.size());
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ParsedCondition out = parse_condition(text, names, used);
  if (out.problem && out.problem->offset > size) __builtin_trap();
  return 0;
}
