// Any bytes as a file of rule tests, ours and the regression form.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cli/rules/test_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::cli;
  if (size == 0) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  const auto tests = data[0] % 4 == 0 ? parse_regression_info(text) : parse_tests(text);
  if (tests.ok() ? tests.value().size() > kMaxTestsPerFile : tests.error().text.empty()) std::abort();
  if (tests.ok()) {
    for (const RuleTest& test : tests.value()) static_cast<void>(stays_below(test.file));
  }
  static_cast<void>(regression_path_of(text));
  return 0;
}
