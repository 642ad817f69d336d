// The files of the console (web/), which are part of the program. Immutable; any thread; cannot fail.
//
// Where the console was not built there is one page that says so and how to build it.
#pragma once
#include <span>
#include <string_view>

namespace tocsin::console {

struct ConsoleFile {
  std::string_view path;          // "/index.html", "/assets/index-BqYx1.js"
  std::string_view content_type;  // With the charset.
  std::string_view bytes;         // As they are sent.
  std::string_view encoding;      // "gzip", or empty: as it is. Clients that do not take gzip are none of the console's.
  std::string_view etag;          // With its quotes.
  bool immutable = false;         // Its name changes with its content: may be kept for good.
};

// nullptr: there is no such file. A path whose last part has no dot, such as "/findings", is a page of the console: it gives
// index.html, and the console itself says where there is no such page. Paths of the API are the caller's to take first.
const ConsoleFile* find_console_file(std::string_view path);

std::span<const ConsoleFile> console_files();  // By path.
bool console_is_built();

// To be sent with every page: the console has no inline script or style, and asks no other host.
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

}  // namespace tocsin::console
