#include "detect/sigma/regex.h"

#include <re2/re2.h>

#include "detect/rule_set.h"

namespace tocsin::detect::sigma {
namespace {

// Instructions of all distinct expressions of one load; the public rules together have about 25,000.
constexpr std::size_t kMaxProgramTotal = 2'000'000;

bool starts_any(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  for (const std::string_view prefix : prefixes) {
    if (text.starts_with(prefix)) return true;
  }
  return false;
}

RegexCheck explain(const re2::RE2& regex, const std::string& text) {
  RegexCheck out;
  out.ok = false;
  out.code = "regex-syntax";
  const std::string& part = regex.error_arg();
  const std::size_t found = part.empty() ? std::string::npos : text.find(part);
  out.offset = found == std::string::npos ? 0 : found;
  out.message = regex.error();
  if (found != std::string::npos) out.message += ", at character " + std::to_string(found + 1);
  out.hint = "check the expression; a literal character may need a backslash";
  const std::string_view rest = std::string_view(text).substr(out.offset);
  const auto code = regex.error_code();
  if (starts_any(rest, {"(?=", "(?!", "(?<=", "(?<!"})) {
    out.code = "regex-unsupported";
    out.hint = "lookaround cannot run in linear time; use a second selection with 'not' in the condition";
  } else if (starts_any(rest, {"(?>", "(?|", "(?(", "(?R", "(?#"})) {
    out.code = "regex-unsupported";
    out.hint = "atomic groups, conditionals, recursion and comments are not supported; rewrite without them";
  } else if (code == re2::RE2::ErrorBadEscape && rest.size() > 1 && ((rest[1] >= '1' && rest[1] <= '9') || rest[1] == 'k')) {
    out.code = "regex-unsupported";
    out.hint = "backreferences cannot run in linear time; compare two fields with |fieldref";
  } else if (code == re2::RE2::ErrorRepeatOp) {
    out.code = "regex-unsupported";
    out.hint = "possessive and doubled quantifiers are not supported; use a single one";
  } else if (code == re2::RE2::ErrorRepeatSize) {
    out.code = "limit";
    out.hint = "a count may be at most 1000, also multiplied where counts are nested";
  } else if (code == re2::RE2::ErrorPatternTooLarge) {
    out.code = "limit";
    out.hint = "lower the counts in braces";
  }
  return out;
}

}  // namespace

std::unique_ptr<re2::RE2> compile_regex(const std::string& text, RegexFlags flags) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!flags.i);
  options.set_dot_nl(flags.s);
  options.set_max_mem(kMaxRegexMemoryBytes);
  return std::make_unique<re2::RE2>(flags.m ? "(?m)" + text : text, options);
}

const RegexCheck& RegexGuard::check(const std::string& text, RegexFlags flags) {
  std::string key{flags.i ? 'i' : '-', flags.m ? 'm' : '-', flags.s ? 's' : '-'};
  key += text;
  const auto [entry, is_new] = checked_.try_emplace(std::move(key));
  RegexCheck& out = entry->second;
  if (!is_new) return out;
  if (text.size() > kMaxRegexBytes || program_total_ > kMaxProgramTotal) {
    out = {false, "limit",
           text.size() > kMaxRegexBytes ? "the expression is longer than " + std::to_string(kMaxRegexBytes) + " bytes"
                                        : "the expressions of all rules together are too large",
           "split it into several values", 0};
    return out;
  }
  const auto regex = compile_regex(text, flags);
  if (!regex->ok()) {
    out = explain(*regex, text);
    return out;
  }
  const int size = regex->ProgramSize();
  program_total_ += static_cast<std::size_t>(size);
  if (size > kMaxRegexProgram) {
    out = {false, "limit",
           "the expression needs " + std::to_string(size) + " instructions, at most " + std::to_string(kMaxRegexProgram) +
               " are allowed",
           "lower the counts in braces", 0};
  }
  return out;
}

}  // namespace tocsin::detect::sigma
