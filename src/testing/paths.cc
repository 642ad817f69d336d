#include "testing/paths.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace tocsin::testing {

std::filesystem::path project_root() { return TOCSIN_PROJECT_ROOT; }

std::filesystem::path shared_data() {
  const char* given = std::getenv("TOCSIN_SHARED_DATA");
  std::filesystem::path path =
      given != nullptr ? std::filesystem::path(given) : project_root().parent_path() / "shared" / "data";
  return std::filesystem::is_directory(path) ? path : std::filesystem::path{};
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "test: cannot read %s\n", path.c_str());
    std::abort();
  }
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace tocsin::testing
