// Any text as an expression: the guard refuses it, or it compiles, stays within its limits and can be searched.
#include <re2/re2.h>

#include <cstdint>
#include <string>

#include "detect/rule_set.h"
#include "detect/sigma/regex.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::detect;
  if (size == 0) return 0;
  const sigma::RegexFlags flags{(data[0] & 1) != 0, (data[0] & 2) != 0, (data[0] & 4) != 0};
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
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
