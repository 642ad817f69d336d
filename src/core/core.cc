#include <cstdio>
#include <cstdlib>

#include "core/assert.h"
#include "core/error.h"

namespace tocsin::core {

const char* to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid: return "invalid";
    case ErrorCode::kNotFound: return "not-found";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kLimit: return "limit";
    case ErrorCode::kDenied: return "denied";
    case ErrorCode::kIo: return "io";
  }
  return "unknown";
}

void assert_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "tocsin: internal error: %s does not hold (%s:%d). Please report this line.\n", condition, file,
               line);
  std::abort();
}

}  // namespace tocsin::core
