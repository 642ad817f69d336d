// What the API asks of the part that tests the pipeline: implemented by app, or by a test. Any thread.
#pragma once
#include <chrono>
#include <vector>

#include "core/result.h"
#include "ledger/self_tests.h"

namespace tocsin::api {

class SelfTester {
 public:
  virtual ~SelfTester() = default;
  [[nodiscard]] virtual std::chrono::seconds every() const = 0;  // 0: off.
  virtual core::Result<std::vector<ledger::SelfTest>> newest(std::int64_t limit) = 0;
  // Begins a run, if none is under way; answers at once.
  virtual void run_soon() = 0;
};

}  // namespace tocsin::api
