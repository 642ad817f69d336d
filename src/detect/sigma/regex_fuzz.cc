// Any text as an expression: the guard refuses it, or it compiles, stays within its limits and can be searched.
#include <re2/re2.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "detect/rule_set.h"
#include "detect/sigma/regex.h"

namespace {

// Large repetition counts take RE2 milliseconds. They are kept in one input of 32 (by its hash, for
// else the fuzzer would learn to make these); in others each number keeps its first
// digit only, and so are large tables of Unicode classes.
std::string cheap(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (digit && !out.empty() && out.back() >= '0' && out.back() <= '9') continue;
    out += out.ends_with('\\') && (c == 'p' || c == 'P') ? 'd' : c;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::detect;
  if (size == 0) return 0;
  const sigma::RegexFlags flags{(data[0] & 1) != 0, (data[0] & 2) != 0, (data[0] & 4) != 0};
  const std::string_view given(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string text = std::hash<std::string_view>{}(given) % 32 == 0 ? std::string(given) : cheap(given);
  sigma::RegexGuard guard;
  const sigma::RegexCheck& check = guard.check(text, flags);
  if (!check.ok) {
    if (check.offset > text.size() || check.message.empty()) __builtin_trap();
    return 0;
  }
  const auto regex = sigma::compile_regex(text, flags);
  if (!regex->ok() || regex->ProgramSize() > kMaxRegexProgram) __builtin_trap();
  re2::RE2::PartialMatch("cmd.exe /c whoami\nsecond line \xC3\xA9", *regex);
  return 0;
}
