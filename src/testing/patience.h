// How long a test waits for what must come. Only a test that fails waits it out: it is there for slow, busy machines.
#pragma once
#include <chrono>

namespace tocsin::testing {

inline constexpr std::chrono::seconds kPatience{60};

}  // namespace tocsin::testing
