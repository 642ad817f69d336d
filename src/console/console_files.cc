#include "console/console_files.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#ifdef TOCSIN_CONSOLE_BUILT
extern "C" const char tocsin_console_bytes[];
#endif

namespace tocsin::console {
namespace {

#ifdef TOCSIN_CONSOLE_BUILT
struct Row {
  std::string_view path, content_type;
  std::size_t offset, length;
  std::string_view etag;
};
constexpr Row kRows[] = {
#include TOCSIN_CONSOLE_TABLE
};

std::vector<ConsoleFile> make_files() {
  std::vector<ConsoleFile> files;
  for (const Row& row : kRows) {
    files.push_back({.path = row.path,
                     .content_type = row.content_type,
                     .bytes = std::string_view(tocsin_console_bytes + row.offset, row.length),
                     .encoding = "gzip",
                     .etag = row.etag,
                     .immutable = row.path.starts_with("/assets/")});
  }
  return files;
}
#else
constexpr std::string_view kNotBuilt = R"(<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Tocsin</title></head>
<body>
<h1>The console was not built</h1>
<p>Tocsin runs, and its API answers under /api/v1, but this program was built without the console. To build it, where npm is
installed:</p>
<pre>cmake --build build/release --target console
cmake --build build/release</pre>
<p>web/README.md says more.</p>
</body>
</html>
)";

std::vector<ConsoleFile> make_files() {
  return {{.path = "/index.html",
           .content_type = "text/html; charset=utf-8",
           .bytes = kNotBuilt,
           .encoding = "",
           .etag = "\"not-built\""}};
}
#endif

const std::vector<ConsoleFile>& all_files() {
  static const std::vector<ConsoleFile> files = make_files();
  return files;
}

bool is_page(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash != std::string_view::npos && path.find('.', slash) == std::string_view::npos;
}

}  // namespace

const ConsoleFile* find_console_file(std::string_view path) {
  const std::string_view wanted = is_page(path) ? "/index.html" : path;
  const std::vector<ConsoleFile>& files = all_files();
  const auto found = std::ranges::lower_bound(files, wanted, {}, &ConsoleFile::path);
  return found != files.end() && found->path == wanted ? &*found : nullptr;
}

std::span<const ConsoleFile> console_files() { return all_files(); }

bool console_is_built() {
#ifdef TOCSIN_CONSOLE_BUILT
  return true;
#else
  return false;
#endif
}

}  // namespace tocsin::console
