// What went wrong, for a person and for a program.
//
// A value type. Programs test `code`; `text` is one sentence with the values in it: what, where, what was expected.
#pragma once
#include <cstdint>
#include <string>

namespace tocsin::core {

enum class ErrorCode : std::uint8_t {
  kInvalid,      // Malformed input: a record, a rule, an argument.
  kNotFound,     // A file, rule, field or name that is not there.
  kUnsupported,  // Well formed, but a feature we do not have.
  kLimit,        // A named limit was reached.
  kDenied,       // The operating system or a policy said no.
  kIo,           // The disk or the network failed.
};

struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string text;
};

// "invalid", "not-found" ...: stable, used in output and counters.
const char* to_string(ErrorCode code);

}  // namespace tocsin::core
