// Regular expressions of rules: one way to compile them, and the guard that refuses what RE2 cannot run safely.
//
// RE2 runs in time linear in the text. Flags: i ignores case, m lets ^ and $ match at lines, s lets . match newlines.
// Without m, $ matches at the very end only. RegexGuard: one thread; remembers what it has checked.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace re2 {
class RE2;
}

namespace tocsin::detect::sigma {

struct RegexFlags {
  bool i = false, m = false, s = false;
};

// Memory of one compiled expression with its automata.
inline constexpr std::int64_t kMaxRegexMemoryBytes = 16 << 20;
inline constexpr std::size_t kMaxRegexBytes = 16'384;  // Of the expression's text.

// Never null; ask ok().
std::unique_ptr<re2::RE2> compile_regex(const std::string& text, RegexFlags flags);

struct RegexCheck {
  bool ok = true;
  std::string code;  // "regex-syntax", "regex-unsupported" or "limit".
  std::string message, hint;
  std::size_t offset = 0;  // In bytes, of the part at fault; 0 where not known.
};

class RegexGuard {
 public:
  const RegexCheck& check(const std::string& text, RegexFlags flags);

 private:
  std::unordered_map<std::string, RegexCheck> checked_;
  std::size_t program_total_ = 0;
};

}  // namespace tocsin::detect::sigma
