// TOCSIN_ASSERT: for our own mistakes only, on in release too. Never on anything that came from outside.
#pragma once

namespace tocsin::core {
[[noreturn]] void assert_failed(const char* condition, const char* file, int line);
}

#define TOCSIN_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::tocsin::core::assert_failed(#condition, __FILE__, __LINE__))
